import { anyNumber, like, type Area } from '../case';
import type { Answer } from '../cloud';
import { hostAttribute, idIn, type Scene } from '../scene';

interface Summary {
  readonly resources: Readonly<Record<string, { readonly capacity: number; readonly used: number }>>;
  readonly parent_provider_uuid: string | null;
  readonly root_provider_uuid: string;
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

interface Scarce {
  readonly host: string;
  /** Providers: the host's, and the one below it. */
  readonly root: string;
  readonly child: string;
  readonly resource: string;
  readonly flavorRef: string;
}

/**
 * A class of which there is one, below a host with room, and a flavor that asks for it. Nova leaves such a provider alone, and remembers
 * it: a nova-compute that has read of it asks for it for minutes after it is deleted, and what is evacuated to it meanwhile ends in ERROR
 * (ResourceProviderAllocationRetrievalFailed). So it is started anew.
 */
async function scarceClass(scene: Scene): Promise<Scarce> {
  const { ask, later, prefix, roomyHosts, hostIs, cloud, found } = scene;
  const done = async (to: string, body?: object): Promise<Answer['body']> => {
    const answer = await ask({ to, as: 'operator', ...(body && { body }) });
    if (answer.status >= 300) throw new Error(`${to}: ${answer.text}`);
    return answer.body;
  };
  const resource = `CUSTOM_${prefix.toUpperCase().replaceAll('-', '_')}`;
  const [service] = await roomyHosts(found.zone);
  const host = service?.host ?? '';
  const root = await providerOf(scene, host);
  later(async () => {
    await cloud.host(host).fail();
    await hostIs('down', host);
    await cloud.host(host).recover();
    await hostIs('up', host);
  });
  await done(`PUT placement/resource_classes/${resource}`);
  later(() => done(`DELETE placement/resource_classes/${resource}`));
  const below = { name: `${host}_${prefix}`, parent_provider_uuid: root };
  const { uuid, generation } = await done('POST placement/resource_providers', below);
  const child = String(uuid);
  later(() => done(`DELETE placement/resource_providers/${child}`));
  const inventories = { [resource]: { total: 1 } };
  await done(`PUT placement/resource_providers/${child}/inventories`, {
    ...{ resource_provider_generation: generation, inventories },
  });
  const { vcpus, ram, disk } = found.flavor;
  const made = await done('POST compute/flavors', { flavor: { name: prefix, vcpus, ram, disk } });
  const flavorRef = idIn(made, 'flavor');
  later(() => done(`DELETE compute/flavors/${flavorRef}`));
  await done(`POST compute/flavors/${flavorRef}/os-extra_specs`, { extra_specs: { [`resources:${resource}`]: '1' } });
  return { host, root, child, resource, flavorRef };
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
      fact: 'a class on a provider below a host’s: who asks for it takes it, and the next finds no host though there is room',
      needs: 'hosts',
      play: async (scene) => {
        const { launch, show, ask, remove, until, allocatedOn, later, found } = scene;
        const { host, root, child, resource, flavorRef } = await scarceClass(scene);
        const candidates = async (asked: string): Promise<Readonly<Record<string, Summary>>> => {
          const to = `GET placement/allocation_candidates?resources=${asked}`;
          return (await ask({ to, as: 'operator' })).body['provider_summaries'] as Readonly<Record<string, Summary>>;
        };
        const both = { [root]: { root_provider_uuid: root }, [child]: { root_provider_uuid: root } };
        const left = (used: number): object => ({
          ...both,
          [child]: {
            resources: { [resource]: { capacity: 1, used } },
            parent_provider_uuid: root,
            root_provider_uuid: root,
          },
        });
        expect(await candidates(`${resource}:1`)).toMatchObject(left(0));
        const made: string[] = [];
        later(async () => {
          for (const id of made) await remove(id);
          for (const id of made)
            await until('the allocation is gone', async () => ((await allocatedOn(id)) === 0 ? true : undefined));
        });
        const first = await launch({ flavorRef });
        made.push(first.id);
        expect(await show(first.id, 'operator')).toMatchObject({ status: 'ACTIVE', [hostAttribute]: host });
        const { body } = await ask({ to: `GET placement/allocations/${first.id}`, as: 'operator' });
        const { vcpus, ram, disk } = found.flavor;
        expect(body['allocations']).toMatchObject({
          [root]: { resources: { VCPU: vcpus, MEMORY_MB: ram, DISK_GB: disk } },
          [child]: { resources: { [resource]: 1 } },
        });
        // Whoever asks for something else sees the whole tree, with what is used up.
        expect(await candidates('VCPU:1')).toMatchObject(left(1));
        expect(await candidates(`VCPU:1,${resource}:1`)).toEqual({});
        const second = await launch({ flavorRef });
        made.push(second.id);
        expect(second).toMatchObject({
          status: 'ERROR',
          fault: { code: 500, message: like(/^No valid host was found\./) },
        });
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
