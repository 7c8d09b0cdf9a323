import type { Descriptor, FailureDomain, Spare } from './descriptor/descriptor';
import type { ProcedureName } from './turn';

/**
 * The state of one VNF as its record holds it: the single truth about who is a member. What the cloud has beyond it is
 * a leftover; what it has less is a failure.
 */

/** One VM of a pool. Its name is `memberName(vnf, pool, ordinal)`. */
export interface Member {
  readonly pool: string;
  readonly ordinal: number;
  readonly serverId: string;
  /** In the order of the pool's networks. */
  readonly portIds: readonly string[];
  /** The compute host that it was verified on: its name, or to a tenant its `hostId`. Empty until a tenant knows it. */
  readonly host: string;
  /** The failure domain of that host when it came there, where its pool keeps to one. It decides in which order members are deleted. */
  readonly domain?: string | undefined;
  /** The token of the turn that created it: the tag on its server and ports. */
  readonly token: string;
}

export interface PoolState {
  /** L: how many members are meant to be in service. */
  readonly level: number;
  /** Ordinals are never used twice: the next member gets this one. */
  readonly nextOrdinal: number;
  readonly inService: readonly Member[];
  /** Known to be dead: out of service, still counted in L, waiting for their replacement. */
  readonly failed: readonly Member[];
}

/** The same with these members in service on these hosts. Who is not in service any more stays as it is. */
export function foundAt(
  pool: PoolState,
  found: readonly { readonly ordinal: number; readonly host: string; readonly domain?: string | undefined }[],
): PoolState {
  if (found.length === 0) return pool;
  const places = new Map(found.map(({ ordinal, host, domain }) => [ordinal, { host, domain }]));
  const inService = pool.inService.map((member) => ({ ...member, ...places.get(member.ordinal) }));
  return { ...pool, inService };
}

/** Members of one pool that leave together: drained side by side, then deleted in order, batch by batch. */
export interface DebtLot {
  readonly pool: string;
  /** 0 for what is dead already. */
  readonly drainSeconds: number;
  readonly members: readonly Member[];
  /** How many are deleted at a time: the next batch begins when the one before is gone. All at once where it is left out. */
  readonly batches?: readonly number[];
}

/** A security group that a VNF made, by id: groups take no tags. */
export interface Group {
  readonly pool: string;
  readonly id: string;
  /**
   * Set for a server group, of which no host gets two members: which of its pool's it is, from 1. A tenant's way of keeping a pool's
   * members apart.
   */
  readonly apart?: number | undefined;
}

/** The security group of a pool. */
export function securityGroupOf(groups: readonly Group[], pool: string): Group | undefined {
  return groups.find((group) => group.pool === pool && group.apart === undefined);
}

/** The server groups of a pool. */
export function serverGroupsOf(groups: readonly Group[], pool: string): (Group & { readonly apart: number })[] {
  return groups.flatMap((group) =>
    group.pool === pool && group.apart !== undefined ? [{ ...group, apart: group.apart }] : [],
  );
}

/** What a committed procedure still owes. */
export interface Debt {
  readonly token: string;
  readonly workflowId: string;
  readonly runId: string;
  readonly procedure: ProcedureName;
  /** Paid one stage after the other; the lots of a stage side by side. */
  readonly stages: readonly (readonly DebtLot[])[];
  /** Deleted after the last stage: the groups of a VNF that ends. */
  readonly groups: readonly Group[];
  /** Tokens of runs whose clean-up failed for good: whatever still bears them is removed last (terminate only). */
  readonly sweep: readonly string[];
  /** Pools of a VNF that never came to be: their groups are known by name only, and go last (terminate only). */
  readonly uncommittedPools?: readonly string[];
  /** Pools of a VNF that was never adopted: of their groups those go that bear one of the tokens to `sweep` (terminate only). */
  readonly madePools?: readonly string[];
  /** The levels that the debt moved from: their caps go on counting until it is paid (G1 c). */
  readonly movedFrom: Readonly<Record<string, number>>;
}

export type Phase = 'instantiating' | 'adopting' | 'running' | 'terminating';

/** What a holder of the turn is told, and what a planner plans on. */
export interface VnfRecord {
  readonly vnf: string;
  readonly descriptor: Descriptor;
  readonly phase: Phase;
  /** One more with every change of levels, service or failures. */
  readonly revision: number;
  readonly pools: Readonly<Record<string, PoolState>>;
  readonly groups: readonly Group[];
  readonly debts: readonly Debt[];
}

export function serverGroupIds(groups: readonly Group[]): string[] {
  return groups.filter((group) => group.apart !== undefined).map((group) => group.id);
}

/**
 * In which order what is in no record may go: so that no host, and no failure domain, has more of a pool than its share of those that exist.
 * By pool; one that is not named has no share to keep.
 */
export interface Shares {
  readonly spares: Readonly<Record<string, Spare>>;
  /** Absent where no pool keeps to any. */
  readonly failureDomains?: Readonly<Record<string, FailureDomain>>;
  /** Ids of servers that the record has as failed: they count for no share, whatever the cloud shows. */
  readonly failed?: readonly string[];
}

export function sharesOf({ descriptor, pools }: Pick<VnfRecord, 'descriptor' | 'pools'>): Shares {
  const keeping = descriptor.pools.flatMap(({ name, failureDomain }) =>
    failureDomain ? [[name, failureDomain] as const] : [],
  );
  return {
    spares: Object.fromEntries(descriptor.pools.map(({ name, spare }) => [name, spare])),
    ...(keeping.length > 0 && { failureDomains: Object.fromEntries(keeping) }),
    failed: Object.values(pools).flatMap(({ failed }) => failed.map(({ serverId }) => serverId)),
  };
}

/** Who serves, by pool, as ordinals. What is published is derived from it. */
export type Service = Readonly<Record<string, readonly number[]>>;

export function serviceOf(pools: VnfRecord['pools']): Service {
  return Object.fromEntries(
    Object.entries(pools).map(([name, pool]) => [name, pool.inService.map((member) => member.ordinal)]),
  );
}
