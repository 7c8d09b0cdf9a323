import { readFileSync } from 'node:fs';
import { fc } from '../property';
import { dependencyLayers } from '../../domain/descriptor/layers';
import { parseDescriptor, parseDescriptorText, type ParsedDescriptor } from '../../domain/descriptor/parse';
import type { Descriptor } from '../../domain/descriptor/descriptor';
import { spareAt } from '../../domain/levels';

type Given = Readonly<Record<string, unknown>>;

const poolWith = (change: Given = {}): Given => ({
  name: 'web',
  zone: 'mz',
  size: { min: 3, initial: 4, max: 12 },
  spare: '1/3',
  flavor: 'small',
  image: 'cirros',
  networks: ['mgmt'],
  ...change,
});

/** Pools by what is unlike `poolWith`. */
const vnfOf = (...pools: readonly Given[]): Given => ({
  name: 'test',
  networks: { mgmt: { network: 'mgmt' } },
  pools: pools.map(poolWith),
});

const rule = (change: Given): Given => ({ securityRules: [{ protocol: 'tcp', ports: 80, from: 'any', ...change }] });

function problemsOf(parsed: ParsedDescriptor): readonly { path: string; message: string }[] {
  return parsed.ok ? [] : parsed.problems;
}

function descriptorOf(parsed: ParsedDescriptor): Descriptor {
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.descriptor;
}

function firstPoolOf(input: Given): Descriptor['pools'][number] {
  const [pool] = descriptorOf(parseDescriptor(input)).pools;
  if (!pool) throw new Error('there is no pool');
  return pool;
}

const saying = (path: string, said: string): object => ({ path, message: expect.stringContaining(said) as string });

/** What is wrong, the input, the path of the bad value, and what the message says would be right. */
type Refusal = [what: string, input: unknown, path: string, said: string];

const forms: Refusal[] = [
  ['nothing', undefined, '(descriptor)', 'a map of name, networks and pools'],
  ['null', null, '(descriptor)', 'a map of name, networks and pools'],
  ['a list', [vnfOf({})], '(descriptor)', 'a map of name, networks and pools'],
  ['a text', 'clearwater', '(descriptor)', 'a map of name, networks and pools'],
  ['a number', 7, '(descriptor)', 'a map of name, networks and pools'],
  ['an unknown key', { ...vnfOf({}), version: 1 }, 'version', 'remove version, or look for a misspelling'],
  ['an unknown key of a pool', vnfOf({ flavour: 'small' }), 'pools.0.flavour', 'look for a misspelling'],
  [
    'an unknown key of a size',
    vnfOf({ size: { min: 3, initial: 4, max: 12, step: 3 } }),
    'pools.0.size.step',
    'look for a misspelling',
  ],
  ['an unknown key of a rule', vnfOf(rule({ port: 80 })), 'pools.0.securityRules.0.port', 'look for a misspelling'],
  [
    'an unknown key of a network',
    { ...vnfOf({}), networks: { mgmt: { network: 'mgmt', cidr: '10.0.0.0/8' } } },
    'networks.mgmt.cidr',
    'look for a misspelling',
  ],
  ['no name', { ...vnfOf({}), name: undefined }, 'name', 'give the name of the descriptor'],
  ['a name in capitals', { ...vnfOf({}), name: 'IMS' }, 'name', 'lower-case letters, digits and hyphens'],
  ['a name that is too long', { ...vnfOf({}), name: 'a'.repeat(41) }, 'name', 'at most 40 characters'],
  ['networks in a list', { ...vnfOf({}), networks: ['mgmt'] }, 'networks', '{network: <name in Neutron>}'],
  [
    'a network without its name in Neutron',
    { ...vnfOf({}), networks: { mgmt: {} } },
    'networks.mgmt.network',
    'give the name of a Neutron network',
  ],
  [
    'a network with an endless name',
    { ...vnfOf({}), networks: { mgmt: { network: 'mgmt' }, ['n'.repeat(41)]: { network: 'mgmt' } } },
    `networks.${'n'.repeat(41)}`,
    '1 to 40 characters',
  ],
  ['no pools', { ...vnfOf({}), pools: undefined }, 'pools', 'give the pools as a list'],
  ['an empty list of pools', vnfOf(), 'pools', 'at least one pool'],
  ['pools in a map', { ...vnfOf(), pools: { web: poolWith() } }, 'pools', 'give the pools as a list'],
  ['a pool that is a name', { ...vnfOf(), pools: ['web'] }, 'pools.0', 'a pool is a map'],
  ['a pool that is nothing', { ...vnfOf(), pools: [null] }, 'pools.0', 'a pool is a map'],
  ['a size that is a number', vnfOf({ size: 4 }), 'pools.0.size', '{min, initial, max}'],
  ['a size of none', vnfOf({ size: { min: 0, initial: 4, max: 12 } }), 'pools.0.size.min', 'at least 1'],
  ['half a member', vnfOf({ size: { min: 3, initial: 4.5, max: 12 } }), 'pools.0.size.initial', 'whole number'],
  ['more members than may be', vnfOf({ size: { min: 3, initial: 4, max: 10_001 } }), 'pools.0.size.max', '10000'],
  ['no networks', vnfOf({ networks: [] }), 'pools.0.networks', 'at least one network'],
  ['a network that is no list', vnfOf({ networks: 'mgmt' }), 'pools.0.networks', 'as a list'],
  ['no flavor', vnfOf({ flavor: undefined }), 'pools.0.flavor', 'give the name of a flavor'],
  ['an empty zone', vnfOf({ zone: '' }), 'pools.0.zone', 'give the availability zone'],
  ['an endless image', vnfOf({ image: 'i'.repeat(256) }), 'pools.0.image', 'at most 255 characters'],
  ['a drain of -1', vnfOf({ drainSeconds: -1 }), 'pools.0.drainSeconds', 'not negative'],
  ['a boot of a year', vnfOf({ bootTimeoutSeconds: 31_536_000 }), 'pools.0.bootTimeoutSeconds', 'at most a day'],
  ['a health of "soon"', vnfOf({ healthyAfterSeconds: 'soon' }), 'pools.0.healthyAfterSeconds', 'as a number'],
  ['serial of "yes"', vnfOf({ serial: 'yes' }), 'pools.0.serial', 'true or false'],
  ['an unknown way to recover', vnfOf({ recover: 'reboot' }), 'pools.0.recover', 'replace or evacuate'],
  ['an unknown belowShare', vnfOf({ belowShare: true }), 'pools.0.belowShare', 'refuse or onePerHost'],
  ['a rule that is a port', vnfOf({ securityRules: [80] }), 'pools.0.securityRules.0', '{protocol, ports, from}'],
  ['an unknown protocol', vnfOf(rule({ protocol: 'sctp' })), 'pools.0.securityRules.0.protocol', 'tcp, udp or icmp'],
  ['a rule from nobody', vnfOf(rule({ from: undefined })), 'pools.0.securityRules.0.from', '"any", a CIDR'],
  ['tcp without ports', vnfOf(rule({ ports: undefined })), 'pools.0.securityRules.0.ports', 'icmp has none'],
  ['icmp with ports', vnfOf(rule({ protocol: 'icmp' })), 'pools.0.securityRules.0.ports', 'icmp has none'],
];

const names: Refusal[] = ['Web', 'web_1', '1web', '-web', 'web-', 'we b', 'web.1', 'wéb', ' web', 'web\n', ''].map(
  (name) => [JSON.stringify(name), vnfOf({ name }), 'pools.0.name', 'lower-case letters, digits and hyphens'],
);

const spares: Refusal[] = [
  '0%',
  '101%',
  '100.1%',
  '1/0',
  '0/3',
  '4/3',
  '34',
  '-34%',
  '34.12345%',
  '',
  0.34,
  1.5,
  true,
].map((spare) => [JSON.stringify(spare), vnfOf({ spare }), 'pools.0.spare', 'a share ("34%", "1/3")']);

const ports: Refusal[] = [
  0,
  65_536,
  -1,
  80.5,
  'http',
  '80-',
  '0',
  '70000',
  '90-80',
  [90, 80],
  [80],
  [1, 2, 3],
  null,
].map((given) => [
  JSON.stringify(given),
  vnfOf(rule({ ports: given })),
  'pools.0.securityRules.0.ports',
  'ports are 1 to 65535',
]);

const senders: Refusal[] = [
  '10.0.0.0/33',
  '256.0.0.0/8',
  '10.0.0/8',
  '010.0.0.0/8',
  '10.0.0.1',
  '::::/64',
  'fd00::/129',
  'Web',
  '',
].map((from) => [
  JSON.stringify(from),
  vnfOf(rule({ from })),
  'pools.0.securityRules.0.from',
  'a CIDR like 10.0.0.0/8',
]);

const together: Refusal[] = [
  ['min above max', vnfOf({ size: { min: 6, initial: 6, max: 5 } }), 'pools.0.size', 'make min the smaller'],
  [
    'an initial size below min',
    vnfOf({ size: { min: 3, initial: 2, max: 12 } }),
    'pools.0.size.initial',
    'from 3 to 12',
  ],
  [
    'an initial size above max',
    vnfOf({ size: { min: 3, initial: 13, max: 12 } }),
    'pools.0.size.initial',
    'from 3 to 12',
  ],
  ['a count that is the whole of the least level', vnfOf({ spare: 3 }), 'pools.0.spare', 'at level 3 all 3 members'],
  ['a count above the least level', vnfOf({ spare: 5 }), 'pools.0.spare', 'make min larger than the spare'],
  ['all of it', vnfOf({ spare: '100%' }), 'pools.0.spare', 'the spare smaller'],
  [
    'one member of which one is spare',
    vnfOf({ spare: 1, size: { min: 1, initial: 4, max: 12 } }),
    'pools.0.spare',
    'say spare: none',
  ],
  [
    'one member of which a share is spare, whoever is told to put one on a host',
    vnfOf({ size: { min: 1, initial: 4, max: 12 }, belowShare: 'onePerHost' }),
    'pools.0.spare',
    'at level 1 all 1 members',
  ],
  [
    'a share that no allowed level keeps',
    vnfOf({ spare: '5%' }),
    'pools.0.spare',
    'no level up to 12 keeps 5% on a host; it needs at least 20 members',
  ],
  [
    'a least level below the share',
    vnfOf({ size: { min: 2, initial: 4, max: 12 } }),
    'pools.0.size.min',
    'make min 3, or say belowShare: onePerHost',
  ],
  ['an unknown network', vnfOf({ networks: ['sig'] }), 'pools.0.networks.0', 'there is no network sig; there are mgmt'],
  [
    'a network where there are none',
    { ...vnfOf({}), networks: {} },
    'pools.0.networks.0',
    'there is no network mgmt; there are none',
  ],
  ['a network twice', vnfOf({ networks: ['mgmt', 'mgmt'] }), 'pools.0.networks.1', 'twice; remove one'],
  [
    'a dependency on nobody',
    vnfOf({ name: 'web', dependsOn: ['web2'] }, { name: 'db' }),
    'pools.0.dependsOn.0',
    'there is no pool web2; there are web, db',
  ],
  [
    'a rule for nobody',
    vnfOf({ ...rule({ from: 'bd' }) }, { name: 'db' }),
    'pools.0.securityRules.0.from',
    'one of web, db',
  ],
  ['a pool that everybody is', vnfOf({ name: 'any' }), 'pools.0.name', 'in a rule that is everybody'],
  ['a pool twice', vnfOf({}, { name: 'db' }, {}), 'pools.2.name', 'there is a pool web already'],
  ['a pool that waits for itself', vnfOf({ dependsOn: ['web'] }), 'pools.0.dependsOn', 'web waits for web;'],
  [
    'two pools that wait for each other',
    vnfOf({ name: 'lb' }, { name: 'web', dependsOn: ['db', 'lb'] }, { name: 'db', dependsOn: ['web'] }),
    'pools.1.dependsOn',
    'web waits for db waits for web; one of them must be able to start first',
  ],
  [
    'three pools that wait in a circle, and one that waits for them',
    vnfOf(
      { name: 'top', dependsOn: ['a'] },
      { name: 'a', dependsOn: ['b'] },
      { name: 'b', dependsOn: ['c'] },
      { name: 'c', dependsOn: ['a'] },
    ),
    'pools.1.dependsOn',
    'a waits for b waits for c waits for a;',
  ],
];

describe('a descriptor is refused, with the path of what is wrong and with what would be right,', () => {
  describe.each([
    ['for its form', forms],
    ['for the name of a pool', names],
    ['for a spare', spares],
    ['for ports', ports],
    ['for who may send', senders],
    ['for what cannot be true together', together],
  ])('%s', (_area, refusals) => {
    test.each(refusals)('%s', (_what, input, path, said) => {
      expect(problemsOf(parseDescriptor(input))).toEqual([saying(path, said)]);
    });
  });

  test('for the share of a spare that has a count too', () => {
    for (const share of ['0%', '4/3', 0.34, { numerator: 4, denominator: 3 }, { numerator: 1, denominator: 2_000_001 }])
      expect(problemsOf(parseDescriptor(vnfOf({ spare: { count: 2, share } })))).toEqual([
        {
          path: expect.stringMatching(/^pools\.0\.spare/) as string,
          message: expect.stringContaining('a share') as string,
        },
      ]);
    expect(problemsOf(parseDescriptor(vnfOf({ spare: {} })))).toEqual([saying('pools.0.spare', 'a count (2)')]);
  });
});

describe('what is said in several ways is one thing', () => {
  test.each([
    ['34%', { share: { numerator: 17, denominator: 50 } }],
    ['34 %', { share: { numerator: 17, denominator: 50 } }],
    ['12.5%', { share: { numerator: 1, denominator: 8 } }],
    ['2/6', { share: { numerator: 1, denominator: 3 } }],
    [{ share: { numerator: 2, denominator: 6 } }, { share: { numerator: 1, denominator: 3 } }],
    [
      { count: 2, share: '1/3' },
      { count: 2, share: { numerator: 1, denominator: 3 } },
    ],
    [2, { count: 2 }],
    [{ count: 2 }, { count: 2 }],
    ['none', 'none'],
  ])('spare: %j', (spare, read) => {
    expect(firstPoolOf(vnfOf({ spare, size: { min: 8, initial: 8, max: 12 } })).spare).toEqual(read);
  });

  test.each([
    [5060, [5060, 5060]],
    ['5060', [5060, 5060]],
    ['32768-65535', [32_768, 65_535]],
    [
      [1, 65_535],
      [1, 65_535],
    ],
  ])('ports: %j', (given, read) => {
    expect(firstPoolOf(vnfOf(rule({ ports: given }))).securityRules).toEqual([
      { protocol: 'tcp', ports: read, from: 'any' },
    ]);
  });

  test.each(['any', '0.0.0.0/0', '10.1.2.0/24', 'fd00::/8', 'web'])('from: %s', (from) => {
    expect(firstPoolOf(vnfOf(rule({ from }))).securityRules).toEqual([{ protocol: 'tcp', ports: [80, 80], from }]);
  });

  test('what is left out has its default', () => {
    expect(firstPoolOf(vnfOf({}))).toMatchObject({
      role: '',
      securityRules: [],
      dependsOn: [],
      healthyAfterSeconds: 10,
      drainSeconds: 0,
      bootTimeoutSeconds: 300,
      serial: false,
      recover: 'replace',
      belowShare: 'refuse',
    });
  });
});

describe('all problems come in one go:', () => {
  test('contradictions of every pool, in the order of the file', () => {
    const input = vnfOf(
      { size: { min: 5, initial: 4, max: 12 }, networks: ['sig'] },
      { name: 'db', spare: '5%', dependsOn: ['web', 'cache'] },
    );
    expect(problemsOf(parseDescriptor(input)).map(({ path }) => path)).toEqual([
      'pools.0.size.initial',
      'pools.0.networks.0',
      'pools.1.spare',
      'pools.1.dependsOn.1',
    ]);
  });

  test('those of the pools that parse, beside one that does not', () => {
    const input = vnfOf(
      { name: 'bad', flavor: 7, size: { min: 3, initial: 4 }, securityRules: 'none' },
      { spare: 3, networks: ['mgmt', 'sig'], dependsOn: ['bad', 'cache'] },
      { name: 'a', dependsOn: ['b'] },
      { name: 'b', dependsOn: ['a'] },
    );
    expect(problemsOf(parseDescriptor(input)).map(({ path }) => path)).toEqual([
      'pools.0.size.max',
      'pools.0.flavor',
      'pools.0.securityRules',
      'pools.1.spare',
      'pools.1.networks.1',
      'pools.1.dependsOn.1',
      'pools.2.dependsOn',
    ]);
  });

  test('those of the parts of a pool that parse, beside others that do not', () => {
    const input = vnfOf({
      flavor: '',
      colour: 'red',
      size: { min: 3, initial: 13, max: 12, step: 2 },
      networks: [7, 'sig'],
      dependsOn: [null, 'cache'],
      securityRules: [{ protocol: 'sctp', ports: 1, from: 'cache' }],
    });
    expect(
      problemsOf(parseDescriptor(input))
        .map(({ path }) => path)
        .sort(),
    ).toEqual([
      'pools.0.colour',
      'pools.0.dependsOn.0',
      'pools.0.dependsOn.1',
      'pools.0.flavor',
      'pools.0.networks.0',
      'pools.0.networks.1',
      'pools.0.securityRules.0.from',
      'pools.0.securityRules.0.protocol',
      'pools.0.size.initial',
      'pools.0.size.step',
    ]);
  });

  const followers: [string, unknown, string[]][] = [
    [
      'that a pool is malformed does not make it unknown',
      vnfOf({ name: 'db', image: null, size: 3, spare: 'lots' }, { dependsOn: ['db'], ...rule({ from: 'db' }) }),
      ['pools.0.size', 'pools.0.spare', 'pools.0.image'],
    ],
    [
      'where a name is malformed nobody can tell which pools are unknown',
      vnfOf({ name: 'DB' }, { dependsOn: ['db'], ...rule({ from: 'db' }) }),
      ['pools.0.name'],
    ],
    ['where a pool is no map either', { ...vnfOf(), pools: [null, poolWith({ dependsOn: ['db'] })] }, ['pools.0']],
    [
      'that a network is malformed does not make it unknown',
      { ...vnfOf({}), networks: { mgmt: 'mgmt' } },
      ['networks.mgmt'],
    ],
    ['where networks are no map none is unknown', { ...vnfOf({}), networks: 'mgmt' }, ['networks']],
    [
      'a size that is not known is not too small for a spare',
      vnfOf({ size: { initial: 1 }, spare: 9 }),
      ['pools.0.size.min', 'pools.0.size.max'],
    ],
    [
      'a least level of none has no spare',
      vnfOf({ size: { min: 0, initial: 4, max: 12 }, spare: 1 }),
      ['pools.0.size.min'],
    ],
    [
      'a belowShare that is malformed refuses nothing',
      vnfOf({ size: { min: 2, initial: 4, max: 12 }, belowShare: 'maybe' }),
      ['pools.0.belowShare'],
    ],
    [
      'min above max says it all about the size',
      vnfOf({ size: { min: 9, initial: 20, max: 2 }, spare: 9 }),
      ['pools.0.size'],
    ],
  ];
  test.each(followers)('no problem follows from another: %s', (_what, input, paths) => {
    expect(problemsOf(parseDescriptor(input)).map(({ path }) => path)).toEqual(paths);
  });

  test('each circle is a problem of its own, whichever pools wait for it', () => {
    const input = vnfOf(
      { name: 'a', dependsOn: ['b'] },
      { name: 'b', dependsOn: ['a'] },
      { name: 'between', dependsOn: ['a'] },
      { name: 'c', dependsOn: ['c', 'between'] },
    );
    expect(problemsOf(parseDescriptor(input))).toEqual([
      saying('pools.0.dependsOn', 'a waits for b waits for a;'),
      saying('pools.3.dependsOn', 'c waits for c;'),
    ]);
  });
});

describe('text', () => {
  test.each([
    ['that is empty', ''],
    ['that has a comment only', '# nothing\n'],
    ['that is a list', '- name: web\n'],
    ['that is prose', 'clearwater'],
  ])('%s is no descriptor', (_what, text) => {
    expect(problemsOf(parseDescriptorText(text))).toEqual([
      saying('(descriptor)', 'a map of name, networks and pools'),
    ]);
  });

  test.each([
    ['that is torn', 'name: [torn\n'],
    ['with a key twice', 'name: a\nname: b\n'],
    ['with tabs', 'pools:\n\t- name: web\n'],
    ['of two documents', 'name: a\n---\nname: b\n'],
    ['with an alias of nothing', 'name: *nobody\n'],
    ['that is torn JSON', '{"name": "web"'],
  ])('%s is neither YAML nor JSON', (_what, text) => {
    expect(problemsOf(parseDescriptorText(text))).toEqual([saying('(descriptor)', 'neither YAML nor JSON')]);
  });

  test('in JSON is read as well', () => {
    expect(parseDescriptorText(JSON.stringify(vnfOf({})))).toEqual(parseDescriptor(vnfOf({})));
  });

  test('may name a part once and use it twice', () => {
    const text = JSON.stringify(vnfOf({}, { name: 'db' })).replaceAll('{"min":3,"initial":4,"max":12}', '*size');
    expect(parseDescriptorText(text.replace('*size', '&size {"min":3,"initial":4,"max":12}')).ok).toBe(true);
  });

  test('whose aliases multiply to billions is refused without counting them', () => {
    const lines = Array.from({ length: 12 }, (_, at) => {
      const nine = Array<string>(9).fill(at === 0 ? 'x' : `*a${String(at - 1)}`);
      return `n${String(at)}: &a${String(at)} [${nine.join(', ')}]`;
    });
    expect(problemsOf(parseDescriptorText(lines.join('\n')))).toEqual([saying('(descriptor)', 'alias')]);
  });

  test('that contains itself is refused', () => {
    expect(problemsOf(parseDescriptorText('name: test\nnetworks: {}\npools: &pools [*pools]\n'))).toEqual([
      saying('pools.0', 'a pool is a map'),
    ]);
  });

  test.each(['[', '{a: ', '- ', '? ', '[{a: ', '!!seq ['])('that nests thousands deep in %j is refused', (opening) => {
    // More than once: the parser of YAML once took the process with it at the second.
    for (let again = 0; again < 3; again++)
      expect(problemsOf(parseDescriptorText(opening.repeat(5_000)))).toEqual([
        saying('(descriptor)', 'at most 50 deep'),
      ]);
  });

  test.each(['#', ' ', '"', 'a: 1\n', '&a '])('of a million %j is refused unread', (part) => {
    expect(problemsOf(parseDescriptorText(part.repeat(1_000_000)))).toEqual([
      saying('(descriptor)', 'at most 65536 characters'),
    ]);
  });
});

describe('a descriptor without end is refused with few words:', () => {
  const many = <T>(what: (index: number) => T): T[] => Array.from({ length: 100_000 }, (_, index) => what(index));
  const inMap = (key: (index: number) => string, value: unknown): Given =>
    Object.fromEntries(many((at) => [key(at), value]));
  const number = (at: number): string => `n${String(at)}`;

  const endless: Refusal[] = [
    ['pools', { ...vnfOf(), pools: many(() => ({})) }, 'pools', 'at most 50 pools'],
    ['networks', { ...vnfOf(), pools: [poolWith()], networks: inMap(number, 7) }, 'networks', 'at most 20 networks'],
    ['networks of a pool', vnfOf({ networks: many(number) }), 'pools.0.networks', 'at most 20 networks'],
    ['rules', vnfOf({ securityRules: many(() => 7) }), 'pools.0.securityRules', 'at most 100 securityRules'],
    ['dependencies', vnfOf({ dependsOn: many(number) }), 'pools.0.dependsOn', 'at most 50 pools'],
    ['a description', { ...vnfOf({}), description: 'x'.repeat(1_000_000) }, 'description', 'at most 2000 characters'],
    ['a role', vnfOf({ role: 'x'.repeat(1_000_000) }), 'pools.0.role', 'at most 100 characters'],
    ['a sender', vnfOf(rule({ from: 'x'.repeat(1_000_000) })), 'pools.0.securityRules.0.from', 'a CIDR'],
    ['a dependency', vnfOf({ dependsOn: ['x'.repeat(1_000_000)] }), 'pools.0.dependsOn.0', 'at most 255 characters'],
    ['a network', vnfOf({ networks: ['x'.repeat(1_000_000)] }), 'pools.0.networks.0', 'at most 255 characters'],
    ['a share', vnfOf({ spare: '9'.repeat(1_000_000) }), 'pools.0.spare', 'a share'],
    ['an unknown key', { ...vnfOf({}), ['k'.repeat(1_000_000)]: 1 }, `${'k'.repeat(60)}…`, 'look for a misspelling'],
  ];
  test.each(endless)('%s', (_what, input, path, said) => {
    const problems = problemsOf(parseDescriptor(input));
    expect(problems).toEqual([saying(path, said)]);
    expect(JSON.stringify(problems).length).toBeLessThan(1_000);
  });

  test('of very many problems the first hundred are said, and how many more there are', () => {
    const problems = problemsOf(parseDescriptor({ ...vnfOf({}), ...inMap(number, 1) }));
    expect(problems).toHaveLength(101);
    expect(problems.at(-1)).toEqual(saying('(descriptor)', '99900 more problems'));
  });
});

/** Descriptors of one to four pools, right and nearly right. */
const anySpare = fc.oneof(
  fc.constantFrom<unknown>('none', '34%', '1/3', '50%', '12.5%', '1/7', '99%', { count: 2, share: '1/3' }),
  fc.integer({ min: 1, max: 4 }),
);
const anyRule = fc.oneof(
  fc.record({
    protocol: fc.constantFrom('tcp', 'udp'),
    ports: fc.constantFrom<unknown>(80, '80-90', [1, 9]),
    from: fc.constantFrom('any', 'p0', '10.0.0.0/8', 'fd00::/8'),
  }),
  fc.constant({ protocol: 'icmp', from: 'any' }),
);
const anyPool = fc.record(
  {
    spare: anySpare,
    size: fc
      .tuple(fc.integer({ min: 1, max: 12 }), fc.nat({ max: 5 }), fc.nat({ max: 30 }))
      .map(([min, more, most]) => ({ min, initial: min + more, max: min + more + most })),
    networks: fc.constantFrom(['mgmt'], ['mgmt', 'sig']),
    securityRules: fc.array(anyRule, { maxLength: 3 }),
    belowShare: fc.constantFrom('refuse', 'onePerHost'),
    serial: fc.boolean(),
    drainSeconds: fc.nat({ max: 86_400 }),
    waits: fc.boolean(),
  },
  { requiredKeys: ['spare', 'size', 'networks', 'waits'] },
);
const anyDescriptor = fc.array(anyPool, { minLength: 1, maxLength: 4 }).map((pools) => ({
  name: 'test',
  networks: { mgmt: { network: 'mgmt' }, sig: { network: 'signalling' } },
  pools: pools.map(({ waits, ...pool }, at) =>
    poolWith({ ...pool, name: `p${String(at)}`, dependsOn: waits && at > 0 ? [`p${String(at - 1)}`] : [] }),
  ),
}));

describe('every descriptor that is accepted', () => {
  test('parses again to itself, and so it does after a journey as JSON', () => {
    let accepted = 0;
    fc.assert(
      fc.property(anyDescriptor, (input) => {
        const parsed = parseDescriptor(input);
        if (!parsed.ok) return;
        accepted += 1;
        expect(parseDescriptor(parsed.descriptor)).toEqual(parsed);
        expect(parseDescriptor(JSON.parse(JSON.stringify(parsed.descriptor)))).toEqual(parsed);
        expect(parseDescriptorText(JSON.stringify(parsed.descriptor))).toEqual(parsed);
      }),
      { numRuns: 500 },
    );
    expect(accepted).toBeGreaterThan(100);
  });

  test('needs a member more than may be lost, at each level that it allows, and where it is refused for that, does not', () => {
    const seen = { accepted: 0, refused: 0 };
    fc.assert(
      fc.property(anyPool, ({ waits: _, ...pool }) => {
        const input = { ...vnfOf(pool), networks: { mgmt: { network: 'mgmt' }, sig: { network: 'sig' } } };
        const levels = Array.from({ length: pool.size.max - pool.size.min + 1 }, (_each, at) => pool.size.min + at);
        const parsed = parseDescriptor({ ...input, pools: [poolWith({ ...pool, securityRules: [] })] });
        if (parsed.ok) {
          const [{ spare } = { spare: 'none' as const }] = parsed.descriptor.pools;
          seen.accepted += 1;
          for (const level of levels) expect(spareAt(spare, level)).toBeLessThan(level);
          return;
        }
        if (!parsed.problems.some(({ message }) => message.includes('would be spare'))) return;
        seen.refused += 1;
        // The same pool with levels that leave no doubt is read, and shows why.
        const sure = poolWith({ spare: pool.spare, size: { min: 200, initial: 200, max: 200 } });
        const { spare } = firstPoolOf({ ...vnfOf(), pools: [sure] });
        expect(levels.some((level) => spareAt(spare, level) >= level)).toBe(true);
      }),
      { numRuns: 500 },
    );
    expect(Math.min(seen.accepted, seen.refused)).toBeGreaterThan(20);
  });

  test('whatever else is put in its place is refused or read, and never throws', () => {
    fc.assert(
      fc.property(anyDescriptor, fc.nat({ max: 40 }), fc.jsonValue(), (input, at, value) => {
        let count = 0;
        const broken: unknown = JSON.parse(JSON.stringify(input), (_key, each: unknown) =>
          count++ === at ? value : each,
        );
        for (const { path, message } of problemsOf(parseDescriptor(broken)))
          expect([path.length > 0, message.length > 0]).toEqual([true, true]);
      }),
      { numRuns: 500 },
    );
  });
});

const ships = (name: string): Descriptor =>
  descriptorOf(parseDescriptorText(readFileSync(`descriptors/${name}.yaml`, 'utf8')));

describe('small, which comes with the product,', () => {
  test('is one pool on one network, a third of it spare', () => {
    const { name, pools } = ships('small');
    expect(name).toBe('small');
    expect(pools).toMatchObject([{ name: 'web', zone: 'mz', spare: { share: { numerator: 1, denominator: 3 } } }]);
  });
});

describe('clearwater, which comes with the product,', () => {
  const pools = ships('clearwater').pools;
  const third = { share: { numerator: 17, denominator: 50 } };

  test('has its edge in the DMZ and the rest behind it', () => {
    expect(Object.fromEntries(pools.map(({ name, zone }) => [name, zone]))).toEqual({
      vellum: 'mz',
      dime: 'mz',
      homer: 'mz',
      sprout: 'mz',
      bono: 'dmz',
      ellis: 'mz',
    });
  });

  test('starts its stores first and what faces users last', () => {
    expect(dependencyLayers(pools).map((layer) => layer.map(({ name }) => name))).toEqual([
      ['vellum'],
      ['dime', 'homer'],
      ['sprout', 'ellis'],
      ['bono'],
    ]);
  });

  test('gives each role the time that its own quiescing may take', () => {
    expect(Object.fromEntries(pools.map(({ name, drainSeconds }) => [name, drainSeconds]))).toEqual({
      // A batch of 30 s, a decommission of at most 1,200 s, and a margin.
      vellum: 1_500,
      dime: 150,
      homer: 120,
      // DNS 60 s, `quiesce` 300 s, TERM 30 s, KILL 5 s, and a margin.
      sprout: 400,
      // DNS 60 s, registrations 300 s, grace 30 s, idling 600 s, and a margin.
      bono: 1_020,
      ellis: 60,
    });
  });

  test('spares one store whatever their number, about a third of the call path, and claims nothing for the one ellis', () => {
    expect(Object.fromEntries(pools.map(({ name, spare }) => [name, spare]))).toEqual({
      vellum: { count: 1 },
      dime: third,
      homer: { share: { numerator: 1, denominator: 2 } },
      sprout: third,
      bono: { count: 2, ...third },
      ellis: 'none',
    });
  });

  test('begins with 22 members, of which stores and call path may lose one, one, one, two and two', () => {
    expect(pools.map(({ name, spare, size: { initial } }) => [name, initial, spareAt(spare, initial)])).toEqual([
      ['vellum', 3, 1],
      ['dime', 4, 1],
      ['homer', 2, 1],
      ['sprout', 6, 2],
      ['bono', 6, 2],
      ['ellis', 1, 0],
    ]);
  });

  test('changes its stores one at a time, and never has fewer than three, nor more than one ellis', () => {
    expect(pools.filter(({ serial }) => serial).map(({ name }) => name)).toEqual(['vellum']);
    const sizes = Object.fromEntries(pools.map(({ name, size }) => [name, size]));
    expect([sizes['vellum']?.min, sizes['ellis']?.max]).toEqual([3, 1]);
  });

  test('gives a member of each tier the networks of its tier', () => {
    expect(Object.fromEntries(pools.map(({ name, networks }) => [name, networks]))).toEqual({
      vellum: ['mgmt', 'sig'],
      dime: ['mgmt', 'sig'],
      homer: ['mgmt', 'sig'],
      sprout: ['mgmt', 'sig'],
      bono: ['mgmt', 'sig-dmz'],
      ellis: ['mgmt'],
    });
  });

  test.each([
    [
      'bono',
      'udp 5060 any',
      'udp 3478 any',
      'udp 32768-65535 any',
      'tcp 5060 any',
      'tcp 5062 any',
      'tcp 3478 any',
      'tcp 5058 bono',
      'tcp 5058 sprout',
    ],
    [
      'sprout',
      'tcp 5052 bono',
      'tcp 5052 sprout',
      'tcp 5054 bono',
      'tcp 5054 sprout',
      'tcp 9888 vellum',
      'tcp 9888 dime',
    ],
    [
      'dime',
      'tcp 8888 sprout',
      'tcp 8888 bono',
      'tcp 8888 ellis',
      'tcp 8889 ellis',
      'tcp 10888 sprout',
      'tcp 10888 bono',
      'tcp 10888 vellum',
    ],
    ['homer', 'tcp 7888 sprout', 'tcp 7888 ellis'],
    [
      'vellum',
      'tcp 7253 vellum',
      'tcp 11211 vellum',
      'tcp 7000 vellum',
      'tcp 7253 sprout',
      'tcp 7253 dime',
      'tcp 11311 sprout',
      'tcp 11311 dime',
      'tcp 9160 dime',
      'tcp 9160 homer',
    ],
    ['ellis', 'tcp 80 any', 'tcp 443 any'],
  ])('opens %s to its callers on its interfaces, and else to pings only', (name, ...open) => {
    const rules = pools.find((pool) => pool.name === name)?.securityRules ?? [];
    const said = rules.map(({ protocol, ports, from }) =>
      ports
        ? `${protocol} ${ports[0] === ports[1] ? String(ports[0]) : ports.join('-')} ${from}`
        : `${protocol} ${from}`,
    );
    expect(said.sort()).toEqual([...open, 'icmp any'].sort());
  });
});
