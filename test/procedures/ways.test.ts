import { WorkflowUpdateFailedError } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils';
import { findingsMax } from '../../activities/cloud/audit';
import { shareUpdateName, type ShareAsk, type ShareGiven } from '../../domain/budget';
import { portMarks, recordWorkflowId } from '../../domain/names';
import type { EvacuateHostResult } from '../../domain/procedures';
import { saveHistories } from '../../scripts/lib/histories';
import { endOf, small, until, type Ended } from '../real/world';
import { waysIn } from '../replay/ways';
import { instantiated } from './four';
import { openStage, type Stage, type Trial } from './stage';
import { cleanUpId, endCleanUp, vanishes } from './vanishing';

/**
 * Situations in which runs go the ways that were added (`patched`), on a real server: the demo comes by few of them. With
 * `BULKHEAD_HISTORIES=<directory>` what they have recorded is written there, for test/replay.
 */

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
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
