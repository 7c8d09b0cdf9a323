import type { Pool } from '../descriptor/descriptor';
import { capAt } from '../levels';
import { own } from '../names';
import type { Member, PoolState, VnfRecord } from '../record';

/** What is to become of one pool. */
export interface PoolTask {
  readonly pool: Pool;
  readonly state: PoolState;
  readonly to: number;
  /** Members that are to be replaced, or to leave whatever the level. */
  readonly out: ReadonlySet<number>;
  /** Launched earlier in this turn and alive. */
  readonly launched: readonly Member[];
  /** Restore what fits, rather than all or nothing. */
  readonly partial: boolean;
  /** Failed members that Nova may evacuate: they go on elsewhere as they are, rather than be replaced. */
  readonly movable: ReadonlySet<number>;
  /** One change of several: further turns are needed to reach what was asked. */
  readonly more: boolean;
  /** The dead and the doubted leave first also where that costs launches. Absent: only as far as it costs none. */
  readonly replaceUnfit?: boolean;
  /**
   * Nobody leaves but those in `out`, the first of them first, and nobody is launched but in their place. Absent: who is too many leaves too,
   * and what the pool lacks is launched.
   */
  readonly onlyOut?: boolean;
  /** Who is to leave is dead, and goes before anything is launched: as many as are replaced, whatever was lacking before. */
  readonly deadFirst?: boolean;
  /** Where its launches go, found for several pools together; else each goes where it is best for this one. */
  readonly hosts?: readonly string[];
}

/** G1(c): existing VMs on a host, whatever becomes of them, stay below the largest cap of all levels involved. */
export function existingCap(record: VnfRecord, task: PoolTask): number {
  return Math.max(...levelsInvolved(record, task).map((level) => capAt(task.pool.spare, level)));
}

/** Those whose caps count. */
export function levelsInvolved({ debts }: VnfRecord, { pool, state, to }: PoolTask): number[] {
  return [state.level, to, ...debts.flatMap((debt) => own(debt.movedFrom, pool.name) ?? [])];
}
