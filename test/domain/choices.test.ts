import fc from 'fast-check';
import { plan, type PlanInput } from '../../domain/placement';
import { choicesOf } from '../../domain/explain/choices';
import type { Plan } from '../../domain/plan';
import { toldMost, toldOf } from '../../domain/explain/tell';
import type { Choice } from '../../domain/explain/told';
import { hostNamed, hostsNamed, inputOf, on, roomFor } from './build';
import { anyInput, anySeveral } from './clouds';

/** Why hosts were not chosen, held against what they are. */

const runs = { numRuns: Number(process.env['BULKHEAD_PROPERTY_RUNS'] ?? 1_000) };

function planOf(input: PlanInput): Plan | null {
  const planned = plan(input);
  return planned.ok ? planned.plan : null;
}

test('every host that got nothing has one reason, which is true of it', () => {
  const seen = new Map<string, number>();
  fc.assert(
    fc.property(fc.oneof(anyInput, anySeveral), (drawn) => {
      const { launched: _launched, ...input } = drawn;
      const made = planOf(input);
      if (!made) return;
      for (const { pool, hosts, counts, moreHosts } of choicesOf(input, made, 1_000)) {
        const chosen = new Set(
          made.batches.filter((batch) => batch.pool === pool).flatMap(({ rows }) => rows.map(({ host }) => host)),
        );
        const others = input.snapshot.hosts.filter(({ name }) => !chosen.has(name));
        expect(Object.keys(hosts).sort()).toEqual(others.map(({ name }) => name).sort());
        expect([moreHosts, Object.values(counts).reduce((sum, many) => sum + many, 0)]).toEqual([0, others.length]);
        for (const { name, zone, up, enabled, free } of others) {
          const reason = hosts[name] ?? '';
          seen.set(reason, (seen.get(reason) ?? 0) + 1);
          if (reason === 'WrongZone') expect(zone).not.toBe('mz');
          if (reason === 'Down') expect(up).toBe(false);
          if (reason === 'Disabled') expect(enabled).toBe(false);
          if (reason === 'NotNeeded' || reason === 'NoRoomVcpus')
            expect([zone, up, enabled]).toEqual(['mz', true, true]);
          if (reason === 'NotNeeded') expect(free.vcpus).toBeGreaterThan(0);
          if (reason === 'Excluded')
            expect(input.request.kind === 'emptyHosts' ? input.request.hosts : []).toContain(name);
        }
      }
    }),
    runs,
  );
  for (const reason of ['WrongZone', 'Down', 'Disabled', 'Excluded', 'NoRoomVcpus', 'CapReached', 'NotNeeded'])
    expect([reason, (seen.get(reason) ?? 0) > 0]).toEqual([reason, true]);
});

test('as many more as are said to fit do, and not one more: at the cap of that level', () => {
  let tried = 0;
  fc.assert(
    fc.property(anyInput, fc.integer({ min: 0, max: 12 }), (drawn, left) => {
      const { launched: _launched, ...input } = drawn;
      const bare = planOf(input);
      const launches = bare?.batches.reduce((sum, { rows }) => sum + rows.length, 0) ?? 0;
      const quotas = { instances: { limit: launches + left, used: 0 } };
      const asked = { ...input, snapshot: { ...input.snapshot, quotas } };
      const made = planOf(asked);
      const [choice] = made ? choicesOf(asked, made, 1_000) : [];
      if (!choice || asked.request.kind !== 'scaleOut') return;
      tried += 1;
      // With the cap as a count the level does not change it.
      const cap = capIn(choice);
      const { record, request } = asked;
      const pools = record.descriptor.pools.map((pool) => ({ ...pool, spare: { count: cap } }));
      const fixed = { ...record, descriptor: { ...record.descriptor, pools } };
      const has = (to: number): boolean => plan({ ...asked, record: fixed, request: { ...request, to } }).ok;
      expect(has(request.to + choice.moreFit)).toBe(true);
      expect(has(request.to + choice.moreFit + 1)).toBe(false);
    }),
    runs,
  );
  expect(tried).toBeGreaterThan(20);
});

function capIn({ constraint }: Choice): number {
  return Number(/allows (\d+) on a host/.exec(constraint)?.[1]);
}

const to4 = { kind: 'scaleOut', pool: 'web', to: 4 } as const;
const members = on('web', 'h1 h2 h3');

test.each([
  ['share', { hosts: hostsNamed(4) }],
  [
    'room',
    {
      hosts: [...hostsNamed(3, { free: roomFor(0) }), hostNamed('h4', { free: roomFor(1) })],
      pool: { spare: { count: 2 } },
    },
  ],
  ['quota', { hosts: hostsNamed(6), snapshot: { quotas: { instances: { limit: 5, used: 4 } } } }],
] as const)('%s binds', (binds, given) => {
  const input = inputOf({ members, request: to4, ...given });
  const made = planOf(input);
  expect(made && choicesOf(input, made, 100)).toMatchObject([{ pool: 'web', binds, moreFit: 0 }]);
});

test('no more is listed than a result holds; all of it is counted', () => {
  const input = inputOf({ members, hosts: hostsNamed(50), request: to4 });
  const made = planOf(input);
  if (!made) throw new Error('there is room');
  const told = toldOf(input, made, { hosts: 10, reasons: 20 });
  expect([told.hosts.length, told.moreHosts]).toEqual([10, 40]);
  expect(told.hosts.map(({ name }) => name)).toEqual(expect.arrayContaining(['h1', 'h2', 'h3']));
  expect(told.choices).toMatchObject([{ counts: { CapReached: 3, NotNeeded: 46 }, moreHosts: 29 }]);
  expect(Object.keys(toldOf(input, made, toldMost).choices[0]?.hosts ?? {})).toHaveLength(49);
});
