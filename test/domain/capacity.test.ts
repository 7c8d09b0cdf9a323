import { casesOf, fc } from '../property';
import { capacityText } from '../../client/table';
import { capacityOf, type Capacity, type PoolCapacity, type Ranges } from '../../domain/explain/capacity';
import { carriedOut, type Scene } from '../../domain/explain/carriedOut';
import type { Pool } from '../../domain/descriptor/descriptor';
import { plan, type PlanInput } from '../../domain/placement';
import type { ChangeRequest, Plan } from '../../domain/plan';
import type { VnfRecord } from '../../domain/record';
import type { Remedy } from '../../domain/explain/remedy';
import type { Host, Snapshot } from '../../domain/snapshot';
import { hostNamed, hostsNamed, on, poolNamed, recordOf, roomFor, snapshotOf, stateOf } from './build';
import { anyInput, anySeveral } from './clouds';

/** What is said of a cloud, held against the planner, which is asked for every level and played with every order of deaths. */

const runs = casesOf(300, { most: 1_000 });

const web = 'web';

function planned(scene: Scene, request: ChangeRequest): Plan | null {
  const made = plan({ ...scene, request });
  return made.ok ? made.plan : null;
}

/** Without the dead, of which a plan for another level keeps as many as there are. */
function alive({ record, snapshot }: PlanInput): Scene {
  const state = record.pools[web];
  const pool = record.descriptor.pools[0];
  if (!state || !pool) throw new Error('there is one pool');
  // As a descriptor may say it: at least one member is none of the spare.
  const spec = { ...pool, size: { ...pool.size, min: 2 } };
  const descriptor = { ...record.descriptor, pools: [spec] };
  return {
    snapshot,
    record: { ...record, descriptor, pools: { [web]: stateOf(state.inService, { nextOrdinal: 500 }) } },
  };
}

const anyScene = anyInput
  .map(alive)
  .filter(({ record }) => (record.pools[web]?.level ?? 0) > 1)
  .filter(isInShare);

/** Where a rack, or a host beside it, has more than its share, who dies may be just those that are too many, or nobody: that takes less than the share does. */
function isInShare({ record, snapshot }: Scene): boolean {
  const { failureDomain: outer, on: there, cap } = poolIn(capacityOf(record, snapshot));
  if (!outer) return true;
  return Math.max(0, ...Object.values(there)) <= cap && Math.max(0, ...Object.values(outer.on)) <= outer.cap;
}

/** Now and then with room on every host: in few of the others two may die. */
const anyRoomyScene = fc.oneof(
  { weight: 5, arbitrary: anyScene },
  {
    weight: 1,
    arbitrary: anyScene.map(({ record, snapshot }): Scene => {
      const hosts = snapshot.hosts.map((host) => ({ ...host, free: { ...roomFor(6), others: { VGPU: 6 } } }));
      return { record, snapshot: { ...snapshot, hosts } };
    }),
  },
);

function levelOf({ record }: Scene): number {
  return record.pools[web]?.level ?? 0;
}

function poolIn(capacity: Capacity): PoolCapacity {
  const [pool] = capacity.pools;
  if (!pool) throw new Error('there is one pool');
  return pool;
}

function holds(ranges: Ranges | null, level: number): boolean {
  return (ranges ?? []).some(([from, to]) => from <= level && level <= to);
}

/** In whatever order so many of these units die, each of which is hosts that die together, the planner restores all of it each time. */
function survives(scene: Scene, deaths: number, unitsOf = eachHost): boolean {
  if (deaths === 0) return true;
  return unitsOf(scene).every((unit) => {
    const made = planned(scene, { kind: 'emptyHosts', hosts: unit, cause: 'failed' });
    if (!made || made.unplaced.length > 0) return false;
    const { record, snapshot } = carriedOut(scene, made);
    const hosts = snapshot.hosts.filter(({ name }) => !unit.includes(name));
    return survives({ record, snapshot: { ...snapshot, hosts } }, deaths - 1, unitsOf);
  });
}

function eachHost({ snapshot }: Scene): string[][] {
  return snapshot.hosts.map(({ name }) => [name]);
}

/** Those of the pool's zone. */
function eachRack({ snapshot }: Scene): string[][] {
  const racks = new Map<string, string[]>();
  for (const { name, zone, domains } of snapshot.hosts) {
    const rack = domains?.['rack'];
    if (rack !== undefined && zone === 'mz') racks.set(rack, [...(racks.get(rack) ?? []), name]);
  }
  return [...racks.values()];
}

/** The scene with what a remedy says: written here once more, so that what is said is what is tried. */
function withRemedy(scene: Scene, remedy: Remedy): Scene {
  const { record, snapshot } = scene;
  switch (remedy.kind) {
    case 'hosts': {
      const added = Object.entries(remedy.hosts).flatMap(([zone, many]) =>
        Array.from({ length: many }, (_, at) => {
          const domains = Object.fromEntries((remedy.apart ?? []).map((key) => [key, `new-${String(at)}`]));
          return hostNamed(`new-${zone}-${String(at)}`, { zone, free: remedy.room[zone] ?? roomFor(0), domains });
        }),
      );
      return { record, snapshot: { ...snapshot, hosts: [...snapshot.hosts, ...added] } };
    }
    case 'spare': {
      const pools = record.descriptor.pools.map((pool): Pool => {
        if (remedy.domain === undefined) return { ...pool, spare: remedy.to };
        if (remedy.to === 'none') throw new Error('of a failure domain some spare is said');
        return { ...pool, failureDomain: { key: remedy.domain, spare: remedy.to } };
      });
      return { record: { ...record, descriptor: { ...record.descriptor, pools } }, snapshot };
    }
    case 'level': {
      const kind = remedy.level > levelOf(scene) ? 'scaleOut' : 'scaleIn';
      const made = planned(scene, { kind, pool: web, to: remedy.level });
      if (!made) throw new Error(`level ${String(remedy.level)} is not possible`);
      return carriedOut(scene, made);
    }
    case 'quota':
    case 'notStrict':
      throw new Error(`nobody asked for ${remedy.kind}`);
  }
}

test('a level is feasible exactly where the planner has a plan for it', () => {
  const seen = { feasible: 0, not: 0 };
  fc.assert(
    fc.property(anyScene, (scene) => {
      const { feasible } = poolIn(capacityOf(scene.record, scene.snapshot));
      for (let level = 2; level <= levelOf(scene) + 6; level++) {
        if (level === levelOf(scene)) continue;
        const kind = level > levelOf(scene) ? 'scaleOut' : 'scaleIn';
        const has = planned(scene, { kind, pool: web, to: level }) !== null;
        seen[has ? 'feasible' : 'not'] += 1;
        expect([level, holds(feasible, level)]).toEqual([level, has]);
      }
    }),
    runs,
  );
  expect(Math.min(seen.feasible, seen.not)).toBeGreaterThan(runs.numRuns / 4);
});

test('so many hosts may die in any order and all is restored each time, and not one more', () => {
  const seen = new Map<number, number>();
  fc.assert(
    fc.property(anyRoomyScene, (scene) => {
      const { deaths, restorable } = poolIn(capacityOf(scene.record, scene.snapshot));
      if (deaths === null) throw new Error('hosts are seen');
      seen.set(deaths, (seen.get(deaths) ?? 0) + 1);
      expect(survives(scene, Math.min(deaths, 3))).toBe(true);
      if (deaths < 3) expect(survives(scene, deaths + 1)).toBe(false);
      expect(holds(restorable, levelOf(scene))).toBe(deaths > 0);
    }),
    runs,
  );
  expect(Math.min(seen.get(0) ?? 0, seen.get(1) ?? 0, seen.get(2) ?? 0)).toBeGreaterThan(5);
});

test('so many whole racks may die in any order and all is restored each time, and not one more', () => {
  const seen = new Map<number, number>();
  fc.assert(
    fc.property(
      anyScene.filter(({ record }) => record.descriptor.pools[0]?.failureDomain !== undefined),
      (scene) => {
        const { failureDomain: outer, level, inService } = poolIn(capacityOf(scene.record, scene.snapshot));
        if (!outer || outer.deaths === null) throw new Error('the pool keeps to racks, and they are seen');
        const counted = Object.values(outer.on).reduce((sum, many) => sum + many, 0);
        expect([level, counted + outer.inNone]).toEqual([inService, inService]);
        const { deaths } = outer;
        seen.set(deaths, (seen.get(deaths) ?? 0) + 1);
        expect(survives(scene, deaths, eachRack)).toBe(true);
        if (deaths < eachRack(scene).length) expect(survives(scene, deaths + 1, eachRack)).toBe(false);
      },
    ),
    runs,
  );
  expect(Math.min(seen.get(0) ?? 0, seen.get(1) ?? 0)).toBeGreaterThan(5);
});

test('by each of the ways that are said, one host more may die; with one host less than said, not', () => {
  const seen = { hosts: 0, spare: 0, level: 0 };
  fc.assert(
    fc.property(anyScene, (scene) => {
      const { deaths, oneMore } = poolIn(capacityOf(scene.record, scene.snapshot));
      if (deaths === null || deaths > 1) return;
      for (const remedy of oneMore) {
        if (remedy.kind === 'quota' || remedy.kind === 'notStrict') throw new Error(`what is ${remedy.kind} to it`);
        seen[remedy.kind] += 1;
        expect([remedy, survives(withRemedy(scene, remedy), deaths + 1)]).toEqual([remedy, true]);
        if (remedy.kind !== 'hosts') continue;
        const many = remedy.hosts['mz'] ?? 0;
        expect(survives(withRemedy(scene, { ...remedy, hosts: { mz: many - 1 } }), deaths + 1)).toBe(false);
      }
    }),
    { numRuns: Math.min(150, runs.numRuns) },
  );
  expect(Math.min(seen.hosts, seen.spare, seen.level)).toBeGreaterThan(5);
});

test('pools that share hosts: together they lose no more hosts than any of them alone, and what is said is what the planner does', () => {
  let together = 0;
  fc.assert(
    fc.property(anySeveral, ({ record, snapshot }) => {
      const capacity = capacityOf(record, snapshot);
      const all = capacity.together;
      if (!all) return;
      together += 1;
      expect(all.deaths).toBeLessThanOrEqual(
        Math.min(...capacity.pools.filter(({ failed }) => failed === 0).map(({ deaths }) => deaths ?? 0), 12),
      );
      expect(all.hosts).toHaveLength(all.deaths + (all.orMore ? 0 : 1));
      expect(new Set(all.hosts).size).toBe(all.hosts.length);
    }),
    runs,
  );
  expect(together).toBeGreaterThan(runs.numRuns / 4);
});

/** Some of the hosts that members are on are not there any more: other hands have taken them out of the cloud. */
function withoutHosts({ record, snapshot }: Scene, gone: readonly string[]): Scene {
  return { record, snapshot: { ...snapshot, hosts: snapshot.hosts.filter(({ name }) => !gone.includes(name)) } };
}

const anyGone = fc.constantFrom(['h1'], ['h2'], ['h1', 'h3']);

test('members on a host that the cloud does not know any more serve on, and it may die: together pools lose no more hosts than alone', () => {
  let concerned = 0;
  fc.assert(
    fc.property(fc.oneof(anySeveral, anyInput), anyGone, (input, gone) => {
      const { record, snapshot } = withoutHosts(input, gone);
      const { pools, together } = capacityOf(record, snapshot);
      if (!together) return;
      if (pools.some(({ on: there }) => gone.some((host) => host in there))) concerned += 1;
      expect(together.deaths).toBeLessThanOrEqual(
        Math.min(...pools.filter(({ failed }) => failed === 0).map(({ deaths }) => deaths ?? 0), 12),
      );
    }),
    runs,
  );
  expect(concerned).toBeGreaterThan(runs.numRuns / 4);
});

test('and a level is feasible exactly where the planner has a plan for it', () => {
  const seen = { feasible: 0, not: 0 };
  fc.assert(
    fc.property(anyScene, anyGone, (before, gone) => {
      const scene = withoutHosts(before, gone);
      const { feasible, on: there } = poolIn(capacityOf(scene.record, scene.snapshot));
      if (!gone.some((host) => host in there)) return;
      for (let level = 2; level <= levelOf(scene) + 6; level++) {
        if (level === levelOf(scene)) continue;
        const kind = level > levelOf(scene) ? 'scaleOut' : 'scaleIn';
        const has = planned(scene, { kind, pool: web, to: level }) !== null;
        seen[has ? 'feasible' : 'not'] += 1;
        expect([level, holds(feasible, level)]).toEqual([level, has]);
      }
    }),
    runs,
  );
  expect(Math.min(seen.feasible, seen.not)).toBeGreaterThan(runs.numRuns / 4);
});

test('of a pool with a member on a host that is gone it is said twice how many hosts may die, and the same', () => {
  const record = recordOf([{ pool: poolNamed(web), state: stateOf(on(web, 'h1 h2 h3 gone')) }]);
  const { pools, together } = capacityOf(record, snapshotOf(hostsNamed(5, { free: roomFor(1) })));
  // Of six hosts with one member each, or room for it, four must live.
  expect([pools[0]?.deaths, together?.deaths]).toEqual([2, 2]);
});

test('of deaths that all leave something short the worst is named: who finds no other place has died', () => {
  const pool = poolNamed(web, { spare: { count: 2 } });
  const record = recordOf([{ pool, state: stateOf(on(web, 'h1 h2 h2')) }]);
  const { together } = capacityOf(record, snapshotOf(hostsNamed(2, { free: roomFor(0) })));
  expect(together).toEqual({ deaths: 0, orMore: false, hosts: ['h2'], short: [web] });
});

test('of several pools it is the weakest that dies first, also where another keeps to a rack that can hold far more than its share', () => {
  const size = { min: 1, initial: 1, max: 20 };
  const lone = { size, spare: 'none' } as const;
  const racked = { ...lone, failureDomain: { key: 'rack', spare: { share: { numerator: 2, denominator: 3 } } } };
  const record = recordOf([
    { pool: poolNamed('p0', lone), state: stateOf(on('p0', 'h2')) },
    { pool: poolNamed('p1', lone), state: stateOf(on('p1', 'h2')) },
    { pool: poolNamed('p2', racked), state: stateOf(on('p2', 'h3')) },
  ]);
  const hosts = [0, 0, 0, 2].map((room, at) =>
    hostNamed(`h${String(at + 1)}`, { zone: at === 0 ? 'dmz' : 'mz', domains: { rack: 'a' }, free: roomFor(room) }),
  );
  const { pools, together } = capacityOf(record, snapshotOf(hosts));
  expect(pools.map(({ deaths }) => deaths)).toEqual([1, 1, 1]);
  expect(together?.deaths).toBe(1);
});

function unborn(pools: readonly Pool[]): VnfRecord {
  return recordOf(
    pools.map((pool) => ({ pool })),
    { phase: 'instantiating', revision: 0 },
  );
}

test('of a VNF that is yet to be it is said what instantiate would make, or why it cannot and what would do', () => {
  const pool = poolNamed(web, { size: { min: 1, initial: 4, max: 8 } });
  const made = capacityOf(unborn([pool]), snapshotOf(hostsNamed(4, { free: roomFor(2) })));
  expect(made).toMatchObject({ exists: false, refusal: null, untold: null });
  expect(poolIn(made)).toMatchObject({
    level: 4,
    inService: 4,
    cap: 1,
    deaths: 0,
    feasible: [
      [1, 4],
      [6, 8],
    ],
  });
  const short = capacityOf(unborn([pool]), snapshotOf(hostsNamed(3)));
  expect(short).toMatchObject({ exists: false, together: null });
  expect(short.refusal).toMatchObject({
    kind: 'Impossible',
    details: { remedies: expect.arrayContaining([expect.objectContaining({ kind: 'hosts', hosts: { mz: 1 } })]) as [] },
  });
});

test('a failed member on a host that lives has room again, since a repair deletes it first', () => {
  const [first, ...rest] = on(web, 'h1 h2 h3');
  const record = recordOf([{ pool: poolNamed(web), state: stateOf(rest, { failed: first ? [first] : [], level: 3 }) }]);
  const pool = poolIn(capacityOf(record, snapshotOf(hostsNamed(3, { free: roomFor(0) }))));
  expect(pool).toMatchObject({ failed: 1, feasible: expect.arrayContaining([[1, 3]]) as Ranges });
});

test('a tenant is told what can be told, and whom to ask for the rest', () => {
  const pool = poolNamed(web, { size: { min: 1, initial: 4, max: 100 } });
  const snapshot: Snapshot = {
    ...snapshotOf([]),
    tenant: { zones: ['mz'], groups: [] },
    quotas: {
      instances: { limit: 30, used: 3 },
      server_groups: { limit: 10, used: 0 },
      server_group_members: { limit: 4, used: 0 },
    },
  };
  const record = recordOf([{ pool, state: stateOf(on(web, 'hash-1 hash-2 hash-3')) }]);
  const capacity = capacityOf(record, snapshot);
  expect(capacity.untold).toMatch(/Ask an operator of the cloud/);
  expect(poolIn(capacity)).toMatchObject({
    ...{ feasible: null, restorable: null, deaths: null, oneMore: [], cap: 1 },
    on: { 'hash-1': 1, 'hash-2': 1, 'hash-3': 1 },
    // 30 would need ten groups of three.
    mostByQuota: 30,
  });
  expect(capacity.hosts.map(({ name, zone, state }) => `${name} ${zone} ${state}`)).toEqual([
    ...['hash-1 mz unknown', 'hash-2 mz unknown', 'hash-3 mz unknown'],
  ]);
  expect(capacityText(capacity)).toContain('cannot be told');
});

const byRack = { key: 'rack', spare: { share: { numerator: 1, denominator: 2 } } };

function inRacks(racks: string): Host[] {
  return racks
    .split(' ')
    .map((rack, at) => hostNamed(`h${String(at + 1)}`, rack === '-' ? {} : { domains: { rack, power: 'p1' } }));
}

test('what a pool has in failure domains, and how many of them it may lose; of others nothing is said', () => {
  const members = on(web, 'h1 h2 h3 h6');
  const size = { min: 1, initial: 4, max: 8 };
  const record = recordOf([{ pool: poolNamed(web, { size, failureDomain: byRack }), state: stateOf(members) }]);
  const snapshot = snapshotOf(inRacks('r1 r1 r2 r2 r3 -'));
  const capacity = capacityOf(record, snapshot);
  expect(poolIn(capacity)).toMatchObject({
    // Without h1 and one of r2 there are h2, h4, h5 and h6.
    deaths: 2,
    // Without r1 there are two in r2, one in r3, and h6; without r1 and r2 only the last two.
    failureDomain: { key: 'rack', spare: '50%', cap: 2, on: { r1: 2, r2: 1 }, inNone: 1, deaths: 1 },
    reasons: { CapReached: 3, NoDomain: 1, NotNeeded: 2 },
  });
  expect(capacity.hosts.map(({ domains }) => domains?.['rack'])).toEqual(['r1', 'r1', 'r2', 'r2', 'r3', undefined]);
  // Of other keys nothing is told.
  expect(capacity.hosts.every(({ domains = {} }) => !('power' in domains))).toBe(true);
  const plain = capacityOf(recordOf([{ pool: poolNamed(web, { size }), state: stateOf(members) }]), snapshot);
  expect(plain.hosts.some((host) => 'domains' in host)).toBe(false);
  expect(poolIn(plain)).not.toHaveProperty('failureDomain');
});

test('a host in a domain that has its share takes no more, whatever room it has', () => {
  const pool = poolNamed(web, { spare: { count: 2 }, failureDomain: { key: 'rack', spare: { count: 2 } } });
  const record = recordOf([{ pool, state: stateOf(on(web, 'h1 h1 h3')) }]);
  expect(poolIn(capacityOf(record, snapshotOf(inRacks('r1 r1 r2 -')))).reasons).toEqual({
    ...{ CapReached: 1, DomainCapReached: 1, NotNeeded: 1, NoDomain: 1 },
  });
});

test('for a terminal, with failure domains', () => {
  const pools = [
    { pool: poolNamed(web, { size: { min: 2, initial: 4, max: 4 }, failureDomain: byRack }) },
    { pool: poolNamed('api', { size: { min: 2, initial: 2, max: 2 }, spare: { count: 1 } }) },
  ];
  const record = recordOf([
    ...pools.map(({ pool }, at) => ({ pool, state: stateOf(on(pool.name, ['h1 h2 h3 h6', 'h1 h3'][at] ?? '')) })),
  ]);
  const lines = capacityText(capacityOf(record, snapshotOf(inRacks('r1 r1 r2 r2 r3 -')))).split('\n');
  expect(lines.slice(2, 5)).toEqual([
    'pool  zone  level  spare  cap  feasible  restorable  hosts may die  domain  its spare  its cap  may die  quota to',
    'web     mz      4    1/3    1       2-4         2-4              2    rack        50%        2        1         4',
    'api     mz      2      1    1         2           2              4       -          -        -        -         2',
  ]);
  expect(lines).toContain('web: 1 of its members count in no rack');
  expect(lines.slice(-11)).toEqual([
    'mz               web  api',
    '  rack r1        2/2     ',
    '    h1           1/1  1/1',
    '    h2           1/1    .',
    '  rack r2        1/2     ',
    '    h3           1/1  1/1',
    '    h4             .    .',
    '  rack r3          .     ',
    '    h5             .    .',
    '  no rack known          ',
    '    h6           1/1    .',
  ]);
});

test('for a terminal', () => {
  const pool = poolNamed(web, {
    size: { min: 2, initial: 4, max: 9 },
    spare: { share: { numerator: 1, denominator: 5 } },
  });
  const hosts = [...hostsNamed(5), hostNamed('h6', { up: false }), hostNamed('h7', { enabled: false })];
  const capacity = capacityOf(recordOf([{ pool, state: stateOf(on(web, 'h1 h2 h3 h4 h5')) }]), snapshotOf(hosts));
  expect(capacityText(capacity).split('\n')).toEqual([
    'v1 as it is',
    '',
    'pool  zone  level  spare  cap  feasible  restorable  hosts may die  quota to',
    'web     mz      5    20%    1       2-5         2-4              0         9',
    '',
    'web: for 1 hosts to die in a row it takes 1 more host in mz (each with 1 vCPUs, 1 MB and 1 GB free), or spare 40% instead of 20% for web, or level 4 of web',
    'web: hosts for one more: 5 CapReached, 1 Down, 1 Disabled',
    'all pools together, each time the worst host: 0 may die in a row; after h1 there is no room for all of web',
    '',
    'mz               web',
    '  h1             1/1',
    '  h2             1/1',
    '  h3             1/1',
    '  h4             1/1',
    '  h5             1/1',
    '  h6 (down)        .',
    '  h7 (disabled)    .',
  ]);
});
