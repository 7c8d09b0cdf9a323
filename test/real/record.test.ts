import { Client } from '@temporalio/client';
import { recordWorkflowId } from '../../domain/names';
import { taskQueues } from '../../domain/procedures';
import { limits } from '../../workflows/record/state';
import { expectHeld, holdTurn, small, startWorld, until, type World } from './world';

/** The record lives as long as its VNF: its history is cut off now and then, and nothing that it was told may be lost by that. */

let world: World;

beforeAll(async () => {
  world = await startWorld();
}, 120_000);

afterAll(async () => {
  await world.stop();
}, 60_000);

/** As another SDK may send it, or a hand that says a wrong encoding. */
function foreign(metadata: Readonly<Record<string, string>>): Client {
  const said = Object.fromEntries(Object.entries(metadata).map(([name, value]) => [name, Buffer.from(value)]));
  const { connection, options } = world.client;
  return new Client({
    connection,
    namespace: options.namespace,
    dataConverter: {
      payloadCodecs: [
        {
          encode: (payloads) => Promise.resolve(payloads.map((payload) => ({ ...payload, metadata: said }))),
          decode: (payloads) => Promise.resolve(payloads),
        },
      ],
    },
  });
}

test.each<[string, Record<string, string>, RegExp]>([
  ['another encoding', { encoding: 'json/protobuf' }, /json\/protobuf/],
  ['that it is encrypted, and with no key', { encoding: 'binary/encrypted' }, /names no key/],
  [
    'that it is encrypted, and is too short to be',
    { encoding: 'binary/encrypted', 'encryption-key-id': '2026-11' },
    /the key 2026-11, and is too short/,
  ],
])(
  'a signal that cannot be read is dropped, and a run whose input cannot is refused: it says %s',
  async (_what, metadata, said) => {
    const vnf = 'foreign1';
    expect((await world.run('instantiate', { vnf, descriptor: small })).outcome).toBe('completed');
    await foreign(metadata).workflow.getHandle(recordWorkflowId(vnf)).signal('ask', {});
    const refused = foreign(metadata).workflow.execute('scaleOut', {
      workflowId: 'foreign-input',
      taskQueue: taskQueues.workflows,
      args: [{}],
      workflowExecutionTimeout: '20s',
    });
    await expect(refused).rejects.toMatchObject({
      cause: { type: 'InvalidRequest', message: expect.stringMatching(said) as string },
    });
    expect((await world.run('scaleOut', { vnf, pool: 'web', to: 6 })).outcome).toBe('completed');
    expect((await world.bulkhead.status(vnf)).dropped).toBe(1);
    expect((await world.run('terminate', { vnf })).outcome).toBe('completed');
    expectHeld(await world.verdict());
  },
  120_000,
);

test('a record that continues as new, also in the midst of a turn, forgets nothing: members, who holds it, who waits, nor a message that came at that moment', async () => {
  const vnf = 'web1';
  expect((await world.run('instantiate', { vnf, descriptor: small })).outcome).toBe('completed');
  const before = await world.settle(vnf);
  const handle = world.client.workflow.getHandle(recordWorkflowId(vnf));
  const { runId, memo } = await handle.describe();
  expect(memo).toMatchObject({ home: expect.stringMatching(/^project .+, region RegionOne$/) as string });

  const holder = await holdTurn(world, vnf);

  // Messages that are no messages are dropped and counted, so that each can be accounted for.
  let sent = 0;
  const nonsense = async (): Promise<void> => {
    await handle.signal('ask', { nonsense: sent });
    sent += 1;
  };
  const ofRun = world.client.workflow.getHandle(recordWorkflowId(vnf), runId);
  while ((await ofRun.describe()).historyLength < limits.events)
    await Promise.all(Array.from({ length: 100 }, nonsense));
  const begun = await world.begin('scaleOut', { vnf, pool: 'web', to: 6 });
  // They go on coming while it continues, for a while: it is done again for each that comes meanwhile.
  for (let more = 0; more < 20; more++) await nonsense();
  await until('it has continued', 60, async () => (await handle.describe()).runId !== runId);
  await until('another waits', 30, async () => (await world.bulkhead.status(vnf)).queue.length === 1);
  expect((await world.bulkhead.status(vnf)).turn?.workflowId).toBe(holder.workflowId);
  expect((await handle.describe()).memo).toEqual(memo);
  await holder.terminate('by a test');

  expect((await begun.end()).outcome).toBe('completed');
  await until('every message is counted', 30, async () => (await world.bulkhead.status(vnf)).dropped === sent);
  const after = await world.settle(vnf);
  const members = after?.pools['web']?.inService ?? [];
  expect(members).toHaveLength(6);
  expect(members).toEqual(expect.arrayContaining([...(before?.pools['web']?.inService ?? [])]));
  expect(after?.occurrences.map(({ procedure, outcome }) => [procedure, outcome])).toEqual([
    ['instantiate', 'completed'],
    ['scaleOut', 'vanished'],
    ['scaleOut', 'completed'],
  ]);

  expect((await world.run('terminate', { vnf })).outcome).toBe('completed');
  expect(await world.settle(vnf)).toBeNull();
  expectHeld(await world.verdict());
}, 240_000);
