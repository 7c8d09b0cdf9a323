import { failure, type Failure } from './failure';
import { spareAt } from './levels';
import type { MemberRef } from './plan';
import type { Member, PoolState, VnfRecord } from './record';
import type { Dead } from './turn';

/** What of a record deaths are judged by, and change. */
type Mortal = Pick<VnfRecord, 'vnf' | 'descriptor' | 'pools'>;

/**
 * The pools with these members out of service: failed, and still counted in the level. On a caller's word alone at most k(L) of a pool: a
 * caller that takes a network's failure for the death of everything must not empty the pool. Where that is refused nothing changes. The same
 * pools where nobody of them served.
 */
export function bury(
  { vnf, descriptor, pools }: Mortal,
  { members, evidence }: Pick<Dead, 'members' | 'evidence'>,
): { readonly pools: VnfRecord['pools']; readonly refusal: Failure | null } {
  const dead = ordinalsByPool(members);
  const changed = new Map<string, PoolState>();
  for (const [name, pool] of Object.entries(pools)) {
    const isDead = ({ ordinal }: Member): boolean => dead.get(name)?.has(ordinal) ?? false;
    const dying = pool.inService.filter(isDead);
    if (dying.length === 0) continue;
    const after: PoolState = {
      ...pool,
      inService: pool.inService.filter((member) => !isDead(member)),
      failed: [...pool.failed, ...dying],
    };
    const refusal = evidence === 'told' ? tooMany({ vnf, descriptor }, name, after) : null;
    if (refusal) return { pools, refusal };
    changed.set(name, after);
  }
  if (changed.size === 0) return { pools, refusal: null };
  const after = Object.entries(pools).map(([name, pool]) => [name, changed.get(name) ?? pool] as const);
  return { pools: Object.fromEntries(after), refusal: null };
}

function tooMany({ vnf, descriptor }: Omit<Mortal, 'pools'>, name: string, after: PoolState): Failure | null {
  const spec = descriptor.pools.find((each) => each.name === name);
  if (!spec) return null;
  const most = Math.max(1, spareAt(spec.spare, after.level));
  const total = after.failed.length;
  if (total <= most) return null;
  return failure(
    'InvalidRequest',
    `${String(total)} members of ${name} would be out of service on your word alone, and its spare is ${String(most)}. ` +
      'Name fewer members, or heal those that the cloud itself shows dead first.',
    { vnf, pool: name },
  );
}

export function ordinalsByPool(members: readonly MemberRef[]): ReadonlyMap<string, ReadonlySet<number>> {
  const ordinals = new Map<string, Set<number>>();
  for (const { pool, ordinal } of members) ordinals.set(pool, (ordinals.get(pool) ?? new Set()).add(ordinal));
  return ordinals;
}

/** Whom the cloud shows dead, and who is so on the caller's word alone. */
export interface Deaths {
  readonly dead: readonly MemberRef[];
  readonly told: readonly MemberRef[];
}

/** The record as it is when both have been reported to it, one after the other. Where the word alone is refused, without the dead. */
export function outOfService<R extends Mortal>(
  record: R,
  { dead, told }: Deaths,
): { readonly record: R; readonly refusal: Failure | null } {
  const seen = { ...record, pools: bury(record, { members: [...dead], evidence: 'seen' }).pools };
  const { pools, refusal } = bury(seen, { members: [...told], evidence: 'told' });
  return { record: { ...seen, pools }, refusal };
}

/** Those that are to be replaced: every one that is known to be dead. */
export function failedMembers({ pools }: Pick<VnfRecord, 'pools'>): MemberRef[] {
  return Object.values(pools).flatMap(({ failed }) => failed.map(({ pool, ordinal }) => ({ pool, ordinal })));
}

/** A host's death, or a run that had deleted the dead before it was given up, can leave a pool with fewer members than its level. */
export function isShort({ pools }: Pick<VnfRecord, 'pools'>): boolean {
  return Object.values(pools).some((pool) => pool.inService.length + pool.failed.length < pool.level);
}
