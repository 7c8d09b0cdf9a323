import { adoptedToken } from '../../domain/adopt/foreign';
import { compare, findingKinds, type Finding } from '../../domain/audit';
import type { Pool, SecurityRule } from '../../domain/descriptor/descriptor';
import type { Inventory, PortFound, RuleFound, ServerFound } from '../../domain/inventory';
import { capAt } from '../../domain/levels';
import type { Debt, VnfRecord } from '../../domain/record';
import { tag } from '../../domain/names';
import { memberOn, on, poolNamed, stateOf, tagged } from './build';

/** Where cloud and record differ: each kind of finding, and what is none. */

const vnf = 'ims1';
const pool = poolNamed('web', { securityRules: [{ protocol: 'tcp', ports: [80, 80], from: 'any' }] });
const members = on('web', 'h1 h2 h3');

function recordWith(change: Partial<VnfRecord> = {}): VnfRecord {
  return {
    vnf,
    descriptor: { name: 'd', description: '', networks: { mgmt: { network: 'mgmt' } }, pools: [pool] },
    phase: 'running',
    revision: 1,
    pools: { web: stateOf(members) },
    groups: [
      { pool: 'web', id: 'group' },
      { pool: 'web', id: 'apart-1', apart: 1 },
    ],
    debts: [],
    ...change,
  };
}

function serverOf(id: string, change: Partial<ServerFound> = {}): ServerFound {
  const ordinal = Number(/[0-9]+$/.exec(id)?.[0] ?? 1);
  const said = { vnf, pool: 'web', ordinal, token: 'before', flavor: 'unit', imageId: 'image-id' };
  return tagged({
    ...{ id, name: `ims1-${id}`, status: 'ACTIVE', host: `h${String(ordinal)}`, zone: 'mz' },
    ...said,
    ...change,
  });
}

function portOf(id: string, deviceId: string, change: Partial<PortFound> = {}): PortFound {
  return { id, name: `ims1-${id}`, networkId: 'mgmt-id', deviceId, vnf, token: 'before', ...change };
}

const rule = { id: 'rule', ethertype: 'IPv4', protocol: 'tcp', portMin: 80, portMax: 80, from: '0.0.0.0/0' } as const;

const ofPort80 = { ethertype: 'IPv6', protocol: 'tcp', portMin: 80, portMax: 80 } as const;

function cloudWith(change: Partial<Inventory> = {}): Inventory {
  return {
    servers: members.map(({ serverId }) => serverOf(serverId)),
    ports: members.map(({ serverId, portIds }) => portOf(portIds[0] ?? '', serverId)),
    securityGroups: [{ id: 'group', name: 'ims1-web', vnf, pool: 'web', token: 'before', rules: [rule] }],
    serverGroups: [{ id: 'apart-1', name: 'g1', pool: 'web', number: 1, token: 'before', serverIds: [] }],
    portsGone: [],
    ...change,
  };
}

function also<K extends keyof Inventory>(what: K, ...more: Inventory[K][number][]): Inventory {
  return cloudWith({ [what]: [...cloudWith()[what], ...more] });
}

function found(inventory: Inventory, record = recordWith(), inHand: readonly string[] = []): unknown[] {
  return compare(record, inventory, inHand).map(({ kind, id, action }) => [kind, id, action]);
}

test('a cloud that has what the record has has nothing to be found', () => {
  expect(compare(recordWith(), cloudWith())).toEqual([]);
});

const strayGroup = { id: 'g2', name: 'ims1-web', vnf, pool: 'web', token: 'gone', rules: [] };
const strayApart = { id: 'apart-9', name: 'g9', pool: 'web', number: 9, token: 'gone', serverIds: [] };
const ours = (ordinal: number): readonly string[] => serverOf(`web-${String(ordinal)}`).tags;
function withTags(change: (tags: readonly string[]) => readonly string[]): Inventory {
  const [, ...others] = cloudWith().servers;
  const { vnf: _vnf, ...first } = serverOf('web-1', { tags: change(ours(1)) });
  return cloudWith({ servers: [first, ...others] });
}
const each: readonly [kind: Finding['kind'], inventory: Inventory, id: string, action: Finding['action']][] = [
  ['orphan', also('servers', serverOf('web-9', { token: 'gone' })), 'web-9', 'delete'],
  ['orphan', also('servers', { ...serverOf('web-9'), token: undefined } as never), 'web-9', 'leave'],
  ['double', also('servers', serverOf('other', { ordinal: 2, token: 'gone' })), 'other', 'delete'],
  ['foreignTag', withTags((tags) => [...tags, tag.vnf('ims2')]), 'web-1', 'leave'],
  ['foreignTag', withTags((tags) => [tag.vnf('ims2'), ...tags.slice(1)]), 'web-1', 'leave'],
  ['foreignTag', also('servers', serverOf('web-9', { tags: [tag.vnf('a'), ...ours(9)] })), 'web-9', 'leave'],
  ['foreignTag', also('servers', serverOf('web-9', { tags: [...ours(9), tag.vnf('ims2')] })), 'web-9', 'leave'],
  ['noTag', withTags((tags) => tags.slice(1)), 'web-1', 'tag'],
  ['noTag', withTags(() => []), 'web-1', 'tag'],
  ['noTag', withTags((tags) => [...tags.slice(1), tag.token(adoptedToken('ims2'))]), 'web-1', 'leave'],
  ['missing', cloudWith({ servers: cloudWith().servers.slice(1) }), 'web-1', 'reportDead'],
  [
    'notActive',
    cloudWith({ servers: [serverOf('web-1', { status: 'ERROR' }), ...cloudWith().servers.slice(1)] }),
    'web-1',
    'leave',
  ],
  ['noPort', also('portsGone', 'web-1-mgmt'), 'web-1', 'leave'],
  [
    'wrongHost',
    cloudWith({ servers: [serverOf('web-1', { host: 'h7' }), ...cloudWith().servers.slice(1)] }),
    'web-1',
    'leave',
  ],
  [
    'wrongZone',
    cloudWith({ servers: [serverOf('web-1', { zone: 'dmz' }), ...cloudWith().servers.slice(1)] }),
    'web-1',
    'leave',
  ],
  ['leftoverPort', also('ports', portOf('p9', '', { token: 'gone' })), 'p9', 'delete'],
  ['leftoverPort', also('ports', { ...portOf('p9', ''), token: undefined } as never), 'p9', 'leave'],
  ['leftoverPort', also('ports', portOf('p9', 'web-1')), 'p9', 'leave'],
  ['leftoverPort', also('ports', portOf('p9', 'a stranger')), 'p9', 'leave'],
  ['leftoverSecurityGroup', also('securityGroups', strayGroup), 'g2', 'delete'],
  [
    'leftoverRule',
    cloudWith({
      securityGroups: [{ ...strayGroup, id: 'group', rules: [rule, { ...rule, id: 'ssh', portMin: 22, portMax: 22 }] }],
    }),
    'ssh',
    'delete',
  ],
  ['missingRule', cloudWith({ securityGroups: [{ ...strayGroup, id: 'group' }] }), 'group', 'create'],
  ['leftoverServerGroup', also('serverGroups', strayApart), 'apart-9', 'delete'],
  ['leftoverServerGroup', also('serverGroups', { ...strayApart, serverIds: ['web-1'] }), 'apart-9', 'leave'],
];

test.each(each)('%s is found, and nothing else', (kind, inventory, id, action) => {
  expect(found(inventory)).toEqual([[kind, id, action]]);
});

test('a port of a server that another VNF has as well goes with what is said of its server', () => {
  const server = serverOf('web-9', { tags: [...ours(9), tag.vnf('ims2')] });
  const port = portOf('p9', 'web-9', { token: 'gone' });
  const { servers, ports } = cloudWith();
  expect(found(cloudWith({ servers: [...servers, server], ports: [...ports, port] }))).toEqual([
    ['foreignTag', 'web-9', 'leave'],
  ]);
});

/** Of several members, and so of cases of their own. */
const shared: readonly Finding['kind'][] = ['shareBroken', 'domainShareBroken', 'noDomain'];

test('every kind has its case, and says what is wrong and what repair does', () => {
  expect(new Set([...each.map(([kind]) => kind), ...shared])).toEqual(new Set(findingKinds));
  for (const [, inventory] of each)
    for (const { wrong, repair } of compare(recordWith(), inventory))
      expect([wrong, repair]).toEqual([
        expect.stringMatching(/.{10}/),
        expect.stringMatching(/^(deletes|makes|tags|reports|nothing: )/),
      ]);
});

test('a host has more than its share by where the cloud has them, or the record', () => {
  const [first, ...others] = cloudWith().servers;
  const moved = cloudWith({ servers: [serverOf('web-1', { host: 'h2' }), ...others] });
  expect(found(moved)).toEqual([
    ['wrongHost', 'web-1', 'leave'],
    ['shareBroken', 'h2', 'leave'],
  ]);
  const known = recordWith({ pools: { web: stateOf(on('web', 'h2 h2 h3')) } });
  expect(found(moved, known)).toEqual([['shareBroken', 'h2', 'leave']]);
  // Two of six may be on a host.
  const six = recordWith({ pools: { web: stateOf(on('web', 'h2 h2 h3'), { level: 6 }) } });
  expect([first?.host, found(moved, six)]).toEqual(['h1', []]);
});

test('a failure domain has more than its share by where the cloud has its members, and who is on a host in none is said', () => {
  const inRacks = (racks: readonly (string | null)[]): Inventory =>
    cloudWith({
      servers: cloudWith().servers.map((server, index) => {
        const rack = racks[index] ?? null;
        return { ...server, domains: rack === null ? {} : { rack } };
      }),
    });
  const racked: Pool = { ...pool, failureDomain: { key: 'rack', spare: { share: { numerator: 1, denominator: 3 } } } };
  const { descriptor } = recordWith();
  const record = recordWith({ descriptor: { ...descriptor, pools: [racked] } });
  expect(found(inRacks(['r1', 'r2', 'r3']), record)).toEqual([]);
  expect(found(inRacks(['r1', 'r1', null]), record)).toEqual([
    ['domainShareBroken', 'r1', 'leave'],
    ['noDomain', 'h3', 'leave'],
  ]);
  const findings = compare(record, inRacks([null, 'r2', 'r2']));
  expect(findings).toMatchObject([
    {
      name: 'web in rack r2',
      pool: 'web',
      wrong: '2 members of web serve in rack r2, and 1 may at level 3',
    },
    {
      name: 'web on h1',
      pool: 'web',
      wrong:
        '1 members of web serve on h1, and count in no rack: none of its host aggregates says which it is in, or two say different ones',
      repair: 'nothing: give the host one aggregate that says its rack, or evacuate it',
    },
  ]);
  // Who is in a wrong zone is to leave it, and counts in no rack.
  const [first, ...others] = inRacks(['r1', 'r1', 'r2']).servers;
  const outOfZone = cloudWith({ servers: [...(first ? [{ ...first, zone: 'dmz' }] : []), ...others] });
  expect(found(outOfZone, record)).toEqual([['wrongZone', 'web-1', 'leave']]);
  // Where domains are not shown nothing is said of them.
  expect(found(cloudWith(), record)).toEqual([]);
  // Hosts fail alone where the pool says nothing else.
  expect(found(inRacks(['r1', 'r1', 'r1']))).toEqual([]);
});

test('the port of an orphan goes with it', () => {
  const cloud = { ...also('servers', serverOf('web-9')), ports: [...cloudWith().ports, portOf('p9', 'web-9')] };
  expect(found(cloud)).toEqual([
    ['orphan', 'web-9', 'delete'],
    ['leftoverPort', 'p9', 'delete'],
  ]);
});

describe('what is none', () => {
  const debt: Debt = {
    token: 'debtor',
    workflowId: 'w',
    runId: 'r',
    procedure: 'scaleIn',
    stages: [[{ pool: 'web', drainSeconds: 0, members: [memberOn('web', 8, 'h8')] }]],
    groups: [{ pool: 'web', id: 'g2' }],
    sweep: ['swept'],
    movedFrom: {},
  };
  const none: readonly [what: string, inventory: Inventory, record?: VnfRecord, inHand?: readonly string[]][] = [
    [
      'a member that is owed, with its port',
      { ...also('servers', serverOf('web-8')), ports: [...cloudWith().ports, portOf('web-8-mgmt', 'web-8')] },
      recordWith({ debts: [debt] }),
    ],
    [
      'what bears the token of a debtor',
      also('servers', serverOf('web-9', { token: 'debtor' })),
      recordWith({ debts: [debt] }),
    ],
    ['what a debtor sweeps', also('ports', portOf('p9', '', { token: 'swept' })), recordWith({ debts: [debt] })],
    ['a group that is owed', also('securityGroups', strayGroup), recordWith({ debts: [debt] })],
    [
      'what the holder of the turn is making',
      also('servers', serverOf('web-9', { token: 'holder' })),
      recordWith(),
      ['holder'],
    ],
    [
      'a port that waits for the server of who is at work',
      {
        ...also('servers', serverOf('web-9', { token: 'holder' })),
        ports: [...cloudWith().ports, portOf('p9', 'web-9', { token: 'gone' })],
      },
      recordWith(),
      ['holder'],
    ],
    ['what is tagged as of another VNF', also('servers', serverOf('web-9', { vnf: 'ims2' }))],
    [
      'who is known to be dead, and waits for a replacement',
      {
        ...also('portsGone', 'web-1-mgmt'),
        servers: [serverOf('web-1', { status: 'ERROR' }), ...cloudWith().servers.slice(1)],
      },
      recordWith({ pools: { web: stateOf(members.slice(1), { failed: members.slice(0, 1) }) } }),
    ],
    ['a port of another VNF', also('ports', portOf('p9', '', { vnf: 'ims2' }))],
    [
      'a member on no host, which is being evacuated',
      cloudWith({ servers: [serverOf('web-1', { host: null, status: 'REBUILD' }), ...cloudWith().servers.slice(1)] }),
    ],
    [
      'one known to be dead, whose server is gone',
      cloudWith({ servers: cloudWith().servers.slice(1) }),
      recordWith({ pools: { web: stateOf(members.slice(1), { failed: members.slice(0, 1) }) } }),
    ],
    [
      'a member whose tags somebody has taken off',
      cloudWith({
        servers: [
          { ...serverOf('web-1'), vnf: undefined, pool: undefined, ordinal: undefined, token: undefined } as never,
          ...cloudWith().servers.slice(1),
        ],
      }),
    ],
    [
      'a rule in a group that was taken over',
      cloudWith({
        securityGroups: [{ id: 'group', name: 'theirs', rules: [{ ...rule, id: 'ssh', portMin: 22, portMax: 22 }] }],
      }),
    ],
  ];

  test.each(none.map((row) => [row[0], row] as const))('%s', (_what, [, inventory, record, inHand]) => {
    expect(found(inventory, record, inHand)).toEqual([]);
  });
});

describe('servers that are to go are told of in an order in which they may', () => {
  const spare = { share: { numerator: 1, denominator: 3 } } as const;
  const record = recordWith({
    descriptor: { ...recordWith().descriptor, pools: [{ ...pool, spare }] },
  });
  const orphan = (number: number, change: Partial<ServerFound>): ServerFound =>
    serverOf(`web-${String(number)}`, { token: 'gone', ...change });
  const going = (strays: readonly ServerFound[]): ServerFound[] =>
    compare(record, also('servers', ...strays)).flatMap(({ id }) => strays.find((stray) => stray.id === id) ?? []);

  test('from the fullest host first, however the cloud lists them', () => {
    // With the members, which are on the first three, four on each.
    const on = ['h1', 'h2', 'h3', 'h4', 'h5', 'h6'];
    const strays = on.flatMap((host, index) =>
      Array.from({ length: index < 3 ? 3 : 4 }, (_, number) => orphan(10 + index * 4 + number, { host })),
    );
    const order = going(strays);
    expect(order).toHaveLength(strays.length);
    const left = [...cloudWith().servers, ...strays];
    for (const server of order) {
      left.splice(left.indexOf(server), 1);
      const most = Math.max(...on.map((host) => left.filter((each) => each.host === host).length));
      expect(most).toBeLessThanOrEqual(capAt(spare, left.length));
    }
  });

  test('the dead first, and the newest of a host', () => {
    const strays = [
      orphan(10, { host: 'h4' }),
      orphan(11, { host: 'h4', status: 'ERROR' }),
      orphan(12, { host: 'h4' }),
      orphan(13, { host: null, status: 'ERROR' }),
    ];
    expect(going(strays).map(({ id }) => id)).toEqual(['web-11', 'web-13', 'web-12', 'web-10']);
  });
});

test('a rule from a pool is known by the id of its group', () => {
  const api = poolNamed('api', { securityRules: [{ protocol: 'udp', ports: [5060, 5061], from: 'web' }] });
  const record = recordWith();
  const both = recordWith({
    descriptor: { ...record.descriptor, pools: [pool, api] },
    pools: { ...record.pools, api: stateOf([]) },
    groups: [...record.groups, { pool: 'api', id: 'api-group' }],
  });
  const said = { id: 'r', ethertype: 'IPv4', protocol: 'udp', portMin: 5060, portMax: 5061, from: 'group' } as const;
  const group = { id: 'api-group', name: 'ims1-api', vnf, pool: 'api', token: 'before', rules: [said] };
  expect(found(also('securityGroups', group), both)).toEqual([]);
  const others = [{ ...said, from: 'another' }, { ...said, ethertype: 'IPv6' } as const];
  for (const other of others)
    expect(found(also('securityGroups', { ...group, rules: [said, other] }), both)).toEqual([
      ['leftoverRule', 'r', 'delete'],
    ]);
  const lacking = also('securityGroups', { ...group, rules: [] });
  expect(found(lacking, both)).toEqual([['missingRule', 'api-group', 'create']]);
  // While the group that it is from is gone, nobody can make it.
  expect(found(lacking, { ...both, groups: both.groups.filter(({ id }) => id !== 'group') })).not.toContainEqual(
    expect.arrayContaining(['missingRule']),
  );
});

describe('a rule is the same one however the cloud writes it', () => {
  const written: readonly [said: SecurityRule, stored: Partial<RuleFound>][] = [
    [
      { protocol: 'icmp', from: 'fd00::/48' },
      { ethertype: 'IPv6', protocol: 'ipv6-icmp', from: 'fd00::/48' },
    ],
    [
      { protocol: 'icmp', from: 'fd00::/48' },
      { ethertype: 'IPv6', protocol: '58', from: 'fd00::/48' },
    ],
    [{ protocol: 'icmp', from: 'any' }, { protocol: '1' }],
    [
      { protocol: 'tcp', ports: [80, 80], from: 'FD00:0:0::/48' },
      { ...ofPort80, from: 'fd00::/48' },
    ],
    [
      { protocol: 'tcp', ports: [80, 80], from: 'fd00:0:1:0:1:0:1:0/64' },
      { ...ofPort80, from: 'fd00:0:1:0:1:0:1:0/64' },
    ],
    [
      { protocol: 'tcp', ports: [80, 80], from: '::102:304/128' },
      { ...ofPort80, from: '::1.2.3.4/128' },
    ],
    [
      { protocol: 'tcp', ports: [80, 80], from: '0::0/0' },
      { ...ofPort80, from: '::/0' },
    ],
    [
      { protocol: 'tcp', ports: [80, 80], from: '10.0.0.5/8' },
      { ...ofPort80, ethertype: 'IPv4', from: '10.0.0.5/8' },
    ],
  ];

  test.each(written)('%j is %j', (said, stored) => {
    const { descriptor } = recordWith();
    const record = recordWith({ descriptor: { ...descriptor, pools: [poolNamed('web', { securityRules: [said] })] } });
    const base = {
      id: 'r',
      ethertype: 'IPv4',
      protocol: null,
      portMin: null,
      portMax: null,
      from: '0.0.0.0/0',
    } as const;
    const cloud = cloudWith({ securityGroups: [{ ...strayGroup, id: 'group', rules: [{ ...base, ...stored }] }] });
    expect(found(cloud, record)).toEqual([]);
  });

  test('and another where bits of the host differ, which the cloud keeps', () => {
    const { descriptor } = recordWith();
    const web = poolNamed('web', { securityRules: [{ protocol: 'tcp', ports: [80, 80], from: '10.0.0.5/8' }] });
    const cloud = cloudWith({
      securityGroups: [{ ...strayGroup, id: 'group', rules: [{ ...rule, from: '10.0.0.0/8' }] }],
    });
    expect(found(cloud, recordWith({ descriptor: { ...descriptor, pools: [web] } }))).toEqual([
      ['leftoverRule', 'rule', 'delete'],
      ['missingRule', 'group', 'create'],
    ]);
  });
});

test.each(['adopting', 'instantiating'] as const)(
  'of a VNF that is %s nothing is left over: what no record has may serve',
  (phase) => {
    const born = recordWith({
      phase,
      pools: { web: { level: 0, nextOrdinal: 1, inService: [], failed: [] } },
      groups: [],
    });
    const findings = found(cloudWith(), born);
    expect(findings).toHaveLength(8);
    expect(
      found(cloudWith(), { ...born, phase: 'running' }).filter((each) => String(each).endsWith('delete')),
    ).not.toEqual([]);
    expect(findings.filter((each) => !String(each).endsWith('leave'))).toEqual([]);
  },
);
