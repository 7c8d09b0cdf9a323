import { spawn } from 'node:child_process';

/** Node in a directory of its own, for as long as nobody says stop. */

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Returns when it has ended, so that nobody is at work any more in what is removed then. Throws where it was stopped, or killed by others. */
export async function node(
  args: readonly string[],
  { cwd, env, stop }: { readonly cwd: string; readonly env?: NodeJS.ProcessEnv; readonly stop: AbortSignal },
): Promise<Ended> {
  stop.throwIfAborted();
  const child = spawn(process.execPath, args, { cwd, env: env ?? process.env, stdio: ['ignore', 'pipe', 'pipe'] });
  const kill = (): void => {
    child.kill();
  };
  stop.addEventListener('abort', kill);
  child.stdout.setEncoding('utf8');
  child.stderr.setEncoding('utf8');
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (text: string) => (stdout += text));
  child.stderr.on('data', (text: string) => (stderr += text));
  try {
    const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (...ended) => {
        resolve(ended);
      });
    });
    stop.throwIfAborted();
    const ended = { code, stdout, stderr };
    if (signal !== null) throw notNormal(args, ended, signal);
    return ended;
  } finally {
    stop.removeEventListener('abort', kill);
  }
}

export function notNormal(args: readonly string[], { code, stderr }: Ended, signal?: NodeJS.Signals): Error {
  const last = stderr.trim().split('\n').slice(-10).join('\n');
  return new Error(
    `node ${args.join(' ')} ended with ${signal ?? String(code)}, and did not say what it found: ${last}`,
  );
}
