import { emit, newUuid, type Cloud, type SecurityGroup, type SecurityRule } from '../model';
import { listIn, objectIn, pageBody, Refusal, route, text, type Request, type Response, type Route } from '../routing';
import { asStored, duplicateKey, type StoredRule } from './rules';
import { checkQuota, conflict, found, matches, ownerOf, refuseOthers, tagsIn, visible } from './shared';

/** Security groups: create, list, show, update, delete, tags; there is no default one. Their rules: create (also in bulk), list, show, delete. */
export const securityRoutes: readonly Route[] = [
  route('GET', '/v2.0/security-groups', listGroups),
  route('POST', '/v2.0/security-groups', createGroup),
  route('GET', '/v2.0/security-groups/:id', (request) => ({
    status: 200,
    body: { security_group: showGroup(request.cloud, groupOf(request)) },
  })),
  route('PUT', '/v2.0/security-groups/:id', (request) => {
    const group = groupOf(request);
    const given = objectIn(request.body, 'security_group');
    refuseOthers(given, ['name', 'description']);
    group.name = text(given['name']) ?? group.name;
    group.description = text(given['description']) ?? group.description;
    return { status: 200, body: { security_group: showGroup(request.cloud, group) } };
  }),
  route('PUT', '/v2.0/security-groups/:id/tags', (request) => {
    const group = groupOf(request);
    group.tags = tagsIn(request.body);
    return { status: 200, body: { tags: group.tags } };
  }),
  route('DELETE', '/v2.0/security-groups/:id', deleteGroup),
  route('GET', '/v2.0/security-group-rules', listRules),
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
      matches(query, 'description', group.description) &&
      matches(query, 'id', group.id),
  );
  return {
    status: 200,
    body: pageBody(request, { key: 'security_groups', items: groups, show: (group) => showGroup(cloud, group) }),
  };
}

/** Any of these is also a filter. */
const ruleFields = [
  ...['id', 'security_group_id', 'project_id', 'direction', 'ethertype', 'protocol', 'remote_ip_prefix'],
  ...['remote_group_id', 'port_range_min', 'port_range_max'],
];

function listRules({ cloud, query, admin, project }: Request): Response {
  const rules = [...cloud.securityRules.values()]
    .filter((rule) => admin || rule.projectId === project.id)
    .map(showRule)
    .filter((rule) => ruleFields.every((field) => matches(query, field, String(rule[field]))));
  return { status: 200, body: { security_group_rules: rules } };
}

function showGroup(cloud: Cloud, { id, name, description, tags, projectId }: SecurityGroup): unknown {
  const rules = [...cloud.securityRules.values()].filter((rule) => rule.groupId === id);
  return {
    id,
    name,
    description,
    project_id: projectId,
    tenant_id: projectId,
    stateful: true,
    shared: false,
    tags,
    security_group_rules: rules.map((rule) => ({ ...showRule(rule), standard_attr_id: 1 })),
  };
}

function showRule(rule: SecurityRule): Record<string, unknown> {
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
    description: rule.description,
    tenant_id: rule.projectId,
    remote_address_group_id: null,
    normalized_cidr: rule.remoteIpPrefix,
    belongs_to_default_sg: null,
    revision_number: 0,
    created_at: null,
    updated_at: null,
    tags: [],
  };
}

function createGroup(request: Request): Response {
  const { cloud, body, requestId } = request;
  const given = objectIn(body, 'security_group');
  const owner = ownerOf(request, given);
  checkQuota(request, 'security_group', { more: 1, owner });
  checkQuota(request, 'security_group_rule', { more: 2, owner });
  const group: SecurityGroup = {
    id: newUuid(cloud),
    name: text(given['name']) ?? '',
    description: text(given['description']) ?? '',
    tags: [],
    projectId: owner,
  };
  cloud.securityGroups.set(group.id, group);
  emit(cloud, {
    type: 'securityGroup.created',
    requestId,
    id: group.id,
    name: group.name,
    description: group.description,
    project: owner,
  });
  // A new group lets everything out, by IPv4 and IPv6.
  for (const ethertype of ['IPv4', 'IPv6']) addRule(request, group, asStored({ direction: 'egress', ethertype }));
  return { status: 201, body: { security_group: showGroup(cloud, group) } };
}

function createRules(request: Request): Response {
  const { cloud, body } = request;
  const bulk = Array.isArray((body as Record<string, unknown> | undefined)?.['security_group_rules']);
  const given = bulk ? listIn(body, 'security_group_rules') : [objectIn(body, 'security_group_rule')];
  const groupIds = new Set(given.map((each) => text(each['security_group_id'])));
  if (groupIds.size > 1) throw severalGroups();
  checkQuota(request, 'security_group_rule', { more: given.length });
  const keys = new Set<string>();
  const wanted = given.map((raw) => {
    const groupId = text(raw['security_group_id']) ?? '';
    const group = found(visible(request, cloud.securityGroups.get(groupId)), 'Security group', groupId);
    const each = asStored(raw);
    const key = duplicateKey(groupId, each);
    if (keys.has(key)) throw conflict('DuplicateSecurityGroupRuleInPost', 'Duplicate Security Group Rule in POST.');
    keys.add(key);
    return { each, group };
  });
  const exists = [...cloud.securityRules.values()].find((rule) => keys.has(duplicateKey(rule.groupId, rule)));
  if (exists) {
    throw conflict('SecurityGroupRuleExists', `Security group rule already exists. Rule id is ${exists.id}.`);
  }
  const created = wanted.map(({ each, group }) => addRule(request, group, each));
  return {
    status: 201,
    body: bulk
      ? { security_group_rules: created.map(showRule) }
      : { security_group_rule: created[0] && showRule(created[0]) },
  };
}

function severalGroups(): Refusal {
  const message = 'Only allowed to update rules for one security profile at a time';
  const type = 'SecurityGroupNotSingleGroupRules';
  return new Refusal(400, message, { body: { NeutronError: { type, message, detail: '' } } });
}

function addRule(
  { cloud, requestId }: Request,
  { id: groupId, projectId }: SecurityGroup,
  stored: StoredRule,
): SecurityRule {
  const rule: SecurityRule = { id: newUuid(cloud), groupId, projectId, ...stored };
  cloud.securityRules.set(rule.id, rule);
  emit(cloud, { type: 'securityRule.created', requestId, id: rule.id, group: groupId, project: projectId });
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
