import type { Pool } from '../descriptor/descriptor';
import type { HostReason } from '../failure';
import { capAt, saySpare } from '../levels';
import { own } from '../names';
import type { PlanInput } from '../placement';
import { countOf } from '../placement/batches';
import { affordable, budgetOf, costOf } from '../placement/budget';
import { flavorOf, groundOf, shortOf, slots, unusable, type Ground } from '../placement/ground';
import type { Plan } from '../plan';
import { carriedOut } from './carriedOut';
import type { Choice } from './told';

/** Of the pools that the plan launches in. No more than `listedMax` hosts are listed, of all of them together. */
export function choicesOf(input: PlanInput, plan: Plan, listedMax: number): Choice[] {
  let left = listedMax;
  return input.record.descriptor.pools.flatMap((pool) => {
    const rows = [...plan.batches, ...(plan.moves ?? [])].filter((batch) => batch.pool === pool.name);
    if (rows.length === 0 || input.snapshot.tenant) return [];
    const choice = choiceOf(input, plan, { pool, listedMax: left });
    left -= Object.keys(choice.hosts).length;
    return [choice];
  });
}

function choiceOf(
  input: PlanInput,
  plan: Plan,
  { pool, listedMax }: { readonly pool: Pool; readonly listedMax: number },
): Choice {
  const to = own(plan.levels, pool.name)?.to ?? 0;
  const cap = capAt(pool.spare, to);
  // While it is being done: what is new is there, and what leaves is there yet.
  const during = stage(input, { ...plan, leave: [] });
  const after = stage(input, plan);
  const on = countOf(own(after.record.pools, pool.name)?.inService.map(({ host }) => host) ?? []);
  const chosen = new Set(
    [...plan.batches, ...(plan.moves ?? [])]
      .filter((batch) => batch.pool === pool.name)
      .flatMap(({ rows }) => rows.map(({ host }) => host)),
  );
  const refused = during.ground.hosts
    .filter(({ name }) => !chosen.has(name))
    .map((host): readonly [string, HostReason] => {
      const free = during.ground.free.get(host.name) ?? host.free;
      const flavor = flavorOf(during.ground, pool);
      const full = slots(free, flavor) < 1 ? shortOf(free, flavor) : null;
      const reason =
        unusable(during.ground, host, pool) ?? ((on.get(host.name) ?? 0) >= cap ? 'CapReached' : (full ?? 'NotNeeded'));
      return [host.name, reason];
    });
  const counts: Partial<Record<HostReason, number>> = {};
  for (const [, reason] of refused) counts[reason] = (counts[reason] ?? 0) + 1;
  const listed = refused.slice(0, Math.max(0, listedMax));
  return {
    pool: pool.name,
    counts,
    hosts: Object.fromEntries(listed),
    moreHosts: refused.length - listed.length,
    ...whatBinds(input, { pool, to, cap, on, ground: after.ground, launches: launchesOf(plan) }),
  };
}

function stage(
  { record, snapshot, request, avoidHosts = [] }: PlanInput,
  plan: Plan,
): { readonly record: PlanInput['record']; readonly ground: Ground } {
  const scene = carriedOut({ record, snapshot }, plan);
  const excluded = new Set([...(request.kind === 'emptyHosts' ? request.hosts : []), ...avoidHosts]);
  return { record: scene.record, ground: groundOf(scene.snapshot, excluded) };
}

/** Of all pools: they share the quota. */
function launchesOf({ batches }: Plan): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { pool, rows } of batches) counts.set(pool, (counts.get(pool) ?? 0) + rows.length);
  return counts;
}

function whatBinds(
  { record, snapshot }: PlanInput,
  at: {
    readonly pool: Pool;
    readonly to: number;
    readonly cap: number;
    readonly on: ReadonlyMap<string, number>;
    readonly ground: Ground;
    readonly launches: ReadonlyMap<string, number>;
  },
): Pick<Choice, 'moreFit' | 'binds' | 'constraint'> {
  const { pool, to, cap, on, ground } = at;
  const flavor = flavorOf(ground, pool);
  const usable = ground.hosts.filter((host) => unusable(ground, host, pool) === null);
  const places = usable.map((host) => {
    const room = slots(ground.free.get(host.name) ?? host.free, flavor);
    const share = Math.max(0, cap - (on.get(host.name) ?? 0));
    return { more: Math.min(room, share), byShare: share <= room };
  });
  const fit = places.reduce((sum, { more }) => sum + more, 0);
  const budget = budgetOf(snapshot);
  for (const each of record.descriptor.pools) {
    const costs = costOf(snapshot.flavors[each.flavor], each);
    for (const [resource, cost] of Object.entries(costs) as [keyof typeof costs, number][]) {
      const left = budget.get(resource);
      if (left !== undefined) budget.set(resource, left - cost * (at.launches.get(each.name) ?? 0));
    }
  }
  const paid = affordable(budget, costOf(flavor, pool), 0);
  const shared = places.filter(({ byShare }) => byShare).length;
  const binds = usable.length === 0 ? 'hosts' : paid < fit ? 'quota' : shared * 2 >= usable.length ? 'share' : 'room';
  const full = places.filter(({ more }) => more === 0).length;
  const said =
    `spare ${saySpare(pool.spare)} at level ${String(to)} allows ${String(cap)} on a host; ` +
    `${String(usable.length)} hosts of ${pool.zone} may be used, ${String(full)} of them take no more`;
  const moreFit = Math.min(fit, paid);
  return { moreFit, binds, constraint: `${said}; ${String(moreFit)} more members would fit, then the ${bound[binds]}` };
}

const bound = {
  share: 'share binds',
  room: 'room on the hosts binds',
  quota: 'quota binds',
  hosts: 'want of hosts binds',
} as const;
