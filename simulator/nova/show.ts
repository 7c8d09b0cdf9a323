import { createHash } from 'node:crypto';
import { isUp, type Cloud, type Host, type Server } from '../model';
import { Refusal, type Request } from '../routing';
import { macOf } from '../wiring';
import { microversion } from './version';

/** A server as Nova shows it: an operator sees hosts, a tenant a hash of them. */

export function serverOf({ cloud, params, project, admin }: Request): Server {
  const server = cloud.servers.get(params[0] ?? '');
  if (!server || (!admin && server.projectId !== project.id))
    throw new Refusal(404, `Instance ${params[0] ?? ''} could not be found.`);
  return server;
}

export function links({ base }: Pick<Request, 'base'>, id: string): unknown {
  return [
    { rel: 'self', href: `${base}/compute/v2.1/servers/${id}` },
    { rel: 'bookmark', href: `${base}/compute/servers/${id}` },
  ];
}

export function brief(request: Request, { id, name }: Server): unknown {
  return { id, name, links: links(request, id) };
}

/** sha224 of project and host: equal means the same host, within a project. */
function hostIdOf({ hostIds }: Cloud, { host, projectId }: Server): string {
  if (host === null) return '';
  const key = `${projectId}${host}`;
  const known = hostIds.get(key);
  if (known !== undefined) return known;
  const hash = createHash('sha224').update(key).digest('hex');
  hostIds.set(key, hash);
  return hash;
}

/** Of one alone: its groups are not in lists. */
export function shown(request: Request, server: Server): Record<string, unknown> {
  return { ...detail(request, server), server_groups: server.groupId === null ? [] : [server.groupId] };
}

export function detail(request: Request, server: Server): Record<string, unknown> {
  const { cloud, admin } = request;
  const version = microversion(request);
  const host = cloud.hosts.get(server.host ?? '');
  return {
    id: server.id,
    name: server.name,
    status: server.status,
    tenant_id: server.projectId,
    user_id: server.userId,
    metadata: server.metadata,
    hostId: hostIdOf(cloud, server),
    image: { id: server.imageId, links: [] },
    flavor: flavorOf(request, server),
    created: server.createdAt,
    updated: server.updatedAt,
    addresses: addresses(cloud, server),
    accessIPv4: '',
    accessIPv6: '',
    links: links(request, server.id),
    'OS-DCF:diskConfig': 'MANUAL',
    'OS-EXT-AZ:availability_zone': host?.zone ?? server.zone ?? '',
    config_drive: '',
    key_name: null,
    // Those of its ports: of none, where it has none.
    ...(server.portIds.length + server.ownPortIds.length > 0 && { security_groups: securityGroupsOf(cloud, server) }),
    'OS-SRV-USG:launched_at': server.launchedAt,
    'OS-SRV-USG:terminated_at': null,
    'OS-EXT-STS:task_state': server.taskState,
    'OS-EXT-STS:vm_state': vmState(server),
    'OS-EXT-STS:power_state': powerState(server),
    'os-extended-volumes:volumes_attached': [],
    locked: false,
    tags: server.tags,
    description: server.description,
    trusted_image_certificates: null,
    locked_reason: null,
    ...(version >= 90 && { 'OS-EXT-SRV-ATTR:hostname': server.name }),
    ...(version >= 96 && { pinned_availability_zone: server.zone }),
    ...(server.status === 'ACTIVE' && { progress: 0 }),
    // Only an operator sees the details.
    ...(server.fault && { fault: { ...server.fault, ...(admin && { details: 'Traceback (most recent call last)' }) } }),
    ...(admin && hostsOf(server, host)),
  };
}

/** Those of its ports. */
export function securityGroupsOf(cloud: Cloud, server: Server): unknown {
  const ids = new Set(server.securityGroupIds);
  for (const portIds of [server.portIds, server.ownPortIds])
    for (const portId of portIds) for (const id of cloud.ports.get(portId)?.securityGroupIds ?? []) ids.add(id);
  const shown: { readonly name: string }[] = [];
  for (const id of ids) {
    const group = cloud.securityGroups.get(id);
    if (group) shown.push({ name: group.name });
  }
  return shown.length > 0 ? shown : [{ name: 'default' }];
}

function hostsOf(server: Server, host: Host | undefined): Record<string, unknown> {
  return {
    'OS-EXT-SRV-ATTR:host': server.host,
    'OS-EXT-SRV-ATTR:hypervisor_hostname': server.host,
    'OS-EXT-SRV-ATTR:instance_name': `instance-${server.id.slice(0, 8)}`,
    host_status: hostStatus(host),
  };
}

function hostStatus(host: Host | undefined): string {
  if (!host) return '';
  if (host.forcedDown) return 'DOWN';
  if (!host.enabled) return 'MAINTENANCE';
  return isUp(host) ? 'UP' : 'UNKNOWN';
}

/** Embedded from 2.47 on. */
function flavorOf(request: Request, server: Server): unknown {
  const flavor = request.cloud.flavors.get(server.flavorId);
  if (microversion(request) < 47) return { id: server.flavorId, links: [] };
  return {
    original_name: flavor?.name,
    vcpus: flavor?.vcpus,
    ram: flavor?.ramMb,
    disk: flavor?.diskGb,
    ephemeral: 0,
    swap: 0,
    extra_specs: {},
  };
}

const vmStates = {
  ACTIVE: 'active',
  BUILD: 'building',
  ERROR: 'error',
  SHUTOFF: 'stopped',
  REBUILD: 'active',
} as const;

export function vmState({ status }: Server): string {
  return vmStates[status];
}

/** 1 is running, 4 is shut down. */
export function powerState({ status }: Server): number {
  if (status === 'ACTIVE') return 1;
  return status === 'SHUTOFF' ? 4 : 0;
}

/** By name of the network. */
export function addresses(cloud: Cloud, server: Server): Record<string, { version: 4; addr: string }[]> {
  const found: Record<string, { version: 4; addr: string }[]> = {};
  for (const id of [...server.portIds, ...server.ownPortIds]) {
    const port = cloud.ports.get(id);
    const network = port && cloud.networks.get(port.networkId);
    if (!network || port.deviceId !== server.id) continue;
    const entry = { 'OS-EXT-IPS:type': 'fixed', 'OS-EXT-IPS-MAC:mac_addr': macOf(port) };
    (found[network.name] ??= []).push({ version: 4, addr: port.address, ...entry });
  }
  return found;
}
