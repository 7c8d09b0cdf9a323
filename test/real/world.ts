import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import { check, type Guarantee, type Verdict } from '../../checker';
import { guarantees } from '../../checker/verdict';
import { verdictLines } from '../../checker/report';
import type { Note } from '../../checker/story';
import { connectBulkhead, type Bulkhead, BulkheadError } from '../../client';
import { typed } from '../../client/errors';
import { recordWorkflowId } from '../../domain/names';
import { signalNames, type Ask, type RecordView } from '../../domain/turn';
import { settledNote } from '../../scripts/lib/observer';
import { settledView, until } from '../../scripts/lib/settled';
import { outcomeNote, type Ended } from '../../scripts/lib/virtual/ended';
import { onePool as small } from '../../scripts/lib/virtual/specs';
import { startStack, type Stack, type StackOptions } from '../../scripts/lib/stack';

/**
 * Real servers for a test file: a Temporal dev server, the embedded OpenStack and worker processes, as a user would run them.
 * Everything that is asked is noted in the cloud's log, so that the checker can judge the whole of it in the end.
 */
export interface World {
  readonly stack: Stack;
  readonly client: Client;
  readonly bulkhead: Bulkhead;
  /** Starts a procedure and notes it. */
  readonly begin: (
    procedure: Procedure,
    input: Record<string, unknown>,
    options?: { workflowId?: string },
  ) => Promise<Begun>;
  /** Starts, waits and notes how it ended. */
  readonly run: (procedure: Procedure, input: Record<string, unknown>) => Promise<Ended>;
  /** Waits until the record owes nothing, and notes what it says of itself. */
  readonly settle: (vnf: string) => Promise<RecordView | null>;
  /** Of what has happened since the last time it was asked. */
  readonly verdict: () => Promise<Verdict>;
  /** Runs the Temporal CLI; its standard output, parsed. */
  readonly temporal: (...args: string[]) => Promise<unknown>;
  readonly stop: () => Promise<void>;
}

export type Procedure = Extract<Note, { kind: 'request' }>['procedure'];

export interface Begun {
  readonly id: string;
  readonly handle: WorkflowHandle;
  /** Waits for the run and notes how it ended. A run that was taken away is `vanished`. */
  readonly end: () => Promise<Ended>;
}

export type { Ended };

/**
 * A run that asks by another's hand, gets the turn, and does nothing with it: nobody works on its queue. It holds the turn until it is terminated.
 */
export async function holdTurn(
  { client, bulkhead }: Pick<World, 'client' | 'bulkhead'>,
  vnf: string,
): Promise<WorkflowHandle & { readonly firstExecutionRunId: string }> {
  const workflowId = `${vnf}-idle`;
  const holder = await client.workflow.start('scaleOut', { workflowId, taskQueue: 'nobody', args: [] });
  const asked: Ask = {
    ...{ workflowId, runId: holder.firstExecutionRunId },
    ...{ procedure: 'scaleOut', class: 'normal', ifBusy: 'wait' },
  };
  await client.workflow.getHandle(recordWorkflowId(vnf)).signal(signalNames.ask, asked);
  await until('it has the turn', 30, async () => (await bulkhead.status(vnf)).turn?.workflowId === workflowId);
  return holder;
}

const run = promisify(execFile);
/** A clean-up waits until no late attempt can be at work, and may be tried again. */
export const settleWithinSeconds = 90;

export async function startWorld(options: Partial<StackOptions> = {}): Promise<World> {
  const { pace = 0.01 } = options;
  const stack = await startStack({ bootSeconds: '10-20', ...options, pace });
  const connection = await Connection.connect({ address: stack.temporal.address });
  const client = new Client({ connection });
  const bulkhead = await connectBulkhead({ address: stack.temporal.address });
  const { observer } = stack;
  let judged = 0;

  const begin: World['begin'] = async (procedure, input, given = {}) => {
    const id = randomUUID();
    const vnf = typeof input['vnf'] === 'string' ? input['vnf'] : undefined;
    await observer.note({ kind: 'request', id, procedure, ...(vnf !== undefined && { vnf }), request: input });
    const workflowId = given.workflowId ?? `${procedure}-${id}`;
    const handle = await client.workflow.start(procedure, { taskQueue: 'bulkhead', workflowId, args: [input] });
    const end = async (): Promise<Ended> => {
      const ended = await endOf(client.workflow.getHandle(workflowId));
      await observer.note(outcomeNote({ id, procedure }, ended));
      return ended;
    };
    return { id, handle, end };
  };

  const settle: World['settle'] = async (vnf) => {
    const view = await settledView(bulkhead, vnf, settleWithinSeconds);
    await observer.note(settledNote(vnf, view));
    return view;
  };

  return {
    stack,
    client,
    bulkhead,
    begin,
    run: async (procedure, input) => await (await begin(procedure, input)).end(),
    settle,
    verdict: async () => {
      const events = await observer.log();
      const from = judged;
      judged = events.at(-1)?.seq ?? 0;
      return check(events, { from, pace });
    },
    temporal: async (...args) => {
      const { stdout } = await run(
        stack.temporalProgram,
        [...args, '--address', stack.temporal.address, '-o', 'json'],
        // Jest's own copy, which a test may have added to.
        { maxBuffer: 64 * 1024 * 1024, env: process.env },
      );
      return stdout === '' ? undefined : (JSON.parse(stdout) as unknown);
    },
    stop: async () => {
      await bulkhead.close();
      await connection.close();
      await stack.stop();
    },
  };
}

export async function endOf(handle: WorkflowHandle): Promise<Ended> {
  try {
    return { outcome: 'completed', result: await handle.result() };
  } catch (error) {
    const failed = typed(error);
    if (!(failed instanceof BulkheadError)) throw error;
    return { outcome: failed.outcome, kind: failed.kind, message: failed.message, details: failed.details };
  }
}

export { small, until };

/** Waits until the run has as many events, or has closed. Says which. */
export async function reaches(handle: WorkflowHandle, events: number): Promise<'reached' | 'closed'> {
  let status = '';
  await until(`${handle.workflowId} has ${String(events)} events`, 60, async () => {
    const described = await handle.describe();
    status = described.status.name;
    return status !== 'RUNNING' || described.historyLength >= events;
  });
  return status === 'RUNNING' ? 'reached' : 'closed';
}

/** Fails with everything that the checker found, but what is not promised here. */
export function expectHeld(verdict: Verdict, notPromised: readonly Guarantee[] = []): void {
  const broken = guarantees.filter((guarantee) => verdict.guarantees[guarantee].violations.length > 0);
  // Whatever happened, it ended, and left what the record says.
  const looked = verdict.guarantees.G4.looked > 0 && verdict.guarantees.G6.looked > 0;
  const held = notPromised.length === 0 ? verdict.ok : looked;
  if (broken.some((guarantee) => !notPromised.includes(guarantee)) || (!held && broken.length === 0))
    throw new Error(verdictLines(verdict).join('\n'));
}
