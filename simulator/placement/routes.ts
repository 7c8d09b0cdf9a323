import { freeOf, type Host } from '../model';
import { Refusal, route, type Request, type Response, type ServiceRoutes } from '../routing';

/**
 * Placement: allocation candidates for one plain request group, providers, their inventories and allocations. Ratios are 1 and
 * nothing is reserved. Not there: nested providers, traits, writing allocations.
 */
export const placement: ServiceRoutes = {
  prefix: '/placement',
  error: (status, message) => ({ errors: [{ status, title: String(status), detail: message, request_id: '' }] }),
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
    route('GET', '/allocation_candidates', candidates),
    route('GET', '/resource_providers', providers),
    route('GET', '/resource_providers/:id', ({ cloud, params }) => ({
      status: 200,
      body: showProvider(hostOf(cloud.hosts.values(), params[0])),
    })),
    route('GET', '/resource_providers/:id/inventories', inventories),
    route('GET', '/resource_providers/:id/usages', ({ cloud, params }) => ({
      status: 200,
      body: { resource_provider_generation: 1, usages: usage(hostOf(cloud.hosts.values(), params[0])) },
    })),
    route('GET', '/resource_providers/:id/allocations', allocationsOfProvider),
    route('GET', '/allocations/:consumer', allocations),
  ],
};

function hostOf(hosts: Iterable<Host>, id: string | undefined): Host {
  for (const host of hosts) if (host.id === id) return host;
  throw new Refusal(404, `No resource provider with uuid ${id ?? ''} found`);
}

function asked(query: URLSearchParams): Readonly<Record<string, number>> {
  const text = query.get('resources');
  if (text === null) throw new Refusal(400, "Invalid query string parameters: 'resources' is a required property");
  return Object.fromEntries(text.split(',').map((each) => [each.split(':')[0] ?? '', Number(each.split(':')[1])]));
}

function amounts({ vcpus, ramMb, diskGb }: { vcpus: number; ramMb: number; diskGb: number }): Record<string, number> {
  return { VCPU: vcpus, MEMORY_MB: ramMb, DISK_GB: diskGb };
}

function usage(host: Host): Record<string, number> {
  return amounts(host.used);
}

function candidates({ cloud, query }: Request): Response {
  const wanted = asked(query);
  const aggregates = query.get('member_of')?.replace(/^in:/, '').split(',');
  const limit = Number(query.get('limit') ?? Infinity);
  const able = [...cloud.hosts.values()].filter((host) => {
    const free = amounts(freeOf(host));
    return (
      Object.entries(wanted).every(([name, amount]) => (free[name] ?? 0) >= amount) &&
      (aggregates === undefined || aggregates.includes(host.aggregateId))
    );
  });
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
          return [host.id, { resources, traits: [], parent_provider_uuid: null, root_provider_uuid: host.id }];
        }),
      ),
    },
  };
}

function providers({ cloud, query }: Request): Response {
  const name = query.get('name');
  const found = [...cloud.hosts.values()].filter((host) => name === null || host.name === name);
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

function inventories({ cloud, params }: Request): Response {
  const host = hostOf(cloud.hosts.values(), params[0]);
  const found: [string, unknown][] = Object.entries(amounts(host)).map(([name, total]) => [
    name,
    { total, reserved: 0, min_unit: 1, max_unit: total, step_size: 1, allocation_ratio: 1 },
  ]);
  const all: unknown = Object.fromEntries(found);
  return { status: 200, body: { resource_provider_generation: 1, inventories: all } };
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
  return {
    status: 200,
    body: {
      allocations: Object.fromEntries(
        holding.map((host) => [host.id, { generation: 1, resources: resourcesOf(request, id) }]),
      ),
    },
  };
}
