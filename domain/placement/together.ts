import { capAt } from '../levels';
import type { MemberRef } from '../plan';
import type { Member, VnfRecord } from '../record';

/** What new members may be on, and what not: checked when the cloud has said where they are. */
export interface Together {
  /** The most members of the pool on a host that serve after the commit. */
  readonly cap: number;
  /** The most while old and new are published together. */
  readonly capDuring: number;
  /** Members that serve before and after. */
  readonly staying: readonly Member[];
  /** Members that serve until the commit. */
  readonly leaving: readonly Member[];
  readonly barred: readonly string[];
}

export function togetherOf(
  record: VnfRecord,
  of: {
    readonly levels: Readonly<Record<string, { readonly from: number; readonly to: number }>>;
    readonly leave: readonly MemberRef[];
    readonly barred: readonly string[];
  },
): Record<string, Together> {
  const pools = record.descriptor.pools.flatMap((pool): [string, Together][] => {
    const level = of.levels[pool.name];
    const state = record.pools[pool.name];
    if (!level || !state) return [];
    const cap = capAt(pool.spare, level.to);
    const leaving = new Set(of.leave.filter((ref) => ref.pool === pool.name).map(({ ordinal }) => ordinal));
    const leaves = ({ ordinal }: Member): boolean => leaving.has(ordinal);
    return [
      [
        pool.name,
        {
          cap,
          capDuring: Math.max(cap, capAt(pool.spare, level.from)),
          staying: state.inService.filter((member) => !leaves(member)),
          leaving: state.inService.filter(leaves),
          barred: of.barred,
        },
      ],
    ];
  });
  return Object.fromEntries(pools);
}
