import { route, type Request, type Response, type Route } from '../routing';
import { found, usedOf } from './shared';

/** Limits of a project, alone and with what is used of them. */
export const quotaRoutes: readonly Route[] = [
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
];

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
