import { onePool, vnf } from '../../scripts/lib/virtual/specs';
import { openWorld, type Procedure, type World } from '../../scripts/lib/virtual/world';
import { hostsOf } from '../../simulator';

/** A VNF whose members ask for GPUs, of which its hosts have few. */

const flavor = { name: 'gpu', vcpus: 1, ramMb: 2_048, diskGb: 20, extraSpecs: { 'resources:VGPU': '1' } };
const descriptor = { ...onePool, pools: [{ ...onePool.pools[0], flavor: 'gpu', spare: 2 }] } as const;
const gpusOf = [1, 1, 1, 2, 2, 0];

function open(): World {
  const hosts = hostsOf({ mz: gpusOf.length }).map((host, at) => ({ ...host, others: { VGPU: gpusOf[at] ?? 0 } }));
  return openWorld({ seed: 1, cloud: { hosts, flavors: [flavor] } });
}

async function ended(world: World, procedure: Procedure, input: object): Promise<unknown> {
  const end = await world.run(procedure, input);
  await world.settle(vnf);
  return end;
}

/** How many GPUs each host has left. */
function left({ cloud }: World): number[] {
  return [...cloud.hosts.values()].map(({ inventories }) =>
    inventories.reduce((sum, { total, held }) => sum + (total['VGPU'] ?? 0) - held.size, 0),
  );
}

test('as many members come to a host as it has GPUs; when they are used up a scaleOut is refused, and says so', async () => {
  const world = open();
  try {
    expect(await ended(world, 'instantiate', { vnf, descriptor })).toMatchObject({ outcome: 'completed' });
    expect(await ended(world, 'scaleOut', { vnf, pool: 'web', to: 7 })).toMatchObject({ outcome: 'completed' });
    expect(left(world)).toEqual([0, 0, 0, 0, 0, 0]);
    const servers = world.cloud.servers.size;
    expect(await ended(world, 'scaleOut', { vnf, pool: 'web', to: 8 })).toMatchObject({
      outcome: 'refused',
      kind: 'Impossible',
      message: expect.stringContaining('hosts have too little VGPU') as string,
      details: {
        hosts: { 'cmp-04': 'NoRoomOther', 'cmp-05': 'NoRoomOther', 'cmp-06': 'NoRoomOther' },
        remedies: [{ kind: 'hosts', hosts: { mz: 1 }, room: { mz: { vcpus: 2, others: { VGPU: 2 } } } }],
      },
    });
    expect(world.cloud.servers.size).toBe(servers);
    // Who leaves gives it back, and a host that is emptied has its members where there is some.
    expect(await ended(world, 'scaleIn', { vnf, pool: 'web', to: 5 })).toMatchObject({ outcome: 'completed' });
    expect(left(world).reduce((sum, each) => sum + each, 0)).toBe(2);
    // The checker knows what hosts have left of it: it would say of the refusal that it was wrong.
    expect(world.verdict()).toMatchObject({ ok: true });
  } finally {
    world.close();
  }
});
