import './sandbox';
import type { Payload, Workflow } from '@temporalio/common';
import type { coresdk } from '@temporalio/proto';
import { maybeGetActivator, setActivator } from '@temporalio/workflow/lib/global-attributes';
import { Activator } from '@temporalio/workflow/lib/internals';
import {
  activate,
  concludeActivation,
  initialize,
  tryUnblockConditions,
} from '@temporalio/workflow/lib/worker-interface';
import * as workflows from '../../../workflows';
import { converter, payloadOf, valueOf } from './payloads';
import type { VirtualTime } from './time';

/**
 * One run of a workflow on the SDK's own runtime, the one that runs inside of a worker: the same workflow code, scopes, conditions
 * and commands. What a server and a worker's core would hand it comes from here.
 */

export type Job = coresdk.workflow_activation.IWorkflowActivationJob;
export type Command = coresdk.workflow_commands.IWorkflowCommand;

export interface ExecutionStart {
  readonly workflowId: string;
  readonly runId: string;
  readonly type: string;
  readonly args: readonly Payload[];
  readonly seed: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
}

/** A workflow that throws what is no failure: a bug. On a real server its task would be tried for ever. */
export class WorkflowTaskFailed extends Error {}

/** What happened to a run at one time, so that it can be played again. */
interface Step {
  readonly at: number;
  readonly jobs: readonly Job[];
}

export class Execution {
  readonly start: ExecutionStart;
  readonly steps: Step[] = [];
  /** Set where the record is to be continued as new although it is short. */
  continueSuggested = false;
  /** About as many events as a server would have written. */
  historyLength = 0;
  readonly #time: VirtualTime;
  readonly #activator: Activator;

  constructor(start: ExecutionStart, time: VirtualTime) {
    this.start = start;
    this.#time = time;
    const { workflowId, runId, type, seed, startedAt } = start;
    this.#activator = new Activator({
      info: {
        workflowId,
        runId,
        workflowType: type,
        searchAttributes: {},
        typedSearchAttributes: {},
        memo: {},
        historyLength: 0,
        historySize: 0,
        continueAsNewSuggested: false,
        namespace: 'default',
        taskQueue: 'bulkhead',
        firstExecutionRunId: runId,
        attempt: 1,
        taskTimeoutMs: 10_000,
        startTime: new Date(startedAt),
        runStartTime: new Date(startedAt),
        unsafe: { now: () => time.now(), isReplaying: false },
      } as unknown as Activator['info'],
      now: time.now(),
      showStackTraceSources: false,
      sourceMap: undefined as never,
      getTimeOfDay: () => BigInt(time.now()) * 1_000_000n,
      randomnessSeed: [...Buffer.from(seed)],
      // Whatever a worker does not have it says itself.
      registeredActivityNames: { has: () => true },
      stackTracesEnabled: false,
      failureExceptionTypeNames: [],
      patchActivationCallback: undefined,
    } as unknown as ConstructorParameters<typeof Activator>[0]);
    this.#activator.payloadConverter = converter;
    const workflow = (workflows as unknown as Readonly<Record<string, Workflow | undefined>>)[type];
    if (!workflow) throw new Error(`there is no workflow ${type}`);
    this.#activator.workflow = workflow;
    // What today's SDK does by default, as a new history has it.
    this.#activator.sdkVersion = '1.24.0';
  }

  /** Hands jobs over and says what the workflow wants done. */
  async activate(jobs: readonly Job[]): Promise<Command[]> {
    this.steps.push({ at: this.#time.now(), jobs });
    const activator = this.#activator;
    activator.now = this.#time.now();
    this.historyLength += jobs.length + 2;
    activator.mutateWorkflowInfo((info) => ({
      ...info,
      historyLength: this.historyLength,
      continueAsNewSuggested: this.continueSuggested,
    }));
    setActivator(activator);
    try {
      const init = jobs.find((job) => job.initializeWorkflow)?.initializeWorkflow;
      if (init) initialize(init);
      activate({ jobs: [...jobs].sort((a, b) => order(a) - order(b)) });
      do await this.#time.settle();
      while (tryUnblockConditions() > 0);
      const { successful } = concludeActivation();
      activator.getAndResetSinkCalls();
      const { workflowTaskError } = activator;
      if (workflowTaskError !== undefined)
        throw workflowTaskError instanceof Error ? workflowTaskError : new Error('a workflow threw what is no error');
      const commands = [...(successful?.commands ?? [])];
      this.historyLength += commands.length;
      return commands;
    } catch (error) {
      const said = error instanceof Error ? (error.stack ?? error.message) : String(error);
      throw new WorkflowTaskFailed(`${this.start.type} (${this.start.workflowId}): ${said}`);
    } finally {
      setActivator(undefined);
    }
  }

  /** As on a server, where a workflow's clock stands at the time of the task that it does again. Says what it wants done by all of them. */
  async replay(steps: readonly Step[]): Promise<Command[]> {
    const commands: Command[] = [];
    for (const { at, jobs } of steps) commands.push(...(await this.#time.asAt(at, () => this.activate(jobs))));
    return commands;
  }

  /** Undefined where the workflow has no such query yet. */
  query(name: string): unknown {
    const query = this.#activator.queryHandlers.get(name);
    if (!query) return undefined;
    const before = maybeGetActivator();
    setActivator(this.#activator);
    try {
      return valueOf(payloadOf((query.handler as () => unknown)()));
    } finally {
      setActivator(before);
    }
  }

  details(): string {
    return this.#activator.currentDetails;
  }
}

/** Core hands signals over before anything else of the same task. */
function order(job: Job): number {
  if (job.initializeWorkflow) return 0;
  if (job.updateRandomSeed) return 1;
  return job.signalWorkflow || job.doUpdate ? 2 : 3;
}

/** A job as the runtime takes it, which tells its kind by name. */
export function jobOf<K extends keyof Job>(variant: K, body: NonNullable<Job[K]>): Job {
  return { variant, [variant]: body } as Job;
}
