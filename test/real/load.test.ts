import { expectHeld, small, startWorld, until, type World } from './world';

/** Two workers, a cloud that is to get no more than was said of both together, and one of them killed in the middle. */

const total = { calls: 6, perSecond: 60 };
let world: World;

beforeAll(async () => {
  world = await startWorld({
    workers: 2,
    workerEnv: {
      BULKHEAD_CLOUD_TOTAL_CALLS: String(total.calls),
      BULKHEAD_CLOUD_CALLS_PER_SECOND: String(total.perSecond),
      BULKHEAD_WAITS: '2',
      BULKHEAD_DRAINS: '2',
    },
  });
}, 60_000);
afterAll(() => world.stop());

const vnfs = ['a', 'b', 'c'];
/** Drains of some seconds, at the pace of these tests. */
const drainSeconds = 300;
const descriptor = { ...small, pools: small.pools.map((pool) => ({ ...pool, drainSeconds })) };

test('a worker of two is killed: the other does all, and the cloud never gets more than was set', async () => {
  const begun = await Promise.all(vnfs.map((vnf) => world.begin('instantiate', { vnf, descriptor })));
  await until('half of the members are being made', 30, async () => {
    const created = (await world.stack.observer.log()).filter(({ type }) => type === 'server.created');
    return created.length >= (vnfs.length * small.pools[0].size.initial) / 2;
  });
  world.stack.workers[0]?.kill('SIGKILL');
  for (const run of begun) expect(await run.end()).toMatchObject({ outcome: 'completed' });
  for (const vnf of vnfs) await world.settle(vnf);
  expectHeld(await world.verdict());
  const { atOnceMost, perSecondMost } = await world.stack.observer.calls();
  expect(atOnceMost).toBeLessThanOrEqual(total.calls);
  expect(perSecondMost).toBeLessThanOrEqual(total.perSecond);
  // It was near its limits, or they would say nothing.
  expect(perSecondMost).toBeGreaterThan(total.perSecond / 3);
}, 60_000);

test('drains that fill their queue keep nobody else waiting', async () => {
  const shrunk = ['a', 'b'];
  const draining = await Promise.all(shrunk.map((vnf) => world.begin('scaleIn', { vnf, pool: 'web', to: 3 })));
  await until('both owe what they drain', 30, async () => {
    const views = await Promise.all(shrunk.map((vnf) => world.bulkhead.status(vnf)));
    return views.every(({ debts, turn }) => debts.length === 1 && turn === null);
  });
  expect(await world.run('scaleOut', { vnf: 'c', pool: 'web', to: 5 })).toMatchObject({ outcome: 'completed' });
  const views = await Promise.all(shrunk.map((vnf) => world.bulkhead.status(vnf)));
  expect(views.map(({ debts }) => debts.length)).toContain(1);
  for (const run of draining) expect(await run.end()).toMatchObject({ outcome: 'completed' });
  for (const vnf of vnfs) await world.settle(vnf);
  expectHeld(await world.verdict());
}, 60_000);
