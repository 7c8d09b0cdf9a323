import { buildSeconds, novaError, nova, openLab, table, type Asked, type Lab, type NewServer } from './lab';

/** Servers: tags, lists with their filters and pages, deletes, microversions and tokens. */

const create =
  (given: NewServer, version?: string) =>
  (lab: Lab): Asked => ({
    to: `POST ${nova}/servers`,
    body: lab.newServer(given),
    ...(version !== undefined && { version }),
  });

describe('tags', () => {
  table([
    { fact: 'from 2.52 on: 202', ask: create({ tags: ['a'] }, '2.52'), status: 202 },
    { fact: 'below 2.52: 400', ask: create({ tags: ['a'] }, '2.51'), status: 400 },
    { fact: 'of 60 characters: 202', ask: create({ tags: ['x'.repeat(60)] }), status: 202 },
    { fact: 'of 61 characters: 400', ask: create({ tags: ['x'.repeat(61)] }), status: 400 },
    { fact: 'of no characters: 400', ask: create({ tags: [''] }), status: 400 },
    { fact: 'with a comma: 400', ask: create({ tags: ['a,b'] }), status: 400 },
    { fact: 'with a slash: 400', ask: create({ tags: ['a/b'] }), status: 400 },
    {
      fact: '50 of them: 202',
      ask: create({ tags: Array.from({ length: 50 }, (_, number) => String(number)) }),
      status: 202,
    },
    {
      fact: '51 of them: 400',
      ask: create({ tags: Array.from({ length: 51 }, (_, number) => String(number)) }),
      status: 400,
    },
    {
      fact: 'are read: 200',
      ask: async (lab) => ({ to: `GET ${nova}/servers/${(await lab.launch({ tags: ['a', 'b'] })).id}/tags` }),
      status: 200,
      body: { tags: ['a', 'b'] },
    },
  ]);
});

describe('a create', () => {
  table([
    {
      fact: 'answers with the id and where it is: 202',
      ask: create({}),
      status: 202,
      body: { server: { id: expect.any(String) as string, links: [{ rel: 'self' }, { rel: 'bookmark' }] } },
    },
    { fact: 'without a name: 400', ask: create({ name: '' }), status: 400 },
    { fact: 'of a flavor that is not there: 400', ask: create({ flavorRef: '99' }), status: 400 },
    { fact: 'of an image that is not there: 400', ask: create({ imageRef: 'x' }), status: 400 },
    { fact: 'of a network that is not there: 400', ask: create({ networks: [{ uuid: 'x' }] }), status: 400 },
    { fact: 'with what Nova does not know: 400', ask: create({ colour: 'blue' }), status: 400 },
    {
      fact: 'on a volume, which there is none of: 400',
      ask: create({ block_device_mapping_v2: [{ source_type: 'volume', destination_type: 'volume' }] }),
      status: 400,
    },
    {
      fact: 'as the openstack client words it: 202',
      ask: create({ block_device_mapping_v2: [{ source_type: 'image', destination_type: 'local', boot_index: 0 }] }),
      status: 202,
    },
  ]);

  test('is never recognised again: the same name and the same request id make a second server', async () => {
    const lab = await openLab();
    const asked = { ...create({ name: 'twin' })(lab), headers: { 'x-openstack-request-id': 'req-1' } };
    const [first, second] = [await lab.ask(asked), await lab.ask(asked)];
    expect([first.status, second.status]).toEqual([202, 202]);
    expect(first.body).not.toEqual(second.body);
    const { body } = await lab.ask({ to: `GET ${nova}/servers?name=^twin$` });
    // At once, while both are still in BUILD.
    expect(body['servers']).toHaveLength(2);
  });
});

describe('a list', () => {
  const three = async (lab: Lab): Promise<void> => {
    for (const [name, tags] of [
      ['a-1', ['x', 'y']],
      ['a-10', ['x']],
      ['b-1', ['z']],
    ] as const)
      await lab.launch({ as: 'tenant', name, tags });
  };
  const names = async (lab: Lab, query: string, given: Partial<Asked> = {}): Promise<string[] | number> => {
    const { status, body } = await lab.ask({ to: `GET ${nova}/servers/detail?${query}`, as: 'tenant', ...given });
    return status === 200 ? (body['servers'] as { name: string }[]).map(({ name }) => name).sort() : status;
  };
  const all = ['a-1', 'a-10', 'b-1'];

  test.each<[string, string[] | number]>([
    ['', all],
    ['name=a-1', ['a-1', 'a-10']],
    ['name=^a-1$', ['a-1']],
    ['status=ACTIVE', all],
    ['status=ERROR', []],
    ['flavor=1', all],
    ['flavor=2', []],
    ['tags=x', ['a-1', 'a-10']],
    ['tags=x,y', ['a-1']],
    ['tags-any=y,z', ['a-1', 'b-1']],
    ['not-tags=x,y', ['a-10', 'b-1']],
    ['not-tags-any=y,z', ['a-10']],
    ['vm_state=active', all],
    ['power_state=1', all],
    ['availability_zone=dmz', []],
    ['changes-since=2030-01-01T00:00:00Z', []],
    ['changes-since=2020-01-01T00:00:00Z', all],
    ['changes-before=2020-01-01T00:00:00Z', []],
    ['changes-since=yesterday', 400],
    ['locked=true', []],
    // A regular expression, as a name.
    ['hostname=^a-1$', ['a-1']],
    ['status=SLEEPING', 400],
    // Silently ignored for a tenant.
    ...['metadata={}', 'host=cmp-99', 'node=x', 'uuid=x', 'description=x', 'deleted=true'].map(
      (query): [string, string[]] => [query, all],
    ),
    ['colour=blue', 400],
  ])('of a tenant, ?%s', async (query, expected) => {
    const lab = await openLab({ hosts: [{ name: 'cmp-01', zone: 'mz', vcpus: 16, ramMb: 65_536, diskGb: 1_000 }] });
    await three(lab);
    expect(await names(lab, encodeURI(query))).toEqual(expected);
  });

  test.each<[string, string, string[] | number]>([
    ['hostname=a-1', '2.89', 400],
    ['hostname=^a-1$', '2.90', ['a-1']],
    // Ignored for a tenant, as ever, until it was allowed.
    ['vm_state=error', '2.82', all],
    ['vm_state=error', '2.83', []],
    ['availability_zone=dmz', '2.82', all],
    ['availability_zone=dmz', '2.83', []],
  ])('of a tenant, ?%s at %s', async (query, version, expected) => {
    const lab = await openLab();
    for (const name of all) await lab.launch({ as: 'tenant', name, availability_zone: 'mz' });
    expect(await names(lab, query, { version })).toEqual(expected);
  });

  test.each<[string, string[] | number]>([
    ['', []],
    ['all_tenants=1', all],
    ['all_tenants=1&host=cmp-01', all],
    ['all_tenants=1&host=cmp-02', []],
    ['metadata={}', 400],
  ])('of the operator, ?%s', async (query, expected) => {
    const lab = await openLab({ hosts: [{ name: 'cmp-01', zone: 'mz', vcpus: 16, ramMb: 65_536, diskGb: 1_000 }] });
    await three(lab);
    expect(await names(lab, encodeURI(query), { as: 'operator' })).toEqual(expected);
  });

  test('comes in pages, newest first, with a link to the next one', async () => {
    const lab = await openLab();
    await three(lab);
    const seen: string[] = [];
    let to: string | undefined = `GET ${nova}/servers?limit=2`;
    for (let pages = 0; to !== undefined && pages < 5; pages++) {
      const { body } = await lab.ask({ to, as: 'tenant' });
      seen.push(...(body['servers'] as { name: string }[]).map(({ name }) => name));
      const [next] = (body['servers_links'] ?? []) as { rel: string; href: string }[];
      to = next && `GET ${new URL(next.href).pathname}${new URL(next.href).search}`;
      if (next) expect(next.rel).toBe('next');
    }
    expect(seen).toEqual(['b-1', 'a-10', 'a-1']);
  });

  table([
    {
      fact: 'from a marker that is not there: 400',
      ask: () => ({ to: `GET ${nova}/servers?marker=x` }),
      status: 400,
      body: novaError(400, 'marker [x] not found'),
    },
    { fact: 'of a limit that is no number: 400', ask: () => ({ to: `GET ${nova}/servers?limit=x` }), status: 400 },
    {
      fact: 'of flavors in pages: 200',
      ask: () => ({ to: `GET ${nova}/flavors?limit=1&marker=1` }),
      status: 200,
      body: { flavors: [{ id: '2' }], flavors_links: [{ rel: 'next' }] },
    },
    {
      fact: 'of ports in pages: 200',
      given: async (lab) => {
        for (const name of ['a', 'b', 'c']) await lab.port({ name });
      },
      ask: () => ({ to: 'GET /networking/v2.0/ports?limit=2' }),
      status: 200,
      body: { ports: [{ name: 'a' }, { name: 'b' }], ports_links: [{ rel: 'next' }] },
    },
  ]);
});

describe('a delete', () => {
  table([
    { fact: 'of what is not there: 404', ask: () => ({ to: `DELETE ${nova}/servers/x` }), status: 404 },
    {
      fact: 'of another project’s, by a tenant: 404',
      ask: async (lab) => ({ to: `DELETE ${nova}/servers/${(await lab.launch()).id}`, as: 'tenant' }),
      status: 404,
    },
    {
      fact: 'of what is gone: 404',
      ask: async (lab) => {
        const to = `DELETE ${nova}/servers/${(await lab.launch()).id}`;
        await lab.ask({ to });
        await lab.pass(2);
        return { to };
      },
      status: 404,
      body: novaError(404, /^Instance [0-9a-f-]{36} could not be found\.$/),
    },
    {
      fact: 'of what is going: 204 again',
      ask: async (lab) => {
        const to = `DELETE ${nova}/servers/${(await lab.launch()).id}`;
        await lab.ask({ to });
        return { to };
      },
      status: 204,
    },
  ]);

  test('in the middle of a build leaves nothing behind', async () => {
    const lab = await openLab();
    const body = lab.newServer({ networks: [{ uuid: lab.network('mgmt') }] });
    const created = await lab.ask({ to: `POST ${nova}/servers`, body });
    const { id } = created.body['server'] as { id: string };
    await lab.pass(5);
    expect((await lab.ask({ to: `DELETE ${nova}/servers/${id}` })).status).toBe(204);
    await lab.pass(buildSeconds);
    expect([lab.cloud.servers.size, lab.cloud.ports.size, lab.cloud.claims.size]).toEqual([0, 0, 0]);
    for (const host of lab.cloud.hosts.values()) expect(host.used).toEqual({ vcpus: 0, ramMb: 0, diskGb: 0 });
  });

  test('is seen with changes-since, as DELETED', async () => {
    const lab = await openLab();
    const { id } = await lab.launch();
    await lab.ask({ to: `DELETE ${nova}/servers/${id}` });
    await lab.pass(2);
    const { body } = await lab.ask({ to: `GET ${nova}/servers/detail?changes-since=2025-01-01T00:00:00Z` });
    expect(body['servers']).toMatchObject([{ id, status: 'DELETED' }]);
  });
});

describe('a state that an operator sets', () => {
  test('is shown, and a build that was under way does not undo it', async () => {
    const lab = await openLab();
    const created = await lab.ask({ to: `POST ${nova}/servers`, body: lab.newServer() });
    const { id } = created.body['server'] as { id: string };
    const body = { 'os-resetState': { state: 'error' } };
    expect((await lab.ask({ to: `POST ${nova}/servers/${id}/action`, body })).status).toBe(202);
    await lab.pass(buildSeconds);
    expect((await lab.ask({ to: `GET ${nova}/servers/${id}` })).body).toMatchObject({ server: { status: 'ERROR' } });
  });
});

describe('start and stop', () => {
  const acted = async (lab: Lab, action: string): Promise<Asked> => ({
    to: `POST ${nova}/servers/${(await lab.launch()).id}/action`,
    body: { [action]: null },
  });
  table([
    { fact: 'stop of what runs: 202', ask: (lab) => acted(lab, 'os-stop'), status: 202 },
    {
      fact: 'start of what runs: 409',
      ask: (lab) => acted(lab, 'os-start'),
      status: 409,
      body: novaError(409, /^Cannot 'start' instance .* while it is in vm_state active$/),
    },
    {
      fact: 'a state that cannot be set: 400',
      ask: async (lab) => ({ ...(await acted(lab, 'x')), body: { 'os-resetState': { state: 'deleted' } } }),
      status: 400,
    },
    { fact: 'what is no action: 400', ask: (lab) => acted(lab, 'os-fly'), status: 400 },
  ]);
});
