import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Command } from 'commander';
import { mutants, type Mutant } from './mutants';
import { checkFits, planted } from './planted';
import { brokenBy, holdsAsItIs } from './properties';

/**
 * `./scripts/mutants`: each defect is planted in a copy of the built product, and every fault is tried on it until one tells; the planner's in
 * a copy of its sources, and the property that it breaks is tried.
 */

const run = promisify(execFile);

interface Options {
  readonly json: boolean;
  readonly only?: string;
  readonly every: string;
}

/** What tells of it first, or null. */
async function caughtBy(mutant: Mutant, every: string): Promise<string | null> {
  checkFits(mutant);
  if (mutant.property) return await brokenBy(mutant, mutant.property);
  const directory = planted(mutant);
  try {
    const program = join(directory, 'dist/scripts/programs/faults/main.js');
    const { stdout } = await run(process.execPath, [program, '--json', '--first', '--every', every], {
      cwd: directory,
      maxBuffer: 64 * 1_024 * 1_024,
    }).catch((error: unknown) => error as { stdout: string });
    for (const line of stdout.split('\n')) {
      if (!line.startsWith('{')) continue;
      const said = JSON.parse(line) as { case?: string; problems?: string[] };
      if (said.case !== undefined) return `${said.case}: ${reasonIn(said.problems ?? [])}`;
    }
    return null;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The line that says it: a guarantee that broke, or what else was not as promised. */
function reasonIn(problems: readonly string[]): string {
  const lines = problems.join('\n').split('\n');
  return (lines.find((line) => / by event /.test(line)) ?? lines[0] ?? '').trim();
}

async function plantAll({ json, only, every }: Options): Promise<void> {
  const wanted = mutants.filter(({ name }) => only === undefined || name === only);
  if (wanted.length === 0)
    throw new Error(`there is no mutant ${only ?? ''}; there are ${mutants.map(({ name }) => name).join(', ')}`);
  const properties = wanted.flatMap(({ property }) => property ?? []);
  if (properties.length > 0) await holdsAsItIs(properties);
  let caught = 0;
  for (const mutant of wanted) {
    const by = await caughtBy(mutant, every);
    if (by !== null) caught += 1;
    process.stdout.write(
      json
        ? `${JSON.stringify({ mutant: mutant.name, caughtBy: by })}\n`
        : `${mutant.name} (${mutant.what})\n    ${by === null ? 'NOT CAUGHT' : by}\n`,
    );
  }
  const planted = wanted.length;
  process.stdout.write(
    json ? `${JSON.stringify({ planted, caught })}\n` : `${String(planted)} planted, ${String(caught)} caught\n`,
  );
  process.exitCode = caught < planted ? 1 : 0;
}

const program = new Command('mutants')
  .description('Plants defects in copies of the product, one after the other, and shows what catches each.')
  .option('--json', 'a line of JSON for each defect, and one in the end', false)
  .option('--only <name>', `one of: ${mutants.map(({ name }) => name).join(', ')}`)
  .option('--every <number>', 'tries only every so many-th fault', '3')
  .action(plantAll);

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`mutants: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
