import type { EvacuateHostResult } from '../../domain/procedures';
import { onePool } from '../../scripts/lib/virtual/specs';
import { openWorld, type World } from '../../scripts/lib/virtual/world';
import { hostsOf, setAlive } from '../../simulator';

/** Members of several pools, or of several VNFs, on a host that is to be worked on, or has died. */

const [web] = onePool.pools;
const two = { size: { min: 2, initial: 2, max: 4 }, spare: 1 } as const;
const single = { size: { min: 1, initial: 1, max: 4 }, spare: 'none' } as const;
const oneOfTwo = { ...onePool, pools: [{ ...web, ...two }] };

interface Room {
  readonly vcpus: number;
  readonly ramMb?: number;
}

interface Given {
  readonly vnfs: readonly string[];
  readonly descriptor: unknown;
  /** Of each host. */
  readonly rooms: readonly Room[];
  readonly quotas?: Readonly<Record<string, number>>;
}

/** The members are on the first two hosts: the others come when they are there. */
async function open({ vnfs, descriptor, rooms, quotas = {} }: Given): Promise<World> {
  const hosts = hostsOf({ mz: rooms.length }).map((host, at) => ({ ...host, ...rooms[at] }));
  const world = openWorld({ seed: 1, cloud: { hosts, quotas } });
  const others = [...world.cloud.hosts.values()].slice(2);
  for (const host of others) setAlive(world.cloud, host, false);
  await world.pass(120_000);
  for (const vnf of vnfs) {
    expect(await world.run('instantiate', { vnf, descriptor })).toMatchObject({ outcome: 'completed' });
    await world.settle(vnf);
  }
  for (const host of others) setAlive(world.cloud, host, true);
  await world.pass(120_000);
  return world;
}

function serversOn({ cloud }: World, host: string): string[] {
  return [...cloud.servers.values()].flatMap((server) => (server.host === host ? [server.name] : []));
}

/** How it ended, for each VNF. */
async function emptied(
  world: World,
  host: string,
  cause: 'maintenance' | 'failed',
): Promise<EvacuateHostResult['vnfs']> {
  const end = await world.run('evacuateHost', { hosts: [host], cause });
  expect(end).toMatchObject({ outcome: 'completed' });
  const { vnfs } = end.result as EvacuateHostResult;
  for (const { vnf } of vnfs) await world.settle(vnf);
  expect(serversOn(world, host)).toEqual([]);
  expect(vnfs.flatMap(({ short }) => short)).toEqual([]);
  expect(world.verdict()).toMatchObject({ ok: true });
  return vnfs;
}

async function dies({ cloud, pass }: World, name: string): Promise<void> {
  const host = cloud.hosts.get(name);
  if (host) setAlive(cloud, host, false);
  await pass(120_000);
}

/** How many servers there were at most, and in the end. */
function counted({ cloud }: World, since: number): { most: number; now: number } {
  let now = cloud.log.slice(0, since).reduce((sum, { type }) => sum + changeBy(type), 0);
  let most = now;
  for (const { type } of cloud.log.slice(since)) {
    now += changeBy(type);
    most = Math.max(most, now);
  }
  return { most, now };
}

function changeBy(type: string): number {
  return type === 'server.created' ? 1 : type === 'server.deleted' ? -1 : 0;
}

describe('VNFs on a host in maintenance', () => {
  const vnfs = ['ims1', 'ims2', 'ims3'];

  test('find their places beside each other, also where all of them would go to the same', async () => {
    const rooms = [3, 3, 1, 1, 1].map((vcpus) => ({ vcpus }));
    const world = await open({ vnfs, descriptor: oneOfTwo, rooms });
    try {
      const results = await emptied(world, 'cmp-01', 'maintenance');
      expect(results.map(({ launched }) => launched.length)).toEqual([1, 1, 1]);
      expect(results.map(({ replans }) => replans)).toEqual([0, 0, 0]);
      expect(['cmp-03', 'cmp-04', 'cmp-05'].map((host) => serversOn(world, host).length)).toEqual([1, 1, 1]);
    } finally {
      world.close();
    }
  });

  test('move one after another where the quota carries one more and no two', async () => {
    const rooms = [9, 9, 9].map((vcpus) => ({ vcpus }));
    const world = await open({ vnfs, descriptor: oneOfTwo, rooms, quotas: { instances: 7 } });
    try {
      expect(serversOn(world, 'cmp-01')).toHaveLength(3);
      expect(await world.run('evacuateHost', { hosts: ['cmp-01'], cause: 'maintenance', dryRun: true })).toMatchObject({
        result: { outcome: 'planned', oneByOne: true, launches: { length: 3 } },
      });
      const seen = world.cloud.log.length;
      await emptied(world, 'cmp-01', 'maintenance');
      expect(counted(world, seen)).toEqual({ most: 7, now: 6 });
    } finally {
      world.close();
    }
  });
});

describe('two pools of which one can go to a single host, where the quota carries one member at a time,', () => {
  // cmp-03 has room for one, which is b's only place: its other member is on cmp-02.
  const given: Given = {
    vnfs: ['v'],
    descriptor: { ...onePool, pools: [pool('a', single), pool('b', two)] },
    rooms: [{ vcpus: 16 }, { vcpus: 2 }, { vcpus: 16, ramMb: 2_048 }],
    quotas: { instances: 4 },
  };

  function pool(name: string, more: object): object {
    return { ...web, name, securityRules: [], ...more };
  }

  test.each(['maintenance', 'failed'] as const)('both find their places (%s)', async (cause) => {
    const world = await open(given);
    try {
      if (cause === 'failed') await dies(world, 'cmp-01');
      await emptied(world, 'cmp-01', cause);
      expect(serversOn(world, 'cmp-03')).toEqual(['v-b-3']);
    } finally {
      world.close();
    }
  });

  test('and what one gives back is for the other, when a host dies', async () => {
    const descriptor = { ...onePool, pools: [pool('a', two), pool('b', two)] };
    const rooms = [9, 9, 9].map((vcpus) => ({ vcpus }));
    const world = await open({ vnfs: ['v'], descriptor, rooms, quotas: { instances: 5 } });
    try {
      await dies(world, 'cmp-01');
      await emptied(world, 'cmp-01', 'failed');
      expect(serversOn(world, 'cmp-03').sort()).toEqual(['v-a-3', 'v-b-3']);
    } finally {
      world.close();
    }
  });
});

describe('VNFs on a host that dies', () => {
  test.each([
    ['one of them: then the other is begun again', 5],
    ['none of them: then the dead are deleted first', 4],
  ])('are restored where the quota carries %s', async (_, instances) => {
    const rooms = [9, 9, 9].map((vcpus) => ({ vcpus }));
    const world = await open({ vnfs: ['v', 'w'], descriptor: oneOfTwo, rooms, quotas: { instances } });
    try {
      await dies(world, 'cmp-01');
      const input = { hosts: ['cmp-01'], cause: 'failed', fenced: true, dryRun: true };
      // Of two that are planned one after the other the second finds the quota full.
      expect(await world.run('evacuateHost', input)).toMatchObject({
        result: { deletesFirst: { length: instances === 4 ? 2 : 1 } },
      });
      const results = await emptied(world, 'cmp-01', 'failed');
      expect(results.map(({ vnf, removed }) => [vnf, removed.length])).toEqual([
        ['v', 1],
        ['w', 1],
      ]);
      expect(serversOn(world, 'cmp-03')).toHaveLength(2);
    } finally {
      world.close();
    }
  });

  test('and one whose dead have been deleted, and whose quota somebody else took then, says so; begun again it makes up for them', async () => {
    const rooms = [9, 9, 9].map((vcpus) => ({ vcpus }));
    const world = await open({ vnfs: ['v'], descriptor: oneOfTwo, rooms, quotas: { instances: 2 } });
    const { cloud, temporal } = world;
    const quotaOf = (instances: number): void => {
      for (const { quotas } of cloud.projects.values()) quotas.set('instances', instances);
    };
    try {
      await dies(world, 'cmp-01');
      const run = world.begin('evacuateHost', { hosts: ['cmp-01'], cause: 'failed' });
      await world.until('the dead one is deleted', () => cloud.servers.size === 1);
      quotaOf(1);
      expect(await run.end()).toMatchObject({ outcome: 'unwound', kind: 'QuotaExceeded' });
      expect(world.viewOf('v')?.pools['web']).toMatchObject({ level: 2, inService: { length: 1 }, failed: [] });
      quotaOf(2);
      const input = { vnf: 'v', hosts: ['cmp-01'], cause: 'failed' };
      const again = temporal.start({ type: 'evacuateVnf', workflowId: 'again', args: [input] });
      await world.until('it has made up for it', () => again.status !== 'RUNNING');
      expect(again.result).toMatchObject({ outcome: 'completed', launched: { length: 1 }, short: [] });
      await world.settle('v');
      expect(world.viewOf('v')?.pools['web']).toMatchObject({ level: 2, inService: { length: 2 } });
    } finally {
      world.close();
    }
  });
});
