/**
 * Every limit of time in one place, with its reason. A pace below 1 makes a virtual cloud quick: boots, holds and drains
 * scale with it as they are; time-outs scale too, but never below what a small, busy machine needs to answer at all. A real
 * cloud answers no sooner for short drains: there time-outs have a pace of their own.
 */
export interface Timing {
  /** Factor on every duration of the network function itself: boots, holds, drains. 1 on a real cloud. */
  readonly pace: number;
  /** Factor on time-outs, where it is another one. */
  readonly timeoutPace?: number;
  /** A mutating activity's startToClose. It has no heartbeat: a second attempt must not start while the first still posts. */
  readonly mutateSeconds: number;
  /** One call to OpenStack. */
  readonly callSeconds: number;
  /** No call of a mutating activity begins later than this after its start: `mutateSeconds - callSeconds`. */
  readonly lastCallSeconds: number;
  /** Between two looks at what is being waited for. */
  readonly tickSeconds: number;
  /** How long undo retries before the run is stuck. */
  readonly undoSeconds: number;
  /** How long a stuck run waits for a person, where that was said; else as `stuckLimitSeconds` says. */
  readonly stuckSeconds?: number;
  /** How often an unanswered ask is sent again. */
  readonly askAgainSeconds: number;
  /** How often an unanswered commit is sent again. */
  readonly commitAgainSeconds: number;
}

/** What a small, busy machine needs to answer at all; below this a time-out would tell of the machine, not of the cloud. */
const floorSeconds = { mutate: 9, call: 4, tick: 0.1, undo: 60 } as const;

export function timingAt(pace: number, timeoutPace = pace): Timing {
  const mutateSeconds = Math.max(floorSeconds.mutate, 45 * timeoutPace);
  const callSeconds = Math.max(floorSeconds.call, 20 * timeoutPace);
  return {
    pace,
    ...(timeoutPace !== pace && { timeoutPace }),
    mutateSeconds,
    callSeconds,
    lastCallSeconds: mutateSeconds - callSeconds,
    tickSeconds: Math.min(2, Math.max(floorSeconds.tick, 2 * timeoutPace)),
    undoSeconds: Math.max(floorSeconds.undo, 600 * timeoutPace),
    askAgainSeconds: 20,
    commitAgainSeconds: 5,
  };
}

/**
 * How long after a holder vanished one of its activities may still be at work: the rest of its time-out, and one call
 * that was on its way. A clean-up looks only then.
 */
export function lateAttemptSeconds(timing: Timing): number {
  return timing.mutateSeconds + timing.callSeconds;
}

/** What comes after the pivot is repeated for as long as this: longer than undo, since there is no other way. An hour on a real cloud. */
export function forwardLimitSeconds({ undoSeconds }: Timing): number {
  return 6 * undoSeconds;
}

/** Long enough for whoever is called at night, short enough that the VNF is free again the same morning. */
const stuckSeconds = 3_600;

/** How long a stuck run waits for a person before it gives up. Records of earlier releases say nothing of it. */
export function stuckLimitSeconds(timing: Timing): number {
  return timing.stuckSeconds ?? stuckSeconds * (timing.timeoutPace ?? timing.pace);
}

/** A boot's time-out is one of the pool's own, and yet a time-out. */
export function bootLimitSeconds({ pace, timeoutPace = pace }: Timing, bootTimeoutSeconds: number): number {
  return bootTimeoutSeconds * timeoutPace;
}
