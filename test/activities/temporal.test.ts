import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import { CancelledFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { randomUUID } from 'node:crypto';
import { getEventListeners } from 'node:events';
import type { Dependencies } from '../../activities/dependencies';
import { watchActivity } from '../../activities/watch/watch';
import { taskQueues } from '../../domain/procedures';
import type { Ask, RunRef } from '../../domain/turn';
import { findTemporal, startDevServer, type DevServer } from '../../scripts/lib/temporal';
import { openLab, smallDescriptor, until, type Lab } from './lab';

/** The activities that speak to Temporal, against one. */

let server: DevServer;
let connection: Connection;
let native: NativeConnection;
let client: Client;
let worker: Worker;
let working: Promise<void>;
let lab: Lab;

beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR'), shutdownSignals: [] });
  server = await startDevServer({ program: await findTemporal(() => undefined) });
  connection = await Connection.connect({ address: server.address });
  native = await NativeConnection.connect({ address: server.address });
  client = new Client({ connection });
  await work();
  lab = await openLab({ client });
}, 120_000);

afterAll(async () => {
  worker.shutdown();
  await working;
  await lab.close();
  await native.close();
  await connection.close();
  await server.stop();
});

async function work(): Promise<void> {
  worker = await Worker.create({
    connection: native,
    taskQueue: taskQueues.workflows,
    workflowsPath: require.resolve('../../workflows/index'),
  });
  working = worker.run();
}

/** A run that does nothing and stays open: no worker serves its queue. */
async function openRun(): Promise<RunRef & { handle: WorkflowHandle }> {
  const workflowId = `open-${randomUUID()}`;
  const handle = await client.workflow.start('nothing', { workflowId, taskQueue: 'nobody', args: [] });
  return { workflowId, runId: handle.firstExecutionRunId, handle };
}

async function askOf(run: RunRef): Promise<Ask> {
  return await Promise.resolve({
    workflowId: run.workflowId,
    runId: run.runId,
    procedure: 'instantiate',
    class: 'normal',
    ifBusy: 'wait',
  });
}

let serial = 0;
function newVnf(): string {
  serial += 1;
  return `vnf${String(serial)}`;
}

async function startRecord(vnf: string, run: RunRef): Promise<void> {
  await lab.run('startRecord', { vnf, descriptor: smallDescriptor(), ask: await askOf(run) });
}

describe('startRecord and readRecord', () => {
  test('a record that was started can be read, and its starter holds its first turn', async () => {
    const vnf = newVnf();
    const run = await openRun();
    await startRecord(vnf, run);
    const view = await lab.run('readRecord', { vnf });
    expect(view).toMatchObject({ schema: 1, vnf, phase: 'instantiating', descriptor: smallDescriptor() });
    // Of these it may hold so much that a hundred records would be more than a task may tell.
    expect(Object.keys(view)).not.toEqual(expect.arrayContaining(['occurrences']));
    expect(Object.keys(view)).not.toEqual(expect.arrayContaining(['queue']));
    let holder = view.turn?.runId;
    for (let looks = 0; looks < 100 && holder === undefined; looks++)
      holder = (await lab.run('readRecord', { vnf })).turn?.runId;
    expect(holder).toBe(run.runId);
  });

  test('is not kept waiting by a login: where a VNF is is left out then', async () => {
    const slow = await openLab({ client });
    try {
      slow.addFault({ kind: 'delay', delayMs: 15_000, match: { path: '/identity/v3/auth/tokens' } });
      const vnf = newVnf();
      const starting = slow.run('startRecord', {
        vnf,
        descriptor: smallDescriptor(),
        ask: await askOf(await openRun()),
      });
      const first = await Promise.race([starting.then(() => 'record'), slow.session.place().then(() => 'login')]);
      expect(first).toBe('record');
      expect((await client.workflow.getHandle(`vnf:${vnf}`).describe()).memo).not.toHaveProperty('home');
    } finally {
      await slow.close();
    }
  });

  test('started again by the same run it is the same record: a lost reply', async () => {
    const vnf = newVnf();
    const run = await openRun();
    await startRecord(vnf, run);
    const { runId } = await client.workflow.getHandle(`vnf:${vnf}`).describe();
    await startRecord(vnf, run);
    expect((await client.workflow.getHandle(`vnf:${vnf}`).describe()).runId).toBe(runId);
  });

  test('another run is told that there is one already', async () => {
    const vnf = newVnf();
    await startRecord(vnf, await openRun());
    await expect(startRecord(vnf, await openRun())).rejects.toMatchObject({
      type: 'AlreadyExists',
      nonRetryable: true,
    });
  });

  test('while the record of the last VNF of that name is about to end, its id is soon free', async () => {
    const vnf = newVnf();
    const run = await openRun();
    await startRecord(vnf, run);
    await until(async () => (await lab.run('readRecord', { vnf })).turn !== null, 'the first turn');
    const { token = '' } = (await lab.run('readRecord', { vnf })).turn ?? {};
    // Nobody looks at the record, as where its worker is busy: it has been told, and does not know yet.
    worker.shutdown();
    await working;
    await client.workflow.getHandle(`vnf:${vnf}`).signal('done', { token, outcome: 'unwound' });
    const other = await openRun();
    await expect(startRecord(vnf, other)).rejects.toMatchObject({ type: 'CloudUnavailable', nonRetryable: false });
    await work();
    await until(async () => {
      await startRecord(vnf, other).catch(() => undefined);
      const view = await lab.run('readRecord', { vnf }).catch(() => null);
      return view?.turn?.runId === other.runId;
    }, 'the next record');
  });

  test('where there is none, or none any more, the VNF is unknown', async () => {
    const vnf = newVnf();
    await expect(lab.run('readRecord', { vnf })).rejects.toMatchObject({ type: 'UnknownVnf', nonRetryable: true });
    await startRecord(vnf, await openRun());
    await client.workflow.getHandle(`vnf:${vnf}`).terminate('by hand');
    await expect(lab.run('readRecord', { vnf })).rejects.toMatchObject({ type: 'UnknownVnf', nonRetryable: true });
  });

  test('a record that no worker serves at the moment is asked again later, and not kept waiting for', async () => {
    const vnf = newVnf();
    await client.workflow.start('vnf', { workflowId: `vnf:${vnf}`, taskQueue: 'nobody', args: [] });
    await expect(lab.run('readRecord', { vnf })).rejects.toMatchObject({
      type: 'CloudUnavailable',
      nonRetryable: false,
    });
  });

  test('an id that was free again can be used again', async () => {
    const vnf = newVnf();
    await startRecord(vnf, await openRun());
    await client.workflow.getHandle(`vnf:${vnf}`).terminate('by hand');
    await startRecord(vnf, await openRun());
    await expect(lab.run('readRecord', { vnf })).resolves.toMatchObject({ vnf });
  });
});

describe('watch', () => {
  test('ends when the run has closed, and not before', async () => {
    const { handle, workflowId, runId } = await openRun();
    let ended = false;
    const watching = lab.run('watch', { workflowId, runId }).finally(() => {
      ended = true;
    });
    // The server answers a long poll by itself only after tens of seconds: it is under way when this has come back.
    await handle.describe();
    expect(ended).toBe(false);
    await handle.terminate('to see it close');
    expect(await watching).toBe('closed');
  });

  test('a run that has closed long ago is closed', async () => {
    const { handle, workflowId, runId } = await openRun();
    await handle.terminate('before anybody watched');
    expect(await lab.run('watch', { workflowId, runId })).toBe('closed');
  });

  test('it is that very run which counts: a later one under the same id may be open', async () => {
    const { handle, workflowId, runId } = await openRun();
    await handle.terminate('to make place');
    await client.workflow.start('nothing', { workflowId, taskQueue: 'nobody', args: [] });
    expect(await lab.run('watch', { workflowId, runId })).toBe('closed');
  });

  test('a run that is not there is not found', async () => {
    expect(await lab.run('watch', { workflowId: 'never', runId: randomUUID() })).toBe('notFound');
  });

  test('leaves nothing behind of a poll that came back empty: a watch may last for a day', async () => {
    const environment = new MockActivityEnvironment();
    const { cancellationSignal } = environment.context;
    const counts: number[] = [];
    const polls = {
      options: { namespace: 'default' },
      // As the client does it: the listener is never taken off.
      withAbortSignal: (signal: AbortSignal, poll: () => Promise<unknown>) => {
        signal.addEventListener('abort', () => undefined);
        return poll();
      },
      workflowService: {
        getWorkflowExecutionHistory: () => {
          counts.push(getEventListeners(cancellationSignal, 'abort').length);
          return Promise.resolve({ history: { events: counts.length < 20 ? [] : [{}] } });
        },
      },
    } as unknown as Client;
    const watch = watchActivity({ client: polls } as Dependencies);
    expect(await environment.run(watch, { workflowId: 'w', runId: 'r' })).toBe('closed');
    expect(new Set(counts).size).toBe(1);
  });

  test('heartbeats while nothing happens, and ends at once when it is cancelled', async () => {
    const { workflowId, runId } = await openRun();
    const begun = lab.begin('watch', { workflowId, runId });
    await until(() => begun.heartbeats.length > 0, 'a heartbeat');
    begun.environment.cancel();
    await expect(begun.result).rejects.toBeInstanceOf(CancelledFailure);
  });
});
