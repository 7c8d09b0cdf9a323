import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { temporal as protocol } from '@temporalio/proto';
import { historyFromJSON, historyToJSON } from '@temporalio/common/lib/proto-utils';
import { recordWorkflowId } from '../../domain/names';
import { root } from '../../scripts/lib/root';
import type { Running } from '../../scripts/lib/processes';
import type { Deployment, Version } from '../../workers/deployments';
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
/** New members are looked at for this long before they serve (at the pace of these tests): so long is a run in flight. */
const holdSeconds = 4;
const descriptor = {
  ...small,
  pools: [{ ...small.pools[0], healthyAfterSeconds: 100 * holdSeconds }],
};

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
  const { stdout } = await bulkhead('versions', '--json');
  return (JSON.parse(stdout) as Deployment).versions.find((version) => version.buildId === buildId);
}

/** Which version has done the steps of a run, in order and each once; `''` is an unversioned worker. */
async function doneBy(workflowId: string): Promise<string[]> {
  const { events } = await world.client.workflow.getHandle(workflowId).fetchHistory();
  return (events ?? [])
    .flatMap(({ workflowTaskCompletedEventAttributes: done }) => (done ? [done.deploymentVersion?.buildId ?? ''] : []))
    .filter((buildId, index, all) => buildId !== all[index - 1]);
}

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

  const begun = await world.begin('scaleOut', { vnf: 'web1', pool: 'web', to: 5 });
  await inFlight(begun);
  ofHere = await world.stack.startWorker({ env: versioned });
  expect(await versionNamed(here.buildId)).toMatchObject({ state: 'inactive', runs: 0 });
  const { code, stdout, stderr } = await bulkhead('deploy');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toContain(`what is new goes to ${here.buildId}`);
  await first.stop();

  expect((await begun.end()).outcome).toBe('completed');
  expect(await doneBy(begun.handle.workflowId)).toEqual(['', here.buildId]);
}, 120_000);
