import { fc } from '../property';
import type { Spare } from '../../domain/descriptor/descriptor';
import { capOf, spareOf } from '../../checker/arithmetic';
import { someOrderKeeps } from '../../checker/rules/letter';
import { perUnit, unitsOf, type Units } from '../../checker/units';
import { newWorld } from '../../checker/world';
import { capAt, spareAt } from '../../domain/levels';

/** What the checker claims of G1(d) is confirmed by trying all orders, and its arithmetic by the planner's, written apart from it. */

const spares: fc.Arbitrary<Exclude<Spare, 'none'>> = fc.oneof(
  fc.record({ count: fc.integer({ min: 1, max: 4 }) }),
  fc
    .tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 10 }))
    .filter(([a, b]) => a <= b)
    .map(([numerator, denominator]) => ({ share: { numerator, denominator } })),
);

const hosts = ['a', 'b', 'c', 'd', 'e'];

/** Hosts that fail alone; or of which two and two are in a rack, and of one nobody knows. */
const kinds: fc.Arbitrary<readonly Units[]> = fc.oneof(
  spares.map((spare) => unitsOf(newWorld(), { spare })),
  fc.tuple(spares, spares).map(([spare, domainSpare]) => {
    const world = newWorld();
    const state = { zone: 'mz', alive: true, up: true, enabled: true, forcedDown: false, disabledReason: null };
    for (const [host, rack] of Object.entries({ a: 'r1', b: 'r1', c: 'r2', d: 'r2' }))
      world.hosts.set(host, { seq: 1, at: 0, requestId: null, type: 'host', host, ...state, domains: { rack } });
    return unitsOf(world, { spare, failureDomain: { key: 'rack', spare: domainSpare } });
  }),
);

function keeps(all: readonly Units[], counts: ReadonlyMap<string, number>): boolean {
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  return all.every((units) =>
    [...perUnit(units, counts).values()].every((count) => count <= capOf(units.spare, total)),
  );
}

/** Every order, one after the other. */
function anyOrder(
  all: readonly Units[],
  of: { kind: 'launch' | 'delete'; counts: Map<string, number>; moves: readonly string[] },
): boolean {
  const { kind, counts, moves } = of;
  if (moves.length === 0) return true;
  return [...new Set(moves)].some((host) => {
    const next = new Map(counts);
    next.set(host, (next.get(host) ?? 0) + (kind === 'launch' ? 1 : -1));
    const rest = [...moves];
    rest.splice(rest.indexOf(host), 1);
    return keeps(all, next) && anyOrder(all, { kind, counts: next, moves: rest });
  });
}

test('some order of launches keeps the letter exactly when trying all orders finds one', () => {
  fc.assert(
    fc.property(
      kinds,
      fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 3, maxLength: 5 }),
      fc.array(fc.constantFrom(...hosts), { maxLength: 6 }),
      (all, there, moves) => {
        const before = new Map(hosts.map((host, index) => [host, there[index] ?? 0]));
        expect(someOrderKeeps(all, { kind: 'launch', before, moves })).toBe(
          anyOrder(all, { kind: 'launch', counts: before, moves }),
        );
      },
    ),
    { numRuns: 1_000 },
  );
});

test('some order of deletions keeps the letter exactly when trying all orders finds one', () => {
  fc.assert(
    fc.property(
      kinds,
      fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 3, maxLength: 5 }),
      fc.array(fc.nat(11), { maxLength: 6 }),
      (all, there, picks) => {
        const before = new Map(hosts.map((host, index) => [host, there[index] ?? 0]));
        const placed = hosts.flatMap((host) => Array.from({ length: before.get(host) ?? 0 }, () => host));
        const moves = [...new Set(picks)].flatMap((pick) => placed[pick] ?? []);
        expect(someOrderKeeps(all, { kind: 'delete', before, moves })).toBe(
          anyOrder(all, { kind: 'delete', counts: before, moves }),
        );
      },
    ),
    { numRuns: 1_000 },
  );
});

test('two arithmetics that were written apart agree', () => {
  fc.assert(
    fc.property(spares, fc.integer({ min: 1, max: 5_000 }), (spare, level) => {
      expect(spareOf(spare, level)).toBe(spareAt(spare, level));
      expect(capOf(spare, level)).toBe(capAt(spare, level));
    }),
  );
});
