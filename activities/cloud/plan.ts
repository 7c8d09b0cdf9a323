import { failure, type Failure } from '../../domain/failure';
import { plan } from '../../domain/placement';
import type { Member, VnfRecord } from '../../domain/record';
import type { Plan } from '../../domain/plan';
import type { Snapshot } from '../../domain/snapshot';
import { tag } from '../../domain/names';
import { neutron } from '../../openstack';
import type { Dependencies } from '../dependencies';
import { toFailure } from '../errors';
import type { CloudActivities, PlanInput } from '../ports';
import { deadlineOf, refuseLostTurn } from '../turn';
import { readSnapshot } from './snapshot';

/** One snapshot, one plan. The planner runs here, so that its result is in the history. */
export function planActivity(dependencies: Dependencies): CloudActivities['plan'] {
  return async (input) => {
    refuseLostTurn(input.turn);
    const { record, request } = input;
    const { descriptor, vnf } = record;
    const call = deadlineOf(dependencies.timing).call();
    const concerned = request.kind === 'scaleOut' || request.kind === 'scaleIn' ? [request.pool] : descriptor.pools.map((pool) => pool.name);
    const pools = descriptor.pools.filter((pool) => concerned.includes(pool.name));
    const snapshot = await readSnapshot(dependencies, { descriptor, pools, vnf }, call);
    if (request.kind === 'instantiate') await refuseLeftovers(dependencies, input, snapshot);
    const planned = plan({
      record,
      snapshot,
      request,
      launched: alive(input.launched ?? [], snapshot),
      ...(input.avoidHosts && { avoidHosts: input.avoidHosts }),
      ...(input.oneChange !== undefined && { oneChange: input.oneChange }),
      ...(input.strict !== undefined && { strict: input.strict }),
    });
    if (!planned.ok) throw toFailure(planned.refusal);
    return planned.plan;
  };
}

/** What died since it was launched is no member to be. */
function alive(launched: readonly Member[], snapshot: Snapshot): Member[] {
  const dead = new Set(snapshot.servers.filter((server) => server.status === 'ERROR').map((server) => server.serverId));
  const there = new Set(snapshot.servers.map((server) => server.serverId));
  return launched.filter((member) => there.has(member.serverId) && !dead.has(member.serverId));
}

/** Servers or ports of a VNF of this name, and no record of it: whose they are is not for instantiate to decide. */
async function refuseLeftovers({ session, timing }: Dependencies, { turn, record }: PlanInput, snapshot: Snapshot): Promise<void> {
  const { vnf } = record;
  const servers = snapshot.servers.filter((server) => server.token !== turn.token);
  const ports = (await neutron.listPorts(session, { tags: [tag.vnf(vnf)] }, deadlineOf(timing).call())).filter((port) => !port.tags.includes(tag.token(turn.token)));
  if (servers.length + ports.length === 0) return;
  const found = [...servers.map((server) => server.name), ...ports.map((port) => port.name)].slice(0, 10).join(', ');
  throw toFailure(
    failure('AlreadyExists', `The cloud has ${String(servers.length)} servers and ${String(ports.length)} ports tagged as ${vnf}'s (${found}), and no record knows them. Adopt or delete them, or choose another id.`, {
      vnf,
      servers: servers.map((server) => server.serverId),
      ports: ports.map((port) => port.id),
    }),
  );
}

/** All VNFs on one snapshot, one after another, each seeing what those before it take. */
export function planEmptyHostsActivity(dependencies: Dependencies): CloudActivities['planEmptyHosts'] {
  return async ({ hosts, cause, records }) => {
    if (records.length === 0) return;
    const call = deadlineOf(dependencies.timing).call();
    let snapshot: Snapshot | undefined;
    for (const record of records) {
      const { descriptor } = record;
      const read = await readSnapshot(dependencies, { descriptor, pools: descriptor.pools, vnf: null }, call);
      // Hosts and quotas of the first reading, less what is planned by then; flavors of each.
      snapshot = { ...(snapshot ?? read), flavors: { ...snapshot?.flavors, ...read.flavors } };
      const planned = plan({ record, snapshot, request: { kind: 'emptyHosts', hosts, cause } });
      if (!planned.ok) throw toFailure(about(record, planned.refusal));
      snapshot = less(snapshot, record, planned.plan);
    }
  };
}

function about(record: VnfRecord, refusal: Failure): Failure {
  return { ...refusal, message: `${record.vnf}: ${refusal.message}`, details: { ...refusal.details, vnf: record.vnf } };
}

function less(snapshot: Snapshot, record: VnfRecord, planned: Plan): Snapshot {
  const free = new Map(snapshot.hosts.map((host) => [host.name, host.free]));
  let instances = 0;
  for (const { pool: name, rows } of planned.batches) {
    const flavor = snapshot.flavors[record.descriptor.pools.find((pool) => pool.name === name)?.flavor ?? ''];
    for (const { host } of rows) {
      const room = free.get(host);
      instances += 1;
      if (room && flavor) free.set(host, { vcpus: room.vcpus - flavor.vcpus, ramMb: room.ramMb - flavor.ramMb, diskGb: room.diskGb - flavor.diskGb });
    }
  }
  const { instances: quota } = snapshot.quotas;
  return {
    ...snapshot,
    hosts: snapshot.hosts.map((host) => ({ ...host, free: free.get(host.name) ?? host.free })),
    quotas: { ...snapshot.quotas, ...(quota && { instances: { ...quota, used: quota.used + instances } }) },
  };
}
