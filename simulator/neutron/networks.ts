import type { Network } from '../model';
import { pageBody, route, type Request, type Response, type Route } from '../routing';
import { found, matches } from './shared';

/** Networks and their subnets: list and show. They are the operator's to make. */
export const networkRoutes: readonly Route[] = [
  route('GET', '/v2.0/networks', listNetworks),
  route('GET', '/v2.0/networks/:id', ({ cloud, params }) => ({
    status: 200,
    body: { network: showNetwork(found(cloud.networks.get(params[0] ?? ''), 'Network', params[0])) },
  })),
  route('GET', '/v2.0/subnets', ({ cloud, query }) => {
    const shown = [...cloud.networks.values()].filter(
      ({ id, name, subnetId }) =>
        matches(query, 'id', subnetId) && matches(query, 'name', name) && matches(query, 'network_id', id),
    );
    return { status: 200, body: { subnets: shown.map(showSubnet) } };
  }),
  route('GET', '/v2.0/subnets/:id', ({ cloud, params }) => {
    const network = [...cloud.networks.values()].find(({ subnetId }) => subnetId === params[0]);
    return { status: 200, body: { subnet: showSubnet(found(network, 'Subnet', params[0])) } };
  }),
];

function listNetworks(request: Request): Response {
  const { cloud, query } = request;
  const networks = [...cloud.networks.values()].filter(
    (network) => matches(query, 'name', network.name) && matches(query, 'id', network.id),
  );
  return { status: 200, body: pageBody(request, { key: 'networks', items: networks, show: showNetwork }) };
}

/** One for each network, with its name. */
function showSubnet({ id, name, subnetId, cidr }: Network): unknown {
  return {
    id: subnetId,
    name,
    network_id: id,
    cidr,
    ip_version: 4,
    enable_dhcp: true,
    gateway_ip: null,
    allocation_pools: [],
    dns_nameservers: [],
    host_routes: [],
    tags: [],
  };
}

function showNetwork({ id, name, subnetId }: Network): unknown {
  return {
    id,
    name,
    subnets: [subnetId],
    status: 'ACTIVE',
    admin_state_up: true,
    shared: true,
    'router:external': false,
    mtu: 1_450,
    qinq: false,
    tags: [],
  };
}
