import { runToEnd } from '../real/program';

/** In how many processes nights are played must not be seen in what came of them. */
test.each([['1'], ['2']])('five nights in %s processes', async (jobs) => {
  const args = ['--json', '--seed', '1', '--runs', '5', '--jobs', jobs];
  const { code, stdout } = await runToEnd('scripts/programs/soak/main.js', args);
  const rate = expect.any(Number) as unknown;
  const rates = { runsPerSecond: rate, lifecyclesPerSecond: rate };
  expect(stdout.trim().split('\n')).toHaveLength(1);
  expect(JSON.parse(stdout)).toEqual({ runs: 5, violations: 0, lifecycles: 5, ...rates });
  expect(code).toBe(0);
});
