import type { Share, Spare } from './descriptor/descriptor';

/**
 * The arithmetic of shares: exact, in integers. Floats get 29 % of 100 wrong (0.29 * 100 = 28.999…).
 *
 * `room` below is what each host could hold of one pool: the members that it has and the free slots that it offers.
 */

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

export function isFeasible(room: readonly number[], level: number, spare: Spare): boolean {
  const cap = capAt(spare, level);
  let sum = 0;
  for (const slots of room) {
    sum += Math.min(slots, cap);
    if (sum >= level) return true;
  }
  return sum >= level;
}

/** Feasible still without any one host. */
export function isRestorable(room: readonly number[], level: number, spare: Spare): boolean {
  const cap = capAt(spare, level);
  let sum = 0;
  let largest = 0;
  for (const slots of room) {
    const used = Math.min(slots, cap);
    sum += used;
    largest = Math.max(largest, used);
  }
  return sum - largest >= level;
}

/** The same for many levels of the same hosts, without a look at every host for each of them. */
export function feasibleOn(room: readonly number[], spare: Spare): (level: number) => boolean {
  const sorted = [...room].sort((a, b) => a - b);
  // What the hosts with the least room take together: none of them, the first of them, the first two …
  const taken = [0];
  for (const slots of sorted) taken.push((taken.at(-1) ?? 0) + slots);
  return (level) => {
    const cap = capAt(spare, level);
    let below = 0;
    for (let above = sorted.length; below < above;) {
      const middle = (below + above) >> 1;
      if ((sorted[middle] ?? 0) < cap) below = middle + 1;
      else above = middle;
    }
    return (taken[below] ?? 0) + (sorted.length - below) * cap >= level;
  };
}

/** The nearest feasible levels below and above, within the allowed ones. */
export function nearestLevels(
  room: readonly number[],
  level: number,
  allowed: { readonly spare: Spare; readonly min: number; readonly max: number },
): { readonly below?: number; readonly above?: number } {
  return nearestWhere(feasibleOn(room, allowed.spare), level, allowed);
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

export function saySpare(spare: Spare): string {
  if (spare === 'none') return 'none';
  const parts = [
    ...(spare.count !== undefined ? [String(spare.count)] : []),
    ...(spare.share ? [sayShare(spare.share)] : []),
  ];
  return parts.join(' or ');
}
