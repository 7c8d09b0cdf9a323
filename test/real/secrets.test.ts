import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@temporalio/client';
import type { PayloadCodec } from '@temporalio/common';
import { parse, stringify } from 'yaml';
import { connectBulkhead, PayloadKeyError, type Bulkhead } from '../../client';
import { parsePayloadKeys, payloadCodec } from '../../client/encryption';
import { taskQueues } from '../../domain/procedures';
import { start, type Running } from '../../scripts/lib/processes';
import { root } from '../../scripts/lib/root';
import { freePort } from '../../scripts/lib/temporal';
import { runToEnd } from './program';
import { foundIn, tracesOf } from './traces';
import { small, startWorld, until, type World } from './world';

/**
 * Secrets that can be recognized, a run that works with them and one that fails by them, and then a search of everything that is left behind; and
 * payloads that are encrypted, from a caller who has no key to one who has.
 */

const wrongPassword = 'Wr0ng"pass/wörd%+&of-nobody';
const credential = { id: 'embedded-credential', secret: 'embedded-credential-secret' };
/** Tokens of the embedded Keystone begin so; this is what its Nova makes up for a guest. */
const made = { token: 'gAAAAAB', guestPassword: 'embedded-guest-secret' };
const keySecret = randomBytes(32).toString('base64');
const payloadKeys = `2026-11:${keySecret}`;
const codecToken = 'codec-token-of-nobody-else';
const temporalKey = 'temporal-api-key-of-nobody-else';
/** Stands in a descriptor. */
const confidential = 'what-no-reader-of-histories-may-know';

let world: World;
let directory: string;
let dbFile: string;
/** Read whenever a worker is started. */
const workerEnv: Record<string, string> = {};

function descriptor(): Record<string, unknown> {
  return { ...small, description: confidential };
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'bulkhead-secrets-'));
  dbFile = join(directory, 'temporal.db');
  mkdirSync(join(directory, 'descriptors'));
  writeFileSync(join(directory, 'descriptors/marked.yaml'), stringify(descriptor()));
  const OS_CLIENT_CONFIG_FILE = join(directory, 'mine.yaml');
  Object.assign(workerEnv, {
    OS_CLIENT_CONFIG_FILE,
    BULKHEAD_AS: 'operator',
    BULKHEAD_DESCRIPTORS: join(directory, 'descriptors'),
  });
  world = await startWorld({ directory, dbFile, workers: 0, workerEnv });
}, 120_000);

afterAll(async () => {
  await world.stop();
}, 60_000);

/** A worker that logs in so. */
async function workerWith(auth: Record<string, unknown>): Promise<Running> {
  const file = parse(readFileSync(world.stack.cloudsYaml, 'utf8')) as {
    clouds: { embedded: { auth: { auth_url: string } } };
  };
  const { auth_url } = file.clouds.embedded.auth;
  writeFileSync(
    workerEnv['OS_CLIENT_CONFIG_FILE'] ?? '',
    stringify({ clouds: { embedded: { auth: { auth_url, ...auth } } } }),
    {
      mode: 0o600,
    },
  );
  return await world.stack.startWorker();
}

const asItIs = { application_credential_id: credential.id, application_credential_secret: credential.secret };

test('no password, credential or token is left in a history, a memo, a search attribute, a log, an error, a metric or a list of processes', async () => {
  const metricsAddress = `127.0.0.1:${String(await freePort())}`;
  workerEnv['BULKHEAD_METRICS_ADDRESS'] = metricsAddress;
  const wrong = await workerWith({
    username: 'operator',
    password: wrongPassword,
    project_name: 'bulkhead',
  });
  const begun = await world.begin('instantiate', { vnf: 'web1', descriptor: 'marked' });
  let failure = '';
  await until('the login has failed', 30, async () => {
    const { raw } = await begun.handle.describe();
    failure = raw.pendingActivities?.find(({ lastFailure }) => lastFailure)?.lastFailure?.message ?? '';
    return failure !== '';
  });
  // It did fail by the password, and says so.
  expect(failure).toMatch(/POST .*\/v3\/auth\/tokens: 401/);
  const meanwhile = await tracesOf(world, { dbFile, metricsAddress });
  await wrong.stop('SIGKILL');
  // What was begun with the wrong password goes on with the right one.
  const right = await workerWith(asItIs);
  expect(await begun.end()).toMatchObject({ outcome: 'completed' });
  await world.settle('web1');
  const refused = await world.run('scaleOut', { vnf: 'web1', pool: 'web', to: 99 });
  expect(refused).toMatchObject({ outcome: 'refused' });
  const traces = await tracesOf(world, { dbFile, metricsAddress });
  await right.stop();
  delete workerEnv['BULKHEAD_METRICS_ADDRESS'];

  // What must be found is: a search that finds nothing proves nothing.
  expect(foundIn(traces, 'vnf:web1')).toEqual(expect.arrayContaining(['database -wal', 'run vnf:web1']));
  expect(foundIn(meanwhile, '/v3/auth/tokens: 401')).toEqual(
    expect.arrayContaining(['database -wal', 'log worker-1.log', `run ${begun.handle.workflowId}`]),
  );
  expect(foundIn(traces, confidential)).toEqual(expect.arrayContaining(['database -wal', 'run vnf:web1']));
  expect(foundIn(meanwhile, 'dist/workers/main.js')).toContain('processes');
  expect(foundIn(meanwhile, 'temporal_activity_execution_failed_total{activity_type=')).toEqual(['metrics']);
  expect(foundIn(traces, 'activity_type="launch"')).toEqual(['metrics']);
  const told = `${meanwhile.get('metrics') ?? ''}${traces.get('metrics') ?? ''}`;
  const documented = readFileSync(join(root, 'docs/operating.md'), 'utf8').match(/(?<=`)temporal_\w+(?=`)/g) ?? [];
  // The others are of what does not happen here.
  const expected = documented.filter((name) => !/workflow_task_execution_failed|request_failure/.test(name));
  expect(expected.length).toBeGreaterThan(2);
  expect(expected.filter((name) => !told.includes(`# TYPE ${name} `))).toEqual([]);
  for (const text of [wrongPassword, credential.secret, made.token, made.guestPassword]) {
    expect({ text, found: foundIn(meanwhile, text) }).toEqual({ text, found: [] });
    expect({ text, found: foundIn(traces, text) }).toEqual({ text, found: [] });
  }
}, 120_000);

test.each<[string, (file: string) => Record<string, string>]>([
  ['an API key', () => ({ TEMPORAL_API_KEY: temporalKey })],
  ['a key of TLS', (file) => ({ TEMPORAL_TLS_CERT: file, TEMPORAL_TLS_KEY: file })],
])('a worker that cannot log in to Temporal with %s does not repeat it', async (_what, login) => {
  const file = join(directory, 'temporal.key');
  writeFileSync(file, `-----BEGIN PRIVATE KEY-----\n${temporalKey}\n-----END PRIVATE KEY-----\n`);
  const { code, stdout, stderr } = await runToEnd('workers/main.js', [], {
    env: {
      ...{ TEMPORAL_ADDRESS: world.stack.temporal.address, TEMPORAL_CONNECT_SECONDS: '1', OS_CLOUD: 'embedded' },
      ...{ OS_CLIENT_CONFIG_FILE: world.stack.cloudsYaml, BULKHEAD_LOG_LEVEL: 'trace', ...login(file) },
    },
  });
  // It came as far as the login, and says so.
  expect({ code, stderr }).toEqual({
    code: 4,
    stderr: expect.stringContaining('Temporal does not answer at') as string,
  });
  expect(foundIn(new Map([['said', `${stdout}${stderr}`]]), temporalKey)).toEqual([]);
});

describe('with a key', () => {
  let worker: Running;
  let codecServer: Awaited<ReturnType<typeof start>>;
  let holder: Bulkhead;

  /** Runs that were begun without it. */
  let before: ReadonlySet<string>;

  beforeAll(async () => {
    before = new Set((await tracesOf(world, { dbFile })).keys());
    workerEnv['BULKHEAD_PAYLOAD_KEYS'] = payloadKeys;
    worker = await workerWith(asItIs);
    codecServer = await start({
      command: process.execPath,
      args: [join(root, 'dist/scripts/programs/codec/main.js'), '--port', '0'],
      env: { BULKHEAD_PAYLOAD_KEYS: payloadKeys, BULKHEAD_CODEC_TOKEN: codecToken },
      logFile: join(directory, 'codec.log'),
      isReady: (line) => line.includes('"url"'),
      readyWithinSeconds: 30,
    });
    holder = await connectBulkhead({ address: world.stack.temporal.address, payloadKeys });
  }, 60_000);

  afterAll(async () => {
    await holder.close();
    await codecServer.stop();
    await worker.stop('SIGKILL');
  }, 60_000);

  function codecEndpoint(): string[] {
    return ['--codec-endpoint', (JSON.parse(codecServer.readyLine) as { url: string }).url];
  }

  test('a run that is started in plain text is encrypted from there on, and read with the key alone', async () => {
    // The descriptor by its name: what a caller without the key sends stays as it was sent.
    const { handle, end } = await world.begin('instantiate', { vnf: 'web2', descriptor: 'marked' });
    await expect(end()).rejects.toThrow(/encrypted|Unknown encoding/);
    const { workflowId } = handle;
    const result = await (await holder.attach('instantiate', workflowId)).result();
    expect(result).toMatchObject({ outcome: 'completed', levels: { web: { from: 0, to: 4 } } });
    expect((await holder.status('web2')).descriptor.description).toBe(confidential);

    const asked = ['workflow', 'result', '--workflow-id', workflowId];
    const blind = JSON.stringify(await world.temporal(...asked));
    // Not as an argument, which lists of processes show.
    process.env['TEMPORAL_CODEC_AUTH'] = `Bearer ${codecToken}`;
    const seeing = JSON.stringify(await world.temporal(...asked, ...codecEndpoint()));
    delete process.env['TEMPORAL_CODEC_AUTH'];
    expect([blind.includes('"levels"'), seeing.includes('"levels"')]).toEqual([false, true]);
  }, 60_000);

  test('of runs whose caller has the key nothing but names, kinds and search attributes can be read', async () => {
    await holder.instantiate({ vnf: 'web3', descriptor: descriptor() });
    const failed = await holder.scaleOut({ vnf: 'web3', pool: 'web', to: 99 }).catch((error: unknown) => error);
    expect(failed).toMatchObject({ kind: 'InvalidRequest', message: expect.stringContaining('at most 30') as string });
    const plain = await tracesOf(world, { dbFile });
    const read = await tracesOf(world, { dbFile, codec: payloadCodec(parsePayloadKeys(payloadKeys)) });
    const ofKey = (where: string): boolean => where.startsWith('run ') && !before.has(where);
    expect(foundIn(read, confidential).filter(ofKey)).toEqual(expect.arrayContaining(['run vnf:web2', 'run vnf:web3']));
    expect(foundIn(plain, confidential).filter(ofKey)).toEqual([]);
    expect(foundIn(plain, 'Encoded failure').filter(ofKey)).not.toEqual([]);
    for (const text of [keySecret, codecToken, credential.secret, made.token])
      for (const traces of [plain, read]) expect({ text, found: foundIn(traces, text) }).toEqual({ text, found: [] });
  }, 60_000);

  test('a VNF from before there was a key goes on, and without the key people are told which one it is', async () => {
    expect(await holder.scaleOut({ vnf: 'web1', pool: 'web', to: 6 })).toMatchObject({ outcome: 'completed' });
    await expect(world.bulkhead.status('web1')).rejects.toThrow(PayloadKeyError);
    const env = { TEMPORAL_ADDRESS: world.stack.temporal.address };
    const cli = 'scripts/programs/cli/main.js';
    const [blind, seeing] = await Promise.all([
      runToEnd(cli, ['status', 'web1'], { env }),
      runToEnd(cli, ['status', 'web1'], { env: { ...env, BULKHEAD_PAYLOAD_KEYS: payloadKeys } }),
    ]);
    expect(blind).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('the key 2026-11, and there is none') as string,
    });
    expect(seeing).toMatchObject({ code: 0, stdout: expect.stringContaining('web1: running') as string });
  }, 60_000);

  /** Whoever has other keys than the workers, as of another environment. */
  function otherwise(keys: string | PayloadCodec): Client {
    const { connection, options } = world.client;
    const codec = typeof keys === 'string' ? payloadCodec(parsePayloadKeys(keys)) : keys;
    return new Client({ connection, namespace: options.namespace, dataConverter: { payloadCodecs: [codec] } });
  }

  const someKey = (id: string): string => `${id}:${randomBytes(32).toString('base64')}`;
  const onlySaying: PayloadCodec = {
    encode: (payloads) =>
      Promise.resolve(
        payloads.map((payload) => ({ ...payload, metadata: { encoding: Buffer.from('binary/encrypted') } })),
      ),
    decode: (payloads) => Promise.resolve(payloads),
  };

  test.each([
    ['only says that it is encrypted', onlySaying, 'names no key'],
    ['is encrypted with another key of the same id', someKey('2026-11'), 'does not decrypt with it'],
  ])(
    'a signal that %s is dropped, and a run that is started so is refused',
    async (_what, keys, said) => {
      const dropped = async (): Promise<number> => (await holder.status('web3')).dropped;
      const before = await dropped();
      const stranger = otherwise(keys);
      await stranger.workflow.getHandle('vnf:web3').signal('ask', { vnf: 'web3' });
      await until('it is dropped', 20, async () => (await dropped()) === before + 1);
      await stranger.workflow.start('scaleOut', {
        ...{ workflowId: `otherwise-${said}`, taskQueue: taskQueues.workflows, workflowExecutionTimeout: '20s' },
        args: [{ vnf: 'web3', pool: 'web', to: 5 }],
      });
      const failed = await (await holder.attach('scaleOut', `otherwise-${said}`)).result().catch((e: unknown) => e);
      expect(failed).toMatchObject({
        kind: 'InvalidRequest',
        outcome: 'refused',
        message: expect.stringContaining(said) as string,
      });
    },
    60_000,
  );

  test('a signal with a key that no worker has keeps the VNF waiting, until one has a key of that id', async () => {
    const stranger = otherwise(someKey('2031-01'));
    const { dropped } = await holder.status('web2');
    await stranger.workflow.getHandle('vnf:web2').signal('ask', { vnf: 'web2' });
    const log = join(directory, `worker-${String(world.stack.workers.length)}.log`);
    const run = await holder.start('scaleOut', { vnf: 'web2', pool: 'web', to: 6, dryRun: true });
    await until('it says so', 20, () =>
      Promise.resolve(readFileSync(log, 'utf8').includes('encrypted with the key 2031-01, and there are only 2026-11')),
    );
    await worker.stop();
    // The key itself is lost: any of its id will do.
    workerEnv['BULKHEAD_PAYLOAD_KEYS'] = `${payloadKeys},${someKey('2031-01')}`;
    worker = await workerWith(asItIs);
    expect(await run.result()).toMatchObject({ outcome: 'planned' });
    expect((await holder.status('web2')).dropped).toBe(dropped + 1);
  }, 60_000);

  test('a worker that lacks the key says so, and what it could not read is done by one that has it', async () => {
    await worker.stop();
    delete workerEnv['BULKHEAD_PAYLOAD_KEYS'];
    const blind = await workerWith(asItIs);
    const log = join(directory, `worker-${String(world.stack.workers.length)}.log`);
    const run = await holder.start('scaleOut', { vnf: 'web3', pool: 'web', to: 6 });
    await until('it says so', 20, () =>
      Promise.resolve(readFileSync(log, 'utf8').includes('encrypted with the key 2026-11, and there is none')),
    );
    await blind.stop();
    workerEnv['BULKHEAD_PAYLOAD_KEYS'] = payloadKeys;
    worker = await workerWith(asItIs);
    expect(await run.result()).toMatchObject({ outcome: 'completed' });
  }, 60_000);
});
