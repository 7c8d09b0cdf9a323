import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setImmediate } from 'node:timers/promises';
import { playNight, playStory, shrink } from '../../lib/virtual/soak';
import { storyOf, told } from '../../lib/virtual/story';

/** Many nights, each from its seed, in this process or in several. */

export interface Nights {
  /** Of the first one; the next night has the next seed. */
  readonly seed: number;
  readonly runs: number;
}

/** A night that was not as promised: its shortest story, a line each, and what was wrong with it. */
export interface Found {
  readonly seed: number;
  readonly story: readonly string[];
  readonly problems: readonly string[];
}

export interface Total {
  readonly violations: number;
  /** VNFs that were brought up and taken away again, whatever was done with them meanwhile. */
  readonly lifecycles: number;
}

export interface Listener {
  /** In the order of the seeds. */
  readonly found: (found: Found) => void;
  readonly played: (runs: number) => void;
}

export async function playHere({ seed, runs }: Nights, { found, played }: Listener): Promise<Total> {
  let violations = 0;
  let lifecycles = 0;
  for (let run = 0; run < runs; run++) {
    const story = storyOf(seed + run);
    const night = await playNight(story);
    lifecycles += night.lifecycles;
    if (night.problems.length > 0) {
      violations += 1;
      const shortest = await shrink(story);
      found({ seed: story.seed, story: told(shortest), problems: await playStory(shortest) });
    }
    played(run + 1);
    // A night waits for promises only: here the process may do what else it has to.
    await setImmediate();
  }
  return { violations, lifecycles };
}

/** Each process has its part of the seeds, one after another, and ends with it. */
export async function playInProcesses(nights: Nights & { jobs: number }, listener: Listener): Promise<Total> {
  const { runs, jobs } = nights;
  const parts = Array.from({ length: jobs }, (_, part): Nights => {
    const [from = 0, to = 0] = [part, part + 1].map((each) => Math.floor((runs * each) / jobs));
    return { seed: nights.seed + from, runs: to - from };
  });
  const total = { violations: 0, lifecycles: 0 };
  let played = 0;
  // All have begun before the first is waited for.
  for (const [index, lines] of parts.map(linesOf).entries()) {
    const { found, ended } = readLines(await lines);
    for (const each of found) listener.found(each);
    total.violations += ended.violations;
    total.lifecycles += ended.lifecycles;
    listener.played((played += parts[index]?.runs ?? 0));
  }
  return total;
}

/** What `soak --json` says of a part. */
async function linesOf({ seed, runs }: Nights): Promise<string[]> {
  const args = [...process.execArgv, process.argv[1] ?? '', '--json', '--seed', String(seed), '--runs', String(runs)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  return await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0 || code === 1) resolve(lines);
      else reject(new Error(`the process with the seeds from ${String(seed)} ended with ${String(signal ?? code)}`));
    });
  });
}

function readLines(lines: readonly string[]): { found: Found[]; ended: Total } {
  const last = lines.at(-1);
  if (last === undefined)
    throw new Error('a process with a part of the seeds ended early; what it said of it is above');
  return { found: lines.slice(0, -1).map((line) => JSON.parse(line) as Found), ended: JSON.parse(last) as Total };
}
