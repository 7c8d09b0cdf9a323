import { failureDomainKeys, type Descriptor } from '../../domain/descriptor/descriptor';
import { failure } from '../../domain/failure';
import { readTags, tag } from '../../domain/names';
import { noResources, slots } from '../../domain/resources';
import { argument } from '../../domain/shell';
import type { FlavorSeen, Host, Quota, Resources, ServerSeen, ServerStatus, Snapshot } from '../../domain/snapshot';
import { BadRequestError, neutron, nova, placement, type CallOptions } from '../../openstack';
import type { Dependencies } from '../dependencies';
import { toFailure } from '../errors';
import { readDomains } from './domains';

/** One moment of the cloud, by list calls only, side by side. */

const statuses: readonly string[] = [
  'BUILD',
  'ACTIVE',
  'ERROR',
  'SHUTOFF',
  'REBUILD',
  'DELETED',
] satisfies ServerStatus[];

export interface SnapshotOf {
  /** Pools that the plans may launch in: their flavors, images and networks must exist. */
  readonly pools: readonly { readonly pool: Descriptor['pools'][number]; readonly networks: Descriptor['networks'] }[];
  /** Whose servers are listed. Null: nobody's. */
  readonly vnf: string | null;
}

export async function readSnapshot(
  dependencies: Pick<Dependencies, 'session' | 'names'>,
  of: SnapshotOf,
  call: CallOptions,
): Promise<Snapshot> {
  const { session, names } = dependencies;
  const wanted = [...new Set(of.pools.map(({ pool }) => pool.flavor))];
  const flavors: nova.Flavor[] = [];
  for (const name of wanted) flavors.push(await names.flavor(name, call));
  const networks = new Set(
    of.pools.flatMap(({ pool, networks: named }) => pool.networks.flatMap((name) => named[name]?.network ?? [])),
  );
  const keys = failureDomainKeys({ pools: of.pools.map(({ pool }) => pool) });
  const [services, domains, rooms, servers, compute, network] = await Promise.all([
    nova.listServices(session, call),
    readDomains(session, keys, call),
    readRooms(dependencies, flavors, call),
    of.vnf === null ? [] : nova.listServers(session, { tags: [tag.vnf(of.vnf)] }, call),
    nova.getQuota(session, call),
    neutron.getQuota(session, call),
    // Only that they exist: what is missing is said before anything is made.
    ...[...networks].map((name) => names.networkId(name, call)),
    ...[...new Set(of.pools.map(({ pool }) => pool.image))].map((name) => names.imageId(name, call)),
  ]);
  const seen = seenFlavors(flavors);
  const providers = providerByHost(
    rooms.providers,
    services.map(({ host }) => host),
  );
  return {
    hosts: services.map(({ host: name, zone, up, enabled }): Host => {
      const provider = providers.get(name) ?? '';
      const free = rooms.free.get(provider) ?? noResources;
      const notFor = Object.values(seen).flatMap((flavor) =>
        slots(free, flavor) < 1 || rooms.offeredFor(flavor.name, provider) ? [] : [flavor.name],
      );
      const inDomains = domains.get(name);
      return {
        ...{ name, zone, up, enabled, free },
        ...(notFor.length > 0 && { notFor }),
        ...(inDomains && { domains: inDomains }),
      };
    }),
    servers: servers.flatMap((server) => seenServer(server, server.host) ?? []),
    flavors: seen,
    quotas: {
      instances: quotaOf(compute.instances.limit, compute.instances.in_use),
      cores: quotaOf(compute.cores.limit, compute.cores.in_use),
      ram: quotaOf(compute.ram.limit, compute.ram.in_use),
      ports: quotaOf(network.port.limit, network.port.used),
      security_groups: quotaOf(network.security_group.limit, network.security_group.used),
      security_group_rules: quotaOf(network.security_group_rule.limit, network.security_group_rule.used),
    },
  };
}

/** By name. */
export function seenFlavors(flavors: readonly nova.Flavor[]): Record<string, FlavorSeen> {
  return Object.fromEntries(
    flavors.map((flavor): [string, FlavorSeen] => {
      const { id, name, vcpus, ram } = flavor;
      const takes = resourcesOf(placement.amountsOf(flavor));
      const isCounted = takes.vcpus === vcpus && takes.ramMb === ram;
      return [name, { id, name, ...takes, ...(!isCounted && { quota: { cores: vcpus, ram } }) }];
    }),
  );
}

const mainClasses: readonly string[] = ['VCPU', 'MEMORY_MB', 'DISK_GB'];

/** Of amounts by resource class: those of the classes that are `wanted` besides vCPUs, RAM and disk. */
function resourcesOf(
  amounts: Readonly<Record<string, number>>,
  wanted: readonly string[] = Object.keys(amounts),
): Resources {
  const { VCPU: vcpus = 0, MEMORY_MB: ramMb = 0, DISK_GB: diskGb = 0 } = amounts;
  const others = wanted
    .filter((name) => !mainClasses.includes(name))
    .map((name) => [name, amounts[name] ?? 0] as const);
  return { vcpus, ramMb, diskGb, ...(others.length > 0 && { others: Object.fromEntries(others) }) };
}

export function quotaOf(limit: number, used: number): Quota {
  return { limit: limit < 0 ? Number.MAX_SAFE_INTEGER : limit, used };
}

interface Rooms {
  /** Providers by name. */
  readonly providers: readonly string[];
  readonly free: ReadonlyMap<string, Resources>;
  readonly offeredFor: (flavor: string, provider: string) => boolean;
}

/**
 * Free room by provider, from the candidates of each flavor: the service's own arithmetic of ratios, reserved and others' VMs. A
 * provider that is absent has no room for that flavor. Those below a host's own count as its.
 */
async function readRooms(
  { session }: Pick<Dependencies, 'session'>,
  flavors: readonly nova.Flavor[],
  call: CallOptions,
): Promise<Rooms> {
  const requests = flavors.map(placement.requestOf);
  const [providers, candidates, others] = await Promise.all([
    placement.listResourceProviders(session, call),
    Promise.all(
      requests.map((request, index) => candidatesFor(session, { request, flavor: flavors[index]?.name ?? '' }, call)),
    ),
    Promise.all(withoutOthers(requests).map((request) => placement.listAllocationCandidates(session, request, call))),
  ]);
  const nameOf = new Map(providers.map(({ id, name }) => [id, name]));
  const classes = [...new Set(flavors.flatMap((flavor) => Object.keys(placement.amountsOf(flavor))))];
  const rooms = new Map<string, Resources>();
  for (const { id, free } of [...others, ...candidates].flat()) {
    const name = nameOf.get(id);
    if (name !== undefined) rooms.set(name, resourcesOf(free, classes));
  }
  const offered = new Map(
    flavors.map(({ name }, index) => [name, new Set(candidates[index]?.map(({ id }) => nameOf.get(id)))]),
  );
  return {
    providers: [...nameOf.values()],
    free: rooms,
    offeredFor: (flavor, provider) => offered.get(flavor)?.has(provider) ?? false,
  };
}

/** A resource class or a trait that the service does not know is a mistake in the flavor: nothing will ever carry it. */
async function candidatesFor(
  session: Dependencies['session'],
  { request, flavor }: { request: placement.AllocationRequest; flavor: string },
  call: CallOptions,
): ReturnType<typeof placement.listAllocationCandidates> {
  try {
    return await placement.listAllocationCandidates(session, request, call);
  } catch (error) {
    if (!(error instanceof BadRequestError)) throw error;
    throw toFailure(
      failure(
        'InvalidRequest',
        `Placement refuses what the flavor ${flavor} asks for: ${error.message} Mend its extra specs ("openstack flavor show ${argument(flavor)}"), or name another flavor in the descriptor.`,
        { flavor },
      ),
    );
  }
}

/** Of those that ask for other classes or traits too: who has none of them is no candidate, and is to be told from who has no room at all. */
function withoutOthers(requests: readonly placement.AllocationRequest[]): placement.AllocationRequest[] {
  return requests.flatMap(({ resources, traits = [] }) => {
    const asked = Object.entries(resources);
    const main = asked.filter(([name]) => mainClasses.includes(name));
    const isPlain = main.length === asked.length && traits.length === 0;
    return main.length === 0 || isPlain ? [] : [{ resources: Object.fromEntries(main) }];
  });
}

/**
 * Placement's provider of each compute host. A provider is called by the hypervisor's name, which many clouds make the full
 * one (`cmp-01.example.com`) of a host that Nova calls `cmp-01`. Where two might be meant there is none: no room is better
 * than another host's.
 */
export function providerByHost(providers: readonly string[], hosts: readonly string[]): Map<string, string> {
  const byLabel = new Map<string, string[]>();
  for (const name of providers) byLabel.set(labelOf(name), [...(byLabel.get(labelOf(name)) ?? []), name]);
  const known = new Set(providers);
  return new Map(
    hosts.flatMap((host): [string, string][] => {
      if (known.has(host)) return [[host, host]];
      const [only, ...more] = byLabel.get(labelOf(host)) ?? [];
      return only === undefined || more.length > 0 ? [] : [[host, only]];
    }),
  );
}

function labelOf(name: string): string {
  return name.split('.')[0] ?? name;
}

/** One that bears our tags. `host`: by what name its host is known. */
export function seenServer(server: nova.Server, host: string | null): ServerSeen | undefined {
  const { pool, ordinal, token } = readTags(server.tags);
  if (pool === undefined || ordinal === undefined || token === undefined) return undefined;
  const status = (statuses.includes(server.status) ? server.status : 'UNKNOWN') as ServerStatus;
  return {
    serverId: server.id,
    name: server.name,
    pool,
    ordinal,
    token,
    status,
    ...(host !== null && { host }),
  };
}
