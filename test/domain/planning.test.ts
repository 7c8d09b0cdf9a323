import { plan, type PlanInput } from '../../domain/placement';
import type { FailureDetails } from '../../domain/failure';
import type { Plan } from '../../domain/plan';
import type { DebtLot, Member } from '../../domain/record';
import type { ServerSeen } from '../../domain/snapshot';
import {
  hostNamed,
  hostsNamed,
  inputOf,
  memberOn,
  on,
  poolNamed,
  recordOf,
  roomFor,
  snapshotOf,
  stateOf,
} from './build';

/** Single worlds, each of which a plan has once been wrong about. */

function planned(input: PlanInput): Plan {
  const made = plan(input);
  if (!made.ok) throw new Error(made.refusal.message);
  return made.plan;
}

function refused(input: PlanInput): FailureDetails {
  const made = plan(input);
  if (made.ok) throw new Error('it was planned');
  return made.refusal.details;
}

function hostsOf({ batches }: Plan): string[] {
  return batches.flatMap(({ rows }) => rows.map(({ host }) => host));
}

const half = { spare: { share: { numerator: 1, denominator: 2 } } } as const;

describe('a serial pool whose host died', () => {
  const replace = (hosts: PlanInput['snapshot']['hosts']): PlanInput => ({
    ...inputOf({
      pool: { ...half, serial: true },
      members: on('web', 'h1 h2 h3'),
      state: { level: 5, failed: [memberOn('web', 4, 'h9'), memberOn('web', 5, 'h9')] },
      hosts,
      request: { kind: 'emptyHosts', hosts: ['h9'], cause: 'failed' },
    }),
    oneChange: true,
  });
  const full = { free: roomFor(0) };

  test('is restored one at a turn, as long as there is room', () => {
    const made = planned(replace([...hostsNamed(3), hostNamed('h9', { up: false })]));
    expect([hostsOf(made).length, made.leave.length, made.more]).toEqual([1, 1, true]);
  });

  test('asks for no further turn where there is none: it would do nothing, again and again', () => {
    const made = planned(replace([...hostsNamed(3, full), hostNamed('h9', { up: false })]));
    expect(made.unplaced).toMatchObject([{ pool: 'web', missing: 1 }]);
    expect([made.batches, made.leave, made.more]).toEqual([[], [], false]);
  });
});

describe('what an earlier turn still owes', () => {
  const owed = [memberOn('web', 1, 'h1'), memberOn('web', 2, 'h1')];
  const lot = (drainSeconds: number): DebtLot => ({ pool: 'web', drainSeconds, members: owed });
  const seen = ({ serverId, pool, ordinal, token, host }: Member): ServerSeen => {
    return { serverId, pool, ordinal, token, host, name: serverId, status: 'ACTIVE' };
  };
  const grow = (drainSeconds: number, servers: readonly ServerSeen[]): PlanInput => {
    const pool = poolNamed('web', { spare: { count: 2 } });
    const debt = { token: 't', workflowId: 'w', runId: 'r', procedure: 'scaleIn', groups: [], sweep: [] } as const;
    return {
      record: recordOf([{ pool, state: stateOf(on('web', 'h2 h3', 3)) }], {
        debts: [{ ...debt, stages: [[lot(drainSeconds)]], movedFrom: { web: 4 } }],
      }),
      snapshot: snapshotOf(hostsNamed(3), { servers }),
      request: { kind: 'scaleOut', pool: 'web', to: 4 },
    };
  };

  test('occupies its host while it drains', () => {
    expect(hostsOf(planned(grow(30, []))).sort()).toEqual(['h2', 'h3']);
  });

  test('occupies its host also where the pool is not drained: it lives until it is deleted', () => {
    expect(hostsOf(planned(grow(0, owed.map(seen)))).sort()).toEqual(['h2', 'h3']);
  });

  test('does not where it was dead: what is gone or broken', () => {
    const broken = owed.map((member): ServerSeen => ({ ...seen(member), status: 'ERROR' }));
    expect(hostsOf(planned(grow(0, broken)))).toContain('h1');
    expect(hostsOf(planned(grow(0, [])))).toContain('h1');
  });
});

describe('whether one more death could be made up for', () => {
  test('counts the room of what leaves', () => {
    const hosts = ['h1', 'h2', 'h3'].map((name) => hostNamed(name, { free: roomFor(0) }));
    const pool = { spare: { count: 2 } };
    const members = on('web', 'h1 h2 h3 h1 h2 h3');
    const made = planned(inputOf({ pool, members, hosts, request: { kind: 'scaleIn', pool: 'web', to: 4 } }));
    expect(made.notRestorable).toEqual([]);
  });

  test('counts what an earlier plan of the turn has launched', () => {
    const hosts = ['h1', 'h2', 'h3'].map((name) => hostNamed(name, { free: roomFor(0) }));
    const pool = { spare: { count: 2 } };
    const input = inputOf({
      pool,
      members: on('web', 'h1 h2'),
      hosts: [...hosts, hostNamed('h4', { free: roomFor(1) })],
      request: { kind: 'scaleOut', pool: 'web', to: 3 },
    });
    const made = planned({ ...input, launched: [memberOn('web', 3, 'h3')] });
    expect([hostsOf(made), made.notRestorable]).toEqual([[], []]);
  });
});

test('the nearest levels do not count on members that are to go', () => {
  const details = refused(
    inputOf({
      pool: half,
      members: on('web', 'h1 h2 h3 h4'),
      hosts: hostsNamed(4, { free: roomFor(0) }),
      request: { kind: 'emptyHosts', hosts: ['h3', 'h4'], cause: 'maintenance' },
    }),
  );
  expect(details.nearestLevels).toEqual({ below: 2 });
});
