import { z } from 'zod';
import type { CallOptions, Session } from '../call';

/** https://docs.openstack.org/api-ref/compute/#limits-limits */

const schema = z
  .object({
    limits: z.object({
      absolute: z.object({
        maxTotalInstances: z.number(),
        totalInstancesUsed: z.number(),
        maxTotalCores: z.number(),
        totalCoresUsed: z.number(),
        maxTotalRAMSize: z.number(),
        totalRAMUsed: z.number(),
        maxServerGroups: z.number(),
        totalServerGroupsUsed: z.number(),
        maxServerGroupMembers: z.number(),
      }),
    }),
  })
  .transform(({ limits: { absolute: raw } }) => ({
    instances: { limit: raw.maxTotalInstances, used: raw.totalInstancesUsed },
    cores: { limit: raw.maxTotalCores, used: raw.totalCoresUsed },
    ramMb: { limit: raw.maxTotalRAMSize, used: raw.totalRAMUsed },
    serverGroups: { limit: raw.maxServerGroups, used: raw.totalServerGroupsUsed },
    serverGroupMembers: { limit: raw.maxServerGroupMembers },
  }));

export type Limits = z.infer<typeof schema>;

/** Of the session's own project, for anybody. A limit of -1 is none. */
export async function getLimits(session: Session, call: CallOptions = {}): Promise<Limits> {
  return await session.call({ ...call, service: 'compute', method: 'GET', path: '/limits', reply: schema });
}
