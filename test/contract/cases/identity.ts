import { anyText, like, novaError, nowhere, type Area } from '../case';

const badToken = { 'x-auth-token': 'gAAAAABnot-a-token' };

/** Tokens, and the microversions that every request to Nova names. */
export const identity: Area = {
  area: 'tokens and versions',
  cases: [
    {
      fact: 'a wrong password: 401',
      ask: () => ({
        to: 'POST identity/auth/tokens',
        as: 'nobody',
        body: {
          auth: {
            identity: {
              methods: ['password'],
              password: { user: { name: 'nobody', domain: { name: 'Default' }, password: 'wrong' } },
            },
          },
        },
      }),
      status: 401,
      body: {
        error: { code: 401, title: 'Unauthorized', message: 'The request you have made requires authentication.' },
      },
    },
    ...(['compute/servers', 'network/ports', 'placement/resource_providers'] as const).map((path) => ({
      fact: `a bad token, at ${path}: 401 by the middleware that all share`,
      ask: () => ({ to: `GET ${path}`, as: 'nobody' as const, headers: badToken }),
      status: 401,
      body: {
        error: { code: 401, title: 'Unauthorized', message: 'The request you have made requires authentication.' },
      },
    })),
    {
      fact: 'a bad token, at image/images: 401 in other words',
      ask: () => ({ to: 'GET image/images', as: 'nobody', headers: badToken }),
      status: 401,
      body: {
        code: '401 Unauthorized',
        title: 'Unauthorized',
        message: like(/could not verify that you are authorized/),
      },
    },
    {
      fact: 'no token: 401',
      ask: () => ({ to: 'GET compute/servers', as: 'nobody' }),
      status: 401,
    },
    {
      fact: 'an answer names the microversion, and the request',
      play: async ({ ask }) => {
        const { headers } = await ask({ to: 'GET compute/servers', version: '2.53' });
        expect(headers).toMatchObject({
          'openstack-api-version': 'compute 2.53',
          'x-openstack-request-id': like(/^req-/),
          vary: like(/OpenStack-API-Version/),
        });
      },
    },
    {
      fact: 'without a microversion it is 2.1',
      play: async ({ ask }) => {
        const { headers } = await ask({ to: 'GET compute/servers', version: null });
        expect(headers['openstack-api-version']).toBe('compute 2.1');
      },
    },
    {
      fact: 'a microversion that is not there: 406',
      ask: () => ({ to: 'GET compute/servers', version: '2.999' }),
      status: 406,
      body: novaError(406, /^Version 2\.999 is not supported by the API\. Minimum is 2\.1 and maximum is 2\.\d+\.$/),
    },
    {
      fact: 'a microversion that is none: 400',
      ask: () => ({ to: 'GET compute/servers', version: 'two' }),
      status: 400,
      body: novaError(400, /^API Version String two is of invalid format/),
    },
    {
      fact: 'the version document says which microversions there are',
      ask: () => ({ to: 'GET compute/', version: null }),
      status: 200,
      body: { version: { id: 'v2.1', status: 'CURRENT', min_version: '2.1', version: like(/^2\.\d+$/) } },
    },
    {
      fact: 'a place that is not there: 404',
      ask: () => ({ to: 'GET compute/nowhere' }),
      status: 404,
      body: { code: '404 Not Found', title: 'Not Found', message: like(/^The resource could not be found\./) },
    },
    {
      fact: 'a server that is not there: 404',
      ask: () => ({ to: `GET compute/servers/${nowhere}` }),
      status: 404,
      body: novaError(404, `Instance ${nowhere} could not be found.`),
    },
    {
      fact: 'a body without the server: 400',
      ask: () => ({ to: 'POST compute/servers', body: {} }),
      status: 400,
      body: novaError(400, /'server' is a required property/),
    },
    {
      fact: 'an error of Neutron’s has a type',
      ask: () => ({ to: `GET network/ports/${nowhere}` }),
      status: 404,
      body: { NeutronError: { type: 'PortNotFound', message: `Port ${nowhere} could not be found.`, detail: '' } },
    },
    {
      fact: 'a place that is not there is not called by a name of Neutron’s',
      ask: () => ({ to: `GET network/nowhere/${nowhere}` }),
      status: 404,
      body: { NeutronError: { type: 'HTTPNotFound', message: 'The resource could not be found.', detail: '' } },
    },
    {
      fact: 'an error of Placement’s is a list',
      ask: () => ({ to: `GET placement/resource_providers/${nowhere}`, as: 'operator' }),
      status: 404,
      body: { errors: [{ status: 404, title: 'Not Found', detail: like(new RegExp(nowhere)), request_id: anyText() }] },
    },
  ],
};
