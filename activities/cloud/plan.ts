import { capacityOf } from '../../domain/explain/capacity';
import type { Descriptor } from '../../domain/descriptor/descriptor';
import { failure, type Failure } from '../../domain/failure';
import { plan, type PlanInput as PlannerInput } from '../../domain/placement';
import { budgetOf, costOf, spend } from '../../domain/placement/budget';
import { asFound } from '../../domain/placement/rebalance';
import { withRemedies } from '../../domain/explain/remedies';
import { toldMost, toldOf } from '../../domain/explain/tell';
import type { Member, VnfRecord } from '../../domain/record';
import type { Plan } from '../../domain/plan';
import { less } from '../../domain/resources';
import { isDeadStatus, type Snapshot } from '../../domain/snapshot';
import { readMarks, tag } from '../../domain/names';
import { neutron, nova } from '../../openstack';
import type { Dependencies } from '../dependencies';
import { toFailure } from '../errors';
import { inParallel } from '../parallel';
import type { CloudActivities, PlanInput } from '../ports';
import { deadlineOf, refuseLostTurn, type Deadline } from '../turn';
import type { WayIn, Ways } from '../way-in';
import { seenServer, type SnapshotOf } from './snapshot';

/** One snapshot, one plan. The planner runs here, so that its result is in the history. */
export function planActivity(dependencies: Dependencies, ways: Ways): CloudActivities['plan'] {
  return async (input) => {
    refuseLostTurn(input.turn);
    const { record, request } = input;
    const { descriptor, vnf } = record;
    const call = deadlineOf(dependencies.timing).call();
    const concerned =
      request.kind === 'scaleOut' || request.kind === 'scaleIn'
        ? [request.pool]
        : descriptor.pools.map((pool) => pool.name);
    const pools = poolsOf(descriptor).filter(({ pool }) => concerned.includes(pool.name));
    const snapshot = await (await ways()).readSnapshot({ pools, vnf }, call);
    if (request.kind === 'instantiate') await refuseLeftovers(dependencies, input, snapshot);
    const launched = input.launched ?? [];
    const living = launched.filter(isAlive(snapshot));
    const asked = {
      record,
      snapshot,
      request,
      launched: living,
      ...(input.avoidHosts && { avoidHosts: input.avoidHosts }),
      ...(input.fullGroups && { fullGroups: input.fullGroups }),
      ...(input.stranded && { stranded: input.stranded }),
      ...(input.oneChange !== undefined && { oneChange: input.oneChange }),
      ...(input.strict !== undefined && { strict: input.strict }),
    };
    const planned = plan(asked);
    if (!planned.ok) throw toFailure(withRemedies(asked, planned.refusal));
    const known = { ...asked, record: asFound(record, planned.plan.foundOn ?? []) };
    const dead = launched.filter((member) => !living.includes(member));
    const discard = [...planned.plan.discard, ...dead.map(({ pool, ordinal }) => ({ pool, ordinal }))];
    return { ...planned.plan, discard, ...(input.tell && { told: toldOf(known, planned.plan, toldMost) }) };
  };
}

/** What died since it was launched is no member to be: it is discarded, and the plan makes up for it. */
function isAlive({ servers }: Snapshot): (member: Member) => boolean {
  const status = new Map(servers.map((server) => [server.serverId, server.status]));
  return ({ serverId }) => !isDeadStatus(status.get(serverId) ?? 'DELETED');
}

/** Servers or ports of a VNF of this name, and no record of it: whose they are is not for instantiate to decide. */
async function refuseLeftovers(
  { session, timing }: Dependencies,
  { turn, record }: PlanInput,
  snapshot: Snapshot,
): Promise<void> {
  const { vnf } = record;
  const servers = snapshot.servers.filter((server) => server.token !== turn.token);
  const ports = (await neutron.listPorts(session, {}, deadlineOf(timing).call())).filter(({ description }) => {
    const marks = readMarks(description);
    return marks.vnf === vnf && marks.token !== turn.token;
  });
  if (servers.length + ports.length === 0) return;
  const found = [...servers.map((server) => server.name), ...ports.map((port) => port.name)].slice(0, 10).join(', ');
  throw toFailure(
    failure(
      'AlreadyExists',
      `The cloud has ${String(servers.length)} servers and ${String(ports.length)} ports tagged as ${vnf}'s (${found}), and no record knows them. Take them over ("bulkhead adopt ${vnf} <descriptor>", or the procedure adopt), delete them, or choose another id.`,
      {
        vnf,
        servers: servers.map((server) => server.serverId),
        ports: ports.map((port) => port.id),
      },
    ),
  );
}

/** The whole of the VNF on one snapshot, and nothing planned that anybody carries out. */
export function capacityActivity(dependencies: Dependencies, ways: Ways): CloudActivities['capacity'] {
  return async ({ record }) => {
    const of = { pools: poolsOf(record.descriptor), vnf: record.vnf };
    const call = deadlineOf(dependencies.timing).call();
    return capacityOf(record, await (await ways()).readSnapshot(of, call));
  };
}

/** All VNFs on one snapshot, one after another, each seeing what those before it take, and its own servers. */
export function planEmptyHostsActivity(dependencies: Dependencies, ways: Ways): CloudActivities['planEmptyHosts'] {
  return async ({ hosts, cause, fenced = false, records, tell = false }) => {
    const plans: Record<string, Plan> = {};
    if (records.length === 0) return plans;
    const pools = records.flatMap(({ descriptor }) => poolsOf(descriptor));
    const way = await ways();
    const deadline = deadlineOf(dependencies.timing);
    const call = deadline.call();
    const vnfs = records.map(({ vnf }) => vnf);
    const [seen, servers] = await Promise.all([
      way.readSnapshot({ pools, vnf: null }, call),
      serversByVnf(dependencies, { vnfs, hostOf: way.hostOf }, deadline),
    ]);
    let snapshot = seen;
    const left = { ...toldMost };
    for (const record of records) {
      const own = { servers: servers.get(record.vnf) ?? [] };
      // Several move at the same time: none of them can count on what another gives back.
      const wholeSurge = records.length > 1;
      const asked: PlannerInput = {
        record,
        snapshot: { ...snapshot, ...own },
        request: { kind: 'emptyHosts', hosts, cause, fenced },
        wholeSurge,
      };
      const planned = plan(asked);
      if (!planned.ok) {
        const refusal = withRemedies(asked, planned.refusal);
        // The VNFs before it have taken what it needs: in another order all might find a place.
        const isForOthers = refusal.kind === 'Impossible' && plan({ ...asked, snapshot: { ...seen, ...own } }).ok;
        throw toFailure(about(record, isForOthers ? { ...refusal, kind: 'NotFound' } : refusal));
      }
      // Of many VNFs they would be more than a history should hold for nobody.
      if (tell) {
        const known = { ...asked, record: asFound(record, planned.plan.foundOn ?? []) };
        const told = toldOf(known, planned.plan, left);
        left.hosts -= told.hosts.length;
        left.reasons -= told.choices.reduce((sum, choice) => sum + Object.keys(choice.hosts).length, 0);
        plans[record.vnf] = { ...planned.plan, told };
      }
      snapshot = remaining(snapshot, record, planned.plan);
    }
    return plans;
  };
}

const listedAtOnce = 5;

/** Where the members of each VNF are. Others than those that its record has on the hosts may be there, or they elsewhere. */
async function serversByVnf(
  { session }: Dependencies,
  of: { readonly vnfs: readonly string[]; readonly hostOf: WayIn['hostOf'] },
  deadline: Deadline,
): Promise<ReadonlyMap<string, Snapshot['servers']>> {
  const servers = new Map<string, Snapshot['servers']>();
  await inParallel(of.vnfs, listedAtOnce, async (vnf) => {
    const listed = await nova.listServers(session, { tags: [tag.vnf(vnf)] }, deadline.call());
    servers.set(
      vnf,
      listed.flatMap((server) => seenServer(server, of.hostOf(server)) ?? []),
    );
  });
  return servers;
}

function poolsOf({ pools, networks }: Descriptor): SnapshotOf['pools'] {
  return pools.map((pool) => ({ pool, networks }));
}

function about(record: VnfRecord, refusal: Failure): Failure {
  return { ...refusal, message: `${record.vnf}: ${refusal.message}`, details: { ...refusal.details, vnf: record.vnf } };
}

/** What is left of room and quota when this plan is carried out: everything new beside everything that is there. */
function remaining(snapshot: Snapshot, record: VnfRecord, planned: Plan): Snapshot {
  const free = new Map(snapshot.hosts.map((host) => [host.name, host.free]));
  const budget = budgetOf(snapshot);
  const { moves = [], batches } = planned;
  for (const batch of [...moves, ...batches]) {
    const { pool: name, rows } = batch;
    const pool = record.descriptor.pools.find((each) => each.name === name);
    const flavor = snapshot.flavors[pool?.flavor ?? ''];
    if (!pool || !flavor) continue;
    // Who is evacuated is in the quota already.
    if (batches.includes(batch)) spend(budget, costOf(flavor, pool), rows.length);
    for (const { host } of rows) {
      const room = free.get(host);
      if (room) free.set(host, less(room, flavor));
    }
  }
  const quotas = { ...snapshot.quotas };
  for (const [resource, left] of budget) {
    const quota = quotas[resource];
    if (quota) quotas[resource] = { ...quota, used: quota.limit - left };
  }
  return {
    ...snapshot,
    quotas,
    hosts: snapshot.hosts.map((host) => ({ ...host, free: free.get(host.name) ?? host.free })),
  };
}
