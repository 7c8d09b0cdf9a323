import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { start, type Running } from './processes';
import { observe, type Observer } from './observer';
import { root } from './root';
import { findTemporal, startDevServer, type DevServer } from './temporal';

/**
 * Everything that the product needs, on this machine and on loopback only: a Temporal dev server, the embedded OpenStack
 * and workers, each a process of its own, as a user would run them. The demo, the tests against real servers and the
 * benchmarks stand on it.
 */
export interface Stack {
  readonly directory: string;
  readonly temporal: DevServer;
  readonly temporalProgram: string;
  readonly cloudUrl: string;
  readonly cloudsYaml: string;
  readonly observer: Observer;
  /** Starts one more worker process. The first is started with the stack. */
  readonly startWorker: () => Promise<Running>;
  readonly workers: readonly Running[];
  readonly stop: () => Promise<void>;
}

export interface StackOptions {
  /** Factor on boots, holds and drains. */
  readonly pace: number;
  /** Seconds that a boot takes before the pace is applied: `min-max`. */
  readonly bootSeconds?: string;
  readonly hosts?: string;
  readonly seed?: number;
  readonly workers?: number;
  /** Where the logs go; a new temporary directory by default. */
  readonly directory?: string;
  readonly dbFile?: string;
  readonly workerEnv?: Readonly<Record<string, string>>;
  /** Aborted while the stack is being started, what has been started is stopped, and the start fails. */
  readonly signal?: AbortSignal;
  /** Further arguments of the embedded OpenStack. */
  readonly cloudArgs?: readonly string[];
}

export async function startStack(options: StackOptions): Promise<Stack> {
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
      signal: options.signal,
    });
    undo.push(() => temporal.stop());
    const cloudsYaml = join(directory, 'clouds.yaml');
    const cloud = await start({
      command: process.execPath,
      args: [
        join(root, 'dist/simulator/main.js'),
        ...[
          '--port',
          '0',
          '--clouds-yaml',
          cloudsYaml,
          '--pace',
          String(options.pace),
          '--seed',
          String(options.seed ?? 1),
        ],
        ...['--hosts', options.hosts ?? 'mz=12,dmz=4'],
        ...(options.bootSeconds !== undefined ? ['--boot-seconds', options.bootSeconds] : []),
        ...(options.cloudArgs ?? []),
      ],
      logFile: join(directory, 'openstack.log'),
      isReady: (line) => line.startsWith('{') && line.includes('"url"'),
      readyWithinSeconds: 30,
      signal: options.signal,
    });
    undo.push(() => cloud.stop());
    const cloudUrl = (JSON.parse(cloud.readyLine) as { url: string }).url;
    const workers: Running[] = [];
    const startWorker = async (): Promise<Running> => {
      const worker = await start({
        command: process.execPath,
        args: [join(root, 'dist/workers/main.js')],
        env: {
          TEMPORAL_ADDRESS: temporal.address,
          OS_CLIENT_CONFIG_FILE: cloudsYaml,
          OS_CLOUD: 'embedded',
          BULKHEAD_PACE: String(options.pace),
          BULKHEAD_PUBLICATION_URL: cloudUrl,
          BULKHEAD_DESCRIPTORS: join(root, 'descriptors'),
          ...options.workerEnv,
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
    for (let count = 0; count < (options.workers ?? 1); count++) await startWorker();
    return {
      directory,
      temporal,
      temporalProgram,
      cloudUrl,
      cloudsYaml,
      observer: observe(cloudUrl),
      startWorker,
      workers,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
