import { asyncLocalStorage, Context, type Info } from '@temporalio/activity';
import {
  ApplicationFailure,
  CancelledFailure,
  noopMetricMeter,
  TimeoutFailure,
  TimeoutType,
  ensureApplicationFailure,
  type Logger,
} from '@temporalio/common';
import { tsToMs } from '@temporalio/common/lib/time';
import { taskQueues } from '../../../domain/procedures';
import { jobOf, type Job } from './execution';
import { failureOf, payloadOf, valueOf, type ProtoFailure } from './payloads';
import type { coresdk } from '@temporalio/proto';
import type { VirtualTime } from './time';
import type { Worker } from './worker';

/** An activity as the server keeps it: its attempts, its time-outs, what is known of the last one. */

type Scheduled = coresdk.workflow_commands.IScheduleActivity;
type ScheduledLocal = coresdk.workflow_commands.IScheduleLocalActivity;

/** What an activity needs of the server that has it. */
export interface Surroundings {
  readonly time: VirtualTime;
  readonly run: { readonly workflowId: string; readonly runId: string; readonly type: string };
  /** Calls as soon as a worker can take it up, which may be at once. */
  readonly whenWorker: (take: (worker: Worker) => void) => void;
  /** Calls when the server hears it: not while it is away. */
  readonly whenUp: (call: () => void) => void;
  readonly report: (job: Job) => void;
  readonly latencyMs: () => number;
  readonly saw: (what: { name: string; moment: 'begins' | 'ends' | 'overlaps'; attempt: number }) => void;
}

const silent: Logger = {
  log: () => undefined,
  trace: () => undefined,
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

interface Attempt {
  readonly worker: Worker;
  /** What it says is of no interest any more. */
  over: boolean;
  cancel: (reason: string) => void;
  readonly timers: (() => void)[];
  beat: () => void;
}

interface Retry {
  readonly initialMs: number;
  readonly coefficient: number;
  readonly maximumMs: number;
  readonly attemptsMax: number;
}

export class ActivityTask {
  readonly name: string;
  readonly #of: Surroundings;
  readonly #seq: number;
  readonly #input: unknown;
  readonly #local: boolean;
  readonly #limits: { startToClose: number; scheduleToClose: number; heartbeat: number };
  readonly #retry: Retry;
  readonly #waitsForEnd: boolean;
  readonly #mutates: boolean;
  /** Whose attempt has not ended yet, whether or not anybody waits for it. */
  #working: Worker | undefined;
  readonly #scheduledAt: number;
  #attempts = 0;
  #current: Attempt | undefined;
  #cancelRequested = false;
  #details: unknown;
  #lastFailure: ProtoFailure | undefined;
  #timers: (() => void)[] = [];
  resolved = false;

  constructor(command: { remote: Scheduled } | { local: ScheduledLocal }, of: Surroundings) {
    const given = 'remote' in command ? command.remote : command.local;
    this.#of = of;
    this.#seq = given.seq ?? 0;
    this.name = given.activityType ?? '';
    this.#input = valueOf(given.arguments?.[0]);
    this.#local = 'local' in command;
    this.#limits = {
      startToClose: msOf(given.startToCloseTimeout),
      scheduleToClose: msOf(given.scheduleToCloseTimeout),
      heartbeat: 'remote' in command ? msOf(command.remote.heartbeatTimeout) : Infinity,
    };
    const { retryPolicy } = given;
    const initialMs = finite(msOf(retryPolicy?.initialInterval), 1_000);
    const maximumAttempts = retryPolicy?.maximumAttempts ?? 0;
    this.#retry = {
      initialMs,
      coefficient: retryPolicy?.backoffCoefficient ?? 2,
      maximumMs: finite(msOf(retryPolicy?.maximumInterval), initialMs * 100),
      attemptsMax: maximumAttempts > 0 ? maximumAttempts : Infinity,
    };
    this.#mutates = 'remote' in command && command.remote.taskQueue === taskQueues.cloud;
    // 0 is TRY_CANCEL: who waits is told at once.
    this.#waitsForEnd = (given.cancellationType ?? 0) !== 0;
    this.#scheduledAt = of.time.now();
    if (this.#limits.scheduleToClose < Infinity)
      this.#timers.push(
        of.time.after(this.#limits.scheduleToClose, () => {
          of.whenUp(() => {
            this.#fail(timeOut(TimeoutType.SCHEDULE_TO_CLOSE, this.#lastFailure, this.#details));
          });
        }),
      );
    this.#begin(this.#local ? 0 : of.latencyMs());
  }

  requestCancel(): void {
    if (this.resolved) return;
    this.#cancelRequested = true;
    if (!this.#waitsForEnd || !this.#current) {
      this.#resolve({ cancelled: { failure: this.#wrapped(failureOf(new CancelledFailure('CANCELLED'))) } });
      return;
    }
    if (this.#local) this.#current.cancel('CANCELLED');
  }

  /** The run has closed: nobody waits for it any more, and what is under way finds out when it next says that it lives. */
  forget(): void {
    this.resolved = true;
    for (const cancel of this.#timers.splice(0)) cancel();
    const attempt = this.#current;
    if (!attempt) return;
    this.#end(attempt);
    attempt.beat = () => {
      attempt.cancel('NOT_FOUND');
    };
    if (this.#local) attempt.cancel('WORKER_SHUTDOWN');
  }

  #begin(delayMs: number): void {
    const begin = (): void => {
      this.#of.whenUp(() => {
        if (this.resolved) return;
        this.#of.whenWorker((worker) => {
          if (!this.resolved && !this.#current) this.#attempt(worker);
        });
      });
    };
    // A workflow task does its local activities itself, and at once.
    if (delayMs === 0) begin();
    else this.#timers.push(this.#of.time.after(delayMs, begin));
  }

  #attempt(worker: Worker): void {
    const { time, run } = this.#of;
    this.#attempts += 1;
    // What changes the cloud must have ended before it is begun again, as long as its worker runs.
    if (this.#mutates && this.#working?.isHeard()) this.#saw('overlaps');
    this.#working = worker;
    const controller = new AbortController();
    let reject: (error: Error) => void = () => undefined;
    const cancelled = new Promise<never>((_resolve, refuse) => {
      reject = refuse;
    });
    cancelled.catch(() => undefined);
    const attempt: Attempt = {
      worker,
      over: false,
      timers: [],
      cancel: (reason) => {
        const error = new CancelledFailure(reason);
        controller.abort(error);
        reject(error);
      },
      beat: () => undefined,
    };
    this.#current = attempt;
    const expire = (type: TimeoutType): void => {
      this.#of.whenUp(() => {
        if (attempt.over) return;
        this.#end(attempt);
        this.#retryOr(timeOut(type, undefined, this.#details), { retryable: true });
      });
    };
    if (this.#limits.startToClose < Infinity)
      attempt.timers.push(
        time.after(this.#limits.startToClose, () => {
          expire(TimeoutType.START_TO_CLOSE);
        }),
      );
    let stopBeat = (): void => undefined;
    const armBeat = (): void => {
      stopBeat();
      if (this.#limits.heartbeat === Infinity) return;
      stopBeat = time.after(this.#limits.heartbeat, () => {
        expire(TimeoutType.HEARTBEAT);
      });
    };
    attempt.timers.push(() => {
      stopBeat();
    });
    armBeat();
    attempt.beat = () => {
      armBeat();
      if (this.#cancelRequested) attempt.cancel('CANCELLED');
    };
    const info = {
      attempt: this.#attempts,
      taskQueue: 'bulkhead',
      isLocal: this.#local,
      activityId: String(this.#seq),
      activityType: this.name,
      workflowType: run.type,
      workflowExecution: { workflowId: run.workflowId, runId: run.runId },
      heartbeatTimeoutMs: finite(this.#limits.heartbeat, 0),
      heartbeatDetails: this.#details,
      scheduledTimestampMs: this.#scheduledAt,
      startToCloseTimeoutMs: finite(this.#limits.startToClose, 0),
      scheduleToCloseTimeoutMs: finite(this.#limits.scheduleToClose, 0),
      currentAttemptScheduledTimestampMs: time.now(),
    } as unknown as Info;
    const heartbeat = (details: unknown): void => {
      if (!worker.isHeard()) return;
      this.#of.whenUp(() => {
        if (this.#current === attempt) this.#details = details;
        attempt.beat();
      });
    };
    const context = new Context(info, cancelled, controller.signal, heartbeat, undefined, silent, noopMetricMeter, {
      details: undefined,
    } as never);
    this.#saw('begins');
    const body = asyncLocalStorage.run(context, async () => await worker.perform(this.name, this.#input));
    const rests = (): void => {
      if (this.#working === worker) this.#working = undefined;
    };
    body.then(rests, rests);
    body.then(
      (result) => {
        this.#heard(attempt, () => {
          this.#saw('ends');
          // What strikes at its end may have taken the worker.
          if (worker.isDead()) return;
          this.#end(attempt);
          this.#resolve({ completed: { result: payloadOf(result) } });
        });
      },
      (error: unknown) => {
        this.#heard(attempt, () => {
          this.#saw('ends');
          if (worker.isDead()) return;
          this.#end(attempt);
          if (error instanceof CancelledFailure && this.#cancelRequested) {
            this.#resolve({ cancelled: { failure: this.#wrapped(failureOf(error)) } });
            return;
          }
          const failure = ensureApplicationFailure(error);
          this.#retryOr(failureOf(failure), {
            retryable: !(failure instanceof ApplicationFailure && failure.nonRetryable === true),
            ...(failure instanceof ApplicationFailure &&
              failure.nextRetryDelay !== undefined &&
              failure.nextRetryDelay !== null && { delayMs: Number(failure.nextRetryDelay) }),
          });
        });
      },
    );
  }

  #saw(moment: 'begins' | 'ends' | 'overlaps'): void {
    this.#of.saw({ name: this.name, moment, attempt: this.#attempts });
  }

  /** The worker says how an attempt ended, if it still can, and the server hears it, if it still wants to know. */
  #heard(attempt: Attempt, call: () => void): void {
    attempt.worker.whenRunning(() => {
      this.#of.whenUp(() => {
        if (!attempt.over && !this.resolved) call();
      });
    });
  }

  #end(attempt: Attempt): void {
    attempt.over = true;
    for (const cancel of attempt.timers.splice(0)) cancel();
    if (this.#current === attempt) this.#current = undefined;
  }

  #retryOr(failure: ProtoFailure, how: { retryable: boolean; delayMs?: number }): void {
    if (this.resolved) return;
    this.#lastFailure = failure;
    const { initialMs, coefficient, maximumMs, attemptsMax } = this.#retry;
    const delayMs = how.delayMs ?? Math.min(initialMs * coefficient ** (this.#attempts - 1), maximumMs);
    const closesAt = this.#scheduledAt + this.#limits.scheduleToClose;
    const over = this.#attempts >= attemptsMax || this.#of.time.now() + delayMs >= closesAt;
    if (!how.retryable || over || this.#cancelRequested) {
      this.#fail(failure);
      return;
    }
    this.#begin(Math.max(1, delayMs));
  }

  #fail(failure: ProtoFailure): void {
    if (this.resolved) return;
    if (this.#current) this.#end(this.#current);
    this.#resolve({ failed: { failure: this.#wrapped(failure) } });
  }

  #wrapped(cause: ProtoFailure): ProtoFailure {
    return {
      message: 'Activity task failed',
      source: 'TypeScriptSDK',
      cause,
      activityFailureInfo: { activityId: String(this.#seq), activityType: { name: this.name }, identity: 'virtual' },
    };
  }

  #resolve(result: coresdk.activity_result.IActivityResolution): void {
    if (this.resolved) return;
    this.resolved = true;
    for (const cancel of this.#timers.splice(0)) cancel();
    this.#of.report(jobOf('resolveActivity', { seq: this.#seq, result, isLocal: this.#local }));
  }
}

function timeOut(type: TimeoutType, cause: ProtoFailure | undefined, details: unknown): ProtoFailure {
  const failure = failureOf(new TimeoutFailure(`activity timeout: ${String(type)}`, details, type));
  return cause ? { ...failure, cause } : failure;
}

function msOf(duration: Parameters<typeof tsToMs>[0]): number {
  return duration ? tsToMs(duration) : Infinity;
}

function finite(value: number, otherwise: number): number {
  return value === Infinity ? otherwise : value;
}
