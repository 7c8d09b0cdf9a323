import { fc } from '../property';
import { fitsOn, type Room, type Wanted } from '../../checker/arithmetic';

/** What G8 claims when it calls a refusal wrong, held against trying every placement. */

const anyHost: fc.Arbitrary<Room> = fc.record({ own: fc.nat({ max: 3 }), free: fc.nat({ max: 3 }) });
const anyHostInDomain: fc.Arbitrary<Room> = fc.record({
  own: fc.nat({ max: 3 }),
  free: fc.nat({ max: 3 }),
  domain: fc.constantFrom('r1', 'r2', null),
});

/** Whether any number of members on each host, none above its room or the cap, adds up to the level, with no domain above its own cap. */
function somePlacement(
  [first, ...rest]: readonly Room[],
  at: Wanted,
  inDomains: Readonly<Record<string, number>> = {},
): boolean {
  if (at.level === 0) return true;
  if (!first) return false;
  const { own, free, domain } = first;
  const room = domain === null ? own : own + free;
  for (let here = 0; here <= Math.min(room, at.cap, at.level); here++) {
    const there = typeof domain === 'string' ? { [domain]: (inDomains[domain] ?? 0) + here } : {};
    if (Object.values(there).some((count) => count > (at.domainCap ?? Infinity))) return false;
    if (somePlacement(rest, { ...at, level: at.level - here }, { ...inDomains, ...there })) return true;
  }
  return false;
}

const wanted = { level: fc.nat({ max: 10 }), cap: fc.integer({ min: 1, max: 3 }) };

test.each<[string, fc.Arbitrary<Room>, fc.Arbitrary<Wanted>]>([
  ['hosts', anyHost, fc.record(wanted)],
  ['hosts in failure domains', anyHostInDomain, fc.record({ ...wanted, domainCap: fc.integer({ min: 1, max: 4 }) })],
])('a level fits on %s exactly when trying every placement finds one', (_, host, level) => {
  const seen = { fits: 0, not: 0 };
  fc.assert(
    fc.property(fc.array(host, { maxLength: 4 }), level, (hosts, at) => {
      const fits = somePlacement(hosts, at);
      seen[fits ? 'fits' : 'not'] += 1;
      expect(fitsOn(hosts, at)).toBe(fits);
    }),
    { numRuns: 2_000 },
  );
  expect(Math.min(seen.fits, seen.not)).toBeGreaterThan(200);
});
