import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { As } from '../../activities';
import type { CloudForWorkers, CloudUnderTest } from './cloud/cloud';
import { embeddedCloud } from './cloud/embedded';
import { start, type Running } from './processes';
import { observe, type Observer } from './observer';
import { root } from './root';
import { findTemporal, startDevServer, type DevServer } from './temporal';

/**
 * Everything that the product needs, on this machine and on loopback only: a Temporal dev server and workers, each a process of its
 * own, as a user would run them, before the embedded OpenStack or another cloud. The demo, the tests against real servers and the
 * benchmarks stand on it.
 */
export interface StackOn<C extends CloudForWorkers = CloudUnderTest> {
  readonly directory: string;
  readonly temporal: DevServer;
  readonly temporalProgram: string;
  readonly cloud: C;
  /** Starts one more worker process. The first is started with the stack. */
  readonly startWorker: (given?: WorkerOf) => Promise<Running>;
  readonly workers: readonly Running[];
  /** Before what workers have made is removed behind them. */
  readonly stopWorkers: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

export interface Stack extends StackOn {
  readonly cloudUrl: string;
  readonly cloudsYaml: string;
  readonly observer: Observer;
}

/** Another worker than that of this build. */
export interface WorkerOf {
  /** Where the release is: what has `dist/` and `package.json` in it. */
  readonly release?: string;
  readonly env?: Readonly<Record<string, string>>;
}

interface CommonOptions {
  /** Factor on boots, holds and drains. */
  readonly pace: number;
  readonly workers?: number;
  /** Where the logs go; a new temporary directory by default. */
  readonly directory?: string;
  readonly dbFile?: string;
  readonly dynamicConfig?: readonly string[];
  readonly workerEnv?: Readonly<Record<string, string>>;
  /** Aborted while the stack is being started, what has been started is stopped, and the start fails. */
  readonly signal?: AbortSignal;
}

export interface StackOptions extends CommonOptions {
  /** Seconds that a boot takes before the pace is applied: `min-max`. */
  readonly bootSeconds?: string;
  readonly hosts?: string;
  /** What the worker is there. */
  readonly as?: As;
  readonly seed?: number;
  /** Further arguments of the embedded OpenStack. */
  readonly cloudArgs?: readonly string[];
}

/** On an embedded OpenStack of its own. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const stack = await startStackOn(options, (directory) => startEmbedded(options, directory));
  const { cloudUrl, cloudsYaml, observer } = stack.cloud;
  return { ...stack, cloudUrl, cloudsYaml, observer };
}

type Embedded = CloudUnderTest & Pick<Stack, 'cloudUrl' | 'cloudsYaml' | 'observer'>;

/** What a tenant needs beyond Nova's defaults for the largest level of bono, as in the lab. */
const groupQuotas = [
  ['server_groups', 50],
  ['server_group_members', 100],
] as const;

async function startEmbedded(options: StackOptions, directory: string): Promise<Embedded> {
  const cloudsYaml = join(directory, 'clouds.yaml');
  const { pace, seed = 1, hosts = 'mz=12,dmz=4', as = 'operator', bootSeconds, cloudArgs = [] } = options;
  const cloud = await start({
    command: process.execPath,
    args: [
      join(root, 'dist/simulator/main.js'),
      ...['--port', '0', '--clouds-yaml', cloudsYaml, '--pace', String(pace), '--seed', String(seed), '--hosts', hosts],
      ...(bootSeconds !== undefined ? ['--boot-seconds', bootSeconds] : []),
      ...cloudArgs,
    ],
    logFile: join(directory, 'openstack.log'),
    isReady: (line) => line.startsWith('{') && line.includes('"url"'),
    readyWithinSeconds: 30,
    signal: options.signal,
  });
  const cloudUrl = (JSON.parse(cloud.readyLine) as { url: string }).url;
  const observer = observe(cloudUrl);
  if (as === 'tenant')
    for (const [resource, limit] of groupQuotas) await observer.setQuota({ project: 'tenant', resource, limit });
  const given = { as, cloudUrl, cloudsYaml, observer };
  return { ...embeddedCloud({ ...given, stop: () => cloud.stop() }), ...given };
}

/** On a cloud that is opened when Temporal is there. */
export async function startStackOn<C extends CloudForWorkers>(
  options: CommonOptions,
  open: (directory: string) => Promise<C>,
): Promise<StackOn<C>> {
  const directory = options.directory ?? mkdtempSync(join(tmpdir(), 'bulkhead-'));
  const undo: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (let each = undo.pop(); each; each = undo.pop()) await each();
  };
  try {
    const temporalProgram = await findTemporal(undefined, options.signal);
    const temporal = await startDevServer({
      program: temporalProgram,
      ...(options.dbFile !== undefined && { dbFile: options.dbFile }),
      ...(options.dynamicConfig && { dynamicConfig: options.dynamicConfig }),
      signal: options.signal,
    });
    undo.push(() => temporal.stop());
    const cloud = await open(directory);
    undo.push(() => cloud.stop());
    const workers: Running[] = [];
    const startWorker = async ({ release = root, env = {} }: WorkerOf = {}): Promise<Running> => {
      const worker = await start({
        command: process.execPath,
        args: [join(release, 'dist/workers/main.js')],
        env: {
          TEMPORAL_ADDRESS: temporal.address,
          // Of whoever runs this, for workers of theirs: here everything is read without a key, and nothing is deployed.
          BULKHEAD_PAYLOAD_KEYS: undefined,
          BULKHEAD_DEPLOYMENT: undefined,
          BULKHEAD_BUILD_ID: undefined,
          BULKHEAD_PACE: String(options.pace),
          BULKHEAD_DESCRIPTORS: join(root, 'descriptors'),
          // It lasts for minutes, and what it measures and judges must not depend on the time of day.
          BULKHEAD_AUDIT_EVERY_MINUTES: '0',
          ...cloud.workerEnv,
          ...options.workerEnv,
          ...env,
        },
        logFile: join(directory, `worker-${String(workers.length + 1)}.log`),
        isReady: (line) => line.includes('worker is ready'),
        readyWithinSeconds: 60,
        signal: options.signal,
      });
      workers.push(worker);
      undo.push(() => worker.stop());
      return worker;
    };
    const stopWorkers = async (): Promise<void> => {
      await Promise.all(workers.map((worker) => worker.stop()));
    };
    for (let count = 0; count < (options.workers ?? 1); count++) await startWorker();
    return { directory, temporal, temporalProgram, cloud, startWorker, workers, stopWorkers, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
