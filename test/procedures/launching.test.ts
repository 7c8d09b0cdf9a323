import { small, until } from '../real/world';
import { instantiated } from './four';
import { openStage, type Stage } from './stage';

/** What no single strike shows: launches side by side, and a world that moves between a plan and the next. */

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
}, 60_000);
afterAll(async () => {
  await stage.stop();
}, 60_000);

/** Two pools; `api` depends on what it is told to. */
function twoPools(dependsOn: readonly string[]): object {
  const [web] = small.pools;
  return { ...small, pools: [web, { ...web, name: 'api', dependsOn, size: { min: 3, initial: 3, max: 9 } }] };
}

test('where a launch fails, what is launched beside it is undone as well, however long it takes', async () => {
  const trial = await stage.open('a1');
  const fault = { kind: 'delay', delayMs: 1_000, match: { method: 'POST', path: '/ports$' } } as const;
  trial.cloud.faults.push({ fault, seen: 0, left: 1 });
  const ended = await trial.run('instantiate', { vnf: 'a1', descriptor: twoPools([]) }, (call) =>
    call.key === 'launch#2' ? 'fails' : undefined,
  );
  expect(ended).toMatchObject({ outcome: 'unwound', kind: 'CloudUnavailable' });
  await until('the other launch has ended', 10, () =>
    Promise.resolve(trial.calls().every(({ name, answer }) => name !== 'launch' || answer !== '…')),
  );
  await trial.settle({ faults: true });
  expect([trial.cloud.servers.size, trial.cloud.ports.size, trial.cloud.securityGroups.size]).toEqual([0, 0, 0]);
}, 60_000);

test('where a replan finds no room beside the dead, they go first then', async () => {
  const trial = await stage.open('b1');
  await instantiated(trial);
  await trial.observer.setServer('b1-web-2', { state: 'ERROR' });
  await trial.observer.setQuota({ resource: 'instances', limit: 5 });
  await trial.observer.addFault({ kind: 'buildError', match: { namePrefix: 'b1-web-5' }, times: 1 });
  const ended = await trial.run('heal', { vnf: 'b1' }, (call) => {
    if (call.key === 'awaitHealthy#1') void trial.observer.setQuota({ resource: 'instances', limit: 4 });
    return undefined;
  });
  expect(ended).toMatchObject({ outcome: 'completed', result: { launched: [{ name: 'b1-web-6' }], replans: 1 } });
  const web = (await trial.settle())?.pools['web'];
  expect(web).toMatchObject({ level: 4, failed: [] });
  expect(web?.inService.map(({ ordinal }) => ordinal)).toEqual([1, 3, 4, 6]);
}, 60_000);

test('a new plan of instantiate does not ask the quota again for the groups that are there', async () => {
  const trial = await stage.open('e1');
  await trial.observer.setQuota({ resource: 'security_groups', limit: 1 });
  await trial.observer.setQuota({ resource: 'security_group_rules', limit: 3 });
  await trial.observer.addFault({ kind: 'buildError', match: { namePrefix: 'e1-web-1' }, times: 1 });
  const ended = await trial.run('instantiate', { vnf: 'e1', descriptor: small });
  expect(ended).toMatchObject({ outcome: 'completed', result: { replans: 1 } });
  await trial.settle();
}, 60_000);

test('a member of an earlier layer that dies while a later one is launched is replaced before the commit', async () => {
  const trial = await stage.open('c1');
  const ended = await trial.run('instantiate', { vnf: 'c1', descriptor: twoPools(['web']) }, (call) => {
    if (call.brief === 'api-1 api-2 api-3' && call.name === 'launch')
      void trial.observer.setServer('c1-web-2', { state: 'ERROR' });
    return undefined;
  });
  expect(ended).toMatchObject({ outcome: 'completed', result: { replans: 1 } });
  const view = await trial.settle();
  expect(view?.pools['web']?.inService.map(({ ordinal }) => ordinal)).toEqual([1, 3, 4, 5]);
  expect(trial.cloud.servers.size).toBe(7);
}, 60_000);

test('what a create without an answer made late is gone before the commit', async () => {
  const trial = await stage.open('d1');
  await instantiated(trial);
  const ended = await trial.run('scaleOut', { vnf: 'd1', pool: 'web', to: 6 }, (call) => {
    if (call.key !== 'launch#1') return undefined;
    if (call.attempt === 1) return 'before';
    // The first attempt's request for ports, which was still on its way when the second one looked.
    setTimeout(() => {
      const made = [...trial.cloud.ports.values()].find(({ name }) => name.startsWith('d1-web-5-'));
      if (made) trial.cloud.ports.set('late', { ...made, id: 'late', deviceId: '' });
    }, 200);
    return undefined;
  });
  expect(ended.outcome).toBe('completed');
  await trial.settle();
  expect([trial.cloud.servers.size, trial.cloud.ports.size]).toEqual([6, 6]);
}, 60_000);

test('"No valid host" for the only host with room is looked at again, and once', async () => {
  for (const { name, times, outcome } of [
    { name: 'f1', times: 1, outcome: 'completed' },
    { name: 'g1', times: 2, outcome: 'unwound' },
  ]) {
    const trial = await stage.open(name);
    await instantiated(trial);
    const view = await stage.bulkhead.status(name);
    const used = view.pools['web']?.inService.map(({ host }) => host) ?? [];
    const [left, ...others] = trial.hosts.filter((host) => !used.includes(host));
    for (const host of trial.cloud.hosts.values()) if (others.includes(host.name)) host.enabled = false;
    await trial.observer.addFault({ kind: 'noValidHost', match: { host: left }, times });
    const ended = await trial.run('scaleOut', { vnf: name, pool: 'web', to: 5 });
    expect(ended).toMatchObject({ outcome });
    await trial.settle({ faults: true });
  }
}, 60_000);

describe('a scaleIn of members that are named', () => {
  test('takes them, one at a turn where the pool is serial', async () => {
    const trial = await stage.open('p1');
    const pools = small.pools.map((pool) => ({ ...pool, serial: true, spare: 2 }));
    const made = await trial.run('instantiate', { vnf: 'p1', descriptor: { ...small, pools } });
    expect(made.outcome).toBe('completed');
    const ended = await trial.run('scaleIn', {
      ...{ vnf: 'p1', pool: 'web', to: 3 },
      members: ['p1-web-1'],
    });
    expect(ended).toMatchObject({ outcome: 'completed', result: { launched: [], removed: [{ name: 'p1-web-1' }] } });
    await trial.run('scaleOut', { vnf: 'p1', pool: 'web', to: 5 });
    const twice = await trial.run('scaleIn', {
      ...{ vnf: 'p1', pool: 'web', to: 3 },
      members: ['p1-web-3', 'p1-web-2'],
    });
    expect(twice).toMatchObject({ outcome: 'completed', result: { levels: { web: { from: 5, to: 3 } } } });
    const web = (await trial.settle())?.pools['web'];
    expect(web?.inService.map(({ ordinal }) => ordinal)).toEqual([4, 5, 6]);
  }, 60_000);

  test('refuses whom it does not know, and more than are to leave, before it asks for a turn', async () => {
    const trial = await stage.open('q1');
    await instantiated(trial);
    for (const members of [['q1-web-9'], ['q1-web-1', 'q1-web-2']]) {
      const ended = await trial.run('scaleIn', { vnf: 'q1', pool: 'web', to: 3, members });
      const details = { problems: [{ path: 'members' }] };
      expect(ended).toMatchObject({ outcome: 'refused', kind: 'InvalidRequest', details });
      expect(trial.calls().filter(({ name }) => name === 'plan')).toEqual([]);
    }
    await trial.settle();
  }, 60_000);
});

test('a host in maintenance is emptied in several turns where the quota carries one member more', async () => {
  const trial = await stage.open('r1');
  const pools = small.pools.map((pool) => ({ ...pool, size: { min: 3, initial: 9, max: 30 } }));
  await trial.run('instantiate', { vnf: 'r1', descriptor: { ...small, pools } });
  const [{ host } = { host: '' }] = [...trial.cloud.servers.values()];
  const there = [...trial.cloud.servers.values()].filter((server) => server.host === host).length;
  expect(there).toBeGreaterThan(1);
  await trial.observer.setQuota({ resource: 'instances', limit: 10 });
  const ended = await trial.run('evacuateHost', { hosts: [host], cause: 'maintenance' });
  expect(ended).toMatchObject({ outcome: 'completed', result: { vnfs: [{ levels: { web: { from: 9, to: 9 } } }] } });
  expect(trial.calls().filter(({ name }) => name === 'commit' || name === 'publish')).toHaveLength(there);
  expect([...trial.cloud.servers.values()].filter((server) => server.host === host)).toEqual([]);
  await trial.settle();
}, 60_000);
