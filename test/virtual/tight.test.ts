import type { Member } from '../../domain/record';
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

const eight = {
  ...onePool,
  pools: onePool.pools.map((pool) => ({ ...pool, size: { min: 3, initial: 8, max: 9 } })),
};

/** With how many hosts the pool is full. */
const shapes = [
  ['4 members on 4 hosts', onePool, 4],
  ['9 members on 3 hosts', nine, 3],
] as const;

/** Plays on a pool that is there, and judges all that came of it. */
async function within(
  [as, descriptor, hosts]: readonly ['operator' | 'tenant', unknown, number],
  body: (world: World) => Promise<void>,
): Promise<void> {
  const world = openWorld({ seed: 1, as, cloud: { hosts: hostsOf({ mz: hosts }) } });
  try {
    expect(await world.run('instantiate', { vnf, descriptor })).toMatchObject({ outcome: 'completed' });
    await world.settle(vnf);
    await body(world);
    expect(world.verdict()).toMatchObject({ ok: true });
  } finally {
    world.close();
  }
}

function inService(world: World): readonly Member[] {
  return world.viewOf(vnf)?.pools['web']?.inService ?? [];
}

function hostOf(world: World, { serverId }: Member): string | null | undefined {
  return world.cloud.servers.get(serverId)?.host;
}

/** This one where it serves, else the one that was made last: ordinals are used up by what was tried in vain, too. */
function newest(world: World, ordinal: number): number {
  const ordinals = inService(world).map((member) => member.ordinal);
  return ordinals.includes(ordinal) ? ordinal : Math.max(...ordinals);
}

function serverOf(world: World, ordinal: number): Server {
  const member = inService(world).find((each) => each.ordinal === ordinal);
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
  const on = new Map<string, number>();
  for (const member of inService(world)) {
    const host = hostOf(world, member) ?? 'none';
    on.set(host, (on.get(host) ?? 0) + 1);
  }
  return [...on.values()].sort((a, b) => a - b);
}

describe.each(['operator', 'tenant'] as const)('as %s', (as) => {
  test.each(shapes)('%s: whoever dies is replaced where it was', async (_, descriptor, hosts) => {
    for (const dead of [[1], [2, 3], [1, 2, 4]]) {
      await within([as, descriptor, hosts], async (world) => {
        const before = shares(world);
        for (const ordinal of dead) breakMember(world, ordinal);
        const end = await world.run('heal', { vnf });
        expect(end).toMatchObject({ outcome: 'completed', result: { launched: dead.map(() => ({})), short: [] } });
        await world.settle(vnf);
        expect(shares(world)).toEqual(before);
      });
    }
  });

  test.each([1, 4, 7])(
    '9 members on 3 hosts: the place of member %i, which was moved, is filled by a rebalance',
    async (moved) => {
      await within([as, nine, 3], async (world) => {
        move(world, moved, 2);
        expect(shares(world)).toEqual([2, 3, 4]);
        const end = await world.run('rebalance', { vnf });
        expect(end).toMatchObject({ outcome: 'completed', result: { launched: [{}], short: [] } });
        await world.settle(vnf);
        expect(shares(world)).toEqual([3, 3, 3]);
      });
    },
  );

  test('9 members on 3 hosts, one at a turn: two die, one of whom has replaced another before', async () => {
    const serial = { ...nine, pools: nine.pools.map((pool) => ({ ...pool, serial: true })) };
    await within([as, serial, 3], async (world) => {
      for (const dead of [[1], [4, 10], [2, 6, 7]]) {
        for (const ordinal of dead) breakMember(world, newest(world, ordinal));
        expect(await world.run('heal', { vnf })).toMatchObject({ outcome: 'completed', result: { short: [] } });
        await world.settle(vnf);
        expect(shares(world)).toEqual([3, 3, 3]);
      }
    });
  });

  test('8 members on 4 hosts: where a group has a place without room, whoever dies in another is replaced where it was', async () => {
    await within([as, eight, 4], async (world) => {
      breakMember(world, 1);
      await world.run('heal', { vnf });
      await world.settle(vnf);
      const healed = serverOf(world, newest(world, 9)).host ?? '';
      expect(await world.run('scaleIn', { vnf, pool: 'web', to: 7 })).toMatchObject({ outcome: 'completed' });
      await world.settle(vnf);
      Object.assign(world.cloud.hosts.get(healed) ?? {}, { enabled: false });
      const [elsewhere] = inService(world).filter((member) => hostOf(world, member) !== healed);
      breakMember(world, elsewhere?.ordinal ?? 0);
      expect(await world.run('heal', { vnf })).toMatchObject({ outcome: 'completed', result: { short: [] } });
      await world.settle(vnf);
      expect(shares(world)).toEqual([1, 2, 2, 2]);
    });
  });

  test.each([
    ['rebalance', 'heal'],
    ['heal', 'rebalance'],
  ] as const)(
    '9 members on 3 hosts: where one was moved and another has died, a %s and a %s bring all back',
    async (...both) => {
      await within([as, nine, 3], async (world) => {
        move(world, 1, 2);
        breakMember(world, 3);
        for (const procedure of both) {
          expect(await world.run(procedure, { vnf })).toMatchObject({ outcome: 'completed', result: { short: [] } });
          await world.settle(vnf);
        }
        expect(shares(world)).toEqual([3, 3, 3]);
      });
    },
  );
});

test('a tenant whose host is dead gets its members back when the host is, though the dead went first', async () => {
  await within(['tenant', nine, 3], async (world) => {
    const [lost] = world.cloud.hosts.values();
    if (!lost) throw new Error('there is no host');
    setAlive(world.cloud, lost, false);
    const onIt = inService(world).filter((member) => hostOf(world, member) === lost.name);
    const members = onIt.map(({ ordinal }) => `${vnf}-web-${String(ordinal)}`);
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
  });
});
