import { tag } from '../../domain/names';
import { takeAway } from '../../simulator/outages';
import type { Leftover } from '../../domain/stuck';
import type { Sought } from '../../activities/ports';
import { laterTurn, launched, openLab, rowsOf, smallDescriptor, turn, vnf, type Lab } from './lab';

let lab: Lab;
beforeEach(async () => {
  lab = await openLab({ as: 'tenant' });
});
afterEach(() => lab.close());

const web = rowsOf('web', [1, 2]);

function left(sought: Sought, timing = lab.timing): Promise<Leftover[]> {
  return lab.run('findLeft', { vnf, sought, timing });
}

function said(found: readonly Leftover[]): string[] {
  return found.map(({ kind, name }) => `${kind} ${name}`);
}

test('of a token: servers, ports and server groups, by name and id, and nothing of other turns and VNFs', async () => {
  await launched(lab, web);
  await launched(lab, rowsOf('web', [3]), { turn: laterTurn });
  await launched(lab, web, { vnf: 'ims2' });
  for (const ref of [turn, laterTurn])
    await lab.run('createServerGroups', { turn: ref, vnf, groups: [{ pool: 'web', number: 1 }], timing: lab.timing });
  const before = lab.calls.length;
  const found = await left({ tokens: [turn.token] });
  expect(said(found).map((each) => each.replace(/ bulkhead.*/, ''))).toEqual([
    'server ims1-web-1',
    'server ims1-web-2',
    'port ims1-web-1.mgmt',
    'port ims1-web-1.signal',
    'port ims1-web-2.mgmt',
    'port ims1-web-2.signal',
    expect.stringContaining('serverGroup ims1-web-apart-1') as string,
  ]);
  for (const { kind, id } of found)
    expect(
      { server: lab.cloud.servers, port: lab.cloud.ports, serverGroup: lab.cloud.serverGroups }[kind as 'port'].has(id),
    ).toBe(true);
  expect(new Set(lab.calls.slice(before).map(({ method }) => method))).toEqual(new Set(['GET']));
});

test('of members: they and their ports, where those bear the mark of the VNF', async () => {
  const [first] = await launched(lab, web);
  const [other] = await launched(lab, rowsOf('web', [1]), { vnf: 'ims2' });
  if (!first || !other) throw new Error('they were launched');
  expect(said(await left({ members: [first, other] }))).toEqual([
    'server ims1-web-1',
    'port ims1-web-1.mgmt',
    'port ims1-web-1.signal',
  ]);
  await lab.run('remove', { turn, vnf, members: [first], timing: lab.timing });
  expect(await left({ members: [first, other] })).toEqual([]);
});

test('of members that have lost the tag of the VNF: where they bear no other', async () => {
  const [bare, taken] = await launched(lab, web);
  const servers = [bare, taken].map((member) => lab.cloud.servers.get(member?.serverId ?? ''));
  if (!bare || !taken || !servers[0] || !servers[1]) throw new Error('they were launched');
  servers[0].tags = [];
  servers[1].tags = [tag.vnf('ims2')];
  lab.cloud.ports.clear();
  expect(said(await left({ members: [bare, taken] }))).toEqual(['server ims1-web-1']);
});

test('of pools: their security groups, and of groups that are known by id also those', async () => {
  const { groups } = await lab.run('createGroups', { turn, vnf, descriptor: smallDescriptor(), timing: lab.timing });
  expect(said(await left({ pools: ['web'] }))).toEqual(['securityGroup ims1-web']);
  expect(said(await left({ groupIds: groups.map(({ id }) => id) }))).toEqual([
    'securityGroup ims1-web',
    'securityGroup ims1-web-1',
  ]);
});

test('of pools where only that counts which a turn has made: its security groups, and no others', async () => {
  const make = (by: typeof turn): Promise<unknown> =>
    lab.run('createGroups', { turn: by, vnf, descriptor: smallDescriptor(), timing: lab.timing });
  await make(turn);
  const [gone] = [...lab.cloud.securityGroups.values()].filter(({ name }) => name === 'ims1-web-1');
  lab.cloud.securityGroups.delete(gone?.id ?? '');
  await make(laterTurn);
  const madePools = ['web', 'web-1'];
  expect(said(await left({ tokens: [laterTurn.token], madePools }))).toEqual(['securityGroup ims1-web-1']);
  expect(said(await left({ tokens: [turn.token], madePools }))).toEqual(['securityGroup ims1-web']);
  expect(await left({ madePools })).toEqual([]);
});

test('one empty list is no proof: a Neutron that has just come back shows none', async () => {
  await launched(lab, web);
  for (const { id } of lab.cloud.servers.values()) lab.cloud.servers.delete(id);
  takeAway(lab.cloud, 'neutron', 60);
  takeAway(lab.cloud, 'neutron', 0);
  const found = await left({ tokens: [turn.token] }, { ...lab.timing, tickSeconds: 2 });
  expect(found).toHaveLength(4);
});

test('a cloud that does not answer is no empty one', async () => {
  lab.addFault({ kind: 'status', status: 503, match: { method: 'GET', path: '/ports' } });
  await expect(left({ tokens: [turn.token] })).rejects.toMatchObject({ type: 'CloudUnavailable' });
});

test('where nothing is sought nothing is asked', async () => {
  expect(await left({})).toEqual([]);
  expect(lab.calls).toEqual([]);
});
