import { capAt } from '../../domain/levels';
import { capacityOf } from '../../domain/explain/capacity';
import { plan } from '../../domain/placement';
import { asFound } from '../../domain/placement/rebalance';
import type { Plan } from '../../domain/plan';
import { timingAt } from '../../domain/timing';
import { casesOf, requests } from '../../scripts/programs/bench/placement/cases';
import { movesOf, optimumMovesOf } from '../../scripts/programs/bench/placement/optimum';
import { breaches } from '../domain/oracle';

/** What `./scripts/bench placement` measures is worth nothing unless the plans are good. */

const cases = [
  { hosts: 10, members: 10 },
  { hosts: 10, members: 100 },
  { hosts: 100, members: 1_000 },
].flatMap((size) => casesOf(size).map((each) => ({ ...each, name: `${each.request} of ${String(size.members)}` })));

function numberOf(at: { readonly group?: number } | { readonly number: number }): number | undefined {
  return 'number' in at ? at.number : at.group;
}

/** Whom Nova moves is as good as launched where it arrives, and gone from where it was. */
function asLaunched({ moves = [], ...rest }: Plan): Plan {
  const arriving = moves.map((batch) => ({
    ...batch,
    rows: batch.rows.map((row) => ({ ...row, ordinal: row.ordinal + 1_000_000 })),
  }));
  const gone = moves.flatMap(({ rows }) => rows.map(({ pool, ordinal }) => ({ pool, ordinal })));
  return { ...rest, batches: [...arriving, ...rest.batches], leave: [...gone, ...rest.leave] };
}

describe('the plans that are timed', () => {
  const tenants = cases.filter(({ request }) => request.endsWith('as tenant'));
  const refused = cases.filter(({ request }) => request === 'scaleOut refused');
  const told = cases.filter(({ request }) => request === 'capacity in racks');
  const possible = cases.filter((each) => ![...tenants, ...refused, ...told].includes(each));

  test.each(possible)('$name: nothing that a plan may not do, and no move too many', ({ input, request, hosts }) => {
    const planned = plan(input);
    if (!planned.ok) throw new Error(planned.refusal.message);
    // In which order a VNF that ends is deleted, its record says when it commits.
    const letter = planned.plan.toTheLetter && request !== 'terminate';
    const known = { ...input, record: asFound(input.record, planned.plan.foundOn ?? []) };
    expect(breaches(known, asLaunched(planned.plan), { letter })).toEqual([]);
    expect(planned.plan.unplaced.length > 0).toBe(request === 'evacuateHost full');
    const least = optimumMovesOf(input, planned.plan);
    // Where not all finds a place, how much of it does is for the planner's own properties to say.
    expect(least === null).toBe(request === 'evacuateHost full');
    if (least !== null) expect(movesOf(planned.plan)).toBe(least);
    if (request.startsWith('evacuateHost') && least !== null) expect(least).toBeGreaterThanOrEqual(hosts / 10);
    if (request === 'heal') expect(least).toBeGreaterThan(0);
  });

  test.each(tenants)(
    '$name: at most as many server groups as members may be on a host, and no move too many',
    ({ input }) => {
      const planned = plan(input);
      if (!planned.ok) throw new Error(planned.refusal.message);
      const leave = new Set(planned.plan.leave.map(({ pool, ordinal }) => `server-${pool}-${String(ordinal)}`));
      const there = (input.snapshot.tenant?.groups ?? []).filter(({ serverIds }) =>
        serverIds.some((id) => !leave.has(id)),
      );
      const rows = planned.plan.batches.flatMap((batch) => batch.rows);
      for (const pool of input.record.descriptor.pools) {
        const inUse = new Set([...there, ...rows].flatMap((at) => (at.pool === pool.name ? numberOf(at) : [])));
        const state = input.record.pools[pool.name];
        expect(inUse.size).toBeLessThanOrEqual(
          capAt(pool.spare, planned.plan.levels[pool.name]?.to ?? state?.level ?? 0),
        );
      }
      expect(leave.size + rows.length).toBeGreaterThan(0);
      expect(movesOf(planned.plan)).toBe(optimumMovesOf(input, planned.plan));
    },
  );

  test.each(refused)('$name: is refused, with a reason for each host', (each) => {
    const planned = plan(each.input);
    if (planned.ok) throw new Error('there is a plan');
    expect(planned.refusal.kind).toBe('Impossible');
    expect(Object.keys(planned.refusal.details.hosts ?? {})).toHaveLength(each.hosts);
  });

  test.each(told)('$name: is told of every pool, and of all together', ({ input, pools }) => {
    const capacity = capacityOf(input.record, input.snapshot);
    expect(capacity.pools.map(({ failureDomain }) => failureDomain?.key)).toEqual(
      Array.from({ length: pools }, () => 'rack'),
    );
    expect(capacity).toMatchObject({ untold: null, refusal: null, together: { deaths: expect.any(Number) as number } });
  });

  test('capacity of 1,000 hosts in racks is told long before the time of an activity is over', () => {
    const asked = casesOf({ hosts: 1_000, members: 10_000 }).find(({ request }) => request === 'capacity in racks');
    if (!asked) throw new Error('it is one of the cases');
    const begun = process.cpuUsage();
    const { pools } = capacityOf(asked.input.record, asked.input.snapshot);
    // Of processor time, so that it does not matter what else runs.
    expect(process.cpuUsage(begun).user / 1e6).toBeLessThan(timingAt(1).mutateSeconds / 3);
    expect(pools.map(({ deaths }) => (deaths ?? 0) > 0)).toEqual(pools.map(() => true));
  });

  test('are of every kind, and the same each time', () => {
    expect(new Set(cases.map(({ request }) => request))).toEqual(new Set(requests));
    expect(casesOf({ hosts: 10, members: 100 })).toEqual(casesOf({ hosts: 10, members: 100 }));
  });
});
