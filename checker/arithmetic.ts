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

/** What a host has of a pool, and for how many more it has room. */
export interface Room {
  readonly own: number;
  readonly free: number;
  /** Of a pool that keeps to failure domains: the one that the host is in. Null where nobody knows: then those it has stay, and no more come. */
  readonly domain?: string | null;
}

export interface Wanted {
  readonly level: number;
  readonly cap: number;
  /** Of failure domains, where the pool keeps to such. */
  readonly domainCap?: number;
}

/**
 * Whether a level can be placed: hosts hold what they have of the pool and what is free there for more, each up to the cap, and domains what
 * their hosts hold, up to theirs. Those that stay count first, so that it is the sum which decides.
 */
export function fitsOn(hosts: readonly Room[], { level, cap, domainCap = Infinity }: Wanted): boolean {
  let sum = 0;
  const inDomains = new Map<string, number>();
  for (const { own, free, domain } of hosts) {
    const here = Math.min(domain === null ? own : own + free, cap);
    if (typeof domain === 'string') inDomains.set(domain, (inDomains.get(domain) ?? 0) + here);
    else sum += here;
  }
  for (const here of inDomains.values()) sum += Math.min(here, domainCap);
  return sum >= level;
}

export function largestCap(spare: Spare, levels: Iterable<number>): number {
  let largest = 1;
  for (const level of levels) largest = Math.max(largest, capOf(spare, level));
  return largest;
}
