import { withRemedies } from '../../domain/explain/remedies';
import { plan, type PlanInput } from '../../domain/placement';
import { validateRequest } from '../../domain/placement/validate';
import type { ChangeRequest } from '../../domain/plan';
import { hostNamed, hostsNamed, memberOn, on, poolNamed, recordOf, snapshotOf, stateOf } from './build';

const record = recordOf([
  {
    pool: poolNamed('web', { size: { min: 3, initial: 4, max: 8 } }),
    state: stateOf(on('web', 'h1 h2 h3'), { failed: [memberOn('web', 9, 'h4')] }),
  },
  { pool: poolNamed('db'), state: stateOf(on('db', 'h1 h2')) },
]);

const scale = (kind: 'scaleOut' | 'scaleIn', to: number, pool = 'web'): ChangeRequest => ({ kind, pool, to });
const replace = (...refs: [pool: string, ordinal: number][]): ChangeRequest => ({
  kind: 'replaceMembers',
  members: refs.map(([pool, ordinal]) => ({ pool, ordinal })),
});

describe('a request is refused that no cloud could make right:', () => {
  test.each<[what: string, request: ChangeRequest, path: string, message: string]>([
    ['a pool that is not there', scale('scaleOut', 5, 'wbe'), 'pool', 'v1 has no pool wbe; its pools are web, db'],
    [
      'a pool named like what every object has',
      scale('scaleIn', 1, 'constructor'),
      'pool',
      'v1 has no pool constructor; its pools are web, db',
    ],
    ['a level above the most', scale('scaleOut', 9), 'to', 'web has at most 8 members; ask for a level from 3 to 8'],
    ['a level below the least', scale('scaleIn', 2), 'to', 'web has at least 3 members; ask for a level from 3 to 8'],
    ['a level of none', scale('scaleIn', 0), 'to', 'web has at least 3 members; ask for a level from 3 to 8'],
    ['half a level', scale('scaleOut', 5.5), 'to', 'a level is a whole number'],
    ['a level that is no number', scale('scaleOut', NaN), 'to', 'a level is a whole number'],
    ['a level without end', scale('scaleOut', Infinity), 'to', 'a level is a whole number'],
    ['out to where it is', scale('scaleOut', 4), 'to', 'web is at level 4 already; scaleOut goes above it'],
    ['out to less', scale('scaleOut', 3), 'to', 'web is at level 4 already; scaleOut goes above it, scaleIn below'],
    ['in to where it is', scale('scaleIn', 4), 'to', 'web is at level 4; scaleIn goes below it'],
    ['in to more', scale('scaleIn', 5), 'to', 'web is at level 4; scaleIn goes below it, scaleOut above'],
    ['a member that never was', replace(['web', 4]), 'members', 'v1-web-4 is not a member of v1'],
    ['a member of another pool', replace(['web', 1], ['db', 3]), 'members', 'v1-db-3 is not a member of v1'],
    ['a member of no pool', replace(['constructor', 1]), 'members', 'v1-constructor-1 is not a member of v1'],
  ])('%s', (_what, request, path, message) => {
    const refusal = {
      kind: 'InvalidRequest',
      message: `${path}: ${message}.`,
      details: { vnf: 'v1', problems: [{ path, message }] },
    };
    expect(validateRequest(record, request)).toEqual(refusal);
    expect(plan({ record, snapshot: snapshotOf(hostsNamed(9)), request })).toEqual({ ok: false, refusal });
  });

  test('a zone that the cloud does not have, of a VNF that is to be made: more hosts are no remedy for it', () => {
    const pools = [poolNamed('web'), poolNamed('db', { zone: 'mz; rm -rf' })];
    const born = recordOf(pools.map((pool) => ({ pool })));
    const hosts = [...hostsNamed(9), hostNamed('d1', { zone: 'dmz' })];
    const input: PlanInput = { record: born, snapshot: snapshotOf(hosts), request: { kind: 'instantiate' } };
    const planned = plan(input);
    const message = 'there is no zone mz; rm -rf; there are dmz, mz';
    expect(planned).toMatchObject({
      ok: false,
      refusal: {
        kind: 'InvalidRequest',
        message: expect.stringContaining('There is no zone mz; rm -rf: no host is in it. There are dmz, mz.') as string,
        details: { problems: [{ path: 'pools.1.zone', message }] },
      },
    });
    if (planned.ok) throw new Error('it is refused');
    expect(withRemedies(input, planned.refusal)).toEqual(planned.refusal);
    // Hosts may have gone since; then more of them are.
    const grown: PlanInput = {
      ...input,
      record,
      snapshot: snapshotOf([hostNamed('d1', { zone: 'dmz' })]),
      request: scale('scaleOut', 5),
    };
    expect(plan(grown)).toMatchObject({ ok: false, refusal: { kind: 'Impossible' } });
  });

  test('hosts that the cloud does not have', () => {
    const request: ChangeRequest = { kind: 'emptyHosts', hosts: ['h1', 'g1', 'g2'], cause: 'maintenance' };
    const planned = plan({ record, snapshot: snapshotOf(hostsNamed(9)), request });
    expect(planned).toMatchObject({
      ok: false,
      refusal: {
        kind: 'InvalidRequest',
        details: {
          problems: [
            { path: 'hosts', message: 'there is no host g1' },
            { path: 'hosts', message: 'there is no host g2' },
          ],
        },
      },
    });
  });
});

test.each<[string, ChangeRequest]>([
  ['the most', scale('scaleOut', 8)],
  ['the least', scale('scaleIn', 3)],
  ['one more', scale('scaleOut', 5)],
  ['members in service and failed', replace(['web', 1], ['web', 9], ['db', 2])],
  ['nobody in particular', replace()],
  ['all', { kind: 'terminate' }],
  ['a beginning', { kind: 'instantiate' }],
  ['hosts', { kind: 'emptyHosts', hosts: ['h1'], cause: 'failed' }],
])('a request makes sense for %s', (_what, request) => {
  expect(validateRequest(record, request)).toBeNull();
});
