import { namesIn } from '../../activities';
import { readDomains } from '../../activities/cloud/domains';
import { readSnapshot } from '../../activities/cloud/snapshot';
import type { Descriptor, FailureDomain } from '../../domain/descriptor/descriptor';
import { hostsOf, inDomains } from '../../simulator';
import { built, launched, openLab, recordOf, rowsOf, smallDescriptor, turn, type Lab } from './lab';

/** In which racks hosts are: asked for where a pool wants to know it, and nowhere else. */

const byRack: FailureDomain = { key: 'rack', spare: { count: 2 } };

let lab: Lab;
beforeEach(async () => {
  lab = await openLab({
    hosts: inDomains(hostsOf({ mz: 4, dmz: 2 }), { rack: 2, power: 1 }),
    aggregates: [
      { name: 'moved', metadata: { rack: 'r9' }, hosts: ['cmp-02'] },
      { name: 'again', metadata: { rack: 'r1' }, hosts: ['cmp-01', 'cmp-03'] },
      { name: 'unsaid', metadata: { rack: '' }, hosts: ['cmp-04'] },
    ],
  });
});
afterEach(() => lab.close());

function inRacks(pools: readonly string[] = ['web']): Descriptor {
  const descriptor = smallDescriptor();
  return {
    ...descriptor,
    pools: descriptor.pools.map((pool) => (pools.includes(pool.name) ? { ...pool, failureDomain: byRack } : pool)),
  };
}

/** How often the aggregates were listed, and whether anything but lists was asked for. */
async function looks(body: () => Promise<unknown>): Promise<{ aggregates: number; changes: number }> {
  const before = lab.calls.length;
  await body().catch(() => undefined);
  const calls = lab.calls.slice(before).filter(({ service }) => service !== 'identity');
  return {
    aggregates: calls.filter(({ path }) => path === '/os-aggregates').length,
    changes: calls.filter(({ method }) => method !== 'GET').length,
  };
}

function snapshotOf(descriptor: Descriptor): ReturnType<typeof readSnapshot> {
  const { pools, networks } = descriptor;
  const of = { pools: pools.map((pool) => ({ pool, networks })), vnf: null };
  return readSnapshot({ session: lab.session, names: namesIn(lab.session) }, of, {});
}

test('a host is in what its aggregates say, and in nothing where two say different things', async () => {
  const { hosts } = await snapshotOf(inRacks());
  expect(hosts.map(({ name, zone, domains }) => [name, zone, domains])).toEqual([
    ['cmp-01', 'mz', { rack: 'r1' }],
    ['cmp-02', 'mz', {}],
    ['cmp-03', 'mz', { rack: 'r1' }],
    ['cmp-04', 'mz', { rack: 'r2' }],
    ['dmz-01', 'dmz', { rack: 'r1' }],
    ['dmz-02', 'dmz', { rack: 'r2' }],
  ]);
});

test('hosts say nothing of keys that no pool asks for, nor what every object inherits', async () => {
  const plain = await snapshotOf(smallDescriptor());
  expect(plain.hosts.map((host) => 'domains' in host)).toEqual(Array(6).fill(false));
  const domains = await readDomains(lab.session, ['constructor', 'power'], {});
  expect([...domains.values()]).toEqual(Array(6).fill({ power: 'p1' }));
});

const instantiate = { kind: 'instantiate' } as const;
const phase = 'instantiating' as const;
const readers: readonly (readonly [string, (descriptor: Descriptor) => Promise<unknown>])[] = [
  [
    'plan',
    (descriptor) => lab.run('plan', { turn, record: recordOf({}, { phase, descriptor }), request: instantiate }),
  ],
  ['capacity', (descriptor) => lab.run('capacity', { record: recordOf({}, { phase, descriptor }) })],
  [
    'planEmptyHosts',
    (descriptor) =>
      lab.run('planEmptyHosts', { hosts: ['cmp-01'], cause: 'maintenance', records: [recordOf({}, { descriptor })] }),
  ],
  ['compare', (descriptor) => lab.run('compare', { record: recordOf({}, { descriptor }), inHand: [] })],
  ['survey', (descriptor) => lab.run('survey', { turn, vnf: 'ims1', descriptor })],
];

test.each(readers)(
  '%s lists the aggregates once where a pool asks for a domain, and else not at all',
  async (_, read) => {
    expect(await looks(() => read(smallDescriptor()))).toEqual({ aggregates: 0, changes: 0 });
    expect(await looks(() => read(inRacks(['web', 'web-1'])))).toEqual({ aggregates: 1, changes: 0 });
  },
);

test('a scaling of a pool that asks for none lists none', async () => {
  const members = await launched(lab, rowsOf('web-1', [1, 2]));
  const record = recordOf(
    { 'web-1': { level: 2, nextOrdinal: 3, inService: members } },
    { descriptor: inRacks(['web']) },
  );
  const request = { kind: 'scaleOut', pool: 'web-1', to: 3 } as const;
  expect(await looks(() => lab.run('plan', { turn, record, request }))).toEqual({ aggregates: 0, changes: 0 });
});

test('an audit finds a rack that has more than its share', async () => {
  const members = await launched(lab, rowsOf('web', [1, 2, 3], ['cmp-01', 'cmp-03', 'cmp-04']));
  await built(lab);
  const pools = { web: { level: 3, nextOrdinal: 4, inService: members } };
  const one = { ...byRack, spare: { count: 1 } };
  const descriptor = inRacks();
  const strict = { ...descriptor, pools: descriptor.pools.map((pool) => ({ ...pool, failureDomain: one })) };
  const found = await lab.run('compare', { record: recordOf(pools, { descriptor: strict }), inHand: [] });
  const broken = found.findings.filter(({ kind }) => kind === 'domainShareBroken');
  expect(broken).toMatchObject([{ id: 'r1', name: 'web in rack r1', pool: 'web' }]);
  const kept = await lab.run('compare', { record: recordOf(pools, { descriptor }), inHand: [] });
  expect(kept.findings.map(({ kind }) => kind)).not.toContain('domainShareBroken');
});

test('an audit says which hosts with members are in no rack', async () => {
  const members = await launched(lab, rowsOf('web', [1, 2], ['cmp-01', 'cmp-02']));
  await built(lab);
  const record = recordOf({ web: { level: 2, nextOrdinal: 3, inService: members } }, { descriptor: inRacks() });
  const inNone = async (): Promise<string[]> =>
    (await lab.run('compare', { record, inHand: [] })).findings
      .filter(({ kind }) => kind === 'noDomain')
      .map(({ name }) => name);
  const leave = (named: string): void => {
    for (const { name, hosts } of lab.cloud.aggregates.byId.values()) if (name === named) hosts.delete('cmp-02');
  };
  // Two aggregates say different ones.
  expect(await inNone()).toEqual(['web on cmp-02']);
  leave('moved');
  expect(await inNone()).toEqual([]);
  leave('rack-r2');
  expect(await inNone()).toEqual(['web on cmp-02']);
});

describe('as a tenant', () => {
  beforeEach(async () => {
    await lab.close();
    lab = await openLab({ as: 'tenant', hosts: inDomains(hostsOf({ mz: 4, dmz: 2 }), { rack: 2 }) });
  });

  const refused = {
    type: 'InvalidRequest',
    nonRetryable: true,
    message: expect.stringMatching(/as an operator of the cloud, or leave failureDomain out/) as string,
    details: [{ problems: [{ path: 'descriptor.pools.0.failureDomain' }] }],
  };

  test.each([
    [
      'plan',
      () => lab.run('plan', { turn, record: recordOf({}, { phase, descriptor: inRacks() }), request: instantiate }),
    ],
    ['survey', () => lab.run('survey', { turn, vnf: 'ims1', descriptor: inRacks() })],
  ] as const)('%s refuses what is to be kept to racks, before anything is made, and asks for none', async (_, run) => {
    await expect(run()).rejects.toMatchObject(refused);
    expect(await looks(run)).toEqual({ aggregates: 0, changes: 0 });
  });

  test('capacity says so, too', async () => {
    const { refusal } = await lab.run('capacity', { record: recordOf({}, { phase, descriptor: inRacks() }) });
    expect(refusal).toMatchObject({ kind: 'InvalidRequest' });
  });
});
