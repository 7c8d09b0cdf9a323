import { CancelledFailure } from '@temporalio/common';
import type { Member } from '../../domain/record';
import type { WaitActivities } from '../../activities/ports';
import { launched, launchInput, openLab, rowsOf, turn, until, vnf, type Lab } from './lab';

let lab: Lab;
beforeEach(async () => {
  lab = await openLab();
});
afterEach(() => lab.close());

function waitFor(members: readonly Member[], changes: object = {}): Parameters<WaitActivities['awaitHealthy']>[0] {
  return {
    turn,
    vnf,
    members,
    healthyAfterSeconds: { web: 0, 'web-1': 0 },
    bootTimeoutSeconds: 300,
    timing: lab.timing,
    ...changes,
  };
}

describe('awaitHealthy', () => {
  test('ends when every member is ACTIVE on its host, with a result for each in order', async () => {
    const members = [...(await launched(lab, rowsOf('web', [1, 2]))), ...(await launched(lab, rowsOf('web-1', [1])))];
    const results = await lab.run('awaitHealthy', waitFor(members));
    expect(results).toEqual([
      { ok: true, ref: { pool: 'web', ordinal: 1 }, host: 'cmp-01' },
      { ok: true, ref: { pool: 'web', ordinal: 2 }, host: 'cmp-02' },
      { ok: true, ref: { pool: 'web-1', ordinal: 1 }, host: 'cmp-01' },
    ]);
    expect([...lab.cloud.servers.values()].every((server) => server.status === 'ACTIVE')).toBe(true);
  });

  test('one list call a tick serves all members', async () => {
    const members = await launched(lab, rowsOf('web', [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]));
    const before = lab.calls.length;
    await lab.run('awaitHealthy', waitFor(members));
    expect(new Set(lab.calls.slice(before).map(({ path }) => path))).toEqual(new Set(['/servers/detail']));
  });

  test('a cloud that asks to be left alone is asked again only then', async () => {
    const members = await launched(lab, rowsOf('web', [1]));
    const path = '/servers/detail';
    lab.addFault({ kind: 'status', status: 503, match: { path }, headers: { 'Retry-After': '1' } });
    const before = lab.calls.length;
    const began = Date.now();
    expect(await lab.run('awaitHealthy', waitFor(members))).toMatchObject([{ ok: true }]);
    expect(Date.now() - began).toBeGreaterThanOrEqual(990);
    expect(lab.calls.slice(before).filter((call) => call.path === path)).toHaveLength(2);
  });

  test('ACTIVE must have held as long as the pool says, times the pace', async () => {
    const members = await launched(lab, rowsOf('web', [1]));
    await until(() => [...lab.cloud.servers.values()].every((server) => server.status === 'ACTIVE'), 'it is ACTIVE');
    const began = Date.now();
    await lab.run('awaitHealthy', waitFor(members, { healthyAfterSeconds: { web: 40 } }));
    expect(Date.now() - began).toBeGreaterThanOrEqual(40 * lab.timing.pace * 1_000);
  });

  test('looks when the hold is over, however long a tick is', async () => {
    const members = await launched(lab, rowsOf('web', [1]));
    await until(() => [...lab.cloud.servers.values()].every((server) => server.status === 'ACTIVE'), 'it is ACTIVE');
    const timing = { ...lab.timing, tickSeconds: 3_600 };
    const results = await lab.run('awaitHealthy', waitFor(members, { healthyAfterSeconds: { web: 40 }, timing }));
    expect(results).toMatchObject([{ ok: true }]);
  });

  test('whoever still shows as ACTIVE on the host that it leaves is waited for, and not asked for without a pause', async () => {
    const members = await launched(lab, rowsOf('web', [1]));
    await until(() => [...lab.cloud.servers.values()].every((server) => server.status === 'ACTIVE'), 'it is ACTIVE');
    const before = lab.calls.length;
    const timing = { ...lab.timing, tickSeconds: 4 };
    const begun = lab.begin('awaitHealthy', waitFor(members, { leaving: members.map(({ host }) => host), timing }));
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    begun.environment.cancel();
    await expect(begun.result).rejects.toBeInstanceOf(CancelledFailure);
    expect(lab.calls.length - before).toBeLessThanOrEqual(3);
  });

  test('another attempt goes on from the heartbeats: the hold does not begin anew', async () => {
    const [member] = await launched(lab, rowsOf('web', [1]));
    if (!member) throw new Error('it was launched');
    await until(() => lab.cloud.servers.get(member.serverId)?.status === 'ACTIVE', 'it is ACTIVE');
    const long = Date.now() - 3_600_000;
    const heartbeatDetails = { began: long, activeSince: { [member.serverId]: long } };
    const results = await lab.run('awaitHealthy', waitFor([member], { healthyAfterSeconds: { web: 3_000 } }), {
      attempt: 2,
      heartbeatDetails,
    });
    expect(results).toMatchObject([{ ok: true }]);
  });

  test('heartbeats what it knows, so that another attempt can go on from it', async () => {
    const [member] = await launched(lab, rowsOf('web', [1]));
    if (!member) throw new Error('it was launched');
    const begun = lab.begin('awaitHealthy', waitFor([member], { healthyAfterSeconds: { web: 10 } }));
    await begun.result;
    expect(begun.heartbeats.length).toBeGreaterThan(1);
    expect(begun.heartbeats.at(-1)).toMatchObject({ activeSince: { [member.serverId]: expect.any(Number) as number } });
  });

  test('heartbeats while one look takes long: it must not seem dead meanwhile', async () => {
    const members = await launched(lab, rowsOf('web', [1]));
    lab.addFault({ kind: 'delay', delayMs: 3_300, match: { method: 'GET', path: '/servers/detail' } });
    const begun = lab.begin('awaitHealthy', waitFor(members));
    await until(() => begun.heartbeats.length >= 2, 'a second heartbeat');
    expect(lab.calls.filter(({ path }) => path === '/servers/detail')).toHaveLength(0);
    expect(await begun.result).toMatchObject([{ ok: true }]);
  });

  test('reports a misplaced member, with the host that it is on, and the others as healthy', async () => {
    lab.addFault({ kind: 'misplace', match: { namePrefix: 'ims1-web-2' } });
    const members = await launched(lab, rowsOf('web', [1, 2, 3]));
    const results = await lab.run('awaitHealthy', waitFor(members));
    expect(results.map(({ ok }) => ok)).toEqual([true, false, true]);
    expect(results[1]).toMatchObject({ kind: 'AntiAffinityViolated', ref: { pool: 'web', ordinal: 2 } });
    expect(results[1]?.host).not.toBe('cmp-02');
    expect(results[1]?.host).toBe(lab.cloud.servers.get(members[1]?.serverId ?? '')?.host);
  });

  test('reports a build that ended in ERROR with its reason', async () => {
    lab.addFault({ kind: 'buildError', match: { namePrefix: 'ims1-web-1' } });
    const results = await lab.run('awaitHealthy', waitFor(await launched(lab, rowsOf('web', [1, 2]))));
    expect(results).toMatchObject([{ ok: false, kind: 'MemberFailed' }, { ok: true }]);
    expect(results[0]?.ok === false && results[0].message).toMatch(/Build of instance \S+ aborted/);
  });

  test('reports a quota that was lost to a race as such', async () => {
    const members = await launched(lab, rowsOf('web', [1]));
    const server = lab.cloud.servers.get(members[0]?.serverId ?? '');
    if (!server) throw new Error('it was launched');
    server.fault = { code: 413, message: 'Quota exceeded for instances', created: '2026-01-01T00:00:00Z' };
    server.status = 'ERROR';
    expect(await lab.run('awaitHealthy', waitFor(members))).toMatchObject([{ ok: false, kind: 'QuotaExceeded' }]);
  });

  test('reports a member that has come up on a host which is forced down: whoever says so takes it for dead', async () => {
    const members = await launched(lab, rowsOf('web', [1, 2]));
    await until(() => [...lab.cloud.servers.values()].every((server) => server.status === 'ACTIVE'), 'both are ACTIVE');
    const [first] = members;
    const host = lab.cloud.hosts.get(first?.host ?? '');
    if (!host) throw new Error('it is on a host');
    host.forcedDown = true;
    expect(await lab.run('awaitHealthy', waitFor(members))).toMatchObject([
      {
        ok: false,
        kind: 'MemberFailed',
        host: host.name,
        message: `ims1-web-1 is on ${host.name}, which is forced down`,
      },
      { ok: true },
    ]);
  });

  test('reports a member that is gone', async () => {
    const members = await launched(lab, rowsOf('web', [1, 2]));
    lab.cloud.servers.delete(members[0]?.serverId ?? '');
    expect(await lab.run('awaitHealthy', waitFor(members))).toMatchObject([
      { ok: false, kind: 'MemberFailed', host: null },
      { ok: true },
    ]);
  });

  test('reports a boot that takes longer than it may', async () => {
    lab.addFault({ kind: 'stuckBuild', match: { namePrefix: 'ims1-web-1' } });
    const members = await launched(lab, rowsOf('web', [1]));
    const heartbeatDetails = { began: Date.now() - 20_000, activeSince: {} };
    const results = await lab.run('awaitHealthy', waitFor(members), { attempt: 2, heartbeatDetails });
    expect(results).toMatchObject([{ ok: false, kind: 'MemberFailed' }]);
    expect(results[0]?.ok === false && results[0].message).toContain('still BUILD');
  });

  test('a cloud that does not answer for a while says nothing of the members', async () => {
    const members = await launched(lab, rowsOf('web', [1]));
    lab.addFault({ kind: 'status', status: 503, match: { method: 'GET', path: '/servers/detail' }, times: 3 });
    expect(await lab.run('awaitHealthy', waitFor(members))).toMatchObject([{ ok: true }]);
    expect(lab.cloud.faults[0]?.left).toBe(0);
  });

  test('ends at once when it is cancelled', async () => {
    lab.addFault({ kind: 'stuckBuild', match: { namePrefix: 'ims1-web-1' } });
    const begun = lab.begin('awaitHealthy', waitFor(await launched(lab, rowsOf('web', [1]))));
    await until(() => begun.heartbeats.length > 1, 'it waits');
    begun.environment.cancel();
    await expect(begun.result).rejects.toBeInstanceOf(CancelledFailure);
  });

  test('is refused with TurnLost when the run id differs', async () => {
    await expect(lab.run('awaitHealthy', waitFor([]), { runId: 'made-by-a-reset' })).rejects.toMatchObject({
      type: 'TurnLost',
    });
  });
});

describe('drain', () => {
  const members: readonly Member[] = [];

  test('lasts as long as the descriptor says, times the pace', async () => {
    const began = Date.now();
    await lab.run('drain', { turn, vnf, members, drainSeconds: 30, timing: lab.timing });
    expect(Date.now() - began).toBeGreaterThanOrEqual(30 * lab.timing.pace * 1_000 - 5);
  });

  test('another attempt lasts only as long as was left', async () => {
    const heartbeatDetails = { began: Date.now() - 59_950 };
    const began = Date.now();
    await lab.run(
      'drain',
      { turn, vnf, members, drainSeconds: 6_000, timing: lab.timing },
      { attempt: 2, heartbeatDetails },
    );
    expect(Date.now() - began).toBeLessThan(5_000);
  });

  test('heartbeats when it began, and ends at once when it is cancelled', async () => {
    const begun = lab.begin('drain', { turn, vnf, members, drainSeconds: 86_400, timing: lab.timing });
    await until(() => begun.heartbeats.length > 0, 'a heartbeat');
    expect(begun.heartbeats[0]).toMatchObject({ began: expect.any(Number) as number });
    begun.environment.cancel();
    await expect(begun.result).rejects.toBeInstanceOf(CancelledFailure);
  });
});

describe('launch and wait together', () => {
  test('ten members cost no more calls than the budget gives them', async () => {
    const input = launchInput(lab, rowsOf('web', [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]), {
      timing: { ...lab.timing, tickSeconds: 0.1 },
    });
    const results = await lab.run('launch', input);
    const members = results.flatMap((result) => (result.ok ? [result.member] : []));
    await lab.run('awaitHealthy', waitFor(members, { timing: input.timing, healthyAfterSeconds: { web: 5 } }));
    expect(lab.calls.length).toBeLessThanOrEqual(40 + 2.5 * 10);
  });
});
