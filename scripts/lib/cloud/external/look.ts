import { neutron, nova, type CallOptions } from '../../../../openstack';
import type { HostNames } from './hosts';
import type { Rights } from './rights';
import type { HostSaid, Look, ServerSaid, ServerState } from './sightings';

/** One look at everything of the project, side by side, each call bounded. */
export async function lookAt(rights: Rights, of: { mark: number; hosts: HostNames }): Promise<Look> {
  const { own } = rights;
  const call = { timeoutMs: callTimeoutMs };
  const [seen, listed, ports, groups, serverGroups] = await Promise.all([
    hostsSeen(rights, of.hosts, call),
    nova.listServers(own, {}, call),
    neutron.listPorts(own, {}, call),
    neutron.listSecurityGroups(own, call),
    nova.listServerGroups(own, call),
  ]);
  const servers = listed
    .filter(({ status }) => status !== 'DELETED' && status !== 'SOFT_DELETED')
    .map((server) => saidOf(server, of.hosts));
  return {
    mark: of.mark,
    hosts: seen ?? hostsBehind(servers),
    servers,
    serverGroups: serverGroups.map(({ id, name }) => ({ id, name })),
    ports: ports.map(({ id, name, networkId, description, addresses: [address = ''] }) => {
      return { id, name, network: networkId, description, address };
    }),
    groups: groups.map(({ id, name, description }) => ({ id, name, description })),
  };
}

const callTimeoutMs = 15_000;

/** Null where nobody may see them. */
async function hostsSeen({ operator }: Rights, names: HostNames, call: CallOptions): Promise<HostSaid[] | null> {
  if (!operator) return null;
  const services = await nova.listServices(operator, call);
  return services.map(({ host, zone, up, enabled, forcedDown, disabledReason }) => {
    return { host: names.ofName(host), zone, up, enabled, forcedDown, disabledReason };
  });
}

/** What servers say of the hosts that they are on. Whether one is up is not shown. */
function hostsBehind(servers: readonly ServerSaid[]): HostSaid[] {
  const found = new Map<string, HostSaid>();
  for (const { host, zone } of servers) {
    if (typeof host !== 'string' || typeof zone !== 'string') continue;
    found.set(host, { host, zone, up: true, enabled: true, forcedDown: false, disabledReason: null });
  }
  return [...found.values()];
}

function saidOf(server: nova.Server, names: HostNames): ServerSaid {
  const { id, name, projectId, flavor, tags, hostId, status, fault, zone } = server;
  const state = stateOf(status);
  const host = hostId === '' ? null : names.ofHostId(hostId);
  return {
    ...{ id, name, project: projectId, tags, host, zone, fault: fault?.message ?? null },
    ...(flavor !== null && { flavor }),
    ...(state !== undefined && { state }),
  };
}

/** Undefined where Nova does not know: its cell does not answer. */
function stateOf(status: string): ServerState | undefined {
  switch (status) {
    case 'UNKNOWN':
      return undefined;
    case 'BUILD':
    case 'ACTIVE':
    case 'ERROR':
    case 'REBUILD':
      return status;
    case 'REBOOT':
    case 'HARD_REBOOT':
    case 'MIGRATING':
      return 'ACTIVE';
    default:
      return 'SHUTOFF';
  }
}
