import { casesOf, fc } from '../property';
import { carriedOut } from '../../domain/explain/carriedOut';
import type { Pool } from '../../domain/descriptor/descriptor';
import { capAt, domainCapAt } from '../../domain/levels';
import { plan, type PlanInput } from '../../domain/placement';
import { asFound } from '../../domain/placement/rebalance';
import type { Plan } from '../../domain/plan';
import type { VnfRecord } from '../../domain/record';
import type { Host, Snapshot } from '../../domain/snapshot';
import { hostNamed, hostsNamed, inputOf, membersIn, on, roomFor } from './build';
import { anyMoved } from './clouds';
import { breaches, countsWithin, domainsOf } from './oracle';

/** What other hands have put where it must not be is repaired, in the fewest moves. */

const runs = casesOf(500, { part: 1 / 4 });

/**
 * Members that cannot all stay, summed over pools: in a wrong zone, above the cap of a host, and of the others above that of a failure domain. Of
 * the planner's own code it uses the caps alone.
 */
function measureOf({ record, snapshot }: Pick<PlanInput, 'record' | 'snapshot'>): number {
  return record.descriptor.pools.reduce((sum, pool) => {
    const { level = 0, inService = [] } = record.pools[pool.name] ?? {};
    const counts = snapshot.hosts.map(({ name }) => inService.filter(({ host }) => host === name).length);
    return sum + excessOf(pool, snapshot.hosts, { counts, level });
  }, 0);
}

function excessOf(
  pool: Pool,
  hosts: readonly Host[],
  { counts, level }: { readonly counts: readonly number[]; readonly level: number },
): number {
  const cap = capAt(pool.spare, level);
  const domainOf = domainsOf(hosts, pool);
  const kept = new Map(
    hosts.map(({ name, zone }, at) => [name, zone === pool.zone ? Math.min(counts[at] ?? 0, cap) : 0]),
  );
  const within = countsWithin(kept, domainOf);
  const above = [...within.values()].reduce((sum, many) => sum + Math.max(0, many - domainCapAt(pool, level)), 0);
  const all = (numbers: Iterable<number>): number => [...numbers].reduce((sum, each) => sum + each, 0);
  return all(counts) - all(kept.values()) + above;
}

/** As the cloud has it, whatever the record believes. */
function trueOf(input: PlanInput): PlanInput {
  const { record, snapshot } = input;
  const hosts = new Map(snapshot.servers.map(({ serverId, host }) => [serverId, host]));
  const pools = record.descriptor.pools.flatMap((pool) => {
    const domainOf = domainsOf(snapshot.hosts, pool);
    const state = record.pools[pool.name];
    const inService = state?.inService.map((member) => {
      const host = hosts.get(member.serverId) ?? member.host;
      return host === member.host ? member : { ...member, host, domain: domainOf(host) };
    });
    return state && inService ? [[pool.name, { ...state, inService }] as const] : [];
  });
  return { ...input, record: { ...record, pools: Object.fromEntries(pools) } };
}

function planOf(input: PlanInput): Plan {
  const planned = plan(input);
  if (!planned.ok) throw new Error(planned.refusal.message);
  return planned.plan;
}

function launchesOf({ batches }: Plan): Plan['batches'][number]['rows'] {
  return batches.flatMap(({ rows }) => rows);
}

function missingIn({ unplaced }: Plan): number {
  return unplaced.reduce((sum, { missing }) => sum + missing, 0);
}

/** By trying every move to every host, one after the other, for the pool `web`: the least measure that can be had, and in how many moves. */
function bestOf({ record, snapshot }: PlanInput): { readonly measure: number; readonly moves: number } {
  const [pool] = record.descriptor.pools;
  const { level = 0, inService = [] } = record.pools['web'] ?? {};
  if (!pool) throw new Error('there is no pool');
  const cap = capAt(pool.spare, level);
  const { hosts } = snapshot;
  const counts = hosts.map(({ name }) => inService.filter(({ host }) => host === name).length);
  const start = {
    serving: counts,
    existing: counts,
    free: hosts.map(({ free }) => membersIn(free, snapshot.flavors[pool.flavor])),
  };
  const measure = (serving: readonly number[]): number => excessOf(pool, hosts, { counts: serving, level });
  const plus = (list: readonly number[], at: number, by: number): number[] =>
    list.map((each, index) => (index === at ? each + by : each));
  const seen = new Set<string>();
  let best = { measure: measure(counts), moves: 0 };
  let reached = [start];
  for (let moves = 1; reached.length > 0; moves++) {
    const next: (typeof start)[] = [];
    for (const { serving, existing, free } of reached)
      for (const from of hosts.keys())
        for (const [to, host] of hosts.entries()) {
          // Of those that have not been moved yet.
          const fresh = (existing[from] ?? 0) - (counts[from] ?? 0);
          if ((serving[from] ?? 0) - fresh <= 0 || (free[to] ?? 0) < 1 || (existing[to] ?? 0) >= cap) continue;
          if (host.zone !== pool.zone || !host.up || !host.enabled) continue;
          if (pool.failureDomain && host.domains?.[pool.failureDomain.key] === undefined) continue;
          const state = {
            serving: plus(plus(serving, from, -1), to, 1),
            existing: plus(existing, to, 1),
            free: plus(free, to, -1),
          };
          if (seen.has(JSON.stringify(state))) continue;
          seen.add(JSON.stringify(state));
          next.push(state);
          if (measure(state.serving) < best.measure) best = { measure: measure(state.serving), moves };
        }
    reached = next;
  }
  return best;
}

function done(input: PlanInput, made: Plan): { record: VnfRecord; snapshot: Snapshot } {
  const { record, snapshot } = carriedOut({ ...input, record: asFound(input.record, made.foundOn ?? []) }, made);
  return { record, snapshot };
}

describe('of one pool', () => {
  test('each move brings the measure down by one, and no other moves bring it lower, or as low in fewer', () => {
    const seen = { moved: 0, short: 0, right: 0 };
    fc.assert(
      fc.property(anyMoved(1), (input) => {
        const made = planOf(input);
        const before = trueOf(input);
        const rows = launchesOf(made);
        expect(rows).toHaveLength(made.leave.length);
        for (let moves = 0; moves <= rows.length; moves++) {
          const part = { ...made, batches: [{ pool: 'web', layer: 0, rows: rows.slice(0, moves) }] };
          const after = done(input, { ...part, leave: made.leave.slice(0, moves) });
          expect(measureOf(after)).toBe(measureOf(before) - moves);
        }
        const left = measureOf(done(input, made));
        const best = bestOf(before);
        // Who moves first decides there what becomes free for whom.
        const isInRacks = input.record.descriptor.pools.some(({ failureDomain }) => failureDomain !== undefined);
        if (isInRacks) expect(left).toBeGreaterThanOrEqual(best.measure);
        else expect({ measure: left, moves: rows.length }).toEqual(best);
        expect(missingIn(made)).toBe(left);
        if (rows.length > 0) seen.moved += 1;
        if (left > 0) seen.short += 1;
        if (measureOf(before) === 0) seen.right += 1;
      }),
      runs,
    );
    expect(Math.min(...Object.values(seen))).toBeGreaterThan(runs.numRuns / 20);
  });

  test('keeps room, zones and what may exist on a host, with names that are new', () => {
    fc.assert(
      fc.property(anyMoved(1), (input) => {
        const state = input.record.pools['web'];
        const lacks = state && state.level > state.inService.length + state.failed.length;
        // That it lacks some is for heal.
        const wrong = breaches(trueOf(input), planOf(input), { letter: false });
        expect(wrong.filter((said) => !(lacks && said.includes(' serve and ')))).toEqual([]);
      }),
      runs,
    );
  });

  test('keeps the letter where it says so, whoever was put where he must not be left out of it', () => {
    let kept = 0;
    fc.assert(
      fc.property(anyMoved(1), (input) => {
        const made = planOf(input);
        if (!made.toTheLetter || made.unplaced.length > 0) return;
        if (made.leave.length > 0) kept += 1;
        const { record, ...rest } = trueOf(input);
        const state = record.pools['web'];
        if (!state) throw new Error('there is a pool');
        const leaving = new Set(made.leave.map(({ ordinal }) => ordinal));
        const inService = state.inService.map((member) =>
          leaving.has(member.ordinal) ? { ...member, host: `alone-${String(member.ordinal)}` } : member,
        );
        const apart = { ...rest, record: { ...record, pools: { web: { ...state, inService } } } };
        const broken = breaches(apart, made, { letter: true });
        expect(broken.filter((said) => said.startsWith('G1(d)'))).toEqual([]);
      }),
      runs,
    );
    expect(kept).toBeGreaterThan(runs.numRuns / 20);
  });

  test('says where the cloud has whom the record has elsewhere, of those in service', () => {
    fc.assert(
      fc.property(anyMoved(1), (input) => {
        const found = planOf(input).foundOn ?? [];
        expect(asFound(input.record, found)).toEqual(trueOf(input).record);
        const known = new Map(input.record.pools['web']?.inService.map(({ ordinal, host }) => [ordinal, host]));
        expect(found.filter(({ ordinal, host }) => known.get(ordinal) === host || !known.has(ordinal))).toEqual([]);
      }),
      runs,
    );
  });
});

test.each([1, 3])('of %s pools: done as often as it asks for, it moves nobody any more', (pools) => {
  let again = 0;
  fc.assert(
    fc.property(anyMoved(pools), (input) => {
      let now: PlanInput = input;
      let measure = measureOf(trueOf(input));
      for (let more = true; more;) {
        const made = planOf(now);
        const after = done(now, made);
        expect(measureOf(after)).toBe(measure - made.leave.length);
        expect(missingIn(made)).toBe(measureOf(after));
        if (made.more) expect(made.leave.length).toBeGreaterThan(0);
        if (made.more) again += 1;
        measure = measureOf(after);
        more = made.more;
        now = { ...after, snapshot: { ...after.snapshot, servers: [] }, request: input.request };
      }
      const last = planOf(now);
      expect([launchesOf(last), last.leave, last.foundOn]).toEqual([[], [], undefined]);
    }),
    runs,
  );
  expect(again).toBeGreaterThan(0);
});

test('of several pools, also where the quota carries few, each that moves brings the measure down by one', () => {
  const seen = { moved: 0, short: 0 };
  fc.assert(
    fc.property(anyMoved(3), fc.integer({ min: 0, max: 4 }), (input, left) => {
      const quotas = { instances: { used: 20, limit: 20 + left } };
      const asked = { ...input, snapshot: { ...input.snapshot, quotas } };
      const made = planOf(asked);
      expect(launchesOf(made).length).toBeLessThanOrEqual(left);
      expect(measureOf(done(asked, made))).toBe(measureOf(trueOf(asked)) - made.leave.length);
      if (made.leave.length > 0) seen.moved += 1;
      if (made.unplaced.some(({ reason }) => reason.kind === 'QuotaExceeded')) seen.short += 1;
    }),
    runs,
  );
  expect(Math.min(...Object.values(seen))).toBeGreaterThan(runs.numRuns / 20);
});

test('the order of hosts and servers in the snapshot does not matter', () => {
  fc.assert(
    fc.property(anyMoved(3), (input) => {
      const { hosts, servers } = input.snapshot;
      const snapshot = { ...input.snapshot, hosts: [...hosts].reverse(), servers: [...servers].reverse() };
      expect(planOf({ ...input, snapshot })).toEqual(planOf(input));
    }),
    runs,
  );
});

const thirds = { spare: { share: { numerator: 1, denominator: 3 } } } as const;
const request = { kind: 'rebalance' } as const;

test('with room for one, the member goes that is on the fullest host', () => {
  const hosts = [...hostsNamed(4, { free: roomFor(0) }), hostNamed('h5', { free: roomFor(1) })];
  const made = planOf(
    inputOf({ pool: { spare: { count: 1 } }, members: on('web', 'h1 h1 h2 h2 h2 h3 h4'), hosts, request }),
  );
  expect(made.leave).toEqual([{ pool: 'web', ordinal: 5 }]);
  expect(made.unplaced).toMatchObject([{ pool: 'web', missing: 2 }]);
});

test('strict is not refused for what others have broken', () => {
  const asked = inputOf({ pool: thirds, members: on('web', 'h1 h1 h2 h3 h4'), hosts: hostsNamed(6), request });
  expect(plan({ ...asked, strict: true })).toMatchObject({ ok: true, plan: { toTheLetter: true, forbiddenBy: [] } });
});

test('a serial pool changes one member at a turn', () => {
  const made = planOf({
    ...inputOf({
      pool: { ...thirds, serial: true },
      members: on('web', 'h1 h1 h1 h2 h3'),
      hosts: hostsNamed(6),
      request,
    }),
    oneChange: true,
  });
  expect([launchesOf(made).length, made.leave, made.more]).toEqual([1, [{ pool: 'web', ordinal: 3 }], true]);
});
