import type { EvacuateHostResult } from '../../domain/procedures';
import { onePool } from '../../scripts/lib/virtual/specs';
import { openWorld, type World } from '../../scripts/lib/virtual/world';
import { hostsOf, setAlive } from '../../simulator';

/** Members of several VNFs on a host that is to be worked on. */

const vnfs = ['ims1', 'ims2', 'ims3'];
const descriptor = { ...onePool, pools: [{ ...onePool.pools[0], size: { min: 2, initial: 2, max: 4 }, spare: 1 }] };

/** Two members of each VNF, on the first two of hosts that have room for so many: the others are opened when they are there. */
async function open(rooms: readonly number[], quotas: Record<string, number> = {}): Promise<World> {
  const hosts = hostsOf({ mz: rooms.length }).map((host, at) => ({ ...host, vcpus: rooms[at] ?? 0 }));
  const world = openWorld({ seed: 1, cloud: { hosts, quotas } });
  const others = [...world.cloud.hosts.values()].slice(2);
  for (const host of others) setAlive(world.cloud, host, false);
  await world.pass(120_000);
  for (const vnf of vnfs) {
    const made = world.begin('instantiate', { vnf, descriptor });
    await world.until(`${vnf} is there`, () => made.ended() !== undefined);
    expect(made.ended()).toMatchObject({ outcome: 'completed' });
    await world.settle(vnf);
  }
  for (const host of others) setAlive(world.cloud, host, true);
  await world.pass(120_000);
  return world;
}

function serversOn({ cloud }: World, host: string): string[] {
  return [...cloud.servers.values()].flatMap((server) => (server.host === host ? [server.name] : []));
}

async function emptied(world: World, host: string): Promise<EvacuateHostResult> {
  const run = world.begin('evacuateHost', { hosts: [host], cause: 'maintenance' });
  await world.until(`${host} is empty`, () => run.ended() !== undefined);
  expect(run.ended()).toMatchObject({ outcome: 'completed' });
  for (const vnf of vnfs) await world.settle(vnf);
  return run.run().result as EvacuateHostResult;
}

test('find their places beside each other, also where all of them would go to the same', async () => {
  const world = await open([3, 3, 1, 1, 1]);
  try {
    const result = await emptied(world, 'cmp-01');
    expect(result.vnfs.map(({ launched }) => launched.length)).toEqual([1, 1, 1]);
    expect(result.vnfs.map(({ replans }) => replans)).toEqual([0, 0, 0]);
    expect(['cmp-03', 'cmp-04', 'cmp-05'].map((host) => serversOn(world, host).length)).toEqual([1, 1, 1]);
    expect(world.verdict()).toMatchObject({ ok: true });
  } finally {
    world.close();
  }
});

test('move one after another where the quota carries one more and no two', async () => {
  const world = await open([9, 9, 9], { instances: 7 });
  try {
    expect(serversOn(world, 'cmp-01')).toHaveLength(3);
    const dry = world.begin('evacuateHost', { hosts: ['cmp-01'], cause: 'maintenance', dryRun: true });
    await world.until('it is planned', () => dry.ended() !== undefined);
    expect(dry.ended()).toMatchObject({ result: { outcome: 'planned', oneByOne: true, launches: { length: 3 } } });
    const seen = world.cloud.log.length;
    await emptied(world, 'cmp-01');
    expect(serversOn(world, 'cmp-01')).toEqual([]);
    let most = 6;
    let now = 6;
    for (const event of world.cloud.log.slice(seen)) {
      if (event.type === 'server.created') most = Math.max(most, ++now);
      if (event.type === 'server.deleted') now -= 1;
    }
    expect([most, now]).toEqual([7, 6]);
    expect(world.verdict()).toMatchObject({ ok: true });
  } finally {
    world.close();
  }
});
