import { z } from 'zod';
import { NotFoundError } from '../errors';
import { listAll, pageOf } from '../paging';
import type { CallOptions, Session } from '../call';
import { segment } from '../segment';

/** https://docs.openstack.org/api-ref/network/v2/#ports */

const portSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    network_id: z.string(),
    device_id: z.string().nullish(),
    description: z.string().nullish(),
    fixed_ips: z.array(z.object({ ip_address: z.string() })).default([]),
    security_groups: z.array(z.string()).default([]),
  })
  .transform((raw) => ({
    id: raw.id,
    name: raw.name,
    networkId: raw.network_id,
    /** The server that it is bound to; empty where there is none. */
    deviceId: raw.device_id ?? '',
    description: raw.description ?? '',
    addresses: raw.fixed_ips.map((each) => each.ip_address),
    securityGroupIds: raw.security_groups,
  }));

const page = pageOf('ports', portSchema);
const replySchema = z.object({ port: portSchema });
const createdSchema = z.object({ ports: z.array(portSchema) });

export type Port = z.infer<typeof portSchema>;

export interface NewPort {
  readonly name: string;
  readonly networkId: string;
  readonly description: string;
  readonly securityGroupIds?: readonly string[];
}

/**
 * All in one request: all or none. What they are to be known by is in the description: tags in a create are forgotten without a
 * word where the extension `tag-ports-during-bulk-creation` is not on.
 */
export async function createPorts(
  session: Session,
  ports: readonly NewPort[],
  call: CallOptions = {},
): Promise<Port[]> {
  const body = {
    ports: ports.map(({ name, networkId, description, securityGroupIds }) => ({
      name,
      network_id: networkId,
      description,
      ...(securityGroupIds && { security_groups: securityGroupIds }),
    })),
  };
  return (
    await session.call({
      ...call,
      service: 'network',
      method: 'POST',
      path: '/ports',
      body,
      reply: createdSchema,
    })
  ).ports;
}

export interface PortFilter {
  /** Exactly this description. */
  readonly description?: string;
  /** The server's id. */
  readonly deviceId?: string;
  /** Exactly this name; names are not unique. */
  readonly name?: string;
  readonly ids?: readonly string[];
}

/** Of the session's own project: an operator would see everybody's. */
export async function listPorts(session: Session, filter: PortFilter, call: CallOptions = {}): Promise<Port[]> {
  const { description, deviceId, name, ids } = filter;
  // No ids at all would be no filter at all.
  if (ids?.length === 0) return [];
  return await listAll(
    session,
    {
      service: 'network',
      path: '/ports',
      query: { project_id: await session.projectId(), description, device_id: deviceId, name, id: ids },
      page,
    },
    call,
  );
}

/**
 * Null where there is none (any more). A Neutron that is being started shows nothing in its lists for a while, since nobody may see
 * anything yet; of one that is asked for by its id it does not say that it is gone.
 */
export async function getPort(session: Session, id: string, call: CallOptions = {}): Promise<Port | null> {
  try {
    const path = `/ports/${segment(id)}`;
    return (await session.call({ ...call, service: 'network', method: 'GET', path, reply: replySchema })).port;
  } catch (error) {
    if (error instanceof NotFoundError) return null;
    throw error;
  }
}

/** Says whether there was one to change. */
export async function updatePort(
  session: Session,
  id: string,
  change: Partial<Pick<NewPort, 'name' | 'description'>>,
  call: CallOptions = {},
): Promise<boolean> {
  try {
    await session.call({
      ...call,
      service: 'network',
      method: 'PUT',
      path: `/ports/${segment(id)}`,
      body: { port: change },
    });
    return true;
  } catch (error) {
    if (error instanceof NotFoundError) return false;
    throw error;
  }
}

/** Says whether there was one to delete. */
export async function deletePort(session: Session, id: string, call: CallOptions = {}): Promise<boolean> {
  try {
    await session.call({ ...call, service: 'network', method: 'DELETE', path: `/ports/${segment(id)}` });
    return true;
  } catch (error) {
    if (error instanceof NotFoundError) return false;
    throw error;
  }
}
