import { onePool, vnf, zones } from '../../scripts/lib/virtual/specs';
import { openWorld } from '../../scripts/lib/virtual/world';
import { hostsOf } from '../../simulator';

/** As on a server: the run that a reset makes of an evacuation has the children of the one before, and is told how they ended. */
test.each([100, 60])('an evacuation that is reset to %i percent while its VNF moves ends with it', async (percent) => {
  const world = openWorld({
    seed: 1,
    cloud: { hosts: hostsOf(zones), bootSeconds: [60, 60], latencyMs: [1, 5] },
  });
  const { temporal } = world;
  try {
    await world.run('instantiate', { vnf, descriptor: onePool });
    const host = world.viewOf(vnf)?.pools['web']?.inService[0]?.host;
    const asked = world.begin('evacuateHost', { hosts: [host], cause: 'maintenance' });
    const moving = () => [...temporal.runs.values()].filter(({ type }) => type === 'evacuateVnf');
    await world.until('its VNF moves', () => world.cloud.servers.size > 4);
    const before = asked.run();
    const after = await temporal.reset(before, Math.ceil((before.execution.steps.length * percent) / 100));
    expect(moving().map(({ status }) => status)).toEqual(['RUNNING']);
    expect([...after.children.values()].filter(({ type }) => type === 'evacuateVnf')).toHaveLength(
      percent === 100 ? 1 : 0,
    );
    expect(await asked.end()).toMatchObject({ outcome: 'completed' });
    // Reset to before it had begun it, it waits for its end, and begins another.
    expect(moving().map(({ status }) => status)).toEqual(Array(percent === 100 ? 1 : 2).fill('COMPLETED'));
    await world.settle(vnf);
    expect(world.viewOf(vnf)?.pools['web']?.inService.map((member) => member.host)).not.toContain(host);
  } finally {
    world.close();
  }
});
