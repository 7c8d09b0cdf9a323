import type { Descriptor, Pool } from '../descriptor/descriptor';
import { failure, type Failure, type Shortage } from '../failure';
import type { Snapshot, QuotaResource } from '../snapshot';
import { costOf } from './budget';
import type { PoolPlan } from './pool';
import { wantedRules } from '../securityRules';

/**
 * Quota for the procedure's peak: everything new beside everything that is there, less what goes before anything is
 * launched.
 */
export interface Peak {
  readonly plans: readonly PoolPlan[];
  /** Members of each plan's pool that are gone before the launch. */
  readonly goneFirst: (plan: PoolPlan) => number;
  /** Set for instantiate: the security groups that are to be made. */
  readonly groupsOf: Descriptor | null;
}

export function checkQuota(vnf: string, snapshot: Snapshot, peak: Peak): Failure | null {
  const needed = new Map<QuotaResource, number>();
  const add = (resource: QuotaResource, amount: number): void =>
    void needed.set(resource, (needed.get(resource) ?? 0) + amount);
  for (const plan of peak.plans) {
    const launches = plan.batches.reduce((sum, rows) => sum + rows.length, 0);
    const more = launches - plan.discard.length - peak.goneFirst(plan);
    const cost = costOf(snapshot.flavors[plan.pool.flavor], plan.pool);
    for (const [resource, each] of Object.entries(cost)) add(resource as QuotaResource, more * each);
  }
  add(
    'server_groups',
    peak.plans.reduce((sum, { groups }) => sum + (groups?.make.length ?? 0), 0),
  );
  if (peak.groupsOf) {
    add('security_groups', peak.groupsOf.pools.length);
    // Neutron makes two egress rules (IPv4 and IPv6) with every group. A rule that is said twice is made once.
    const rulesOf = (pool: Pool): number => wantedRules(pool.securityRules, (from) => from).length;
    add(
      'security_group_rules',
      peak.groupsOf.pools.reduce((sum, pool) => sum + rulesOf(pool) + 2, 0),
    );
  }
  const short: Shortage[] = [...needed].flatMap(([resource, amount]) => {
    const quota = snapshot.quotas[resource];
    if (!quota || amount <= 0 || quota.used + amount <= quota.limit) return [];
    return [{ resource, needed: amount, limit: quota.limit, used: quota.used }];
  });
  short.push(...shortGroups(snapshot, peak.plans));
  if (short.length === 0) return null;
  const said = short.map(
    ({ resource, needed: amount, limit, used }) =>
      `${resource}: ${String(amount)} more needed, ${String(used)} of ${String(limit)} used`,
  );
  return failure(
    'QuotaExceeded',
    `The quota does not carry this. ${said.join('; ')}. Raise it, or ask for less. Nothing was created.`,
    {
      vnf,
      short,
      remedy: `${raiseSaid(short)}.`,
    },
  );
}

function raiseSaid(short: readonly Shortage[]): string {
  return `Raise ${short.map(({ resource, needed, used }) => `${resource} to at least ${String(used + needed)}`).join(', ')}`;
}

/**
 * The refusal of a whole surge with what the smallest ones lack, each of which was refused alone: the quota must carry each of them, one after the
 * other. As it is where one of them was refused for something else.
 */
export function orInTurns(whole: Failure, smallest: readonly Failure[]): Failure {
  const most = new Map<string, Shortage>();
  for (const { kind, details } of smallest) {
    if (kind !== 'QuotaExceeded') return whole;
    for (const short of details.short ?? []) {
      const before = most.get(short.resource);
      if (!before || short.used + short.needed > before.used + before.needed) most.set(short.resource, short);
    }
  }
  const shortInTurns = [...most.values()];
  const needed = (short: readonly Shortage[] = []): number => short.reduce((sum, each) => sum + each.needed, 0);
  if (needed(shortInTurns) === needed(whole.details.short)) return whole;
  const remedy = `${raiseSaid(shortInTurns)}: with that, members move in several turns.`;
  return { ...whole, details: { ...whole.details, shortInTurns, remedy } };
}

/** Members are counted group by group: the one that would be the fullest says how far the quota is to be raised. */
function shortGroups({ quotas }: Snapshot, plans: readonly PoolPlan[]): Shortage[] {
  const limit = quotas.server_group_members?.limit ?? Number.MAX_SAFE_INTEGER;
  const [worst] = plans
    .flatMap(({ groups }) => groups?.peaks ?? [])
    .filter(({ used, more }) => used + more > limit)
    .sort((a, b) => b.used + b.more - a.used - a.more);
  return worst ? [{ resource: 'server_group_members', needed: worst.more, limit, used: worst.used }] : [];
}
