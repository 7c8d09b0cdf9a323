import fc from 'fast-check';

/**
 * Properties over generated cases. A run of the tests tries the same cases each time: what it counts (how often a rare kind came up) must not
 * be a matter of luck. A long run, `BULKHEAD_PROPERTY_RUNS=100000`, takes others each time; `BULKHEAD_PROPERTY_SEED` those of one that failed.
 */
const asked = process.env['BULKHEAD_PROPERTY_RUNS'];
const seed = process.env['BULKHEAD_PROPERTY_SEED'] ?? (asked === undefined ? 1 : undefined);
if (seed !== undefined) fc.configureGlobal({ seed: Number(seed) });

/** How many cases: `usual` in a run of the tests, in a long one that many times more than asked for (`part`), and never above `most`. */
export function casesOf(
  usual: number,
  { part = 1, most = Infinity }: { readonly part?: number; readonly most?: number } = {},
): { readonly numRuns: number } {
  return { numRuns: Math.min(most, asked === undefined ? usual : Math.ceil(Number(asked) * part)) };
}

export { fc };
