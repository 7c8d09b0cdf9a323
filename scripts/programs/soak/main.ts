import { constants } from 'node:os';
import { Command, InvalidArgumentError } from 'commander';
import { exitAfterUsage } from '../../lib/usage';
import { playHere, playInProcesses, type Listener } from './play';

/**
 * `./scripts/soak`: random nights, each from a seed; what fails is made short and told as it is found. Stopped (Ctrl-C, SIGTERM) it says
 * what came of those that it has played. Exits 1 where a guarantee broke.
 */

interface Options {
  readonly seed: number;
  readonly runs: number;
  readonly jobs: number;
  readonly json: boolean;
}

/** Lower ones are nights of earlier kinds: scripts/lib/virtual/story.ts. */
const todaysSeed = 30_000_001;

function whole(least: number, most = 999_999_999): (text: string) => number {
  return (text) => {
    if (!/^\d{1,9}$/.test(text) || Number(text) < least || Number(text) > most)
      throw new InvalidArgumentError(`give a whole number from ${String(least)} to ${String(most)}`);
    return Number(text);
  };
}

async function soak({ seed, runs, jobs, json }: Options): Promise<void> {
  const say = (line: string): void => {
    if (!json) process.stdout.write(`${line}\n`);
  };
  const stop = new AbortController();
  let stoppedBy: NodeJS.Signals | undefined;
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      stoppedBy ??= signal;
      stop.abort();
    });
  const total = { runs: 0, violations: 0, lifecycles: 0 };
  const listener: Listener = {
    found: (found) => {
      total.violations += 1;
      if (json) process.stdout.write(`${JSON.stringify(found)}\n`);
      else for (const line of [...found.story, ...found.problems, '']) say(line);
    },
    played: (lifecycles) => {
      total.runs += 1;
      total.lifecycles += lifecycles;
      if (total.runs < runs && total.runs % 1_000 === 0) say(`${String(total.runs)} runs …`);
    },
  };
  const began = performance.now();
  say(`${String(runs)} runs from seed ${String(seed)} …`);
  try {
    if (jobs === 1) await playHere({ seed, runs }, listener, stop.signal);
    else await playInProcesses({ seed, runs, jobs: Math.min(jobs, runs) }, listener, stop.signal);
  } finally {
    const seconds = (performance.now() - began) / 1_000;
    const perSecond = (many: number): number => Number((many / seconds).toFixed(1));
    const rates = { runsPerSecond: perSecond(total.runs), lifecyclesPerSecond: perSecond(total.lifecycles) };
    if (json) process.stdout.write(`${JSON.stringify({ ...total, ...rates, ...(stoppedBy && { stoppedBy }) })}\n`);
    say(
      `${String(total.runs)} runs from seed ${String(seed)}${stoppedBy ? ` until ${stoppedBy}` : ''}: ` +
        `${String(total.violations)} violations, ${String(rates.runsPerSecond)} runs a second, ` +
        `${String(rates.lifecyclesPerSecond)} VNFs brought up and taken away a second`,
    );
  }
  const stopped = stoppedBy === undefined ? 0 : 128 + constants.signals[stoppedBy];
  process.exitCode = total.violations > 0 ? 1 : stopped;
}

const program = new Command('soak')
  .description(
    'Plays random nights on a virtual clock: VNFs that share hosts, procedures side by side, and what goes wrong meanwhile. ' +
      'The workflows and activities are those of the product, the cloud is the embedded one.',
  )
  .exitOverride(exitAfterUsage)
  .option('--seed <number>', 'of the first run; the next run has the next seed', whole(0), todaysSeed)
  .option('--runs <number>', 'how many', whole(1), 100)
  .option(
    '--jobs <number>',
    'in so many processes at once; the same runs, and what fails is told as it is found',
    whole(1, 64),
    1,
  )
  .option('--json', 'a line for each violation, and one in the end, and nothing else', false)
  .action(soak);

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`soak: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
