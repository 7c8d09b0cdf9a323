import { failureDomainKeys, type Pool, type Sharing } from '../descriptor/descriptor';
import type { Failure, HostReason } from '../failure';
import {
  capAt,
  domainCapAt,
  heldAfterDeaths,
  heldOn,
  leftAfterDeaths,
  leftAfterDomainDeaths,
  nearestHeld,
  rangesHeld,
  saySpare,
  type HeldAt,
  type HostRoom,
} from '../levels';
import { own } from '../names';
import { plan } from '../placement';
import { countOf } from '../placement/batches';
import { affordable, budgetOf, costOf } from '../placement/budget';
import { domainsFor, flavorOf, giveBack, groundOf, unusable, type Ground } from '../placement/ground';
import { roomOf } from '../placement/pool';
import { shareOf } from '../placement/spread';
import type { VnfRecord } from '../record';
import { noResources, shortOf, slots, times } from '../resources';
import { widerSharings, withRemedies } from './remedies';
import type { Remedy } from './remedy';
import { carriedOut, type Scene } from './carriedOut';
import { seenHosts, type SeenHost } from './seenHosts';
import type { Host, Snapshot } from '../snapshot';

/** What a VNF can be on a cloud as it is now, how much of the cloud it may lose, and what it would take to lose one host more. */
export interface Capacity {
  readonly vnf: string;
  /** Whether there is a record. Without one all is said of what instantiate would make. */
  readonly exists: boolean;
  /** What cannot be told, and what to do about it; null where all can. A tenant is shown no hosts: what depends on them is null in every pool. */
  readonly untold: string | null;
  readonly pools: readonly PoolCapacity[];
  /** All pools together, each restored by the planner on what is left. Null to a tenant, and where instantiate is not possible. */
  readonly together: Deaths | null;
  /** Why instantiate is not possible now, and by what it would be. */
  readonly refusal: Failure | null;
  readonly hosts: readonly SeenHost[];
  /** Hosts beyond those that are listed. */
  readonly moreHosts: number;
}

/**
 * Of one pool, the others staying where they are: pools that share hosts take room from each other, so that it is an upper bound of
 * what they can be together.
 */
export interface PoolCapacity {
  readonly pool: string;
  readonly zone: string;
  readonly level: number;
  readonly inService: number;
  readonly failed: number;
  /** As a person writes it. */
  readonly spare: string;
  /** The most members on a host at this level. */
  readonly cap: number;
  /** Members by host, in service. */
  readonly on: Readonly<Record<string, number>>;
  /** The levels within `min` and `max` for which there is room, as ranges: `[[1, 5], [10, 10]]`. */
  readonly feasible: Ranges | null;
  /** Those that stay feasible without any one host. */
  readonly restorable: Ranges | null;
  /** How many hosts may die one after the other, each time the worst, before the pool cannot be restored to its level. */
  readonly deaths: number | null;
  /** Absent where the pool keeps to no failure domains. */
  readonly failureDomain?: DomainCapacity;
  /** By each of which one host more may die. */
  readonly oneMore: readonly Remedy[];
  /** Why hosts take no further member now, by reason; those that would are counted as `NotNeeded`. */
  readonly reasons: Readonly<Partial<Record<HostReason, number>>>;
  /** The highest level that the quotas carry, beside what there is. */
  readonly mostByQuota: number;
}

/** What a pool has in failure domains, and how many of them it may lose. */
export interface DomainCapacity {
  /** The metadata of host aggregates that names them: `rack`. */
  readonly key: string;
  /** As a person writes it. */
  readonly spare: string;
  /** The most members in one of them at this level. */
  readonly cap: number;
  /** Members by domain, in service. */
  readonly on: Readonly<Record<string, number>>;
  /** Members in service on hosts of which nobody says the domain, or in a wrong zone: they count in none. */
  readonly inNone: number;
  /** How many whole domains may die one after the other, each time the worst, before the pool cannot be restored to its level. Null to a tenant. */
  readonly deaths: number | null;
}

export type Ranges = readonly (readonly [from: number, to: number])[];

export interface Deaths {
  /** How many, before something is short. */
  readonly deaths: number;
  /** It was not looked further. */
  readonly orMore: boolean;
  /** Hosts in the order of their deaths; the last one is that which leaves something short. */
  readonly hosts: readonly string[];
  /** Pools that are short then. */
  readonly short: readonly string[];
}

/** A death more is no small thing to prepare for; whoever needs more hosts than this needs a plan, not a hint. */
const hostsAddedMax = 20;
/** Hosts that are listed: what a terminal, a picture and a payload of Temporal hold with ease. */
export const hostsListedMax = 2_000;

/** `record` without members, in the phase `instantiating`, stands for a descriptor that is to be instantiated. */
export function capacityOf(record: VnfRecord, snapshot: Snapshot): Capacity {
  const exists = record.phase !== 'instantiating';
  const made = exists ? { scene: { record, snapshot }, refusal: null } : asInstantiated({ record, snapshot });
  const { scene, refusal } = made;
  const asTenant = snapshot.tenant !== undefined;
  const { hosts, more } = seenHosts(scene.record, scene.snapshot, { most: hostsListedMax });
  return {
    vnf: record.vnf,
    exists,
    untold: asTenant ? untoldToTenant : null,
    pools: scene.record.descriptor.pools.map((pool) => poolCapacity(scene, pool)),
    together: asTenant || refusal ? null : playDeaths(scene),
    refusal,
    hosts,
    moreHosts: more,
  };
}

const untoldToTenant =
  'A tenant sees no hosts: which levels have room, and how many hosts may die, cannot be told. Ask an operator of the cloud to run capacity, or try a level: what does not fit goes back.';

/** What instantiate would make; where it is refused, nothing is there but what was asked for. */
function asInstantiated(scene: Scene): { readonly scene: Scene; readonly refusal: Failure | null } {
  const input = { ...scene, request: { kind: 'instantiate' as const } };
  const planned = plan(input);
  if (planned.ok && !scene.snapshot.tenant) return { scene: carriedOut(scene, planned.plan), refusal: null };
  const pools = Object.fromEntries(
    scene.record.descriptor.pools.map(({ name, size }) => [
      name,
      { level: size.initial, nextOrdinal: 1, inService: [], failed: [] },
    ]),
  );
  const refusal = planned.ok ? null : withRemedies(input, planned.refusal);
  return { scene: { ...scene, record: { ...scene.record, pools } }, refusal };
}

function poolCapacity({ record, snapshot }: Scene, pool: Pool): PoolCapacity {
  const { level = 0, inService = [], failed = [] } = own(record.pools, pool.name) ?? {};
  const ground = groundOf(snapshot, new Set());
  // A repair that finds no other place deletes the dead first.
  for (const { host } of failed) giveBack(ground, host, flavorOf(ground, pool));
  const serving = inService.map(({ host }) => host);
  const on = countOf(serving);
  const room = snapshot.tenant ? null : roomOf(ground, pool, on);
  const deaths = room && deathsOf(room, pool, level);
  return {
    pool: pool.name,
    zone: pool.zone,
    level,
    inService: inService.length,
    failed: failed.length,
    spare: saySpare(pool.spare),
    cap: capAt(pool.spare, level),
    on: tableOf(on),
    feasible: room && rangesHeld(heldOn(room, pool), pool.size),
    restorable: room && rangesHeld(heldAfter(1, room, pool), pool.size),
    deaths,
    ...domainCapacity(ground, pool, { level, serving, room }),
    oneMore: room && deaths !== null ? oneMoreDeath({ record, snapshot }, pool, { room, level, deaths }) : [],
    reasons: reasonsOf(ground, pool, { to: level, serving }),
    mostByQuota: mostByQuota(snapshot, pool, inService.length + failed.length),
  };
}

function tableOf(counts: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function domainCapacity(
  ground: Ground,
  pool: Pool,
  at: { readonly level: number; readonly serving: readonly string[]; readonly room: readonly HostRoom[] | null },
): Pick<PoolCapacity, 'failureDomain'> {
  const { failureDomain: outer } = pool;
  if (!outer) return {};
  const { level, serving, room } = at;
  const domainOf = domainsFor(ground, pool);
  const domains = serving.flatMap((host) => domainOf(host) ?? []);
  return {
    failureDomain: {
      key: outer.key,
      spare: saySpare(outer.spare),
      cap: domainCapAt(pool, level),
      on: tableOf(countOf(domains)),
      inNone: serving.length - domains.length,
      deaths: room && deathsAmong(leftAfterDomainDeaths(room, level, pool), level),
    },
  };
}

function deathsOf(room: readonly HostRoom[], pool: Sharing, level: number): number {
  return deathsAmong(leftAfterDeaths(room, { pool, level }), level);
}

/** Whether so many hosts, of which there are as many, may die in a row. */
function mayLose(
  deaths: number,
  room: readonly HostRoom[],
  at: { readonly pool: Sharing; readonly level: number },
): boolean {
  return (leftAfterDeaths(room, { ...at, most: deaths })[deaths] ?? -1) >= at.level;
}

/**
 * `left`: how many members the others can hold after none, one, two … deaths. Restoring needs nothing but that they can hold all of it, so that so
 * many may die in a row as may be left out of them, whichever they are.
 */
function deathsAmong(left: readonly number[], level: number): number {
  const first = left.findIndex((members, deaths) => deaths > 0 && members < level);
  return (first < 0 ? left.length : first) - 1;
}

/** What is left when so many hosts have died. */
function heldAfter(deaths: number, room: readonly HostRoom[], pool: Sharing): HeldAt {
  if (pool.failureDomain) return heldAfterDeaths(room, pool, deaths);
  // Whatever the level, it is those with most room.
  return heldOn([...room].sort((a, b) => b.slots - a.slots).slice(deaths), pool);
}

/** Each was tried: hosts and spares in the same arithmetic, levels by the planner, which decides who leaves. */
function oneMoreDeath(
  scene: Scene,
  pool: Pool,
  at: { readonly room: readonly HostRoom[]; readonly level: number; readonly deaths: number },
): Remedy[] {
  const { room, level, deaths } = at;
  const cap = capAt(pool.spare, level);
  const flavor = scene.snapshot.flavors[pool.flavor];
  const survives = (rooms: readonly HostRoom[], spec: Pool): boolean =>
    mayLose(deaths + 1, rooms, { pool: spec, level });
  const more = (many: number): HostRoom[] => [
    ...room,
    ...Array.from({ length: many }, (_, index) => ({
      slots: cap,
      // Each in one of its own.
      domain: pool.failureDomain ? `+${String(index)}` : null,
    })),
  ];
  const hosts = leastAddedWhere((many) => survives(more(many), pool));
  const wider = widerSharings(pool, level).find(({ changed }) => survives(room, changed));
  const free = times(flavor ?? noResources, cap);
  return [
    ...(hosts === undefined
      ? []
      : [
          {
            ...({ kind: 'hosts', hosts: { [pool.zone]: hosts }, room: { [pool.zone]: free } } as const),
            ...(pool.failureDomain && { apart: [pool.failureDomain.key] }),
          },
        ]),
    ...(wider ? [wider.remedy] : []),
    ...levelsThatSurvive(scene, pool, at).map((each) => ({ kind: 'level', pool: pool.name, level: each }) as const),
  ];
}

/** A host more never leaves less, however many die. */
function leastAddedWhere(survives: (many: number) => boolean): number | undefined {
  if (!survives(hostsAddedMax)) return undefined;
  let enough = hostsAddedMax;
  for (let few = 0; enough - few > 1;) {
    const middle = (few + enough) >> 1;
    if (survives(middle)) enough = middle;
    else few = middle;
  }
  return enough;
}

/** The nearest below and above that have the room; of each side so many are tried with the planner. */
const levelsTriedMax = 4;

function levelsThatSurvive(
  scene: Scene,
  pool: Pool,
  { room, level, deaths }: { readonly room: readonly HostRoom[]; readonly level: number; readonly deaths: number },
): number[] {
  const left = heldAfter(deaths + 1, room, pool);
  const tried = (to: number): boolean => {
    const made = scaled(scene, pool, to);
    if (!made) return false;
    const on = countOf(own(made.record.pools, pool.name)?.inService.map(({ host }) => host) ?? []);
    const rooms = roomOf(groundOf(made.snapshot, new Set()), pool, on);
    return mayLose(deaths + 1, rooms, { pool, level: to });
  };
  const side = (next: (from: number) => number | undefined): number[] => {
    let at: number | undefined = level;
    for (let tries = 0; tries < levelsTriedMax; tries++) {
      at = next(at);
      if (at === undefined) return [];
      if (tried(at)) return [at];
    }
    return [];
  };
  return [
    ...side((from) => nearestHeld(left, from, pool.size).below),
    ...side((from) => nearestHeld(left, from, pool.size).above),
  ];
}

/** Quotas are another matter, told by `mostByQuota`. */
function scaled({ record, snapshot }: Scene, pool: Pool, to: number): Scene | null {
  const level = own(record.pools, pool.name)?.level ?? 0;
  const scene = { record, snapshot: { ...snapshot, quotas: {} } };
  const kind = to > level ? 'scaleOut' : 'scaleIn';
  const planned = plan({ ...scene, request: { kind, pool: pool.name, to } });
  return planned.ok ? carriedOut(scene, planned.plan) : null;
}

function reasonsOf(
  ground: Ground,
  pool: Pool,
  { to, serving }: { readonly to: number; readonly serving: readonly string[] },
): Partial<Record<HostReason, number>> {
  const flavor = flavorOf(ground, pool);
  const share = shareOf(ground, { pool, to }, serving);
  const counts: Partial<Record<HostReason, number>> = {};
  for (const host of ground.hosts) {
    const free = ground.free.get(host.name) ?? host.free;
    const reason =
      unusable(ground, host, pool) ??
      share.fullness(host.name) ??
      (slots(free, flavor) < 1 ? shortOf(free, flavor) : 'NotNeeded');
    counts[reason] = (counts[reason] ?? 0) + 1;
  }
  return counts;
}

/** Of a tenant's groups too, of which there are as many as may be on a host. */
function mostByQuota(snapshot: Snapshot, pool: Pool, there: number): number {
  const more = affordable(budgetOf(snapshot), costOf(snapshot.flavors[pool.flavor], pool), 0);
  const most = Math.min(pool.size.max, there + more);
  const { server_groups: groups, server_group_members: members } = snapshot.quotas;
  if (!snapshot.tenant || !groups || !members) return most;
  const made = snapshot.tenant.groups.filter((group) => group.pool === pool.name).length;
  for (let level = most; level > 0; level--) {
    const cap = capAt(pool.spare, level);
    if (cap - made <= groups.limit - groups.used && Math.ceil(level / cap) <= members.limit) return level;
  }
  return 0;
}

/** Where there are no more hosts than this, each of them is tried for the worst; else those that are for the pools with the least slack. */
const triedMax = 30;
const endangeredMax = 3;
/** As far as anybody plans for. */
const deathsMax = 12;

/** A plan takes a time that grows with the cloud: so many that all of them take seconds. */
function plansOf({ snapshot }: Scene): number {
  return Math.max(12, Math.floor(30_000 / (snapshot.hosts.length + 1)));
}

/**
 * Hosts die one after the other, each time the one that leaves a pool short or else the least slack (in a VNF that keeps to failure domains: the
 * fewest further deaths, since what a domain has beyond its share is no slack); in between the planner restores what
 * it can. Quotas are left aside: what dies is deleted before it is replaced, where they leave no other way.
 */
function playDeaths(start: Scene): Deaths {
  const hosts: string[] = [];
  let scene = withUnseen({ ...start, snapshot: { ...start.snapshot, quotas: {} } });
  let left = plansOf(start);
  while (hosts.length < deathsMax && left > 0) {
    const candidates = worstOf(scene);
    left -= candidates.length;
    const tries = candidates.map((host) => ({ host, ...afterDeath(scene, host) }));
    const [worst] = tries.sort(
      (a, b) => b.short.length - a.short.length || a.left - b.left || a.slack - b.slack || (a.host < b.host ? -1 : 1),
    );
    if (!worst) return { deaths: hosts.length, orMore: true, hosts, short: [] };
    if (worst.short.length > 0)
      return { deaths: hosts.length, orMore: false, hosts: [...hosts, worst.host], short: worst.short };
    hosts.push(worst.host);
    scene = worst.scene;
  }
  return { deaths: hosts.length, orMore: true, hosts, short: [] };
}

/** Hosts that members are on and the cloud does not know any more may die like any other. Nothing new goes there. */
function withUnseen({ record, snapshot }: Scene): Scene {
  const known = new Set(snapshot.hosts.map(({ name }) => name));
  const notFor = Object.keys(snapshot.flavors);
  const unseen = new Map<string, Host>();
  for (const { name: pool, zone } of record.descriptor.pools) {
    for (const { host: name } of own(record.pools, pool)?.inService ?? [])
      if (!known.has(name)) unseen.set(name, { name, zone, up: true, enabled: true, free: noResources, notFor });
  }
  return unseen.size === 0
    ? { record, snapshot }
    : { record, snapshot: { ...snapshot, hosts: [...snapshot.hosts, ...unseen.values()] } };
}

function afterDeath(
  scene: Scene,
  host: string,
): { readonly scene: Scene; readonly short: readonly string[] } & Reserve {
  const planned = plan({ ...scene, request: { kind: 'emptyHosts', hosts: [host], cause: 'failed' } });
  if (!planned.ok) return { scene, short: Object.keys(scene.record.pools), left: 0, slack: 0 };
  const after = withoutHost(carriedOut(scene, planned.plan), host);
  return { scene: after, short: planned.plan.unplaced.map(({ pool }) => pool), ...reserveOf(after) };
}

/** Who found no other place has died with it. */
function withoutHost({ record, snapshot }: Scene, host: string): Scene {
  const pools = Object.entries(record.pools).map(([name, state]) => {
    const inService = state.inService.filter((member) => member.host !== host);
    return [name, inService.length < state.inService.length ? { ...state, inService } : state] as const;
  });
  const hosts = snapshot.hosts.filter(({ name }) => name !== host);
  return { record: { ...record, pools: Object.fromEntries(pools) }, snapshot: { ...snapshot, hosts } };
}

/** Of the pool that is nearest to its end. */
interface Reserve {
  /** How many more hosts may die, as `deaths` of a pool; 0 where no pool keeps to failure domains. */
  readonly left: number;
  /** How many more members than its level it could have. */
  readonly slack: number;
}

function reserveOf({ record, snapshot }: Scene): Reserve {
  const ground = groundOf(snapshot, new Set());
  const keepsToDomains = failureDomainKeys(record.descriptor).length > 0;
  const each = record.descriptor.pools.map((pool) => {
    const { level = 0, inService = [] } = own(record.pools, pool.name) ?? {};
    const room = roomOf(ground, pool, countOf(inService.map(({ host }) => host)));
    const members = leftAfterDeaths(room, { pool, level, ...(!keepsToDomains && { most: 0 }) });
    return { left: keepsToDomains ? deathsAmong(members, level) : 0, slack: (members[0] ?? 0) - level };
  });
  return { left: Math.min(...each.map(({ left }) => left)), slack: Math.min(...each.map(({ slack }) => slack)) };
}

function worstOf({ record, snapshot }: Scene): string[] {
  const ground = groundOf(snapshot, new Set());
  const names = ground.hosts.map(({ name }) => name);
  if (names.length <= triedMax) return names;
  const worst = record.descriptor.pools.map((pool) => {
    const { level = 0, inService = [] } = own(record.pools, pool.name) ?? {};
    const on = countOf(inService.map(({ host }) => host));
    const cap = capAt(pool.spare, level);
    const holds = roomOf(ground, pool, on).map(({ slots: room }) => Math.min(room, cap));
    const host = names.reduce((best, _, index) => {
      const more = (holds[index] ?? 0) - (holds[best] ?? 0);
      const fuller = (on.get(names[index] ?? '') ?? 0) > (on.get(names[best] ?? '') ?? 0);
      return more > 0 || (more === 0 && fuller) ? index : best;
    }, 0);
    const slack = holds.reduce((sum, each) => sum + each, 0) - (holds[host] ?? 0) - level;
    return { name: names[host] ?? '', slack };
  });
  return [...new Set(worst.sort((a, b) => a.slack - b.slack).map(({ name }) => name))].slice(0, endangeredMax);
}
