import { givenUpPortName, portMarks, requestId, tag } from '../../domain/names';
import { built, launched, launchInput, membersIn, names, openLab, rowsOf, turn, until, vnf, type Lab } from './lab';

let lab: Lab;
beforeEach(async () => {
  lab = await openLab();
});
afterEach(() => lab.close());

const rows = rowsOf('web', [1, 2, 3]);

/** One server and two ports for each row, each port held, once it is built, by the server that the result names. */
async function expectExactly(
  ordinals: readonly number[],
  members: readonly { ordinal: number; serverId: string; portIds: readonly string[] }[],
): Promise<void> {
  await built(lab);
  expect(names(lab.cloud.servers.values())).toEqual(ordinals.map((ordinal) => `ims1-web-${String(ordinal)}`));
  expect(names(lab.cloud.ports.values())).toEqual(
    ordinals.flatMap((ordinal) => [`ims1-web-${String(ordinal)}.mgmt`, `ims1-web-${String(ordinal)}.signal`]).sort(),
  );
  expect(members.map(({ ordinal }) => ordinal)).toEqual(ordinals);
  for (const { serverId, portIds } of members) {
    expect(portIds).toHaveLength(2);
    expect(portIds.map((id) => lab.cloud.ports.get(id)?.deviceId)).toEqual([serverId, serverId]);
  }
}

describe('launch', () => {
  test('makes one server and its ports for each row, tagged, on the host of the plan, in the order of the rows', async () => {
    const members = await launched(lab, rows);
    await expectExactly([1, 2, 3], members);
    for (const { ordinal, serverId, portIds, host } of members) {
      const server = lab.cloud.servers.get(serverId);
      const tags = [tag.vnf(vnf), tag.pool('web'), tag.ordinal(ordinal), tag.token(turn.token)].sort();
      expect(server).toMatchObject({ requestedHost: host, zone: 'mz' });
      expect([...(server?.tags ?? [])].sort()).toEqual(tags);
      const marks = portMarks({ vnf, token: turn.token });
      expect(portIds.map((id) => lab.cloud.ports.get(id)?.description)).toEqual([marks, marks]);
      expect(portIds.map((id) => lab.cloud.ports.get(id)?.name)).toEqual([
        `ims1-web-${String(ordinal)}.mgmt`,
        `ims1-web-${String(ordinal)}.signal`,
      ]);
    }
    const created = lab.cloud.log.filter((event) => event.type === 'server.created' || event.type === 'port.created');
    expect(new Set(created.map((event) => event.requestId))).toEqual(new Set([requestId(turn.token)]));
  });

  test('asks for all ports in one request', async () => {
    await launched(lab, rowsOf('web', [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]));
    expect(lab.calls.filter(({ method, path }) => method === 'POST' && path === '/ports')).toHaveLength(1);
    expect(lab.calls.filter(({ path }) => path === '/flavors/detail')).toHaveLength(1);
    expect(lab.calls.filter(({ path }) => path === '/images')).toHaveLength(1);
  });

  test('repeated makes no double and finds the same members', async () => {
    const first = await launched(lab, rows);
    const second = membersIn(await lab.run('launch', launchInput(lab, rows), { attempt: 2 }));
    expect(second).toEqual(first);
    await expectExactly([1, 2, 3], second);
  });

  test('repeated after half of it goes on from what exists', async () => {
    const first = await launched(lab, rows.slice(0, 2));
    const all = membersIn(await lab.run('launch', launchInput(lab, rows), { attempt: 2 }));
    expect(all.slice(0, 2)).toEqual(first);
    await expectExactly([1, 2, 3], all);
  });

  test('tolerates a lost reply to a create of a server', async () => {
    lab.addFault({ kind: 'drop', match: { method: 'POST', path: '/servers$' }, moment: 'after' });
    await expectExactly([1, 2, 3], await launched(lab, rows));
    expect(lab.cloud.faults[0]?.left).toBe(0);
  });

  test('tolerates a lost reply to the create of the ports', async () => {
    lab.addFault({ kind: 'drop', match: { method: 'POST', path: '/ports$' }, moment: 'after' });
    await expect(launched(lab, rows)).rejects.toMatchObject({ type: 'CloudUnavailable', nonRetryable: false });
    expect(lab.cloud.ports.size).toBe(6);
    await expectExactly([1, 2, 3], membersIn(await lab.run('launch', launchInput(lab, rows), { attempt: 2 })));
  });

  test.each(['before', 'after'] as const)(
    'a create answered with a 500 %s its effect is settled, if need be by the next attempt',
    async (moment) => {
      lab.addFault({ kind: 'status', status: 500, match: { method: 'POST', path: '/servers$', nth: 2 }, moment });
      const results = await lab.run('launch', launchInput(lab, rows)).catch((error: unknown) => {
        expect(error).toMatchObject({ type: 'CloudUnavailable', nonRetryable: false });
        return lab.run('launch', launchInput(lab, rows), { attempt: 2 });
      });
      expect(lab.cloud.faults[0]?.left).toBe(0);
      await expectExactly([1, 2, 3], membersIn(results));
    },
  );

  test('is tried again where the cloud is overloaded, and makes no more than the rows in the end', async () => {
    lab.addFault({ kind: 'status', status: 503, match: { method: 'POST', path: '/servers$' }, times: 3 });
    await expect(launched(lab, rows)).rejects.toMatchObject({ type: 'CloudUnavailable', nonRetryable: false });
    expect(lab.cloud.servers.size).toBe(0);
    await expectExactly([1, 2, 3], membersIn(await lab.run('launch', launchInput(lab, rows), { attempt: 2 })));
  });

  test('gives a row up as CloudUnavailable after three attempts, and says so of that row alone', async () => {
    lab.addFault({ kind: 'status', status: 500, match: { method: 'POST', path: '/servers$' } });
    const results = await lab.run('launch', launchInput(lab, rows), { attempt: 3 });
    const [lost, ...others] = [...results].sort((a, b) => Number(a.ok) - Number(b.ok));
    expect(lost).toMatchObject({ ok: false, kind: 'CloudUnavailable', portIds: [] });
    expect(others.map(({ ok }) => ok)).toEqual([true, true]);
    // Its ports are gone, so that a create still on its way must fail.
    expect(lab.cloud.ports.size).toBe(4);
  });

  test('waits as long as it is told to, however often, and gives no row up for that', async () => {
    const match = { method: 'POST', path: '/servers$' };
    lab.addFault({ kind: 'status', status: 429, headers: { 'Retry-After': '1' }, match });
    const refused = lab.run('launch', launchInput(lab, rows), { attempt: 9 });
    await expect(refused).rejects.toMatchObject({ type: 'CloudUnavailable', nextRetryDelay: 1_000 });
    await expectExactly([1, 2, 3], membersIn(await lab.run('launch', launchInput(lab, rows), { attempt: 10 })));
  });

  test('has ended every create when it fails: the next attempt would not see what is still on its way', async () => {
    lab.addFault({ kind: 'status', status: 503, match: { method: 'POST', path: '/servers$', nth: 1 } });
    lab.addFault({ kind: 'delay', delayMs: 300, match: { method: 'POST', path: '/servers$' }, times: 10 });
    await expect(launched(lab, rowsOf('web', [1, 2, 3, 4, 5]))).rejects.toMatchObject({ type: 'CloudUnavailable' });
    const madeByThen = lab.cloud.servers.size;
    expect(madeByThen).toBe(4);
    lab.cloud.faults.length = 0;
    await expectExactly(
      [1, 2, 3, 4, 5],
      membersIn(await lab.run('launch', launchInput(lab, rowsOf('web', [1, 2, 3, 4, 5])), { attempt: 2 })),
    );
  });

  test('a double is removed by the next attempt, and the one that holds the ports stays', async () => {
    const [member] = await launched(lab, rows.slice(0, 1));
    const original = lab.cloud.servers.get(member?.serverId ?? '');
    if (!original) throw new Error('it was launched');
    await built(lab);
    lab.cloud.servers.set('double', { ...original, id: 'double', portIds: [] });
    const again = membersIn(await lab.run('launch', launchInput(lab, rows.slice(0, 1)), { attempt: 2 }));
    expect(again).toEqual([member]);
    expect(lab.cloud.servers.get('double')?.deleting ?? true).toBe(true);
    expect(original.deleting).toBe(false);
  });

  test('a double that has taken ports of its own takes them along', async () => {
    const [member] = await launched(lab, rows.slice(0, 1));
    await built(lab);
    const original = lab.cloud.servers.get(member?.serverId ?? '');
    if (!original) throw new Error('it was launched');
    const own = original.portIds.map((id) => {
      const port = lab.cloud.ports.get(id);
      if (!port) throw new Error('it has its ports');
      lab.cloud.ports.set(`${id}-double`, { ...port, id: `${id}-double`, deviceId: 'double' });
      return `${id}-double`;
    });
    lab.cloud.servers.set('double', { ...original, id: 'double', portIds: own });
    const again = membersIn(await lab.run('launch', launchInput(lab, rows.slice(0, 1)), { attempt: 2 }));
    await until(() => lab.cloud.servers.size === 1, 'one of them is gone');
    await expectExactly([1], again);
  });

  test('a server whose port an earlier attempt deleted is no member: it is made anew', async () => {
    const [member] = await launched(lab, rows.slice(0, 1));
    await built(lab);
    lab.cloud.ports.delete(member?.portIds[0] ?? '');
    const again = membersIn(await lab.run('launch', launchInput(lab, rows.slice(0, 1)), { attempt: 2 }));
    expect(again[0]?.serverId).not.toBe(member?.serverId);
    await until(() => lab.cloud.servers.size === 1, 'the first is gone');
    await expectExactly([1], again);
  });

  test('a server whose port an earlier attempt has given up is no member, though the port is still there', async () => {
    const [member] = await launched(lab, rows.slice(0, 1));
    await built(lab);
    const [given] = (member?.portIds ?? []).map((id) => lab.cloud.ports.get(id));
    if (!given) throw new Error('it has its ports');
    given.name = givenUpPortName('ims1-web-1');
    const again = membersIn(await lab.run('launch', launchInput(lab, rows.slice(0, 1)), { attempt: 2 }));
    expect(again[0]?.serverId).not.toBe(member?.serverId);
    await until(() => lab.cloud.servers.size === 1, 'the first is gone');
    await expectExactly([1], again);
  });

  test('a free port that an earlier attempt has made is not taken again: a create may be on its way with it', async () => {
    lab.addFault({ kind: 'drop', match: { method: 'POST', path: '/ports$' }, moment: 'after' });
    await launched(lab, rows).catch(() => undefined);
    const earlier = [...lab.cloud.ports.keys()];
    const members = membersIn(await lab.run('launch', launchInput(lab, rows), { attempt: 2 }));
    expect(members.flatMap(({ portIds }) => portIds).filter((id) => earlier.includes(id))).toEqual([]);
    await expectExactly([1, 2, 3], members);
  });

  test('a port that an earlier attempt has given up is not taken again', async () => {
    lab.addFault({ kind: 'drop', match: { method: 'POST', path: '/ports$' }, moment: 'after' });
    await launched(lab, rows).catch(() => undefined);
    for (const port of lab.cloud.ports.values()) port.name = givenUpPortName(port.name.split('.')[0] ?? '');
    const given = [...lab.cloud.ports.keys()];
    const members = membersIn(await lab.run('launch', launchInput(lab, rows), { attempt: 2 }));
    expect(members.flatMap(({ portIds }) => portIds).filter((id) => given.includes(id))).toEqual([]);
    await expectExactly([1, 2, 3], members);
  });

  test('a port is given up before it is deleted, and not deleted where that is not sure', async () => {
    lab.addFault({ kind: 'drop', match: { method: 'POST', path: '/servers$' }, moment: 'before' });
    lab.addFault({ kind: 'drop', match: { method: 'PUT', path: '/ports/' }, moment: 'before' });
    await expect(launched(lab, rows.slice(0, 1))).rejects.toMatchObject({ type: 'CloudUnavailable' });
    expect(lab.cloud.faults.map(({ left }) => left)).toEqual([0, 0]);
    expect(lab.calls.filter(({ method }) => method === 'DELETE')).toEqual([]);
    await expectExactly([1], membersIn(await lab.run('launch', launchInput(lab, rows.slice(0, 1)), { attempt: 2 })));
  });

  test('where two servers may be about to take the same ports neither is a member', async () => {
    const [member] = await launched(lab, rows.slice(0, 1));
    await built(lab);
    const original = lab.cloud.servers.get(member?.serverId ?? '');
    if (!original) throw new Error('it was launched');
    for (const id of original.portIds) Object.assign(lab.cloud.ports.get(id) ?? {}, { deviceId: '' });
    lab.cloud.servers.set('double', { ...original, id: 'double' });
    const again = membersIn(await lab.run('launch', launchInput(lab, rows.slice(0, 1)), { attempt: 2 }));
    expect([member?.serverId, 'double']).not.toContain(again[0]?.serverId);
    expect(again[0]?.portIds.filter((id) => member?.portIds.includes(id))).toEqual([]);
    await until(() => lab.cloud.servers.size === 1, 'both are gone');
    await expectExactly([1], again);
  });

  test('repeated it leaves alone what is launched beside it', async () => {
    const [other] = await launched(lab, rowsOf('web', [7]));
    const port = lab.cloud.ports.get(other?.portIds[0] ?? '');
    if (!port) throw new Error('it was launched');
    lab.cloud.ports.set('spare', { ...port, id: 'spare', deviceId: '' });
    await lab.run('launch', launchInput(lab, rows), { attempt: 2 });
    expect(lab.cloud.ports.has('spare')).toBe(true);
  });

  test('what an earlier attempt gave up and deleted does not count as launched', async () => {
    const [first] = await launched(lab, rows.slice(0, 1));
    const given = lab.cloud.servers.get(first?.serverId ?? '');
    if (!given) throw new Error('it was launched');
    Object.assign(given, { deleting: true, taskState: 'deleting' });
    for (const id of given.portIds) lab.cloud.ports.delete(id);
    const [second] = membersIn(await lab.run('launch', launchInput(lab, rows.slice(0, 1)), { attempt: 2 }));
    expect(second?.serverId).not.toBe(given.id);
    expect(lab.cloud.servers.get(second?.serverId ?? '')?.deleting).toBe(false);
  });

  test('ports that two attempts made twice are reduced to one of each', async () => {
    lab.addFault({ kind: 'drop', match: { method: 'POST', path: '/ports$' }, moment: 'after' });
    await launched(lab, rows).catch(() => undefined);
    for (const port of [...lab.cloud.ports.values()])
      lab.cloud.ports.set(`${port.id}-late`, { ...port, id: `${port.id}-late` });
    await expectExactly([1, 2, 3], membersIn(await lab.run('launch', launchInput(lab, rows), { attempt: 2 })));
  });

  test('a quota of ports that does not carry it fails every row and leaves nothing', async () => {
    await lab.close();
    lab = await openLab({ quotas: { ports: 5 } });
    const results = await lab.run('launch', launchInput(lab, rows));
    expect(results.map((result) => !result.ok && result.kind)).toEqual([
      'QuotaExceeded',
      'QuotaExceeded',
      'QuotaExceeded',
    ]);
    expect(lab.cloud.servers.size + lab.cloud.ports.size).toBe(0);
  });

  test('a quota of instances that was lost to a race is said row by row, with the ports that are left', async () => {
    await lab.close();
    lab = await openLab({ quotas: { instances: 1 } });
    const [first] = await launched(lab, rows.slice(0, 1));
    const [second] = await lab.run('launch', launchInput(lab, rows.slice(1, 2)));
    expect(first?.ordinal).toBe(1);
    expect(second).toMatchObject({ ok: false, kind: 'QuotaExceeded' });
    expect(second?.ok === false && second.portIds.every((id) => lab.cloud.ports.has(id)) && second.portIds.length).toBe(
      2,
    );
  });

  test('a host that is gone from the cloud fails its row alone', async () => {
    const results = await lab.run('launch', launchInput(lab, rowsOf('web', [1, 2], ['cmp-01', 'cmp-99'])));
    expect(results).toMatchObject([
      { ok: true },
      { ok: false, kind: 'MemberFailed', ref: { pool: 'web', ordinal: 2 } },
    ]);
  });

  test('begins no call when its time for calls is over', async () => {
    await lab.close();
    lab = await openLab({ timing: { lastCallSeconds: -1 } });
    await expect(launched(lab, rows)).rejects.toMatchObject({ type: 'CloudUnavailable', nonRetryable: false });
    expect(lab.calls.filter(({ method, service }) => method === 'POST' && service !== 'identity')).toHaveLength(0);
  });

  test('begins no call so late that its workflow may have given it up and begun to undo it', async () => {
    const { callSeconds } = lab.timing;
    const given = { attempt: 2, scheduledTimestampMs: Date.now() - 60_000 };
    const scheduleToCloseTimeoutMs = 60_000 + callSeconds * 1_000 - 100;
    await expect(
      lab.run('launch', launchInput(lab, rows), { ...given, scheduleToCloseTimeoutMs }),
    ).rejects.toMatchObject({ type: 'CloudUnavailable', nonRetryable: false });
    expect(lab.calls.filter(({ method, service }) => method === 'POST' && service !== 'identity')).toHaveLength(0);
  });

  test('is refused with TurnLost when the run id differs, before any call', async () => {
    await expect(lab.run('launch', launchInput(lab, rows), { runId: 'made-by-a-reset' })).rejects.toMatchObject({
      type: 'TurnLost',
      nonRetryable: true,
    });
    expect(lab.calls).toHaveLength(0);
  });
});
