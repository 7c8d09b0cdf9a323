import { z } from 'zod';
import { listAll } from '../paging';
import type { CallOptions, Session } from '../call';

/** https://docs.openstack.org/api-ref/compute/#flavors */

const flavorSchema = z.object({
  id: z.string(),
  name: z.string(),
  vcpus: z.number(),
  ram: z.number(),
  disk: z.number(),
});

export type Flavor = z.infer<typeof flavorSchema>;

/** RAM in MB, disk in GB. */
export async function listFlavors(session: Session, call: CallOptions = {}): Promise<Flavor[]> {
  const reply = z.object({ flavors: z.array(flavorSchema) }).transform(({ flavors }) => flavors);
  return await listAll(session, { service: 'compute', path: '/flavors/detail', reply }, call);
}
