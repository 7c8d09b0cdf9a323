import { emit, newUuid, type Cloud, type Network, type Port, type SecurityGroup, type SecurityRule } from '../model';
import {
  listIn,
  objectIn,
  page,
  Refusal,
  route,
  text,
  texts,
  type Request,
  type Response,
  type ServiceRoutes,
} from '../routing';

/**
 * Neutron 2.0: networks, subnets, ports (also in bulk, all or none, with tags), security groups and rules, quotas. Not there: routers,
 * floating addresses, allowed address pairs, updates but of tags.
 */
export const neutron: ServiceRoutes = {
  prefix: '/networking',
  error: (status, message) => ({ NeutronError: { type: types[status] ?? 'Error', message, detail: '' } }),
  routes: [
    route(
      'GET',
      '/',
      ({ base }) => ({
        status: 200,
        body: {
          versions: [{ id: 'v2.0', status: 'CURRENT', links: [{ rel: 'self', href: `${base}/networking/v2.0/` }] }],
        },
      }),
      { open: true },
    ),
    route('GET', '/v2.0/extensions', () => ({
      status: 200,
      body: {
        extensions: extensions.map((alias) => ({
          alias,
          name: alias,
          description: '',
          links: [],
          updated: '2020-01-01T00:00:00-00:00',
        })),
      },
    })),
    route('GET', '/v2.0/networks', listNetworks),
    route('GET', '/v2.0/networks/:id', ({ cloud, params }) => ({
      status: 200,
      body: { network: showNetwork(found(cloud.networks.get(params[0] ?? ''), 'Network', params[0])) },
    })),
    route('GET', '/v2.0/subnets', ({ cloud }) => ({
      status: 200,
      body: {
        subnets: [...cloud.networks.values()].map(({ id, name, subnetId, cidr }) => ({
          id: subnetId,
          name,
          network_id: id,
          cidr,
          ip_version: 4,
          enable_dhcp: true,
          allocation_pools: [],
        })),
      },
    })),
    route('GET', '/v2.0/ports', listPorts),
    route('POST', '/v2.0/ports', createPorts),
    route('GET', '/v2.0/ports/:id', ({ cloud, params }) => ({
      status: 200,
      body: { port: showPort(found(cloud.ports.get(params[0] ?? ''), 'Port', params[0])) },
    })),
    route('DELETE', '/v2.0/ports/:id', deletePort),
    route('PUT', '/v2.0/ports/:id/tags', ({ cloud, params, body }) => {
      const port = found(cloud.ports.get(params[0] ?? ''), 'Port', params[0]);
      port.tags = texts((body as Record<string, unknown>)['tags']);
      return { status: 200, body: { tags: port.tags } };
    }),
    route('GET', '/v2.0/security-groups', listGroups),
    route('POST', '/v2.0/security-groups', createGroup),
    route('GET', '/v2.0/security-groups/:id', ({ cloud, params }) => ({
      status: 200,
      body: {
        security_group: showGroup(cloud, found(cloud.securityGroups.get(params[0] ?? ''), 'Security group', params[0])),
      },
    })),
    route('DELETE', '/v2.0/security-groups/:id', deleteGroup),
    route('GET', '/v2.0/security-group-rules', ({ cloud, query }) => ({
      status: 200,
      body: {
        security_group_rules: [...cloud.securityRules.values()]
          .filter((rule) => matches(query, 'security_group_id', rule.groupId))
          .map(showRule),
      },
    })),
    route('POST', '/v2.0/security-group-rules', createRules),
    route('GET', '/v2.0/quotas/:project/details(?:\\.json)?', quotaDetails),
    route('GET', '/v2.0/quotas/:project', ({ cloud, params }) => {
      const { quotas } = found(cloud.projects.get(params[0] ?? ''), 'Project', params[0]);
      return {
        status: 200,
        body: {
          quota: {
            port: quotas.get('ports'),
            security_group: quotas.get('security_groups'),
            security_group_rule: quotas.get('security_group_rules'),
          },
        },
      };
    }),
  ],
};

const types: Readonly<Record<number, string>> = { 400: 'HTTPBadRequest', 404: 'NotFound', 409: 'Conflict' };
const extensions = [
  'standard-attr-tag',
  'tag-ports-during-bulk-creation',
  'security-group',
  'quotas',
  'quota_details',
  'port-security',
];

function found<T>(item: T | undefined, what: string, id: string | undefined): T {
  if (item === undefined) throw new Refusal(404, `${what} ${id ?? ''} could not be found.`);
  return item;
}

function overQuota(resource: string): Refusal {
  const message = `Quota exceeded for resources: ['${resource}'].`;
  return new Refusal(409, message, { NeutronError: { type: 'OverQuota', message, detail: '' } });
}

function checkQuota({ cloud, project }: Request, resource: string, more: number): void {
  const limit = project.quotas.get(`${resource}s`) ?? -1;
  if (limit >= 0 && usedOf(cloud, project.id, resource) + more > limit) throw overQuota(resource);
}

function usedOf(cloud: Cloud, projectId: string, resource: string): number {
  const all: Readonly<Record<string, Iterable<{ readonly projectId: string }>>> = {
    port: cloud.ports.values(),
    security_group: cloud.securityGroups.values(),
    security_group_rule: cloud.securityRules.values(),
  };
  let used = 0;
  for (const each of all[resource] ?? []) if (each.projectId === projectId) used += 1;
  return used;
}

function matches(query: URLSearchParams, key: string, value: string): boolean {
  const asked = query.getAll(key);
  return asked.length === 0 || asked.includes(value);
}

function listNetworks({ cloud, query }: Request): Response {
  const networks = [...cloud.networks.values()].filter(
    (network) => matches(query, 'name', network.name) && matches(query, 'id', network.id),
  );
  return { status: 200, body: { networks: page(networks, query).map(showNetwork) } };
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
    tags: [],
  };
}

function listPorts({ cloud, query, project, admin }: Request): Response {
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
  return { status: 200, body: { ports: page(ports, query).map(showPort) } };
}

function showPort(port: Port): unknown {
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
    mac_address: 'fa:16:3e:00:00:00',
    fixed_ips: [{ subnet_id: '', ip_address: port.address }],
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
    const asked = (each['fixed_ips'] as { ip_address?: string }[] | undefined)?.[0]?.ip_address;
    if (asked !== undefined && cloud.addresses.has(`${network.id}/${asked}`)) {
      throw new Refusal(409, `IP address ${asked} already allocated in subnet ${network.subnetId}.`, {
        NeutronError: {
          type: 'IpAddressAlreadyAllocated',
          message: `IP address ${asked} already allocated in subnet ${network.subnetId}.`,
          detail: '',
        },
      });
    }
    const tags = texts(each['tags']);
    if (tags.some((tag) => tag.length > 255))
      throw new Refusal(400, 'Invalid input for tags. Reason: a tag is longer than 255 characters.');
    return { each, network, asked, tags };
  });
  const created = wanted.map(({ each, network, asked, tags }) =>
    addPort(request, { network, address: asked ?? nextAddress(cloud, network), tags, each }),
  );
  return { status: 201, body: bulk ? { ports: created.map(showPort) } : { port: created[0] && showPort(created[0]) } };
}

function addPort(
  { cloud, project, requestId }: Request,
  given: { network: Network; address: string; tags: string[]; each: Record<string, unknown> },
): Port {
  const { network, address, tags, each } = given;
  const port: Port = {
    id: newUuid(cloud),
    name: text(each['name']) ?? '',
    projectId: project.id,
    networkId: network.id,
    address,
    tags,
    securityGroupIds: texts(each['security_groups']),
    deviceId: text(each['device_id']) ?? '',
    status: 'DOWN',
  };
  cloud.ports.set(port.id, port);
  cloud.addresses.add(`${network.id}/${address}`);
  emit(cloud, {
    type: 'port.created',
    requestId,
    id: port.id,
    name: port.name,
    project: project.id,
    network: network.name,
    tags: [...tags],
    address,
  });
  return port;
}

function nextAddress(cloud: Cloud, network: Network): string {
  const [a, b] = network.cidr.split('.').map(Number);
  for (let tries = 0; tries < 65_000; tries++) {
    const number = network.next;
    network.next = number >= 65_000 ? 10 : number + 1;
    const address = `${String(a)}.${String(b)}.${String(number >> 8)}.${String(number & 255)}`;
    if (!cloud.addresses.has(`${network.id}/${address}`)) return address;
  }
  throw new Refusal(409, `No more IP addresses available on network ${network.id}.`);
}

function deletePort({ cloud, params, requestId }: Request): Response {
  const port = found(cloud.ports.get(params[0] ?? ''), 'Port', params[0]);
  cloud.ports.delete(port.id);
  cloud.addresses.delete(`${port.networkId}/${port.address}`);
  emit(cloud, { type: 'port.deleted', requestId, id: port.id });
  return { status: 204 };
}

function listGroups({ cloud, query, project, admin }: Request): Response {
  const groups = [...cloud.securityGroups.values()].filter(
    (group) =>
      (admin || group.projectId === project.id) &&
      matches(query, 'project_id', group.projectId) &&
      matches(query, 'name', group.name) &&
      matches(query, 'id', group.id),
  );
  return { status: 200, body: { security_groups: page(groups, query).map((group) => showGroup(cloud, group)) } };
}

function showGroup(cloud: Cloud, { id, name, description, projectId }: SecurityGroup): unknown {
  const rules = [...cloud.securityRules.values()].filter((rule) => rule.groupId === id);
  return {
    id,
    name,
    description,
    project_id: projectId,
    tenant_id: projectId,
    stateful: true,
    shared: false,
    tags: [],
    security_group_rules: rules.map(showRule),
  };
}

function showRule(rule: SecurityRule): unknown {
  return {
    id: rule.id,
    security_group_id: rule.groupId,
    project_id: rule.projectId,
    direction: rule.direction,
    ethertype: rule.ethertype,
    protocol: rule.protocol,
    port_range_min: rule.portMin,
    port_range_max: rule.portMax,
    remote_ip_prefix: rule.remoteIpPrefix,
    remote_group_id: rule.remoteGroupId,
  };
}

function createGroup(request: Request): Response {
  const { cloud, body, project, requestId } = request;
  const given = objectIn(body, 'security_group');
  checkQuota(request, 'security_group', 1);
  checkQuota(request, 'security_group_rule', 2);
  const group: SecurityGroup = {
    id: newUuid(cloud),
    name: text(given['name']) ?? '',
    description: text(given['description']) ?? '',
    projectId: project.id,
  };
  cloud.securityGroups.set(group.id, group);
  emit(cloud, { type: 'securityGroup.created', requestId, id: group.id, name: group.name, project: project.id });
  // A new group lets everything out, by IPv4 and IPv6.
  for (const ethertype of ['IPv4', 'IPv6']) addRule(request, group.id, { direction: 'egress', ethertype });
  return { status: 201, body: { security_group: showGroup(cloud, group) } };
}

function createRules(request: Request): Response {
  const { cloud, body } = request;
  const bulk = Array.isArray((body as Record<string, unknown> | undefined)?.['security_group_rules']);
  const given = bulk ? listIn(body, 'security_group_rules') : [objectIn(body, 'security_group_rule')];
  checkQuota(request, 'security_group_rule', given.length);
  const keys = new Set<string>();
  for (const each of given) {
    const groupId = text(each['security_group_id']) ?? '';
    found(cloud.securityGroups.get(groupId), 'Security group', groupId);
    const key = ruleKey(groupId, each);
    const exists = [...cloud.securityRules.values()].find(
      (rule) => ruleKey(rule.groupId, showRule(rule) as Record<string, unknown>) === key,
    );
    if (exists || keys.has(key)) {
      const message = `Security group rule already exists. Rule id is ${exists?.id ?? ''}.`;
      throw new Refusal(409, message, { NeutronError: { type: 'SecurityGroupRuleExists', message, detail: '' } });
    }
    keys.add(key);
  }
  const created = given.map((each) => addRule(request, text(each['security_group_id']) ?? '', each));
  return {
    status: 201,
    body: bulk
      ? { security_group_rules: created.map(showRule) }
      : { security_group_rule: created[0] && showRule(created[0]) },
  };
}

function ruleKey(groupId: string, rule: Record<string, unknown>): string {
  const fields = [
    'direction',
    'ethertype',
    'protocol',
    'port_range_min',
    'port_range_max',
    'remote_ip_prefix',
    'remote_group_id',
  ];
  return JSON.stringify([groupId, ...fields.map((field) => rule[field] ?? null)]);
}

function addRule(
  { cloud, project, requestId }: Request,
  groupId: string,
  given: Record<string, unknown>,
): SecurityRule {
  const number = (value: unknown): number | null => (typeof value === 'number' ? value : null);
  const rule: SecurityRule = {
    id: newUuid(cloud),
    groupId,
    projectId: project.id,
    direction: text(given['direction']) ?? 'ingress',
    ethertype: text(given['ethertype']) ?? 'IPv4',
    protocol: text(given['protocol']) ?? null,
    portMin: number(given['port_range_min']),
    portMax: number(given['port_range_max']),
    remoteIpPrefix: text(given['remote_ip_prefix']) ?? null,
    remoteGroupId: text(given['remote_group_id']) ?? null,
  };
  cloud.securityRules.set(rule.id, rule);
  emit(cloud, { type: 'securityRule.created', requestId, id: rule.id, group: groupId, project: project.id });
  return rule;
}

function deleteGroup({ cloud, params, requestId }: Request): Response {
  const group = found(cloud.securityGroups.get(params[0] ?? ''), 'Security group', params[0]);
  const used = [...cloud.ports.values()].some((port) => port.securityGroupIds.includes(group.id));
  if (used)
    throw new Refusal(409, `Security Group ${group.id} in use.`, {
      NeutronError: { type: 'SecurityGroupInUse', message: `Security Group ${group.id} in use.`, detail: '' },
    });
  cloud.securityGroups.delete(group.id);
  for (const rule of [...cloud.securityRules.values()]) {
    // Rules of other groups that name this one go with it.
    if (rule.groupId !== group.id && rule.remoteGroupId !== group.id) continue;
    cloud.securityRules.delete(rule.id);
    emit(cloud, { type: 'securityRule.deleted', requestId, id: rule.id });
  }
  emit(cloud, { type: 'securityGroup.deleted', requestId, id: group.id });
  return { status: 204 };
}

function quotaDetails({ cloud, params }: Request): Response {
  const project = found(cloud.projects.get(params[0] ?? ''), 'Project', params[0]);
  const entry = (resource: string): unknown => ({
    limit: project.quotas.get(`${resource}s`) ?? -1,
    used: usedOf(cloud, project.id, resource),
    reserved: 0,
  });
  const names = ['port', 'security_group', 'security_group_rule'];
  return { status: 200, body: { quota: Object.fromEntries(names.map((name) => [name, entry(name)])) } };
}
