import { createHash } from 'node:crypto';
import { novaError, nova, openLab, table, type Asked, type Lab, type NewServer } from './lab';

/** Which host a server comes to: what may be asked for, by whom, and what is answered where it cannot be had. */

const create =
  (given: NewServer = {}) =>
  (lab: Lab): Asked => ({
    to: `POST ${nova}/servers`,
    body: lab.newServer(given),
    as: given.as ?? 'operator',
    ...(given.version !== undefined && { version: given.version }),
  });

describe('a create that names where it wants to be', () => {
  table([
    {
      fact: 'host, by a tenant: 403',
      ask: create({ as: 'tenant', host: 'cmp-01' }),
      status: 403,
      body: novaError(403, /compute:servers:create:requested_destination/),
    },
    {
      fact: 'hypervisor_hostname, by a tenant: 403',
      ask: create({ as: 'tenant', hypervisor_hostname: 'cmp-01' }),
      status: 403,
      body: novaError(403, /compute:servers:create:requested_destination/),
    },
    {
      fact: 'zone:host, by a tenant: 403',
      ask: create({ as: 'tenant', availability_zone: 'mz:cmp-01' }),
      status: 403,
      body: novaError(403, /:create:forced_host/),
    },
    { fact: 'a zone, by a tenant: 202', ask: create({ as: 'tenant', availability_zone: 'dmz' }), status: 202 },
    {
      fact: 'an unknown host: 400',
      ask: create({ host: 'cmp-99' }),
      status: 400,
      body: novaError(400, 'Compute host cmp-99 could not be found.'),
    },
    {
      fact: 'an unknown hypervisor: 400',
      ask: create({ hypervisor_hostname: 'cmp-99' }),
      status: 400,
      body: novaError(400, 'Compute host cmp-99 could not be found.'),
    },
    {
      fact: 'an unknown zone: 400',
      ask: create({ availability_zone: 'nowhere' }),
      status: 400,
      body: novaError(400, 'The requested availability zone is not available'),
    },
    { fact: 'a host below 2.74: 400', ask: create({ host: 'cmp-01', version: '2.73' }), status: 400 },
    { fact: 'a host at 2.74: 202', ask: create({ host: 'cmp-01', version: '2.74' }), status: 202 },
    { fact: 'zone:host at 2.1: 202', ask: create({ availability_zone: 'mz:cmp-02', version: '2.1' }), status: 202 },
    {
      fact: 'a group that is not there: 400',
      ask: create({ group: '11111111-1111-4111-8111-111111111111' }),
      status: 400,
      body: novaError(400, /Instance group .* could not be found/),
    },
  ]);
});

describe('where a server ends', () => {
  const noValidHost = {
    status: 'ERROR',
    hostId: '',
    'OS-EXT-SRV-ATTR:host': null,
    fault: { code: 500, message: 'No valid host was found. There are not enough hosts available.' },
  };
  /** Where Placement has none to offer to the filters. */
  const noCandidates = { ...noValidHost, fault: { code: 500, message: 'No valid host was found. ' } };

  test.each<[string, NewServer, object]>([
    ['on the host', { host: 'cmp-02' }, { status: 'ACTIVE', 'OS-EXT-SRV-ATTR:host': 'cmp-02' }],
    ['on the hypervisor', { hypervisor_hostname: 'cmp-03' }, { status: 'ACTIVE', 'OS-EXT-SRV-ATTR:host': 'cmp-03' }],
    ['in the zone', { availability_zone: 'dmz' }, { status: 'ACTIVE', 'OS-EXT-SRV-ATTR:host': 'dmz-01' }],
    ['nowhere, where the host is not in the zone', { host: 'cmp-02', availability_zone: 'dmz' }, noCandidates],
    [
      'on the forced host, though it is in another zone',
      { availability_zone: 'dmz:cmp-02' },
      { status: 'ACTIVE', 'OS-EXT-SRV-ATTR:host': 'cmp-02', 'OS-EXT-AZ:availability_zone': 'mz' },
    ],
  ])('%s', async (_where, given, shown) => {
    const lab = await openLab();
    expect(await lab.launch(given)).toMatchObject(shown);
  });

  test('nowhere, where no host has room: 202, then ERROR without an allocation; only the operator sees details', async () => {
    const lab = await openLab({ flavors: [{ name: 'huge', vcpus: 17, ramMb: 1, diskGb: 1 }] });
    const { id } = await lab.launch({ as: 'tenant' });
    const seenBy = async (as: 'operator' | 'tenant'): Promise<unknown> =>
      (await lab.ask({ to: `GET ${nova}/servers/${id}`, as })).body['server'];
    expect(await seenBy('operator')).toMatchObject({
      ...noCandidates,
      fault: { details: expect.any(String) as string },
    });
    expect(await seenBy('tenant')).toMatchObject({ fault: noCandidates.fault });
    expect(await seenBy('tenant')).not.toHaveProperty('fault.details');
    expect((await lab.ask({ to: `GET /placement/allocations/${id}` })).body).toEqual({ allocations: {} });
  });

  test('beside or away from another one, as hinted', async () => {
    const lab = await openLab();
    const first = await lab.launch({ as: 'tenant' });
    const same = await lab.launch({ as: 'tenant', hints: { same_host: [first.id] } });
    const different = await lab.launch({ as: 'tenant', hints: { different_host: [first.id, same.id] } });
    expect(same.hostId).toBe(first.hostId);
    expect(different.hostId).not.toBe(first.hostId);
  });

  test('not on a host that is disabled, down or forced down', async () => {
    const lab = await openLab();
    for (const host of ['cmp-01', 'cmp-02', 'cmp-03']) {
      const change = host === 'cmp-01' ? { status: 'disabled' } : { forced_down: true };
      await lab.ask({ to: `PUT ${nova}/os-services/${lab.serviceOf(host)}`, body: change });
      expect(await lab.launch({ host })).toMatchObject(host === 'cmp-01' ? noCandidates : noValidHost);
    }
    lab.setAlive('dmz-01', false);
    await lab.pass(61);
    expect(await lab.launch()).toMatchObject(noValidHost);
  });

  test('one after another they spread, at once they pile up', async () => {
    const hostsAfter = (lab: Lab, ids: readonly string[]): number =>
      new Set(ids.map((id) => lab.cloud.servers.get(id)?.host)).size;
    const calm = await openLab();
    const spread = [await calm.launch(), await calm.launch(), await calm.launch(), await calm.launch()];
    expect(
      hostsAfter(
        calm,
        spread.map(({ id }) => id),
      ),
    ).toBe(4);
    const busy = await openLab();
    const answers = await busy.askAll(Array.from({ length: 4 }, () => create()(busy)));
    await busy.pass(120);
    const ids = answers.map(({ body }) => (body['server'] as { id: string }).id);
    expect(hostsAfter(busy, ids)).toBe(1);
  });
});

test('hostId is the sha224 of project and host: the same within a project, another one in another', async () => {
  const lab = await openLab();
  const shown = await lab.launch({ availability_zone: 'dmz', as: 'tenant' });
  const hash = (project: string): string =>
    createHash('sha224')
      .update(`${lab.project(project)}dmz-01`)
      .digest('hex');
  expect(shown.hostId).toBe(hash('tenant'));
  expect((await lab.launch({ availability_zone: 'dmz', as: 'other' })).hostId).toBe(hash('other'));
});

describe('what is none of a tenant’s business', () => {
  const refused = [
    'os-services',
    'os-hypervisors',
    'os-aggregates',
    'servers?all_tenants=1',
    'servers/detail?all_tenants=1',
  ];
  table(
    refused.map((path) => ({
      fact: `GET ${path}: 403`,
      ask: () => ({ to: `GET ${nova}/${path}`, as: 'tenant' as const }),
      status: 403,
      body: novaError(403, /^Policy doesn't allow .* to be performed\.$/),
    })),
  );

  test('evacuate: 403; hosts are not shown', async () => {
    const lab = await openLab();
    const { id } = await lab.launch({ as: 'tenant' });
    const evacuation = { to: `POST ${nova}/servers/${id}/action`, body: { evacuate: {} }, as: 'tenant' as const };
    expect((await lab.ask(evacuation)).status).toBe(403);
    const shown = (await lab.ask({ to: `GET ${nova}/servers/${id}`, as: 'tenant' })).body['server'];
    expect(shown).not.toHaveProperty('OS-EXT-SRV-ATTR:host');
    expect(shown).not.toHaveProperty('host_status');
  });
});
