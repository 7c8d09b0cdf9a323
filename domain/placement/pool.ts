import type { Pool } from '../descriptor/descriptor';
import { failure, type Failure, type HostReason } from '../failure';
import { capAt, domainCapAt, isFeasible, isRestorable, nearestLevels, saySharing, type HostRoom } from '../levels';
import type { LaunchRow, MemberRef } from '../plan';
import type { DebtLot, Member, VnfRecord } from '../record';
import { less, noResources, shortOf, slots } from '../resources';
import { isDeadStatus } from '../snapshot';
import { countOf, countWithin, cutLaunches, orderDeletions, withoutThose } from './batches';
import { affordable, costOf, overBudget, spend, type QuotaBudget } from './budget';
import {
  domainsFor,
  flavorOf,
  giveBack,
  looksDead,
  scarceClasses,
  unusable,
  type DomainOf,
  type Ground,
} from './ground';
import { allowanceOf, openingsOn, placeToTheLetter, shareOf } from './spread';
import type { PoolTask } from './task';
import { chooseVictims } from './victims';
import type { Demand } from './packing';

/**
 * One pool's part of a plan: which members stay, which leave, and where new ones go. Keeping min(count_h, cap(L')) on each
 * host and filling where the share is least is optimal for one pool: launches are least, and if this finds no placement
 * there is none.
 */
export interface PoolPlan {
  readonly pool: Pool;
  readonly from: number;
  readonly to: number;
  readonly batches: readonly (readonly LaunchRow[])[];
  readonly moves: readonly (readonly LaunchRow[])[];
  readonly leave: readonly MemberRef[];
  readonly reuse: readonly MemberRef[];
  readonly discard: readonly MemberRef[];
  readonly missing: number;
  readonly forbiddenBy: readonly number[];
  readonly restorable: boolean;
  /** What a tenant's plan asks of server groups. */
  readonly groups?: {
    readonly make: readonly number[];
    /** Of each group that something is launched in: members that it has, and how many more it gets. */
    readonly peaks: readonly { readonly used: number; readonly more: number }[];
  };
}

export type PoolPlanned =
  | { readonly ok: true; readonly plan: PoolPlan; readonly short: Failure | null }
  | { readonly ok: false; readonly refusal: Failure };

/** Takes what it places from the ground, and what it launches from the budget. */
export function planPool(
  ground: Ground,
  record: VnfRecord,
  task: PoolTask,
  budget: QuotaBudget | null = null,
): PoolPlanned {
  const { pool, state, to } = task;
  const { leaving, reuse, discard, arrived, waiting, serving, on, existing, need } = standing(ground, record, task);
  for (const { host } of discard) giveBack(ground, host, flavorOf(ground, pool));
  // Who looks dead without its record knowing may count when this is carried out, or not.
  const doubtful = state.inService.filter((member) => looksDead(ground, member));
  const owed = owedOf(ground, record, pool);
  const isListed = ({ serverId }: Member): boolean => ground.serverOf.has(serverId);
  const unsure = {
    vanishing: hostsOf([...owed.filter(isListed), ...doubtful]),
    // Who is on a host that is down may come back with it.
    dead: hostsOf(doubtful.filter((member) => hasDied(ground, member))),
  };
  const domainOf = domainsFor(ground, pool);
  // Those that are owed and not listed are most likely gone. Their places are kept free, but the letter cannot wait for them.
  const there = withoutThose(existing, hostsOf(owed.filter((member) => !isListed(member))));
  const counted = task.onlyOut ? eachElsewhere(there, leaving) : there;
  // Who was put where it must not be breaks the letter there whatever is done.
  const going = task.onlyOut ? [] : without(leaving, state.failed);
  const found = placeToTheLetter(ground, record, task, {
    ...{ need, on, existing, counted, ...unsure, going },
    ...(task.onlyOut && { oneByOne: leaving.map(({ host }) => host) }),
  });
  // Those that move go first: they need no quota.
  const movers = waiting.slice(0, found.length);
  const costs = costOf(flavorOf(ground, pool), pool);
  const unpaid = found.slice(movers.length + affordable(budget, costs, discard.length));
  for (const host of unpaid) giveBack(ground, host, flavorOf(ground, pool));
  const placed = found.slice(0, found.length - unpaid.length);
  spend(budget, costs, placed.length - movers.length - discard.length);
  const missing = need - placed.length;
  const short =
    unpaid.length > 0
      ? overBudget(record.vnf, pool, unpaid.length)
      : missing > 0
        ? refusal(ground, record, task, { serving, placed, missing })
        : null;
  if (short && !task.partial) return { ok: false, refusal: short };

  const moved = new Set([...arrived, ...movers].map((member) => member.ordinal));
  const gone = leaving.filter((member) => !moved.has(member.ordinal));
  // What is not replaced stays where it is, counted and shown.
  const leave =
    missing > 0
      ? replacedFirst(task, gone, {
          many: task.deadFirst ? placed.length : gone.length - missing,
          hosts: [...hostsOf(serving), ...placed],
          domainOf,
        })
      : gone;
  const arrivals = cutLaunches(pool, placed.slice(0, movers.length), { existing: counted, ...unsure, domainOf });
  const moves = rowsOf(movers, arrivals.batches, domainOf);
  const between = withPlaced(counted, placed.slice(0, movers.length));
  const launches = cutLaunches(pool, placed.slice(movers.length), { existing: between, ...unsure, domainOf });
  const after = withPlaced(existing, placed);
  const living = without(leave, state.failed);
  const dead = without(leave, living);
  const deletions = orderDeletions(pool, living, { existing: after, domainOf });
  const judged = task.onlyOut
    ? orderDeletions(pool, living.map(elsewhere), { existing: eachElsewhere(after, leaving), domainOf })
    : deletions;
  const forbiddenBy = [arrivals.forbiddenBy, launches.forbiddenBy, judged.forbiddenBy].filter(
    (level) => level !== null,
  );
  return {
    ok: true,
    short,
    plan: {
      pool,
      from: state.level,
      to,
      batches: numbered(pool, launches.batches, { first: state.nextOrdinal, domainOf }),
      moves: [...(arrived.length > 0 ? [arrived.map((member) => rowOf(member, domainOf))] : []), ...moves],
      leave: [...dead, ...deletions.order].map(refOf),
      reuse: reuse.map(refOf),
      discard: discard.map(refOf),
      missing,
      forbiddenBy,
      restorable: isRestorable(roomOf(ground, pool, withPlaced(on, placed), countOf(hostsOf(leave))), to, pool),
    },
  };
}

function hostsOf(members: readonly Member[]): string[] {
  return members.map(({ host }) => host);
}

/**
 * Of those that are to leave so many, in order: but first those of a failure domain that would have more than its share, since a replacement has
 * come into it. Nobody who stays unreplaced is one too many then: before, all domains had their share.
 */
function replacedFirst(
  { pool, to, state }: PoolTask,
  gone: readonly Member[],
  at: { readonly many: number; readonly hosts: readonly string[]; readonly domainOf: DomainOf },
): Member[] {
  if (!pool.failureDomain) return gone.slice(0, Math.max(0, at.many));
  const most = domainCapAt(pool, to);
  const living = without(gone, state.failed);
  const on = countWithin(countOf([...at.hosts, ...hostsOf(living)]), at.domainOf);
  const rest = [...gone];
  const leave: Member[] = [];
  while (leave.length < at.many) {
    const crowded = rest.findIndex(
      (member) => living.includes(member) && (on.get(at.domainOf(member.host) ?? '') ?? 0) > most,
    );
    const [next] = rest.splice(Math.max(0, crowded), 1);
    if (!next) break;
    leave.push(next);
    const domain = at.domainOf(next.host);
    if (domain !== null && living.includes(next)) on.set(domain, (on.get(domain) ?? 0) - 1);
  }
  return leave;
}

/** Who was put where it must not be exists, and breaks the letter there whatever we do: it is counted alone on a host of its own. */
function eachElsewhere(existing: ReadonlyMap<string, number>, members: readonly Member[]): Map<string, number> {
  const counts = new Map(existing);
  for (const member of members) {
    counts.set(member.host, (counts.get(member.host) ?? 0) - 1);
    counts.set(elsewhere(member).host, 1);
  }
  return counts;
}

function elsewhere(member: Member): Member {
  return { ...member, host: `elsewhere: ${member.serverId}` };
}

/** Who of a pool stays, who leaves, what launched earlier is used again, and how many are to be launched. */
function standing(ground: Ground, record: VnfRecord, task: PoolTask) {
  const { state } = task;
  const total = totalOf(task);
  const { kept, leaving } = whoStays(ground, task);
  const failedStaying = without(state.failed, leaving);
  const reuse = reusable(ground, task, { kept, most: total - kept.length - failedStaying.length });
  const discard = without(task.launched, reuse);
  const staying = [...kept, ...reuse];
  const most = total - staying.length - failedStaying.length;
  const { arrived, waiting } = moving(ground, task, { staying, most });
  const serving = [...staying, ...arrived];
  return {
    ...{ leaving, reuse, discard, arrived, waiting, serving },
    on: countOf(serving.map((member) => member.host)),
    existing: existingOn(ground, record, { ...task, launched: reuse }),
    need: Math.max(0, most - arrived.length),
  };
}

/** How many members there are to be, the dead that stay among them. */
export function totalOf({ state, to, onlyOut = false }: PoolTask): number {
  return onlyOut ? Math.min(to, state.inService.length + state.failed.length) : to;
}

/** What a pool asks of the hosts, whatever room others leave there. */
export function demandOf(ground: Ground, record: VnfRecord, task: PoolTask): Demand & { discard: readonly Member[] } {
  const { discard, leaving, on, existing, need } = standing(ground, record, task);
  const openings = openingsOn(ground, record, task, { on, existing });
  const most = new Map(
    openings.map(({ name, height, may }) => [name, Math.min(may, capAt(task.pool.spare, task.to) - height)]),
  );
  const demand = { need, flavor: flavorOf(ground, task.pool), most, discard };
  if (!task.pool.failureDomain) return demand;
  const { domainOf, left } = allowanceOf(ground, record, task, {
    ...{ on, existing },
    ...(task.onlyOut && { oneByOne: leaving.map(({ host }) => host) }),
  });
  const domains = new Set(openings.flatMap(({ name }) => domainOf(name) ?? []));
  return { ...demand, within: { domainOf, most: new Map([...domains].map((domain) => [domain, left(domain)])) } };
}

/** Members in service that stay, and all that leave: those in `out`, and whoever is one too many on a host, or in all. */
function whoStays(ground: Ground, task: PoolTask): { kept: Member[]; leaving: Member[] } {
  const { pool, state, to, out, replaceUnfit = false } = task;
  const isOut = (member: Member): boolean => out.has(member.ordinal);
  if (task.onlyOut) return onlyTheseLeave(task);
  const members = state.inService.filter((member) => !isOut(member));
  const failed = state.failed.filter((member) => !isOut(member));
  const excess = members.length + failed.length - to;
  const chosen = chooseVictims(ground, {
    ...{ members, failed, excess, cap: capAt(pool.spare, to), mayReplace: replaceUnfit },
    ...(pool.failureDomain && { domains: { cap: domainCapAt(pool, to), of: domainsFor(ground, pool) } }),
  });
  return { kept: chosen.kept, leaving: [...[...state.inService, ...state.failed].filter(isOut), ...chosen.leaving] };
}

export function onlyTheseLeave({ state, out }: PoolTask): { kept: Member[]; leaving: Member[] } {
  const order = new Map([...out].map((ordinal, at) => [ordinal, at]));
  const at = ({ ordinal }: Member): number => order.get(ordinal) ?? Infinity;
  const kept = state.inService.filter(({ ordinal }) => !out.has(ordinal));
  return { kept, leaving: without(state.inService, kept).sort((a, b) => at(a) - at(b)) };
}

/** Those members that are none of the others. */
export function without(members: readonly Member[], others: readonly Member[]): Member[] {
  const gone = new Set(others);
  return members.filter((member) => !gone.has(member));
}

function reusable(ground: Ground, task: PoolTask, at: { kept: readonly Member[]; most: number }): Member[] {
  if (task.launched.length === 0) return [];
  const share = shareOf(
    ground,
    task,
    at.kept.map(({ host }) => host),
  );
  const chosen: Member[] = [];
  for (const member of [...task.launched].sort((a, b) => a.ordinal - b.ordinal)) {
    const host = ground.hostNamed.get(member.host);
    if (chosen.length >= at.most || !host || unusable(ground, host, task.pool) !== null || share.fullness(host.name))
      continue;
    share.count(host.name);
    chosen.push(member);
  }
  return chosen;
}

/**
 * Failed members that Nova moves, or has moved already in a turn that vanished before it could say so: those are where they are,
 * and used there as if they had been launched there. Servers in ERROR, or at anything else, are replaced.
 */
function moving(
  ground: Ground,
  task: PoolTask,
  at: { staying: readonly Member[]; most: number },
): { arrived: Member[]; waiting: Member[] } {
  const { pool, state, movable } = task;
  if (movable.size === 0) return { arrived: [], waiting: [] };
  const share = shareOf(
    ground,
    task,
    at.staying.map(({ host }) => host),
  );
  const arrived: Member[] = [];
  const waiting: Member[] = [];
  for (const member of [...state.failed].sort((a, b) => a.ordinal - b.ordinal)) {
    const server = movable.has(member.ordinal) ? ground.serverOf.get(member.serverId) : undefined;
    if (!server?.host || (server.status !== 'ACTIVE' && server.status !== 'SHUTOFF')) continue;
    if (server.host === member.host) {
      waiting.push(member);
      continue;
    }
    const host = ground.hostNamed.get(server.host);
    if (!host || unusable(ground, host, pool) !== null || share.fullness(host.name) || arrived.length >= at.most)
      continue;
    share.count(host.name);
    arrived.push({ ...member, host: host.name });
  }
  return { arrived, waiting };
}

/** Each of the movers in order to the hosts as they were cut into batches. */
function rowsOf(movers: readonly Member[], batches: readonly (readonly string[])[], domainOf: DomainOf): LaunchRow[][] {
  const rest = [...movers];
  return batches.map((hosts) =>
    hosts.flatMap((host) => {
      const member = rest.shift();
      return member ? [rowOf({ ...member, host }, domainOf)] : [];
    }),
  );
}

function rowOf({ pool, ordinal, host }: Pick<LaunchRow, 'pool' | 'ordinal' | 'host'>, domainOf: DomainOf): LaunchRow {
  const domain = domainOf(host);
  return { pool, ordinal, host, ...(domain !== null && { domain }) };
}

/**
 * Every VM of the pool that exists and is not dead: in service, owed, launched in this turn and used again; and failed ones that
 * live on another host than the one that they died with.
 */
export function existingOn(
  ground: Ground,
  record: VnfRecord,
  task: Pick<PoolTask, 'pool' | 'state' | 'launched'>,
): Map<string, number> {
  const { pool, state, launched } = task;
  const failed = new Set(state.failed.map((member) => member.serverId));
  const elsewhere = livingOf(ground, state.failed).flatMap(({ serverId, host: left }) => {
    const host = ground.serverOf.get(serverId)?.host;
    return host !== undefined && host !== left ? [host] : [];
  });
  const atOnce = lotsOf(record, pool)
    .filter((lot) => lot.drainSeconds === 0)
    .flatMap((lot) => lot.members);
  const others = [...owedOf(ground, record, pool), ...livingOf(ground, atOnce), ...launched];
  return countOf([
    ...hostsOf(state.inService),
    ...hostsOf(others.filter((member) => !failed.has(member.serverId))),
    ...elsewhere,
  ]);
}

function lotsOf(record: VnfRecord, { name }: Pool): DebtLot[] {
  return record.debts.flatMap((debt) => debt.stages.flat()).filter((lot) => lot.pool === name);
}

/** Those that serve nobody any more, and are deleted when they have finished: but for those that the cloud shows dead already. */
function owedOf(ground: Ground, record: VnfRecord, pool: Pool): Member[] {
  return lotsOf(record, pool)
    .filter((lot) => lot.drainSeconds > 0)
    .flatMap((lot) => lot.members)
    .filter((member) => !hasDied(ground, member));
}

/** As its server says. */
function hasDied(ground: Ground, { serverId }: Member): boolean {
  return isDeadStatus(ground.serverOf.get(serverId)?.status ?? 'ACTIVE');
}

/** What is deleted without a drain was dead, or is of a pool that is not drained: the cloud shows which. */
function livingOf(ground: Ground, members: readonly Member[]): readonly Member[] {
  return members.filter((member) => {
    const host = ground.serverOf.get(member.serverId)?.host;
    return host !== undefined && ground.hostNamed.has(host) && !looksDead(ground, member);
  });
}

function numbered(
  pool: Pool,
  batches: readonly (readonly string[])[],
  { first, domainOf }: { readonly first: number; readonly domainOf: DomainOf },
): LaunchRow[][] {
  let ordinal = first;
  return batches.map((hosts) => hosts.map((host) => rowOf({ pool: pool.name, ordinal: ordinal++, host }, domainOf)));
}

/**
 * What each host could hold of the pool: what it has of it, and its free slots if anything new may go there. A host that the snapshot does not have
 * goes on holding what it has, in no failure domain.
 */
export function roomOf(
  ground: Ground,
  pool: Pool,
  on: ReadonlyMap<string, number>,
  /** By host, how many of the pool have left it and given back their room. */
  gone: ReadonlyMap<string, number> = new Map(),
): HostRoom[] {
  const flavor = flavorOf(ground, pool);
  const domainOf = domainsFor(ground, pool);
  const roomAt = (host: string): number => {
    const free = ground.free.get(host) ?? noResources;
    const given = gone.get(host);
    return slots(given === undefined ? free : less(free, flavor, -given), flavor);
  };
  const seen = ground.hosts.map((host): HostRoom => {
    const open = unusable(ground, host, pool) === null ? roomAt(host.name) : 0;
    return { slots: (on.get(host.name) ?? 0) + open, domain: domainOf(host.name) };
  });
  for (const [host, many] of on) if (!ground.hostNamed.has(host)) seen.push({ slots: many, domain: null });
  return seen;
}

function refusal(
  ground: Ground,
  record: VnfRecord,
  task: PoolTask,
  at: { serving: readonly Member[]; placed: readonly string[]; missing: number },
): Failure {
  const { pool, state, to, out } = task;
  const cap = capAt(pool.spare, to);
  const mayStay = state.inService.filter((member) => !out.has(member.ordinal));
  const launched = without(at.serving, state.inService);
  const on = withPlaced(countOf([...mayStay, ...launched].map((member) => member.host)), at.placed);
  const room = roomOf(ground, pool, on);
  const nearest = nearestLevels(room, to, pool);
  const usable = ground.hosts.filter((host) => unusable(ground, host, pool) === null).length;
  const { failureDomain: outer } = pool;
  const inDomain = outer ? ` and ${String(domainCapAt(pool, to))} in one ${outer.key}` : '';
  const scarce = scarceClasses(ground, pool);
  const lacking = scarce.length > 0 ? `; hosts have too little ${scarce.join(' and ')}` : '';
  const constraint =
    `${saySharing(pool)} at level ${String(to)} allows ${String(cap)} on a host${inDomain}; ` +
    `${String(usable)} hosts of ${pool.zone} may be used and ${String(at.missing)} members find no place${lacking}`;
  const nearby = [nearest.below, nearest.above].filter((level) => level !== undefined && level !== state.level);
  const more = Math.ceil(at.missing / cap);
  const where = outer ? `, of a ${outer.key} that has less than its share, ` : ' ';
  const remedy =
    out.size === 0 && nearby.length > 0
      ? `Ask for level ${nearby.join(' or ')}, or bring more hosts into ${pool.zone}.`
      : `Bring ${String(more)} more host${more > 1 ? 's' : ''} with room${where}into ${pool.zone}.`;
  return failure('Impossible', `${pool.name} cannot be brought to level ${String(to)}: ${constraint}. ${remedy}`, {
    vnf: record.vnf,
    pool: pool.name,
    hosts: reasonsOf(ground, task, at),
    nearestLevels: nearest,
    constraint,
    remedy,
    feasible: isFeasible(room, to, pool),
  });
}

/** Why each host took no more. */
function reasonsOf(
  ground: Ground,
  task: PoolTask,
  at: { serving: readonly Member[]; placed: readonly string[] },
): Record<string, HostReason> {
  const { pool } = task;
  const flavor = flavorOf(ground, pool);
  const share = shareOf(ground, task, [...at.serving.map(({ host }) => host), ...at.placed]);
  const reasons: Record<string, HostReason> = {};
  for (const host of ground.hosts) {
    const free = ground.free.get(host.name) ?? noResources;
    reasons[host.name] =
      unusable(ground, host, pool) ??
      (slots(free, flavor) < 1 ? shortOf(free, flavor) : (share.fullness(host.name) ?? 'CapReached'));
  }
  return reasons;
}

/** Room was taken from the ground for what was placed, so it counts as there. */
function withPlaced(on: ReadonlyMap<string, number>, placed: readonly string[]): ReadonlyMap<string, number> {
  if (placed.length === 0) return on;
  const counts = new Map(on);
  for (const host of placed) counts.set(host, (counts.get(host) ?? 0) + 1);
  return counts;
}

export function refOf({ pool, ordinal }: MemberRef): MemberRef {
  return { pool, ordinal };
}
