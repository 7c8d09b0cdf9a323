import type { Debt, DebtLot, Member } from '../../domain/record';
import type { Timing } from '../../domain/timing';
import type { TurnRef } from '../../domain/turn';
import { cloud, waiting } from '../ports';
import type { Step } from '../run';

/** What comes after the pivot is repeated for as long as this before a run calls itself stuck. */
export const forwardSeconds = 3_600;
/** Deleted one after the other within one activity, so that the plan's order holds. */
const membersPerRemoval = 10;

/** Both stages of the committed revision. Always before the turn is yielded, and drains and deletions always after. */
export const published: Step = {
  name: 'publish',
  action: async (turn) => {
    if (!turn.committed) throw new Error('a publication came before its commit');
    const { publication } = turn.committed;
    if (publication.revision === turn.publishedRevision) return;
    await cloud(turn.timing, { retrySeconds: forwardSeconds }).publish.executeWithOptions(
      { summary: `publish revision ${String(publication.revision)}` },
      [{ turn: turn.ref, vnf: turn.vnf, publication }],
    );
    turn.publishedRevision = publication.revision;
  },
};

/** The turn goes to whoever is next; what is owed stays with this run. Drains never hold the turn. */
export const settled: Step = {
  name: 'drain and delete',
  action: async (turn) => {
    const debt = turn.committed?.debt;
    if (!debt) return;
    await turn.channel.yieldTurn(turn.ref.token);
    await payDebt({ turn: turn.ref, vnf: turn.vnf, debt, timing: turn.timing });
  },
};

export interface Owed {
  readonly turn: TurnRef;
  readonly vnf: string;
  readonly debt: Debt;
  readonly timing: Timing;
}

/** Stage after stage, the lots of a stage side by side. Repeated from the start it does no harm: what is gone is gone. */
export async function payDebt(owed: Owed): Promise<void> {
  const { turn, vnf, debt, timing } = owed;
  const ports = cloud(timing, { retrySeconds: forwardSeconds });
  for (const stage of debt.stages) await Promise.all(stage.map((lot) => payLot(owed, lot)));
  for (const token of debt.sweep) await ports.removeByToken({ turn, vnf, token, keep: [], timing });
  const groups = { ids: debt.groups.map((group) => group.id), pools: [...(debt.uncommittedPools ?? [])] };
  if (groups.ids.length + groups.pools.length > 0) await ports.removeGroups({ turn, vnf, groups, timing });
}

async function payLot({ turn, vnf, timing }: Owed, lot: DebtLot): Promise<void> {
  const { members } = lot;
  if (lot.drainSeconds > 0) {
    await waiting(timing, lot.drainSeconds * timing.pace).drain.executeWithOptions(
      { summary: `drain ${String(members.length)} of ${lot.pool}` },
      [{ turn, vnf, members, drainSeconds: lot.drainSeconds, timing }],
    );
  }
  for (const part of partsOf(lot)) {
    await cloud(timing, { retrySeconds: forwardSeconds }).remove.executeWithOptions(
      { summary: `delete ${String(part.length)} of ${lot.pool}` },
      [{ turn, vnf, members: part, timing }],
    );
  }
}

/** Batch after batch, and of a batch at most so many in one activity. */
function partsOf({ members, batches = [members.length] }: DebtLot): Member[][] {
  let begun = 0;
  return batches.flatMap((many) => {
    const batch = members.slice(begun, begun + many);
    begun += many;
    return Array.from({ length: Math.ceil(batch.length / membersPerRemoval) }, (_, part) =>
      batch.slice(part * membersPerRemoval, (part + 1) * membersPerRemoval),
    );
  });
}
