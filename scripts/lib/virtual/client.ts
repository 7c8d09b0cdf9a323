import {
  ScheduleNotFoundError,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  type Client,
} from '@temporalio/client';
import { AlreadyRunning, vnfOf, type Run, type VirtualTemporal } from './temporal';
import type { VirtualTime } from './time';
import type { Worker } from './worker';

/** As much of the SDK's client as the activities use, for one worker. */
export function clientOf(worker: Worker, of: { temporal: VirtualTemporal; time: VirtualTime }): Client {
  const { temporal, time } = of;
  /** A call and its answer: while either end is away, nothing comes. */
  const called = async <T>(answer: () => T): Promise<T> => {
    await worker.untilRunning();
    await new Promise<void>((resolve) => {
      temporal.whenUp(resolve);
    });
    const result = answer();
    await worker.untilRunning();
    return result;
  };
  const running = (workflowId: string, runId?: string): Run => {
    const run = temporal.find(workflowId, runId);
    if (!run) throw new WorkflowNotFoundError(`there is no ${workflowId}`, workflowId, runId);
    return run;
  };
  const client = {
    options: { namespace: 'default' },
    workflow: {
      start: (type: string, given: { workflowId: string; args: unknown[]; memo?: Record<string, unknown> }) =>
        called(() => {
          try {
            return temporal.start({ type, ...given });
          } catch (error) {
            if (!(error instanceof AlreadyRunning)) throw error;
            throw new WorkflowExecutionAlreadyStartedError('already started', given.workflowId, type);
          }
        }),
      list: async function* ({ query }: { query: string }) {
        const [, vnf] = /VnfId = "([^"]+)"/.exec(query) ?? [];
        const [, since = ''] = /CloseTime >= "([^"]+)"/.exec(query) ?? [];
        const found = await called(() =>
          [...temporal.runs.values()].filter(
            (run) => run.type !== 'vnf' && vnfOf(run) === vnf && (run.closedAt ?? Infinity) >= Date.parse(since),
          ),
        );
        for (const { workflowId, runId, type, status, closedAt, execution } of found)
          yield {
            ...{ workflowId, runId, type },
            status: { name: status },
            startTime: new Date(execution.start.startedAt),
            closeTime: closedAt === undefined ? undefined : new Date(closedAt),
          };
      },
      getHandle: (workflowId: string, runId?: string) => ({
        describe: () =>
          called(() => {
            const run = running(workflowId, runId);
            return { status: { name: run.status }, runId: run.runId, memo: run.memo };
          }),
        query: async (name: string) => {
          // A server answers when the workflow has taken in all that came before.
          for (let run = running(workflowId, runId); run.scheduled && run.status === 'RUNNING';) {
            await new Promise<void>((resolve) => {
              time.after(1, resolve);
            });
            run = running(workflowId, runId);
          }
          return await called(() => running(workflowId, runId).execution.query(name));
        },
      }),
    },
    schedule: {
      // No worker makes any here.
      getHandle: (scheduleId: string) => ({
        delete: () => called(() => Promise.reject(new ScheduleNotFoundError('there is none', scheduleId))),
      }),
    },
    withDeadline: <T>(_at: number, call: () => Promise<T>) => call(),
    withAbortSignal: <T>(signal: AbortSignal, call: () => Promise<T>) =>
      new Promise<T>((resolve, reject) => {
        signal.addEventListener('abort', () => {
          reject(new Error('given up'));
        });
        call().then(resolve, reject);
      }),
    workflowService: {
      getWorkflowExecutionHistory: async ({ execution }: { execution: { workflowId: string; runId: string } }) => {
        const run = await called(() => temporal.find(execution.workflowId, execution.runId));
        if (!run) throw Object.assign(new Error('not found'), { code: 5, details: 'not found', metadata: {} });
        await new Promise<void>((resolve) => {
          temporal.whenClosed(run, () => {
            temporal.whenUp(() => {
              worker.whenRunning(resolve);
            });
          });
        });
        return { history: { events: [{}] } };
      },
    },
  };
  return client as unknown as Client;
}
