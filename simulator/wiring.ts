import { emit, newUuid, type Cloud, type Network, type Port, type Server } from './model';

/** How servers and ports belong together: what Nova asks of Neutron when it builds and removes a server. */

/**
 * The compute takes the server's ports. Two creates on one port both get as far as this: the later one fails, and its
 * clean-up clears the port of the first.
 */
export function bindPorts(cloud: Cloud, server: Server): boolean {
  const ports = server.portIds.map((id) => cloud.ports.get(id));
  if (ports.some((port) => port === undefined || (port.deviceId !== '' && port.deviceId !== server.id))) return false;
  for (const port of ports) if (port) port.deviceId = server.id;
  for (const { networkId, address } of server.ownNetworks) {
    const network = cloud.networks.get(networkId);
    const free = network && (address ?? nextAddress(cloud, network));
    if (!network || free === undefined || cloud.addresses.has(`${networkId}/${free}`)) return false;
    const port = addPort(cloud, null, {
      name: '',
      projectId: server.projectId,
      network,
      address: free,
      description: '',
      adminStateUp: true,
      tags: [],
      securityGroupIds: server.securityGroupIds,
      deviceId: server.id,
    });
    server.ownPortIds.push(port.id);
  }
  return true;
}

/** Whether none was deleted meanwhile. One that was cleared by another's clean-up is there. */
export function hasItsPorts(cloud: Cloud, server: Server): boolean {
  return [...server.portIds, ...server.ownPortIds].every((id) => cloud.ports.has(id));
}

export function setPortsActive(cloud: Cloud, server: Server): void {
  for (const id of [...server.portIds, ...server.ownPortIds]) {
    const port = cloud.ports.get(id);
    if (port?.deviceId === server.id) port.status = 'ACTIVE';
  }
}

/**
 * Ports that were given to the server are left unbound; those that Nova made are deleted. A failed build clears the
 * ports that it was given whoever holds them by then.
 */
export function releasePorts(cloud: Cloud, server: Server, options: { readonly evenOfOthers: boolean }): void {
  for (const id of server.portIds) {
    const port = cloud.ports.get(id);
    if (!port || (port.deviceId !== server.id && !options.evenOfOthers)) continue;
    port.deviceId = '';
    port.status = 'DOWN';
  }
  for (const id of server.ownPortIds.splice(0)) {
    const port = cloud.ports.get(id);
    if (port) removePort(cloud, port, null);
  }
}

export type NewPort = Omit<Port, 'id' | 'status' | 'networkId'> & { readonly network: Network };

export function addPort(cloud: Cloud, requestId: string | null, given: NewPort): Port {
  const { network, ...rest } = given;
  const port: Port = { id: newUuid(cloud), ...rest, networkId: network.id, status: 'DOWN' };
  cloud.ports.set(port.id, port);
  cloud.addresses.add(`${network.id}/${port.address}`);
  emit(cloud, {
    type: 'port.created',
    requestId,
    id: port.id,
    name: port.name,
    project: port.projectId,
    network: network.name,
    description: port.description,
    address: port.address,
  });
  return port;
}

export function removePort(cloud: Cloud, port: Port, requestId: string | null): void {
  cloud.ports.delete(port.id);
  cloud.addresses.delete(`${port.networkId}/${port.address}`);
  emit(cloud, { type: 'port.deleted', requestId, id: port.id });
}

/** The first ones of a network are its gateway's and its agents'. */
const firstAddress = 10;

/** Undefined where the network is full. Addresses are not handed out twice in a row. */
export function nextAddress(cloud: Cloud, network: Network): string | undefined {
  const [base = '', bits = '24'] = network.cidr.split('/');
  const start = base.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const size = 2 ** (32 - Number(bits));
  for (let tries = firstAddress; tries < size - 1; tries++) {
    const number = network.next;
    network.next = number + 1 >= size - 1 ? firstAddress : number + 1;
    const address = [24, 16, 8, 0].map((shift) => String(Math.floor((start + number) / 2 ** shift) % 256)).join('.');
    if (!cloud.addresses.has(`${network.id}/${address}`)) return address;
  }
  return undefined;
}

/** One for each port, as everything that is made here. */
export function macOf({ id }: Port): string {
  return ['fa:16:3e', id.slice(0, 2), id.slice(2, 4), id.slice(4, 6)].join(':');
}
