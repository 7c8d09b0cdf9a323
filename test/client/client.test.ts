import {
  ApplicationFailure,
  CancelledFailure,
  TerminatedFailure,
  TimeoutFailure,
  WorkflowFailedError,
} from '@temporalio/client';
import { RetryState, TimeoutType } from '@temporalio/common';
import {
  BulkheadError,
  connectBulkhead,
  TemporalUnavailableError,
  type Bulkhead,
  type ProcedureResult,
  type Run,
} from '../../client';
import { typed } from '../../client/errors';
import { small, startWorld, until, type World } from '../real/world';

/** What an NFVO sees of the client library, against a real Temporal server and the embedded cloud. */

let world: World;
let bulkhead: Bulkhead;
const vnf = 'web1';

beforeAll(async () => {
  // On four hosts, a pool of which one may have a third can be 4 or 6 strong, and not 5.
  world = await startWorld({ hosts: 'mz=4,dmz=1' });
  ({ bulkhead } = world);
}, 120_000);

afterAll(async () => {
  await world.stop();
}, 60_000);

/** What it throws, which must be a failure of a run. */
async function failureOf(promise: Promise<unknown>): Promise<BulkheadError> {
  const error = await promise.then(
    (result) => new Error(`it came back with ${JSON.stringify(result)}`),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof BulkheadError)) throw error;
  return error;
}

async function reaches<R>(run: Run<R>, step: string): Promise<void> {
  await until(`${run.workflowId} is at ${step}`, 20, async () => (await run.progress()).includes(`**${step}**`));
}

/** A scale-out whose launch takes a while, at its launch. */
async function slowly(to: number, workflowId?: string): Promise<Run<ProcedureResult>> {
  await world.stack.observer.addFault({
    kind: 'delay',
    delayMs: 1_000,
    times: 50,
    match: { method: 'POST', path: '/servers$' },
  });
  const run = await bulkhead.start(
    'scaleOut',
    { vnf, pool: 'web', to },
    workflowId === undefined ? {} : { workflowId },
  );
  await reaches(run, 'launch');
  return run;
}

async function changes(): Promise<number> {
  return (await world.stack.observer.log()).filter((event) => event.type !== 'note').length;
}

test('an instantiate comes back with what it launched, and where', async () => {
  const result = await bulkhead.instantiate({ vnf, descriptor: small });
  expect(result).toMatchObject({
    outcome: 'completed',
    procedure: 'instantiate',
    vnf,
    revision: 1,
    levels: { web: { from: 0, to: 4 } },
    removed: [],
    replans: 0,
    short: [],
    notRestorable: ['web'],
    cancelIgnored: false,
  });
  expect(result.launched.map(({ name }) => name).sort()).toEqual([
    'web1-web-1',
    'web1-web-2',
    'web1-web-3',
    'web1-web-4',
  ]);
  for (const { host } of result.launched) expect(host).toMatch(/^cmp-\d+$/);
});

test('the status of a VNF has its levels and its members by host', async () => {
  const view = await bulkhead.status(vnf);
  expect(view).toMatchObject({ schema: 1, vnf, phase: 'running', blocked: null, cleaning: false, debts: [] });
  expect(view.pools['web']).toMatchObject({ level: 4, failed: [] });
  expect(view.pools['web']?.inService.map(({ ordinal }) => ordinal).sort()).toEqual([1, 2, 3, 4]);
});

test('the status of a VNF that there is not is UnknownVnf', async () => {
  const { kind, outcome, details } = await failureOf(bulkhead.status('nobody'));
  expect({ kind, outcome, details }).toEqual({ kind: 'UnknownVnf', outcome: 'refused', details: { vnf: 'nobody' } });
});

test('the list has every VNF, with its phase and since when it is there', async () => {
  // Visibility is a moment behind.
  await until('the list has it', 20, async () => (await bulkhead.list()).some(({ phase }) => phase === 'running'));
  const listed = await bulkhead.list();
  expect(listed).toEqual([{ vnf, phase: 'running', startedAt: expect.any(Date) as Date }]);
});

test('a dry run says what would be launched and where, and touches nothing', async () => {
  const before = await changes();
  const planned = await bulkhead.scaleOut({ vnf, pool: 'web', to: 6, dryRun: true });
  expect(planned).toMatchObject({
    outcome: 'planned',
    procedure: 'scaleOut',
    vnf,
    levels: { web: { from: 4, to: 6 } },
    leaves: [],
  });
  expect(planned.launches.map(({ name }) => name)).toEqual(['web1-web-5', 'web1-web-6']);
  expect(await changes()).toBe(before);
  expect((await bulkhead.status(vnf)).pools['web']?.level).toBe(4);
});

test('a run that is started and not waited for says where it is, and how it ended', async () => {
  const run = await slowly(6);
  expect(run.workflowId).toMatch(/^scaleOut-/);
  expect(await run.progress()).toContain('scaleOut of web1: plan › **launch** › commit');
  expect(await run.result()).toMatchObject({ outcome: 'completed', levels: { web: { from: 4, to: 6 } } });
  expect(await run.progress()).toContain('**completed**');
  // It is found again by its id, also after its end.
  expect(await (await bulkhead.attach('scaleOut', run.workflowId)).result()).toMatchObject({ outcome: 'completed' });
});

test('the id of a run at work is refused to another, and free again after its end', async () => {
  const run = await slowly(7, 'nightly');
  const { kind, outcome, details } = await failureOf(
    bulkhead.scaleOut({ vnf, pool: 'web', to: 8 }, { workflowId: 'nightly' }),
  );
  expect({ kind, outcome, details }).toEqual({
    kind: 'AlreadyExists',
    outcome: 'refused',
    details: { workflowId: 'nightly' },
  });
  const attached = await bulkhead.attach('scaleOut', 'nightly');
  expect(attached.runId).toBe(run.runId);
  expect(await attached.result()).toMatchObject({ levels: { web: { from: 6, to: 7 } } });
  await world.stack.observer.clearFaults();
  const again = await bulkhead.scaleOut({ vnf, pool: 'web', to: 8 }, { workflowId: 'nightly' });
  expect(again.levels).toEqual({ web: { from: 7, to: 8 } });
});

test('a run is attached to under its own procedure only', async () => {
  expect((await failureOf(bulkhead.attach('scaleIn', 'nightly'))).kind).toBe('InvalidRequest');
  expect((await failureOf(bulkhead.attach('scaleOut', 'no-such-run'))).kind).toBe('InvalidRequest');
});

test('whoever does not want to wait for the turn is told that it is Busy', async () => {
  const run = await slowly(9);
  const before = await changes();
  const { kind, outcome } = await failureOf(bulkhead.scaleIn({ vnf, pool: 'web', to: 3, ifBusy: 'refuse' }));
  expect({ kind, outcome }).toEqual({ kind: 'Busy', outcome: 'refused' });
  expect(await changes()).toBe(before);
  expect(await run.result()).toMatchObject({ outcome: 'completed' });
});

test('a cancel before the pivot goes back, and says Cancelled', async () => {
  const run = await slowly(10);
  await run.cancel();
  const { kind, outcome } = await failureOf(run.result());
  expect({ kind, outcome }).toEqual({ kind: 'Cancelled', outcome: 'cancelled' });
  expect((await bulkhead.status(vnf)).pools['web']?.level).toBe(9);
  // Of a run that has ended it does nothing.
  await run.cancel();
  await world.stack.observer.clearFaults();
});

test('a cancel after the pivot is ignored, and the result says so', async () => {
  await world.stack.observer.addFault({
    kind: 'delay',
    delayMs: 1_000,
    times: 50,
    match: { method: 'DELETE', path: '/servers/' },
  });
  const run = await bulkhead.start('scaleIn', { vnf, pool: 'web', to: 6 });
  await reaches(run, 'drain and delete');
  await run.cancel();
  expect(await run.result()).toMatchObject({ outcome: 'completed', levels: { web: { to: 6 } }, cancelIgnored: true });
  await world.stack.observer.clearFaults();
});

test('input that is no input is refused, with every problem and its path', async () => {
  const { kind, outcome, details } = await failureOf(
    bulkhead.scaleOut({ vnf: 'Not A Name', pool: 'web', to: 0, waitSeconds: 0 }),
  );
  expect({ kind, outcome }).toEqual({ kind: 'InvalidRequest', outcome: 'refused' });
  expect(details.problems?.map(({ path }) => path)).toEqual(['vnf', 'to', 'waitSeconds']);
});

test.each(['vnf:web1', 'host:cmp-01', 'audit:web1'])('the workflow id %s is refused', async (workflowId) => {
  const refusal = await failureOf(bulkhead.start('heal', { vnf }, { workflowId }));
  expect({ kind: refusal.kind, details: refusal.details }).toEqual({ kind: 'InvalidRequest', details: { workflowId } });
});

test('what a quota lacks is in the details, resource by resource', async () => {
  await world.settle(vnf);
  await world.stack.observer.setQuota({ resource: 'instances', limit: 7 });
  const { kind, outcome, details } = await failureOf(bulkhead.scaleOut({ vnf, pool: 'web', to: 9 }));
  expect({ kind, outcome }).toEqual({ kind: 'QuotaExceeded', outcome: 'refused' });
  expect(details).toMatchObject({ vnf, short: [{ resource: 'instances', needed: 3, limit: 7, used: 6 }] });
  await world.stack.observer.setQuota({ resource: 'instances', limit: 1_000 });
});

test('a level that no hosts can carry is Impossible, with the reason of every host and the levels near it', async () => {
  const other = { ...small, pools: [{ ...small.pools[0], size: { min: 3, initial: 5, max: 30 } }] };
  const { kind, outcome, details } = await failureOf(bulkhead.instantiate({ vnf: 'web2', descriptor: other }));
  expect({ kind, outcome }).toEqual({ kind: 'Impossible', outcome: 'refused' });
  expect(details).toMatchObject({ vnf: 'web2', pool: 'web', nearestLevels: { below: 4, above: 6 } });
  expect(details.hosts).toMatchObject({ 'cmp-01': 'CapReached', 'dmz-01': 'WrongZone' });
  expect(details.constraint).toContain('at level 5 allows 1 on a host');
});

test('a query that no worker takes up is given up, and says that it is not the VNF that is missing', async () => {
  await world.client.workflow.start('vnf', { workflowId: 'vnf:asleep', taskQueue: 'nobody-works-here', args: [] });
  await expect(bulkhead.status('asleep')).rejects.toThrow(TemporalUnavailableError);
  await world.client.workflow.getHandle('vnf:asleep').terminate();
});

test('a Temporal that is not there is said to be so, with its address', async () => {
  const connecting = connectBulkhead({ address: '127.0.0.1:1', connectSeconds: 1 });
  await expect(connecting).rejects.toThrow(TemporalUnavailableError);
  await expect(connecting).rejects.toThrow(/127\.0\.0\.1:1 within 1 s/);
});

test('a terminate comes back with what it removed, and leaves nothing', async () => {
  const members = (await bulkhead.status(vnf)).pools['web']?.inService.length ?? 0;
  const result = await bulkhead.terminate({ vnf });
  expect(result.removed).toHaveLength(members);
  const left = (await world.stack.observer.log()).reduce(
    (count, { type }) => count + (type === 'server.created' ? 1 : type === 'server.deleted' ? -1 : 0),
    0,
  );
  expect(left).toBe(0);
  await until('the record has ended', 20, () =>
    bulkhead.status(vnf).then(
      () => false,
      (error: unknown) => error instanceof BulkheadError && error.kind === 'UnknownVnf',
    ),
  );
});

describe('how a run ended', () => {
  const ended = (cause: Error): unknown =>
    typed(new WorkflowFailedError('Workflow execution failed', cause, RetryState.NON_RETRYABLE_FAILURE));

  test.each<[string, Error, Partial<BulkheadError>]>([
    ['cancelled', new CancelledFailure('cancelled'), { kind: 'Cancelled', outcome: 'cancelled', details: {} }],
    ['terminated', new TerminatedFailure('by hand'), { kind: 'Terminated', outcome: 'vanished', details: {} }],
    [
      'timed out, which its starter asked for',
      new TimeoutFailure('late', undefined, TimeoutType.START_TO_CLOSE),
      { kind: 'Terminated', outcome: 'vanished' },
    ],
    [
      'unwound',
      ApplicationFailure.create({ type: 'MemberFailed', message: 'm', details: [{ vnf, outcome: 'unwound' }] }),
      { kind: 'MemberFailed', outcome: 'unwound', details: { vnf }, message: 'm' },
    ],
    [
      'stuck',
      ApplicationFailure.create({ type: 'Stuck', details: [{ step: 'publish', outcome: 'stuck' }] }),
      { kind: 'Stuck', outcome: 'stuck', details: { step: 'publish' } },
    ],
    [
      'refused without a word of how',
      ApplicationFailure.create({ type: 'UnknownVnf' }),
      { kind: 'UnknownVnf', outcome: 'refused', details: {} },
    ],
  ])('%s is typed', (_how, cause, expected) => {
    const error = ended(cause);
    expect(error).toBeInstanceOf(BulkheadError);
    expect(error).toMatchObject(expected);
  });

  test('what is of no known kind goes on as it is', () => {
    const bug = new WorkflowFailedError(
      'Workflow execution failed',
      ApplicationFailure.create({ type: 'TypeError' }),
      RetryState.NON_RETRYABLE_FAILURE,
    );
    expect(typed(bug)).toBe(bug);
    const other = new Error('of something else');
    expect(typed(other)).toBe(other);
  });
});
