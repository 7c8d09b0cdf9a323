import { onePool } from '../../scripts/lib/virtual/specs';
import { openWorld } from '../../scripts/lib/virtual/world';
import { hostsOf } from '../../simulator';

/** More VNFs have members on a host than can be read of in one workflow task. */

const three = { ...onePool, pools: [{ ...onePool.pools[0], size: { min: 3, initial: 3, max: 6 } }] };
const atOnce = 20;

test.each(['maintenance', 'failed'] as const)('of a host in %s their records are read in parts', async (cause) => {
  let reading = 0;
  let most = 0;
  const world = openWorld({
    seed: 1,
    cloud: { hosts: hostsOf({ mz: 4 }, { vcpus: 64, ramMb: 262_144, diskGb: 4_000 }) },
    saw: ({ kind, name, moment, run }) => {
      if (kind !== 'activity' || name !== 'readRecord' || run.type !== 'evacuateHost') return;
      if (moment === 'begins') reading += 1;
      else if (moment === 'ends') reading -= 1;
      most = Math.max(most, reading);
    },
  });
  try {
    const vnfs = Array.from({ length: 30 }, (_, index) => `v${String(index)}`);
    for (const vnf of vnfs) {
      expect(await world.run('instantiate', { vnf, descriptor: three })).toMatchObject({ outcome: 'completed' });
      await world.settle(vnf);
    }
    const onHost = (host: string): string[] =>
      vnfs.filter((vnf) => world.viewOf(vnf)?.pools['web']?.inService.some((member) => member.host === host));
    const host = [...world.cloud.hosts.keys()].find((name) => onHost(name).length > atOnce) ?? '';
    expect(onHost(host).length).toBeGreaterThan(atOnce);

    const ended = await world.run('evacuateHost', { hosts: [host], cause, ...(cause === 'failed' && { force: true }) });
    expect(ended).toMatchObject({ outcome: 'completed' });
    expect(onHost(host)).toEqual([]);
    expect(most).toBe(cause === 'failed' ? atOnce : 1);
    expect(world.verdict()).toMatchObject({ ok: true });
  } finally {
    world.close();
  }
});
