import { Command, InvalidArgumentError } from 'commander';
import { playStory, shrink } from '../../lib/virtual/soak';
import { storyOf, told } from '../../lib/virtual/story';

/** `./scripts/soak`: random nights, each from a seed; what fails is made short and told. Exits 1 where a guarantee broke. */

interface Options {
  readonly seed: number;
  readonly runs: number;
  readonly json: boolean;
}

function whole(least: number): (text: string) => number {
  return (text) => {
    if (!/^\d{1,9}$/.test(text) || Number(text) < least)
      throw new InvalidArgumentError(`give a whole number of at least ${String(least)}`);
    return Number(text);
  };
}

async function soak({ seed, runs, json }: Options): Promise<void> {
  const say = (line: string): void => {
    if (!json) process.stdout.write(`${line}\n`);
  };
  const began = performance.now();
  let violations = 0;
  for (let run = 0; run < runs; run++) {
    const story = storyOf(seed + run);
    const problems = await playStory(story);
    if (run > 0 && run % 1_000 === 0) say(`${String(run)} runs, ${String(violations)} violations …`);
    if (problems.length === 0) continue;
    violations += 1;
    const shortest = await shrink(story);
    const lines = told(shortest);
    const found = await playStory(shortest);
    if (json) process.stdout.write(`${JSON.stringify({ seed: story.seed, story: lines, problems: found })}\n`);
    else for (const line of [...lines, ...found, '']) say(line);
  }
  const seconds = (performance.now() - began) / 1_000;
  const runsPerSecond = Number((runs / seconds).toFixed(1));
  if (json) process.stdout.write(`${JSON.stringify({ runs, violations, runsPerSecond })}\n`);
  say(
    `${String(runs)} runs from seed ${String(seed)}: ${String(violations)} violations, ${String(runsPerSecond)} runs a second`,
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
  .option('--json', 'a line for each violation, and one in the end, and nothing else', false)
  .action(soak);

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`soak: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
