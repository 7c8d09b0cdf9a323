import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findCompiler, findSpin } from '../../scripts/lib/spin';

/** What spin and a C compiler make of test/model/turn.pml: a program that looks at every state that can be reached. */

const run = promisify(execFile);

const source = join(__dirname, 'turn.pml');

/** More than the longest behaviour has steps, and more memory than the largest search takes. */
const depthMax = 20_000;
const memoryMegabytes = 512;

/** How much goes wrong, by the names that the model gives to it. */
export type Faults = Readonly<Record<string, number>>;

export interface Search {
  readonly states: number;
  readonly errors: number;
  /** False where it was cut short: by its depth, its memory, or an error. */
  readonly complete: boolean;
  /** The first error, as the verifier says it. */
  readonly error: string | undefined;
  /** Statements that were not reached, as `process state`. */
  readonly unreached: ReadonlySet<string>;
  readonly said: string;
}

export interface Verifier {
  readonly search: (faults: Faults) => Promise<Search>;
  /** Looks for behaviours that go on for ever. */
  readonly searchLoops: (faults: Faults) => Promise<Search>;
  /** Of each line that does something, the statements that it was made into. */
  readonly statements: () => Promise<ReadonlyMap<number, readonly string[]>>;
  readonly remove: () => Promise<void>;
}

export async function makeVerifier(): Promise<Verifier> {
  const [spin, compiler] = [await findSpin(), await findCompiler()];
  const directory = await mkdtemp(join(tmpdir(), 'turn-model-'));
  const here = { cwd: directory, maxBuffer: 64 * 1024 * 1024 };
  await copyFile(source, join(directory, 'turn.pml'));
  // Statements that are not merged are what it says of them: reached or not.
  await run(spin, [`-P${compiler} -E -x c`, '-DFROM_ENVIRONMENT', '-o3', '-a', 'turn.pml'], here);
  const compile = async (name: string, ...options: string[]): Promise<void> => {
    await run(compiler, ['-w', `-DMEMLIM=${String(memoryMegabytes)}`, ...options, '-o', name, 'pan.c'], here);
  };
  await Promise.all([compile('states', '-O1', '-DSAFETY', '-DNOFAIR'), compile('loops', '-DNP', '-DNOFAIR')]);
  // Only what is given here: a variable of the same name that somebody has set is not meant.
  const environment = (faults: Faults): Record<string, string> =>
    Object.fromEntries(Object.entries(faults).map(([name, count]) => [name, String(count)]));
  const searchBy = async (program: string, faults: Faults, ...options: string[]): Promise<Search> => {
    const args = [`-m${String(depthMax)}`, '-w20', ...options];
    const { stdout } = await run(join(directory, program), args, { ...here, env: environment(faults) });
    return read(stdout);
  };
  return {
    search: (faults) => searchBy('states', faults),
    searchLoops: (faults) => searchBy('loops', faults, '-l'),
    statements: async () => readStatements((await run(join(directory, 'states'), ['-d'], here)).stdout),
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}

/** The mistakes that can be planted, as the model lists them. */
export async function plantable(): Promise<ReadonlyMap<string, number>> {
  const text = await readFile(source, 'utf8');
  const listed = text.slice(0, text.indexOf('#ifndef MISTAKE')).matchAll(/^#define ([A-Z_]+) (\d+)/gm);
  return new Map([...listed].map(([, name = '', number]) => [name, Number(number)]));
}

function read(said: string): Search {
  const errors = Number(/errors: (\d+)/.exec(said)?.[1] ?? NaN);
  const unreached = new Set<string>();
  let process = '';
  for (const line of said.split('\n')) {
    process = /^unreached in (?:proctype )?(\S+)/.exec(line)?.[1] ?? process;
    const state = /turn\.pml:\d+, state (\d+), "(?!-end-)/.exec(line)?.[1];
    if (state !== undefined) unreached.add(`${process} ${state}`);
  }
  return {
    states: Number(/(\d+) states, stored/.exec(said)?.[1] ?? NaN),
    errors,
    complete: errors === 0 && !/Search not completed|max search depth too small|out of memory/.test(said),
    error: /^pan:1: (.*)$/m.exec(said)?.[1],
    unreached,
    said,
  };
}

function readStatements(said: string): ReadonlyMap<number, readonly string[]> {
  const statements = new Map<number, string[]>();
  let process = '';
  for (const line of said.split('\n')) {
    process = /^(?:proctype )?(\S+)$/.exec(line)?.[1] ?? process;
    const [, state, at] = /^\s+state\s+(\d+) -\(tr.*turn\.pml:(\d+) =>/.exec(line) ?? [];
    if (state === undefined) continue;
    const name = `${process} ${state}`;
    statements.set(Number(at), [...(statements.get(Number(at)) ?? []), name]);
  }
  return statements;
}
