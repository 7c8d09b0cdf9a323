import { InvalidArgumentError, type Command } from 'commander';
import { measurePlacement } from './measure';
import { problemsIn, tablesOf } from './table';

/** `placement`, which takes a minute or two and no cloud. Times are no test, so only a plan that is not as it has to be makes it exit 1. */
export function addPlacement(program: Command): void {
  program
    .command('placement')
    .description(
      'time, memory and moves of a plan of every kind, on generated clouds; exits 1 when one has more moves than are needed',
    )
    .option('--json', 'a line of JSON for each case and nothing else on standard output', false)
    .option(
      '--max-hosts <n>',
      'only clouds of at most so many hosts: there are 10, 100, 1,000 and 5,000',
      hostsIn,
      5_000,
    )
    .action(({ json, maxHosts }: { json: boolean; maxHosts: number }) => {
      const say = (line: string): void => {
        process.stderr.write(`${line}\n`);
      };
      const measured = measurePlacement({ hostsMost: maxHosts, say });
      const lines = json ? measured.map((each) => JSON.stringify(each)) : tablesOf(measured);
      process.stdout.write(`${lines.join('\n')}\n`);
      const problems = problemsIn(measured);
      for (const problem of problems) say(`NOT AS IT HAS TO BE: ${problem}`);
      process.exitCode = problems.length === 0 ? 0 : 1;
    });
}

function hostsIn(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 10)
    throw new InvalidArgumentError('give a whole number of hosts from 10 up: the smallest cloud has 10');
  return value;
}
