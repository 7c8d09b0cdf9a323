import { starting } from './starting';
import { route, type ServiceRoutes } from '../routing';
import { networkRoutes } from './networks';
import { portRoutes } from './ports';
import { quotaRoutes } from './quotas';
import { securityRoutes } from './security';

/**
 * Neutron 2.0: networks, subnets, ports (also in bulk, all or none, with tags), security groups and rules, quotas. Not there: a
 * default security group, routers, floating addresses, allowed address pairs, changes of an address or a network.
 */
export const neutron: ServiceRoutes = {
  prefix: '/networking',
  part: 'neutron',
  starting,
  error: (status, message) => ({ NeutronError: { type: types[status] ?? 'Error', message, detail: '' } }),
  routes: [
    route(
      'GET',
      '/',
      ({ base }) => ({
        status: 200,
        body: {
          versions: [{ id: 'v2.0', status: 'CURRENT', links: [{ rel: 'self', href: `${base}/networking/v2.0/` }] }],
        },
      }),
      { open: true },
    ),
    route('GET', '/v2.0/extensions', () => ({
      status: 200,
      body: {
        extensions: extensions.map((alias) => ({
          alias,
          name: alias,
          description: '',
          links: [],
          updated: '2020-01-01T00:00:00-00:00',
        })),
      },
    })),
    ...networkRoutes,
    ...portRoutes,
    ...securityRoutes,
    ...quotaRoutes,
  ],
};

const types: Readonly<Record<number, string>> = { 400: 'HTTPBadRequest', 404: 'HTTPNotFound', 409: 'Conflict' };
const extensions = [
  'standard-attr-tag',
  'tag-ports-during-bulk-creation',
  'security-group',
  'quotas',
  'quota_details',
  'port-security',
];
