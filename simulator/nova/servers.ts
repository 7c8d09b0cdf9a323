import { createHash } from 'node:crypto';
import { emit, isUp, newUuid, sleep, between, type Cloud, type Server } from '../model';
import { objectIn, page, Refusal, route, text, texts, type Request, type Response, type Route } from '../routing';
import { deleteServer, evacuate, schedule, setStatus } from '../scheduler';
import { microversion } from './version';

/** Servers: create, list, show, delete, tags, and the actions os-start, os-stop and evacuate. */
export const serverRoutes: readonly Route[] = [
  route('POST', '/servers', create),
  route('GET', '/servers', (request) => list(request, brief)),
  route('GET', '/servers/detail', (request) => list(request, detail)),
  route('GET', '/servers/:id', (request) => ({ status: 200, body: { server: detail(request, serverOf(request)) } })),
  route('DELETE', '/servers/:id', (request) => {
    deleteServer(request.cloud, serverOf(request), request.requestId);
    return { status: 204 };
  }),
  route('POST', '/servers/:id/action', act),
  route('GET', '/servers/:id/tags', (request) => ({ status: 200, body: { tags: serverOf(request).tags } })),
];

async function create(request: Request): Promise<Response> {
  const { cloud, body, project, requestId } = request;
  const given = objectIn(body, 'server');
  const wanted = checked(request, given);
  const flavor = cloud.flavors.get(wanted.flavorId);
  checkQuota(request, { instances: 1, cores: flavor?.vcpus ?? 0, ram: flavor?.ramMb ?? 0 });
  // Between the check and the record lies the time in which another create passes the same check.
  await sleep(cloud, between(cloud, cloud.options.latencyMs));
  for (const id of wanted.portIds) {
    const port = cloud.ports.get(id);
    if (!port) throw new Refusal(400, `Port ${id} could not be found.`);
    if (port.deviceId !== '') throw new Refusal(409, `Port ${id} is still in use.`);
  }
  const server: Server = {
    id: newUuid(cloud),
    ...wanted,
    projectId: project.id,
    createdAt: new Date(cloud.clock.now()).toISOString().replace(/\.\d+Z$/, 'Z'),
    status: 'BUILD',
    taskState: 'scheduling',
    host: null,
    fault: null,
    deleting: false,
    attempts: 0,
  };
  cloud.servers.set(server.id, server);
  if (server.groupId !== null) cloud.serverGroups.get(server.groupId)?.members.add(server.id);
  for (const id of server.portIds) {
    const port = cloud.ports.get(id);
    if (port) port.deviceId = server.id;
  }
  const { id, name, tags, portIds, requestedHost, zone } = server;
  emit(cloud, {
    type: 'server.created',
    requestId,
    id,
    name,
    project: project.id,
    flavor: flavor?.name ?? '',
    tags: [...tags],
    portIds: [...portIds],
    requestedHost,
    zone,
  });
  schedule(cloud, server);
  return {
    status: 202,
    body: {
      server: { id, links: links(request, id), 'OS-DCF:diskConfig': 'MANUAL', adminPass: '', security_groups: [] },
    },
  };
}

type Wanted = Pick<
  Server,
  'name' | 'flavorId' | 'imageId' | 'tags' | 'portIds' | 'requestedHost' | 'zone' | 'groupId' | 'hints'
>;

function checked(request: Request, given: Record<string, unknown>): Wanted {
  const { cloud, admin, body } = request;
  const name = text(given['name']);
  if (name === undefined || name === '')
    throw new Refusal(400, "Invalid input for field/attribute server. Value: 'name' is a required property");
  const flavorId = [...cloud.flavors.values()].find((each) => each.id === given['flavorRef'])?.id;
  if (flavorId === undefined) throw new Refusal(400, `Flavor ${String(given['flavorRef'])} could not be found.`);
  const imageId = text(given['imageRef']) ?? '';
  if (!cloud.images.has(imageId)) throw new Refusal(400, `Can not find requested image ${imageId}`);
  const tags = texts(given['tags']);
  if (tags.length > 0 && microversion(request) < 52)
    throw new Refusal(
      400,
      "Invalid input for field/attribute server. Additional properties are not allowed ('tags' was unexpected)",
    );
  if (tags.some((tag) => tag.length > 60))
    throw new Refusal(400, 'Invalid input for field/attribute tags. Tag is longer than 60 characters');
  const networks = Array.isArray(given['networks']) ? (given['networks'] as Record<string, unknown>[]) : [];
  const requestedHost = text(given['host']) ?? text(given['hypervisor_hostname']) ?? null;
  if (requestedHost !== null && microversion(request) < 74)
    throw new Refusal(
      400,
      "Invalid input for field/attribute server. Additional properties are not allowed ('host' was unexpected)",
    );
  if (requestedHost !== null && !admin) throw forbidden('compute:servers:create:requested_destination');
  if (requestedHost !== null && !cloud.hosts.has(requestedHost))
    throw new Refusal(400, `Compute host ${requestedHost} could not be found.`);
  const { zone, forced } = zoneOf(request, text(given['availability_zone']));
  const { groupId, hints } = hintsOf(cloud, body);
  return {
    name,
    flavorId,
    imageId,
    tags,
    portIds: networks.flatMap((network) => text(network['port']) ?? []),
    requestedHost: forced ?? requestedHost,
    zone: forced === null ? zone : null,
    groupId,
    hints,
  };
}

/** `zone:host` forces the host and ignores the zone, as the real one does. */
function zoneOf({ cloud, admin }: Request, asked: string | undefined): { zone: string | null; forced: string | null } {
  if (asked === undefined) return { zone: null, forced: null };
  const [zone = '', host] = asked.split(':');
  if (host !== undefined && !admin) throw forbidden('compute:servers:create:forced_host');
  if (host !== undefined && !cloud.hosts.has(host)) throw new Refusal(400, `Compute host ${host} could not be found.`);
  if (!cloud.aggregates.has(zone)) throw new Refusal(400, 'The requested availability zone is not available');
  return { zone, forced: host ?? null };
}

function hintsOf(cloud: Cloud, body: unknown): { groupId: string | null; hints: Readonly<Record<string, unknown>> } {
  const all = body as Record<string, unknown>;
  const hints = (all['os:scheduler_hints'] ?? all['OS-SCH-HNT:scheduler_hints'] ?? {}) as Record<string, unknown>;
  const groupId = text(hints['group']) ?? null;
  if (groupId !== null && !cloud.serverGroups.has(groupId))
    throw new Refusal(400, `Instance group ${groupId} could not be found.`);
  return { groupId, hints };
}

function forbidden(rule: string): Refusal {
  return new Refusal(403, `Policy doesn't allow ${rule} to be performed.`);
}

/** To the letter: "Quota exceeded for cores, instances: Requested 3, 3, but already used 2, 2 of 3, 2 cores, instances". */
function checkQuota({ cloud, project }: Request, more: Readonly<Record<string, number>>): void {
  const used = usedBy(cloud, project.id);
  const over = Object.keys(more)
    .sort()
    .filter((name) => {
      const limit = project.quotas.get(name) ?? -1;
      return limit >= 0 && (used[name] ?? 0) + (more[name] ?? 0) > limit;
    });
  if (over.length === 0) return;
  const each = (value: (name: string) => number | undefined): string =>
    over.map((name) => String(value(name) ?? 0)).join(', ');
  throw new Refusal(
    403,
    `Quota exceeded for ${over.join(', ')}: Requested ${each((name) => more[name])}, but already used ${each((name) => used[name])} of ${each((name) => project.quotas.get(name))} ${over.join(', ')}`,
  );
}

export function usedBy(cloud: Cloud, projectId: string): Record<string, number> {
  const used: Record<string, number> = { instances: 0, cores: 0, ram: 0 };
  for (const server of cloud.servers.values()) {
    if (server.projectId !== projectId) continue;
    const flavor = cloud.flavors.get(server.flavorId);
    used['instances'] = (used['instances'] ?? 0) + 1;
    used['cores'] = (used['cores'] ?? 0) + (flavor?.vcpus ?? 0);
    used['ram'] = (used['ram'] ?? 0) + (flavor?.ramMb ?? 0);
  }
  return used;
}

const ignoredForTenants = ['metadata', 'host', 'node', 'uuid', 'description', 'deleted'];
const known = new Set([
  ...[
    'name',
    'status',
    'image',
    'flavor',
    'tags',
    'tags-any',
    'not-tags',
    'not-tags-any',
    'all_tenants',
    'limit',
    'marker',
    'sort_key',
    'sort_dir',
  ],
  ...[
    'changes-since',
    'changes-before',
    'availability_zone',
    'vm_state',
    'task_state',
    'project_id',
    'tenant_id',
    'user_id',
    'ip',
    'ip6',
    'reservation_id',
  ],
  ...[
    'locked',
    'hostname',
    'created_at',
    'launched_at',
    'terminated_at',
    'power_state',
    'progress',
    'key_name',
    'config_drive',
    ...ignoredForTenants,
  ],
]);

function list(request: Request, show: (request: Request, server: Server) => unknown): Response {
  const { cloud, query, project, admin } = request;
  for (const key of query.keys())
    if (!known.has(key))
      throw new Refusal(
        400,
        `Invalid input for query parameters ${key}. Additional properties are not allowed ('${key}' was unexpected)`,
      );
  if (admin && query.has('metadata')) throw new Refusal(400, 'Invalid filters: metadata');
  const all = query.get('all_tenants');
  const everywhere = all !== null && all !== 'False' && all !== 'false' && all !== '0';
  if (everywhere && !admin) throw forbidden('os_compute_api:servers:detail:get_all_tenants');
  const tests = filters(request);
  const found = [...cloud.servers.values()].filter(
    (server) => (everywhere || server.projectId === project.id) && tests.every((test) => test(server)),
  );
  // Newest first, as Nova sorts by creation.
  const shown = page(found.reverse(), query);
  const last = shown.at(-1);
  const more = last !== undefined && last !== found.at(-1);
  return {
    status: 200,
    body: {
      servers: shown.map((server) => show(request, server)),
      ...(more && {
        servers_links: [
          {
            rel: 'next',
            href: `${request.base}/compute/v2.1/servers/detail?limit=${String(shown.length)}&marker=${last.id}`,
          },
        ],
      }),
    },
  };
}

function filters({ cloud, query, admin }: Request): ((server: Server) => boolean)[] {
  const tests: ((server: Server) => boolean)[] = [];
  const add = (key: string, test: (value: string, server: Server) => boolean): void => {
    const value = query.get(key);
    if (value !== null) tests.push((server) => test(value, server));
  };
  // The name is a regular expression: `sprout-1` also finds sprout-10.
  add('name', (value, server) => new RegExp(value).test(server.name));
  add('status', (value, server) => server.status === value.toUpperCase());
  add('image', (value, server) => server.imageId === value);
  add('flavor', (value, server) => server.flavorId === value);
  add('tags', (value, server) => value.split(',').every((tag) => server.tags.includes(tag)));
  add('tags-any', (value, server) => value.split(',').some((tag) => server.tags.includes(tag)));
  add('not-tags', (value, server) => !value.split(',').every((tag) => server.tags.includes(tag)));
  add('not-tags-any', (value, server) => !value.split(',').some((tag) => server.tags.includes(tag)));
  add('availability_zone', (value, server) => cloud.hosts.get(server.host ?? '')?.zone === value);
  if (admin) add('host', (value, server) => server.host === value);
  if (admin) add('project_id', (value, server) => server.projectId === value);
  return tests;
}

function serverOf({ cloud, params, project, admin }: Request): Server {
  const server = cloud.servers.get(params[0] ?? '');
  if (!server || (!admin && server.projectId !== project.id))
    throw new Refusal(404, `Instance ${params[0] ?? ''} could not be found.`);
  return server;
}

function links({ base }: Request, id: string): unknown {
  return [
    { rel: 'self', href: `${base}/compute/v2.1/servers/${id}` },
    { rel: 'bookmark', href: `${base}/compute/servers/${id}` },
  ];
}

function brief(request: Request, { id, name }: Server): unknown {
  return { id, name, links: links(request, id) };
}

function detail(request: Request, server: Server): unknown {
  const { cloud, admin } = request;
  const host = server.host === null ? undefined : cloud.hosts.get(server.host);
  const flavor = cloud.flavors.get(server.flavorId);
  return {
    id: server.id,
    name: server.name,
    status: server.status,
    tenant_id: server.projectId,
    user_id: request.user.id,
    metadata: {},
    hostId: server.host === null ? '' : createHash('sha224').update(`${server.projectId}${server.host}`).digest('hex'),
    image: { id: server.imageId, links: [] },
    flavor: {
      original_name: flavor?.name,
      vcpus: flavor?.vcpus,
      ram: flavor?.ramMb,
      disk: flavor?.diskGb,
      ephemeral: 0,
      swap: 0,
      extra_specs: {},
    },
    created: server.createdAt,
    updated: server.createdAt,
    addresses: addresses(cloud, server),
    accessIPv4: '',
    accessIPv6: '',
    links: links(request, server.id),
    'OS-DCF:diskConfig': 'MANUAL',
    'OS-EXT-AZ:availability_zone': host?.zone ?? server.zone ?? '',
    config_drive: '',
    key_name: null,
    'OS-SRV-USG:launched_at': null,
    'OS-SRV-USG:terminated_at': null,
    security_groups: [{ name: 'default' }],
    'OS-EXT-STS:task_state': server.taskState,
    'OS-EXT-STS:vm_state': vmState(server),
    'OS-EXT-STS:power_state': server.status === 'ACTIVE' ? 1 : 0,
    'os-extended-volumes:volumes_attached': [],
    locked: false,
    tags: server.tags,
    description: null,
    trusted_image_certificates: null,
    server_groups: server.groupId === null ? [] : [server.groupId],
    ...(server.status === 'ACTIVE' && { progress: 0 }),
    ...(server.fault && {
      fault: { ...server.fault, created: server.createdAt, ...(admin && { details: 'Traceback' }) },
    }),
    ...(admin && {
      'OS-EXT-SRV-ATTR:host': server.host,
      'OS-EXT-SRV-ATTR:hypervisor_hostname': server.host,
      'OS-EXT-SRV-ATTR:instance_name': `instance-${server.id.slice(0, 8)}`,
      host_status:
        host === undefined
          ? ''
          : isUp(host)
            ? host.enabled
              ? 'UP'
              : 'MAINTENANCE'
            : host.forcedDown
              ? 'DOWN'
              : 'UNKNOWN',
    }),
  };
}

function vmState({ status }: Server): string {
  const states = {
    ACTIVE: 'active',
    BUILD: 'building',
    ERROR: 'error',
    SHUTOFF: 'stopped',
    REBUILD: 'active',
  } as const;
  return states[status];
}

function addresses(cloud: Cloud, server: Server): Record<string, unknown[]> {
  const found: Record<string, unknown[]> = {};
  for (const id of server.portIds) {
    const port = cloud.ports.get(id);
    const network = port && cloud.networks.get(port.networkId);
    if (!port || !network) continue;
    (found[network.name] ??= []).push({
      version: 4,
      addr: port.address,
      'OS-EXT-IPS:type': 'fixed',
      'OS-EXT-IPS-MAC:mac_addr': 'fa:16:3e:00:00:00',
    });
  }
  return found;
}

function act(request: Request): Response {
  const { cloud, body, admin, requestId } = request;
  const server = serverOf(request);
  const [action, argument] = Object.entries(body as Record<string, unknown>)[0] ?? ['', null];
  switch (action) {
    case 'os-start':
      if (server.status !== 'SHUTOFF')
        throw new Refusal(409, `Cannot 'start' instance ${server.id} while it is in vm_state ${vmState(server)}`);
      setStatus(cloud, server, 'ACTIVE', requestId);
      return { status: 202 };
    case 'os-stop':
      if (server.status !== 'ACTIVE')
        throw new Refusal(409, `Cannot 'stop' instance ${server.id} while it is in vm_state ${vmState(server)}`);
      setStatus(cloud, server, 'SHUTOFF', requestId);
      return { status: 202 };
    case 'evacuate': {
      if (!admin) throw forbidden('os_compute_api:os-evacuate');
      const host = cloud.hosts.get(server.host ?? '');
      if (!host || isUp(host)) throw new Refusal(400, `Compute service of ${server.host ?? ''} is still in use.`);
      const target = text((argument as Record<string, unknown> | null)?.['host']) ?? null;
      evacuate(cloud, server, { target, stopped: microversion(request) >= 95 });
      return { status: 200, body: microversion(request) >= 14 ? {} : { adminPass: '' } };
    }
    default:
      throw new Refusal(400, `There is no such action: ${action}`);
  }
}
