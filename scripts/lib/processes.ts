import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { createWriteStream } from 'node:fs';

/** Programs that a script starts and must not leave behind: each is stopped by its own handle, never by name. */

export interface Running {
  readonly pid: number;
  /** False from the moment it ended, for whatever reason. */
  readonly alive: () => boolean;
  /** Asks it to stop, and kills it after the grace. Returns when it has ended. */
  readonly stop: (signal?: NodeJS.Signals) => Promise<void>;
  readonly kill: (signal: NodeJS.Signals) => void;
  readonly ended: Promise<number | null>;
}

export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Standard output and error go here, for a person to read afterwards. */
  readonly logFile: string;
  /** Says whether a line of its standard output means that it is ready. */
  readonly isReady: (line: string) => boolean;
  readonly readyWithinSeconds: number;
  /** Aborted before it is ready, it is stopped, and the start fails. Afterwards it has no effect. */
  readonly signal?: AbortSignal | undefined;
}

const graceSeconds = 20;

/** Starts a program and waits until it says that it is ready. Throws, with the tail of what it said, if it does not. */
export async function start(program: Program): Promise<Running & { readonly readyLine: string }> {
  program.signal?.throwIfAborted();
  const child = spawn(program.command, program.args, {
    env: { ...process.env, ...program.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const running = handleOf(child);
  const log = createWriteStream(program.logFile, { flags: 'a' });
  const tail: string[] = [];
  const keep = (line: string): void => {
    log.write(`${line}\n`);
    tail.push(line);
    if (tail.length > 20) tail.shift();
  };
  createInterface({ input: child.stderr }).on('line', keep);
  const ready = new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new Error(`not ready after ${String(program.readyWithinSeconds)} s`));
    }, program.readyWithinSeconds * 1_000);
    createInterface({ input: child.stdout }).on('line', (line) => {
      keep(line);
      if (!program.isReady(line)) return;
      clearTimeout(timer);
      resolve(line);
    });
    child.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    program.signal?.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(new Error('told to stop before it was ready'));
    });
    void running.ended.then((code) => {
      clearTimeout(timer);
      reject(new Error(`ended with code ${String(code)} before it was ready`));
    });
  });
  try {
    return { ...running, readyLine: await ready };
  } catch (error) {
    await running.stop();
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`${program.command} ${program.args.join(' ')}: ${why}\n${tail.join('\n')}`, { cause: error });
  }
}

function handleOf(child: ChildProcess): Running {
  let over = false;
  const ended = new Promise<number | null>((resolve) => {
    child.once('exit', (code) => {
      over = true;
      resolve(code);
    });
    child.once('error', () => {
      over = true;
      resolve(null);
    });
  });
  const kill = (signal: NodeJS.Signals): void => {
    if (!over) child.kill(signal);
  };
  return {
    pid: child.pid ?? -1,
    alive: () => !over,
    ended,
    kill,
    stop: async (signal = 'SIGTERM') => {
      kill(signal);
      const timer = setTimeout(() => {
        kill('SIGKILL');
      }, graceSeconds * 1_000);
      await ended;
      clearTimeout(timer);
    },
  };
}
