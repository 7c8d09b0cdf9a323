import { deleteServer } from '../computes';
import { route, type Route } from '../routing';
import { act } from './actions';
import { create } from './create';
import { list } from './list';
import { serverOf, shown } from './show';
import { tagRoutes } from './tags';

/** Servers: create, list, show, delete, tags, and the actions os-start, os-stop, reboot and evacuate. */
export const serverRoutes: readonly Route[] = [
  route('POST', '/servers', create),
  route('GET', '/servers', (request) => list(request, { detailed: false })),
  route('GET', '/servers/detail', (request) => list(request, { detailed: true })),
  route('GET', '/servers/:id', (request) => ({ status: 200, body: { server: shown(request, serverOf(request)) } })),
  route('DELETE', '/servers/:id', (request) => {
    deleteServer(request.cloud, serverOf(request), request.requestId);
    return { status: 204 };
  }),
  route('POST', '/servers/:id/action', act),
  ...tagRoutes,
];
