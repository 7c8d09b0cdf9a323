import type { ServiceRoutes } from '../routing';
import { adminRoutes } from './admin';
import { serverRoutes } from './servers';

/**
 * Nova 2.1 to 2.104, as far as Bulkhead and the `openstack` client's everyday commands use it. Not there: volumes, key pairs,
 * resize, migration but evacuate, consoles.
 */
export const nova: ServiceRoutes = {
  prefix: '/compute/v2.1',
  error: (status, message) => ({ [keys[status] ?? 'computeFault']: { code: status, message } }),
  routes: [...adminRoutes, ...serverRoutes],
};

const keys: Readonly<Record<number, string>> = {
  400: 'badRequest',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'itemNotFound',
  409: 'conflictingRequest',
  413: 'overLimit',
};
