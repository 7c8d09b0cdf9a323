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

/** How many members the hosts can hold when none, one, two … of them have died, those that take most; up to so many deaths. */
export function leftAfterDeaths(
  room: readonly HostRoom[],
  { pool, level, most = room.length }: { readonly pool: Sharing; readonly level: number; readonly most?: number },
): number[] {
  const cap = capAt(pool.spare, level);
  const domainCap = domainCapAt(pool, level);
  let left = [0];
  for (const [domain, slots] of byDomain(room)) {
    const limit = domain === null ? Infinity : domainCap;
    const held = slots.map((each) => Math.min(each, cap)).sort((a, b) => a - b);
    // Of this domain, when so many of its own have died: the largest first.
    const own = [0];
    for (const each of held) own.push((own.at(-1) ?? 0) + each);
    const after = own.reverse().slice(0, most + 1);
    left = together(
      left,
      after.map((all) => Math.min(all, limit)),
    ).slice(0, most + 1);
  }
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

/** Of each number of deaths the worst way of sharing them out between two groups of hosts. */
function together(some: readonly number[], others: readonly number[]): number[] {
  if (some.length === 1) return others.map((each) => each + (some[0] ?? 0));
  const left = Array.from({ length: some.length + others.length - 1 }, () => Infinity);
  some.forEach((here, dead) => {
    others.forEach((there, more) => {
      left[dead + more] = Math.min(left[dead + more] ?? Infinity, here + there);
    });
  });
  return left;
}

function byDomain(room: readonly HostRoom[]): [domain: string | null, slots: number[]][] {
  return [...grouped(room, ({ domain }) => domain)].map(([domain, hosts]) => [domain, hosts.map(({ slots }) => slots)]);
}

/** Whether a level is feasible: for many levels of the same hosts, without a look at every host for each of them. */
export function feasibleOn(room: readonly HostRoom[], pool: Sharing): (level: number) => boolean {
  const domains = byDomain(room).map(([domain, slots]) => ({ isGuarded: domain !== null, holds: heldBy(slots) }));
  return (level) => {
    const cap = capAt(pool.spare, level);
    const most = domainCapAt(pool, level);
    let sum = 0;
    for (const { isGuarded, holds } of domains) sum += Math.min(holds(cap), isGuarded ? most : Infinity);
    return sum >= level;
  };
}

/** What hosts with such room hold together of a pool of which each may have so many. */
function heldBy(room: readonly number[]): (cap: number) => number {
  const sorted = [...room].sort((a, b) => a - b);
  // What the hosts with the least room take together: none of them, the first of them, the first two …
  const taken = [0];
  for (const slots of sorted) taken.push((taken.at(-1) ?? 0) + slots);
  return (cap) => {
    let below = 0;
    for (let above = sorted.length; below < above;) {
      const middle = (below + above) >> 1;
      if ((sorted[middle] ?? 0) < cap) below = middle + 1;
      else above = middle;
    }
    return (taken[below] ?? 0) + (sorted.length - below) * cap;
  };
}

/** The nearest feasible levels below and above, within the allowed ones. */
export function nearestLevels(
  room: readonly HostRoom[],
  level: number,
  pool: Sharing & Pick<Pool, 'size'>,
): { readonly below?: number; readonly above?: number } {
  return nearestWhere(feasibleOn(room, pool), level, pool.size);
}

export function nearestWhere(
  holds: (level: number) => boolean,
  level: number,
  { min, max }: { readonly min: number; readonly max: number },
): { readonly below?: number; readonly above?: number } {
  let below: number | undefined;
  let above: number | undefined;
  for (let each = Math.min(level - 1, max); each >= min && below === undefined; each--) if (holds(each)) below = each;
  for (let each = Math.max(level + 1, min); each <= max && above === undefined; each++) if (holds(each)) above = each;
  return { ...(below !== undefined && { below }), ...(above !== undefined && { above }) };
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
