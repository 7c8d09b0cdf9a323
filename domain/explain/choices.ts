import type { Pool } from '../descriptor/descriptor';
import type { HostReason } from '../failure';
import { grouped } from '../grouped';
import { capAt, domainCapAt, saySharing } from '../levels';
import { own } from '../names';
import type { PlanInput } from '../placement';
import { countOf } from '../placement/batches';
import { affordable, budgetOf, costOf } from '../placement/budget';
import { domainsFor, flavorOf, groundOf, scarceClasses, unusable, type Ground } from '../placement/ground';
import { shareOf } from '../placement/spread';
import type { Plan } from '../plan';
import { shortOf, slots } from '../resources';
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
  // While it is being done: what is new is there, and what leaves is there yet.
  const during = stage(input, { ...plan, leave: [] });
  const after = stage(input, plan);
  const serving = own(after.record.pools, pool.name)?.inService.map(({ host }) => host) ?? [];
  const share = shareOf(during.ground, { pool, to }, serving);
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
      const reason = unusable(during.ground, host, pool) ?? share.fullness(host.name) ?? full ?? 'NotNeeded';
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
    ...whatBinds(input, { pool, to, serving, ground: after.ground, launches: launchesOf(plan) }),
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
    /** One entry for each member. */
    readonly serving: readonly string[];
    readonly ground: Ground;
    readonly launches: ReadonlyMap<string, number>;
  },
): Pick<Choice, 'moreFit' | 'binds' | 'constraint'> {
  const { pool, to, serving, ground } = at;
  const flavor = flavorOf(ground, pool);
  const cap = capAt(pool.spare, to);
  const on = countOf(serving);
  const usable = ground.hosts.filter((host) => unusable(ground, host, pool) === null);
  const places = usable.map((host) => {
    const room = slots(ground.free.get(host.name) ?? host.free, flavor);
    const share = Math.max(0, cap - (on.get(host.name) ?? 0));
    return { host: host.name, more: Math.min(room, share), byShare: share <= room };
  });
  const { fit, full, byDomain, atShare } = within(pool, at, places);
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
  const most = (many: number): boolean => many * 2 >= usable.length;
  const binds =
    usable.length === 0 ? 'hosts' : paid < fit ? 'quota' : most(byDomain) ? 'domain' : most(shared) ? 'share' : 'room';
  const moreFit = Math.min(fit, paid);
  const { failureDomain: outer } = pool;
  const inOne = outer ? ` and ${String(domainCapAt(pool, to))} in one ${outer.key}` : '';
  const domains = outer && atShare.length > 0 ? `; ${atShareSaid(outer.key, atShare)}` : '';
  const said =
    `${saySharing(pool)} at level ${String(to)} allows ${String(cap)} on a host${inOne}; ` +
    `${String(usable.length)} hosts of ${pool.zone} may be used, ${String(full)} of them take no more${domains}`;
  const scarce = binds === 'room' ? scarceClasses(ground, pool) : [];
  const room = scarce.length > 0 ? `room on the hosts, of ${scarce.join(' and ')}, binds` : bound.room;
  const then = binds === 'domain' ? `share of one ${outer?.key ?? ''} binds` : { ...bound, room }[binds];
  return { moreFit, binds, constraint: `${said}; ${String(moreFit)} more members would fit, then the ${then}` };
}

interface Place {
  readonly host: string;
  /** How many more it would take. */
  readonly more: number;
}

/** What of that the failure domains let pass: each up to its share, and hosts in none all that they have. */
function within(
  pool: Pool,
  at: { readonly ground: Ground; readonly to: number; readonly serving: readonly string[] },
  places: readonly Place[],
): {
  readonly fit: number;
  /** Hosts that take no more. */
  readonly full: number;
  /** Hosts in domains that would take more but for their share. */
  readonly byDomain: number;
  /** Domains that have it now. */
  readonly atShare: readonly string[];
} {
  const domainOf = domainsFor(at.ground, pool);
  const cap = domainCapAt(pool, at.to);
  const there = countOf(at.serving.flatMap((host) => domainOf(host) ?? []));
  let [fit, full, byDomain] = [0, 0, 0];
  const atShare: string[] = [];
  for (const [domain, group] of grouped(places, ({ host }) => domainOf(host))) {
    const wanted = group.reduce((sum, { more }) => sum + more, 0);
    const left = domain === null ? Infinity : Math.max(0, cap - (there.get(domain) ?? 0));
    fit += Math.min(wanted, left);
    full += left === 0 ? group.length : group.filter(({ more }) => more === 0).length;
    if (wanted > left) byDomain += group.length;
    if (domain !== null && left === 0) atShare.push(domain);
  }
  return { fit, full, byDomain, atShare: atShare.sort() };
}

/** More are counted. */
const domainsSaid = 5;

/** `rack r1, r2 have their share`. */
function atShareSaid(key: string, domains: readonly string[]): string {
  const said = domains.slice(0, domainsSaid).join(', ');
  const more = domains.length > domainsSaid ? ` and ${String(domains.length - domainsSaid)} more` : '';
  return `${key} ${said}${more} ${domains.length === 1 ? 'has its' : 'have their'} share`;
}

const bound = {
  share: 'share binds',
  room: 'room on the hosts binds',
  quota: 'quota binds',
  hosts: 'want of hosts binds',
} as const;
