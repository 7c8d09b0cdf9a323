import { requestId, tag } from '../../domain/names';
import type { Member } from '../../domain/record';
import { takeAway } from '../../simulator/outages';
import type { Part } from '../../simulator/parts';
import { setStatus } from '../../simulator/scheduler';
import { built, laterTurn, launched, launchInput, names, openLab, rowsOf, turn, until, vnf, type Lab } from './lab';

let lab: Lab;
beforeEach(async () => {
  lab = await openLab();
});
afterEach(() => lab.close());

/** Away, and back a moment ago. */
function justBack(part: Part): void {
  takeAway(lab.cloud, part, 60);
  takeAway(lab.cloud, part, 0);
}

const web = rowsOf('web', [1, 2, 3]);

describe('remove', () => {
  test('leaves nothing of the members, and all of the others', async () => {
    const members = await launched(lab, web);
    await lab.run('remove', { turn, vnf, members: members.slice(0, 2), timing: lab.timing });
    expect(names(lab.cloud.servers.values())).toEqual(['ims1-web-3']);
    expect(names(lab.cloud.ports.values())).toEqual(['ims1-web-3.mgmt', 'ims1-web-3.signal']);
  });

  test('deletes in the order given, servers before their ports, as the turn that it works for', async () => {
    const members = await launched(lab, web);
    const order = [...members].reverse();
    const before = lab.calls.length;
    await lab.run('remove', { turn: laterTurn, vnf, members: order, timing: lab.timing });
    const deleted = lab.calls.slice(before).filter(({ method }) => method === 'DELETE');
    expect(deleted.slice(0, 3).map(({ path }) => path)).toEqual(order.map(({ serverId }) => `/servers/${serverId}`));
    expect(deleted.slice(3).every(({ path }) => path.startsWith('/ports/'))).toBe(true);
    const gone = lab.cloud.log.filter((event) => event.type === 'server.deleted' || event.type === 'port.deleted');
    expect(new Set(gone.map((event) => event.requestId))).toEqual(new Set([requestId(laterTurn.token)]));
  });

  test('repeated does no harm: what is gone is done', async () => {
    const members = await launched(lab, web);
    await lab.run('remove', { turn, vnf, members, timing: lab.timing });
    const events = lab.cloud.log.length;
    await lab.run('remove', { turn, vnf, members, timing: lab.timing }, { attempt: 2 });
    expect(lab.cloud.log).toHaveLength(events);
  });

  test.each(['before', 'after'] as const)(
    'a delete answered with a 500 %s its effect is mended by the next attempt',
    async (moment) => {
      const members = await launched(lab, web);
      lab.addFault({ kind: 'status', status: 500, match: { method: 'DELETE', path: '/servers/', nth: 2 }, moment });
      await expect(lab.run('remove', { turn, vnf, members, timing: lab.timing })).rejects.toMatchObject({
        type: 'CloudUnavailable',
        nonRetryable: false,
      });
      await lab.run('remove', { turn, vnf, members, timing: lab.timing }, { attempt: 2 });
      expect(lab.cloud.servers.size + lab.cloud.ports.size).toBe(0);
    },
  );

  test('a Neutron that has just come back shows no ports: each is asked for, and deleted when it may be', async () => {
    const members = await launched(lab, web);
    justBack('neutron');
    const attempt = lab.run('remove', { turn, vnf, members, timing: lab.timing });
    await expect(attempt).rejects.toMatchObject({ type: 'CloudUnavailable', nonRetryable: false });
    await until(() => !lab.cloud.starting.has('neutron'), 'Neutron is itself');
    await lab.run('remove', { turn, vnf, members, timing: lab.timing }, { attempt: 2 });
    expect(lab.cloud.servers.size + lab.cloud.ports.size).toBe(0);
  });

  test.each([
    ['remove, of orphans', () => ({ members: [], orphans: web.map(({ pool, ordinal }) => ({ pool, ordinal })) })],
    ['removeByToken', () => ({ token: turn.token, keep: [] })],
  ] as const)('%s: one empty list of ports is not enough', async (what, input) => {
    await launched(lab, web);
    for (const { id } of lab.cloud.servers.values()) lab.cloud.servers.delete(id);
    justBack('neutron');
    const name = what === 'removeByToken' ? what : 'remove';
    await lab.run(name, { turn, vnf, timing: { ...lab.timing, tickSeconds: 2 }, ...input() });
    expect(lab.cloud.ports.size).toBe(0);
  });

  test('never touches what does not bear the tag of the VNF, whatever its id, and says whose tag it bears', async () => {
    const others = await launched(lab, web, { vnf: 'ims2' });
    await expect(lab.run('remove', { turn, vnf, members: others, timing: lab.timing })).rejects.toMatchObject({
      type: 'Stuck',
      message: expect.stringContaining(
        `ims2-web-1 (${others[0]?.serverId ?? ''}) of ims1-web-1, which bears the tag of ims2`,
      ) as string,
    });
    expect(lab.cloud.servers.size).toBe(3);
    expect(lab.cloud.ports.size).toBe(6);
    expect([...lab.cloud.servers.values()].some((server) => server.deleting)).toBe(false);
  });

  test.each(['operator', 'tenant'] as const)(
    'a server that has lost the tag stays, with its ports, when the others are gone, and a person is told (%s)',
    async (as) => {
      await lab.close();
      lab = await openLab({ as });
      const members = await launched(lab, web);
      const [lost] = members;
      const server = lab.cloud.servers.get(lost?.serverId ?? '');
      if (!lost || !server) throw new Error('it was launched');
      const { tags } = server;
      server.tags = tags.filter((each) => each !== tag.vnf(vnf));
      // As of one that is being built: Neutron says later who has it.
      const [unbound] = lost.portIds.flatMap((id) => lab.cloud.ports.get(id) ?? []);
      if (unbound) unbound.deviceId = '';
      const attempt = lab.run('remove', { turn, vnf, members, timing: lab.timing });
      await expect(attempt).rejects.toMatchObject({
        type: 'Stuck',
        nonRetryable: true,
        message:
          `ims1 has lost its tag on server ims1-web-1 (${server.id}) of ims1-web-1: without it nothing is deleted. If it is ims1's, put it back ` +
          `(openstack --os-compute-api-version 2.26 server set --tag bulkhead:vnf=ims1 ${server.id}), or delete the server by its id, and retry.`,
        details: [{ vnf, untagged: [{ member: 'ims1-web-1', server: 'ims1-web-1', id: server.id, others: [] }] }],
      });
      expect(names(lab.cloud.servers.values())).toEqual(['ims1-web-1']);
      expect([...lab.cloud.ports.keys()].sort()).toEqual([...lost.portIds].sort());
      server.tags = tags;
      await lab.run('remove', { turn, vnf, members, timing: lab.timing });
      expect(lab.cloud.servers.size + lab.cloud.ports.size).toBe(0);
    },
  );

  test('one without its tag whose ports are gone is told of, too', async () => {
    const [member] = await launched(lab, rowsOf('web', [1]));
    const server = lab.cloud.servers.get(member?.serverId ?? '');
    if (!member || !server) throw new Error('it was launched');
    server.tags = [];
    lab.cloud.ports.clear();
    const remove = (): Promise<void> => lab.run('remove', { turn, vnf, members: [member], timing: lab.timing });
    await expect(remove()).rejects.toMatchObject({ type: 'Stuck' });
    lab.cloud.servers.delete(server.id);
    await remove();
  });

  test('of a server in a cell that is down Nova says no tags: that is for the next attempt', async () => {
    const [member] = await launched(lab, rowsOf('web', [1]));
    const server = lab.cloud.servers.get(member?.serverId ?? '');
    if (!member || !server) throw new Error('it was launched');
    Object.assign(server, { tags: [], status: 'UNKNOWN' });
    await expect(lab.run('remove', { turn, vnf, members: [member], timing: lab.timing })).rejects.toMatchObject({
      type: 'CloudUnavailable',
      nonRetryable: false,
    });
    expect(lab.cloud.servers.size).toBe(1);
    expect([...lab.cloud.ports.keys()].sort()).toEqual([...member.portIds].sort());
  });

  test('finds orphans by pool, ordinal and token, and leaves a pool whose name begins alike', async () => {
    await launched(lab, web);
    await launched(lab, rowsOf('web-1', [1]));
    await launched(lab, rowsOf('web', [1]), { turn: laterTurn });
    await lab.run('remove', { turn, vnf, members: [], orphans: [{ pool: 'web', ordinal: 1 }], timing: lab.timing });
    expect(names(lab.cloud.servers.values())).toEqual(['ims1-web-1', 'ims1-web-1-1', 'ims1-web-2', 'ims1-web-3']);
    const [spared] = [...lab.cloud.servers.values()].filter((server) => server.name === 'ims1-web-1');
    expect(spared?.tags).toContain(tag.token(laterTurn.token));
    expect(lab.cloud.ports.size).toBe(2 + 1 + 4);
  });

  test('an orphan that appears while its ports are being removed is found all the same', async () => {
    await launched(lab, rowsOf('web', [1]));
    const [server] = lab.cloud.servers.values();
    if (!server) throw new Error('it was launched');
    // Not seen by the first list: its create is still on its way.
    lab.cloud.servers.delete(server.id);
    lab.addFault({ kind: 'delay', delayMs: 100, match: { method: 'DELETE', path: '/ports/' } });
    const removing = lab.run('remove', {
      turn,
      vnf,
      members: [],
      orphans: [{ pool: 'web', ordinal: 1 }],
      timing: lab.timing,
    });
    await until(() => lab.cloud.faults[0]?.left === 0, 'the first port is being deleted');
    lab.cloud.servers.set(server.id, server);
    await removing;
    expect(lab.cloud.servers.size + lab.cloud.ports.size).toBe(0);
  });

  test('a server that does not go is for the next attempt', async () => {
    await lab.close();
    lab = await openLab({ timing: { lastCallSeconds: 0.5 } });
    const [member] = await launched(lab, rowsOf('web', [1]));
    if (!member) throw new Error('it was launched');
    await until(() => lab.cloud.servers.get(member.serverId)?.status === 'ACTIVE', 'it is ACTIVE');
    const host = lab.cloud.hosts.get('cmp-01');
    if (!host) throw new Error('there is cmp-01');
    // Dead, and not yet known to be: Nova takes the request, and the server stays.
    host.alive = false;
    await expect(lab.run('remove', { turn, vnf, members: [member], timing: lab.timing })).rejects.toMatchObject({
      type: 'CloudUnavailable',
      nonRetryable: false,
    });
    expect([...lab.cloud.ports.keys()].sort()).toEqual([...member.portIds].sort());
    host.reportedUp = false;
    await lab.run('remove', { turn, vnf, members: [member], timing: lab.timing }, { attempt: 2 });
    expect(lab.cloud.servers.size + lab.cloud.ports.size).toBe(0);
  });

  test('one whose deletion Nova has lost goes all the same: it ignores further ones until it forgets', async () => {
    const timing = { ...lab.timing, mutateSeconds: 14, lastCallSeconds: 10 };
    const members = await launched(lab, web);
    const lost = lab.cloud.servers.get(members[0]?.serverId ?? '');
    await until(() => lost?.status === 'ACTIVE', 'it is up');
    Object.assign(lost ?? {}, { taskState: 'deleting', deleting: true });
    await lab.run('remove', { turn, vnf, members, timing });
    expect(lab.cloud.servers.size + lab.cloud.ports.size).toBe(0);
    const told = lab.calls.filter(({ method, path }) => method === 'POST' && path.endsWith('/action'));
    expect(told.map(({ path }) => path)).toEqual([`/servers/${lost?.id ?? ''}/action`]);
  }, 30_000);

  test('is refused with TurnLost when the run id differs, before any call', async () => {
    await expect(
      lab.run('remove', { turn, vnf, members: [], timing: lab.timing }, { runId: 'made-by-a-reset' }),
    ).rejects.toMatchObject({ type: 'TurnLost' });
    expect(lab.calls).toHaveLength(0);
  });

  test('ten members with two ports each cost three calls each and few besides', async () => {
    const members = await launched(lab, rowsOf('web', [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]));
    const before = lab.calls.length;
    await lab.run('remove', { turn, vnf, members, timing: lab.timing });
    expect(lab.calls.length - before).toBeLessThanOrEqual(3 * 10 + 6);
  });
});

describe('removeByToken', () => {
  test('removes what bears the token, keeps what is kept with its ports, and leaves other tokens alone', async () => {
    const [kept] = await launched(lab, web);
    await launched(lab, rowsOf('web', [4]), { turn: laterTurn });
    if (!kept) throw new Error('it was launched');
    await built(lab);
    await lab.run('removeByToken', {
      turn: laterTurn,
      vnf,
      token: turn.token,
      keep: [kept.serverId],
      timing: lab.timing,
    });
    expect(names(lab.cloud.servers.values())).toEqual(['ims1-web-1', 'ims1-web-4']);
    expect(names(lab.cloud.ports.values())).toEqual([
      'ims1-web-1.mgmt',
      'ims1-web-1.signal',
      'ims1-web-4.mgmt',
      'ims1-web-4.signal',
    ]);
  });

  test('says the next ordinals by pool, of what is kept too', async () => {
    await launched(lab, rowsOf('web', [5, 9, 7]));
    const [kept] = await launched(lab, rowsOf('web-1', [2]));
    const { nextOrdinals } = await lab.run('removeByToken', {
      turn,
      vnf,
      token: turn.token,
      keep: [kept?.serverId ?? ''],
      timing: lab.timing,
    });
    expect(nextOrdinals).toEqual({ web: 10, 'web-1': 3 });
  });

  test('an attempt that goes on from a failed one knows the ordinals that it does not see any more', async () => {
    await launched(lab, rowsOf('web', [9]));
    lab.addFault({ kind: 'drop', match: { method: 'DELETE', path: '/servers/' }, moment: 'after' });
    const first = lab.begin('removeByToken', { turn, vnf, token: turn.token, keep: [], timing: lab.timing });
    await expect(first.result).rejects.toMatchObject({ type: 'CloudUnavailable' });
    await until(() => lab.cloud.servers.size === 0, 'the server is gone');
    const heartbeatDetails = first.heartbeats.at(-1);
    const { nextOrdinals } = await lab.run(
      'removeByToken',
      { turn, vnf, token: turn.token, keep: [], timing: lab.timing },
      { attempt: 2, heartbeatDetails },
    );
    expect(nextOrdinals).toEqual({ web: 10 });
  });

  test('a create that comes while it looks is removed too', async () => {
    await launched(lab, rowsOf('web', [1]));
    lab.addFault({ kind: 'delay', delayMs: 100, match: { method: 'DELETE', path: '/servers/' } });
    const removing = lab.run('removeByToken', { turn, vnf, token: turn.token, keep: [], timing: lab.timing });
    await until(() => lab.cloud.faults[0]?.left === 0, 'the first server is being deleted');
    const late = await lab.run('launch', launchInput(lab, rowsOf('web', [2])));
    expect(late).toMatchObject([{ ok: true }]);
    const { nextOrdinals } = await removing;
    expect(lab.cloud.servers.size + lab.cloud.ports.size).toBe(0);
    expect(nextOrdinals).toEqual({ web: 3 });
  });

  test('with nothing to remove it looks twice and changes nothing', async () => {
    const { nextOrdinals } = await lab.run('removeByToken', {
      turn,
      vnf,
      token: turn.token,
      keep: [],
      timing: lab.timing,
    });
    expect(nextOrdinals).toEqual({});
    expect(lab.calls.filter(({ path }) => path === '/servers/detail')).toHaveLength(2);
    expect(lab.calls.filter(({ method, service }) => method !== 'GET' && service !== 'identity')).toHaveLength(0);
  });
});

describe.each(['removeByToken', 'remove'] as const)(
  "with the pools' spares %s deletes as many at once as keep the letter, whichever goes first",
  (activity) => {
    const hosts = ['cmp-01', 'cmp-02', 'cmp-03', 'cmp-04'];

    test.each<[string, (lab: Lab, member: Member) => Partial<{ failed: string[] }>, number[]]>([
      ['one more that lives carries all three', () => ({}), [3]],
      ['of one that is in ERROR nobody lives', (lab, { serverId }) => (fail(lab, serverId), {}), [2, 1]],
      ['one on a host that is down by force is dead', (lab, { host }) => (forceDown(lab, host), {}), [2, 1]],
      ['one that the record has as failed is dead', (_, { serverId }) => ({ failed: [serverId] }), [2, 1]],
    ])('%s', async (_, befalls, together) => {
      const [, , onFourth] = await launched(lab, rowsOf('web', [1, 2, 3], ['cmp-01', 'cmp-02', 'cmp-04']), {
        turn: laterTurn,
      });
      const left = await launched(lab, rowsOf('web', [4, 5, 6], hosts));
      if (!onFourth) throw new Error('it was launched');
      await until(() => [...lab.cloud.servers.values()].every(({ host }) => host !== null), 'all have a host');
      const known = befalls(lab, onFourth);
      const before = lab.calls.length;
      const shares = { spares: { web: { share: { numerator: 1, denominator: 2 } } }, ...known };
      const asked = { turn: laterTurn, vnf, timing: lab.timing, ...shares };
      if (activity === 'remove') await lab.run('remove', { ...asked, members: left });
      else await lab.run('removeByToken', { ...asked, token: turn.token, keep: [] });
      const rounds = lab.calls
        .slice(before)
        .filter(({ path }) => path.startsWith('/servers/'))
        .reduce<number[]>(
          (counts, { method }) =>
            method === 'DELETE' ? [...counts.slice(0, -1), (counts.at(-1) ?? 0) + 1] : [...counts, 0],
          [],
        );
      expect(rounds.filter((many) => many > 0)).toEqual(together);
      expect(names(lab.cloud.servers.values())).toEqual(['ims1-web-1', 'ims1-web-2', 'ims1-web-3']);
    });
  },
);

test("with the pools' spares those that are not told yet are asked for by their ids where a list lacks them", async () => {
  const members = await launched(lab, rowsOf('web', [1, 2, 3, 4], ['cmp-01', 'cmp-01', 'cmp-02', 'cmp-02']));
  await until(() => [...lab.cloud.servers.values()].every(({ host }) => host !== null), 'all have a host');
  const { servers } = lab.cloud;
  const values = servers.values.bind(servers);
  const isTold = (): boolean =>
    lab.calls.some(({ method, path }) => method === 'DELETE' && path.startsWith('/servers/'));
  servers.values = () => (isTold() ? new Map<string, never>().values() : values());
  await lab.run('remove', {
    ...{ turn, vnf, members, timing: lab.timing },
    spares: { web: { share: { numerator: 1, denominator: 2 } } },
  });
  expect(servers.size + lab.cloud.ports.size).toBe(0);
});

function fail({ cloud }: Lab, serverId: string): void {
  const server = cloud.servers.get(serverId);
  if (server) setStatus(cloud, server, 'ERROR');
}

function forceDown({ cloud }: Lab, name: string): void {
  const host = cloud.hosts.get(name);
  if (host) host.forcedDown = true;
}
