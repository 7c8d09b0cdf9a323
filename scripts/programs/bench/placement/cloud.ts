import type { Pool, Spare } from '../../../../domain/descriptor/descriptor';
import type { Member, PoolState, VnfRecord } from '../../../../domain/record';
import type { Host, Resources, ServerSeen, Snapshot } from '../../../../domain/snapshot';

/** A generated cloud and a VNF that fills it: the same for the same size, on every machine. */
export interface Size {
  readonly hosts: number;
  readonly members: number;
}

export const sizes: readonly Size[] = [
  { hosts: 10, members: 10 },
  { hosts: 10, members: 100 },
  { hosts: 100, members: 1_000 },
  { hosts: 1_000, members: 10_000 },
  { hosts: 5_000, members: 50_000 },
];

export interface Cloud {
  readonly record: VnfRecord;
  readonly snapshot: Snapshot;
}

/** A member takes one of its host's vCPUs, so that free vCPUs are the members that a host has room for. */
const flavor: Resources = { vcpus: 1, ramMb: 2_048, diskGb: 20 };

/** Of every kind that a descriptor can have. The last two pools are of the small zone. */
const spares: readonly Spare[] = [
  share(34, 100),
  share(1, 4),
  { count: 2 },
  share(1, 5),
  { count: 3, share: { numerator: 1, denominator: 4 } },
  share(1, 3),
  share(30, 100),
  { count: 4, share: { numerator: 1, denominator: 3 } },
  share(1, 2),
  share(1, 2),
];

function share(numerator: number, denominator: number): Spare {
  return { share: { numerator, denominator } };
}

/** One host of five is in the small zone, every seventh is full, and others have room for one to eight more. */
export function cloudOf({ hosts: count, members }: Size): Cloud {
  const random = randomFrom(count * 100_003 + members);
  const hosts = Array.from({ length: count }, (_, index): Host => {
    const room = index % 7 === 6 ? 0 : 1 + random(8);
    return {
      name: hostName(index),
      zone: index % 5 === 4 ? 'dmz' : 'mz',
      up: true,
      enabled: true,
      free: roomFor(room),
    };
  });
  const pools = Array.from({ length: poolsOf(members) }, (_, index) => poolAt(index, members / poolsOf(members)));
  const states = pools.map((pool): [string, PoolState] => {
    const there = shuffled(
      hosts.filter(({ zone }) => zone === pool.zone),
      random,
    );
    const inService = Array.from({ length: pool.size.initial }, (_, index) =>
      memberOn(pool.name, index + 1, there[index % there.length]?.name ?? ''),
    );
    return [pool.name, { level: inService.length, nextOrdinal: inService.length + 1, inService, failed: [] }];
  });
  return {
    record: recordOf(pools, Object.fromEntries(states)),
    snapshot: snapshotOf(
      hosts,
      states.flatMap(([, { inService }]) => inService),
    ),
  };
}

export function poolsOf(members: number): number {
  return Math.min(spares.length, members / 10);
}

export function hostName(index: number): string {
  return `cmp-${String(index + 1).padStart(4, '0')}`;
}

export function roomFor(members: number): Resources {
  return { vcpus: members, ramMb: members * flavor.ramMb, diskGb: members * flavor.diskGb };
}

function poolAt(index: number, level: number): Pool {
  return {
    name: `p${String(index)}`,
    role: 'load-balanced worker',
    zone: index < spares.length - 2 ? 'mz' : 'dmz',
    size: { min: 1, initial: level, max: 2 * level },
    spare: spares[index] ?? 'none',
    flavor: 'worker',
    image: 'worker',
    networks: ['mgmt'],
    securityRules: [],
    dependsOn: [],
    healthyAfterSeconds: 1,
    drainSeconds: 1,
    bootTimeoutSeconds: 600,
    serial: false,
    recover: 'evacuate',
    belowShare: 'onePerHost',
  };
}

function memberOn(pool: string, ordinal: number, host: string): Member {
  const serverId = `server-${pool}-${String(ordinal)}`;
  return { pool, ordinal, host, serverId, portIds: [`port-${pool}-${String(ordinal)}`], token: 'before' };
}

function recordOf(pools: readonly Pool[], states: VnfRecord['pools']): VnfRecord {
  return {
    vnf: 'bench',
    descriptor: { name: 'bench', description: '', networks: { mgmt: { network: 'mgmt' } }, pools },
    phase: 'running',
    revision: 1,
    pools: states,
    groups: [],
    debts: [],
  };
}

function snapshotOf(hosts: readonly Host[], members: readonly Member[]): Snapshot {
  const servers = members.map(({ pool, ordinal, serverId, token, host }): ServerSeen => ({
    ...{ pool, ordinal, serverId, token, host },
    name: `bench-${pool}-${String(ordinal)}`,
    status: 'ACTIVE',
  }));
  const ample = { limit: 10 * members.length, used: members.length };
  return {
    hosts,
    servers,
    quotas: { instances: ample, cores: ample, ports: ample },
    flavors: { worker: { ...flavor, id: 'flavor-1', name: 'worker' } },
  };
}

function shuffled<T>(items: readonly T[], random: (below: number) => number): T[] {
  return items
    .map((item) => ({ item, lot: random(2 ** 31) }))
    .sort((a, b) => a.lot - b.lot)
    .map(({ item }) => item);
}

/** A generator of numbers below a bound (mulberry32): each begins where its seed says. */
export function randomFrom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}
