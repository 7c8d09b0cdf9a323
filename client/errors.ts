import {
  ApplicationFailure,
  CancelledFailure,
  isGrpcServiceError,
  QueryNotRegisteredError,
  ServiceError,
  TerminatedFailure,
  TimeoutFailure,
  WorkflowFailedError,
} from '@temporalio/client';
import { failureKinds, type FailureDetails, type FailureKind } from '../domain/failure';
import type { FailedOutcome } from '../domain/procedures';

/**
 * A procedure that did not complete. Act on `kind` and `details`, never on the message: `QuotaExceeded` has `details.short`,
 * `Impossible` has `details.hosts` and `details.nearestLevels`, and so on (see docs/integrating.md).
 */
export class BulkheadError extends Error {
  override readonly name = 'BulkheadError';
  readonly kind: FailureKind | 'Cancelled' | 'Terminated';
  readonly outcome: FailedOutcome | 'cancelled' | 'vanished';
  readonly details: FailureDetails;

  constructor(
    message: string,
    given: Pick<BulkheadError, 'kind' | 'outcome' | 'details'>,
    options?: { cause?: unknown },
  ) {
    super(message, options);
    this.kind = given.kind;
    this.outcome = given.outcome;
    this.details = given.details;
  }
}

/**
 * Temporal, or every worker, does not answer. It says nothing of the run: what was asked for may have been begun, so ask
 * again with the same workflow id.
 */
export class TemporalUnavailableError extends Error {
  override readonly name = 'TemporalUnavailableError';
}

/** Nothing was sent: it would have been readable on the way. */
export class PlainTextRefusedError extends Error {
  override readonly name = 'PlainTextRefusedError';
}

/** What a run failed with, typed. What is no failure of a run, nor of reaching it, goes on as it is. */
export function typed(error: unknown): unknown {
  if (error instanceof WorkflowFailedError) return ofRun(error);
  if (error instanceof QueryNotRegisteredError || isUnavailable(error))
    return new TemporalUnavailableError(`Temporal or its workers do not answer: ${reasonOf(error)}`, { cause: error });
  return error;
}

function ofRun(error: WorkflowFailedError): Error {
  const { cause } = error;
  if (cause instanceof CancelledFailure) {
    return new BulkheadError(
      'The run was cancelled, and has gone back to where it began.',
      { kind: 'Cancelled', outcome: 'cancelled', details: {} },
      { cause: error },
    );
  }
  // Bulkhead sets no time-out on a run that holds anything; where its starter did, the server ends it as if it had been terminated.
  if (cause instanceof TerminatedFailure || cause instanceof TimeoutFailure) {
    return new BulkheadError(
      'The run was terminated; the record of its VNF cleans up behind it.',
      { kind: 'Terminated', outcome: 'vanished', details: {} },
      { cause: error },
    );
  }
  if (!(cause instanceof ApplicationFailure)) return error;
  const kind = failureKinds.find((each) => each === cause.type);
  if (kind === undefined) return error;
  const { outcome, ...details } = (cause.details?.[0] ?? {}) as FailureDetails & { outcome?: FailedOutcome };
  return new BulkheadError(cause.message, { kind, outcome: outcome ?? 'refused', details }, { cause: error });
}

/** gRPC: given up by us, deadline exceeded, resource exhausted, failed precondition (no worker polls), unavailable. */
const passing: readonly number[] = [1, 4, 8, 9, 14];

function isUnavailable(error: unknown): boolean {
  const cause = error instanceof ServiceError ? error.cause : error;
  return isGrpcServiceError(cause) && passing.includes(cause.code);
}

/** The innermost message says what is the matter; the outer ones say only where it was noticed. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? reasonOf(error.cause) : error.message;
}
