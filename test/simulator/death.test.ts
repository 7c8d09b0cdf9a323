import { hostsOf } from '../../simulator';
import { buildSeconds, novaError, nova, openLab, type Answer, type Lab } from './lab';

/** A host dies: when it is known, what can be done then, and what is done when it is back. */

const act = (lab: Lab, id: string, action: object, version = '2.96'): Promise<Answer> =>
  lab.ask({ to: `POST ${nova}/servers/${id}/action`, body: action, version });

const change = (lab: Lab, host: string, body: object): Promise<Answer> =>
  lab.ask({ to: `PUT ${nova}/os-services/${lab.serviceOf(host)}`, body });

async function service(lab: Lab, host: string): Promise<unknown> {
  const { body } = await lab.ask({ to: `GET ${nova}/os-services?host=${host}` });
  return (body['services'] as readonly unknown[])[0];
}

async function holders(lab: Lab, id: string): Promise<string[]> {
  const { body } = await lab.ask({ to: `GET /placement/allocations/${id}` });
  const providers = Object.keys(body['allocations'] as object);
  return [...lab.cloud.hosts.values()].filter((host) => providers.includes(host.id)).map(({ name }) => name);
}

describe('a compute service', () => {
  test('is reported down a minute after it died, and up soon after it is back', async () => {
    const lab = await openLab();
    lab.setAlive('cmp-01', false);
    await lab.pass(59);
    expect(await service(lab, 'cmp-01')).toMatchObject({ state: 'up' });
    await lab.pass(2);
    expect(await service(lab, 'cmp-01')).toMatchObject({ state: 'down', status: 'enabled', forced_down: false });
    lab.setAlive('cmp-01', true);
    await lab.pass(4);
    expect(await service(lab, 'cmp-01')).toMatchObject({ state: 'down' });
    await lab.pass(2);
    expect(await service(lab, 'cmp-01')).toMatchObject({ state: 'up' });
  });

  test('that is back before anybody noticed was never down', async () => {
    const lab = await openLab();
    lab.setAlive('cmp-01', false);
    await lab.pass(30);
    lab.setAlive('cmp-01', true);
    await lab.pass(120);
    const reported = lab.cloud.log.flatMap((event) =>
      event.type === 'host' && event.host === 'cmp-01' ? event.up : [],
    );
    expect(reported).not.toContain(false);
  });

  test.each([
    [
      'disabled with a reason',
      { status: 'disabled', disabled_reason: 'why' },
      { status: 'disabled', disabled_reason: 'why' },
    ],
    ['disabled without one', { status: 'disabled' }, { status: 'disabled', disabled_reason: null }],
    ['forced down', { forced_down: true }, { state: 'down', forced_down: true, status: 'enabled' }],
  ])('is %s, and back', async (_how, body, shown) => {
    const lab = await openLab();
    const before = await service(lab, 'cmp-01');
    const { status, body: answer } = await change(lab, 'cmp-01', body);
    expect(status).toBe(200);
    expect(answer['service']).toMatchObject(shown);
    await change(lab, 'cmp-01', { status: 'enabled', forced_down: false });
    expect(await service(lab, 'cmp-01')).toMatchObject({
      ...(before as object),
      updated_at: expect.any(String) as string,
    });
  });

  test.each([
    ['a reason for what is enabled: 400', { status: 'enabled', disabled_reason: 'why' }, '2.96', 400],
    ['nothing: 400', {}, '2.96', 400],
    ['anything by its UUID below 2.53: 404', { status: 'disabled' }, '2.52', 404],
  ])('refuses %s', async (_what, body, version, status) => {
    const lab = await openLab();
    const to = `PUT ${nova}/os-services/${lab.serviceOf('cmp-01')}`;
    expect((await lab.ask({ to, body, version })).status).toBe(status);
  });

  test.each([
    ['waits for its RPC where it is dead and nobody knows', false, 30_000],
    ['answers at once where it was forced down before', true, 0],
  ])('that is disabled %s', async (_how, forced, waits) => {
    const lab = await openLab({ latencyMs: [0, 0] });
    lab.setAlive('cmp-01', false);
    if (forced) await change(lab, 'cmp-01', { forced_down: true });
    const before = lab.cloud.clock.now();
    expect((await change(lab, 'cmp-01', { status: 'disabled' })).status).toBe(200);
    expect(lab.cloud.clock.now() - before).toBe(waits);
  });
});

describe('evacuate', () => {
  test.each([
    ['2.13', 'ACTIVE', { adminPass: expect.any(String) as string }],
    ['2.94', 'ACTIVE', {}],
    ['2.95', 'SHUTOFF', {}],
    ['2.96', 'SHUTOFF', {}],
  ])('at %s: 200, REBUILD, then %s on another host with the same port', async (version, status, body) => {
    const lab = await openLab();
    const port = await lab.port();
    const { id } = await lab.launch({ host: 'cmp-01', networks: [{ port }] });
    const { address } = lab.cloud.ports.get(port) ?? {};
    await lab.strikeDown('cmp-01');
    const answer = await act(lab, id, { evacuate: {} }, version);
    expect({ status: answer.status, body: answer.body }).toEqual({ status: 200, body });
    expect((await lab.server(id)).status).toBe('REBUILD');
    await lab.pass(buildSeconds);
    const moved = await lab.server(id);
    expect(moved).toMatchObject({ status, addresses: { mgmt: [{ addr: address }] } });
    expect(moved['OS-EXT-SRV-ATTR:host']).toMatch(/^cmp-0[23]$/);
    expect(lab.cloud.ports.get(port)).toMatchObject({ deviceId: id, address });
    if (status === 'SHUTOFF') {
      expect((await act(lab, id, { 'os-start': null })).status).toBe(202);
      await lab.pass(2);
      expect((await lab.server(id)).status).toBe('ACTIVE');
    }
  });

  test.each<[string, object, number, string | RegExp]>([
    ['from a host that is up: 400', {}, 400, 'Compute service of cmp-01 is still in use.'],
    ['to a host that is not there: 404', { host: 'cmp-99' }, 404, /cmp-99/],
    ['to where it is: 400', { host: 'cmp-01' }, 400, /same/],
  ])('%s', async (_what, evacuate, status, message) => {
    const lab = await openLab();
    const { id } = await lab.launch({ host: 'cmp-01' });
    const answer = await act(lab, id, { evacuate });
    expect(answer).toMatchObject({ status, body: novaError(status, message) });
  });

  test('of a server that is not there: 404', async () => {
    expect((await act(await openLab(), 'x', { evacuate: {} })).status).toBe(404);
  });

  test('to the host that is named', async () => {
    const lab = await openLab();
    const { id } = await lab.launch({ host: 'cmp-01' });
    await lab.strikeDown('cmp-01');
    await act(lab, id, { evacuate: { host: 'cmp-03' } });
    await lab.pass(buildSeconds);
    expect(await lab.server(id)).toMatchObject({ 'OS-EXT-SRV-ATTR:host': 'cmp-03' });
  });

  test('with no room under the rule of its group: 200, then ERROR, and the old host keeps its room', async () => {
    const lab = await openLab({ hosts: hostsOf({ mz: 2 }) });
    const group = await lab.group();
    const { id } = await lab.launch({ group, host: 'cmp-01' });
    await lab.launch({ group, host: 'cmp-02' });
    await lab.strikeDown('cmp-01');
    expect((await act(lab, id, { evacuate: {} })).status).toBe(200);
    await lab.pass(buildSeconds);
    expect(await lab.server(id)).toMatchObject({
      status: 'ERROR',
      fault: { message: 'No valid host was found. There are not enough hosts available.' },
    });
    expect(await holders(lab, id)).toEqual(['cmp-01']);
  });

  test('holds room on both hosts until the failed one is back', async () => {
    const lab = await openLab();
    const { id } = await lab.launch({ host: 'cmp-01' });
    await lab.strikeDown('cmp-01');
    await act(lab, id, { evacuate: { host: 'cmp-02' } });
    await lab.pass(buildSeconds);
    expect(await holders(lab, id)).toEqual(['cmp-01', 'cmp-02']);
    lab.setAlive('cmp-01', true);
    await lab.pass(10);
    expect(await holders(lab, id)).toEqual(['cmp-02']);
  });

  test('keeps a host that was forced down from being forced up before it is back', async () => {
    const lab = await openLab();
    const { id } = await lab.launch({ host: 'cmp-01' });
    await lab.strikeDown('cmp-01');
    await act(lab, id, { evacuate: { host: 'cmp-02' } });
    await lab.pass(buildSeconds);
    const early = await change(lab, 'cmp-01', { forced_down: false });
    expect(early).toMatchObject({
      status: 400,
      body: novaError(400, /^Unable to force up host cmp-01 as `done` evacuation migration records remain/),
    });
    lab.setAlive('cmp-01', true);
    await lab.pass(10);
    expect((await change(lab, 'cmp-01', { forced_down: false })).status).toBe(200);
    expect(await service(lab, 'cmp-01')).toMatchObject({ state: 'up', forced_down: false });
  });

  test('of twelve at once without a target puts all on one host; with targets, where they were sent', async () => {
    for (const named of [false, true]) {
      const lab = await openLab({ hosts: hostsOf({ mz: 5 }) });
      const ids: string[] = [];
      for (let made = 0; made < 12; made++) ids.push((await lab.launch({ host: 'cmp-01' })).id);
      await lab.strikeDown('cmp-01');
      const target = (index: number): object => (named ? { host: `cmp-0${String(2 + (index % 4))}` } : {});
      await lab.askAll(
        ids.map((id, index) => ({ to: `POST ${nova}/servers/${id}/action`, body: { evacuate: target(index) } })),
      );
      await lab.pass(buildSeconds);
      const hosts = ids.map((id) => lab.cloud.servers.get(id)?.host);
      expect(new Set(hosts).size).toBe(named ? 4 : 1);
      expect(hosts).not.toContain('cmp-01');
    }
  });
});

describe('what is sent to a dead host', () => {
  test('a create that names it stays in BUILD, and is done when it is back', async () => {
    const lab = await openLab();
    lab.setAlive('cmp-01', false);
    const server = await lab.launch({ host: 'cmp-01' });
    expect(server).toMatchObject({ status: 'BUILD', 'OS-EXT-SRV-ATTR:host': null });
    await lab.pass(1_800);
    expect((await lab.server(server.id)).status).toBe('BUILD');
    lab.setAlive('cmp-01', true);
    await lab.pass(buildSeconds);
    expect(await lab.server(server.id)).toMatchObject({ status: 'ACTIVE', 'OS-EXT-SRV-ATTR:host': 'cmp-01' });
  });

  test('a reboot: 202, and it runs when the host is back', async () => {
    const lab = await openLab();
    const { id } = await lab.launch({ host: 'cmp-01' });
    lab.setAlive('cmp-01', false);
    expect((await act(lab, id, { reboot: { type: 'HARD' } })).status).toBe(202);
    await lab.pass(1_800);
    expect(lab.cloud.servers.get(id)?.taskState).toBe('rebooting');
    lab.setAlive('cmp-01', true);
    await lab.pass(10);
    expect(await lab.server(id)).toMatchObject({ status: 'ACTIVE', 'OS-EXT-STS:task_state': null });
  });

  test.each([
    ['and not known to be: 204, gone when it is back', false],
    ['and known to be: 204, gone at once', true],
  ])('a delete, where it is dead %s', async (_what, known) => {
    const lab = await openLab();
    const { id } = await lab.launch({ host: 'cmp-01' });
    if (known) await lab.strikeDown('cmp-01');
    else lab.setAlive('cmp-01', false);
    expect((await lab.ask({ to: `DELETE ${nova}/servers/${id}` })).status).toBe(204);
    await lab.pass(30);
    expect(lab.cloud.servers.has(id)).toBe(!known);
    lab.setAlive('cmp-01', true);
    await lab.pass(10);
    expect((await lab.ask({ to: `GET ${nova}/servers/${id}` })).status).toBe(404);
  });
});

test('a dead host’s server stays ACTIVE to its tenant; the operator sees that its host is unknown', async () => {
  const lab = await openLab();
  const { id } = await lab.launch({ as: 'tenant' });
  lab.setAlive(lab.cloud.servers.get(id)?.host ?? '', false);
  await lab.pass(61);
  expect(await lab.server(id)).toMatchObject({ status: 'ACTIVE', host_status: 'UNKNOWN' });
  const { body } = await lab.ask({ to: `GET ${nova}/servers/${id}`, as: 'tenant' });
  expect(body['server']).toMatchObject({ status: 'ACTIVE' });
});

describe('a live migration by another hand', () => {
  test('takes the server and its room to the other host, and nothing else', async () => {
    const lab = await openLab();
    const made = await lab.launch();
    const before = await lab.server(made.id);
    const [from] = await holders(lab, made.id);
    const to = [...lab.cloud.hosts.keys()].find((name) => name !== from) ?? '';
    expect((await lab.ask({ to: `POST /bulkhead/servers/${made.id}`, body: { host: to } })).status).toBe(200);
    expect(await holders(lab, made.id)).toEqual([to]);
    expect(await lab.server(made.id)).toMatchObject({ status: 'ACTIVE', id: before.id, 'OS-EXT-SRV-ATTR:host': to });
    expect(lab.cloud.log.at(-1)).toMatchObject({ type: 'server.placed', id: made.id, host: to });
    expect((await lab.ask({ to: `POST /bulkhead/servers/${made.id}`, body: { host: 'nowhere' } })).status).toBe(404);
  });
});
