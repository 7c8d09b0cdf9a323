import { neutron, nova, type Session } from '../../../../openstack';
import type { Look, ServerSaid, ServerState } from './sightings';

/** One look at everything of the project, side by side, each call bounded. */
export async function lookAt(session: Session, mark: number): Promise<Look> {
  const call = { timeoutMs: callTimeoutMs };
  const [services, servers, ports, groups] = await Promise.all([
    nova.listServices(session, call),
    nova.listServers(session, {}, call),
    neutron.listPorts(session, {}, call),
    neutron.listSecurityGroups(session, call),
  ]);
  return {
    mark,
    hosts: services.map(({ host, zone, up, enabled, forcedDown, disabledReason }) => {
      return { host, zone, up, enabled, forcedDown, disabledReason };
    }),
    servers: servers.filter(({ status }) => status !== 'DELETED' && status !== 'SOFT_DELETED').map(saidOf),
    ports: ports.map(({ id, name, networkId, description, addresses: [address = ''] }) => {
      return { id, name, network: networkId, description, address };
    }),
    groups: groups.map(({ id, name, description }) => ({ id, name, description })),
  };
}

const callTimeoutMs = 15_000;

function saidOf({ id, name, projectId, flavor, tags, host, status, fault }: nova.Server): ServerSaid {
  const state = stateOf(status);
  return {
    ...{ id, name, project: projectId, tags, host, fault: fault?.message ?? null },
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
