import {
  ActivityCancellationType,
  proxyActivities,
  proxyLocalActivities,
  type ActivityInterfaceFor,
  type ActivityOptions,
} from '@temporalio/workflow';
import type {
  CloudActivities,
  DrainActivities,
  RecordActivities,
  WaitActivities,
  WatchActivities,
} from '../activities/ports';
import { taskQueues } from '../domain/procedures';
import type { Timing } from '../domain/timing';

/**
 * The activities as a procedure calls them, with the time-outs of its turn. Which limit stands where, and why:
 * mutating ones have no heartbeat time-out (it would start a second attempt while the first still posts), waiting ones
 * do, and a cancel waits for all of them to end, so that nothing is undone that is still being done.
 */

/** Undo, and what comes after the pivot: repeated for as long as it takes, within a bound. */
export interface Persistence {
  readonly retrySeconds: number;
}

/** How long a step before the pivot is repeated while the cloud is away, before the run goes back. */
const backRetryFactor = 3;

export function cloud(timing: Timing, persistence?: Persistence): ActivityInterfaceFor<CloudActivities> {
  return proxyActivities<CloudActivities>({
    taskQueue: taskQueues.cloud,
    startToCloseTimeout: timing.mutateSeconds * 1_000,
    scheduleToCloseTimeout: (persistence?.retrySeconds ?? timing.mutateSeconds * backRetryFactor) * 1_000,
    retry: { initialInterval: '500ms', backoffCoefficient: 1.5, maximumInterval: '10s' },
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  });
}

export function waiting(timing: Timing, longestSeconds: number): ActivityInterfaceFor<WaitActivities> {
  return proxyActivities<WaitActivities>({
    ...limitsOfWaits(timing, longestSeconds),
    taskQueue: taskQueues.wait,
  });
}

/** A drain may last for hours, and nobody's boot is to wait for the end of one. */
export function draining(timing: Timing, longestSeconds: number): ActivityInterfaceFor<DrainActivities> {
  return proxyActivities<DrainActivities>({
    ...limitsOfWaits(timing, longestSeconds),
    taskQueue: taskQueues.drain,
  });
}

function limitsOfWaits(timing: Timing, longestSeconds: number): ActivityOptions {
  return {
    startToCloseTimeout: (longestSeconds + timing.mutateSeconds) * 1_000,
    // A worker that dies is noticed by this, not by the long time-out.
    heartbeatTimeout: '10s',
    retry: { initialInterval: '500ms', maximumInterval: '10s', maximumAttempts: 20 },
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  };
}

/** They speak to Temporal, and are short: local, so that bad input costs one event and fails at once. */
export function record(withinSeconds = 60): ActivityInterfaceFor<RecordActivities> {
  return proxyLocalActivities<RecordActivities>({
    startToCloseTimeout: '10s',
    scheduleToCloseTimeout: withinSeconds * 1_000,
    retry: { initialInterval: '200ms', maximumInterval: '5s' },
  });
}

/** A watch lasts as long as the run that it watches; it is begun again when a worker goes. */
export const { watch } = proxyActivities<WatchActivities>({
  taskQueue: taskQueues.watch,
  startToCloseTimeout: '24h',
  heartbeatTimeout: '10s',
  retry: { initialInterval: '200ms', maximumInterval: '10s' },
  cancellationType: ActivityCancellationType.TRY_CANCEL,
});
