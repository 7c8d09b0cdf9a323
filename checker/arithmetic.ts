import type { Spare } from '../domain/descriptor/descriptor';

/** Shares once more, in code of its own: the planner's arithmetic is one of the things that are checked. */

/** k(L), by whole-number division with BigInt. */
export function spareOf(spare: Spare, level: number): number {
  if (spare === 'none') return 0;
  const limits: number[] = [];
  if (spare.count !== undefined) limits.push(spare.count);
  if (spare.share) {
    const members = (BigInt(spare.share.numerator) * BigInt(level)) / BigInt(spare.share.denominator);
    limits.push(members < 1n ? 1 : Number(members));
  }
  return Math.min(...limits);
}

export function capOf(spare: Spare, level: number): number {
  const k = spareOf(spare, level);
  return k < 1 ? 1 : k;
}

/**
 * Whether a level can be placed: hosts hold what they have of the pool and what is free there for more, each up to the cap.
 * Those that stay count first, so that it is the sum which decides.
 */
export function fitsOn(hosts: readonly { own: number; free: number }[], at: { level: number; cap: number }): boolean {
  let sum = 0;
  for (const { own, free } of hosts) sum += Math.min(own + free, at.cap);
  return sum >= at.level;
}

export function largestCap(spare: Spare, levels: Iterable<number>): number {
  let largest = 1;
  for (const level of levels) largest = Math.max(largest, capOf(spare, level));
  return largest;
}
