import type { Pool } from '../descriptor/descriptor';
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

/** What one member of the pool costs. */
export function costOf(
  flavor: FlavorSeen | undefined,
  pool: Pool,
): Record<'instances' | 'cores' | 'ram' | 'ports', number> {
  return { instances: 1, cores: flavor?.vcpus ?? 0, ram: flavor?.ramMb ?? 0, ports: pool.networks.length };
}
