import type { Debt, DebtLot, Member } from '../../domain/record';
import { forwardLimitSeconds, type Timing } from '../../domain/timing';
import type { TurnRef } from '../../domain/turn';
import type { Sought } from '../../activities/ports';
import { allEnded } from '../allEnded';
import { cloud, draining } from '../ports';
import type { Step } from '../run';

/** Deleted one after the other within one activity, so that the plan's order holds. */
export const membersPerRemoval = 10;

/** Both stages of the committed revision. Always before the turn is yielded, and drains and deletions always after. */
export const published: Step = {
  name: 'publish',
  action: async (turn) => {
    if (!turn.committed) throw new Error('a publication came before its commit');
    const { publication } = turn.committed;
    if (publication.revision === turn.publishedRevision) return;
    await cloud(turn.timing, { retrySeconds: forwardLimitSeconds(turn.timing) }).publish.executeWithOptions(
      { summary: `publish revision ${String(publication.revision)}` },
      [{ turn: turn.ref, vnf: turn.vnf, publication }],
    );
    turn.publishedRevision = publication.revision;
  },
};

/** Owed by the end of a VNF that never came to be: nothing of it was published, and where it was there before its members go on serving. */
export function isOfUnborn(debt: Pick<Debt, 'uncommittedPools' | 'madePools'> | null): boolean {
  const { uncommittedPools = [], madePools = [] } = debt ?? {};
  return uncommittedPools.length + madePools.length > 0;
}

/** The turn goes to whoever is next; what is owed stays with this run. Drains never hold the turn. */
export const settled: Step = {
  name: 'drain and delete',
  action: async (turn) => {
    const debt = turn.committed?.debt;
    if (!debt) return;
    await turn.channel.yieldTurn(turn.ref.token);
    await payDebt({ turn: turn.ref, vnf: turn.vnf, debt, timing: turn.timing, drained: turn.drained });
  },
  sought: ({ committed }) => soughtOf(committed?.debt ?? null),
};

/** What must be gone of what was owed. */
export function soughtOf(debt: Debt | null): Sought {
  return {
    members: debt?.stages.flat().flatMap((lot) => lot.members) ?? [],
    tokens: debt?.sweep ?? [],
    groupIds: debt?.groups.map((group) => group.id) ?? [],
    pools: debt?.uncommittedPools ?? [],
    ...(debt?.madePools && { madePools: debt.madePools }),
  };
}

export interface Owed {
  readonly turn: TurnRef;
  readonly vnf: string;
  readonly debt: Debt;
  readonly timing: Timing;
  /** Servers that have been drained by an earlier try: it adds to them. */
  readonly drained?: Set<string>;
}

/** Stage after stage, the lots of a stage side by side. Repeated from the start it does no harm: what is gone is gone. */
export async function payDebt(owed: Owed): Promise<void> {
  const { turn, vnf, debt, timing } = owed;
  const ports = cloud(timing, { retrySeconds: forwardLimitSeconds(timing) });
  for (const stage of debt.stages) await allEnded(stage.map((lot) => payLot(owed, lot)));
  for (const token of debt.sweep) await ports.removeByToken({ turn, vnf, token, keep: [], timing });
  const { uncommittedPools = [] } = debt;
  const groups = {
    ids: debt.groups.map((group) => group.id),
    // A create that came long after its run had ended has made a double of one: no audit will find it when the VNF is gone.
    pools: [...new Set([...uncommittedPools, ...debt.groups.map((group) => group.pool)])],
    ...(uncommittedPools.length > 0 && { unborn: debt.sweep }),
  };
  if (groups.ids.length + groups.pools.length > 0) await ports.removeGroups({ turn, vnf, groups, timing });
  const { madePools = [] } = debt;
  if (madePools.length === 0) return;
  for (const token of debt.sweep)
    await ports.removeGroups({ turn, vnf, groups: { ids: [], pools: madePools, token }, timing });
}

async function payLot({ turn, vnf, timing, drained }: Owed, lot: DebtLot): Promise<void> {
  const { members } = lot;
  const isDrained = members.every((member) => drained?.has(member.serverId));
  if (lot.drainSeconds > 0 && !isDrained) {
    await draining(timing, lot.drainSeconds * timing.pace).drain.executeWithOptions(
      { summary: `drain ${String(members.length)} of ${lot.pool}` },
      [{ turn, vnf, members, drainSeconds: lot.drainSeconds, timing }],
    );
    for (const { serverId } of members) drained?.add(serverId);
  }
  for (const part of partsOf(lot)) {
    await cloud(timing, { retrySeconds: forwardLimitSeconds(timing) }).remove.executeWithOptions(
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
