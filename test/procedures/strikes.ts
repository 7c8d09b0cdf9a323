import { Context, type Info } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { Client } from '@temporalio/client';
import type { Wire, WireAnswer } from '../../openstack';

/**
 * What is done to a run at one of its calls. Faults are not chosen by hand: a clean run says which calls there are, and each
 * of them is struck in each way.
 */
export const strikes = [
  /** The call fails before it has had an effect, once. */
  'before',
  /** It has its effect, and its reply is lost, once. */
  'after',
  /** It has its effect, and the worker is not heard of again: the attempt runs out of time. */
  'workerDies',
  /** It fails for good, without an effect. */
  'fails',
  /** The run is cancelled while it is at work. */
  'cancelled',
  /** The run is terminated while it is at work. */
  'terminated',
  /** The run is reset to its last workflow task while it is at work. */
  'reset',
] as const;
export type Strike = (typeof strikes)[number];

/** A call of an activity by a run: `launch#2` is the second launch. A repeat of a call is the same call. */
export interface Call {
  readonly key: string;
  readonly name: string;
  readonly attempt: number;
  /** What it was asked, in a word. */
  readonly brief: string;
  /** The run that made it. */
  readonly workflowId: string;
  readonly runId: string;
}

/** Says what is done at a call, or that nothing is; or what it waits for, and nothing is done. */
export type Script = (call: Call) => Strike | Promise<unknown> | undefined;

export async function struck<T>(strike: Strike | undefined, given: StrikeTarget, body: () => Promise<T>): Promise<T> {
  switch (strike) {
    case undefined:
      return await body();
    case 'before':
      throw lost('before its effect');
    case 'after':
      await body();
      throw lost('after its effect');
    case 'workerDies':
      await body();
      return await silence();
    case 'fails':
      throw ApplicationFailure.create({ type: 'CloudUnavailable', message: 'it is away for good', nonRetryable: true });
    case 'cancelled':
      await given.client.workflow.getHandle(given.topWorkflowId).cancel();
      return await body();
    case 'terminated':
      await given.client.workflow.getHandle(given.call.workflowId, given.call.runId).terminate('by a test');
      return await body();
    case 'reset':
      await reset(given.client, given.call);
      return await body();
  }
}

export interface StrikeTarget {
  readonly client: Client;
  readonly call: Call;
  /** The run that a caller started: a cancel is asked of it. */
  readonly topWorkflowId: string;
}

function lost(moment: string): ApplicationFailure {
  return ApplicationFailure.create({ type: 'CloudUnavailable', message: `the connection was lost ${moment}` });
}

/** Longer than any time-out of an activity here; its slot is given back then. */
const silenceSeconds = 20;

async function silence(): Promise<never> {
  await Context.current()
    .sleep(silenceSeconds * 1_000)
    .catch(() => undefined);
  throw lost('with its worker');
}

async function reset(client: Client, { workflowId, runId }: Call): Promise<void> {
  const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
  const last = [...(events ?? [])].reverse().find((event) => event.workflowTaskCompletedEventAttributes);
  await client.workflowService.resetWorkflowExecution({
    namespace: 'default',
    workflowExecution: { workflowId, runId },
    reason: 'by a test',
    requestId: `${runId}/${Context.current().info.activityId}`,
    workflowTaskFinishEventId: last?.eventId ?? null,
  });
}

/** A request to the cloud of an activity, before or after its effect, as the fast form names it: `launch POST /compute/v2.1/servers`. */
export interface Wanted {
  readonly what: string;
  readonly at: 'before' | 'after';
}

/** Says that a request, or its answer, is lost; or that the cloud answers 500. */
export type WireScript = (wanted: Wanted) => 'lost' | 'refused' | undefined;

export function struckWire(wire: Wire, script: WireScript): Wire {
  return async (request) => {
    const path = new URL(request.url).pathname.replace(/[0-9a-f-]{36}/g, '…');
    const what = `${activityNow()?.activityType ?? ''} ${request.method} ${path}`;
    const strikes = (at: Wanted['at']): boolean => {
      const strike = script({ what, at });
      if (strike === 'lost') throw Object.assign(new Error(`lost ${at} its effect`), { code: 'ECONNRESET' });
      return strike === 'refused';
    };
    const refusal: WireAnswer = { status: 500, header: () => undefined, text: () => '{}', json: () => ({}) };
    if (strikes('before')) return refusal;
    const answer = await wire(request);
    return strikes('after') ? refusal : answer;
  };
}

/** Undefined where a worker asks for itself. */
export function activityNow(): Info | undefined {
  try {
    return Context.current().info;
  } catch {
    return undefined;
  }
}
