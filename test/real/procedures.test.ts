import { expectHeld, small, startWorld, type World } from './world';

/** Each procedure started by the Temporal CLI alone, its outcome read there, and input that is no input refused at once. */

let world: World;

beforeAll(async () => {
  world = await startWorld();
}, 120_000);

afterAll(async () => {
  await world.stop();
}, 60_000);

interface Shown {
  readonly status: string;
  readonly result?: { readonly outcome?: string };
}

async function execute(type: string, input: unknown): Promise<Shown> {
  const shown = await world
    .temporal('workflow', 'execute', '--type', type, '--task-queue', 'bulkhead', '--input', JSON.stringify(input))
    // A run that failed makes the CLI exit with 1; what it printed is in the error.
    .catch((error: unknown) => JSON.parse((error as { stdout: string }).stdout) as unknown);
  return shown as Shown;
}

test('every procedure runs from the Temporal CLI', async () => {
  const steps: readonly [type: string, input: unknown][] = [
    ['instantiate', { vnf: 'ims1', descriptor: 'clearwater' }],
    ['scaleOut', { vnf: 'ims1', pool: 'sprout', to: 9 }],
    ['scaleIn', { vnf: 'ims1', pool: 'sprout', to: 6 }],
    ['heal', { vnf: 'ims1', members: ['ims1-sprout-2'] }],
    ['evacuateHost', { hosts: ['cmp-01'], cause: 'failed' }],
    ['evacuateHost', { hosts: ['dmz-01'], cause: 'maintenance' }],
    ['scaleOut', { vnf: 'ims1', pool: 'vellum', to: 5 }],
    ['terminate', { vnf: 'ims1' }],
  ];
  for (const [type, input] of steps) {
    const shown = await execute(type, input);
    expect({ type, status: shown.status, outcome: shown.result?.outcome }).toEqual({
      type,
      status: 'COMPLETED',
      outcome: 'completed',
    });
  }
  const left = (await world.stack.observer.log()).reduce(
    (count, event) => count + (event.type === 'server.created' ? 1 : event.type === 'server.deleted' ? -1 : 0),
    0,
  );
  expect(left).toBe(0);
}, 240_000);

describe('input that is no input', () => {
  beforeAll(async () => {
    expect((await world.run('instantiate', { vnf: 'web1', descriptor: small })).outcome).toBe('completed');
    await world.settle('web1');
  }, 60_000);

  const bad: readonly [
    what: string,
    procedure: Parameters<World['run']>[0],
    input: Record<string, unknown>,
    kind: string,
  ][] = [
    ['a missing field', 'scaleOut', { vnf: 'web1', pool: 'web' }, 'InvalidRequest'],
    ['a wrong type', 'scaleOut', { vnf: 'web1', pool: 'web', to: 'many' }, 'InvalidRequest'],
    ['an unknown key', 'scaleOut', { vnf: 'web1', pool: 'web', to: 6, level: 6 }, 'InvalidRequest'],
    ['an unknown VNF', 'scaleOut', { vnf: 'nobody', pool: 'web', to: 6 }, 'UnknownVnf'],
    ['an unknown VNF to terminate', 'terminate', { vnf: 'nobody' }, 'UnknownVnf'],
    ['an unknown pool', 'scaleOut', { vnf: 'web1', pool: 'bono', to: 6 }, 'InvalidRequest'],
    ['level 0', 'scaleIn', { vnf: 'web1', pool: 'web', to: 0 }, 'InvalidRequest'],
    ['a level over max', 'scaleOut', { vnf: 'web1', pool: 'web', to: 31 }, 'InvalidRequest'],
    ['a level that it has', 'scaleOut', { vnf: 'web1', pool: 'web', to: 4 }, 'InvalidRequest'],
    ['a member of nobody', 'heal', { vnf: 'web1', members: ['web1-web-99'] }, 'InvalidRequest'],
    ['a host that does not exist', 'evacuateHost', { hosts: ['cmp-99'], cause: 'maintenance' }, 'InvalidRequest'],
    ['no hosts', 'evacuateHost', { hosts: [], cause: 'failed' }, 'InvalidRequest'],
    ['a descriptor of that name', 'instantiate', { vnf: 'web2', descriptor: '../etc/passwd' }, 'InvalidRequest'],
    [
      'a descriptor that contradicts itself',
      'instantiate',
      { vnf: 'web2', descriptor: { ...small, pools: [{ ...small.pools[0], spare: 9 }] } },
      'InvalidRequest',
    ],
    ['a VNF that exists', 'instantiate', { vnf: 'web1', descriptor: small }, 'AlreadyExists'],
    ['a name that is no name', 'instantiate', { vnf: 'Not A Name', descriptor: small }, 'InvalidRequest'],
  ];

  test.each(bad)('%s is refused at once, and leaves no trace', async (_what, procedure, input, kind) => {
    const before = (await world.stack.observer.log()).filter((event) => event.type !== 'note').length;
    const ended = await world.run(procedure, input);
    expect({ outcome: ended.outcome, kind: ended.kind }).toEqual({ outcome: 'refused', kind });
    expect(ended.message?.length).toBeGreaterThan(20);
    const after = (await world.stack.observer.log()).filter((event) => event.type !== 'note').length;
    expect(after).toBe(before);
  });

  test('a reserved workflow id is refused', async () => {
    const begun = await world.begin('scaleOut', { vnf: 'web1', pool: 'web', to: 6 }, { workflowId: 'vnf:trick' });
    expect((await begun.end()).kind).toBe('InvalidRequest');
  });

  test('null input is refused', async () => {
    const handle = await world.client.workflow.start('scaleOut', {
      taskQueue: 'bulkhead',
      workflowId: 'no-input',
      args: [],
    });
    await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'InvalidRequest' } });
  });

  test('signals that are no messages are dropped and counted', async () => {
    const record = world.client.workflow.getHandle('vnf:web1');
    await record.signal('ask', { nonsense: true });
    await record.signal('commit');
    await record.signal('whatever', 7);
    const view = await world.bulkhead.status('web1');
    expect(view.dropped).toBe(3);
    expect(view.turn).toBeNull();
  });

  test('what was asked is the only thing that happened', async () => {
    await world.settle('web1');
    expectHeld(await world.verdict());
  });
});
