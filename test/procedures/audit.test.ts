import { ScheduleNotFoundError, type ScheduleHandle } from '@temporalio/client';
import { adoptedToken } from '../../domain/adopt/foreign';
import { groupMarks, portMarks, serverGroupName, tag } from '../../domain/names';
import type { AdoptResult, AuditResult } from '../../domain/procedures';
import { scheduleAudits, scheduleOrphans } from '../../activities/record/audits';
import type { Cloud, Server } from '../../simulator/model';
import { endOf, settleWithinSeconds, small, until, type Ended } from '../real/world';
import { settledView } from '../../scripts/lib/settled';
import { instantiated } from './four';
import { openStage, type Stage, type Trial } from './stage';
import type { Script, Strike } from './strikes';

/** What differs between cloud and record is found and mended; and of a cloud alone a record is made. On one stage: both are quick. */

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
}, 60_000);
afterAll(async () => {
  await stage.stop();
}, 60_000);

const gone = '99999999-9999-4999-8999-999999999999';

function memberNamed({ cloud, vnf }: Trial, ordinal: number): Server {
  const found = [...cloud.servers.values()].find(
    ({ tags }) => tags.includes(tag.vnf(vnf)) && tags.includes(tag.ordinal(ordinal)),
  );
  if (!found) throw new Error(`there is no ${vnf}-web-${String(ordinal)}`);
  return found;
}

/** Into the cloud as if somebody had left it there: the checker has not seen it come. */
function plantServer(trial: Trial, id: string, tags: readonly string[]): void {
  const like = memberNamed(trial, 1);
  trial.cloud.servers.set(id, { ...like, id, name: id, tags, portIds: [], ownPortIds: [] });
}

function plantPort({ cloud }: Trial, id: string, changes: { description?: string; deviceId?: string }): void {
  const [like] = cloud.ports.values();
  if (like)
    cloud.ports.set(id, { ...like, id, name: id, description: '', deviceId: '', securityGroupIds: [], ...changes });
}

/** One leftover of each kind that a repair deletes, and beside each something like it that is not ours. */
function plantLeftovers(trial: Trial): void {
  const { vnf, cloud } = trial;
  const of = (ordinal: number): string[] => [tag.vnf(vnf), tag.pool('web'), tag.ordinal(ordinal), tag.token(gone)];
  plantServer(trial, 'an-orphan', of(9));
  plantServer(trial, 'a-double', of(1));
  plantServer(trial, 'half-tagged', [tag.vnf(vnf)]);
  plantServer(trial, 'of-another-vnf', [tag.vnf('other1'), tag.pool('web'), tag.ordinal(9), tag.token(gone)]);
  plantServer(trial, 'a-stranger', []);
  plantPort(trial, 'port-left', { description: portMarks({ vnf, token: gone }) });
  plantPort(trial, 'port-of-the-orphan', { description: portMarks({ vnf, token: gone }), deviceId: 'an-orphan' });
  plantPort(trial, 'port-of-a-stranger', { description: '' });
  const [group] = cloud.securityGroups.values();
  const [rule] = cloud.securityRules.values();
  if (!group || !rule) throw new Error('it has a security group');
  const marks = groupMarks({ vnf, pool: 'web', token: gone });
  cloud.securityGroups.set('group-left', { ...group, id: 'group-left', description: marks });
  cloud.securityGroups.set('group-in-use', { ...group, id: 'group-in-use', description: marks });
  cloud.securityGroups.set('group-of-a-stranger', { ...group, id: 'group-of-a-stranger', description: '' });
  plantPort(trial, 'its-user', {});
  Object.assign(cloud.ports.get('its-user') ?? {}, { securityGroupIds: ['group-in-use'] });
  const ssh = { direction: 'ingress', protocol: 'tcp', portMin: 22, portMax: 22, remoteIpPrefix: '0.0.0.0/0' } as const;
  cloud.securityRules.set('rule-left', { ...rule, ...ssh, id: 'rule-left', groupId: group.id });
  const name = serverGroupName({ vnf, pool: 'web', number: 3, token: gone });
  const apart = {
    projectId: group.projectId,
    userId: '',
    policy: 'anti-affinity',
    maxPerHost: 1,
    rules: {},
    members: new Set<string>(),
  };
  cloud.serverGroups.set('apart-left', { ...apart, id: 'apart-left', name });
  cloud.serverGroups.set('apart-of-a-stranger', { ...apart, id: 'apart-of-a-stranger', name: 'theirs' });
}

const toDelete = ['a-double', 'an-orphan', 'apart-left', 'group-left', 'port-left', 'port-of-the-orphan', 'rule-left'];
const toStay = [
  'a-stranger',
  'apart-of-a-stranger',
  'group-in-use',
  'group-of-a-stranger',
  'half-tagged',
  'its-user',
  'of-another-vnf',
  'port-of-a-stranger',
];

function planted({ servers, ports, securityGroups, securityRules, serverGroups }: Cloud): string[] {
  const ids = [servers, ports, securityGroups, securityRules, serverGroups].flatMap((each) => [...each.keys()]);
  return ids.filter((id) => toDelete.includes(id) || toStay.includes(id)).sort();
}

function audited(ended: Ended): AuditResult {
  if (ended.outcome !== 'completed') throw new Error(`it ended ${ended.outcome}: ${ended.message ?? ''}`);
  return ended.result as AuditResult;
}

/** Has the schedule do now what it does, and waits for it. */
async function endOfScheduled(schedule: ScheduleHandle): Promise<Ended> {
  await schedule.trigger();
  let workflowId = '';
  await until('the schedule has run', 20, async () => {
    const { info } = await schedule.describe();
    const action = info.recentActions.at(-1)?.action;
    workflowId = action?.type === 'startWorkflow' ? action.workflow.workflowId : '';
    return workflowId !== '';
  });
  return await endOf(stage.client.workflow.getHandle(workflowId));
}

describe('audit', () => {
  test('finds each kind and touches nothing; with repair it mends what is surely ours, and heal does the rest', async () => {
    const trial = await stage.open('a1');
    const { vnf, cloud } = trial;
    await instantiated(trial);
    expect(audited(await trial.run('audit', { vnf }))).toMatchObject({
      findings: [],
      steady: true,
      atWork: [],
      repair: false,
    });
    plantLeftovers(trial);
    const [, , dead] = [1, 2, 3].map((ordinal) => memberNamed(trial, ordinal));
    const moved = memberNamed(trial, 2);
    const host = moved.host;
    Object.assign(moved, { host: `${vnf}-dmz-01` });
    await trial.observer.note({ kind: 'harmed', vnf, serverId: dead?.id ?? '' });
    cloud.servers.delete(dead?.id ?? '');
    const before = cloud.log.length;
    const dry = audited(await trial.run('audit', { vnf, repair: true, dryRun: true }));
    Object.assign(moved, { host });
    expect(dry.findings.map(({ kind, id, action }) => [kind, id, action]).sort()).toEqual(
      [
        ['double', 'a-double', 'delete'],
        ['leftoverPort', 'port-left', 'delete'],
        ['leftoverPort', 'port-of-the-orphan', 'delete'],
        ['leftoverRule', 'rule-left', 'delete'],
        ['leftoverSecurityGroup', 'group-in-use', 'delete'],
        ['leftoverSecurityGroup', 'group-left', 'delete'],
        ['leftoverServerGroup', 'apart-left', 'delete'],
        ['missing', dead?.id, 'reportDead'],
        ['orphan', 'an-orphan', 'delete'],
        ['orphan', 'half-tagged', 'leave'],
        ['wrongHost', moved.id, 'leave'],
        ['wrongZone', moved.id, 'leave'],
      ].sort(),
    );
    // The notes of the run are all that is new.
    expect(cloud.log.slice(before).filter(({ type }) => type !== 'note')).toEqual([]);
    expect(planted(cloud)).toEqual([...toDelete, ...toStay].sort());

    const repair = audited(await trial.run('audit', { vnf, repair: true }));
    expect(planted(cloud)).toEqual(toStay);
    expect(repair.repaired.map(({ id }) => id).sort()).toEqual([...toDelete, dead?.id ?? ''].sort());
    expect(repair.refused).toEqual({ 'group-in-use': 'a port uses it' });
    const view = await stage.bulkhead.status(vnf);
    expect(view.pools['web']?.failed.map(({ ordinal }) => ordinal)).toEqual([3]);
    expect(view.occurrences.at(-1)).toMatchObject({ procedure: 'audit', outcome: 'completed' });

    expect((await trial.run('heal', { vnf })).outcome).toBe('completed');
    const left = audited(await trial.run('audit', { vnf })).findings.map(({ id }) => id);
    expect(left.sort()).toEqual(['group-in-use', 'half-tagged']);
  }, 60_000);

  test('rules that the descriptor says are known as the cloud keeps them, and a repair puts back those that are gone', async () => {
    const { vnf, cloud, run } = await stage.open('r1');
    const pools = small.pools.map((pool) => ({
      ...pool,
      securityRules: [
        { protocol: 'icmp' as const, from: 'FD00:0:0::/48' },
        { protocol: 'tcp' as const, ports: [22, 22] as const, from: 'any' },
      ],
    }));
    expect((await run('instantiate', { vnf, descriptor: { ...small, pools } })).outcome).toBe('completed');
    const kept = (): string[] =>
      [...cloud.securityRules.values()]
        .filter(({ direction }) => direction === 'ingress')
        .map(({ protocol, remoteIpPrefix }) => `${protocol ?? ''} ${remoteIpPrefix ?? ''}`)
        .sort();
    const said = ['ipv6-icmp fd00::/48', 'tcp 0.0.0.0/0'];
    const repair = { vnf, repair: true };
    expect([audited(await run('audit', repair)).findings, kept()]).toEqual([[], said]);

    for (const { id, direction } of cloud.securityRules.values())
      if (direction === 'ingress') cloud.securityRules.delete(id);
    const found = audited(await run('audit', repair, ({ attempt }) => (attempt === 1 ? 'after' : undefined)));
    expect(found.findings.map(({ kind, name, action }) => [kind, name, action])).toEqual([
      ['missingRule', `${vnf}-web: icmp from FD00:0:0::/48`, 'create'],
      ['missingRule', `${vnf}-web: tcp 22 from any`, 'create'],
    ]);
    expect([found.repaired, found.refused, kept()]).toEqual([found.findings, {}, said]);
    expect(audited(await run('audit', { vnf })).findings).toEqual([]);
  }, 60_000);

  test('members that have lost their tag are found, and with repair tagged again; of one that another VNF has too it only tells', async () => {
    const trial = await stage.open('n1');
    const { vnf } = trial;
    await instantiated(trial);
    const [lost, both] = [1, 2].map((ordinal) => memberNamed(trial, ordinal));
    if (!lost || !both) throw new Error('it has four members');
    lost.tags = lost.tags.filter((each) => each !== tag.vnf(vnf));
    both.tags = [...both.tags, tag.vnf('other1')];
    const repaired = audited(await trial.run('audit', { vnf, repair: true }));
    expect(repaired.findings.map(({ kind, id }) => [kind, id]).sort()).toEqual([
      ['foreignTag', both.id],
      ['noTag', lost.id],
    ]);
    expect(repaired).toMatchObject({ refused: {}, repaired: [{ id: lost.id }] });
    expect(audited(await trial.run('audit', { vnf })).findings.map(({ kind }) => kind)).toEqual(['foreignTag']);
    // Of another VNF's members none is taken over, be their tag there or not.
    const match = { namePattern: `${vnf}-{pool}-{ordinal}` };
    lost.tags = lost.tags.filter((each) => each !== tag.vnf(vnf));
    const refused = await trial.run('adopt', { vnf: `${vnf}-b`, descriptor: small, match });
    expect(refused).toMatchObject({ outcome: 'refused', kind: 'InvalidRequest', details: { misfits: { length: 5 } } });
  }, 60_000);

  test('what a run at work is making is not judged, and the report says who is', async () => {
    const trial = await stage.open('b1');
    const { vnf } = trial;
    await instantiated(trial);
    let report: Promise<AuditResult> | undefined;
    const ended = await trial.run('scaleOut', { vnf, pool: 'web', to: 6 }, ({ key }) => {
      if (key !== 'awaitHealthy#1') return undefined;
      report ??= stage.bulkhead.audit({ vnf }, { workflowId: `${vnf}-audit-beside` });
      // It is at work until the report is there.
      return report;
    });
    expect(ended.outcome).toBe('completed');
    expect(await report).toMatchObject({ findings: [], atWork: [expect.stringContaining('b1-scaleOut')] });
  }, 60_000);

  test('a repair tolerates every call repeated, and one that is terminated leaves nothing that the next does not mend', async () => {
    const repeated = await stage.open('c1');
    const ended = await stage.open('d1');
    await Promise.all([repeated, ended].map(instantiated));
    for (const trial of [repeated, ended]) plantLeftovers(trial);
    const repair = (trial: Trial, script?: Script): Promise<Ended> =>
      trial.run('audit', { vnf: trial.vnf, repair: true }, script);
    const again = repair(repeated, ({ attempt }) => (attempt === 1 ? 'after' : undefined));
    const vanished = await repair(ended, ({ key }) => (key === 'remove#1' ? 'terminated' : undefined));
    expect(vanished.outcome).toBe('vanished');
    audited(await repair(ended));
    audited(await again);
    for (const { cloud } of [repeated, ended]) expect(planted(cloud)).toEqual(toStay);
    await ended.settle({ faults: true });
  }, 60_000);

  test('a terminate takes along what an audit would, since no audit comes after it', async () => {
    const trial = await stage.open('t1');
    await instantiated(trial);
    plantLeftovers(trial);
    // Else a group that others use would keep it from ending.
    trial.cloud.ports.delete('its-user');
    const ended = await trial.run('terminate', { vnf: trial.vnf });
    expect(ended).toMatchObject({ outcome: 'completed' });
    const left = planted(trial.cloud);
    for (const id of ['an-orphan', 'a-double', 'port-left', 'port-of-the-orphan', 'group-left'])
      expect(left).not.toContain(id);
    expect(left).toEqual(expect.arrayContaining(['a-stranger', 'half-tagged', 'of-another-vnf', 'port-of-a-stranger']));
  }, 60_000);

  test('a schedule runs it from instantiate to terminate; one that has outlived its VNF goes with its next run', async () => {
    const audits = { everyMinutes: 10_080, repair: false };
    const { vnf, ...trial } = await stage.open('s1', 'operator', { audits });
    const schedule = stage.client.schedule.getHandle(`audit:${vnf}`);
    expect((await trial.run('instantiate', { vnf, descriptor: small })).outcome).toBe('completed');
    const first = await endOfScheduled(schedule);
    expect(first).toMatchObject({ outcome: 'completed', result: { procedure: 'audit', findings: [], repair: false } });
    expect((await trial.run('terminate', { vnf })).outcome).toBe('completed');
    await expect(schedule.describe()).rejects.toBeInstanceOf(ScheduleNotFoundError);

    await scheduleAudits({ client: stage.client, audits }, vnf);
    const last = await endOfScheduled(schedule);
    expect(last).toMatchObject({ outcome: 'refused', kind: 'UnknownVnf' });
    await expect(schedule.describe()).rejects.toBeInstanceOf(ScheduleNotFoundError);
  }, 60_000);
});

describe('orphans', () => {
  test('of VNFs without a record all is told and nothing touched, and of those that have one nothing; a schedule looks, too', async () => {
    const trial = await stage.open('u1', 'operator', { alsoOf: 'scheduled-orphans' });
    const { vnf, cloud } = trial;
    await instantiated(trial);
    plantServer(trial, 'of-another-vnf', [tag.vnf('other1'), tag.pool('web'), tag.ordinal(9), tag.token(gone)]);
    plantServer(trial, 'a-stranger', []);
    plantPort(trial, 'port-of-the-other', { description: portMarks({ vnf: 'other1', token: gone }) });
    plantPort(trial, 'port-of-a-third', { description: portMarks({ vnf: 'other2', token: gone }) });
    const before = [...cloud.servers.keys(), ...cloud.ports.keys()];
    // The trial is found by the run's id.
    const { outcome, unrecorded } = await stage.bulkhead.orphans({}, { workflowId: `${vnf}-orphans` });
    expect(outcome).toBe('completed');
    expect(unrecorded).toEqual([
      {
        vnf: 'other1',
        counts: { server: 1, port: 1, securityGroup: 0, serverGroup: 0 },
        things: [
          { kind: 'server', id: 'of-another-vnf', name: 'of-another-vnf' },
          { kind: 'port', id: 'port-of-the-other', name: 'port-of-the-other' },
        ],
        remedy: expect.stringMatching(/adopt other1 .* terminate it/) as string,
      },
      {
        vnf: 'other2',
        counts: { server: 0, port: 1, securityGroup: 0, serverGroup: 0 },
        things: [{ kind: 'port', id: 'port-of-a-third', name: 'port-of-a-third' }],
        remedy: expect.stringMatching(/delete these by hand/) as string,
      },
    ]);
    expect([...cloud.servers.keys(), ...cloud.ports.keys()]).toEqual(before);
    await expect(
      stage.bulkhead.start('orphans', { vnf } as never, { workflowId: `${vnf}-orphans-2` }).then((run) => run.result()),
    ).rejects.toMatchObject({ kind: 'InvalidRequest' });

    for (const _ of ['made', 'there already'])
      await scheduleOrphans({ client: stage.client, audits: { everyMinutes: 10_080, repair: false } });
    const schedule = stage.client.schedule.getHandle('orphans');
    const { action, spec } = await schedule.describe();
    expect(action).toMatchObject({ type: 'startWorkflow', workflowType: 'orphans', args: [{}] });
    expect(spec.intervals).toMatchObject([{ every: 604_800_000 }]);
    const scheduled = await endOfScheduled(schedule);
    expect(scheduled).toMatchObject({ outcome: 'completed', result: { procedure: 'orphans', unrecorded } });
  }, 60_000);
});

/** The record is lost, and all that it knew. */
async function forgotten(trial: Trial): Promise<void> {
  await instantiated(trial);
  await stage.client.workflow.getHandle(`vnf:${trial.vnf}`).terminate('its database is lost');
}

/** As if others had made them: nothing says any more whose they are. */
function disguised({ cloud }: Trial): void {
  for (const server of cloud.servers.values()) {
    const ordinal = /[0-9]+$/.exec(server.name)?.[0] ?? '';
    Object.assign(server, { name: `old-web-${ordinal}`, tags: ['theirs'] });
  }
  for (const port of cloud.ports.values()) port.description = 'made by hand';
  for (const group of cloud.securityGroups.values()) Object.assign(group, { name: 'theirs', description: '' });
}

const match = { namePattern: 'old-{pool}-{ordinal}' };

/** Everything that a VNF's life is made of. A tenant sees no hosts, and closes none. */
async function lives(
  trial: Trial,
  settle: () => Promise<unknown>,
  as: 'operator' | 'tenant' = 'operator',
): Promise<void> {
  const { vnf } = trial;
  const done = async (procedure: Parameters<Trial['run']>[0], input: object): Promise<unknown> => {
    const ended = await trial.run(procedure, input);
    expect({ procedure, ...ended }).toMatchObject({ outcome: 'completed' });
    await settle();
    return ended.result;
  };
  await done('scaleOut', { vnf, pool: 'web', to: 6 });
  await done('scaleIn', { vnf, pool: 'web', to: 4 });
  await trial.observer.setServer(memberNamed(trial, 2).id, { state: 'ERROR' });
  await done('heal', { vnf });
  if (as === 'operator') await moves(trial, done);
  expect(audited(await trial.run('audit', { vnf })).findings).toEqual([]);
  await done('terminate', { vnf });
  expect([trial.cloud.servers.size, trial.cloud.ports.size]).toEqual([0, 0]);
}

/** Off a host and back onto all of them, by our hands and by others'. */
async function moves(
  { vnf, observer }: Trial,
  done: (procedure: Parameters<Trial['run']>[0], input: object) => Promise<unknown>,
): Promise<void> {
  const inService = async (): Promise<readonly { readonly serverId: string; readonly host: string }[]> =>
    (await stage.bulkhead.status(vnf)).pools['web']?.inService ?? [];
  const [{ host } = { host: '' }] = await inService();
  expect(await done('evacuateHost', { hosts: [host], cause: 'maintenance' })).toMatchObject({
    vnfs: [{ vnf, launched: [{ pool: 'web' }], removed: [{ pool: 'web', host }], short: [] }],
  });
  expect((await inService()).map((member) => member.host)).not.toContain(host);
  expect(await done('restoreHost', { hosts: [host] })).toMatchObject({ opened: [host] });
  const [first, second] = await inService();
  await observer.setServer(second?.serverId ?? '', { host: first?.host ?? '' });
  expect(await done('rebalance', { vnf })).toMatchObject({
    launched: [{ pool: 'web' }],
    removed: [{ pool: 'web', host: first?.host }],
    short: [],
  });
  expect(new Set((await inService()).map((member) => member.host)).size).toBe(4);
}

describe('adopt', () => {
  test.each(['operator', 'tenant'] as const)(
    'of a VNF whose record is lost, as %s: after it every procedure works',
    async (as) => {
      const trial = await stage.open(as === 'operator' ? 'e1' : 'f1', as);
      const { vnf, cloud } = trial;
      await forgotten(trial);
      const refused = await trial.run('instantiate', { vnf, descriptor: small });
      expect(refused).toMatchObject({
        outcome: 'refused',
        kind: 'AlreadyExists',
        details: { servers: { length: 4 }, ports: { length: 4 } },
      });
      expect(refused.message).toContain(`bulkhead adopt ${vnf}`);

      const before = cloud.log.filter(({ type }) => type !== 'note').length;
      const planned = await trial.run('adopt', { vnf, descriptor: small, dryRun: true });
      expect(planned).toMatchObject({
        outcome: 'completed',
        result: { outcome: 'planned', levels: { web: { to: 4 } }, misfits: [] },
      });
      const adopted = await trial.run('adopt', { vnf, descriptor: small });
      expect(adopted).toMatchObject({
        outcome: 'completed',
        result: { levels: { web: { to: 4 } }, misfits: [], revision: 2 },
      });
      // What it changed is who is published, from the revision on that the world has seen.
      const changes = cloud.log.filter(({ type }) => type !== 'note').slice(before);
      expect(changes.map(({ type }) => type)).toEqual(expect.arrayContaining(['published']));
      expect(changes.every(({ type }) => type === 'published')).toBe(true);
      await trial.settle();
      expect(await trial.run('adopt', { vnf, descriptor: small })).toMatchObject({
        outcome: 'refused',
        kind: 'AlreadyExists',
      });
      await lives(trial, () => trial.settle(), as);
      expect([cloud.securityGroups.size, cloud.serverGroups.size]).toEqual([0, 0]);
    },
    60_000,
  );

  test('of servers that were made by other means: they are tagged and keep their names, and every procedure works', async () => {
    const trial = await stage.open('g1');
    const { vnf, cloud } = trial;
    await forgotten(trial);
    disguised(trial);
    const adopted = await trial.run('adopt', { vnf, descriptor: small, match });
    expect(adopted).toMatchObject({ outcome: 'completed', result: { levels: { web: { to: 4 } }, misfits: [] } });
    const { members } = adopted.result as AdoptResult;
    expect(members.map(({ name, server }) => [name, server])).toEqual(
      [1, 2, 3, 4].map((n) => [`${vnf}-web-${String(n)}`, `old-web-${String(n)}`]),
    );
    const of = (server: Server): unknown => [
      server.tags.includes('theirs'),
      server.tags.includes(tag.token(adoptedToken(vnf))),
    ];
    expect(members.map(({ serverId }) => cloud.servers.get(serverId)).map((each) => each && of(each))).toEqual(
      Array(4).fill([true, true]),
    );
    expect([...cloud.ports.values()].map(({ description }) => description)).toEqual(
      Array(4).fill(`made by hand ${portMarks({ vnf, token: adoptedToken(vnf) })}`),
    );
    await lives(trial, () => settledView(stage.bulkhead, vnf, settleWithinSeconds));
    // Theirs was theirs.
    expect([...cloud.securityGroups.values()].map(({ name }) => name)).toEqual(['theirs']);
  }, 60_000);

  test('of servers that their tags tell, whatever they are called: all of the tags must be there', async () => {
    const trial = await stage.open('o1');
    const { vnf, cloud } = trial;
    await forgotten(trial);
    disguised(trial);
    const indexed = new Map<number, string>();
    for (const server of cloud.servers.values()) {
      const index = Number(/[0-9]+$/.exec(server.name)?.[0]) - 1;
      indexed.set(index, server.id);
      // As others count, and in no order that a name would give.
      Object.assign(server, { name: `vm-${server.id}`, tags: [`index=${String(index)}`, 'role=web', 'ims'] });
    }
    const [like] = cloud.servers.values();
    if (!like) throw new Error('it has four servers');
    const strangers = { 'of-another-system': ['role=web', 'index=7'], 'without-a-number': ['ims', 'role=web'] };
    for (const [id, tags] of Object.entries(strangers))
      cloud.servers.set(id, { ...like, id, name: `${vnf}-web-9`, tags, portIds: [], ownPortIds: [] });
    const adopted = await trial.run('adopt', {
      ...{ vnf, descriptor: small },
      match: { tags: ['ims', 'role={pool}', 'index={ordinal}'] },
    });
    expect(adopted).toMatchObject({ outcome: 'completed', result: { levels: { web: { to: 4 } }, misfits: [] } });
    const { members } = adopted.result as AdoptResult;
    // No member is number 0: that one gets the next number.
    expect(members.map(({ name, serverId }) => [name, serverId])).toEqual(
      [1, 2, 3, 0].map((index, at) => [`${vnf}-web-${String(at + 1)}`, indexed.get(index)]),
    );
    for (const [index, id] of indexed) {
      const kept = ['ims', 'role=web', `index=${String(index)}`];
      expect(cloud.servers.get(id)?.tags).toEqual(expect.arrayContaining([...kept, tag.vnf(vnf)]));
    }
    for (const [id, tags] of Object.entries(strangers)) {
      expect(cloud.servers.get(id)?.tags).toEqual(tags);
      // What is not ours stays, and here would be in the way of the count.
      cloud.servers.delete(id);
    }
    await lives(trial, () => settledView(stage.bulkhead, vnf, settleWithinSeconds));
  }, 60_000);

  test('goes back by taking off what it put on, and whatever ends it, no server is touched', async () => {
    const trials = await Promise.all(['h1', 'i1', 'j1', 'k1'].map((name) => stage.open(name)));
    const [back, vanished, repeated, lost] = trials;
    if (!back || !vanished || !repeated || !lost) throw new Error('four were opened');
    await Promise.all(trials.map(forgotten));
    for (const trial of [back, vanished, repeated]) disguised(trial);
    const adopt = (trial: Trial, script?: Script): Promise<Ended> =>
      trial.run('adopt', { vnf: trial.vnf, descriptor: small, ...(trial !== lost && { match }) }, script);
    const marks = ({ cloud }: Trial): unknown => [
      cloud.securityGroups.size,
      [...cloud.servers.values()].map(({ tags }) => tags),
      [...cloud.ports.values()].map(({ description }) => description),
    ];
    const before = marks(back);
    const firstThen =
      (then: Strike, key: string): Script =>
      (call) =>
        call.key === key ? (call.attempt === 1 ? 'after' : then) : undefined;
    const ends = await Promise.all([
      adopt(back, firstThen('fails', 'markMembers#1')),
      adopt(vanished, ({ key }) => (key === 'markMembers#1' ? 'terminated' : undefined)),
      adopt(lost, ({ key }) => (key === 'createGroups#1' ? 'terminated' : undefined)),
      adopt(repeated, ({ attempt }) => (attempt === 1 ? 'after' : undefined)),
    ]);
    expect(ends.map(({ outcome }) => outcome)).toEqual(['unwound', 'vanished', 'vanished', 'completed']);
    expect(marks(back)).toEqual(before);
    for (const { vnf, cloud } of [vanished, lost]) {
      expect(await settledView(stage.bulkhead, vnf, settleWithinSeconds)).toBeNull();
      expect([cloud.servers.size, cloud.ports.size, cloud.securityGroups.size]).toEqual([4, 4, 1]);
    }
    for (const trial of [back, vanished, lost]) expect((await adopt(trial)).outcome).toBe('completed');
    for (const { cloud } of trials) expect([cloud.servers.size, cloud.ports.size]).toEqual([4, 4]);
  }, 90_000);

  test('of two VNFs that take over the same servers at once never do both, and who goes back leaves them to the other', async () => {
    const trial = await stage.open('m1');
    const { cloud } = trial;
    await forgotten(trial);
    disguised(trial);
    const vnfs = ['m1', 'm1-b'];
    const ends = await Promise.all(
      vnfs.map(async (vnf) => {
        const workflowId = `${vnf}-adopt-beside`;
        await stage.client.workflow.start('adopt', {
          ...{ taskQueue: 'bulkhead', workflowId },
          args: [{ vnf, descriptor: small, match }],
        });
        return await endOf(stage.client.workflow.getHandle(workflowId));
      }),
    );
    const through = vnfs.filter((_, index) => ends[index]?.outcome === 'completed');
    expect(through.length).toBeLessThan(2);
    const back = ends.filter(({ outcome }) => outcome !== 'completed');
    // On a slow machine one may look when the other has put its tags on, or the first of them.
    const said: Partial<Record<Ended['outcome'], RegExp>> = {
      unwound: /another VNF's \((m1|m1-b)\).*old-web-[1-4] \(/,
      refused: /it is tagged as (m1|m1-b)'s|an adopt of (m1|m1-b) has begun with it/,
    };
    for (const { outcome, kind, message } of back) {
      expect([Object.keys(said), kind]).toEqual([expect.arrayContaining([outcome]), 'InvalidRequest']);
      expect(message).toMatch(said[outcome] ?? '');
    }
    for (const vnf of vnfs) await settledView(stage.bulkhead, vnf, settleWithinSeconds);
    // Once they have gone back one of them has all, and the other gets none of it.
    const [winner = 'm1-b'] = through;
    if (through.length === 0)
      expect(await trial.run('adopt', { vnf: winner, descriptor: small, match })).toMatchObject({
        outcome: 'completed',
      });
    const loser = vnfs.find((vnf) => vnf !== winner) ?? '';
    expect(await trial.run('adopt', { vnf: loser, descriptor: small, match })).toMatchObject({
      kind: 'InvalidRequest',
      message: expect.stringContaining(`it is tagged as ${winner}'s`) as string,
    });
    expect(audited(await trial.run('audit', { vnf: winner })).findings).toEqual([]);
    const tags = [...cloud.servers.values()].flatMap((server) => server.tags.filter((each) => each.includes('vnf=')));
    expect(tags).toEqual(Array(4).fill(tag.vnf(winner)));
    expect([...cloud.ports.values()].map(({ description }) => description)).toEqual(
      Array(4).fill(`made by hand ${portMarks({ vnf: winner, token: adoptedToken(winner) })}`),
    );
  }, 60_000);

  test('a tenant is told why it cannot take over what is in no server group', async () => {
    const trial = await stage.open('l1', 'tenant');
    await forgotten(trial);
    disguised(trial);
    const refused = await trial.run('adopt', { vnf: 'l1', descriptor: small, match });
    expect(refused).toMatchObject({ outcome: 'refused', kind: 'InvalidRequest' });
    expect(refused.message).toContain('server group');
  }, 60_000);
});
