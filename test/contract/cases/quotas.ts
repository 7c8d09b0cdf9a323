import { anyNumber, novaError, neutronError, type Area } from '../case';
import type { Scene } from '../scene';

const guest = { as: 'guest' } as const;

async function setPortQuota({ ask, later, cloud }: Scene, more: number): Promise<void> {
  const project = cloud.projectOf('guest');
  const to = `network/quotas/${project}`;
  const { body } = await ask({ to: `GET ${to}/details.json`, as: 'operator' });
  const { limit, used } = (body['quota'] as { readonly port: { readonly limit: number; readonly used: number } }).port;
  later(() => ask({ to: `PUT ${to}`, as: 'operator', body: { quota: { port: limit } } }));
  await ask({ to: `PUT ${to}`, as: 'operator', body: { quota: { port: used + more } } });
}

/** Limits of a project: in whose words they are refused, and how they are passed all the same. */
export const quotas: Area = {
  area: 'quotas',
  cases: [
    {
      fact: 'instances: 403, in these words',
      given: async ({ setQuota, launch }) => {
        await setQuota({ instances: 1 });
        await launch(guest);
      },
      ask: ({ newServer }) => newServer(guest),
      status: 403,
      body: novaError(403, 'Quota exceeded for instances: Requested 1, but already used 1 of 1 instances'),
    },
    {
      fact: 'several resources at once are all named',
      given: async ({ setQuota, launch, found }) => {
        await setQuota({ instances: 1, cores: found.flavor.vcpus });
        await launch(guest);
      },
      ask: ({ newServer }) => newServer(guest),
      status: 403,
      body: novaError(
        403,
        /^Quota exceeded for cores, instances: Requested (\d+), 1, but already used \1, 1 of \1, 1 cores, instances$/,
      ),
    },
    {
      fact: 'RAM: 403',
      given: ({ setQuota, found }) => setQuota({ ram: found.flavor.ram - 1 }),
      ask: ({ newServer }) => newServer(guest),
      status: 403,
      body: novaError(403, /^Quota exceeded for ram: Requested \d+, but already used 0 of \d+ ram$/),
    },
    {
      fact: 'no limit is -1',
      given: ({ setQuota }) => setQuota({ instances: -1, cores: -1, ram: -1 }),
      ask: ({ newServer }) => newServer(guest),
      status: 202,
    },
    {
      fact: 'creates at once pass the check together: all 202, and those beyond it end in ERROR with fault 413',
      play: async ({ setQuota, launchAll }) => {
        await setQuota({ instances: 4 });
        const shown = await launchAll(Array.from({ length: 8 }, () => guest));
        const active = shown.filter(({ status }) => status === 'ACTIVE').length;
        const faults = shown.flatMap(({ fault }) => fault ?? []);
        expect(active).toBeLessThanOrEqual(4);
        expect(active + faults.length).toBe(8);
        for (const { code, message } of faults) {
          expect(code).toBe(413);
          expect(message).toMatch(/^Quota exceeded for instances: Requested 1, but already used \d+ of 4 instances$/);
        }
      },
    },
    {
      fact: 'server groups: 403, in these words',
      given: async ({ setQuota, group }) => {
        await setQuota({ server_groups: 1 });
        await group({}, 'guest');
      },
      ask: ({ prefix }) => ({
        to: 'POST compute/os-server-groups',
        as: 'guest',
        body: { server_group: { name: prefix, policy: 'anti-affinity' } },
      }),
      status: 403,
      body: novaError(403, 'Quota exceeded, too many server groups.'),
    },
    {
      fact: 'members of a group: 403, in these words',
      play: async ({ setQuota, group, launch, ask, newServer }) => {
        await setQuota({ server_group_members: 1 });
        const id = await group({}, 'guest');
        await launch({ ...guest, group: id });
        const { status, body } = await ask(newServer({ ...guest, group: id }));
        expect([status, body]).toEqual([403, novaError(403, 'Quota exceeded, too many servers in group')]);
      },
    },
    {
      fact: 'ports: 409 OverQuota',
      given: (scene) => setPortQuota(scene, 1),
      ask: ({ newPort }) => ({ to: 'POST network/ports', as: 'guest', body: { ports: [newPort(), newPort()] } }),
      status: 409,
      body: neutronError('OverQuota', "Quota exceeded for resources: ['port']."),
    },
    {
      fact: 'ports that Nova would make: 403',
      given: (scene) => setPortQuota(scene, 0),
      ask: ({ newServer, found }) => newServer({ ...guest, networks: [{ uuid: found.network.id }] }),
      status: 403,
      body: novaError(403, 'Maximum number of ports exceeded'),
    },
    {
      fact: 'a tenant reads its limits',
      ask: () => ({ to: 'GET compute/limits' }),
      status: 200,
      body: {
        limits: {
          rate: [],
          absolute: {
            maxTotalInstances: anyNumber(),
            totalInstancesUsed: anyNumber(),
            maxTotalCores: anyNumber(),
            totalCoresUsed: anyNumber(),
            maxTotalRAMSize: anyNumber(),
            totalRAMUsed: anyNumber(),
            maxServerGroups: anyNumber(),
            totalServerGroupsUsed: anyNumber(),
            maxServerGroupMembers: anyNumber(),
          },
        },
      },
    },
    {
      fact: 'what is used follows a create at once',
      play: async ({ ask, launch }) => {
        const used = async (): Promise<number> => {
          const { body } = await ask({ to: 'GET compute/limits', ...guest });
          return (body as { limits: { absolute: { totalInstancesUsed: number } } }).limits.absolute.totalInstancesUsed;
        };
        const before = await used();
        await launch(guest);
        expect(await used()).toBe(before + 1);
      },
    },
    {
      fact: 'a tenant reads its quotas',
      ask: ({ cloud }) => ({ to: `GET compute/os-quota-sets/${cloud.projectOf('tenant')}` }),
      status: 200,
      body: {
        quota_set: {
          instances: anyNumber(),
          cores: anyNumber(),
          ram: anyNumber(),
          server_groups: anyNumber(),
          server_group_members: anyNumber(),
        },
      },
    },
    {
      fact: 'a tenant reads its quotas in detail',
      ask: ({ cloud }) => ({ to: `GET compute/os-quota-sets/${cloud.projectOf('tenant')}/detail` }),
      status: 200,
      body: { quota_set: { instances: { limit: anyNumber(), in_use: anyNumber(), reserved: 0 } } },
    },
    {
      fact: 'a tenant does not read another’s: 403',
      ask: ({ cloud }) => ({ to: `GET compute/os-quota-sets/${cloud.projectOf('operator')}` }),
      status: 403,
      body: novaError(403, "Policy doesn't allow os_compute_api:os-quota-sets:show to be performed."),
    },
    {
      fact: 'a tenant does not set its own: 403',
      ask: ({ cloud }) => ({
        to: `PUT compute/os-quota-sets/${cloud.projectOf('tenant')}`,
        body: { quota_set: { instances: 1000 } },
      }),
      status: 403,
      body: novaError(403, "Policy doesn't allow os_compute_api:os-quota-sets:update to be performed."),
    },
    {
      fact: 'a tenant reads what it may have and has of Neutron’s',
      ask: ({ cloud }) => ({ to: `GET network/quotas/${cloud.projectOf('tenant')}/details.json` }),
      status: 200,
      body: {
        quota: {
          port: { limit: anyNumber(), used: anyNumber(), reserved: 0 },
          security_group: { limit: anyNumber(), used: anyNumber(), reserved: 0 },
          security_group_rule: { limit: anyNumber(), used: anyNumber(), reserved: 0 },
        },
      },
    },
  ],
};
