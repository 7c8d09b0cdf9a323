import {
  glance,
  neutron,
  nova,
  placement,
  UnauthorizedError,
  UnavailableError,
  CloudConfigError,
} from '../../openstack';
import type { CallInfo } from '../../openstack';
import { errorFrom, novaVersion, scripted, token, type Scripted, type Script, type ScriptedOptions } from './servers';

const empty: Script = ({ url }) => {
  if (url.includes('/servers')) return { body: { servers: [] } };
  if (url.includes('/networks')) return { body: { networks: [] } };
  return { body: {} };
};

const clouds: Scripted[] = [];

async function cloudThat(script: Script, options: ScriptedOptions = {}): Promise<Scripted> {
  const cloud = await scripted(script, options);
  clouds.push(cloud);
  return cloud;
}

afterEach(async () => {
  await Promise.all(clouds.splice(0).map((cloud) => cloud.close()));
});

describe('the token', () => {
  test('is asked for once, and sent with every call', async () => {
    const cloud = await cloudThat(empty);
    const session = cloud.session();
    await nova.listServers(session, {});
    await neutron.listNetworks(session);
    expect(cloud.logins).toHaveLength(1);
    expect(cloud.asked.map(({ headers }) => headers['x-auth-token'])).toEqual(['token-1', 'token-1']);
  });

  test('is asked for with a password, scoped to the project', async () => {
    const cloud = await cloudThat(empty);
    await nova.listServers(cloud.session(), {});
    const domain = { name: 'Default' };
    expect(cloud.logins[0]?.body).toEqual({
      auth: {
        identity: {
          methods: ['password'],
          password: { user: { name: 'operator', domain, password: 'bulkhead-secret' } },
        },
        scope: { project: { name: 'bulkhead', domain } },
      },
    });
  });

  test('is asked for with an application credential, which brings its own scope', async () => {
    const cloud = await cloudThat(empty);
    await nova.listServers(cloud.session({}, { auth: { kind: 'applicationCredential', id: 'ac', secret: 's' } }), {});
    expect(cloud.logins[0]?.body).toEqual({
      auth: { identity: { methods: ['application_credential'], application_credential: { id: 'ac', secret: 's' } } },
    });
  });

  test('is renewed before it expires', async () => {
    const cloud = await cloudThat(empty);
    let now = 0;
    const session = cloud.session({ now: () => now });
    await nova.listServers(session, {});
    now = 3_539_000;
    await nova.listServers(session, {});
    expect(cloud.logins).toHaveLength(1);
    now = 3_541_000;
    await nova.listServers(session, {});
    expect(cloud.logins).toHaveLength(2);
    expect(cloud.asked.at(-1)?.headers['x-auth-token']).toBe('token-2');
  });

  test.each([-86_400, 86_400])(
    'lives as long as it says where the clocks are %d s apart',
    async (clockAheadSeconds) => {
      const cloud = await cloudThat(empty, { login: (nth, url) => token(url, nth, { clockAheadSeconds }) });
      const session = cloud.session();
      await nova.listServers(session, {});
      await nova.listServers(session, {});
      expect(cloud.logins).toHaveLength(1);
    },
  );

  test('of a short life is used for half of it', async () => {
    let now = 0;
    const cloud = await cloudThat(empty, { login: (nth, url) => token(url, nth, { lifeSeconds: 30 }) });
    const session = cloud.session({ now: () => now });
    await nova.listServers(session, {});
    now = 14_000;
    await nova.listServers(session, {});
    expect(cloud.logins).toHaveLength(1);
    now = 16_000;
    await nova.listServers(session, {});
    expect(cloud.logins).toHaveLength(2);
  });

  test('is renewed once for all who find it refused at the same time', async () => {
    const refused: Script = (asked, nth) =>
      asked.headers['x-auth-token'] === 'token-1'
        ? { status: 401, body: { error: { message: 'no' } } }
        : empty(asked, nth);
    const cloud = await cloudThat(refused);
    const session = cloud.session();
    await Promise.all(Array.from({ length: 8 }, () => nova.listServers(session, {})));
    expect(cloud.logins).toHaveLength(2);
  });

  test('is renewed once for all who find it expired at the same time', async () => {
    const cloud = await cloudThat(empty);
    let now = 0;
    const session = cloud.session({ now: () => now });
    await nova.listServers(session, {});
    now = 3_600_000;
    await Promise.all(Array.from({ length: 8 }, () => nova.listServers(session, {})));
    expect(cloud.logins).toHaveLength(2);
  });

  test('that is refused twice ends the call after one renewal', async () => {
    const cloud = await cloudThat(() => ({ status: 401, body: { error: { message: 'no' } } }));
    const error = await errorFrom(neutron.listNetworks(cloud.session()));
    expect(error).toBeInstanceOf(UnauthorizedError);
    expect(cloud.asked).toHaveLength(2);
    expect(cloud.logins).toHaveLength(2);
  });

  test('is asked for anew by the next call where a login failed', async () => {
    const cloud = await cloudThat(empty, { login: (nth, url) => (nth === 1 ? 'drop' : token(url, nth)) });
    const session = cloud.session();
    expect(await errorFrom(nova.listServers(session, {}))).toBeInstanceOf(UnavailableError);
    expect(await nova.listServers(session, {})).toEqual([]);
  });
});

describe('a login that fails', () => {
  test('does not pass for the answer to the call: 404 would say that the server is gone', async () => {
    const login = (): { status: number; body: unknown } => ({ status: 404, body: { error: { message: 'not here' } } });
    const cloud = await cloudThat(empty, { login });
    expect(await errorFrom(nova.deleteServer(cloud.session(), 's1'))).toBeInstanceOf(UnauthorizedError);
    expect(cloud.asked).toEqual([]);
  });

  test.each(['drop', 'hang'] as const)('leaves no doubt that the create was not sent: %s', async (how) => {
    const cloud = await cloudThat(empty, { login: () => how });
    const create = nova.createServer(cloud.session({ timeoutMs: 100 }), {
      name: 'a',
      flavorId: '1',
      imageId: 'i',
      portIds: [],
      tags: [],
    });
    expect(await errorFrom(create)).toMatchObject({ name: 'UnavailableError', fateUnknown: false });
  });

  test('is said where the answer has no token', async () => {
    const login = (nth: number, url: string): object => ({ ...token(url, nth), headers: {} });
    const cloud = await cloudThat(empty, { login });
    const error = await errorFrom(nova.listServers(cloud.session(), {}));
    expect(error).toMatchObject({
      name: 'UnavailableError',
      message: expect.stringContaining('X-Subject-Token') as string,
    });
  });
});

describe('the catalog', () => {
  const two: ScriptedOptions = {
    login: (nth, url) =>
      token(url, nth, {
        endpoints: (service) =>
          ['one', 'two'].flatMap((region) =>
            ['public', 'internal'].map((each) => ({
              interface: each,
              region,
              url: `${url}/${region}/${each}/${service}${service === 'compute' ? '/v2.1/project-1' : ''}/`,
            })),
          ),
      }),
  };

  test('is read by region and interface', async () => {
    const cloud = await cloudThat(empty, two);
    await neutron.listNetworks(cloud.session({}, { region: 'two', interface: 'internal' }));
    expect(cloud.asked[0]?.url).toMatch(/^\/two\/internal\/network\/v2\.0\/networks\?/);
  });

  test('may have the project in the address of Nova, whose version document lies above', async () => {
    const cloud = await cloudThat(
      (asked, nth) => (asked.url === '/one/public/compute/v2.1/' ? novaVersion('2.80') : empty(asked, nth)),
      two,
    );
    await nova.listServers(cloud.session({}, { region: 'one' }), {});
    expect(cloud.asked.map(({ url }) => url.split('?')[0])).toEqual([
      '/one/public/compute/v2.1/',
      '/one/public/compute/v2.1/project-1/servers/detail',
    ]);
    expect(cloud.asked[1]?.headers['openstack-api-version']).toBe('compute 2.80');
  });

  test('that lacks the region is a matter of configuration, which says what to look at', async () => {
    const cloud = await cloudThat(empty);
    const error = await errorFrom(neutron.listNetworks(cloud.session({}, { region: 'RegionTwo' })));
    expect(error).toBeInstanceOf(CloudConfigError);
    expect(error).toMatchObject({ message: expect.stringContaining('region RegionTwo') as string });
  });
});

describe('microversions', () => {
  test('of Nova are negotiated once for a session: what it has, and 2.90 at most', async () => {
    const cloud = await cloudThat(empty);
    const session = cloud.session();
    await Promise.all([nova.listServers(session, {}), nova.listServers(session, {})]);
    await nova.listServers(session, {});
    expect(cloud.versionReads).toHaveLength(1);
    expect(new Set(cloud.asked.map(({ headers }) => headers['openstack-api-version']))).toEqual(
      new Set(['compute 2.90']),
    );
  });

  test('of an older Nova are spoken as it does', async () => {
    const cloud = await cloudThat(empty, { novaVersion: novaVersion('2.79') });
    await nova.listServers(cloud.session(), {});
    expect(cloud.asked[0]?.headers['openstack-api-version']).toBe('compute 2.79');
  });

  test('of a Nova that is too old are refused before anything is asked', async () => {
    const cloud = await cloudThat(empty, { novaVersion: novaVersion('2.60') });
    const error = await errorFrom(nova.listServers(cloud.session(), {}));
    expect(error).toBeInstanceOf(CloudConfigError);
    expect(error).toMatchObject({ message: expect.stringContaining('2.74') as string });
    expect(cloud.asked).toEqual([]);
  });

  test('are 2.90 where the version document is hidden', async () => {
    const cloud = await cloudThat(empty, { novaVersion: { status: 403, body: '<html>Forbidden</html>' } });
    await nova.listServers(cloud.session(), {});
    expect(cloud.asked[0]?.headers['openstack-api-version']).toBe('compute 2.90');
  });

  test('are read again where Nova was away', async () => {
    let away = true;
    const cloud = await cloudThat(empty, {
      get novaVersion() {
        return away ? 'drop' : novaVersion('2.80');
      },
    });
    const session = cloud.session();
    expect(await errorFrom(nova.listServers(session, {}))).toBeInstanceOf(UnavailableError);
    away = false;
    await nova.listServers(session, {});
    expect(cloud.asked[0]?.headers['openstack-api-version']).toBe('compute 2.80');
  });

  test('of Placement are sent, and the others have none', async () => {
    const cloud = await cloudThat(({ url }) => {
      if (url.startsWith('/placement')) return { body: { resource_providers: [] } };
      return url.startsWith('/image') ? { body: { images: [] } } : { body: { networks: [] } };
    });
    const session = cloud.session();
    await placement.listResourceProviders(session);
    await glance.listImages(session, { name: 'a' });
    await neutron.listNetworks(session);
    const versions = cloud.asked.map(({ headers }) => headers['openstack-api-version']);
    expect(versions).toEqual(['placement 1.29', undefined, undefined]);
  });
});

describe('a call', () => {
  test('that changes something carries the request id, and one that reads does not', async () => {
    const cloud = await cloudThat(({ method }) => (method === 'DELETE' ? { status: 204 } : { body: { networks: [] } }));
    const session = cloud.session();
    await neutron.deletePort(session, 'p1', { requestId: 'req-1' });
    await neutron.listNetworks(session, { requestId: 'req-1' });
    expect(cloud.asked.map(({ headers }) => headers['x-openstack-request-id'])).toEqual(['req-1', undefined]);
  });

  test('is never repeated, whatever comes back', async () => {
    const answers = [
      { status: 500, body: {} },
      { status: 503, body: '<html></html>' },
      'drop',
      { status: 429 },
    ] as const;
    const cloud = await cloudThat((_asked, nth) => answers[nth - 1] ?? { status: 204 });
    const session = cloud.session();
    for (const _ of answers) await errorFrom(neutron.deletePort(session, 'p1'));
    expect(cloud.asked).toHaveLength(answers.length);
  });

  test('is one of at most so many at once, and the rest wait in order', async () => {
    const open: (() => void)[] = [];
    const cloud = await cloudThat(async () => {
      await new Promise<void>((resolve) => open.push(resolve));
      return { status: 204 };
    });
    const session = cloud.session({ concurrent: 3 });
    const names = Array.from({ length: 10 }, (_, number) => `p${String(number)}`);
    const calls = Promise.all(names.map((name) => neutron.deletePort(session, name)));
    for (let left = names.length; left > 0; left--) {
      while (open.length < Math.min(3, left)) await new Promise((resolve) => setImmediate(resolve));
      open.shift()?.();
    }
    await calls;
    expect(cloud.mostAtOnce()).toBe(3);
    const arrived = cloud.asked.map(({ url }) => url.split('/').at(-1) ?? '');
    // The first three are on their way together.
    expect([...arrived.slice(0, 3).sort(), ...arrived.slice(3)]).toEqual(names);
  });

  test('has its whole time, waiting included: it is not sent when that is over', async () => {
    const cloud = await cloudThat(() => 'hang');
    const session = cloud.session({ concurrent: 1 });
    const first = errorFrom(neutron.deletePort(session, 'p1', { timeoutMs: 300 }));
    const second = errorFrom(neutron.deletePort(session, 'p2', { timeoutMs: 100 }));
    expect(await second).toMatchObject({ name: 'UnavailableError', fateUnknown: false });
    expect(await first).toMatchObject({ name: 'UnavailableError', fateUnknown: true });
    expect(cloud.asked.map(({ url }) => url)).toEqual(['/networking/v2.0/ports/p1']);
  });

  test('gives its place back when it is given up', async () => {
    const cloud = await cloudThat(({ url }) => (url.endsWith('/p1') ? 'hang' : { status: 204 }));
    const session = cloud.session({ concurrent: 1 });
    const caller = new AbortController();
    const first = errorFrom(neutron.deletePort(session, 'p1', { signal: caller.signal }));
    const second = neutron.deletePort(session, 'p2');
    while (cloud.asked.length === 0) await new Promise((resolve) => setImmediate(resolve));
    caller.abort(new Error('cancelled'));
    expect(await first).toMatchObject({ name: 'UnavailableError', fateUnknown: true });
    expect(await second).toBe(true);
  });

  test('that is given up beforehand is not sent', async () => {
    const cloud = await cloudThat(() => ({ status: 204 }));
    const error = await errorFrom(neutron.deletePort(cloud.session(), 'p1', { signal: AbortSignal.abort() }));
    expect(error).toMatchObject({ name: 'UnavailableError', fateUnknown: false });
    expect(cloud.asked).toEqual([]);
  });

  test('is reported with its service, path, status and time, also where there was no answer', async () => {
    const seen: CallInfo[] = [];
    const cloud = await cloudThat((_asked, nth) => (nth === 1 ? { status: 204 } : 'drop'));
    const session = cloud.session({ onCall: (info) => seen.push(info) });
    await neutron.deletePort(session, 'p1');
    await errorFrom(neutron.deletePort(session, 'p2'));
    expect(seen.map(({ service, method, path, status }) => [service, method, path, status])).toEqual([
      ['identity', 'POST', '/v3/auth/tokens', 201],
      ['network', 'DELETE', '/ports/p1', 204],
      ['network', 'DELETE', '/ports/p2', null],
    ]);
    expect(seen.every(({ milliseconds }) => milliseconds >= 0)).toBe(true);
  });

  test('goes over another wire where one is given, and no socket', async () => {
    const session = (await cloudThat(empty)).session({
      wire: ({ url }) => {
        const login = url.endsWith('/v3/auth/tokens');
        const answer = login ? token('http://127.0.0.1:1', 1) : { body: { networks: [{ id: 'n1', name: 'mgmt' }] } };
        const { status = 200, headers = {}, body } = answer;
        const header = (name: string): string | undefined =>
          Object.entries(headers).find(([each]) => each.toLowerCase() === name)?.[1];
        return Promise.resolve({ status, header, text: () => JSON.stringify(body), json: () => body });
      },
    });
    expect(await neutron.listNetworks(session)).toEqual([{ id: 'n1', name: 'mgmt' }]);
  });
});
