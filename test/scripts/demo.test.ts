import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { guarantees } from '../../checker/verdict';
import { root } from '../../scripts/lib/root';
import { until } from '../real/world';
import { acts, actsOfTenant } from './acts';

/** The demo as a person runs it: what it prints, how it ends, and that it stops what it started. */

interface Line {
  readonly act: string;
  readonly vnf: string;
  readonly outcome: string;
  readonly seconds: number;
  readonly guarantees: Readonly<Record<string, boolean>>;
}

const allHeld = Object.fromEntries(guarantees.map((guarantee) => [guarantee, true]));

function linesOf(out: string): Line[] {
  return out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
}

function demo(...args: string[]) {
  const child = spawn(process.execPath, [join(root, 'dist/scripts/programs/demo/main.js'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { out: '', err: '' };
  child.stdout.on('data', (data: Buffer) => (said.out += data.toString()));
  child.stderr.on('data', (data: Buffer) => (said.err += data.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  return { child, said, ended };
}

/** Processes below this one that are alive, by what the kernel says. Empty where it does not say. */
function childrenOf(pid: number): number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^[0-9]+$/.test(name))
      .map(Number)
      .filter((each) => parentOf(each) === pid);
  } catch {
    return [];
  }
}

function parentOf(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return null;
  }
}

test('plays every act, prints a line of JSON for each and nothing else, and every guarantee holds', async () => {
  const { said, ended } = demo('--json', '--fast');
  const code = await ended;
  const lines = linesOf(said.out);
  expect(lines.map(({ act, outcome }) => [act, outcome])).toEqual(acts);
  for (const line of lines) {
    expect(line).toEqual({
      act: line.act,
      vnf: 'ims1',
      outcome: line.outcome,
      seconds: expect.any(Number) as number,
      guarantees: allHeld,
    });
  }
  expect(code).toBe(0);
}, 240_000);

test('plays every act as a tenant too, and says what is not judged', async () => {
  const { said, ended } = demo('--as', 'tenant', '--json', '--fast');
  const code = await ended;
  const lines = linesOf(said.out);
  expect(lines.map(({ act, outcome }) => [act, outcome])).toEqual(actsOfTenant());
  for (const line of lines) expect(line).toMatchObject({ guarantees: allHeld, as: 'tenant', notJudged: ['G1d'] });
  expect(code).toBe(0);
}, 240_000);

test.each(['SIGINT', 'SIGTERM'] as const)(
  '%s in the middle stops all that was started',
  async (signal) => {
    const { child, said, ended } = demo('--fast');
    const { pid = 0 } = child;
    await until('the first act has begun', 120, () => Promise.resolve(said.out.includes('── instantiate')));
    const started = childrenOf(pid);
    expect(started.length).toBeGreaterThanOrEqual(process.platform === 'linux' ? 3 : 0);
    child.kill(signal);
    expect(await ended).toBe(130);
    expect(started.filter((each) => parentOf(each) !== null)).toEqual([]);
  },
  180_000,
);

test.each([1, 2, 3])(
  'SIGINT while %i of its processes are coming up stops those',
  async (count) => {
    const { child, said, ended } = demo('--fast');
    const { pid = 0 } = child;
    const seen = (): Promise<boolean> =>
      Promise.resolve(childrenOf(pid).length >= count && said.err.includes('temporal:'));
    if (process.platform === 'linux') await until('they are there', 60, seen);
    const started = childrenOf(pid);
    child.kill('SIGINT');
    // Where nobody can be counted, it may be told so early that it has no ear for it yet.
    if (process.platform === 'linux') expect(await ended).toBe(130);
    else await ended;
    expect(said.out).not.toContain('── instantiate');
    expect(started.filter((each) => parentOf(each) !== null)).toEqual([]);
  },
  90_000,
);

test('a pace that is none is refused with what would be right', async () => {
  const { said, ended } = demo('--pace', 'quick');
  expect(await ended).toBe(2);
  expect(said.err).toContain('--pace is a factor above 0');
});
