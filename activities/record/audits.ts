import {
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
  type Client,
  type ScheduleOptions,
} from '@temporalio/client';
import { auditScheduleId, orphansScheduleId } from '../../domain/names';
import { taskQueues } from '../../domain/procedures';
import type { Dependencies } from '../dependencies';

/**
 * Each VNF is audited by itself: a Temporal Schedule, made with its record and taken away when it is terminated. What is of no VNF that has
 * a record is looked for by one of its own, which stays.
 */

type Needed = Pick<Dependencies, 'client' | 'audits'>;

export async function scheduleAudits({ client, audits }: Needed, vnf: string): Promise<void> {
  if (audits === null) return;
  const { everyMinutes, repair } = audits;
  const scheduleId = auditScheduleId(vnf);
  await create(client, {
    scheduleId,
    spec: every(everyMinutes, vnf),
    action: {
      type: 'startWorkflow',
      workflowType: 'audit',
      // Temporal adds the time, so that each run has an id of its own.
      workflowId: `scheduled-audit-${vnf}`,
      args: [{ vnf, repair }],
      taskQueue: taskQueues.workflows,
      memo: { schedule: scheduleId },
    },
    policies,
    memo: { vnf },
  });
}

/** By each worker as it starts, so that they are looked for also where the records are lost. */
export async function scheduleOrphans({ client, audits }: Needed): Promise<void> {
  if (audits === null) return;
  await create(client, {
    scheduleId: orphansScheduleId,
    spec: every(audits.everyMinutes, orphansScheduleId),
    action: {
      type: 'startWorkflow',
      workflowType: 'orphans',
      workflowId: 'scheduled-orphans',
      args: [{}],
      taskQueue: taskQueues.workflows,
      // One that no worker knows, after a rollback, does not wait for good.
      workflowRunTimeout: '10m',
    },
    policies,
  });
}

/** What was missed while Temporal was away is not made up for: the next one sees all. */
const policies = { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1m' } as const;

/** Not all at the same moment. */
function every(minutes: number, name: string): ScheduleOptions['spec'] {
  return { intervals: [{ every: minutes * 60_000, offset: (spread(name) % (minutes * 60)) * 1_000 }] };
}

/** One that is there already stays as it is: somebody may have changed it, or paused it. */
async function create(client: Client, options: ScheduleOptions): Promise<void> {
  try {
    await client.schedule.create(options);
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
