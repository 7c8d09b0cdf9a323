import { failure, type Failure } from '../failure';
import { own } from '../names';
import { slots } from '../resources';
import type { ChangeRequest } from '../plan';
import type { VnfRecord } from '../record';
import type { Snapshot } from '../snapshot';
import { budgetOf, type QuotaBudget } from './budget';
import { copyOf, giveBack, take, type Ground } from './ground';
import { pack, packMost, type Demand } from './packing';
import { demandOf, planPool, type PoolPlan, type PoolPlanned } from './pool';
import type { PoolTask } from './task';
import { planPoolApart } from './tenant';

/** The pools of one VNF, which share hosts: a place for all of them, or for as many as there are places. */

/** How many orders, of pools or of VNFs, are tried before a refusal is `NotFound`: who found no place goes first in the next. */
export const ordersMax = 12;

/** Of what a planner is given. */
interface Asked {
  readonly record: VnfRecord;
  readonly snapshot: Snapshot;
  readonly request: ChangeRequest;
}

/** A plan for each pool that the request concerns, and which of them are left short. */
export type Found = {
  readonly ok: true;
  readonly plans: readonly PoolPlan[];
  readonly short: readonly { plan: PoolPlan; reason: Failure }[];
};

/** By hosts where they can be chosen, and by server groups where not. */
function planOne(ground: Ground, record: VnfRecord, task: PoolTask, budget: QuotaBudget | null = null): PoolPlanned {
  return ground.tenant
    ? planPoolApart({ ...ground, tenant: ground.tenant }, record, task, budget)
    : planPool(ground, record, task, budget);
}

/**
 * Pools that share hosts are planned one after another on one ground. The order decides when room is scarce, so a pool
 * that found none goes first in the next try; where no order does, places for all are looked for together. Refused as impossible only
 * where the pool fails on the whole ground alone. Of orders in which all fit one to the letter is looked for.
 */
export function planAll(ground: Ground, input: Asked, tasks: readonly PoolTask[]): Found | Refused {
  const asTold = planWhereTold(ground, input, tasks);
  if (asTold) return asTold;
  let order = [...tasks];
  let last: Failure | undefined;
  let fits: Found | undefined;
  const tried = new Set<string>();
  while (tried.size < ordersMax) {
    const key = order.map((task) => task.pool.name).join(' ');
    if (tried.has(key)) break;
    tried.add(key);
    const planned = planInOrder(ground, input, order);
    if (planned.ok) {
      if (planned.short.length > 0) return fits ?? bestOf(ground, input, tasks, planned);
      fits ??= planned;
      if (planned.plans.every(({ forbiddenBy }) => forbiddenBy.length === 0)) return planned;
      const breaking = breaksTheLetter(ground, input, { order, planned });
      if (breaking === null) break;
      order = firstOf(order, breaking);
      continue;
    }
    if (fits) break;
    last = planned.refusal;
    const alone = planOne(copyOf(ground), input.record, planned.failed);
    if (!alone.ok) return { ok: false, refusal: alone.refusal };
    order = firstOf(order, planned.failed);
  }
  if (fits) return fits;
  if (!last) return { ok: true, plans: [], short: [] };
  return planTogether(ground, input, tasks) ?? notFound(input, { tried: tried.size, last });
}

interface Refused {
  readonly ok: false;
  readonly refusal: Failure;
}

function notFound(
  { record, snapshot }: Asked,
  { tried, last }: { readonly tried: number; readonly last: Failure },
): Refused {
  const nor = snapshot.tenant ? '' : ' nor together';
  const why = `The pools of ${record.vnf} compete for the same hosts, and a place for all was not found, in none of ${String(tried)} orders${nor}.`;
  return { ok: false, refusal: failure('NotFound', `${why} ${last.message}`, last.details) };
}

function planInOrder(
  ground: Ground,
  { record, snapshot }: Asked,
  order: readonly PoolTask[],
): Found | (Refused & { readonly failed: PoolTask }) {
  const here = copyOf(ground);
  // Where what fits is restored, what the quota carries fits; else a shortage is said in full, of all pools together.
  const budget = order.every((task) => task.partial) ? budgetOf(snapshot) : null;
  const plans: PoolPlan[] = [];
  const short: { plan: PoolPlan; reason: Failure }[] = [];
  for (const task of order) {
    const planned = planOne(here, record, task, budget);
    if (!planned.ok) return { ...planned, failed: task };
    plans.push(planned.plan);
    if (planned.short) short.push({ plan: planned.plan, reason: planned.short });
  }
  return { ok: true, plans, short };
}

/** The first that breaks the letter and would not if it had its choice of the hosts. Null where none does. */
function breaksTheLetter(
  ground: Ground,
  { record }: Asked,
  { order, planned }: { readonly order: readonly PoolTask[]; readonly planned: Found },
): PoolTask | null {
  const at = planned.plans.findIndex(({ forbiddenBy }) => forbiddenBy.length > 0);
  const task = order[at];
  // The first has its choice.
  if (!task || at === 0) return null;
  const alone = planOne(copyOf(ground), record, task);
  return alone.ok && alone.plan.forbiddenBy.length === 0 ? task : null;
}

function firstOf(order: readonly PoolTask[], first: PoolTask): PoolTask[] {
  return [first, ...order.filter((task) => task !== first)];
}

/** In the places that the request names. Null where it names none, or not all of them can be had any more. */
function planWhereTold(ground: Ground, input: Asked, tasks: readonly PoolTask[]): Found | null {
  const { record, request } = input;
  const onto = request.kind === 'emptyHosts' ? request.onto : undefined;
  if (!onto || ground.tenant) return null;
  const here = copyOf(ground);
  const hosts: string[][] = [];
  for (const task of tasks) {
    const demand = demandOf(here, record, task);
    const chosen = chooseFrom(own(onto, task.pool.name) ?? [], here, demand);
    if (chosen.length < demand.need) return null;
    hosts.push(chosen);
  }
  const found = planOnto(ground, input, tasks, hosts);
  return found && found.short.length === 0 ? found : null;
}

/** The first of these that can be had, as many as are needed. Their room is taken. */
function chooseFrom(told: readonly string[], ground: Ground, { need, flavor, most, within }: Demand): string[] {
  const chosen: string[] = [];
  const domainOf = within?.domainOf ?? (() => null);
  for (const host of told) {
    if (chosen.length >= need) break;
    const domain = domainOf(host);
    const free = ground.free.get(host);
    if (!free || slots(free, flavor) < 1) continue;
    if (chosen.filter((each) => each === host).length >= (most.get(host) ?? 0)) continue;
    const inDomain = chosen.filter((each) => domain !== null && domainOf(each) === domain).length;
    if (domain !== null && inDomain >= (within?.most.get(domain) ?? Infinity)) continue;
    take(ground, host, flavor);
    chosen.push(host);
  }
  return chosen;
}

/**
 * Where one pool after the other leaves some short: places for all, of which the quota may carry some only for now; else for as many as there are.
 * What is left for a further turn has its places then.
 */
function bestOf(ground: Ground, input: Asked, tasks: readonly PoolTask[], found: Found): Found {
  const asked = askedOf(ground, input, tasks);
  if (!asked) return found;
  const together = planOnto(ground, input, tasks, pack(asked.free, asked.demands));
  // Of those whom other hands have moved one that finds no place stays, and counts where it is: what was found for all is no plan for some.
  const mayBeShort = !tasks.some(({ onlyOut }) => onlyOut);
  if (together && isNoWorse(together, found) && (mayBeShort || together.short.length === 0)) return together;
  if (!mayBeShort) return found;
  const most = planOnto(ground, input, tasks, packMost(asked.free, asked.demands));
  return most && isNoWorse(most, found) && lackingIn(most) < lackingIn(found) ? most : found;
}

/** Null where no places were found for all. */
function planTogether(ground: Ground, input: Asked, tasks: readonly PoolTask[]): Found | null {
  const asked = askedOf(ground, input, tasks);
  return asked && planOnto(ground, input, tasks, pack(asked.free, asked.demands));
}

/** Of those that come first, in any number, no more are left without a place. Both have the pools in the same order. */
function isNoWorse(one: Found, other: Found): boolean {
  return other.plans.every((_, index) => lackingIn(one, index + 1) <= lackingIn(other, index + 1));
}

/** How many members are left without a place, of the first so many pools. */
function lackingIn({ plans }: Found, pools = plans.length): number {
  return plans.slice(0, pools).reduce((sum, { missing }) => sum + missing, 0);
}

/** What a packing is made of. Null where hosts are not chosen, or nobody is beside the pool. */
function askedOf(
  ground: Ground,
  { record }: Asked,
  tasks: readonly PoolTask[],
): { readonly free: Ground['free']; readonly demands: readonly Demand[] } | null {
  if (ground.tenant || tasks.length < 2) return null;
  const demands = tasks.map((task) => demandOf(ground, record, task));
  const here = copyOf(ground);
  demands.forEach(({ discard, flavor }) => {
    for (const { host } of discard) giveBack(here, host, flavor);
  });
  return { free: here.free, demands };
}

/** Each pool on hosts that were found for it, as far as the quota carries them. Null where none were found, or that is no plan. */
function planOnto(
  ground: Ground,
  { record, snapshot }: Asked,
  tasks: readonly PoolTask[],
  hosts: readonly (readonly string[])[] | null,
): Found | null {
  if (!hosts) return null;
  const budget = tasks.every((task) => task.partial) ? budgetOf(snapshot) : null;
  const onto = copyOf(ground);
  const plans: PoolPlan[] = [];
  const short: { plan: PoolPlan; reason: Failure }[] = [];
  for (const [index, task] of tasks.entries()) {
    const planned = planPool(onto, record, { ...task, hosts: hosts[index] ?? [] }, budget);
    if (!planned.ok) return null;
    plans.push(planned.plan);
    if (planned.short) short.push({ plan: planned.plan, reason: planned.short });
  }
  return { ok: true, plans, short };
}
