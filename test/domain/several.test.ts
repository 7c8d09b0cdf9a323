import { casesOf, fc } from '../property';
import { withRemediesForAll } from '../../domain/explain/remedies';
import type { Remedy } from '../../domain/explain/remedy';
import { plan, type PlanInput } from '../../domain/placement';
import { ontoOf, planSeveral, type SeveralInput } from '../../domain/placement/several';
import type { Onto, Plan } from '../../domain/plan';
import { less } from '../../domain/resources';
import type { Snapshot } from '../../domain/snapshot';
import {
  hostNamed,
  hostsNamed,
  on,
  poolNamed,
  recordOf,
  roomFor,
  snapshotOf,
  stateOf,
  unit,
  withHosts,
  withLimits,
} from './build';

import { anySeveral } from './clouds';
import { allFindPlaces, breaches, questionOf, type Question } from './oracle';

/** Several VNFs on a host that is to be emptied. */

const runs = casesOf(2_000);

/** As many VNFs as it has pools, one pool each. */
function apart({ record, snapshot, request }: PlanInput): SeveralInput | null {
  if (request.kind !== 'emptyHosts' || request.cause !== 'maintenance') return null;
  const vnfs = record.descriptor.pools.flatMap((pool, index) => {
    const state = record.pools[pool.name];
    const isThere = [...(state?.inService ?? []), ...(state?.failed ?? [])].some(({ host }) =>
      request.hosts.includes(host),
    );
    if (!isThere) return [];
    return [{ record: recordOf([{ pool, ...(state && { state }) }], { vnf: `v${String(index + 1)}` }), servers: [] }];
  });
  return vnfs.length > 1 ? { vnfs, snapshot, request } : null;
}

const anyApart: fc.Arbitrary<SeveralInput> = anySeveral.map(apart).filter((input) => input !== null);

function questionsOf({ vnfs, ...given }: SeveralInput): Question[] {
  return vnfs.map(({ record }) => questionOf({ record, ...given }));
}

function without(snapshot: Snapshot, { batches }: Plan, flavor: string): Snapshot {
  const rows = batches.flatMap((batch) => batch.rows);
  const hosts = snapshot.hosts.map((host) => {
    const taken = rows.filter((row) => row.host === host.name).length;
    return { ...host, free: less(host.free, snapshot.flavors[flavor] ?? unit, taken) };
  });
  return { ...snapshot, hosts };
}

test('they find places wherever a flow through the hosts shows places for all; what is refused as impossible is so for one that is alone', () => {
  const seen = { found: 0, missed: 0, impossible: 0, NotFound: 0 };
  fc.assert(
    fc.property(anyApart, (input) => {
      const planned = planSeveral(input);
      const exists = allFindPlaces(questionsOf(input));
      if (planned.ok) {
        seen.found += 1;
        expect(exists).toBe(true);
        for (const { asked, plan: made } of planned.each)
          expect(breaches(asked, made, { letter: made.toTheLetter })).toEqual([]);
        return;
      }
      seen[exists ? 'missed' : 'impossible'] += 1;
      if (planned.refusal.kind !== 'Impossible') {
        seen.NotFound += 1;
        expect(planned.refusal.kind).toBe('NotFound');
        return;
      }
      const { record } = planned.asked;
      expect(plan({ record, snapshot: input.snapshot, request: input.request }).ok).toBe(false);
    }),
    runs,
  );
  expect(Math.min(seen.found, seen.impossible)).toBeGreaterThan(runs.numRuns / 20);
  expect(seen.NotFound).toBeGreaterThan(0);
  expect(seen.missed).toBeLessThan((seen.found + seen.missed) / 200);
});

test('each finds its place again when its turn comes, whoever of the others has moved by then', () => {
  fc.assert(
    fc.property(anyApart, fc.nat({ max: 5 }), (input, turn) => {
      const planned = planSeveral(input);
      if (!planned.ok) return;
      const order = [...planned.each];
      order.push(...order.splice(0, turn % order.length));
      if (turn >= 3) order.reverse();
      let { snapshot } = input;
      for (const { asked, plan: made } of order) {
        const onto: Onto = ontoOf(made);
        const { record } = asked;
        const again = plan({ record, snapshot, request: { ...input.request, onto }, oneChange: true });
        if (!again.ok) throw new Error(again.refusal.message);
        expect(ontoOf(again.plan)).toEqual(onto);
        snapshot = without(snapshot, again.plan, record.descriptor.pools[0]?.flavor ?? '');
      }
    }),
    runs,
  );
});

test('what a refusal says would help makes it possible for all of them', () => {
  const helped = { hosts: 0, quota: 0 };
  fc.assert(
    fc.property(anyApart, fc.integer({ min: 0, max: 1 }), (input, left) => {
      const quotas = { instances: { used: 8, limit: 8 + left } };
      const asked = { ...input, snapshot: { ...input.snapshot, quotas } };
      const planned = planSeveral(asked);
      if (planned.ok) return;
      const { remedies = [] } = withRemediesForAll(asked, planned).details;
      for (const remedy of remedies as readonly Remedy[]) {
        if (remedy.kind !== 'hosts' && remedy.kind !== 'quota') continue;
        const { snapshot } = asked;
        const changed = remedy.kind === 'hosts' ? withHosts(snapshot, remedy) : withLimits(snapshot, remedy);
        expect(planSeveral({ ...asked, snapshot: changed }).ok).toBe(true);
        helped[remedy.kind] += 1;
      }
    }),
    runs,
  );
  expect(Math.min(helped.hosts, helped.quota)).toBeGreaterThan(runs.numRuns / 50);
});

describe('two on one host', () => {
  /** The second can go to h3 alone, where the first would go as well as to h2. */
  const two = (): SeveralInput => {
    const pool = poolNamed('web', { spare: { count: 1 } });
    const hosts = [hostNamed('h1'), hostNamed('h2', { free: roomFor(1) }), hostNamed('h3', { free: roomFor(1) })];
    const records = [
      recordOf([{ pool, state: stateOf(on('web', 'h1')) }], { vnf: 'v1' }),
      recordOf([{ pool, state: stateOf(on('web', 'h1 h2')) }], { vnf: 'v2' }),
    ];
    return {
      vnfs: records.map((record) => ({ record, servers: [] })),
      snapshot: snapshotOf(hosts),
      request: { kind: 'emptyHosts', hosts: ['h1'], cause: 'maintenance' },
    };
  };

  test('the one that has a choice leaves the other its only place', () => {
    const input = two();
    const [first] = input.vnfs.map(({ record }) => plan({ ...input, record }));
    expect(first?.ok && ontoOf(first.plan)).toEqual({ web: ['h3'] });
    const planned = planSeveral(input);
    if (!planned.ok) throw new Error(planned.refusal.message);
    expect(planned.each.map(({ plan: made }) => ontoOf(made))).toEqual([{ web: ['h2'] }, { web: ['h3'] }]);
    expect(planned.oneByOne).toBe(false);
  });

  test('where the quota carries one only, they move one after another', () => {
    const input = two();
    const quota = (limit: number): Snapshot => ({ ...input.snapshot, quotas: { instances: { used: 3, limit } } });
    const modeWith = (limit: number): unknown => {
      const planned = planSeveral({ ...input, snapshot: quota(limit) });
      return planned.ok ? planned.oneByOne : planned.refusal.kind;
    };
    expect([5, 4, 3].map(modeWith)).toEqual([false, true, 'QuotaExceeded']);
  });

  test('a pool may be called as every object has something', () => {
    const pool = poolNamed('constructor', { spare: { count: 1 } });
    const record = recordOf([{ pool, state: stateOf(on('constructor', 'h1 h2')) }], { vnf: 'v1' });
    const { snapshot, request } = two();
    const planned = planSeveral({ vnfs: [{ record, servers: [] }], snapshot, request });
    expect(planned.ok && planned.each.map(({ plan: made }) => ontoOf(made))).toEqual([{ constructor: ['h3'] }]);
  });

  test('what the dead of one give back is used up by those that replace them', () => {
    const { snapshot, request } = two();
    const pool = poolNamed('web', { spare: { count: 1 } });
    const records = [
      recordOf([{ pool, state: stateOf(on('web', 'h2'), { failed: on('web', 'h1', 2) }) }], { vnf: 'v1' }),
      recordOf([{ pool, state: stateOf(on('web', 'h1 h3')) }], { vnf: 'v2' }),
    ];
    const planned = planSeveral({
      vnfs: records.map((record) => ({ record, servers: [] })),
      snapshot: { ...snapshot, hosts: hostsNamed(9), quotas: { instances: { used: 4, limit: 4 } } },
      request,
    });
    expect(planned).toMatchObject({ ok: false, refusal: { kind: 'QuotaExceeded' } });
  });

  test('where they find places only together, a quota that carries one only has them move one after another, too', () => {
    const flavors = { one: { ...roomFor(1), id: 'a', name: 'one' }, two: { ...roomFor(2), id: 'b', name: 'two' } };
    const rooms = { h1: 9, h2: 2, h4: 1, h5: 1 };
    const hosts = Object.entries(rooms).map(([name, room]) => hostNamed(name, { free: roomFor(room) }));
    const poolOf = (name: string, flavor: string, count: number) => poolNamed(name, { spare: { count }, flavor });
    const records = [
      recordOf([{ pool: poolOf('p0', 'one', 1), state: stateOf(on('p0', 'h1 h5')) }], { vnf: 'v1' }),
      recordOf(
        [
          { pool: poolOf('p0', 'two', 2), state: stateOf(on('p0', 'h1')) },
          { pool: poolOf('p1', 'one', 1), state: stateOf(on('p1', 'h1 h2')) },
        ],
        { vnf: 'v2' },
      ),
    ];
    const modeWith = (limit: number): unknown => {
      const planned = planSeveral({
        vnfs: records.map((record) => ({ record, servers: [] })),
        snapshot: snapshotOf(hosts, { flavors, quotas: { instances: { used: 5, limit } } }),
        request: { kind: 'emptyHosts', hosts: ['h1'], cause: 'maintenance' },
      });
      return planned.ok ? planned.oneByOne : planned.refusal.kind;
    };
    expect([8, 7, 6, 5].map(modeWith)).toEqual([false, true, true, 'QuotaExceeded']);
  });

  test('places that are not to be had any more are not insisted on', () => {
    const { vnfs, snapshot, request } = two();
    const record = vnfs[1]?.record;
    if (!record) throw new Error('there are two');
    const onto = { web: ['h2'] };
    const planned = plan({ record, snapshot, request: { ...request, onto } });
    expect(planned.ok && ontoOf(planned.plan)).toEqual({ web: ['h3'] });
  });
});
