import { buildSeconds, novaError, nova, openLab, table, type Answer, type Asked, type Lab } from './lab';
import { hostsOf } from '../../simulator';

/** Server groups: what can be asked for, when a rule is looked at, and what happens where creates race for it. */

const create = (body: object, version?: string) => (): Asked => ({
  to: `POST ${nova}/os-server-groups`,
  body: { server_group: body },
  ...(version !== undefined && { version }),
});

describe('a server group', () => {
  table([
    {
      fact: 'has one policy and rules from 2.64 on',
      ask: create({ name: 'g', policy: 'anti-affinity', rules: { max_server_per_host: 2 } }, '2.64'),
      status: 200,
      body: { server_group: { policy: 'anti-affinity', rules: { max_server_per_host: 2 }, members: [] } },
    },
    {
      fact: 'has one per host where no rule is given',
      ask: create({ name: 'g', policy: 'anti-affinity' }),
      status: 200,
    },
    {
      fact: 'with rules below 2.64: 400',
      ask: create({ name: 'g', policy: 'anti-affinity', rules: { max_server_per_host: 2 } }, '2.63'),
      status: 400,
    },
    {
      fact: 'has a list of policies below 2.64',
      ask: create({ name: 'g', policies: ['affinity'] }, '2.63'),
      status: 200,
      body: { server_group: { policies: ['affinity'], metadata: {} } },
    },
    {
      fact: 'with a list of policies from 2.64 on: 400',
      ask: create({ name: 'g', policies: ['affinity'] }),
      status: 400,
    },
    {
      fact: 'with rules and another policy: 400',
      ask: create({ name: 'g', policy: 'soft-anti-affinity', rules: { max_server_per_host: 2 } }),
      status: 400,
      body: novaError(400, 'Only anti-affinity policy supports rules.'),
    },
    { fact: 'of a policy that is none: 400', ask: create({ name: 'g', policy: 'near' }), status: 400 },
    {
      fact: 'of none per host: 400',
      ask: create({ name: 'g', policy: 'anti-affinity', rules: { max_server_per_host: 0 } }),
      status: 400,
    },
    { fact: 'without a name: 400', ask: create({ policy: 'affinity' }), status: 400 },
    {
      fact: 'of a name that there is: 200, another one',
      given: (lab) => lab.group(),
      ask: create({ name: 'g', policy: 'affinity' }),
      status: 200,
    },
    {
      fact: 'cannot be changed: 404',
      ask: async (lab) => ({ to: `PUT ${nova}/os-server-groups/${await lab.group()}`, body: {} }),
      status: 404,
    },
    {
      fact: 'of another project is not shown to a tenant: 404',
      ask: async (lab) => ({ to: `GET ${nova}/os-server-groups/${await lab.group()}`, as: 'tenant' }),
      status: 404,
    },
    {
      fact: 'of another project is no group for a create: 400',
      ask: async (lab) => ({
        to: `POST ${nova}/servers`,
        body: lab.newServer({ group: await lab.group() }),
        as: 'tenant',
      }),
      status: 400,
    },
    {
      fact: 'is deleted: 204',
      ask: async (lab) => ({ to: `DELETE ${nova}/os-server-groups/${await lab.group()}` }),
      status: 204,
    },
    {
      fact: 'that is not there is deleted: 404',
      ask: () => ({ to: `DELETE ${nova}/os-server-groups/x` }),
      status: 404,
    },
    {
      fact: 'more than the quota: 403',
      given: async (lab) => {
        await lab.setQuota('server_groups', 1);
        await lab.group();
      },
      ask: create({ name: 'h', policy: 'affinity' }),
      status: 403,
      body: novaError(403, 'Quota exceeded, too many server groups.'),
    },
    {
      fact: 'with more members than the quota: 403',
      given: (lab) => lab.setQuota('server_group_members', 0),
      ask: async (lab) => ({ to: `POST ${nova}/servers`, body: lab.newServer({ group: await lab.group() }) }),
      status: 403,
      body: novaError(403, 'Quota exceeded, too many servers in group'),
    },
  ]);
});

test('without a quota of their own, ten groups and ten members are the most', async () => {
  const lab = await openLab();
  const { body } = await lab.ask({ to: `GET ${nova}/limits`, as: 'tenant' });
  expect(body['limits']).toMatchObject({ absolute: { maxServerGroups: 10, maxServerGroupMembers: 10 } });
});

interface Outcome {
  readonly active: number;
  readonly faults: readonly string[];
  /** Of the group's members on each host that has some. */
  readonly perHost: readonly number[];
}

function outcomeOf(lab: Lab, ids: readonly string[]): Outcome {
  const servers = ids.map((id) => lab.cloud.servers.get(id));
  const perHost = new Map<string, number>();
  for (const server of servers)
    if (typeof server?.host === 'string') perHost.set(server.host, (perHost.get(server.host) ?? 0) + 1);
  return {
    active: servers.filter((server) => server?.status === 'ACTIVE').length,
    faults: servers.flatMap((server) => server?.fault?.message ?? []),
    perHost: [...perHost.values()],
  };
}

const idOf = ({ body }: { readonly body: Answer['body'] }): string => (body['server'] as { readonly id: string }).id;

async function inTurn(lab: Lab, group: string, count: number): Promise<Outcome> {
  const ids: string[] = [];
  for (let made = 0; made < count; made++)
    ids.push(idOf(await lab.ask({ to: `POST ${nova}/servers`, body: lab.newServer({ group }) })));
  await lab.pass(buildSeconds);
  return outcomeOf(lab, ids);
}

async function atOnce(lab: Lab, group: string, count: number): Promise<Outcome> {
  const asked = { to: `POST ${nova}/servers`, body: lab.newServer({ group }) };
  const answers = await lab.askAll(Array.from({ length: count }, () => asked));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
  await lab.pass(buildSeconds);
  return outcomeOf(lab, answers.map(idOf));
}

const sixHosts = { hosts: hostsOf({ mz: 6 }) };

describe('anti-affinity', () => {
  test.each([
    [1, 6],
    [2, 12],
  ])('%d per host: %d that fit exactly, one POST after another, are all ACTIVE', async (most, count) => {
    const lab = await openLab({ ...sixHosts, quotas: { server_group_members: 100 } });
    const group = await lab.group({ rules: { max_server_per_host: most } });
    const { active, perHost } = await inTurn(lab, group, count);
    expect([active, perHost]).toEqual([count, Array.from({ length: 6 }, () => most)]);
  });

  test.each([
    [1, 6],
    [2, 12],
  ])('%d per host: of %d that fit exactly, at once, some end in ERROR; the rule itself holds', async (most, count) => {
    const lab = await openLab({ ...sixHosts, quotas: { server_group_members: 100 } });
    const group = await lab.group({ rules: { max_server_per_host: most } });
    const { active, faults, perHost } = await atOnce(lab, group, count);
    expect(active).toBeGreaterThan(0);
    expect(active).toBeLessThan(count);
    expect(Math.max(...perHost)).toBeLessThanOrEqual(most);
    expect(faults).toHaveLength(count - active);
    for (const fault of faults)
      expect(fault).toMatch(
        /^Exceeded maximum number of retries\. Exceeded max scheduling attempts 3 for instance [0-9a-f-]{36}\. Last exception: Anti-affinity instance group policy was violated/,
      );
  });

  test('one more than fits: 202, then ERROR; it still counts as a member, and holds no room', async () => {
    const lab = await openLab({ hosts: hostsOf({ mz: 1 }) });
    const group = await lab.group();
    await lab.launch({ group });
    const failed = await lab.launch({ group });
    expect(failed).toMatchObject({
      status: 'ERROR',
      fault: { code: 500, message: 'No valid host was found. There are not enough hosts available.' },
      hostId: '',
    });
    const { body } = await lab.ask({ to: `GET ${nova}/os-server-groups/${group}` });
    expect((body['server_group'] as { members: string[] }).members).toContain(failed.id);
    expect((await lab.ask({ to: `GET /placement/allocations/${failed.id}` })).body).toEqual({ allocations: {} });
  });

  test('a server that is deleted makes room for another, and is no member any more', async () => {
    const lab = await openLab({ hosts: hostsOf({ mz: 1 }) });
    const group = await lab.group();
    const { id } = await lab.launch({ group });
    await lab.ask({ to: `DELETE ${nova}/servers/${id}` });
    await lab.pass(2);
    const second = await lab.launch({ group });
    expect(second.status).toBe('ACTIVE');
    expect([...(lab.cloud.serverGroups.get(group)?.members ?? [])]).toEqual([second.id]);
  });
});

describe('soft anti-affinity', () => {
  const twoHosts = { hosts: hostsOf({ mz: 2 }) };

  test('one after another: three on each of two hosts', async () => {
    const lab = await openLab(twoHosts);
    const group = await lab.group({ policy: 'soft-anti-affinity' });
    expect(await inTurn(lab, group, 6)).toEqual({ active: 6, faults: [], perHost: [3, 3] });
  });

  test('at once: all six on one host', async () => {
    const lab = await openLab(twoHosts);
    const group = await lab.group({ policy: 'soft-anti-affinity' });
    expect(await atOnce(lab, group, 6)).toEqual({ active: 6, faults: [], perHost: [6] });
  });
});
