import { grouped } from '../grouped';
import { capAt, domainCapAt } from '../levels';
import type { Member, VnfRecord } from '../record';
import { slots } from '../resources';
import type { Host, Resources } from '../snapshot';
import { countOf, countWithin, cutLaunches, orderDeletions } from './batches';
import { domainsFor, flavorOf, giveBack, take, unusable, type Ground } from './ground';
import { existingCap, levelsInvolved, type PoolTask } from './task';

/** Where new members of a pool go: host by host, and domain by domain, as far as room and shares go. */

/** What a pool has of its share on each host and in each failure domain: one entry of `hosts` for each member. */
export function shareOf(ground: Ground, { pool, to }: Pick<PoolTask, 'pool' | 'to'>, hosts: readonly string[]) {
  const domainOf = domainsFor(ground, pool);
  const cap = capAt(pool.spare, to);
  const domainCap = domainCapAt(pool, to);
  const on = countOf(hosts);
  const within = countOf(hosts.flatMap((host) => domainOf(host) ?? []));
  return {
    /** Null: it may take one more. */
    fullness: (host: string): 'CapReached' | 'DomainCapReached' | null => {
      const domain = domainOf(host);
      if ((on.get(host) ?? 0) >= cap) return 'CapReached';
      return domain !== null && (within.get(domain) ?? 0) >= domainCap ? 'DomainCapReached' : null;
    },
    count: (host: string): void => {
      const domain = domainOf(host);
      on.set(host, (on.get(host) ?? 0) + 1);
      if (domain !== null) within.set(domain, (within.get(domain) ?? 0) + 1);
    },
  };
}

/**
 * Hosts that something new of the pool may go to, the roomiest first, with what they have of it and how many more may exist there.
 * Among equals each VNF has an order of its own, so that VNFs planned at the same moment do not all run into the same host.
 */
export function openingsOn(
  ground: Ground,
  record: VnfRecord,
  task: PoolTask,
  at: { on: ReadonlyMap<string, number>; existing: ReadonlyMap<string, number> },
): { readonly name: string; readonly height: number; readonly may: number }[] {
  const existingMost = existingCap(record, task);
  const flavor = flavorOf(ground, task.pool);
  return byLot(ground.hosts, record.vnf)
    .filter((host) => unusable(ground, host, task.pool) === null)
    .map(({ name }) => ({ name, room: roominess(ground, name, flavor) }))
    .sort((a, b) => b.room - a.room)
    .map(({ name }) => ({ name, height: at.on.get(name) ?? 0, may: existingMost - (at.existing.get(name) ?? 0) }));
}

const drawn = new WeakMap<readonly Host[], { readonly vnf: string; readonly hosts: readonly Host[] }>();

/** In an order of the VNF's own, so that not all begin on the same hosts. Each pool of a plan asks for it: it is drawn once. */
function byLot(hosts: readonly Host[], vnf: string): readonly Host[] {
  const before = drawn.get(hosts);
  if (before?.vnf === vnf) return before.hosts;
  const lots = new Map(hosts.map(({ name }) => [name, hash(`${vnf}/${name}`)]));
  const lotOf = ({ name }: Host): number => lots.get(name) ?? 0;
  const ordered = [...hosts].sort((a, b) => lotOf(a) - lotOf(b) || (a.name < b.name ? -1 : 1));
  drawn.set(hosts, { vnf, hosts: ordered });
  return ordered;
}

/** In vCPUs; of members that ask for something else, in members. */
function roominess(ground: Ground, host: string, flavor: Resources): number {
  const free = ground.free.get(host);
  if (!free) return 0;
  return flavor.others === undefined ? free.vcpus : slots(free, flavor);
}

export interface Placing {
  readonly need: number;
  readonly on: ReadonlyMap<string, number>;
  readonly existing: ReadonlyMap<string, number>;
  /** Hosts of those who leave one by one, each for one that is placed: who finds nobody in its place stays. Absent: all leave. */
  readonly oneByOne?: readonly string[];
}

/**
 * Where the pool has fewest of those that stay. Where that cannot be launched to the letter, or those that leave could not be deleted to it
 * afterwards, and where it has fewest that exist can, there: who leaves, or is dead and counted, does not take up a host in the end, but until then.
 * Where neither can, the same with the other to decide between equals.
 */
export function placeToTheLetter(
  ground: Ground,
  record: VnfRecord,
  task: PoolTask,
  at: Placing & {
    counted: ReadonlyMap<string, number>;
    vanishing: readonly string[];
    dead: readonly string[];
    going: readonly Member[];
  },
): readonly string[] {
  const { pool } = task;
  const { counted, vanishing, dead, going } = at;
  const domainOf = domainsFor(ground, pool);
  const isLaunchable = (hosts: readonly string[]): boolean =>
    cutLaunches(pool, hosts, { existing: counted, vanishing, dead, domainOf }).forbiddenBy === null;
  const isLawful = (hosts: readonly string[]): boolean => {
    if (hosts.length === 0 || going.length === 0) return true;
    const existing = new Map(counted);
    for (const host of hosts) existing.set(host, (existing.get(host) ?? 0) + 1);
    return orderDeletions(pool, going, { existing, domainOf }).forbiddenBy === null;
  };
  const flavor = flavorOf(ground, task.pool);
  if (task.hosts) {
    for (const host of task.hosts) take(ground, host, flavor);
    return task.hosts;
  }
  const orders = pool.failureDomain ? [false, true] : [false];
  let first: readonly string[] | undefined;
  let launchable: readonly string[] | undefined;
  const preferences: readonly Preference[] = [
    { fewest: at.on },
    { fewest: at.existing },
    { fewest: at.on, then: at.existing },
    { fewest: at.existing, then: at.on },
  ];
  for (const preference of preferences) {
    for (const domainsFirst of orders) {
      const placed = place(ground, record, task, { ...at, ...preference, domainsFirst });
      const isOk = isLaunchable(placed);
      if (isOk && isLawful(placed)) return placed;
      for (const host of placed) giveBack(ground, host, flavor);
      first ??= placed;
      if (isOk) launchable ??= placed;
    }
  }
  const best = launchable ?? first ?? [];
  for (const host of best) take(ground, host, flavor);
  return best;
}

/**
 * The hosts that have fewest of those that are counted, and of equals those in the domain that has; or the domains that have fewest first.
 */
function place(ground: Ground, record: VnfRecord, task: PoolTask, at: Placing & Preference): readonly string[] {
  if (at.need === 0) return [];
  const flavor = flavorOf(ground, task.pool);
  const cap = capAt(task.pool.spare, task.to);
  const allowed = allowanceOf(ground, record, task, at);
  // What each of them could take yet: room, the cap and what may exist there leave no more.
  const openings = openingsOn(ground, record, task, at);
  const { then } = at;
  if (then) openings.sort((a, b) => (then.get(a.name) ?? 0) - (then.get(b.name) ?? 0));
  const open = openings.flatMap(({ name, height, may }, order) => {
    const free = ground.free.get(name);
    const most = Math.min(free ? slots(free, flavor) : 0, may, cap - height);
    return most > 0 ? [{ name, order, height: at.fewest.get(name) ?? 0, most, domain: allowed.domainOf(name) }] : [];
  });
  const fewestIn = allowed.countWithin(at.fewest);
  const fronts = [...grouped(open, ({ domain }) => domain)].map(([domain, hosts]) => ({
    domain,
    rounds: fromLowest(hosts),
    height: domain === null ? 0 : (fewestIn.get(domain) ?? 0),
    isOverfull: false,
    next: undefined as Turn | undefined,
  }));
  for (const front of fronts) front.next = front.rounds.next().value;
  const placed: string[] = [];
  while (placed.length < at.need) {
    allowed.takeTurn();
    let best: (typeof fronts)[number] | undefined;
    for (const front of fronts) {
      front.isOverfull = allowed.isOverfull(front.domain);
      if (front.next && allowed.isOpen(front.domain) && (!best || isBefore(front, best, at))) best = front;
    }
    if (!best?.next) return placed;
    placed.push(best.next.name);
    take(ground, best.next.name, flavor);
    allowed.count(best.domain);
    best.height += 1;
    best.next = best.rounds.next().value;
  }
  return placed;
}

interface Preference {
  readonly fewest: ReadonlyMap<string, number>;
  /** Of equals those that have fewest of these, before it is asked which has most room. */
  readonly then?: ReadonlyMap<string, number>;
  readonly domainsFirst?: boolean;
}

/** A host as it takes one more. */
interface Turn {
  readonly name: string;
  readonly order: number;
  readonly height: number;
}

interface Front {
  readonly isOverfull: boolean;
  readonly height: number;
  readonly next: Turn | undefined;
}

function isBefore(a: Front, b: Front, { domainsFirst = false }: Preference): boolean {
  if (a.isOverfull !== b.isOverfull) return b.isOverfull;
  const byHost = (a.next?.height ?? 0) - (b.next?.height ?? 0);
  const byDomain = a.height - b.height;
  const order = (a.next?.order ?? 0) - (b.next?.order ?? 0);
  return ((domainsFirst ? byDomain || byHost : byHost || byDomain) || order) < 0;
}

/** One round for each count of members on a host: in each, the hosts with that count get one. Who takes nothing is not looked at again. */
function* fromLowest(hosts: (Turn & { height: number; most: number })[]): Generator<Turn, undefined, void> {
  let open = hosts;
  for (let height = 0; open.length > 0; height++) {
    for (const host of open) {
      if (host.height !== height) continue;
      yield { name: host.name, order: host.order, height };
      host.height += 1;
      host.most -= 1;
    }
    open = open.filter(({ most }) => most > 0);
  }
  return undefined;
}

/**
 * How many more members each failure domain may take beside those that stay. Whoever leaves it counts no more, though it exists until its
 * replacement serves: where domains have their full share nothing could ever be moved within one. It is the last that is taken.
 * Of those who leave one by one each counts until it is its turn.
 */
export function allowanceOf(ground: Ground, record: VnfRecord, task: PoolTask, at: Omit<Placing, 'need'>) {
  const domainOf = domainsFor(ground, task.pool);
  const within = (on: ReadonlyMap<string, number>): Map<string, number> =>
    task.pool.failureDomain ? countWithin(on, domainOf) : new Map<string, number>();
  const [staying, existing] = [within(at.on), within(at.existing)];
  const cap = domainCapAt(task.pool, task.to);
  const mayExist = Math.max(...levelsInvolved(record, task).map((level) => domainCapAt(task.pool, level)));
  const placed = new Map<string, number>();
  const waiting = (at.oneByOne ?? []).map(domainOf);
  const waitingIn = countOf(waiting.flatMap((domain) => domain ?? []));
  const add = (counts: Map<string, number>, domain: string | null, many: number): void => {
    if (domain !== null) counts.set(domain, (counts.get(domain) ?? 0) + many);
  };
  const inDomain = (domain: string, counts: readonly ReadonlyMap<string, number>[]): number =>
    counts.reduce((sum, each) => sum + (each.get(domain) ?? 0), 0);
  const left = (domain: string): number => cap - inDomain(domain, [staying, waitingIn, placed]);
  const takeTurn = (): void => {
    add(waitingIn, waiting.shift() ?? null, -1);
  };
  return {
    domainOf,
    countWithin: within,
    left,
    takeTurn,
    isOpen: (domain: string | null): boolean => domain === null || left(domain) > 0,
    /** Until somebody has left it again. */
    isOverfull: (domain: string | null): boolean => domain !== null && mayExist <= inDomain(domain, [existing, placed]),
    count: (domain: string | null): void => {
      add(placed, domain, 1);
    },
  };
}

/** FNV-1a, 32 bits: the same on every machine and in every release. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193) >>> 0;
  return value;
}
