import { z } from 'zod';
import type { CallOptions, Session } from '../call';
import { segment } from '../segment';

/** https://docs.openstack.org/api-ref/compute/#quota-sets-os-quota-sets */

const detail = z.object({ limit: z.number(), in_use: z.number(), reserved: z.number().default(0) });

const schema = z.object({
  quota_set: z.object({
    instances: detail,
    cores: detail,
    ram: detail,
    server_groups: detail,
    server_group_members: detail,
  }),
});

export type ComputeQuota = z.infer<typeof schema>['quota_set'];

/** A limit of -1 is none. */
export async function getQuota(session: Session, call: CallOptions = {}): Promise<ComputeQuota> {
  const path = `/os-quota-sets/${segment(await session.projectId())}/detail`;
  return (await session.call({ ...call, service: 'compute', method: 'GET', path, reply: schema })).quota_set;
}

/** For operators only, of any project. A limit of -1 is none. */
export async function setInstancesQuota(
  session: Session,
  { project, limit }: { readonly project: string; readonly limit: number },
  call: CallOptions = {},
): Promise<void> {
  const path = `/os-quota-sets/${segment(project)}`;
  await session.call({
    ...call,
    service: 'compute',
    method: 'PUT',
    path,
    body: { quota_set: { instances: limit } },
  });
}
