import type { Sharing, Spare } from '../descriptor/descriptor';
import { grouped } from '../grouped';
import { capAt, leastLevelOfCap } from '../levels';
import type { DomainOf } from './ground';
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
  /** Of these, those of the dead. */
  readonly dead?: readonly string[];
  /** Where the pool keeps to failure domains. */
  readonly domainOf?: DomainOf | undefined;
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
export function cutLaunches(pool: Sharing, hosts: readonly string[], counted: Counted): CutHosts {
  if (hosts.length === 0) return { batches: [], forbiddenBy: null };
  const { existing, vanishing = [], dead = [], domainOf } = counted;
  const all = { on: existing, total: sum(existing.values()) };
  const guardsOf = ({ on, total }: Count): Guarded => ({ guards: guarding(pool, { existing: on, domainOf }), total });
  const exact = cutWhere(hosts, [guardsOf(all)]);
  if (vanishing.length === 0) return exact;
  const left = withoutThose(existing, vanishing);
  const total = all.total - vanishing.length;
  // So that the letter holds whenever they go, or at least before and after that, where it can be had.
  const careful = [[{ on: existing, total }], [all, { on: left, total }]]
    .map((counts) => cutWhere(hosts, counts.map(guardsOf)))
    .find(({ forbiddenBy }) => forbiddenBy === null);
  if (careful) return { ...careful, forbiddenBy: exact.forbiddenBy };
  // The dead are none that exist, whoever does not know it yet.
  const living = { on: withoutThose(existing, dead), total: all.total - dead.length };
  const ofTheLiving = dead.length > 0 ? cutWhere(hosts, [guardsOf(living)]) : exact;
  return ofTheLiving.forbiddenBy === null ? { ...ofTheLiving, forbiddenBy: exact.forbiddenBy } : exact;
}

interface Count {
  readonly on: ReadonlyMap<string, number>;
  readonly total: number;
}

/** What must not have more than its share: each host, and each failure domain. A host in no domain is in no unit of that guard. */
interface Guard {
  readonly spare: Spare;
  readonly unitOf: (host: string) => string | null;
  /** What each unit has before anything changes. */
  readonly before: ReadonlyMap<string, number>;
}

interface Guarded {
  readonly guards: readonly Guard[];
  readonly total: number;
}

function guarding({ spare, failureDomain }: Sharing, { existing, domainOf }: Counted): Guard[] {
  const hosts: Guard = { spare, unitOf: (host) => host, before: existing };
  if (!failureDomain || !domainOf) return [hosts];
  return [hosts, { spare: failureDomain.spare, unitOf: domainOf, before: countWithin(existing, domainOf) }];
}

/** Batches that keep the letter however it is counted. */
function cutWhere(hosts: readonly string[], counts: readonly Guarded[]): CutHosts {
  const guards = counts.flatMap(({ guards: each, total }) =>
    each.map((guard) => ({ ...guard, total, more: new Map<string, number>() })),
  );
  let launched = 0;
  let rest = [...hosts];
  const batches: string[][] = [];
  const broken = guards.find(({ spare, before, total }) => largest(before) > capAt(spare, total + 1));
  const forbiddenBy = rest.length > 0 && broken ? broken.total + 1 : null;
  while (rest.length > 0) {
    const batch: string[] = [];
    const later: string[] = [];
    const rooms = guards.map(roomAtOnce);
    for (const host of rest) {
      const units = rooms.map(({ unitOf }) => unitOf(host));
      const isOpen = rooms.every(({ left }, index) => left(units[index] ?? null) > 0);
      (isOpen ? batch : later).push(host);
      if (isOpen)
        rooms.forEach(({ take }, index) => {
          take(units[index] ?? null);
        });
    }
    if (batch.length === 0) {
      const fewest = Math.min(...counts.map(({ total }) => total + launched));
      return { batches: [...batches, rest], forbiddenBy: forbiddenBy ?? fewest + 1 };
    }
    batches.push(batch);
    for (const { unitOf, more } of guards)
      for (const host of batch) {
        const unit = unitOf(host);
        if (unit !== null) more.set(unit, (more.get(unit) ?? 0) + 1);
      }
    launched += batch.length;
    rest = later;
  }
  return { batches, forbiddenBy };

  function roomAtOnce({ spare, before, more, unitOf, total }: (typeof guards)[number]) {
    const wanted = countOf(rest.flatMap((host) => unitOf(host) ?? []));
    const room = new Map<string, number>();
    const left = (unit: string | null): number => {
      if (unit === null) return Infinity;
      const known = room.get(unit);
      if (known !== undefined) return known;
      const there = (before.get(unit) ?? 0) + (more.get(unit) ?? 0);
      const many = mostAtOnce(spare, { there, wanted: wanted.get(unit) ?? 0, total: total + launched });
      room.set(unit, many);
      return many;
    };
    return {
      unitOf,
      left,
      take: (unit: string | null): void => {
        if (unit !== null) room.set(unit, left(unit) - 1);
      },
    };
  }
}

function largest(counts: ReadonlyMap<string, number>): number {
  let most = 0;
  for (const many of counts.values()) most = Math.max(most, many);
  return most;
}

function mostAtOnce(spare: Spare, at: { there: number; wanted: number; total: number }): number {
  for (let many = at.wanted; many > 0; many--) if (at.there + many <= capAt(spare, at.total + many)) return many;
  return 0;
}

/**
 * The order in which living members are deleted: from the fullest host first, which keeps the largest share least at every
 * step; among equals from where fewest vanish anyway, so that the same is true without those. Says at which number of existing VMs the
 * letter is first broken, if it is.
 */
export function orderDeletions<M extends { readonly host: string; readonly ordinal: number }>(
  pool: Sharing,
  members: readonly M[],
  { existing, vanishing = [], domainOf }: Counted,
): { readonly order: readonly M[]; readonly forbiddenBy: number | null } {
  if (members.length === 0) return { order: [], forbiddenBy: null };
  const byHost = grouped(
    [...members].sort((a, b) => a.ordinal - b.ordinal),
    ({ host }) => host,
  );
  const going = countOf(vanishing);
  const stacks = [...byHost].map(([host, there]) => ({
    ...{ host, height: existing.get(host) ?? 0, members: there },
    going: going.get(host) ?? 0,
  }));
  const order = [...takeFromTallest(stacks, (a, b) => a.going - b.going || (a.host < b.host ? -1 : 1))];
  const guards = guarding(pool, { existing, domainOf });
  const total = sum(existing.values());
  const lawful = guards.length === 1 ? order : byDeadline(order, { guards, total });
  return { order: lawful, forbiddenBy: firstBreach(lawful, { guards, total }) };
}

/** At which number of existing VMs a unit has more than its share. */
function firstBreach(order: readonly { readonly host: string }[], { guards, total }: Guarded): number | null {
  const watched = guards.map(({ spare, unitOf, before }) => {
    const heights = countOf([...before.values()].map(String));
    return { spare, unitOf, on: new Map(before), heights, tallest: largest(before) };
  });
  let left = total;
  for (const { host } of order) {
    left -= 1;
    for (const each of watched) {
      const unit = each.unitOf(host);
      if (unit !== null) {
        const height = each.on.get(unit) ?? 0;
        each.on.set(unit, height - 1);
        shift(each.heights, height);
      }
      while (each.tallest > 0 && (each.heights.get(String(each.tallest)) ?? 0) === 0) each.tallest--;
      if (each.tallest > capAt(each.spare, left) && left > 0) return left;
    }
  }
  return null;
}

/**
 * A host or domain that has c may have so many down to the least level with such a cap: its next deletion must be among the first of all
 * down to there. Within a domain those of the hosts that are soonest come first, each no later than the domain itself allows; then whoever must go
 * soonest, which keeps all deadlines where any order does.
 */
function byDeadline<M extends { readonly host: string }>(order: readonly M[], { guards, total }: Guarded): M[] {
  const [hosts, domains] = guards.map(({ spare, unitOf, before }) => {
    const on = new Map(before);
    return {
      unitOf,
      /** How many may have been deleted when the next of its unit is. */
      next: (unit: string): number => {
        const many = on.get(unit) ?? 0;
        on.set(unit, many - 1);
        return total - leastLevelOfCap(spare, many);
      },
    };
  });
  const byHost = order.map((member) => ({ member, by: hosts?.next(member.host) ?? total }));
  const within = grouped(byHost, ({ member }) => domains?.unitOf(member.host) ?? null);
  const due = [...within].flatMap(([domain, members]) =>
    members
      .sort(soonest)
      .map(({ member, by }) => ({ member, by: domain === null ? by : Math.min(by, domains?.next(domain) ?? by) })),
  );
  return due.sort(soonest).map(({ member }) => member);
}

function soonest(a: { readonly by: number }, b: { readonly by: number }): number {
  if (a.by === b.by) return 0;
  return a.by < b.by ? -1 : 1;
}

/**
 * How many of them are deleted at a time, from the first on, so that the letter holds in whatever order those of a batch vanish: a cloud
 * is told one after the other, and deletes as it likes. A host that keeps c while all others of the batch have lost theirs must still
 * have its share, and so must a failure domain. Where no cut helps, one at a time.
 */
export function cutDeletions(
  pool: Sharing,
  order: readonly { readonly host: string }[],
  { existing, vanishing = [], domainOf }: Counted,
): readonly number[] {
  const total = sum(existing.values()) - vanishing.length;
  const needs = guarding(pool, { existing, domainOf }).map((guard) => ({
    ...{ unitOf: guard.unitOf, of: needsOf(guard.spare, guard.before, total) },
  }));
  const change = (host: string, how: 'begin' | 'takeBack'): void => {
    for (const { unitOf, of } of needs) {
      const unit = unitOf(host);
      if (unit !== null) of[how](unit);
    }
  };
  const batches: number[] = [];
  for (let begun = 0; begun < order.length;) {
    let end = begun;
    for (let isLawful = true; isLawful && end < order.length;) {
      const host = order[end]?.host ?? '';
      change(host, 'begin');
      end += 1;
      isLawful = needs.every(({ of }) => of.most() <= total - end);
      if (isLawful || end === begun + 1) continue;
      // It begins the next batch.
      change(host, 'takeBack');
      end -= 1;
    }
    for (const { of } of needs) of.vanish();
    batches.push(end - begun);
    begun = end;
  }
  return batches;
}

/**
 * How many VMs must exist for each host, or failure domain, to have what it has: the least level with such a cap, less its own that are about
 * to vanish. A cap grows by one at most with the level, so the most of these falls with every deletion, and is found without a look at all
 * hosts: near-linear in members and hosts.
 */
function needsOf(spare: Spare, existing: ReadonlyMap<string, number>, total: number) {
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

/** By the failure domains in which the record has its members. */
export function domainsRecorded(
  members: readonly { readonly host: string; readonly domain?: string | undefined }[],
): DomainOf {
  const known = new Map(members.map(({ host, domain }) => [host, domain ?? null]));
  return (host) => known.get(host) ?? null;
}

/** One fewer for each of these, given by their hosts. */
export function withoutThose(on: ReadonlyMap<string, number>, hosts: readonly string[]): ReadonlyMap<string, number> {
  if (hosts.length === 0) return on;
  const counts = new Map(on);
  for (const host of hosts) counts.set(host, (counts.get(host) ?? 0) - 1);
  return counts;
}

/** Of counts by host those by failure domain. */
export function countWithin(on: ReadonlyMap<string, number>, domainOf: DomainOf): Map<string, number> {
  const counts = new Map<string, number>();
  for (const [host, many] of on) {
    const domain = domainOf(host);
    if (domain !== null) counts.set(domain, (counts.get(domain) ?? 0) + many);
  }
  return counts;
}

function sum(numbers: Iterable<number>): number {
  let total = 0;
  for (const each of numbers) total += each;
  return total;
}
