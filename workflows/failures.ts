import {
  ActivityFailure,
  ApplicationFailure,
  ChildWorkflowFailure,
  isCancellation,
  TemporalFailure,
  TerminatedFailure,
} from '@temporalio/workflow';
import { failure, failureKinds, type Failure, type FailureDetails, type FailureKind } from '../domain/failure';
import type { FailedOutcome } from '../domain/procedures';

/**
 * A failure as Temporal carries it: its kind is the type, its details the first detail. All of ours are non-retryable:
 * what a repeat may mend has been repeated by then.
 */
export function toApplicationFailure(given: Failure, outcome: FailedOutcome, cause?: Error): ApplicationFailure {
  return ApplicationFailure.create({
    type: given.kind,
    message: given.message,
    nonRetryable: true,
    details: [{ ...given.details, outcome }],
    ...(cause && { cause }),
  });
}

/**
 * What went wrong, as a failure of a known kind. Undefined for what is no failure of the world but a bug or a cancel:
 * those go on as they are (a bug fails the workflow task, so that a mended worker goes on).
 */
export function asFailure(error: unknown): Failure | undefined {
  if (isCancellation(error) || !(error instanceof TemporalFailure)) return undefined;
  const inner = innermost(error);
  if (inner instanceof ApplicationFailure) {
    const details = (inner.details?.[0] ?? {}) as FailureDetails;
    if (isKind(inner.type)) return failure(inner.type, inner.message, details);
    // Refused by policy, or not as its API says: whether a run is stuck over it is for the run to say.
    return failure('CloudUnavailable', `the cloud answered what was not to be expected: ${inner.message}`, details);
  }
  if (inner instanceof TerminatedFailure)
    return failure('Stuck', 'the run that was at it was terminated; the record of its VNF cleans up behind it', {});
  // What remains are time-outs of activities and children.
  return failure('CloudUnavailable', `the cloud did not answer in time: ${inner.message}`, {});
}

function innermost(error: TemporalFailure): TemporalFailure {
  const wraps = error instanceof ActivityFailure || error instanceof ChildWorkflowFailure;
  return wraps && error.cause instanceof TemporalFailure ? innermost(error.cause) : error;
}

function isKind(type: string | undefined | null): type is FailureKind {
  return failureKinds.some((kind) => kind === type);
}
