import { anyText, like, neutronError, novaError, nowhere, uuid, type Area } from '../case';
import type { Asked } from '../cloud';
import { idIn, type Scene, type Shown } from '../scene';

const createAll = ({ newPort }: Scene, ...changes: object[]): Asked => ({
  to: 'POST network/ports',
  body: { ports: changes.map(newPort) },
});

interface Port {
  readonly id: string;
  readonly name: string;
  readonly fixed_ips: readonly { readonly ip_address: string; readonly subnet_id: string }[];
}

async function addressOf({ showPort }: Scene, id: string): Promise<string> {
  return ((await showPort(id)) as unknown as Port).fixed_ips[0]?.ip_address ?? '';
}

const at = (address: string): object => ({ fixed_ips: [{ ip_address: address }] });

async function listed({ ask }: Scene, query: string): Promise<readonly Port[]> {
  const { body } = await ask({ to: `GET network/ports?${query}` });
  return body['ports'] as readonly Port[];
}

const allocationFailed = /Failed to allocate the network\(s\), not rescheduling\.$/;

/** Ports: what is kept of them, addresses as locks, and what happens where two servers want the same one. */
export const ports: Area = {
  area: 'ports',
  cases: [
    {
      fact: 'many in one request: 201, in the order asked',
      play: async (scene) => {
        const asked = createAll(scene, { name: `${scene.prefix}-a` }, { name: `${scene.prefix}-b`, description: 'd' });
        const { status, body } = await scene.ask(asked);
        expect(status).toBe(201);
        expect(body['ports']).toMatchObject([
          {
            id: like(new RegExp(`^${uuid}$`)),
            name: `${scene.prefix}-a`,
            description: '',
            network_id: scene.found.network.id,
            project_id: scene.cloud.projectOf('tenant'),
            tenant_id: scene.cloud.projectOf('tenant'),
            device_id: '',
            device_owner: '',
            status: 'DOWN',
            admin_state_up: true,
            mac_address: like(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/),
            fixed_ips: [{ subnet_id: scene.found.network.subnets[0], ip_address: anyText() }],
            tags: [],
          },
          { name: `${scene.prefix}-b`, description: 'd' },
        ]);
      },
    },
    {
      fact: 'of a name and a device that there are: 201',
      given: ({ port }) => port({ device_id: 'd' }),
      ask: ({ newPort }) => ({ to: 'POST network/ports', body: { port: newPort({ device_id: 'd' }) } }),
      status: 201,
    },
    {
      fact: 'tags in a create are taken, and forgotten',
      play: async (scene) => {
        const { ask, prefix } = scene;
        const { status, body } = await ask(createAll(scene, { tags: [prefix] }));
        const [made] = body['ports'] as readonly Port[];
        expect([status, made]).toMatchObject([201, { tags: [] }]);
        expect(await listed(scene, `tags=${prefix}`)).toEqual([]);
        const tagged = await ask({ to: `PUT network/ports/${made?.id ?? ''}/tags`, body: { tags: [prefix] } });
        expect([tagged.status, tagged.body]).toMatchObject([200, { tags: [prefix] }]);
        expect(await listed(scene, `tags=${prefix}`)).toMatchObject([{ id: made?.id, tags: [prefix] }]);
      },
    },
    {
      fact: 'a description is kept, and found by equality',
      play: async (scene) => {
        const { ask, prefix } = scene;
        await ask(createAll(scene, { description: `${prefix} x` }, { name: `${prefix}-b`, description: prefix }));
        expect(await listed(scene, `description=${prefix}`)).toMatchObject([{ name: `${prefix}-b` }]);
        expect(await listed(scene, `description=${encodeURIComponent(`${prefix} x`)}`)).toMatchObject([
          { name: prefix, description: `${prefix} x` },
        ]);
      },
    },
    {
      fact: 'by name, by device, by id (also several), and by network',
      play: async (scene) => {
        const { prefix, port, found } = scene;
        const first = await port({ name: `${prefix}-1`, device_id: `${prefix}-d` });
        const second = await port({ name: `${prefix}-2` });
        expect(await listed(scene, `name=${prefix}-1`)).toMatchObject([{ id: first }]);
        expect(await listed(scene, `device_id=${prefix}-d`)).toMatchObject([{ id: first }]);
        expect(await listed(scene, `id=${first}&id=${second}`)).toHaveLength(2);
        expect(await listed(scene, `id=${first}&network_id=${found.otherNetwork.id}`)).toEqual([]);
        expect(await listed(scene, `id=${second}&status=DOWN`)).toMatchObject([{ id: second }]);
      },
    },
    {
      fact: 'at an address that is taken: 409',
      play: async (scene) => {
        const address = await addressOf(scene, await scene.port());
        const { status, body } = await scene.ask({ ...createAll(scene, at(address)), as: 'operator' });
        expect([status, body]).toEqual([409, neutronError('IpAddressAlreadyAllocated', new RegExp(address))]);
      },
    },
    {
      fact: 'two at one address at once: one 201, one 409',
      play: async (scene) => {
        const id = await scene.port();
        const address = await addressOf(scene, id);
        await scene.ask({ to: `DELETE network/ports/${id}` });
        const asked = { ...createAll(scene, at(address)), as: 'operator' as const };
        const answers = await scene.askAll([asked, asked]);
        expect(answers.map(({ status }) => status).sort()).toEqual([201, 409]);
      },
    },
    {
      fact: 'at an address that a tenant chooses, on a network that is not its own: 403',
      play: async (scene) => {
        const { status, body } = await scene.ask(createAll(scene, at(await addressOf(scene, await scene.port()))));
        expect([status, body]).toEqual([403, neutronError('PolicyNotAuthorized', /is disallowed by policy$/)]);
      },
    },
    {
      fact: 'an unknown filter: 400',
      ask: () => ({ to: 'GET network/ports?colour=red' }),
      status: 400,
      body: neutronError('HTTPBadRequest', "['colour'] is invalid attribute for filtering"),
    },
    {
      fact: 'all of a request, or none',
      play: async (scene) => {
        const { prefix } = scene;
        const address = await addressOf(scene, await scene.port({ name: `${prefix}-0` }));
        const name = `${prefix}-1`;
        const asked = createAll(scene, { name }, { ...at(address), name });
        expect((await scene.ask({ ...asked, as: 'operator' })).status).toBe(409);
        const { body } = await scene.ask({ to: `GET network/ports?name=${name}`, as: 'operator' });
        expect(body['ports']).toEqual([]);
      },
    },
    {
      fact: 'on a network that is not there: 404',
      ask: (scene) => createAll(scene, { network_id: nowhere }),
      status: 404,
      body: neutronError('NetworkNotFound', `Network ${nowhere} could not be found.`),
    },
    {
      fact: 'with a security group that is not there: 404',
      ask: (scene) => createAll(scene, { security_groups: [nowhere] }),
      status: 404,
      body: neutronError('SecurityGroupNotFound', `Security group ${nowhere} does not exist`),
    },
    {
      fact: 'deleted: 204, and again: 404',
      play: async ({ ask, port }) => {
        const id = await port();
        expect((await ask({ to: `DELETE network/ports/${id}` })).status).toBe(204);
        const { status, body } = await ask({ to: `DELETE network/ports/${id}` });
        expect([status, body]).toEqual([404, neutronError('PortNotFound', `Port ${id} could not be found.`)]);
      },
    },
    {
      fact: 'another’s is not there for a tenant',
      play: async (scene) => {
        const { ask, port } = scene;
        const id = await port({}, 'operator');
        expect((await ask({ to: `GET network/ports/${id}` })).status).toBe(404);
        expect((await ask({ to: `DELETE network/ports/${id}` })).status).toBe(404);
        expect(await listed(scene, `id=${id}`)).toEqual([]);
      },
    },
    {
      fact: 'for another project, of a tenant: 400',
      play: async ({ ask, newPort, cloud }) => {
        const body = { port: newPort({ project_id: cloud.projectOf('operator') }) };
        expect((await ask({ to: 'POST network/ports', body })).status).toBe(400);
      },
    },
    {
      fact: 'a server’s: bound, ACTIVE, and named by its addresses',
      play: async (scene) => {
        const { port, launch, showPort, found, allocatedOn } = scene;
        const id = await port();
        const server = await launch({ networks: [{ port: id }] });
        expect(await showPort(id)).toMatchObject({
          device_id: server.id,
          device_owner: like(/^compute:/),
          status: 'ACTIVE',
        });
        expect(server['addresses']).toMatchObject({
          [found.network.name]: [{ version: 4, addr: await addressOf(scene, id), 'OS-EXT-IPS:type': 'fixed' }],
        });
        expect(await allocatedOn(server.id)).toBe(1);
      },
    },
    {
      fact: 'that is not there: 400',
      ask: ({ newServer }) => newServer({ networks: [{ port: nowhere }] }),
      status: 400,
      body: novaError(400, `Port id ${nowhere} could not be found.`),
    },
    {
      fact: 'another’s: refused',
      play: async ({ ask, newServer, port }) => {
        const id = await port({}, 'operator');
        const { status, body } = await ask(newServer({ networks: [{ port: id }] }));
        expect([status, body]).toEqual([400, novaError(400, `Port id ${id} could not be found.`)]);
      },
    },
    {
      fact: 'whose device was set by hand: 409',
      play: async ({ ask, newServer, port }) => {
        const id = await port({ device_id: 'mine' });
        const { status, body } = await ask(newServer({ networks: [{ port: id }] }));
        expect([status, body]).toEqual([409, novaError(409, `Port ${id} is still in use.`)]);
      },
    },
    {
      fact: 'that a server has: 409, cleanly, and the server keeps it',
      play: async ({ ask, newServer, port, launch, showPort }) => {
        const id = await port();
        const server = await launch({ networks: [{ port: id }] });
        const { status, body } = await ask(newServer({ networks: [{ port: id }] }));
        expect([status, body]).toEqual([409, novaError(409, `Port ${id} is still in use.`)]);
        expect(await showPort(id)).toMatchObject({ device_id: server.id, status: 'ACTIVE' });
      },
    },
    {
      fact: 'that a server has, deleted: 403 for a tenant, 204 for an operator',
      play: async ({ ask, port, launch, showPort }) => {
        const id = await port();
        const server = await launch({ networks: [{ port: id }] });
        const to = `DELETE network/ports/${id}`;
        const { status, body } = await ask({ to });
        expect([status, body]).toEqual([
          403,
          neutronError('PolicyNotAuthorized', 'rule:delete_port is disallowed by policy'),
        ]);
        expect(await showPort(id)).toMatchObject({ device_id: server.id });
        expect((await ask({ to, as: 'operator' })).status).toBe(204);
      },
    },
    {
      fact: 'that is asked for twice in one request: 400',
      play: async ({ ask, newServer, port }) => {
        const id = await port();
        expect((await ask(newServer({ networks: [{ port: id }, { port: id }] }))).status).toBe(400);
      },
    },
    {
      fact: 'that two creates want at once: at most one is ACTIVE; the loser’s clean-up may clear the winner’s port',
      play: async ({ askAll, newServer, port, settled, showPort }) => {
        const id = await port();
        const asked = newServer({ networks: [{ port: id }] });
        const answers = await askAll([asked, asked]);
        expect(answers.map(({ status }) => status)).toEqual([202, 202]);
        const shown = await settled(answers);
        expect(shown.map(({ status }) => status).sort()).toEqual(['ACTIVE', 'ERROR']);
        const [lost, won] = shown[0]?.status === 'ERROR' ? shown : [...shown].reverse();
        expect(lost?.fault?.message).toMatch(allocationFailed);
        const { device_id: device, status } = (await showPort(id)) as { device_id: string; status: string };
        expect([
          ['', 'DOWN'],
          [won?.id, 'ACTIVE'],
        ]).toContainEqual([device, status]);
      },
    },
    {
      fact: 'deleted after a create was accepted: the create fails',
      play: async ({ ask, newServer, port, settled }) => {
        const id = await port();
        const answer = await ask(newServer({ networks: [{ port: id }] }));
        expect((await ask({ to: `DELETE network/ports/${id}` })).status).toBe(204);
        const [shown] = await settled([answer]);
        expect(shown).toMatchObject({ status: 'ERROR', fault: { code: 500 } });
        expect(shown?.fault?.message).toMatch(/could not be found\.$|Failed to allocate the network/);
      },
    },
    {
      fact: 'passed in: it outlives its server; one that Nova made does not',
      play: async (scene) => {
        const { port, launch, remove, showPort, found, until } = scene;
        const id = await port();
        const server = await launch({ networks: [{ port: id }, { uuid: found.otherNetwork.id }] });
        expect(server.status).toBe('ACTIVE');
        const bound = await listed(scene, `device_id=${server.id}`);
        expect(bound).toHaveLength(2);
        await remove(server.id);
        await until('the own port is gone', async () => {
          const left = await listed(scene, bound.map((each) => `id=${each.id}`).join('&'));
          return left.length === 1 ? true : undefined;
        });
        expect(await showPort(id)).toMatchObject({ device_id: '', device_owner: '', status: 'DOWN' });
      },
    },
    {
      fact: 'an address that is taken, through Nova: 400',
      play: async (scene) => {
        const { ask, newServer, found, port } = scene;
        const address = await addressOf(scene, await port());
        const networks = [{ uuid: found.network.id, fixed_ip: address }];
        const { status, body } = await ask(newServer({ networks }));
        expect([status, body]).toEqual([
          400,
          novaError(400, `Fixed IP address ${address} is already in use on instance .`),
        ]);
      },
    },
    {
      fact: 'of a server that failed: unbound, and good for another one',
      play: async ({ port, launch, group, hosts, found, showPort, until, remove }) => {
        const id = await port();
        const failed = await launch({ networks: [{ port: id }], hints: { same_host: nowhere } });
        expect(failed.status).toBe('ERROR');
        expect(await hosts(found.zone)).not.toEqual([]);
        await remove(failed.id);
        await until('the port is free', async () => ((await showPort(id))['device_id'] === '' ? true : undefined));
        const second = await launch({ networks: [{ port: id }], group: await group() });
        expect(second.status).toBe('ACTIVE');
      },
    },
    {
      fact: 'renamed and described: 200',
      play: async ({ ask, port, prefix }) => {
        const change = { name: `${prefix}-x`, description: 'other' };
        const { status, body } = await ask({ to: `PUT network/ports/${await port()}`, body: { port: change } });
        expect([status, body]).toMatchObject([200, { port: change }]);
        expect(idIn(body, 'port')).toBeDefined();
      },
    },
    {
      fact: 'of a tenant’s, through an operator’s list',
      play: async ({ ask, port, cloud }) => {
        const id = await port();
        const to = `GET network/ports?id=${id}&project_id=${cloud.projectOf('tenant')}`;
        expect((await ask({ to, as: 'operator' })).body['ports']).toMatchObject([{ id } as unknown as Shown]);
      },
    },
  ],
};
