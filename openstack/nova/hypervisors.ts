import { z } from 'zod';
import { listAll, pageOf } from '../paging';
import type { CallOptions, Session } from '../call';

/** https://docs.openstack.org/api-ref/compute/#hypervisors-os-hypervisors */

const hypervisorSchema = z
  .object({ id: z.string(), hypervisor_hostname: z.string(), service: z.object({ host: z.string() }) })
  .transform((raw) => ({
    /** Also the id of its resource provider in Placement (2.53). */
    id: raw.id,
    /** Also the name of its resource provider; often a full domain name where the host has a short one. */
    hostname: raw.hypervisor_hostname,
    /** The compute host, as services and servers call it. */
    host: raw.service.host,
  }));

const page = pageOf('hypervisors', hypervisorSchema);

export type Hypervisor = z.infer<typeof hypervisorSchema>;

/** For operators only. */
export async function listHypervisors(session: Session, call: CallOptions = {}): Promise<Hypervisor[]> {
  return await listAll(session, { service: 'compute', path: '/os-hypervisors/detail', page }, call);
}
