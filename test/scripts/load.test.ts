import { problemsOf, type Phase } from '../../scripts/programs/bench/load';

/** What `./scripts/bench load` does not let pass. */

const limits = { calls: 16, callsPerSecond: 300 };

function phaseOf(change: Partial<Phase>): Phase {
  return {
    ...{ phase: 'load 1', seconds: 60, outcomes: { 'heal completed': 16 }, slowest: {}, touched: 100 },
    ...{ calls: 4_000, callsAtOnceMost: 16, callsPerSecondMost: 300, workerMegabytes: { most: 1_400, atEnd: 1_000 } },
    ...change,
  };
}

test('what completes, within the limits, in as much memory as before, is as it has to be', () => {
  const again = phaseOf({ phase: 'load 2', workerMegabytes: { most: 1_900, atEnd: 1_250 } });
  // What comes before and after the rounds is another load.
  const { touched, ...before } = phaseOf({ phase: 'instantiate', workerMegabytes: { most: 300, atEnd: 300 } });
  expect(touched).toBe(100);
  expect(problemsOf(limits, [before, phaseOf({}), again])).toEqual([]);
});

test.each([
  ['a run that was refused', [phaseOf({ outcomes: { 'heal completed': 15, 'heal refused': 1 } })], /1 of heal refused/],
  ['a call too many at once', [phaseOf({ callsAtOnceMost: 17 })], /17 calls at once, and 16 may be/],
  ['a call too many in a second', [phaseOf({ callsPerSecondMost: 301 })], /301 calls within a second/],
  [
    'memory that grows from round to round',
    [phaseOf({}), phaseOf({ workerMegabytes: { most: 1_300, atEnd: 1_251 } })],
    /1000 MB at the end of the first round, and 1251 MB at that of the last/,
  ],
])('%s is told', (_, phases, said) => {
  expect(problemsOf(limits, phases)).toEqual([expect.stringMatching(said)]);
});
