import { constants } from 'node:os';
import { Command, Option } from 'commander';
import { exitAfterUsage, positive } from '../../lib/usage';
import { failsAsItIs, firstTold } from './faulted';
import { mutants, type Mutant } from './mutants';
import { checkFits } from './planted';
import { brokenBy, holdsAsItIs } from './properties';

/**
 * `./scripts/mutants`: each defect is planted in a copy of the built product, and every fault is tried on it until one tells; the planner's in
 * a copy of its sources, and the property that it breaks is tried. What tells of the product as it is tells nothing of a defect.
 * Stopped (Ctrl-C, SIGTERM) it leaves no copy behind, and says what came of those that it has planted.
 */

interface Options {
  readonly json: boolean;
  readonly only?: string;
  readonly every: number;
}

interface Verdict {
  /** What tells of it first, or null. */
  readonly caughtBy: string | null;
  /** What told, and tells of the product as it is, too. */
  readonly failsAsItIs?: string;
}

async function verdictOn(mutant: Mutant, every: number, stop: AbortSignal): Promise<Verdict> {
  checkFits(mutant);
  if (mutant.property) return { caughtBy: await brokenBy(mutant, mutant.property, stop) };
  const told = await firstTold(mutant, every, stop);
  if (told === null) return { caughtBy: null };
  const line = `${told.case}: ${reasonIn(told.problems)}`;
  return (await failsAsItIs(told)) ? { caughtBy: null, failsAsItIs: line } : { caughtBy: line };
}

/** The line that says it: two attempts at work at once, a guarantee that broke, or what else was not as promised. */
function reasonIn(problems: readonly string[]): string {
  const lines = problems.join('\n').split('\n');
  const telling = [/^a second attempt of /, / by event /].map((each) => lines.find((line) => each.test(line)));
  return (telling.find((line) => line !== undefined) ?? lines[0] ?? '').trim();
}

function textOf({ caughtBy, failsAsItIs: asItIs }: Verdict): string {
  if (asItIs !== undefined) return `NOT CAUGHT: the product as it is fails this, too: ${asItIs}`;
  return caughtBy ?? 'NOT CAUGHT';
}

async function plantAll({ json, only, every }: Options): Promise<void> {
  const stopping = new AbortController();
  const { signal: stop } = stopping;
  let stoppedBy: NodeJS.Signals | undefined;
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      stoppedBy ??= signal;
      stopping.abort();
    });
  const wanted = mutants.filter(({ name }) => only === undefined || name === only);
  const total = { planted: 0, caught: 0 };
  try {
    const properties = wanted.flatMap(({ property }) => property ?? []);
    if (properties.length > 0) await holdsAsItIs(properties, stop);
    for (const mutant of wanted) {
      const verdict = await verdictOn(mutant, every, stop);
      total.planted += 1;
      if (verdict.caughtBy !== null) total.caught += 1;
      process.stdout.write(
        json
          ? `${JSON.stringify({ mutant: mutant.name, ...verdict })}\n`
          : `${mutant.name} (${mutant.what})\n    ${textOf(verdict)}\n`,
      );
    }
  } catch (error) {
    if (!stop.aborted) throw error;
  }
  const { planted, caught } = total;
  const until = stoppedBy === undefined ? '' : ` until ${stoppedBy}`;
  process.stdout.write(
    json
      ? `${JSON.stringify({ ...total, ...(stoppedBy && { stoppedBy }) })}\n`
      : `${String(planted)} planted${until}, ${String(caught)} caught\n`,
  );
  const stopped = stoppedBy === undefined ? 0 : 128 + constants.signals[stoppedBy];
  process.exitCode = caught < planted ? 1 : stopped;
}

const program = new Command('mutants')
  .description('Plants defects in copies of the product, one after the other, and shows what catches each.')
  .exitOverride(exitAfterUsage)
  .option('--json', 'a line of JSON for each defect, and one in the end', false)
  .addOption(new Option('--only <name>', 'this one').choices(mutants.map(({ name }) => name)))
  .option('--every <number>', 'tries only every so many-th fault', positive, 3)
  .action(plantAll);

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`mutants: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
