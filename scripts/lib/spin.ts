import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** The `spin` program, which checks test/model/turn.pml, found or fetched; and the C compiler that it needs. */

const run = promisify(execFile);

const cacheDirectory = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'bulkhead', 'spin');

/** A network that is away must not hold up a test for longer. */
const fetchSeconds = 60;

export async function findSpin(): Promise<string> {
  for (const way of [fromVariable, fromPath, fromCache, fromDebian]) {
    const found = await way();
    if (found !== null) return found;
  }
  throw new Error(
    [
      'The spin program is not here and could not be fetched, and so the model of the turn was not checked. Any of these helps:',
      '  - install it, so that it is on the PATH: apt-get install spin, brew install spin, or see https://spinroot.com',
      '  - set SPIN_PATH to it',
      '  - on Debian or Ubuntu: apt-get update; then it is fetched by itself, without root',
    ].join('\n'),
  );
}

/** spin writes a verifier in C, and reads its models through the C preprocessor. */
export async function findCompiler(): Promise<string> {
  for (const compiler of [process.env['CC'] ?? '', 'cc', 'gcc', 'clang'].filter((each) => each !== ''))
    if (await answers(compiler, '--version')) return compiler;
  throw new Error(
    'There is no C compiler, and so the model of the turn was not checked. Install one (apt-get install gcc libc6-dev), or set CC to it.',
  );
}

async function fromVariable(): Promise<string | null> {
  const path = process.env['SPIN_PATH'];
  if (path === undefined || path === '') return null;
  if (!(await isSpin(path)))
    throw new Error(`SPIN_PATH is ${path}, and that is not a spin program that runs. Correct it, or unset it.`);
  return path;
}

async function fromPath(): Promise<string | null> {
  return (await isSpin('spin')) ? 'spin' : null;
}

async function fromCache(): Promise<string | null> {
  const path = join(cacheDirectory, 'spin');
  return existsSync(path) && (await isSpin(path)) ? path : null;
}

/** The package is one program that needs only the C library: it runs where it is unpacked, so nobody has to be root. */
async function fromDebian(): Promise<string | null> {
  const directory = await mkdtemp(join(tmpdir(), 'spin-'));
  try {
    await download(directory);
    const [archive] = (await readdir(directory)).filter((name) => name.endsWith('.deb'));
    if (archive === undefined) return null;
    await run('dpkg-deb', ['-x', join(directory, archive), directory]);
    return await intoCache(join(directory, 'usr', 'bin', 'spin'));
  } catch {
    return null;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** A new machine has no list of packages yet; only root may have one made. */
async function download(directory: string): Promise<void> {
  const options = { cwd: directory, timeout: fetchSeconds * 1_000 };
  try {
    await run('apt-get', ['download', 'spin'], options);
  } catch {
    await run('apt-get', ['update'], options);
    await run('apt-get', ['download', 'spin'], options);
  }
}

/** By renaming within one directory, so that another test never sees half a program. */
async function intoCache(program: string): Promise<string | null> {
  if (!(await isSpin(program))) return null;
  await mkdir(cacheDirectory, { recursive: true });
  const path = join(cacheDirectory, 'spin');
  const beside = join(cacheDirectory, `spin.${String(process.pid)}`);
  await run('cp', [program, beside]);
  await rename(beside, path);
  return path;
}

/** Other programs bear this name too. */
async function isSpin(path: string): Promise<boolean> {
  try {
    const { stdout } = await run(path, ['-V']);
    return stdout.startsWith('Spin Version 6');
  } catch {
    return false;
  }
}

async function answers(program: string, argument: string): Promise<boolean> {
  try {
    await run(program, [argument]);
    return true;
  } catch {
    return false;
  }
}
