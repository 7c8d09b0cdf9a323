import { procedureInputs } from '../../domain/procedures';
import { validateRequest } from '../../domain/placement/validate';
import { own } from '../../domain/names';
import type { VnfRecord } from '../../domain/record';

/** Input of every kind that is none, and names that JavaScript itself gives a meaning. */

const good = {
  instantiate: { vnf: 'ims1', descriptor: 'clearwater' },
  scaleOut: { vnf: 'ims1', pool: 'web', to: 5 },
  scaleIn: { vnf: 'ims1', pool: 'web', to: 5, members: ['ims1-web-1'] },
  heal: { vnf: 'ims1', members: ['ims1-web-1'] },
  evacuateHost: { hosts: ['cmp-01'], cause: 'failed' },
  restoreHost: { hosts: ['cmp-01'] },
  evacuateVnf: { vnf: 'ims1', hosts: ['cmp-01'], cause: 'failed' },
  rebalance: { vnf: 'ims1', strict: true },
  terminate: { vnf: 'ims1' },
  audit: { vnf: 'ims1', repair: true },
  capacity: { vnf: 'ims1', descriptor: 'clearwater' },
  adopt: { vnf: 'ims1', descriptor: 'clearwater', match: { namePattern: 'old-{pool}-{ordinal}' } },
} as const;

const procedures = Object.keys(good) as (keyof typeof good)[];

function accepts(procedure: keyof typeof good, input: unknown): boolean {
  return procedureInputs[procedure].safeParse(input).success;
}

test.each(procedures)('%s takes what it is for, and nothing that is no object, or has a key more', (procedure) => {
  expect(accepts(procedure, good[procedure])).toBe(true);
  for (const input of [undefined, null, [], [good[procedure]], {}, 'ims1', 42, true])
    expect(accepts(procedure, input)).toBe(false);
  expect(accepts(procedure, { ...good[procedure], more: 1 })).toBe(false);
  for (const wrong of [{ ifBusy: 'maybe' }, { waitSeconds: 0 }, { waitSeconds: 1e9 }, { dryRun: 'yes' }])
    expect(accepts(procedure, { ...good[procedure], ...wrong })).toBe(false);
});

test.each([
  ['scaleOut', { pool: 'p'.repeat(64) }],
  ['scaleIn', { pool: '' }],
  ['scaleIn', { members: [] }],
  ['scaleOut', { to: 1.5 }],
  ['scaleOut', { to: Number.NaN }],
  ['heal', { members: [] }],
  ['heal', { members: ['ims1-web-01'] }],
  ['heal', { members: ['ims1-web-99999999999999999999'] }],
  ['heal', { members: Array.from({ length: 1_001 }, (_, index) => `ims1-web-${String(index + 1)}`) }],
  ['evacuateHost', { hosts: ['h'.repeat(256)] }],
  ['evacuateHost', { hosts: Array.from({ length: 101 }, (_, index) => `cmp-${String(index)}`) }],
  ['evacuateVnf', { hosts: [] }],
  ['restoreHost', { hosts: [] }],
  ['restoreHost', { cause: 'failed' }],
  ['instantiate', { descriptor: 'd'.repeat(256) }],
  ['audit', { repair: 'yes' }],
  ['capacity', { descriptor: 'd'.repeat(256) }],
  ['adopt', { descriptor: 'd'.repeat(256) }],
] as const)('%s refuses %j', (procedure, wrong) => {
  expect(accepts(procedure, { ...good[procedure], ...wrong })).toBe(false);
});

describe('what is wrong with an input says what is right', () => {
  function saidOf(procedure: keyof typeof procedureInputs, input: unknown): string[] {
    const { error } = procedureInputs[procedure].safeParse(input);
    return (error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`);
  }

  const all = Object.keys(procedureInputs) as (keyof typeof procedureInputs)[];
  const junk = [undefined, null, true, 'x', '', 'X!', 0, 0.5, -1, 1e9, Number.NaN, [], ['', 1, null], {}, { a: 1 }];
  const wrongMatches = [
    { tags: [] },
    { tags: [''] },
    { tags: Array.from({ length: 11 }, () => 'a') },
    { namePattern: '' },
  ];
  const tooMany = [Array.from({ length: 1_001 }, () => 'a-b-1'), 'a'.repeat(300), { web: 'cmp-01' }, { '': [''] }];

  test.each(all)('%s: of no value it is said in the words of the parser', (procedure) => {
    const inputs = [
      ...junk,
      { unknown: 1 },
      ...Object.keys(procedureInputs[procedure].shape).flatMap((key) =>
        [...junk, ...wrongMatches, ...tooMany].map((value) => ({ [key]: value })),
      ),
    ];
    const said = inputs.flatMap((input) => saidOf(procedure, input));
    expect(said.length).toBeGreaterThan(10);
    expect(said.filter((each) => /Invalid|Too |Unrecognized|expected/.test(each))).toEqual([]);
  });

  const wait = 'waitSeconds: give a whole number from 1 to 86400';
  const healKeys = 'vnf, members, ifBusy, waitSeconds, dryRun';
  test.each([
    ['heal', { vnf: 'ims1', waitSeconds: 0 }, [wait]],
    ['heal', { vnf: 'ims1', waitSeconds: 1e9 }, [wait]],
    ['restoreHost', { hosts: ['cmp-01'], waitSeconds: '60' }, [wait]],
    ['evacuateHost', { hosts: ['cmp-01'], cause: 'failed', fenced: 'yes' }, ['fenced: give true or false']],
    ['heal', { vnf: 'ims1', dryrun: true }, [`: unknown key dryrun; keys are ${healKeys}`]],
    [
      'heal',
      { vnf: 'ims1', a: 1, b: 1, 'c\n': 1, d: 1 },
      [String.raw`: unknown keys a, b, c\u000a and 1 more; keys are ${healKeys}`],
    ],
    ['heal', undefined, [`: give one JSON object; keys are ${healKeys}`]],
    ['orphans', { vnf: 'ims1' }, [': unknown key vnf; it has none']],
    [
      'adopt',
      { ...good.adopt, match: { tags: [] } },
      ['match.tags: give {"namePattern": "old-{pool}-{ordinal}"} or {"tags": ["role={pool}", "index={ordinal}"]}'],
    ],
  ] as const)('%s %j', (procedure, input, said) => {
    expect(saidOf(procedure, input)).toEqual(said);
  });

  test('an unknown key of any length leaves room for those that there are', () => {
    const [said = ''] = saidOf('heal', { vnf: 'ims1', ['k'.repeat(5_000)]: 1 });
    expect(said.length).toBeLessThan(200);
    expect(said).toContain('keys are vnf');
  });
});

describe('names that every object inherits', () => {
  const record: VnfRecord = {
    vnf: 'ims1',
    descriptor: { name: 'none', description: '', networks: {}, pools: [] },
    phase: 'running',
    revision: 1,
    pools: {},
    groups: [],
    debts: [],
  };

  test.each(['constructor', '__proto__', 'toString'])('%s is no pool of anybody', (pool) => {
    expect(own(record.pools, pool)).toBeUndefined();
    const members = [{ pool, ordinal: 1 }];
    expect(validateRequest(record, { kind: 'replaceMembers', members })?.kind).toBe('InvalidRequest');
    expect(validateRequest(record, { kind: 'scaleOut', pool, to: 5 })?.kind).toBe('InvalidRequest');
  });
});
