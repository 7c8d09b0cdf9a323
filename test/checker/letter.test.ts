import fc from 'fast-check';
import type { Spare } from '../../domain/descriptor/descriptor';
import { capOf, spareOf } from '../../checker/arithmetic';
import { someOrderKeeps } from '../../checker/rules/letter';
import { capAt, spareAt } from '../../domain/levels';

/** What the checker claims of G1(d) is confirmed by trying all orders, and its arithmetic by the planner's, written apart from it. */

const spares: fc.Arbitrary<Spare> = fc.oneof(
  fc.record({ count: fc.integer({ min: 1, max: 4 }) }),
  fc
    .tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 10 }))
    .filter(([a, b]) => a <= b)
    .map(([numerator, denominator]) => ({ share: { numerator, denominator } })),
);

const hosts = ['a', 'b', 'c'];

function keeps(spare: Spare, counts: ReadonlyMap<string, number>): boolean {
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  return [...counts.values()].every((count) => count <= capOf(spare, total));
}

/** Every order, one after the other. */
function anyOrder(
  spare: Spare,
  of: { kind: 'launch' | 'delete'; counts: Map<string, number>; moves: readonly string[] },
): boolean {
  const { kind, counts, moves } = of;
  if (moves.length === 0) return true;
  return [...new Set(moves)].some((host) => {
    const next = new Map(counts);
    next.set(host, (next.get(host) ?? 0) + (kind === 'launch' ? 1 : -1));
    const rest = [...moves];
    rest.splice(rest.indexOf(host), 1);
    return keeps(spare, next) && anyOrder(spare, { kind, counts: next, moves: rest });
  });
}

test('some order of launches keeps the letter exactly when trying all orders finds one', () => {
  fc.assert(
    fc.property(
      spares,
      fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 3, maxLength: 3 }),
      fc.array(fc.constantFrom(...hosts), { maxLength: 6 }),
      (spare, there, moves) => {
        const before = new Map(hosts.map((host, index) => [host, there[index] ?? 0]));
        expect(someOrderKeeps(spare, { kind: 'launch', before, moves })).toBe(
          anyOrder(spare, { kind: 'launch', counts: before, moves }),
        );
      },
    ),
    { numRuns: 500 },
  );
});

test('some order of deletions keeps the letter exactly when trying all orders finds one', () => {
  fc.assert(
    fc.property(
      spares,
      fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 3, maxLength: 3 }),
      fc.array(fc.nat(11), { maxLength: 6 }),
      (spare, there, picks) => {
        const before = new Map(hosts.map((host, index) => [host, there[index] ?? 0]));
        const all = hosts.flatMap((host) => Array.from({ length: before.get(host) ?? 0 }, () => host));
        const moves = [...new Set(picks)].flatMap((pick) => all[pick] ?? []);
        expect(someOrderKeeps(spare, { kind: 'delete', before, moves })).toBe(
          anyOrder(spare, { kind: 'delete', counts: before, moves }),
        );
      },
    ),
    { numRuns: 500 },
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
