import type { Server } from '../model';
import { Refusal, route, type Request, type Response, type Route } from '../routing';
import { serverOf, vmState } from './show';

/** Tags of a server, one at a time: as `server_tags.py` of Nova has them. Not there: all of them in one request. */
export const tagRoutes: readonly Route[] = [
  route('GET', '/servers/:id/tags', (request) => ({ status: 200, body: { tags: serverOf(request).tags } })),
  route('GET', '/servers/:id/tags/:tag', (request) => {
    const server = serverOf(request);
    const tag = tagIn(request);
    if (!server.tags.includes(tag)) throw new Refusal(404, `Server ${server.id} has no tag '${tag}'`);
    return { status: 204 };
  }),
  route('PUT', '/servers/:id/tags/:tag', add),
  route('DELETE', '/servers/:id/tags/:tag', (request) => {
    const server = changeable(request, 'delete tag');
    const tag = tagIn(request);
    if (!server.tags.includes(tag)) throw new Refusal(404, `Instance ${server.id} has no tag '${tag}'`);
    server.tags = server.tags.filter((each) => each !== tag);
    return { status: 204 };
  }),
];

export const tagsMax = 50;

function add(request: Request): Response {
  const server = changeable(request, 'update tag');
  const tag = tagIn(request);
  if (tag.length > 60 || !/^[^,/]+$/.test(tag))
    throw new Refusal(
      400,
      `Tag '${tag}' is invalid. It must be a non empty string without characters '/' and ','. Validation error message: '${tag}' is too long`,
    );
  // Counted before it is looked whether it is there already.
  if (server.tags.length >= tagsMax)
    throw new Refusal(400, `The number of tags exceeded the per-server limit ${String(tagsMax)}`);
  if (server.tags.includes(tag)) return { status: 204 };
  server.tags = [...server.tags, tag];
  return { status: 201 };
}

function tagIn({ params }: Request): string {
  return decodeURIComponent(params[1] ?? '');
}

/** Of what is in ERROR, or on its way in, tags stay as they are. */
function changeable(request: Request, what: string): Server {
  const server = serverOf(request);
  const state = vmState(server);
  if (state === 'active' || state === 'stopped') return server;
  throw new Refusal(409, `Cannot '${what}' instance ${server.id} while it is in vm_state ${state}`);
}
