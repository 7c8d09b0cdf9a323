import type { RecordView } from '../../domain/turn';
import { until } from '../real/world';
import { instantiated } from './four';
import { openStage, type Stage, type Trial } from './stage';
import { cleanUpId, endCleanUp, vanishes } from './vanishing';

/** A clean-up that cannot be done: nobody gets a turn until somebody has mended what was in its way. */

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
}, 60_000);
afterAll(async () => {
  await stage.stop();
}, 60_000);

interface Blocked {
  readonly trial: Trial;
  readonly view: RecordView;
}

/** One for each of two tests, both at once: most of the time each waits until three clean-ups have failed. */
let both: Promise<readonly [Blocked, Blocked]> | undefined;
async function blocked(which: 0 | 1): Promise<Blocked> {
  both ??= Promise.all([block('stuck1'), block('stuck2')]);
  return (await both)[which];
}

/** A run of it is terminated when it has launched, and the cloud deletes no server from then on. */
async function block(name: string): Promise<Blocked> {
  const trial = await stage.open(name);
  const { vnf } = trial;
  await instantiated(trial);
  const ended = await trial.run('scaleOut', { vnf, pool: 'web', to: 6 }, ({ key }) =>
    key === 'awaitHealthy#1' ? 'terminated' : undefined,
  );
  expect(ended.outcome).toBe('vanished');
  await trial.observer.addFault({
    kind: 'status',
    match: { method: 'DELETE', path: '/servers/' },
    times: 10_000,
    status: 500,
  });
  let view: RecordView | undefined;
  await until(`${vnf} is blocked`, 120, async () => {
    view = await stage.bulkhead.status(vnf);
    return view.blocked !== null;
  });
  if (!view) throw new Error('there is no status');
  return { trial, view };
}

test('whoever asks is refused as Stuck, and when the cloud is mended the clean-up is begun again and frees the turn', async () => {
  const { trial, view } = await blocked(0);
  const { vnf } = trial;
  expect(view.blocked).toContain('failed 3 times');
  const refused = await trial.run('scaleOut', { vnf, pool: 'web', to: 5 });
  expect(refused).toMatchObject({ outcome: 'refused', kind: 'Stuck' });
  expect(refused.message).toContain(`bulkhead clean-up ${vnf}`);

  await trial.observer.clearFaults();
  await stage.bulkhead.cleanUpAgain(vnf);
  expect((await trial.run('scaleOut', { vnf, pool: 'web', to: 5 })).outcome).toBe('completed');
  expect((await trial.settle({ faults: true }))?.pools['web']?.level).toBe(5);
}, 240_000);

test('a terminate removes what the clean-up left, too', async () => {
  const { trial } = await blocked(1);
  await trial.observer.clearFaults();
  expect((await trial.run('terminate', { vnf: trial.vnf })).outcome).toBe('completed');
  expect(await trial.settle({ faults: true })).toBeNull();
  expect(trial.cloud.servers.size).toBe(0);
}, 240_000);

test('one that is terminated, too, is no end of it: the record begins another, which leaves nothing', async () => {
  const trial = await stage.open('again1');
  const { vnf } = trial;
  await instantiated(trial);
  const input = { vnf, pool: 'web', to: 6 };
  const token = await vanishes(stage, trial, { procedure: 'scaleOut', input, at: 'awaitHealthy#1' });
  expect(trial.cloud.servers.size).toBe(6);
  await endCleanUp(stage, cleanUpId(vnf, token, 1));
  expect((await trial.settle({ faults: true }))?.pools['web']?.level).toBe(4);
  expect([trial.cloud.servers.size, trial.cloud.ports.size]).toEqual([4, 4]);
  const ends = [1, 2].map((attempt) => stage.client.workflow.getHandle(cleanUpId(vnf, token, attempt)).describe());
  expect((await Promise.all(ends)).map(({ status }) => status.name)).toEqual(['TERMINATED', 'COMPLETED']);
}, 120_000);

test('a clean-up of a VNF that there is not is UnknownVnf', async () => {
  await expect(stage.bulkhead.cleanUpAgain('nobody')).rejects.toMatchObject({ kind: 'UnknownVnf' });
});
