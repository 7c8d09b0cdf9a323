import { aggregatesOf } from '../aggregates';
import { hasTraits, traitsOfHost } from '../filters';
import { freeOf, type Host } from '../model';
import { Refusal, route, type Request, type Response, type Route, type ServiceRoutes } from '../routing';

/**
 * Placement: allocation candidates for one plain request group, providers, their inventories and allocations. Ratios are 1 and
 * nothing is reserved. For operators only. Not there: nested providers, writing allocations.
 */
export const placement: ServiceRoutes = {
  prefix: '/placement',
  part: 'placement',
  error: (status, message) => ({
    errors: [
      {
        status,
        title: titles[status] ?? String(status),
        detail: `${explained[status] ?? ''}${message}  `,
        code: 'placement.undefined_code',
        request_id: '',
      },
    ],
  }),
  routes: [
    route(
      'GET',
      '/',
      ({ base }) => ({
        status: 200,
        body: {
          versions: [
            {
              id: 'v1.0',
              status: 'CURRENT',
              min_version: '1.0',
              max_version: '1.39',
              links: [{ rel: 'self', href: `${base}/placement/` }],
            },
          ],
        },
      }),
      { open: true },
    ),
    read('/allocation_candidates', 'allocation_candidates:list', candidates),
    read('/resource_providers', 'resource_providers:list', providers),
    read('/resource_providers/:id', 'resource_providers:show', ({ cloud, params }) => ({
      status: 200,
      body: showProvider(hostOf(cloud.hosts.values(), params[0])),
    })),
    read('/resource_providers/:id/inventories', 'resource_providers:inventories:list', inventories),
    read('/resource_providers/:id/inventories/:resource', 'resource_providers:inventories:show', inventory),
    read('/resource_providers/:id/usages', 'resource_providers:usages', ({ cloud, params }) => ({
      status: 200,
      body: { resource_provider_generation: 1, usages: usage(hostOf(cloud.hosts.values(), params[0])) },
    })),
    read('/resource_providers/:id/allocations', 'resource_providers:allocations:list', allocationsOfProvider),
    read('/allocations/:consumer', 'allocations:list', allocations),
  ],
};

const titles: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
};
const explained: Readonly<Record<number, string>> = {
  400: 'The server could not comply with the request since it is either malformed or otherwise incorrect.\n\n ',
  403: 'Access was denied to this resource.\n\n ',
  404: 'The resource could not be found.\n\n ',
};

function read(path: string, rule: string, handle: Route['handle']): Route {
  return route('GET', path, (request) => {
    if (!request.admin) throw new Refusal(403, `Policy does not allow placement:${rule} to be performed.`);
    return handle(request);
  });
}

function hostOf(hosts: Iterable<Host>, id: string | undefined): Host {
  for (const host of hosts) if (host.id === id) return host;
  throw new Refusal(404, `No resource provider with uuid ${id ?? ''} found`);
}

/** `VCPU:1,MEMORY_MB:2048` */
function resourcesIn(text: string): Readonly<Record<string, number>> {
  const wanted = text.split(',').map((each): [string, number] => {
    const [name = '', amount] = each.split(':');
    if (!classes.includes(name)) throw new Refusal(400, `Invalid resource class in resources parameter: ${name}`);
    if (!/^[1-9]\d*$/.test(amount ?? ''))
      throw new Refusal(400, `Requested resource ${name} expects a positive integer. Got: ${amount ?? ''}.`);
    return [name, Number(amount)];
  });
  return Object.fromEntries(wanted);
}

const classes = ['VCPU', 'MEMORY_MB', 'DISK_GB'];

/** `A,!B`: what a provider must have, and must not. Placement's own traits are not told from what is misspelt, customs are. */
function traitsIn({ cloud, query }: Request): string[] {
  const wanted = query.getAll('required').flatMap((each) => each.split(','));
  const known = new Set([...cloud.hosts.values()].flatMap(traitsOfHost));
  const missing = wanted
    .map((each) => each.replace(/^!/, ''))
    .filter((each) => each.startsWith('CUSTOM_') && !known.has(each));
  if (missing.length > 0) throw new Refusal(400, `No such trait(s): ${missing.join(', ')}.`);
  return wanted;
}

/** With so much room, of that kind, and in those aggregates. */
function isAble(request: Request, wanted: Readonly<Record<string, number>>): (host: Host) => boolean {
  const { query } = request;
  const traits = traitsIn(request);
  const aggregates = query.getAll('member_of').map((each) => each.replace(/^in:/, '').split(','));
  return (host) => {
    const free = amounts(freeOf(host));
    return (
      Object.entries(wanted).every(([name, amount]) => (free[name] ?? 0) >= amount) &&
      hasTraits(host, traits) &&
      aggregates.every((any) => aggregatesOf(request.cloud, host.name).some(({ uuid }) => any.includes(uuid)))
    );
  };
}

function amounts({ vcpus, ramMb, diskGb }: { vcpus: number; ramMb: number; diskGb: number }): Record<string, number> {
  return { VCPU: vcpus, MEMORY_MB: ramMb, DISK_GB: diskGb };
}

function usage(host: Host): Record<string, number> {
  return amounts(host.used);
}

function candidates(request: Request): Response {
  const { cloud, query } = request;
  const text = query.get('resources');
  if (text === null) throw new Refusal(400, 'At least one request group (`resources` or `resources{$S}`) is required.');
  const wanted = resourcesIn(text);
  const limit = Number(query.get('limit') ?? Infinity);
  const able = [...cloud.hosts.values()].filter(isAble(request, wanted));
  const shown = able.slice(0, limit);
  return {
    status: 200,
    body: {
      allocation_requests: shown.map((host) => ({
        allocations: { [host.id]: { resources: wanted } },
        mappings: { '': [host.id] },
      })),
      provider_summaries: Object.fromEntries(
        shown.map((host) => {
          const capacity = amounts(host);
          const used = usage(host);
          const resources = Object.fromEntries(
            Object.keys(capacity).map((name) => [name, { capacity: capacity[name], used: used[name] }]),
          );
          return [
            host.id,
            { resources, traits: traitsOfHost(host), parent_provider_uuid: null, root_provider_uuid: host.id },
          ];
        }),
      ),
    },
  };
}

function providers(request: Request): Response {
  const { cloud, query } = request;
  const name = query.get('name');
  const id = query.get('uuid') ?? query.get('in_tree');
  const resources = query.get('resources');
  const able = isAble(request, resources === null ? {} : resourcesIn(resources));
  const found = [...cloud.hosts.values()].filter(
    (host) => (name === null || host.name === name) && (id === null || host.id === id) && able(host),
  );
  return {
    status: 200,
    body: {
      resource_providers: found.map(showProvider),
    },
  };
}

function showProvider({ id, name }: Host): unknown {
  return { uuid: id, name, generation: 1, parent_provider_uuid: null, root_provider_uuid: id, links: [] };
}

function inventoriesOf({ cloud, params }: Request): Readonly<Record<string, object>> {
  const host = hostOf(cloud.hosts.values(), params[0]);
  const found = Object.entries(amounts(host)).map(([name, total]): [string, object] => [
    name,
    { total, reserved: 0, min_unit: 1, max_unit: total, step_size: 1, allocation_ratio: 1 },
  ]);
  return Object.fromEntries(found);
}

function inventories(request: Request): Response {
  return { status: 200, body: { resource_provider_generation: 1, inventories: inventoriesOf(request) } };
}

function inventory(request: Request): Response {
  const found = inventoriesOf(request)[request.params[1] ?? ''];
  if (!found)
    throw new Refusal(404, `No inventory of class ${request.params[1] ?? ''} found for ${request.params[0] ?? ''}`);
  return { status: 200, body: { ...found, resource_provider_generation: 1 } };
}

function resourcesOf({ cloud }: Request, serverId: string): Record<string, number> {
  const flavor = cloud.flavors.get(cloud.servers.get(serverId)?.flavorId ?? '');
  return flavor ? amounts(flavor) : {};
}

function allocationsOfProvider(request: Request): Response {
  const host = hostOf(request.cloud.hosts.values(), request.params[0]);
  const found: [string, unknown][] = [...host.holds].map((id) => [id, { resources: resourcesOf(request, id) }]);
  const all: unknown = Object.fromEntries(found);
  return { status: 200, body: { resource_provider_generation: 1, allocations: all } };
}

function allocations(request: Request): Response {
  const id = request.params[0] ?? '';
  const holding = [...request.cloud.hosts.values()].filter((host) => host.holds.has(id));
  const server = request.cloud.servers.get(id);
  return {
    status: 200,
    body: {
      allocations: Object.fromEntries(
        holding.map((host) => [host.id, { generation: 1, resources: resourcesOf(request, id) }]),
      ),
      ...(server && holding.length > 0 && { project_id: server.projectId, user_id: server.userId }),
    },
  };
}
