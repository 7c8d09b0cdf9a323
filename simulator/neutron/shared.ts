import type { Cloud } from '../model';
import { isObject, Refusal, text, texts, type Request } from '../routing';

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

export function checkQuota(
  { cloud, project }: Request,
  resource: string,
  wanted: { readonly more: number; readonly owner?: string },
): void {
  const owner = wanted.owner ?? project.id;
  const limit = cloud.projects.get(owner)?.quotas.get(`${resource}s`) ?? -1;
  if (limit >= 0 && usedOf(cloud, owner, resource) + wanted.more > limit)
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

/** Whose it is to be: an operator may say so. */
export function ownerOf({ cloud, project, admin }: Request, given: Readonly<Record<string, unknown>>): string {
  const asked = text(given['project_id']) ?? text(given['tenant_id']) ?? project.id;
  if (asked !== project.id && !admin)
    throw new Refusal(
      400,
      "Specifying 'project_id' or 'tenant_id' other than the authenticated project in request requires admin privileges",
    );
  return found(cloud.projects.get(asked), 'Project', asked).id;
}

/** Of what is changed, only what can be. */
export function refuseOthers(given: Readonly<Record<string, unknown>>, allowed: readonly string[]): void {
  const other = Object.keys(given).find((property) => !allowed.includes(property));
  if (other !== undefined)
    throw new Refusal(400, `Invalid input for operation: the embedded cloud cannot change ${other}.`);
}

export function tagsIn(body: unknown): readonly string[] {
  const tags = texts(isObject(body) ? body['tags'] : undefined);
  if (tags.some((tag) => tag.length > 255))
    throw new Refusal(400, 'Invalid input for tags. Reason: a tag is longer than 255 characters.');
  return tags;
}
