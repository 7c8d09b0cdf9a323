import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { requestId } from '../domain/names';
import type { Timing } from '../domain/timing';
import type { TurnRef } from '../domain/turn';
import type { CallOptions } from '../openstack';

/**
 * A run that was reset replays the grant of the run that it was made from, and would act with a token that is not its own.
 * Workflow code cannot tell (comparing run ids there breaks replay), so every activity does.
 */
export function refuseLostTurn(turn: TurnRef): void {
  const { runId } = Context.current().info.workflowExecution ?? {};
  if (runId === turn.runId) return;
  throw ApplicationFailure.create({
    type: 'TurnLost',
    message: `This run (${runId ?? ''}) was made by a reset of the run that held the turn (${turn.runId}). It has no turn, and nothing was done.`,
    nonRetryable: true,
    details: [{ token: turn.token }],
  });
}

/** No call can be begun any more in this attempt. */
export class AttemptOver extends Error {
  override readonly name = 'AttemptOver';
  /** The workflow stops waiting before another attempt could do better. */
  readonly isLast: boolean;

  constructor(isLast: boolean) {
    super(
      isLast
        ? 'the time for it is over, and what it waits for has not come to be'
        : 'the time of this attempt is over; the next one goes on from what exists',
    );
    this.isLast = isLast;
  }
}

/** When attempts have begun, by their contexts. */
const beginnings = new WeakMap<Context, number>();

/** From now on its time runs. */
export function attemptBegins(): void {
  beginnings.set(Context.current(), Date.now());
}

/**
 * The time that a mutating activity has. It has no heartbeat time-out, so Temporal begins the next attempt when its
 * start-to-close time is over; no call may begin so late that it is still under way then.
 */
export interface Deadline {
  /** Options for a call that begins now. Throws AttemptOver where it is too late for one: the next attempt finds what this one did. */
  readonly call: (token?: string) => CallOptions;
  readonly isOver: () => boolean;
}

export function deadlineOf(timing: Timing): Deadline {
  const began = beginnings.get(Context.current()) ?? Date.now();
  const endsAt = Math.min(began + timing.mutateSeconds * 1_000, givenUpAt());
  const lastCallAt = Math.min(began + timing.lastCallSeconds * 1_000, endsAt - timing.callSeconds * 1_000);
  const isLast = lastCallAt < began + timing.lastCallSeconds * 1_000;
  // A call may have waited long for its place in the queue of calls, or for a new token: it ends all the same in time.
  const signal = AbortSignal.timeout(Math.max(0, endsAt - began));
  const isOver = (): boolean => Date.now() > lastCallAt;
  return {
    isOver,
    call: (token) => {
      if (isOver()) throw new AttemptOver(isLast);
      return {
        timeoutMs: timing.callSeconds * 1_000,
        signal,
        ...(token !== undefined && { requestId: requestId(token) }),
      };
    },
  };
}

/**
 * When the workflow stops waiting for this activity, however many attempts it has had, and begins to undo it: what an attempt
 * that was begun shortly before made after that would be found by nobody.
 */
function givenUpAt(): number {
  const { scheduledTimestampMs, scheduleToCloseTimeoutMs } = Context.current().info;
  return scheduleToCloseTimeoutMs > 0 ? scheduledTimestampMs + scheduleToCloseTimeoutMs : Infinity;
}

export function isRepeat(): boolean {
  return Context.current().info.attempt > 1;
}

export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}
