import type { Pool } from '../descriptor/descriptor';
import { capAt, leastLevelOfCap } from '../levels';
import { takeFromTallest } from './tallest';

/**
 * G1(d), to the letter: existing VMs on a host <= cap(VMs existing at that moment). Launches are cut into batches so that
 * it holds in whatever order the VMs of a batch come up.
 *
 * A batch takes n_h for host h where existing_h + n_h <= cap(E + n_h): in the worst order only this host's are there yet.
 * Taking as many as that allows is best, since more VMs elsewhere only raise the cap.
 */
export interface Counted {
  /** VMs of the pool that exist on each host and live. */
  readonly existing: ReadonlyMap<string, number>;
  /** The hosts of those among them that may be gone meanwhile: others delete them, or they are dead and it is not known yet. */
  readonly vanishing?: readonly string[];
}

export interface CutHosts {
  readonly batches: readonly (readonly string[])[];
  /**
   * The level, in existing VMs, at which the letter is not kept: no further launch would, or a host's death has left others
   * with more than their share of what lives. Null where it is kept.
   */
  readonly forbiddenBy: number | null;
}

/** `hosts`: one entry for each launch, in the order of placement. */
export function cutLaunches(pool: Pool, hosts: readonly string[], { existing, vanishing = [] }: Counted): CutHosts {
  const all = { on: existing, total: sum(existing.values()) };
  const exact = cutWhere(pool, hosts, [all]);
  if (vanishing.length === 0) return exact;
  const left = new Map(existing);
  for (const host of vanishing) left.set(host, (left.get(host) ?? 0) - 1);
  const total = all.total - vanishing.length;
  // So that the letter holds whenever they go, or at least before and after that, where it can be had.
  const careful = [[{ on: existing, total }], [all, { on: left, total }]]
    .map((counts) => cutWhere(pool, hosts, counts))
    .find(({ forbiddenBy }) => forbiddenBy === null);
  return careful ? { ...careful, forbiddenBy: exact.forbiddenBy } : exact;
}

interface Count {
  readonly on: ReadonlyMap<string, number>;
  readonly total: number;
}

/** Batches that keep the letter however it is counted. */
function cutWhere(pool: Pool, hosts: readonly string[], counts: readonly Count[]): CutHosts {
  const on = counts.map((count) => new Map(count.on));
  let launched = 0;
  let rest = [...hosts];
  const batches: string[][] = [];
  const totalAt = (count: Count): number => count.total + launched;
  const broken = counts.find((count) => Math.max(0, ...count.on.values()) > capAt(pool.spare, count.total + 1));
  const forbiddenBy = rest.length > 0 && broken ? broken.total + 1 : null;
  while (rest.length > 0) {
    const room = new Map<string, number>();
    const batch: string[] = [];
    const later: string[] = [];
    const wanted = countOf(rest);
    for (const host of rest) {
      const left =
        room.get(host) ??
        Math.min(
          ...counts.map((count, index) =>
            mostAtOnce(pool, {
              there: on[index]?.get(host) ?? 0,
              wanted: wanted.get(host) ?? 0,
              total: totalAt(count),
            }),
          ),
        );
      if (left > 0) batch.push(host);
      else later.push(host);
      room.set(host, left - 1);
    }
    if (batch.length === 0)
      return { batches: [...batches, rest], forbiddenBy: forbiddenBy ?? Math.min(...counts.map(totalAt)) + 1 };
    batches.push(batch);
    for (const host of batch) for (const each of on) each.set(host, (each.get(host) ?? 0) + 1);
    launched += batch.length;
    rest = later;
  }
  return { batches, forbiddenBy };
}

function mostAtOnce(pool: Pool, at: { there: number; wanted: number; total: number }): number {
  for (let many = at.wanted; many > 0; many--) if (at.there + many <= capAt(pool.spare, at.total + many)) return many;
  return 0;
}

/**
 * The order in which living members are deleted: from the fullest host first, which keeps the largest share least at every
 * step; among equals from where fewest vanish anyway, so that the same is true without those. Says at which number of existing VMs the
 * letter is first broken, if it is.
 */
export function orderDeletions<M extends { readonly host: string; readonly ordinal: number }>(
  pool: Pick<Pool, 'spare'>,
  members: readonly M[],
  { existing, vanishing = [] }: Counted,
): { readonly order: readonly M[]; readonly forbiddenBy: number | null } {
  const on = new Map(existing);
  let total = sum(on.values());
  const byHost = new Map<string, M[]>();
  for (const member of [...members].sort((a, b) => a.ordinal - b.ordinal)) {
    const there = byHost.get(member.host);
    if (there) there.push(member);
    else byHost.set(member.host, [member]);
  }
  const heights = countOf([...on.values()].map(String));
  let tallest = Math.max(0, ...on.values());
  const order: M[] = [];
  let forbiddenBy: number | null = null;
  const going = countOf(vanishing);
  const stacks = [...byHost].map(([host, there]) => ({
    ...{ host, height: on.get(host) ?? 0, members: there },
    going: going.get(host) ?? 0,
  }));
  for (const next of takeFromTallest(stacks, (a, b) => a.going - b.going || (a.host < b.host ? -1 : 1))) {
    order.push(next);
    const height = on.get(next.host) ?? 0;
    on.set(next.host, height - 1);
    shift(heights, height);
    while (tallest > 0 && (heights.get(String(tallest)) ?? 0) === 0) tallest--;
    total -= 1;
    if (tallest > capAt(pool.spare, total) && total > 0) forbiddenBy ??= total;
  }
  return { order, forbiddenBy };
}

/**
 * How many of them are deleted at a time, from the first on, so that the letter holds in whatever order those of a batch vanish: a cloud
 * is told one after the other, and deletes as it likes. A host that keeps c while all others of the batch have lost theirs must still
 * have its share. Where no cut helps, one at a time.
 */
export function cutDeletions(
  pool: Pick<Pool, 'spare'>,
  order: readonly { readonly host: string }[],
  { existing, vanishing = [] }: Counted,
): readonly number[] {
  const total = sum(existing.values()) - vanishing.length;
  const needs = needsOf(pool.spare, existing, total);
  const batches: number[] = [];
  for (let begun = 0; begun < order.length;) {
    let end = begun;
    for (let isLawful = true; isLawful && end < order.length;) {
      const host = order[end]?.host ?? '';
      needs.begin(host);
      end += 1;
      isLawful = needs.most() <= total - end;
      if (isLawful || end === begun + 1) continue;
      // It begins the next batch.
      needs.takeBack(host);
      end -= 1;
    }
    needs.vanish();
    batches.push(end - begun);
    begun = end;
  }
  return batches;
}

/**
 * How many VMs must exist for each host to have what it has: the least level with such a cap, less its own that are about to vanish. A cap
 * grows by one at most with the level, so the most of these falls with every deletion, and is found without a look at all hosts:
 * near-linear in members and hosts.
 */
function needsOf(spare: Pool['spare'], existing: ReadonlyMap<string, number>, total: number) {
  const on = new Map(existing);
  const leaving = new Map<string, number>();
  /** How many hosts need so many. */
  const hosts = new Map<number, number>();
  let tallest = 0;
  const needOf = (host: string): number => {
    const here = on.get(host) ?? 0;
    const least = leastLevelOfCap(spare, here);
    // More than there ever will be.
    return least > total + here ? Infinity : least;
  };
  const count = (need: number, by: 1 | -1): void => {
    hosts.set(need, (hosts.get(need) ?? 0) + by);
    if (by === 1 && need > tallest && need < Infinity) tallest = need;
  };
  const change = (host: string, by: 1 | -1): void => {
    const need = needOf(host);
    const now = leaving.get(host) ?? 0;
    count(need - now, -1);
    count(need - now - by, 1);
    leaving.set(host, now + by);
  };
  for (const host of on.keys()) count(needOf(host), 1);
  return {
    begin: (host: string): void => {
      change(host, 1);
    },
    takeBack: (host: string): void => {
      change(host, -1);
    },
    vanish: (): void => {
      for (const [host, gone] of leaving) {
        count(needOf(host) - gone, -1);
        on.set(host, (on.get(host) ?? 0) - gone);
        count(needOf(host), 1);
      }
      leaving.clear();
    },
    most: (): number => {
      if ((hosts.get(Infinity) ?? 0) > 0) return Infinity;
      while (tallest > 0 && (hosts.get(tallest) ?? 0) === 0) tallest--;
      return tallest;
    },
  };
}

function shift(heights: Map<string, number>, height: number): void {
  heights.set(String(height), (heights.get(String(height)) ?? 0) - 1);
  heights.set(String(height - 1), (heights.get(String(height - 1)) ?? 0) + 1);
}

export function countOf(items: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
  return counts;
}

function sum(numbers: Iterable<number>): number {
  let total = 0;
  for (const each of numbers) total += each;
  return total;
}
