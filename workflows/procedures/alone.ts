import { isCancellation, sleep } from '@temporalio/workflow';
import { failure } from '../../domain/failure';
import { plain } from '../../domain/markdown';
import type { ParsedInputs } from '../../domain/procedures';
import { shown } from '../../domain/shown';
import { toApplicationFailure } from '../failures';
import { record } from '../ports';
import { mark, say } from '../progress';
import { refuseExisting } from './instantiate';

type Asked = Pick<ParsedInputs['adopt'], 'vnf' | 'ifBusy' | 'waitSeconds'>;

/** Between two looks; longer each time. */
const lookAgainMs = { first: 2_000, factor: 1.5, most: 60_000 } as const;
/** Temporal's list of runs is behind by no more than that. */
const listBehindMs = 2_000;

/**
 * Waits until nothing is at work any more for a former record of the VNF. Such a run hears only when it next speaks with its record that this
 * is gone; until then it goes on, and would delete what is just being adopted. Throws Busy as an ask does, and AlreadyExists where there is a record.
 */
export async function untilAlone(asked: Asked, startedAt: Date): Promise<void> {
  try {
    // Not looked for again: a task that is done again after it has started the record must find that it is its own.
    await refuseExisting(asked.vnf);
    await untilNone(asked, startedAt);
  } catch (error) {
    mark({ phase: 'ended', outcome: isCancellation(error) ? 'cancelled' : 'refused' });
    throw error;
  }
}

async function untilNone({ vnf, ifBusy, waitSeconds }: Asked, startedAt: Date): Promise<void> {
  const endsAt = Date.now() + waitSeconds * 1_000;
  let nextMs: number = lookAgainMs.first;
  for (let none = 0; ;) {
    const { workflowIds, lateUntil } = await record().readFormerRuns({ vnf, before: startedAt.getTime() });
    const lateMs = lateUntil - Date.now();
    if (workflowIds.length === 0 && lateMs <= 0) {
      none += 1;
      if (none === 2) return;
      await sleep(listBehindMs, { summary: 'until the list of runs has everybody' });
      continue;
    }
    none = 0;
    const waitMs = workflowIds.length > 0 ? nextMs : lateMs;
    nextMs = Math.min(lookAgainMs.most, nextMs * lookAgainMs.factor);
    const why =
      workflowIds.length > 0
        ? `for its former record these runs are at work: ${workflowIds.map(shown).join(', ')}. Let them end; give up or terminate one that does not`
        : `what a run that was terminated has begun may be under way for ${String(Math.ceil(lateMs / 1_000))} s`;
    if (ifBusy === 'refuse' || Date.now() + waitMs > endsAt)
      throw toApplicationFailure(
        failure('Busy', `${vnf} is busy: ${why}. Ask again then, or with ifBusy "wait" and time enough.`, {
          vnf,
          runs: workflowIds,
        }),
        'refused',
      );
    say(`adopt of ${vnf} waits: ${plain(why)}`);
    await sleep(waitMs, { summary: 'until its former runs have ended' });
  }
}
