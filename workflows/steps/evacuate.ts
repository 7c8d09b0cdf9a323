import { CancellationScope, CancelledFailure, patched } from '@temporalio/workflow';
import type { HealthResult } from '../../activities/ports';
import type { Batch, LaunchRow, MemberRef } from '../../domain/plan';
import type { Member, VnfRecord } from '../../domain/record';
import { bootLimitSeconds } from '../../domain/timing';
import type { Commit } from '../../domain/turn';
import { cloud, waiting } from '../ports';
import { insist, type Step, type Turn } from '../run';
import { commitOnce, foundIn } from './commit';
import { planAgain } from './plan';
import { published } from './settle';

/**
 * Failed members whose pools say `recover: evacuate`, off fenced hosts, each to the host that the plan names: Nova would put
 * all of them on one. They keep their identity, ports and addresses.
 *
 * It has no undo. A server that has moved cannot be moved back: its host is dead, and Nova destroys what is left of it there when the
 * host returns. So whoever has arrived is committed and published at once, before anything is launched: whatever becomes of the
 * rest of the turn, the record says where its members are, and nothing is left that would have to be undone. Until its commit a
 * member is what it was before, failed: a run that vanishes in between leaves it failed, alive elsewhere and with its old token,
 * which no clean-up deletes. The next evacuateHost of that host finds it where it is and takes it back, or the next heal replaces it.
 * The planner counts it where the cloud shows it until then.
 *
 * A cancel that comes before Nova is asked is heard. A later one waits until they have arrived, which is bounded by the pools' boot
 * time-outs; where that was all, it has nothing to go back on, and the run completes.
 *
 * Whose evacuation fails (no room by now, the rule of a server group, a target that refuses) is replaced by the new plan.
 */
export const evacuated: Step = {
  name: 'evacuate',
  action: async (turn) => {
    if (CancellationScope.current().consideredCancelled && hearsCancels())
      throw new CancelledFailure('cancelled before anybody was moved');
    await CancellationScope.nonCancellable(async () => {
      // Each round strands those that failed, and what is stranded is not planned to be moved again.
      while ((turn.plan?.moves ?? []).length > 0) {
        turn.touched = true;
        const { arrived, lost, failures } = await moveAll(turn, turn.plan?.moves ?? []);
        // Also where another pool's part of it has failed: they are where they are.
        if (arrived.length > 0) await admit(turn, arrived);
        for (const reason of failures) throw reason;
        if (lost.length === 0) return;
        turn.stranded.push(...lost);
        turn.replans += 1;
        await planAgain(turn);
      }
    });
  },
};

/** A run of an earlier release moved members although it was cancelled, and said that it had gone back when all had arrived. */
export function hearsCancels(): boolean {
  return patched('evacuate-hears-cancels');
}

interface Moved {
  readonly arrived: readonly Member[];
  readonly lost: readonly MemberRef[];
}

/** The pools side by side. */
async function moveAll(turn: Turn, batches: readonly Batch[]): Promise<Moved & { readonly failures: unknown[] }> {
  const pools = [...new Set(batches.map((batch) => batch.pool))];
  const ends = await Promise.allSettled(
    pools.map((pool) =>
      movePool(
        turn,
        batches.filter((batch) => batch.pool === pool),
      ),
    ),
  );
  const moved = ends.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : []));
  return {
    arrived: moved.flatMap((each) => each.arrived),
    lost: moved.flatMap((each) => each.lost),
    failures: ends.flatMap((end): unknown[] => (end.status === 'rejected' ? [end.reason] : [])),
  };
}

/** A VM counts on a host when it has arrived there: the next batch begins then, which keeps G1(d). */
async function movePool(turn: Turn, batches: readonly Batch[]): Promise<Moved> {
  const arrived: Member[] = [];
  const lost: MemberRef[] = [];
  for (const { pool, rows } of batches) {
    const moves = rows.map((row) => moveOf(turn, row));
    const results = await cloud(turn.timing).evacuate.executeWithOptions(
      { summary: `evacuate ${String(rows.length)} of ${pool}` },
      [{ turn: turn.ref, vnf: turn.vnf, moves, timing: turn.timing }],
    );
    const begun = moves.filter((_, index) => results[index]?.ok);
    const health = begun.length === 0 ? [] : await awaitArrival(turn, pool, begun);
    for (const [index, { member, to, domain }] of begun.entries())
      if (health[index]?.ok) arrived.push({ ...member, host: to, domain });
    const there = new Set(arrived.map((member) => member.ordinal));
    lost.push(...rows.filter((row) => !there.has(row.ordinal)).map(({ pool: of, ordinal }) => ({ pool: of, ordinal })));
    if (lost.length > 0) break;
  }
  return { arrived, lost };
}

interface Move {
  readonly member: Member;
  readonly to: string;
  readonly domain?: string | undefined;
}

function moveOf({ record }: Turn, row: LaunchRow): Move {
  const member = record.pools[row.pool]?.failed.find(({ ordinal }) => ordinal === row.ordinal);
  if (!member) throw new Error(`a plan moves ${row.pool} ${String(row.ordinal)}, which is not failed`);
  return { member, to: row.host, domain: row.domain };
}

function awaitArrival(turn: Turn, poolName: string, moves: readonly Move[]): Promise<HealthResult[]> {
  const pool = turn.record.descriptor.pools.find((each) => each.name === poolName);
  if (!pool) throw new Error(`a plan names the unknown pool ${poolName}`);
  const { healthyAfterSeconds, bootTimeoutSeconds } = pool;
  return waiting(
    turn.timing,
    bootLimitSeconds(turn.timing, bootTimeoutSeconds) + healthyAfterSeconds * turn.timing.pace,
  ).awaitHealthy.executeWithOptions({ summary: `arrived and healthy: ${String(moves.length)} of ${poolName}` }, [
    {
      turn: turn.ref,
      vnf: turn.vnf,
      members: moves.map(({ member, to }) => ({ ...member, host: to })),
      leaving: [...new Set(moves.map(({ member }) => member.host))],
      healthyAfterSeconds: { [poolName]: healthyAfterSeconds },
      bootTimeoutSeconds,
      timing: turn.timing,
    },
  ]);
}

/** Committed, and published: a run that ended in between would leave members in service that nobody is sent to. */
async function admit(turn: Turn, arrived: readonly Member[]): Promise<void> {
  turn.owing = true;
  const pools = entering(turn, arrived);
  await insist(turn, { name: 'commit of who has arrived', action: () => commitOnce(turn, { pools }) });
  turn.record = admitted(turn.record, arrived);
  turn.moved.push(...arrived);
  await insist(turn, published);
  turn.owing = false;
}

function entering({ record, plan }: Turn, arrived: readonly Member[]): Commit['pools'] {
  const pools = [...new Set(arrived.map((member) => member.pool))];
  return Object.fromEntries(
    pools.flatMap((name) => {
      const state = record.pools[name];
      if (!state) return [];
      const { level, nextOrdinal } = state;
      const enter = arrived
        .filter((member) => member.pool === name)
        .map((member) => ({ ...member, portIds: [...member.portIds] }));
      return [[name, { level, nextOrdinal, enter, leave: [], ...(plan && foundIn(plan, name)) }]];
    }),
  );
}

function admitted(record: VnfRecord, arrived: readonly Member[]): VnfRecord {
  const pools = Object.fromEntries(
    Object.entries(record.pools).map(([name, pool]) => {
      const own = arrived.filter((member) => member.pool === name);
      const ordinals = new Set(own.map((member) => member.ordinal));
      return [
        name,
        {
          ...pool,
          inService: [...pool.inService, ...own],
          failed: pool.failed.filter((member) => !ordinals.has(member.ordinal)),
        },
      ];
    }),
  );
  return { ...record, pools };
}
