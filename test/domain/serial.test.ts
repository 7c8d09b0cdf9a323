import type { Pool } from '../../domain/descriptor/descriptor';
import { plan, type PlanInput } from '../../domain/placement';
import type { Plan } from '../../domain/plan';
import type { Member } from '../../domain/record';
import type { Host } from '../../domain/snapshot';
import { hostNamed, hostsNamed, inputOf, memberOn, on, poolNamed, recordOf, snapshotOf, stateOf } from './build';

/** Pools marked serial change one member at a turn: stores that must settle before the next comes or goes. */

const serial: Partial<Pool> = { serial: true, spare: { count: 1 } };
const fifth: Partial<Pool> = { serial: true, spare: { share: { numerator: 1, denominator: 5 } } };

function planOf(input: PlanInput): Plan {
  const planned = plan({ ...input, oneChange: true });
  if (!planned.ok) throw new Error(planned.refusal.message);
  return planned.plan;
}

const rowsOf = ({ batches }: Plan): number => batches.reduce((sum, { rows }) => sum + rows.length, 0);
const shown = (made: Plan): object => ({
  to: made.levels['web']?.to,
  launches: rowsOf(made),
  leaves: made.leave.length,
  more: made.more,
});

const scale = (change: Partial<Pool>, members: Member[], hosts: number, to: number): PlanInput =>
  inputOf({
    pool: change,
    members,
    hosts: hostsNamed(hosts),
    request: { kind: to > members.length ? 'scaleOut' : 'scaleIn', pool: 'web', to },
  });

const three = on('web', 'h1 h2 h3');
const ten = on('web', 'h1 h1 h2 h2 h3 h3 h4 h4 h5 h5');

describe('a serial pool, asked for one change at a turn,', () => {
  test.each([
    ['grows by one, and says that more is to come', scale(serial, three, 9, 6), 4, 1, 0, true],
    ['grows by the last one', scale(serial, three, 9, 4), 4, 1, 0, false],
    ['shrinks by one', scale(serial, on('web', 'h1 h2 h3 h4 h5'), 9, 3), 4, 0, 1, true],
    ['shrinks by the last one', scale(serial, on('web', 'h1 h2 h3 h4'), 9, 3), 3, 0, 1, false],
    // 20 % on 5 hosts: 6 to 9 are not feasible.
    ['grows over levels that no placement keeps', scale(fifth, on('web', 'h1 h2 h3 h4 h5'), 5, 15), 10, 5, 0, true],
    ['shrinks over levels that no placement keeps', scale(fifth, ten, 5, 4), 5, 0, 5, true],
    ['takes the last level whatever it is', scale(fifth, ten, 9, 9), 9, 4, 5, false],
  ])('%s', (_what, input, to, launches, leaves, more) => {
    expect(shown(planOf(input))).toEqual({ to, launches, leaves, more });
  });

  test('whose level asked for is not feasible is refused, for that level', () => {
    const planned = plan({ ...scale(fifth, on('web', 'h1 h2 h3 h4 h5'), 5, 8), oneChange: true });
    expect(planned).toMatchObject({
      ok: false,
      refusal: { kind: 'Impossible', details: { nearestLevels: { below: 5, above: 10 } } },
    });
  });

  test.each<[string, Partial<Host>[], number, { below?: number; above?: number }]>([
    ['on hosts', [{}, {}, {}, {}, {}], 6, { below: 5 }],
    ['in racks', ['a', 'a', 'b', 'b', 'c', 'd'].map((rack) => ({ domains: { rack } })), 5, { below: 4 }],
  ])('is refused before the first comes where the last finds no place: %s', (_what, given, to, nearestLevels) => {
    const hosts = given.map((change, index) => hostNamed(`h${String(index + 1)}`, change));
    const failureDomain = given.every(({ domains }) => domains) && { key: 'rack', spare: { count: 1 } };
    const pool: Partial<Pool> = { ...serial, ...(failureDomain && { failureDomain }) };
    const asked = inputOf({ pool, members: on('web', 'h1 h3'), hosts, request: { kind: 'scaleOut', pool: 'web', to } });
    expect(plan({ ...asked, oneChange: true })).toMatchObject({
      ok: false,
      refusal: { kind: 'Impossible', details: { nearestLevels } },
    });
    const within = { ...asked, request: { kind: 'scaleOut', pool: 'web', to: to - 1 } } as const;
    expect(shown(planOf(within))).toEqual({ to: 3, launches: 1, leaves: 0, more: true });
    // What a turn has begun it ends: whether the last finds a place is looked at again with the next.
    const begun = { ...asked, avoidHosts: ['h5'], oneChange: true };
    expect(plan(begun)).toMatchObject({ ok: true, plan: { levels: { web: { to: 3 } }, more: true } });
  });

  test('comes to the level asked for, a turn after another', () => {
    let members = three;
    const levels: number[] = [];
    for (let turn = 0, more = true; more && turn < 20; turn++) {
      const made = planOf(scale(serial, members, 9, 8));
      more = made.more;
      levels.push(made.levels['web']?.to ?? 0);
      members = [
        ...members,
        ...made.batches.flatMap(({ rows }) => rows).map((row) => memberOn('web', row.ordinal, row.host)),
      ];
    }
    expect(levels).toEqual([4, 5, 6, 7, 8]);
  });

  const replaced = (...ordinals: number[]): PlanInput =>
    inputOf({
      pool: serial,
      members: three,
      state: { failed: [memberOn('web', 7, 'h4'), memberOn('web', 8, 'h5')] },
      hosts: hostsNamed(9),
      request: { kind: 'replaceMembers', members: ordinals.map((ordinal) => ({ pool: 'web', ordinal })) },
    });

  test('replaces the first of those that are to be, and keeps its level', () => {
    const made = planOf(replaced(8, 7));
    expect(shown(made)).toEqual({ to: 5, launches: 1, leaves: 1, more: true });
    expect(made.leave).toEqual([{ pool: 'web', ordinal: 8 }]);
  });

  test('replaces the last of them', () => {
    expect(shown(planOf(replaced(7)))).toEqual({ to: 5, launches: 1, leaves: 1, more: false });
  });

  test('leaves a host one member after another, the dead first', () => {
    const input = inputOf({
      pool: { serial: true, spare: { count: 3 } },
      members: on('web', 'h1 h1 h2 h3'),
      state: { failed: [memberOn('web', 9, 'h1')] },
      hosts: [hostNamed('h1', { up: false }), ...hostsNamed(9).slice(1)],
      request: { kind: 'emptyHosts', hosts: ['h1'], cause: 'failed' },
    });
    const made = planOf(input);
    expect([made.leave, made.more]).toEqual([[{ pool: 'web', ordinal: 9 }], true]);
  });

  test('holds nobody else up: the other pools do all at once', () => {
    const record = recordOf([
      { pool: poolNamed('web', serial), state: stateOf(on('web', 'h1 h2 h3')) },
      { pool: poolNamed('db', { spare: { count: 2 } }), state: stateOf(on('db', 'h1 h1 h2 h2')) },
      { pool: poolNamed('lb', serial), state: stateOf(on('lb', 'h1 h4')) },
    ]);
    const made = planOf({
      record,
      snapshot: snapshotOf(hostsNamed(9)),
      request: { kind: 'emptyHosts', hosts: ['h1', 'h2'], cause: 'maintenance' },
    });
    const leaving = (name: string): number => made.leave.filter(({ pool }) => pool === name).length;
    expect([leaving('web'), leaving('db'), leaving('lb'), made.more]).toEqual([1, 4, 1, true]);
  });
});

describe('all is done in one turn', () => {
  test('where one change is not asked for', () => {
    const planned = plan(scale(serial, three, 9, 6));
    expect(planned).toMatchObject({ ok: true, plan: { levels: { web: { from: 3, to: 6 } }, more: false } });
  });

  test('where the pool is not serial', () => {
    expect(shown(planOf(scale({ ...serial, serial: false }, three, 9, 6)))).toEqual({
      to: 6,
      launches: 3,
      leaves: 0,
      more: false,
    });
  });
});
