import { zonesOf } from '../aggregates';
import { emitHost, isUp, sleep, type Cloud, type Host } from '../model';
import { wasEvacuated } from '../computes';
import { isObject, Refusal, route, text, type Request, type Response, type Route } from '../routing';
import { forOperators } from './refusals';
import { microversion } from './version';

/** Compute services, hypervisors, hosts (up to 2.42) and availability zones. */
export const hostRoutes: readonly Route[] = [
  route('GET', '/os-services', forOperators('os-services:list', services)),
  route('PUT', '/os-services/:id', forOperators('os-services:update', updateService)),
  route('GET', '/os-hypervisors', forOperators('os-hypervisors:list', hypervisors)),
  route('GET', '/os-hypervisors/detail', forOperators('os-hypervisors:list-detail', hypervisors)),
  route('GET', '/os-hypervisors/statistics', forOperators('os-hypervisors:statistics', statistics)),
  route('GET', '/os-hypervisors/:id', forOperators('os-hypervisors:show', hypervisor)),
  route('GET', '/os-hosts', forOperators('os-hosts:list', hostsBefore43)),
  route('GET', '/os-availability-zone', zones),
  route('GET', '/os-availability-zone/detail', forOperators('os-availability-zone:detail', zones)),
];

/** Nova's `rpc_response_timeout`. */
const rpcTimeoutSeconds = 30;

function services({ cloud, query }: Request): Response {
  const binary = query.get('binary');
  const host = query.get('host');
  const found = [...cloud.hosts.values()].filter(
    (each) => (binary === null || binary === 'nova-compute') && (host === null || each.name === host),
  );
  return { status: 200, body: { services: found.map((each) => showService(cloud, each)) } };
}

function showService(cloud: Cloud, host: Host): unknown {
  return {
    id: host.serviceId,
    binary: 'nova-compute',
    host: host.name,
    zone: host.zone,
    status: host.enabled ? 'enabled' : 'disabled',
    state: isUp(host) ? 'up' : 'down',
    forced_down: host.forcedDown,
    disabled_reason: host.disabledReason,
    updated_at: nowOf(cloud),
  };
}

/** As Nova writes the times of what reports itself. */
function nowOf(cloud: Cloud): string {
  return new Date(cloud.clock.now()).toISOString().replace('Z', '000');
}

/** By the service's UUID, from 2.53 on. */
async function updateService(request: Request): Promise<Response> {
  const { cloud, params, body, requestId } = request;
  const host = [...cloud.hosts.values()].find((each) => each.serviceId === params[0]);
  if (!host || microversion(request) < 53) throw new Refusal(404, `Service ${params[0] ?? ''} not found.`);
  const given = isObject(body) ? body : {};
  const { status, disabled_reason: reason, forced_down: forcedDown } = given;
  if (status === undefined && forcedDown === undefined)
    throw new Refusal(400, 'No updates were requested. Fields status or forced_down should be specified.');
  if (reason !== undefined && status !== 'disabled')
    throw new Refusal(400, "Specifying disabled_reason requires that status is 'disabled'.");
  if (forcedDown === false && host.forcedDown) refuseWhileAway(cloud, host);
  if (status === 'disabled' || status === 'enabled') {
    host.enabled = status === 'enabled';
    host.disabledReason = text(reason) ?? null;
  }
  if (typeof forcedDown === 'boolean') host.forcedDown = forcedDown;
  emitHost(cloud, host, requestId);
  // It is stored, and then the compute is told of it: one that is dead, and not known to be, is waited for.
  if (status === 'disabled' && !host.alive && isUp(host))
    await sleep(cloud, rpcTimeoutSeconds * 1_000 * cloud.options.pace);
  return { status: 200, body: { service: showService(cloud, host) } };
}

function refuseWhileAway(cloud: Cloud, host: Host): void {
  for (const id of host.holds) {
    const server = cloud.servers.get(id);
    if (!server || !wasEvacuated(server, host)) continue;
    throw new Refusal(
      400,
      `Unable to force up host ${host.name} as \`done\` evacuation migration records remain associated with the host. Ensure the compute service has been restarted, allowing these records to move to \`completed\` before retrying this request.`,
    );
  }
}

function hypervisors(request: Request): Response {
  const { cloud, query } = request;
  const like = query.get('hypervisor_hostname_pattern');
  const found = [...cloud.hosts.values()].filter((host) => like === null || host.name.includes(like));
  return { status: 200, body: { hypervisors: found.map((host) => showHypervisor(request, host)) } };
}

/** Of all that are up and enabled, up to 2.87. */
function statistics(request: Request): Response {
  if (microversion(request) > 87) throw new Refusal(404, 'The resource could not be found.');
  const hosts = [...request.cloud.hosts.values()].filter((host) => host.enabled && isUp(host));
  const sum = (of: (host: Host) => number): number => hosts.reduce((total, host) => total + of(host), 0);
  const shown = {
    count: hosts.length,
    vcpus: sum(({ vcpus }) => vcpus),
    vcpus_used: sum(({ used }) => used.vcpus),
    memory_mb: sum(({ ramMb }) => ramMb),
    memory_mb_used: sum(({ used }) => used.ramMb),
    free_ram_mb: sum(({ ramMb, used }) => ramMb - used.ramMb),
    local_gb: sum(({ diskGb }) => diskGb),
    local_gb_used: sum(({ used }) => used.diskGb),
    free_disk_gb: sum(({ diskGb, used }) => diskGb - used.diskGb),
    disk_available_least: sum(({ diskGb, used }) => diskGb - used.diskGb),
    running_vms: sum(({ holds }) => holds.size),
    current_workload: 0,
  };
  return { status: 200, body: { hypervisor_statistics: shown } };
}

/** By its UUID, from 2.53 on. */
function hypervisor(request: Request): Response {
  const { cloud, params } = request;
  const host = [...cloud.hosts.values()].find(({ id }) => id === params[0]);
  if (!host) throw new Refusal(404, `Hypervisor with ID '${params[0] ?? ''}' could not be found.`);
  return { status: 200, body: { hypervisor: showHypervisor(request, host) } };
}

function hostsBefore43(request: Request): Response {
  if (microversion(request) > 42) throw new Refusal(404, 'The resource could not be found.');
  const hosts = [...request.cloud.hosts.values()].map(({ name, zone }) => ({
    host_name: name,
    service: 'compute',
    zone,
  }));
  return { status: 200, body: { hosts } };
}

/** Up to 2.87 with sizes and use, later without: Placement has them. */
function showHypervisor(request: Request, host: Host): unknown {
  return {
    id: host.id,
    hypervisor_hostname: host.name,
    hypervisor_type: 'fake',
    hypervisor_version: 1_000,
    host_ip: '127.0.0.1',
    state: isUp(host) ? 'up' : 'down',
    status: host.enabled ? 'enabled' : 'disabled',
    service: { id: host.serviceId, host: host.name, disabled_reason: host.disabledReason },
    ...(microversion(request) > 87 ? { uptime: null } : sizesOf(host)),
  };
}

function sizesOf(host: Host): object {
  return {
    vcpus: host.vcpus,
    vcpus_used: host.used.vcpus,
    memory_mb: host.ramMb,
    memory_mb_used: host.used.ramMb,
    local_gb: host.diskGb,
    local_gb_used: host.used.diskGb,
    running_vms: host.holds.size,
    current_workload: 0,
    cpu_info: {},
  };
}

function namesIn(cloud: Cloud, zone: string): string[] {
  return [...cloud.hosts.values()].filter((host) => host.zone === zone).map((host) => host.name);
}

function zones({ cloud, path }: Request): Response {
  const withHosts = path.includes('/detail');
  const service = (name: string): unknown => {
    const host = cloud.hosts.get(name);
    return host && { 'nova-compute': { available: isUp(host), active: host.enabled, updated_at: nowOf(cloud) } };
  };
  const found = zonesOf(cloud).map((zoneName) => ({
    zoneName,
    zoneState: { available: true },
    hosts: withHosts ? Object.fromEntries(namesIn(cloud, zoneName).map((name) => [name, service(name)])) : null,
  }));
  return { status: 200, body: { availabilityZoneInfo: found } };
}
