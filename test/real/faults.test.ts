import { expectHeld, reaches, small, startWorld, until, type Ended, type Procedure, type World } from './world';

/**
 * A real Temporal server, real worker processes, and what goes wrong at night: runs terminated, reset and cancelled at every
 * stage, workers killed and stopped. Whatever happens, the cloud ends as the record says (G4), and no guarantee breaks.
 */

/** Events of a run's history at which something is done to it: from just started to just before its end. */
const moments = [4, 8, 12, 16, 20, 26, 32, 40];

const procedures: readonly { procedure: Procedure; input: (vnf: string) => Record<string, unknown> }[] = [
  { procedure: 'scaleOut', input: (vnf) => ({ vnf, pool: 'web', to: 6 }) },
  { procedure: 'scaleIn', input: (vnf) => ({ vnf, pool: 'web', to: 3 }) },
  { procedure: 'heal', input: (vnf) => ({ vnf, members: [`${vnf}-web-1`] }) },
  { procedure: 'terminate', input: (vnf) => ({ vnf }) },
];

let world: World;
let count = 0;

beforeAll(async () => {
  world = await startWorld();
}, 120_000);

afterAll(async () => {
  await world.stop();
}, 60_000);

afterEach(async () => {
  expectHeld(await world.verdict());
});

function newName(): string {
  count += 1;
  return `v${String(count)}`;
}

async function instantiated(many: number): Promise<string[]> {
  const names = Array.from({ length: many }, newName);
  await Promise.all(
    names.map(async (vnf) => {
      expect((await world.run('instantiate', { vnf, descriptor: small })).outcome).toBe('completed');
      await world.settle(vnf);
    }),
  );
  return names;
}

/** Terminated VNFs leave room for the next test. */
async function cleared(names: readonly string[]): Promise<void> {
  await Promise.all(
    names.map(async (vnf) => {
      if ((await world.settle(vnf)) === null) return;
      expect((await world.run('terminate', { vnf })).outcome).toBe('completed');
      expect(await world.settle(vnf)).toBeNull();
    }),
  );
}

describe.each(procedures)('$procedure', ({ procedure, input }) => {
  test('terminated at any moment, leaves the cloud as the record says', async () => {
    const names = await instantiated(moments.length);
    const struck = await Promise.all(
      names.map(async (vnf, index) => {
        const { handle, end } = await world.begin(procedure, input(vnf));
        const reached = await reaches(handle, moments[index] ?? 4);
        if (reached === 'reached') await handle.terminate('by a test').catch(() => undefined);
        return await end();
      }),
    );
    await Promise.all(names.map((vnf) => world.settle(vnf)));
    expect(struck.filter((each) => each.outcome === 'vanished').length).toBeGreaterThanOrEqual(3);
    await cleared(names);
  }, 180_000);

  test('reset at any moment, the old token is never used again', async () => {
    const names = await instantiated(moments.length);
    const ended = await Promise.all(
      names.map((vnf, index) => resetAt(world, { procedure, input: input(vnf), events: moments[index] ?? 4 })),
    );
    await Promise.all(names.map((vnf) => world.settle(vnf)));
    expect(ended.filter((each) => each.reset).length).toBeGreaterThanOrEqual(3);
    await cleared(names);
  }, 180_000);

  test('cancelled at any moment, goes back before the pivot and forward after it', async () => {
    const names = await instantiated(moments.length);
    const ended = await Promise.all(
      names.map(async (vnf, index) => {
        const { handle, end } = await world.begin(procedure, input(vnf));
        if ((await reaches(handle, moments[index] ?? 4)) === 'reached') await handle.cancel();
        return await end();
      }),
    );
    for (const each of ended) expect(['cancelled', 'completed', 'unwound']).toContain(each.outcome);
    await cleared(names);
  }, 180_000);
});

/** The old run closes as terminated; a new run of the same id goes on from its last workflow task. */
async function resetAt(
  at: World,
  given: { procedure: Procedure; input: Record<string, unknown>; events: number },
): Promise<{ reset: boolean; ended: Ended }> {
  const { handle, end } = await at.begin(given.procedure, given.input);
  const reached = await reaches(handle, given.events);
  let reset = false;
  if (reached === 'reached') {
    reset = await at
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
      );
  }
  return { reset, ended: await end() };
}

test('a worker killed at any moment is replaced, and every run goes on', async () => {
  const names = await instantiated(6);
  const begun = await Promise.all(
    names.map((vnf, index) => {
      const { procedure, input } = procedures[index % 3] ?? { procedure: 'scaleOut' as const, input: () => ({}) };
      return world.begin(procedure, input(vnf));
    }),
  );
  const [first] = begun;
  if (first) await reaches(first.handle, 14);
  world.stack.workers.at(-1)?.kill('SIGKILL');
  await world.stack.startWorker();
  for (const ended of await Promise.all(begun.map((each) => each.end()))) expect(ended.outcome).toBe('completed');
  await cleared(names);
}, 240_000);

test('a worker stopped past its time-outs and resumed makes nothing twice', async () => {
  const names = await instantiated(4);
  const worker = world.stack.workers.at(-1);
  const before = (await world.stack.observer.log()).length;
  const begun = await Promise.all(names.map((vnf) => world.begin('scaleOut', { vnf, pool: 'web', to: 9 })));
  await until('a create is under way', 30, async () =>
    (await world.stack.observer.log()).slice(before).some((event) => event.type === 'port.created'),
  );
  worker?.kill('SIGSTOP');
  await world.stack.startWorker();
  // Its activities run out of time, and are done again by the other.
  const ended = Promise.all(begun.map((each) => each.end()));
  await ended;
  worker?.kill('SIGCONT');
  for (const each of await ended) expect(each.outcome).toBe('completed');
  await cleared(names);
}, 240_000);

test('ten callers at once on one VNF are served in order, one at a time', async () => {
  const [vnf = ''] = await instantiated(1);
  const targets = [5, 6, 7, 8, 9, 10, 11, 12, 13, 14];
  const ended = await Promise.all(targets.map(async (to) => world.run('scaleOut', { vnf, pool: 'web', to })));
  const view = await world.settle(vnf);
  expect(view?.pools['web']?.level).toBe(14);
  // Those that came too late find the level reached, and are told.
  for (const each of ended) expect(each.outcome === 'completed' || each.kind === 'InvalidRequest').toBe(true);
  expect(ended.some((each) => each.outcome === 'completed')).toBe(true);
  await cleared([vnf]);
}, 180_000);
