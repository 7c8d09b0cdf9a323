import { ScheduleAlreadyRunning, ScheduleNotFoundError, ScheduleOverlapPolicy } from '@temporalio/client';
import { auditScheduleId } from '../../domain/names';
import { taskQueues } from '../../domain/procedures';
import type { Dependencies } from '../dependencies';

/** Each VNF is audited by itself: a Temporal Schedule, made with its record and taken away when it is terminated. */

type Needed = Pick<Dependencies, 'client' | 'audits'>;

/** One that is there already stays as it is: somebody may have changed it, or paused it. */
export async function scheduleAudits({ client, audits }: Needed, vnf: string): Promise<void> {
  if (audits === null) return;
  const { everyMinutes, repair } = audits;
  const scheduleId = auditScheduleId(vnf);
  try {
    await client.schedule.create({
      scheduleId,
      spec: {
        // VNFs are not all audited at the same moment.
        intervals: [{ every: everyMinutes * 60_000, offset: (spread(vnf) % (everyMinutes * 60)) * 1_000 }],
      },
      action: {
        type: 'startWorkflow',
        workflowType: 'audit',
        // Temporal adds the time, so that each run has an id of its own.
        workflowId: `scheduled-audit-${vnf}`,
        args: [{ vnf, repair }],
        taskQueue: taskQueues.workflows,
        memo: { schedule: scheduleId },
      },
      // What was missed while Temporal was away is not made up for: the next one sees all.
      policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1m' },
      memo: { vnf },
    });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
  }
}

export async function unscheduleAudits({ client }: Pick<Needed, 'client'>, vnf: string): Promise<void> {
  try {
    await client.schedule.getHandle(auditScheduleId(vnf)).delete();
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
  }
}

/** A number that is the same for a name, and differs between names. */
function spread(name: string): number {
  return Array.from(name).reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 1_000_003, 7);
}
