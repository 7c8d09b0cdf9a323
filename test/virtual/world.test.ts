import { openWorld } from '../../scripts/lib/virtual/world';
import { hostsOf } from '../../simulator';
import { small } from '../real/world';

test('a whole life', async () => {
  const world = openWorld({ seed: 1, cloud: { hosts: hostsOf({ mz: 8, dmz: 1 }), bootSeconds: [5, 10], latencyMs: [1, 5] } });
  try {
    const run = async (procedure: never, input: Record<string, unknown>): Promise<void> => {
      const begun = world.begin(procedure, input);
      await world.until(procedure, () => begun.ended() !== undefined);
      console.log(procedure, JSON.stringify(begun.ended())?.slice(0, 400), world.time.now());
    };
    await run('instantiate' as never, { vnf: 'v', descriptor: small });
    await world.settle('v');
    await run('scaleOut' as never, { vnf: 'v', pool: 'web', to: 6 });
    await world.settle('v');
    await run('scaleIn' as never, { vnf: 'v', pool: 'web', to: 4 });
    await world.settle('v');
    await run('terminate' as never, { vnf: 'v' });
    await world.settle('v');
    console.log(JSON.stringify(world.verdict()).slice(0, 2000), world.cloud.calls);
  } finally {
    world.close();
  }
});
