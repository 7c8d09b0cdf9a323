import type { Pool } from '../descriptor/descriptor';
import { capAt } from '../levels';

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
export function cutLaunches(pool: Pool, hosts: readonly string[], { existing }: Counted): CutHosts {
  const on = new Map(existing);
  let total = sum(on.values());
  let rest = [...hosts];
  const batches: string[][] = [];
  const brokenBefore = rest.length > 0 && Math.max(0, ...on.values()) > capAt(pool.spare, total + 1);
  const forbiddenBy = brokenBefore ? total + 1 : null;
  while (rest.length > 0) {
    const room = new Map<string, number>();
    const batch: string[] = [];
    const later: string[] = [];
    const wanted = countOf(rest);
    for (const host of rest) {
      const left =
        room.get(host) ?? mostAtOnce(pool, { there: on.get(host) ?? 0, wanted: wanted.get(host) ?? 0, total });
      if (left > 0) batch.push(host);
      else later.push(host);
      room.set(host, left - 1);
    }
    if (batch.length === 0) return { batches: [...batches, rest], forbiddenBy: forbiddenBy ?? total + 1 };
    batches.push(batch);
    for (const host of batch) on.set(host, (on.get(host) ?? 0) + 1);
    total += batch.length;
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
 * step. Says at which number of existing VMs the letter is first broken, if it is.
 */
export function orderDeletions<M extends { readonly host: string; readonly ordinal: number }>(
  pool: Pick<Pool, 'spare'>,
  members: readonly M[],
  { existing }: Counted,
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
  const hosts = [...byHost.keys()].sort();
  while (order.length < members.length) {
    const host = tallestOf(hosts, byHost, on);
    const next = byHost.get(host)?.pop();
    if (!next) break;
    order.push(next);
    const height = on.get(host) ?? 0;
    on.set(host, height - 1);
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
 * have its share. Where no cut helps, one at a time. `vanishing`: how many of those that exist are deleted by others meanwhile, sooner or
 * later.
 */
export function cutDeletions(
  pool: Pick<Pool, 'spare'>,
  order: readonly { readonly host: string }[],
  { existing, vanishing = 0 }: Counted & { readonly vanishing?: number },
): readonly number[] {
  const on = new Map(existing);
  let total = sum(on.values()) - vanishing;
  const batches: number[] = [];
  for (let begun = 0; begun < order.length;) {
    const leaving = new Map<string, number>();
    let many = 0;
    for (; begun + many < order.length; many++) {
      const host = order[begun + many]?.host ?? '';
      leaving.set(host, (leaving.get(host) ?? 0) + 1);
      const lawful = [...on].every(
        ([each, count]) => count <= capAt(pool.spare, total - (many + 1) + (leaving.get(each) ?? 0)),
      );
      if (!lawful) break;
    }
    const taken = Math.max(1, many);
    for (const { host } of order.slice(begun, begun + taken)) on.set(host, (on.get(host) ?? 0) - 1);
    total -= taken;
    begun += taken;
    batches.push(taken);
  }
  return batches;
}

function tallestOf<M>(
  hosts: readonly string[],
  byHost: ReadonlyMap<string, readonly M[]>,
  on: ReadonlyMap<string, number>,
): string {
  let best = '';
  let height = -1;
  for (const host of hosts) {
    if ((byHost.get(host)?.length ?? 0) === 0) continue;
    const here = on.get(host) ?? 0;
    if (here > height) {
      best = host;
      height = here;
    }
  }
  return best;
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
