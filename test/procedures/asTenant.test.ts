import { createHash } from 'node:crypto';
import { emit } from '../../simulator/model';
import { small } from '../real/world';
import { fourTests, instantiated } from './four';
import { openStage, type Stage, type Trial } from './stage';

/** The same procedures without admin rights: hosts are not seen, not asked for and not closed. The truth is the cloud's own. */

describe('instantiate', () => {
  fourTests({
    procedure: 'instantiate',
    as: 'tenant',
    prepare: () => Promise.resolve(),
    input: ({ vnf }) => ({ vnf, descriptor: small }),
    from: null,
    to: 4,
    pivot: 'publish#1',
    undo: ['removeByToken', 'removeGroups'],
    coveredElsewhere: [
      'loadDescriptor#1',
      'startRecord#1',
      'plan#1',
      'createGroups#1',
      'launch#1',
      'awaitHealthy#1',
      'publish#1',
    ],
    goneBack: nothingLeft,
    succeeds: ({ result }, trial) => {
      expect(result).toMatchObject({ levels: { web: { from: 0, to: 4 } }, launched: [{}, {}, {}, {}] });
      expect(new Set(hostsOf(trial)).size).toBe(4);
      expect(trial.cloud.serverGroups.size).toBe(1);
    },
  });
});

describe('scaleOut to a level with a higher cap', () => {
  fourTests({
    procedure: 'scaleOut',
    as: 'tenant',
    input: ({ vnf }) => ({ vnf, pool: 'web', to: 6 }),
    from: 4,
    to: 6,
    pivot: 'publish#1',
    undo: ['removeByToken'],
    coveredElsewhere: ['readRecord#1', 'plan#1', 'publish#1'],
    goneBack: ({ cloud }) => {
      expect(cloud.serverGroups.size).toBe(1);
    },
    succeeds: ({ result }, { cloud }) => {
      expect(result).toMatchObject({
        levels: { web: { from: 4, to: 6 } },
        launched: [{}, {}],
        removed: [],
        replans: 0,
      });
      expect(cloud.serverGroups.size).toBe(2);
    },
  });
});

describe('one after another', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage();
  }, 60_000);
  afterAll(async () => {
    await stage.stop();
  }, 60_000);

  const opened = async (vnf: string): Promise<Trial> => {
    const trial = await stage.open(vnf, 'tenant');
    await instantiated(trial);
    return trial;
  };

  test('out, in, heal, a host emptied and terminate leave nothing, and no host gets more than its share', async () => {
    const trial = await opened('a1');
    const { vnf, cloud, observer } = trial;
    expect(await trial.run('scaleOut', { vnf, pool: 'web', to: 9 })).toMatchObject({ outcome: 'completed' });
    await trial.settle();
    expect(Math.max(...countsOf(trial))).toBeLessThanOrEqual(3);
    expect(await trial.run('scaleIn', { vnf, pool: 'web', to: 5 })).toMatchObject({ outcome: 'completed' });
    await trial.settle();
    expect(countsOf(trial)).toEqual([1, 1, 1, 1, 1]);
    await observer.setServer(serversOf(trial)[0]?.name ?? '', { state: 'ERROR' });
    expect(await trial.run('heal', { vnf })).toMatchObject({ outcome: 'completed', result: { launched: [{}] } });
    await trial.settle();
    const host = hostsOf(trial)[0] ?? '';
    const ended = await trial.run('evacuateHost', { hosts: [hostIdOf(trial, host)], cause: 'maintenance' });
    expect(ended).toMatchObject({ outcome: 'completed', result: { vnfs: [{ launched: [{}], removed: [{}] }] } });
    await trial.settle();
    expect(hostsOf(trial)).not.toContain(host);
    expect([...cloud.hosts.values()].every(({ enabled }) => enabled)).toBe(true);
    expect(await trial.run('terminate', { vnf })).toMatchObject({ outcome: 'completed' });
    await trial.settle();
    nothingLeft(trial);
  }, 120_000);

  test('a member that is put where its pool is full is kept as long as it keeps the next one off', async () => {
    const trial = await opened('b1');
    await trial.observer.addFault({ kind: 'misplace', match: { namePrefix: 'b1-web-5' }, times: 1 });
    const ended = await trial.run('scaleOut', { vnf: 'b1', pool: 'web', to: 5 });
    expect(ended).toMatchObject({ outcome: 'completed', result: { launched: [{ name: 'b1-web-6' }], replans: 1 } });
    await trial.settle({ faults: true });
    expect(countsOf(trial)).toEqual([1, 1, 1, 1, 1]);
  }, 60_000);

  test('where members are misplaced again and again all goes back', async () => {
    const trial = await opened('c1');
    await trial.observer.addFault({ kind: 'misplace', match: { namePrefix: 'c1-web' }, times: 20 });
    const ended = await trial.run('scaleOut', { vnf: 'c1', pool: 'web', to: 6 });
    expect(ended).toMatchObject({ outcome: 'unwound', kind: 'AntiAffinityViolated' });
    await trial.settle({ faults: true });
    expect([trial.cloud.servers.size, trial.cloud.ports.size, trial.cloud.serverGroups.size]).toEqual([4, 4, 1]);
  }, 60_000);

  test('"no valid host" is asked about again, since Placement may have been away', async () => {
    const trial = await opened('d1');
    await trial.observer.addFault({ kind: 'noValidHost', match: { namePrefix: 'd1-web' }, times: 2 });
    const ended = await trial.run('scaleOut', { vnf: 'd1', pool: 'web', to: 6 });
    expect(ended).toMatchObject({ outcome: 'completed', result: { replans: 1 } });
    await trial.settle({ faults: true });
  }, 60_000);

  test('where there is no room it is NotFound, after other groups were tried, and all goes back', async () => {
    const trial = await opened('e1');
    // None is open but those that have one already, and one may be on each.
    for (const host of trial.cloud.hosts.values()) if (!hostsOf(trial).includes(host.name)) host.enabled = false;
    const ended = await trial.run('scaleOut', { vnf: 'e1', pool: 'web', to: 5 });
    expect(ended).toMatchObject({ outcome: 'unwound', kind: 'NotFound' });
    await trial.settle({ faults: true });
    expect([trial.cloud.servers.size, trial.cloud.ports.size, trial.cloud.serverGroups.size]).toEqual([4, 4, 1]);
  }, 60_000);

  test('where every host has a member whoever dies is replaced where it was: the dead go first', async () => {
    const trial = await opened('j1');
    for (const host of trial.cloud.hosts.values()) if (!hostsOf(trial).includes(host.name)) host.enabled = false;
    const [dead] = serversOf(trial);
    await trial.observer.setServer(dead?.name ?? '', { state: 'ERROR' });
    const ended = await trial.run('heal', { vnf: 'j1' });
    expect(ended).toMatchObject({ outcome: 'completed', result: { launched: [{}], removed: [{ name: dead?.name }] } });
    await trial.settle({ faults: true });
    expect(countsOf(trial)).toEqual([1, 1, 1, 1]);
  }, 60_000);

  test('a quota of server groups that does not suffice is said first, with what to raise', async () => {
    const trial = await opened('f1');
    await trial.observer.setQuota({ project: 'tenant', resource: 'server_groups', limit: 2 });
    const groups = await trial.run('scaleOut', { vnf: 'f1', pool: 'web', to: 9 });
    expect(groups).toMatchObject({
      outcome: 'refused',
      kind: 'QuotaExceeded',
      details: { remedy: expect.stringMatching(/^Raise server_groups to at least 3\./) as string },
    });
    await trial.observer.setQuota({ project: 'tenant', resource: 'server_group_members', limit: 4 });
    const members = await trial.run('scaleOut', { vnf: 'f1', pool: 'web', to: 5 });
    expect(members).toMatchObject({
      outcome: 'refused',
      kind: 'QuotaExceeded',
      details: { remedy: expect.stringMatching(/^Raise server_group_members to at least 5\./) as string },
    });
    await trial.settle();
    expect(trial.cloud.servers.size).toBe(4);
  }, 60_000);

  test('a server group that somebody has deleted is made again', async () => {
    const trial = await opened('g1');
    for (const id of trial.cloud.serverGroups.keys())
      emit(trial.cloud, { type: 'serverGroup.deleted', requestId: null, id });
    trial.cloud.serverGroups.clear();
    const ended = await trial.run('scaleOut', { vnf: 'g1', pool: 'web', to: 5 });
    expect(ended.outcome).toBe('completed');
    const view = await trial.settle({ faults: true });
    expect(view?.groups.filter(({ apart }) => apart !== undefined).map(({ id }) => id)).toEqual([
      ...trial.cloud.serverGroups.keys(),
    ]);
    expect(countsOf(trial)).toEqual([1, 1, 1, 1, 1]);
  }, 60_000);

  test('a hostId that no server has is refused', async () => {
    const trial = await opened('h1');
    const ended = await trial.run('evacuateHost', { hosts: ['h1nowhere'], cause: 'failed' });
    expect(ended).toMatchObject({ outcome: 'refused', kind: 'InvalidRequest' });
    await trial.settle();
  }, 60_000);
});

function serversOf({ cloud, vnf }: Trial): { name: string; host: string | null }[] {
  return [...cloud.servers.values()].filter(({ name }) => name.startsWith(`${vnf}-`));
}

function hostsOf(trial: Trial): string[] {
  return serversOf(trial).flatMap(({ host }) => host ?? []);
}

/** How many are on each host that has any, in order. */
function countsOf(trial: Trial): number[] {
  const counts = new Map<string, number>();
  for (const host of hostsOf(trial)) counts.set(host, (counts.get(host) ?? 0) + 1);
  return [...counts.values()].sort((a, b) => a - b);
}

/** As Nova hashes it. */
function hostIdOf({ cloud }: Trial, host: string): string {
  const [server] = [...cloud.servers.values()].filter((each) => each.host === host);
  return createHash('sha224')
    .update(`${server?.projectId ?? ''}${host}`)
    .digest('hex');
}

function nothingLeft({ cloud }: Trial): void {
  const { servers, ports, securityGroups, serverGroups } = cloud;
  expect([servers.size, ports.size, securityGroups.size, serverGroups.size]).toEqual([0, 0, 0, 0]);
}
