import type { Cloud, Network, Port } from '../model';
import {
  listIn,
  objectIn,
  objects,
  pageBody,
  Refusal,
  route,
  text,
  texts,
  type Request,
  type Response,
  type Route,
} from '../routing';
import { addPort, macOf, nextAddress, removePort } from '../wiring';
import { checkQuota, conflict, found, matches, ownerOf, refuseOthers, tagsIn, visible } from './shared';

/** Ports: create (also in bulk), list, show, update, delete, tags. An address and a network stay what they are. */
export const portRoutes: readonly Route[] = [
  route('GET', '/v2.0/ports', listPorts),
  route('POST', '/v2.0/ports', createPorts),
  route('GET', '/v2.0/ports/:id', (request) => ({
    status: 200,
    body: { port: showPort(request.cloud, portOf(request)) },
  })),
  route('PUT', '/v2.0/ports/:id', updatePort),
  route('DELETE', '/v2.0/ports/:id', (request) => {
    const port = portOf(request);
    // For a tenant, what a server has goes only behind it.
    if (!request.admin && request.cloud.servers.has(port.deviceId)) throw disallowed('rule:delete_port');
    removePort(request.cloud, port, request.requestId);
    return { status: 204 };
  }),
  route('PUT', '/v2.0/ports/:id/tags', (request) => {
    const port = portOf(request);
    port.tags = tagsIn(request.body);
    return { status: 200, body: { tags: port.tags } };
  }),
];

function portOf(request: Request): Port {
  const { cloud, params } = request;
  return found(visible(request, cloud.ports.get(params[0] ?? '')), 'Port', params[0]);
}

function updatePort(request: Request): Response {
  const { cloud, body } = request;
  const port = portOf(request);
  const given = objectIn(body, 'port');
  refuseOthers(given, ['name', 'description', 'admin_state_up', 'security_groups', 'device_id', 'device_owner']);
  if (given['security_groups'] !== undefined)
    port.securityGroupIds = securityGroupsOf(request, given['security_groups']);
  port.name = text(given['name']) ?? port.name;
  port.description = text(given['description']) ?? port.description;
  port.deviceId = text(given['device_id']) ?? port.deviceId;
  if (typeof given['admin_state_up'] === 'boolean') port.adminStateUp = given['admin_state_up'];
  return { status: 200, body: { port: showPort(cloud, port) } };
}

function securityGroupsOf(request: Request, given: unknown): readonly string[] {
  return texts(given).map(
    (id) => found(visible(request, request.cloud.securityGroups.get(id)), 'Security group', id).id,
  );
}

const filters: readonly string[] = [
  ...['id', 'name', 'description', 'device_id', 'device_owner', 'network_id', 'project_id', 'tenant_id', 'status'],
  ...['mac_address', 'admin_state_up', 'fixed_ips', 'security_groups', 'binding:host_id', 'tags', 'tags-any'],
  ...['not-tags', 'not-tags-any', 'limit', 'marker', 'page_reverse', 'sort_key', 'sort_dir', 'fields'],
];

function listPorts(request: Request): Response {
  const { cloud, query, project, admin } = request;
  const unknown = [...query.keys()].filter((key) => !filters.includes(key));
  if (unknown.length > 0) throw new Refusal(400, `['${unknown.join("', '")}'] is invalid attribute for filtering`);
  const tags = query.get('tags')?.split(',') ?? [];
  const fixed = query.getAll('fixed_ips').map((each) => each.split('='));
  const ports = [...cloud.ports.values()].filter(
    (port) =>
      (admin || port.projectId === project.id) &&
      matches(query, 'id', port.id) &&
      matches(query, 'name', port.name) &&
      matches(query, 'description', port.description) &&
      matches(query, 'device_id', port.deviceId) &&
      matches(query, 'network_id', port.networkId) &&
      matches(query, 'project_id', port.projectId) &&
      matches(query, 'status', port.status) &&
      matches(query, 'mac_address', macOf(port)) &&
      matches(query, 'device_owner', ownerOfDevice(port)) &&
      fixed.every(([key = '', value]) => value === fixedOf(cloud, port)[key]) &&
      query.getAll('security_groups').every((id) => port.securityGroupIds.includes(id)) &&
      tags.every((tag) => port.tags.includes(tag)),
  );
  return {
    status: 200,
    body: pageBody(request, { key: 'ports', items: ports, show: (port) => showPort(cloud, port) }),
  };
}

function fixedOf(cloud: Cloud, port: Port): Readonly<Record<string, string>> {
  return { subnet_id: cloud.networks.get(port.networkId)?.subnetId ?? '', ip_address: port.address };
}

function ownerOfDevice({ deviceId }: Port): string {
  return deviceId === '' ? '' : 'compute:nova';
}

function showPort(cloud: Cloud, port: Port): unknown {
  return {
    id: port.id,
    name: port.name,
    description: port.description,
    network_id: port.networkId,
    project_id: port.projectId,
    tenant_id: port.projectId,
    device_id: port.deviceId,
    device_owner: ownerOfDevice(port),
    status: port.status,
    admin_state_up: port.adminStateUp,
    mac_address: macOf(port),
    fixed_ips: [fixedOf(cloud, port)],
    security_groups: port.securityGroupIds,
    tags: port.tags,
  };
}

/** One, or many in one request: then all or none. */
function createPorts(request: Request): Response {
  const { cloud, body } = request;
  const bulk = Array.isArray((body as Record<string, unknown> | undefined)?.['ports']);
  const given = bulk ? listIn(body, 'ports') : [objectIn(body, 'port')];
  const owners = given.map((each) => ownerOf(request, each));
  for (const owner of new Set(owners))
    checkQuota(request, 'port', { more: owners.filter((each) => each === owner).length, owner });
  const wanted = given.map((each) => {
    const network = found(cloud.networks.get(text(each['network_id']) ?? ''), 'Network', text(each['network_id']));
    const asked = text(objects(each['fixed_ips'])[0]?.['ip_address']);
    // The networks are nobody's own.
    if (asked !== undefined && !request.admin) throw notAllowed('create_port:fixed_ips:ip_address');
    return { each, network, asked, securityGroupIds: securityGroupsOf(request, each['security_groups']) };
  });
  const addresses = reserve(cloud, wanted);
  const created = wanted.map(({ each, network, securityGroupIds }, index) =>
    addPort(cloud, request.requestId, {
      name: text(each['name']) ?? '',
      description: text(each['description']) ?? '',
      adminStateUp: each['admin_state_up'] !== false,
      projectId: owners[index] ?? request.project.id,
      network,
      address: addresses[index] ?? '',
      // Tags in a create are taken, and forgotten: they need an extension that is often not on.
      tags: [],
      securityGroupIds,
      deviceId: text(each['device_id']) ?? '',
    }),
  );
  const shown = created.map((port) => showPort(cloud, port));
  return { status: 201, body: bulk ? { ports: shown } : { port: shown[0] } };
}

function notAllowed(rule: string): Refusal {
  return disallowed(`(rule:create_port and (rule:create_port:fixed_ips and (rule:${rule})))`);
}

function disallowed(rules: string): Refusal {
  const message = `${rules} is disallowed by policy`;
  return new Refusal(403, message, { body: { NeutronError: { type: 'PolicyNotAuthorized', message, detail: '' } } });
}

/** An address for each: those that are asked for first, so that no other one takes them. All, or none. */
function reserve(
  cloud: Cloud,
  wanted: readonly { readonly network: Network; readonly asked: string | undefined }[],
): readonly string[] {
  const taken: string[] = [];
  const take = (network: Network, address: string): string => {
    const key = `${network.id}/${address}`;
    if (cloud.addresses.has(key))
      throw conflict(
        'IpAddressAlreadyAllocated',
        `IP address ${address} already allocated in subnet ${network.subnetId}.`,
      );
    cloud.addresses.add(key);
    taken.push(key);
    return address;
  };
  try {
    const asked = wanted.map((each) => each.asked && take(each.network, each.asked));
    return wanted.map(({ network }, index) => asked[index] ?? take(network, freeAddress(cloud, network)));
  } catch (error) {
    for (const key of taken) cloud.addresses.delete(key);
    throw error;
  }
}

function freeAddress(cloud: Cloud, network: Network): string {
  const address = nextAddress(cloud, network);
  if (address === undefined)
    throw conflict('IpAddressGenerationFailure', `No more IP addresses available on network ${network.id}.`);
  return address;
}
