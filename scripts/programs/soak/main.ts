import { Command, InvalidArgumentError } from 'commander';
import { playHere, playInProcesses, type Found } from './play';

/** `./scripts/soak`: random nights, each from a seed; what fails is made short and told. Exits 1 where a guarantee broke. */

interface Options {
  readonly seed: number;
  readonly runs: number;
  readonly jobs: number;
  readonly json: boolean;
}

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
  const told = (found: Found): void => {
    if (json) process.stdout.write(`${JSON.stringify(found)}\n`);
    else for (const line of [...found.story, ...found.problems, '']) say(line);
  };
  const began = performance.now();
  const played = (many: number): void => {
    if (many < runs && (many % 1_000 === 0 || jobs > 1)) say(`${String(many)} runs …`);
  };
  const listener = { found: told, played };
  const total =
    jobs === 1
      ? await playHere({ seed, runs }, listener)
      : await playInProcesses({ seed, runs, jobs: Math.min(jobs, runs) }, listener);
  const seconds = (performance.now() - began) / 1_000;
  const perSecond = (many: number): number => Number((many / seconds).toFixed(1));
  const { violations, lifecycles } = total;
  const rates = { runsPerSecond: perSecond(runs), lifecyclesPerSecond: perSecond(lifecycles) };
  if (json) process.stdout.write(`${JSON.stringify({ runs, violations, lifecycles, ...rates })}\n`);
  say(
    `${String(runs)} runs from seed ${String(seed)}: ${String(violations)} violations, ${String(rates.runsPerSecond)} runs a second, ` +
      `${String(rates.lifecyclesPerSecond)} VNFs brought up and taken away a second`,
  );
  process.exitCode = violations > 0 ? 1 : 0;
}

const program = new Command('soak')
  .description(
    'Plays random nights on a virtual clock: VNFs that share hosts, procedures side by side, and what goes wrong meanwhile. ' +
      'The workflows and activities are those of the product, the cloud is the embedded one.',
  )
  .option('--seed <number>', 'of the first run; the next run has the next seed', whole(0), 1)
  .option('--runs <number>', 'how many', whole(1), 100)
  .option('--jobs <number>', 'in so many processes at once; the same runs, told in the same order', whole(1, 64), 1)
  .option('--json', 'a line for each violation, and one in the end, and nothing else', false)
  .action(soak);

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`soak: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
