import { Command } from 'commander';
import { budgetOf, measureCost } from './cost';
import { addLoad } from './load/command';
import { addOverhead } from './overhead/command';
import { addPlacement } from './placement/command';

/** `./scripts/bench`: figures that are quoted, each with the command that prints it. */
const program = new Command('bench').description('Measures what Bulkhead costs.');

program
  .command('cost')
  .description(
    'history events and OpenStack calls of a scaleOut by 10, 100 and 1,000 VMs; exits 1 when a budget is exceeded',
  )
  .option('--json', 'a line of JSON for each size and nothing else on standard output', false)
  .option('--sizes <list>', 'sizes, separated by commas', '10,100,1000')
  .action(async ({ json, sizes }: { json: boolean; sizes: string }) => {
    const costs = await measureCost(sizes.split(',').map(Number), (line) => process.stderr.write(`${line}\n`));
    let within = true;
    for (const cost of costs) {
      const budget = budgetOf(cost.vms);
      const over = cost.historyEvents > budget.historyEvents || cost.cloudCalls > budget.cloudCalls;
      within &&= !over;
      const line = json
        ? JSON.stringify(cost)
        : `${String(cost.vms)} VMs: ${String(cost.historyEvents)} events (budget ${String(budget.historyEvents)}), ` +
          `${String(cost.cloudCalls)} calls (budget ${String(budget.cloudCalls)})${over ? '  OVER' : ''}`;
      process.stdout.write(`${line}\n`);
    }
    process.exitCode = within ? 0 : 1;
  });

addLoad(program);
addOverhead(program);
addPlacement(program);

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`bench: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
