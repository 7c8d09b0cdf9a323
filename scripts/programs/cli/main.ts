import { Connection } from '@temporalio/client';
import { Command, InvalidArgumentError } from 'commander';
import { BulkheadError, connectBulkhead, type Bulkhead, type Procedure, type ProcedureInputs } from '../../../client';
import { statusText } from '../../../client/table';
import { connectionOptions, addSearchAttributes, missingSearchAttributes } from '../../../workers/temporal';
import { ConfigError, parseWorkerConfig } from '../../../workers/config';
import { readDescriptorFile } from '../../lib/descriptors';

/**
 * `./scripts/bulkhead`: for people. Exit codes: 0 done, 1 refused, unwound or cancelled, 2 wrong usage, 3 stuck, 4 Temporal
 * cannot be reached.
 */
const exitCodes = { failed: 1, usage: 2, stuck: 3, unreachable: 4 } as const;

interface Shared {
  readonly json: boolean;
  readonly wait: boolean;
  readonly dryRun: boolean;
  readonly ifBusy?: 'wait' | 'refuse';
  readonly id?: string;
}

const program = new Command('bulkhead')
  .description(
    'Runs procedures and shows VNFs. Temporal is found by TEMPORAL_ADDRESS (default 127.0.0.1:7233) and TEMPORAL_NAMESPACE.',
  )
  .exitOverride((error) => {
    process.exit(error.exitCode === 0 ? 0 : exitCodes.usage);
  });

function level(text: string): number {
  if (!/^[0-9]+$/.test(text)) throw new InvalidArgumentError('give a whole number');
  return Number(text);
}

function withShared(command: Command): Command {
  return command
    .option('--json', 'print the result as JSON', false)
    .option('--no-wait', 'start it and print its workflow id')
    .option('--dry-run', 'say what would happen, and touch nothing', false)
    .option('--if-busy <what>', '"wait" (in order) or "refuse"')
    .option('--id <workflow id>', 'run it under this workflow id');
}

withShared(
  program
    .command('instantiate <vnf> <descriptor>')
    .description('a new VNF, from a descriptor file or the name of one that the worker knows'),
).action((vnf: string, descriptor: string, options: Shared) =>
  procedure('instantiate', { vnf, descriptor: readDescriptorFile(descriptor) ?? descriptor }, options),
);
withShared(program.command('scale-out <vnf> <pool> <level>').description('more members of a pool')).action(
  (vnf: string, pool: string, to: string, options: Shared) =>
    procedure('scaleOut', { vnf, pool, to: level(to) }, options),
);
withShared(program.command('scale-in <vnf> <pool> <level>').description('fewer members of a pool')).action(
  (vnf: string, pool: string, to: string, options: Shared) =>
    procedure('scaleIn', { vnf, pool, to: level(to) }, options),
);
withShared(
  program
    .command('heal <vnf> [members...]')
    .description('replaces dead members: those named, or those that the cloud shows dead'),
).action((vnf: string, members: string[], options: Shared) =>
  procedure('heal', { vnf, ...(members.length > 0 && { members }) }, options),
);
withShared(
  program
    .command('evacuate-host <hosts...>')
    .description('empties hosts')
    .requiredOption('--cause <cause>', '"failed" or "maintenance"')
    .option('--fenced', 'the hosts cannot come back by themselves', false),
).action((hosts: string[], options: Shared & { cause: 'failed' | 'maintenance'; fenced: boolean }) =>
  procedure('evacuateHost', { hosts, cause: options.cause, fenced: options.fenced }, options),
);
withShared(program.command('terminate <vnf>').description('the end of a VNF')).action((vnf: string, options: Shared) =>
  procedure('terminate', { vnf }, options),
);

program
  .command('status <vnf>')
  .description('levels, members by host, who holds the turn')
  .option('--json', 'print all of it as JSON', false)
  .action((vnf: string, { json }: { json: boolean }) =>
    connected(async (bulkhead) => {
      const view = await bulkhead.status(vnf);
      print(json ? JSON.stringify(view) : statusText(view));
    }),
  );

program
  .command('list')
  .description('all VNFs')
  .option('--json', 'print it as JSON', false)
  .action(({ json }: { json: boolean }) =>
    connected(async (bulkhead) => {
      const found = await bulkhead.list();
      print(
        json
          ? JSON.stringify(found)
          : found.length === 0
            ? 'there are no VNFs'
            : found.map(({ vnf, phase, startedAt }) => `${vnf}\t${phase}\tsince ${startedAt.toISOString()}`).join('\n'),
      );
    }),
  );

program
  .command('setup')
  .description('adds the search attributes that the namespace lacks')
  .action(async () => {
    const config = parseWorkerConfig(process.env);
    const connection = await Connection.connect(connectionOptions(config));
    const missing = await missingSearchAttributes(connection, config.TEMPORAL_NAMESPACE);
    await addSearchAttributes(connection, config.TEMPORAL_NAMESPACE, missing);
    print(
      missing.length === 0
        ? `namespace ${config.TEMPORAL_NAMESPACE} has all it needs`
        : `added ${missing.join(', ')} to namespace ${config.TEMPORAL_NAMESPACE}`,
    );
    await connection.close();
  });

async function procedure<K extends Procedure>(name: K, input: ProcedureInputs[K], options: Shared): Promise<void> {
  await connected(async (bulkhead) => {
    const full = {
      ...input,
      ...(options.dryRun && { dryRun: true }),
      ...(options.ifBusy && { ifBusy: options.ifBusy }),
    } as ProcedureInputs[K];
    const run = await bulkhead.start(name, full, options.id === undefined ? {} : { workflowId: options.id });
    if (!options.wait) {
      print(run.workflowId);
      return;
    }
    const stop = options.json ? () => undefined : follow(run.progress);
    try {
      const result = await run.result();
      print(options.json ? JSON.stringify(result) : said(result));
    } finally {
      stop();
    }
  });
}

function said(result: unknown): string {
  const { outcome, levels, launched, removed, launches, leaves, short } = result as Record<string, unknown>;
  const lines = [String(outcome)];
  const names = (list: unknown): string =>
    Array.isArray(list)
      ? list
          .map((each: unknown) =>
            typeof each === 'string'
              ? each
              : `${(each as { name: string }).name} on ${(each as { host: string }).host}`,
          )
          .join(', ')
      : '';
  for (const [pool, { from, to }] of Object.entries((levels ?? {}) as Record<string, { from: number; to: number }>))
    lines.push(`  ${pool}: ${String(from)} -> ${String(to)}`);
  if (names(launched ?? launches) !== '') lines.push(`  launched: ${names(launched ?? launches)}`);
  if (names(removed ?? leaves) !== '') lines.push(`  removed: ${names(removed ?? leaves)}`);
  if (Array.isArray(short) && short.length > 0) lines.push(`  SHORT: ${JSON.stringify(short)}`);
  return lines.join('\n');
}

/** Prints where the run is whenever that changes. */
function follow(progress: () => Promise<string>): () => void {
  let last = '';
  const timer = setInterval(() => {
    progress().then(
      (now) => {
        const line = now.replace(/\*\*/g, '').split('\n')[0] ?? '';
        if (line !== last && line !== '') process.stderr.write(`${line}\n`);
        last = line;
      },
      () => undefined,
    );
  }, 500);
  return () => {
    clearInterval(timer);
  };
}

async function connected(body: (bulkhead: Bulkhead) => Promise<void>): Promise<void> {
  const config = parseWorkerConfig(process.env);
  const { address, tls, apiKey } = connectionOptions(config);
  const bulkhead = await connectBulkhead({
    address: address ?? '127.0.0.1:7233',
    namespace: config.TEMPORAL_NAMESPACE,
    ...(tls !== undefined && tls !== null && { tls }),
    ...(apiKey !== undefined && typeof apiKey === 'string' && { apiKey }),
  }).catch((error: unknown) => {
    throw new Unreachable(
      `Temporal does not answer at ${address ?? ''}: ${error instanceof Error ? error.message : String(error)}. Set TEMPORAL_ADDRESS.`,
    );
  });
  try {
    await body(bulkhead);
  } finally {
    await bulkhead.close();
  }
}

class Unreachable extends Error {}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

program.parseAsync().catch((error: unknown) => {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(
    `bulkhead: ${error instanceof BulkheadError ? `${error.outcome}, ${error.kind}: ` : ''}${message}\n`,
  );
  if (error instanceof BulkheadError) process.exitCode = error.outcome === 'stuck' ? exitCodes.stuck : exitCodes.failed;
  else if (error instanceof ConfigError) process.exitCode = exitCodes.usage;
  else process.exitCode = error instanceof Unreachable ? exitCodes.unreachable : exitCodes.failed;
});
