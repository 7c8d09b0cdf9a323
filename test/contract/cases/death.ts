import { like, novaError, type Area } from '../case';
import type { Answer } from '../cloud';
import { hostAttribute, idIn, type Scene, type Shown } from '../scene';
import { noCandidates } from './choosing';

/** A host of the smaller zone that is up and has room, with servers of the operator's on it; and another one beside it. */
interface Stage {
  readonly host: string;
  readonly other: string;
  readonly servers: readonly Shown[];
}

async function stage(scene: Scene, given: readonly object[] = [{}]): Promise<Stage> {
  const [other, ...rest] = await scene.roomyHosts(scene.found.otherZone);
  const host = rest.at(-1);
  if (!host || !other) throw new Error('the zone has not two hosts that are up and have room');
  const servers = await scene.launchAll(given.map((each) => ({ as: 'operator', host: host.host, ...each })));
  expect(servers.map(({ status }) => status)).toEqual(given.map(() => 'ACTIVE'));
  return { host: host.host, other: other.host, servers };
}

/** Dies now. At the end it is back as it was, whatever the case did to it. */
async function kill(scene: Scene, host: string): Promise<void> {
  scene.later(() => revive(scene, host));
  await scene.cloud.host(host).fail();
}

async function revive(scene: Scene, host: string): Promise<void> {
  await scene.cloud.host(host).recover();
  await scene.until('it is not forced down any more', async () => {
    if (!(await scene.serviceOf(host)).forced_down) return true;
    return (await scene.setService(host, { forced_down: false })).status === 200 ? true : undefined;
  });
  await scene.hostIs('up', host);
  await scene.setService(host, { status: 'enabled' });
}

/** For a moment it is said to be off and still where it was. */
const evacuated = (scene: Scene, id: string, from: string): Promise<Shown> =>
  scene.until(`${id} is off elsewhere`, async () => {
    const shown = await scene.show(id, 'operator');
    return shown.status === 'SHUTOFF' && shown[hostAttribute] !== from ? shown : undefined;
  });

const act = ({ ask }: Scene, id: string, body: object, version = '2.96'): Promise<Answer> =>
  ask({ to: `POST compute/servers/${id}/action`, as: 'operator', body, version });

const one = ({ servers: [server] }: Stage): string => server?.id ?? '';

export const death: Area = {
  area: 'hosts that are away',
  cases: [
    {
      fact: 'disabled, with a reason: nothing new comes, what is there runs on; enabled again, the reason is gone',
      play: async (scene) => {
        const staged = await stage(scene);
        const { host } = staged;
        const { setService, show, launch, serviceOf } = scene;
        scene.later(() => setService(host, { status: 'enabled' }));
        const disabled = await setService(host, { status: 'disabled', disabled_reason: 'by the suite' });
        expect([disabled.status, disabled.body['service']]).toMatchObject([
          200,
          { host, status: 'disabled', disabled_reason: 'by the suite', forced_down: false },
        ]);
        expect(await show(one(staged), 'operator')).toMatchObject({ status: 'ACTIVE', host_status: 'MAINTENANCE' });
        expect(await launch({ as: 'operator', host })).toMatchObject({
          status: 'ERROR',
          fault: { code: 500, message: noCandidates },
        });
        expect((await setService(host, { status: 'enabled' })).status).toBe(200);
        expect(await serviceOf(host)).toMatchObject({ status: 'enabled', disabled_reason: null });
      },
    },
    {
      fact: 'a reason without disabling: 400',
      play: async (scene) => {
        const [host] = await scene.hosts();
        const { status } = await scene.setService(host?.host ?? '', { status: 'enabled', disabled_reason: 'x' });
        expect(status).toBe(400);
      },
    },
    {
      fact: 'a service that is not there: 404',
      ask: () => ({
        to: 'PUT compute/os-services/11111111-1111-4111-8111-111111111111',
        as: 'operator',
        body: { status: 'enabled' },
      }),
      status: 404,
    },
    {
      fact: 'a service, by a tenant: 403',
      ask: async ({ hosts }) => ({
        to: `PUT compute/os-services/${(await hosts())[0]?.id ?? ''}`,
        body: { status: 'enabled' },
      }),
      status: 403,
      body: novaError(403, "Policy doesn't allow os_compute_api:os-services:update to be performed."),
    },
    {
      fact: 'dead: ACTIVE to all who ask, and only an operator sees in time that nothing is heard of the host',
      needs: 'hosts',
      play: async (scene) => {
        const staged = await stage(scene);
        await kill(scene, staged.host);
        expect(await scene.hostIs('down', staged.host)).toMatchObject({ status: 'enabled', forced_down: false });
        expect(await scene.show(one(staged), 'operator')).toMatchObject({ status: 'ACTIVE', host_status: 'UNKNOWN' });
      },
    },
    {
      fact: 'forced down and evacuated at 2.96: stopped on the target, with its port and address; both hosts hold its room',
      needs: 'hosts',
      play: async (scene) => {
        const { showPort, setService, becomes, allocatedOn, until } = scene;
        const port = await scene.port({}, 'operator');
        const staged = await stage(scene, [{ networks: [{ port }] }]);
        const { host, other } = staged;
        const id = one(staged);
        const before = await showPort(port);
        await kill(scene, host);
        const forced = await setService(host, { forced_down: true });
        expect([forced.status, forced.body['service']]).toMatchObject([200, { state: 'down', forced_down: true }]);
        expect(await scene.show(id, 'operator')).toMatchObject({ host_status: 'DOWN' });
        const answer = await act(scene, id, { evacuate: { host: other } });
        expect([answer.status, answer.text]).toEqual([200, '']);
        expect(await evacuated(scene, id, host)).toMatchObject({ status: 'SHUTOFF', [hostAttribute]: other });
        expect((await act(scene, id, { 'os-start': null })).status).toBe(202);
        await becomes(id, 'ACTIVE', 'operator');
        const { device_id: device, fixed_ips: addresses, mac_address: mac } = before;
        expect(await showPort(port)).toMatchObject({ device_id: device, fixed_ips: addresses, mac_address: mac });
        expect(await allocatedOn(id)).toBe(2);
        const unforced = await setService(host, { forced_down: false });
        expect([unforced.status, unforced.body]).toEqual([
          400,
          novaError(400, /^Unable to force up host .+ as `done` evacuation migration records remain/),
        ]);
        await revive(scene, host);
        await until('one allocation is left', async () => ((await allocatedOn(id)) === 1 ? true : undefined));
      },
    },
    {
      fact: 'evacuated at 2.94: ACTIVE',
      needs: 'hosts',
      play: async (scene) => {
        const staged = await stage(scene);
        await kill(scene, staged.host);
        await scene.setService(staged.host, { forced_down: true });
        const answer = await act(scene, one(staged), { evacuate: { host: staged.other } }, '2.94');
        expect(answer.status).toBe(200);
        await scene.until('it is there', async () => {
          const shown = await scene.show(one(staged), 'operator');
          return shown[hostAttribute] === staged.other && shown.status === 'ACTIVE' ? true : undefined;
        });
      },
    },
    {
      fact: 'evacuated to a host that is not there: 400 or 404; to the same: 400',
      needs: 'hosts',
      play: async (scene) => {
        const staged = await stage(scene);
        await kill(scene, staged.host);
        await scene.setService(staged.host, { forced_down: true });
        const unknown = await act(scene, one(staged), { evacuate: { host: 'cmp-99' } });
        expect([unknown.status, unknown.body]).toEqual([404, novaError(404, 'Compute host cmp-99 not found.')]);
        const same = await act(scene, one(staged), { evacuate: { host: staged.host } });
        expect([same.status, same.body]).toEqual([400, novaError(400, "The target host can't be the same one.")]);
        expect((await scene.show(one(staged), 'operator')).status).toBe('ACTIVE');
      },
    },
    {
      fact: 'evacuated to where the group forbids it: 200, then ERROR where it was, with its allocation',
      needs: 'hosts',
      play: async (scene) => {
        const group = await scene.group({}, 'operator');
        const staged = await stage(scene, [{ group }]);
        const beside = await scene.launch({ as: 'operator', group, host: staged.other });
        expect(beside.status).toBe('ACTIVE');
        await kill(scene, staged.host);
        await scene.setService(staged.host, { forced_down: true });
        expect((await act(scene, one(staged), { evacuate: { host: staged.other } })).status).toBe(200);
        const failed = await scene.becomes(one(staged), 'ERROR', 'operator');
        expect(failed).toMatchObject({
          [hostAttribute]: staged.host,
          fault: { message: like(/^No valid host was found\./) },
        });
        expect(await scene.allocatedOn(failed.id)).toBe(1);
      },
    },
    {
      fact: 'several evacuated at once, each to a host that is named: all come to it',
      needs: 'hosts',
      play: async (scene) => {
        const staged = await stage(scene, [{}, {}, {}]);
        const targets = (await scene.roomyHosts()).filter(({ host }) => host !== staged.host).slice(0, 3);
        await kill(scene, staged.host);
        await scene.setService(staged.host, { forced_down: true });
        const answers = await scene.askAll(
          staged.servers.map(({ id }, index) => ({
            to: `POST compute/servers/${id}/action`,
            as: 'operator',
            body: { evacuate: { host: targets[index]?.host } },
          })),
        );
        expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
        for (const [index, { id }] of staged.servers.entries()) {
          const shown = await evacuated(scene, id, staged.host);
          expect(shown).toMatchObject({ status: 'SHUTOFF', [hostAttribute]: targets[index]?.host });
        }
      },
    },
    {
      fact: 'a create on a host that has just died: 202, and BUILD until it is back',
      needs: 'hosts',
      play: async (scene) => {
        const { host } = await stage(scene, []);
        await kill(scene, host);
        const { status, body } = await scene.ask(scene.newServer({ as: 'operator', host }));
        expect(status).toBe(202);
        await scene.hostIs('down', host);
        expect(await scene.show(idIn(body, 'server'), 'operator')).toMatchObject({ status: 'BUILD' });
        await revive(scene, host);
        await scene.becomes(idIn(body, 'server'), 'ACTIVE', 'operator');
      },
    },
    {
      fact: 'a reboot of a server on a host that has just died: 202, and it is done when the host is back',
      needs: 'hosts',
      play: async (scene) => {
        const staged = await stage(scene);
        await kill(scene, staged.host);
        expect((await act(scene, one(staged), { reboot: { type: 'HARD' } })).status).toBe(202);
        await scene.hostIs('down', staged.host);
        expect((await scene.show(one(staged), 'operator'))['OS-EXT-STS:task_state']).not.toBeNull();
        await revive(scene, staged.host);
        await scene.becomes(one(staged), 'ACTIVE', 'operator');
      },
    },
    {
      fact: 'a delete on a host that has just died: 204, and it is still there until the host is back',
      needs: 'hosts',
      play: async (scene) => {
        const staged = await stage(scene);
        await kill(scene, staged.host);
        const to = `compute/servers/${one(staged)}`;
        expect((await scene.ask({ to: `DELETE ${to}`, as: 'operator' })).status).toBe(204);
        expect((await scene.ask({ to: `GET ${to}`, as: 'operator' })).status).toBe(200);
        await revive(scene, staged.host);
        await scene.remove(one(staged), 'operator');
      },
    },
    {
      fact: 'a delete on a host that is known to be down: 204, and it is gone at once',
      needs: 'hosts',
      play: async (scene) => {
        const staged = await stage(scene);
        await kill(scene, staged.host);
        await scene.setService(staged.host, { forced_down: true });
        const to = `compute/servers/${one(staged)}`;
        expect((await scene.ask({ to: `DELETE ${to}`, as: 'operator' })).status).toBe(204);
        expect((await scene.ask({ to: `GET ${to}`, as: 'operator' })).status).toBe(404);
        expect(await scene.allocatedOn(one(staged))).toBe(0);
      },
    },
    {
      fact: 'disabling one that is dead and not known to be: stored, and answered when Nova has given up waiting for it',
      needs: 'hosts',
      play: async (scene) => {
        const { host } = await stage(scene, []);
        const disableUnknown = async (): Promise<number | undefined> => {
          await kill(scene, host);
          const { status, seconds } = await scene.setService(host, { status: 'disabled', disabled_reason: 'x' });
          expect(status).toBe(200);
          if (seconds > 20 || (await scene.serviceOf(host)).state === 'up') return seconds;
          // A machine so busy that Nova knew before it was asked.
          await revive(scene, host);
          return undefined;
        };
        expect(await scene.until('the host is dead and not known to be', disableUnknown)).toBeGreaterThan(20);
        expect(await scene.serviceOf(host)).toMatchObject({ status: 'disabled', disabled_reason: 'x' });
      },
    },
  ],
};
