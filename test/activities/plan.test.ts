import { providerByHost } from '../../activities/cloud/snapshot';
import type { Descriptor } from '../../domain/descriptor/descriptor';
import { hostsOf } from '../../simulator';
import { laterTurn, launched, launchInput, openLab, recordOf, rowsOf, smallDescriptor, turn, type Lab } from './lab';

let lab: Lab;
beforeEach(async () => {
  lab = await openLab();
});
afterEach(() => lab.close());

const instantiate = { kind: 'instantiate' } as const;

function withPool(change: Partial<Descriptor['pools'][number]>): Descriptor {
  const descriptor = smallDescriptor();
  return {
    ...descriptor,
    pools: descriptor.pools.map((pool) => (pool.name === 'web' ? { ...pool, ...change } : pool)),
  };
}

describe('plan', () => {
  test('places a new VNF on hosts of its zone that have room, and changes nothing', async () => {
    const plan = await lab.run('plan', {
      turn,
      record: recordOf({}, { phase: 'instantiating' }),
      request: instantiate,
    });
    const rows = plan.batches.flatMap((batch) => batch.rows);
    expect(plan.levels).toEqual({ web: { from: 0, to: 4 }, 'web-1': { from: 0, to: 4 } });
    expect(
      rows
        .filter(({ pool }) => pool === 'web')
        .map(({ host }) => host)
        .sort(),
    ).toEqual(['cmp-01', 'cmp-02', 'cmp-03', 'cmp-04']);
    expect(lab.calls.filter(({ method, service }) => method !== 'GET' && service !== 'identity')).toEqual([]);
  });

  test('is a handful of list calls', async () => {
    await lab.run('plan', { turn, record: recordOf({}, { phase: 'instantiating' }), request: instantiate });
    expect(lab.calls.length).toBeLessThanOrEqual(12);
  });

  test('does not place on a host that is disabled, down or full', async () => {
    const [first, second] = [...lab.cloud.hosts.values()];
    if (!first || !second) throw new Error('there are hosts');
    first.enabled = false;
    second.forcedDown = true;
    for (const host of lab.cloud.hosts.values())
      if (host.name === 'cmp-03') host.used = { vcpus: host.vcpus, ramMb: 0, diskGb: 0 };
    const refused = lab.run('plan', { turn, record: recordOf({}, { phase: 'instantiating' }), request: instantiate });
    await expect(refused).rejects.toMatchObject({
      type: 'Impossible',
      nonRetryable: true,
      details: [
        {
          hosts: {
            'cmp-01': 'Disabled',
            'cmp-02': 'Down',
            'cmp-03': 'NoRoomVcpus',
            'cmp-04': 'CapReached',
            'dmz-01': 'WrongZone',
          },
        },
      ],
    });
  });

  test('does not place where Placement does not offer a host for the flavor, though it has the room', async () => {
    await lab.close();
    const hosts = hostsOf({ mz: 4, dmz: 4 }).map((host) => ({
      ...{ ...host, others: { PCPU: 8 } },
      ...(host.name !== 'cmp-01' && host.zone === 'mz' && { traits: ['CUSTOM_DPDK'] }),
    }));
    const extraSpecs = { 'trait:CUSTOM_DPDK': 'required', 'hw:cpu_policy': 'dedicated' };
    lab = await openLab({
      hosts,
      flavors: [
        { name: 'm1.small', vcpus: 1, ramMb: 2_048, diskGb: 20 },
        { name: 'fast', vcpus: 1, ramMb: 2_048, diskGb: 20, extraSpecs },
      ],
    });
    const record = recordOf({}, { phase: 'instantiating', descriptor: withPool({ flavor: 'fast' }) });
    const refused = lab.run('plan', { turn, record, request: instantiate });
    await expect(refused).rejects.toMatchObject({
      details: [{ hosts: { 'cmp-01': 'NotOffered', 'cmp-02': 'CapReached', 'dmz-01': 'WrongZone' } }],
    });
  });

  const small = { name: 'm1.small', vcpus: 1, ramMb: 2_048, diskGb: 20 };

  test('says that it is for its traits that a flavor is not offered a host, also where all flavors ask for them', async () => {
    await lab.close();
    const hosts = hostsOf({ mz: 3 }).map((host) => ({
      ...host,
      ...(host.name === 'cmp-01' && { traits: ['CUSTOM_A'] }),
    }));
    lab = await openLab({ hosts, flavors: [{ ...small, extraSpecs: { 'trait:CUSTOM_A': 'required' } }] });
    const record = recordOf({}, { phase: 'instantiating', descriptor: withPool({}) });
    await expect(lab.run('plan', { turn, record, request: instantiate })).rejects.toMatchObject({
      type: 'Impossible',
      details: [{ hosts: { 'cmp-01': 'CapReached', 'cmp-02': 'NotOffered', 'cmp-03': 'NotOffered' } }],
    });
  });

  test.each(['trait:CUSTOM_NOBODYS', 'resources:CUSTOM_NOBODYS'])('refuses a flavor that asks for %s', async (spec) => {
    await lab.close();
    const amount = spec.startsWith('trait') ? 'required' : '1';
    lab = await openLab({ hosts: hostsOf({ mz: 3 }), flavors: [{ ...small, extraSpecs: { [spec]: amount } }] });
    const record = recordOf({}, { phase: 'instantiating', descriptor: withPool({}) });
    const refused = lab.run('plan', { turn, record, request: instantiate });
    await expect(refused).rejects.toMatchObject({ type: 'InvalidRequest', details: [{ flavor: 'm1.small' }] });
    await expect(refused).rejects.toThrow(/what the flavor m1\.small asks for: .*CUSTOM_NOBODYS/);
  });

  /** A lab whose hosts have so many of each class, in order, and whose pool `web` is of a flavor that asks as these extra specs say. */
  async function scarce(
    others: readonly Readonly<Record<string, number>>[],
    extraSpecs: Readonly<Record<string, string>>,
  ): Promise<ReturnType<typeof recordOf>> {
    await lab.close();
    const hosts = hostsOf({ mz: 4 }).map((host, at) => ({
      ...host,
      name: `${host.name}.cloud`,
      others: others[at] ?? {},
    }));
    lab = await openLab({ hosts, flavors: [small, { ...small, name: 'special', vcpus: 2, extraSpecs }] });
    const descriptor = withPool({ flavor: 'special', spare: { count: 2 } });
    return recordOf({}, { phase: 'instantiating', descriptor });
  }

  test.each<
    [what: string, others: readonly Readonly<Record<string, number>>[], specs: Readonly<Record<string, string>>]
  >([
    ['GPUs', [{ VGPU: 1 }, { VGPU: 1 }, { VGPU: 9 }], { 'resources:VGPU': '1' }],
    [
      'devices of a class of the cloud’s own',
      [{ CUSTOM_NIC: 2 }, { CUSTOM_NIC: 3 }, { CUSTOM_NIC: 9 }],
      { 'resources1:CUSTOM_NIC': '2' },
    ],
    ['CPUs of its own', [{ PCPU: 2 }, { PCPU: 3 }, { PCPU: 9 }], { 'hw:cpu_policy': 'dedicated' }],
    [
      'CPUs of its own, and one for its emulator',
      [{ PCPU: 5 }, { PCPU: 4 }, { PCPU: 9 }],
      { 'hw:cpu_policy': 'dedicated', 'hw:emulator_threads_policy': 'isolate' },
    ],
    [
      'some CPUs of its own',
      [{ PCPU: 1 }, { PCPU: 1 }, { PCPU: 9 }],
      { 'hw:cpu_policy': 'mixed', 'hw:cpu_dedicated_mask': '1' },
    ],
  ])('places no more members on a host than it has %s for', async (_, others, specs) => {
    const record = await scarce(others, specs);
    const plan = await lab.run('plan', { turn, record, request: instantiate });
    const on = plan.batches.flatMap(({ pool, rows }) => (pool === 'web' ? rows.map(({ host }) => host) : [])).sort();
    expect(on).toEqual(['cmp-01.cloud', 'cmp-02.cloud', 'cmp-03.cloud', 'cmp-03.cloud']);
  });

  test('says which hosts have used up a class, though they have all else', async () => {
    const record = await scarce([{ VGPU: 1 }, { VGPU: 1 }, {}, { VGPU: 1 }], { 'resources:VGPU': '1' });
    const [first] = [...lab.cloud.hosts.values()];
    if (!first) throw new Error('there are hosts');
    first.inventories[0]?.held.set('another', { VGPU: 1 });
    await expect(lab.run('plan', { turn, record, request: instantiate })).rejects.toMatchObject({
      type: 'Impossible',
      message: expect.stringContaining('hosts have too little VGPU') as string,
      details: [
        {
          hosts: {
            'cmp-01.cloud': 'NoRoomOther',
            'cmp-02.cloud': 'NoRoomOther',
            'cmp-03.cloud': 'NoRoomOther',
            'cmp-04.cloud': 'NoRoomOther',
          },
          nearestLevels: { below: 2 },
        },
      ],
    });
  });

  test('a quota that does not carry the peak is refused with what is short', async () => {
    await lab.close();
    lab = await openLab({ quotas: { ports: 11, cores: -1 } });
    const refused = lab.run('plan', { turn, record: recordOf({}, { phase: 'instantiating' }), request: instantiate });
    await expect(refused).rejects.toMatchObject({
      type: 'QuotaExceeded',
      details: [{ short: [{ resource: 'ports', needed: 12, limit: 11, used: 0 }] }],
    });
  });

  test('instantiate is refused where the cloud has servers of the VNF that another token made', async () => {
    await launched(lab, rowsOf('web', [1]), { turn: laterTurn });
    const refused = lab.run('plan', { turn, record: recordOf({}, { phase: 'instantiating' }), request: instantiate });
    await expect(refused).rejects.toMatchObject({ type: 'AlreadyExists', nonRetryable: true });
  });

  test('instantiate is refused where only servers are left', async () => {
    await launched(lab, rowsOf('web', [1]), { turn: laterTurn });
    lab.cloud.ports.clear();
    const refused = lab.run('plan', { turn, record: recordOf({}, { phase: 'instantiating' }), request: instantiate });
    await expect(refused).rejects.toMatchObject({ type: 'AlreadyExists' });
  });

  test('instantiate is refused where only ports are left', async () => {
    const [left] = await launched(lab, rowsOf('web', [1]), { turn: laterTurn });
    lab.cloud.servers.clear();
    const refused = lab.run('plan', { turn, record: recordOf({}, { phase: 'instantiating' }), request: instantiate });
    // Adopt makes nothing of ports alone.
    await expect(refused).rejects.toMatchObject({
      type: 'AlreadyExists',
      message: expect.stringMatching(`${left?.portIds[0] ?? '-'}.*openstack port delete`) as string,
    });
    await expect(refused).rejects.toMatchObject({ message: expect.not.stringContaining('bulkhead adopt') as string });
  });

  test('instantiate plans again over what its own turn has made', async () => {
    const own = await launched(lab, rowsOf('web', [1]));
    const plan = await lab.run('plan', {
      turn,
      record: recordOf({}, { phase: 'instantiating' }),
      request: instantiate,
      launched: own,
    });
    expect(plan.reuse).toEqual([{ pool: 'web', ordinal: 1 }]);
    expect(plan.batches.flatMap((batch) => batch.rows).filter(({ pool }) => pool === 'web')).toHaveLength(3);
  });

  test('what died since it was launched is not used again, and is discarded with the rest', async () => {
    const own = await launched(lab, rowsOf('web', [1, 2, 3]));
    const [dead, gone, off] = own.map(({ serverId }) => lab.cloud.servers.get(serverId));
    if (!dead || !gone || !off) throw new Error('they were launched');
    dead.status = 'ERROR';
    off.status = 'SHUTOFF';
    lab.cloud.servers.delete(gone.id);
    const plan = await lab.run('plan', {
      turn,
      record: recordOf({}, { phase: 'instantiating' }),
      request: instantiate,
      launched: own,
    });
    expect(plan.reuse).toEqual([]);
    expect(plan.discard.map(({ ordinal }) => ordinal)).toEqual([1, 2, 3]);
    expect(plan.batches.flatMap((batch) => batch.rows).filter(({ pool }) => pool === 'web')).toHaveLength(4);
  });

  test.each([
    ['flavor', { flavor: 'm1.enormous' }],
    ['image', { image: 'dos-6.22' }],
  ] as const)('a descriptor that names an unknown %s is refused before anything is made', async (what, change) => {
    const record = recordOf({}, { phase: 'instantiating', descriptor: withPool(change) });
    await expect(lab.run('plan', { turn, record, request: instantiate })).rejects.toMatchObject({
      type: 'InvalidRequest',
      nonRetryable: true,
      details: [{ problems: [{ path: what }] }],
    });
  });

  test('a descriptor that names an unknown network is refused before anything is made', async () => {
    const descriptor = {
      ...smallDescriptor(),
      networks: { mgmt: { network: 'mgmt' }, signal: { network: 'token-ring' } },
    };
    const refused = lab.run('plan', {
      turn,
      record: recordOf({}, { phase: 'instantiating', descriptor }),
      request: instantiate,
    });
    await expect(refused).rejects.toMatchObject({
      type: 'InvalidRequest',
      details: [{ problems: [{ path: 'network' }] }],
    });
  });

  test('an image that is put there after a refusal is found at once', async () => {
    const record = recordOf({}, { phase: 'instantiating', descriptor: withPool({ image: 'dos-6.22' }) });
    await expect(lab.run('plan', { turn, record, request: instantiate })).rejects.toMatchObject({
      type: 'InvalidRequest',
    });
    lab.cloud.images.set('late', { id: 'late', name: 'dos-6.22' });
    await expect(lab.run('plan', { turn, record, request: instantiate })).resolves.toMatchObject({ schema: 1 });
  });

  test('a Placement that is away is no lack of room', async () => {
    lab.addFault({ kind: 'status', status: 503, match: { path: '/allocation_candidates' } });
    const planned = lab.run('plan', { turn, record: recordOf({}, { phase: 'instantiating' }), request: instantiate });
    await expect(planned).rejects.toMatchObject({ type: 'CloudUnavailable', nonRetryable: false });
  });

  test('scaleOut reads the flavors of its own pool alone', async () => {
    const members = await launched(lab, rowsOf('web', [1, 2]));
    const record = recordOf({ web: { level: 2, nextOrdinal: 3, inService: members } }, { descriptor: withPool({}) });
    const before = lab.calls.length;
    const plan = await lab.run('plan', { turn: laterTurn, record, request: { kind: 'scaleOut', pool: 'web', to: 4 } });
    expect(
      plan.batches
        .flatMap((batch) => batch.rows)
        .map(({ host }) => host)
        .sort(),
    ).toEqual(['cmp-03', 'cmp-04']);
    expect(lab.calls.slice(before).filter(({ path }) => path === '/allocation_candidates')).toHaveLength(1);
  });

  test('is refused with TurnLost when the run id differs, before any call', async () => {
    await expect(
      lab.run('plan', { turn, record: recordOf(), request: instantiate }, { runId: 'made-by-a-reset' }),
    ).rejects.toMatchObject({ type: 'TurnLost' });
    expect(lab.calls).toHaveLength(0);
  });
});

test('a refusal says what was tried and would make it possible, and a dry run why hosts were not chosen', async () => {
  await lab.close();
  lab = await openLab({ hosts: hostsOf({ mz: 3, dmz: 1 }) });
  const record = recordOf({}, { phase: 'instantiating' });
  const refused = lab.run('plan', { turn, record, request: instantiate });
  await expect(refused).rejects.toMatchObject({
    type: 'Impossible',
    details: [
      {
        // Both pools lack a host: the level of one of them alone is no help.
        remedies: [{ kind: 'hosts', hosts: { mz: 1 } }],
      },
    ],
  });
  const three = smallDescriptor().pools.map((pool) => ({ ...pool, size: { ...pool.size, initial: 3 } }));
  const fitting = { ...record, descriptor: { ...record.descriptor, pools: three } };
  const told = await lab.run('plan', { turn, record: fitting, request: instantiate, tell: true });
  expect(told.told).toMatchObject({
    hosts: [{ name: 'cmp-01', zone: 'mz', state: 'open' }, { name: 'cmp-02' }, { name: 'cmp-03' }],
    choices: [
      { pool: 'web', hosts: { 'dmz-01': 'WrongZone' }, binds: 'share', moreFit: 0 },
      { pool: 'web-1', hosts: { 'dmz-01': 'WrongZone' } },
    ],
  });
  expect((await lab.run('plan', { turn, record: fitting, request: instantiate })).told).toBeUndefined();
});

describe('capacity', () => {
  test('is a handful of list calls, and says of a descriptor what instantiate would make', async () => {
    const found = await lab.run('capacity', { record: recordOf({}, { phase: 'instantiating' }) });
    expect(found).toMatchObject({
      ...{ vnf: 'ims1', exists: false, refusal: null, untold: null },
      pools: [
        { pool: 'web', level: 4, cap: 1, feasible: [[2, 4]], restorable: [[2, 3]], deaths: 0 },
        { pool: 'web-1', level: 4, deaths: 0 },
      ],
      together: { deaths: 0, short: ['web', 'web-1'] },
    });
    expect(lab.calls.length).toBeLessThanOrEqual(12);
    expect(lab.calls.filter(({ method, service }) => method !== 'GET' && service !== 'identity')).toEqual([]);
  });

  test('as a tenant it says what a tenant can know, and whom to ask for the rest', async () => {
    await lab.close();
    lab = await openLab({ as: 'tenant' });
    const found = await lab.run('capacity', { record: recordOf({}, { phase: 'instantiating' }) });
    expect(found).toMatchObject({
      ...{ refusal: null, together: null, hosts: [] },
      untold: expect.stringContaining('Ask an operator of the cloud') as string,
      pools: [{ pool: 'web', level: 4, cap: 1, feasible: null, deaths: null, mostByQuota: 10 }, { pool: 'web-1' }],
    });
  });
});

describe('planEmptyHosts', () => {
  /** A VNF with one member of `web` on each of the given hosts, and its own flavor. */
  async function standing(
    name: string,
    hosts: readonly string[],
    flavor: string,
  ): Promise<ReturnType<typeof recordOf>> {
    const descriptor = withPool({ flavor });
    const pool = descriptor.pools[0];
    if (!pool) throw new Error('it has pools');
    const rows = rowsOf(
      'web',
      hosts.map((_, index) => index + 1),
      hosts,
    );
    const results = await lab.run('launch', launchInput(lab, rows, { vnf: name, pool }));
    const inService = results.flatMap((result) => (result.ok ? [result.member] : []));
    return recordOf(
      { web: { level: hosts.length, nextOrdinal: hosts.length + 1, inService } },
      { vnf: name, descriptor },
    );
  }

  async function restart(options: Parameters<typeof openLab>[0]): Promise<void> {
    await lab.close();
    lab = await openLab(options);
  }

  const host = (
    name: string,
    vcpus: number,
  ): { name: string; zone: string; vcpus: number; ramMb: number; diskGb: number } => ({
    name,
    zone: 'mz',
    vcpus,
    ramMb: 64_000,
    diskGb: 1_000,
  });
  const flavors = [
    { name: 'm1.small', vcpus: 1, ramMb: 512, diskGb: 1 },
    { name: 'm1.large', vcpus: 4, ramMb: 512, diskGb: 1 },
  ];
  const maintenance = { hosts: ['a'], cause: 'maintenance' } as const;

  test('passes where all VNFs find room together', async () => {
    await restart({ hosts: [host('a', 8), host('b', 8), host('c', 8)], flavors });
    const records = [await standing('ims1', ['a', 'b'], 'm1.small'), await standing('ims2', ['a', 'b'], 'm1.small')];
    await expect(lab.run('planEmptyHosts', { ...maintenance, records })).resolves.toEqual({
      onto: { ims1: { web: ['c'] }, ims2: { web: ['c'] } },
    });
    const told = await lab.run('planEmptyHosts', { ...maintenance, records, tell: true });
    expect(
      Object.entries(told?.plans ?? {}).map(([vnf, { leave, batches }]) => [vnf, leave.length, batches.length]),
    ).toEqual([
      ['ims1', 1, 1],
      ['ims2', 1, 1],
    ]);
  });

  test('is refused where each alone finds room and both together do not', async () => {
    await restart({ hosts: [host('a', 8), host('b', 2), host('c', 1)], flavors });
    const records = [await standing('ims1', ['a', 'b'], 'm1.small'), await standing('ims2', ['a', 'b'], 'm1.small')];
    for (const record of records)
      await expect(lab.run('planEmptyHosts', { ...maintenance, records: [record] })).resolves.not.toHaveProperty(
        'oneByOne',
      );
    await expect(lab.run('planEmptyHosts', { ...maintenance, records })).rejects.toMatchObject({
      type: 'NotFound',
      details: [{ vnf: 'ims2' }],
    });
  });

  test('says that they move one after another where the quota carries each alone and not both together', async () => {
    await restart({ hosts: [host('a', 16), host('b', 16), host('c', 16)], flavors, quotas: { cores: 5 } });
    const records = [await standing('ims1', ['a', 'b'], 'm1.small'), await standing('ims2', ['a', 'b'], 'm1.small')];
    for (const record of records)
      await expect(lab.run('planEmptyHosts', { ...maintenance, records: [record] })).resolves.not.toHaveProperty(
        'oneByOne',
      );
    await expect(lab.run('planEmptyHosts', { ...maintenance, records })).resolves.toMatchObject({ oneByOne: true });
  });

  test('is refused where the quota does not even carry one of them', async () => {
    await restart({ hosts: [host('a', 16), host('b', 16), host('c', 16)], flavors, quotas: { cores: 4 } });
    const records = [await standing('ims1', ['a', 'b'], 'm1.small'), await standing('ims2', ['a', 'b'], 'm1.small')];
    await expect(lab.run('planEmptyHosts', { ...maintenance, records })).rejects.toMatchObject({
      type: 'QuotaExceeded',
      details: [{ vnf: 'ims1, ims2', short: [{ resource: 'cores' }] }],
    });
  });

  test('room too small for one VNF counts for another whose members are smaller', async () => {
    await restart({ hosts: [host('a', 16), host('b', 16), host('c', 4), host('d', 1)], flavors });
    const records = [await standing('ims1', ['a', 'b'], 'm1.large'), await standing('ims2', ['a', 'b'], 'm1.small')];
    // c is full when ims1 has moved there, and d has room for one small member.
    await expect(lab.run('planEmptyHosts', { ...maintenance, records })).resolves.toEqual({
      onto: { ims1: { web: ['c'] }, ims2: { web: ['d'] } },
    });
  });

  test('reads the cloud once, however many VNFs there are', async () => {
    const records = [
      await standing('ims1', ['cmp-01', 'cmp-02'], 'm1.small'),
      await standing('ims2', ['cmp-01', 'cmp-02'], 'm1.small'),
    ];
    const before = lab.calls.length;
    await lab.run('planEmptyHosts', { hosts: ['cmp-01'], cause: 'maintenance', records });
    expect(lab.calls.slice(before).filter(({ path }) => path === '/os-services')).toHaveLength(1);
  });
});

describe('the provider of a host', () => {
  test('is the one of its name', () => {
    expect([...providerByHost(['cmp-01.example.com', 'cmp-01'], ['cmp-01'])]).toEqual([['cmp-01', 'cmp-01']]);
  });

  test('is the one of its full name, where hypervisors are called by that', () => {
    const found = providerByHost(['cmp-01.example.com', 'cmp-02.example.com'], ['cmp-01', 'cmp-02', 'cmp-03']);
    expect([...found]).toEqual([
      ['cmp-01', 'cmp-01.example.com'],
      ['cmp-02', 'cmp-02.example.com'],
    ]);
  });

  test('is nobody where two might be meant', () => {
    expect(providerByHost(['cmp-01.east.example.com', 'cmp-01.west.example.com'], ['cmp-01']).size).toBe(0);
  });
});
