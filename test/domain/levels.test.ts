import { fc } from '../property';
import type { Sharing, Spare } from '../../domain/descriptor/descriptor';
import {
  capAt,
  domainCapAt,
  heldAfterDeaths,
  isFeasible,
  isRestorable,
  leftAfterDeaths,
  leastLevelOfCap,
  leastLevelOfShare,
  nearestHeld,
  nearestLevels,
  needAt,
  rangesHeld,
  saySpare,
  spareAt,
  type HostRoom,
} from '../../domain/levels';

const share = (numerator: number, denominator: number): { share: { numerator: number; denominator: number } } => ({
  share: { numerator, denominator },
});

const anyShare = fc
  .tuple(fc.integer({ min: 1, max: 1_000_000 }), fc.integer({ min: 1, max: 1_000_000 }))
  .map(([a, b]) => share(Math.min(a, b), Math.max(a, b)));
const anySpare: fc.Arbitrary<Spare> = fc.oneof(
  fc.constant<Spare>('none'),
  fc.integer({ min: 1, max: 9 }).map((count) => ({ count })),
  anyShare,
  fc.tuple(fc.integer({ min: 1, max: 9 }), anyShare).map(([count, both]) => ({ count, ...both })),
);
const anySharing: fc.Arbitrary<Sharing> = fc
  .tuple(anySpare, fc.option(fc.oneof(anyShare, fc.record({ count: fc.integer({ min: 1, max: 9 }) })), { nil: null }))
  .map(([spare, outer]) => ({ spare, ...(outer && { failureDomain: { key: 'rack', spare: outer } }) }));
const anyRoom = fc.array(
  fc.record({ slots: fc.integer({ min: 0, max: 5 }), domain: fc.constantFrom('a', 'b', null) }),
  { maxLength: 6 },
);

function alone(room: readonly number[]): HostRoom[] {
  return room.map((slots) => ({ slots, domain: null }));
}

function isPlaceable(room: readonly HostRoom[], level: number, pool: Sharing): boolean {
  const cap = capAt(pool.spare, level);
  const most = pool.failureDomain ? capAt(pool.failureDomain.spare, level) : Infinity;
  const tried = (rest: readonly HostRoom[], members: number, on: Readonly<Record<string, number>>): boolean => {
    const [host, ...others] = rest;
    if (!host) return members === 0;
    const { slots, domain } = host;
    for (let here = 0; here <= Math.min(slots, cap, members); here++) {
      const there = domain === null ? 0 : (on[domain] ?? 0) + here;
      if (there > most) return false;
      if (tried(others, members - here, domain === null ? on : { ...on, [domain]: there })) return true;
    }
    return false;
  };
  return tried(room, level, {});
}

describe('spare', () => {
  test.each([
    ['29% of 100, which floats make 28', share(29, 100), 100, 29],
    ['a third of 3', share(1, 3), 3, 1],
    ['34% of 3', share(34, 100), 3, 1],
    ['34% of 5', share(34, 100), 5, 1],
    ['34% of 6', share(34, 100), 6, 2],
    ['a share of less than one member is one', share(1, 10), 4, 1],
    ['a count', { count: 2 }, 50, 2],
    ['a count and a share: the smaller, by share', { count: 2, ...share(34, 100) }, 3, 1],
    ['a count and a share: the smaller, by count', { count: 2, ...share(34, 100) }, 24, 2],
    ['none claims nothing', 'none', 5, 0],
  ] satisfies [string, Spare, number, number][])('%s', (_what, spare, level, members) => {
    expect(spareAt(spare, level)).toBe(members);
    expect(needAt(spare, level)).toBe(level - members);
  });

  test('is the floor of the exact product, whatever floats make of it', () => {
    fc.assert(
      fc.property(anyShare, fc.integer({ min: 1, max: 10_000 }), (spare, level) => {
        const exact = (BigInt(spare.share.numerator) * BigInt(level)) / BigInt(spare.share.denominator);
        expect(BigInt(spareAt(spare, level))).toBe(exact > 1n ? exact : 1n);
      }),
      { numRuns: 5_000 },
    );
  });

  test('the cap is never 0, and grows with the level', () => {
    fc.assert(
      fc.property(anySpare, fc.integer({ min: 1, max: 1_000 }), (spare, level) => {
        expect(capAt(spare, level)).toBeGreaterThanOrEqual(1);
        expect(capAt(spare, level + 1)).toBeGreaterThanOrEqual(capAt(spare, level));
      }),
    );
  });

  test('the least level of a share is the first at which one member is no more than it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 60 }), (a, b) => {
        const spare = share(Math.min(a, b), Math.max(a, b));
        const least = leastLevelOfShare(spare);
        const keeps = (level: number): boolean => spare.share.denominator <= spare.share.numerator * level;
        expect([keeps(least), least > 1 && keeps(least - 1)]).toEqual([true, false]);
      }),
    );
  });

  test('is said as a person writes it', () => {
    expect(
      [share(17, 50), share(1, 3), { count: 2, ...share(17, 50) }, { count: 1 }, 'none' as const].map(saySpare),
    ).toEqual(['34%', '1/3', '2 or 34%', '1', 'none']);
  });
});

describe('feasible', () => {
  test.each([
    ['20% on 5 hosts carries 5', [9, 9, 9, 9, 9], share(1, 5), 5, true],
    ['20% on 5 hosts does not carry 6: each may hold one', [9, 9, 9, 9, 9], share(1, 5), 6, false],
    ['20% on 5 hosts carries 10', [9, 9, 9, 9, 9], share(1, 5), 10, true],
    ['25% on 5 hosts does not carry 7', [9, 9, 9, 9, 9], share(1, 4), 7, false],
    ['25% on 5 hosts carries 8', [9, 9, 9, 9, 9], share(1, 4), 8, true],
    ['no hosts carry nothing', [], share(1, 4), 1, false],
  ] satisfies [string, number[], Spare, number, boolean][])('%s', (_what, room, spare, level, feasible) => {
    expect(isFeasible(alone(room), level, { spare })).toBe(feasible);
  });

  test('is what trying every placement says', () => {
    fc.assert(
      fc.property(anyRoom, anySharing, fc.integer({ min: 1, max: 20 }), (room, pool, level) => {
        expect(isFeasible(room, level, pool)).toBe(isPlaceable(room, level, pool));
      }),
      { numRuns: 1_000 },
    );
  });

  test('restorable is feasible without any one host', () => {
    fc.assert(
      fc.property(anyRoom, anySharing, fc.integer({ min: 1, max: 20 }), (room, pool, level) => {
        const without = room.map((_, lost) => room.filter((__, index) => index !== lost));
        const each = room.length > 0 && without.every((rest) => isFeasible(rest, level, pool));
        expect(isRestorable(room, level, pool)).toBe(each);
      }),
      { numRuns: 1_000 },
    );
  });

  test.each([
    ['half of it in a rack: two racks of two hosts carry 4', 'a a b b', 4, true],
    ['a rack of three hosts and one of one do not: two of a rack are its share', 'a a a b', 4, false],
    ['hosts in no rack carry what their own share is', 'a a - -', 4, true],
  ])('%s', (_what, racks, level, feasible) => {
    const room = racks.split(' ').map((rack) => ({ slots: 9, domain: rack === '-' ? null : rack }));
    const pool = { spare: { count: 1 }, failureDomain: { key: 'rack', spare: share(1, 2) } };
    expect(isFeasible(room, level, pool)).toBe(feasible);
  });
});

describe('nearest levels', () => {
  test('25% on 5 hosts at 7: 5 below, 8 above', () => {
    const room = [9, 9, 9, 9, 9];
    expect(nearestLevels(alone(room), 7, { spare: share(1, 4), size: { min: 1, initial: 1, max: 20 } })).toEqual({
      below: 5,
      above: 8,
    });
    expect(nearestLevels(alone(room), 7, { spare: share(1, 4), size: { min: 6, initial: 6, max: 7 } })).toEqual({});
  });

  test('are feasible and allowed, and none between is', () => {
    fc.assert(
      fc.property(anyRoom, anySharing, fc.integer({ min: 1, max: 20 }), (room, sharing, level) => {
        const pool = { ...sharing, size: { min: 2, initial: 2, max: 15 } };
        const levels = Array.from({ length: 14 }, (_, index) => index + 2);
        const feasible = levels.filter((each) => isFeasible(room, each, pool));
        const below = feasible.filter((each) => each < level).at(-1);
        const above = feasible.find((each) => each > level);
        expect(nearestLevels(room, level, pool)).toEqual({
          ...(below !== undefined && { below }),
          ...(above !== undefined && { above }),
        });
      }),
      { numRuns: 500 },
    );
  });
});

describe('after so many deaths', () => {
  const anyCrowd = fc.array(
    fc.record({ slots: fc.integer({ min: 0, max: 5 }), domain: fc.constantFrom('a', 'b', 'c', null) }),
    { maxLength: 8 },
  );

  /** What all hosts but some hold, each within its share. */
  function heldWithout(
    room: readonly HostRoom[],
    dead: ReadonlySet<number>,
    at: { pool: Sharing; level: number },
  ): number {
    const within = new Map<string, number>();
    let held = 0;
    room.forEach(({ slots, domain }, index) => {
      if (dead.has(index)) return;
      const most = domain === null ? Infinity : domainCapAt(at.pool, at.level) - (within.get(domain) ?? 0);
      const here = Math.min(slots, capAt(at.pool.spare, at.level), most);
      if (domain !== null) within.set(domain, (within.get(domain) ?? 0) + here);
      held += here;
    });
    return held;
  }

  test('what is left is the least that any so many deaths leave', () => {
    let bound = 0;
    fc.assert(
      fc.property(anyCrowd, anySharing, fc.integer({ min: 1, max: 20 }), (room, pool, level) => {
        const worst = Array.from({ length: room.length + 1 }, () => Infinity);
        for (let ways = 0; ways < 2 ** room.length; ways++) {
          const dead = new Set(room.flatMap((_, index) => ((ways >> index) % 2 === 1 ? [index] : [])));
          worst[dead.size] = Math.min(worst[dead.size] ?? Infinity, heldWithout(room, dead, { pool, level }));
        }
        expect(leftAfterDeaths(room, { pool, level })).toEqual(worst);
        worst.forEach((left, deaths) => {
          expect(leftAfterDeaths(room, { pool, level, most: deaths })).toEqual(worst.slice(0, deaths + 1));
          expect(heldAfterDeaths(room, pool, deaths)(level)).toBe(left);
        });
        if (worst.length > 2 && worst[0] === worst[1] && (worst[0] ?? 0) > 0) bound += 1;
      }),
      { numRuns: 1_000 },
    );
    // One death of them took nothing.
    expect(bound).toBeGreaterThan(20);
  });

  test('what is known of one level is not taken for another', () => {
    fc.assert(
      fc.property(anyCrowd, anySharing, fc.nat({ max: 3 }), (room, pool, deaths) => {
        const held = heldAfterDeaths(room, pool, deaths);
        for (let level = 1; level <= 30; level++)
          expect([level, held(level)]).toEqual([level, leftAfterDeaths(room, { pool, level })[deaths] ?? 0]);
      }),
    );
  });

  test('levels are found without a look at each of them', () => {
    const looked = new Set<number>();
    const held = (level: number): number => {
      looked.add(level);
      return Math.min(level + (level >> 3), 40_000);
    };
    const size = { min: 1, max: 100_000 };
    expect(nearestHeld(held, 90_000, size)).toEqual({ below: 40_000 });
    expect(nearestHeld(held, 30_000, size)).toEqual({ below: 29_999, above: 30_001 });
    expect(rangesHeld(held, size)).toEqual([[1, 40_000]]);
    expect(looked.size).toBeLessThan(300);
  });

  test('ranges are all levels that are had, and no other', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 3 }), { minLength: 12, maxLength: 12 }), (rises) => {
        const held = (level: number): number => rises.slice(0, level).reduce((sum, each) => sum + each, 0);
        const levels = Array.from({ length: 10 }, (_, index) => index + 2).filter((level) => held(level) >= level);
        const ranges = rangesHeld(held, { min: 2, max: 11 });
        const within = ranges.flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, at) => from + at));
        expect(within).toEqual(levels);
        // None begins where another ends.
        expect(ranges.every(([from], index) => index === 0 || from > (ranges[index - 1]?.[1] ?? 0) + 1)).toBe(true);
      }),
    );
  });
});

test('the least level of a cap has it, and none below has', () => {
  fc.assert(
    fc.property(anySpare, fc.integer({ min: 1, max: 12 }), (spare, many) => {
      const least = leastLevelOfCap(spare, many);
      if (least === Infinity) expect(capAt(spare, 100_000_000)).toBeLessThan(many);
      else expect(capAt(spare, least)).toBeGreaterThanOrEqual(many);
      if (least > 0 && least < Infinity) expect(capAt(spare, least - 1)).toBeLessThan(many);
    }),
  );
});
