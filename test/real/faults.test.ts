import {
  expectHeld,
  reaches,
  small,
  startWorld,
  until,
  type Begun,
  type Ended,
  type Procedure,
  type World,
} from './world';

/**
 * A real Temporal server, real worker processes, and what goes wrong at night: runs terminated, reset and cancelled at every
 * stage, workers killed and stopped. Whatever happens, the cloud ends as the record says (G4), and no guarantee breaks.
 */

/**
 * Events of a run's history at which something is done to it: from just started to just before its end. All of them are tried on a
 * virtual clock (./scripts/faults); here a real server is seen to agree.
 */
const moments = [4, 14, 24, 36];

/** What a procedure is given: the VNF, one of its members and that member's host, which no other VNF is on. */
interface Victim {
  readonly vnf: string;
  readonly member: string;
  readonly host: string;
}

interface Case {
  readonly what: string;
  readonly procedure: Procedure;
  readonly input: (victim: Victim) => Record<string, unknown>;
  /** What befalls it before. */
  readonly before?: (victim: Victim) => Promise<void>;
}

const cases: readonly Case[] = [
  { what: 'instantiate', procedure: 'instantiate', input: ({ vnf }) => ({ vnf, descriptor: small }) },
  { what: 'scaleOut', procedure: 'scaleOut', input: ({ vnf }) => ({ vnf, pool: 'web', to: 6 }) },
  { what: 'scaleIn', procedure: 'scaleIn', input: ({ vnf }) => ({ vnf, pool: 'web', to: 3 }) },
  { what: 'heal', procedure: 'heal', input: ({ vnf, member }) => ({ vnf, members: [member] }) },
  {
    what: 'evacuateHost for maintenance',
    procedure: 'evacuateHost',
    input: ({ host }) => ({ hosts: [host], cause: 'maintenance' }),
  },
  {
    what: 'evacuateHost of a dead host',
    procedure: 'evacuateHost',
    before: ({ host }) => world.stack.observer.setHost(host, { alive: false }),
    input: ({ host }) => ({ hosts: [host], cause: 'failed', fenced: true }),
  },
  { what: 'terminate', procedure: 'terminate', input: ({ vnf }) => ({ vnf }) },
];

let world: World;
let count = 0;

beforeAll(async () => {
  // Hosts enough that VNFs which are planned at the same moment do not take each other's room, and that many may be closed.
  world = await startWorld({ hosts: 'mz=240,dmz=4' });
}, 120_000);

afterAll(async () => {
  await world.stop();
}, 60_000);

function newName(): string {
  count += 1;
  return `v${String(count)}`;
}

/** A VNF for each name, and of each a member on a host that no other VNF is on, or that no other is to lose. */
async function instantiated(names: readonly string[]): Promise<ReadonlyMap<string, Victim>> {
  const members = await Promise.all(
    names.map(async (vnf) => {
      const ended = await world.run('instantiate', { vnf, descriptor: small });
      if (ended.outcome !== 'completed') throw new Error(`${vnf} did not come up: ${JSON.stringify(ended)}`);
      return { vnf, serving: (await world.settle(vnf))?.pools['web']?.inService ?? [] };
    }),
  );
  const vnfsOn = new Map<string, Set<string>>();
  for (const { vnf, serving } of members)
    for (const { host } of serving) vnfsOn.set(host, (vnfsOn.get(host) ?? new Set()).add(vnf));
  const lost = new Set<string>();
  return new Map(
    members.map(({ vnf, serving }) => {
      const free = serving.filter(({ host }) => !lost.has(host));
      const own = free.find(({ host }) => vnfsOn.get(host)?.size === 1) ?? free[0];
      if (own) lost.add(own.host);
      return [vnf, { vnf, member: `${vnf}-web-${String(own?.ordinal ?? 0)}`, host: own?.host ?? '' }];
    }),
  );
}

/** What evacuateHost began for each VNF goes on without it, and is waited for. */
async function childrenEnded(): Promise<void> {
  await until('no child is at work', 60, async () => {
    const running = world.client.workflow.list({
      query: `WorkflowType IN ('evacuateVnf', 'hostMutex') AND ExecutionStatus = 'Running'`,
    });
    for await (const _each of running) return false;
    return true;
  });
}

/** Terminated VNFs leave an empty cloud, and room for the next test. */
async function cleared(names: readonly string[]): Promise<void> {
  await childrenEnded();
  await Promise.all(
    names.map(async (vnf) => {
      if ((await world.settle(vnf)) === null) return;
      expect((await world.run('terminate', { vnf })).outcome).toBe('completed');
      expect(await world.settle(vnf)).toBeNull();
    }),
  );
  expectHeld(await world.verdict());
}

interface Struck {
  readonly what: string;
  readonly struck: boolean;
  readonly ended: Ended;
}

/** Each of them on a VNF of its own. */
async function readied<T extends { readonly each: Case }>(
  several: readonly T[],
): Promise<readonly (T & { readonly victim: Victim })[]> {
  const wanted = several.map((one) => ({ ...one, vnf: newName() }));
  const there = wanted.filter(({ each }) => each.procedure !== 'instantiate').map(({ vnf }) => vnf);
  const victims = await instantiated(there);
  return await Promise.all(
    wanted.map(async (one) => {
      const { vnf, each } = one;
      const victim = victims.get(vnf) ?? { vnf, member: '', host: '' };
      await each.before?.(victim);
      return { ...one, victim };
    }),
  );
}

/** Of the four moments the last may be after the end of a run. */
const struckLeast = 3;

/**
 * Every procedure, each at every moment, each on a VNF of its own, all at once. `strike` says whether it struck: on a slow machine a run may
 * have ended before it is seen at its moment, and is asked for again then.
 */
async function struckEverywhere(
  strike: (begun: Begun) => Promise<boolean>,
): Promise<{ names: string[]; ended: Struck[] }> {
  const names: string[] = [];
  const ended: (Struck & { readonly at: number })[] = [];
  const isStruck = ({ what }: Case, at: number): boolean =>
    ended.some((one) => one.what === what && one.at === at && one.struck);
  const lacking = (): { each: Case; at: number }[] =>
    cases.flatMap((each) => {
      const left = moments.filter((at) => !isStruck(each, at));
      return moments.length - left.length < struckLeast ? left.map((at) => ({ each, at })) : [];
    });
  for (let tries = 0; tries < 4 && lacking().length > 0; tries++) {
    // Those before have left the hosts that the next ones lose.
    if (tries > 0) await cleared(names);
    const ready = await readied(lacking());
    names.push(...ready.map(({ victim }) => victim.vnf));
    const these = await Promise.all(
      ready.map(async ({ at, each: { what, procedure, input }, victim }) => {
        const begun = await world.begin(procedure, input(victim));
        const struck = (await reaches(begun.handle, at)) === 'reached' && (await strike(begun));
        return { what, at, struck, ended: await begun.end() };
      }),
    );
    ended.push(...these);
  }
  expect(lacking().map(({ each: { what }, at }) => ({ what, at }))).toEqual([]);
  return { names, ended };
}

/** With all that is known of those that ended otherwise. */
function expectEnds(ended: readonly Struck[], allowed: readonly string[]): void {
  expect(ended.filter((each) => !allowed.includes(each.ended.outcome))).toEqual([]);
}

test('runs terminated at any moment leave the cloud as the record says', async () => {
  const { names, ended } = await struckEverywhere(({ handle }) =>
    handle.terminate('by a test').then(
      () => true,
      () => false,
    ),
  );
  expectEnds(ended, ['vanished', 'completed']);
  await cleared(names);
}, 240_000);

test('runs reset at any moment never use the old turn again', async () => {
  const { names, ended } = await struckEverywhere(({ handle }) =>
    world
      .temporal(
        'workflow',
        'reset',
        '--workflow-id',
        handle.workflowId,
        '--type',
        'LastWorkflowTask',
        '--reason',
        'by a test',
      )
      .then(
        () => true,
        () => false,
      ),
  );
  // The run that the reset makes has no turn and says so, unless it was reset to before it had asked for one.
  expectEnds(ended, ['completed', 'stuck', 'refused']);
  expect(ended.some((each) => each.ended.kind === 'TurnLost')).toBe(true);
  await cleared(names);
}, 240_000);

test('a run that is reset to when it got the turn, and cancelled, does not end the turn of the run before', async () => {
  const vnf = newName();
  await instantiated([vnf]);
  const before = await world.stack.observer.lastSeq();
  const { handle, end } = await world.begin('scaleOut', { vnf, pool: 'web', to: 6 });
  await until('servers are being made', 30, async () => {
    const log = await world.stack.observer.log();
    return log.some((event) => event.seq > before && event.type === 'server.created');
  });
  // With nobody at work, the new run acts before anybody sees that the old one is gone.
  world.stack.workers.at(-1)?.kill('SIGKILL');
  await world.temporal(
    ...['workflow', 'reset', '--workflow-id', handle.workflowId, '--reason', 'by a test'],
    ...['--event-id', await decisionAfterGrant(handle)],
  );
  await world.client.workflow.getHandle(handle.workflowId).cancel();
  await world.stack.startWorker();
  expect((await end()).outcome).toBe('cancelled');
  // The record has seen since that its holder is gone, and has removed what that had launched.
  await world.settle(vnf);
  expectHeld(await world.verdict());
  await cleared([vnf]);
}, 120_000);

/** The event at which the run had been told of its turn, and had done nothing with it. */
async function decisionAfterGrant(handle: Begun['handle']): Promise<string> {
  const events = (await handle.fetchHistory()).events ?? [];
  const granted = events.findIndex((event) => event.workflowExecutionSignaledEventAttributes?.signalName === 'granted');
  const completed = events.slice(granted).find((event) => event.workflowTaskCompletedEventAttributes);
  if (granted < 0 || !completed) throw new Error(`${handle.workflowId} has not got the turn`);
  return String(completed.eventId);
}

test('runs cancelled at any moment go back before the pivot and forward after it', async () => {
  const { names, ended } = await struckEverywhere(async ({ handle }) => {
    await handle.cancel();
    return true;
  });
  expectEnds(ended, ['cancelled', 'completed']);
  expect(ended.some((each) => each.ended.outcome === 'cancelled')).toBe(true);
  await cleared(names);
}, 240_000);

test('a worker killed at any moment is replaced, and every run goes on', async () => {
  const ready = await readied(cases.map((each) => ({ each })));
  const begun = await Promise.all(ready.map(({ each, victim }) => world.begin(each.procedure, each.input(victim))));
  // Three times, wherever they are by then. A kill when nobody is at work would show nothing.
  const atWork: number[] = [];
  for (const events of [8, 16, 24]) {
    const reached = await Promise.all(begun.slice(0, 1).map(({ handle }) => reaches(handle, events)));
    expect([events, ...reached]).toEqual([events, 'reached']);
    const described = await Promise.all(begun.map(({ handle }) => handle.describe()));
    world.stack.workers.at(-1)?.kill('SIGKILL');
    atWork.push(described.filter(({ status }) => status.name === 'RUNNING').length);
    await world.stack.startWorker();
  }
  expect(atWork.reduce((all, many) => all + many, 0)).toBeGreaterThanOrEqual(10);
  for (const each of begun) expect(await each.end()).toMatchObject({ outcome: 'completed' });
  await cleared(ready.map(({ victim }) => victim.vnf));
}, 240_000);

test('a worker stopped past its time-outs and resumed makes nothing twice', async () => {
  const ready = await readied([...cases, ...cases].map((each) => ({ each })));
  const stopped = world.stack.workers.at(-1);
  const before = await world.stack.observer.lastSeq();
  const begun = await Promise.all(ready.map(({ each, victim }) => world.begin(each.procedure, each.input(victim))));
  const sinceThen = async (type: string): Promise<number> =>
    (await world.stack.observer.log()).filter((event) => event.seq > before && event.type === type).length;
  await until('launches and deletions are under way', 30, async () => (await sinceThen('port.created')) > 0);
  stopped?.kill('SIGSTOP');
  await world.stack.startWorker();
  // What it was doing is begun again by the other: an activity is at its second attempt.
  let again = 0;
  await until('an activity has run out of time', 60, async () => {
    const described = await Promise.all(begun.map((each) => each.handle.describe()));
    again = described
      .flatMap(({ raw }) => raw.pendingActivities ?? [])
      .filter((each) => (each.attempt ?? 1) > 1).length;
    return again > 0 || described.every(({ status }) => status.name !== 'RUNNING');
  });
  expect(again).toBeGreaterThan(0);
  stopped?.kill('SIGCONT');
  for (const each of begun) expect(await each.end()).toMatchObject({ outcome: 'completed' });
  await cleared(ready.map(({ victim }) => victim.vnf));
}, 240_000);

test('ten callers at once on one VNF are served one at a time', async () => {
  const vnf = newName();
  await instantiated([vnf]);
  const targets = [5, 6, 7, 8, 9, 10, 11, 12, 13, 14];
  const ended = await Promise.all(targets.map(async (to) => world.run('scaleOut', { vnf, pool: 'web', to })));
  const view = await world.settle(vnf);
  expect(view?.pools['web']?.level).toBe(14);
  // Those that came too late find the level reached, and are told.
  for (const each of ended) expect(each.outcome === 'completed' || each.kind === 'InvalidRequest').toBe(true);
  expect(ended.filter((each) => each.outcome === 'completed').length).toBeGreaterThanOrEqual(1);
  await cleared([vnf]);
}, 120_000);
