import {
  BadRequestError,
  ConflictError,
  ForbiddenError,
  neutron,
  NotFoundError,
  nova,
  OpenStackError,
  QuotaExceededError,
  UnavailableError,
} from '../../openstack';
import { errorFrom, scripted, type Answer, type Scripted } from './servers';

let answer: Answer | 'drop' | 'hang';
let cloud: Scripted;

beforeAll(async () => {
  cloud = await scripted(() => answer);
});

afterAll(async () => {
  await cloud.close();
});

const html = '<!DOCTYPE html><html><head><title>Service Unavailable</title></head><body>…</body></html>';
const novaSays = (key: string, code: number, message: string): Answer => ({
  status: code,
  body: { [key]: { code, message } },
});
const neutronSays = (type: string, status: number, message: string): Answer => ({
  status,
  body: { NeutronError: { type, message, detail: '' } },
});

/** What real services answer (bodies as measured on Nova 34 and Neutron 29), and the class of what a caller does about it. */
const answers: readonly [string, Answer, typeof OpenStackError | typeof UnavailableError][] = [
  [
    'a host that Nova does not know',
    novaSays('badRequest', 400, 'Compute host cmp-99 could not be found.'),
    BadRequestError,
  ],
  [
    'a role that may not name hosts',
    novaSays('forbidden', 403, "Policy doesn't allow compute:servers:create:requested_destination to be performed."),
    ForbiddenError,
  ],
  [
    'a quota of Nova',
    novaSays('forbidden', 403, 'Quota exceeded for instances: Requested 1, but already used 2 of 2 instances'),
    QuotaExceededError,
  ],
  [
    'a quota of server groups',
    novaSays('forbidden', 403, 'Quota exceeded, too many server groups.'),
    QuotaExceededError,
  ],
  [
    'a policy that has quota in its name',
    novaSays('forbidden', 403, "Policy doesn't allow os_compute_api:os-quota-sets:show to be performed."),
    ForbiddenError,
  ],
  ['a port quota through Nova', novaSays('forbidden', 403, 'Maximum number of ports exceeded'), QuotaExceededError],
  ['a quota as too large a request', novaSays('overLimit', 413, 'This request was rate-limited.'), QuotaExceededError],
  ['a quota of Neutron', neutronSays('OverQuota', 409, "Quota exceeded for resources: ['port']."), QuotaExceededError],
  ['an address that is taken', neutronSays('IpAddressAlreadyAllocated', 409, 'IP address taken.'), ConflictError],
  ['a port in use', novaSays('conflictingRequest', 409, 'Port p1 is still in use.'), ConflictError],
  ['a server that is not there', novaSays('itemNotFound', 404, 'Instance s1 could not be found.'), NotFoundError],
  ['a port that is not there', neutronSays('PortNotFound', 404, 'Port p1 could not be found.'), NotFoundError],
  [
    'a microversion that is not spoken',
    novaSays('computeFault', 406, 'Version 2.90 is not supported by the API.'),
    BadRequestError,
  ],
  [
    'a Neutron that is being started, and shows nothing to anybody',
    neutronSays('HTTPNotFound', 404, 'The resource could not be found.'),
    UnavailableError,
  ],
  [
    'the same of what is asked for by its id, in a shape of its own',
    { status: 404, body: { type: 'HTTPNotFound', message: 'The resource could not be found.', detail: '' } },
    UnavailableError,
  ],
  [
    'a Nova that does not know the path',
    { status: 404, body: { code: '404 Not Found', title: 'Not Found', message: 'The resource could not be found.' } },
    UnavailableError,
  ],
  ['a proxy that has lost the service: 404 in HTML', { status: 404, body: html }, UnavailableError],
  ['a proxy that says 404 and nothing', { status: 404 }, UnavailableError],
  ['a database that is away: 503 in HTML', { status: 503, body: html }, UnavailableError],
  [
    'a Neutron that is away from Nova',
    novaSays('computeFault', 500, "Unexpected API Error. <class 'keystoneauth1.exceptions.connection.ConnectFailure'>"),
    UnavailableError,
  ],
  ['a gateway that gave up', { status: 504, body: html }, UnavailableError],
  ['too many requests', { status: 429, body: {} }, UnavailableError],
  ['a page where JSON was promised', { status: 200, body: html }, UnavailableError],
  ['JSON of another shape', { status: 200, body: { servers: [{ id: 7 }] } }, UnavailableError],
  ['half an answer', { status: 200, body: '{"servers": [' }, UnavailableError],
];

test.each(answers)('%s', async (_what, given, kind) => {
  answer = given;
  const error = await errorFrom(nova.listServers(cloud.session(), {}));
  expect(error).toBeInstanceOf(kind);
  // The name is what a log shows and what survives a copy.
  expect(error).toMatchObject({ name: kind.name });
});

test('an error keeps method, URL, status, body and the ids of the request', async () => {
  answer = novaSays('itemNotFound', 404, 'Instance s1 could not be found.');
  const error = await errorFrom(nova.startServer(cloud.session(), 's1'));
  expect(error).toMatchObject({
    message: `POST ${cloud.url}/compute/v2.1/servers/s1/action: 404 Instance s1 could not be found.`,
    context: {
      service: 'compute',
      method: 'POST',
      url: `${cloud.url}/compute/v2.1/servers/s1/action`,
      status: 404,
      body: JSON.stringify({ itemNotFound: { code: 404, message: 'Instance s1 could not be found.' } }),
      requestId: 'req-from-the-cloud',
    },
  });
});

test('the URL of an error has its query', async () => {
  answer = { status: 503 };
  const error = await errorFrom(nova.listServers(cloud.session(), { tags: ['bulkhead:vnf=ims1'] }));
  expect((error as OpenStackError).context.url).toContain('tags=bulkhead:vnf%3Dims1');
});

test('a long body is cut, and so is a long message', async () => {
  answer = novaSays('badRequest', 400, 'x'.repeat(10_000));
  const error = (await errorFrom(nova.listServers(cloud.session(), {}))) as OpenStackError;
  expect(error.context.body).toHaveLength(2_000);
  expect(error.message.length).toBeLessThan(800);
});

describe('whether a request may have had its effect', () => {
  const create = (timeoutMs: number): Promise<unknown> =>
    errorFrom(
      nova.createServer(cloud.session({ timeoutMs }), {
        name: 'a',
        flavorId: '1',
        imageId: 'i',
        portIds: [],
        tags: [],
      }),
    );
  const cases: readonly [string, Answer | 'drop' | 'hang', boolean][] = [
    ['the connection was dropped', 'drop', true],
    ['there was no answer in time', 'hang', true],
    ['500', { status: 500, body: {} }, true],
    ['502 of a gateway', { status: 502, body: html }, true],
    ['503, which a service that loses its database half-way says as well', { status: 503, body: html }, true],
    ['504 of a gateway', { status: 504, body: html }, true],
    ['an answer that cannot be read', { status: 202, body: '<html>' }, true],
    ['an answer without an id', { status: 202, body: { server: {} } }, true],
    ['429, which is said before', { status: 429 }, false],
    ['a 404 of a proxy, which has no service behind it', { status: 404, body: html }, false],
  ];

  test.each(cases)('%s', async (_what, given, fateUnknown) => {
    answer = given;
    expect(await create(given === 'hang' ? 200 : 5_000)).toMatchObject({ name: 'UnavailableError', fateUnknown });
  });

  test('a read has no effect', async () => {
    answer = 'drop';
    const error = await errorFrom(neutron.listNetworks(cloud.session()));
    expect(error).toMatchObject({ name: 'UnavailableError', fateUnknown: false });
  });

  test('a connection that was refused carried nothing', async () => {
    const gone = await scripted(() => ({ status: 204 }));
    const session = gone.session();
    await neutron.deletePort(session, 'p1');
    await gone.close();
    const error = await errorFrom(neutron.deletePort(session, 'p2'));
    // The connection that was kept from the call before may be the one that is used, and breaks.
    expect(error).toBeInstanceOf(UnavailableError);
    expect(await errorFrom(neutron.deletePort(session, 'p2'))).toMatchObject({ fateUnknown: false });
  });
});

describe('Retry-After', () => {
  const secondsOf = async (value: string): Promise<number | undefined> => {
    answer = { status: 503, headers: { 'Retry-After': value } };
    return ((await errorFrom(neutron.listNetworks(cloud.session()))) as OpenStackError).context.retryAfterSeconds;
  };

  test('in seconds', async () => {
    expect(await secondsOf('7')).toBe(7);
  });

  test('as a date', async () => {
    const seconds = await secondsOf(new Date(Date.now() + 30_000).toUTCString());
    expect(seconds).toBeGreaterThan(20);
    expect(seconds).toBeLessThanOrEqual(30);
  });

  test('of the past is now, and nonsense is nothing', async () => {
    expect(await secondsOf('Wed, 21 Oct 2015 07:28:00 GMT')).toBe(0);
    expect(await secondsOf('soon')).toBeUndefined();
  });
});

describe('what is gone', () => {
  test('is no error to who deletes it, by the word of the service alone', async () => {
    const session = cloud.session();
    answer = novaSays('itemNotFound', 404, 'gone');
    expect(await nova.deleteServer(session, 's1')).toBe(false);
    expect(await nova.getServer(session, 's1')).toBeNull();
    answer = neutronSays('PortNotFound', 404, 'gone');
    expect(await neutron.deletePort(session, 'p1')).toBe(false);
    answer = { status: 404, body: html };
    expect(await errorFrom(nova.deleteServer(session, 's1'))).toBeInstanceOf(UnavailableError);
    expect(await errorFrom(nova.getServer(session, 's1'))).toBeInstanceOf(UnavailableError);
    expect(await errorFrom(neutron.deletePort(session, 'p1'))).toBeInstanceOf(UnavailableError);
  });

  test('is not said by a page with 200', async () => {
    answer = { status: 200, body: html };
    expect(await errorFrom(nova.deleteServer(cloud.session(), 's1'))).toBeInstanceOf(UnavailableError);
  });
});
