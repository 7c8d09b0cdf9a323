import { BadRequestError } from './errors';

/**
 * An id as one segment of a path, whatever it is. Percent-encoding does not do alone: a URL with `/servers/..` is that of what stands above, and one
 * with `/servers/` that of all. Throws BadRequestError: nothing has such an id.
 */
export function segment(id: string): string {
  if (id !== '' && id !== '.' && id !== '..' && !/\p{Surrogate}/u.test(id)) return encodeURIComponent(id);
  throw new BadRequestError(`nothing has the id ${JSON.stringify(id)}`, { service: 'none', method: 'none', url: '' });
}
