import { anyNumber, anyText, like, novaError, type Area } from '../case';
import type { Answer } from '../cloud';
import type { HostService, Scene } from '../scene';

interface Aggregate {
  readonly id: number;
  readonly availability_zone: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly hosts: readonly string[];
}

const key = 'bulkhead-rack';

async function listed({ ask }: Scene): Promise<readonly Aggregate[]> {
  return (await ask({ to: 'GET compute/os-aggregates', as: 'operator' })).body['aggregates'] as readonly Aggregate[];
}

async function one(scene: Scene, id: number): Promise<Aggregate | undefined> {
  return (await listed(scene)).find((each) => each.id === id);
}

function act({ ask }: Scene, id: number, body: object): Promise<Answer> {
  return ask({ to: `POST compute/os-aggregates/${String(id)}/action`, as: 'operator', body });
}

/** It goes with the scene: its hosts leave it first. */
async function aggregate(
  scene: Scene,
  given: { name?: string; says?: string; hosts?: readonly string[] } = {},
): Promise<number> {
  const { name = '', says, hosts = [] } = given;
  const body = { aggregate: { name: `${scene.prefix}${name}` } };
  const made = await scene.ask({ to: 'POST compute/os-aggregates', as: 'operator', body });
  const { id } = made.body['aggregate'] as { readonly id: number };
  scene.later(async () => {
    for (const host of (await one(scene, id))?.hosts ?? []) await act(scene, id, { remove_host: { host } });
    await scene.ask({ to: `DELETE compute/os-aggregates/${String(id)}`, as: 'operator' });
  });
  if (says !== undefined) await act(scene, id, { set_metadata: { metadata: { [key]: says } } });
  for (const host of hosts) await act(scene, id, { add_host: { host } });
  return id;
}

async function aHost(scene: Scene): Promise<string> {
  return (await scene.hosts(scene.found.zone))[0]?.host ?? '';
}

async function zoneAggregate(scene: Scene, zone = scene.found.zone): Promise<number> {
  return (await listed(scene)).find((each) => each.availability_zone === zone)?.id ?? NaN;
}

/** Nobody's servers are on it. */
async function emptyHost({ ask, hosts, found }: Scene): Promise<HostService> {
  for (const host of await hosts(found.zone)) {
    const to = `GET compute/servers/detail?all_tenants=1&host=${host.host}`;
    if (((await ask({ to, as: 'operator' })).body['servers'] as readonly unknown[]).length === 0) return host;
  }
  throw new Error(`every host of ${found.zone} has servers`);
}

/** What a host is said to be in, and who may say it. */
export const aggregates: Area = {
  area: 'aggregates',
  cases: [
    {
      fact: 'none is made by a tenant: 403',
      ask: ({ prefix }) => ({ to: 'POST compute/os-aggregates', body: { aggregate: { name: prefix } } }),
      status: 403,
      body: novaError(403, "Policy doesn't allow os_compute_api:os-aggregates:create to be performed."),
    },
    {
      fact: 'a new one is in no zone, and its metadata is no part of its create: 400',
      play: async (scene) => {
        const { ask, prefix } = scene;
        expect(await one(scene, await aggregate(scene))).toEqual({
          id: anyNumber(),
          uuid: anyText(),
          name: prefix,
          availability_zone: null,
          metadata: {},
          hosts: [],
          created_at: anyText(),
          updated_at: null,
          deleted: false,
          deleted_at: null,
        });
        const body = { aggregate: { name: `${prefix}-more`, metadata: { [key]: 'r1' } } };
        const refused = await ask({ to: 'POST compute/os-aggregates', as: 'operator', body });
        expect(refused).toMatchObject({
          status: 400,
          body: novaError(400, /Additional properties are not allowed \('metadata' was unexpected\)/),
        });
      },
    },
    {
      fact: 'a name is there once: 409',
      given: (scene) => aggregate(scene),
      ask: ({ prefix }) => ({
        to: 'POST compute/os-aggregates',
        as: 'operator',
        body: { aggregate: { name: prefix } },
      }),
      status: 409,
      body: novaError(409, /^Aggregate ct-[0-9a-f]+ already exists\.$/),
    },
    {
      fact: 'one that says the rack of its host is listed with both, and the host keeps its zone',
      play: async (scene) => {
        const host = await aHost(scene);
        const id = await aggregate(scene, { says: 'r1', hosts: [host] });
        expect(await one(scene, id)).toMatchObject({
          availability_zone: null,
          metadata: { [key]: 'r1' },
          hosts: [host],
        });
        expect((await scene.serviceOf(host)).zone).toBe(scene.found.zone);
      },
    },
    {
      fact: 'two may say different things of one host',
      play: async (scene) => {
        const host = await aHost(scene);
        const ids = [
          await aggregate(scene, { name: '-1', says: 'r1', hosts: [host] }),
          await aggregate(scene, { name: '-2', says: 'r2', hosts: [host] }),
        ];
        const found = (await listed(scene)).filter(({ id }) => ids.includes(id));
        expect(found).toMatchObject([
          { metadata: { [key]: 'r1' }, hosts: [host] },
          { metadata: { [key]: 'r2' }, hosts: [host] },
        ]);
      },
    },
    {
      fact: 'metadata is changed key by key: null takes one away, an empty text stays, and others are left',
      play: async (scene) => {
        const id = await aggregate(scene, { says: 'r1' });
        await act(scene, id, { set_metadata: { metadata: { a: '1', b: '' } } });
        await act(scene, id, { set_metadata: { metadata: { a: null } } });
        expect(await one(scene, id)).toMatchObject({ metadata: { [key]: 'r1', b: '' } });
        expect((await one(scene, id))?.metadata).not.toHaveProperty('a');
        expect(await act(scene, id, { set_metadata: { metadata: { a: 5 } } })).toMatchObject({
          status: 400,
          body: novaError(400, "Invalid input for field/attribute a. Value: 5. 5 is not of type 'string', 'null'"),
        });
      },
    },
    {
      fact: 'a host that is in it already is 409, one that is not is 404, and so is one that nobody knows',
      play: async (scene) => {
        const host = await aHost(scene);
        const id = await aggregate(scene, { hosts: [host] });
        const to = String(id);
        expect(await act(scene, id, { add_host: { host } })).toMatchObject({
          status: 409,
          body: novaError(409, `Aggregate ${to} already has host ${host}.`),
        });
        expect(await act(scene, id, { add_host: { host: 'cmp-99' } })).toMatchObject({
          status: 404,
          body: novaError(404, 'Compute host cmp-99 could not be found.'),
        });
        expect((await act(scene, id, { remove_host: { host } })).status).toBe(200);
        expect(await act(scene, id, { remove_host: { host } })).toMatchObject({
          status: 404,
          body: novaError(404, `Cannot remove host ${host} in aggregate ${to}`),
        });
      },
    },
    {
      fact: 'one that is not there is 404, what is no number 400, and so is what is no action',
      play: async (scene) => {
        expect(await act(scene, 987_654, { add_host: { host: await aHost(scene) } })).toMatchObject({
          status: 404,
          body: novaError(404, 'Aggregate 987654 could not be found.'),
        });
        expect(await scene.ask({ to: 'GET compute/os-aggregates/mz', as: 'operator' })).toMatchObject({
          status: 400,
          body: novaError(400, 'Invalid input received: id must be an integer'),
        });
        expect(await act(scene, await aggregate(scene), { empty: {} })).toMatchObject({
          status: 400,
          body: novaError(400, 'There is no such action: empty'),
        });
      },
    },
    {
      fact: 'it is deleted when it is empty, and not before: 400',
      play: async (scene) => {
        const id = await aggregate(scene, { hosts: [await aHost(scene)] });
        expect(await scene.ask({ to: `DELETE compute/os-aggregates/${String(id)}`, as: 'operator' })).toMatchObject({
          status: 400,
          body: novaError(400, `Cannot remove host from aggregate ${String(id)}. Reason: Host aggregate is not empty.`),
        });
      },
    },
    {
      fact: 'a host is in one zone: another one is 409, as metadata 400',
      play: async (scene) => {
        const host = await aHost(scene);
        const other = await zoneAggregate(scene, scene.found.otherZone);
        const reason = `One or more hosts already in availability zone(s) ['${scene.found.zone}'].`;
        expect(await act(scene, other, { add_host: { host } })).toMatchObject({
          status: 409,
          body: novaError(409, `Cannot add host to aggregate ${String(other)}. Reason: ${reason}`),
        });
        const id = await aggregate(scene, { hosts: [host] });
        const metadata = { availability_zone: scene.found.otherZone };
        expect(await act(scene, id, { set_metadata: { metadata } })).toMatchObject({
          status: 400,
          body: novaError(400, `Cannot update metadata of aggregate ${String(id)}. Reason: ${reason}`),
        });
      },
    },
    {
      fact: 'a host that has servers stays in its zone: 409, and its zone’s name stays: 400',
      needs: 'hosts',
      play: async (scene) => {
        const [host] = await scene.roomyHosts(scene.found.zone);
        const name = host?.host ?? '';
        await scene.launch({ as: 'operator', host: name });
        const zone = await zoneAggregate(scene);
        const refused = await act(scene, zone, { remove_host: { host: name } });
        expect(refused).toMatchObject({ status: 409, body: { conflictingRequest: { message: anyText() } } });
        expect((refused.body['conflictingRequest'] as { message: string }).message).toMatch(
          new RegExp(
            `^Cannot remove host from aggregate ${String(zone)}. Reason: The host cannot be removed from the aggregate as the availability zone of the host would change from '${scene.found.zone}' to 'None' but the host already has \\d+ instance\\(s\\)\\. Changing the AZ of an existing instance is not supported by this action\\.`,
          ),
        );
        const metadata = { availability_zone: scene.prefix };
        expect(await act(scene, zone, { set_metadata: { metadata } })).toMatchObject({
          status: 400,
          body: novaError(
            400,
            `Cannot update metadata of aggregate ${String(zone)}. Reason: One or more hosts contain instances in this zone.`,
          ),
        });
      },
    },
    {
      fact: 'an empty host leaves its zone, is in that of nobody, and is taken into another',
      needs: 'hosts',
      play: async (scene) => {
        const { host: name } = await emptyHost(scene);
        const zone = await zoneAggregate(scene);
        const other = await zoneAggregate(scene, scene.found.otherZone);
        const zoneOf = async (): Promise<string> => (await scene.serviceOf(name)).zone;
        scene.later(async () => {
          await act(scene, other, { remove_host: { host: name } });
          await act(scene, zone, { add_host: { host: name } });
          await scene.until('it is back', async () => ((await zoneOf()) === scene.found.zone ? true : undefined));
        });
        expect((await act(scene, zone, { remove_host: { host: name } })).status).toBe(200);
        expect(await zoneOf()).toEqual(like(/^[a-z]+$/));
        expect([scene.found.zone, scene.found.otherZone]).not.toContain(await zoneOf());
        expect((await act(scene, other, { add_host: { host: name } })).status).toBe(200);
        expect(await zoneOf()).toBe(scene.found.otherZone);
      },
    },
  ],
};
