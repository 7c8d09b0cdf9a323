import { rmSync } from 'node:fs';
import { temporal as protocol } from '@temporalio/proto';
import { recordWorkflowId } from '../../domain/names';
import { root } from '../../scripts/lib/root';
import type { Running } from '../../scripts/lib/processes';
import { readDeployment, type Version } from '../../workers/deployments';
import { runToEnd, type Finished } from './program';
import { changes, nextRelease, releaseIn, releaseOf, type Release } from './releases';
import { expectHeld, small, startWorld, until, type Begun, type World } from './world';

/**
 * Releases are rolled out over one another on a real Temporal server, with runs in flight: what has begun ends where it began, what is new goes to
 * the new one, and the record moves.
 *
 * `BULKHEAD_PREVIOUS_RELEASE=<commit or tag>` begins with the workers of that release, rather than with unversioned ones of this.
 */

const name = 'bulkhead';
/** So that a member may be waited for as long as the gate is closed: ten minutes, at the pace of these tests. */
const bootTimeoutSeconds = 60_000;
const descriptor = { ...small, pools: [{ ...small.pools[0], bootTimeoutSeconds }] };

let world: World;
let here: Release;
let next: Release;
const made: string[] = [];
let first: Running;
let ofHere: Running;

beforeAll(async () => {
  here = releaseIn(root);
  next = nextRelease([changes.stepOrder, changes.recordPatched]);
  made.push(next.directory);
  const ref = process.env['BULKHEAD_PREVIOUS_RELEASE'];
  const previous = ref === undefined || ref === '' ? root : releaseOf(ref);
  if (previous !== root) made.push(previous);
  world = await startWorld({
    workers: 0,
    hosts: 'mz=12,dmz=1',
    // By default Temporal looks every three minutes whether a version is drained.
    dynamicConfig: ['StatusRefreshInterval', 'StatusVisibilityGracePeriod'].map(
      (key) => `matching.wv.VersionDrainage${key}="1s"`,
    ),
  });
  first = await world.stack.startWorker({ release: previous });
}, 120_000);

afterAll(async () => {
  await world.stop();
  for (const directory of made) rmSync(directory, { recursive: true, force: true });
}, 60_000);

const versioned = { BULKHEAD_DEPLOYMENT: name };

async function bulkhead(...args: string[]): Promise<Finished> {
  return await runToEnd('scripts/programs/cli/main.js', args, {
    env: { TEMPORAL_ADDRESS: world.stack.temporal.address },
  });
}

async function versionNamed(buildId: string): Promise<Version | undefined> {
  const deployment = await readDeployment({ connection: world.client.connection, namespace: 'default' }, name);
  return deployment?.versions.find((version) => version.buildId === buildId);
}

/** Which version has done the steps of a run, in order and each once; `''` is an unversioned worker. */
async function doneBy(workflowId: string): Promise<string[]> {
  const { events } = await world.client.workflow.getHandle(workflowId).fetchHistory();
  return (events ?? [])
    .flatMap(({ workflowTaskCompletedEventAttributes: done }) => (done ? [done.deploymentVersion?.buildId ?? ''] : []))
    .filter((buildId, index, all) => buildId !== all[index - 1]);
}

/** While it is closed the cloud does not say how new members are, so that the run that has launched them is in flight. */
const gate = {
  close: () =>
    world.stack.observer.addFault({
      kind: 'status',
      match: { method: 'GET', path: 'servers/detail.*token' },
      status: 503,
      times: 1_000_000,
    }),
  open: () => world.stack.observer.clearFaults(),
};

/** Its new members are there, and are looked at. */
async function inFlight({ handle }: Begun): Promise<void> {
  await until(`${handle.workflowId} waits for its members`, 30, async () => {
    const { pendingActivities } = (await handle.describe()).raw;
    return pendingActivities?.some(({ activityType }) => activityType?.name === 'awaitHealthy') === true;
  });
}

test('the first deployment: what unversioned workers have begun goes on with the version that is made current', async () => {
  const nobody = await bulkhead('deploy', '--wait-seconds', '0');
  expect(nobody).toMatchObject({ code: 1, stdout: '' });
  expect(nobody.stderr).toContain('There is no deployment bulkhead in namespace default: start a worker');

  const vnfs = ['web1', 'web2'];
  const up = await Promise.all(vnfs.map((vnf) => world.run('instantiate', { vnf, descriptor })));
  expect(up.map(({ outcome }) => outcome)).toEqual(['completed', 'completed']);

  await gate.close();
  const begun = await world.begin('scaleOut', { vnf: 'web1', pool: 'web', to: 5 });
  await inFlight(begun);
  ofHere = await world.stack.startWorker({ env: versioned });
  await until('it has come', 30, async () => (await versionNamed(here.buildId)) !== undefined);
  expect(await versionNamed(here.buildId)).toMatchObject({ state: 'inactive', runs: 0 });
  const { code, stdout } = await bulkhead('deploy');
  expect(code).toBe(0);
  expect(stdout).toContain(`what is new goes to ${here.buildId}`);
  await gate.open();
  await first.stop();

  expect((await begun.end()).outcome).toBe('completed');
  expect(await doneBy(begun.handle.workflowId)).toEqual(['', here.buildId]);
}, 120_000);

/** What would become of a run that is not pinned. */
async function unpin({ handle }: Begun): Promise<void> {
  await world.client.workflowService.updateWorkflowExecutionOptions({
    namespace: 'default',
    workflowExecution: { workflowId: handle.workflowId },
    workflowExecutionOptions: { versioningOverride: { autoUpgrade: true } },
    updateMask: { paths: ['versioning_override'] },
  });
}

/** A version has found that the run has not done what its own code would have done. It stands still until one has that can go on with it. */
async function nondeterminism({ handle }: Begun): Promise<boolean> {
  const { events } = await handle.fetchHistory();
  return (events ?? []).some(
    ({ workflowTaskFailedEventAttributes: failed }) =>
      failed?.cause ===
      protocol.api.enums.v1.WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR,
  );
}

describe('a release with another order of steps', () => {
  let holder: Begun;
  let queued: Begun;
  let unpinned: Begun;
  let after: Begun;

  test('is deployed while runs are in flight, and is not before it has workers', async () => {
    const early = await bulkhead('deploy', next.buildId, '--wait-seconds', '0');
    expect(early).toMatchObject({ code: 1, stdout: '' });
    expect(early.stderr).toContain(
      `No worker of ${next.buildId} has ever come; the deployment bulkhead has ${here.buildId} (current)`,
    );

    await world.stack.startWorker({ release: next.directory, env: versioned });
    await gate.close();
    [holder, unpinned] = await Promise.all([
      world.begin('scaleOut', { vnf: 'web1', pool: 'web', to: 6 }),
      world.begin('scaleOut', { vnf: 'web2', pool: 'web', to: 5 }),
    ]);
    await Promise.all([inFlight(holder), inFlight(unpinned)]);
    queued = await world.begin('scaleOut', { vnf: 'web1', pool: 'web', to: 7 });
    await until('it has asked for its turn', 30, async () => (await world.bulkhead.status('web1')).queue.length === 1);

    await until('all are listed', 30, async () => (await versionNamed(here.buildId))?.runs === 3);
    const { code, stdout } = await bulkhead('deploy', next.buildId);
    expect(code).toBe(0);
    expect(stdout).toContain(`what is new goes to ${next.buildId}`);
    expect(stdout).toContain(`${here.buildId}: draining, 3 runs, 1 worker. Keep its workers until it is drained`);
    await unpin(unpinned);
    await gate.open();
  }, 120_000);

  test('what has begun ends where it began, and what is new goes to the new one', async () => {
    after = await world.begin('scaleOut', { vnf: 'web1', pool: 'web', to: 8 });
    const ended = await Promise.all([holder, queued, after].map(async (each) => (await each.end()).outcome));
    expect(ended).toEqual(['completed', 'completed', 'completed']);
    expect(await doneBy(holder.handle.workflowId)).toEqual([here.buildId]);
    expect(await doneBy(queued.handle.workflowId)).toEqual([here.buildId]);
    expect(await doneBy(after.handle.workflowId)).toEqual([next.buildId]);
  }, 120_000);

  test('the record moves in the midst of a turn, and what it does anew it does behind `patched`', async () => {
    const workflowId = recordWorkflowId('web1');
    expect(await doneBy(workflowId)).toEqual(['', here.buildId, next.buildId]);
    const { events } = await world.client.workflow.getHandle(workflowId).fetchHistory();
    const markers = (events ?? []).filter(
      ({ markerRecordedEventAttributes: marker }) => marker?.markerName === 'core_patch',
    );
    expect(markers).toHaveLength(1);
  });

  test('a run that is not pinned cannot go on with it, and does when the older release is deployed again', async () => {
    await until('the new release has tried it', 30, () => nondeterminism(unpinned));
    const share = await bulkhead('deploy', here.buildId, '--ramp', '10', '--json');
    const ramping = { buildId: here.buildId, percent: 10 };
    expect(JSON.parse(share.stdout)).toMatchObject({ current: next.buildId, ramping });
    const noShare = await bulkhead('deploy', next.buildId, '--json');
    expect(JSON.parse(noShare.stdout)).toMatchObject({ current: next.buildId, ramping: null });
    const all = await bulkhead('deploy', '--json');
    expect(JSON.parse(all.stdout)).toMatchObject({ current: here.buildId, ramping: null });
    expect((await unpinned.end()).outcome).toBe('completed');
    expect(await doneBy(unpinned.handle.workflowId)).toEqual([here.buildId]);
    expect((await bulkhead('deploy', next.buildId)).stdout).toContain(`what is new goes to ${next.buildId}`);
  }, 120_000);

  test('the old one is drained, its workers are stopped, and everything goes on', async () => {
    const { code, stdout } = await bulkhead('deploy', next.buildId, '--until-drained', '--drain-seconds', '60');
    expect(code).toBe(0);
    expect(stdout).toContain(`${here.buildId}: drained, 0 runs, 1 worker. Its workers may be stopped`);
    expect(JSON.parse((await bulkhead('versions', '--json')).stdout)).toMatchObject({
      name,
      current: next.buildId,
      ramping: null,
      versions: [
        { buildId: next.buildId, state: 'current' },
        { buildId: here.buildId, state: 'drained' },
      ],
    });
    await ofHere.stop();
    for (const vnf of ['web1', 'web2']) {
      await world.settle(vnf);
      expect((await world.run('terminate', { vnf })).outcome).toBe('completed');
      expect(await world.settle(vnf)).toBeNull();
    }
    expectHeld(await world.verdict());
  }, 120_000);
});
