import { glance, neutron, nova, type Session } from '../../openstack';
import { errorFrom, scripted, type Scripted } from './servers';

/** Lists that a service answers in pages, as Nova, Neutron and Glance do. */

const total = 25;
/** The cloud's own maximum, below what is asked for. */
const most = 10;
let cloud: Scripted;
let session: Session;

beforeAll(async () => {
  cloud = await scripted(({ url }) => {
    const { pathname, searchParams } = new URL(url, 'http://127.0.0.1');
    const key =
      pathname.split('/').find((part) => ['servers', 'flavors', 'ports', 'networks', 'images'].includes(part)) ?? '';
    const all = Array.from({ length: total }, (_, number) => item(key, number));
    const marker = searchParams.get('marker');
    const at = marker === null ? 0 : all.findIndex(({ id }) => id === marker) + 1;
    const page = all.slice(at, at + Math.min(Number(searchParams.get('limit')), most));
    // Behind a TLS terminator, a service does not know its own address.
    const href = 'http://nova.internal.example/v2.1/next';
    const more = page.length === most;
    const link = key === 'images' ? { next: '/v2/images?marker=x' } : { [`${key}_links`]: [{ rel: 'next', href }] };
    return { body: { [key]: page, ...(more && link) } };
  });
  session = cloud.session();
});

afterAll(async () => {
  await cloud.close();
});

function item(key: string, number: number): { id: string } {
  const base = { id: `${key}-${String(number)}`, name: 'a' };
  if (key === 'servers') return Object.assign(base, { status: 'ACTIVE' });
  if (key === 'flavors') return Object.assign(base, { vcpus: 1, ram: 1, disk: 1 });
  return Object.assign(base, { network_id: 'n', status: 'active' });
}

const lists: readonly [string, () => Promise<readonly { id: string }[]>][] = [
  ['servers', () => nova.listServers(session, {})],
  ['flavors', () => nova.listFlavors(session)],
  ['ports', () => neutron.listPorts(session, {})],
  ['networks', () => neutron.listNetworks(session)],
  ['images', () => glance.listImages(session, { name: 'a' })],
];

test.each(lists)(
  '%s: all pages, each once and in order, though the cloud shows less at once than is asked for',
  async (key, list) => {
    const before = cloud.asked.length;
    expect((await list()).map(({ id }) => id)).toEqual(
      Array.from({ length: total }, (_, number) => `${key}-${String(number)}`),
    );
    expect(cloud.asked).toHaveLength(before + 3);
  },
);

test('a page keeps the filter', async () => {
  const before = cloud.asked.length;
  await neutron.listPorts(session, { name: 'a' });
  const names = cloud.asked.slice(before).map(({ url }) => new URL(url, 'http://a').searchParams.get('name'));
  expect(names).toEqual(['a', 'a', 'a']);
});

test('a last page that is full ends with an empty one', async () => {
  const next = [{ rel: 'next', href: '' }];
  const full = await scripted((_asked, nth) => ({
    body:
      nth === 1 ? { networks: [{ id: 'n', name: 'a' }], networks_links: next } : { networks: [], networks_links: next },
  }));
  try {
    expect(await neutron.listNetworks(full.session())).toHaveLength(1);
  } finally {
    await full.close();
  }
});

test('a marker that was deleted meanwhile is a list to be read again, and no mistake in the request', async () => {
  const changing = await scripted((_asked, nth) =>
    nth === 1
      ? { body: { servers: [item('servers', 1)], servers_links: [{ rel: 'next', href: '' }] } }
      : { status: 400, body: { badRequest: { code: 400, message: 'marker [servers-1] not found' } } },
  );
  try {
    expect(await errorFrom(nova.listServers(changing.session(), {}))).toMatchObject({
      name: 'UnavailableError',
      fateUnknown: false,
    });
  } finally {
    await changing.close();
  }
});
