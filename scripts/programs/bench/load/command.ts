import { InvalidArgumentError, type Command } from 'commander';
import { guarantees } from '../../../../checker/verdict';
import { whole } from '../whole';
import { measureLoad, type Load } from './index';

interface Given {
  readonly json: boolean;
  readonly vnfs: number;
  readonly members: number;
  readonly hosts: number;
  readonly procedures: number;
  readonly rounds: number;
  readonly pace: number;
  readonly workers: number;
  readonly kill: boolean;
  readonly calls: number;
  readonly rate?: number;
}

/** `load`, which takes minutes, and exits 1 where something was not as it has to be. */
export function addLoad(program: Command): void {
  program
    .command('load')
    .description(
      'many VNFs, many procedures at once and a host that dies under half of the VNFs; exits 1 when not all completes, a limit is exceeded, memory grows or a guarantee is broken',
    )
    .option('--json', 'a line of JSON for each phase, one for all, and nothing else on standard output', false)
    .option('--vnfs <n>', 'VNFs', whole(2, 999), 200)
    .option('--members <n>', 'members of each', whole(5, 100), 10)
    .option('--hosts <n>', 'hosts: each VNF has members on as many of them as it can', whole(8, 1_000), 20)
    .option('--procedures <n>', 'procedures that are begun at once', whole(1, 500), 50)
    .option('--rounds <n>', 'how often', whole(1, 20), 2)
    .option('--pace <factor>', 'factor on boots, holds, drains and time-outs', pace, 0.05)
    .option('--workers <n>', 'worker processes', whole(1, 10), 1)
    .option('--kill', 'kills a worker half-way through each round, and starts another one', false)
    .option('--calls <n>', 'OpenStack calls under way at once that all workers together may have', whole(1, 1_000), 16)
    .option('--rate <n>', 'OpenStack calls within a second that they may begin', whole(1, 10_000))
    .action(async ({ json, rate, ...options }: Given) => {
      const say = (line: string): void => {
        process.stderr.write(`${line}\n`);
      };
      const load = await measureLoad({ ...options, callsPerSecond: rate ?? null, say });
      const print = (line: string): void => {
        process.stdout.write(`${line}\n`);
      };
      for (const line of json ? jsonOf(load) : tableOf(load)) print(line);
      for (const problem of load.problems) say(`NOT AS IT HAS TO BE: ${problem}`);
      process.exitCode = load.problems.length === 0 ? 0 : 1;
    });
}

function jsonOf({ phases, histories, verdict, problems }: Load): string[] {
  const held = Object.fromEntries(guarantees.map((each) => [each, verdict.guarantees[each].held]));
  return [...phases.map((phase) => JSON.stringify(phase)), JSON.stringify({ histories, guarantees: held, problems })];
}

function tableOf({ phases, histories, verdict }: Load): string[] {
  const rows = phases.map(({ phase, seconds, slowest, workerMegabytes: memory, ...counts }) => {
    const ends = Object.entries(slowest).map(([name, at]) => `${name} ${String(at)}`);
    const { calls, callsAtOnceMost, callsPerSecondMost } = counts;
    const cells = [
      phase,
      seconds,
      ends.join(', '),
      calls,
      callsAtOnceMost,
      callsPerSecondMost,
      memory.most,
      memory.atEnd,
    ];
    return `| ${cells.join(' | ')} |`;
  });
  const longest = Object.entries(histories.longest).map(([type, events]) => `${type} ${String(events)}`);
  return [
    '| phase | s | slowest ended at | calls | at once, most | in 1 s, most | worker MB, most | at its end |',
    '| --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rows,
    '',
    ...phases.map(({ phase, outcomes, touched }) => {
      const ends = Object.entries(outcomes).map(([name, count]) => `${String(count)} ${name}`);
      return `${phase}: ${ends.join(', ')}${touched === undefined ? '' : `; the host that died had members of ${String(touched)} VNFs`}`;
    }),
    `histories: ${String(histories.runs)} runs, ${String(histories.events)} events, ${String(histories.megabytes)} MB; longest: ${longest.join(', ')}`,
    guarantees.map((each) => `${each} ${verdict.guarantees[each].held ? 'held' : 'BROKEN'}`).join(', '),
  ];
}

function pace(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 1)) throw new InvalidArgumentError('give a factor above 0 and up to 1');
  return value;
}
