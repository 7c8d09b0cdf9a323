import { z } from 'zod';
import { BadRequestError, NotFoundError } from '../errors';
import { listAll, pageOf } from '../paging';
import type { CallOptions, Session } from '../call';
import { segment } from '../segment';

/** https://docs.openstack.org/api-ref/compute/#servers-servers */

const serverSchema = z
  .object({
    id: z.string(),
    // A server in a cell that is down is shown by little more than its id (2.69).
    name: z.string().default(''),
    status: z.string(),
    tags: z.array(z.string()).default([]),
    hostId: z.string().nullish(),
    created: z.string().default(''),
    fault: z.object({ code: z.number(), message: z.string() }).optional(),
    flavor: z.object({ original_name: z.string() }).optional(),
    // An empty text where it boots from a volume.
    image: z.union([z.object({ id: z.string() }), z.literal('')]).optional(),
    host_status: z.string().nullish(),
    'OS-EXT-SRV-ATTR:host': z.string().nullish(),
    'OS-EXT-STS:task_state': z.string().nullish(),
    'OS-EXT-AZ:availability_zone': z.string().nullish(),
    tenant_id: z.string().default(''),
  })
  .transform((raw) => ({
    id: raw.id,
    name: raw.name,
    status: raw.status,
    tags: raw.tags,
    /** A hash, equal for equal hosts within a project; empty while it has none. */
    hostId: raw.hostId ?? '',
    /** Null for who may not see hosts, and while it has none. */
    host: raw['OS-EXT-SRV-ATTR:host'] ?? null,
    /** UP, DOWN (forced), UNKNOWN (not heard of) or MAINTENANCE (disabled). Null for who may not see hosts. */
    hostStatus: raw.host_status === '' ? null : (raw.host_status ?? null),
    taskState: raw['OS-EXT-STS:task_state'] ?? null,
    /** Where it is, or was asked to be while it has no host. */
    zone: raw['OS-EXT-AZ:availability_zone'] ?? null,
    created: raw.created,
    fault: raw.fault ?? null,
    projectId: raw.tenant_id,
    /** The flavor's name as it was then. */
    flavor: raw.flavor?.original_name ?? null,
    /** Null where it boots from a volume. */
    imageId: raw.image ? raw.image.id : null,
  }));

const page = pageOf('servers', serverSchema);
const replySchema = z.object({ server: serverSchema });
const createdSchema = z.object({ server: z.object({ id: z.string() }) });

export type Server = z.infer<typeof serverSchema>;

export interface NewServer {
  readonly name: string;
  readonly flavorId: string;
  readonly imageId: string;
  readonly portIds: readonly string[];
  readonly tags: readonly string[];
  readonly availabilityZone?: string;
  /** Asked for by name (2.74). Never `zone:host`: Nova ignores its zone. */
  readonly host?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly hints?: SchedulerHints;
}

/** A tenant's ways to say where. A group of an unknown id is a 400; what cannot be honoured is a server in ERROR. */
export interface SchedulerHints {
  /** The id of a server group. */
  readonly group?: string;
  /** Server ids. Honoured only where the cloud has the filter, which is not in Nova's defaults. */
  readonly differentHost?: readonly string[];
  readonly sameHost?: readonly string[];
}

/** 202: it exists, and is listed at once. Whether it will be ACTIVE is another matter. There is no idempotency key. */
export async function createServer(
  session: Session,
  server: NewServer,
  call: CallOptions = {},
): Promise<{ id: string }> {
  const { name, flavorId, imageId, portIds, tags, availabilityZone, host, metadata, hints } = server;
  const { server: created } = await session.call({
    ...call,
    service: 'compute',
    method: 'POST',
    path: '/servers',
    body: {
      server: {
        name,
        flavorRef: flavorId,
        imageRef: imageId,
        // An empty list would ask for a network to be made.
        networks: portIds.length === 0 ? 'none' : portIds.map((port) => ({ port })),
        tags,
        ...(availabilityZone !== undefined && { availability_zone: availabilityZone }),
        ...(host !== undefined && { host }),
        ...(metadata && { metadata }),
      },
      ...(hints && { 'os:scheduler_hints': hintsBody(hints) }),
    },
    reply: createdSchema,
  });
  return created;
}

function hintsBody({ group, differentHost, sameHost }: SchedulerHints): unknown {
  return {
    ...(group !== undefined && { group }),
    ...(differentHost && { different_host: differentHost }),
    ...(sameHost && { same_host: sameHost }),
  };
}

export interface ServerFilter {
  /** All of these tags. */
  readonly tags?: readonly string[];
  /** At least one of these. */
  readonly tagsAny?: readonly string[];
  /** Exactly this name. */
  readonly name?: string;
  /** `ACTIVE`, `ERROR` … */
  readonly status?: string;
  /** By host and over all projects: for operators only, and silently ignored for others. */
  readonly host?: string;
  readonly allTenants?: boolean;
}

export async function listServers(session: Session, filter: ServerFilter, call: CallOptions = {}): Promise<Server[]> {
  const { tags, tagsAny, name, status, host, allTenants } = filter;
  return await listAll(
    session,
    {
      service: 'compute',
      path: '/servers/detail',
      query: {
        ...(tags && tags.length > 0 && { tags: tagList(tags) }),
        ...(tagsAny && tagsAny.length > 0 && { 'tags-any': tagList(tagsAny) }),
        // Nova takes a regular expression: `sprout-1` alone would also find sprout-10.
        ...(name !== undefined && { name: `^${name.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}$` }),
        status,
        host,
        ...(allTenants && { all_tenants: true }),
      },
      page,
    },
    call,
  );
}

/** A comma would make two tags of one, and find what has either or both. Nova lets no tag have one, nor a slash. */
function tagList(tags: readonly string[]): string {
  const wrong = tags.find((tag) => tag === '' || /[,/]/.test(tag));
  if (wrong === undefined) return tags.join(',');
  throw new BadRequestError(`no server has the tag ${JSON.stringify(wrong)}`, {
    service: 'compute',
    method: 'GET',
    url: '/servers',
  });
}

/** Null where there is none (any more). */
export async function getServer(session: Session, id: string, call: CallOptions = {}): Promise<Server | null> {
  try {
    return (
      await session.call({
        ...call,
        service: 'compute',
        method: 'GET',
        path: `/servers/${segment(id)}`,
        reply: replySchema,
      })
    ).server;
  } catch (error) {
    if (error instanceof NotFoundError) return null;
    throw error;
  }
}

/** Says whether there was one to delete. The deletion goes on after the answer. */
export async function deleteServer(session: Session, id: string, call: CallOptions = {}): Promise<boolean> {
  try {
    await session.call({ ...call, service: 'compute', method: 'DELETE', path: `/servers/${segment(id)}` });
    return true;
  } catch (error) {
    if (error instanceof NotFoundError) return false;
    throw error;
  }
}

/** From a host that is down, to one that is named: without a name, Nova may put all of a host's servers on one. */
export async function evacuateServer(
  session: Session,
  id: string,
  host: string,
  call: CallOptions = {},
): Promise<void> {
  await session.call({
    ...call,
    service: 'compute',
    method: 'POST',
    path: `/servers/${segment(id)}/action`,
    body: { evacuate: { host } },
  });
}

export async function startServer(session: Session, id: string, call: CallOptions = {}): Promise<void> {
  await session.call({
    ...call,
    service: 'compute',
    method: 'POST',
    path: `/servers/${segment(id)}/action`,
    body: { 'os-start': null },
  });
}

export async function stopServer(session: Session, id: string, call: CallOptions = {}): Promise<void> {
  await session.call({
    ...call,
    service: 'compute',
    method: 'POST',
    path: `/servers/${segment(id)}/action`,
    body: { 'os-stop': null },
  });
}

/** For operators only: says that a server is in ERROR, whatever it does. */
export async function resetToError(session: Session, id: string, call: CallOptions = {}): Promise<void> {
  await session.call({
    ...call,
    service: 'compute',
    method: 'POST',
    path: `/servers/${segment(id)}/action`,
    body: { 'os-resetState': { state: 'error' } },
  });
}

/** Beside those that it has; one that it has already does no harm. 409 where it is in ERROR, or on its way in or out. */
export async function addTag(session: Session, id: string, tag: string, call: CallOptions = {}): Promise<void> {
  await session.call({ ...call, service: 'compute', method: 'PUT', path: tagPath(id, tag) });
}

/** Says whether it had the tag. */
export async function removeTag(session: Session, id: string, tag: string, call: CallOptions = {}): Promise<boolean> {
  try {
    await session.call({ ...call, service: 'compute', method: 'DELETE', path: tagPath(id, tag) });
    return true;
  } catch (error) {
    if (error instanceof NotFoundError) return false;
    throw error;
  }
}

function tagPath(id: string, tag: string): string {
  return `/servers/${segment(id)}/tags/${segment(tag)}`;
}
