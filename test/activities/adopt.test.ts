import { ApplicationFailure } from '@temporalio/common';
import type { Misfit } from '../../domain/adopt';
import { adoptedToken } from '../../domain/adopt/foreign';
import { portMarks, tag } from '../../domain/names';
import type { Member } from '../../domain/record';
import type { Server } from '../../simulator/model';
import { launched, openLab, recordOf, rowsOf, turn, until, vnf, type Lab } from './lab';

/** Whose a server is that an adopt takes over: what it puts on, what it finds there, and what it takes off again. */

let lab: Lab;
beforeEach(async () => {
  lab = await openLab();
});
afterEach(() => lab.close());

const other = 'ims2';

function serverOf({ serverId }: Member): Server {
  const server = lab.cloud.servers.get(serverId);
  if (!server) throw new Error(`${serverId} is gone`);
  return server;
}

async function active(ordinals: readonly number[]): Promise<readonly Member[]> {
  const members = await launched(lab, rowsOf('web', ordinals));
  await until(() => members.every((each) => serverOf(each).status === 'ACTIVE'), 'all are ACTIVE');
  return members;
}

/** Servers as others make them, and the members that they are to be. */
async function strangers(ordinals: readonly number[]): Promise<readonly Member[]> {
  const members = await active(ordinals);
  for (const member of members) {
    Object.assign(serverOf(member), { tags: ['theirs'] });
    for (const id of member.portIds) Object.assign(lab.cloud.ports.get(id) ?? {}, { description: 'made by hand' });
  }
  return members.map((member) => ({ ...member, token: adoptedToken(vnf) }));
}

/** The same members, as the other VNF takes them over. */
function forOther(members: readonly Member[]): readonly Member[] {
  return members.map((member) => ({ ...member, token: adoptedToken(other) }));
}

const mark = (members: readonly Member[], marked = true, of = vnf): Promise<void> =>
  lab.run('markMembers', { turn, vnf: of, members, marked, timing: lab.timing });

function marks(members: readonly Member[]): unknown {
  return members.map((member) => [
    [...serverOf(member).tags].sort(),
    member.portIds.map((id) => lab.cloud.ports.get(id)?.description),
  ]);
}

test('what is taken over by one is left as it is by the next, who goes back', async () => {
  const members = await strangers([1, 2]);
  await mark(members);
  const taken = marks(members);
  await expect(mark(forOther(members), true, other)).rejects.toMatchObject({
    type: 'InvalidRequest',
    nonRetryable: true,
    message: expect.stringMatching(/ims2 .* another VNF's \(ims1\).*ims1-web-1 \(.*bears bulkhead:vnf=ims1/) as string,
    details: [{ vnf: other, others: [vnf], misfits: [{ kind: 'ofAnotherVnf' }, { kind: 'ofAnotherVnf' }] }],
  });
  await mark(forOther(members), false, other);
  expect(marks(members)).toEqual(taken);
});

test('of two that take over the same servers at a time never do both get through, and who goes back leaves the other whole', async () => {
  const members = await strangers([1, 2, 3]);
  const before = marks(members);
  const ends = await Promise.allSettled([mark(members), mark(forOther(members), true, other)]);
  expect(ends.filter(({ status }) => status === 'fulfilled').length).toBeLessThan(2);
  const [first, second] = ends.map(({ status }) => status === 'fulfilled');
  if (!first) await mark(members, false);
  if (!second) await mark(forOther(members), false, other);
  if (!first && !second) expect(marks(members)).toEqual(before);
  else
    expect(
      new Set(members.flatMap((each) => serverOf(each).tags.filter((one) => one.includes('vnf=')))),
    ).toHaveProperty('size', 1);
});

test('a tag or a mark that comes while it tags is seen before it is done', async () => {
  const members = await strangers([1, 2]);
  const [first, second] = members;
  const port = lab.cloud.ports.get(second?.portIds[0] ?? '');
  if (!first || !port) throw new Error('two were made');
  // A worker of an earlier release does not look whether it is alone: its tag comes between our two looks.
  const put = serverOf(first);
  const marked = mark(members);
  await until(() => put.tags.includes(tag.pool('web')), 'it has looked once');
  put.tags = [...put.tags, tag.vnf(other)];
  await expect(marked).rejects.toMatchObject({
    type: 'InvalidRequest',
    details: [{ others: [other], misfits: [{ id: first.serverId }] }],
  });
  await mark(members, false);
  expect(put.tags.filter((each) => each === tag.vnf(vnf) || each.includes('token'))).toEqual([]);
  put.tags = ['theirs'];
  port.description = portMarks({ vnf: other, token: 'x' });
  await expect(mark(members)).rejects.toMatchObject({
    details: [{ others: [other], misfits: [{ id: second?.serverId }] }],
  });
  expect(port.description).toBe(portMarks({ vnf: other, token: 'x' }));
});

test('taken off, a server is as it was; repeated, nor does it touch what the other has put on since', async () => {
  const members = await strangers([1]);
  const before = marks(members);
  await mark(members);
  await mark(members);
  await mark(members, false);
  expect(marks(members)).toEqual(before);
  await mark(forOther(members), true, other);
  const taken = marks(members);
  await mark(members, false);
  expect(marks(members)).toEqual(taken);
});

const match = { namePattern: `${vnf}-{pool}-{ordinal}` };

test('a member that has lost the tag of its VNF is not taken for a stranger', async () => {
  const members = await active([1, 2, 3]);
  const [lost, bare] = members.map(serverOf);
  if (!lost || !bare) throw new Error('three were launched');
  lost.tags = lost.tags.filter((each) => each !== tag.vnf(vnf));
  bare.tags = [];
  const { descriptor } = recordOf({});
  const survey = lab.run('survey', { turn, vnf: other, descriptor, match });
  const refusal = await survey.catch((error: unknown) => error as ApplicationFailure);
  if (!(refusal instanceof ApplicationFailure)) throw new Error('it was let through');
  const [{ misfits }] = refusal.details as [{ misfits: Misfit[] }];
  const left = misfits.flatMap(({ kind, name }) => (kind === 'ofAnotherVnf' ? [name] : []));
  expect([refusal.type, left.sort()]).toEqual(['InvalidRequest', [1, 2, 3].map((n) => `${vnf}-web-${String(n)}`)]);
});

describe('an audit', () => {
  test('finds a member in ERROR or SHUTOFF, and one that has lost a port, and no other, also of what was taken over', async () => {
    const members = await strangers([1, 2, 3, 4, 5]);
    const [failed, stopped, portless, bare] = members.map(serverOf);
    if (!failed || !stopped || !portless || !bare) throw new Error('five were launched');
    await mark(members);
    const record = recordOf({ web: { level: 5, inService: members } });
    const found = async (): Promise<readonly unknown[]> => {
      const { findings } = await lab.run('compare', { record, inHand: [] });
      const ofState = findings.filter(({ kind }) => kind === 'notActive' || kind === 'noPort');
      return ofState.map(({ kind, id, action }) => [kind, id, action]).sort();
    };
    expect(await found()).toEqual([]);
    Object.assign(failed, { status: 'ERROR', vmState: 'error' });
    Object.assign(stopped, { status: 'SHUTOFF', vmState: 'stopped' });
    lab.cloud.ports.delete(members[2]?.portIds[0] ?? '');
    // The marks of its port are gone, and it is not.
    Object.assign(lab.cloud.ports.get(members[3]?.portIds[0] ?? '') ?? {}, { description: '' });
    const all = [
      ['noPort', portless.id, 'leave'],
      ['notActive', failed.id, 'leave'],
      ['notActive', stopped.id, 'leave'],
    ];
    expect(await found()).toEqual(all);
    lab.cloud.starting.add('neutron');
    await expect(found()).rejects.toThrow();
    lab.cloud.starting.delete('neutron');
    expect(await found()).toEqual(all);
  });

  test('finds a member that bears no tag, or two, and tags again the one that is surely its own', async () => {
    const members = await active([1, 2, 3]);
    const [lost, both, taken] = members.map(serverOf);
    const [untagged] = members;
    if (!lost || !both || !taken || !untagged) throw new Error('three were launched');
    const whole = lost.tags;
    lost.tags = lost.tags.filter((each) => each !== tag.vnf(vnf));
    both.tags = [...both.tags, tag.vnf(other)];
    taken.tags = taken.tags.map((each) => (each === tag.vnf(vnf) ? tag.token(adoptedToken(other)) : each));
    const record = recordOf({ web: { level: 3, inService: members } });
    const found = async (): Promise<readonly unknown[]> => {
      const { findings } = await lab.run('compare', { record, inHand: [] });
      const ofTags = findings.filter(({ kind }) => kind === 'noTag' || kind === 'foreignTag');
      return ofTags.map(({ kind, id, action }) => [kind, id, action]).sort();
    };
    const sorted = (...rows: readonly unknown[][]): unknown[] => [...rows].sort();
    const others = [
      ['foreignTag', both.id, 'leave'],
      ['noTag', taken.id, 'leave'],
    ];
    expect(await found()).toEqual(sorted(['noTag', lost.id, 'tag'], ...others));
    const nothing = { turn, vnf, rules: [], securityGroups: [], serverGroups: [], timing: lab.timing };
    expect(await lab.run('repair', { ...nothing, untagged: [untagged] })).toEqual([]);
    expect([...lost.tags].sort()).toEqual([...whole].sort());
    expect(await found()).toEqual(sorted(...others));
  });

  test('tags nothing again that another VNF has meanwhile, that is gone, or that Nova lets nobody tag', async () => {
    const members = await active([1, 2, 3, 4]);
    const [taken, marked, broken, gone] = members.map(serverOf);
    if (!taken || !marked || !broken || !gone) throw new Error('four were launched');
    taken.tags = [tag.token(adoptedToken(other))];
    marked.tags = [];
    Object.assign(lab.cloud.ports.get(members[1]?.portIds[0] ?? '') ?? {}, {
      description: portMarks({ vnf: other, token: 'x' }),
    });
    Object.assign(broken, { tags: [], status: 'ERROR', vmState: 'error' });
    lab.cloud.servers.delete(gone.id);
    const nothing = { turn, vnf, rules: [], securityGroups: [], serverGroups: [], timing: lab.timing };
    const left = await lab.run('repair', { ...nothing, untagged: members });
    expect(left.map(({ id }) => id)).toEqual(members.map(({ serverId }) => serverId));
    expect([taken.tags, marked.tags, broken.tags]).toEqual([[tag.token(adoptedToken(other))], [], []]);
  });
});
