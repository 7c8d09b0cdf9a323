import { adoptedToken } from '../../domain/adopt/foreign';
import { adoption, misfitKinds, type Adoption, type AdoptGiven, type Matched, type Misfit } from '../../domain/adopt';
import { readMatch, type Match } from '../../domain/adopt/match';
import { findingKinds } from '../../domain/audit';
import type { Inventory, PortFound, ServerFound } from '../../domain/inventory';
import { procedureInputs } from '../../domain/procedures';
import { tag } from '../../domain/names';
import { poolNamed, tagged } from './build';

/** A record made of the cloud and a descriptor alone, and what does not fit. */

const vnf = 'ims1';
const web = poolNamed('web', { size: { min: 3, initial: 3, max: 6 }, networks: ['mgmt', 'sig'] });
const descriptor = {
  name: 'd',
  description: '',
  networks: { mgmt: { network: 'mgmt' }, sig: { network: 'signal' } },
  pools: [web],
};

function serverOf(ordinal: number, change: Partial<ServerFound> = {}): ServerFound {
  const id = `s${String(ordinal)}`;
  const said = { vnf, pool: 'web', ordinal, token: 'before', flavor: 'unit', imageId: 'image-id' };
  const name = `ims1-web-${String(ordinal)}`;
  return tagged({ id, name, status: 'ACTIVE', host: `h${String(ordinal)}`, zone: 'mz', ...said, ...change });
}

function portsOf(server: ServerFound, change: Partial<PortFound> = {}): PortFound[] {
  return ['mgmt', 'sig'].map((network) => ({
    id: `${server.id}.${network}`,
    name: `${server.name}.${network}`,
    networkId: `${network}-id`,
    deviceId: server.id,
    vnf,
    token: 'before',
    ...change,
  }));
}

const four = [1, 2, 3, 4].map((ordinal) => serverOf(ordinal));

function given(
  servers: readonly ServerFound[],
  change: Partial<Inventory> = {},
  matched: readonly Matched[] = [],
): AdoptGiven {
  const others = matched.map(({ server }) => server);
  return {
    vnf,
    descriptor,
    inventory: {
      servers: [...servers, ...others],
      // Neutron lists them in no order.
      ports: [
        ...servers.flatMap((server) => portsOf(server)),
        ...others.flatMap((server) => unmarked(portsOf(server))),
      ].reverse(),
      securityGroups: [],
      serverGroups: [],
      portsGone: [],
      ...change,
    },
    matched,
    networkIds: { mgmt: 'mgmt-id', sig: 'sig-id' },
    imageIds: { image: 'image-id' },
  };
}

function unmarked(ports: readonly PortFound[]): PortFound[] {
  return ports.map(({ vnf: _vnf, token: _token, ...port }) => port);
}

/** One made by other means. */
function stranger(ordinal: number, change: Partial<ServerFound> = {}): Matched {
  const { vnf: _vnf, pool: _pool, ordinal: _ordinal, token: _token, ...server } = serverOf(ordinal);
  return {
    pool: 'web',
    ordinal,
    server: tagged({ ...server, tags: undefined, name: `old-${String(ordinal)}`, ...change }),
  };
}

function adopted(input: AdoptGiven): Adoption {
  const made = adoption(input);
  if (!made.ok) throw new Error(made.refusal.message);
  return made.adoption;
}

function misfits(input: AdoptGiven): unknown[] {
  return adopted(input).misfits.map(({ kind, name }) => [kind, name]);
}

test('of what bears the tags a record is made as it was: members, ports in order, groups, ordinals', () => {
  const group = { id: 'g1', name: 'ims1-web', vnf, pool: 'web', token: 'before', rules: [] };
  const apart = { name: 'a', pool: 'web', number: 1, token: 'before' };
  const made = adopted(
    given(four, {
      securityGroups: [group],
      serverGroups: [
        { ...apart, id: 'a1', serverIds: [] },
        { ...apart, id: 'a2', serverIds: ['s1'] },
      ],
    }),
  );
  expect(made.pools['web']).toMatchObject({ level: 4, nextOrdinal: 5 });
  expect(made.pools['web']?.members[0]).toEqual({
    pool: 'web',
    ordinal: 1,
    serverId: 's1',
    portIds: ['s1.mgmt', 's1.sig'],
    host: 'h1',
    token: 'before',
    server: 'ims1-web-1',
    isDead: false,
    isNew: false,
  });
  expect(made.groups).toEqual([
    { pool: 'web', id: 'g1' },
    { pool: 'web', id: 'a2', apart: 1 },
  ]);
  // Of two server groups of one number, the one that nobody is in.
  expect(made.misfits.map(({ kind, id }) => [kind, id])).toEqual([['leftoverServerGroup', 'a1']]);
});

test('ordinals of ports whose servers are gone are not used again', () => {
  const left = portsOf(serverOf(9), { deviceId: '' });
  const made = adopted(given(four, { ports: [...four.flatMap((server) => portsOf(server)), ...left] }));
  expect(made.pools['web']?.nextOrdinal).toBe(10);
});

/** One may be in each. */
function inRacks(input: AdoptGiven): AdoptGiven {
  const failureDomain = { key: 'rack', spare: { count: 1 } };
  return { ...input, descriptor: { ...descriptor, pools: [{ ...web, failureDomain }] } };
}

test('members of a pool that keeps to racks come with the rack of their host, by which they are deleted in the end', () => {
  const made = adopted(inRacks(given(four.map((each) => ({ ...each, domains: { rack: `of ${each.id}` } })))));
  expect(made.pools['web']?.members.map(({ domain }) => domain)).toEqual(['of s1', 'of s2', 'of s3', 'of s4']);
});

const strayGroup = { id: 'g2', name: 'ims1-api', vnf, pool: 'api', token: 'before', rules: [] };
const apart = { id: 'a1', name: 'a', pool: 'api', number: 1, token: 'before', serverIds: [] };
const withPorts = (...more: PortFound[]): Partial<Inventory> => ({
  ports: [...four.flatMap((each) => portsOf(each)), ...more],
});
/** Two adopts have met at it. Nova lists ours first. */
const both = serverOf(5, {
  tags: [tag.vnf(vnf), tag.vnf('ims2'), tag.pool('web'), tag.ordinal(5), tag.token('before')],
});
const withForeignPort = given(four, withPorts(...portsOf(stranger(7).server, { vnf: 'ims2' })), [stranger(7)]);
const cases: readonly [kind: Misfit['kind'], input: AdoptGiven, name: string][] = [
  ['notActive', given([...four.slice(1), serverOf(1, { status: 'ERROR' })]), 'ims1-web-1'],
  ['notActive', given([...four.slice(1), serverOf(1, { isBeingDeleted: true })]), 'ims1-web-1'],
  ['notActive', given([...four.slice(1), serverOf(1, { isFenced: true })]), 'ims1-web-1'],
  ['notActive', given(four, {}, [stranger(7, { status: 'SHUTOFF' })]), 'old-7'],
  ['ofAnotherVnf', given(four, {}, [stranger(7, { vnf: 'ims2' })]), 'old-7'],
  ['ofAnotherVnf', given(four, {}, [stranger(7, { tags: [tag.pool('web'), tag.token('before')] })]), 'old-7'],
  ['ofAnotherVnf', given(four, {}, [stranger(7, { tags: [tag.token(adoptedToken('ims2'))] })]), 'old-7'],
  ['ofAnotherVnf', given(four, {}, [{ ...stranger(7, { vnf: 'ims2' }), pool: 'api' }]), 'old-7'],
  ['ofAnotherVnf', given([...four, both]), 'ims1-web-5'],
  ['ofAnotherVnf', withForeignPort, 'old-7'],
  ['ambiguous', given(four, {}, [{ ...stranger(7), orElse: [{ pool: 'web1', ordinal: 0 }] }]), 'old-7'],
  ['wrongFlavor', given([...four.slice(1), serverOf(1, { flavor: 'huge' })]), 'ims1-web-1'],
  ['wrongImage', given([...four.slice(1), serverOf(1, { imageId: 'older' })]), 'ims1-web-1'],
  ['wrongZone', given([...four.slice(1), serverOf(1, { zone: 'dmz' })]), 'ims1-web-1'],
  ['wrongZone', given(four, {}, [stranger(7, { zone: 'dmz' })]), 'old-7'],
  ['noPort', given(four, { ports: four.flatMap((each) => portsOf(each)).slice(1) }), 'ims1-web-1'],
  ['shareBroken', given([...four.slice(1), serverOf(1, { host: 'h2' })]), 'h2'],
  ['domainShareBroken', inRacks(given(four.map((each) => ({ ...each, domains: { rack: 'r1' } })))), 'web in rack r1'],
  [
    'noDomain',
    inRacks(given(four.map((each) => ({ ...each, domains: each.ordinal === 3 ? {} : { rack: each.id } })))),
    'web on h3',
  ],
  ['belowSize', given(four.slice(2)), 'ims1-web'],
  ['aboveSize', given([...four, serverOf(5), serverOf(6), serverOf(7)]), 'ims1-web'],
  ['double', given(four, {}, [stranger(4)]), 'old-4'],
  ['orphan', given([...four, { ...serverOf(8), token: undefined } as never], withPorts()), 'ims1-web-8'],
  ['leftoverPort', given(four, withPorts(...portsOf(serverOf(9), { deviceId: '' }).slice(1))), 'ims1-web-9.sig'],
  ['leftoverSecurityGroup', given(four, { securityGroups: [strayGroup] }), 'ims1-api'],
  ['leftoverServerGroup', given(four, { serverGroups: [apart] }), 'a'],
  [
    'leftoverRule',
    given(four, {
      securityGroups: [
        {
          ...strayGroup,
          name: 'ims1-web',
          pool: 'web',
          rules: [{ id: 'r', ethertype: 'IPv4', protocol: 'tcp', portMin: 22, portMax: 22, from: '0.0.0.0/0' }],
        },
      ],
    }),
    'ims1-web: tcp 22 from any',
  ],
  [
    'missingRule',
    {
      ...given(four, { securityGroups: [{ ...strayGroup, name: 'ims1-web', pool: 'web' }] }),
      descriptor: {
        ...descriptor,
        pools: [{ ...web, securityRules: [{ protocol: 'udp', ports: [5060, 5060], from: 'fd00::/8' }] }],
      },
    },
    'ims1-web: udp 5060 from fd00::/8',
  ],
];

test.each(cases)('%s is reported, and nothing else', (kind, input, name) => {
  expect(misfits(input)).toEqual([[kind, name]]);
});

test('every kind that there can be has its case', () => {
  // What an unknown pool makes is a refusal; members are taken from the cloud, so that none is missing, or elsewhere; whose they are
  // is said by adopt itself.
  const never: readonly string[] = ['unknownPool', 'missing', 'wrongHost', 'foreignTag', 'noTag'];
  const all = [...misfitKinds, ...findingKinds].filter((kind) => !never.includes(kind));
  expect(new Set(cases.map(([kind]) => kind))).toEqual(new Set(all));
});

test('a pool below its size gets its least level, so that heal makes up for it', () => {
  expect(adopted(given(four.slice(2))).pools['web']).toMatchObject({ level: 3, members: [{}, {}] });
});

test('of doubles the one is taken that serves and has the ports', () => {
  const broken = { ...serverOf(2), id: 'other', status: 'ERROR' };
  const input = given([broken, ...four], withPorts());
  expect(adopted(input).pools['web']?.members.map(({ serverId }) => serverId)).toEqual(['s1', 's2', 's3', 's4']);
  expect(misfits(input)).toEqual([['double', 'ims1-web-2']]);
});

test.each([
  ['of the VNF', given([...four, serverOf(1, { id: 'x', pool: 'api' })])],
  ['made by other means', given(four, {}, [{ ...stranger(7), pool: 'api' }])],
])('a pool that the descriptor does not have, of a server %s, refuses all', (_whose, input) => {
  const made = adoption(input);
  expect(made).toMatchObject({
    ok: false,
    refusal: { kind: 'InvalidRequest', details: { misfits: [{ kind: 'unknownPool' }] } },
  });
});

test("what is another VNF's is left alone, also where its pool is unknown and others refuse all", () => {
  const others = ['web1', 'web-'].map((pool, index) => ({ ...stranger(7 + index, { vnf: 'ims2' }), pool }));
  const made = adoption(given(four, {}, [...others, { ...stranger(9), pool: 'old-web-' }]));
  if (made.ok) throw new Error('one is of an unknown pool');
  expect(made.refusal.message).toMatch(/^1 servers are of pools .* have: old-web- \(it has web\)/);
  expect(made.refusal.message).not.toContain('delete');
  const told = (made.refusal.details['misfits'] as Misfit[]).map(({ kind, name, then }) => [kind, name, then]);
  expect(told).toEqual([
    ['unknownPool', 'old-9', expect.stringMatching(/correct the match$/)],
    ['ofAnotherVnf', 'old-7', 'left alone'],
    ['ofAnotherVnf', 'old-8', 'left alone'],
  ]);
});

test("where another VNF's tag is on all, nobody is adopted, and it is said whose they are", () => {
  const made = adoption(given([], {}, [stranger(1, { vnf: 'ims2' }), stranger(2, { vnf: 'ims2' })]));
  expect(made).toMatchObject({
    ok: false,
    refusal: { details: { misfits: [{ kind: 'ofAnotherVnf' }, { kind: 'ofAnotherVnf' }, { kind: 'belowSize' }] } },
  });
  expect(made.ok ? '' : made.refusal.message).toContain("old-1: it is tagged as ims2's");
});

test('an adopt that was broken off is gone on with by the VNF that began it', () => {
  const begun = [tag.token(adoptedToken(vnf)), tag.pool('web'), tag.ordinal(7)];
  const input = given(four, {}, [stranger(7, { tags: begun, token: adoptedToken(vnf), pool: 'web', ordinal: 7 })]);
  expect(adopted(input).pools['web']?.members[4]).toMatchObject({ ordinal: 7, isNew: true, token: 'adopted-ims1' });
  const met = [...begun, tag.token(adoptedToken('ims2'))];
  expect(misfits(given(four, {}, [stranger(7, { tags: met })]))).toEqual([['ofAnotherVnf', 'old-7']]);
});

test('where only ports are left they are named, with what becomes of them', () => {
  const left = [...portsOf(serverOf(1), { deviceId: '' }), ...portsOf(serverOf(2)).slice(1)];
  const made = adoption(given([], { ports: left }));
  if (made.ok) throw new Error('there is nobody');
  expect(made.refusal.message).toContain(
    "3 ports are marked as ims1's: ims1-web-1.mgmt (s1.mgmt), ims1-web-1.sig (s1.sig), ims1-web-2.sig (s2.sig, held by the server s2).",
  );
  expect(made.refusal.message).toContain('openstack port delete');
  expect(made.refusal.details).toMatchObject({ ports: ['s1.mgmt', 's1.sig', 's2.sig'] });
});

test('where there is nobody, nothing is adopted', () => {
  expect(adoption(given([]))).toMatchObject({ ok: false, refusal: { kind: 'InvalidRequest' } });
});

describe('made by other means', () => {
  test('they are members with the ports that they have, and with a token that no turn has', () => {
    const made = adopted(given(four.slice(2), {}, [stranger(7), stranger(0)]));
    // Others count from 0, and ours do not.
    expect(made.pools['web']).toMatchObject({ level: 4, nextOrdinal: 9 });
    expect(made.pools['web']?.members.slice(2)).toMatchObject([
      { ordinal: 7, server: 'old-7', token: 'adopted-ims1', isNew: true, portIds: ['s7.mgmt', 's7.sig'] },
      { ordinal: 8, server: 'old-0', token: 'adopted-ims1', isNew: true },
    ]);
  });

  test.each<[match: Match, name: string, tags: string[], expected: { pool: string; ordinal: number } | null]>([
    [{ namePattern: 'old-{pool}-{ordinal}' }, 'old-a-b-007', [], { pool: 'a-b', ordinal: 7 }],
    [{ namePattern: 'old-{pool}-{ordinal}' }, 'bold-web-1', [], null],
    [{ namePattern: 'old-{pool}-{ordinal}' }, 'old-web-1x', [], null],
    [{ namePattern: '{pool}.{ordinal}' }, 'webx1', [], null],
    [{ namePattern: '*-{pool}-{ordinal}-*' }, 'stack-web-3-x7k2', [], { pool: 'web', ordinal: 3 }],
    [
      { tags: ['role={pool}', 'index={ordinal}', 'ims'] },
      'any',
      ['ims', 'index=3', 'role=web'],
      { pool: 'web', ordinal: 3 },
    ],
    [{ tags: ['role={pool}', 'index={ordinal}', 'ims'] }, 'any', ['index=3', 'role=web'], null],
  ])('%j of %s %j is %j', (match, name, tags, expected) => {
    const read = expected ? [expected] : [];
    expect(readMatch(match, { name, tags }, [])).toEqual(read);
    expect(readMatch(match, { name, tags }, ['api', expected?.pool ?? 'web'])).toEqual(read);
  });

  const adjacent: Match = { namePattern: '{pool}{ordinal}' };
  test.each<[match: Match, name: string, pools: string[], expected: [pool: string, ordinal: number][]]>([
    [adjacent, 'web10', ['web'], [['web', 10]]],
    [
      adjacent,
      'web10',
      ['web', 'web1'],
      [
        ['web', 10],
        ['web1', 0],
      ],
    ],
    [adjacent, 'web2', ['web', 'web1'], [['web', 2]]],
    [adjacent, 'web12', ['web1'], [['web1', 2]]],
    // Of no pool that is known: as short a name as can be.
    [adjacent, 'api10', ['web'], [['api', 10]]],
    [
      { tags: ['node={pool}{ordinal}'] },
      'n',
      ['web', 'web1'],
      [
        ['web', 11],
        ['web1', 1],
      ],
    ],
    [{ namePattern: '{pool}*{ordinal}' }, 'web-x10', ['web'], [['web', 10]]],
    [{ namePattern: '{pool}*{ordinal}' }, 'web10', ['web'], [['web', 10]]],
    [{ namePattern: '{pool}-{ordinal}*' }, 'web-10b', ['web'], [['web', 10]]],
    [{ namePattern: '*{ordinal}.{pool}' }, 'vm10.web', ['web'], [['web', 10]]],
    [{ namePattern: '{pool}-{ordinal}' }, 'a-web-3', ['web', 'a-web'], [['a-web', 3]]],
    [
      { namePattern: '*{pool}-{ordinal}' },
      'a-web-3',
      ['web', 'a-web'],
      [
        ['web', 3],
        ['a-web', 3],
      ],
    ],
  ])('%j of %s with the pools %j is every way to read it', (match, name, pools, expected) => {
    const read = readMatch(match, { name, tags: ['x', 'node=web11'] }, pools);
    expect(read.map(({ pool, ordinal }) => [pool, ordinal])).toEqual(expected);
  });

  test.each([
    [{ namePattern: 'old-{pool}' }, 'say once where the ordinal stands'],
    [{ namePattern: '{pool}-{pool}-{ordinal}' }, 'say once where the pool stands'],
    [{ namePattern: '*{pool}*{ordinal}*' }, 'at most 2 of *'],
    [{ tags: ['{pool}'] }, 'say once where the ordinal stands'],
    [{ tags: [] }, ''],
    [{ names: 'x' }, 'namePattern'],
    ['old-{pool}-{ordinal}', 'namePattern'],
  ])('the match %j is refused', (match, said) => {
    const parsed = procedureInputs.adopt.safeParse({ vnf, descriptor: 'clearwater', match });
    expect(parsed.success).toBe(false);
    expect(JSON.stringify(parsed.error?.issues)).toContain(said);
  });
});
