import { begin, runToEnd } from '../real/program';

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

test.each([['1'], ['2']])(
  'stopped in %s processes, it says what came of the nights that it has played',
  async (jobs) => {
    const soak = begin('scripts/programs/soak/main.js', ['--runs', '100000', '--jobs', jobs]);
    await soak.says('100000 runs from seed 1 …');
    soak.kill('SIGTERM');
    const { code, stdout } = await soak.ended;
    expect(stdout).toMatch(/^\d+ runs from seed 1 until SIGTERM: 0 violations, /m);
    expect(code).toBe(143);
  },
);
