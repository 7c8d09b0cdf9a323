import { Command, Option } from 'commander';
import { exitAfterUsage, positive } from '../../lib/usage';
import { casesAt, nameOf, play, type Case } from '../../lib/virtual/enumerate';
import { faults, isOfServers, type Fault } from '../../lib/virtual/faults';
import { specs } from '../../lib/virtual/specs';

/** `./scripts/faults`: every fault at every moment of every procedure. Exits 1 where one is not as promised. */

interface Options {
  readonly procedure?: string;
  readonly fault?: Fault;
  readonly every: number;
  readonly json: boolean;
  readonly first: boolean;
}

async function tryFaults({ procedure, fault: only, every, json, first }: Options): Promise<void> {
  const wanted = specs.filter(({ name }) => procedure === undefined || name === procedure);
  let failed = 0;
  let tried = 0;
  for (const spec of wanted) {
    const began = performance.now();
    let bad = 0;
    const clean = await play(spec);
    const told = (name: string, problems: readonly string[], struck?: Case): void => {
      bad += 1;
      const at = struck && { fault: struck.fault, moment: struck.moment };
      process.stdout.write(
        json
          ? `${JSON.stringify({ case: name, procedure: spec.name, ...at, problems })}\n`
          : `✗ ${name}\n${problems.join('\n')}\n`,
      );
    };
    if (clean.problems.length > 0) told(`${spec.name}: without any fault`, clean.problems);
    const cases = casesAt(spec, clean)
      .filter(({ fault }) => only === undefined || fault === only)
      .filter(({ fault }, index) => clean.problems.length === 0 && (index % every === 0 || isOfServers(fault)));
    for (const each of cases) {
      const { problems } = await play(spec, each);
      if (problems.length === 0) continue;
      told(nameOf(each), problems, each);
      if (first) break;
    }
    failed += bad;
    tried += cases.length;
    if (first && failed > 0) break;
    const seconds = Number(((performance.now() - began) / 1_000).toFixed(1));
    const end = { procedure: spec.name, cases: cases.length, failed: bad, seconds };
    process.stdout.write(
      json
        ? `${JSON.stringify(end)}\n`
        : `${spec.name}: ${String(cases.length)} cases, ${String(bad)} failed, ${String(seconds)} s\n`,
    );
  }
  // Nothing was tried, which is not to look as if all were well.
  if (failed === 0 && tried === 0)
    program.error(
      `error: ${only ?? 'no fault'} befalls ${procedure ?? 'no procedure'} at no moment: there are no cases`,
    );
  process.exitCode = failed > 0 ? 1 : 0;
}

const program = new Command('faults')
  .description(
    'Plays each procedure once without faults, to see every call to the cloud, every message and every step, and then once for each of ' +
      'them and each fault, on a virtual clock.',
  )
  .exitOverride(exitAfterUsage)
  .addOption(
    new Option('--procedure <name>', 'this one only; all where it is left out').choices(specs.map(({ name }) => name)),
  )
  .addOption(
    new Option('--fault <name>', 'this one only, such as terminated; all where it is left out').choices(faults),
  )
  .option('--every <number>', 'only every so many-th case', positive, 1)
  .option('--first', 'ends with the first that is not as promised', false)
  .option('--json', 'a line of JSON for each failed case and each procedure', false)
  .action(tryFaults);

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`faults: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
