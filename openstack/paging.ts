import type { z } from 'zod';
import type { Call, CallOptions, Service, Session } from './session';

/** Nova's and Neutron's usual maximum; a service that has a lower one answers less, and the marker goes on from there. */
const pageSize = 1_000;
/** A service that pages for ever is broken. */
const pagesMax = 1_000;

/** All pages of a list, by `limit` and `marker` (the id of the last seen). */
export async function listAll<T extends { readonly id: string }>(
  session: Session,
  list: {
    readonly service: Service;
    readonly path: string;
    readonly query?: Call<unknown>['query'];
    readonly reply: z.ZodType<T[]>;
  },
  call: CallOptions = {},
): Promise<T[]> {
  const found: T[] = [];
  for (let pages = 0; pages < pagesMax; pages++) {
    const marker = found.at(-1)?.id;
    const page = await session.call({
      ...call,
      ...list,
      method: 'GET',
      query: { ...list.query, limit: pageSize, marker },
    });
    found.push(...page);
    if (page.length < pageSize) return found;
  }
  throw new Error(`${list.path} did not end after ${String(pagesMax)} pages`);
}
