import type { PlanInput } from '../../../../domain/placement';
import type { Group, PoolState, VnfRecord } from '../../../../domain/record';
import type { Host, Snapshot } from '../../../../domain/snapshot';
import { cloudOf, hostName, poolsOf, randomFrom, roomFor, type Cloud, type Size } from './cloud';

/** Everything that a planner is asked, and what it finds hard: no room for what a host had, and a level that no hosts carry. */
export const requests = [
  'instantiate',
  'scaleOut',
  'scaleOut refused',
  'scaleIn',
  'heal',
  'evacuateHost',
  'evacuateHost fenced',
  'evacuateHost maintenance',
  'evacuateHost full',
  'rebalance',
  'terminate',
  'instantiate in racks',
  'evacuateHost in racks',
  'rebalance in racks',
  'capacity in racks',
  'instantiate as tenant',
  'scaleOut as tenant',
  'scaleIn as tenant',
  'heal as tenant',
  'evacuateHost as tenant',
] as const;

export type RequestName = (typeof requests)[number];

export interface Case extends Size {
  readonly request: RequestName;
  readonly pools: number;
  /** Of capacity, which makes its own requests, the record and the snapshot. */
  readonly input: PlanInput;
}

export function casesOf(size: Size): Case[] {
  const cloud = cloudOf(size);
  const pools = poolsOf(size.members);
  return requests.map((request) => ({ request, ...size, pools, input: inputOf(request, cloud) }));
}

/** The host that is emptied: of the large zone, and not full. */
const emptied = hostName(0);

function inputOf(request: RequestName, cloud: Cloud): PlanInput {
  const { record, snapshot } = cloud;
  const level = record.pools['p0']?.level ?? 0;
  switch (request) {
    case 'instantiate':
      return { ...notYet(cloud), request: { kind: 'instantiate' } };
    case 'scaleOut':
      return { ...cloud, request: { kind: 'scaleOut', pool: 'p0', to: level + Math.ceil(level / 10) } };
    case 'scaleOut refused':
      return { record, snapshot: withHosts(snapshot, full), request: { kind: 'scaleOut', pool: 'p0', to: 2 * level } };
    case 'scaleIn':
      return { ...cloud, request: { kind: 'scaleIn', pool: 'p0', to: level / 2 } };
    case 'heal':
      return healed(cloud);
    case 'evacuateHost':
    case 'evacuateHost fenced':
      return { ...died(cloud), request: { ...emptying, cause: 'failed', fenced: request === 'evacuateHost fenced' } };
    case 'evacuateHost maintenance':
      return { ...cloud, request: { ...emptying, cause: 'maintenance' } };
    case 'evacuateHost full': {
      const { record: after, snapshot: seen } = died(cloud);
      return { record: after, snapshot: withHosts(seen, full), request: { ...emptying, cause: 'failed' } };
    }
    case 'rebalance':
      return moved(cloud);
    case 'terminate':
      return { ...cloud, request: { kind: 'terminate' } };
    case 'instantiate in racks':
      return inRacks(inputOf('instantiate', cloud));
    case 'evacuateHost in racks':
      return inRacks(inputOf('evacuateHost', cloud));
    case 'rebalance in racks':
      return inRacks(inputOf('rebalance', cloud));
    case 'capacity in racks':
      return inRacks({ ...cloud, request: { kind: 'rebalance' } });
    case 'instantiate as tenant':
      return asTenant(inputOf('instantiate', cloud));
    case 'scaleOut as tenant':
      return asTenant(inputOf('scaleOut', cloud));
    case 'scaleIn as tenant':
      return asTenant(inputOf('scaleIn', cloud));
    case 'heal as tenant':
      return asTenant(inputOf('heal', cloud));
    case 'evacuateHost as tenant':
      return asTenant(inputOf('evacuateHost', cloud));
  }
}

/** The same, seen by who may not choose hosts: the members of a pool that share a host are in different server groups. */
function asTenant({ record, snapshot, request }: PlanInput): PlanInput {
  const members = new Map<string, string[]>();
  const groups: Group[] = [];
  for (const [pool, { inService, failed }] of Object.entries(record.pools)) {
    const on = new Map<string, number>();
    for (const { host, serverId } of [...inService, ...failed]) {
      const apart = (on.get(host) ?? 0) + 1;
      on.set(host, apart);
      const id = `${pool}-apart-${String(apart)}`;
      const there = members.get(id);
      if (there) there.push(serverId);
      else {
        members.set(id, [serverId]);
        groups.push({ pool, id, apart });
      }
    }
  }
  const seen = groups.map(({ id, pool, apart = 0 }) => ({ id, pool, number: apart, serverIds: members.get(id) ?? [] }));
  const zones = [...new Set(snapshot.hosts.map(({ zone }) => zone))];
  return {
    record: { ...record, groups },
    snapshot: { ...snapshot, hosts: [], tenant: { zones, groups: seen } },
    request,
  };
}

const emptying = { kind: 'emptyHosts', hosts: [emptied] } as const;

function full(host: Host): Host {
  return { ...host, free: roomFor(0) };
}

function withHosts(snapshot: Snapshot, change: (host: Host) => Host): Snapshot {
  return { ...snapshot, hosts: snapshot.hosts.map(change) };
}

/** The same hosts without the VNF: what its members take is free. */
function notYet({ record, snapshot }: Cloud): Cloud {
  const taken = new Map<string, number>();
  for (const { host = '' } of snapshot.servers) taken.set(host, (taken.get(host) ?? 0) + 1);
  const empty = withHosts(snapshot, (host) => ({
    ...host,
    free: roomFor(host.free.vcpus + (taken.get(host.name) ?? 0)),
  }));
  return {
    record: withPools(record, () => ({ level: 0, nextOrdinal: 1, inService: [], failed: [] })),
    snapshot: { ...empty, servers: [] },
  };
}

/** One member of a hundred, and at least one, is dead. */
function healed({ record, snapshot }: Cloud): PlanInput {
  const random = randomFrom(snapshot.servers.length);
  const dead = new Set(
    Array.from({ length: Math.ceil(snapshot.servers.length / 100) }, () => {
      return snapshot.servers[random(snapshot.servers.length)]?.serverId ?? '';
    }),
  );
  const after = withPools(record, (state) => withDead(state, ({ serverId }) => dead.has(serverId)));
  const members = Object.values(after.pools).flatMap(({ failed }) =>
    failed.map(({ pool, ordinal }) => ({ pool, ordinal })),
  );
  return { record: after, snapshot, request: { kind: 'replaceMembers', members } };
}

/** One member of a hundred, and at least one, is where the next one of its pool is: other hands have moved it there. */
function moved({ record, snapshot }: Cloud): PlanInput {
  const servers = snapshot.servers.map((server, index, all) => {
    const next = all[index + 1];
    return index % 100 === 0 && next?.pool === server.pool && next.host !== undefined
      ? { ...server, host: next.host }
      : server;
  });
  return { record, snapshot: { ...snapshot, servers }, request: { kind: 'rebalance' } };
}

/** Hosts by turns in as many racks as there are hosts in one, of every zone some in each; and of each pool two thirds to spare with a rack. */
function inRacks({ record, snapshot, request }: PlanInput): PlanInput {
  const racks = Math.max(2, Math.ceil(Math.sqrt(snapshot.hosts.length / 5)));
  const hosts = snapshot.hosts.map((host, index) => ({
    ...host,
    domains: { rack: `r${String(Math.floor(index / 5) % racks)}` },
  }));
  const spare = { share: { numerator: 2, denominator: 3 } };
  const pools = record.descriptor.pools.map((pool) => ({ ...pool, failureDomain: { key: 'rack', spare } }));
  return {
    record: { ...record, descriptor: { ...record.descriptor, pools } },
    snapshot: { ...snapshot, hosts },
    request,
  };
}

/** The host is down, and the record knows that who was on it is dead. */
function died({ record, snapshot }: Cloud): Cloud {
  return {
    record: withPools(record, (state) => withDead(state, ({ host }) => host === emptied)),
    snapshot: withHosts(snapshot, (host) => (host.name === emptied ? { ...host, up: false } : host)),
  };
}

function withDead(state: PoolState, isDead: (member: PoolState['inService'][number]) => boolean): PoolState {
  return {
    ...state,
    inService: state.inService.filter((member) => !isDead(member)),
    failed: state.inService.filter(isDead),
  };
}

function withPools(record: VnfRecord, change: (state: PoolState) => PoolState): VnfRecord {
  const pools = Object.entries(record.pools).map(([name, state]) => [name, change(state)] as const);
  return { ...record, pools: Object.fromEntries(pools) };
}
