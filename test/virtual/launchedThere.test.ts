import { onePool, vnf, zones } from '../../scripts/lib/virtual/specs';
import { openWorld, type Begun, type World } from '../../scripts/lib/virtual/world';
import { hostsOf } from '../../simulator';

/** A host is to be emptied while a run that has the turn is launching there: what it launches is in no record yet. */

function hostsInService(world: World): string[] {
  return (world.viewOf(vnf)?.pools['web']?.inService ?? []).map(({ host }) => host);
}

/** The host of the first server that is being built: as soon as Nova has chosen it, or when it says so. */
async function hostOfOneBeingBuilt(world: World, isSaid: boolean): Promise<string> {
  const found = (): string | undefined => {
    const server = [...world.cloud.servers.values()].find(({ status }) => status === 'BUILD');
    if (!server || isSaid) return server?.host ?? undefined;
    return [...world.cloud.hosts.values()].find(({ holds }) => holds.has(server.id))?.name;
  };
  await world.until('one is being built', () => found() !== undefined);
  return found() ?? '';
}

/** A scaleOut of one member, which is being built. */
async function scalingOut(isSaid = true): Promise<{ world: World; scaling: Begun; host: string }> {
  const world = openWorld({ seed: 1, cloud: { hosts: hostsOf(zones) } });
  await world.run('instantiate', { vnf, descriptor: onePool });
  await world.settle(vnf);
  const scaling = world.begin('scaleOut', { vnf, pool: 'web', to: hostsInService(world).length + 1 });
  return { world, scaling, host: await hostOfOneBeingBuilt(world, isSaid) };
}

test.each([
  ['maintenance', true],
  ['maintenance', false],
  ['failed', true],
  ['failed', false],
] as const)(
  '%s: nothing enters service there, also where Nova has said which host it is: %p',
  async (cause, isSaid) => {
    const { world, scaling, host } = await scalingOut(isSaid);
    try {
      expect(hostsInService(world)).not.toContain(host);
      const emptying = world.begin('evacuateHost', {
        hosts: [host],
        cause,
        ...(cause === 'failed' && { force: true }),
      });
      expect(await scaling.end()).toMatchObject({ outcome: 'completed' });
      expect(await emptying.end()).toMatchObject({ outcome: 'completed' });
      await world.settle(vnf);
      expect(hostsInService(world)).not.toContain(host);
      expect([...world.cloud.servers.values()].filter((server) => server.host === host)).toEqual([]);
      expect(world.verdict()).toMatchObject({ ok: true });
    } finally {
      world.close();
    }
  },
);

test('and where that run goes back there is nothing to do', async () => {
  const { world, scaling, host } = await scalingOut();
  try {
    const emptying = world.begin('evacuateHost', { hosts: [host], cause: 'maintenance' });
    world.temporal.cancel(scaling.run());
    expect(await scaling.end()).toMatchObject({ outcome: 'cancelled' });
    expect(await emptying.end()).toMatchObject({ outcome: 'completed' });
    expect([...world.cloud.servers.values()].filter((server) => server.host === host)).toEqual([]);
  } finally {
    world.close();
  }
});
