import {
  ApplicationFailure,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
  type Client,
} from '@temporalio/client';
import { failureKinds, type FailureDetails } from '../domain/failure';
import { shown } from '../domain/shown';
import type { StuckAnswer, StuckTold } from '../domain/stuck';
import { BulkheadError, TemporalUnavailableError } from './errors';

/** What a person, or a program in their place, tells a run that is stuck. */

/** A skip looks at the cloud first, which may itself be what is away: it is given up after two attempts at most. */
const toldWithinMs = 120_000;

export async function tellStuck(client: Client, workflowId: string, answer: StuckAnswer): Promise<StuckTold> {
  try {
    return await client.withDeadline(Date.now() + toldWithinMs, () =>
      client.workflow.getHandle(workflowId).executeUpdate<StuckTold, []>(answer),
    );
  } catch (error) {
    throw told(error, workflowId, answer);
  }
}

function told(error: unknown, workflowId: string, answer: StuckAnswer): unknown {
  if (error instanceof WorkflowNotFoundError) return noRun(workflowId, error);
  if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError)
    return new TemporalUnavailableError(
      `${shown(workflowId)} has not answered to ${answer} within ${String(toldWithinMs / 1_000)} s: look at its status`,
      { cause: error },
    );
  if (!(error instanceof WorkflowUpdateFailedError) || !(error.cause instanceof ApplicationFailure)) return error;
  const { cause } = error;
  const kind = failureKinds.find((each) => each === cause.type);
  // The run is of another type, or has not got so far that it could be stuck.
  if (kind === undefined) return notStuck(workflowId, answer, error);
  const { outcome: _, ...details } = (cause.details?.[0] ?? {}) as FailureDetails;
  return new BulkheadError(
    cause.message,
    { kind, outcome: 'refused', details: { ...details, workflowId } },
    { cause: error },
  );
}

function noRun(workflowId: string, cause: Error): BulkheadError {
  return new BulkheadError(
    `No run is at work under the workflow id ${shown(workflowId)}. One that has ended can be told nothing: look at its result, and at the status of its VNF.`,
    { kind: 'InvalidRequest', outcome: 'refused', details: { workflowId } },
    { cause },
  );
}

function notStuck(workflowId: string, answer: StuckAnswer, cause: Error): BulkheadError {
  return new BulkheadError(
    `The run ${shown(workflowId)} is not stuck, so there is nothing to ${answer}.`,
    { kind: 'InvalidRequest', outcome: 'refused', details: { workflowId } },
    { cause },
  );
}
