import { patched, sleep, workflowInfo } from '@temporalio/workflow';
import { z } from 'zod';
import type { Debt, Shares } from '../../domain/record';
import { lateAttemptSeconds, type Timing } from '../../domain/timing';
import type { Publication, TurnRef } from '../../domain/turn';
import { refuseStartedByHand } from '../input';
import { cloud } from '../ports';
import { mark, say } from '../progress';
import { timingSchema } from '../record/input';
import { isOfUnborn, payDebt } from '../steps/settle';

/**
 * Cleans up behind a run that vanished: what it launched and never committed is removed, what it committed and never
 * paid is paid. Started by the record, which grants nothing before it succeeds: as a run of `audit` under `audit:<vnf>:<token>`.
 */

/** The shares decide the order in which servers go. */
export interface CleanUpInput extends Partial<Shares> {
  readonly vnf: string;
  /** The token of the run that vanished. */
  readonly deadToken: string;
  /** The token of this clean-up. */
  readonly token: string;
  /** Servers that bear the dead token and are members, or another run's debt. */
  readonly keepServerIds: readonly string[];
  /** Server groups that are the record's. */
  readonly keepGroupIds?: readonly string[];
  /** The pools of a VNF that never came to be: their groups go too. */
  readonly uncommittedPools: readonly string[];
  /** That VNF was there before, and was to be adopted: only those groups go that the vanished run has made. */
  readonly onlyMade?: boolean;
  readonly debt: Debt | null;
  readonly publication: Publication;
  readonly timing: Timing;
}

/** As far as one begun by hand may lack it. */
const inputSchema = z.object({
  vnf: z.string(),
  deadToken: z.string().min(1),
  token: z.string().min(1),
  keepServerIds: z.array(z.string()),
  uncommittedPools: z.array(z.string()),
  debt: z.looseObject({ stages: z.array(z.unknown()) }).nullable(),
  publication: z.looseObject({ revision: z.number() }),
  timing: timingSchema,
});

export interface CleanUpResult {
  readonly nextOrdinals: Readonly<Record<string, number>>;
}

export async function cleanUp(input: CleanUpInput): Promise<CleanUpResult> {
  refuseStartedByHand('audit', { prefix: 'audit:', schema: inputSchema, input });
  const { vnf, deadToken, timing, debt } = input;
  const turn: TurnRef = { token: input.token, runId: workflowInfo().runId };
  // Then it says that it cannot; the record tries three times.
  const ports = cloud(timing, { retrySeconds: timing.undoSeconds });
  mark({ vnf, phase: 'cleaning' });
  say(`cleaning up after a run of ${vnf} that vanished (token ${deadToken})`);
  // First of all callers must not be sent to what is about to go.
  if (!isOfUnborn(debt) || !patched('unborn')) await ports.publish({ turn, vnf, publication: input.publication });
  // An activity of the vanished run may still be at work, and a call of it on its way.
  await sleep(lateAttemptSeconds(timing) * 1_000, { summary: 'until no late attempt can be at work' });
  const { nextOrdinals } = await ports.removeByToken.executeWithOptions(
    { summary: 'remove what the vanished run left' },
    [
      {
        turn,
        vnf,
        token: deadToken,
        keep: [...input.keepServerIds, ...owedIds(debt)],
        keepGroups: input.keepGroupIds ?? [],
        ...sharesIn(input),
        timing,
      },
    ],
  );
  if (input.uncommittedPools.length > 0)
    await ports.removeGroups({
      turn,
      vnf,
      groups: {
        ids: [],
        pools: input.uncommittedPools,
        ...(input.onlyMade ? { token: deadToken } : { unborn: [deadToken] }),
      },
      timing,
    });
  if (debt) await payDebt({ turn, vnf, debt, timing });
  mark({ phase: 'ended', outcome: 'completed' });
  return { nextOrdinals };
}

/** Of earlier releases' records there are none. */
function sharesIn({ spares, failureDomains, failed }: CleanUpInput): Partial<Shares> {
  return { ...(spares && { spares }), ...(failureDomains && { failureDomains }), ...(failed && { failed }) };
}

/** What is owed is drained before it is deleted, and so is not swept. */
function owedIds(debt: Debt | null): string[] {
  return debt?.stages.flat().flatMap((lot) => lot.members.map((member) => member.serverId)) ?? [];
}
