import { route, type Request, type Response, type ServiceRoutes } from '../routing';
import { aggregateRoutes } from './aggregates';
import { flavorRoutes } from './flavors';
import { groupRoutes } from './groups';
import { hostRoutes } from './hosts';
import { limitRoutes } from './limits';
import { refuseOtherTypes } from './refusals';
import { serverRoutes } from './servers';
import { usageRoutes } from './usage';
import { newest, versionHeaders } from './version';

/**
 * Nova 2.1 to 2.104, as far as Bulkhead and the `openstack` client's everyday commands use it. Not there: volumes, key pairs,
 * resize, migration but evacuate, consoles, several servers in one request.
 */
export const nova: ServiceRoutes = {
  prefix: '/compute/v2.1',
  part: 'nova-api',
  error: (status, message) => ({ [keys[status] ?? 'computeFault']: { code: status, message } }),
  notFound: {
    code: '404 Not Found',
    title: 'Not Found',
    message: 'The resource could not be found.<br /><br />\n\n\n',
  },
  prepare: (headers) => {
    refuseOtherTypes(headers);
    return versionHeaders(headers);
  },
  routes: [
    route('GET', '', ({ base }) => ({ status: 200, body: { version: version(base) } }), { open: true }),
    ...hostRoutes,
    ...aggregateRoutes,
    ...flavorRoutes,
    ...limitRoutes,
    ...usageRoutes,
    ...groupRoutes,
    ...serverRoutes,
  ],
};

/** What clients ask first when the catalog names no version. */
export const novaRoot: ServiceRoutes = {
  prefix: '/compute',
  part: 'nova-api',
  error: nova.error,
  routes: [route('GET', '/', versions, { open: true })],
};

function versions({ base }: Request): Response {
  return { status: 200, body: { versions: [version(base)] } };
}

function version(base: string): unknown {
  return {
    id: 'v2.1',
    status: 'CURRENT',
    version: `2.${String(newest)}`,
    min_version: '2.1',
    updated: '2013-07-23T11:33:21Z',
    links: [{ rel: 'self', href: `${base}/compute/v2.1/` }],
    'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.compute+json;version=2.1' }],
  };
}

const keys: Readonly<Record<number, string>> = {
  400: 'badRequest',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'itemNotFound',
  405: 'badMethod',
  409: 'conflictingRequest',
  413: 'overLimit',
  415: 'badMediaType',
  429: 'overLimit',
  501: 'notImplemented',
  503: 'serviceUnavailable',
};
