import { competes, less, slots } from '../resources';
import type { Resources } from '../snapshot';
import type { DomainOf } from './ground';

/**
 * Places for several pools on the same hosts. Where all members are of one size, this is a flow from pools to hosts, and who finds no room
 * takes the place of another that can go elsewhere, which in turn may do the same: an augmenting path, found if there is one. With
 * several sizes it is a packing problem, and the same search, which then may send away several small ones for a big one, may miss a way.
 */
export interface Demand {
  /** Members to be placed. */
  readonly need: number;
  readonly flavor: Resources;
  /** How many more of the pool each host may take, whatever its room. */
  readonly most: ReadonlyMap<string, number>;
  /** The same of each failure domain; of those that are not in it any number. */
  readonly within?: { readonly domainOf: DomainOf; readonly most: ReadonlyMap<string, number> };
}

/** Looks at a host before it is given up, all orders together: some tenths of a second. What takes more than that is not begun. */
const looksMax = 400_000;

/** So many are sent away one for another, and no more: each is a call within a call. */
const depthMax = 200;

function isTooMuch(demands: readonly Demand[]): boolean {
  return demands.reduce((sum, { need, most }) => sum + need * most.size, 0) > looksMax;
}

/** How many orders of pools are tried: the one that found no place goes first in the next. */
const ordersMax = 8;

/** For each demand its hosts, one entry for each member; null where places for all were not found. The same for the same question. */
export function pack(free: ReadonlyMap<string, Resources>, demands: readonly Demand[]): string[][] | null {
  const looks = { left: looksMax };
  if (isTooMuch(demands)) return null;
  // Those that ask for what few hosts have first, then the big ones: they find their place least easily.
  let order = [...demands.keys()].sort((a, b) => choosiest(demands[a], demands[b]) || a - b);
  for (let tries = 0; tries < ordersMax && looks.left > 0; tries++) {
    const packing = new Packing(free, demands, { prefers: tries % 2 === 0 ? 'roomiest' : 'tightest', looks });
    const failed = order.find((index) => !packing.placeAll(index));
    if (failed === undefined) return packing.hosts();
    if (tries % 2 === 1) order = [failed, ...order.filter((index) => index !== failed)];
  }
  return null;
}

/**
 * For each demand so many hosts as it finds beside those before it, which may be sent elsewhere for it, but lose no place: with members of one
 * size no more can be had, of the first ones nor of all. Null where it would take too long.
 */
export function packMost(free: ReadonlyMap<string, Resources>, demands: readonly Demand[]): string[][] | null {
  if (isTooMuch(demands)) return null;
  const packing = new Packing(free, demands, { prefers: 'roomiest', looks: { left: looksMax } });
  for (const index of demands.keys()) packing.placeAll(index);
  return packing.hosts();
}

function choosiest(a: Demand | undefined, b: Demand | undefined): number {
  const asks = (demand: Demand | undefined): number => (demand?.flavor.others === undefined ? 0 : 1);
  const sizeOf = (demand: Demand | undefined): number => (demand ? demand.flavor.vcpus * demand.flavor.ramMb : 0);
  return asks(b) - asks(a) || sizeOf(b) - sizeOf(a);
}

interface How {
  /** Which of the hosts with room is taken: that keeps places even, or room together. */
  readonly prefers: 'roomiest' | 'tightest';
  readonly looks: { left: number };
}

class Packing {
  readonly #free: Map<string, Resources>;
  readonly #demands: readonly Demand[];
  /** Members of each demand by host. */
  readonly #on: Map<string, number>[];
  /** The same by failure domain. */
  readonly #in: Map<string, number>[];
  /** What to undo, the latest last. */
  readonly #log: { readonly index: number; readonly host: string; readonly by: 1 | -1 }[] = [];

  readonly #how: How;

  constructor(free: ReadonlyMap<string, Resources>, demands: readonly Demand[], how: How) {
    this.#how = how;
    this.#free = new Map(free);
    this.#demands = demands;
    this.#on = demands.map(() => new Map<string, number>());
    this.#in = demands.map(() => new Map<string, number>());
  }

  /** False: not all found a place. Those that did have it. */
  placeAll(index: number): boolean {
    for (let left = this.#demand(index).need; left > 0; left--) if (!this.#insert(index, new Set())) return false;
    return true;
  }

  /** Round after round, so that who is launched in this order is spread at every moment. */
  hosts(): string[][] {
    return this.#on.map((on) => {
      const rounds: string[] = [];
      for (let round = 1; ; round++) {
        const there = [...on].filter(([, count]) => count >= round).map(([host]) => host);
        if (there.length === 0) return rounds;
        rounds.push(...there);
      }
    });
  }

  #demand(index: number): Demand {
    const demand = this.#demands[index];
    if (!demand) throw new Error(`there is no demand ${String(index)}`);
    return demand;
  }

  #count(index: number, host: string): number {
    return this.#on[index]?.get(host) ?? 0;
  }

  #isDomainFull(index: number, host: string): boolean {
    const { within } = this.#demand(index);
    const domain = within?.domainOf(host) ?? null;
    if (!within || domain === null) return false;
    return (this.#in[index]?.get(domain) ?? 0) >= (within.most.get(domain) ?? Infinity);
  }

  #room(index: number, host: string): number {
    const free = this.#free.get(host);
    return free ? slots(free, this.#demand(index).flavor) : 0;
  }

  /** There is no room for one more, and who leaves gives back some of what is short. */
  #isInTheWay(other: number, index: number, host: string): boolean {
    const free = this.#free.get(host);
    const { flavor } = this.#demand(index);
    return free !== undefined && slots(free, flavor) === 0 && competes(free, flavor, this.#demand(other).flavor);
  }

  /** `seen`: which pool has tried to make room on which host, or was sent away there: it comes to nothing a second time. */
  #insert(index: number, seen: Set<string>, depth = 0): boolean {
    const { most } = this.#demand(index);
    this.#how.looks.left -= most.size;
    if (this.#how.looks.left <= 0 || depth > depthMax) return false;
    const open = [...most].flatMap(([host, many]) =>
      this.#count(index, host) < many && !this.#isDomainFull(index, host) ? [host] : [],
    );
    let best: { host: string; rank: number } | undefined;
    for (const host of open) {
      if (this.#room(index, host) === 0) continue;
      const rank = this.#rank(index, host);
      if (!best || rank < best.rank) best = { host, rank };
    }
    if (best) {
      this.#put(index, best.host, 1);
      return true;
    }
    for (const host of open) {
      const key = `${String(index)}@${host}`;
      if (seen.has(key)) continue;
      seen.add(key);
      const before = this.#log.length;
      if (this.#clear(index, host, { seen, depth })) return true;
      this.#undo(before);
    }
    return false;
  }

  /** Sends others from there until one more of this one fits, of one pool or of several, and finds places for them. */
  #clear(
    index: number,
    host: string,
    { seen, depth }: { readonly seen: Set<string>; readonly depth: number },
  ): boolean {
    this.#how.looks.left -= this.#demands.length;
    const others = [...this.#demands.keys()].filter((other) => other !== index && this.#count(other, host) > 0);
    for (const first of others.keys()) {
      const before = this.#log.length;
      const sent: number[] = [];
      for (const other of [...others.slice(first), ...others.slice(0, first)]) {
        while (this.#count(other, host) > 0 && this.#isInTheWay(other, index, host)) {
          this.#put(other, host, -1);
          sent.push(other);
        }
      }
      if (this.#room(index, host) === 0) {
        this.#undo(before);
        return false;
      }
      this.#put(index, host, 1);
      for (const other of sent) seen.add(`${String(other)}@${host}`);
      if (sent.every((other) => this.#insert(other, seen, depth + 1))) return true;
      this.#undo(before);
    }
    return false;
  }

  #rank(index: number, host: string): number {
    const left = this.#free.get(host)?.vcpus ?? 0;
    return this.#how.prefers === 'tightest' ? left : this.#count(index, host) * 1_000_000 - left;
  }

  #put(index: number, host: string, by: 1 | -1): void {
    const { flavor, within } = this.#demand(index);
    const free = this.#free.get(host);
    this.#on[index]?.set(host, this.#count(index, host) + by);
    const [domain, there] = [within?.domainOf(host) ?? null, this.#in[index]];
    if (there && domain !== null) there.set(domain, (there.get(domain) ?? 0) + by);
    if (free) this.#free.set(host, less(free, flavor, by));
    this.#log.push({ index, host, by });
  }

  #undo(to: number): void {
    while (this.#log.length > to) {
      const last = this.#log.pop();
      if (!last) return;
      this.#put(last.index, last.host, last.by === 1 ? -1 : 1);
      this.#log.pop();
    }
  }
}
