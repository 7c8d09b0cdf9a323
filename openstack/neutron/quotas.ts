import { z } from 'zod';
import type { CallOptions, Session } from '../call';
import { segment } from '../segment';

/** https://docs.openstack.org/api-ref/network/v2/#quotas-details-extension-quota-details */

const detail = z.object({ limit: z.number(), used: z.number(), reserved: z.number().default(0) });

const schema = z.object({ quota: z.object({ port: detail, security_group: detail, security_group_rule: detail }) });

export type NetworkQuota = z.infer<typeof schema>['quota'];

/** A limit of -1 is none. */
export async function getQuota(session: Session, call: CallOptions = {}): Promise<NetworkQuota> {
  const path = `/quotas/${segment(await session.projectId())}/details`;
  return (await session.call({ ...call, service: 'network', method: 'GET', path, reply: schema })).quota;
}
