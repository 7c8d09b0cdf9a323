import { recordWorkflowId } from '../../domain/names';
import { small, until } from '../real/world';
import { instantiated } from './four';
import { openStage, type Stage, type Trial } from './stage';

/** The record is terminated by hand while a run is at work: the run says so, and what it has left is found by whoever adopts. */

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
}, 60_000);
afterAll(async () => {
  await stage.stop();
}, 60_000);

async function adoptedAndGone(trial: Trial): Promise<void> {
  const { vnf, cloud } = trial;
  for (const [procedure, input] of [
    ['adopt', { descriptor: small }],
    ['audit', { repair: true }],
    ['terminate', {}],
  ] as const)
    expect(await trial.run(procedure, { vnf, ...input })).toMatchObject({ outcome: 'completed' });
  await until('its record has ended', 30, async () => {
    const { status } = await stage.client.workflow.getHandle(recordWorkflowId(vnf)).describe();
    return status.name === 'COMPLETED';
  });
  expect([cloud.servers.size, cloud.ports.size, cloud.securityGroups.size]).toEqual([0, 0, 0]);
}

/** The run waits for nobody for long: both play side by side. */
const limits = { undoSeconds: 3, stuckSeconds: 1 } as const;

const moments = [
  { vnf: 'a1', procedure: 'scaleOut', to: 6, at: 'awaitHealthy#1', step: 'commit', servers: 6 },
  { vnf: 'b1', procedure: 'scaleIn', to: 3, at: 'publish#1', step: 'drain and delete', servers: 4 },
] as const;

async function play({ vnf, procedure, to, at, step, servers }: (typeof moments)[number]): Promise<void> {
  const trial = await stage.open(vnf, 'operator', { limits });
  await instantiated(trial);
  const ended = await trial.run(procedure, { vnf, pool: 'web', to }, ({ key }) =>
    key === at ? stage.client.workflow.getHandle(recordWorkflowId(vnf)).terminate('by a test') : undefined,
  );
  expect(ended).toMatchObject({
    outcome: 'stuck',
    kind: 'Stuck',
    details: { vnf, step, error: { kind: 'UnknownVnf' }, remedy: expect.stringMatching(/^Adopt/) as string },
  });
  expect(ended.details?.['left']).toEqual(
    expect.arrayContaining([{ kind: 'server', id: expect.any(String) as string, name: nameOf(vnf, procedure) }]),
  );
  expect(trial.cloud.servers.size).toBe(servers);
  await adoptedAndGone(trial);
}

/** Of a member that it has made, or was to take away. */
function nameOf(vnf: string, procedure: 'scaleOut' | 'scaleIn'): string {
  return `${vnf}-web-${procedure === 'scaleOut' ? '5' : '4'}`;
}

test('before its commit or after it: the run is stuck and says why and what is left; adopt, audit and terminate leave nothing', async () => {
  const played = await Promise.allSettled(moments.map(play));
  expect(played.flatMap((each) => (each.status === 'rejected' ? [String(each.reason)] : []))).toEqual([]);
}, 90_000);
