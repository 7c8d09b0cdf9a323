import { emit, newUuid, type ServerGroup } from '../model';
import { isObject, objectIn, Refusal, route, text, texts, type Request, type Response, type Route } from '../routing';
import { required, unexpected } from './refusals';
import { microversion } from './version';

/** Server groups: names are not unique, and neither policy nor rules can be changed later. */
export const groupRoutes: readonly Route[] = [
  route('GET', '/os-server-groups', list),
  route('POST', '/os-server-groups', create),
  route('GET', '/os-server-groups/:id', (request) => ({
    status: 200,
    body: { server_group: show(request, groupOf(request)) },
  })),
  route('DELETE', '/os-server-groups/:id', remove),
];

const policies = ['anti-affinity', 'affinity', 'soft-anti-affinity', 'soft-affinity'];

function list(request: Request): Response {
  const { cloud, query, admin, project } = request;
  const everywhere = admin && query.has('all_projects');
  const found = [...cloud.serverGroups.values()].filter((group) => everywhere || group.projectId === project.id);
  return { status: 200, body: { server_groups: found.map((group) => show(request, group)) } };
}

function create(request: Request): Response {
  const { cloud, body, project, user, requestId } = request;
  const { policy, maxPerHost, rules, name } = wantedOf(request, objectIn(body, 'server_group'));
  const limit = project.quotas.get('server_groups') ?? -1;
  const used = [...cloud.serverGroups.values()].filter((group) => group.projectId === project.id).length;
  if (limit >= 0 && used >= limit) throw new Refusal(403, 'Quota exceeded, too many server groups.');
  const group: ServerGroup = {
    id: newUuid(cloud),
    name,
    projectId: project.id,
    userId: user.id,
    policy,
    maxPerHost,
    rules,
    members: new Set(),
  };
  cloud.serverGroups.set(group.id, group);
  emit(cloud, { type: 'serverGroup.created', requestId, id: group.id, name: group.name, project: project.id });
  return { status: 200, body: { server_group: show(request, group) } };
}

/** One policy from 2.64 on, which may have rules; a list of one below. */
function wantedOf(
  request: Request,
  given: Readonly<Record<string, unknown>>,
): Pick<ServerGroup, 'name' | 'policy' | 'maxPerHost' | 'rules'> {
  const hasRules = microversion(request) >= 64;
  const allowed = hasRules ? ['name', 'policy', 'rules'] : ['name', 'policies'];
  for (const property of Object.keys(given))
    if (!allowed.includes(property)) throw unexpected('field/attribute server_group', property);
  const name = text(given['name']) ?? '';
  if (name === '') throw required('name');
  const policy = (hasRules ? text(given['policy']) : texts(given['policies'])[0]) ?? '';
  if (!policies.includes(policy))
    throw new Refusal(
      400,
      `Invalid input for field/attribute policy. Value: ${policy}. '${policy}' is not one of ['${policies.join("', '")}']`,
    );
  const rules = isObject(given['rules']) ? given['rules'] : {};
  const most = rules['max_server_per_host'];
  if (most !== undefined && policy !== 'anti-affinity')
    throw new Refusal(400, 'Only anti-affinity policy supports rules.');
  if (most !== undefined && !(Number.isInteger(Number(most)) && Number(most) > 0))
    throw new Refusal(400, `Invalid input for field/attribute max_server_per_host. Value: ${JSON.stringify(most)}.`);
  if (most === undefined) return { name, policy, maxPerHost: 1, rules: {} };
  return { name, policy, maxPerHost: Number(most), rules: { max_server_per_host: Number(most) } };
}

function remove(request: Request): Response {
  const { cloud, requestId } = request;
  const { id } = groupOf(request);
  cloud.serverGroups.delete(id);
  emit(cloud, { type: 'serverGroup.deleted', requestId, id });
  return { status: 204 };
}

function groupOf({ cloud, params, project, admin }: Request): ServerGroup {
  const group = cloud.serverGroups.get(params[0] ?? '');
  if (!group || (!admin && group.projectId !== project.id))
    throw new Refusal(404, `Instance group ${params[0] ?? ''} could not be found.`);
  return group;
}

function show(request: Request, group: ServerGroup): unknown {
  const { id, name, policy, rules, members, projectId, userId } = group;
  const base = { id, name, members: [...members], project_id: projectId, user_id: userId };
  if (microversion(request) < 64) return { ...base, policies: [policy], metadata: {} };
  return { ...base, policy, rules };
}
