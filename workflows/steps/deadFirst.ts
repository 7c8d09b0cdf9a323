import { CancellationScope, patched } from '@temporalio/workflow';
import type { ChangeRequest, MemberRef, ServerGroupRef } from '../../domain/plan';
import type { PoolState, VnfRecord } from '../../domain/record';
import { insist, type Step, type Turn } from '../run';
import { commitOnce } from './commit';
import { payDebt, soughtOf } from './settle';

/**
 * Where room or quota leave no other way, the dead go before their replacements come: a commit of its own makes them debt,
 * which is paid inside the turn. They serve nobody, and the level stays as it is.
 *
 * It has no undo: whoever is dead stays so, and is missed in the level until somebody heals again.
 */
export const deadRemoved: Step = {
  name: 'remove the dead first',
  action: async (turn) => {
    const { record } = turn;
    const refs = turn.plan?.deleteFirst ?? [];
    if (refs.length === 0) return;
    // Of earlier releases only a heal did so: to others their plans never told it.
    if (turn.request.kind === 'emptyHosts' && !patched('evacuate-dead-first')) return;
    turn.touched = true;
    turn.owing = true;
    // Not left half done by a cancel: it is a commit, and its payment.
    await CancellationScope.nonCancellable(async () => {
      // There is no way back from either, and none around them.
      await insist(turn, {
        name: 'commit of the dead',
        action: () => commitOnce(turn, { pools: leaving(record, refs) }),
      });
      turn.record = without(record, refs);
      if (turn.request.kind === 'emptyHosts') for (const host of turn.request.hosts) turn.avoidHosts.add(host);
      turn.request = stillWanted(turn.request, refs);
      await insist(turn, {
        name: 'removal of the dead',
        action: paid,
        sought: ({ committed }) => soughtOf(committed?.debt ?? null),
      });
    });
    reopenGroups(turn);
    turn.owing = false;
  },
};

/** For a tenant: what had no place beside the dead may have theirs. */
function reopenGroups({ apart, plan }: Turn): void {
  const rows = plan?.batches.flatMap((batch) => batch.rows) ?? [];
  const isReopened = ({ pool, number }: ServerGroupRef): boolean =>
    rows.some((row) => row.pool === pool && row.group === number);
  apart.full.splice(0, apart.full.length, ...apart.full.filter((group) => !isReopened(group)));
}

async function paid(turn: Turn): Promise<void> {
  const debt = turn.committed?.debt;
  if (!debt) throw new Error('the dead were committed and are owed by nobody');
  await payDebt({ turn: turn.ref, vnf: turn.vnf, debt, timing: turn.timing });
}

function leaving(
  record: VnfRecord,
  refs: readonly MemberRef[],
): Record<string, { level: number; nextOrdinal: number; enter: never[]; leave: number[] }> {
  const pools = [...new Set(refs.map(({ pool }) => pool))];
  return Object.fromEntries(
    pools.map((name) => {
      const leave = refs.filter(({ pool }) => pool === name).map(({ ordinal }) => ordinal);
      return [
        name,
        { level: stateOf(record, name).level, nextOrdinal: stateOf(record, name).nextOrdinal, enter: [], leave },
      ];
    }),
  );
}

function stateOf(record: VnfRecord, pool: string): PoolState {
  const state = record.pools[pool];
  if (!state) throw new Error(`a plan names the unknown pool ${pool}`);
  return state;
}

function without(record: VnfRecord, refs: readonly MemberRef[]): VnfRecord {
  const gone = ({ pool, ordinal }: MemberRef): boolean =>
    refs.some((ref) => ref.pool === pool && ref.ordinal === ordinal);
  const pools = Object.fromEntries(
    Object.entries(record.pools).map(([name, pool]) => [
      name,
      { ...pool, failed: pool.failed.filter((member) => !gone(member)) },
    ]),
  );
  return { ...record, pools };
}

/** They are missing now, and no longer to be replaced: a new plan makes up for what the level lacks. */
function stillWanted(request: ChangeRequest, refs: readonly MemberRef[]): ChangeRequest {
  // Nobody but the dead was to leave these hosts.
  if (request.kind === 'emptyHosts')
    return { kind: 'replaceMembers', members: [], ...(request.cause === 'failed' && { partial: true }) };
  if (request.kind !== 'replaceMembers') return request;
  const members = request.members.filter(
    ({ pool, ordinal }) => !refs.some((ref) => ref.pool === pool && ref.ordinal === ordinal),
  );
  return { ...request, members };
}
