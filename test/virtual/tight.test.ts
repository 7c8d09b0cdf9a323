import { onePool, vnf } from '../../scripts/lib/virtual/specs';
import { openWorld, type World } from '../../scripts/lib/virtual/world';
import { hostsOf, migrate, setAlive } from '../../simulator';
import type { Server } from '../../simulator/model';
import { fail } from '../../simulator/scheduler';

/** A pool that fills its share of every host that there is: a dead member's place is the only one for who replaces it. */

const nine = {
  ...onePool,
  pools: onePool.pools.map((pool) => ({ ...pool, size: { min: 3, initial: 9, max: 9 } })),
};

/** With how many hosts the pool is full. */
const shapes = [
  ['4 members on 4 hosts', onePool, 4],
  ['9 members on 3 hosts', nine, 3],
] as const;

async function open(as: 'operator' | 'tenant', descriptor: unknown, hosts: number): Promise<World> {
  const world = openWorld({ seed: 1, as, cloud: { hosts: hostsOf({ mz: hosts }) } });
  expect(await world.run('instantiate', { vnf, descriptor })).toMatchObject({ outcome: 'completed' });
  await world.settle(vnf);
  return world;
}

function serverOf(world: World, ordinal: number): Server {
  const member = world.viewOf(vnf)?.pools['web']?.inService.find((each) => each.ordinal === ordinal);
  const server = world.cloud.servers.get(member?.serverId ?? '');
  if (!server) throw new Error(`there is no member ${String(ordinal)}`);
  return server;
}

/** It ends in ERROR, on its host, as where its guest cannot be spawned anew. */
function breakMember(world: World, ordinal: number): void {
  fail(world.cloud, serverOf(world, ordinal), { code: 500, message: 'its guest is gone' });
}

/** Another hand takes it to the host of another. */
function move(world: World, ordinal: number, to: number): void {
  const host = world.cloud.hosts.get(serverOf(world, to).host ?? '');
  if (!host) throw new Error(`member ${String(to)} is on no host`);
  migrate(world.cloud, serverOf(world, ordinal), host);
}

/** How many members in service are on each host, the fewest first. */
function shares(world: World): number[] {
  const inService = world.viewOf(vnf)?.pools['web']?.inService ?? [];
  const on = new Map<string, number>();
  for (const { serverId } of inService) {
    const host = world.cloud.servers.get(serverId)?.host ?? 'none';
    on.set(host, (on.get(host) ?? 0) + 1);
  }
  return [...on.values()].sort((a, b) => a - b);
}

describe.each(['operator', 'tenant'] as const)('as %s', (as) => {
  test.each(shapes)('%s: whoever dies is replaced where it was', async (_, descriptor, hosts) => {
    for (const dead of [[1], [2, 3], [1, 2, 4]]) {
      const world = await open(as, descriptor, hosts);
      try {
        const before = shares(world);
        for (const ordinal of dead) breakMember(world, ordinal);
        const end = await world.run('heal', { vnf });
        expect(end).toMatchObject({ outcome: 'completed', result: { launched: dead.map(() => ({})), short: [] } });
        await world.settle(vnf);
        expect(shares(world)).toEqual(before);
        expect(world.verdict()).toMatchObject({ ok: true });
      } finally {
        world.close();
      }
    }
  });

  test.each([1, 4, 7])(
    '9 members on 3 hosts: the place of member %i, which was moved, is filled by a rebalance',
    async (moved) => {
      const world = await open(as, nine, 3);
      try {
        move(world, moved, 2);
        expect(shares(world)).toEqual([2, 3, 4]);
        const end = await world.run('rebalance', { vnf });
        expect(end).toMatchObject({ outcome: 'completed', result: { launched: [{}], short: [] } });
        await world.settle(vnf);
        expect(shares(world)).toEqual([3, 3, 3]);
        expect(world.verdict()).toMatchObject({ ok: true });
      } finally {
        world.close();
      }
    },
  );

  test('9 members on 3 hosts: where one was moved and another has died, a rebalance and a heal bring all back', async () => {
    const world = await open(as, nine, 3);
    try {
      move(world, 1, 2);
      breakMember(world, 3);
      for (const procedure of ['rebalance', 'heal'] as const) {
        expect(await world.run(procedure, { vnf })).toMatchObject({ outcome: 'completed', result: { short: [] } });
        await world.settle(vnf);
      }
      expect(shares(world)).toEqual([3, 3, 3]);
      expect(world.verdict()).toMatchObject({ ok: true });
    } finally {
      world.close();
    }
  });
});

test('a tenant whose host is dead gets its members back when the host is, though the dead went first', async () => {
  const world = await open('tenant', nine, 3);
  try {
    const [lost] = world.cloud.hosts.values();
    if (!lost) throw new Error('there is no host');
    setAlive(world.cloud, lost, false);
    const onIt = world.viewOf(vnf)?.pools['web']?.inService ?? [];
    const members = onIt.flatMap(({ serverId, ordinal }) =>
      world.cloud.servers.get(serverId)?.host === lost.name ? [`${vnf}-web-${String(ordinal)}`] : [],
    );
    expect(await world.run('heal', { vnf, members })).toMatchObject({ outcome: 'unwound', kind: 'NotFound' });
    await world.settle(vnf);
    setAlive(world.cloud, lost, true);
    await world.pass(120_000);
    expect(await world.run('heal', { vnf })).toMatchObject({
      outcome: 'completed',
      result: { launched: [{}, {}, {}] },
    });
    await world.settle(vnf);
    expect(shares(world)).toEqual([3, 3, 3]);
    expect(world.verdict()).toMatchObject({ ok: true });
  } finally {
    world.close();
  }
});
