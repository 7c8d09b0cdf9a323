import { capacityOf } from '../../domain/explain/capacity';
import type { Descriptor } from '../../domain/descriptor/descriptor';
import { portsLeft } from '../../domain/adopt';
import { failure } from '../../domain/failure';
import { plan } from '../../domain/placement';
import { asFound } from '../../domain/placement/rebalance';
import { ontoOf, planSeveral, type PlannedVnf, type SeveralInput } from '../../domain/placement/several';
import { withRemedies, withRemediesForAll } from '../../domain/explain/remedies';
import { toldMost, toldOf } from '../../domain/explain/tell';
import type { Member } from '../../domain/record';
import type { Plan } from '../../domain/plan';
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
  // Of ports alone adopt makes nothing.
  const message =
    servers.length === 0
      ? `The cloud has no servers of ${vnf}, and no record knows it; but ${portsLeft(vnf, ports)} Or choose another id.`
      : `The cloud has ${String(servers.length)} servers and ${String(ports.length)} ports tagged as ${vnf}'s (${found}), and no record knows them. Take them over ("bulkhead adopt ${vnf} <descriptor>", or the procedure adopt), delete them, or choose another id.`;
  throw toFailure(
    failure('AlreadyExists', message, {
      vnf,
      servers: servers.map((server) => server.serverId),
      ports: ports.map((port) => port.id),
    }),
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

/** All VNFs on one snapshot, each beside what the others take, and with its own servers. */
export function planEmptyHostsActivity(dependencies: Dependencies, ways: Ways): CloudActivities['planEmptyHosts'] {
  return async ({ hosts, cause, fenced = false, records, tell = false }) => {
    if (records.length === 0) return null;
    const pools = records.flatMap(({ descriptor }) => poolsOf(descriptor));
    const way = await ways();
    const deadline = deadlineOf(dependencies.timing);
    const call = deadline.call();
    const vnfs = records.map(({ vnf }) => vnf);
    const [snapshot, servers] = await Promise.all([
      way.readSnapshot({ pools, vnf: null }, call),
      serversByVnf(dependencies, { vnfs, hostOf: way.hostOf }, deadline),
    ]);
    const asked: SeveralInput = {
      vnfs: records.map((record) => ({ record, servers: servers.get(record.vnf) ?? [] })),
      snapshot,
      request: { kind: 'emptyHosts', hosts, cause, fenced },
    };
    const planned = planSeveral(asked);
    if (!planned.ok) throw toFailure(withRemediesForAll(asked, planned));
    const { each, oneByOne } = planned;
    return {
      ...(tell && { plans: toldEach(each) }),
      // A tenant chooses no hosts.
      ...(cause === 'maintenance' &&
        !snapshot.tenant && {
          onto: Object.fromEntries(each.map((one) => [one.asked.record.vnf, ontoOf(one.plan)])),
        }),
      ...(oneByOne && { oneByOne: true }),
    };
  };
}

/** Of many VNFs they would be more than a history should hold: the first are told in full. */
function toldEach(each: readonly PlannedVnf[]): Record<string, Plan> {
  const left = { ...toldMost };
  const plans = each.map(({ asked, plan: made }): [string, Plan] => {
    const told = toldOf({ ...asked, record: asFound(asked.record, made.foundOn ?? []) }, made, left);
    left.hosts -= told.hosts.length;
    left.reasons -= told.choices.reduce((sum, choice) => sum + Object.keys(choice.hosts).length, 0);
    return [asked.record.vnf, { ...made, told }];
  });
  return Object.fromEntries(plans);
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
