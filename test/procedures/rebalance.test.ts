import { instantiated } from './four';
import { openStage, type Stage } from './stage';

/** On a real Temporal server; every fault at every moment is tried on the virtual clock (`scripts/lib/virtual/specs.ts`). */

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
}, 60_000);
afterAll(async () => {
  await stage.stop();
}, 60_000);

test('a member that was migrated onto a full host is shown in the status and replaced elsewhere', async () => {
  const trial = await stage.open('r1');
  const { vnf, cloud } = trial;
  await instantiated(trial);
  const [first, second] = [...cloud.servers.values()];
  await trial.observer.setServer(second?.id ?? '', { host: first?.host ?? '' });
  expect((await trial.run('audit', { vnf })).outcome).toBe('completed');
  const found = await stage.bulkhead.status(vnf);
  expect(found.audited?.findings.map(({ kind }) => kind)).toEqual(['wrongHost', 'shareBroken']);

  expect(await trial.run('rebalance', { vnf })).toMatchObject({
    outcome: 'completed',
    result: { launched: [{ pool: 'web' }], removed: [{ pool: 'web', host: first?.host }], short: [] },
  });
  const view = await trial.settle();
  const members = view?.pools['web']?.inService ?? [];
  expect(new Set(members.map(({ host }) => host)).size).toBe(4);
  expect(members.map(({ serverId }) => cloud.servers.get(serverId)?.host)).toEqual(members.map(({ host }) => host));
  expect(view).not.toHaveProperty('audited');
}, 60_000);
