import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Connection } from '@temporalio/client';
import { searchAttributes } from '../../domain/procedures';
import { start } from './processes';

/** The `temporal` program, found or fetched, and a dev server that behaves. */

const run = promisify(execFile);

/** Of the CLI; it brings server 1.29.1. Later ones cannot be built with `go install`. */
const version = '1.5.1';

const cacheDirectory = join(
  process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'),
  'bulkhead',
  `temporal-${version}`,
);

/** Says on standard error which was taken, so that a person knows what runs. */
export async function findTemporal(
  say: (line: string) => void = (line) => process.stderr.write(`${line}\n`),
  signal?: AbortSignal,
): Promise<string> {
  const ways: readonly (() => Promise<string | null>)[] = [
    fromVariable,
    fromPath,
    fromCache,
    () => fromDownload(say, signal),
    () => fromGo(say, signal),
  ];
  for (const way of ways) {
    signal?.throwIfAborted();
    const found = await way();
    if (found === null) continue;
    say(`temporal: ${found}`);
    return found;
  }
  throw new Error(
    [
      'The temporal program is not here and could not be fetched. Any of these helps:',
      '  - install it: https://docs.temporal.io/cli#install, so that it is on the PATH',
      '  - set TEMPORAL_CLI_PATH to it',
      `  - install Go; then this builds it: go install github.com/temporalio/cli/cmd/temporal@v${version}`,
    ].join('\n'),
  );
}

async function fromVariable(): Promise<string | null> {
  const path = process.env['TEMPORAL_CLI_PATH'];
  if (path === undefined || path === '') return null;
  if (!(await works(path)))
    throw new Error(
      `TEMPORAL_CLI_PATH is ${path}, and that is not a temporal program that runs. Correct it, or unset it.`,
    );
  return path;
}

async function fromPath(): Promise<string | null> {
  for (const directory of (process.env['PATH'] ?? '').split(':')) {
    const path = join(directory, 'temporal');
    if (existsSync(path) && (await works(path))) return path;
  }
  return null;
}

async function fromCache(): Promise<string | null> {
  const path = join(cacheDirectory, 'temporal');
  return existsSync(path) && (await works(path)) ? path : null;
}

/** The SDK's own download of a dev server; where downloads are closed it fails at once. */
async function fromDownload(say: (line: string) => void, signal?: AbortSignal): Promise<string | null> {
  const url = `https://temporal.download/cli/v${version}?platform=${process.platform}&arch=${process.arch === 'x64' ? 'amd64' : process.arch}&format=tar.gz`;
  const directory = await mkdtemp(join(tmpdir(), 'temporal-'));
  try {
    say(`temporal: downloading version ${version} …`);
    await run('curl', ['-fsSL', '--max-time', '120', '-o', join(directory, 'temporal.tar.gz'), url], { signal });
    await run('tar', ['-xzf', join(directory, 'temporal.tar.gz'), '-C', directory], { signal });
    return await intoCache(join(directory, 'temporal'));
  } catch {
    say('temporal: the download is not to be had here');
    return null;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function fromGo(say: (line: string) => void, signal?: AbortSignal): Promise<string | null> {
  const directory = await mkdtemp(join(tmpdir(), 'temporal-'));
  try {
    await run('go', ['version']);
    say(`temporal: building version ${version} with go, which takes some minutes …`);
    await run('go', ['install', `github.com/temporalio/cli/cmd/temporal@v${version}`], {
      env: { ...process.env, GOBIN: directory },
      maxBuffer: 64 * 1024 * 1024,
      signal,
    });
    return await intoCache(join(directory, 'temporal'));
  } catch (error) {
    say(`temporal: go could not build it (${error instanceof Error ? (error.message.split('\n')[0] ?? '') : ''})`);
    return null;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** By renaming within one directory, so that another script never sees half a program. */
async function intoCache(built: string): Promise<string | null> {
  if (!(await works(built))) return null;
  await mkdir(cacheDirectory, { recursive: true });
  const path = join(cacheDirectory, 'temporal');
  const beside = join(cacheDirectory, `temporal.${String(process.pid)}`);
  await run('cp', [built, beside]);
  await rename(beside, path);
  return path;
}

async function works(path: string): Promise<boolean> {
  try {
    const { stdout } = await run(path, ['--version']);
    return stdout.includes('Server');
  } catch {
    return false;
  }
}

export interface DevServer {
  readonly address: string;
  readonly uiUrl: string;
  readonly pid: number;
  readonly stop: () => Promise<void>;
  readonly kill: () => void;
}

export interface DevServerOptions {
  readonly program: string;
  /** Keeps histories across restarts. In memory without it. */
  readonly dbFile?: string;
  readonly port?: number;
  readonly uiPort?: number;
  readonly logFile?: string;
  /** False: as a server is before `bulkhead setup`. */
  readonly searchAttributes?: boolean;
  /** Further `key=value` of Temporal's dynamic configuration. */
  readonly dynamicConfig?: readonly string[];
  readonly signal?: AbortSignal | undefined;
}

/** Poll rates that a single machine may have: they cut the time from a signal to its effect to a quarter. */
const pollRates = ['transfer', 'timer', 'visibility', 'outbound'].flatMap((queue) => [
  '--dynamic-config-value',
  `history.${queue}ProcessorMaxPollRPS=1000`,
]);

/** Tries again with other ports when somebody took those that were just found free. */
export async function startDevServer(options: DevServerOptions): Promise<DevServer> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await startOnce(options);
    } catch (error) {
      const lostRace = error instanceof Error && error.message.includes('address already in use');
      if (!lostRace || attempt === 5) throw error;
    }
  }
}

async function startOnce(options: DevServerOptions): Promise<DevServer> {
  const port = options.port ?? (await freePort());
  const uiPort = options.uiPort ?? (await freePort());
  const address = `127.0.0.1:${String(port)}`;
  // Without these pragmas a server with a file slows down more and more.
  const storage =
    options.dbFile === undefined
      ? []
      : ['--db-filename', options.dbFile, '--sqlite-pragma', 'journal_mode=wal', '--sqlite-pragma', 'synchronous=1'];
  const attributes =
    options.searchAttributes === false
      ? []
      : Object.entries(searchAttributes).flatMap(([name, type]) => ['--search-attribute', `${name}=${type}`]);
  const server = await start({
    command: options.program,
    args: [
      ...[
        'server',
        'start-dev',
        '--ip',
        '127.0.0.1',
        '--ui-ip',
        '127.0.0.1',
        '--port',
        String(port),
        '--ui-port',
        String(uiPort),
        '--log-level',
        'error',
      ],
      ...storage,
      ...attributes,
      ...pollRates,
      ...(options.dynamicConfig ?? []).flatMap((value) => ['--dynamic-config-value', value]),
    ],
    logFile: options.logFile ?? '/dev/null',
    isReady: (line) => line.includes('Server:') || line.includes('UI:'),
    readyWithinSeconds: 60,
    signal: options.signal,
  });
  try {
    await answers(address);
  } catch (error) {
    await server.stop();
    throw error;
  }
  return {
    address,
    uiUrl: `http://127.0.0.1:${String(uiPort)}`,
    pid: server.pid,
    stop: () => server.stop(),
    kill: () => {
      server.kill('SIGKILL');
    },
  };
}

async function answers(address: string): Promise<void> {
  const until = Date.now() + 60_000;
  for (;;) {
    try {
      const connection = await Connection.connect({ address, connectTimeout: 2_000 });
      await connection.workflowService.describeNamespace({ namespace: 'default' });
      await connection.close();
      return;
    } catch (error) {
      if (Date.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/**
 * Below the range that Linux gives to outgoing connections (32768 and up): such a connection can take a port between the
 * moment that it is found free and the moment that the server listens, and would keep it while a server is restarted.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 32_000);
    if (await isFree(port)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => {
      resolve(false);
    });
    probe.listen(port, '127.0.0.1', () => {
      probe.close(() => {
        resolve(true);
      });
    });
  });
}
