import { buildSeconds, neutron, neutronError, novaError, nova, openLab, table, type Asked, type Lab } from './lab';

/** Ports: many in one request, addresses as locks, and what happens where two servers want the same one. */

const create = (lab: Lab, ...ports: object[]): Asked => ({
  to: `POST ${neutron}/ports`,
  body: { ports: ports.map((port) => ({ network_id: lab.network('mgmt'), ...port })) },
});

const at = (address: string): object => ({ fixed_ips: [{ ip_address: address }] });

describe('ports', () => {
  table([
    {
      fact: 'many in one request: 201, in the order asked',
      ask: (lab) => create(lab, { name: 'a' }, { name: 'b', description: 'd' }),
      status: 201,
      body: {
        ports: [
          { name: 'a', status: 'DOWN', device_id: '', description: '', tags: [] },
          { name: 'b', description: 'd' },
        ],
      },
    },
    {
      fact: 'of a name and a device that there are: 201',
      given: (lab) => lab.port({ name: 'a', device_id: 'd' }),
      ask: (lab) => create(lab, { name: 'a', device_id: 'd' }),
      status: 201,
    },
    {
      fact: 'at an address that is taken: 409',
      given: (lab) => lab.port(at('10.10.0.77')),
      ask: (lab) => create(lab, at('10.10.0.77')),
      status: 409,
      body: neutronError('IpAddressAlreadyAllocated'),
    },
    {
      fact: 'two at one address in one request: 409',
      ask: (lab) => create(lab, at('10.10.0.77'), at('10.10.0.77')),
      status: 409,
      body: neutronError('IpAddressAlreadyAllocated'),
    },
    {
      fact: 'at the same address in another network: 201',
      given: (lab) => lab.port(at('10.10.0.77')),
      ask: (lab) => create(lab, { network_id: lab.network('sig'), ...at('10.10.0.77') }),
      status: 201,
    },
    {
      fact: 'at an address that is free again: 201',
      given: async (lab) => lab.ask({ to: `DELETE ${neutron}/ports/${await lab.port(at('10.10.0.77'))}` }),
      ask: (lab) => create(lab, at('10.10.0.77')),
      status: 201,
    },
    {
      fact: 'on a network that is not there: 404',
      ask: (lab) => create(lab, { network_id: 'nowhere' }),
      status: 404,
      body: neutronError('NetworkNotFound'),
    },
    {
      fact: 'with tags in the create: 201, and they are forgotten without a word',
      ask: (lab) => create(lab, { tags: ['x'] }),
      status: 201,
      body: { ports: [{ tags: [] }] },
    },
    {
      fact: 'by their whole description: 200',
      given: (lab) => lab.ask(create(lab, { name: 'a', description: 'x y' }, { name: 'b', description: 'x' })),
      ask: () => ({ to: `GET ${neutron}/ports?description=x` }),
      status: 200,
      body: { ports: [{ name: 'b' }] },
    },
    {
      fact: 'another’s are not listed for a tenant: 200',
      given: (lab) => lab.port(),
      ask: () => ({ to: `GET ${neutron}/ports`, as: 'tenant' }),
      status: 200,
      body: { ports: [] },
    },
    {
      fact: 'are deleted: 204',
      ask: async (lab) => ({ to: `DELETE ${neutron}/ports/${await lab.port()}` }),
      status: 204,
    },
    {
      fact: 'that are not there are deleted: 404',
      ask: () => ({ to: `DELETE ${neutron}/ports/x` }),
      status: 404,
      body: neutronError('PortNotFound'),
    },
    {
      fact: 'another’s is not there for a tenant: 404',
      ask: async (lab) => ({ to: `GET ${neutron}/ports/${await lab.port()}`, as: 'tenant' }),
      status: 404,
    },
  ]);

  test('all or none of a request are made', async () => {
    const lab = await openLab();
    await lab.port(at('10.10.0.77'));
    await lab.setQuota('ports', 3);
    for (const wrong of [at('10.10.0.77'), { network_id: 'nowhere' }])
      expect((await lab.ask(create(lab, {}, wrong))).status).toBeGreaterThanOrEqual(400);
    expect((await lab.ask(create(lab, {}, {}, {}))).status).toBe(409);
    expect(lab.cloud.ports.size).toBe(1);
    expect(lab.cloud.addresses.size).toBe(1);
  });
});

describe('a server’s ports', () => {
  const withPort = (lab: Lab, port: string): Asked => ({
    to: `POST ${nova}/servers`,
    body: lab.newServer({ networks: [{ port }] }),
  });

  table([
    {
      fact: 'one that is not there: 400',
      ask: (lab) => withPort(lab, '11111111-1111-4111-8111-111111111111'),
      status: 400,
      body: novaError(400, 'Port id 11111111-1111-4111-8111-111111111111 could not be found.'),
    },
    {
      fact: 'one whose device was set by hand: 409',
      ask: async (lab) => withPort(lab, await lab.port({ device_id: 'mine' })),
      status: 409,
      body: novaError(409, /^Port [0-9a-f-]{36} is still in use\.$/),
    },
    {
      fact: 'an address that is taken: 400',
      given: (lab) => lab.port(at('10.10.0.77')),
      ask: (lab) => ({
        to: `POST ${nova}/servers`,
        body: lab.newServer({ networks: [{ uuid: lab.network('mgmt'), fixed_ip: '10.10.0.77' }] }),
      }),
      status: 400,
      body: novaError(400, 'Fixed IP address 10.10.0.77 is already in use on instance .'),
    },
    {
      fact: 'none said from 2.37 on: 400',
      ask: (lab) => ({ to: `POST ${nova}/servers`, body: lab.newServer({ networks: undefined }), version: '2.37' }),
      status: 400,
    },
    {
      fact: 'none said below 2.37: 202',
      ask: (lab) => ({ to: `POST ${nova}/servers`, body: lab.newServer({ networks: undefined }), version: '2.36' }),
      status: 202,
    },
  ]);

  test('one that a server has: 409, cleanly, and the server keeps it', async () => {
    const lab = await openLab();
    const port = await lab.port();
    const { id } = await lab.launch({ networks: [{ port }] });
    expect((await lab.ask(withPort(lab, port))).status).toBe(409);
    expect(lab.cloud.ports.get(port)).toMatchObject({ deviceId: id, status: 'ACTIVE' });
    expect(lab.cloud.servers.size).toBe(1);
  });

  test('one that two creates want at once: one ACTIVE, one ERROR, and the loser’s clean-up clears the winner’s port', async () => {
    const lab = await openLab();
    const port = await lab.port();
    const answers = await lab.askAll([withPort(lab, port), withPort(lab, port)]);
    expect(answers.map(({ status }) => status)).toEqual([202, 202]);
    await lab.pass(buildSeconds);
    const servers = [...lab.cloud.servers.values()];
    expect(servers.map(({ status }) => status).sort()).toEqual(['ACTIVE', 'ERROR']);
    expect(servers.find(({ status }) => status === 'ERROR')?.fault?.message).toMatch(
      /Failed to allocate the network\(s\), not rescheduling\.$/,
    );
    expect(lab.cloud.ports.get(port)).toMatchObject({ deviceId: '', status: 'DOWN' });
  });

  test('one passed in outlives its server; one that Nova made does not', async () => {
    const lab = await openLab();
    const port = await lab.port();
    const { id } = await lab.launch({ networks: [{ port }, { uuid: lab.network('sig') }] });
    const listed = await lab.ask({ to: `GET ${neutron}/ports?device_id=${id}` });
    expect(listed.body['ports']).toHaveLength(2);
    await lab.ask({ to: `DELETE ${nova}/servers/${id}` });
    await lab.pass(2);
    expect([...lab.cloud.ports.values()]).toMatchObject([{ id: port, deviceId: '', status: 'DOWN' }]);
  });
});

describe('security groups', () => {
  const rule = (lab: Lab): object => {
    const [group] = lab.cloud.securityGroups.keys();
    return {
      security_group_id: group ?? '',
      direction: 'ingress',
      protocol: 'tcp',
      port_range_min: 80,
      port_range_max: 80,
    };
  };
  const group = (lab: Lab): Promise<unknown> =>
    lab.ask({ to: `POST ${neutron}/security-groups`, body: { security_group: { name: 'g' } } });
  const idOf = (lab: Lab): string => [...lab.cloud.securityGroups.keys()][0] ?? '';

  table([
    {
      fact: 'let everything out from the start: 201',
      ask: () => ({ to: `POST ${neutron}/security-groups`, body: { security_group: { name: 'g' } } }),
      status: 201,
      body: { security_group: { security_group_rules: [{ direction: 'egress' }, { direction: 'egress' }] } },
    },
    {
      fact: 'a rule: 201',
      given: group,
      ask: (lab) => ({ to: `POST ${neutron}/security-group-rules`, body: { security_group_rule: rule(lab) } }),
      status: 201,
      body: { security_group_rule: { protocol: 'tcp', port_range_min: 80, ethertype: 'IPv4' } },
    },
    {
      fact: 'the same rule again: 409',
      given: async (lab) => {
        await group(lab);
        await lab.ask({ to: `POST ${neutron}/security-group-rules`, body: { security_group_rule: rule(lab) } });
      },
      ask: (lab) => ({ to: `POST ${neutron}/security-group-rules`, body: { security_group_rule: rule(lab) } }),
      status: 409,
      body: neutronError('SecurityGroupRuleExists'),
    },
    {
      fact: 'the same rule twice in one request: 409',
      given: group,
      ask: (lab) => ({
        to: `POST ${neutron}/security-group-rules`,
        body: { security_group_rules: [rule(lab), rule(lab)] },
      }),
      status: 409,
      body: neutronError('DuplicateSecurityGroupRuleInPost'),
    },
    {
      fact: 'rules of two groups in one request: 400',
      given: async (lab) => {
        await group(lab);
        await group(lab);
      },
      ask: (lab) => ({
        to: `POST ${neutron}/security-group-rules`,
        body: {
          security_group_rules: [...lab.cloud.securityGroups.keys()].map((id) => ({
            ...rule(lab),
            security_group_id: id,
          })),
        },
      }),
      status: 400,
      body: neutronError('SecurityGroupNotSingleGroupRules'),
    },
    {
      fact: 'in use by a port are not deleted: 409',
      given: async (lab) => {
        await group(lab);
        await lab.port({ security_groups: [idOf(lab)] });
      },
      ask: (lab) => ({ to: `DELETE ${neutron}/security-groups/${idOf(lab)}` }),
      status: 409,
      body: neutronError('SecurityGroupInUse'),
    },
    {
      fact: 'are deleted: 204',
      given: group,
      ask: (lab) => ({ to: `DELETE ${neutron}/security-groups/${idOf(lab)}` }),
      status: 204,
    },
    {
      fact: 'that are not there are deleted: 404',
      ask: () => ({ to: `DELETE ${neutron}/security-groups/x` }),
      status: 404,
      body: neutronError('SecurityGroupNotFound'),
    },
  ]);
});
