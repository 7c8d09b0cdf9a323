import fc from 'fast-check';
import { fitsOn } from '../../checker/arithmetic';

/** What G8 claims when it calls a refusal wrong, held against trying every placement. */

interface Host {
  readonly own: number;
  readonly free: number;
}

const anyHost: fc.Arbitrary<Host> = fc.record({ own: fc.nat({ max: 3 }), free: fc.nat({ max: 3 }) });

/** Whether any number of members on each host, none above its room or the cap, adds up to the level. */
function somePlacement([first, ...rest]: readonly Host[], at: { level: number; cap: number }): boolean {
  if (at.level === 0) return true;
  if (!first) return false;
  for (let here = 0; here <= Math.min(first.own + first.free, at.cap, at.level); here++)
    if (somePlacement(rest, { ...at, level: at.level - here })) return true;
  return false;
}

test('a level fits exactly when trying every placement finds one', () => {
  const seen = { fits: 0, not: 0 };
  fc.assert(
    fc.property(
      fc.array(anyHost, { maxLength: 4 }),
      fc.record({ level: fc.nat({ max: 10 }), cap: fc.integer({ min: 1, max: 3 }) }),
      (hosts, at) => {
        const fits = somePlacement(hosts, at);
        seen[fits ? 'fits' : 'not'] += 1;
        expect(fitsOn(hosts, at)).toBe(fits);
      },
    ),
    { numRuns: 2_000 },
  );
  expect(Math.min(seen.fits, seen.not)).toBeGreaterThan(200);
});
