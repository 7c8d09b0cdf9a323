import { recordWorkflowId } from '../../domain/names';
import { signalNames } from '../../domain/turn';
import { instantiated } from './four';
import { openStage, type Stage } from './stage';

/** Temporal gives a run so many signals, and no more: a record continues as new long before that. */

const signalsMost = 40;
let stage: Stage;

beforeAll(async () => {
  stage = await openStage({ dynamicConfig: [`history.maximumSignalsPerExecution=${String(signalsMost)}`] });
}, 60_000);

afterAll(async () => {
  await stage.stop();
}, 60_000);

test('a record that takes no more signals is busy, and not unknown', async () => {
  const trial = await stage.open('y1');
  await instantiated(trial);
  const record = stage.client.workflow.getHandle(recordWorkflowId('y1'));
  const flood = async (): Promise<void> => {
    for (let sent = 0; sent <= signalsMost; sent++) await record.signal(signalNames.ask, { nonsense: true });
  };
  await expect(flood()).rejects.toThrow(/signal/);
  expect(await trial.run('scaleOut', { vnf: 'y1', pool: 'web', to: 6, waitSeconds: 2 })).toMatchObject({
    outcome: 'refused',
    kind: 'Busy',
  });
  expect((await stage.bulkhead.status('y1')).pools['web']?.level).toBe(4);
}, 60_000);
