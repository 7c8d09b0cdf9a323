import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { root } from '../../scripts/lib/root';
import { until } from './world';

/** A program of the build as a person starts it: what it says on either stream, and the code it ends with. */

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Program {
  readonly ended: Promise<Finished>;
  /** Waits until it has said this on either stream. */
  readonly says: (text: string) => Promise<void>;
  readonly kill: (signal: NodeJS.Signals) => void;
}

export type Env = Readonly<Record<string, string>>;

const saidWithinSeconds = 30;

export interface Given {
  readonly env?: Env;
  readonly cwd?: string;
  /** What has `dist/` in it. This one by default. */
  readonly release?: string;
}

/** `script` is below `dist/`. It gets this environment, and of the developer's own nothing that would configure it. */
export function begin(script: string, args: readonly string[], given: Given = {}): Program {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(TEMPORAL|BULKHEAD|OS)_/.test(name));
  const child = spawn(process.execPath, [join(given.release ?? root, 'dist', script), ...args], {
    env: { ...Object.fromEntries(inherited), ...given.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(given.cwd !== undefined && { cwd: given.cwd }),
  });
  let stdout = '';
  let stderr = '';
  let over = false;
  child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
  const ended = new Promise<Finished>((resolve) => {
    child.once('close', (code) => {
      over = true;
      resolve({ code, stdout, stderr });
    });
  });
  return {
    ended,
    says: async (text) => {
      const said = (): boolean => stdout.includes(text) || stderr.includes(text);
      await until(`${script} says "${text}"`, saidWithinSeconds, () => Promise.resolve(said() || over));
      if (!said()) throw new Error(`${script} ended and had not said "${text}":\n${stdout}${stderr}`);
    },
    kill: (signal) => {
      child.kill(signal);
    },
  };
}

export function runToEnd(script: string, args: readonly string[], given: Given = {}): Promise<Finished> {
  return begin(script, args, given).ended;
}
