import { ApplicationFailure, CancelledFailure, WorkflowFailedError, TerminatedFailure } from '@temporalio/client';
import { failureKinds, type FailureDetails, type FailureKind } from '../domain/failure';
import type { FailedOutcome } from '../domain/procedures';

/**
 * A procedure that did not complete. Act on `kind` and `details`, never on the message: `QuotaExceeded` has `details.short`,
 * `Impossible` has `details.hosts` and `details.nearestLevels`, and so on (see `domain/failure.ts`).
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

/** What a run failed with, typed. What is no failure of a run goes on as it is. */
export function typed(error: unknown): unknown {
  if (!(error instanceof WorkflowFailedError)) return error;
  const { cause } = error;
  if (cause instanceof CancelledFailure) {
    return new BulkheadError(
      'The run was cancelled, and has gone back to where it began.',
      { kind: 'Cancelled', outcome: 'cancelled', details: {} },
      { cause: error },
    );
  }
  if (cause instanceof TerminatedFailure) {
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
