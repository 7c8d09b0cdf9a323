import { createGate, neutron, nova } from '../../openstack';
import { errorFrom, scripted, type Answer, type Scripted } from './servers';

/** What a service that asks to be left alone gets from then on, by when it gets it. */

let cloud: Scripted;
afterEach(() => cloud.close());

/** Its first answers to what is not a login; all that come later are good. */
async function cloudThatSays(...first: readonly Answer[]): Promise<number[]> {
  const times: number[] = [];
  cloud = await scripted(({ method, url }, nth) => {
    times.push(performance.now());
    const bad = first[nth - 1];
    if (bad) return bad;
    if (method === 'DELETE') return { status: 204 };
    return { body: url.includes('/servers') ? { servers: [] } : { ports: [], networks: [] } };
  });
  return times;
}

const tooMany = (retryAfter?: string): Answer => ({
  status: 429,
  body: { overLimit: { message: 'Too many requests.' } },
  ...(retryAfter !== undefined && { headers: { 'Retry-After': retryAfter } }),
});

test('all calls to it wait for the end of a short pause, and are sent then', async () => {
  const times = await cloudThatSays(tooMany('1'));
  const session = cloud.session();
  expect(await errorFrom(neutron.deletePort(session, 'p1'))).toMatchObject({ fateUnknown: false });
  await Promise.all([neutron.deletePort(session, 'p1'), neutron.deletePort(session, 'p2')]);
  const [first = 0, ...others] = times;
  expect(others).toHaveLength(2);
  expect(Math.min(...others) - first).toBeGreaterThanOrEqual(990);
});

test('those that waited for a place when it was asked for wait for it, too', async () => {
  const times = await cloudThatSays(tooMany('1'));
  const session = cloud.session({ concurrent: 1 });
  const refused = errorFrom(neutron.deletePort(session, 'p1'));
  await Promise.all([neutron.deletePort(session, 'p2'), neutron.deletePort(session, 'p3')]);
  expect(await refused).toMatchObject({ name: 'UnavailableError' });
  const [first = 0, ...others] = times;
  expect(Math.min(...others) - first).toBeGreaterThanOrEqual(990);
});

test.each([
  ['in seconds', (): string => '30'],
  ['as a date', (): string => new Date(Date.now() + 30_000).toUTCString()],
])('a long pause, asked for %s, is told at once to who calls, with the time that is left', async (_, said) => {
  const times = await cloudThatSays(tooMany(said()));
  const session = cloud.session();
  await errorFrom(neutron.deletePort(session, 'p1'));
  const error = await errorFrom(neutron.deletePort(session, 'p2'));
  expect(error).toMatchObject({ name: 'UnavailableError', fateUnknown: false });
  const { retryAfterSeconds } = (error as { context: { retryAfterSeconds: number } }).context;
  expect(retryAfterSeconds).toBeGreaterThan(25);
  expect(retryAfterSeconds).toBeLessThanOrEqual(31);
  expect(times).toHaveLength(1);
});

test('other services are called meanwhile', async () => {
  const times = await cloudThatSays(tooMany('30'));
  const session = cloud.session();
  await errorFrom(neutron.deletePort(session, 'p1'));
  expect(await nova.listServers(session, {})).toEqual([]);
  expect(times).toHaveLength(2);
});

test('a 503 is a wish for a pause where it says how long, and else is not', async () => {
  const times = await cloudThatSays({ status: 503 }, { status: 503, headers: { 'Retry-After': '30' } });
  const session = cloud.session();
  for (const port of ['p1', 'p2', 'p3']) await errorFrom(neutron.deletePort(session, port));
  expect(times).toHaveLength(2);
});

test('where no time is said it is a second, and twice as long the next time', async () => {
  const times = await cloudThatSays(tooMany(), tooMany());
  const session = cloud.session();
  for (const port of ['p1', 'p2']) await errorFrom(neutron.deletePort(session, port));
  await neutron.deletePort(session, 'p3');
  const [first = 0, second = 0, third = 0] = times;
  expect(second - first).toBeGreaterThanOrEqual(990);
  expect(third - second).toBeGreaterThanOrEqual(1_990);
});

test('a login that does not get its turn in time is no answer to anything', async () => {
  await cloudThatSays();
  const gate = createGate({ calls: 0, perSecond: null });
  const session = cloud.session({ gate, timeoutMs: 100 });
  expect(await errorFrom(session.projectId())).toMatchObject({ name: 'UnavailableError', throttled: true });
  expect(cloud.logins).toEqual([]);
});
