import { tag } from '../../../domain/names';
import type { Snapshot } from '../../../domain/snapshot';
import { ForbiddenError, neutron, nova, type CallOptions } from '../../../openstack';
import type { Dependencies } from '../../dependencies';
import { quotaOf, seenFlavors, seenServer, type SnapshotOf } from '../snapshot';
import { listOf } from './groups';

/** One moment of the cloud as a member of a project sees it: its own servers, groups and quotas, the zones, and no host. */
export async function readSnapshot(dependencies: Dependencies, of: SnapshotOf, call: CallOptions): Promise<Snapshot> {
  const { session, names } = dependencies;
  const flavors: nova.Flavor[] = [];
  for (const name of new Set(of.pools.map(({ pool }) => pool.flavor))) flavors.push(await names.flavor(name, call));
  const networks = new Set(
    of.pools.flatMap(({ pool, networks: named }) => pool.networks.flatMap((name) => named[name]?.network ?? [])),
  );
  const [zones, groups, servers, compute, network] = await Promise.all([
    nova.listAvailabilityZones(session, {}, call),
    listOf(dependencies, of.vnf, call),
    of.vnf === null ? [] : nova.listServers(session, { tags: [tag.vnf(of.vnf)] }, call),
    nova.getQuota(session, call),
    networkQuota(dependencies, call),
    // Only that they exist: what is missing is said before anything is made.
    ...[...networks].map((name) => names.networkId(name, call)),
    ...[...new Set(of.pools.map(({ pool }) => pool.image))].map((name) => names.imageId(name, call)),
  ]);
  return {
    hosts: [],
    tenant: {
      zones: zones.filter(({ available }) => available).map(({ name }) => name),
      groups: groups.map(({ id, pool, number, serverIds }) => ({ id, pool, number, serverIds })),
    },
    servers: servers.flatMap((server) => seenServer(server, server.hostId === '' ? null : server.hostId) ?? []),
    flavors: seenFlavors(flavors),
    quotas: {
      instances: quotaOf(compute.instances.limit, compute.instances.in_use),
      cores: quotaOf(compute.cores.limit, compute.cores.in_use),
      ram: quotaOf(compute.ram.limit, compute.ram.in_use),
      server_groups: quotaOf(compute.server_groups.limit, compute.server_groups.in_use),
      server_group_members: quotaOf(compute.server_group_members.limit, 0),
      ...(network && {
        ports: quotaOf(network.port.limit, network.port.used),
        security_groups: quotaOf(network.security_group.limit, network.security_group.used),
        security_group_rules: quotaOf(network.security_group_rule.limit, network.security_group_rule.used),
      }),
    },
  };
}

/** A policy may keep Neutron's quotas from members. What is short then shows when it is asked for, and the run goes back. */
async function networkQuota({ session }: Dependencies, call: CallOptions): Promise<neutron.NetworkQuota | null> {
  try {
    return await neutron.getQuota(session, call);
  } catch (error) {
    if (error instanceof ForbiddenError) return null;
    throw error;
  }
}
