import { z } from 'zod';
import { NotFoundError } from '../errors';
import { listAll } from '../paging';
import type { CallOptions, Session } from '../call';

/** https://docs.openstack.org/api-ref/network/v2/#ports */

const portSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    network_id: z.string(),
    device_id: z.string().nullish(),
    tags: z.array(z.string()).default([]),
    fixed_ips: z.array(z.object({ ip_address: z.string() })).default([]),
  })
  .transform((raw) => ({
    id: raw.id,
    name: raw.name,
    networkId: raw.network_id,
    /** The server that it is bound to; empty where there is none. */
    deviceId: raw.device_id ?? '',
    tags: raw.tags,
    addresses: raw.fixed_ips.map((each) => each.ip_address),
  }));

export type Port = z.infer<typeof portSchema>;

export interface NewPort {
  readonly name: string;
  readonly networkId: string;
  readonly tags: readonly string[];
  readonly securityGroupIds?: readonly string[];
}

/** All in one request: all or none. Tags in the body need the extension `tag-ports-during-bulk-creation`. */
export async function createPorts(
  session: Session,
  ports: readonly NewPort[],
  call: CallOptions = {},
): Promise<Port[]> {
  const body = {
    ports: ports.map(({ name, networkId, tags, securityGroupIds }) => ({
      name,
      network_id: networkId,
      tags,
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
      reply: z.object({ ports: z.array(portSchema) }),
    })
  ).ports;
}

export interface PortFilter {
  /** All of these tags. */
  readonly tags?: readonly string[];
  /** The server's id. */
  readonly deviceId?: string;
  /** Exactly this name; names are not unique. */
  readonly name?: string;
  readonly ids?: readonly string[];
}

export async function listPorts(session: Session, filter: PortFilter, call: CallOptions = {}): Promise<Port[]> {
  const { tags, deviceId, name, ids } = filter;
  // No ids at all would be no filter at all.
  if (ids?.length === 0) return [];
  return await listAll(
    session,
    {
      service: 'network',
      path: '/ports',
      query: { ...(tags && tags.length > 0 && { tags: tags.join(',') }), device_id: deviceId, name, id: ids },
      reply: z.object({ ports: z.array(portSchema) }).transform(({ ports }) => ports),
    },
    call,
  );
}

/** Says whether there was one to delete. */
export async function deletePort(session: Session, id: string, call: CallOptions = {}): Promise<boolean> {
  try {
    await session.call({ ...call, service: 'network', method: 'DELETE', path: `/ports/${encodeURIComponent(id)}` });
    return true;
  } catch (error) {
    if (error instanceof NotFoundError) return false;
    throw error;
  }
}
