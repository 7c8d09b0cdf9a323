import { setTimeout as sleep } from 'node:timers/promises';
import { defaultGrpcRetryOptions, makeGrpcRetryInterceptor, type ConnectionOptions } from '@temporalio/client';

/** The retries of calls as Temporal's client has them, but that they can be brought to an end. */
export interface Retries {
  readonly interceptor: NonNullable<ConnectionOptions['interceptors']>[number];
  /** Nothing is tried again from now on. Resolves when no retry is due any more: after five seconds at most. */
  readonly end: () => Promise<void>;
}

/** Timers may be late by some milliseconds; one that is due first runs first. */
const marginMs = 20;

/**
 * A retry is begun by a timer that nobody can take back, and one that finds its connection closed throws where nobody can catch it: the
 * process ends. So a connection is closed only when none is due.
 */
export function endableRetries(): Retries {
  const usual = defaultGrpcRetryOptions();
  let ended = false;
  let lastDueAt = 0;
  return {
    interceptor: makeGrpcRetryInterceptor({
      retryableDecider: (attempt, status) => !ended && usual.retryableDecider(attempt, status),
      delayFunction: (attempt, status) => {
        const delayMs = usual.delayFunction(attempt, status);
        lastDueAt = Math.max(lastDueAt, performance.now() + delayMs);
        return delayMs;
      },
    }),
    end: async () => {
      ended = true;
      const leftMs = lastDueAt - performance.now();
      if (leftMs > 0) await sleep(leftMs + marginMs);
    },
  };
}
