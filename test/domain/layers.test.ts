import { fc } from '../property';
import { dependencyCycles, dependencyLayers } from '../../domain/descriptor/layers';

interface Waiting {
  readonly name: string;
  readonly dependsOn: readonly string[];
}

/** `a: b c` waits for b and c. */
const waiting = (...lines: readonly string[]): Waiting[] =>
  lines.map((line) => {
    const [name = '', rest = ''] = line.split(':');
    return { name, dependsOn: rest.split(' ').filter((each) => each !== '') };
  });

const namesOf = (layers: readonly (readonly Waiting[])[]): string[][] =>
  layers.map((layer) => layer.map(({ name }) => name));

/** Up to six pools that wait for any of each other. */
const anyGraph = fc
  .array(fc.subarray(['p0', 'p1', 'p2', 'p3', 'p4', 'p5']), { minLength: 1, maxLength: 6 })
  .map((edges) =>
    edges.map((dependsOn, at): Waiting => ({
      name: `p${String(at)}`,
      dependsOn: dependsOn.filter((name) => Number(name.slice(1)) < edges.length),
    })),
  );

/** Whether somebody can be reached from itself: tried by walking every way. */
function goesRound(pools: readonly Waiting[]): boolean {
  const reaches = (from: string, to: string, seen: ReadonlySet<string>): boolean =>
    (pools.find(({ name }) => name === from)?.dependsOn ?? []).some(
      (next) => next === to || (!seen.has(next) && reaches(next, to, new Set([...seen, next]))),
    );
  return pools.some(({ name }) => reaches(name, name, new Set()));
}

describe('layers', () => {
  test.each([
    ['nobody waits: one layer, in the order of the file', ['b', 'a', 'c'], [['b', 'a', 'c']]],
    ['a chain', ['a: b', 'b: c', 'c'], [['c'], ['b'], ['a']]],
    [
      'two ways to one end',
      ['top: left right', 'left: base', 'right: base', 'base'],
      [['base'], ['left', 'right'], ['top']],
    ],
    [
      'as early as may be, and after all that is waited for',
      ['a', 'b: a', 'c: a b', 'd: a'],
      [['a'], ['b', 'd'], ['c']],
    ],
    ['no pools', [], []],
  ])('%s', (_what, lines, layers) => {
    expect(namesOf(dependencyLayers(waiting(...lines)))).toEqual(layers);
  });

  test('have every pool once, and, without a circle, each after all that it waits for and right after one of them', () => {
    let straight = 0;
    fc.assert(
      fc.property(anyGraph, (pools) => {
        const layers = namesOf(dependencyLayers(pools));
        expect(layers.flat().sort()).toEqual(pools.map(({ name }) => name).sort());
        if (goesRound(pools)) return;
        straight += 1;
        const layerOf = (name: string): number => layers.findIndex((layer) => layer.includes(name));
        for (const { name, dependsOn } of pools)
          expect(layerOf(name)).toBe(Math.max(0, ...dependsOn.map((each) => layerOf(each) + 1)));
      }),
      { numRuns: 500 },
    );
    expect(straight).toBeGreaterThan(50);
  });
});

describe('circles', () => {
  test.each([
    ['none', ['a: b', 'b: c', 'c'], []],
    ['names that no pool has', ['a: nobody'], []],
    ['one that waits for itself', ['a', 'b: b a'], [['b']]],
    ['two', ['a: b', 'b: a'], [['a', 'b']]],
    ['three, in the order of waiting', ['a: c', 'b: a', 'c: b'], [['a', 'c', 'b']]],
    ['one and who only waits for it', ['x: a', 'a: b', 'b: a', 'y: x'], [['a', 'b']]],
    [
      'two apart, and who is between',
      ['a: b', 'b: a', 'x: a', 'c: d x', 'd: c'],
      [
        ['a', 'b'],
        ['c', 'd'],
      ],
    ],
  ])('%s', (_what, lines, circles) => {
    expect(dependencyCycles(waiting(...lines))).toEqual(circles);
  });

  test('are found exactly where there are any, are circles, and have no pool in common', () => {
    const seen = { round: 0, straight: 0 };
    fc.assert(
      fc.property(anyGraph, (pools) => {
        const circles = dependencyCycles(pools);
        const round = goesRound(pools);
        seen[round ? 'round' : 'straight'] += 1;
        expect(circles.length > 0).toBe(round);
        for (const circle of circles)
          circle.forEach((name, at) => {
            const next = circle[(at + 1) % circle.length];
            expect(pools.find((pool) => pool.name === name)?.dependsOn).toContain(next);
          });
        expect(new Set(circles.flat()).size).toBe(circles.flat().length);
        // None is left once they are broken.
        expect(goesRound(pools.filter(({ name }) => !circles.flat().includes(name)))).toBe(false);
      }),
      { numRuns: 500 },
    );
    expect(Math.min(seen.round, seen.straight)).toBeGreaterThan(50);
  });
});
