import { z } from 'zod';
import { NotFoundError } from '../errors';
import { listAll, pageOf } from '../paging';
import type { CallOptions, Session } from '../call';
import { segment } from '../segment';

/** https://docs.openstack.org/api-ref/network/v2/#security-groups-security-groups */

const ruleSchema = z
  .object({
    id: z.string(),
    direction: z.string(),
    ethertype: z.enum(['IPv4', 'IPv6']),
    protocol: z.string().nullish(),
    port_range_min: z.number().nullish(),
    port_range_max: z.number().nullish(),
    remote_ip_prefix: z.string().nullish(),
    remote_group_id: z.string().nullish(),
    remote_address_group_id: z.string().nullish(),
  })
  .transform((raw) => ({
    id: raw.id,
    direction: raw.direction,
    ethertype: raw.ethertype,
    protocol: raw.protocol ?? null,
    portMin: raw.port_range_min ?? null,
    portMax: raw.port_range_max ?? null,
    remoteIpPrefix: raw.remote_ip_prefix ?? null,
    remoteGroupId: raw.remote_group_id ?? null,
    remoteAddressGroupId: raw.remote_address_group_id ?? null,
  }));

const groupSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    description: z.string().nullish(),
    security_group_rules: z.array(ruleSchema).default([]),
  })
  .transform(({ id, name, description, security_group_rules: rules }) => ({
    id,
    name,
    description: description ?? '',
    rules,
  }));

const page = pageOf('security_groups', groupSchema);
const replySchema = z.object({ security_group: groupSchema });

export type SecurityGroup = z.infer<typeof groupSchema>;

export interface NewRule {
  readonly groupId: string;
  readonly protocol?: string;
  readonly portMin?: number;
  readonly portMax?: number;
  readonly remoteIpPrefix?: string;
  readonly remoteGroupId?: string;
}

/** Of the session's own project: an operator would see everybody's. */
export async function listSecurityGroups(session: Session, call: CallOptions = {}): Promise<SecurityGroup[]> {
  return await listAll(
    session,
    { service: 'network', path: '/security-groups', query: { project_id: await session.projectId() }, page },
    call,
  );
}

export async function createSecurityGroup(
  session: Session,
  group: { name: string; description: string },
  call: CallOptions = {},
): Promise<SecurityGroup> {
  return (
    await session.call({
      ...call,
      service: 'network',
      method: 'POST',
      path: '/security-groups',
      body: { security_group: group },
      reply: replySchema,
    })
  ).security_group;
}

/** All in one request, and all of one group: Neutron refuses a request with rules of several (400). */
export async function createSecurityGroupRules(
  session: Session,
  rules: readonly NewRule[],
  call: CallOptions = {},
): Promise<void> {
  const body = {
    security_group_rules: rules.map((rule) => ({
      security_group_id: rule.groupId,
      direction: 'ingress',
      ethertype: rule.remoteIpPrefix?.includes(':') ? 'IPv6' : 'IPv4',
      ...(rule.protocol !== undefined && { protocol: rule.protocol }),
      ...(rule.portMin !== undefined && { port_range_min: rule.portMin }),
      ...(rule.portMax !== undefined && { port_range_max: rule.portMax }),
      ...(rule.remoteIpPrefix !== undefined && { remote_ip_prefix: rule.remoteIpPrefix }),
      ...(rule.remoteGroupId !== undefined && { remote_group_id: rule.remoteGroupId }),
    })),
  };
  await session.call({ ...call, service: 'network', method: 'POST', path: '/security-group-rules', body });
}

/** Says whether there was one to delete. */
export async function deleteSecurityGroupRule(session: Session, id: string, call: CallOptions = {}): Promise<boolean> {
  try {
    const path = `/security-group-rules/${segment(id)}`;
    await session.call({ ...call, service: 'network', method: 'DELETE', path });
    return true;
  } catch (error) {
    if (error instanceof NotFoundError) return false;
    throw error;
  }
}

/** Null where there is none (any more): what a list does not show may be there, as for ports. */
export async function getSecurityGroup(
  session: Session,
  id: string,
  call: CallOptions = {},
): Promise<SecurityGroup | null> {
  try {
    const path = `/security-groups/${segment(id)}`;
    return (await session.call({ ...call, service: 'network', method: 'GET', path, reply: replySchema }))
      .security_group;
  } catch (error) {
    if (error instanceof NotFoundError) return null;
    throw error;
  }
}

/** 409 while a port uses it. */
export async function deleteSecurityGroup(session: Session, id: string, call: CallOptions = {}): Promise<boolean> {
  try {
    await session.call({
      ...call,
      service: 'network',
      method: 'DELETE',
      path: `/security-groups/${segment(id)}`,
    });
    return true;
  } catch (error) {
    if (error instanceof NotFoundError) return false;
    throw error;
  }
}
