import { like, novaError, nowhere, uuid, type Area, type Case } from '../case';
import type { Asked } from '../cloud';
import type { Scene, Shown } from '../scene';
import { noValidHost } from './choosing';

const create = ({ prefix }: Scene, changes: object, version?: string): Asked => ({
  to: 'POST compute/os-server-groups',
  body: { server_group: { name: prefix, ...changes } },
  ...(version !== undefined && { version }),
});

const refused = (fact: string, changes: object, message: string | RegExp, version?: string): Case => ({
  fact: `${fact}: 400`,
  ask: (scene) => create(scene, changes, version),
  status: 400,
  body: novaError(400, message),
});

/** How many are on each host, the most first. */
function spread(shown: readonly Shown[]): number[] {
  const found = new Map<string, number>();
  for (const { status, hostId } of shown)
    if (status === 'ACTIVE') found.set(hostId ?? '', (found.get(hostId ?? '') ?? 0) + 1);
  return [...found.values()].sort((a, b) => b - a);
}

const lostRace = new RegExp(
  `^No valid host was found\\. There are not enough hosts available\\.$|^Exceeded maximum number of retries\\. Exceeded max scheduling attempts 3 for instance ${uuid}\\. Last exception: .*Anti-affinity instance group policy was violated`,
);

/** It must be lost by somebody: it is what the cases are about. */
const roundsMax = 5;

/** As many as fit exactly, all at once; who failed. The rule holds whatever happens. */
async function round({ found, hosts, group, launchAll, remove }: Scene, most: number): Promise<readonly Shown[]> {
  const count = (await hosts(found.otherZone)).length * most;
  const each = { group: await group({ rules: { max_server_per_host: most } }), availability_zone: found.otherZone };
  const shown = await launchAll(Array.from({ length: count }, () => each));
  const lost = shown.filter(({ status }) => status === 'ERROR');
  expect(spread(shown)[0]).toBeLessThanOrEqual(most);
  expect(spread(shown).reduce((sum, here) => sum + here, 0)).toBe(count - lost.length);
  for (const { id } of shown) await remove(id);
  return lost;
}

const race = (most: number): Case => ({
  fact: `max_server_per_host ${String(most)}: as many at once as fit exactly: some end in ERROR, and the rule holds`,
  play: async (scene) => {
    let lost: readonly Shown[] = [];
    for (let rounds = 0; rounds < roundsMax && lost.length === 0; rounds += 1) lost = await round(scene, most);
    expect(lost.length).toBeGreaterThan(0);
    for (const { fault } of lost) expect(fault).toMatchObject({ code: 500, message: like(lostRace) });
  },
});

/** Server groups, which cannot be changed, and whose rule is looked at twice: by the scheduler and by the compute. */
export const groups: Area = {
  area: 'server groups',
  cases: [
    {
      fact: 'anti-affinity with a number per host: 200',
      ask: (scene) => create(scene, { policy: 'anti-affinity', rules: { max_server_per_host: 2 } }),
      status: 200,
      body: {
        server_group: {
          id: like(new RegExp(`^${uuid}$`)),
          policy: 'anti-affinity',
          rules: { max_server_per_host: 2 },
          members: [],
          project_id: like(/./),
          user_id: like(/./),
        },
      },
    },
    {
      fact: 'without rules: none are shown',
      play: async ({ ask, group }) => {
        const { body } = await ask({ to: `GET compute/os-server-groups/${await group()}` });
        expect((body['server_group'] as Shown)['rules']).toEqual({});
      },
    },
    {
      fact: 'below 2.64, with a list of policies: 200',
      ask: (scene) => create(scene, { policies: ['anti-affinity'] }, '2.63'),
      status: 200,
      body: { server_group: { policies: ['anti-affinity'], metadata: {}, members: [] } },
    },
    refused('policy and rules below 2.64', { policy: 'anti-affinity', rules: { max_server_per_host: 2 } }, /./, '2.63'),
    refused('policies from 2.64 on', { policies: ['anti-affinity'] }, /./),
    refused(
      'rules with soft anti-affinity',
      { policy: 'soft-anti-affinity', rules: { max_server_per_host: 2 } },
      'Only anti-affinity policy supports rules.',
    ),
    refused('an unknown policy', { policy: 'scatter' }, /'scatter' is not one of/),
    refused(
      'none per host',
      { policy: 'anti-affinity', rules: { max_server_per_host: 0 } },
      /Invalid input for field\/attribute max_server_per_host\. Value: 0\./,
    ),
    {
      fact: 'of the same name: 200, and two',
      play: async ({ group, ask, prefix }) => {
        const ids = [await group(), await group()];
        const { body } = await ask({ to: 'GET compute/os-server-groups' });
        const named = (body['server_groups'] as readonly Shown[]).filter(({ name }) => name === prefix);
        expect(named.map(({ id }) => id).sort()).toEqual([...ids].sort());
      },
    },
    {
      fact: 'cannot be changed',
      play: async ({ ask, group }) => {
        const to = `PUT compute/os-server-groups/${await group()}`;
        const { status } = await ask({ to, body: { server_group: { rules: { max_server_per_host: 3 } } } });
        expect(status).toBe(404);
      },
    },
    {
      fact: 'deleted: 204, and again: 404',
      play: async ({ ask, group }) => {
        const to = `DELETE compute/os-server-groups/${await group()}`;
        expect((await ask({ to })).status).toBe(204);
        expect((await ask({ to })).status).toBe(404);
      },
    },
    {
      fact: 'not there: 404',
      ask: () => ({ to: `GET compute/os-server-groups/${nowhere}` }),
      status: 404,
      body: novaError(404, `Instance group ${nowhere} could not be found.`),
    },
    {
      fact: 'another’s is not there for a tenant',
      play: async ({ ask, group }) => {
        const to = `compute/os-server-groups/${await group({}, 'operator')}`;
        expect((await ask({ to: `GET ${to}` })).status).toBe(404);
        expect((await ask({ to: `DELETE ${to}` })).status).toBe(404);
      },
    },
    {
      fact: 'a server is a member at once, and none once it is gone; the group may go before it',
      play: async ({ ask, newServer, group, members, settled, remove, show }) => {
        const id = await group();
        const answers = [await ask(newServer({ group: id })), await ask(newServer({ group: id }))];
        const [first, second] = answers.map(({ body }) => (body['server'] as Shown).id);
        expect([...(await members(id))].sort()).toEqual([first, second].sort());
        await settled(answers);
        await remove(first ?? '');
        expect(await members(id)).toEqual([second]);
        expect((await show(second ?? ''))['server_groups']).toEqual([id]);
        expect((await ask({ to: `DELETE compute/os-server-groups/${id}` })).status).toBe(204);
        expect((await show(second ?? '')).status).toBe('ACTIVE');
      },
    },
    {
      fact: 'one after another, as many as fit: all ACTIVE, to the letter',
      play: async ({ found, hosts, group, launch }) => {
        const id = await group();
        const shown: Shown[] = [];
        for (const _ of await hosts(found.otherZone))
          shown.push(await launch({ group: id, availability_zone: found.otherZone }));
        expect(spread(shown)).toEqual(shown.map(() => 1));
      },
    },
    {
      // They overlap all the same: on a busy cloud one may lose to another, as those at once do.
      fact: 'one POST after another, without waiting for the builds: ACTIVE, but for who loses a race; the rule holds',
      play: async ({ found, hosts, group, ask, newServer, settled }) => {
        const id = await group({ rules: { max_server_per_host: 2 } });
        const answers = [];
        for (let left = (await hosts(found.otherZone)).length * 2; left > 0; left -= 1)
          answers.push(await ask(newServer({ group: id, availability_zone: found.otherZone })));
        const shown = await settled(answers);
        const lost = shown.filter(({ status }) => status !== 'ACTIVE');
        for (const { fault } of lost) expect(fault).toMatchObject({ code: 500, message: like(lostRace) });
        expect(lost.length).toBeLessThan(shown.length / 2);
        expect(spread(shown)[0]).toBeLessThanOrEqual(2);
      },
    },
    {
      fact: 'one more than fits: 202, then ERROR; it holds no room, and is still a member',
      play: async ({ found, hosts, group, launch, members, allocatedOn }) => {
        const id = await group();
        const count = (await hosts(found.otherZone)).length;
        const shown: Shown[] = [];
        for (let made = 0; made <= count; made += 1)
          shown.push(await launch({ group: id, availability_zone: found.otherZone }));
        const last = shown.at(-1);
        expect(last).toMatchObject({ status: 'ERROR', hostId: '', fault: { code: 500, message: noValidHost } });
        expect(await members(id)).toContain(last?.id);
        expect(await allocatedOn(last?.id ?? '')).toBe(0);
      },
    },
    {
      fact: 'one in ERROR on its host keeps the place of its group there, and leaves it when it is gone',
      play: async ({ ask, found, hosts, group, launch, show, remove }) => {
        const each = { group: await group(), availability_zone: found.otherZone };
        const shown: Shown[] = [];
        for (const _ of await hosts(found.otherZone)) shown.push(await launch(each));
        const [dead] = shown;
        const body = { 'os-resetState': { state: 'error' } };
        await ask({ to: `POST compute/servers/${dead?.id ?? ''}/action`, as: 'operator', body });
        expect((await show(dead?.id ?? '')).status).toBe('ERROR');
        const late = await launch(each);
        expect(late).toMatchObject({ status: 'ERROR', hostId: '', fault: { code: 500, message: noValidHost } });
        for (const id of [late.id, dead?.id ?? '']) await remove(id);
        expect(await launch(each)).toMatchObject({ status: 'ACTIVE', hostId: dead?.hostId });
      },
    },
    race(1),
    race(2),
    {
      fact: 'soft anti-affinity, one after another: spread',
      play: async ({ group, launch, found }) => {
        const id = await group({ policy: 'soft-anti-affinity' });
        const shown = [];
        for (let made = 0; made < 3; made += 1)
          shown.push(await launch({ group: id, availability_zone: found.otherZone }));
        expect(spread(shown)).toEqual([1, 1, 1]);
      },
    },
    {
      fact: 'soft anti-affinity, at once: all ACTIVE, and piled up',
      play: async ({ group, launchAll, found, hosts }) => {
        const id = await group({ policy: 'soft-anti-affinity' });
        const count = (await hosts(found.otherZone)).length;
        const each = { group: id, availability_zone: found.otherZone };
        const shown = await launchAll(Array.from({ length: count }, () => each));
        expect(shown.map(({ status }) => status)).toEqual(shown.map(() => 'ACTIVE'));
        expect(spread(shown)[0]).toBeGreaterThan(1);
      },
    },
  ],
};
