import { expectHeld, small, startWorld, until, type World } from './world';

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
    [
      'a pool that is what every object has',
      'heal',
      { vnf: 'web1', members: ['web1-constructor-1'] },
      'InvalidRequest',
    ],
    ['a pool longer than a name', 'scaleOut', { vnf: 'web1', pool: 'p'.repeat(5_000), to: 6 }, 'InvalidRequest'],
    ['a host longer than a name', 'evacuateHost', { hosts: ['h'.repeat(5_000)], cause: 'failed' }, 'InvalidRequest'],
    [
      'more wrong members than a failure can tell',
      'heal',
      { vnf: 'web1', members: Array.from({ length: 20_000 }, () => 'nobody') },
      'InvalidRequest',
    ],
    [
      'more hosts than a search attribute can hold',
      'evacuateHost',
      { hosts: Array.from({ length: 90 }, (_, index) => `compute-${String(index)}.rack.example.net`), cause: 'failed' },
      'InvalidRequest',
    ],
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

  test('a run that is sent what is no answer goes on waiting for one', async () => {
    const begun = await world.begin('scaleOut', { vnf: 'web1', pool: 'web', to: 5 });
    for (const name of ['granted', 'denied', 'committed', 'buried']) {
      await begun.handle.signal(name);
      for (const nonsense of [null, 7, {}, { runId: 'another', token: 'x', n: 1, ok: true }])
        await begun.handle.signal(name, nonsense);
    }
    expect(await begun.end()).toMatchObject({ outcome: 'completed' });
    expect((await world.run('scaleIn', { vnf: 'web1', pool: 'web', to: 4 })).outcome).toBe('completed');
    await world.settle('web1');
  });

  test.each(['vnf', 'hostMutex', 'cloudBudget'])('%s is started by Bulkhead alone', async (type) => {
    for (const args of [[], [{ vnf: 'web9' }]]) {
      const handle = await world.client.workflow.start(type, {
        taskQueue: 'bulkhead',
        workflowId: `by-hand-${type}-${String(args.length)}`,
        args,
      });
      await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'InvalidRequest' } });
    }
  });

  test('a record outlives messages of runs that cannot be answered, and reports of what is no pool', async () => {
    const record = world.client.workflow.getHandle('vnf:web1');
    const { revision } = await world.bulkhead.status('web1');
    const ghost = { workflowId: 'ghost', runId: '0199c1a2-0000-7000-8000-000000000001' };
    const ask = { ...ghost, procedure: 'scaleOut', class: 'normal', ifBusy: 'wait' };
    await record.signal('ask', ask);
    await record.signal('ask', { ...ask, runId: 'no-uuid' });
    await record.signal('ask', { ...ask, workflowId: 'w'.repeat(2_000) });
    await record.signal('dead', { ...ghost, members: [{ pool: 'constructor', ordinal: 1 }], evidence: 'told' });
    await record.signal('dead', { ...ghost, members: [{ pool: '__proto__', ordinal: 1 }], evidence: 'told' });
    // The ghost's turn ends when the record finds that there is nobody to grant it to.
    await until('the turn is free', 30, async () => (await world.bulkhead.status('web1')).turn === null);
    expect(await world.bulkhead.status('web1')).toMatchObject({ dropped: 5, turn: null, revision });
  });

  test('a dry run of a VNF that exists says that it exists, and not that its members are to be deleted', async () => {
    const ended = await world.run('instantiate', { vnf: 'web1', descriptor: small, dryRun: true });
    expect(ended).toMatchObject({ outcome: 'refused', kind: 'AlreadyExists' });
    expect(ended.message).toContain('There is a VNF web1 already');
  });

  test('a dry run of an evacuation, and of the end, says host by host what would become of the VNF, and does nothing', async () => {
    const { revision, pools } = await world.bulkhead.status('web1');
    const [member] = pools['web']?.inService ?? [];
    const host = member?.host ?? '';
    const moved = await world.bulkhead.evacuateHost({ hosts: [host], cause: 'maintenance', dryRun: true });
    const { before, steps, after } = moved.explanations['web1'] ?? {};
    expect(moved).toMatchObject({ outcome: 'planned', toTheLetter: true, launches: [{ pool: 'web' }] });
    expect(moved.leaves).toEqual([`web1-web-${String(member?.ordinal ?? 0)}`]);
    expect(steps?.map(({ does, members }) => [does, members])).toEqual([
      ['launch', 1],
      ['delete', 1],
    ]);
    expect(before?.[host]).toEqual({ web: 1 });
    expect(after?.[host]).toBeUndefined();
    const ended = await world.bulkhead.terminate({ vnf: 'web1', dryRun: true });
    const level = pools['web']?.level ?? 0;
    expect(ended).toMatchObject({ outcome: 'planned', levels: { web: { from: level, to: 0 } }, launches: [] });
    expect(ended.leaves).toHaveLength(level);
    expect(ended.explanations['web1']).toMatchObject({ before, after: {} });
    expect(await world.bulkhead.status('web1')).toMatchObject({ revision });
  });

  test('what was asked is the only thing that happened', async () => {
    await world.settle('web1');
    expectHeld(await world.verdict());
  });
});

test('an id that is used again is published again, and the list of VNFs says what each is doing', async () => {
  const members = ['again1-web-1', 'again1-web-2', 'again1-web-3', 'again1-web-4'];
  for (let life = 0; life < 2; life++) {
    expect((await world.run('instantiate', { vnf: 'again1', descriptor: small })).outcome).toBe('completed');
    expect(await servingOf('again1')).toEqual({ web: members });
    // Visibility follows the history a little later.
    await until(
      'the list says so',
      10,
      async () => (await world.bulkhead.list()).find(({ vnf }) => vnf === 'again1')?.phase === 'running',
    );
    expect((await world.run('scaleOut', { vnf: 'again1', pool: 'web', to: 6 })).outcome).toBe('completed');
    expect((await world.run('terminate', { vnf: 'again1' })).outcome).toBe('completed');
    expect(await servingOf('again1')).toEqual({ web: [] });
    await until('it is not listed', 10, async () => !(await world.bulkhead.list()).some(({ vnf }) => vnf === 'again1'));
  }
  expectHeld(await world.verdict());
}, 60_000);

test('what the cloud refuses for no reason that is known sends a run back, and does not call it stuck', async () => {
  expect((await world.run('instantiate', { vnf: 'policy1', descriptor: small })).outcome).toBe('completed');
  await world.stack.observer.addFault({
    kind: 'status',
    match: { method: 'POST', path: '/servers$' },
    status: 403,
    body: { forbidden: { code: 403, message: "Policy doesn't allow this." } },
  });
  const ended = await world.run('scaleOut', { vnf: 'policy1', pool: 'web', to: 5 });
  expect(ended).toMatchObject({ outcome: 'unwound', kind: 'CloudUnavailable' });
  expect(ended.message).toContain("Policy doesn't allow this.");
});

test("a VNF's part of evacuateHost that somebody cancels by itself is said to be that", async () => {
  const vnf = 'part1';
  expect((await world.run('instantiate', { vnf, descriptor: small })).outcome).toBe('completed');
  const view = await world.settle(vnf);
  const host = view?.pools['web']?.inService[0]?.host ?? '';
  await world.stack.observer.addFault({ kind: 'stuckBuild', match: { namePrefix: `${vnf}-` } });
  const begun = await world.begin('evacuateHost', { hosts: [host], cause: 'maintenance' });
  let child: string | undefined;
  await until('its part has begun', 10, async () => {
    const { events } = await begun.handle.fetchHistory();
    child =
      events
        ?.map((event) => event.startChildWorkflowExecutionInitiatedEventAttributes?.workflowId)
        .find((id) => id?.startsWith(`evacuate:${vnf}:`)) ?? undefined;
    return child !== undefined && (await world.bulkhead.status(vnf)).turn !== null;
  });
  await world.client.workflow.getHandle(child ?? '').cancel();
  const ended = await begun.end();
  expect(ended).toMatchObject({ outcome: 'unwound', kind: 'TurnLost', details: { vnf } });
  expect((await world.settle(vnf))?.pools['web']?.inService).toEqual(view?.pools['web']?.inService);
}, 60_000);

test('members that no record knows are named, when the host that they are on is emptied', async () => {
  const vnf = 'lost1';
  expect((await world.run('instantiate', { vnf, descriptor: small })).outcome).toBe('completed');
  const member = (await world.settle(vnf))?.pools['web']?.inService[0];
  await world.client.workflow.getHandle(`vnf:${vnf}`).terminate('by hand');
  const host = member?.host ?? '';
  const { result } = await world.run('evacuateHost', { hosts: [host], cause: 'maintenance' });
  expect(result).toMatchObject({ unrecorded: { [host]: [`${vnf}-web-1`] } });
});

async function servingOf(vnf: string): Promise<unknown> {
  const reply = await fetch(`${world.stack.cloudUrl}/bulkhead/publications`);
  const { publications } = (await reply.json()) as { publications: Record<string, { service: unknown }> };
  return publications[vnf]?.service;
}
