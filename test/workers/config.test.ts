import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { temporal as protocol } from '@temporalio/proto';
import { searchAttributes } from '../../domain/procedures';
import { root } from '../../scripts/lib/root';
import { start } from '../../scripts/lib/processes';
import { findTemporal, freePort, startDevServer, type DevServer } from '../../scripts/lib/temporal';
import { isLoopback } from '../../client/address';
import { ConfigError, parseWorkerConfig, variableTable, workerSchema } from '../../workers/config';
import { begin, runToEnd, type Env, type Finished, type Program } from '../real/program';

/** What a worker is told, what it says where that is wrong or Temporal is not ready, and how it stops. */

const worker = 'workers/main.js';
const names = Object.keys(workerSchema.shape);

function problemsOf(env: Env): string[] {
  try {
    parseWorkerConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n');
    throw error;
  }
  return [];
}

describe('the environment', () => {
  test.each(names)('%s is in the manual and in the help, with what it says and its default', (name) => {
    const line = variableTable()
      .split('\n')
      .find((each) => each.startsWith(`| \`${name}\` |`));
    expect(line).toMatch(/^\| `\w+` \| .{10,} \| .*\|$/);
    // Prettier pads the table; what stands in it is the same.
    const manual = readFileSync(join(root, 'docs/operating.md'), 'utf8').replace(/ +/g, ' ').split('\n');
    expect(manual).toContain((line ?? '').replace(/ +/g, ' '));
  });

  test('without a word in it is a worker for a Temporal on this machine', () => {
    expect(parseWorkerConfig({})).toEqual({
      TEMPORAL_ADDRESS: '127.0.0.1:7233',
      TEMPORAL_NAMESPACE: 'default',
      TEMPORAL_TLS: false,
      TEMPORAL_CONNECT_SECONDS: 60,
      BULKHEAD_ALLOW_PLAINTEXT: false,
      BULKHEAD_ALLOW_PLAIN_HTTP: false,
      BULKHEAD_AS: 'auto',
      BULKHEAD_PACE: 1,
      BULKHEAD_DESCRIPTORS: 'descriptors',
      BULKHEAD_FAILED_HOSTS_PERCENT: 34,
      BULKHEAD_AUDIT_EVERY_MINUTES: 15,
      BULKHEAD_AUDIT_REPAIR: false,
      BULKHEAD_CLOUD_CALLS: 16,
      BULKHEAD_CLOUD_ACTIVITIES: 8,
      BULKHEAD_WAITS: 200,
      BULKHEAD_DRAINS: 2_000,
      BULKHEAD_WATCHES: 1_000,
      BULKHEAD_LOG_LEVEL: 'info',
    });
  });

  test('a variable that is empty is one that is not set', () => {
    const empty = Object.fromEntries(names.map((name) => [name, '']));
    expect(parseWorkerConfig(empty)).toEqual(parseWorkerConfig({}));
  });

  test.each<[string, string, string]>([
    ['TEMPORAL_TLS', 'yes', 'give 1 or 0'],
    [
      'TEMPORAL_ADDRESS',
      'http://127.0.0.1:7233',
      'give host:port alone, without http:// or the like, e.g. 127.0.0.1:7233',
    ],
    ['TEMPORAL_CONNECT_SECONDS', 'soon', 'give a number'],
    ['BULKHEAD_PACE', '0', 'give a factor above 0 and up to 1'],
    ['BULKHEAD_PACE', '1.5', 'give a factor above 0 and up to 1'],
    ['BULKHEAD_TIMEOUT_PACE', '1.5', 'give a factor above 0 and up to 1'],
    ['BULKHEAD_CLOUD_CALLS', '2.5', 'give a whole number'],
    ['BULKHEAD_CLOUD_TOTAL_CALLS', '0', 'give a number from 1 to 100000'],
    ['BULKHEAD_CLOUD_CALLS_PER_SECOND', 'many', 'give a number'],
    ['BULKHEAD_CACHED_RUNS', '1', 'give a number from 2 to 1000000'],
    ['BULKHEAD_WAITS', '0', 'give a number from 1 to 10000'],
    ['BULKHEAD_WATCHES', '99999', 'give a number from 1 to 10000'],
    ['BULKHEAD_METRICS_ADDRESS', 'localhost:9464', 'give an IP address and a port, e.g. 127.0.0.1:9464'],
    ['BULKHEAD_METRICS_ADDRESS', '127.0.0.1', 'give an IP address and a port, e.g. 127.0.0.1:9464'],
    ['BULKHEAD_METRICS_ADDRESS', '127.0.0.1:70000', 'give an IP address and a port, e.g. 127.0.0.1:9464'],
    ['BULKHEAD_METRICS_ADDRESS', '::1:9464', 'give an IP address and a port, e.g. 127.0.0.1:9464'],
    ['BULKHEAD_LOG_LEVEL', 'loud', 'give trace, debug, info, warn or error'],
    ['BULKHEAD_DEPLOYMENT', 'bulk.head', 'give up to 64 letters, digits, - and _, beginning with a letter or digit'],
    ['BULKHEAD_DEPLOYMENT', '__internal', 'give up to 64 letters, digits, - and _, beginning with a letter or digit'],
    ['BULKHEAD_PUBLICATION_URL', 'openstack:5000', 'give a URL, e.g. http://127.0.0.1:5000'],
  ])('%s=%s cannot be used, and what can is said', (name, value, right) => {
    expect(problemsOf({ [name]: value })).toEqual([`${name}: ${right}`]);
  });

  test('all that is wrong is said at once, contradictions included', () => {
    const problems = problemsOf({
      BULKHEAD_PACE: 'fast',
      BULKHEAD_LOG_LEVEL: 'loud',
      TEMPORAL_ADDRESS: 'temporal.example.com:7233',
      TEMPORAL_TLS_KEY: '/etc/key.pem',
      BULKHEAD_BUILD_ID: 'v1',
    });
    expect(problems.map((each) => each.split(':')[0])).toEqual([
      'BULKHEAD_PACE',
      'BULKHEAD_LOG_LEVEL',
      'TEMPORAL_ADDRESS',
      'TEMPORAL_TLS_CERT',
      'BULKHEAD_BUILD_ID',
    ]);
  });

  test.each<[Env]>([
    [{ TEMPORAL_TLS: '1' }],
    [{ TEMPORAL_TLS_CA: '/etc/ca.pem' }],
    [{ TEMPORAL_API_KEY: 'a key' }],
    [{ BULKHEAD_ALLOW_PLAINTEXT: '1' }],
  ])('a Temporal beyond this machine is spoken to with %j', (how) => {
    const TEMPORAL_ADDRESS = 'temporal.example.com:7233';
    expect(problemsOf({ TEMPORAL_ADDRESS, ...how })).toEqual([]);
    expect(problemsOf({ TEMPORAL_ADDRESS })).toHaveLength(1);
  });

  test.each([
    ['127.0.0.1:7233', true],
    ['127.1.2.3', true],
    ['localhost:7233', true],
    ['[::1]:7233', true],
    ['[::1]', true],
    ['::1', true],
    ['::2', false],
    ['fe80::1:7233', false],
    ['127.example.com:7233', false],
    ['127.0.0.1.example.com:7233', false],
    ['10.0.0.1:7233', false],
  ])('%s is on this machine: %s', (address, expected) => {
    expect(isLoopback(address)).toBe(expected);
  });
});

describe('a worker', () => {
  let directory: string;
  let temporal: DevServer;
  let cloud: Awaited<ReturnType<typeof start>>;
  const begun: Program[] = [];

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'bulkhead-worker-'));
    const program = await findTemporal(() => undefined);
    [temporal, cloud] = await Promise.all([
      startDevServer({ program, searchAttributes: false }),
      start({
        command: process.execPath,
        args: [
          join(root, 'dist/simulator/main.js'),
          '--port',
          '0',
          '--clouds-yaml',
          join(directory, 'clouds.yaml'),
          '--pace',
          '0.01',
        ],
        logFile: join(directory, 'openstack.log'),
        isReady: (line) => line.includes('"url"'),
        readyWithinSeconds: 30,
      }),
    ]);
  }, 120_000);

  afterAll(async () => {
    for (const each of begun) each.kill('SIGKILL');
    await Promise.all([temporal.stop(), cloud.stop()]);
    rmSync(directory, { recursive: true });
  }, 60_000);

  function environment(more: Env = {}): { env: Env; cwd: string } {
    const env = {
      TEMPORAL_ADDRESS: temporal.address,
      OS_CLIENT_CONFIG_FILE: join(directory, 'clouds.yaml'),
      OS_CLOUD: 'embedded',
      ...more,
    };
    return { env, cwd: root };
  }

  async function ready(more: Env = {}): Promise<Program> {
    const running = begin(worker, [], environment(more));
    begun.push(running);
    await running.says('worker is ready');
    return running;
  }

  function run(more: Env = {}): Promise<Finished> {
    return runToEnd(worker, [], environment(more));
  }

  test('that is misconfigured exits with 2 and says all of it', async () => {
    const { code, stderr } = await run({ BULKHEAD_PACE: '7', OS_CLOUD: 'elsewhere' });
    expect(code).toBe(2);
    expect(stderr).toContain('BULKHEAD_PACE: give a factor above 0 and up to 1');
    expect(stderr).toContain('has no cloud elsewhere; it has embedded, embedded-tenant');
    expect(stderr).toContain('--help');
    expect(stderr).not.toContain('    at ');
  });

  test('whose certificates cannot be read exits with 2 and names the variable', async () => {
    const { code, stderr } = await run({ TEMPORAL_TLS_CA: '/no/such/ca.pem' });
    expect(code).toBe(2);
    expect(stderr).toContain('TEMPORAL_TLS_CA: /no/such/ca.pem cannot be read: ENOENT');
  });

  test('asks again for a Temporal that is not up yet, for as long as it is told, and then says so', async () => {
    const { code, stdout, stderr } = await run({ TEMPORAL_ADDRESS: '127.0.0.1:1', TEMPORAL_CONNECT_SECONDS: '1' });
    expect(code).toBe(4);
    expect(stderr).toMatch(/^bulkhead-worker: Temporal does not answer at 127\.0\.0\.1:1 after 1 s: .*Start it, set/);
    expect(stderr).not.toContain('    at ');
    expect(stdout).toBe('');
  });

  test('for a namespace that there is not exits with 3 and says how to make it', async () => {
    const { code, stderr } = await run({ TEMPORAL_NAMESPACE: 'elsewhere' });
    expect(code).toBe(3);
    expect(stderr).toContain('temporal operator namespace create --namespace elsewhere');
  });

  test('without its search attributes exits with 3, and setup mends it', async () => {
    const before = await run();
    expect(before.code).toBe(3);
    expect(before.stderr).toContain(`lacks the search attributes ${Object.keys(searchAttributes).join(', ')}`);
    const command = /run: \.\/scripts\/bulkhead (\w+)/.exec(before.stderr)?.[1] ?? '';

    // Another program has taken one of the names: that is said, and not passed over.
    const connection = await Connection.connect({ address: temporal.address });
    const namespace = 'default';
    await connection.operatorService.addSearchAttributes({
      namespace,
      searchAttributes: { Pool: protocol.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_INT },
    });
    const wrong = await runToEnd('scripts/programs/cli/main.js', [command], environment());
    expect(wrong).toMatchObject({ code: 1, stdout: '' });
    expect(wrong.stderr).toContain('temporal operator search-attribute remove --name Pool');
    await connection.operatorService.removeSearchAttributes({ namespace, searchAttributes: ['Pool'] });
    await connection.close();

    const mended = await runToEnd('scripts/programs/cli/main.js', [command], environment());
    expect(mended).toMatchObject({ code: 0, stdout: expect.stringContaining('VnfId, Pool') as string });
    const again = await runToEnd('scripts/programs/cli/main.js', [command], environment());
    expect(again).toMatchObject({ code: 0, stdout: 'namespace default has all it needs\n' });

    const running = await ready();
    running.kill('SIGTERM');
    expect((await running.ended).code).toBe(0);
  });

  test('that is told to stop while it works finishes what it does, and exits with 0', async () => {
    const running = await ready({ BULKHEAD_PACE: '0.01', BULKHEAD_LOG_LEVEL: 'debug' });
    const connection = { TEMPORAL_ADDRESS: temporal.address };
    const asked = await runToEnd(
      'scripts/programs/cli/main.js',
      ['instantiate', 'web1', 'small', '--no-wait', '--id', 'made'],
      { env: connection },
    );
    expect(asked.code).toBe(0);
    await running.says('nobody is told who serves');
    running.kill('SIGINT');
    const { code, stdout, stderr } = await running.ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });

    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    for (const line of lines)
      expect(line).toMatchObject({ program: 'bulkhead-worker', level: expect.any(Number) as number });
    expect(lines.find(({ msg }) => msg === 'told to stop')).toBeDefined();
    // An activity's line says for which VNF, in which run, and what it is.
    const published = lines.find(({ msg }) => String(msg).startsWith('nobody is told who serves'));
    expect(published).toMatchObject({
      vnf: 'web1',
      workflow: 'made',
      activity: 'publish',
      run: expect.any(String) as string,
    });
    // Temporal's own line at an activity's end has it too.
    expect(lines).toContainEqual(expect.objectContaining({ vnf: 'web1', workflow: 'made', activity: 'launch' }));
    // And the record's, whose VNF is in its id.
    expect(lines.find(({ workflow }) => workflow === 'vnf:web1')).toMatchObject({ vnf: 'web1' });
  });

  test('tells Prometheus its metrics where it is told to, and a second one there exits with 2 and says why', async () => {
    const address = `127.0.0.1:${String(await freePort())}`;
    const running = await ready({ BULKHEAD_METRICS_ADDRESS: address });
    const second = await run({ BULKHEAD_METRICS_ADDRESS: address });
    expect(second.code).toBe(2);
    expect(second.stderr).toContain(`BULKHEAD_METRICS_ADDRESS: nothing can listen on ${address}: `);
    expect(second.stderr).toContain('ddress already in use');
    const asked = await runToEnd('scripts/programs/cli/main.js', ['instantiate', 'web3', 'no-such-one'], {
      env: { TEMPORAL_ADDRESS: temporal.address },
    });
    expect(asked.code).toBe(1);
    const told = await (await fetch(`http://${address}/metrics`)).text();
    running.kill('SIGTERM');
    await running.ended;
    expect(told).toMatch(/^temporal_worker_task_slots_available\{/m);
    expect(told).toMatch(/^temporal_local_activity_execution_failed_total\{activity_type="loadDescriptor",.*\} [1-9]/m);
  });

  test('that is a version which nobody has deployed says so, and what to do', async () => {
    const running = await ready({ BULKHEAD_DEPLOYMENT: 'edge', BULKHEAD_BUILD_ID: 'v7' });
    await running.says('this version is not current');
    running.kill('SIGTERM');
    const { code, stdout } = await running.ended;
    expect(code).toBe(0);
    expect(stdout).toContain('"version":"edge:v7"');
    expect(stdout).toContain('"remedy":"BULKHEAD_DEPLOYMENT=edge ./scripts/bulkhead deploy v7"');
  });

  test('logs why an activity failed', async () => {
    const running = await ready();
    const refused = await runToEnd('scripts/programs/cli/main.js', ['instantiate', 'web2', 'no-such-one'], {
      env: { TEMPORAL_ADDRESS: temporal.address },
    });
    expect(refused.code).toBe(1);
    running.kill('SIGTERM');
    const { stdout } = await running.ended;
    const failed = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { activity?: string; error?: { message?: string; type?: string } })
      .find(({ activity, error }) => activity === 'loadDescriptor' && error !== undefined);
    expect(failed?.error?.message).toContain('there is no descriptor no-such-one');
  });
});
