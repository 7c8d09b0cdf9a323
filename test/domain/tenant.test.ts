import { fc } from '../property';
import { capAt } from '../../domain/levels';
import { plan, type PlanInput } from '../../domain/placement';
import type { ChangeRequest, LaunchRow, Plan } from '../../domain/plan';
import type { Group, Member, PoolState, VnfRecord } from '../../domain/record';
import type { ServerGroupSeen, Snapshot } from '../../domain/snapshot';
import { memberOn, poolNamed, recordOf, snapshotOf, stateOf } from './build';

/** A cloud whose scheduler means ill: of all hosts that server groups leave it, it takes the fullest. */
interface Cloud {
  readonly hosts: number;
  readonly groups: Map<string, ServerGroupSeen & { serverIds: string[] }>;
  readonly on: Map<string, string>;
}

interface State {
  readonly record: VnfRecord;
  readonly cloud: Cloud;
}

const pool = poolNamed('web', { size: { min: 1, initial: 4, max: 100 } });

function snapshotSeen({ cloud, record }: State, change: Partial<Snapshot> = {}): Snapshot {
  const members = [...(record.pools['web']?.inService ?? []), ...(record.pools['web']?.failed ?? [])];
  return snapshotOf([], {
    tenant: { zones: ['mz'], groups: [...cloud.groups.values()] },
    servers: members.map(({ serverId, ordinal }) => ({
      serverId,
      name: serverId,
      pool: 'web',
      ordinal,
      token: 'before',
      status: 'ACTIVE',
      host: cloud.on.get(serverId) ?? '',
    })),
    ...change,
  });
}

function planned(state: State, request: ChangeRequest, more: Partial<PlanInput> = {}): Plan {
  const result = plan({ record: state.record, snapshot: snapshotSeen(state), request, ...more });
  if (!result.ok) throw new Error(result.refusal.message);
  return result.plan;
}

function countsOf(cloud: Cloud, among: readonly Member[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { serverId } of among) {
    const host = cloud.on.get(serverId) ?? '';
    counts.set(host, (counts.get(host) ?? 0) + 1);
  }
  return counts;
}

/** Null where the groups leave no host: the run would go back. */
function carriedOut(state: State, made: Plan): State | null {
  const { cloud, record } = state;
  const groups: Group[] = [...record.groups];
  for (const { number } of made.serverGroups ?? []) {
    const id = `g${String(number)}`;
    cloud.groups.set(id, { id, pool: 'web', number, serverIds: [] });
    groups.push({ pool: 'web', id, apart: number });
  }
  const web = record.pools['web'] ?? stateOf([]);
  const enter: Member[] = [];
  for (const row of rowsOf(made)) {
    const group = cloud.groups.get(groups.find((each) => each.apart === row.group)?.id ?? '');
    if (!group) throw new Error(`row ${String(row.ordinal)} is in a group that is not there`);
    const taken = new Set(group.serverIds.map((id) => cloud.on.get(id)));
    const existing = countsOf(cloud, [...web.inService, ...web.failed, ...enter]);
    const [fullest] = Array.from({ length: cloud.hosts }, (_, index) => `h${String(index + 1)}`)
      .filter((host) => !taken.has(host))
      .sort((a, b) => (existing.get(b) ?? 0) - (existing.get(a) ?? 0));
    if (fullest === undefined) return null;
    const member = memberOn('web', row.ordinal, fullest);
    cloud.on.set(member.serverId, fullest);
    group.serverIds.push(member.serverId);
    enter.push(member);
  }
  const leaves = new Set(made.leave.map(({ ordinal }) => ordinal));
  const stays = (member: Member): boolean => !leaves.has(member.ordinal);
  const after: PoolState = {
    level: made.levels['web']?.to ?? web.level,
    nextOrdinal: Math.max(web.nextOrdinal, ...enter.map(({ ordinal }) => ordinal + 1)),
    inService: [...web.inService.filter(stays), ...enter],
    failed: web.failed.filter(stays),
  };
  // As long as those that leave exist: at most what either level allows.
  const most = Math.max(capAt(pool.spare, web.level), capAt(pool.spare, after.level));
  for (const count of countsOf(cloud, [...web.inService, ...enter]).values()) expect(count).toBeLessThanOrEqual(most);
  for (const member of [...web.inService, ...web.failed].filter((each) => !stays(each))) {
    cloud.on.delete(member.serverId);
    for (const group of cloud.groups.values()) group.serverIds = group.serverIds.filter((id) => id !== member.serverId);
  }
  return { cloud, record: { ...record, groups, pools: { web: after } } };
}

function rowsOf(made: Plan): LaunchRow[] {
  return made.batches.flatMap(({ rows }) => rows);
}

function newState(hosts: number): State {
  return { record: recordOf([{ pool }]), cloud: { hosts, groups: new Map(), on: new Map() } };
}

function levelOf(state: State): number {
  return state.record.pools['web']?.level ?? 0;
}

test('whatever the sequence of levels, and whatever host the scheduler takes of those that the groups leave, no host has more than its share', () => {
  const level = fc.integer({ min: 3, max: 24 });
  fc.assert(
    fc.property(fc.array(level, { minLength: 1, maxLength: 12 }), (levels) => {
      let state = carriedOut(newState(12), planned(newState(12), { kind: 'instantiate' }));
      for (const to of levels) {
        if (!state || to === levelOf(state)) continue;
        const made = planned(state, { kind: to > levelOf(state) ? 'scaleOut' : 'scaleIn', pool: 'web', to });
        const next = carriedOut(state, made);
        // On as many hosts as here every level has room.
        expect(next).not.toBeNull();
        if (!next) return;
        const web = next.record.pools['web'];
        expect(web?.inService).toHaveLength(to);
        const cap = capAt(pool.spare, to);
        for (const count of countsOf(next.cloud, web?.inService ?? []).values()) expect(count).toBeLessThanOrEqual(cap);
        // Members are in no more groups than that, so that it stays so.
        const inUse = [...next.cloud.groups.values()].filter(({ serverIds }) => serverIds.length > 0);
        expect(inUse.length).toBeLessThanOrEqual(cap);
        state = next;
      }
    }),
  );
});

test('a host is emptied by launching in the groups that have a member on it, which cannot get another there', () => {
  fc.assert(
    fc.property(fc.integer({ min: 4, max: 20 }), fc.nat(30), (level, which) => {
      let state = carriedOut(newState(12), planned(newState(12), { kind: 'instantiate' }));
      if (state && level > 4) state = carriedOut(state, planned(state, { kind: 'scaleOut', pool: 'web', to: level }));
      if (!state) return;
      const hosts = [...new Set(state.cloud.on.values())].sort();
      const host = hosts[which % hosts.length] ?? '';
      const made = planned(state, { kind: 'emptyHosts', hosts: [host], cause: 'maintenance' });
      const next = carriedOut(state, made);
      expect(next?.record.pools['web']?.inService).toHaveLength(level);
      expect([...(next?.cloud.on.values() ?? [])]).not.toContain(host);
      expect(rowsOf(made).some((row) => row.differentHost !== undefined)).toBe(false);
    }),
  );
});

test('where no group keeps the next ones off a host, the cloud is asked to by a hint', () => {
  const state = carriedOut(newState(12), planned(newState(12), { kind: 'instantiate' }));
  if (!state) throw new Error('it was not instantiated');
  const [first = ''] = [...state.cloud.on.values()];
  const made = planned(state, { kind: 'scaleOut', pool: 'web', to: 6 }, { avoidHosts: [first] });
  const rows = rowsOf(made);
  // The first group has a member there; and it is the one that is taken, however large it gets.
  expect(rows.map((row) => row.group)).toEqual([1, 1]);
  const elsewhere = planned(
    state,
    { kind: 'scaleOut', pool: 'web', to: 6 },
    { avoidHosts: [first], fullGroups: [{ pool: 'web', number: 1 }] },
  );
  expect(rowsOf(elsewhere)).toMatchObject([
    { group: 2, differentHost: ['web-1'] },
    { group: 2, differentHost: ['web-1'] },
  ]);
});

test('a level that needs more groups, or more members in one, than the quota has is refused with what to raise', () => {
  const state = newState(12);
  const refusal = (quotas: Snapshot['quotas'], initial: number): unknown => {
    const record = recordOf([{ pool: { ...pool, size: { min: 1, initial, max: 100 } } }]);
    const result = plan({ record, snapshot: snapshotSeen(state, { quotas }), request: { kind: 'instantiate' } });
    return result.ok ? null : result.refusal;
  };
  expect(refusal({ server_groups: { limit: 10, used: 7 } }, 12)).toMatchObject({
    kind: 'QuotaExceeded',
    details: {
      short: [{ resource: 'server_groups', needed: 4, limit: 10, used: 7 }],
      remedy: 'Raise server_groups to at least 11.',
    },
  });
  expect(refusal({ server_group_members: { limit: 2, used: 0 } }, 12)).toMatchObject({
    kind: 'QuotaExceeded',
    details: {
      short: [{ resource: 'server_group_members', needed: 3, limit: 2, used: 0 }],
      remedy: 'Raise server_group_members to at least 3.',
    },
  });
  expect(
    refusal({ server_groups: { limit: 10, used: 6 }, server_group_members: { limit: 3, used: 0 } }, 12),
  ).toBeNull();
});

test('where the cloud has found no host for any group, that is said; after a host died what fits is restored', () => {
  const state = carriedOut(newState(12), planned(newState(12), { kind: 'instantiate' }));
  if (!state) throw new Error('it was not instantiated');
  const fullGroups = [{ pool: 'web', number: 1 }];
  const input = { record: state.record, snapshot: snapshotSeen(state), fullGroups };
  expect(plan({ ...input, request: { kind: 'scaleOut', pool: 'web', to: 5 } })).toMatchObject({
    ok: false,
    refusal: { kind: 'NotFound', details: { pool: 'web' } },
  });
  const [host = ''] = [...state.cloud.on.values()];
  expect(plan({ ...input, request: { kind: 'emptyHosts', hosts: [host], cause: 'failed' } })).toMatchObject({
    ok: true,
    plan: { batches: [], leave: [], unplaced: [{ pool: 'web', missing: 1, reason: { kind: 'NotFound' } }] },
  });
});

test('where no host is found for the group of a dead member that has a place, the dead go first, and theirs are free', () => {
  const made = carriedOut(newState(4), planned(newState(4), { kind: 'instantiate' }));
  if (!made) throw new Error('it was not instantiated');
  const [dead, ...living] = made.record.pools['web']?.inService ?? [];
  if (!dead) throw new Error('there is no member');
  const web = stateOf(living, { level: 4, nextOrdinal: 5, failed: [dead] });
  const state = { ...made, record: { ...made.record, pools: { web } } };
  const fullGroups = [{ pool: 'web', number: 1 }];
  const request = { kind: 'replaceMembers', members: [{ pool: 'web', ordinal: dead.ordinal }] } as const;

  const first = planned(state, request);
  expect([first.deleteFirst, rowsOf(first)]).toMatchObject([[], [{ ordinal: 5, group: 1 }]]);
  const then = planned(state, request, { fullGroups });
  expect(then.deleteFirst).toEqual([{ pool: 'web', ordinal: dead.ordinal }]);
  // Nothing keeps it off the host that is free then.
  expect(rowsOf(then)).toEqual([{ pool: 'web', ordinal: 5, host: '', group: 1 }]);

  // It has none on a host that is not to be used, nor where it never came to a host.
  const refused = { ok: false, refusal: { kind: 'NotFound' } };
  const input = { record: state.record, request, fullGroups };
  const snapshot = snapshotSeen(state);
  expect(plan({ ...input, snapshot, avoidHosts: [dead.host] })).toMatchObject(refused);
  const nowhere = snapshot.servers.map(({ host, ...server }) =>
    server.serverId === dead.serverId || host === undefined ? server : { ...server, host },
  );
  expect(plan({ ...input, snapshot: { ...snapshot, servers: nowhere } })).toMatchObject(refused);
});

test('a zone that the cloud does not have is refused, with those that it has', () => {
  const snapshot = snapshotOf([], { tenant: { zones: ['nova'], groups: [] } });
  expect(plan({ record: recordOf([{ pool }]), snapshot, request: { kind: 'instantiate' } })).toMatchObject({
    ok: false,
    refusal: { kind: 'Impossible', message: expect.stringContaining('nova') as string },
  });
});

test('to the letter only what one group keeps apart is planned', () => {
  const strict = { strict: true, request: { kind: 'instantiate' }, snapshot: snapshotSeen(newState(12)) } as const;
  const one = recordOf([{ pool: { ...pool, spare: { count: 1 } } }]);
  expect(plan({ ...strict, record: one })).toMatchObject({ ok: true, plan: { toTheLetter: true } });
  expect(
    plan({ ...strict, record: recordOf([{ pool: { ...pool, size: { min: 1, initial: 6, max: 9 } } }]) }),
  ).toMatchObject({
    ok: false,
    refusal: { kind: 'Impossible' },
  });
});

test('what is to be kept to failure domains is refused, whatever is asked but its end', () => {
  const cloud: Cloud = { hosts: 6, groups: new Map(), on: new Map() };
  const racked = { ...pool, failureDomain: { key: 'rack', spare: { count: 1 } } };
  const state: State = { cloud, record: recordOf([{ pool: racked }]) };
  const refused = plan({ record: state.record, snapshot: snapshotSeen(state), request: { kind: 'instantiate' } });
  expect(refused).toMatchObject({
    ok: false,
    refusal: {
      kind: 'InvalidRequest',
      message: expect.stringMatching(
        /^web cannot be kept .* Ask as an operator of the cloud, or leave failureDomain out\.$/,
      ) as string,
      details: { problems: [{ path: 'descriptor.pools.0.failureDomain' }] },
    },
  });
  expect(plan({ record: state.record, snapshot: snapshotSeen(state), request: { kind: 'terminate' } })).toMatchObject({
    ok: true,
  });
});
