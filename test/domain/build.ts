import type { Descriptor, Pool } from '../../domain/descriptor/descriptor';
import type { Remedy } from '../../domain/explain/remedy';
import type { PlanInput } from '../../domain/placement';
import type { ServerFound } from '../../domain/inventory';
import { tag } from '../../domain/names';
import type { Member, PoolState, VnfRecord } from '../../domain/record';
import type { Host, Resources, Snapshot } from '../../domain/snapshot';

/** Small parts of a world to plan in, each with defaults that a test overrides where it matters. */

/** 1 vCPU, 1 MiB, 1 GiB: room in a host is then a number of members. */
export const unit: Resources = { vcpus: 1, ramMb: 1, diskGb: 1 };

export function roomFor(members: number): Resources {
  return { vcpus: members, ramMb: members, diskGb: members };
}

export function hostNamed(name: string, change: Partial<Host> = {}): Host {
  return { name, zone: 'mz', up: true, enabled: true, free: roomFor(100), ...change };
}

/** How many members of a flavor of one unit, and of whatever else it asks for, find room in what is free. */
export function membersIn(free: Resources, { others = {} }: Resources = unit): number {
  return Math.min(free.vcpus, ...Object.entries(others).map(([name, each]) => ((free.others ?? {})[name] ?? 0) / each));
}

/** `h1` … `hN`, all alike. */
export function hostsNamed(count: number, change: Partial<Host> = {}): Host[] {
  return Array.from({ length: count }, (_, index) => hostNamed(`h${String(index + 1)}`, change));
}

export function poolNamed(name: string, change: Partial<Pool> = {}): Pool {
  return {
    name,
    role: '',
    zone: 'mz',
    size: { min: 1, initial: 4, max: 100 },
    spare: { share: { numerator: 1, denominator: 3 } },
    flavor: 'unit',
    image: 'image',
    networks: ['mgmt'],
    securityRules: [],
    dependsOn: [],
    healthyAfterSeconds: 1,
    drainSeconds: 1,
    bootTimeoutSeconds: 10,
    serial: false,
    recover: 'replace',
    belowShare: 'onePerHost',
    ...change,
  };
}

/** One member on each host named, in order: `on('web', 'h1 h1 h2')` are web-1 to web-3. */
export function on(pool: string, hosts: string, first = 1): Member[] {
  const names = hosts.split(' ').filter((name) => name !== '');
  return names.map((host, index) => memberOn(pool, first + index, host));
}

export function memberOn(pool: string, ordinal: number, host: string): Member {
  const id = `${pool}-${String(ordinal)}`;
  return { pool, ordinal, host, serverId: id, portIds: [`${id}-mgmt`], token: 'before' };
}

export function stateOf(inService: readonly Member[], change: Partial<PoolState> = {}): PoolState {
  const { failed = [] } = change;
  const ordinals = [...inService, ...failed].map(({ ordinal }) => ordinal);
  return {
    level: inService.length + failed.length,
    nextOrdinal: Math.max(0, ...ordinals) + 1,
    inService,
    failed,
    ...change,
  };
}

export function recordOf(
  pools: readonly { readonly pool: Pool; readonly state?: PoolState }[],
  change: Partial<VnfRecord> = {},
): VnfRecord {
  const descriptor: Descriptor = {
    name: 'test',
    description: '',
    networks: { mgmt: { network: 'mgmt' } },
    pools: pools.map(({ pool }) => pool),
  };
  return {
    vnf: 'v1',
    descriptor,
    phase: 'running',
    revision: 7,
    pools: Object.fromEntries(
      pools.map(({ pool, state }) => [pool.name, state ?? { level: 0, nextOrdinal: 1, inService: [], failed: [] }]),
    ),
    groups: [],
    debts: [],
    ...change,
  };
}

export function snapshotOf(hosts: readonly Host[], change: Partial<Snapshot> = {}): Snapshot {
  return { hosts, servers: [], quotas: {}, flavors: { unit: { ...unit, id: 'f1', name: 'unit' } }, ...change };
}

/** A running VNF with one pool, `web`. */
export function inputOf(given: {
  readonly pool?: Partial<Pool>;
  readonly members: readonly Member[];
  readonly state?: Partial<PoolState>;
  readonly hosts: readonly Host[];
  readonly request: PlanInput['request'];
  readonly snapshot?: Partial<Snapshot>;
}): PlanInput {
  const pool = poolNamed('web', given.pool);
  return {
    record: recordOf([{ pool, state: stateOf(given.members, given.state) }]),
    snapshot: snapshotOf(given.hosts, given.snapshot),
    request: given.request,
  };
}

/** The cloud as a remedy asks for it. */
export function withHosts(snapshot: Snapshot, remedy: Extract<Remedy, { kind: 'hosts' }>): Snapshot {
  const added = Object.entries(remedy.hosts).flatMap(([zone, many]) =>
    Array.from({ length: many }, (_, at) => {
      const name = `new-${zone}-${String(at)}`;
      const domains = Object.fromEntries((remedy.apart ?? []).map((key) => [key, name]));
      return hostNamed(name, { zone, free: remedy.room[zone] ?? roomFor(0), domains });
    }),
  );
  return { ...snapshot, hosts: [...added, ...snapshot.hosts] };
}

/** And its quota. */
export function withLimits(snapshot: Snapshot, remedy: Extract<Remedy, { kind: 'quota' }>): Snapshot {
  const quotas = { ...snapshot.quotas };
  for (const [resource, limit] of Object.entries(remedy.limits) as [keyof typeof quotas, number][])
    quotas[resource] = { used: quotas[resource]?.used ?? 0, limit };
  return { ...snapshot, quotas };
}

/** With the tags that its fields say, unless it has some of its own. */
export function tagged(
  server: Omit<ServerFound, 'tags'> & { readonly tags?: readonly string[] | undefined },
): ServerFound {
  const { vnf, pool, ordinal, token } = server;
  const tags = [
    ...(vnf === undefined ? [] : [tag.vnf(vnf)]),
    ...(pool === undefined ? [] : [tag.pool(pool)]),
    ...(ordinal === undefined ? [] : [tag.ordinal(ordinal)]),
    ...(token === undefined ? [] : [tag.token(token)]),
  ];
  return { ...server, tags: server.tags ?? tags };
}
