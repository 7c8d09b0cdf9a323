import { emit, type Project } from '../model';
import { objectIn, Refusal, route, type Request, type Response, type Route } from '../routing';
import { forbidden, forOperators } from './refusals';
import { microversion } from './version';

/** What a project may have, and has. A tenant may read its own; an operator reads and sets everybody's. */
export const limitRoutes: readonly Route[] = [
  route('GET', '/limits', limits),
  route('GET', '/os-quota-sets/:project', (request) => show(request, { detailed: false })),
  route('GET', '/os-quota-sets/:project/defaults', defaults),
  route('GET', '/os-quota-sets/:project/detail', (request) => show(request, { detailed: true })),
  route('PUT', '/os-quota-sets/:project', forOperators('os-quota-sets:update', update)),
  route('DELETE', '/os-quota-sets/:project', forOperators('os-quota-sets:delete', reset)),
];

const names = ['instances', 'cores', 'ram', 'server_groups', 'server_group_members'] as const;
/** Of what we do not have. */
const others = { key_pairs: 100, metadata_items: 128 };

function groupsOf({ cloud }: Request, project: Project): number {
  return [...cloud.serverGroups.values()].filter((group) => group.projectId === project.id).length;
}

function limits(request: Request): Response {
  const { project, query } = request;
  // `limits show` of the client asks for the reserved ones, too, and is refused.
  const unknown = [...query.keys()].find((key) => key !== 'tenant_id');
  if (unknown !== undefined && microversion(request) >= 75)
    throw new Refusal(400, `Additional properties are not allowed ('${unknown}' was unexpected)`);
  const limit = (name: string): number => project.quotas.get(name) ?? -1;
  const { instances, cores, ram } = project.usage.all;
  return {
    status: 200,
    body: {
      limits: {
        rate: [],
        absolute: {
          maxTotalInstances: limit('instances'),
          totalInstancesUsed: instances,
          maxTotalCores: limit('cores'),
          totalCoresUsed: cores,
          maxTotalRAMSize: limit('ram'),
          totalRAMUsed: ram,
          maxServerGroups: limit('server_groups'),
          maxServerGroupMembers: limit('server_group_members'),
          totalServerGroupsUsed: groupsOf(request, project),
          maxServerMeta: others.metadata_items,
          maxTotalKeypairs: others.key_pairs,
        },
      },
    },
  };
}

function show(request: Request, { detailed }: { readonly detailed: boolean }): Response {
  const project = projectOf(request);
  // Members are counted by group, so that no number of a project's would mean anything.
  const used: Readonly<Record<string, number>> = {
    ...project.usage.all,
    server_groups: groupsOf(request, project),
    server_group_members: 0,
  };
  const entry = (limit: number, inUse: number): number | Record<string, number> =>
    detailed ? { limit, in_use: inUse, reserved: 0 } : limit;
  const ours = names.map((name): [string, unknown] => [name, entry(project.quotas.get(name) ?? -1, used[name] ?? 0)]);
  const rest = Object.entries(others).map(([name, limit]): [string, unknown] => [name, entry(limit, 0)]);
  return { status: 200, body: { quota_set: { id: project.id, ...Object.fromEntries([...ours, ...rest]) } } };
}

function defaults(request: Request): Response {
  const { id } = projectOf(request);
  const ours = names.map((name): [string, number] => [name, request.cloud.options.quotas[name] ?? -1]);
  return { status: 200, body: { quota_set: { id, ...Object.fromEntries(ours), ...others } } };
}

/** Back to the defaults. */
function reset(request: Request): Response {
  const { cloud, requestId } = request;
  const project = projectOf(request);
  for (const resource of names) {
    const limit = cloud.options.quotas[resource] ?? -1;
    project.quotas.set(resource, limit);
    emit(cloud, { type: 'quota', requestId, project: project.id, resource, limit });
  }
  return { status: 202 };
}

function projectOf({ cloud, params, project, admin }: Request): Project {
  if (!admin && params[0] !== project.id) throw forbidden('os_compute_api:os-quota-sets:show');
  const found = cloud.projects.get(params[0] ?? '');
  if (!found) throw new Refusal(400, `Project ID ${params[0] ?? ''} is not a valid project.`);
  return found;
}

function update(request: Request): Response {
  const { cloud, body, requestId } = request;
  const project = projectOf(request);
  for (const [resource, limit] of Object.entries(objectIn(body, 'quota_set'))) {
    if (resource === 'force') continue;
    if (typeof limit !== 'number' || !Number.isInteger(limit) || limit < -1)
      throw new Refusal(400, `Invalid input for field/attribute ${resource}. Value: ${JSON.stringify(limit)}.`);
    if (!names.some((name) => name === resource)) continue;
    project.quotas.set(resource, limit);
    emit(cloud, { type: 'quota', requestId, project: project.id, resource, limit });
  }
  return show(request, { detailed: false });
}
