import { like, neutronError, type Area, type Story } from '../case';
import type { Answer, Part } from '../cloud';
import { idIn, taskState, type Scene } from '../scene';

/** Short enough for others that use the cloud, long enough for what is asked meanwhile. */
const awaySeconds = 8;

/** One create while a part is away, with a port of its own where the case says so; the part is back at the end. */
async function without(scene: Scene, part: Part, networks?: (scene: Scene) => Promise<unknown>): Promise<Answer> {
  const wanted = await networks?.(scene);
  await scene.cloud.service(part).away(awaySeconds);
  scene.later(() => answersAgain(scene, part));
  return await scene.ask(scene.newServer(wanted === undefined ? {} : { networks: wanted }));
}

const aPort = async ({ port }: Scene): Promise<unknown> => [{ port: await port() }];

/** It is back, and what depends on it has found it again. */
async function answersAgain(scene: Scene, part: Part): Promise<void> {
  await scene.cloud.service(part).back();
  const reads = [
    'GET compute/servers/detail',
    'GET network/networks',
    'GET placement/resource_providers',
    'GET image/images',
  ];
  await scene.until(`the cloud answers again after ${part}`, async () => {
    const answers = await scene.askAll(reads.map((to) => ({ to, as: 'operator' })));
    return answers.every(({ status }) => status === 200) && isItself(answers[1]) ? true : undefined;
  });
}

/** A Neutron that is being started has empty lists for everybody. */
function isItself(networks: Answer | undefined): boolean {
  return ((networks?.body['networks'] ?? []) as readonly unknown[]).length > 0;
}

/** Asked for together, so that some come while it finds out who may do what. */
const asksAtOnce = 4;

async function neverSaidToBeGone(scene: Scene): Promise<void> {
  const port = await scene.port();
  const neutron = scene.cloud.service('neutron');
  await neutron.away(1);
  scene.later(() => answersAgain(scene, 'neutron'));
  await neutron.back();
  await scene.until('Neutron is itself again', async () => {
    const byId = Array.from({ length: asksAtOnce }, () => ({ to: `GET network/ports/${port}` }));
    const [networks, ...answers] = await scene.askAll([{ to: 'GET network/networks' }, ...byId]);
    for (const { body } of answers) expect(body).not.toMatchObject(neutronError('PortNotFound') as object);
    return isItself(networks) && answers.every(({ status }) => status === 200) ? true : undefined;
  });
}

/** While services find the bus again, what is sent to them may be lost: such a create is in BUILD for good, and another is tried. */
async function buildsAgain(scene: Scene): Promise<void> {
  const buildSeconds = 30;
  await scene.until(
    'what is created is built again',
    async () => {
      const id = idIn((await scene.ask(scene.newServer())).body, 'server');
      const status = await scene
        .until(
          `${id} is built`,
          async () => {
            const shown = await scene.show(id);
            return shown.status === 'BUILD' ? undefined : shown.status;
          },
          buildSeconds,
        )
        .catch(() => 'BUILD');
      if (status !== 'ACTIVE') await scene.remove(id);
      return status === 'ACTIVE' ? true : undefined;
    },
    6 * buildSeconds,
  );
}

async function nothingIsLeft({ ask, prefix }: Scene): Promise<void> {
  const { body } = await ask({ to: `GET compute/servers?name=^${prefix}` });
  expect(body['servers']).toEqual([]);
  const ports = await ask({ to: `GET network/ports?name=${prefix}` });
  for (const port of ports.body['ports'] as readonly object[]) expect(port).toMatchObject({ device_id: '' });
}

/** Accepted all the same, and ACTIVE in the end. */
const accepted = (part: Part): Story => ({
  fact: `${part}: a create is accepted, and ACTIVE once it is back`,
  needs: 'services',
  play: async (scene) => {
    const answer = await without(scene, part);
    expect(answer.status).toBe(202);
    await scene.cloud.service(part).back();
    const [shown] = await scene.settled([answer]);
    expect(shown?.status).toBe('ACTIVE');
  },
});

/** What a client sees while a part of the cloud is away for some seconds. */
export const away: Area = {
  area: 'a service is away',
  cases: [
    {
      fact: 'neutron: being started it may show nothing to anybody, and calls nothing gone that is there',
      needs: 'services',
      play: neverSaidToBeGone,
    },
    {
      fact: 'placement: 202, then ERROR in nearly the words of a true lack of room',
      needs: 'services',
      play: async (scene) => {
        const answer = await without(scene, 'placement');
        expect(answer.status).toBe(202);
        const reads = await scene.ask({ to: 'GET placement/resource_providers', as: 'operator' });
        expect(reads.status).toBe(0);
        const [shown] = await scene.settled([answer]);
        expect(shown).toMatchObject({
          status: 'ERROR',
          fault: { code: 500, message: like(/^No valid host was found\. ?$/) },
        });
      },
    },
    {
      fact: 'neutron: a create with a port is a 500 that names the failure; nothing is left of it',
      needs: 'services',
      play: async (scene) => {
        const { status, body } = await without(scene, 'neutron', aPort);
        expect([status, body]).toEqual([
          500,
          { computeFault: { code: 500, message: like(/keystoneauth1.*ConnectFailure/s) } },
        ]);
        expect((await scene.ask({ to: 'GET network/ports' })).status).toBe(0);
        await answersAgain(scene, 'neutron');
        await nothingIsLeft(scene);
      },
    },
    {
      fact: 'glance: a create is a 500 that names the failure; nothing is left of it',
      needs: 'services',
      play: async (scene) => {
        const { status, body } = await without(scene, 'glance', aPort);
        expect([status, body]).toEqual([500, { computeFault: { code: 500, message: like(/GlanceConnectionFailed/) } }]);
        await answersAgain(scene, 'glance');
        await nothingIsLeft(scene);
      },
    },
    accepted('nova-scheduler'),
    {
      fact: 'nova-conductor: a create is accepted, and decided once it is back',
      needs: 'services',
      play: async (scene) => {
        const answer = await without(scene, 'nova-conductor');
        expect(answer.status).toBe(202);
        await scene.cloud.service('nova-conductor').back();
        // What it had begun when it was stopped may end in ERROR.
        const [shown] = await scene.settled([answer]);
        expect(['ACTIVE', 'ERROR']).toContain(shown?.status);
      },
    },
    {
      fact: 'keystone: a token that is in the cache is good, another is a 503, and nobody logs in; what was accepted may end in ERROR',
      needs: 'services',
      play: async (scene) => {
        // Known to the service, as that of whoever has been at work is.
        await scene.ask({ to: 'GET compute/servers' });
        const answer = await without(scene, 'keystone');
        expect([202, 503]).toContain(answer.status);
        expect((await scene.ask({ to: 'POST identity/auth/tokens', as: 'nobody', body: {} })).status).toBe(0);
        await answersAgain(scene, 'keystone');
        if (answer.status === 503) {
          expect(answer.text).toMatch(/The Keystone service is temporarily unavailable\./);
          await nothingIsLeft(scene);
          return;
        }
        // What makes it may need a token of its own, and get none.
        const [shown] = await scene.settled([answer]);
        expect(['ACTIVE', 'ERROR']).toContain(shown?.status);
      },
    },
    accepted('memcached'),
    {
      fact: 'nova-api: no answer',
      needs: 'services',
      play: async (scene) => {
        expect((await without(scene, 'nova-api')).status).toBe(0);
        await answersAgain(scene, 'nova-api');
        await nothingIsLeft(scene);
      },
    },
    {
      fact: 'mariadb: 5xx, whose body may be no JSON; nothing is left',
      needs: 'services',
      play: async (scene) => {
        const answer = await without(scene, 'mariadb');
        expect([500, 503]).toContain(answer.status);
        await answersAgain(scene, 'mariadb');
        await nothingIsLeft(scene);
      },
    },
    {
      fact: 'rabbitmq: a create is accepted late, and is ACTIVE, in BUILD for good, or in ERROR; it can be deleted',
      needs: 'services',
      play: async (scene) => {
        const answer = await without(scene, 'rabbitmq');
        expect(answer.status).toBe(202);
        expect(answer.seconds).toBeGreaterThan(2);
        await answersAgain(scene, 'rabbitmq');
        // Others, which came later, are long ACTIVE.
        await buildsAgain(scene);
        const id = idIn(answer.body, 'server');
        // It depends on whether the API had found out when it sent it, and on whether the scheduler's answer found the way back.
        const { status, [taskState]: task, fault } = await scene.show(id);
        if (status === 'ERROR') {
          expect(fault).toMatchObject({ code: 500, message: like(/^Timed out waiting for a reply to message ID /) });
        } else {
          expect([
            ['BUILD', 'scheduling'],
            ['ACTIVE', null],
          ]).toContainEqual([status, task]);
        }
        await scene.remove(id);
      },
    },
  ],
};
