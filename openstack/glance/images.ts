import { z } from 'zod';
import { listAll, pageOf } from '../paging';
import type { CallOptions, Session } from '../call';

/** https://docs.openstack.org/api-ref/image/v2/#images */

const imageSchema = z.object({ id: z.string(), name: z.string().nullish(), status: z.string() });

const page = pageOf('images', imageSchema);

export type Image = z.infer<typeof imageSchema>;

/** Active ones of this name, the newest first; names are not unique. */
export async function listImages(session: Session, filter: { name: string }, call: CallOptions = {}): Promise<Image[]> {
  const query = { name: filter.name, status: 'active' };
  const found = await listAll(session, { service: 'image', path: '/images', query, page }, call);
  // Glance takes `in:a,b` for a name, too.
  return found.filter(({ name }) => name === filter.name);
}
