import { Context } from '@temporalio/activity';
import { ServiceError, WorkflowNotFoundError } from '@temporalio/client';
import { lateAttemptSeconds } from '../../domain/timing';
import type { Dependencies } from '../dependencies';
import { cloudUnavailable } from '../errors';
import type { RecordActivities } from '../ports';

/** As many as a person reads. */
const toldMax = 20;
/** So ended, a run has not waited for its activities. */
const byForce: readonly string[] = ['TERMINATED', 'TIMED_OUT'];

/**
 * By Temporal's list of runs, which is behind by moments: who has ended by then is asked for. Of adopts those that began later wait for this one; of
 * other runs nobody does, so that it may wait for whoever there is.
 */
export async function formerRuns(
  { client, timing }: Pick<Dependencies, 'client' | 'timing'>,
  { vnf, before }: Parameters<RecordActivities['readFormerRuns']>[0],
): ReturnType<RecordActivities['readFormerRuns']> {
  const lateMs = lateAttemptSeconds(timing) * 1_000;
  const since = new Date(Date.now() - lateMs).toISOString();
  const self = Context.current().info.workflowExecution?.runId;
  // An id of a VNF has nothing in it that would have to be escaped.
  const query = `VnfId = "${vnf}" AND WorkflowType != "vnf" AND (ExecutionStatus = "Running" OR CloseTime >= "${since}")`;
  const workflowIds: string[] = [];
  let lateUntil = 0;
  try {
    for await (const { workflowId, runId, type, startTime, status, closeTime } of client.workflow.list({ query })) {
      if (runId === self || (type === 'adopt' && startTime.getTime() >= before)) continue;
      if (byForce.includes(status.name)) lateUntil = Math.max(lateUntil, (closeTime?.getTime() ?? 0) + lateMs);
      if (status.name !== 'RUNNING' || workflowIds.length >= toldMax) continue;
      if (await isRunning(client.workflow.getHandle(workflowId, runId))) workflowIds.push(workflowId);
    }
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    throw cloudUnavailable(`Temporal does not say what is at work for ${vnf}: ${error.message}`, {});
  }
  return { workflowIds, lateUntil };
}

/** As Temporal has it at this moment. */
export async function isRunning(handle: ReturnType<Dependencies['client']['workflow']['getHandle']>): Promise<boolean> {
  try {
    return (await handle.describe()).status.name === 'RUNNING';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}
