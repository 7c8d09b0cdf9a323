import { rmSync } from 'node:fs';
import type { Found } from '../../scripts/programs/soak/play';
import { begin, runToEnd, type Finished } from '../real/program';
import { publishesNothing } from './publishesNothing';

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
    await soak.says('100000 runs from seed 30000001 …');
    soak.kill('SIGTERM');
    const { code, stdout } = await soak.ended;
    expect(stdout).toMatch(/^\d+ runs from seed 30000001 until SIGTERM: 0 violations, /m);
    expect(code).toBe(143);
  },
);

describe('of a product that publishes nothing', () => {
  let release: string;
  beforeAll(() => {
    release = publishesNothing();
  });
  afterAll(() => {
    rmSync(release, { recursive: true, force: true });
  });

  function soak(...args: string[]): Promise<Finished> {
    return runToEnd('scripts/programs/soak/main.js', args, { release });
  }

  /** Seed 1, as short as it fails. */
  const shortest: Found = {
    seed: 1,
    story: [
      'seed 1: 8 hosts in mz, 2 hosts in dmz',
      'v1: web (mz, 2-5-11, spare 2), edge (dmz, 2-4-10, spare 25%)',
      'v2: web (mz, 2-2-8, spare 1/3)',
      '    2 s  instantiate vnf v2',
    ],
    problems: [
      'G2 BROKEN service: never fewer in service than asked for (3 facts)',
      expect.stringMatching(/^ {5}G2 by event \d+: 0 members of web are in service, and there must be 2$/) as string,
    ],
  };

  test.each([['1'], ['2']])(
    'in %s processes each night is told as it is found, by its seed and its shortest story, and it exits with 1',
    async (jobs) => {
      const { code, stdout } = await soak('--json', '--seed', '1', '--runs', '2', '--jobs', jobs);
      const lines = stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown);
      const found = (lines.slice(0, -1) as Found[]).sort((a, b) => a.seed - b.seed);
      expect(found).toHaveLength(2);
      expect(found[0]).toEqual(shortest);
      expect(found[1]?.seed).toBe(2);
      expect(found[1]?.story[0]).toMatch(/^seed 2: /);
      expect(found[1]?.problems[0]).toMatch(/^G\d BROKEN /);
      expect(lines.at(-1)).toMatchObject({ runs: 2, violations: 2 });
      expect(code).toBe(1);
    },
  );

  test('the seed that was told plays it again, and a person reads the same', async () => {
    const { code, stdout } = await soak('--seed', '1', '--runs', '1');
    expect(stdout.split('\n')).toEqual([
      '1 runs from seed 1 …',
      ...[...shortest.story, ...shortest.problems, ''],
      expect.stringMatching(/^1 runs from seed 1: 1 violations, /),
      '',
    ]);
    expect(code).toBe(1);
  });
});
