import { Dropped, type CloudEvent } from '../../simulator';
import { buildSeconds, neutron, nova, openLab, type Answer, type Asked, type Lab } from './lab';

/** Faults on demand: where they strike, how often, and whether before the effect or after it. */

const group = (name: string): Asked => ({
  to: `POST ${neutron}/security-groups`,
  body: { security_group: { name } },
});
const onGroups = { method: 'POST', path: '/security-groups$' };

const namesOf = (lab: Lab): string[] => [...lab.cloud.securityGroups.values()].map(({ name }) => name);
const statuses = async (lab: Lab, count: number): Promise<number[]> => {
  const found: number[] = [];
  for (let nth = 1; nth <= count; nth++) found.push((await lab.ask(group(String(nth)))).status);
  return found;
};

describe('a fault of a request', () => {
  test.each([
    ['before the effect', 'before' as const, []],
    ['after the effect', 'after' as const, ['a']],
  ])('status, %s', async (_when, moment, made) => {
    const lab = await openLab();
    await lab.addFault({ kind: 'status', status: 503, match: onGroups, moment });
    expect((await lab.ask(group('a'))).status).toBe(503);
    expect(namesOf(lab)).toEqual(made);
  });

  test.each([
    ['before the effect', 'before' as const, []],
    ['after the effect, the lost reply', 'after' as const, ['a']],
  ])('drop, %s', async (_when, moment, made) => {
    const lab = await openLab();
    await lab.addFault({ kind: 'drop', match: onGroups, moment });
    await expect(lab.ask(group('a'))).rejects.toBeInstanceOf(Dropped);
    expect(namesOf(lab)).toEqual(made);
    expect((await lab.ask(group('b'))).status).toBe(201);
  });

  test('delay: the answer comes later, and is the true one', async () => {
    const lab = await openLab({ latencyMs: [0, 0] });
    await lab.addFault({ kind: 'delay', delayMs: 60_000, match: onGroups });
    const before = lab.cloud.clock.now();
    expect((await lab.ask(group('a'))).status).toBe(201);
    expect(lab.cloud.clock.now() - before).toBe(60_000);
  });

  test('a status without more is Nova’s own bug: 500 computeFault', async () => {
    const lab = await openLab();
    await lab.addFault({ kind: 'status', match: onGroups });
    expect(await lab.ask(group('a'))).toMatchObject({ status: 500, body: { computeFault: { code: 500 } } });
  });

  test('with a body and headers of its own, such as the HTML of a proxy', async () => {
    const lab = await openLab();
    const fault = { kind: 'status', status: 503, body: '<html>', headers: { 'retry-after': '3' }, match: onGroups };
    await lab.addFault(fault);
    expect(await lab.ask(group('a'))).toMatchObject({
      status: 503,
      text: '<html>',
      headers: { 'content-type': 'text/html', 'retry-after': '3' },
    });
  });

  test.each<[string, object, number[]]>([
    ['once where it is not said', {}, [500, 201, 201, 201]],
    ['three times', { times: 3 }, [500, 500, 500, 201]],
    ['the second time', { match: { ...onGroups, nth: 2 } }, [201, 500, 201, 201]],
    ['from the second time on, twice', { match: { ...onGroups, nth: 2 }, times: 2 }, [201, 500, 500, 201]],
    ['not for another method', { match: { ...onGroups, method: 'GET' } }, [201, 201, 201, 201]],
    ['not for another path', { match: { path: '/ports' } }, [201, 201, 201, 201]],
    ['for any request', { match: {} }, [500, 201, 201, 201]],
  ])('strikes %s', async (_how, more, expected) => {
    const lab = await openLab();
    await lab.addFault({ kind: 'status', match: onGroups, ...more });
    expect(await statuses(lab, 4)).toEqual(expected);
  });

  test('strikes the request whose id is named', async () => {
    const lab = await openLab();
    await lab.addFault({ kind: 'status', match: { requestId: 'req-2' } });
    const withId = (id: string): Promise<Answer> =>
      lab.ask({ ...group(id), headers: { 'x-openstack-request-id': id } });
    expect([(await withId('req-1')).status, (await withId('req-2')).status]).toEqual([201, 500]);
  });

  test('is counted, and taken back', async () => {
    const lab = await openLab();
    await lab.addFault({ kind: 'status', match: onGroups, times: 5 });
    await lab.ask(group('a'));
    expect((await lab.ask({ to: 'GET /bulkhead/faults' })).body).toMatchObject({ faults: [{ seen: 1, left: 4 }] });
    await lab.ask({ to: 'DELETE /bulkhead/faults' });
    expect((await lab.ask(group('a'))).status).toBe(201);
  });
});

describe('a fault of the scheduler', () => {
  test.each<[string, object, object]>([
    [
      'misplace: another host of the zone than asked for',
      { kind: 'misplace', match: { namePrefix: 'a' } },
      { status: 'ACTIVE', 'OS-EXT-SRV-ATTR:host': expect.stringMatching(/^cmp-0[23]$/) as string },
    ],
    [
      'buildError: ERROR, with nothing held',
      { kind: 'buildError', match: { namePrefix: 'a' } },
      {
        status: 'ERROR',
        'OS-EXT-SRV-ATTR:host': null,
        fault: { code: 500, message: expect.stringMatching(/^Build of instance .* aborted: /) as string },
      },
    ],
    ['stuckBuild: BUILD for good', { kind: 'stuckBuild', match: { namePrefix: 'a' } }, { status: 'BUILD' }],
    [
      'noValidHost: the words of a scheduler without Placement',
      { kind: 'noValidHost', match: { namePrefix: 'a' } },
      {
        status: 'ERROR',
        fault: { code: 500, message: expect.stringMatching(/^No valid host was found\. ?$/) as string },
      },
    ],
    ['of another name: nothing', { kind: 'noValidHost', match: { namePrefix: 'b' } }, { status: 'ACTIVE' }],
    ['of the host asked for', { kind: 'noValidHost', match: { host: 'cmp-01' } }, { status: 'ERROR' }],
    ['of another host: nothing', { kind: 'noValidHost', match: { host: 'cmp-02' } }, { status: 'ACTIVE' }],
  ])('%s', async (_what, fault, shown) => {
    const lab = await openLab();
    await lab.addFault(fault);
    const port = await lab.port();
    const server = await lab.launch({ host: 'cmp-01', networks: [{ port }] });
    expect(server).toMatchObject(shown);
    if (server.status !== 'ERROR') return;
    expect(lab.cloud.ports.get(port)).toMatchObject({ deviceId: '', status: 'DOWN' });
    for (const host of lab.cloud.hosts.values()) expect([...host.holds]).toEqual([]);
  });

  test('strikes once where it is not said otherwise', async () => {
    const lab = await openLab();
    await lab.addFault({ kind: 'buildError', match: { namePrefix: 'a' }, times: 2 });
    expect([await lab.launch(), await lab.launch(), await lab.launch()].map(({ status }) => status)).toEqual([
      'ERROR',
      'ERROR',
      'ACTIVE',
    ]);
  });

  test('a server that is evacuated to a host comes there, and `misplace` waits for the next create', async () => {
    const lab = await openLab();
    const { id } = await lab.launch({ name: 'a', host: 'cmp-01' });
    await lab.strikeDown('cmp-01');
    await lab.addFault({ kind: 'misplace', match: { namePrefix: 'a' } });
    await lab.ask({ to: `POST ${nova}/servers/${id}/action`, body: { evacuate: { host: 'cmp-03' } } });
    await lab.pass(buildSeconds);
    expect(await lab.server(id)).toMatchObject({ 'OS-EXT-SRV-ATTR:host': 'cmp-03' });
    expect(lab.cloud.faults[0]?.left).toBe(1);
    expect((await lab.launch({ name: 'a', host: 'cmp-02' }))['OS-EXT-SRV-ATTR:host']).toBe('cmp-03');
  });

  test('a stuck build is deleted as any other', async () => {
    const lab = await openLab();
    await lab.addFault({ kind: 'stuckBuild', match: {} });
    const { id } = await lab.launch();
    await lab.pass(1_800);
    expect((await lab.server(id)).status).toBe('BUILD');
    await lab.ask({ to: `DELETE ${nova}/servers/${id}` });
    await lab.pass(2);
    expect(lab.cloud.servers.size).toBe(0);
    for (const host of lab.cloud.hosts.values()) expect([...host.holds]).toEqual([]);
  });
});

describe('the log', () => {
  const brief = (event: CloudEvent): string => {
    if (event.type === 'server.placed') return `${event.type} ${String(event.host)}`;
    if (event.type === 'server.state') return `${event.type} ${event.state}`;
    if (event.type === 'refused') return `${event.type} ${String(event.status)}`;
    if (event.type === 'host')
      return `${event.type} ${event.host}${event.alive ? ' alive' : ''}${event.up ? ' up' : ''}`;
    return event.type;
  };
  const since = async (lab: Lab, after: number): Promise<CloudEvent[]> => {
    const { body } = await lab.ask({ to: `GET /bulkhead/log?after=${String(after)}` });
    return body['events'] as CloudEvent[];
  };

  test('has all that happened, in order, with whose request it was', async () => {
    const lab = await openLab();
    const start = lab.cloud.log.length;
    const port = await lab.port();
    await lab.addFault({ kind: 'status', match: onGroups });
    await lab.ask(group('faulty'));
    await lab.ask({ to: `POST ${nova}/servers`, body: {}, headers: { 'x-openstack-request-id': 'req-1' } });
    const { id } = await lab.launch({ host: 'cmp-01', networks: [{ port }] });
    await lab.strikeDown('cmp-01');
    await lab.ask({ to: `POST ${nova}/servers/${id}/action`, body: { evacuate: { host: 'cmp-02' } } });
    await lab.pass(buildSeconds);
    await lab.ask({ to: `DELETE ${nova}/servers/${id}`, headers: { 'x-openstack-request-id': 'req-2' } });
    await lab.pass(2);
    await lab.ask({ to: `DELETE ${neutron}/ports/${port}` });
    const events = await since(lab, start);
    expect(events.map(brief)).toEqual([
      'port.created',
      'refused 400',
      'server.created',
      'server.placed cmp-01',
      'server.state ACTIVE',
      'host cmp-01 up',
      'host cmp-01',
      'server.state REBUILD',
      'server.placed cmp-02',
      'server.state SHUTOFF',
      'host cmp-01',
      'server.deleted',
      'port.deleted',
    ]);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => start + index + 1));
    expect(events.map(({ at }) => at)).toEqual(events.map(({ at }) => at).sort((a, b) => a - b));
    expect(events.find(({ type }) => type === 'refused')?.requestId).toBe('req-1');
    expect(events.find(({ type }) => type === 'server.deleted')?.requestId).toBe('req-2');
  });

  test('has who serves, newer ones only, and notes', async () => {
    const lab = await openLab();
    const start = lab.cloud.log.length;
    const publish = async (revision: number, stage: number): Promise<unknown> => {
      const body = { vnf: 'v', revision, stage, service: { web: ['v-web-1'] } };
      return (await lab.ask({ to: 'POST /bulkhead/publications', as: 'nobody', body })).body['accepted'];
    };
    expect([await publish(2, 1), await publish(2, 1), await publish(1, 2), await publish(2, 2)]).toEqual([
      true,
      false,
      false,
      true,
    ]);
    await lab.ask({ to: 'POST /bulkhead/notes', as: 'nobody', body: { note: 'n' } });
    expect((await since(lab, start)).map(({ type }) => type)).toEqual(['published', 'published', 'note']);
  });
});
