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

/** Events of a run's history at which something is done to it: from just started to just before its end. */
const moments = [4, 9, 14, 19, 24, 30, 36];

const procedures: readonly { procedure: Procedure; input: (vnf: string, anyOf: string) => Record<string, unknown> }[] =
  [
    { procedure: 'instantiate', input: (vnf) => ({ vnf, descriptor: small }) },
    { procedure: 'scaleOut', input: (vnf) => ({ vnf, pool: 'web', to: 6 }) },
    { procedure: 'scaleIn', input: (vnf) => ({ vnf, pool: 'web', to: 3 }) },
    { procedure: 'heal', input: (vnf, member) => ({ vnf, members: [member] }) },
    { procedure: 'terminate', input: (vnf) => ({ vnf }) },
  ];

let world: World;
let count = 0;

beforeAll(async () => {
  // Hosts enough that VNFs which are planned at the same moment do not take each other's room.
  world = await startWorld({ hosts: 'mz=120,dmz=4' });
}, 120_000);

afterAll(async () => {
  await world.stop();
}, 60_000);

function newName(): string {
  count += 1;
  return `v${String(count)}`;
}

/** By VNF, the name of a member that it ended up with. */
async function instantiated(names: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const members = await Promise.all(
    names.map(async (vnf): Promise<[string, string]> => {
      expect(await world.run('instantiate', { vnf, descriptor: small })).toMatchObject({ outcome: 'completed' });
      const ordinal = (await world.settle(vnf))?.pools['web']?.inService[0]?.ordinal ?? 0;
      return [vnf, `${vnf}-web-${String(ordinal)}`];
    }),
  );
  return new Map(members);
}

/** Terminated VNFs leave an empty cloud, and room for the next test. */
async function cleared(names: readonly string[]): Promise<void> {
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
  readonly procedure: Procedure;
  readonly struck: boolean;
  readonly ended: Ended;
}

/** Every procedure, each at every moment, each on a VNF of its own, all at once. `strike` says whether it struck. */
async function struckEverywhere(
  strike: (begun: Begun) => Promise<boolean>,
): Promise<{ names: string[]; ended: Struck[] }> {
  const cases = procedures.flatMap((each) => moments.map((events) => ({ ...each, events, vnf: newName() })));
  const members = await instantiated(
    cases.filter(({ procedure }) => procedure !== 'instantiate').map(({ vnf }) => vnf),
  );
  const ended = await Promise.all(
    cases.map(async ({ procedure, input, events, vnf }) => {
      const begun = await world.begin(procedure, input(vnf, members.get(vnf) ?? ''));
      const struck = (await reaches(begun.handle, events)) === 'reached' && (await strike(begun));
      return { procedure, struck, ended: await begun.end() };
    }),
  );
  for (const { procedure } of procedures) {
    expect(ended.filter((each) => each.procedure === procedure && each.struck).length).toBeGreaterThanOrEqual(3);
  }
  return { names: cases.map(({ vnf }) => vnf), ended };
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
  const cases = procedures.slice(0, 4).map((each) => ({ ...each, vnf: newName() }));
  const members = await instantiated(cases.slice(1).map(({ vnf }) => vnf));
  const begun = await Promise.all(
    cases.map(({ procedure, input, vnf }) => world.begin(procedure, input(vnf, members.get(vnf) ?? ''))),
  );
  // Three times, wherever they are by then.
  for (const events of [8, 16, 24]) {
    for (const { handle } of begun.slice(0, 1)) await reaches(handle, events);
    world.stack.workers.at(-1)?.kill('SIGKILL');
    await world.stack.startWorker();
  }
  for (const each of begun) expect((await each.end()).outcome).toBe('completed');
  await cleared(cases.map(({ vnf }) => vnf));
}, 240_000);

test('a worker stopped past its time-outs and resumed makes nothing twice', async () => {
  const names = [newName(), newName(), newName()];
  await instantiated(names);
  const stopped = world.stack.workers.at(-1);
  const before = await world.stack.observer.lastSeq();
  const begun = await Promise.all(names.map((vnf) => world.begin('scaleOut', { vnf, pool: 'web', to: 9 })));
  const sinceThen = async (type: string): Promise<number> =>
    (await world.stack.observer.log()).filter((event) => event.seq > before && event.type === type).length;
  await until('a launch is under way', 30, async () => (await sinceThen('port.created')) > 0);
  stopped?.kill('SIGSTOP');
  await world.stack.startWorker();
  // What it was doing is begun again by the other: an activity is at its second attempt.
  await until('an activity has run out of time', 60, async () => {
    const described = await Promise.all(begun.map((each) => each.handle.describe()));
    const again = described.some(({ raw }) => (raw.pendingActivities ?? []).some((each) => (each.attempt ?? 1) > 1));
    return again || described.every(({ status }) => status.name !== 'RUNNING');
  });
  stopped?.kill('SIGCONT');
  for (const each of begun) expect((await each.end()).outcome).toBe('completed');
  await cleared(names);
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
