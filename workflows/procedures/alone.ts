import { sleep } from '@temporalio/workflow';
import { failure } from '../../domain/failure';
import type { ParsedInputs } from '../../domain/procedures';
import { toApplicationFailure } from '../failures';
import { record } from '../ports';
import { say } from '../progress';
import { refuseExisting } from './instantiate';

/** Between two looks; longer each time. */
const lookAgainMs = { first: 2_000, factor: 1.5, most: 60_000 } as const;

/**
 * Waits until nothing is at work any more for a former record of the VNF. Such a run hears only when it next speaks with its record that this
 * is gone; until then it goes on, and would delete what is just being adopted. Throws Busy as an ask does, and AlreadyExists where there is a record.
 */
export async function untilAlone(
  { vnf, ifBusy, waitSeconds }: Pick<ParsedInputs['adopt'], 'vnf' | 'ifBusy' | 'waitSeconds'>,
  startedAt: Date,
): Promise<void> {
  const endsAt = Date.now() + waitSeconds * 1_000;
  for (let waitMs: number = lookAgainMs.first; ; waitMs = Math.min(lookAgainMs.most, waitMs * lookAgainMs.factor)) {
    await refuseExisting(vnf);
    const { workflowIds, lateUntil } = await record().readFormerRuns({ vnf, before: startedAt.getTime() });
    const lateMs = lateUntil - Date.now();
    if (workflowIds.length === 0 && lateMs <= 0) return;
    const nextMs = workflowIds.length > 0 ? waitMs : lateMs;
    const why =
      workflowIds.length > 0
        ? `for its former record these runs are at work: ${workflowIds.join(', ')}. Let them end, or terminate them; one that is stuck: "bulkhead give-up <id>"`
        : `what a run that was terminated has begun may be under way for ${String(Math.ceil(lateMs / 1_000))} s`;
    if (ifBusy === 'refuse' || Date.now() + nextMs > endsAt)
      throw toApplicationFailure(
        failure('Busy', `${vnf} is busy: ${why}. Ask again then, or with ifBusy "wait" and time enough.`, {
          vnf,
          runs: workflowIds,
        }),
        'refused',
      );
    say(`adopt of ${vnf} waits: ${why}`);
    await sleep(nextMs, { summary: 'until its former runs have ended' });
  }
}
