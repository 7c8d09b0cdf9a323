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
import { checkQuota, conflict, found, matches, visible } from './shared';

/** Ports: create (also in bulk), list, show, delete, tags. */
export const portRoutes: readonly Route[] = [
  route('GET', '/v2.0/ports', listPorts),
  route('POST', '/v2.0/ports', createPorts),
  route('GET', '/v2.0/ports/:id', (request) => ({
    status: 200,
    body: { port: showPort(request.cloud, portOf(request)) },
  })),
  route('DELETE', '/v2.0/ports/:id', (request) => {
    removePort(request.cloud, portOf(request), request.requestId);
    return { status: 204 };
  }),
  route('PUT', '/v2.0/ports/:id/tags', (request) => {
    const port = portOf(request);
    port.tags = texts((request.body as Record<string, unknown>)['tags']);
    return { status: 200, body: { tags: port.tags } };
  }),
];

function portOf(request: Request): Port {
  const { cloud, params } = request;
  return found(visible(request, cloud.ports.get(params[0] ?? '')), 'Port', params[0]);
}

function listPorts(request: Request): Response {
  const { cloud, query, project, admin } = request;
  const tags = query.get('tags')?.split(',') ?? [];
  const ports = [...cloud.ports.values()].filter(
    (port) =>
      (admin || port.projectId === project.id) &&
      matches(query, 'id', port.id) &&
      matches(query, 'name', port.name) &&
      matches(query, 'device_id', port.deviceId) &&
      matches(query, 'network_id', port.networkId) &&
      matches(query, 'project_id', port.projectId) &&
      tags.every((tag) => port.tags.includes(tag)),
  );
  return {
    status: 200,
    body: pageBody(request, { key: 'ports', items: ports, show: (port) => showPort(cloud, port) }),
  };
}

function showPort(cloud: Cloud, port: Port): unknown {
  return {
    id: port.id,
    name: port.name,
    network_id: port.networkId,
    project_id: port.projectId,
    tenant_id: port.projectId,
    device_id: port.deviceId,
    device_owner: port.deviceId === '' ? '' : 'compute:nova',
    status: port.status,
    admin_state_up: true,
    mac_address: macOf(port),
    fixed_ips: [{ subnet_id: cloud.networks.get(port.networkId)?.subnetId ?? '', ip_address: port.address }],
    security_groups: port.securityGroupIds,
    tags: port.tags,
  };
}

/** One, or many in one request: then all or none. */
function createPorts(request: Request): Response {
  const { cloud, body } = request;
  const bulk = Array.isArray((body as Record<string, unknown> | undefined)?.['ports']);
  const given = bulk ? listIn(body, 'ports') : [objectIn(body, 'port')];
  checkQuota(request, 'port', given.length);
  const wanted = given.map((each) => {
    const network = found(cloud.networks.get(text(each['network_id']) ?? ''), 'Network', text(each['network_id']));
    const asked = text(objects(each['fixed_ips'])[0]?.['ip_address']);
    const tags = texts(each['tags']);
    if (tags.some((tag) => tag.length > 255))
      throw new Refusal(400, 'Invalid input for tags. Reason: a tag is longer than 255 characters.');
    return { each, network, asked, tags };
  });
  const addresses = reserve(cloud, wanted);
  const created = wanted.map(({ each, network, tags }, index) =>
    addPort(cloud, request.requestId, {
      name: text(each['name']) ?? '',
      projectId: request.project.id,
      network,
      address: addresses[index] ?? '',
      tags,
      securityGroupIds: texts(each['security_groups']),
      deviceId: text(each['device_id']) ?? '',
    }),
  );
  const shown = created.map((port) => showPort(cloud, port));
  return { status: 201, body: bulk ? { ports: shown } : { port: shown[0] } };
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
