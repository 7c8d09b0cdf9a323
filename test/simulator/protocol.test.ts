import { loginOf, neutron, nova, novaError, openLab, table } from './lab';

/** What all services share: microversions, tokens, catalog, and who is asked for nothing. */

describe('a microversion', () => {
  const flavors = `GET ${nova}/flavors`;
  table([
    { fact: 'none: that of 2.1', ask: () => ({ to: flavors, version: null }), status: 200 },
    { fact: 'the newest: 200', ask: () => ({ to: flavors, version: '2.104' }), status: 200 },
    { fact: 'latest: 200', ask: () => ({ to: flavors, version: 'latest' }), status: 200 },
    {
      fact: 'newer than the newest: 406',
      ask: () => ({ to: flavors, version: '2.105' }),
      status: 406,
      body: novaError(406, 'Version 2.105 is not supported by the API. Minimum is 2.1 and maximum is 2.104.'),
    },
    { fact: 'older than the oldest: 406', ask: () => ({ to: flavors, version: '2.0' }), status: 406 },
    { fact: 'of another major: 406', ask: () => ({ to: flavors, version: '3.1' }), status: 406 },
    {
      fact: 'that is none: 400',
      ask: () => ({ to: flavors, version: 'new' }),
      status: 400,
      body: novaError(400, 'API Version String new is of invalid format. Must be of format MajorNum.MinorNum.'),
    },
    {
      fact: 'in the older header: 406',
      ask: () => ({ to: flavors, version: null, headers: { 'x-openstack-nova-api-version': '2.999' } }),
      status: 406,
    },
  ]);

  test.each([
    [null, '2.1'],
    ['2.96', '2.96'],
    ['latest', '2.104'],
  ])('%s is answered as %s', async (version, answered) => {
    const lab = await openLab();
    const { headers } = await lab.ask({ to: `GET ${nova}/flavors`, version });
    expect(headers).toMatchObject({
      'OpenStack-API-Version': `compute ${answered}`,
      'X-OpenStack-Nova-API-Version': answered,
    });
  });
});

describe('a token', () => {
  const everywhere = [
    `${nova}/servers`,
    `${neutron}/ports`,
    '/placement/resource_providers',
    '/image/v2/images',
    '/identity/v3/projects',
  ];
  table([
    ...everywhere.map((path) => ({
      fact: `is asked for at ${path}: 401`,
      ask: () => ({ to: `GET ${path}`, as: 'nobody' as const }),
      status: 401,
    })),
    {
      fact: 'that is none: 401',
      ask: () => ({ to: `GET ${nova}/servers`, as: 'nobody', headers: { 'x-auth-token': 'x' } }),
      status: 401,
    },
    { fact: 'for a wrong password: 401', ask: () => loginOf('tenant', 'wrong'), status: 401 },
    {
      fact: 'for a password: 201',
      ask: () => loginOf('tenant'),
      status: 201,
      body: { token: { project: { name: 'tenant' }, roles: [{ name: 'member' }] } },
    },
    {
      fact: 'for an application credential: 201',
      ask: () => ({
        to: 'POST /identity/v3/auth/tokens',
        as: 'nobody',
        body: {
          auth: {
            identity: {
              methods: ['application_credential'],
              application_credential: { id: 'embedded-credential', secret: 'embedded-credential-secret' },
            },
          },
        },
      }),
      status: 201,
      body: { token: { project: { name: 'bulkhead' } } },
    },
    {
      fact: 'expired on demand: 401',
      given: (lab) => lab.ask({ to: 'POST /bulkhead/tokens/expire' }),
      ask: () => ({ to: `GET ${nova}/servers` }),
      status: 401,
    },
  ]);

  test('lives for an hour, as it says, and is not there afterwards', async () => {
    const lab = await openLab();
    const login = await lab.ask(loginOf('tenant'));
    const secret = login.headers['X-Subject-Token'] ?? '';
    const { expires_at: expires, issued_at: issued } = login.body['token'] as { expires_at: string; issued_at: string };
    expect(Date.parse(expires) - Date.parse(issued)).toBe(3_600_000);
    const asked = { to: `GET ${nova}/servers`, as: 'nobody' as const, headers: { 'x-auth-token': secret } };
    await lab.pass(3_590);
    expect((await lab.ask(asked)).status).toBe(200);
    await lab.pass(20);
    expect((await lab.ask(asked)).status).toBe(401);
    const operator = (await lab.ask(loginOf('operator'))).headers['X-Subject-Token'] ?? '';
    const headers = { 'x-auth-token': operator, 'x-subject-token': secret };
    expect((await lab.ask({ to: 'GET /identity/v3/auth/tokens', as: 'nobody', headers })).status).toBe(404);
  });
});

describe('what Keystone shows of itself', () => {
  const kinds = ['users', 'roles', 'domains', 'regions', 'services', 'endpoints'];
  table(
    kinds.flatMap((kind) => [
      { fact: `${kind}, to the operator: 200`, ask: () => ({ to: `GET /identity/v3/${kind}` }), status: 200 },
      {
        fact: `${kind}, to a tenant: 403`,
        ask: () => ({ to: `GET /identity/v3/${kind}`, as: 'tenant' as const }),
        status: 403,
      },
      { fact: `${kind}, one that is not there: 404`, ask: () => ({ to: `GET /identity/v3/${kind}/x` }), status: 404 },
    ]),
  );
});

describe('without a token', () => {
  table(
    ['/identity', '/identity/v3', '/compute', nova, '/networking', '/placement', '/image'].map((path) => ({
      fact: `the versions at ${path}`,
      ask: () => ({ to: `GET ${path}/`, as: 'nobody' as const }),
      status: path === '/identity' || path === '/image' ? 300 : 200,
    })),
  );
});

describe('what there is not', () => {
  table([
    { fact: 'a path: 404', ask: () => ({ to: `GET ${nova}/nothing` }), status: 404 },
    { fact: 'a service: 404', ask: () => ({ to: 'GET /nothing' }), status: 404 },
    { fact: 'a method, in Nova’s words: 404', ask: () => ({ to: `DELETE ${nova}/servers` }), status: 404 },
    { fact: 'a method: 405', ask: () => ({ to: `DELETE ${neutron}/ports` }), status: 405 },
  ]);

  test('JSON that is broken: 400', async () => {
    const lab = await openLab();
    const broken = { to: `POST ${nova}/servers`, body: 'a string is no object' };
    expect((await lab.ask(broken)).status).toBe(400);
  });
});
