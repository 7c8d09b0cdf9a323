import { inspect } from 'node:util';
import { connect, neutron, nova, type OpenStackError } from '../../openstack';
import {
  configOf,
  errorFrom,
  password,
  scripted,
  token,
  type Asked,
  type Scripted,
  type ScriptedOptions,
} from './servers';

/** Nothing that a log or a history could show of an error has the password or a token in it. */

const clouds: Scripted[] = [];

afterEach(async () => {
  await Promise.all(clouds.splice(0).map((cloud) => cloud.close()));
});

const auth = {
  kind: 'password',
  user: { id: 'u1' },
  password,
  project: { id: 'p1' },
} as const;

/** The worst proxy: its error page repeats all that was sent. */
const echo = (status: number) => (asked: Asked) => ({
  status,
  body: `<pre>${JSON.stringify(asked)} ${inspect(asked, { depth: 9 })}</pre>`,
});

function shown(error: unknown): string {
  const { message, stack, context, cause } = error as OpenStackError;
  return [
    message,
    stack,
    JSON.stringify(error),
    inspect(error, { depth: 20 }),
    inspect(context),
    inspect(cause, { depth: 20 }),
  ].join('\n');
}

function expectNoSecrets(error: unknown): void {
  const text = shown(error);
  expect(text).not.toContain(password);
  expect(text).not.toContain(JSON.stringify(password).slice(1, -1));
  expect(text).not.toContain(encodeURIComponent(password));
  expect(text).not.toContain('token-1');
}

async function cloudWith(script: Parameters<typeof scripted>[0], options: ScriptedOptions = {}): Promise<Scripted> {
  const cloud = await scripted(script, options);
  clouds.push(cloud);
  return cloud;
}

test.each([400, 401, 403, 404, 409, 429, 500, 503])(
  'a service whose page of %d repeats the request',
  async (status) => {
    const cloud = await cloudWith(echo(status));
    expectNoSecrets(await errorFrom(neutron.deletePort(cloud.session({}, { auth }), 'p1')));
  },
);

test('a page with 200 that repeats the request', async () => {
  const cloud = await cloudWith(echo(200));
  expectNoSecrets(await errorFrom(neutron.listNetworks(cloud.session({}, { auth }))));
});

test.each([400, 401, 404, 500, 201])('a login whose answer of %d repeats the request', async (status) => {
  const body = { error: { message: `cannot log in with ${password}` }, token: { password } };
  const cloud = await cloudWith(() => ({ status: 204 }), {
    login: () => ({ status, body, headers: { 'X-Subject-Token': 'token-1' } }),
  });
  const error = await errorFrom(neutron.listNetworks(cloud.session({}, { auth })));
  expectNoSecrets(error);
});

test.each(['drop', 'hang'] as const)('a login without an answer: %s', async (how) => {
  const cloud = await cloudWith(() => ({ status: 204 }), { login: () => how });
  expectNoSecrets(await errorFrom(neutron.listNetworks(cloud.session({ timeoutMs: 100 }, { auth }))));
});

test.each(['drop', 'hang'] as const)('a call without an answer: %s', async (how) => {
  const cloud = await cloudWith(() => how);
  expectNoSecrets(await errorFrom(neutron.listNetworks(cloud.session({ timeoutMs: 200 }, { auth }))));
});

describe('what somebody has put into an address', () => {
  const marked = (url: string): string => url.replace('http://', 'http://admin:MARKED@x@');
  const expectHidden = (error: unknown): void => {
    expect(shown(error)).toContain('://***@127.0.0.1');
    expect(shown(error)).not.toMatch(/MARKED|admin/);
  };

  test('of Keystone, that does not answer as it should', async () => {
    const cloud = await cloudWith(() => ({ status: 204 }), { login: () => ({ status: 503 }) });
    expectHidden(await errorFrom(neutron.listNetworks(connect(configOf(marked(cloud.url))))));
    await cloud.close();
    expectHidden(await errorFrom(neutron.listNetworks(connect(configOf(marked(cloud.url))))));
  });

  test('of a service in the catalog', async () => {
    const login: ScriptedOptions['login'] = (nth, url) => token(marked(url), nth);
    for (const how of [() => 'drop' as const, () => ({ status: 500 }), () => ({ body: { networks: 7 } })]) {
      const cloud = await cloudWith(how, { login });
      expectHidden(await errorFrom(neutron.listNetworks(cloud.session())));
    }
  });

  test('of where a redirect points', async () => {
    const headers = { Location: marked('http://127.0.0.1:1/networks') };
    const cloud = await cloudWith(() => ({ status: 302, headers }));
    expectHidden(await errorFrom(neutron.listNetworks(cloud.session())));
  });

  test('of one that is plain http', () => {
    const refused = (): unknown => connect(configOf('http://admin:MARKED@keystone.example.com'));
    expect(refused).toThrow('http://***@keystone.example.com');
  });
});

test('the guest password that Nova answers a create with', async () => {
  const cloud = await cloudWith(() => ({ status: 202, body: { server: { uuid: 'no id', adminPass: 'hunter\\"2' } } }));
  const create = nova.createServer(cloud.session({}, { auth }), {
    name: 'a',
    flavorId: '1',
    imageId: 'i',
    portIds: [],
    tags: [],
  });
  const error = await errorFrom(create);
  expect(shown(error)).not.toContain('hunter');
  expect(shown(error)).toContain('no id');
});

test('the session itself shows nothing', async () => {
  const cloud = await cloudWith(() => ({ body: { networks: [] } }));
  const session = cloud.session({}, { auth });
  await neutron.listNetworks(session);
  const text = `${inspect(session, { depth: 20, showHidden: true })} ${JSON.stringify(session)}`;
  expect(text).not.toContain(password);
  expect(text).not.toContain('token-1');
});

describe('credentials stay on the way that they were meant for', () => {
  test('a redirect is not followed', async () => {
    const elsewhere = await cloudWith(() => ({ body: { networks: [] } }));
    const cloud = await cloudWith(() => ({
      status: 302,
      headers: { Location: `${elsewhere.url}/networking/v2.0/networks` },
    }));
    const error = await errorFrom(neutron.listNetworks(cloud.session()));
    expect(error).toMatchObject({ name: 'BadRequestError', message: expect.stringContaining(elsewhere.url) as string });
    expect(elsewhere.asked).toEqual([]);
  });

  test('a redirect of a deletion is not its success', async () => {
    const cloud = await cloudWith(() => ({ status: 301, headers: { Location: '/elsewhere' } }));
    expect(await errorFrom(neutron.deletePort(cloud.session(), 'p1'))).toMatchObject({ name: 'BadRequestError' });
  });

  test('a proxy that the environment names is left aside', async () => {
    const proxy = await cloudWith(() => ({ body: { networks: [] } }));
    const cloud = await cloudWith(() => ({ body: { networks: [] } }));
    const before = process.env['http_proxy'];
    process.env['http_proxy'] = proxy.url;
    try {
      await neutron.listNetworks(cloud.session());
    } finally {
      if (before === undefined) delete process.env['http_proxy'];
      else process.env['http_proxy'] = before;
    }
    expect([proxy.asked.length + proxy.logins.length, cloud.asked.length]).toEqual([0, 1]);
  });

  const plain = [
    'http://keystone.example.com:5000',
    'http://10.0.0.1',
    'http://127.evil.example',
    'http://localhost.example',
  ];
  test.each(plain)('%s is refused without being asked to allow it', (url) => {
    expect(() => connect(configOf(url))).toThrow(/plain http.*BULKHEAD_ALLOW_PLAIN_HTTP/);
    expect(() => connect(configOf(url), { allowPlainHttp: true })).not.toThrow();
  });

  test.each(['https://keystone.example.com', 'http://127.0.0.1:5000', 'http://[::1]:5000', 'http://localhost'])(
    '%s is fine',
    (url) => {
      expect(() => connect(configOf(url))).not.toThrow();
    },
  );

  test('a catalog may not lead to plain http either', async () => {
    const login: ScriptedOptions['login'] = (nth, url) =>
      token(url, nth, {
        endpoints: () => [{ interface: 'public', region: 'RegionOne', url: 'http://nova.example.com' }],
      });
    const cloud = await cloudWith(() => ({ status: 204 }), { login });
    const error = await errorFrom(neutron.listNetworks(cloud.session()));
    expect(error).toMatchObject({
      name: 'CloudConfigError',
      message: expect.stringContaining('nova.example.com') as string,
    });
  });
});
