import { emit, type Project } from '../model';
import { objectIn, Refusal, route, type Request, type Response, type Route } from '../routing';
import { found, usedOf } from './shared';

/** Limits of a project, alone and with what is used of them. A tenant may read its own; an operator reads and sets everybody's. */
export const quotaRoutes: readonly Route[] = [
  route('GET', '/v2.0/quotas/:project/details(?:\\.json)?', quotaDetails),
  route('GET', '/v2.0/quotas/:project/default', (request) => {
    projectOf(request);
    return { status: 200, body: { quota: byName((resource) => request.cloud.options.quotas[resource]) } };
  }),
  route('GET', '/v2.0/quotas/:project', (request) => ({ status: 200, body: { quota: show(projectOf(request)) } })),
  route('PUT', '/v2.0/quotas/:project', update),
  route('DELETE', '/v2.0/quotas/:project', (request) => {
    const project = projectToChange(request);
    for (const name of names) set(request, project, { name, limit: request.cloud.options.quotas[`${name}s`] ?? -1 });
    return { status: 204 };
  }),
];

const names = ['port', 'security_group', 'security_group_rule'] as const;

function byName(valueOf: (resource: string) => unknown): unknown {
  return Object.fromEntries(names.map((name): [string, unknown] => [name, valueOf(`${name}s`) ?? -1]));
}

function show({ quotas }: Project): unknown {
  return byName((resource) => quotas.get(resource));
}

/** What is another project's is not there for a tenant. */
function projectOf({ cloud, params, project, admin }: Request): Project {
  const asked = admin || params[0] === project.id ? cloud.projects.get(params[0] ?? '') : undefined;
  return found(asked, 'Project', params[0]);
}

function projectToChange(request: Request): Project {
  if (!request.admin)
    throw new Refusal(403, `rule:${request.method === 'PUT' ? 'update' : 'delete'}_quota is disallowed by policy`);
  return projectOf(request);
}

/** Below what is used too, unless `check_limit` forbids it. */
function update(request: Request): Response {
  const project = projectToChange(request);
  const { check_limit: checkLimit, ...given } = objectIn(request.body, 'quota');
  const wanted = Object.entries(given).map(([resource, limit]) => {
    const name = names.find((each) => each === resource);
    if (!name) throw new Refusal(400, `Unrecognized attribute(s) '${resource}': the embedded cloud has no such quota.`);
    if (typeof limit !== 'number' || !Number.isInteger(limit) || limit < -1)
      throw new Refusal(400, `Invalid input for ${name}. Reason: it is not an integer of at least -1.`);
    const used = usedOf(request.cloud, project.id, name);
    if (checkLimit === true && limit >= 0 && limit < used)
      throw new Refusal(400, `Quota limit ${String(limit)} of ${name} is below the ${String(used)} in use.`);
    return { name, limit };
  });
  for (const each of wanted) set(request, project, each);
  return { status: 200, body: { quota: show(project) } };
}

function set(
  { cloud, requestId }: Request,
  project: Project,
  { name, limit }: { readonly name: (typeof names)[number]; readonly limit: number },
): void {
  const resource = `${name}s`;
  project.quotas.set(resource, limit);
  emit(cloud, { type: 'quota', requestId, project: project.id, resource, limit });
}

function quotaDetails(request: Request): Response {
  const { id, quotas } = projectOf(request);
  const entry = (name: string): unknown => ({
    limit: quotas.get(`${name}s`) ?? -1,
    used: usedOf(request.cloud, id, name),
    reserved: 0,
  });
  return { status: 200, body: { quota: Object.fromEntries(names.map((name) => [name, entry(name)])) } };
}
