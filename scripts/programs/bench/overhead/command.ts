import { InvalidArgumentError, Option, type Command } from 'commander';
import { whole } from '../whole';
import { measureOverhead } from './index';
import { tableOf } from './ratios';
import { procedures, type Procedure } from './side';

interface Given {
  readonly cloud: string;
  readonly as?: 'operator' | 'tenant';
  readonly json: boolean;
  readonly rounds: number;
  readonly vms: number;
  readonly zone: string;
  readonly descriptor?: string;
  readonly procedures: readonly Procedure[];
  readonly concurrency?: number;
  readonly heat: boolean;
  readonly histories?: string;
  readonly hostFailCommand?: string;
  readonly hostRecoverCommand?: string;
}

/** `overhead`, which needs a cloud for some minutes, and says how it ended by its exit code alone: times are no test. */
export function addOverhead(program: Command): void {
  program
    .command('overhead')
    .description('times instantiate, scaleOut, heal and evacuateHost next to a bare script, in turns on the same cloud')
    .option(
      '--cloud <name>',
      'entry of clouds.yaml; by default an embedded OpenStack, whose times say little',
      'embedded',
    )
    .addOption(
      new Option('--as <way>', 'as an operator or as a tenant; by default what the login is').choices([
        'operator',
        'tenant',
      ]),
    )
    .option('--json', 'a line of JSON for each case and nothing else on standard output', false)
    .option('--rounds <n>', 'how often each side does everything', whole(1, 100), 3)
    .option('--vms <n>', 'VMs of the instantiate; scaleOut adds half as many', whole(3, 500), 12)
    .option('--zone <zone>', 'where they are: in one with few hosts, each carries more of them', 'mz')
    .option('--descriptor <name>', 'a file, or a name in descriptors/, instead of one pool of --vms in --zone')
    .option('--procedures <list>', `some of ${procedures.join(',')}, in this order`, proceduresIn, [...procedures])
    .option(
      '--concurrency <n>',
      'servers that the bare script posts at once, with ports in bulk; by default the best of a short search',
      whole(1, 64),
    )
    .option('--heat', 'also next to Heat, where the cloud has it: a ResourceGroup of servers with ports', false)
    .option('--host-fail-command <command>', "kills a host, e.g. 'ipmitool -H {host}-bmc power off'; known for the lab")
    .option('--host-recover-command <command>', 'brings it back')
    .option('--histories <directory>', 'write the history of every run there: where the time goes')
    .action(async ({ json, ...options }: Given) => {
      const stop = new AbortController();
      const onSignal = (): void => {
        if (stop.signal.aborted) return;
        process.stderr.write('\nRemoving what was made …\n');
        stop.abort();
      };
      process.on('SIGINT', onSignal);
      process.on('SIGTERM', onSignal);
      const say = (line: string): void => {
        process.stderr.write(`${line}\n`);
      };
      try {
        const ratios = await measureOverhead({ ...options, say, signal: stop.signal });
        process.stdout.write(`${json ? ratios.map((ratio) => JSON.stringify(ratio)).join('\n') : tableOf(ratios)}\n`);
      } catch (error) {
        if (!stop.signal.aborted) throw error;
      } finally {
        if (stop.signal.aborted) process.exitCode = 130;
        process.off('SIGINT', onSignal);
        process.off('SIGTERM', onSignal);
      }
    });
}

/** Each stands on what the one before has made. */
function proceduresIn(text: string): Procedure[] {
  const named = text.split(',');
  const unknown = named.filter((name) => !procedures.some((each) => each === name));
  if (unknown.length > 0 || !named.includes('instantiate'))
    throw new InvalidArgumentError(`give instantiate, and any others of ${procedures.join(', ')}`);
  return procedures.filter((each) => named.includes(each));
}
