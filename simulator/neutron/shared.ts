import type { Cloud } from '../model';
import { Refusal, type Request } from '../routing';

/** What Neutron's resources share: filters, quotas, and its own words for a refusal. */

/** Or 404, of a type that names what is missing: `SecurityGroupNotFound`. */
export function found<T>(item: T | undefined, what: string, id: string | undefined): T {
  if (item !== undefined) return item;
  const type = `${what.replace(/ ([a-z])/g, (_, letter: string) => letter.toUpperCase())}NotFound`;
  const message = `${what} ${id ?? ''} ${what.startsWith('Security') ? 'does not exist' : 'could not be found.'}`;
  throw new Refusal(404, message, { body: { NeutronError: { type, message, detail: '' } } });
}

/** What is another project's does not exist for a tenant. */
export function visible<T extends { readonly projectId: string }>(
  { admin, project }: Request,
  item: T | undefined,
): T | undefined {
  return admin || item?.projectId === project.id ? item : undefined;
}

/** 409, with Neutron's own type in its body. */
export function conflict(type: string, message: string): Refusal {
  return new Refusal(409, message, { body: { NeutronError: { type, message, detail: '' } } });
}

export function checkQuota({ cloud, project }: Request, resource: string, more: number): void {
  const limit = project.quotas.get(`${resource}s`) ?? -1;
  if (limit >= 0 && usedOf(cloud, project.id, resource) + more > limit)
    throw conflict('OverQuota', `Quota exceeded for resources: ['${resource}'].`);
}

export function usedOf(cloud: Cloud, projectId: string, resource: string): number {
  const all: Readonly<Record<string, Iterable<{ readonly projectId: string }>>> = {
    port: cloud.ports.values(),
    security_group: cloud.securityGroups.values(),
    security_group_rule: cloud.securityRules.values(),
  };
  let used = 0;
  for (const each of all[resource] ?? []) if (each.projectId === projectId) used += 1;
  return used;
}

/** A filter that may be given several times: any of them. */
export function matches(query: URLSearchParams, key: string, value: string): boolean {
  const asked = query.getAll(key);
  return asked.length === 0 || asked.includes(value);
}
