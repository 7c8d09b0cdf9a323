import { z } from 'zod';
import { NotFoundError } from '../errors';
import type { CallOptions, Session } from '../call';
import { segment } from '../segment';

/** https://docs.openstack.org/api-ref/compute/#server-groups-os-server-groups */

const groupSchema = z.object({
  id: z.string(),
  name: z.string(),
  policy: z.string(),
  rules: z.object({ max_server_per_host: z.number().optional() }).default({}),
  members: z.array(z.string()).default([]),
});

const listSchema = z.object({ server_groups: z.array(groupSchema) });
const replySchema = z.object({ server_group: groupSchema });

export type ServerGroup = z.infer<typeof groupSchema>;

export async function listServerGroups(session: Session, call: CallOptions = {}): Promise<ServerGroup[]> {
  const asked = { service: 'compute', method: 'GET', path: '/os-server-groups', reply: listSchema } as const;
  return (await session.call({ ...call, ...asked })).server_groups;
}

/** Hard anti-affinity with a fixed number per host, which cannot be changed later. Names are not unique. */
export async function createServerGroup(
  session: Session,
  group: { name: string; maxServerPerHost: number },
  call: CallOptions = {},
): Promise<ServerGroup> {
  const body = {
    server_group: { name: group.name, policy: 'anti-affinity', rules: { max_server_per_host: group.maxServerPerHost } },
  };
  const asked = { service: 'compute', method: 'POST', path: '/os-server-groups', body, reply: replySchema } as const;
  return (await session.call({ ...call, ...asked })).server_group;
}

export async function deleteServerGroup(session: Session, id: string, call: CallOptions = {}): Promise<boolean> {
  try {
    await session.call({
      ...call,
      service: 'compute',
      method: 'DELETE',
      path: `/os-server-groups/${segment(id)}`,
    });
    return true;
  } catch (error) {
    if (error instanceof NotFoundError) return false;
    throw error;
  }
}
