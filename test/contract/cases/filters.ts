import { like, novaError, type Area, type Case } from '../case';
import { hostAttribute, type Scene, type Shown } from '../scene';

/** Two servers that differ in all that can be asked for; of the tenant, or of the operator. */
async function two(scene: Scene, as: 'tenant' | 'operator' = 'tenant'): Promise<readonly [Shown, Shown]> {
  const port = await scene.port({}, as);
  const { prefix, found } = scene;
  const [first, second] = await scene.launchAll([
    {
      as,
      name: `${prefix}-1`,
      tags: [prefix, 'one'],
      metadata: { k: 'v' },
      description: 'first',
      networks: [{ port }],
    },
    { as, name: `${prefix}-10`, tags: [prefix, 'ten'], flavorRef: found.otherFlavor.id },
  ]);
  if (!first || !second) throw new Error('two servers were asked for');
  return [first, second];
}

type Query = (first: Shown, second: Shown, scene: Scene) => string | Promise<string>;

/** Which of the two come back. */
const finds = (fact: string, ordinals: readonly (1 | 10)[], query: Query, options: Options = {}): Case => ({
  fact,
  play: async (scene) => {
    const { as = 'tenant', version } = options;
    const [first, second] = await two(scene, as);
    const filter = await query(first, second, scene);
    const to = `GET compute/servers/detail?${filter}`;
    const { status, body, text } = await scene.ask({ to, as, ...(version !== undefined && { version }) });
    if (status !== 200) throw new Error(text);
    const mine = (body['servers'] as readonly Shown[]).filter(({ id }) => id === first.id || id === second.id);
    expect(mine.map(({ name }) => name).sort()).toEqual(ordinals.map((each) => `${scene.prefix}-${String(each)}`));
  },
});

interface Options {
  readonly as?: 'tenant' | 'operator';
  readonly version?: string;
}

const operator = { as: 'operator' } as const;

/** By which a tenant might think to find its own, and gets everything instead. */
const ignored: Readonly<Record<string, string>> = {
  metadata: 'metadata={"k":"other"}',
  host: 'host=nowhere',
  node: 'node=nowhere',
  uuid: 'uuid=11111111-1111-4111-8111-111111111111',
  description: 'description=other',
  deleted: 'deleted=true',
};

async function addressOf({ ask }: Scene, { id }: Shown): Promise<string> {
  const { body } = await ask({ to: `GET network/ports?device_id=${id}`, as: 'operator' });
  const [port] = body['ports'] as readonly { readonly fixed_ips: readonly { readonly ip_address: string }[] }[];
  return port?.fixed_ips[0]?.ip_address ?? '';
}

/** What finds servers, and what is ignored without a word. */
export const filters: Area = {
  area: 'filters of servers',
  cases: [
    finds('name is a regular expression', [1, 10], (first) => `name=${first.name}`),
    finds('an anchored name is a name', [1], (first) => `name=^${first.name}$`),
    finds('status', [1, 10], () => 'status=ACTIVE'),
    finds('a status that none has', [], () => 'status=ERROR'),
    finds('flavor', [10], (_, __, { found }) => `flavor=${found.otherFlavor.id}`),
    finds('image', [1, 10], (_, __, { found }) => `image=${found.image}`),
    finds('ip: a part of an address', [1], async (first, _, scene) => `ip=${await addressOf(scene, first)}`),
    finds('ip is no regular expression', [], async (first, _, scene) => `ip=^${await addressOf(scene, first)}$`),
    finds('tags: all of them', [1], (_, __, { prefix }) => `tags=${prefix},one`),
    finds('tags-any: one of them', [1, 10], () => 'tags-any=one,ten'),
    finds('not-tags', [10], () => 'not-tags=one'),
    finds('not-tags-any', [], () => 'not-tags-any=one,ten'),
    finds('locked', [], () => 'locked=true'),
    finds('changes-since', [1, 10], (first) => `changes-since=${first['created'] as string}`),
    finds('changes-before', [], () => 'changes-before=2001-01-01T00:00:00Z'),
    finds('hostname, from 2.90 on, is a regular expression', [1, 10], (first) => `hostname=${first.name}`),
    finds('an anchored hostname', [1], (first) => `hostname=^${first.name}$`),
    finds('vm_state, from 2.83 on', [], () => 'vm_state=error'),
    finds('task_state, from 2.83 on', [], () => 'task_state=spawning'),
    finds('power_state, from 2.83 on', [1, 10], () => 'power_state=1'),
    finds('user_id, from 2.83 on', [1, 10], (first) => `user_id=${first['user_id'] as string}`),
    finds('availability_zone, from 2.83 on', [1], (first) => {
      const zone = first['OS-EXT-AZ:availability_zone'] as string;
      return `availability_zone=${zone}&name=-1$`;
    }),
    finds('vm_state, below 2.83, is ignored for a tenant', [1, 10], () => 'vm_state=error', { version: '2.82' }),
    ...Object.entries(ignored).map(([key, query]) =>
      finds(`${key} is ignored for a tenant: everything comes back`, [1, 10], () => query),
    ),
    finds('host, of an operator’s', [1], (first) => `host=${first[hostAttribute] as string}&name=-1$`, operator),
    finds('host, of an operator’s, that has none', [], () => 'host=nowhere', operator),
    finds('uuid, of an operator’s', [10], (_, second) => `uuid=${second.id}`, operator),
    {
      fact: 'metadata, of an operator’s: 400',
      ask: () => ({ to: 'GET compute/servers/detail?metadata={"k":"v"}', as: 'operator' }),
      status: 400,
    },
    {
      fact: 'an unknown one: 400',
      ask: () => ({ to: 'GET compute/servers/detail?colour=red' }),
      status: 400,
      body: novaError(400, /'colour' does not match any of the regexes/),
    },
    {
      fact: 'a status that is none: 400',
      ask: () => ({ to: 'GET compute/servers/detail?status=SLEEPING' }),
      status: 400,
      body: novaError(400, 'Invalid status value'),
    },
    {
      fact: 'an unknown one below 2.75: ignored',
      ask: () => ({ to: 'GET compute/servers/detail?colour=red', version: '2.74' }),
      status: 200,
    },
    {
      fact: 'all_tenants, of an operator’s: everybody’s, and a tenant’s is among them',
      play: async ({ ask, launch, prefix }) => {
        const { id } = await launch();
        const to = `GET compute/servers/detail?all_tenants=1&name=^${prefix}`;
        expect((await ask({ to, ...operator })).body['servers']).toMatchObject([{ id }]);
        const own = await ask({ to: `GET compute/servers/detail?name=^${prefix}`, ...operator });
        expect(own.body['servers']).toEqual([]);
      },
    },
    {
      fact: 'pages: a full one has a link to the next, and the last one has none',
      play: async (scene) => {
        const [first, second] = await two(scene);
        const to = `GET compute/servers?name=^${scene.prefix}&sort_key=created_at&limit=1`;
        const { body } = await scene.ask({ to });
        const [shown] = body['servers'] as readonly Shown[];
        expect([first.id, second.id]).toContain(shown?.id);
        expect(body['servers_links']).toMatchObject([{ rel: 'next', href: like(/marker=/) }]);
        const rest = await scene.ask({ to: `${to.replace('limit=1', 'limit=5')}&marker=${shown?.id ?? ''}` });
        expect(rest.body['servers']).toHaveLength(1);
        expect(rest.body).not.toHaveProperty('servers_links');
      },
    },
    {
      fact: 'a marker that is not there: 400',
      ask: () => ({ to: 'GET compute/servers?marker=11111111-1111-4111-8111-111111111111' }),
      status: 400,
      body: novaError(400, 'marker [11111111-1111-4111-8111-111111111111] not found'),
    },
  ],
};
