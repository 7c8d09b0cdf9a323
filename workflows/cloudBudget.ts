import { condition, continueAsNew, defineUpdate, setHandler, workflowInfo } from '@temporalio/workflow';
import { z } from 'zod';
import {
  giveShare,
  leaseSecondsMost,
  shareAskSchema,
  shareUpdateName,
  type Budget,
  type BudgetInput,
  type ShareAsk,
  type ShareGiven,
} from '../domain/budget';
import { inSeconds, now } from './clock';
import { refuseStartedByHand } from './input';

const inputSchema = z.object({
  waits: z.boolean().optional(),
  budget: z.object({ shares: z.array(z.unknown()), closedUntil: z.string().nullable() }).optional(),
});

/**
 * How many calls a cloud gets of all workers together, under the id `cloud:<where its Keystone is>`. Workers ask it for shares while they
 * have something to call for; nothing polls, and no timer runs.
 */
export async function cloudBudget(input: BudgetInput): Promise<void> {
  refuseStartedByHand('cloudBudget', { prefix: 'cloud:', schema: inputSchema, input });
  let budget: Budget = input.budget ?? {
    shares: [],
    closedUntil: input.waits === true ? inSeconds(leaseSecondsMost) : null,
  };
  setHandler(
    defineUpdate<ShareGiven, [ShareAsk]>(shareUpdateName),
    (ask) => {
      const { budget: after, given } = giveShare(budget, shareAskSchema.parse(ask), now());
      budget = after;
      return given;
    },
    {
      // Refused here it leaves nothing in the history; what the handler throws would fail the run's task.
      validator: (ask) => void shareAskSchema.parse(ask),
    },
  );
  await condition(mustContinue);
  await continueAsNew<typeof cloudBudget>({ budget });
}

/** Two busy workers come here every ten minutes. */
const eventsMost = 2_000;

function mustContinue(): boolean {
  const { historyLength, continueAsNewSuggested } = workflowInfo();
  return continueAsNewSuggested || historyLength > eventsMost;
}
