import type { Pool } from '../descriptor/descriptor';
import { failure, type Failure } from '../failure';
import type { FlavorSeen, QuotaResource, Snapshot } from '../snapshot';

/** What is left of each quota while plans use it up. Resources that are not limited are not in it. */
export type QuotaBudget = Map<QuotaResource, number>;

export function budgetOf({ quotas }: Snapshot): QuotaBudget {
  return new Map(
    (Object.entries(quotas) as [QuotaResource, { limit: number; used: number }][]).map(
      ([resource, { limit, used }]) => [resource, limit - used],
    ),
  );
}

type Costs = Readonly<Record<'instances' | 'cores' | 'ram' | 'ports', number>>;

/** What one member of the pool costs. */
export function costOf(flavor: FlavorSeen | undefined, pool: Pool): Costs {
  const { cores = flavor?.vcpus ?? 0, ram = flavor?.ramMb ?? 0 } = flavor?.quota ?? {};
  return { instances: 1, cores, ram, ports: pool.networks.length };
}

/** How many more members of this cost the quota carries, besides those that are given back first. */
export function affordable(budget: QuotaBudget | null, costs: Costs, given: number): number {
  if (budget === null) return Infinity;
  const limits = Object.entries(costs).map(([resource, cost]) =>
    cost > 0 ? Math.floor((budget.get(resource as QuotaResource) ?? Infinity) / cost) : Infinity,
  );
  return Math.max(0, Math.min(...limits) + given);
}

export function spend(budget: QuotaBudget | null, costs: Costs, members: number): void {
  for (const [resource, cost] of Object.entries(costs)) {
    const left = budget?.get(resource as QuotaResource);
    if (left !== undefined) budget?.set(resource as QuotaResource, left - cost * members);
  }
}

/** The snapshot when that has been spent, or given back. */
export function afterSpending(snapshot: Snapshot, use: (budget: QuotaBudget) => void): Snapshot {
  const budget = budgetOf(snapshot);
  use(budget);
  const quotas = { ...snapshot.quotas };
  for (const [resource, left] of budget) {
    const quota = quotas[resource];
    if (quota) quotas[resource] = { ...quota, used: quota.limit - left };
  }
  return { ...snapshot, quotas };
}

export function overBudget(vnf: string, pool: Pool, missing: number): Failure {
  const remedy = `Raise the quota and heal ${vnf}, which also deletes the dead first where nothing else makes room.`;
  return failure(
    'QuotaExceeded',
    `The quota does not carry ${String(missing)} more member${missing > 1 ? 's' : ''} of ${pool.name} beside what there is. ${remedy}`,
    { vnf, pool: pool.name, remedy },
  );
}
