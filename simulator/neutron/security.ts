import { emit, newUuid, type Cloud, type SecurityGroup, type SecurityRule } from '../model';
import { listIn, objectIn, pageBody, route, text, type Request, type Response, type Route } from '../routing';
import { checkQuota, conflict, found, matches, visible } from './shared';

/** Security groups: create, list, show, delete. Their rules: create (also in bulk), list, show, delete. */
export const securityRoutes: readonly Route[] = [
  route('GET', '/v2.0/security-groups', listGroups),
  route('POST', '/v2.0/security-groups', createGroup),
  route('GET', '/v2.0/security-groups/:id', (request) => ({
    status: 200,
    body: { security_group: showGroup(request.cloud, groupOf(request)) },
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
  route('GET', '/v2.0/security-group-rules/:id', (request) => ({
    status: 200,
    body: { security_group_rule: showRule(ruleOf(request)) },
  })),
  route('DELETE', '/v2.0/security-group-rules/:id', (request) => {
    const { id } = ruleOf(request);
    request.cloud.securityRules.delete(id);
    emit(request.cloud, { type: 'securityRule.deleted', requestId: request.requestId, id });
    return { status: 204 };
  }),
];

function groupOf(request: Request): SecurityGroup {
  const { cloud, params } = request;
  return found(visible(request, cloud.securityGroups.get(params[0] ?? '')), 'Security group', params[0]);
}

function ruleOf(request: Request): SecurityRule {
  const { cloud, params } = request;
  return found(visible(request, cloud.securityRules.get(params[0] ?? '')), 'Security group rule', params[0]);
}

function listGroups(request: Request): Response {
  const { cloud, query, project, admin } = request;
  const groups = [...cloud.securityGroups.values()].filter(
    (group) =>
      (admin || group.projectId === project.id) &&
      matches(query, 'project_id', group.projectId) &&
      matches(query, 'name', group.name) &&
      matches(query, 'id', group.id),
  );
  return {
    status: 200,
    body: pageBody(request, { key: 'security_groups', items: groups, show: (group) => showGroup(cloud, group) }),
  };
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
  emit(cloud, {
    type: 'securityGroup.created',
    requestId,
    id: group.id,
    name: group.name,
    description: group.description,
    project: project.id,
  });
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
      throw conflict('SecurityGroupRuleExists', `Security group rule already exists. Rule id is ${exists?.id ?? ''}.`);
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

/** What makes two rules the same one. The ethertype is IPv4 where none is said. */
function ruleKey(groupId: string, rule: Record<string, unknown>): string {
  const fields = ['direction', 'protocol', 'port_range_min', 'port_range_max', 'remote_ip_prefix', 'remote_group_id'];
  return JSON.stringify([groupId, rule['ethertype'] ?? 'IPv4', ...fields.map((field) => rule[field] ?? null)]);
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

function deleteGroup(request: Request): Response {
  const { cloud, requestId } = request;
  const group = groupOf(request);
  const used = [...cloud.ports.values()].some((port) => port.securityGroupIds.includes(group.id));
  if (used) throw conflict('SecurityGroupInUse', `Security Group ${group.id} in use.`);
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
