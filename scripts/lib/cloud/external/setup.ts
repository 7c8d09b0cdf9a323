import type { Descriptor } from '../../../../domain/descriptor/descriptor';
import { capAt } from '../../../../domain/levels';
import { readMarks, tag } from '../../../../domain/names';
import { glance, neutron, nova } from '../../../../openstack';
import type { Rights } from './rights';

/** What a cloud must have before the demo is played on it: all that is missing, each with what would make it. */
export async function missingIn(
  rights: Rights,
  of: { readonly descriptor: Descriptor; readonly vnf: string },
): Promise<string[]> {
  const { descriptor, vnf } = of;
  const { as, own: session, operator } = rights;
  if (as === 'operator' && !operator)
    return [`cloud ${session.cloud}: the login has not the role admin, which sees hosts and may ask for one by name`];
  const named = (pick: (pool: Descriptor['pools'][number]) => readonly string[]): string[] => [
    ...new Set(descriptor.pools.flatMap(pick)),
  ];
  const [flavors, networks, zones, servers, ports, ...images] = await Promise.all([
    nova.listFlavors(session),
    neutron.listNetworks(session),
    zonesIn(rights),
    nova.listServers(session, { tags: [tag.vnf(vnf)] }),
    neutron.listPorts(session, {}),
    ...named((pool) => [pool.image]).map(async (name) => ({ name, found: await glance.listImages(session, { name }) })),
  ]);
  const lacks = (wanted: readonly string[], there: readonly string[]): string[] =>
    wanted.filter((name) => !there.includes(name));
  const names = (all: readonly { name: string }[]): string[] => all.map(({ name }) => name);
  const networksWanted = named((pool) =>
    pool.networks.map((network) => descriptor.networks[network]?.network ?? network),
  );
  const quota = as === 'tenant' ? await nova.getQuota(session) : null;
  const left = servers.length + ports.filter(({ description }) => readMarks(description).vnf === vnf).length;
  return [
    ...lacks(
      named((pool) => [pool.flavor]),
      names(flavors),
    ).map(
      (name) =>
        `there is no flavor ${name}: openstack flavor create --vcpus 1 --ram 2048 --disk 10 ${name} (or as large as it is meant to be)`,
    ),
    ...images
      .filter(({ found }) => found.length === 0)
      .map(
        ({ name }) =>
          `there is no image ${name} that is active: openstack image create --disk-format qcow2 --container-format bare --file FILE ${name}`,
      ),
    ...lacks(networksWanted, names(networks)).map(
      (name) =>
        `there is no network ${name}: openstack network create ${name}, and openstack subnet create --network ${name} --subnet-range CIDR ${name}`,
    ),
    ...lacks(
      named((pool) => [pool.zone]),
      zones,
    ).map(
      (zone) =>
        `zone ${zone} has no host that is up and enabled: openstack aggregate create --zone ${zone} ${zone}, and openstack aggregate add host ${zone} HOST`,
    ),
    ...(quota ? membersLacking(descriptor, quota.server_group_members.limit) : []),
    ...(left > 0
      ? [`there are ${String(left)} servers and ports of a VNF ${vnf}: delete them, or take another id with --vnf`]
      : []),
  ];
}

/** Each pool has as many server groups as may be on one host, and its largest level is asked for. */
function membersLacking({ pools }: Descriptor, limit: number): string[] {
  const needed = Math.max(...pools.map(({ size, spare }) => Math.ceil(size.max / capAt(spare, size.max))));
  if (limit === -1 || limit >= needed) return [];
  return [
    `the quota of members of a server group is ${String(limit)}: openstack quota set --server-group-members ${String(needed)} PROJECT`,
  ];
}

/** Those with a host that is up and enabled. A tenant is told no more than that. */
async function zonesIn({ own, operator }: Rights): Promise<string[]> {
  if (!operator) {
    const zones = await nova.listAvailabilityZones(own);
    return zones.filter(({ available }) => available).map(({ name }) => name);
  }
  return (await nova.listServices(operator)).filter(({ up, enabled }) => up && enabled).map(({ zone }) => zone);
}
