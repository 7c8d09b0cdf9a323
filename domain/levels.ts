import type { Pool, Share, Sharing, Spare } from './descriptor/descriptor';
import { grouped } from './grouped';

/** The arithmetic of shares: exact, in integers. Floats get 29 % of 100 wrong (0.29 * 100 = 28.999…). */

/** What a host could hold of one pool: the members that it has and the free slots that it offers. */
export interface HostRoom {
  readonly slots: number;
  /** In which failure domain they count; null where in none. */
  readonly domain: string | null;
}

function floorShare({ numerator, denominator }: Share, level: number): number {
  return floorDivide(numerator * level, denominator);
}

/** Exact for products below 2^53, which levels of 10^6 and denominators of 10^6 stay far below. */
function floorDivide(numerator: number, denominator: number): number {
  return (numerator - (numerator % denominator)) / denominator;
}

/** k(L): how many members may be lost together with one host. 0 where spare is `none`: no k is claimed. */
export function spareAt(spare: Spare, level: number): number {
  if (spare === 'none') return 0;
  const byShare = spare.share ? Math.max(1, floorShare(spare.share, level)) : Infinity;
  return Math.min(spare.count ?? Infinity, byShare);
}

/** The most members of a pool allowed on one host at this level. */
export function capAt(spare: Spare, level: number): number {
  return Math.max(1, spareAt(spare, level));
}

/** The most members of a pool allowed in one failure domain at this level. */
export function domainCapAt({ failureDomain }: Sharing, level: number): number {
  return failureDomain ? capAt(failureDomain.spare, level) : Infinity;
}

/** N: what the load needs. */
export function needAt(spare: Spare, level: number): number {
  return Math.max(0, level - spareAt(spare, level));
}

/** The smallest level at which a placement keeps the share: below it one member alone is more than its share. */
export function leastLevelOfShare(spare: Spare): number {
  if (spare === 'none' || !spare.share) return 1;
  const { numerator, denominator } = spare.share;
  return Math.ceil(denominator / numerator);
}

/** The least level at which so many may be on one host; Infinity where none is. */
export function leastLevelOfCap(spare: Spare, many: number): number {
  if (many <= 1) return 0;
  if (spare === 'none' || many > (spare.count ?? Infinity)) return Infinity;
  if (!spare.share) return 0;
  const { numerator, denominator } = spare.share;
  return floorDivide(many * denominator + numerator - 1, numerator);
}

export function isFeasible(room: readonly HostRoom[], level: number, pool: Sharing): boolean {
  return feasibleOn(room, pool)(level);
}

/** Feasible still without any one host. */
export function isRestorable(room: readonly HostRoom[], level: number, pool: Sharing): boolean {
  if (pool.failureDomain) return (leftAfterDeaths(room, { pool, level, most: 1 })[1] ?? 0) >= level;
  const cap = capAt(pool.spare, level);
  let sum = 0;
  let largest = 0;
  for (const { slots } of room) {
    const used = Math.min(slots, cap);
    sum += used;
    largest = Math.max(largest, used);
  }
  return sum - largest >= level;
}

/**
 * How many members the hosts can hold when none, one, two … of them have died, those that take most; up to so many deaths. Never more after one
 * death more.
 */
export function leftAfterDeaths(
  room: readonly HostRoom[],
  { pool, level, most = room.length }: { readonly pool: Sharing; readonly level: number; readonly most?: number },
): number[] {
  return leftIn(roomsOf(room), { cap: capAt(pool.spare, level), domainCap: domainCapAt(pool, level), most });
}

/** The same of one number of deaths, for many levels of the same hosts. */
export function heldAfterDeaths(room: readonly HostRoom[], pool: Sharing, deaths: number): HeldAt {
  const rooms = roomsOf(room);
  const roomiest = Math.max(1, rooms.hosts[0]?.slots ?? 0);
  const largest = Math.max(1, ...rooms.groups.map(({ taken }) => taken.at(-1) ?? 0));
  const known = new Map<string, number>();
  return (level) => {
    // A cap beyond what there is room for binds no more than one that is as large.
    const caps = {
      cap: Math.min(capAt(pool.spare, level), roomiest),
      domainCap: Math.min(domainCapAt(pool, level), largest),
    };
    const key = `${String(caps.cap)} ${String(caps.domainCap)}`;
    const held = known.get(key) ?? leftIn(rooms, { ...caps, most: deaths })[deaths] ?? 0;
    known.set(key, held);
    return held;
  };
}

interface Limits {
  readonly cap: number;
  readonly domainCap: number;
  /** Of deaths. */
  readonly most: number;
}

/**
 * A domain that could hold more than its share loses nothing by the first deaths in it: how many die in which of those is tried, one domain after
 * the other. Of all other hosts each takes what it holds, so that they die in the order of that.
 */
function leftIn({ groups, hosts }: Rooms, { cap, domainCap, most }: Limits): number[] {
  const above = groups.filter((group) => group.isGuarded && heldByLeast(group, group.slots.length, cap) > domainCap);
  const apart = new Set(above);
  const others = hosts.filter(({ group }) => !apart.has(group)).map(({ slots }) => Math.min(slots, cap));
  let left = [others.reduce((sum, each) => sum + each, 0)];
  // The death of a host that holds nothing takes nothing: it is left out.
  for (const each of others) if (each > 0 && left.length <= most) left.push((left.at(-1) ?? 0) - each);
  for (const group of above) {
    const own: number[] = [];
    for (let living = group.slots.length; own.length <= most && own.at(-1) !== 0; living--)
      own.push(Math.min(heldByLeast(group, living, cap), domainCap));
    left = together(left, own, most);
  }
  // So many, or fewer.
  for (let dead = 1; dead < left.length; dead++) left[dead] = Math.min(left[dead] ?? 0, left[dead - 1] ?? 0);
  while (left.length <= Math.min(hosts.length, most)) left.push(0);
  return left;
}

/** How many members the hosts can hold when none, one, two … whole failure domains have died, those that take most. Hosts in none live on. */
export function leftAfterDomainDeaths(room: readonly HostRoom[], level: number, pool: Sharing): number[] {
  const cap = capAt(pool.spare, level);
  const most = domainCapAt(pool, level);
  let alone = 0;
  const held: number[] = [];
  for (const [domain, slots] of byDomain(room)) {
    const sum = slots.reduce((all, each) => all + Math.min(each, cap), 0);
    if (domain === null) alone += sum;
    else held.push(Math.min(sum, most));
  }
  const left = [alone];
  for (const each of held.sort((a, b) => a - b)) left.push((left.at(-1) ?? 0) + each);
  return left.reverse();
}

/** Of each number of deaths the worst way of sharing them out between two groups of hosts. A death that takes nothing is left out. */
function together(some: readonly number[], others: readonly number[], most: number): number[] {
  const left = Array.from({ length: Math.min(some.length + others.length - 1, most + 1) }, () => Infinity);
  for (let more = 0; more < others.length; more++) {
    const there = others[more] ?? 0;
    if (more > 0 && there === others[0]) continue;
    for (let dead = 0, end = Math.min(some.length, left.length - more); dead < end; dead++) {
      const both = there + (some[dead] ?? 0);
      if (both < (left[more + dead] ?? 0)) left[more + dead] = both;
    }
  }
  return left;
}

/** Hosts of one failure domain, or of none. */
interface HostGroup {
  readonly isGuarded: boolean;
  /** Of each host, the least first. */
  readonly slots: readonly number[];
  /** What those with the least take together: none of them, the first of them, the first two … */
  readonly taken: readonly number[];
}

interface Rooms {
  readonly groups: readonly HostGroup[];
  /** The roomiest first. */
  readonly hosts: readonly { readonly slots: number; readonly group: HostGroup }[];
}

function roomsOf(room: readonly HostRoom[]): Rooms {
  const groups = groupsOf(room);
  const hosts = groups.flatMap((group) => group.slots.map((slots) => ({ slots, group })));
  return { groups, hosts: hosts.sort((a, b) => b.slots - a.slots) };
}

function groupsOf(room: readonly HostRoom[]): HostGroup[] {
  return byDomain(room).map(([domain, each]) => {
    const slots = each.sort((a, b) => a - b);
    const taken = [0];
    for (const free of slots) taken.push((taken.at(-1) ?? 0) + free);
    return { isGuarded: domain !== null, slots, taken };
  });
}

/** What so many hosts, those with the least room, hold together of a pool of which each may have so many. */
function heldByLeast({ slots, taken }: HostGroup, hosts: number, cap: number): number {
  let below = 0;
  for (let above = hosts; below < above;) {
    const middle = (below + above) >> 1;
    if ((slots[middle] ?? 0) < cap) below = middle + 1;
    else above = middle;
  }
  return (taken[below] ?? 0) + (hosts - below) * cap;
}

function byDomain(room: readonly HostRoom[]): [domain: string | null, slots: number[]][] {
  return [...grouped(room, ({ domain }) => domain)].map(([domain, hosts]) => [domain, hosts.map(({ slots }) => slots)]);
}

/**
 * How many members hosts hold of a pool that is at this level; the level is had where that is no less. It never falls with the level, since caps
 * do not: of levels from one to another none is had where the last holds less than the first of them, and all are where the first holds the last.
 */
export type HeldAt = (level: number) => number;

/** For many levels of the same hosts, without a look at every host for each of them. */
export function heldOn(room: readonly HostRoom[], pool: Sharing): HeldAt {
  const groups = groupsOf(room);
  return (level) => {
    const cap = capAt(pool.spare, level);
    const most = domainCapAt(pool, level);
    let sum = 0;
    for (const group of groups)
      sum += Math.min(heldByLeast(group, group.slots.length, cap), group.isGuarded ? most : Infinity);
    return sum;
  };
}

export function feasibleOn(room: readonly HostRoom[], pool: Sharing): (level: number) => boolean {
  const held = heldOn(room, pool);
  return (level) => held(level) >= level;
}

/** The nearest feasible levels below and above, within the allowed ones. */
export function nearestLevels(
  room: readonly HostRoom[],
  level: number,
  pool: Sharing & Pick<Pool, 'size'>,
): { readonly below?: number; readonly above?: number } {
  return nearestHeld(heldOn(room, pool), level, pool.size);
}

export function nearestHeld(
  held: HeldAt,
  level: number,
  { min, max }: { readonly min: number; readonly max: number },
): { readonly below?: number; readonly above?: number } {
  const below = edgeHeld(held, { from: min, to: Math.min(level - 1, max) }, 'last');
  const above = edgeHeld(held, { from: Math.max(level + 1, min), to: max }, 'first');
  return { ...(below !== undefined && { below }), ...(above !== undefined && { above }) };
}

interface Levels {
  readonly from: number;
  readonly to: number;
}

function edgeHeld(held: HeldAt, { from, to }: Levels, edge: 'first' | 'last'): number | undefined {
  if (from > to || held(to) < from) return undefined;
  const at = edge === 'first' ? from : to;
  if (held(at) >= at) return at;
  const [lower, upper] = halvesOf({ from, to });
  const [near, far] = edge === 'first' ? [lower, upper] : [upper, lower];
  return edgeHeld(held, near, edge) ?? edgeHeld(held, far, edge);
}

function halvesOf({ from, to }: Levels): [Levels, Levels] {
  const middle = (from + to) >> 1;
  return [
    { from, to: middle },
    { from: middle + 1, to },
  ];
}

/** All levels that are had, as ranges: `[[1, 5], [10, 10]]`. */
export function rangesHeld(
  held: HeldAt,
  { min, max }: { readonly min: number; readonly max: number },
): [number, number][] {
  const ranges: [number, number][] = [];
  const look = ({ from, to }: Levels): void => {
    if (from > to || held(to) < from) return;
    if (held(from) < to) {
      halvesOf({ from, to }).forEach(look);
      return;
    }
    const last = ranges.at(-1);
    if (last?.[1] === from - 1) last[1] = to;
    else ranges.push([from, to]);
  };
  look({ from: min, to: max });
  return ranges;
}

/** As a person writes it: `34%`, `1/3`, `2`, `2 or 34%`, `none`. */
export function sayShare({ numerator, denominator }: Share): string {
  return 100 % denominator === 0
    ? `${String((numerator * 100) / denominator)}%`
    : `${String(numerator)}/${String(denominator)}`;
}

/** `spare 34%`, `spare 34%, of a rack 50%`. */
export function saySharing({ spare, failureDomain }: Sharing): string {
  const outer = failureDomain ? `, of one ${failureDomain.key} ${saySpare(failureDomain.spare)}` : '';
  return `spare ${saySpare(spare)}${outer}`;
}

export function saySpare(spare: Spare): string {
  if (spare === 'none') return 'none';
  const parts = [
    ...(spare.count !== undefined ? [String(spare.count)] : []),
    ...(spare.share ? [sayShare(spare.share)] : []),
  ];
  return parts.join(' or ');
}
