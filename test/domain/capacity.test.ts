import fc from 'fast-check';
import { capacityText } from '../../client/table';
import { capacityOf, type Capacity, type PoolCapacity, type Ranges } from '../../domain/explain/capacity';
import { carriedOut, type Scene } from '../../domain/explain/carriedOut';
import type { Pool } from '../../domain/descriptor/descriptor';
import { plan, type PlanInput } from '../../domain/placement';
import type { ChangeRequest, Plan } from '../../domain/plan';
import type { VnfRecord } from '../../domain/record';
import type { Remedy } from '../../domain/explain/remedy';
import type { Snapshot } from '../../domain/snapshot';
import { hostNamed, hostsNamed, on, poolNamed, recordOf, roomFor, snapshotOf, stateOf } from './build';
import { anyInput, anySeveral } from './clouds';

/** What is said of a cloud, held against the planner, which is asked for every level and played with every order of deaths. */

const runs = { numRuns: Math.min(1_000, Number(process.env['BULKHEAD_PROPERTY_RUNS'] ?? 300)) };

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

const anyScene = anyInput.map(alive).filter(({ record }) => (record.pools[web]?.level ?? 0) > 1);

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

/** In whatever order so many hosts die, the planner restores all of it each time. */
function survives(scene: Scene, deaths: number): boolean {
  if (deaths === 0) return true;
  return scene.snapshot.hosts.every(({ name }) => {
    const made = planned(scene, { kind: 'emptyHosts', hosts: [name], cause: 'failed' });
    if (!made || made.unplaced.length > 0) return false;
    const { record, snapshot } = carriedOut(scene, made);
    const hosts = snapshot.hosts.filter((host) => host.name !== name);
    return survives({ record, snapshot: { ...snapshot, hosts } }, deaths - 1);
  });
}

/** The scene with what a remedy says: written here once more, so that what is said is what is tried. */
function withRemedy(scene: Scene, remedy: Remedy): Scene {
  const { record, snapshot } = scene;
  switch (remedy.kind) {
    case 'hosts': {
      const added = Object.entries(remedy.hosts).flatMap(([zone, many]) =>
        Array.from({ length: many }, (_, at) => {
          const domains = Object.fromEntries((remedy.apart ?? []).map((key) => [key, `new-${String(at)}`]));
          return hostNamed(`new-${zone}-${String(at)}`, { zone, free: remedy.room, domains });
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
    fc.property(anyScene, (scene) => {
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
