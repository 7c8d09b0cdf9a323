import { tsToMs } from '@temporalio/common/lib/time';
import { CancelledFailure, TerminatedFailure, type Payload } from '@temporalio/common';
import type { coresdk } from '@temporalio/proto';
import { ActivityTask } from './activities';
import { Execution, jobOf, type Command, type Job } from './execution';
import { failureOf, payloadOf, valueOf, type ProtoFailure } from './payloads';
import type { VirtualTime } from './time';
import { Updates, type UpdateAnswer } from './updates';
import type { Worker } from './worker';

/**
 * A Temporal server and the core of its workers, as far as Bulkhead uses them: runs, activities with retries and time-outs, timers,
 * signals between runs, updates, children, cancel, terminate, reset, continue-as-new. All in one process and on a virtual clock. The slow
 * form of the same tests, on a real server, shows that they agree.
 */

export type RunStatus = 'RUNNING' | 'COMPLETED' | 'FAILED' | 'CANCELLED' | 'TERMINATED' | 'CONTINUED_AS_NEW';

export interface Run {
  readonly workflowId: string;
  readonly runId: string;
  readonly type: string;
  readonly args: readonly Payload[];
  readonly memo: Readonly<Record<string, unknown>>;
  execution: Execution;
  status: RunStatus;
  /** Milliseconds since 1970. */
  closedAt?: number;
  result?: unknown;
  failure?: ProtoFailure;
  readonly parent: { readonly run: Run; readonly seq: number; readonly closePolicy: number } | undefined;
  readonly inbox: Job[];
  scheduled: boolean;
  /** The one that a worker is at, also when the run has been taken away meanwhile. */
  task?: Task | undefined;
  /** How many steps there were at the end of each task: a run can be reset to these. */
  readonly heard: number[];
  /** The worker that has its task is not heard of, and another one gets it only then. */
  heldUntil?: number;
  readonly activities: Map<number, ActivityTask>;
  readonly timers: Map<number, () => void>;
  readonly children: Map<number, Run>;
  readonly updates: Updates;
  /** The run that a reset has made of it. */
  resetTo?: Run;
  onClose: (() => void)[];
}

/** Its VNF, as it was asked; '' of one that is of several. */
export function vnfOf({ args: [input] }: Run): string {
  return (valueOf(input) as { readonly vnf?: string } | undefined)?.vnf ?? '';
}

/** What can be seen of the traffic, to strike at it. */
export interface Sighting {
  readonly kind: 'message' | 'activity';
  /** `overlaps`: an attempt begins while the one before is still at work in a worker that runs. */
  readonly moment: 'before' | 'after' | 'begins' | 'ends' | 'overlaps';
  readonly name: string;
  readonly run: Run;
  /** The other end of a message. */
  readonly to?: string;
  readonly attempt?: number;
}

export interface TemporalOptions {
  readonly time: VirtualTime;
  /** How long anything takes that the server does. */
  readonly latencyMs: () => number;
  /** The next number of a repeatable sequence, for run ids. */
  readonly seed: number;
  readonly saw: (sighting: Sighting) => void;
}

export class AlreadyRunning extends Error {}

/**
 * One that a worker is at. What the workflow wants done is told at its end, but for local activities: those the worker performs meanwhile
 * itself, and what else comes to the run waits until they have ended.
 */
interface Task {
  readonly run: Run;
  readonly worker: Worker;
  /** What the server has given to it since it was last heard of, and the number of steps there were then. */
  jobs: readonly Job[];
  from: number;
  readonly commands: Command[];
  readonly locals: Map<number, ActivityTask>;
  hadLocals: boolean;
  /** What comes of it is of no interest any more. */
  over: boolean;
}

/** A task whose end was refused, since a message had come meanwhile, or that was lost with its worker. */
type Redo = Pick<Task, 'run' | 'jobs' | 'from' | 'worker'>;

/** After so long a server gives a workflow task to another worker. */
const taskTimeoutMs = 10_000;
/** A worker that is still at local activities says so before, and is told what has come meanwhile. */
const taskHeartbeatMs = 8_000;

export class VirtualTemporal {
  readonly runs = new Map<string, Run>();
  readonly #latest = new Map<string, Run>();
  readonly #options: TemporalOptions;
  readonly #ready: { readonly run: Run; readonly worker: Worker }[] = [];
  readonly #redo: Redo[] = [];
  /** Local activities that have ended. */
  readonly #ended: { readonly task: Task; readonly jobs: readonly Job[] }[] = [];
  #serial = 0;
  #isAway = false;
  #deferred: (() => void)[] = [];
  #workers: Worker[] = [];
  #wantWorker: ((worker: Worker) => void)[] = [];
  #nextWorker = 0;

  constructor(options: TemporalOptions) {
    this.#options = options;
  }

  // Workers

  addWorker(worker: Worker): void {
    this.#workers.push(worker);
    for (const take of this.#wantWorker.splice(0)) this.#whenWorker(take);
  }

  workers(): readonly Worker[] {
    return this.#workers;
  }

  #whenWorker(take: (worker: Worker) => void): void {
    this.#workers = this.#workers.filter((worker) => !worker.isDead());
    const polling = this.#workers.filter((worker) => worker.isHeard());
    const worker = polling[this.#nextWorker++ % Math.max(1, polling.length)];
    if (worker) take(worker);
    else this.#wantWorker.push(take);
  }

  /** A stopped worker polls again. */
  workersChanged(): void {
    for (const take of this.#wantWorker.splice(0)) this.#whenWorker(take);
  }

  // The server itself

  goAway(forMs: number): void {
    this.#isAway = true;
    this.#options.time.after(forMs, () => {
      this.#isAway = false;
      for (const call of this.#deferred.splice(0)) this.whenUp(call);
    });
  }

  whenUp(call: () => void): void {
    if (this.#isAway) this.#deferred.push(call);
    else call();
  }

  /** Does all that can be done without time going on. Throws what a workflow threw that is a bug. */
  async work(): Promise<void> {
    const { time } = this.#options;
    await time.settle();
    for (;;) {
      const ended = this.#ended.shift();
      const redo = ended ? undefined : this.#redo.shift();
      const next = ended || redo ? undefined : this.#ready.shift();
      if (ended) await this.#goOn(ended.task, ended.jobs);
      else if (redo) await this.#doAgain(redo);
      else if (next) await this.#task(next.run, next.worker);
      else return;
      await time.settle();
    }
  }

  // What clients do

  start(given: {
    type: string;
    workflowId: string;
    args: readonly unknown[];
    memo?: Readonly<Record<string, unknown>>;
  }): Run {
    return this.#start({ ...given, args: given.args.map(payloadOf) });
  }

  latest(workflowId: string): Run | undefined {
    return this.#latest.get(workflowId);
  }

  find(workflowId: string, runId: string | undefined): Run | undefined {
    if (runId === undefined || runId === '') return this.#latest.get(workflowId);
    const run = this.runs.get(runId);
    return run?.workflowId === workflowId ? run : undefined;
  }

  /** False where that run is not there, or has closed. */
  signal(target: { workflowId: string; runId?: string }, name: string, input: readonly Payload[]): boolean {
    const run = this.find(target.workflowId, target.runId);
    if (run?.status !== 'RUNNING') return false;
    this.#deliver(run, jobOf('signalWorkflow', { signalName: name, input: [...input], identity: 'virtual' }));
    return true;
  }

  /** Answered once: by its handler, its validator, or since the run has closed. */
  update(run: Run, name: string, answered: (answer: UpdateAnswer) => void): void {
    const job = run.updates.ask(name, answered);
    if (run.status === 'RUNNING') this.#deliver(run, job);
    else run.updates.close();
  }

  cancel(run: Run): void {
    if (run.status === 'RUNNING') this.#deliver(run, jobOf('cancelWorkflow', {}));
  }

  terminate(run: Run): void {
    if (run.status === 'RUNNING')
      this.#close(run, { status: 'TERMINATED', failure: failureOf(new TerminatedFailure('terminated', undefined)) });
  }

  /**
   * As the server does it: the run is terminated, and a new one begins with what had happened up to the last task that had ended by that
   * step, and does this one again. What was under way then begins again, and signals and updates that came later come again; and so does what
   * became of a child that had been asked for by then: that is not begun a second time. One that is still at work is the new run's child, and
   * nothing is done to it.
   */
  async reset(run: Run, steps: number): Promise<Run> {
    const [first] = run.heard;
    // No task of it has ended yet: there is nothing to go back to.
    if (first === undefined) return run;
    const ends = run.heard.filter((end) => end < Math.max(first, run.heard.findLast((end) => end <= steps) ?? 0));
    const from = ends.at(-1) ?? 0;
    const all = run.execution.steps;
    const played = all.slice(0, from);
    const undone = all[from]?.jobs ?? [];
    const later = [...all.slice(from + 1).flatMap(({ jobs }) => jobs), ...run.inbox];
    const atWork = [...run.children];
    run.children.clear();
    if (run.status === 'RUNNING') this.terminate(run);
    const made = this.#make({ ...run, runId: this.#newRunId(), seed: run.execution.start.seed });
    run.resetTo = made;
    made.scheduled = true;
    const commands = await made.execution.replay(played);
    made.scheduled = false;
    made.heard.push(...ends);
    const children = new Set(commands.flatMap((command) => command.startChildWorkflowExecution?.seq ?? []));
    for (const [seq, child] of atWork) if (children.has(seq)) made.children.set(seq, child);
    const isOfChild = ({
      resolveChildWorkflowExecutionStart: start,
      resolveChildWorkflowExecution: end,
    }: Job): boolean => children.has(start?.seq ?? end?.seq ?? NaN);
    const comesAgain = (job: Job): boolean => Boolean(job.signalWorkflow) || isOfChild(job) || run.updates.isKept(job);
    const again = [...undone, ...later.filter(comesAgain)];
    for (const command of pendingOf(commands, [...played.flatMap(({ jobs }) => jobs), ...again]))
      this.#apply(made, command);
    for (const job of again) this.#deliver(made, job);
    return made;
  }

  whenClosed(run: Run, call: () => void): void {
    if (run.status === 'RUNNING') run.onClose.push(call);
    else call();
  }

  // Inside

  #newRunId(): string {
    this.#serial += 1;
    // A UUID has room for 48 bits there; the number itself is exact for every seed that there is.
    const number = ((this.#options.seed * 1_000_003 + this.#serial) % 2 ** 48).toString(16).padStart(12, '0');
    return `00000000-0000-4000-8000-${number}`;
  }

  #start(given: {
    type: string;
    workflowId: string;
    args: readonly Payload[];
    memo?: Readonly<Record<string, unknown>>;
    parent?: Run['parent'];
  }): Run {
    const { workflowId } = given;
    if (this.#latest.get(workflowId)?.status === 'RUNNING') throw new AlreadyRunning(workflowId);
    const runId = this.#newRunId();
    const run = this.#make({ ...given, runId, seed: runId, parent: given.parent, memo: given.memo ?? {} });
    this.#deliver(
      run,
      jobOf('initializeWorkflow', {
        workflowType: run.type,
        workflowId,
        arguments: [...run.args],
        headers: {},
      }),
    );
    return run;
  }

  #make(given: Pick<Run, 'type' | 'workflowId' | 'args' | 'runId' | 'memo' | 'parent'> & { seed: string }): Run {
    const { type, workflowId, args, runId, memo, parent, seed } = given;
    const { time } = this.#options;
    const run: Run = {
      ...{ type, workflowId, args, runId, memo, parent },
      execution: new Execution({ workflowId, runId, type, args, seed, startedAt: time.now() }, time),
      status: 'RUNNING',
      inbox: [],
      scheduled: false,
      heard: [],
      activities: new Map(),
      timers: new Map(),
      children: new Map(),
      updates: new Updates(),
      onClose: [],
    };
    this.runs.set(runId, run);
    this.#latest.set(workflowId, run);
    return run;
  }

  #deliver(run: Run, job: Job): void {
    if (run.status !== 'RUNNING') return;
    run.inbox.push(job);
    this.#schedule(run);
  }

  #schedule(run: Run): void {
    if (run.scheduled || run.inbox.length === 0 || run.status !== 'RUNNING') return;
    run.scheduled = true;
    const { time, latencyMs } = this.#options;
    time.after(Math.max(latencyMs(), (run.heldUntil ?? 0) - time.now()), () => {
      this.whenUp(() => {
        this.#whenWorker((worker) => {
          this.#ready.push({ run, worker });
        });
      });
    });
  }

  async #task(run: Run, worker: Worker, again: readonly Command[] = []): Promise<void> {
    if (run.status !== 'RUNNING') return;
    const jobs = run.inbox.splice(0);
    const from = run.execution.steps.length;
    const task: Task = { run, worker, jobs, from, commands: [], locals: new Map(), hadLocals: false, over: false };
    run.task = task;
    for (const { scheduleLocalActivity: local } of again) if (local) this.#startLocal(task, local);
    await this.#goOn(task, jobs);
  }

  async #goOn(task: Task, jobs: readonly Job[]): Promise<void> {
    if (task.over || task.commands.some(closes)) return;
    const commands = await task.run.execution.activate(jobs);
    for (const command of commands) {
      const { scheduleLocalActivity: local, requestCancelLocalActivity: cancelled } = command;
      if (local) this.#startLocal(task, local);
      else if (cancelled) task.locals.get(cancelled.seq ?? 0)?.requestCancel();
      else task.commands.push(command);
    }
    if (task.hadLocals && task.worker.isDead()) this.#later(task);
    else if (task.locals.size === 0 || task.commands.some(closes)) this.#conclude(task);
  }

  /** What it decides is heard of a moment later, and a run does not close over a message that came meanwhile. */
  #conclude(task: Task): void {
    const { run, worker, commands } = task;
    const { time, latencyMs } = this.#options;
    const conclude = (): void => {
      this.whenUp(() => {
        if (task.over) return;
        this.#end(task);
        if (run.status !== 'RUNNING') return;
        const unheard = run.inbox.some((job) => job.signalWorkflow);
        if (unheard && commands.some(closes)) {
          this.#redo.push(task);
          return;
        }
        run.scheduled = false;
        run.heard.push(run.execution.steps.length);
        for (const command of commands) this.#apply(run, command);
        this.#schedule(run);
      });
    };
    time.after(latencyMs(), () => {
      // Another worker does it again, and comes to the same.
      if (worker.isDead()) time.after(taskTimeoutMs, conclude);
      else conclude();
    });
  }

  /** On the worker that has the task, and whether or not the server is there. */
  #startLocal(task: Task, given: coresdk.workflow_commands.IScheduleLocalActivity): void {
    const { run, worker } = task;
    const { time, latencyMs, saw } = this.#options;
    const seq = given.seq ?? 0;
    if (!task.hadLocals) {
      task.hadLocals = true;
      worker.onDeath(() => {
        this.#later(task);
      });
      this.#beats(task);
    }
    const local = new ActivityTask(
      { local: given },
      {
        ...{ time, run, latencyMs },
        whenWorker: (take) => {
          if (worker.isHeard()) take(worker);
          else if (!worker.isDead()) this.#whenWorker(take);
        },
        whenUp: (call) => {
          call();
        },
        report: (job) => {
          task.locals.delete(seq);
          this.#ended.push({ task, jobs: [job] });
        },
        saw: ({ name, moment, attempt }) => {
          saw({ kind: 'activity', name, moment, run, attempt });
        },
      },
    );
    task.locals.set(seq, local);
  }

  /** As long as it lasts. What the server hears is in the history; what it does not know any more ends. */
  #beats(task: Task): void {
    const { run, locals } = task;
    this.#options.time.after(taskHeartbeatMs, () => {
      this.whenUp(() => {
        if (task.over) return;
        if (run.status !== 'RUNNING') {
          this.#end(task);
          return;
        }
        if (locals.size > 0) {
          task.from = run.execution.steps.length;
          for (const command of task.commands.splice(0)) this.#apply(run, command);
          task.jobs = run.inbox.splice(0);
          if (task.jobs.length > 0) this.#ended.push({ task, jobs: task.jobs });
        }
        this.#beats(task);
      });
    });
  }

  #end(task: Task): void {
    const { run, locals } = task;
    task.over = true;
    if (run.task === task) run.task = undefined;
    for (const local of locals.values()) local.forget();
    locals.clear();
  }

  /** Its worker is not heard of any more: another one asks again whatever it had asked. */
  #later(task: Task): void {
    if (task.over) return;
    this.#end(task);
    this.#options.time.after(taskTimeoutMs, () => {
      this.whenUp(() => {
        this.#whenWorker((worker) => {
          if (task.run.status === 'RUNNING') this.#redo.push({ ...task, worker });
        });
      });
    });
  }

  async #doAgain({ run, jobs, from, worker }: Redo): Promise<void> {
    if (run.status !== 'RUNNING') return;
    const before = run.execution.steps.slice(0, from);
    run.execution = new Execution(run.execution.start, this.#options.time);
    const commands = await run.execution.replay(before);
    run.inbox.unshift(...jobs);
    const pending = pendingOf(
      commands,
      before.flatMap((step) => step.jobs),
    );
    await this.#task(run, worker, pending);
  }

  #apply(run: Run, command: Command): void {
    const { time, latencyMs, saw } = this.#options;
    if (run.status !== 'RUNNING') return;
    if (command.startTimer) {
      const seq = command.startTimer.seq ?? 0;
      run.timers.set(
        seq,
        time.after(command.startTimer.startToFireTimeout ? tsToMs(command.startTimer.startToFireTimeout) : 0, () => {
          this.whenUp(() => {
            if (run.timers.delete(seq)) this.#deliver(run, jobOf('fireTimer', { seq }));
          });
        }),
      );
    } else if (command.cancelTimer) {
      run.timers.get(command.cancelTimer.seq ?? 0)?.();
      run.timers.delete(command.cancelTimer.seq ?? 0);
    } else if (command.scheduleActivity) {
      const seq = command.scheduleActivity.seq ?? 0;
      run.activities.set(
        seq,
        new ActivityTask(
          { remote: command.scheduleActivity },
          {
            time,
            run,
            whenWorker: (take) => {
              this.#whenWorker(take);
            },
            whenUp: (call) => {
              this.whenUp(call);
            },
            report: (job) => {
              run.activities.delete(seq);
              this.#deliver(run, job);
            },
            latencyMs,
            saw: ({ name, moment, attempt }) => {
              saw({ kind: 'activity', name, moment, run, attempt });
            },
          },
        ),
      );
    } else if (command.requestCancelActivity)
      run.activities.get(command.requestCancelActivity.seq ?? 0)?.requestCancel();
    else if (command.signalExternalWorkflowExecution)
      this.#signalExternal(run, command.signalExternalWorkflowExecution);
    else if (command.startChildWorkflowExecution) this.#startChild(run, command.startChildWorkflowExecution);
    else if (command.cancelChildWorkflowExecution) {
      const child = run.children.get(command.cancelChildWorkflowExecution.childWorkflowSeq ?? 0);
      if (child) this.cancel(child);
    } else if (command.updateResponse) run.updates.respond(command.updateResponse);
    else if (command.completeWorkflowExecution)
      this.#close(run, { status: 'COMPLETED', result: valueOf(command.completeWorkflowExecution.result) });
    else if (command.failWorkflowExecution)
      this.#close(run, { status: 'FAILED', failure: command.failWorkflowExecution.failure ?? {} });
    else if (command.cancelWorkflowExecution)
      this.#close(run, {
        status: 'CANCELLED',
        failure: failureOf(new CancelledFailure('Workflow execution cancelled')),
      });
    else if (command.continueAsNewWorkflowExecution) {
      const args = command.continueAsNewWorkflowExecution.arguments ?? [];
      this.#close(run, { status: 'CONTINUED_AS_NEW' });
      const { type, workflowId, memo, parent } = run;
      this.#start({ type, workflowId, args, memo, parent });
    }
  }

  #signalExternal(run: Run, command: coresdk.workflow_commands.ISignalExternalWorkflowExecution): void {
    const { time, latencyMs, saw } = this.#options;
    const { seq, signalName, args, workflowExecution, childWorkflowId } = command;
    const workflowId = workflowExecution?.workflowId ?? childWorkflowId ?? '';
    const runId = workflowExecution?.runId ?? '';
    saw({ kind: 'message', moment: 'before', name: signalName ?? '', run, to: workflowId });
    time.after(latencyMs(), () => {
      this.whenUp(() => {
        const arrived = this.signal({ workflowId, ...(runId !== '' && { runId }) }, signalName ?? '', args ?? []);
        saw({ kind: 'message', moment: 'after', name: signalName ?? '', run, to: workflowId });
        const failure: ProtoFailure = {
          message: 'Unable to signal external workflow because it was not found',
          source: 'virtual',
          applicationFailureInfo: { type: 'ExternalWorkflowExecutionNotFound', nonRetryable: false },
        };
        this.#deliver(run, jobOf('resolveSignalExternalWorkflow', { seq: seq ?? 0, ...(!arrived && { failure }) }));
      });
    });
  }

  #startChild(run: Run, command: coresdk.workflow_commands.IStartChildWorkflowExecution): void {
    const { time, latencyMs } = this.#options;
    const seq = command.seq ?? 0;
    const workflowId = command.workflowId ?? '';
    const type = command.workflowType ?? '';
    time.after(latencyMs(), () => {
      this.whenUp(() => {
        if (run.status !== 'RUNNING') return;
        let child: Run;
        try {
          const closePolicy = command.parentClosePolicy ?? 0;
          child = this.#start({ type, workflowId, args: command.input ?? [], parent: { run, seq, closePolicy } });
        } catch (error) {
          if (!(error instanceof AlreadyRunning)) throw error;
          const failed = { workflowId, workflowType: type, cause: 1 };
          this.#deliver(run, jobOf('resolveChildWorkflowExecutionStart', { seq, failed }));
          return;
        }
        run.children.set(seq, child);
        this.#deliver(run, jobOf('resolveChildWorkflowExecutionStart', { seq, succeeded: { runId: child.runId } }));
      });
    });
  }

  #close(run: Run, end: Pick<Run, 'status' | 'result' | 'failure'>): void {
    if (run.status !== 'RUNNING') return;
    Object.assign(run, end);
    run.closedAt = this.#options.time.now();
    for (const cancel of run.timers.values()) cancel();
    run.timers.clear();
    for (const activity of run.activities.values()) activity.forget();
    run.activities.clear();
    run.updates.close();
    for (const call of run.onClose.splice(0)) call();
    if (end.status !== 'CONTINUED_AS_NEW') this.#tellParent(run);
    for (const child of run.children.values()) {
      const policy = child.parent?.closePolicy ?? 0;
      // 1 terminates, 2 abandons, 3 asks to cancel.
      if (policy === 3) this.cancel(child);
      else if (policy !== 2) this.terminate(child);
    }
  }

  #tellParent(run: Run): void {
    const { parent } = run;
    if (!parent) return;
    const { seq } = parent;
    let of = parent.run;
    while (of.resetTo) of = of.resetTo;
    // One that was reset to before it had asked for this child knows nothing of it.
    if (!of.children.delete(seq)) return;
    const { workflowId, runId, type, status, failure } = run;
    const wrapped = (cause: ProtoFailure): ProtoFailure => ({
      message: 'Child Workflow execution failed',
      source: 'TypeScriptSDK',
      cause,
      childWorkflowExecutionFailureInfo: { workflowExecution: { workflowId, runId }, workflowType: { name: type } },
    });
    const result =
      status === 'COMPLETED'
        ? { completed: { result: payloadOf(run.result) } }
        : status === 'CANCELLED'
          ? { cancelled: { failure: wrapped(failure ?? {}) } }
          : { failed: { failure: wrapped(failure ?? {}) } };
    this.#deliver(of, jobOf('resolveChildWorkflowExecution', { seq, result }));
  }
}

/** What was wanted by some of a run's steps, and has not come by these jobs. */
function pendingOf(commands: readonly Command[], jobs: readonly Job[]): readonly Command[] {
  const done = new Set(jobs.flatMap((job) => keyOfResolved(job) ?? []));
  const cancelled = new Set(commands.flatMap((command) => command.cancelTimer?.seq ?? []));
  return commands.filter((command) => {
    const key = keyOfCommand(command);
    if (key === undefined || done.has(key)) return false;
    return !(command.startTimer && cancelled.has(command.startTimer.seq ?? 0));
  });
}

function closes(command: Command): boolean {
  return Boolean(
    command.completeWorkflowExecution ??
    command.failWorkflowExecution ??
    command.cancelWorkflowExecution ??
    command.continueAsNewWorkflowExecution,
  );
}

/** What a command waits for, and which job brings it. */
function keyOfCommand(command: Command): string | undefined {
  if (command.startTimer) return `timer/${String(command.startTimer.seq)}`;
  const activity = command.scheduleActivity ?? command.scheduleLocalActivity;
  if (activity) return `activity/${String(activity.seq)}`;
  if (command.signalExternalWorkflowExecution) return `signal/${String(command.signalExternalWorkflowExecution.seq)}`;
  if (command.startChildWorkflowExecution) return `child/${String(command.startChildWorkflowExecution.seq)}`;
  if (command.completeWorkflowExecution || command.failWorkflowExecution || command.cancelWorkflowExecution)
    return 'end';
  return undefined;
}

function keyOfResolved(job: Job): string | undefined {
  if (job.fireTimer) return `timer/${String(job.fireTimer.seq)}`;
  if (job.resolveActivity) return `activity/${String(job.resolveActivity.seq)}`;
  if (job.resolveSignalExternalWorkflow) return `signal/${String(job.resolveSignalExternalWorkflow.seq)}`;
  if (job.resolveChildWorkflowExecutionStart) return `child/${String(job.resolveChildWorkflowExecutionStart.seq)}`;
  return undefined;
}
