import { WorkflowUpdateFailedError } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils';
import { findingsMax } from '../../activities/cloud/audit';
import { shareUpdateName, type ShareAsk, type ShareGiven } from '../../domain/budget';
import { portMarks, recordWorkflowId, tag } from '../../domain/names';
import type { EvacuateHostResult } from '../../domain/procedures';
import { stuckAnswers } from '../../domain/stuck';
import { signalNames } from '../../domain/turn';
import { saveHistories } from '../../scripts/lib/histories';
import { settledView } from '../../scripts/lib/settled';
import { disguise } from '../../scripts/lib/virtual/specs';
import { endOf, holdTurn, settleWithinSeconds, small, until, type Ended } from '../real/world';
import { waysIn } from '../replay/ways';
import { instantiated } from './four';
import { openStage, type Stage, type Trial } from './stage';
import type { Script } from './strikes';
import { cleanByHand, goingBack, whenStuck } from './stuckRun';
import { cleanUpId, endCleanUp, vanishes } from './vanishing';

/**
 * Situations in which runs go the ways that were added (`patched`), and those in which something goes wrong, on a real server: the demo
 * comes by few of them. With `BULKHEAD_HISTORIES=<directory>` what they have recorded is written there, for test/replay.
 */

/** More events than any other record comes to here, and fewer than a history of thousands, which would be read at every replay. */
const continuedAfter = 300;

let stage: Stage;
beforeAll(async () => {
  stage = await openStage({ dynamicConfig: [`limit.historyCount.suggestContinueAsNew=${String(continuedAfter)}`] });
}, 60_000);
afterAll(async () => {
  const directory = process.env['BULKHEAD_HISTORIES'];
  if (directory !== undefined) await saveHistories(stage.client, directory);
  await stage.stop();
}, 60_000);

/** One of them at least went this way. */
async function expectWay(way: string, ...workflowIds: readonly string[]): Promise<void> {
  const gone = await Promise.all(
    workflowIds.map(async (id) => {
      const history = await stage.client.workflow.getHandle(id).fetchHistory();
      return waysIn(JSON.parse(historyToJSON(history)) as { events: object[] });
    }),
  );
  expect(gone.flat()).toContain(way);
}

async function start(procedure: string, workflowId: string, input: object): Promise<Ended> {
  const handle = await stage.client.workflow.start(procedure, { taskQueue: 'bulkhead', workflowId, args: [input] });
  return await endOf(handle);
}

function idOf(trial: Trial, type: string): string {
  return trial.calls().find(({ workflowId }) => workflowId.includes(`-${type}-`))?.workflowId ?? '';
}

function withPool(more: object): object {
  return { ...small, pools: [{ ...small.pools[0], ...more }] };
}

async function made(trial: Trial, vnf: string, descriptor: object): Promise<void> {
  expect(await trial.run('instantiate', { vnf, descriptor })).toMatchObject({ outcome: 'completed' });
}

function plantPorts({ cloud, vnf }: Trial, many: number): void {
  const [like] = cloud.ports.values();
  for (let n = 1; like && n <= many; n++) {
    const id = `left-${String(n)}`;
    const description = portMarks({ vnf, token: '99999999-9999-4999-8999-999999999999' });
    cloud.ports.set(id, { ...like, id, name: id, description, deviceId: '', securityGroupIds: [] });
  }
}

test('left-over, left-over-whole: a terminate deletes more than one look tells of', async () => {
  const trial = await stage.open('a1');
  await instantiated(trial);
  plantPorts(trial, findingsMax + 1);
  expect(await trial.run('terminate', { vnf: 'a1' })).toMatchObject({ outcome: 'completed' });
  expect(trial.cloud.ports.size).toBe(0);
  for (const way of ['left-over', 'left-over-whole']) await expectWay(way, idOf(trial, 'terminate'));
}, 60_000);

test('audit-told: what an audit finds is in the status', async () => {
  const trial = await stage.open('b1');
  await instantiated(trial);
  plantPorts(trial, 1);
  expect(await trial.run('audit', { vnf: 'b1' })).toMatchObject({ outcome: 'completed' });
  await until('the status has it', 20, async () => (await stage.bulkhead.status('b1')).audited?.findings.length === 1);
  await expectWay('audit-told', idOf(trial, 'audit'));
  expect(await trial.run('terminate', { vnf: 'b1' })).toMatchObject({ outcome: 'completed' });
}, 60_000);

/** A VNF that has never come to be, and whose record knows that the clean-ups behind it failed. */
async function unborn(trial: Trial): Promise<void> {
  const { vnf } = trial;
  const input = { vnf, descriptor: small };
  const token = await vanishes(stage, trial, { procedure: 'instantiate', input, at: 'awaitHealthy#1' });
  for (const attempt of [1, 2, 3]) await endCleanUp(stage, cleanUpId(vnf, token, attempt));
  await until('it is blocked', 30, async () => (await stage.bulkhead.status(vnf)).blocked !== null);
}

test('unborn: a terminate of what never came to be publishes nothing', async () => {
  const trial = await stage.open('c1');
  await unborn(trial);
  expect(await trial.run('terminate', { vnf: 'c1' })).toMatchObject({ outcome: 'completed' });
  expect(trial.calls().map(({ name }) => name)).not.toContain('publish');
  await expectWay('unborn', idOf(trial, 'terminate'));
}, 60_000);

test('unborn: nor does the clean-up behind one', async () => {
  const trial = await stage.open('h1');
  await unborn(trial);
  const ended = await trial.run('terminate', { vnf: 'h1' }, ({ key }) =>
    key.startsWith('remove') ? 'terminated' : undefined,
  );
  expect(ended).toMatchObject({ outcome: 'vanished' });
  const [debt] = (await stage.bulkhead.status('h1')).debts;
  await stage.client.workflow.getHandle(recordWorkflowId('h1')).result();
  expect([trial.cloud.servers.size, trial.cloud.ports.size, trial.cloud.securityGroups.size]).toEqual([0, 0, 0]);
  await expectWay('unborn', cleanUpId('h1', debt?.token ?? '', 1));
}, 60_000);

test('groups-last: a clean-up that deletes groups goes behind those that delete what uses them', async () => {
  const trial = await stage.open('d1');
  await made(trial, 'd1', withPool({ drainSeconds: 500 }));
  const scaling = start('scaleIn', 'd1-scaleIn', { vnf: 'd1', pool: 'web', to: 3 });
  await until('it drains', 30, async () => (await stage.bulkhead.status('d1')).debts.length === 1);
  const ending = start('terminate', 'd1-terminate', { vnf: 'd1' });
  await until('both owe', 30, async () => (await stage.bulkhead.status('d1')).debts.length === 2);
  const { debts } = await stage.bulkhead.status('d1');
  const token = debts.find(({ workflowId }) => workflowId === 'd1-terminate')?.token ?? '';
  for (const id of ['d1-terminate', 'd1-scaleIn']) await stage.client.workflow.getHandle(id).terminate('by a test');
  await endCleanUp(stage, cleanUpId('d1', token, 1));
  expect((await Promise.all([scaling, ending])).map(({ outcome }) => outcome)).toEqual(['vanished', 'vanished']);
  await stage.client.workflow.getHandle(recordWorkflowId('d1')).result();
  expect([trial.cloud.servers.size, trial.cloud.ports.size, trial.cloud.securityGroups.size]).toEqual([0, 0, 0]);
  await expectWay('groups-last', recordWorkflowId('d1'));
}, 90_000);

test('scale-side-by-side: what another run has done is not done again, and whom it pulls the other way gives up', async () => {
  const trial = await stage.open('e1');
  await made(trial, 'e1', withPool({ serial: true, spare: 1, size: { min: 2, initial: 4, max: 8 } }));
  const both = ['e1-one', 'e1-other'].map((id) => start('scaleOut', id, { vnf: 'e1', pool: 'web', to: 6 }));
  for (const ended of await Promise.all(both)) expect(ended).toMatchObject({ outcome: 'completed' });
  const earlier = start('scaleOut', 'e1-out', { vnf: 'e1', pool: 'web', to: 8 });
  await until('it has its turn', 20, async () => (await stage.bulkhead.status('e1')).turn?.workflowId === 'e1-out');
  const later = start('scaleIn', 'e1-in', { vnf: 'e1', pool: 'web', to: 4 });
  expect(await earlier).toMatchObject({ outcome: 'unwound', kind: 'Superseded' });
  expect(await later).toMatchObject({ outcome: 'completed' });
  await expectWay('scale-side-by-side', 'e1-one', 'e1-other');
  await expectWay('scale-side-by-side', 'e1-out');
}, 60_000);

/** Members everywhere, so that a host that dies has one of each VNF. Says which host. */
async function onEachHost(trial: Trial, vnfs: readonly string[], quota: number): Promise<string> {
  for (const vnf of vnfs) await made(trial, vnf, withPool({ size: { min: 3, initial: 8, max: 8 } }));
  await trial.observer.setQuota({ resource: 'instances', limit: quota });
  const host = trial.hosts[0] ?? '';
  await trial.observer.setHost(host, { alive: false });
  return host;
}

test('again-where-short: of two VNFs the one that has found the quota taken is begun again', async () => {
  const trial = await stage.open('f1');
  const host = await onEachHost(trial, ['f1', 'f1b'], 17);
  const planned = (): boolean =>
    trial.calls().filter(({ name, answer }) => name === 'plan' && answer === 'ok').length >= 2;
  const ended = await trial.run('evacuateHost', { hosts: [host], cause: 'failed', fenced: true }, ({ name }) =>
    name === 'launch' && !planned() ? until('both have planned', 20, () => Promise.resolve(planned())) : undefined,
  );
  expect(ended).toMatchObject({ outcome: 'completed' });
  const { vnfs } = ended.result as EvacuateHostResult;
  expect(vnfs.map(({ launched, removed, short }) => [launched.length, removed.length, short])).toEqual([
    [1, 1, []],
    [1, 1, []],
  ]);
  await expectWay('again-where-short', idOf(trial, 'evacuateHost'));
}, 60_000);

test('evacuate-dead-first, evacuate-what-lacks: the dead go first where the quota is full; who comes no further makes up for them later', async () => {
  const trial = await stage.open('g1');
  const host = await onEachHost(trial, ['g1'], 8);
  const input = { hosts: [host], cause: 'failed', fenced: true };
  let part = '';
  const ended = await trial.run('evacuateHost', input, ({ key, workflowId }) => {
    if (key !== 'launch#1') return undefined;
    part = workflowId;
    return trial.observer.setQuota({ resource: 'instances', limit: 7 });
  });
  expect(ended).toMatchObject({ outcome: 'unwound', kind: 'QuotaExceeded' });
  await expectWay('evacuate-dead-first', part);
  await trial.observer.setQuota({ resource: 'instances', limit: 8 });
  const again = await start('evacuateVnf', 'g1-again', { vnf: 'g1', hosts: [host], cause: 'failed' });
  expect(again).toMatchObject({ outcome: 'completed', result: { launched: { length: 1 }, short: [] } });
  await expectWay('evacuate-what-lacks', 'g1-again');
}, 60_000);

test('evacuate-hears-cancels: who is cancelled while Nova moves members completes, where that was all', async () => {
  const trial = await stage.open('k1');
  await made(trial, 'k1', withPool({ recover: 'evacuate' }));
  const host = [...trial.cloud.servers.values()].find(({ name }) => name === 'k1-web-1')?.host ?? '';
  await trial.observer.setHost(host, { alive: false });
  let part = '';
  const input = { hosts: [host], cause: 'failed', fenced: true };
  const ended = await trial.run('evacuateHost', input, ({ key, workflowId }) => {
    if (key !== 'awaitHealthy#1') return undefined;
    part = workflowId;
    return stage.client.workflow.getHandle(workflowId).cancel();
  });
  expect(ended).toMatchObject({ outcome: 'completed', result: { vnfs: [{ evacuated: [{}], cancelIgnored: true }] } });
  await expectWay('evacuate-hears-cancels', part);
}, 60_000);

/** Its record is terminated by hand in the midst of the procedure. */
async function endRecord(vnf: string): Promise<void> {
  await stage.client.workflow.getHandle(recordWorkflowId(vnf)).terminate('by a test');
}

test('adopt-alone: an adopt waits for who is at work for a former record', async () => {
  const limits = { undoSeconds: 3, stuckSeconds: 4 };
  const trial = await stage.open('i1', 'operator', { limits });
  await instantiated(trial);
  const input = { vnf: 'i1', descriptor: small };
  let adopting: Promise<Ended> | undefined;
  const scaled = await trial.run('scaleOut', { vnf: 'i1', pool: 'web', to: 5 }, ({ key }) => {
    if (key !== 'awaitHealthy#1' || adopting) return undefined;
    return endRecord('i1').then(() => {
      adopting = start('adopt', 'i1-adopt', input);
    });
  });
  const scaling = idOf(trial, 'scaleOut');
  expect(scaled).toMatchObject({ outcome: 'stuck', details: { step: 'commit' } });
  expect(await adopting).toMatchObject({ outcome: 'completed', result: { levels: { web: { to: 5 } } } });
  const [ofScaling, ofAdopt] = await Promise.all(
    [scaling, 'i1-adopt'].map((id) => stage.client.workflow.getHandle(id).describe()),
  );
  expect(ofScaling?.closeTime?.getTime()).toBeLessThan(ofAdopt?.closeTime?.getTime() ?? 0);
  await expectWay('adopt-alone', 'i1-adopt');
  expect(await trial.run('terminate', { vnf: 'i1' })).toMatchObject({ outcome: 'completed' });
  expect([trial.cloud.servers.size, trial.cloud.ports.size]).toEqual([0, 0]);
}, 60_000);

test('adopt-alone: or says whom it would have to wait for', async () => {
  const trial = await stage.open('j1');
  await instantiated(trial);
  let refusal: Ended | undefined;
  const ended = await trial.run('scaleOut', { vnf: 'j1', pool: 'web', to: 5 }, ({ key, workflowId }) => {
    if (key !== 'awaitHealthy#1' || refusal) return undefined;
    return endRecord('j1')
      .then(() => start('adopt', 'j1-adopt', { vnf: 'j1', descriptor: small, ifBusy: 'refuse' }))
      .then((said) => {
        refusal = said;
        expect(said).toMatchObject({ outcome: 'refused', kind: 'Busy', details: { runs: [workflowId] } });
      });
  });
  expect([ended.outcome, refusal?.kind]).toEqual(['stuck', 'Busy']);
}, 60_000);

/** Longer than any test lasts: who is not told anything waits. */
const patient = { undoSeconds: 3, stuckSeconds: 120 } as const;

async function ends(trial: Trial): Promise<void> {
  expect(await trial.run('terminate', { vnf: trial.vnf })).toMatchObject({ outcome: 'completed' });
}

test('runs that are stuck, and are told to retry, to skip, and to give up', async () => {
  const trial = await stage.open('l1', 'operator', { limits: patient });
  await instantiated(trial);
  for (const answer of stuckAnswers) {
    let broken = true;
    const run = goingBack(trial, () => broken);
    const { id, ended } = await whenStuck(stage, trial, run);
    if (answer === 'skip') await cleanByHand(trial, (await stage.bulkhead.status('l1')).turn?.token ?? '');
    broken = answer !== 'retry';
    await stage.bulkhead[answer](id);
    expect((await ended).outcome).toBe(answer === 'giveUp' ? 'stuck' : 'unwound');
    await trial.settle({ faults: true });
  }
  await ends(trial);
}, 90_000);

test('a record that is blocked denies turns, and cleans up again when a person says so', async () => {
  const trial = await stage.open('m1');
  await instantiated(trial);
  const input = { vnf: 'm1', pool: 'web', to: 5 };
  const token = await vanishes(stage, trial, { procedure: 'scaleOut', input, at: 'awaitHealthy#1' });
  for (const attempt of [1, 2, 3]) await endCleanUp(stage, cleanUpId('m1', token, attempt));
  await until('it is blocked', 30, async () => (await stage.bulkhead.status('m1')).blocked !== null);
  expect(await start('scaleOut', 'm1-denied', input)).toMatchObject({ outcome: 'refused', kind: 'Stuck' });
  await stage.bulkhead.cleanUpAgain('m1');
  await trial.settle({ faults: true });
  await ends(trial);
}, 90_000);

test('a tenant makes server groups, and takes them away', async () => {
  const trial = await stage.open('n1', 'tenant');
  await instantiated(trial);
  expect(trial.cloud.serverGroups.size).toBeGreaterThan(0);
  expect(await trial.run('scaleOut', { vnf: 'n1', pool: 'web', to: 6 })).toMatchObject({ outcome: 'completed' });
  await ends(trial);
  expect(trial.cloud.serverGroups.size).toBe(0);
}, 60_000);

test('runs that are cancelled before their pivot are undone', async () => {
  const cancelled: Script = ({ key }) => (key === 'awaitHealthy#1' ? 'cancelled' : undefined);
  const trial = await stage.open('p1');
  const instantiating = await trial.run('instantiate', { vnf: 'p1', descriptor: small }, cancelled);
  expect(instantiating).toMatchObject({ outcome: 'cancelled' });
  await trial.settle({ faults: true });
  await instantiated(trial);
  const runs = [
    ['scaleOut', { vnf: 'p1', pool: 'web', to: 6 }],
    ['heal', { vnf: 'p1', members: ['p1-web-1'] }],
  ] as const;
  for (const [procedure, input] of runs) {
    expect(await trial.run(procedure, input, cancelled)).toMatchObject({ outcome: 'cancelled' });
    expect((await trial.settle({ faults: true }))?.pools['web']?.level).toBe(4);
  }
  await ends(trial);
}, 90_000);

test('asks are denied, withdrawn by who is cancelled, and withdrawn by who has waited in vain', async () => {
  const trial = await stage.open('q1');
  await instantiated(trial);
  const input = { vnf: 'q1', pool: 'web', to: 3 };
  const others = async (): Promise<void> => {
    const refused = await start('scaleIn', 'q1-refused', { ...input, ifBusy: 'refuse' });
    expect(refused).toMatchObject({ outcome: 'refused', kind: 'Busy' });
    const tired = await start('scaleIn', 'q1-tired', { ...input, waitSeconds: 1 });
    expect(tired).toMatchObject({ outcome: 'refused', kind: 'Busy' });
    const waiting = start('scaleIn', 'q1-waiting', input);
    await until('it waits', 20, async () => (await stage.bulkhead.status('q1')).queue.length === 1);
    await stage.client.workflow.getHandle('q1-waiting').cancel();
    expect((await waiting).outcome).toBe('cancelled');
  };
  let asked: Promise<void> | undefined;
  const ended = await trial.run('scaleOut', { vnf: 'q1', pool: 'web', to: 5 }, ({ key }) =>
    key === 'awaitHealthy#1' ? (asked ??= others()) : undefined,
  );
  await asked;
  expect(ended).toMatchObject({ outcome: 'completed' });
  await ends(trial);
}, 60_000);

function firstHost({ cloud, vnf }: Trial): string {
  return [...cloud.servers.values()].find(({ name }) => name === `${vnf}-web-1`)?.host ?? '';
}

test('who empties a host hears that the part of a VNF is stuck; one that goes back opens the host again', async () => {
  const trial = await stage.open('r1', 'operator', { limits: patient });
  await instantiated(trial);
  const input = { hosts: [firstHost(trial)], cause: 'maintenance' };
  for (const strike of ['fails', 'cancelled'] as const) {
    const ended = await trial.run('evacuateHost', input, ({ key }) => (key === 'awaitHealthy#1' ? strike : undefined));
    expect(ended.outcome).toBe(strike === 'fails' ? 'unwound' : 'cancelled');
    await trial.settle({ faults: true });
    expect(trial.cloud.hosts.get(firstHost(trial))?.enabled).toBe(true);
  }
  let broken = true;
  const run = trial.run('evacuateHost', input, ({ name }) => (name === 'publish' && broken ? 'fails' : undefined));
  const { id, ended } = await whenStuck(stage, trial, run);
  broken = false;
  await stage.bulkhead.retry(id);
  expect((await ended).outcome).toBe('completed');
  await trial.settle({ faults: true });
  await ends(trial);
}, 90_000);

test('a dead host that was forced down is not any more where its evacuation is cancelled', async () => {
  const trial = await stage.open('s1');
  await instantiated(trial);
  const host = firstHost(trial);
  await trial.observer.setHost(host, { alive: false });
  const input = { hosts: [host], cause: 'failed', fenced: true };
  const ended = await trial.run('evacuateHost', input, ({ key }) => {
    if (key !== 'awaitHealthy#1') return undefined;
    return trial.observer.setHost(host, { alive: true }).then(async () => {
      const [first] = trial.calls();
      await stage.client.workflow.getHandle(first?.workflowId ?? '').cancel();
    });
  });
  expect(ended).toMatchObject({ outcome: 'cancelled' });
  await trial.settle({ faults: true });
  await ends(trial);
}, 60_000);

test('an adopt of what others made takes its marks off again where it is cancelled', async () => {
  const trial = await stage.open('t1');
  await instantiated(trial);
  await endRecord('t1');
  disguise(trial.cloud, 't1');
  const input = { vnf: 't1', descriptor: small, match: { namePattern: 'old-{pool}-{ordinal}' } };
  const cancelled = await trial.run('adopt', input, ({ key }) => (key === 'markMembers#1' ? 'cancelled' : undefined));
  expect(cancelled).toMatchObject({ outcome: 'cancelled' });
  const record = stage.client.workflow.getHandle(recordWorkflowId('t1'));
  await until('its record has ended', 20, async () => (await record.describe()).status.name === 'COMPLETED');
  expect([...trial.cloud.servers.values()].flatMap(({ tags }) => tags)).toEqual([]);
  expect(await trial.run('adopt', input)).toMatchObject({ outcome: 'completed' });
  await ends(trial);
}, 60_000);

/** Has the record of a VNF continue as new. */
async function continued(vnf: string): Promise<void> {
  const record = stage.client.workflow.getHandle(recordWorkflowId(vnf));
  const { runId } = await record.describe();
  const first = stage.client.workflow.getHandle(recordWorkflowId(vnf), runId);
  // What it does not know is counted, and no reason to look up; a message is one, and has it continue.
  while ((await first.describe()).historyLength <= continuedAfter)
    await Promise.all(Array.from({ length: 20 }, () => record.signal('nonsense')));
  await record.signal(signalNames.audit);
  await until('it has continued', 30, async () => (await first.describe()).status.name === 'CONTINUED_AS_NEW');
}

test('a record that continues as new watches on, and answers on', async () => {
  const trial = await stage.open('u1');
  await made(trial, 'u1', withPool({ drainSeconds: 3_000 }));
  const record = stage.client.workflow.getHandle(recordWorkflowId('u1'));
  const { runId } = await record.describe();
  const draining = start('scaleIn', 'u1-draining', { vnf: 'u1', pool: 'web', to: 3 });
  await until('it drains', 30, async () => (await stage.bulkhead.status('u1')).debts.length === 1);
  await continued('u1');
  expect((await stage.bulkhead.status('u1')).debts).toHaveLength(1);
  expect(await start('scaleOut', 'u1-scaleOut', { vnf: 'u1', pool: 'web', to: 4 })).toMatchObject({
    outcome: 'completed',
  });
  await stage.client.workflow.getHandle('u1-draining').terminate('by a test');
  expect((await draining).outcome).toBe('vanished');
  await settledView(stage.bulkhead, 'u1', settleWithinSeconds);
  await ends(trial);
  expect((await record.describe()).runId).not.toBe(runId);
}, 180_000);

test('continue-in-turn: a record that continues as new in the midst of a turn watches who holds it', async () => {
  const trial = await stage.open('v1');
  await instantiated(trial);
  const record = stage.client.workflow.getHandle(recordWorkflowId('v1'));
  const { runId } = await record.describe();
  const first = stage.client.workflow.getHandle(recordWorkflowId('v1'), runId);
  const holder = await holdTurn(stage, 'v1');
  await continued('v1');
  expect((await stage.bulkhead.status('v1')).turn?.workflowId).toBe(holder.workflowId);
  const scaling = start('scaleOut', 'v1-scaleOut', { vnf: 'v1', pool: 'web', to: 5 });
  await holder.terminate('by a test');
  expect(await scaling).toMatchObject({ outcome: 'completed' });
  await ends(trial);
  const { events } = await first.fetchHistory();
  expect(events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes).toBeDefined();
}, 90_000);

test('records-in-parts: a host has members of more VNFs than are read of at once', async () => {
  const trial = await stage.open('w1');
  await instantiated(trial);
  const [like] = trial.cloud.servers.values();
  const host = like?.host ?? '';
  // Their records have been ended by hand: what is on the host of them is told.
  for (let n = 1; like && n <= 21; n++) {
    const id = `stray-${String(n)}`;
    const tags = [tag.vnf(`w1-${id}`), tag.pool('web'), tag.ordinal(1)];
    trial.cloud.servers.set(id, { ...like, id, name: id, tags });
  }
  const ended = await trial.run('evacuateHost', { hosts: [host], cause: 'maintenance' });
  expect(ended).toMatchObject({ outcome: 'completed', result: { unrecorded: { [host]: { length: 21 } } } });
  await expectWay('records-in-parts', idOf(trial, 'evacuateHost'));
}, 60_000);

test('found-launching: a host is to be emptied while a run launches there', async () => {
  const trial = await stage.open('x1');
  await instantiated(trial);
  const launched = (): string => [...trial.cloud.servers.values()].find(({ name }) => name === 'x1-web-5')?.host ?? '';
  let emptying: Promise<Ended> | undefined;
  const scaled = await trial.run('scaleOut', { vnf: 'x1', pool: 'web', to: 5 }, ({ key }) => {
    if (key !== 'awaitHealthy#1' || emptying) return undefined;
    emptying = start('evacuateHost', 'x1-evacuateHost', { hosts: [launched()], cause: 'maintenance' });
    return until('it waits for the turn', 20, async () => (await stage.bulkhead.status('x1')).queue.length === 1);
  });
  expect(scaled).toMatchObject({ outcome: 'completed' });
  const ended = await emptying;
  expect(ended).toMatchObject({ outcome: 'completed', result: { vnfs: [{ removed: [{ name: 'x1-web-5' }] }] } });
  expect(launched()).toBe('');
  const { workflowId = '' } = trial.calls().find((call) => call.workflowId.startsWith('evacuate:x1:')) ?? {};
  await expectWay('found-launching', workflowId);
}, 60_000);

test('the shares of a cloud that workers ask for are in the history of who gives them', async () => {
  const handle = await stage.client.workflow.start('cloudBudget', {
    ...{ taskQueue: 'bulkhead', workflowId: 'cloud:shared', args: [{}] },
  });
  const total = { calls: 10, perSecond: null };
  const ask = (worker: string, number: number, more: Partial<ShareAsk> = {}): Promise<ShareGiven> => {
    const said: ShareAsk = { worker, number, total, leaseSeconds: 30, holds: { calls: 0, perSecond: null }, ...more };
    return handle.executeUpdate<ShareGiven, [ShareAsk]>(shareUpdateName, { args: [said] });
  };
  const alone = await ask('w1', 1);
  const beside = await ask('w2', 1);
  const after = await ask('w1', 2, { holds: { calls: 1, perSecond: null } });
  expect([alone.share.calls, beside.share.calls, after.share.calls]).toEqual([9, 1, 5]);
  await ask('w1', 3, { leaves: true });
  await expect(ask('w2', 0)).rejects.toThrow(WorkflowUpdateFailedError);
  await handle.terminate('it would go on for ever');
  const { events } = await handle.fetchHistory();
  expect(events?.filter((event) => event.workflowExecutionUpdateCompletedEventAttributes)).toHaveLength(4);
}, 60_000);

test('who gives shares of a cloud continues as new, and gives on', async () => {
  const workflowId = 'cloud:busy';
  const handle = await stage.client.workflow.start('cloudBudget', {
    ...{ taskQueue: 'bulkhead', workflowId, args: [{}] },
  });
  const first = stage.client.workflow.getHandle(workflowId, handle.firstExecutionRunId);
  const total = { calls: 10, perSecond: null };
  let number = 0;
  const ask = async (): Promise<ShareGiven> => {
    number += 1;
    const said: ShareAsk = {
      ...{ worker: 'w1', number, total, leaseSeconds: 30 },
      holds: { calls: 0, perSecond: null },
    };
    return await stage.client.workflow
      .getHandle(workflowId)
      .executeUpdate<ShareGiven, [ShareAsk]>(shareUpdateName, { args: [said] });
  };
  await until('it has continued', 50, async () => {
    await ask();
    return (await first.describe()).status.name === 'CONTINUED_AS_NEW';
  });
  expect((await ask()).share.calls).toBe(9);
  await stage.client.workflow.getHandle(workflowId).terminate('it would go on for ever');
}, 60_000);
