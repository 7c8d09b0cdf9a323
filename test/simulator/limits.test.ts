import { buildSeconds, neutron, neutronError, novaError, nova, openLab, table, type Asked, type Lab } from './lab';

/** Quotas: refused to the letter, and raced past where requests come at once. */

const create = (lab: Lab): Asked => ({ to: `POST ${nova}/servers`, body: lab.newServer() });

async function twoServersOf(lab: Lab): Promise<void> {
  await lab.launch();
  await lab.launch();
}

describe('over a quota', () => {
  table([
    {
      fact: 'of instances: 403',
      given: async (lab) => {
        await lab.setQuota('instances', 2);
        await twoServersOf(lab);
      },
      ask: create,
      status: 403,
      body: novaError(403, 'Quota exceeded for instances: Requested 1, but already used 2 of 2 instances'),
    },
    {
      fact: 'of several: 403 that names all',
      given: async (lab) => {
        await lab.setQuota('instances', 2);
        await lab.setQuota('cores', 2);
        await lab.setQuota('ram', 4_096);
        await twoServersOf(lab);
      },
      ask: create,
      status: 403,
      body: novaError(
        403,
        'Quota exceeded for cores, instances, ram: Requested 1, 1, 2048, but already used 2, 2, 4096 of 2, 2, 4096 cores, instances, ram',
      ),
    },
    {
      fact: 'up to it: 202',
      given: (lab) => lab.setQuota('instances', 1),
      ask: create,
      status: 202,
    },
    {
      fact: 'of ports, asked of Neutron: 409',
      given: (lab) => lab.setQuota('ports', 0),
      ask: (lab) => ({ to: `POST ${neutron}/ports`, body: { port: { network_id: lab.network('mgmt') } } }),
      status: 409,
      body: neutronError('OverQuota'),
    },
    {
      fact: 'of ports, asked through Nova: 403',
      given: (lab) => lab.setQuota('ports', 0),
      ask: (lab) => ({
        to: `POST ${nova}/servers`,
        body: lab.newServer({ networks: [{ uuid: lab.network('mgmt') }] }),
      }),
      status: 403,
      body: novaError(403, 'Maximum number of ports exceeded'),
    },
    {
      fact: 'of security groups: 409',
      given: (lab) => lab.setQuota('security_groups', 0),
      ask: () => ({ to: `POST ${neutron}/security-groups`, body: { security_group: { name: 'g' } } }),
      status: 409,
      body: neutronError('OverQuota'),
    },
    {
      fact: 'of rules, which a new group has two of: 409',
      given: (lab) => lab.setQuota('security_group_rules', 1),
      ask: () => ({ to: `POST ${neutron}/security-groups`, body: { security_group: { name: 'g' } } }),
      status: 409,
      body: neutronError('OverQuota'),
    },
  ]);
});

describe('quotas and limits', () => {
  const own = (lab: Lab): string => lab.project('tenant');
  table([
    { fact: 'a tenant reads its limits: 200', ask: () => ({ to: `GET ${nova}/limits`, as: 'tenant' }), status: 200 },
    {
      fact: 'a tenant reads its quota: 200',
      ask: (lab) => ({ to: `GET ${nova}/os-quota-sets/${own(lab)}`, as: 'tenant' }),
      status: 200,
      body: { quota_set: { instances: 1_000 } },
    },
    {
      fact: 'a tenant reads its quota in detail: 200',
      given: (lab) => lab.launch({ as: 'tenant' }),
      ask: (lab) => ({ to: `GET ${nova}/os-quota-sets/${own(lab)}/detail`, as: 'tenant' }),
      status: 200,
      body: { quota_set: { instances: { limit: 1_000, in_use: 1, reserved: 0 }, ram: { in_use: 2_048 } } },
    },
    {
      fact: 'a tenant reads another’s: 403',
      ask: (lab) => ({ to: `GET ${nova}/os-quota-sets/${own(lab)}`, as: 'other' }),
      status: 403,
    },
    {
      fact: 'a tenant sets its own: 403',
      ask: (lab) => ({
        to: `PUT ${nova}/os-quota-sets/${own(lab)}`,
        body: { quota_set: { instances: 5 } },
        as: 'tenant',
      }),
      status: 403,
    },
    {
      fact: 'the operator sets a tenant’s: 200',
      ask: (lab) => ({ to: `PUT ${nova}/os-quota-sets/${own(lab)}`, body: { quota_set: { instances: 5 } } }),
      status: 200,
      body: { quota_set: { instances: 5 } },
    },
    {
      fact: 'defaults are the same whatever a project has: 200',
      given: (lab) => lab.setQuota('instances', 5),
      ask: (lab) => ({ to: `GET ${nova}/os-quota-sets/${lab.project('bulkhead')}/defaults` }),
      status: 200,
      body: { quota_set: { instances: 1_000 } },
    },
    {
      fact: 'Neutron’s in detail: 200',
      given: (lab) => lab.port(),
      ask: (lab) => ({ to: `GET ${neutron}/quotas/${lab.project('bulkhead')}/details.json` }),
      status: 200,
      body: { quota: { port: { limit: 4_000, used: 1, reserved: 0 } } },
    },
  ]);
});

test('ten creates at once with room for five: ten 202s, then five in ERROR with 413', async () => {
  const lab = await openLab();
  await lab.setQuota('instances', 5);
  const answers = await lab.askAll(Array.from({ length: 10 }, () => create(lab)));
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 202));
  await lab.pass(buildSeconds);
  const servers = [...lab.cloud.servers.values()];
  expect(servers.filter(({ status }) => status === 'ACTIVE')).toHaveLength(5);
  const failed = servers.filter(({ status }) => status === 'ERROR');
  expect(failed).toHaveLength(5);
  for (const { fault, host } of failed)
    expect({ fault, host }).toMatchObject({
      fault: { code: 413, message: expect.stringMatching(/^Quota exceeded for instances/) as string },
      host: null,
    });
});
