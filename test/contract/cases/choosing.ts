import { createHash } from 'node:crypto';
import { novaError, nowhere, type Area, type Case } from '../case';
import { hostAttribute, type NewServer, type Scene, type Shown } from '../scene';

/** Where the filters leave none of those that Placement offers. */
export const noValidHost = 'No valid host was found. There are not enough hosts available.';
/** Where Placement offers none: no room, another zone, a host that is disabled; or where it is away. */
export const noCandidates = 'No valid host was found. ';

const refused = (fact: string, given: (scene: Scene) => NewServer | Promise<NewServer>, answer: unknown): Case => {
  const { status } = answer as { readonly status: number };
  const { body } = answer as { readonly body?: unknown };
  return {
    fact: `${fact}: ${String(status)}`,
    ask: async (scene) => scene.newServer(await given(scene)),
    status,
    ...(body !== undefined && { body }),
  };
};

const forbidden = (rule: string): object => ({
  status: 403,
  body: novaError(403, `Policy doesn't allow ${rule} to be performed.`),
});
const bad = (message: string | RegExp): object => ({ status: 400, body: novaError(400, message) });

async function hostIn(scene: Scene, zone: string): Promise<string> {
  const [host] = await scene.roomyHosts(zone);
  if (!host) throw new Error(`no host of ${zone} is up and has room`);
  return host.host;
}

const ends = (
  fact: string,
  given: (scene: Scene) => Promise<NewServer>,
  check: (shown: Shown, scene: Scene) => Promise<void> | void,
): Case => ({
  fact,
  play: async (scene) => {
    await check(await scene.launch({ as: 'operator', ...(await given(scene)) }), scene);
  },
});

const nowhereAtAll = {
  status: 'ERROR',
  hostId: '',
  [hostAttribute]: null,
  fault: { code: 500, message: noCandidates },
};

/** Which host a server comes to: what may be asked for, by whom, and what is answered where it cannot be had. */
export const choosing: Area = {
  area: 'choosing a host',
  cases: [
    refused(
      'host, by a tenant',
      async (scene) => ({ host: await hostIn(scene, scene.found.zone) }),
      forbidden('compute:servers:create:requested_destination'),
    ),
    refused(
      'hypervisor_hostname, by a tenant',
      async (scene) => ({ hypervisor_hostname: await hostIn(scene, scene.found.zone) }),
      forbidden('compute:servers:create:requested_destination'),
    ),
    refused(
      'zone:host, by a tenant',
      async (scene) => ({ availability_zone: `${scene.found.zone}:${await hostIn(scene, scene.found.zone)}` }),
      forbidden('os_compute_api:servers:create:forced_host'),
    ),
    refused(
      'an unknown host',
      () => ({ as: 'operator', host: 'cmp-99' }),
      bad('Compute host cmp-99 could not be found.'),
    ),
    refused(
      'an unknown hypervisor',
      () => ({ as: 'operator', hypervisor_hostname: 'cmp-99' }),
      bad('Compute host cmp-99 could not be found.'),
    ),
    refused(
      'an unknown zone',
      () => ({ availability_zone: 'nowhere' }),
      bad('The requested availability zone is not available'),
    ),
    refused(
      'a host below 2.74',
      async (scene) => ({ as: 'operator', version: '2.73', host: await hostIn(scene, scene.found.zone) }),
      bad(/Additional properties are not allowed \('host' was unexpected\)/),
    ),
    refused(
      'a group that is not there',
      () => ({ group: nowhere }),
      bad(`Instance group ${nowhere} could not be found.`),
    ),
    refused('a group whose id is none', () => ({ group: 'nowhere' }), bad(/nowhere/)),
    refused('an unknown flavor', () => ({ flavorRef: nowhere }), bad(`Flavor ${nowhere} could not be found.`)),
    refused('an unknown image', () => ({ imageRef: nowhere }), bad('Can not find requested image')),
    refused('another’s group', async (scene) => ({ group: await scene.group({}, 'guest') }), { status: 400 }),

    ends(
      'the named host',
      async (scene) => ({ host: await hostIn(scene, scene.found.zone) }),
      async (shown, scene) => {
        const host = shown[hostAttribute];
        expect(shown).toMatchObject({
          status: 'ACTIVE',
          host_status: 'UP',
          'OS-EXT-AZ:availability_zone': scene.found.zone,
        });
        expect((await scene.hosts(scene.found.zone)).map((each) => each.host)).toContain(host);
        const hash = createHash('sha224')
          .update(`${scene.cloud.projectOf('operator')}${String(host)}`)
          .digest('hex');
        expect(shown.hostId).toBe(hash);
      },
    ),
    {
      fact: 'host and hypervisor_hostname come to the same',
      play: async (scene) => {
        const [first, second] = await scene.roomyHosts(scene.found.zone);
        const byHost = await scene.launch({ as: 'operator', host: first?.host });
        const byHypervisor = await scene.launch({ as: 'operator', hypervisor_hostname: second?.host });
        expect([byHost[hostAttribute], byHypervisor[hostAttribute]]).toEqual([first?.host, second?.host]);
      },
    },
    ends(
      'in the zone',
      (scene) => Promise.resolve({ availability_zone: scene.found.otherZone }),
      async (shown, { hosts, found }) => {
        expect(shown.status).toBe('ACTIVE');
        expect((await hosts(found.otherZone)).map(({ host }) => host)).toContain(shown[hostAttribute]);
      },
    ),
    ends(
      'a host outside the zone asked for: 202, then ERROR',
      async (scene) => ({
        host: await hostIn(scene, scene.found.zone),
        availability_zone: scene.found.otherZone,
      }),
      async (shown, { allocatedOn }) => {
        expect(shown).toMatchObject(nowhereAtAll);
        expect(shown.fault?.details).toBeDefined();
        expect(await allocatedOn(shown.id)).toBe(0);
      },
    ),
    ends(
      'zone and an unknown host: 202, then ERROR',
      ({ found }) => Promise.resolve({ availability_zone: `${found.zone}:cmp-99` }),
      (shown) => {
        const message = 'No valid host was found. No such host - host: cmp-99 node: None ';
        expect(shown).toMatchObject({ status: 'ERROR', hostId: '', fault: { code: 500, message } });
      },
    ),
    {
      fact: 'zone:host of another zone: ACTIVE on the host, and the zone is ignored',
      play: async (scene) => {
        const host = await hostIn(scene, scene.found.zone);
        const availabilityZone = `${scene.found.otherZone}:${host}`;
        const shown = await scene.launch({ as: 'operator', availability_zone: availabilityZone });
        expect(shown).toMatchObject({
          status: 'ACTIVE',
          [hostAttribute]: host,
          'OS-EXT-AZ:availability_zone': scene.found.zone,
        });
      },
    },
    {
      fact: 'a tenant sees a hash of the host, equal for equal hosts, and nothing else of it',
      play: async (scene) => {
        const { launch } = scene;
        const first = await launch();
        const second = await launch({ hints: { same_host: first.id } });
        expect(second).toMatchObject({ status: 'ACTIVE', hostId: first.hostId });
        for (const hidden of [hostAttribute, 'host_status', 'OS-EXT-SRV-ATTR:hypervisor_hostname'])
          expect(first).not.toHaveProperty([hidden]);
        const host = (await scene.show(first.id, 'operator'))[hostAttribute];
        const hash = createHash('sha224')
          .update(`${scene.cloud.projectOf('tenant')}${String(host)}`)
          .digest('hex');
        expect(first.hostId).toBe(hash);
      },
    },
    {
      fact: 'a tenant’s different_host is honoured, where the cloud has the filter',
      play: async ({ launch }) => {
        const first = await launch();
        const second = await launch({ hints: { different_host: [first.id] } });
        expect(second.status).toBe('ACTIVE');
        expect(second.hostId).not.toBe(first.hostId);
      },
    },
    {
      fact: 'a tenant does not see why no host was valid',
      play: async (scene) => {
        const host = await scene.launch();
        const shown = await scene.launch({ hints: { same_host: host.id, different_host: [host.id] } });
        expect(shown).toMatchObject({ status: 'ERROR', hostId: '', fault: { code: 500, message: noValidHost } });
        expect(shown.fault).not.toHaveProperty('details');
      },
    },
  ],
};
