import { launched, openLab, recordOf, rowsOf, turn, until, vnf, type Lab } from './lab';
import type { Member } from '../../domain/record';
import { migrate } from '../../simulator';
import type { Host } from '../../simulator/model';

let lab: Lab;
beforeEach(async () => {
  lab = await openLab();
});
afterEach(() => lab.close());

function hostNamed(name: string): Host {
  const host = lab.cloud.hosts.get(name);
  if (!host) throw new Error(`there is no host ${name}`);
  return host;
}

async function active(members: readonly Member[]): Promise<readonly Member[]> {
  await until(
    () => members.every(({ serverId }) => lab.cloud.servers.get(serverId)?.status === 'ACTIVE'),
    'all are ACTIVE',
  );
  return members;
}

describe('findDead', () => {
  test('an attempt that comes too late ends, and leaves no rejection that nobody waits for', async () => {
    const late = { scheduledTimestampMs: Date.now() - 3_600_000, scheduleToCloseTimeoutMs: 60_000 };
    const attempt = lab.run('findDead', { vnf, record: recordOf({}) }, late);
    await expect(attempt).rejects.toMatchObject({ type: 'CloudUnavailable', nonRetryable: false });
  });

  test('dead is what is in ERROR, off, or gone; the others live', async () => {
    const members = await active(await launched(lab, rowsOf('web', [1, 2, 3, 4])));
    const [error, off] = members.map(({ serverId }) => lab.cloud.servers.get(serverId));
    if (!error || !off) throw new Error('they were launched');
    error.status = 'ERROR';
    off.status = 'SHUTOFF';
    lab.cloud.servers.delete(members[2]?.serverId ?? '');
    const { dead, alive } = await lab.run('findDead', {
      vnf,
      record: recordOf({ web: { level: 4, inService: members } }),
    });
    expect(dead.map(({ ordinal }) => ordinal)).toEqual([1, 2, 3]);
    expect(alive).toEqual([{ pool: 'web', ordinal: 4 }]);
  });

  test('one whose tags somebody has taken off is not gone', async () => {
    const members = await active(await launched(lab, rowsOf('web', [1, 2])));
    for (const { serverId } of members) Object.assign(lab.cloud.servers.get(serverId) ?? {}, { tags: [] });
    lab.cloud.servers.delete(members[1]?.serverId ?? '');
    const { dead, alive } = await lab.run('findDead', {
      vnf,
      record: recordOf({ web: { level: 2, inService: members } }),
    });
    expect({ dead, alive }).toEqual({ dead: [{ pool: 'web', ordinal: 2 }], alive: [{ pool: 'web', ordinal: 1 }] });
  });

  test('a host that is reported down proves nothing; one that somebody has fenced does', async () => {
    const members = await active(await launched(lab, rowsOf('web', [1, 2])));
    const record = recordOf({ web: { level: 2, inService: members } });
    hostNamed('cmp-01').reportedUp = false;
    expect((await lab.run('findDead', { vnf, record })).dead).toEqual([]);
    hostNamed('cmp-01').forcedDown = true;
    expect((await lab.run('findDead', { vnf, record })).dead).toEqual([{ pool: 'web', ordinal: 1 }]);
  });

  test('asked about some, it speaks of those alone', async () => {
    const members = await active(await launched(lab, rowsOf('web', [1, 2])));
    lab.cloud.servers.clear();
    const record = recordOf({ web: { level: 2, inService: members } });
    const { dead, alive } = await lab.run('findDead', { vnf, record, members: [{ pool: 'web', ordinal: 2 }] });
    expect({ dead, alive }).toEqual({ dead: [{ pool: 'web', ordinal: 2 }], alive: [] });
  });
});

describe('findDead, of hosts,', () => {
  test('goes by where the cloud has a member, and by the record of those that it has nowhere', async () => {
    const members = await active(await launched(lab, rowsOf('web', [1, 2, 3, 4])));
    const [left, stayed, came, unplaced] = members.map(({ serverId }) => lab.cloud.servers.get(serverId));
    const host = hostNamed(stayed?.host ?? '');
    const recorded = members.map((member) => (member.ordinal === 3 ? member : { ...member, host: host.name }));
    if (left?.host === host.name || !came || !unplaced) throw new Error('they are on hosts of their own');
    migrate(lab.cloud, came, host);
    unplaced.host = null;
    const input = {
      ...{ vnf, hosts: [host.name], record: recordOf({ web: { level: 4, inService: recorded } }) },
      members: [1, 2, 3, 4].map((ordinal) => ({ pool: 'web', ordinal })),
    };
    const refs = (...ordinals: number[]) => ordinals.map((ordinal) => ({ pool: 'web', ordinal }));
    expect(await lab.run('findDead', input)).toEqual({ dead: [], alive: refs(2, 3, 4) });
    host.forcedDown = true;
    expect(await lab.run('findDead', input)).toEqual({ dead: refs(2, 3, 4), alive: [] });
  });
});

describe('findOnHosts', () => {
  test('tells members by their VNF from what is not ours, host by host', async () => {
    const [ours] = await active(await launched(lab, rowsOf('web', [1])));
    await active(await launched(lab, rowsOf('web', [1]), { vnf: 'ims2' }));
    const server = lab.cloud.servers.get(ours?.serverId ?? '');
    if (!server) throw new Error('it was launched');
    lab.cloud.servers.set('foreign', { ...server, id: 'foreign', projectId: 'another', tags: [] });
    const [first, second] = await lab.run('findOnHosts', { hosts: ['cmp-01', 'cmp-02'] });
    expect(first).toEqual({
      host: 'cmp-01',
      up: true,
      enabled: true,
      vnfs: { ims1: [{ pool: 'web', ordinal: 1 }], ims2: [{ pool: 'web', ordinal: 1 }] },
      foreign: ['foreign'],
    });
    expect(second).toEqual({ host: 'cmp-02', up: true, enabled: true, vnfs: {}, foreign: [] });
  });

  test('tells of one that Nova has a host for and does not say so yet, as far as it may ask Placement', async () => {
    const [ours] = await active(await launched(lab, rowsOf('web', [1])));
    const server = lab.cloud.servers.get(ours?.serverId ?? '');
    if (!server) throw new Error('it was launched');
    Object.assign(server, { host: null, status: 'BUILD' });
    const vnfsOn = async (): Promise<object[]> =>
      (await lab.run('findOnHosts', { hosts: ['cmp-01', 'cmp-02'] })).map(({ vnfs }) => vnfs);
    expect(await vnfsOn()).toEqual([{ ims1: [{ pool: 'web', ordinal: 1 }] }, {}]);
    lab.addFault({ kind: 'status', status: 403, match: { path: '/allocations/' } });
    expect(await vnfsOn()).toEqual([{}, {}]);
  });

  test('takes the word of no other project, whatever it tags its servers with', async () => {
    const [ours] = await active(await launched(lab, rowsOf('web', [1])));
    const server = lab.cloud.servers.get(ours?.serverId ?? '');
    if (!server) throw new Error('it was launched');
    const forged = ['ims1', 'constructor', '__proto__', 'x', '../ims1', "a' OR '1", 'A'].map((vnf, index) => {
      const id = `forged-${String(index)}`;
      lab.cloud.servers.set(id, {
        ...server,
        id,
        projectId: 'another',
        tags: [`bulkhead:vnf=${vnf}`, 'bulkhead:pool=web', `bulkhead:ordinal=${String(index + 7)}`, 'bulkhead:token=t'],
      });
      return id;
    });
    // Of our own project, but no id that a VNF may have; and one that every object seems to have.
    const odd = { ...server, id: 'odd', tags: ['bulkhead:vnf=__proto__', 'bulkhead:pool=web', 'bulkhead:ordinal=1'] };
    const named = {
      ...server,
      id: 'named',
      tags: ['bulkhead:vnf=constructor', 'bulkhead:pool=web', 'bulkhead:ordinal=1'],
    };
    for (const each of [odd, named]) lab.cloud.servers.set(each.id, each);
    const [found] = await lab.run('findOnHosts', { hosts: ['cmp-01'] });
    expect(found?.vnfs).toEqual({ ims1: [{ pool: 'web', ordinal: 1 }], constructor: [{ pool: 'web', ordinal: 1 }] });
    expect([...(found?.foreign ?? [])].sort()).toEqual([...forged, 'odd'].sort());
  });

  test('a host that does not exist is refused with those that do', async () => {
    const found = lab.run('findOnHosts', { hosts: ['cmp-01', 'cmp-99'] });
    await expect(found).rejects.toMatchObject({
      type: 'InvalidRequest',
      nonRetryable: true,
      message: expect.stringContaining('cmp-04') as string,
    });
  });
});

describe('closing and opening hosts', () => {
  const occurrence = 'run-of-evacuateHost';
  const close = (
    hosts: string[],
    more: { fence?: boolean; occurrence?: string } = {},
  ): Promise<{ closed: string[]; fenced: string[] }> =>
    lab.run('closeHosts', { hosts, occurrence, fence: false, timing: lab.timing, ...more });
  const reopen = (hosts: string[], by = occurrence): Promise<void> =>
    lab.run('reopenHosts', { hosts, occurrence: by, timing: lab.timing });

  test('a closed host is marked with who closed it, and opened by the same alone', async () => {
    expect(await close(['cmp-01'])).toEqual({ closed: ['cmp-01'], fenced: [] });
    expect(hostNamed('cmp-01')).toMatchObject({
      enabled: false,
      forcedDown: false,
      disabledReason: `bulkhead:${occurrence}`,
    });
    await reopen(['cmp-01'], 'another-run');
    expect(hostNamed('cmp-01').enabled).toBe(false);
    await reopen(['cmp-01']);
    expect(hostNamed('cmp-01')).toMatchObject({ enabled: true, disabledReason: null });
  });

  test('a host that another run has forced down since stays closed, and ours', async () => {
    await close(['cmp-01', 'cmp-02']);
    const theirs = await lab.run('closeHosts', {
      hosts: ['cmp-01'],
      occurrence: 'another-run',
      fence: true,
      timing: lab.timing,
    });
    expect(theirs).toEqual({ closed: [], fenced: ['cmp-01'] });
    await reopen(['cmp-01', 'cmp-02']);
    expect([hostNamed('cmp-01').enabled, hostNamed('cmp-02').enabled]).toEqual([false, true]);
    expect(await lab.run('lookAtClosed', { hosts: ['cmp-01'] })).toEqual({
      closed: ['cmp-01'],
      fenced: ['cmp-01'],
      down: [],
    });
  });

  test('a host that somebody else has disabled stays as it is, and stays disabled', async () => {
    Object.assign(hostNamed('cmp-01'), { enabled: false, disabledReason: 'burning' });
    expect((await close(['cmp-01', 'cmp-02'])).closed).toEqual(['cmp-02']);
    await reopen(['cmp-01', 'cmp-02']);
    expect(hostNamed('cmp-01')).toMatchObject({ enabled: false, disabledReason: 'burning' });
    expect(hostNamed('cmp-02').enabled).toBe(true);
  });

  test('repeated after a lost reply it still says what it closed', async () => {
    lab.addFault({ kind: 'drop', match: { method: 'PUT', path: '/os-services/' }, moment: 'after' });
    await expect(close(['cmp-01'])).rejects.toMatchObject({ type: 'CloudUnavailable' });
    expect((await close(['cmp-01'])).closed).toEqual(['cmp-01']);
  });

  test('a fence is forced down and marked in one update, and a repeat knows it for its own', async () => {
    lab.addFault({ kind: 'drop', match: { method: 'PUT', path: '/os-services/' }, moment: 'after' });
    await expect(close(['cmp-01'], { fence: true })).rejects.toMatchObject({ type: 'CloudUnavailable' });
    expect(await close(['cmp-01'], { fence: true })).toEqual({ closed: ['cmp-01'], fenced: ['cmp-01'] });
    const changes = lab.cloud.log.filter((event) => event.type === 'host' && event.requestId !== null);
    expect(changes).toMatchObject([
      { forcedDown: true, enabled: false, disabledReason: `bulkhead:${occurrence} fenced` },
    ]);
  });

  test('who looks whether a force is gone is told of one whose mark somebody has taken off; who restores is refused', async () => {
    Object.assign(hostNamed('cmp-01'), { forcedDown: true });
    const hosts = ['cmp-01', 'cmp-02'];
    expect(await lab.run('lookAtClosed', { hosts, alsoOthers: true })).toEqual({
      closed: [],
      fenced: ['cmp-01'],
      down: [],
    });
    await expect(lab.run('lookAtClosed', { hosts })).rejects.toMatchObject({ type: 'InvalidRequest' });
  });

  test('closing does not touch what runs there', async () => {
    const members = await active(await launched(lab, rowsOf('web', [1])));
    await close(['cmp-01']);
    expect(lab.cloud.servers.get(members[0]?.serverId ?? '')?.status).toBe('ACTIVE');
    expect(turn.token).toBe(members[0]?.token);
  });
});
