import { emit, emitHost, isUp, newUuid, type Host, type ServerGroup } from '../model';
import { objectIn, Refusal, route, text, texts, type Request, type Response, type Route } from '../routing';
import { usedBy } from './servers';
import { microversion, newest } from './version';

/** Services, hypervisors, aggregates, zones, flavors, limits, quotas and server groups. */
export const adminRoutes: readonly Route[] = [
  route('GET', '', versions, { open: true }),
  route('GET', '/os-services', forOperators(services)),
  route('PUT', '/os-services/:id', forOperators(updateService)),
  route('GET', '/os-hypervisors', forOperators(hypervisors)),
  route('GET', '/os-hypervisors/detail', forOperators(hypervisors)),
  route('GET', '/os-aggregates', forOperators(aggregates)),
  route('GET', '/os-availability-zone', zones),
  route('GET', '/os-availability-zone/detail', forOperators(zones)),
  route('GET', '/flavors', flavors),
  route('GET', '/flavors/detail', flavors),
  route('GET', '/flavors/:id', flavor),
  route('GET', '/limits', limits),
  route('GET', '/os-quota-sets/:project', quotas),
  route('GET', '/os-quota-sets/:project/detail', quotas),
  route('PUT', '/os-quota-sets/:project', forOperators(setQuotas)),
  route('GET', '/os-server-groups', groups),
  route('POST', '/os-server-groups', createGroup),
  route('DELETE', '/os-server-groups/:id', deleteGroup),
];

function forOperators(handle: (request: Request) => Response): (request: Request) => Response {
  return (request) => {
    if (!request.admin)
      throw new Refusal(
        403,
        `Policy doesn't allow os_compute_api:${request.path.split('/')[1] ?? ''} to be performed.`,
      );
    return handle(request);
  };
}

function versions({ base }: Request): Response {
  const version = {
    id: 'v2.1',
    status: 'CURRENT',
    version: `2.${String(newest)}`,
    min_version: '2.1',
    updated: '2013-07-23T11:33:21Z',
    links: [{ rel: 'self', href: `${base}/compute/v2.1/` }],
    'media-types': [],
  };
  return { status: 200, body: { version } };
}

function services({ cloud, query }: Request): Response {
  const binary = query.get('binary');
  const host = query.get('host');
  const found = [...cloud.hosts.values()].filter(
    (each) => (binary === null || binary === 'nova-compute') && (host === null || each.name === host),
  );
  return { status: 200, body: { services: found.map(service) } };
}

function service(host: Host): unknown {
  return {
    id: host.id,
    binary: 'nova-compute',
    host: host.name,
    zone: host.zone,
    status: host.enabled ? 'enabled' : 'disabled',
    state: isUp(host) ? 'up' : 'down',
    forced_down: host.forcedDown,
    disabled_reason: host.disabledReason,
    updated_at: new Date().toISOString(),
  };
}

function updateService({ cloud, params, body, requestId }: Request): Response {
  const host = [...cloud.hosts.values()].find((each) => each.id === params[0]);
  if (!host) throw new Refusal(404, `Service ${params[0] ?? ''} not found.`);
  const given = body as { status?: string; disabled_reason?: string; forced_down?: boolean };
  if (given.status === 'disabled') {
    host.enabled = false;
    host.disabledReason = given.disabled_reason ?? null;
  }
  if (given.status === 'enabled') {
    host.enabled = true;
    host.disabledReason = null;
  }
  if (given.forced_down === true) host.forcedDown = true;
  if (given.forced_down === false) {
    const left = [...host.holds].some((id) => cloud.servers.get(id)?.host !== host.name);
    if (left)
      throw new Refusal(
        400,
        `Unable to force up host ${host.name} as \`done\` evacuation migration records remain associated with the host. Ensure the compute service has been restarted.`,
      );
    host.forcedDown = false;
  }
  emitHost(cloud, host, requestId);
  return { status: 200, body: { service: service(host) } };
}

function hypervisors({ cloud }: Request): Response {
  const found = [...cloud.hosts.values()].map((host) => ({
    id: host.id,
    hypervisor_hostname: host.name,
    hypervisor_type: 'fake',
    hypervisor_version: 1_000,
    host_ip: '127.0.0.1',
    state: isUp(host) ? 'up' : 'down',
    status: host.enabled ? 'enabled' : 'disabled',
    service: { id: host.id, host: host.name, disabled_reason: host.disabledReason },
  }));
  return { status: 200, body: { hypervisors: found } };
}

function aggregates({ cloud }: Request): Response {
  const found = [...cloud.aggregates].map(([zone, uuid], index) => ({
    id: index + 1,
    uuid,
    name: zone,
    availability_zone: zone,
    metadata: { availability_zone: zone },
    hosts: [...cloud.hosts.values()].filter((host) => host.zone === zone).map((host) => host.name),
    created_at: '2026-01-01T00:00:00.000000',
    updated_at: null,
    deleted: false,
    deleted_at: null,
  }));
  return { status: 200, body: { aggregates: found } };
}

function zones({ cloud, path }: Request): Response {
  const withHosts = path.endsWith('/detail');
  const hostsIn = (zone: string): unknown =>
    Object.fromEntries(
      [...cloud.hosts.values()]
        .filter((host) => host.zone === zone)
        .map((host) => [
          host.name,
          { 'nova-compute': { available: isUp(host), active: host.enabled, updated_at: null } },
        ]),
    );
  const found = [...cloud.aggregates.keys()].map((zoneName) => ({
    zoneName,
    zoneState: { available: true },
    hosts: withHosts ? hostsIn(zoneName) : null,
  }));
  return { status: 200, body: { availabilityZoneInfo: found } };
}

function showFlavor(request: Request, id: string): Record<string, unknown> {
  const found = request.cloud.flavors.get(id) ?? [...request.cloud.flavors.values()].find((each) => each.name === id);
  if (!found) throw new Refusal(404, `Flavor ${id} could not be found.`);
  return {
    id: found.id,
    name: found.name,
    vcpus: found.vcpus,
    ram: found.ramMb,
    disk: found.diskGb,
    swap: microversion(request) >= 75 ? 0 : '',
    'OS-FLV-EXT-DATA:ephemeral': 0,
    'OS-FLV-DISABLED:disabled': false,
    'os-flavor-access:is_public': true,
    rxtx_factor: 1,
    description: null,
    extra_specs: {},
    links: [],
  };
}

function flavors(request: Request): Response {
  const after = request.query.get('marker');
  const all = [...request.cloud.flavors.keys()];
  const shown = after === null ? all : all.slice(all.indexOf(after) + 1);
  return { status: 200, body: { flavors: shown.map((id) => showFlavor(request, id)) } };
}

function flavor(request: Request): Response {
  return { status: 200, body: { flavor: showFlavor(request, request.params[0] ?? '') } };
}

function limits({ cloud, project }: Request): Response {
  const used = usedBy(cloud, project.id);
  const limit = (name: string): number => project.quotas.get(name) ?? -1;
  return {
    status: 200,
    body: {
      limits: {
        rate: [],
        absolute: {
          maxTotalInstances: limit('instances'),
          totalInstancesUsed: used['instances'],
          maxTotalCores: limit('cores'),
          totalCoresUsed: used['cores'],
          maxTotalRAMSize: limit('ram'),
          totalRAMUsed: used['ram'],
          maxServerGroups: limit('server_groups'),
          maxServerGroupMembers: limit('server_group_members'),
          totalServerGroupsUsed: [...cloud.serverGroups.values()].filter((group) => group.projectId === project.id)
            .length,
          maxServerMeta: 128,
          maxTotalKeypairs: 100,
        },
      },
    },
  };
}

const quotaNames = ['instances', 'cores', 'ram', 'server_groups', 'server_group_members'] as const;

function quotas(request: Request): Response {
  const { cloud, params, path } = request;
  const project = projectOf(request, params[0] ?? '');
  const used: Record<string, number> = {
    ...usedBy(cloud, project.id),
    server_groups: [...cloud.serverGroups.values()].filter((group) => group.projectId === project.id).length,
    server_group_members: 0,
  };
  const detailed = path.endsWith('/detail');
  const entries = quotaNames.map((name) => {
    const limit = project.quotas.get(name) ?? -1;
    return [name, detailed ? { limit, in_use: used[name] ?? 0, reserved: 0 } : limit];
  });
  const others = ['key_pairs', 'metadata_items'].map((name) => [
    name,
    detailed ? { limit: 100, in_use: 0, reserved: 0 } : 100,
  ]);
  const all = Object.fromEntries([...entries, ...others]) as Record<string, unknown>;
  return { status: 200, body: { quota_set: { id: project.id, ...all } } };
}

function projectOf({ cloud, project, admin }: Request, id: string): Request['project'] {
  const found = cloud.projects.get(id);
  if (!found || (!admin && found.id !== project.id))
    throw new Refusal(403, "Policy doesn't allow os_compute_api:os-quota-sets:show to be performed.");
  return found;
}

function setQuotas(request: Request): Response {
  const { cloud, params, body, requestId } = request;
  const project = projectOf(request, params[0] ?? '');
  for (const [resource, limit] of Object.entries(objectIn(body, 'quota_set'))) {
    if (typeof limit !== 'number' || !quotaNames.some((name) => name === resource)) continue;
    project.quotas.set(resource, limit);
    emit(cloud, { type: 'quota', requestId, project: project.id, resource, limit });
  }
  return quotas(request);
}

function showGroup(request: Request, group: ServerGroup): unknown {
  const { id, name, policy, maxPerHost, members, projectId } = group;
  const base = { id, name, members: [...members], project_id: projectId, user_id: request.user.id };
  if (microversion(request) < 64) return { ...base, policies: [policy], metadata: {} };
  return { ...base, policy, rules: policy === 'anti-affinity' ? { max_server_per_host: maxPerHost } : {} };
}

function groups(request: Request): Response {
  const found = [...request.cloud.serverGroups.values()].filter((group) => group.projectId === request.project.id);
  return { status: 200, body: { server_groups: found.map((group) => showGroup(request, group)) } };
}

function createGroup(request: Request): Response {
  const { cloud, body, project, requestId } = request;
  const given = objectIn(body, 'server_group');
  const policy = text(given['policy']) ?? texts(given['policies'])[0] ?? '';
  const rules = given['rules'] as { max_server_per_host?: number } | undefined;
  if (rules !== undefined && microversion(request) < 64)
    throw new Refusal(
      400,
      "Invalid input for field/attribute server_group. Additional properties are not allowed ('rules' was unexpected)",
    );
  if (rules?.max_server_per_host !== undefined && policy !== 'anti-affinity')
    throw new Refusal(400, 'Only anti-affinity policy supports rules.');
  const limit = project.quotas.get('server_groups') ?? -1;
  const used = [...cloud.serverGroups.values()].filter((group) => group.projectId === project.id).length;
  if (limit >= 0 && used >= limit) throw new Refusal(403, 'Quota exceeded, too many server groups.');
  const group: ServerGroup = {
    id: newUuid(cloud),
    name: text(given['name']) ?? '',
    projectId: project.id,
    policy,
    maxPerHost: rules?.max_server_per_host ?? 1,
    members: new Set(),
  };
  cloud.serverGroups.set(group.id, group);
  emit(cloud, { type: 'serverGroup.created', requestId, id: group.id, name: group.name, project: project.id });
  return { status: 200, body: { server_group: showGroup(request, group) } };
}

function deleteGroup({ cloud, params, requestId }: Request): Response {
  if (!cloud.serverGroups.delete(params[0] ?? ''))
    throw new Refusal(404, `Instance group ${params[0] ?? ''} could not be found.`);
  emit(cloud, { type: 'serverGroup.deleted', requestId, id: params[0] ?? '' });
  return { status: 204 };
}
