import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CapacityResult, DryRunResult } from '../../client';
import { runToEnd, type Finished } from '../real/program';
import { openHosts, sweep } from './inventory';
import { descriptorIn, done, levels } from './round';
import { startLabWorld, type LabWorld } from './world';

/** What a person looks at before anything is done, typed as a person types it: it is said of a real cloud, and nothing is made. */

const cli = 'scripts/programs/cli/main.js';
const suiteMs = 300_000;

describe.each(['lab-operator', 'lab-tenant'] as const)('as %s', (entry) => {
  const vnf = `look${entry === 'lab-tenant' ? '2' : '1'}`;
  let world: LabWorld;

  beforeAll(async () => {
    world = await startLabWorld(entry);
    await done(world, 'instantiate', { vnf, descriptor: descriptorIn('mz') });
  }, suiteMs);

  afterAll(async () => {
    try {
      if ((await world.settle(vnf)) !== null) await done(world, 'terminate', { vnf });
    } finally {
      await world.stop();
      await openHosts(world.cloud);
      await sweep(world.own);
    }
  }, suiteMs);

  function bulkhead(...args: string[]): Promise<Finished> {
    return runToEnd(cli, args, { env: { TEMPORAL_ADDRESS: world.address }, cwd: world.directory });
  }

  test(
    'capacity says what the VNF can be here, or what a tenant cannot know',
    async () => {
      const { code, stdout } = await bulkhead('capacity', vnf, '--json', '--svg', 'capacity.svg');
      expect(code).toBe(0);
      const { pools, hosts, untold, together } = JSON.parse(stdout) as CapacityResult;
      const [web] = pools;
      expect(web).toMatchObject({ pool: 'web', level: levels.low, inService: levels.low, cap: 1 });
      expect(Object.keys(web?.on ?? {})).toHaveLength(levels.low);
      expect(hosts.map(({ name }) => name)).toEqual(expect.arrayContaining(Object.keys(web?.on ?? {})));
      expect(readFileSync(join(world.directory, 'capacity.svg'), 'utf8')).toMatch(/^<svg /);
      if (entry === 'lab-tenant') {
        expect([web?.feasible, web?.deaths, together]).toEqual([null, null, null]);
        expect(untold).toContain('Ask an operator');
      } else {
        const { NotNeeded: free = 0, CapReached: full = 0 } = web?.reasons ?? {};
        expect(free).toBeGreaterThan(0);
        // One on a host: as many may die as are not needed of those that have one, or have room for one.
        const deaths = free + full - levels.low;
        expect([web?.deaths, together]).toMatchObject([deaths, { deaths, short: ['web'] }]);
      }
      expect((await bulkhead('capacity', vnf)).stdout).toContain(`${vnf} as it is`);
    },
    suiteMs,
  );

  test(
    'a dry run says what would be where, and why',
    async () => {
      const { code, stdout } = await bulkhead('scale-out', vnf, 'web', String(levels.high), '--dry-run', '--json');
      expect(code).toBe(0);
      const { launches, explanations } = JSON.parse(stdout) as DryRunResult;
      expect(launches).toHaveLength(levels.high - levels.low);
      const choices = explanations[vnf]?.told?.choices ?? [];
      if (entry === 'lab-tenant') expect(choices).toEqual([]);
      else expect(choices).toMatchObject([{ pool: 'web', counts: { WrongZone: expect.any(Number) as number } }]);
    },
    suiteMs,
  );
});
