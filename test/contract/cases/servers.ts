import { anyText, like, novaError, nowhere, uuid, type Area } from '../case';
import { idIn, taskState, type Shown } from '../scene';

/** A server's life: creates have no key that makes a repeat find its own work. */
export const servers: Area = {
  area: 'servers',
  cases: [
    {
      fact: 'a create: 202 with an id and where it is',
      play: async ({ ask, newServer }) => {
        const { status, body, headers } = await ask(newServer());
        expect([status, body]).toMatchObject([
          202,
          { server: { id: like(new RegExp(`^${uuid}$`)), adminPass: anyText(), 'OS-DCF:diskConfig': 'MANUAL' } },
        ]);
        expect(headers['location']).toMatch(new RegExp(`/servers/${idIn(body, 'server')}$`));
      },
    },
    {
      fact: 'it is listed at once',
      play: async ({ ask, newServer, prefix }) => {
        const { body } = await ask(newServer());
        const listed = await ask({ to: `GET compute/servers?name=^${prefix}$` });
        expect(listed.body['servers']).toMatchObject([{ id: idIn(body, 'server'), name: prefix }]);
      },
    },
    {
      fact: 'the same name twice: two servers',
      play: async ({ launchAll, prefix }) => {
        const shown = await launchAll([{}, {}]);
        expect(shown).toMatchObject([{ name: prefix }, { name: prefix }]);
        expect(shown[0]?.id).not.toBe(shown[1]?.id);
      },
    },
    {
      fact: 'the same request id again: a second server',
      play: async ({ ask, newServer, settled }) => {
        const headers = { 'x-openstack-request-id': 'req-0f0e0d0c-0b0a-4908-8706-050403020100' };
        const first = await ask(newServer({ headers }));
        const second = await ask(newServer({ headers }));
        const shown = await settled([first, second]);
        expect(new Set(shown.map(({ id }) => id)).size).toBe(2);
      },
    },
    {
      fact: 'a tag is put beside those that it has, and taken off by itself',
      play: async ({ ask, launch }) => {
        const { id } = await launch({ tags: ['a', 'b'] });
        const tag = `servers/${id}/tags/bulkhead%3Avnf%3Dx`;
        const tags = async (): Promise<unknown> => (await ask({ to: `GET compute/servers/${id}/tags` })).body['tags'];
        expect((await ask({ to: `PUT compute/${tag}` })).status).toBe(201);
        expect((await ask({ to: `PUT compute/${tag}` })).status).toBe(204);
        expect(((await tags()) as string[]).sort()).toEqual(['a', 'b', 'bulkhead:vnf=x']);
        const listed = await ask({ to: 'GET compute/servers?tags=bulkhead:vnf%3Dx' });
        expect(listed.body['servers']).toMatchObject([{ id }]);
        expect((await ask({ to: `DELETE compute/${tag}` })).status).toBe(204);
        expect(await ask({ to: `DELETE compute/${tag}` })).toMatchObject({
          status: 404,
          body: novaError(404, /has no tag/),
        });
        expect(((await tags()) as string[]).sort()).toEqual(['a', 'b']);
      },
    },
    {
      fact: 'a body that is said to be a form: 415, even where there is no body',
      given: ({ launch }) => launch(),
      ask: async ({ ask }) => {
        const { body } = await ask({ to: 'GET compute/servers?limit=1' });
        const [server] = body['servers'] as readonly { readonly id: string }[];
        return {
          to: `PUT compute/servers/${server?.id ?? ''}/tags/a`,
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
        };
      },
      status: 415,
      body: novaError(415, 'Unsupported Content-Type'),
    },
    {
      fact: 'one that is up, as a tenant sees it',
      play: async ({ launch, found, prefix, cloud }) => {
        const shown = await launch({ tags: ['a=b', 'c'], metadata: { k: 'v' }, description: 'd' });
        expect(shown).toMatchObject({
          name: prefix,
          status: 'ACTIVE',
          tags: ['a=b', 'c'],
          metadata: { k: 'v' },
          description: 'd',
          tenant_id: cloud.projectOf('tenant'),
          user_id: cloud.userOf('tenant'),
          created: like(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
          updated: like(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
          hostId: like(/^[0-9a-f]{56}$/),
          flavor: { original_name: found.flavor.name, vcpus: found.flavor.vcpus, ram: found.flavor.ram },
          image: { id: found.image },
          addresses: {},
          [taskState]: null,
          'OS-EXT-STS:vm_state': 'active',
          'OS-EXT-STS:power_state': 1,
          'OS-SRV-USG:launched_at': like(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/),
          'OS-SRV-USG:terminated_at': null,
          locked: false,
          key_name: null,
          progress: 0,
        });
        expect(shown).not.toHaveProperty('fault');
      },
    },
    {
      fact: 'its groups are not in a list, and in what is shown of it alone',
      play: async ({ launch, show }) => {
        const listed = await launch();
        expect(listed).not.toHaveProperty('server_groups');
        expect(await show(listed.id)).toMatchObject({ server_groups: [] });
      },
    },
    {
      fact: 'tags can be read by themselves',
      play: async ({ ask, launch }) => {
        const { id } = await launch({ tags: ['a', 'b'] });
        const { body } = await ask({ to: `GET compute/servers/${id}/tags` });
        expect(body).toEqual({ tags: ['a', 'b'] });
      },
    },
    {
      fact: 'tags below 2.52: 400',
      ask: ({ newServer }) => newServer({ version: '2.51', tags: ['a'] }),
      status: 400,
      body: novaError(400, /Additional properties are not allowed \('tags' was unexpected\)/),
    },
    {
      fact: 'a tag of 61 characters: 400',
      ask: ({ newServer }) => newServer({ tags: ['x'.repeat(61)] }),
      status: 400,
      body: novaError(400, /is too long/),
    },
    {
      fact: 'a tag of 60 characters: 202',
      ask: ({ newServer }) => newServer({ tags: ['x'.repeat(60)] }),
      status: 202,
    },
    {
      fact: 'a tag with a comma: 400',
      ask: ({ newServer }) => newServer({ tags: ['a,b'] }),
      status: 400,
    },
    {
      fact: 'a tag with a colon and an equals sign: 202',
      ask: ({ newServer }) => newServer({ tags: ['bulkhead:vnf=ims1'] }),
      status: 202,
    },
    {
      fact: 'an unknown property: 400',
      ask: ({ newServer }) => newServer({ colour: 'red' }),
      status: 400,
      body: novaError(400, /Additional properties are not allowed \('colour' was unexpected\)/),
    },
    {
      fact: 'no networks said, from 2.37 on: 400',
      ask: ({ newServer }) => newServer({ networks: undefined }),
      status: 400,
      body: novaError(400, /'networks' is a required property/),
    },
    {
      fact: 'an empty name: 400',
      ask: ({ newServer }) => newServer({ name: '' }),
      status: 400,
    },
    {
      fact: 'several in one request: placed together, to the letter of the group',
      needs: 'several',
      play: async ({ ask, newServer, group, hosts, found, prefix, until }) => {
        const id = await group();
        const count = (await hosts(found.otherZone)).length;
        const given = { group: id, availability_zone: found.otherZone, min_count: count, max_count: count };
        expect((await ask(newServer(given))).status).toBe(202);
        const shown = await until('all are built', async () => {
          const { body } = await ask({ to: `GET compute/servers/detail?name=^${prefix}` });
          const servers = body['servers'] as readonly Shown[];
          return servers.length === count && servers.every(({ status }) => status !== 'BUILD') ? servers : undefined;
        });
        expect(shown.map(({ status }) => status)).toEqual(shown.map(() => 'ACTIVE'));
        expect(new Set(shown.map(({ hostId }) => hostId)).size).toBe(count);
        expect(shown.map(({ name }) => name).sort()).toEqual(
          Array.from({ length: count }, (_, index) => `${prefix}-${String(index + 1)}`).sort(),
        );
      },
    },
    {
      fact: 'several in one request, one more than fits: all in ERROR',
      needs: 'several',
      play: async ({ ask, newServer, group, hosts, found, prefix, until }) => {
        const id = await group();
        const count = (await hosts(found.otherZone)).length + 1;
        const given = { group: id, availability_zone: found.otherZone, min_count: count, max_count: count };
        expect((await ask(newServer(given))).status).toBe(202);
        await until('all failed', async () => {
          const { body } = await ask({ to: `GET compute/servers/detail?name=^${prefix}` });
          const servers = body['servers'] as readonly Shown[];
          return servers.length === count && servers.every(({ status }) => status === 'ERROR') ? true : undefined;
        });
      },
    },
    {
      fact: 'deleted: 204, and it is gone; again: 404',
      play: async ({ ask, launch, remove }) => {
        const { id } = await launch();
        await remove(id);
        const { status, body } = await ask({ to: `DELETE compute/servers/${id}` });
        expect([status, body]).toEqual([404, novaError(404, `Instance ${id} could not be found.`)]);
      },
    },
    {
      fact: 'deleted while it is built: 204, and it is gone, with its allocation',
      play: async ({ ask, newServer, remove, allocatedOn, until }) => {
        const { body } = await ask(newServer());
        await remove(idIn(body, 'server'));
        await until('no allocation', async () => ((await allocatedOn(idIn(body, 'server'))) === 0 ? true : undefined));
      },
    },
    {
      fact: 'another’s is not there for a tenant',
      play: async ({ ask, launch }) => {
        const { id } = await launch({ as: 'operator' });
        expect((await ask({ to: `GET compute/servers/${id}` })).status).toBe(404);
        expect((await ask({ to: `DELETE compute/servers/${id}` })).status).toBe(404);
      },
    },
    {
      fact: 'stopped and started: 202 each',
      play: async ({ ask, launch, becomes }) => {
        const { id } = await launch();
        const to = `POST compute/servers/${id}/action`;
        expect((await ask({ to, body: { 'os-stop': null } })).status).toBe(202);
        expect(await becomes(id, 'SHUTOFF')).toMatchObject({
          'OS-EXT-STS:vm_state': 'stopped',
          'OS-EXT-STS:power_state': 4,
        });
        expect((await ask({ to, body: { 'os-start': null } })).status).toBe(202);
        await becomes(id, 'ACTIVE');
      },
    },
    {
      fact: 'started while it runs: 409',
      play: async ({ ask, launch }) => {
        const { id } = await launch();
        const { status, body } = await ask({ to: `POST compute/servers/${id}/action`, body: { 'os-start': null } });
        const message = `Cannot 'start' instance ${id} while it is in vm_state active`;
        expect([status, body]).toEqual([409, novaError(409, message)]);
      },
    },
    {
      fact: 'rebooted: 202, and ACTIVE again',
      play: async ({ ask, launch, becomes }) => {
        const { id } = await launch();
        const to = `POST compute/servers/${id}/action`;
        expect((await ask({ to, body: { reboot: { type: 'HARD' } } })).status).toBe(202);
        await becomes(id, 'ACTIVE');
      },
    },
    {
      fact: 'an unknown action: 400',
      play: async ({ ask, launch }) => {
        const { id } = await launch();
        const { status } = await ask({ to: `POST compute/servers/${id}/action`, body: { levitate: null } });
        expect(status).toBe(400);
      },
    },
    {
      fact: 'an action on what is not there: 404',
      ask: () => ({ to: `POST compute/servers/${nowhere}/action`, body: { 'os-start': null } }),
      status: 404,
      body: novaError(404, `Instance ${nowhere} has no mapping to a cell.`),
    },
    {
      fact: 'evacuated by a tenant: 403',
      play: async ({ ask, launch }) => {
        const { id } = await launch();
        const { status, body } = await ask({ to: `POST compute/servers/${id}/action`, body: { evacuate: {} } });
        expect([status, body]).toEqual([
          403,
          novaError(403, "Policy doesn't allow os_compute_api:os-evacuate to be performed."),
        ]);
      },
    },
    {
      fact: 'evacuated from a host that is up: 400',
      play: async ({ ask, launch, show }) => {
        const { id } = await launch();
        const host = String((await show(id, 'operator'))['OS-EXT-SRV-ATTR:host']);
        const to = `POST compute/servers/${id}/action`;
        const { status, body } = await ask({ to, as: 'operator', body: { evacuate: {} } });
        expect([status, body]).toEqual([400, novaError(400, `Compute service of ${host} is still in use.`)]);
        expect((await show(id)).status).toBe('ACTIVE');
      },
    },
  ],
};
