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
  readonly page: z.ZodType<Page<T>>;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Whether the service says that there is a next one. */
  readonly more: boolean;
}

/** All pages of a list, by `limit` and `marker` (the id of the last seen). */
export async function listAll<T extends { readonly id: string }>(
  session: Session,
  { service, path, query, page }: List<T>,
  call: CallOptions = {},
): Promise<T[]> {
  const found: T[] = [];
  for (let pages = 0; pages < pagesMax; pages++) {
    const marker = found.at(-1)?.id;
    const asked = { ...call, service, method: 'GET', path, query: { ...query, limit: pageSize, marker } } as const;
    const { items, more } = await session.call({ ...asked, reply: page }).catch((error: unknown) => {
      throw marker === undefined ? error : changedMeanwhile(error);
    });
    found.push(...items);
    if (items.length === 0 || (!more && items.length < pageSize)) return found;
  }
  throw new Error(`${path} did not end after ${String(pagesMax)} pages`);
}

/** An answer that has the items of one page under `key`. */
export function pageOf<T>(key: string, item: z.ZodType<T>): z.ZodType<Page<T>> {
  return z.looseObject({ [key]: z.array(item) }).transform((body) => ({ items: body[key] ?? [], more: hasNext(body) }));
}

/**
 * `servers_links: [{rel: "next"}]` in Nova and Neutron, `next` in Glance. Their URLs are not followed: behind a TLS terminator
 * they may say plain http.
 */
function hasNext(body: Readonly<Record<string, unknown>>): boolean {
  return Object.entries(body).some(
    ([key, value]) =>
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
