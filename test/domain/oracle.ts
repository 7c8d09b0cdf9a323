import type { Pool, Sharing } from '../../domain/descriptor/descriptor';
import type { PlanInput } from '../../domain/placement';
import type { Plan } from '../../domain/plan';
import type { Member } from '../../domain/record';
import type { Host, Resources } from '../../domain/snapshot';
import { capAt, domainCapAt } from '../../domain/levels';
import { membersIn, unit } from './build';

/**
 * What a planner must find, by trying everything. Of the planner's own code it uses the caps alone, which have a test of
 * their own (`levels.test.ts`). One pool, `web`, whose members take one unit of room each, and one of a class of which there is
 * little where their flavor asks for it.
 */
export interface Question {
  readonly pool: Pool;
  readonly to: number;
  readonly flavor: Resources;
  /** Hosts on which something new may go. */
  readonly usable: readonly Host[];
  readonly hosts: readonly Host[];
  /** In service and allowed to stay. */
  readonly mayStay: readonly Member[];
  /** Launched earlier in the turn. */
  readonly launched: readonly Member[];
  /** Dead, still counted in the level unless the plan lets them go. */
  readonly failedMayStay: number;
  /** Every VM of the pool that lives. */
  readonly existing: readonly Member[];
  /** The largest cap of the levels involved: more than that never exist on a host. */
  readonly existingMost: number;
  readonly domainOf: DomainOf;
  /** Room given back before anything is launched. */
  readonly freed: readonly string[];
}

export function questionOf({ record, snapshot, request, launched = [] }: PlanInput): Question {
  const [pool] = record.descriptor.pools;
  const state = pool && record.pools[pool.name];
  if (!pool || !state) throw new Error('a question is about one pool');
  const out = (member: Member): boolean =>
    (request.kind === 'emptyHosts' && request.hosts.includes(member.host)) ||
    ((request.kind === 'replaceMembers' || request.kind === 'scaleIn') &&
      (request.members ?? []).some(({ ordinal }) => ordinal === member.ordinal));
  const to = request.kind === 'scaleOut' || request.kind === 'scaleIn' ? request.to : state.level;
  return {
    pool,
    to,
    flavor: snapshot.flavors[pool.flavor] ?? unit,
    hosts: snapshot.hosts,
    usable: snapshot.hosts.filter(
      ({ name, zone, up, enabled, domains }) =>
        zone === pool.zone &&
        up &&
        enabled &&
        (pool.failureDomain === undefined || domains?.[pool.failureDomain.key] !== undefined) &&
        !(request.kind === 'emptyHosts' && request.hosts.includes(name)),
    ),
    mayStay: state.inService.filter((member) => !out(member)),
    launched,
    failedMayStay: state.failed.filter((member) => !out(member)).length,
    existing: [...state.inService, ...launched],
    existingMost: Math.max(capAt(pool.spare, state.level), capAt(pool.spare, to)),
    domainOf: domainsOf(snapshot.hosts, pool),
    freed: [],
  };
}

type DomainOf = (host: string) => string | undefined;

/** In which failure domain that counts for the pool a host is. */
export function domainsOf(hosts: readonly Host[], pool: Sharing & Pick<Pool, 'zone'>): DomainOf {
  const key = pool.failureDomain?.key;
  const counted = hosts.filter(({ zone }) => key !== undefined && zone === pool.zone);
  const known = new Map(counted.map(({ name, domains }) => [name, domains?.[key ?? '']]));
  return (host) => known.get(host);
}

function countOn(members: readonly Member[], host: string): number {
  return members.filter((member) => member.host === host).length;
}

/** The fewest launches that bring `members` members into service, for each number that can be; by trying every number on every host. */
function fewestLaunches(question: Question): ReadonlyMap<number, number> {
  const domains = new Map<string | undefined, Host[]>();
  for (const host of question.hosts) {
    const domain = question.domainOf(host.name);
    domains.set(domain, [...(domains.get(domain) ?? []), host]);
  }
  let reached = new Map([[0, 0]]);
  const { pool, to } = question;
  for (const [domain, hosts] of domains) {
    const isAllowed = (more: number): boolean => domain === undefined || more <= domainCapAt(pool, to);
    const next = new Map<number, number>();
    for (const [more, fresh] of fewestOn(question, hosts))
      for (const [members, launches] of reached)
        if (isAllowed(more)) next.set(members + more, Math.min(next.get(members + more) ?? Infinity, launches + fresh));
    reached = next;
  }
  return reached;
}

function fewestOn(question: Question, hosts: readonly Host[]): ReadonlyMap<number, number> {
  const cap = capAt(question.pool.spare, question.to);
  let reached = new Map([[0, 0]]);
  for (const host of hosts) {
    const usable = question.usable.includes(host);
    const there = countOn(question.mayStay, host.name) + (usable ? countOn(question.launched, host.name) : 0);
    const room = membersIn(host.free, question.flavor) + question.freed.filter((name) => name === host.name).length;
    const fits = usable
      ? Math.max(0, Math.min(room, question.existingMost - countOn(question.existing, host.name)))
      : 0;
    const next = new Map<number, number>();
    for (const [members, launches] of reached) {
      for (let stay = 0; stay <= Math.min(there, cap); stay++) {
        for (let fresh = 0; fresh <= fits && stay + fresh <= cap; fresh++) {
          const total = members + stay + fresh;
          next.set(total, Math.min(next.get(total) ?? Infinity, launches + fresh));
        }
      }
    }
    reached = next;
  }
  return reached;
}

/** The fewest launches that do what is asked, or null where nothing does. */
export function leastLaunches(question: Question): number | null {
  const reached = fewestLaunches(question);
  let least: number | null = null;
  for (let failed = 0; failed <= question.failedMayStay; failed++) {
    const launches = reached.get(question.to - failed);
    if (launches !== undefined && (least === null || launches < least)) least = launches;
  }
  return least;
}

/**
 * Whether several pools find their places on the same hosts. Members of all of them take one unit of room each, so that it is a flow from
 * pools through failure domains to hosts, and decided exactly: whoever finds none pushes another on, from host to host, to where there is room.
 */
export function allFindPlaces(questions: readonly Question[]): boolean {
  return withoutPlaces(questions) === 0;
}

/** How many members of all these pools find none, at the least. */
export function withoutPlaces(questions: readonly Question[]): number {
  const room = new Map(questions[0]?.hosts.map(({ name, free }) => [name, free.vcpus]));
  const placed = new Map<string, number[]>();
  const isFull = (question: Question, at: number, name: string): boolean => {
    const domain = question.domainOf(name);
    if (domain === undefined) return false;
    const within = (of: readonly { readonly host: string }[]): number =>
      of.filter(({ host }) => question.domainOf(host) === domain).length;
    const fresh = [...placed].flatMap(([host, here]) => here.flatMap((pool) => (pool === at ? [{ host }] : [])));
    return within(question.mayStay) + within(fresh) >= domainCapAt(question.pool, question.to);
  };
  /** Along edges that have something left: pool, domain, host; and back over who can be sent elsewhere. No node twice. */
  const fromPool = (at: number, seen: Set<string>): boolean => {
    const question = questions[at];
    if (!question || !isNew(seen, `pool ${String(at)}`)) return false;
    const domains = new Map(question.usable.map(({ name }) => [question.domainOf(name), name]));
    return [...domains].some(([domain, some]) => !isFull(question, at, some) && fromDomain(at, domain, seen));
  };
  const fromDomain = (at: number, domain: string | undefined, seen: Set<string>): boolean => {
    const question = questions[at];
    if (!question || !isNew(seen, `domain ${String(at)} ${String(domain)}`)) return false;
    const cap = capAt(question.pool.spare, question.to);
    return question.usable.some(({ name, free }) => {
      if (question.domainOf(name) !== domain) return false;
      const kept = Math.min(countOn(question.mayStay, name), cap);
      const { existing, existingMost, flavor } = question;
      // Nobody else takes what only this pool asks for.
      const most = Math.min(cap - kept, existingMost - countOn(existing, name), membersIn(free, flavor));
      if ((placed.get(name) ?? []).filter((pool) => pool === at).length >= most || !fromHost(name, seen)) return false;
      placed.set(name, [...(placed.get(name) ?? []), at]);
      return true;
    });
  };
  const fromHost = (name: string, seen: Set<string>): boolean => {
    if (!isNew(seen, `host ${name}`)) return false;
    const here = placed.get(name) ?? [];
    if (here.length < (room.get(name) ?? 0)) return true;
    const sent = [...new Set(here)].find(
      (pool) => fromDomain(pool, questions[pool]?.domainOf(name), seen) || fromPool(pool, seen),
    );
    if (sent === undefined) return false;
    const left = [...(placed.get(name) ?? [])];
    left.splice(left.indexOf(sent), 1);
    placed.set(name, left);
    return true;
  };
  let without = 0;
  questions.forEach((question, at) => {
    const cap = capAt(question.pool.spare, question.to);
    const kept = question.hosts.reduce((sum, { name }) => sum + Math.min(countOn(question.mayStay, name), cap), 0);
    const need = question.to - kept - question.failedMayStay;
    for (let member = 0; member < need; member++) if (!fromPool(at, new Set())) without += 1;
  });
  return without;
}

function isNew(seen: Set<string>, node: string): boolean {
  if (seen.has(node)) return false;
  seen.add(node);
  return true;
}

/** How many members can be had at most, with what is dead and stays counted in. */
export function mostMembers(question: Question): number {
  return Math.min(question.to, Math.max(...fewestLaunches(question).keys()) + question.failedMayStay);
}

/**
 * Carries a plan out as any cloud might: the launches of a batch in every order, the deletions in the order given. Says all
 * that was ever wrong. With `letter`, also each moment at which existing VMs were more than the cap of so many.
 */
export function breaches(input: PlanInput, plan: Plan, options: { readonly letter: boolean }): string[] {
  const { record, snapshot, request, launched = [] } = input;
  const wrong: string[] = [];
  const free = new Map(snapshot.hosts.map((host) => [host.name, { VCPU: host.free.vcpus, ...host.free.others }]));
  const avoided = new Set([...(request.kind === 'emptyHosts' ? request.hosts : []), ...(input.avoidHosts ?? [])]);
  for (const pool of record.descriptor.pools) {
    const state = record.pools[pool.name];
    const levels = plan.levels[pool.name];
    if (!state || !levels) continue;
    const mine = <T extends { readonly pool: string }>(of: readonly T[]): readonly T[] =>
      of.filter((each) => each.pool === pool.name);
    const rows = mine(plan.batches).flatMap((batch) => batch.rows);
    const discarded = new Set(mine(plan.discard).map(({ ordinal }) => ordinal));
    const { vcpus = 1, others } = snapshot.flavors[pool.flavor] ?? {};
    /** What is left there when so many more of this pool's have taken theirs. */
    const takes = (host: string, members: number): number[] => {
      const room: Record<string, number> = free.get(host) ?? {};
      for (const [name, each] of Object.entries({ VCPU: vcpus, ...others }))
        room[name] = (room[name] ?? 0) - members * each;
      return Object.values(room);
    };
    const alive = [...state.inService, ...mine(launched).filter(({ ordinal }) => !discarded.has(ordinal))];
    for (const { ordinal, host } of mine(launched)) if (discarded.has(ordinal)) takes(host, -1);
    for (const { ordinal } of mine(plan.deleteFirst))
      if (!state.failed.some((each) => each.ordinal === ordinal))
        wrong.push(`${pool.name}-${String(ordinal)} lives and is deleted first`);
    const on = new Map<string, number>();
    for (const { host } of alive) on.set(host, (on.get(host) ?? 0) + 1);
    const most = Math.max(capAt(pool.spare, levels.from), capAt(pool.spare, levels.to));
    const mostWithin = Math.max(domainCapAt(pool, levels.from), domainCapAt(pool, levels.to));
    const domainOf = domainsOf(snapshot.hosts, pool);
    const within = (hosts: ReadonlyMap<string, number>): Map<string, number> => countsWithin(hosts, domainOf);
    const before = within(on);
    const gone = new Set(mine([...plan.leave, ...plan.deleteFirst]).map(({ ordinal }) => ordinal));
    const first = new Set(mine(plan.deleteFirst).map(({ ordinal }) => ordinal));
    for (const { ordinal, host } of state.failed) if (first.has(ordinal)) takes(host, -1);

    // Names are new, hosts are of the zone, open, known and not to be avoided.
    const used = new Set([...alive, ...state.failed, ...mine(launched)].map(({ ordinal }) => ordinal));
    for (const { ordinal, host } of rows) {
      if (used.has(ordinal) || ordinal < state.nextOrdinal)
        wrong.push(`${pool.name}-${String(ordinal)} was used before`);
      used.add(ordinal);
      const known = snapshot.hosts.find(({ name }) => name === host);
      const isUnknown = pool.failureDomain !== undefined && domainOf(host) === undefined;
      if (!known?.up || !known.enabled || known.zone !== pool.zone || avoided.has(host) || isUnknown)
        wrong.push(`${host} may not be used`);
    }
    // Every order of a batch: on each host, its own launches come first of all, after none of the others.
    for (const { rows: batch } of mine(plan.batches)) {
      const total = [...on.values()].reduce((sum, many) => sum + many, 0);
      for (const host of new Set(batch.map((row) => row.host))) {
        const fresh = batch.filter((row) => row.host === host).length;
        const there = on.get(host) ?? 0;
        for (let more = 1; more <= fresh; more++) {
          if (there + more > most) wrong.push(`G1(c): ${String(there + more)} of ${pool.name} exist on ${host}`);
          if (options.letter && there + more > capAt(pool.spare, total + more))
            wrong.push(`G1(d): ${String(there + more)} of ${String(total + more)} ${pool.name} exist on ${host}`);
        }
        if (takes(host, fresh).some((left) => left < 0)) wrong.push(`${host} has no room`);
      }
      const there = within(on);
      for (const [domain, fresh] of within(countsOf(batch.map(({ host }) => host)))) {
        for (let more = 1; more <= fresh; more++) {
          const here = (there.get(domain) ?? 0) + more;
          const leaving = state.inService.filter((each) => gone.has(each.ordinal) && domainOf(each.host) === domain);
          // Who is replaced in a domain is there until the replacement serves; what others have moved there was there before.
          if (here - leaving.length > Math.max(mostWithin, before.get(domain) ?? 0))
            wrong.push(`G1(c): ${String(here)} of ${pool.name} exist in ${domain}`);
          if (options.letter && here > domainCapAt(pool, total + more))
            wrong.push(`G1(d): ${String(here)} of ${String(total + more)} ${pool.name} exist in ${domain}`);
        }
      }
      for (const { host } of batch) on.set(host, (on.get(host) ?? 0) + 1);
    }
    // Who serves afterwards.
    const fresh = rows.map(({ ordinal, host }) => memberOf(pool.name, ordinal, host));
    const reused = mine(launched).filter(({ ordinal }) => mine(plan.reuse).some((ref) => ref.ordinal === ordinal));
    const after = [...state.inService.filter(({ ordinal }) => !gone.has(ordinal)), ...reused, ...fresh];
    const dead = state.failed.filter(({ ordinal }) => !gone.has(ordinal));
    const missing = plan.unplaced.find((each) => each.pool === pool.name)?.missing ?? 0;
    for (const { name } of snapshot.hosts)
      if (countOn(after, name) > capAt(pool.spare, levels.to) && missing === 0)
        wrong.push(`G1(a): ${name} has too many of ${pool.name}`);
    for (const [domain, here] of within(countsOf(after.map(({ host }) => host))))
      if (here > domainCapAt(pool, levels.to) && missing === 0)
        wrong.push(`G1(a): ${domain} has too many of ${pool.name}`);
    if (after.length + dead.length !== levels.to && missing === 0)
      wrong.push(
        `${String(after.length)} of ${pool.name} serve and ${String(dead.length)} are dead, at level ${String(levels.to)}`,
      );
    // Deletions, one after the other.
    for (const { ordinal } of mine(plan.leave)) {
      const member = state.inService.find((each) => each.ordinal === ordinal);
      if (!member) continue;
      on.set(member.host, (on.get(member.host) ?? 0) - 1);
      const total = [...on.values()].reduce((sum, many) => sum + many, 0);
      for (const [host, many] of on)
        if (options.letter && total > 0 && many > capAt(pool.spare, total))
          wrong.push(`G1(d): ${String(many)} of ${String(total)} ${pool.name} exist on ${host} after a deletion`);
      for (const [domain, many] of within(on))
        if (options.letter && total > 0 && many > domainCapAt(pool, total))
          wrong.push(`G1(d): ${String(many)} of ${String(total)} ${pool.name} exist in ${domain} after a deletion`);
    }
  }
  return wrong;
}

function memberOf(pool: string, ordinal: number, host: string): Member {
  return { pool, ordinal, host, serverId: '', portIds: [], token: '' };
}

/** Members by failure domain, from members by host. */
export function countsWithin(hosts: ReadonlyMap<string, number>, domainOf: DomainOf): Map<string, number> {
  const counts = new Map<string, number>();
  for (const [host, here] of hosts) {
    const domain = domainOf(host);
    if (domain !== undefined) counts.set(domain, (counts.get(domain) ?? 0) + here);
  }
  return counts;
}

/** Whether so many VMs on each host are no more than the caps of all together. */
export function keepsLetter(pool: Sharing, on: ReadonlyMap<string, number>, domainOf: DomainOf): boolean {
  const total = [...on.values()].reduce((sum, here) => sum + here, 0);
  return (
    [...on.values()].every((here) => here <= capAt(pool.spare, total)) &&
    [...countsWithin(on, domainOf).values()].every((here) => here <= domainCapAt(pool, total))
  );
}

/** Whether launches to these hosts (or deletions from them), one after the other in some order, keep the letter of G1(d) at every moment. */
export function someOrderKeepsLetter(
  pool: Sharing,
  existing: ReadonlyMap<string, number>,
  change: {
    readonly hosts: readonly string[];
    readonly by: 1 | -1;
    readonly domainOf: DomainOf;
  },
): boolean {
  const seen = new Set<string>();
  const tried = (on: ReadonlyMap<string, number>, rest: ReadonlyMap<string, number>): boolean => {
    const open = [...rest].filter(([, many]) => many > 0);
    if (open.length === 0) return true;
    const key = JSON.stringify(open);
    if (seen.has(key)) return false;
    seen.add(key);
    return open.some(([host, many]) => {
      const next = new Map(on).set(host, (on.get(host) ?? 0) + change.by);
      return keepsLetter(pool, next, change.domainOf) && tried(next, new Map(rest).set(host, many - 1));
    });
  };
  return tried(existing, countsOf(change.hosts));
}

/**
 * Whether any placement of so few launches, with any choice of who leaves, keeps the letter in some order of its launches and then of
 * its deletions.
 */
export function someChoiceKeepsLetter(question: Question, launches: number): boolean {
  const { pool, existing, hosts } = question;
  const cap = capAt(pool.spare, question.to);
  const choices = hosts.map((host) => {
    const there = countOn(question.mayStay, host.name);
    const usable = question.usable.includes(host);
    const fits = usable
      ? Math.min(membersIn(host.free, question.flavor), question.existingMost - countOn(existing, host.name))
      : 0;
    return { name: host.name, alive: countOn(existing, host.name), there, fits };
  });
  const before = countsOf(existing.map(({ host }) => host));
  const tried = (
    at: number,
    chosen: { members: number; rows: readonly string[]; gone: readonly string[] },
  ): boolean => {
    const { members, rows, gone } = chosen;
    const host = choices[at];
    if (rows.length > launches || members > question.to) return false;
    if (!host) {
      if (rows.length !== launches || question.to - members > question.failedMayStay) return false;
      return (
        someOrderKeepsLetter(pool, before, { hosts: rows, by: 1, domainOf: question.domainOf }) &&
        someOrderKeepsLetter(pool, countsOf([...existing.map((member) => member.host), ...rows]), {
          ...{ hosts: gone, by: -1, domainOf: question.domainOf },
        })
      );
    }
    for (let stay = Math.min(host.there, cap); stay >= 0; stay--) {
      for (let fresh = 0; fresh <= host.fits && stay + fresh <= cap; fresh++) {
        const found = tried(at + 1, {
          members: members + stay + fresh,
          rows: [...rows, ...many(host.name, fresh)],
          gone: [...gone, ...many(host.name, host.alive - stay)],
        });
        if (found) return true;
      }
    }
    return false;
  };
  return tried(0, { members: 0, rows: [], gone: [] });
}

function many(name: string, times: number): string[] {
  return Array.from({ length: times }, () => name);
}

export function countsOf(hosts: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const host of hosts) counts.set(host, (counts.get(host) ?? 0) + 1);
  return counts;
}
