import { z } from 'zod';
import type { CallOptions, Session } from '../session';

/** https://docs.openstack.org/api-ref/image/v2/#images */

const imageSchema = z.object({ id: z.string(), name: z.string().nullish(), status: z.string() });

export type Image = z.infer<typeof imageSchema>;

/** Active ones of this name; names are not unique. */
export async function listImages(session: Session, filter: { name: string }, call: CallOptions = {}): Promise<Image[]> {
  const reply = z.object({ images: z.array(imageSchema) });
  return (
    await session.call({
      ...call,
      service: 'image',
      method: 'GET',
      path: '/images',
      query: { name: filter.name, status: 'active' },
      reply,
    })
  ).images;
}
