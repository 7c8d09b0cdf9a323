import { areas } from './cases';
import { played } from './case';
import type { CloudUnderTest, Lever } from './cloud';
import { openEmbedded } from './embedded';
import { leversOf, openReal, realOptions } from './real';
import { discover, sceneOf, type Found } from './scene';

/**
 * What Bulkhead relies on in OpenStack, case by case: on the embedded cloud, or on a cloud of clouds.yaml.
 *
 *   BULKHEAD_CONTRACT_CLOUD=lab-operator BULKHEAD_CONTRACT_LAB=scripts/lab OS_CLIENT_CONFIG_FILE=clouds.yaml \
 *     npx jest test/contract
 *
 * The tenant's entry is BULKHEAD_CONTRACT_TENANT, or the operator's name with `tenant` for `operator`. Cases that take hosts
 * and services away are the last ones, and need the lab's program. Where the clouds differ, the embedded one is wrong.
 */

const real = realOptions(process.env);
const levers: ReadonlySet<Lever> = real ? leversOf(real) : new Set(['hosts', 'services']);

const all = areas.flatMap(({ area, cases }) => cases.map((each) => ({ area, each })));
const playable = all.filter(({ each }) => each.needs === undefined || levers.has(each.needs));
const numbered = playable.map(({ area, each }) => ({ name: `${area}: ${each.fact}`, each }));

const caseMs = 300_000;

let cloud: CloudUnderTest;
let found: Found;

beforeAll(async () => {
  cloud = await (real ? openReal(real) : openEmbedded());
  found = await discover(cloud);
}, caseMs);

afterAll(async () => {
  await cloud.close();
  const left = all.length - playable.length;
  process.stderr.write(
    `contract: ${String(playable.length)} cases on ${cloud.name}; ${String(left)} that it cannot play are left out\n`,
  );
}, caseMs);

test('each case has a name of its own', () => {
  expect(new Set(numbered.map(({ name }) => name)).size).toBe(numbered.length);
});

test.each(numbered)(
  '$name',
  async ({ each }) => {
    const scene = sceneOf(cloud, found);
    try {
      await played(each, scene);
    } finally {
      await scene.close();
    }
  },
  caseMs,
);
