import type { Activities } from '../../activities/ports';
import type { SecurityRule } from '../../domain/descriptor/descriptor';
import type { Group } from '../../domain/record';
import { portMarks } from '../../domain/names';
import { neutron } from '../../openstack';
import { takeAway } from '../../simulator/outages';
import { built, launched, names, openLab, rowsOf, smallDescriptor, turn, until, vnf, type Lab } from './lab';

let lab: Lab;
beforeEach(async () => {
  lab = await openLab();
});
afterEach(() => lab.close());

const descriptor = smallDescriptor();

async function create(info?: { attempt: number }): Promise<Group[]> {
  return (await lab.run('createGroups', { turn, vnf, descriptor, timing: lab.timing }, info)).groups;
}

/** Rules that somebody asked for: every group has two of Neutron's own for what goes out. */
function ingress(): unknown[] {
  return [...lab.cloud.securityRules.values()]
    .filter((rule) => rule.direction === 'ingress')
    .map(({ groupId, protocol, portMin, portMax, remoteIpPrefix, remoteGroupId }) => ({
      group: lab.cloud.securityGroups.get(groupId)?.name,
      protocol,
      ports: [portMin, portMax],
      from: remoteIpPrefix ?? lab.cloud.securityGroups.get(remoteGroupId ?? '')?.name,
    }));
}

const rules = [
  { group: 'ims1-web', protocol: 'tcp', ports: [80, 80], from: '0.0.0.0/0' },
  { group: 'ims1-web', protocol: 'udp', ports: [100, 200], from: '10.0.0.0/8' },
  { group: 'ims1-web-1', protocol: 'tcp', ports: [5060, 5060], from: 'ims1-web' },
];

const ofIpv6: readonly SecurityRule[] = [
  { protocol: 'icmp', from: 'FD00:0:0::/48' },
  { protocol: 'icmp', from: 'fd00::/48' },
  { protocol: 'tcp', ports: [80, 80], from: 'FD00::0001:0005/48' },
];

describe('createGroups', () => {
  test('a repeat says that there may be more, and what comes later is removed by name, but for what is to be kept', async () => {
    const made = await lab.run('createGroups', { turn, vnf, descriptor, timing: lab.timing }, { attempt: 2 });
    expect(made.doubtful).toBe(true);
    // The create of the first attempt has its effect only now.
    const late = await lab.run('createGroups', { turn, vnf, descriptor, timing: lab.timing });
    expect(late.doubtful).toBe(false);
    const keep = made.groups.map(({ id }) => id);
    const [first] = lab.cloud.securityGroups.values();
    if (first) lab.cloud.securityGroups.set('late', { ...first, id: 'late' });
    const groups = { ids: [], pools: ['web', 'web-1'], keep };
    await lab.run('removeGroups', { turn, vnf, groups, timing: lab.timing });
    expect([...lab.cloud.securityGroups.keys()]).toEqual(expect.arrayContaining(keep));
    expect([...lab.cloud.securityGroups.keys()]).not.toContain('late');
  });

  test('makes one group a pool, with the rules that the descriptor says', async () => {
    const groups = await create();
    expect(groups.map(({ pool, id }) => [pool, lab.cloud.securityGroups.get(id)?.name])).toEqual([
      ['web', 'ims1-web'],
      ['web-1', 'ims1-web-1'],
    ]);
    expect(ingress()).toEqual(rules);
  });

  test('repeated makes nothing more and says the same ids', async () => {
    const first = await create();
    const events = lab.cloud.log.length;
    expect(await create({ attempt: 2 })).toEqual(first);
    expect(lab.cloud.log).toHaveLength(events);
  });

  test('knows its rules again as Neutron keeps them, and makes one that is said in two forms once', async () => {
    const [web] = descriptor.pools;
    if (!web) throw new Error('it has pools');
    const said = { ...descriptor, pools: [{ ...web, securityRules: ofIpv6 }] };
    const input = { turn, vnf, descriptor: said, timing: lab.timing };
    const first = await lab.run('createGroups', input);
    expect(ingress()).toEqual([
      { group: 'ims1-web', protocol: 'ipv6-icmp', ports: [null, null], from: 'fd00::/48' },
      { group: 'ims1-web', protocol: 'tcp', ports: [80, 80], from: 'fd00::1:5/48' },
    ]);
    const events = lab.cloud.log.length;
    expect((await lab.run('createGroups', input, { attempt: 2 })).groups).toEqual(first.groups);
    expect(lab.cloud.log).toHaveLength(events);
  });

  test.each(['/security-groups$', '/security-group-rules$'])('tolerates a lost reply to POST %s', async (path) => {
    lab.addFault({ kind: 'drop', match: { method: 'POST', path }, moment: 'after' });
    await expect(create()).rejects.toMatchObject({ type: 'CloudUnavailable', nonRetryable: false });
    await create({ attempt: 2 });
    expect(names(lab.cloud.securityGroups.values()).filter((name) => name.startsWith('ims1'))).toEqual([
      'ims1-web',
      'ims1-web-1',
    ]);
    expect(ingress()).toEqual(rules);
  });

  test('a create that had its effect late leaves no double behind', async () => {
    lab.addFault({ kind: 'drop', match: { method: 'POST', path: '/security-groups$' }, moment: 'before' });
    await expect(create()).rejects.toMatchObject({ type: 'CloudUnavailable' });
    const [group] = await create();
    const made = lab.cloud.securityGroups.get(group?.id ?? '');
    if (!made) throw new Error('it was made');
    lab.cloud.securityGroups.set('late', { ...made, id: 'late' });
    expect((await create({ attempt: 2 }))[0]).toEqual(group);
    expect(names(lab.cloud.securityGroups.values()).filter((name) => name === 'ims1-web')).toHaveLength(1);
  });

  test('of two VNFs whose groups have the same name each has its own, and removes no other', async () => {
    const of = (id: string, pool: string): Parameters<Activities['createGroups']>[0] => {
      const [first] = descriptor.pools;
      if (!first) throw new Error('it has pools');
      return { turn, vnf: id, descriptor: { ...descriptor, pools: [{ ...first, name: pool }] }, timing: lab.timing };
    };
    const [one] = (await lab.run('createGroups', of('a', 'b-c'))).groups;
    const [other] = (await lab.run('createGroups', of('a-b', 'c'))).groups;
    expect(names(lab.cloud.securityGroups.values()).filter((name) => name === 'a-b-c')).toHaveLength(2);
    expect(other?.id).not.toBe(one?.id);
    await lab.run('removeGroups', { turn, vnf: 'a-b', groups: { ids: [], pools: ['c'] }, timing: lab.timing });
    expect([one, other].map((group) => lab.cloud.securityGroups.has(group?.id ?? ''))).toEqual([true, false]);
  });

  test('a group of the same name that somebody else has made is neither used nor removed', async () => {
    const [first] = await create();
    const ours = lab.cloud.securityGroups.get(first?.id ?? '');
    if (!ours) throw new Error('it was made');
    lab.cloud.securityGroups.clear();
    lab.cloud.securityGroups.set('foreign', { ...ours, id: 'foreign', description: 'mine' });
    expect((await create()).map(({ id }) => id)).not.toContain('foreign');
    await lab.run('removeGroups', { turn, vnf, groups: { ids: [], pools: ['web'] }, timing: lab.timing });
    expect(names(lab.cloud.securityGroups.values()).filter((name) => name === 'ims1-web')).toHaveLength(1);
    expect(lab.cloud.securityGroups.has('foreign')).toBe(true);
  });

  test('members launched with a group have it on their ports', async () => {
    const [group] = await create();
    const [member] = await launched(lab, rowsOf('web', [1]), { groupId: group?.id ?? null });
    expect(member?.portIds.map((id) => lab.cloud.ports.get(id)?.securityGroupIds)).toEqual([[group?.id], [group?.id]]);
  });

  test("a group of the same name is left alone: another VNF's, or somebody's own", async () => {
    // VNF `ims1-web` with a pool `1` has the same names as VNF `ims1` with a pool `web-1`.
    const [pool] = descriptor.pools;
    const other = { ...descriptor, pools: pool ? [{ ...pool, name: '1' }] : [] };
    const made = await lab.run('createGroups', { turn, vnf: 'ims1-web', descriptor: other, timing: lab.timing });
    const theirs = made.groups;
    const ours = await create();
    expect(ours.map(({ id }) => id)).not.toContain(theirs[0]?.id);
    await lab.run('removeGroups', { turn, vnf, groups: { ids: [], pools: ['web', 'web-1'] }, timing: lab.timing });
    expect([...lab.cloud.securityGroups.keys()]).toEqual(expect.arrayContaining(theirs.map(({ id }) => id)));
    expect([...lab.cloud.securityGroups.keys()]).not.toEqual(expect.arrayContaining([ours[1]?.id]));
  });

  test('a quota that does not carry it is said as such', async () => {
    await lab.close();
    lab = await openLab({ quotas: { security_groups: 1 } });
    await expect(create()).rejects.toMatchObject({ type: 'QuotaExceeded', nonRetryable: true });
  });

  test('is refused with TurnLost when the run id differs', async () => {
    await expect(
      lab.run('createGroups', { turn, vnf, descriptor, timing: lab.timing }, { runId: 'made-by-a-reset' }),
    ).rejects.toMatchObject({ type: 'TurnLost' });
    expect(lab.calls).toHaveLength(0);
  });
});

describe('removeGroups', () => {
  type Groups = { ids: readonly string[]; pools: readonly string[]; unborn?: readonly string[] };
  function remove(groups: Groups): Promise<void> {
    return lab.run('removeGroups', { turn, vnf, groups, timing: lab.timing });
  }

  test('removes by id what the record knows, with the rules, and nothing else', async () => {
    const before = lab.cloud.securityRules.size;
    const groups = await create();
    await remove({ ids: groups.map(({ id }) => id), pools: [] });
    expect(names(lab.cloud.securityGroups.values()).filter((name) => name.startsWith('ims1'))).toEqual([]);
    expect(lab.cloud.securityRules.size).toBe(before);
  });

  test('removes by name what no reply has told the id of, of these pools alone', async () => {
    await create();
    await remove({ ids: [], pools: ['web'] });
    expect(names(lab.cloud.securityGroups.values()).filter((name) => name.startsWith('ims1'))).toEqual(['ims1-web-1']);
  });

  test('of a VNF that never came to be all of these pools, and only what it has made where one was there before', async () => {
    await create();
    const groups = { ids: [], pools: ['web', 'web-1'], unborn: ['ffffffff-ffff-4fff-8fff-ffffffffffff'] };
    const port = { networkId: lab.cloud.networks.keys().next().value ?? '', name: 'ims1-web-1.mgmt' };
    await neutron.createPorts(lab.session, [{ ...port, description: portMarks({ vnf, token: turn.token }) }]);
    await remove(groups);
    expect(names(lab.cloud.securityGroups.values()).filter((name) => name.startsWith('ims1'))).toHaveLength(2);
    await remove({ ...groups, unborn: [turn.token] });
    expect(names(lab.cloud.securityGroups.values()).filter((name) => name.startsWith('ims1'))).toEqual([]);
  });

  test('repeated does no harm', async () => {
    const ids = (await create()).map(({ id }) => id);
    await remove({ ids, pools: ['web', 'web-1'] });
    await expect(remove({ ids, pools: ['web', 'web-1'] })).resolves.toBeUndefined();
  });

  test('a Neutron that has just come back shows none: those that are known are asked for', async () => {
    const ids = (await create()).map(({ id }) => id);
    takeAway(lab.cloud, 'neutron', 60);
    takeAway(lab.cloud, 'neutron', 0);
    await until(() => lab.cloud.starting.has('neutron'), 'Neutron is back');
    await expect(remove({ ids, pools: [] })).rejects.toMatchObject({ type: 'CloudUnavailable', nonRetryable: false });
    await until(() => !lab.cloud.starting.has('neutron'), 'Neutron is itself');
    await remove({ ids, pools: [] });
    expect(names(lab.cloud.securityGroups.values()).filter((name) => name.startsWith('ims1'))).toEqual([]);
  });

  test('one that a port still uses is for the next attempt', async () => {
    const [group] = await create();
    const [member] = await launched(lab, rowsOf('web', [1]), { groupId: group?.id ?? null });
    await built(lab);
    const given = { ids: [], pools: ['web', 'web-1'] };
    await expect(remove(given)).rejects.toMatchObject({ type: 'CloudUnavailable', nonRetryable: false });
    await lab.run('remove', { turn, vnf, members: member ? [member] : [], timing: lab.timing });
    await remove(given);
    expect(names(lab.cloud.securityGroups.values()).filter((name) => name.startsWith('ims1'))).toEqual([]);
  });

  test('ports that a late create made, and that no server has, go with the group; those of others hold it', async () => {
    const [group] = await create();
    const [network] = lab.cloud.networks.keys();
    const port = { networkId: network ?? '', securityGroupIds: [group?.id ?? ''] };
    await neutron.createPorts(lab.session, [
      { ...port, name: 'ims1-web-1.mgmt', description: portMarks({ vnf, token: 'of-yesterday' }) },
      { ...port, name: 'theirs', description: portMarks({ vnf: 'ims2', token: 'of-yesterday' }) },
    ]);
    const given = { ids: [], pools: ['web', 'web-1'] };
    await expect(remove(given)).rejects.toMatchObject({ type: 'CloudUnavailable', nonRetryable: false });
    expect(names(lab.cloud.ports.values())).toEqual(['theirs']);
    lab.cloud.ports.clear();
    await remove(given);
    expect(names(lab.cloud.securityGroups.values()).filter((name) => name.startsWith('ims1'))).toEqual([]);
  });
});
