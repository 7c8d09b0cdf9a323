import { z } from 'zod';
import {
  ConflictError,
  connect,
  glance,
  neutron,
  nova,
  placement,
  QuotaExceededError,
  type Session,
} from '../../openstack';
import { asksOf } from '../../simulator/inventories';
import { configOf, embedded, errorFrom, type Embedded } from './servers';

/** Neutron, Placement, Glance and Keystone against the embedded cloud. */

let lab: Embedded;
let operator: Session;
let tenant: Session;

beforeEach(async () => {
  lab = await embedded();
  ({ operator, tenant } = lab);
});

afterEach(async () => {
  await lab.close();
});

async function networkId(name = 'mgmt'): Promise<string> {
  const found = (await neutron.listNetworks(operator)).find((network) => network.name === name);
  if (!found) throw new Error(`there is no network ${name}`);
  return found.id;
}

describe('ports', () => {
  test('are created in one request, with name, network, description and security group, in order', async () => {
    const group = await neutron.createSecurityGroup(operator, { name: 'g', description: '' });
    const network = await networkId('sig');
    const names = ['a', 'b', 'c'];
    const before = lab.cloud.access.count;
    const ports = await neutron.createPorts(
      operator,
      names.map((name) => ({ name, networkId: network, description: `port=${name}`, securityGroupIds: [group.id] })),
      { requestId: 'req-1' },
    );
    expect(lab.cloud.access.count).toBe(before + 1);
    expect(
      ports.map(({ name, networkId: on, description, deviceId, addresses }) => [
        name,
        on,
        description,
        deviceId,
        addresses.length,
      ]),
    ).toEqual(names.map((name) => [name, network, `port=${name}`, '', 1]));
    expect([...lab.cloud.ports.values()].map(({ securityGroupIds }) => securityGroupIds)).toEqual(
      names.map(() => [group.id]),
    );
    expect(lab.cloud.log.filter((event) => event.type === 'port.created').map(({ requestId }) => requestId)).toEqual(
      names.map(() => 'req-1'),
    );
  });

  test('are all refused where one is too many', async () => {
    lab.cloud.projects.get(await operator.projectId())?.quotas.set('ports', 2);
    const network = await networkId();
    const three = ['a', 'b', 'c'].map((name) => ({ name, networkId: network, description: '' }));
    expect(await errorFrom(neutron.createPorts(operator, three))).toBeInstanceOf(QuotaExceededError);
    expect(await neutron.listPorts(operator, {})).toEqual([]);
  });

  test('are found by description, name and ids; no ids find none', async () => {
    const network = await networkId();
    const ports = await neutron.createPorts(
      operator,
      ['a', 'b', 'c'].map((name) => ({ name, networkId: network, description: `of ${name}` })),
    );
    const names = async (filter: neutron.PortFilter): Promise<string[]> =>
      (await neutron.listPorts(operator, filter)).map((port) => port.name);
    expect(await names({})).toEqual(['a', 'b', 'c']);
    expect(await names({ description: 'of b' })).toEqual(['b']);
    expect(await names({ name: 'c' })).toEqual(['c']);
    expect(await names({ ids: ports.slice(0, 2).map((port) => port.id) })).toEqual(['a', 'b']);
    expect(await names({ ids: [] })).toEqual([]);
  });

  test('are deleted, which says whether there was one', async () => {
    const [port] = await neutron.createPorts(operator, [{ name: 'a', networkId: await networkId(), description: '' }]);
    expect(await neutron.deletePort(operator, port?.id ?? '')).toBe(true);
    expect(await neutron.deletePort(operator, port?.id ?? '')).toBe(false);
  });
});

describe('security groups', () => {
  test('are created, get rules in one request, and are listed with them', async () => {
    const group = await neutron.createSecurityGroup(
      operator,
      { name: 'ims1-bono', description: 'd' },
      { requestId: 'req-2' },
    );
    const other = await neutron.createSecurityGroup(operator, { name: 'ims1-sprout', description: 'd' });
    const before = lab.cloud.access.count;
    await neutron.createSecurityGroupRules(
      operator,
      [
        { groupId: group.id, protocol: 'udp', portMin: 5060, portMax: 5060, remoteIpPrefix: '0.0.0.0/0' },
        { groupId: group.id, protocol: 'tcp', portMin: 5060, portMax: 5061, remoteIpPrefix: '::/0' },
        { groupId: group.id, protocol: 'tcp', remoteGroupId: other.id },
      ],
      { requestId: 'req-2' },
    );
    expect(lab.cloud.access.count).toBe(before + 1);
    const listed = (await neutron.listSecurityGroups(operator)).find((each) => each.id === group.id);
    expect(listed?.rules.filter((rule) => rule.direction === 'ingress')).toMatchObject([
      { protocol: 'udp', portMin: 5060, portMax: 5060, remoteIpPrefix: '0.0.0.0/0', remoteGroupId: null },
      { protocol: 'tcp', portMin: 5060, portMax: 5061, remoteIpPrefix: '::/0', remoteGroupId: null },
      { protocol: 'tcp', portMin: null, portMax: null, remoteIpPrefix: null, remoteGroupId: other.id },
    ]);
    const ours = [...lab.cloud.securityRules.values()].filter(
      (rule) => rule.groupId === group.id && rule.direction === 'ingress',
    );
    expect(ours.map((rule) => rule.ethertype)).toEqual(['IPv4', 'IPv6', 'IPv4']);
    expect(lab.cloud.log.find((event) => event.type === 'securityGroup.created')).toMatchObject({ requestId: 'req-2' });
  });

  test('refuse the same rule twice', async () => {
    const { id: groupId } = await neutron.createSecurityGroup(operator, { name: 'g', description: '' });
    const rule = { groupId, protocol: 'tcp', portMin: 22, portMax: 22 };
    await neutron.createSecurityGroupRules(operator, [rule]);
    expect(await errorFrom(neutron.createSecurityGroupRules(operator, [rule]))).toBeInstanceOf(ConflictError);
  });

  test('of others are not listed, though an operator may see them', async () => {
    await neutron.createSecurityGroup(tenant, { name: 'theirs', description: '' });
    expect((await neutron.listSecurityGroups(operator)).map((group) => group.name)).not.toContain('theirs');
    expect((await neutron.listSecurityGroups(tenant)).map((group) => group.name)).toContain('theirs');
  });

  test('are not deleted while a port uses one, and once', async () => {
    const { id } = await neutron.createSecurityGroup(operator, { name: 'g', description: '' });
    const [port] = await neutron.createPorts(operator, [
      { name: 'a', networkId: await networkId(), description: '', securityGroupIds: [id] },
    ]);
    expect(await errorFrom(neutron.deleteSecurityGroup(operator, id))).toBeInstanceOf(ConflictError);
    await neutron.deletePort(operator, port?.id ?? '');
    expect(await neutron.deleteSecurityGroup(operator, id)).toBe(true);
    expect(await neutron.deleteSecurityGroup(operator, id)).toBe(false);
  });
});

test('the quota of Neutron has limits and what is used', async () => {
  await neutron.createPorts(tenant, [{ name: 'a', networkId: await networkId(), description: '' }]);
  expect(await neutron.getQuota(tenant)).toMatchObject({
    port: { limit: 4_000, used: 1 },
    security_group: { limit: 100 },
    security_group_rule: { limit: 1_000 },
  });
});

describe('allocation candidates', () => {
  const small = { VCPU: 1, MEMORY_MB: 2_048, DISK_GB: 20 };

  test('say what is free, by the ids that providers and hypervisors have', async () => {
    const [flavor] = (await nova.listFlavors(operator)).filter((each) => each.name === 'm1.small');
    const [image] = await glance.listImages(operator, { name: 'cirros' });
    const asked = {
      name: 'a',
      flavorId: flavor?.id ?? '',
      imageId: image?.id ?? '',
      portIds: [],
      tags: [],
      host: 'cmp-01',
    };
    const { id } = await nova.createServer(operator, asked);
    while ((await nova.getServer(operator, id))?.status === 'BUILD');
    const [hypervisors, providers, candidates] = await Promise.all([
      nova.listHypervisors(operator),
      placement.listResourceProviders(operator),
      placement.listAllocationCandidates(operator, { resources: small }),
    ]);
    expect(hypervisors.map(({ id: each, hostname }) => ({ id: each, name: hostname }))).toEqual(providers);
    expect(await placement.listAllocations(operator, id)).toEqual([
      hypervisors.find((each) => each.host === 'cmp-01')?.id,
    ]);
    expect(await placement.listAllocations(operator, 'nobody')).toEqual([]);
    const freeOn = (host: string): unknown =>
      candidates.find((each) => each.id === hypervisors.find((one) => one.host === host)?.id)?.free;
    expect(freeOn('cmp-01')).toEqual({ VCPU: 15, MEMORY_MB: 63_488, DISK_GB: 980 });
    expect(freeOn('cmp-02')).toEqual({ VCPU: 16, MEMORY_MB: 65_536, DISK_GB: 1_000 });
  });

  test('have what is below a host’s own counted as its, and are not listed themselves', async () => {
    const { cloud } = lab;
    const host = cloud.hosts.get('cmp-02');
    host?.inventories.push({
      id: 'below',
      name: 'cmp-02_devices',
      total: { VGPU: 4 },
      held: new Map([['s', { VGPU: 1 }]]),
    });
    host?.inventories.push({ id: 'beside', name: 'cmp-02_more', total: { VGPU: 2 }, held: new Map() });
    const [all, able] = await Promise.all([
      placement.listResourceProviders(operator),
      placement.listAllocationCandidates(operator, { resources: { ...small, VGPU: 3 } }),
    ]);
    expect(all).toHaveLength(4);
    expect(able.map(({ id, free }) => [id, free['VGPU']])).toEqual([[host?.id, 5]]);
    // Three of two providers together are not one request's.
    expect(await placement.listAllocationCandidates(operator, { resources: { VGPU: 4 } })).toEqual([]);
  });

  test('count all disks of a flavor, as its servers take them', async () => {
    const flavor = { name: 'disks', vcpus: 1, ram: 512, disk: 20, 'OS-FLV-EXT-DATA:ephemeral': 5, swap: 1_500 };
    const reply = z.object({ flavor: z.object({ id: z.string() }) });
    const { id } = (
      await operator.call({ service: 'compute', method: 'POST', path: '/flavors', body: { flavor }, reply })
    ).flavor;
    const listed = (await nova.listFlavors(operator)).find((each) => each.id === id);
    if (!listed) throw new Error('it was made');
    expect(placement.requestOf(listed).resources).toEqual({ VCPU: 1, MEMORY_MB: 512, DISK_GB: 27 });
    const made = lab.cloud.flavors.get(id);
    expect(made && asksOf(made).diskGb).toBe(27);
  });

  test('are asked for with what a flavor’s extra specs add', () => {
    const sizes = { vcpus: 2, ram: 2_048, disk: 20 };
    const extra_specs = {
      'resources:VCPU': '0',
      'resources:PCPU': '2',
      'trait:HW_CPU_X86_AVX2': 'required',
      'trait:CUSTOM_OLD': 'forbidden',
      'trait1:CUSTOM_NIC': 'required',
    };
    expect(placement.requestOf({ ...sizes, extra_specs })).toEqual({
      resources: { PCPU: 2, MEMORY_MB: 2_048, DISK_GB: 20 },
      traits: ['HW_CPU_X86_AVX2', '!CUSTOM_OLD'],
    });
  });

  const rest = { MEMORY_MB: 2_048, DISK_GB: 20 };

  test.each<[what: string, specs: Readonly<Record<string, string>>, amounts: Readonly<Record<string, number>>]>([
    ['nothing', {}, { VCPU: 8, ...rest }],
    ['shared CPUs', { 'hw:cpu_policy': 'shared' }, { VCPU: 8, ...rest }],
    ['dedicated CPUs', { 'hw:cpu_policy': 'dedicated' }, { PCPU: 8, ...rest }],
    [
      'one more for the emulator',
      { 'hw:cpu_policy': 'dedicated', 'hw:emulator_threads_policy': 'isolate' },
      { PCPU: 9, ...rest },
    ],
    ['one for the emulator of shared CPUs, in vain', { 'hw:emulator_threads_policy': 'isolate' }, { VCPU: 8, ...rest }],
    [
      'some dedicated CPUs',
      { 'hw:cpu_policy': 'mixed', 'hw:cpu_dedicated_mask': '2-5,^3' },
      { VCPU: 5, PCPU: 3, ...rest },
    ],
    ['all but some', { 'hw:cpu_policy': 'mixed', 'hw:cpu_dedicated_mask': '^0-1' }, { VCPU: 2, PCPU: 6, ...rest }],
    [
      'those of a realtime mask',
      { 'hw:cpu_policy': 'mixed', 'hw:cpu_realtime': 'yes', 'hw:cpu_realtime_mask': '^0' },
      { VCPU: 1, PCPU: 7, ...rest },
    ],
    ['PCPUs by name', { 'resources:PCPU': '4' }, { PCPU: 4, ...rest }],
    ['no CPU at all', { 'resources:VCPU': '0' }, rest],
    ['a GPU', { 'resources:VGPU': '1' }, { VCPU: 8, VGPU: 1, ...rest }],
    [
      'two devices, each of a provider of its own',
      { 'resources1:CUSTOM_NIC': '1', 'resources_B:CUSTOM_NIC': '1' },
      { VCPU: 8, CUSTOM_NIC: 2, ...rest },
    ],
    ['what is no amount', { 'resources:VGPU': 'many' }, { VCPU: 8, ...rest }],
  ])('of a flavor that asks for %s', (_, extra_specs, amounts) => {
    expect(placement.amountsOf({ vcpus: 8, ram: 2_048, disk: 20, extra_specs })).toEqual(amounts);
  });

  test('leave out groups of their own, unless there is nothing else', () => {
    const sizes = { vcpus: 2, ram: 2_048, disk: 0 };
    const one = placement.requestOf({ ...sizes, extra_specs: { 'resources1:VGPU': '1' } });
    expect(one.resources).toEqual({ VCPU: 2, MEMORY_MB: 2_048 });
    const all = { 'resources1:VCPU': '2', 'resources1:MEMORY_MB': '2048' };
    expect(placement.requestOf({ ...sizes, extra_specs: all }).resources).toEqual({ VCPU: 2, MEMORY_MB: 2_048 });
  });

  test('are of the kind that a policy for threads asks for', () => {
    const of = (policy: string): unknown =>
      placement.requestOf({ vcpus: 1, ram: 1, disk: 1, extra_specs: { 'hw:cpu_thread_policy': policy } }).traits;
    expect([of('require'), of('isolate'), of('prefer')]).toEqual([
      ['HW_CPU_HYPERTHREADING'],
      ['!HW_CPU_HYPERTHREADING'],
      [],
    ]);
  });

  test('leave out who has not the traits', async () => {
    const all = await placement.listAllocationCandidates(operator, { resources: small, traits: ['COMPUTE_NODE'] });
    expect(all).toHaveLength(4);
    expect(await placement.listAllocationCandidates(operator, { resources: small, traits: ['!COMPUTE_NODE'] })).toEqual(
      [],
    );
  });

  test('leave out who has no room, and what is asked for in no amount', async () => {
    expect(await placement.listAllocationCandidates(operator, { resources: { ...small, VCPU: 17 } })).toEqual([]);
    expect(await placement.listAllocationCandidates(operator, { resources: { ...small, DISK_GB: 0 } })).toHaveLength(4);
  });
});

test('images are found by name', async () => {
  expect(await glance.listImages(operator, { name: 'clearwater-sprout' })).toMatchObject([
    { name: 'clearwater-sprout', status: 'active' },
  ]);
  expect(await glance.listImages(operator, { name: 'clearwater' })).toEqual([]);
});

test('a token that the cloud drops before its time is renewed under way', async () => {
  await neutron.listNetworks(operator);
  for (const token of lab.cloud.tokens.values()) token.expiresAt = 0;
  const [port] = await neutron.createPorts(operator, [{ name: 'a', networkId: await networkId(), description: '' }]);
  expect(port?.name).toBe('a');
  expect(lab.cloud.ports.size).toBe(1);
});

test('an application credential logs in as its user', async () => {
  const auth = {
    kind: 'applicationCredential',
    id: 'embedded-credential',
    secret: 'embedded-credential-secret',
  } as const;
  const session = connect(configOf(lab.url, { auth }));
  expect([await session.projectId(), await session.isAdmin()]).toEqual([await operator.projectId(), true]);
});
