import { anyNumber, anyText, like, novaError, type Area, type Row } from '../case';
import type { Scene } from '../scene';

const operatorsOnly: readonly (readonly [string, string])[] = [
  ['os-services', 'os_compute_api:os-services:list'],
  ['os-hypervisors', 'os_compute_api:os-hypervisors:list'],
  ['os-hypervisors/detail', 'os_compute_api:os-hypervisors:list-detail'],
  ['os-aggregates', 'os_compute_api:os-aggregates:index'],
  ['os-availability-zone/detail', 'os_compute_api:os-availability-zone:detail'],
  ['servers/detail?all_tenants=1', 'os_compute_api:servers:detail:get_all_tenants'],
  ['servers?all_tenants=1', 'os_compute_api:servers:index:get_all_tenants'],
];

async function first(scene: Scene, to: string, key: string): Promise<Readonly<Record<string, unknown>>> {
  const { body } = await scene.ask({ to: `GET ${to}`, as: 'operator' });
  return (body[key] as readonly Readonly<Record<string, unknown>>[])[0] ?? {};
}

/** What the cloud consists of: who sees it, and in which shape. */
export const reading: Area = {
  area: 'what there is',
  cases: [
    ...operatorsOnly.map(([path, rule]): Row => ({
      fact: `${path} is not for a tenant: 403`,
      ask: () => ({ to: `GET compute/${path}` }),
      status: 403,
      body: novaError(403, `Policy doesn't allow ${rule} to be performed.`),
    })),
    {
      fact: 'Placement is not for a tenant: 403',
      ask: () => ({ to: 'GET placement/resource_providers' }),
      status: 403,
      body: {
        errors: [
          {
            status: 403,
            title: 'Forbidden',
            detail: like(/Policy does not allow placement:resource_providers:list to be performed\./),
          },
        ],
      },
    },
    {
      fact: 'a compute service',
      play: async (scene) => {
        expect(await first(scene, 'compute/os-services?binary=nova-compute', 'services')).toEqual({
          id: anyText(),
          binary: 'nova-compute',
          host: anyText(),
          zone: anyText(),
          status: like(/^enabled|disabled$/),
          state: like(/^up|down$/),
          updated_at: like(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/),
          forced_down: expect.any(Boolean) as unknown,
          disabled_reason: null,
        });
      },
    },
    {
      fact: 'a hypervisor, from 2.88 on, is without sizes',
      play: async (scene) => {
        const shown = await first(scene, 'compute/os-hypervisors/detail', 'hypervisors');
        expect(shown).toMatchObject({
          id: anyText(),
          hypervisor_hostname: anyText(),
          hypervisor_type: anyText(),
          state: like(/^up|down$/),
          status: like(/^enabled|disabled$/),
          service: { id: anyText(), host: anyText() },
        });
        for (const gone of ['vcpus', 'vcpus_used', 'memory_mb', 'memory_mb_used', 'local_gb', 'running_vms'])
          expect(shown).not.toHaveProperty(gone);
      },
    },
    {
      fact: 'a hypervisor, up to 2.87, has sizes',
      play: async ({ ask }) => {
        const to = 'GET compute/os-hypervisors/detail';
        const { body } = await ask({ to, as: 'operator', version: '2.87' });
        const [shown] = body['hypervisors'] as readonly unknown[];
        expect(shown).toMatchObject({ vcpus: anyNumber(), memory_mb: anyNumber(), local_gb: anyNumber() });
      },
    },
    {
      fact: 'an aggregate is a zone',
      play: async (scene) => {
        const { body } = await scene.ask({ to: 'GET compute/os-aggregates', as: 'operator' });
        const all = body['aggregates'] as readonly Readonly<Record<string, unknown>>[];
        const zone = all.find((each) => each['availability_zone'] === scene.found.zone);
        expect(zone).toMatchObject({
          id: anyNumber(),
          uuid: anyText(),
          name: anyText(),
          metadata: { availability_zone: scene.found.zone },
          hosts: expect.arrayContaining([anyText()]) as unknown,
        });
      },
    },
    {
      fact: 'zones, for a tenant, have no hosts',
      play: async ({ ask, found }) => {
        const { body } = await ask({ to: 'GET compute/os-availability-zone' });
        const zone = { zoneName: found.zone, zoneState: { available: true }, hosts: null };
        expect(body['availabilityZoneInfo']).toEqual(expect.arrayContaining([zone]));
      },
    },
    {
      fact: 'zones, for an operator, have hosts with their services',
      play: async ({ ask, found, hosts }) => {
        const { body } = await ask({ to: 'GET compute/os-availability-zone/detail', as: 'operator' });
        const all = body['availabilityZoneInfo'] as readonly { zoneName: string; hosts: Record<string, unknown> }[];
        const [host] = await hosts(found.zone);
        const shown = all.find(({ zoneName }) => zoneName === found.zone)?.hosts[host?.host ?? ''];
        expect(shown).toEqual({ 'nova-compute': { active: true, available: true, updated_at: anyText() } });
      },
    },
    {
      fact: 'a flavor',
      ask: ({ found }) => ({ to: `GET compute/flavors/${found.flavor.id}` }),
      status: 200,
      body: { flavor: { name: anyText(), vcpus: anyNumber(), ram: anyNumber(), disk: anyNumber(), extra_specs: {} } },
    },
    {
      fact: 'an image, by its name',
      play: async ({ ask, found }) => {
        const { name } = (await ask({ to: `GET image/images/${found.image}` })).body as { readonly name?: string };
        const { body } = await ask({ to: `GET image/images?name=${name ?? ''}` });
        expect(body['images']).toEqual(
          expect.arrayContaining([expect.objectContaining({ id: found.image, name, status: 'active' })]),
        );
      },
    },
    {
      fact: 'no image of such a name: an empty list',
      ask: ({ prefix }) => ({ to: `GET image/images?name=${prefix}` }),
      status: 200,
      body: { images: [] },
    },
    {
      fact: 'a network, by its name',
      ask: ({ found }) => ({ to: `GET network/networks?name=${found.network.name}` }),
      status: 200,
      body: { networks: [{ name: anyText(), subnets: [anyText()], status: 'ACTIVE', admin_state_up: true }] },
    },
    {
      fact: 'no network of such a name: an empty list',
      ask: ({ prefix }) => ({ to: `GET network/networks?name=${prefix}` }),
      status: 200,
      body: { networks: [] },
    },
  ],
};
