import { anyNumber, like, type Area } from '../case';
import { hostAttribute, type Scene } from '../scene';

interface Summary {
  readonly resources: Readonly<Record<string, { readonly capacity: number; readonly used: number }>>;
}

async function summaries({ ask, found }: Scene): Promise<Readonly<Record<string, Summary>>> {
  const { vcpus, ram, disk } = found.flavor;
  const resources = `VCPU:${String(vcpus)},MEMORY_MB:${String(ram)},DISK_GB:${String(disk)}`;
  const { body } = await ask({ to: `GET placement/allocation_candidates?resources=${resources}`, as: 'operator' });
  return body['provider_summaries'] as Readonly<Record<string, Summary>>;
}

async function providerOf({ ask }: Scene, host: string): Promise<string> {
  const { body } = await ask({ to: `GET placement/resource_providers?name=${host}`, as: 'operator' });
  const [provider] = body['resource_providers'] as readonly { readonly uuid: string }[];
  return provider?.uuid ?? '';
}

/** What Placement says of room, and when. */
export const room: Area = {
  area: 'room',
  cases: [
    {
      fact: 'a provider has its hypervisor’s name and id',
      play: async ({ ask }) => {
        const { body } = await ask({ to: 'GET compute/os-hypervisors', as: 'operator' });
        const [shown] = body['hypervisors'] as readonly { readonly id: string; readonly hypervisor_hostname: string }[];
        const name = shown?.hypervisor_hostname ?? '';
        const found = await ask({ to: `GET placement/resource_providers?name=${name}`, as: 'operator' });
        expect(found.body['resource_providers']).toMatchObject([
          { uuid: shown?.id, name, generation: anyNumber(), parent_provider_uuid: null, root_provider_uuid: shown?.id },
        ]);
      },
    },
    {
      fact: 'candidates have capacity and use of each resource',
      play: async (scene) => {
        for (const { resources } of Object.values(await summaries(scene)))
          expect(resources).toMatchObject({
            VCPU: { capacity: anyNumber(), used: anyNumber() },
            MEMORY_MB: { capacity: anyNumber(), used: anyNumber() },
            DISK_GB: { capacity: anyNumber(), used: anyNumber() },
          });
      },
    },
    {
      fact: 'more than any host has: 200, and no candidates',
      ask: () => ({ to: 'GET placement/allocation_candidates?resources=VCPU:100000', as: 'operator' }),
      status: 200,
      body: { allocation_requests: [], provider_summaries: {} },
    },
    {
      fact: 'what every compute service has as a trait takes nobody away; forbidden, it takes all',
      play: async (scene) => {
        const of = async (required: string): Promise<number> => {
          const to = `GET placement/allocation_candidates?resources=VCPU:1&required=${required}`;
          const { body } = await scene.ask({ to, as: 'operator' });
          return Object.keys(body['provider_summaries'] as object).length;
        };
        const { body } = await scene.ask({
          to: 'GET placement/allocation_candidates?resources=VCPU:1',
          as: 'operator',
        });
        const all = Object.keys(body['provider_summaries'] as object).length;
        expect([await of('COMPUTE_NODE'), await of('!COMPUTE_NODE')]).toEqual([all, 0]);
        expect(all).toBeGreaterThan(0);
      },
    },
    {
      fact: 'a trait of the standard that no host has: 200, and no candidates',
      ask: () => ({
        to: 'GET placement/allocation_candidates?resources=VCPU:1&required=HW_NIC_SRIOV_TRUSTED',
        as: 'operator',
      }),
      status: 200,
      body: { allocation_requests: [], provider_summaries: {} },
    },
    {
      fact: 'a custom trait that there is not: 400',
      ask: () => ({
        to: 'GET placement/allocation_candidates?resources=VCPU:1&required=CUSTOM_BULKHEAD_NOBODYS',
        as: 'operator',
      }),
      status: 400,
      body: { errors: [{ status: 400, detail: like(/No such trait\(s\): CUSTOM_BULKHEAD_NOBODYS/) }] },
    },
    {
      fact: 'no resources said: 400',
      ask: () => ({ to: 'GET placement/allocation_candidates', as: 'operator' }),
      status: 400,
      body: { errors: [{ status: 400, detail: like(/At least one request group/) }] },
    },
    {
      fact: 'a server’s allocation is its flavor’s, on its host; it goes with the server',
      play: async (scene) => {
        const { launch, show, ask, found, remove, until, allocatedOn } = scene;
        const { id } = await launch();
        const host = String((await show(id, 'operator'))[hostAttribute]);
        const provider = await providerOf(scene, host);
        const { body } = await ask({ to: `GET placement/allocations/${id}`, as: 'operator' });
        const { vcpus, ram, disk } = found.flavor;
        expect(body['allocations']).toMatchObject({
          [provider]: { resources: { VCPU: vcpus, MEMORY_MB: ram, DISK_GB: disk } },
        });
        await remove(id);
        await until('the allocation is gone', async () => ((await allocatedOn(id)) === 0 ? true : undefined));
      },
    },
    {
      fact: 'no allocations of what is not there: 200, and none',
      ask: () => ({ to: 'GET placement/allocations/11111111-1111-4111-8111-111111111111', as: 'operator' }),
      status: 200,
      body: { allocations: {} },
    },
  ],
};
