import type { Pool } from '../../domain/descriptor/descriptor';
import type { PlanInput } from '../../domain/placement';
import type { Plan } from '../../domain/plan';
import type { Member } from '../../domain/record';
import type { Host } from '../../domain/snapshot';
import { capAt } from '../../domain/levels';

/**
 * What a planner must find, by trying everything. Of the planner's own code it uses the caps alone, which have a test of
 * their own (`levels.test.ts`). One pool, `web`, whose members take one unit of room each.
 */
export interface Question {
  readonly pool: Pool;
  readonly to: number;
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
  /** Room given back before anything is launched. */
  readonly freed: readonly string[];
}

export function questionOf({ record, snapshot, request, launched = [] }: PlanInput): Question {
  const [pool] = record.descriptor.pools;
  const state = pool && record.pools[pool.name];
  if (!pool || !state) throw new Error('a question is about one pool');
  const out = (member: Member): boolean =>
    (request.kind === 'emptyHosts' && request.hosts.includes(member.host)) ||
    (request.kind === 'replaceMembers' && request.members.some(({ ordinal }) => ordinal === member.ordinal));
  const to = request.kind === 'scaleOut' || request.kind === 'scaleIn' ? request.to : state.level;
  return {
    pool,
    to,
    hosts: snapshot.hosts,
    usable: snapshot.hosts.filter(
      ({ name, zone, up, enabled }) =>
        zone === pool.zone && up && enabled && !(request.kind === 'emptyHosts' && request.hosts.includes(name)),
    ),
    mayStay: state.inService.filter((member) => !out(member)),
    launched,
    failedMayStay: state.failed.filter((member) => !out(member)).length,
    existing: [...state.inService, ...launched],
    existingMost: Math.max(capAt(pool.spare, state.level), capAt(pool.spare, to)),
    freed: [],
  };
}

function countOn(members: readonly Member[], host: string): number {
  return members.filter((member) => member.host === host).length;
}

/** The fewest launches that bring `members` members into service, for each number that can be; by trying every number on every host. */
function fewestLaunches(question: Question): ReadonlyMap<number, number> {
  const cap = capAt(question.pool.spare, question.to);
  let reached = new Map([[0, 0]]);
  for (const host of question.hosts) {
    const usable = question.usable.includes(host);
    const there = countOn(question.mayStay, host.name) + (usable ? countOn(question.launched, host.name) : 0);
    const room = host.free.vcpus + question.freed.filter((name) => name === host.name).length;
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
  const free = new Map(snapshot.hosts.map((host) => [host.name, host.free.vcpus]));
  const avoided = new Set([...(request.kind === 'emptyHosts' ? request.hosts : []), ...(input.avoidHosts ?? [])]);
  for (const pool of record.descriptor.pools) {
    const state = record.pools[pool.name];
    const levels = plan.levels[pool.name];
    if (!state || !levels) continue;
    const mine = <T extends { readonly pool: string }>(of: readonly T[]): readonly T[] =>
      of.filter((each) => each.pool === pool.name);
    const rows = mine(plan.batches).flatMap((batch) => batch.rows);
    const discarded = new Set(mine(plan.discard).map(({ ordinal }) => ordinal));
    const size = snapshot.flavors[pool.flavor]?.vcpus ?? 1;
    const alive = [...state.inService, ...mine(launched).filter(({ ordinal }) => !discarded.has(ordinal))];
    for (const { ordinal, host } of mine(launched))
      if (discarded.has(ordinal)) free.set(host, (free.get(host) ?? 0) + size);
    for (const { ordinal } of mine(plan.deleteFirst))
      if (!state.failed.some((each) => each.ordinal === ordinal))
        wrong.push(`${pool.name}-${String(ordinal)} lives and is deleted first`);
    const on = new Map<string, number>();
    for (const { host } of alive) on.set(host, (on.get(host) ?? 0) + 1);
    const most = Math.max(capAt(pool.spare, levels.from), capAt(pool.spare, levels.to));
    const gone = new Set(mine([...plan.leave, ...plan.deleteFirst]).map(({ ordinal }) => ordinal));
    const first = new Set(mine(plan.deleteFirst).map(({ ordinal }) => ordinal));
    for (const { ordinal, host } of state.failed) if (first.has(ordinal)) free.set(host, (free.get(host) ?? 0) + size);

    // Names are new, hosts are of the zone, open, known and not to be avoided.
    const used = new Set([...alive, ...state.failed, ...mine(launched)].map(({ ordinal }) => ordinal));
    for (const { ordinal, host } of rows) {
      if (used.has(ordinal) || ordinal < state.nextOrdinal)
        wrong.push(`${pool.name}-${String(ordinal)} was used before`);
      used.add(ordinal);
      const known = snapshot.hosts.find(({ name }) => name === host);
      if (!known?.up || !known.enabled || known.zone !== pool.zone || avoided.has(host))
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
        const left = (free.get(host) ?? 0) - fresh * size;
        if (left < 0) wrong.push(`${host} has no room`);
        free.set(host, left);
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
    }
  }
  return wrong;
}

function memberOf(pool: string, ordinal: number, host: string): Member {
  return { pool, ordinal, host, serverId: '', portIds: [], token: '' };
}

/** Whether launches to these hosts (or deletions from them), one after the other in some order, keep the letter of G1(d) at every moment. */
export function someOrderKeepsLetter(
  pool: Pool,
  existing: ReadonlyMap<string, number>,
  change: { readonly hosts: readonly string[]; readonly by: 1 | -1 },
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
      const total = [...next.values()].reduce((sum, here) => sum + here, 0);
      return (
        [...next.values()].every((here) => here <= capAt(pool.spare, total)) &&
        tried(next, new Map(rest).set(host, many - 1))
      );
    });
  };
  return tried(existing, countsOf(change.hosts));
}

export function countsOf(hosts: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const host of hosts) counts.set(host, (counts.get(host) ?? 0) + 1);
  return counts;
}
