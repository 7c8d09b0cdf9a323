import { z } from 'zod';
import { BadRequestError, UnavailableError } from './errors';
import type { Call, CallOptions, Service, Session } from './call';

/** Nova's and Glance's usual maximum, and enough for Neutron; a service that has a lower one answers less, and says that there is more. */
const pageSize = 1_000;
/** A service that pages for ever is broken. */
const pagesMax = 1_000;

export interface List<T> {
  readonly service: Service;
  readonly path: string;
  readonly query?: Call<unknown>['query'];
  readonly reply: z.ZodType<T[]>;
}

/** All pages of a list, by `limit` and `marker` (the id of the last seen). */
export async function listAll<T extends { readonly id: string }>(
  session: Session,
  { service, path, query, reply }: List<T>,
  call: CallOptions = {},
): Promise<T[]> {
  const found: T[] = [];
  for (let pages = 0; pages < pagesMax; pages++) {
    const marker = found.at(-1)?.id;
    const asked = { ...call, service, method: 'GET', path, query: { ...query, limit: pageSize, marker } } as const;
    const { items, more } = await session.call({ ...asked, reply: pageOf(reply) }).catch((error: unknown) => {
      throw marker === undefined ? error : changedMeanwhile(error);
    });
    found.push(...items);
    if (items.length === 0 || (!more && items.length < pageSize)) return found;
  }
  throw new Error(`${path} did not end after ${String(pagesMax)} pages`);
}

function pageOf<T>(items: z.ZodType<T[]>): z.ZodType<{ items: T[]; more: boolean }> {
  return z
    .unknown()
    .transform((body) => ({ items: body, more: hasNext(body) }))
    .pipe(z.object({ items, more: z.boolean() }));
}

/**
 * `servers_links: [{rel: "next"}]` in Nova and Neutron, `next` in Glance. Their URLs are not followed: behind a TLS terminator
 * they may say plain http.
 */
function hasNext(body: unknown): boolean {
  if (typeof body !== 'object' || body === null) return false;
  return Object.entries(body).some(
    ([key, value]: [string, unknown]) =>
      (key === 'next' && typeof value === 'string') || (key.endsWith('_links') && nextLink.safeParse(value).success),
  );
}

const nextLink = z.array(z.object({ rel: z.string() })).refine((links) => links.some((link) => link.rel === 'next'));

/** The last of a page was deleted before the next was asked for, so the marker is unknown: read again from the start. */
function changedMeanwhile(error: unknown): unknown {
  if (!(error instanceof BadRequestError)) return error;
  return new UnavailableError(`${error.message} (the list changed while it was read)`, error.context, {
    fateUnknown: false,
  });
}
