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
