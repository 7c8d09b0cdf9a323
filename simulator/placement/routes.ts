import { aggregatesOf } from '../aggregates';
import { hasTraits, traitsOfHost } from '../filters';
import { asksOf, mainClasses, placesFor, usedOf, type Inventory } from '../inventories';
import { emitHost, newUuid, type Cloud, type Host } from '../model';
import {
  isObject,
  objectIn,
  Refusal,
  route,
  text,
  type Request,
  type Response,
  type Route,
  type ServiceRoutes,
} from '../routing';

/**
 * Placement: allocation candidates for one plain request group, providers, their inventories and allocations. Ratios are 1 and
 * nothing is reserved. A host's devices are on a provider below its own, and such can be made. For operators only. Not there: other providers, several request
 * groups, writing allocations.
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
      body: showProvider(providerOf(cloud, params[0])),
    })),
    read('/resource_providers/:id/inventories', 'resource_providers:inventories:list', inventories),
    read('/resource_providers/:id/inventories/:resource', 'resource_providers:inventories:show', inventory),
    read('/resource_providers/:id/usages', 'resource_providers:usages', ({ cloud, params }) => ({
      status: 200,
      body: { resource_provider_generation: 1, usages: providerOf(cloud, params[0]).used },
    })),
    read('/resource_providers/:id/allocations', 'resource_providers:allocations:list', allocationsOfProvider),
    read('/allocations/:consumer', 'allocations:list', allocations),
    ...(['PUT', 'DELETE'] as const).map((method) =>
      write(method, '/resource_classes/:name', ({ cloud, params }) => {
        const name = params[0] ?? '';
        if (!/^CUSTOM_[A-Z0-9_]+$/.test(name)) throw new Refusal(400, `JSON does not validate: '${name}'`);
        const isKnown = cloud.resourceClasses.has(name);
        if (method === 'PUT') cloud.resourceClasses.add(name);
        else if (!cloud.resourceClasses.delete(name)) throw new Refusal(404, `No such resource class: ${name}`);
        return { status: method === 'PUT' && !isKnown ? 201 : 204 };
      }),
    ),
    write('POST', '/resource_providers', addChild),
    write('PUT', '/resource_providers/:id/inventories', setInventories),
    write('DELETE', '/resource_providers/:id', removeChild),
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

function write(method: 'POST' | 'PUT' | 'DELETE', path: string, handle: Route['handle']): Route {
  return route(method, path, (request) => {
    if (!request.admin) throw new Refusal(403, 'Policy does not allow it to be performed.');
    return handle(request);
  });
}

interface Provider {
  readonly id: string;
  readonly name: string;
  readonly host: Host;
  readonly total: Readonly<Record<string, number>>;
  readonly used: Readonly<Record<string, number>>;
}

/** A host's own, first, and those below it. */
function treeOf(host: Host): Provider[] {
  const { id, name, inventories } = host;
  const others = (of: readonly Inventory[]): Pick<Provider, 'total' | 'used'> => ({
    total: Object.assign({}, ...of.map(({ total }) => total)) as Provider['total'],
    used: Object.assign({}, ...of.map(usedOf)) as Provider['used'],
  });
  const own = others(inventories.filter((each) => each.id === id));
  const total = { ...amounts(host), ...own.total };
  return [
    { id, name, host, total, used: { ...amounts(host.used), ...own.used } },
    ...inventories.flatMap((each) =>
      each.id === id ? [] : [{ id: each.id, name: each.name, host, ...others([each]) }],
    ),
  ];
}

function providerOf(cloud: Cloud, id: string | undefined): Provider {
  for (const host of cloud.hosts.values()) {
    const found = treeOf(host).find((each) => each.id === id);
    if (found) return found;
  }
  throw new Refusal(404, `No resource provider with uuid ${id ?? ''} found`);
}

/** Below a host's own: there are no others. */
function addChild({ cloud, body }: Request): Response {
  const given = isObject(body) ? body : {};
  const name = text(given['name']) ?? '';
  const { host, id: parent } = providerOf(cloud, text(given['parent_provider_uuid']));
  if (name === '' || parent !== host.id) throw new Refusal(400, 'The embedded cloud has providers below hosts only.');
  const id = text(given['uuid']) ?? newUuid(cloud);
  host.inventories.push({ id, name, total: {}, held: new Map() });
  return { status: 200, body: showProvider(providerOf(cloud, id)) };
}

function childOf({ cloud, params }: Request): { readonly host: Host; readonly child: Inventory } {
  const { host, id } = providerOf(cloud, params[0]);
  const child = host.inventories.find((each) => each.id === id && id !== host.id);
  if (!child) throw new Refusal(409, 'The embedded cloud changes no host’s own provider.');
  return { host, child };
}

function setInventories(request: Request): Response {
  const { host, child } = childOf(request);
  const given = objectIn(request.body, 'inventories');
  child.total = Object.fromEntries(
    Object.entries(given).map(([name, each]) => {
      if (!isKnownClass(request.cloud, name)) throw new Refusal(400, `Unknown resource class in inventory: ${name}`);
      return [name, Number(isObject(each) ? each['total'] : 0)];
    }),
  );
  emitHost(request.cloud, host, request.requestId);
  return inventories(request);
}

function removeChild(request: Request): Response {
  const { host, child } = childOf(request);
  if (child.held.size > 0)
    throw new Refusal(409, `Unable to delete resource provider ${child.id}: Resource provider has allocations.`);
  host.inventories.splice(host.inventories.indexOf(child), 1);
  emitHost(request.cloud, host, request.requestId);
  return { status: 204 };
}

/** `VCPU:1,MEMORY_MB:2048` */
function resourcesIn(cloud: Cloud, said: string): Readonly<Record<string, number>> {
  const wanted = said.split(',').map((each): [string, number] => {
    const [name = '', amount] = each.split(':');
    if (!isKnownClass(cloud, name)) throw new Refusal(400, `Invalid resource class in resources parameter: ${name}`);
    if (!/^[1-9]\d*$/.test(amount ?? ''))
      throw new Refusal(400, `Requested resource ${name} expects a positive integer. Got: ${amount ?? ''}.`);
    return [name, Number(amount)];
  });
  return Object.fromEntries(wanted);
}

/** Some of the standard's. */
const classes = [...mainClasses, 'PCPU', 'VGPU', 'PCI_DEVICE', 'SRIOV_NET_VF', 'MEM_ENCRYPTION_CONTEXT'];

function isKnownClass(cloud: Cloud, name: string): boolean {
  return classes.includes(name) || cloud.resourceClasses.has(name);
}

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
  const { main, others } = parted(wanted);
  return (host) => {
    const [total, used] = [amounts(host), amounts(host.used)];
    return (
      Object.entries(main).every(([name, amount]) => (total[name] ?? 0) - (used[name] ?? 0) >= amount) &&
      placesFor(host, others) !== null &&
      hasTraits(host, traits) &&
      aggregates.every((any) => aggregatesOf(request.cloud, host.name).some(({ uuid }) => any.includes(uuid)))
    );
  };
}

function amounts({ vcpus, ramMb, diskGb }: { vcpus: number; ramMb: number; diskGb: number }): Record<string, number> {
  return { VCPU: vcpus, MEMORY_MB: ramMb, DISK_GB: diskGb };
}

function parted(wanted: Readonly<Record<string, number>>): Record<'main' | 'others', Record<string, number>> {
  const of = (isMain: boolean): Record<string, number> =>
    Object.fromEntries(Object.entries(wanted).filter(([name]) => mainClasses.includes(name) === isMain));
  return { main: of(true), others: of(false) };
}

/** By provider of the host's. */
function allocated(host: Host, wanted: Readonly<Record<string, number>>): Record<string, { resources: object }> {
  const { main, others } = parted(wanted);
  const found: Record<string, { resources: object }> = {};
  if (Object.keys(main).length > 0) found[host.id] = { resources: main };
  for (const [{ id }, resources] of placesFor(host, others) ?? [])
    found[id] = { resources: { ...found[id]?.resources, ...resources } };
  return found;
}

function candidates(request: Request): Response {
  const { cloud, query } = request;
  const said = query.get('resources');
  if (said === null) throw new Refusal(400, 'At least one request group (`resources` or `resources{$S}`) is required.');
  const wanted = resourcesIn(cloud, said);
  const limit = Number(query.get('limit') ?? Infinity);
  const able = [...cloud.hosts.values()].filter(isAble(request, wanted));
  const shown = able.slice(0, limit);
  return {
    status: 200,
    body: {
      allocation_requests: shown.map((host) => ({
        allocations: allocated(host, wanted),
        mappings: { '': Object.keys(allocated(host, wanted)) },
      })),
      provider_summaries: Object.fromEntries(
        shown.flatMap(treeOf).map(({ id, host, total, used }): [string, unknown] => [
          id,
          {
            resources: Object.fromEntries(
              Object.entries(total).map(([name, capacity]) => [name, { capacity, used: used[name] ?? 0 }]),
            ),
            traits: id === host.id ? traitsOfHost(host) : [],
            ...placeOf({ id, host }),
          },
        ]),
      ),
    },
  };
}

function providers(request: Request): Response {
  const { cloud, query } = request;
  const [name, id, tree, resources] = ['name', 'uuid', 'in_tree', 'resources'].map((key) => query.get(key));
  const able = isAble(request, resources ? resourcesIn(cloud, resources) : {});
  const isAsked = (of: Provider): boolean =>
    (!name || of.name === name) && (!id || of.id === id) && (!resources || of.id === of.host.id);
  const found = [...cloud.hosts.values()].flatMap((host) => {
    const all = treeOf(host);
    return able(host) && (!tree || all.some((each) => each.id === tree)) ? all.filter(isAsked) : [];
  });
  return { status: 200, body: { resource_providers: found.map(showProvider) } };
}

function showProvider({ id, name, host }: Provider): unknown {
  return { uuid: id, name, generation: 1, ...placeOf({ id, host }), links: [] };
}

function placeOf({ id, host }: Pick<Provider, 'id' | 'host'>): Record<string, string | null> {
  return { parent_provider_uuid: id === host.id ? null : host.id, root_provider_uuid: host.id };
}

function inventoriesOf({ cloud, params }: Request): Readonly<Record<string, object>> {
  const found = Object.entries(providerOf(cloud, params[0]).total).map(([name, total]): [string, object] => [
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

/** Of a server on a host, by provider. */
function allocationsOn({ cloud }: Request, host: Host, serverId: string): Record<string, { resources: object }> {
  const flavor = cloud.flavors.get(cloud.servers.get(serverId)?.flavorId ?? '');
  if (!host.holds.has(serverId) || !flavor) return {};
  const main = Object.entries(amounts(asksOf(flavor))).filter(([, amount]) => amount > 0);
  const found: Record<string, { resources: object }> = { [host.id]: { resources: Object.fromEntries(main) } };
  for (const { id, held } of host.inventories) {
    const resources = held.get(serverId);
    if (resources) found[id] = { resources: { ...found[id]?.resources, ...resources } };
  }
  return found;
}

function allocationsOfProvider(request: Request): Response {
  const { id, host } = providerOf(request.cloud, request.params[0]);
  const found = [...host.holds].flatMap((server): [string, unknown][] => {
    const here = allocationsOn(request, host, server)[id];
    return here ? [[server, here]] : [];
  });
  const all: unknown = Object.fromEntries(found);
  return { status: 200, body: { resource_provider_generation: 1, allocations: all } };
}

function allocations(request: Request): Response {
  const id = request.params[0] ?? '';
  const found = Object.entries(
    Object.assign({}, ...[...request.cloud.hosts.values()].map((host) => allocationsOn(request, host, id))) as object,
  );
  const server = request.cloud.servers.get(id);
  return {
    status: 200,
    body: {
      allocations: Object.fromEntries(
        found.map(([provider, held]) => [provider, { generation: 1, ...(held as object) }]),
      ),
      ...(server && found.length > 0 && { project_id: server.projectId, user_id: server.userId }),
    },
  };
}
