import { ServiceError } from '@temporalio/client';
import { lateAttemptSeconds } from '../../domain/timing';
import type { Dependencies } from '../dependencies';
import { cloudUnavailable } from '../errors';
import type { RecordActivities } from '../ports';

/** As many as a person reads. */
const toldMax = 20;
/** So ended, a run has not waited for its activities. */
const byForce: readonly string[] = ['TERMINATED', 'TIMED_OUT'];

/** By Temporal's list of runs, which is some seconds behind at most: who is asked for has been at work for longer. */
export async function formerRuns(
  { client, timing }: Pick<Dependencies, 'client' | 'timing'>,
  { vnf, before }: Parameters<RecordActivities['readFormerRuns']>[0],
): ReturnType<RecordActivities['readFormerRuns']> {
  const lateMs = lateAttemptSeconds(timing) * 1_000;
  const since = new Date(Date.now() - lateMs).toISOString();
  // An id of a VNF has nothing in it that would have to be escaped.
  const query = `VnfId = "${vnf}" AND WorkflowType != "vnf" AND (ExecutionStatus = "Running" OR CloseTime >= "${since}")`;
  const workflowIds: string[] = [];
  let lateUntil = 0;
  try {
    for await (const run of client.workflow.list({ query })) {
      if (run.startTime.getTime() >= before) continue;
      if (run.status.name === 'RUNNING' && workflowIds.length < toldMax) workflowIds.push(run.workflowId);
      if (byForce.includes(run.status.name)) lateUntil = Math.max(lateUntil, (run.closeTime?.getTime() ?? 0) + lateMs);
    }
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    throw cloudUnavailable(`Temporal does not say what is at work for ${vnf}: ${error.message}`, {});
  }
  return { workflowIds, lateUntil };
}
