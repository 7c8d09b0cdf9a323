import { openWorld, type World } from '../../scripts/lib/virtual/world';
import { onePool, vnf, zones } from '../../scripts/lib/virtual/specs';
import { hostsOf } from '../../simulator';
import type { CapacityResult } from '../../domain/procedures';

/** One look at the record and one at the cloud, whoever has the turn; and not a change of anything. */

async function open(as: 'operator' | 'tenant'): Promise<World> {
  const world = openWorld({ seed: 1, as, cloud: { hosts: hostsOf(zones) } });
  await world.run('instantiate', { vnf, descriptor: onePool });
  return world;
}

async function asked(world: World, input: object): Promise<ReturnType<World['temporal']['start']>> {
  const run = world.temporal.start({ type: 'capacity', workflowId: `look-${String(world.time.now())}`, args: [input] });
  await world.until('it has looked', () => run.status !== 'RUNNING');
  return run;
}

function changesIn({ cloud }: World): number {
  return cloud.log.filter(({ type }) => type !== 'note').length;
}

test.each(['operator', 'tenant'] as const)('as %s', async (as) => {
  const world = await open(as);
  try {
    await world.settle(vnf);
    const before = changesIn(world);
    const result = (await asked(world, { vnf })).result as CapacityResult;
    expect(result).toMatchObject({ outcome: 'completed', procedure: 'capacity', vnf, exists: true });
    // Four of at most one on a host, and eight hosts.
    expect(result.pools).toMatchObject([{ pool: 'web', level: 4, cap: 1, deaths: as === 'tenant' ? null : 4 }]);
    expect(result.together?.deaths).toBe(as === 'tenant' ? undefined : 4);
    const yet = (await asked(world, { vnf: 'w', descriptor: onePool })).result as CapacityResult;
    expect(yet).toMatchObject({ vnf: 'w', exists: false, refusal: null });
    expect(changesIn(world)).toBe(before);
  } finally {
    world.close();
  }
});

test('while another run has the turn it is told at once', async () => {
  const world = await open('operator');
  try {
    await world.settle(vnf);
    const scaling = world.begin('scaleOut', { vnf, pool: 'web', to: 6 });
    await world.until('it has the turn', () => world.viewOf(vnf)?.turn !== null);
    const result = (await asked(world, { vnf })).result as CapacityResult;
    expect([scaling.ended(), result.pools[0]?.level]).toEqual([undefined, 4]);
    await scaling.end();
  } finally {
    world.close();
  }
});

test('of nobody, of one that there is already, and of no descriptor: refused, each with its kind', async () => {
  const world = await open('operator');
  try {
    for (const [input, kind] of [
      [{ vnf: 'nobody' }, 'UnknownVnf'],
      [{ vnf, descriptor: onePool }, 'AlreadyExists'],
      [{ vnf: 'w', descriptor: { name: 'none' } }, 'InvalidRequest'],
      [{ vnf, dryRun: true }, 'InvalidRequest'],
    ] as const) {
      const run = await asked(world, input);
      expect([run.status, run.failure?.applicationFailureInfo?.type]).toEqual(['FAILED', kind]);
    }
  } finally {
    world.close();
  }
});
