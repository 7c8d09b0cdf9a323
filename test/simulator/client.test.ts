import { CommanderError } from 'commander';
import { optionsOf } from '../../simulator/options';
import { buildSeconds, neutron, neutronError, nova, novaError, openLab, table, type Answer, type Lab } from './lab';

/** What the `openstack` client's commands ask beyond what Bulkhead does, and how the program itself is started. */

const network = (lab: Lab, changes: object = {}): object => ({ network_id: lab.network('mgmt'), ...changes });

async function groupNamed(lab: Lab, name: string, as: 'operator' | 'tenant' = 'operator'): Promise<string> {
  const { body } = await lab.ask({ to: `POST ${neutron}/security-groups`, as, body: { security_group: { name } } });
  return (body['security_group'] as { readonly id: string }).id;
}

function listed(answer: Answer, key: string): readonly Record<string, unknown>[] {
  return answer.body[key] as readonly Record<string, unknown>[];
}

describe('a port', () => {
  test('is renamed, described, disabled, and put into a group', async () => {
    const lab = await openLab();
    const [id, group] = [await lab.port({ name: 'a', description: 'first' }), await groupNamed(lab, 'g')];
    const to = `${neutron}/ports/${id}`;
    expect((await lab.ask({ to: `GET ${to}` })).body).toMatchObject({ port: { name: 'a', description: 'first' } });
    const change = { name: 'b', description: 'second', admin_state_up: false, security_groups: [group] };
    const answer = await lab.ask({ to: `PUT ${to}`, body: { port: change } });
    expect([answer.status, answer.body]).toMatchObject([200, { port: change }]);
    expect((await lab.ask({ to: `GET ${to}` })).body).toMatchObject({ port: change });
  });

  test.each(['fixed_ips', 'network_id', 'allowed_address_pairs'])('keeps its %s: 400', async (property) => {
    const lab = await openLab();
    const to = `PUT ${neutron}/ports/${await lab.port()}`;
    expect((await lab.ask({ to, body: { port: { [property]: [] } } })).status).toBe(400);
  });

  table([
    {
      fact: 'of another project is not there to be changed: 404',
      given: (lab) => lab.port(),
      ask: (lab) => ({
        to: `PUT ${neutron}/ports/${[...lab.cloud.ports.keys()][0] ?? ''}`,
        as: 'tenant',
        body: { port: { name: 'x' } },
      }),
      status: 404,
    },
    {
      fact: 'for another project, of an operator: 201',
      ask: (lab) => ({
        to: `POST ${neutron}/ports`,
        body: { port: network(lab, { project_id: lab.project('tenant') }) },
      }),
      status: 201,
    },
    {
      fact: 'for another project, of a tenant: 400',
      ask: (lab) => ({
        to: `POST ${neutron}/ports`,
        as: 'tenant',
        body: { port: network(lab, { project_id: lab.project('other') }) },
      }),
      status: 400,
    },
    {
      fact: 'in a group that is not there: 404',
      ask: (lab) => ({ to: `POST ${neutron}/ports`, body: { port: network(lab, { security_groups: ['x'] }) } }),
      status: 404,
      body: neutronError('SecurityGroupNotFound'),
    },
    {
      fact: 'is given tags without a body: no tags, and no crash',
      given: (lab) => lab.port(),
      ask: (lab) => ({ to: `PUT ${neutron}/ports/${[...lab.cloud.ports.keys()][0] ?? ''}/tags` }),
      status: 200,
      body: { tags: [] },
    },
  ]);

  test.each([
    ['status=ACTIVE', 0],
    ['status=DOWN', 2],
    ['fixed_ips=ip_address%3D10.10.0.77', 1],
    ['device_owner=compute:nova', 0],
    ['mac_address=x', 0],
    ['security_groups=x', 0],
  ])('is found by %s', async (query, count) => {
    const lab = await openLab();
    await lab.port({ fixed_ips: [{ ip_address: '10.10.0.77' }] });
    await lab.port();
    expect(listed(await lab.ask({ to: `GET ${neutron}/ports?${query}` }), 'ports')).toHaveLength(count);
  });

  test('is listed with all others where no page was asked for', async () => {
    const lab = await openLab();
    const body = { ports: Array.from({ length: 1_200 }, () => network(lab)) };
    await lab.ask({ to: `POST ${neutron}/ports`, body });
    expect(listed(await lab.ask({ to: `GET ${neutron}/ports` }), 'ports')).toHaveLength(1_200);
  });
});

describe('a security group', () => {
  test('is renamed, described and tagged', async () => {
    const lab = await openLab();
    const to = `${neutron}/security-groups/${await groupNamed(lab, 'g')}`;
    const change = { name: 'h', description: 'new' };
    expect((await lab.ask({ to: `PUT ${to}`, body: { security_group: change } })).status).toBe(200);
    expect((await lab.ask({ to: `PUT ${to}/tags`, body: { tags: ['t'] } })).status).toBe(200);
    expect((await lab.ask({ to: `GET ${to}` })).body).toMatchObject({ security_group: { ...change, tags: ['t'] } });
  });

  test('gives its rules to whom it belongs, and to an operator', async () => {
    const lab = await openLab();
    const group = await groupNamed(lab, 'g');
    const rules = async (as: 'operator' | 'tenant', query = ''): Promise<number> =>
      listed(await lab.ask({ to: `GET ${neutron}/security-group-rules?${query}`, as }), 'security_group_rules').length;
    const rule = { security_group_id: group, direction: 'ingress', protocol: 'tcp' };
    const body = { security_group_rule: rule };
    expect((await lab.ask({ to: `POST ${neutron}/security-group-rules`, as: 'tenant', body })).status).toBe(404);
    expect((await lab.ask({ to: `POST ${neutron}/security-group-rules`, body })).status).toBe(201);
    expect([await rules('operator'), await rules('tenant')]).toEqual([3, 0]);
    expect([await rules('operator', 'protocol=tcp'), await rules('operator', 'direction=egress')]).toEqual([1, 2]);
  });

  test('is on the ports that Nova makes, and shown of the server', async () => {
    const lab = await openLab();
    const group = await groupNamed(lab, 'g');
    const networks = [{ uuid: lab.network('mgmt') }];
    const server = await lab.launch({ networks, security_groups: [{ name: 'g' }], description: 'd' });
    expect(server).toMatchObject({ status: 'ACTIVE', security_groups: [{ name: 'g' }], description: 'd' });
    const ports = listed(await lab.ask({ to: `GET ${neutron}/ports?device_id=${server.id}` }), 'ports');
    expect(ports).toMatchObject([{ security_groups: [group] }]);
  });

  table([
    {
      fact: 'that is not there, of a server: 400',
      ask: (lab) => ({ to: `POST ${nova}/servers`, body: lab.newServer({ security_groups: [{ name: 'x' }] }) }),
      status: 400,
      body: novaError(400, /^Security group x not found/),
    },
  ]);
});

describe("Neutron's quotas", () => {
  const to = (lab: Lab): string => `${neutron}/quotas/${lab.project('tenant')}`;
  const set = (lab: Lab, quota: object, as: 'operator' | 'tenant' = 'operator') =>
    ({ to: `PUT ${to(lab)}`, as, body: { quota } }) as const;
  table([
    {
      fact: 'are set by an operator: 200',
      ask: (lab) => set(lab, { port: 7, check_limit: false }),
      status: 200,
      body: { quota: { port: 7, security_group: 100 } },
    },
    { fact: 'are not set by a tenant: 403', ask: (lab) => set(lab, { port: 7 }, 'tenant'), status: 403 },
    { fact: 'of what is not there: 400', ask: (lab) => set(lab, { router: 7 }), status: 400 },
    { fact: 'of a limit that is none: 400', ask: (lab) => set(lab, { port: 'many' }), status: 400 },
    {
      fact: 'below what is used, if that is to be checked: 400',
      given: (lab) => lab.ask({ to: `POST ${neutron}/ports`, as: 'tenant', body: { port: network(lab) } }),
      ask: (lab) => set(lab, { port: 0, check_limit: true }),
      status: 400,
    },
    {
      fact: 'by default: 200',
      given: (lab) => lab.ask(set(lab, { port: 7 })),
      ask: (lab) => ({ to: `GET ${to(lab)}/default` }),
      status: 200,
      body: { quota: { port: 4_000 } },
    },
    {
      fact: "are not shown to another project's tenant: 404",
      ask: (lab) => ({ to: `GET ${to(lab)}`, as: 'other' }),
      status: 404,
    },
  ]);

  test("are back at the defaults when they are deleted, as Nova's are", async () => {
    const lab = await openLab();
    await lab.ask(set(lab, { port: 7 }));
    const ofNova = `${nova}/os-quota-sets/${lab.project('tenant')}`;
    await lab.ask({ to: `PUT ${ofNova}`, body: { quota_set: { instances: 7 } } });
    expect((await lab.ask({ to: `DELETE ${to(lab)}` })).status).toBe(204);
    expect((await lab.ask({ to: `DELETE ${ofNova}` })).status).toBe(202);
    expect((await lab.ask({ to: `GET ${to(lab)}` })).body).toMatchObject({ quota: { port: 4_000 } });
    expect((await lab.ask({ to: `GET ${ofNova}` })).body).toMatchObject({ quota_set: { instances: 1_000 } });
    expect(lab.cloud.log.filter(({ type }) => type === 'quota').length).toBeGreaterThan(2);
  });
});

describe('servers', () => {
  test('that are deleted are listed alone, where an operator asks for them', async () => {
    const lab = await openLab();
    const [gone] = [await lab.launch({ name: 'gone' }), await lab.launch({ name: 'here' })];
    await lab.ask({ to: `DELETE ${nova}/servers/${gone.id}` });
    await lab.pass(2);
    const servers = async (query: string): Promise<unknown> =>
      listed(await lab.ask({ to: `GET ${nova}/servers/detail?${query}` }), 'servers');
    expect(await servers('deleted=True')).toMatchObject([{ name: 'gone', status: 'DELETED' }]);
    expect(await servers('deleted=False')).toMatchObject([{ name: 'here', status: 'ACTIVE' }]);
  });

  test('have used what they had for as long as they were there', async () => {
    const lab = await openLab();
    const { id } = await lab.launch({ name: 'gone', flavorRef: '3' });
    await lab.pass(1_800 - buildSeconds);
    await lab.ask({ to: `DELETE ${nova}/servers/${id}` });
    await lab.pass(900);
    const own = `${nova}/os-simple-tenant-usage/${lab.project('bulkhead')}`;
    const { tenant_usage: usage } = (await lab.ask({ to: `GET ${own}` })).body as {
      tenant_usage: { total_hours: number; total_vcpus_usage: number; server_usages: unknown };
    };
    expect(usage.total_hours).toBeCloseTo(0.5, 2);
    expect(usage.total_vcpus_usage).toBeCloseTo(2 * usage.total_hours, 5);
    expect(usage.server_usages).toMatchObject([{ name: 'gone', state: 'terminated', vcpus: 2 }]);
    const all = await lab.ask({ to: `GET ${nova}/os-simple-tenant-usage?detailed=True` });
    expect(all.body).toMatchObject({ tenant_usages: [{ tenant_id: lab.project('bulkhead') }] });
    const before = await lab.ask({ to: `GET ${own}?start=2020-01-01T00:00:00&end=2020-01-02T00:00:00` });
    expect(before.body).toEqual({ tenant_usage: {} });
  });

  const usage = `${nova}/os-simple-tenant-usage`;
  table([
    { fact: "all projects' usage, to a tenant: 403", ask: () => ({ to: `GET ${usage}`, as: 'tenant' }), status: 403 },
    {
      fact: "another project's usage, to a tenant: 403",
      ask: (lab) => ({ to: `GET ${usage}/${lab.project('other')}`, as: 'tenant' }),
      status: 403,
    },
    { fact: 'usage from a time that is none: 400', ask: () => ({ to: `GET ${usage}?start=x` }), status: 400 },
  ]);
});

describe('hypervisors together', () => {
  const to = `GET ${nova}/os-hypervisors/statistics`;
  table([
    {
      fact: 'up to 2.87: 200',
      ask: () => ({ to, version: '2.1' }),
      status: 200,
      body: { hypervisor_statistics: { count: 4, vcpus: 64, vcpus_used: 0, running_vms: 0 } },
    },
    { fact: 'later: 404', ask: () => ({ to, version: '2.88' }), status: 404 },
    { fact: 'to a tenant: 403', ask: () => ({ to, version: '2.1', as: 'tenant' }), status: 403 },
  ]);
});

test('a group of servers shows who made it, whoever looks', async () => {
  const lab = await openLab();
  const body = { server_group: { name: 'g', policy: 'affinity' } };
  const { body: made } = await lab.ask({ to: `POST ${nova}/os-server-groups`, as: 'tenant', body });
  const { body: seen } = await lab.ask({ to: `GET ${nova}/os-server-groups?all_projects=True` });
  expect(seen).toMatchObject({ server_groups: [made['server_group']] });
});

describe('projects', () => {
  const userOf = (lab: Lab, name: string): string =>
    [...lab.cloud.users.values()].find((user) => user.name === name)?.id ?? '';
  table([
    {
      fact: 'all, to a tenant: 403',
      ask: () => ({ to: 'GET /identity/v3/projects', as: 'tenant' }),
      status: 403,
    },
    {
      fact: 'its own, to a tenant: 200',
      ask: (lab) => ({ to: `GET /identity/v3/users/${userOf(lab, 'tenant')}/projects`, as: 'tenant' }),
      status: 200,
      body: { projects: [{ name: 'tenant' }] },
    },
    {
      fact: "another user's, to a tenant: 403",
      ask: (lab) => ({ to: `GET /identity/v3/users/${userOf(lab, 'other')}/projects`, as: 'tenant' }),
      status: 403,
    },
  ]);
});

describe('Placement', () => {
  const providers = 'GET /placement/resource_providers';
  const hostNamed = (lab: Lab): string => lab.cloud.hosts.get('cmp-01')?.id ?? '';
  table([
    { fact: 'is not for tenants: 403', ask: () => ({ to: providers, as: 'tenant' }), status: 403 },
    {
      fact: 'one inventory: 200',
      ask: (lab) => ({ to: `${providers}/${hostNamed(lab)}/inventories/VCPU` }),
      status: 200,
      body: { total: 16, reserved: 0, allocation_ratio: 1 },
    },
    {
      fact: 'an inventory that is not there: 404',
      ask: (lab) => ({ to: `${providers}/${hostNamed(lab)}/inventories/VGPU` }),
      status: 404,
    },
    {
      fact: 'a class that is not there: 400',
      ask: () => ({ to: 'GET /placement/allocation_candidates?resources=CUSTOM_BULKHEAD_NOBODYS:1' }),
      status: 400,
    },
    {
      fact: 'an amount that is none: 400',
      ask: () => ({ to: 'GET /placement/allocation_candidates?resources=VCPU' }),
      status: 400,
    },
    {
      fact: 'a trait that nobody has: 200, and no candidates',
      ask: () => ({ to: 'GET /placement/allocation_candidates?resources=VCPU:1&required=HW_CPU_X86_AVX' }),
      status: 200,
      body: { allocation_requests: [], provider_summaries: {} },
    },
    {
      fact: 'a trait that there is not: 400',
      ask: () => ({ to: 'GET /placement/allocation_candidates?resources=VCPU:1&required=!CUSTOM_NOBODYS' }),
      status: 400,
    },
  ]);

  test.each([
    ['', 4],
    ['name=cmp-01', 1],
    ['uuid=x', 0],
    ['resources=VCPU:16', 4],
    ['resources=VCPU:17', 0],
    ['member_of=in:x', 0],
  ])('providers by "%s": %d', async (query, count) => {
    const lab = await openLab();
    expect(listed(await lab.ask({ to: `${providers}?${query}` }), 'resource_providers')).toHaveLength(count);
  });
});

describe('what is sent to /bulkhead and means nothing', () => {
  const asked: readonly [string, unknown][] = [
    ['POST /bulkhead/faults', undefined],
    ['POST /bulkhead/faults', { kind: 'nope', match: {} }],
    ['POST /bulkhead/faults', { kind: 'status' }],
    ['POST /bulkhead/faults', { kind: 'status', match: { path: '(' } }],
    ['POST /bulkhead/faults', { kind: 'misplace', match: { prefix: 'x' } }],
    ['POST /bulkhead/publications', undefined],
    ['POST /bulkhead/hosts/cmp-01', { alive: 'no' }],
    ['POST /bulkhead/hosts/%zz', { alive: false }],
    ['POST /bulkhead/servers/x', undefined],
    ['POST /bulkhead/servers/x', { host: 'nowhere' }],
    ['PUT /bulkhead/quotas', undefined],
    ['PUT /bulkhead/quotas', { resource: 'flowers', limit: 1 }],
    ['GET /bulkhead/log?after=x', undefined],
    ['GET //', undefined],
  ];
  test.each(asked)('%s with %j: refused, and nothing breaks', async (to, body) => {
    const lab = await openLab();
    const { status } = await lab.ask({ to, body });
    expect([400, 404]).toContain(status);
    expect((await lab.ask({ to: `GET ${nova}/servers` })).status).toBe(200);
  });
});

test('the log is read in pages, in order, and without gaps', async () => {
  const lab = await openLab();
  for (const name of ['a', 'b', 'c']) await lab.port({ name });
  const seen: number[] = [];
  for (;;) {
    const page = listed(await lab.ask({ to: `GET /bulkhead/log?after=${String(seen.length)}&limit=2` }), 'events');
    if (page.length === 0) break;
    expect(page.length).toBeLessThanOrEqual(2);
    seen.push(...page.map(({ seq }) => Number(seq)));
  }
  expect(seen).toEqual(lab.cloud.log.map((_, index) => index + 1));
});

describe('the options of scripts/openstack', () => {
  const said = jest.spyOn(process.stderr, 'write').mockReturnValue(true);
  afterAll(() => {
    said.mockRestore();
  });

  test.each([
    ['--port', '99999'],
    ['--port', '1.5'],
    ['--hosts', 'mz'],
    ['--hosts', 'mz=0'],
    ['--hosts', 'mz=1,mz=2'],
    ['--domains', 'rack'],
    ['--domains', 'rack=0'],
    ['--domains', 'Rack=2'],
    ['--domains', 'rack=2,rack=3'],
    ['--boot-seconds', '1..2-3'],
    ['--boot-seconds', '3-2'],
    ['--pace', '-1'],
    ['--nothing', ''],
  ])('%s %s is refused', (...argv) => {
    expect(() => optionsOf(argv)).toThrow(CommanderError);
  });

  test('are taken as they are given', () => {
    const argv = ['--port', '0', '--hosts', 'mz=1,dmz=2', '--domains', 'rack=4,power=2', '--boot-seconds', '0.5-1'];
    expect(optionsOf(argv)).toMatchObject({
      port: 0,
      hosts: { mz: 1, dmz: 2 },
      domains: { rack: 4, power: 2 },
      bootSeconds: [0.5, 1],
      listen: '127.0.0.1',
    });
  });
});
