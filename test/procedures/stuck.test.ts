import { emitHost } from '../../simulator/model';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { neutron, nova } from '../../openstack';
import { root } from '../../scripts/lib/root';
import { runToEnd, type Finished } from '../real/program';
import { until, type Ended } from '../real/world';
import { instantiated } from './four';
import { openStage, type Stage, type Trial } from './stage';
import { cleanByHand, goingBack, whenStuck, type Stuck } from './stuckRun';

/**
 * Runs that can go neither back nor forward: they say so, wait for a person, and go on as they are told. The cloud is judged in the end, as
 * everywhere.
 */

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
}, 60_000);
afterAll(async () => {
  await stage.stop();
}, 60_000);

/** Longer than any test lasts: who is not told anything waits. */
const patient = { undoSeconds: 3, stuckSeconds: 120 } as const;

async function opened(name: string, limits: object = patient): Promise<Trial> {
  const trial = await stage.open(name, 'operator', { limits });
  await instantiated(trial);
  return trial;
}

/** The run of it that is stuck, as soon as the cloud has said what is left. `run` is its caller's. */
function stuck(trial: Trial, run: Promise<Ended>): Promise<Stuck> {
  return whenStuck(stage, trial, run);
}

function always(): boolean {
  return true;
}

async function tokenOf({ vnf }: Trial): Promise<string> {
  const { turn } = await stage.bulkhead.status(vnf);
  if (!turn) throw new Error(`nobody holds the turn of ${vnf}`);
  return turn.token;
}

test('an undo that fails for ever: it says both errors, what is left and what to do, holds its turn, and goes on when told to', async () => {
  const trial = await opened('a1');
  const { vnf } = trial;
  let broken = true;
  const { id, view, ended } = await stuck(
    trial,
    goingBack(trial, () => broken),
  );
  expect(view).toMatchObject({ what: 'scaleOut of a1', stuckChildren: [] });
  expect(view.stuck).toMatchObject({
    step: 'undo of launch',
    error: { kind: 'CloudUnavailable', message: 'it is away for good' },
    reason: { kind: 'CloudUnavailable' },
    retries: 0,
    may: ['retry', 'skip', 'giveUp'],
    remedy: expect.stringContaining(`bulkhead retry ${id}`) as string,
  });
  expect(view.stuck.left?.map(({ kind, name }) => `${kind} ${name}`).sort()).toEqual([
    'port a1-web-5.mgmt',
    'port a1-web-6.mgmt',
    'server a1-web-5',
    'server a1-web-6',
  ]);
  const progress = await (await stage.bulkhead.attach('scaleOut', id)).progress();
  expect(progress).toMatch(/^scaleOut of a1 is \*\*stuck\*\* in undo of launch: it is away for good\n/);
  expect(progress).toContain('It went back because: it is away for good');
  expect(progress).toContain('Left: server a1-web-5 (');

  // It holds its turn, and whoever asks is told why.
  const { turn, stuck: known } = await stage.bulkhead.status(vnf);
  expect(turn?.workflowId).toBe(id);
  expect(known).toEqual([expect.objectContaining({ workflowId: id, procedure: 'scaleOut', step: 'undo of launch' })]);
  const busy = await stage.bulkhead
    .scaleIn({ vnf, pool: 'web', to: 3, ifBusy: 'refuse' }, { workflowId: 'a1-other' })
    .catch((error: unknown) => error);
  expect(busy).toMatchObject({
    kind: 'Busy',
    message: expect.stringContaining('is stuck in undo of launch') as string,
  });

  // Still broken: it is stuck again.
  expect(await stage.bulkhead.retry(id)).toEqual({ step: 'undo of launch', answer: 'retry' });
  await until('it is stuck again', 20, async () => (await stage.bulkhead.run(id)).stuck?.retries === 1);
  broken = false;
  await stage.bulkhead.retry(id);
  expect(await ended).toMatchObject({ outcome: 'unwound', kind: 'CloudUnavailable' });
  const settled = await trial.settle({ faults: true });
  expect(settled).toMatchObject({ stuck: [], pools: { web: { level: 4 } } });
  expect(settled?.occurrences.at(-1)).toMatchObject({ outcome: 'unwound' });
  expect([trial.cloud.servers.size, trial.cloud.ports.size]).toEqual([4, 4]);
  await expect(stage.bulkhead.retry(id)).rejects.toMatchObject({ kind: 'InvalidRequest', outcome: 'refused' });
}, 90_000);

test('what the cloud has answered last is told, though no call could be begun any more when the time was over', async () => {
  const trial = await opened('o1');
  const { vnf } = trial;
  await trial.observer.addFault({
    kind: 'status',
    match: { method: 'DELETE', path: '/servers/' },
    times: 10_000,
    status: 503,
  });
  const { id, view, ended } = await stuck(
    trial,
    trial.run('scaleOut', { vnf, pool: 'web', to: 6 }, ({ key }) => (key === 'awaitHealthy#1' ? 'fails' : undefined)),
  );
  expect(view.stuck.error).toMatchObject({
    kind: 'CloudUnavailable',
    message: expect.stringMatching(/^DELETE http:.*\/servers\/[-0-9a-f]+: 503 /) as string,
    details: {
      service: 'compute',
      method: 'DELETE',
      url: expect.stringContaining('/servers/') as string,
      status: 503,
      requestId: expect.stringMatching(/^req-/) as string,
    },
  });
  expect((await stage.bulkhead.status(vnf)).stuck[0]?.message).toMatch(/^DELETE http:.*: 503 /);
  await trial.observer.clearFaults();
  await stage.bulkhead.retry(id);
  expect((await ended).outcome).toBe('unwound');
  await trial.settle({ faults: true });
}, 90_000);

test('a skip is refused with what is there still, and taken when somebody has cleaned by hand', async () => {
  const trial = await opened('b1');
  const { id, ended } = await stuck(trial, goingBack(trial, always));
  await expect(stage.bulkhead.skip(id)).rejects.toMatchObject({
    kind: 'Stuck',
    outcome: 'refused',
    message: expect.stringContaining('server b1-web-5 (') as string,
    details: { left: [{ kind: 'server' }, { kind: 'server' }, { kind: 'port' }, { kind: 'port' }] },
  });
  expect((await stage.bulkhead.run(id)).stuck).toMatchObject({ step: 'undo of launch' });
  await cleanByHand(trial, await tokenOf(trial));
  expect(await stage.bulkhead.skip(id)).toEqual({ step: 'undo of launch', answer: 'skip' });
  expect(await ended).toMatchObject({ outcome: 'unwound', kind: 'CloudUnavailable' });
  expect((await trial.settle({ faults: true }))?.pools['web']?.level).toBe(4);
  // The ordinals that are gone are not used again.
  const again = await trial.run('scaleOut', { vnf: 'b1', pool: 'web', to: 5 });
  expect(again).toMatchObject({ outcome: 'completed', result: { launched: [{ name: 'b1-web-7' }] } });
  await trial.settle({ faults: true });
}, 90_000);

test('a skip of which the cloud cannot be asked is refused, and the run waits on', async () => {
  const trial = await opened('c1');
  let broken = true;
  const { id, ended } = await stuck(
    trial,
    trial.run('scaleOut', { vnf: 'c1', pool: 'web', to: 6 }, ({ key, name }) => {
      if (key === 'awaitHealthy#1' || (name === 'removeByToken' && broken)) return 'fails';
      return key === 'findLeft#2' ? 'fails' : undefined;
    }),
  );
  await cleanByHand(trial, await tokenOf(trial));
  await expect(stage.bulkhead.skip(id)).rejects.toMatchObject({
    kind: 'CloudUnavailable',
    message: expect.stringContaining('could not be looked at') as string,
  });
  expect((await stage.bulkhead.run(id)).stuck).not.toBeNull();
  broken = false;
  await stage.bulkhead.retry(id);
  expect((await ended).outcome).toBe('unwound');
  await trial.settle({ faults: true });
}, 90_000);

/** Each waits for a clean-up, which takes its time: side by side. */
const ends: readonly [how: string, name: string, play: (name: string) => Promise<void>][] = [
  ['it is Stuck, and so is whoever asks, until what is left is cleared', 'd1', toldToGiveUp],
  ['nobody has answered in time', 'h1', leftAlone],
  ['it was cancelled', 'i1', cancelled],
];

test('given up: Stuck, and the record cleans up behind it', async () => {
  const played = await Promise.allSettled(ends.map(([, name, play]) => play(name)));
  const failed = played.flatMap((each, at) =>
    each.status === 'rejected' ? [`${ends[at]?.[0] ?? ''}: ${String(each.reason)}`] : [],
  );
  expect(failed).toEqual([]);
}, 180_000);

async function toldToGiveUp(name: string): Promise<void> {
  const trial = await opened(name);
  const { vnf } = trial;
  await trial.observer.addFault({ kind: 'buildError', match: { namePrefix: `${vnf}-web-` }, times: 50 });
  await trial.observer.addFault({
    kind: 'status',
    match: { method: 'DELETE', path: '/servers/' },
    times: 10_000,
    status: 500,
  });
  const { id, ended } = await stuck(
    trial,
    trial.run('scaleOut', { vnf, pool: 'web', to: 6 }, ({ key }) => (key === 'remove#1' ? 'fails' : undefined)),
  );
  expect(await stage.bulkhead.giveUp(id)).toEqual({ step: 'undo of launch', answer: 'giveUp' });
  expect(await ended).toMatchObject({
    outcome: 'stuck',
    kind: 'Stuck',
    details: { vnf, step: 'undo of launch', error: { kind: 'CloudUnavailable' }, reason: { kind: 'CloudUnavailable' } },
  });
  await until(`${vnf} is blocked`, 120, async () => (await stage.bulkhead.status(vnf)).blocked !== null);
  expect(await trial.run('scaleOut', { vnf, pool: 'web', to: 5 })).toMatchObject({ outcome: 'refused', kind: 'Stuck' });
  await trial.observer.clearFaults();
  await stage.bulkhead.cleanUpAgain(vnf);
  expect((await trial.run('scaleOut', { vnf, pool: 'web', to: 5 })).outcome).toBe('completed');
  await trial.settle({ faults: true });
  expect([trial.cloud.servers.size, trial.cloud.ports.size]).toEqual([5, 5]);
}

async function leftAlone(name: string): Promise<void> {
  const trial = await opened(name, { stuckSeconds: 1 });
  const ended = await goingBack(trial, always);
  expect(ended).toMatchObject({
    outcome: 'stuck',
    kind: 'Stuck',
    message: expect.stringContaining('undo of launch') as string,
  });
  expect((await trial.settle({ faults: true }))?.pools['web']?.level).toBe(4);
  expect(trial.cloud.servers.size).toBe(4);
}

async function cancelled(name: string): Promise<void> {
  const trial = await opened(name);
  const { id, view, ended } = await stuck(trial, goingBack(trial, always));
  await (await stage.bulkhead.attach('scaleOut', id)).cancel();
  expect(await ended).toMatchObject({ outcome: 'stuck', kind: 'Stuck' });
  expect(Date.now()).toBeLessThan(Date.parse(view.stuck.until));
  await trial.settle({ faults: true });
}

test('what comes after the pivot and cannot be done is done when it is told to retry; a publication cannot be skipped', async () => {
  const trial = await opened('e1');
  let broken = true;
  const { id, view, ended } = await stuck(
    trial,
    trial.run('scaleOut', { vnf: 'e1', pool: 'web', to: 6 }, ({ name }) =>
      name === 'publish' && broken ? 'fails' : undefined,
    ),
  );
  expect(view.stuck).toMatchObject({ step: 'publish', reason: null, may: ['retry', 'giveUp'] });
  await expect(stage.bulkhead.skip(id)).rejects.toMatchObject({
    kind: 'InvalidRequest',
    message: expect.stringContaining('the cloud cannot tell') as string,
  });
  broken = false;
  await stage.bulkhead.retry(id);
  expect(await ended).toMatchObject({ outcome: 'completed', result: { levels: { web: { from: 4, to: 6 } } } });
  await trial.settle({ faults: true });
}, 90_000);

test('a debt that cannot be paid keeps nobody from the turn, and may be paid by hand', async () => {
  const trial = await opened('f1');
  const { vnf } = trial;
  const { id, view, ended } = await stuck(
    trial,
    trial.run('scaleIn', { vnf, pool: 'web', to: 3 }, ({ name }) => (name === 'remove' ? 'fails' : undefined)),
  );
  const member = view.stuck.left?.find(({ kind }) => kind === 'server');
  expect(view.stuck).toMatchObject({ step: 'drain and delete', may: ['retry', 'skip', 'giveUp'] });
  expect(view.stuck.left?.map(({ kind }) => kind).sort()).toEqual(['port', 'server']);
  const { turn, debts } = await stage.bulkhead.status(vnf);
  expect({ turn, debts: debts.length }).toEqual({ turn: null, debts: 1 });
  expect(await stage.bulkhead.heal({ vnf }, { workflowId: 'f1-other' })).toMatchObject({ outcome: 'completed' });
  // It does not drain them once more.
  await stage.bulkhead.retry(id);
  await until('it is stuck again', 20, async () => (await stage.bulkhead.run(id)).stuck?.retries === 1);
  expect(trial.calls().filter(({ name }) => name === 'drain')).toHaveLength(1);

  await expect(stage.bulkhead.skip(id)).rejects.toMatchObject({ kind: 'Stuck', details: { left: [member, {}] } });
  await nova.deleteServer(trial.session, member?.id ?? '');
  await until('the server is gone', 20, () => Promise.resolve(trial.cloud.servers.size === 3));
  for (const port of await neutron.listPorts(trial.session, {}))
    if (port.deviceId === '') await neutron.deletePort(trial.session, port.id);
  await stage.bulkhead.skip(id);
  expect(await ended).toMatchObject({ outcome: 'completed', result: { levels: { web: { from: 4, to: 3 } } } });
  expect((await trial.settle({ faults: true }))?.debts).toEqual([]);
}, 90_000);

test('of the dead that go first, neither commit nor removal is gone around', async () => {
  const trial = await opened('g1');
  await trial.observer.setServer('g1-web-2', { state: 'ERROR' });
  await trial.observer.setQuota({ resource: 'instances', limit: 4 });
  let broken = true;
  const { id, view, ended } = await stuck(
    trial,
    trial.run('heal', { vnf: 'g1' }, ({ name }) => (name === 'remove' && broken ? 'fails' : undefined)),
  );
  expect(view.stuck).toMatchObject({ step: 'removal of the dead', reason: null });
  broken = false;
  await stage.bulkhead.retry(id);
  expect(await ended).toMatchObject({ outcome: 'completed', result: { launched: [{ name: 'g1-web-5' }] } });
  await trial.settle({ faults: true });
}, 90_000);

test('a skip that is being looked at when the time is over counts', async () => {
  const trial = await opened('n1', { stuckSeconds: 5 });
  const { id, view, ended } = await stuck(trial, goingBack(trial, always));
  await cleanByHand(trial, await tokenOf(trial));
  // Each of two looks takes more than the half of what is left then.
  await trial.observer.addFault({ kind: 'delay', delayMs: 1_000, times: 10, match: { method: 'GET', path: '/ports' } });
  const overAt = Date.parse(view.stuck.until);
  await until('the time is nearly over', 10, () => Promise.resolve(Date.now() > overAt - 1_000));
  expect(await stage.bulkhead.skip(id)).toEqual({ step: 'undo of launch', answer: 'skip' });
  expect(Date.now()).toBeGreaterThan(overAt);
  expect((await ended).outcome).toBe('unwound');
  await trial.settle({ faults: true });
}, 90_000);

test('one that is cancelled, and then cannot go back, still waits for a person', async () => {
  const trial = await opened('j1');
  let broken = true;
  const run = trial.run('scaleOut', { vnf: 'j1', pool: 'web', to: 6 }, ({ key, name }) =>
    key === 'awaitHealthy#1' ? 'cancelled' : name === 'removeByToken' && broken ? 'fails' : undefined,
  );
  const { id, view, ended } = await stuck(trial, run);
  expect(view.stuck).toMatchObject({ step: 'undo of launch', reason: null });
  broken = false;
  await stage.bulkhead.retry(id);
  expect((await ended).outcome).toBe('cancelled');
  await trial.settle({ faults: true });
}, 90_000);

test('a run that is not stuck is told nothing', async () => {
  const trial = await opened('k1');
  const told: unknown[] = [];
  const asking = async (id: string): Promise<void> => {
    for (const tell of [stage.bulkhead.retry, stage.bulkhead.skip, stage.bulkhead.giveUp])
      told.push(await tell(id).catch((error: unknown) => error));
  };
  const ended = await trial.run('scaleOut', { vnf: 'k1', pool: 'web', to: 6 }, ({ key, workflowId }) => {
    if (key === 'launch#1') void asking(workflowId);
    return undefined;
  });
  expect(ended.outcome).toBe('completed');
  await until('all three are answered', 20, () => Promise.resolve(told.length === 3));
  for (const each of told) expect(each).toMatchObject({ kind: 'InvalidRequest', outcome: 'refused' });
  expect(String(told[0])).toContain('scaleOut of k1 is not stuck, so there is nothing to retry');
  await expect(stage.bulkhead.skip('nobody')).rejects.toMatchObject({
    kind: 'InvalidRequest',
    details: { workflowId: 'nobody' },
  });
  for (const id of ['nobody', 'vnf:k1'])
    await expect(stage.bulkhead.run(id)).rejects.toMatchObject({ kind: 'InvalidRequest', details: { workflowId: id } });
  await expect(stage.bulkhead.retry('vnf:k1')).rejects.toMatchObject({ kind: 'InvalidRequest' });
  await trial.settle();
}, 90_000);

test('who empties a host says that the part of a VNF is stuck, and whom to tell', async () => {
  const trial = await opened('l1');
  const { vnf } = trial;
  const host = (await stage.bulkhead.status(vnf)).pools['web']?.inService[0]?.host ?? '';
  let broken = true;
  const run = trial.run('evacuateHost', { hosts: [host], cause: 'maintenance' }, ({ name }) =>
    name === 'publish' && broken ? 'fails' : undefined,
  );
  const { id, ended } = await stuck(trial, run);
  expect(id).toMatch(/^evacuate:l1:/);
  const parent = trial.calls()[0]?.workflowId ?? '';
  await until('the parent knows', 20, async () => (await stage.bulkhead.run(parent)).stuckChildren.length > 0);
  expect(await stage.bulkhead.run(parent)).toMatchObject({
    stuck: null,
    stuckChildren: [{ vnf, workflowId: id, note: { step: 'publish', message: 'it is away for good' } }],
  });
  const progress = await (await stage.bulkhead.attach('evacuateHost', parent)).progress();
  expect(progress).toContain(`waits for l1, whose part is **stuck** in publish`);
  await expect(stage.bulkhead.retry(parent)).rejects.toMatchObject({
    kind: 'InvalidRequest',
    message: expect.stringContaining(`The run that is stuck is ${id}`) as string,
  });
  broken = false;
  await stage.bulkhead.retry(id);
  expect((await ended).outcome).toBe('completed');
  expect((await stage.bulkhead.run(parent)).stuckChildren).toEqual([]);
  await trial.settle({ faults: true });
}, 90_000);

test('a host that cannot be opened again is opened by hand', async () => {
  const trial = await opened('m1');
  const { vnf } = trial;
  const host = (await stage.bulkhead.status(vnf)).pools['web']?.inService[0]?.host ?? '';
  const run = trial.run('evacuateHost', { hosts: [host], cause: 'maintenance' }, ({ key, name }) =>
    key === 'awaitHealthy#1' || name === 'reopenHosts' ? 'fails' : undefined,
  );
  await until('it is stuck', 60, async () => {
    const [first] = trial.calls();
    const view = first && (await stage.bulkhead.run(first.workflowId).catch(() => null));
    return view?.stuck?.left?.[0]?.kind === 'closedHost';
  });
  const id = trial.calls()[0]?.workflowId ?? '';
  await expect(stage.bulkhead.skip(id)).rejects.toMatchObject({
    kind: 'Stuck',
    message: expect.stringContaining(`closed host ${host}`) as string,
  });
  const cloudHost = trial.cloud.hosts.get(host);
  if (cloudHost) emitHost(trial.cloud, Object.assign(cloudHost, { enabled: true }), null);
  await stage.bulkhead.skip(id);
  expect((await run).outcome).toBe('unwound');
  await trial.settle({ faults: true });
}, 90_000);

describe('from the command line', () => {
  function bulkhead(...args: string[]): Promise<Finished> {
    return runToEnd('scripts/programs/cli/main.js', args, { env: { TEMPORAL_ADDRESS: stage.address } });
  }

  /** What docs/stuck.md says to type to the Temporal CLI, of this run. Its standard output. */
  async function asDocumented(command: RegExp, id: string): Promise<string> {
    const [said] = command.exec(readFileSync(join(root, 'docs/stuck.md'), 'utf8')) ?? [];
    if (said === undefined) throw new Error(`docs/stuck.md has no ${String(command)}`);
    const path = [dirname(stage.temporalProgram), process.env['PATH']].join(delimiter);
    const env = { ...process.env, PATH: path, TEMPORAL_ADDRESS: stage.address };
    return (await promisify(execFile)('sh', ['-c', said.replaceAll('order-1', id)], { env })).stdout;
  }

  test('a run says that it is stuck, is told to retry, and by the Temporal CLI alone once more', async () => {
    const trial = await opened('p1');
    let broken = true;
    const { id, ended } = await stuck(
      trial,
      goingBack(trial, () => broken),
    );
    const { code, stdout } = await bulkhead('run', id);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^scaleOut of p1: STUCK in undo of launch, until \d{4}-/);
    expect(stdout).toContain('\nwhy it cannot: CloudUnavailable: it is away for good\n');
    expect(stdout).toMatch(/\nleft: .*server p1-web-5 \(/);
    expect(stdout).toContain(`bulkhead retry ${id}`);
    expect((await bulkhead('status', 'p1')).stdout).toMatch(new RegExp(`^STUCK: .*${id}`, 'm'));

    const refused = await bulkhead('skip', id);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(/^bulkhead: refused, Stuck: .*server p1-web-5 \(/);

    expect(await bulkhead('retry', id)).toEqual({ code: 0, stdout: `${id}: retry of undo of launch\n`, stderr: '' });
    await until('it is stuck again', 20, async () => (await stage.bulkhead.run(id)).stuck?.retries === 1);
    broken = false;
    await until('the list has it', 20, async () =>
      (await asDocumented(/temporal workflow list --query "Phase = 'stuck'"/, id)).includes(id),
    );
    expect(await asDocumented(/temporal workflow query --workflow-id order-1 .*?json/, id)).toContain('undo of launch');
    expect(await asDocumented(/^temporal workflow update execute .*$/m, id)).toContain('retry');
    expect(await ended).toMatchObject({ outcome: 'unwound', kind: 'CloudUnavailable' });
    expect((await trial.settle({ faults: true }))?.pools['web']?.level).toBe(4);
    expect((await bulkhead('run', id)).stdout).toMatch(/^scaleOut of p1: ended, unwound, CloudUnavailable: /);
  }, 90_000);

  test('one that is given up ends as Stuck, and the record cleans up behind it', async () => {
    const trial = await opened('q1');
    const { id, ended } = await stuck(trial, goingBack(trial, always));
    const { code, stdout } = await bulkhead('give-up', id, '--json');
    expect({ code, told: JSON.parse(stdout) as unknown }).toEqual({
      code: 0,
      told: { step: 'undo of launch', answer: 'giveUp' },
    });
    expect(await ended).toMatchObject({ outcome: 'stuck', kind: 'Stuck' });
    expect((await trial.settle({ faults: true }))?.pools['web']?.level).toBe(4);
    expect(trial.cloud.servers.size).toBe(4);
  }, 90_000);
});
