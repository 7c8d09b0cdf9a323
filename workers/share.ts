import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError, type Client } from '@temporalio/client';
import {
  leaseSecondsOf,
  shareUpdateName,
  useSeconds,
  type Amounts,
  type BudgetInput,
  type BudgetTotal,
  type ShareAsk,
  type ShareGiven,
} from '../domain/budget';
import { summary } from '../domain/markdown';
import { taskQueues } from '../domain/procedures';
import { countsAfterMs, type CloudConfig, type Gate } from '../openstack';

/**
 * This worker's share of the calls that a cloud gets of all workers. It is asked for while there is something to call for, and used
 * for a time: a worker that Temporal does not hear of calls nobody. While it has none, its calls wait, or are repeated later.
 */
export interface SharedBudget {
  readonly client: Client;
  readonly cloud: CloudConfig;
  readonly total: BudgetTotal;
  /** Of this process, however large its share. */
  readonly callsMost: number;
  readonly gate: Gate;
  /** What a call takes at most. */
  readonly callSeconds: number;
  /** Told, once in a while, where it has no share or cannot ask for one. */
  readonly warn: (problem: string) => void;
}

/** While it has what is fair, it asks this often: some times within the time that a share is used. */
const renewMs = (useSeconds * 1_000) / 4;
/** While something is to change: others have to come down first, and to say so. */
const soonMs = 250;
const answerWithinMs = 5_000;
const warnEveryMs = 60_000;

/** Nothing is called before there is a share. Gives what is to be called at the end. */
export function holdShare(of: SharedBudget): () => Promise<void> {
  const { gate, total } = of;
  const self = { worker: randomUUID(), total, leaseSeconds: leaseSecondsOf(of.callSeconds) };
  const stop = new AbortController();
  const use = usesOf(gate);
  let number = 0;
  let limits = nothingOf(total);
  let warnedAt = -Infinity;

  const warn = (problem: string): void => {
    if (performance.now() < warnedAt + warnEveryMs) return;
    warnedAt = performance.now();
    of.warn(problem);
  };

  /** Gives how long it is until it is to be asked for again, in ms. */
  const renew = async (): Promise<number> => {
    const asked = performance.now();
    const { calls, perSecond } = limits;
    const holds = {
      calls: calls === null ? null : Math.max(calls, gate.underWay()),
      perSecond: perSecond === null ? null : Math.max(perSecond, gate.recent()),
    };
    const { share, fair } = await askFor(of, { ...self, number: ++number, holds });
    // What is more than fair is given up here and now, and said the next time.
    limits = { calls: lesser(share.calls, fair.calls), perSecond: lesser(share.perSecond, fair.perSecond) };
    gate.set({
      calls: Math.min(of.callsMost, limits.calls ?? of.callsMost),
      perSecond: limits.perSecond,
      until: asked + useSeconds * 1_000,
    });
    if (fair.calls === 0 || fair.perSecond === 0)
      warn('there are more workers than calls to share among them: raise the total, or run fewer');
    return share.calls === fair.calls && share.perSecond === fair.perSecond ? renewMs : soonMs;
  };

  const holding = (async (): Promise<void> => {
    while (!stop.signal.aborted) {
      use.forget();
      const againMs = await renew().catch((error: unknown) => {
        warn(`the worker's share of calls could not be asked for: ${String(error)}`);
        return soonMs;
      });
      await sleep(againMs, undefined, { signal: stop.signal }).catch(() => undefined);
      // An idle worker asks for nothing, and its share becomes free.
      await use.next(stop.signal);
    }
  })();

  return async () => {
    stop.abort();
    await holding;
    gate.set({ calls: 0, perSecond: null });
    // What is still under way keeps its part of the total until it must be over.
    if (gate.underWay() > 0) return;
    if (gate.recent() > 0) await sleep(countsAfterMs);
    await askFor(of, { ...self, number: ++number, holds: nothingOf(total), leaves: true }).catch(() => undefined);
  };
}

/** Whether requests come: `next` ends at once where some have since `forget`, or are under way or waiting. */
function usesOf(gate: Gate): { forget: () => void; next: (signal: AbortSignal) => Promise<void> } {
  let used = false;
  let tell = (): void => undefined;
  gate.onEnter(() => {
    used = true;
    tell();
  });
  return {
    forget: () => {
      used = false;
    },
    next: (signal) =>
      new Promise<void>((resolve) => {
        if (used || signal.aborted || gate.underWay() > 0 || gate.waiting() > 0) {
          resolve();
          return;
        }
        tell = resolve;
        signal.addEventListener(
          'abort',
          () => {
            resolve();
          },
          { once: true },
        );
      }),
  };
}

function nothingOf({ calls, perSecond }: BudgetTotal): Amounts {
  return { calls: calls === null ? null : 0, perSecond: perSecond === null ? null : 0 };
}

function lesser(one: number | null, other: number | null): number | null {
  return one === null || other === null ? (one ?? other) : Math.min(one, other);
}

async function askFor({ client, cloud }: SharedBudget, ask: ShareAsk): Promise<ShareGiven> {
  const handle = client.workflow.getHandle(budgetWorkflowId(cloud));
  return await client.withDeadline(Date.now() + answerWithinMs, async () => {
    const update = (): Promise<ShareGiven> =>
      handle.executeUpdate<ShareGiven, [ShareAsk]>(shareUpdateName, { args: [ask] });
    try {
      return await update();
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
      await begin(client, cloud);
      return await update();
    }
  });
}

/** Where there was one before, somebody has ended it, and what it gave may still be in use: the new one waits for that. */
async function begin(client: Client, cloud: CloudConfig): Promise<void> {
  const workflowId = budgetWorkflowId(cloud);
  const input: BudgetInput = { waits: await wasThere(client, workflowId) };
  try {
    await client.workflow.start('cloudBudget', {
      workflowId,
      taskQueue: taskQueues.workflows,
      args: [input],
      staticSummary: summary(`calls to ${cloud.name}, of all workers`),
    });
  } catch (error) {
    // Another worker was first.
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}

async function wasThere(client: Client, workflowId: string): Promise<boolean> {
  try {
    await client.workflow.getHandle(workflowId).describe();
    return true;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

/** Of all workers that speak to the same Keystone and region, whatever each of them calls the cloud, and however it logs in. */
function budgetWorkflowId({ authUrl, region }: CloudConfig): string {
  // Nothing else of it: some write a password into a URL.
  const { host, pathname } = new URL(authUrl);
  return `cloud:${host}${pathname}${region === null ? '' : `#${region}`}`;
}
