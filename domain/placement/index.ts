import type { Pool } from '../descriptor/descriptor';
import { dependencyLayers } from '../descriptor/layers';
import { failure, type Failure } from '../failure';
import { feasibleOn, spareAt } from '../levels';
import { memberName } from '../names';
import type { Batch, ChangeRequest, FoundOn, MemberRef, Plan, Planned, ServerGroupRef } from '../plan';
import type { Member, PoolState, VnfRecord } from '../record';
import type { Snapshot } from '../snapshot';
import { countOf, orderDeletions } from './batches';
import { afterSpending, costOf, spend } from './budget';
import { domainsFor, flavorOf, giveBack, groundOf, type Ground } from './ground';
import type { Demand } from './packing';
import { demandOf, existingOn, refOf, roomOf, type PoolPlan } from './pool';
import { planAll, type Found } from './pools';
import type { PoolTask } from './task';
import { checkQuota, orInTurns } from './quota';
import { asFound, foundElsewhere, misplaced, tallestOf } from './rebalance';
import { deadOf, keptByDead, refuseDomains } from './tenant';
import { validateRequest } from './validate';

/**
 * The planner: a pure, synchronous function of the record, the snapshot and the request. It decides everything; whoever
 * carries the plan out decides nothing.
 */
export interface PlanInput {
  readonly record: VnfRecord;
  readonly snapshot: Snapshot;
  readonly request: ChangeRequest;
  /** Launched earlier in this turn, alive, in no record: to be used again or discarded. */
  readonly launched?: readonly Member[];
  /** Hosts that this turn has seen misbehave (misplaced, failed a build): used for nothing new. */
  readonly avoidHosts?: readonly string[];
  /** Server groups for which the cloud has found no host in this turn, looked at again: nothing more is launched in them. */
  readonly fullGroups?: readonly ServerGroupRef[];
  /** Members whose evacuation has failed in this turn: they are replaced. */
  readonly stranded?: readonly MemberRef[];
  /** One membership change only, in pools marked serial. */
  readonly oneChange?: boolean;
  /** Refuse what cannot be done to the letter of G1(d). */
  readonly strict?: boolean;
  /** Refuse what the quota does not carry at once, rather than do it in several turns: others need it at the same time. */
  readonly wholeSurge?: boolean;
}

export function plan(input: PlanInput): Planned {
  const foundOn = correctedBy(input);
  if (foundOn.length === 0) return planAsRecorded(input);
  const planned = planAsRecorded({ ...input, record: asFound(input.record, foundOn) });
  return planned.ok ? { ok: true, plan: { ...planned.plan, foundOn } } : planned;
}

/**
 * In what the request corrects the record. Whoever empties hosts goes by where the cloud has those that are on them, or were: one that other
 * hands have moved away stays, and one that they have moved there leaves.
 */
function correctedBy({ record, snapshot, request }: PlanInput): FoundOn[] {
  if (request.kind === 'rebalance') return foundElsewhere(record, snapshot);
  if (request.kind !== 'emptyHosts') return [];
  const emptied = new Set(request.hosts);
  const isThere = ({ host }: { readonly host?: string }): boolean => host !== undefined && emptied.has(host);
  const there = snapshot.servers.filter(isThere);
  const members = Object.values(record.pools).flatMap(({ inService, failed }) => [
    ...inService.filter(isThere),
    ...failed.filter(isThere),
  ]);
  const believed = new Set(members.map(({ serverId }) => serverId));
  // As it nearly always is: then nobody else needs to be looked at.
  if (there.length === believed.size && there.every(({ serverId }) => believed.has(serverId))) return [];
  const servers = snapshot.servers.filter((server) => isThere(server) || believed.has(server.serverId));
  return foundElsewhere(record, { ...snapshot, servers });
}

function planAsRecorded(input: PlanInput): Planned {
  const { record, request, snapshot } = input;
  const wrong = validateRequest(record, request) ?? unknownHosts(input) ?? unknownZones(input) ?? unseenDomains(input);
  if (wrong) return { ok: false, refusal: wrong };
  const outOfReach = refuseOutOfReach(input);
  if (outOfReach) return { ok: false, refusal: outOfReach };
  const ground = groundOf(snapshot, excludedBy(input), input.fullGroups);
  if (request.kind === 'terminate') return planTerminate(ground, input);
  const tasks = tasksOf(ground, input);
  if (request.kind === 'scaleIn') return planScaleIn(ground, { ...input, request }, tasks);
  return planTasks(ground, input, tasks);
}

function planTasks(ground: Ground, input: PlanInput, tasks: readonly PoolTask[]): Planned {
  if (tasks.some((task) => keptByDead(ground, task).length > 0)) {
    const deadFirst = planDeleteFirst(input, tasks);
    if (deadFirst?.ok) return deadFirst;
  }
  const found = planAll(ground, input, tasks);
  if (found.ok) {
    const planned = finish(input, found, { tasks, deleteFirst: false });
    const deadFirst = isStalled(planned) ? planDeleteFirst(input, tasks) : null;
    return deadFirst?.ok ? deadFirst : planned;
  }
  // Where nothing else is possible, what is dead already makes room for its replacement.
  return planDeleteFirst(input, tasks) ?? found;
}

/** Nothing at all comes of it, since the quota carries nothing beside what there is. */
function isStalled(planned: Planned): boolean {
  if (!planned.ok) return false;
  const { batches, leave, deleteFirst, moves = [], unplaced } = planned.plan;
  const isShort = unplaced.some(({ reason }) => reason.kind === 'QuotaExceeded');
  return isShort && batches.length + leave.length + deleteFirst.length + moves.length === 0;
}

type ScaleIn = Extract<ChangeRequest, { kind: 'scaleIn' }>;

/** That the unfit leave first is worth a launch; where room or quota do not carry it, they leave as far as it costs none. */
function planScaleIn(ground: Ground, input: PlanInput & { request: ScaleIn }, tasks: readonly PoolTask[]): Planned {
  const unfitFirst = planTasks(
    ground,
    input,
    tasks.map((task) => ({ ...task, replaceUnfit: true })),
  );
  if (unfitFirst.ok) return unfitFirst;
  const planned = planTasks(ground, input, tasks);
  if (planned.ok || !input.request.members) return planned;
  const { members: named, ...request } = input.request;
  const others = plan({ ...input, request });
  return others.ok
    ? { ok: false, refusal: notThese(input.record, planned.refusal, { named, others: others.plan }) }
    : others;
}

/** A refusal whose reason is whom the caller has named. */
function notThese(
  record: VnfRecord,
  refusal: Failure,
  { named, others }: { named: readonly MemberRef[]; others: Plan },
): Failure {
  const namesOf = (refs: readonly MemberRef[]): string[] =>
    refs.map(({ pool, ordinal }) => memberName(record.vnf, pool, ordinal));
  const members = namesOf(named);
  const remedy = `Name others, or nobody: then ${namesOf(others.leave).join(', ')} would leave.`;
  return {
    ...refusal,
    message: `${members.join(', ')} cannot leave: what stays would have to be shared out anew. ${refusal.message} ${remedy}`,
    details: { ...refusal.details, members, remedy },
  };
}

function mayDeleteFirst({ kind }: ChangeRequest, tasks: readonly PoolTask[]): boolean {
  if (kind !== 'replaceMembers' && kind !== 'emptyHosts') return false;
  return tasks.every(outIsDead) && tasks.some((task) => task.out.size > 0);
}

/** With the room and the quota of the dead, who go before anything is launched. Null where that may not be, or there is no place all the same. */
function planDeleteFirst(input: PlanInput, tasks: readonly PoolTask[]): Planned | null {
  if (!mayDeleteFirst(input.request, tasks)) return null;
  const before = groundOf(input.snapshot, excludedBy(input), input.fullGroups);
  const kept = tasks.flatMap((task) => keptByDead(before, task));
  const full = input.fullGroups?.filter((group) => !kept.some((each) => isSameGroup(each, group)));
  const ground = groundOf(input.snapshot, excludedBy(input), full);
  const dead = tasks.flatMap((task) =>
    deadOf(task).map(({ host }) => ({ pool: task.pool, host, flavor: flavorOf(ground, task.pool) })),
  );
  for (const { host, flavor } of dead) giveBack(ground, host, flavor);
  const snapshot = afterSpending(input.snapshot, (budget) => {
    for (const { pool, flavor } of dead) spend(budget, costOf(flavor, pool), -1);
  });
  const found = planAll(
    ground,
    { ...input, snapshot },
    tasks.map((task) => ({ ...task, deadFirst: true })),
  );
  return found.ok ? finish(input, found, { tasks, deleteFirst: true }) : null;
}

function isSameGroup(a: ServerGroupRef, b: ServerGroupRef): boolean {
  return a.pool === b.pool && a.number === b.number;
}

/** Who is evacuated is not deleted. */
function outIsDead({ state, out, movable }: PoolTask): boolean {
  return movable.size === 0 && !state.inService.some((member) => out.has(member.ordinal));
}

/** What is to become of each pool that the request concerns. */
function tasksOf(ground: Ground, input: PlanInput): PoolTask[] {
  const { record, request, launched = [] } = input;
  const tasks: PoolTask[] = [];
  const add = (
    pool: Pool,
    given: { to?: number; out?: readonly number[]; partial?: boolean; onlyOut?: boolean },
  ): void => {
    const state = record.pools[pool.name];
    if (!state) return;
    const step = oneAtATime(ground, input, { pool, state, to: given.to ?? state.level, out: given.out ?? [] });
    tasks.push({
      pool,
      state,
      to: step.to,
      out: new Set(step.out),
      launched: launched.filter((member) => member.pool === pool.name),
      partial: given.partial ?? false,
      movable: movableOf(input, { pool, state, out: step.out }),
      more: step.more,
      ...(given.onlyOut && { onlyOut: true }),
    });
  };
  for (const pool of record.descriptor.pools) {
    const state = record.pools[pool.name];
    if (!state) continue;
    switch (request.kind) {
      case 'instantiate':
        add(pool, { to: pool.size.initial });
        break;
      case 'scaleOut':
        if (pool.name === request.pool) add(pool, { to: request.to });
        break;
      case 'scaleIn': {
        const out = [...new Set(request.members?.map(({ ordinal }) => ordinal))];
        if (pool.name === request.pool) add(pool, { to: request.to, out });
        break;
      }
      case 'replaceMembers': {
        const out = request.members.filter((ref) => ref.pool === pool.name).map((ref) => ref.ordinal);
        const deficit = state.level - state.inService.length - state.failed.length;
        if (out.length > 0 || deficit > 0) add(pool, { out, partial: request.partial ?? false });
        break;
      }
      case 'emptyHosts': {
        // Who died on a host that other hands had moved it to is not where its record has it.
        const isThere = ({ serverId, host }: Member): boolean =>
          request.hosts.includes(host) || request.hosts.includes(ground.serverOf.get(serverId)?.host ?? host);
        const out = [
          ...state.failed.filter(isThere),
          ...state.inService.filter(({ host }) => request.hosts.includes(host)),
        ];
        if (out.length > 0) add(pool, { out: out.map(({ ordinal }) => ordinal), partial: request.cause === 'failed' });
        break;
      }
      case 'rebalance': {
        const going = misplaced(ground, pool, state);
        if (going.length > 0) add(pool, { out: going.map(({ ordinal }) => ordinal), partial: true, onlyOut: true });
        break;
      }
      case 'terminate':
        break;
    }
  }
  if (request.kind === 'rebalance') return tallestFirst(tasks);
  return request.kind === 'emptyHosts' ? mostEndangeredFirst(tasks) : tasks;
}

/**
 * Nova's evacuate needs the caller's word that the host is fenced, and the descriptor's that the members survive it. Only what its
 * record holds for dead is evacuated: whoever still serves is replaced first.
 */
function movableOf(
  { request, stranded = [] }: PlanInput,
  task: { pool: Pool; state: PoolState; out: readonly number[] },
): ReadonlySet<number> {
  const { pool, state, out } = task;
  const moves = request.kind === 'emptyHosts' && request.cause === 'failed' && request.fenced === true;
  if (!moves || pool.recover !== 'evacuate') return new Set();
  const failed = new Set(state.failed.map((member) => member.ordinal));
  const lost = new Set(stranded.filter((ref) => ref.pool === pool.name).map((ref) => ref.ordinal));
  return new Set(out.filter((ordinal) => failed.has(ordinal) && !lost.has(ordinal)));
}

/** A pool marked serial changes one member at a turn: the next feasible level, or the first member to be replaced. */
function oneAtATime(
  ground: Ground,
  input: PlanInput,
  task: { pool: Pool; state: PoolState; to: number; out: readonly number[] },
): { to: number; out: readonly number[]; more: boolean } {
  const { pool, state, to, out } = task;
  if (!pool.serial || !input.oneChange) return { to, out, more: false };
  if (to === state.level) return { to, out: out.slice(0, 1), more: out.length > 1 };
  const room = roomOf(ground, pool, countOf(state.inService.map((member) => member.host)));
  const step = to > state.level ? 1 : -1;
  let next = state.level + step;
  const feasible = feasibleOn(room, pool);
  // What a tenant does not see may have room for any level.
  while (!ground.tenant && next !== to && !feasible(next)) next += step;
  return { to: next, out: out.slice(0, Math.abs(next - state.level)), more: next !== to };
}

/**
 * A pool marked serial that is to grow and cannot be brought to its level at once cannot be a member at a time either: nobody leaves meanwhile.
 * So it is refused before the first comes, and not on a level in between. What a turn learns of hosts and groups it learns after that.
 */
function refuseOutOfReach(input: PlanInput): Failure | null {
  const { record, request, snapshot, oneChange, launched = [], avoidHosts = [] } = input;
  if (request.kind !== 'scaleOut' || !oneChange || snapshot.tenant || launched.length + avoidHosts.length > 0)
    return null;
  if (!record.descriptor.pools.some(({ name, serial }) => name === request.pool && serial)) return null;
  const planned = planAsRecorded({ ...input, oneChange: false, strict: false });
  return planned.ok ? null : planned.refusal;
}

function mostEndangeredFirst(tasks: readonly PoolTask[]): PoolTask[] {
  const slack = ({ pool, state, out }: PoolTask): number =>
    spareAt(pool.spare, state.level) - Math.max(out.size, state.failed.length);
  return [...tasks].sort((a, b) => slack(a) - slack(b));
}

/** The death of which pool's fullest host would take most beyond what it can spare. */
function tallestFirst(tasks: readonly PoolTask[]): PoolTask[] {
  const slack = ({ pool, state }: PoolTask): number => spareAt(pool.spare, state.level) - tallestOf(state);
  return [...tasks].sort((a, b) => slack(a) - slack(b));
}

/** What each pool that the request concerns asks of the hosts, whatever room others leave there. */
export function demandsOf(input: PlanInput): (Demand & { readonly pool: string })[] {
  const record = asFound(input.record, correctedBy(input));
  const ground = groundOf(input.snapshot, excludedBy(input));
  return tasksOf(ground, { ...input, record }).map((task) => ({
    ...demandOf(ground, record, task),
    pool: task.pool.name,
  }));
}

/**
 * A host in maintenance is emptied in several turns where the quota does not carry all its members twice: as many at a turn as it does,
 * down to one. What has left gives its quota back before the next turn. Refused where it does not even carry one of each pool, and null where it
 * must be done at once.
 */
function planSmallerSurge(input: PlanInput, tasks: readonly PoolTask[], whole: Failure): Planned | null {
  const { request, wholeSurge } = input;
  if (request.kind !== 'emptyHosts' || request.cause !== 'maintenance' || wholeSurge) return null;
  const attempt = (some: readonly PoolTask[]): Planned => {
    const found = planAll(groundOf(input.snapshot, excludedBy(input), input.fullGroups), input, some);
    return found.ok ? finish(input, found, { tasks: some, deleteFirst: false, isSmaller: true }) : found;
  };
  const refusals = tasks.flatMap((task) => {
    const planned = attempt(firstOut([task], 1));
    return planned.ok ? [] : [planned.refusal];
  });
  if (refusals.length > 0) return { ok: false, refusal: orInTurns(whole, refusals) };
  let best = attempt(firstOut(tasks, 1));
  let above = tasks.reduce((sum, { out }) => sum + out.size, 0);
  for (let below = 1; above - below > 1;) {
    const middle = (below + above) >> 1;
    const planned = attempt(firstOut(tasks, middle));
    if (planned.ok) [best, below] = [planned, middle];
    else above = middle;
  }
  return best;
}

/** So many of those that are to leave, pool after pool. The others are left for further turns. */
function firstOut(tasks: readonly PoolTask[], many: number): PoolTask[] {
  let left = many;
  return tasks.flatMap((task) => {
    const out = [...task.out].slice(0, left);
    left -= out.length;
    return out.length > 0 ? [{ ...task, out: new Set(out), more: true }] : [];
  });
}

function finish(
  input: PlanInput,
  found: Found,
  given: { tasks: readonly PoolTask[]; deleteFirst: boolean; isSmaller?: boolean },
): Planned {
  const { record, request, snapshot, strict } = input;
  const plans = inFileOrder(record, found.plans);
  const isFirst = (ref: MemberRef): boolean =>
    given.deleteFirst && given.tasks.some(({ pool, out }) => pool.name === ref.pool && out.has(ref.ordinal));
  const short = checkQuota(record.vnf, snapshot, {
    plans,
    goneFirst: (each) => each.leave.filter(isFirst).length,
    groupsOf: request.kind === 'instantiate' && record.groups.length === 0 ? record.descriptor : null,
  });
  if (short) {
    const isLast = given.isSmaller === true || given.deleteFirst;
    const smaller = isLast ? null : planSmallerSurge(input, given.tasks, short);
    if (!smaller?.ok) {
      const deadFirst = isLast ? null : planDeleteFirst(input, given.tasks);
      return deadFirst ?? smaller ?? { ok: false, refusal: short };
    }
    // Who only asks whether it can be done is told all of it.
    if (input.oneChange) return smaller;
  }
  const moves = plans.flatMap(({ pool, moves: cut }) => cut.map((rows) => ({ pool: pool.name, layer: 0, rows })));
  const forbiddenBy = plans.flatMap((each) => each.forbiddenBy.map((level) => ({ pool: each.pool.name, level })));
  const [first] = forbiddenBy;
  if (strict && first) return { ok: false, refusal: notToTheLetter(record, first, snapshot.tenant !== undefined) };
  const leave = plans.flatMap((each) => each.leave);
  return {
    ok: true,
    plan: {
      schema: 1,
      revision: record.revision,
      levels: Object.fromEntries(plans.map((each) => [each.pool.name, { from: each.from, to: each.to }])),
      batches: batchesOf(record, request, plans),
      ...(moves.length > 0 && { moves }),
      leave: leave.filter((ref) => !isFirst(ref)),
      deleteFirst: leave.filter(isFirst),
      discard: plans.flatMap((each) => each.discard),
      reuse: plans.flatMap((each) => each.reuse),
      ...(snapshot.tenant && {
        serverGroups: plans.flatMap(({ pool, groups }) =>
          (groups?.make ?? []).map((number) => ({ pool: pool.name, number })),
        ),
      }),
      toTheLetter: forbiddenBy.length === 0,
      forbiddenBy,
      unplaced: found.short.map(({ plan: each, reason }) => ({
        pool: each.pool.name,
        missing: each.missing,
        reason: withoutHosts(reason),
      })),
      more: isMoreToDo(request, given.tasks, found),
      notRestorable: plans.filter((each) => !each.restorable).map((each) => each.pool.name),
    },
  };
}

/**
 * Where one member of a pool found no place, its next would find none either: a further turn would do nothing, for ever. What the quota
 * does not carry it does when those that leave, of whatever pool, have given theirs back.
 */
function isMoreToDo({ kind }: ChangeRequest, tasks: readonly PoolTask[], found: Found): boolean {
  // Who leaves may make room for another pool's; each turn brings the measure down, or is the last.
  if (kind === 'rebalance' && found.short.length > 0 && found.plans.some(({ leave }) => leave.length > 0)) return true;
  const short = new Set(found.short.map(({ plan: each }) => each.pool.name));
  return (
    tasks.some(({ more, pool }) => more && !short.has(pool.name)) ||
    (found.short.some(({ reason }) => reason.kind === 'QuotaExceeded') &&
      found.plans.some(({ leave }) => leave.length > 0))
  );
}

/** A plan stays small: the reasons host by host belong into a refusal. */
function withoutHosts(reason: Failure): Failure {
  const { hosts: _hosts, ...details } = reason.details;
  return { ...reason, details };
}

function notToTheLetter(record: VnfRecord, first: { pool: string; level: number }, asTenant: boolean): Failure {
  const constraint = `with ${String(first.level)} VMs of ${first.pool} in existence ${asTenant ? 'the cloud may put more than its share on one host, which a tenant cannot choose' : 'no placement on these hosts keeps the share'}`;
  return failure(
    'Impossible',
    `This cannot be done to the letter: ${constraint}. Ask without strict, or for another level.`,
    {
      vnf: record.vnf,
      pool: first.pool,
      constraint,
      remedy: 'Ask without strict: the share of the levels before and after is kept all the same.',
    },
  );
}

function inFileOrder(record: VnfRecord, plans: readonly PoolPlan[]): PoolPlan[] {
  const names = record.descriptor.pools.map((pool) => pool.name);
  return [...plans].sort((a, b) => names.indexOf(a.pool.name) - names.indexOf(b.pool.name));
}

function batchesOf(record: VnfRecord, request: ChangeRequest, plans: readonly PoolPlan[]): Batch[] {
  const layers = dependencyLayers(record.descriptor.pools);
  const layerOf = (name: string): number =>
    request.kind === 'instantiate' ? layers.findIndex((layer) => layer.some((pool) => pool.name === name)) : 0;
  return plans.flatMap(({ pool, batches }) =>
    batches.map((rows) => ({ pool: pool.name, layer: layerOf(pool.name), rows })),
  );
}

/** Nothing but deletions. Which of them are to the letter is decided pool by pool, whatever the order of the pools. */
function planTerminate(ground: Ground, { record, snapshot, strict }: PlanInput): Planned {
  const layers = dependencyLayers(record.descriptor.pools).reverse();
  const pools = layers.flat().flatMap((pool) => {
    const state = record.pools[pool.name];
    if (!state) return [];
    const existing = existingOn(ground, record, { pool, state, launched: [] });
    const counted = { existing, domainOf: domainsFor(ground, pool) };
    return [{ pool: pool.name, state, ...orderDeletions(pool, state.inService, counted) }];
  });
  const forbiddenBy = pools.flatMap(({ pool, forbiddenBy: level }) => (level === null ? [] : [{ pool, level }]));
  const [first] = forbiddenBy;
  if (strict && first) return { ok: false, refusal: notToTheLetter(record, first, snapshot.tenant !== undefined) };
  return {
    ok: true,
    plan: {
      schema: 1,
      revision: record.revision,
      levels: Object.fromEntries(
        Object.entries(record.pools).map(([name, { level }]) => [name, { from: level, to: 0 }]),
      ),
      batches: [],
      leave: pools.flatMap(({ order, state }) => [...order, ...state.failed]).map(refOf),
      deleteFirst: [],
      discard: [],
      reuse: [],
      toTheLetter: forbiddenBy.length === 0,
      forbiddenBy,
      unplaced: [],
      more: false,
      notRestorable: [],
    },
  };
}

function excludedBy({ request, avoidHosts }: PlanInput): ReadonlySet<string> {
  return new Set([...(request.kind === 'emptyHosts' ? request.hosts : []), ...(avoidHosts ?? [])]);
}

/** A VNF may be terminated by whoever may delete its servers. */
function unseenDomains({ record, request, snapshot }: PlanInput): Failure | null {
  if (!snapshot.tenant || request.kind === 'terminate') return null;
  return refuseDomains(record.vnf, record.descriptor);
}

function unknownHosts({ record, request, snapshot }: PlanInput): Failure | null {
  // A tenant knows no hosts but those that its servers are on, and those who ask for others have none there.
  if (request.kind !== 'emptyHosts' || snapshot.tenant) return null;
  const known = new Set(snapshot.hosts.map((host) => host.name));
  const unknown = request.hosts.filter((host) => !known.has(host));
  if (unknown.length === 0) return null;
  return failure(
    'InvalidRequest',
    `There is no host ${unknown.join(', ')}. Give the names that the cloud's compute services have.`,
    {
      vnf: record.vnf,
      problems: unknown.map((host) => ({ path: 'hosts', message: `there is no host ${host}` })),
    },
  );
}

/**
 * More hosts would be no remedy for a zone that is misspelt. Only what begins is asked: of what is there hosts may have gone, and a tenant
 * is shown those zones alone that are available.
 */
function unknownZones({ record, request, snapshot }: PlanInput): Failure | null {
  const known = [...new Set(snapshot.hosts.map(({ zone }) => zone))].sort();
  if (request.kind !== 'instantiate' || known.length === 0) return null;
  const problems = record.descriptor.pools.flatMap(({ zone }, index) =>
    known.includes(zone)
      ? []
      : [{ path: `pools.${String(index)}.zone`, message: `there is no zone ${zone}; there are ${known.join(', ')}` }],
  );
  if (problems.length === 0) return null;
  const unknown = [...new Set(record.descriptor.pools.map(({ zone }) => zone))].filter((zone) => !known.includes(zone));
  return failure(
    'InvalidRequest',
    `There is no zone ${unknown.join(', ')}: no host is in it. There are ${known.join(', ')}. Correct the descriptor, or make the zone.`,
    { vnf: record.vnf, problems },
  );
}
