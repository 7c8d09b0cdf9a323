import { z } from 'zod';
import { listAll, pageOf } from '../paging';
import type { CallOptions, Session } from '../call';

/** https://docs.openstack.org/api-ref/compute/#flavors */

const flavorSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    vcpus: z.number(),
    ram: z.number(),
    disk: z.number(),
    'OS-FLV-EXT-DATA:ephemeral': z.number().default(0),
    /** In MB; an empty text, before 2.75, where there is none. */
    swap: z.union([z.number(), z.literal('')]).default(0),
    /** Absent from a reply to who may not see them (`os_compute_api:os-flavor-extra-specs:index`). */
    extra_specs: z.record(z.string(), z.string()).default({}),
  })
  .transform(({ disk, 'OS-FLV-EXT-DATA:ephemeral': ephemeral, swap, ...rest }) => ({
    ...rest,
    /** All that it takes of its host's: root, ephemeral and swap, as Nova asks Placement for it. */
    disk: disk + ephemeral + Math.ceil(Number(swap) / 1_024),
  }));

const page = pageOf('flavors', flavorSchema);

export type Flavor = z.infer<typeof flavorSchema>;

/** RAM in MB, disk in GB. */
export async function listFlavors(session: Session, call: CallOptions = {}): Promise<Flavor[]> {
  return await listAll(session, { service: 'compute', path: '/flavors/detail', page }, call);
}
