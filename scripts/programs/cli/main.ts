#!/usr/bin/env node
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { Command, InvalidArgumentError, Option } from 'commander';
import {
  BulkheadError,
  connectBulkhead,
  TemporalUnavailableError,
  type AdoptResult,
  type AuditResult,
  type Bulkhead,
  type CapacityResult,
  type DryRunResult,
  type EvacuateHostResult,
  type OrphansResult,
  type Procedure,
  type ProcedureInputs,
  type ProcedureResult,
  type RestoreHostPlan,
  type RestoreHostResult,
  type Run,
  type StuckTold,
} from '../../../client';
import { reasonOf } from '../../../client/errors';
import { mapOfCapacity, mapsOfExplanation, mapSvg, type HostMap } from '../../../client/map';
import { capacityText, explanationText, orphansText, runText, statusText } from '../../../client/table';
import {
  addSearchAttributes,
  connectionOptions,
  missingSearchAttributes,
  requireNamespace,
  TemporalNotReadyError,
} from '../../../workers/temporal';
import { ConfigError, parseWorkerConfig, type WorkerConfig } from '../../../workers/config';
import { releaseBuildId } from '../../../workers/deployment';
import { unescaped } from '../../../domain/markdown';
import { argument } from '../../../domain/shell';
import { inLines, shown } from '../../../domain/shown';
import { descriptorNamed } from '../../lib/descriptors';
import { forTerminal } from '../../lib/terminal';
import { exitAfterUsage } from '../../lib/usage';
import { deploy, deploymentJson, deploymentText, known, untilDrained } from './rollout';

/**
 * `./scripts/bulkhead`: for people. Exit codes: 0 done, 1 refused, unwound or cancelled, 2 wrong usage, 3 stuck, 4 Temporal
 * cannot be reached, 130 no longer waited for (Ctrl-C).
 */
const exitCodes = { failed: 1, usage: 2, stuck: 3, unreachable: 4, interrupted: 130 } as const;

/** A person at a keyboard waits no longer than this for a Temporal that is not there. */
const connectSeconds = 5;

interface Shared {
  readonly json: boolean;
  readonly wait: boolean;
  readonly dryRun: boolean;
  readonly ifBusy?: 'wait' | 'refuse';
  readonly waitSeconds?: number;
  readonly strict?: boolean;
  readonly id?: string;
  readonly svg?: string;
}

const program = new Command('bulkhead')
  .description(
    'Runs procedures and shows VNFs. Temporal is found by TEMPORAL_ADDRESS (default 127.0.0.1:7233) and TEMPORAL_NAMESPACE, and ' +
      'spoken to as the workers do (TEMPORAL_TLS…, TEMPORAL_API_KEY, BULKHEAD_PAYLOAD_KEYS: docs/security.md).',
  )
  .exitOverride(exitAfterUsage);

function wholeNumber(text: string): number {
  if (!/^[0-9]+$/.test(text)) throw new InvalidArgumentError('Give a whole number.');
  return Number(text);
}

function descriptor(text: string): Record<string, unknown> | string {
  try {
    return descriptorNamed(text);
  } catch (error) {
    throw new InvalidArgumentError(`${error instanceof Error ? error.message : String(error)}.`);
  }
}

/** What every run has. */
function ofRun(command: Command): Command {
  return command
    .option('--json', 'print the result as JSON, and nothing else on standard output', false)
    .option('--no-wait', 'start it and print its workflow id')
    .option('--dry-run', 'say what would happen, and touch nothing', false)
    .option('--id <workflow id>', 'run it under this workflow id');
}

/** And what all have that want a turn. */
function withShared(command: Command): Command {
  return ofRun(command)
    .addOption(
      new Option('--if-busy <what>', 'while another run holds the turn: in order, or not at all').choices([
        'wait',
        'refuse',
      ]),
    )
    .option('--wait-seconds <seconds>', 'how long to wait for the turn', wholeNumber);
}

/** Those whose dry run says what would be where. */
function withPicture(command: Command): Command {
  return withShared(command).option(
    '--svg <file>',
    'with --dry-run: draw hosts and pools, before and after, into this file',
  );
}

function scaling(name: string, what: string): Command {
  return withPicture(
    program
      .command(name)
      .description(what)
      .argument('<vnf>')
      .argument('<pool>')
      .argument('<level>', 'how many members there are to be', wholeNumber)
      .option('--strict', 'refuse what cannot be done to the letter'),
  );
}

withPicture(
  program
    .command('instantiate')
    .description('a new VNF')
    .argument('<vnf>')
    .argument('<descriptor>', 'a file, or the name of one that the worker knows', descriptor),
).action((vnf: string, given: Record<string, unknown> | string, options: Shared) =>
  procedure('instantiate', { vnf, descriptor: given }, options),
);
scaling('scale-out', 'more members of a pool').action((vnf: string, pool: string, to: number, options: Shared) =>
  procedure('scaleOut', { vnf, pool, to, ...(options.strict && { strict: true }) }, options),
);
scaling('scale-in', 'fewer members of a pool')
  .option('--members <names...>', 'who is to leave; the others are chosen')
  .action((vnf: string, pool: string, to: number, options: Shared & { members?: string[] }) => {
    const { members, strict } = options;
    return procedure(
      'scaleIn',
      { vnf, pool, to, ...(members && { members }), ...(strict && { strict: true }) },
      options,
    );
  });
withPicture(
  program
    .command('heal <vnf> [members...]')
    .description('replaces dead members: those named, or those that the cloud shows dead'),
).action((vnf: string, members: string[], options: Shared) =>
  procedure('heal', { vnf, ...(members.length > 0 && { members }) }, options),
);
withPicture(
  program
    .command('evacuate-host <hosts...>')
    .description('empties hosts')
    .addOption(
      new Option('--cause <cause>', 'they are dead, or are to be worked on')
        .choices(['failed', 'maintenance'])
        .makeOptionMandatory(),
    )
    .option('--fenced', 'the hosts cannot come back by themselves', false)
    .option('--force', 'also where so many have failed that it is more likely the network', false),
).action((hosts: string[], options: Shared & { cause: 'failed' | 'maintenance'; fenced: boolean; force: boolean }) =>
  procedure('evacuateHost', { hosts, cause: options.cause, fenced: options.fenced, force: options.force }, options),
);
ofRun(
  program
    .command('restore-host <hosts...>')
    .description('opens hosts that evacuate-host has closed, once they are up')
    .option('--wait-seconds <seconds>', 'how long to wait until they are up', wholeNumber),
).action((hosts: string[], options: Shared) => procedure('restoreHost', { hosts }, options));
withPicture(
  program
    .command('rebalance <vnf>')
    .description('replaces members that other hands have put where they must not be')
    .option('--strict', 'refuse what cannot be done to the letter'),
).action((vnf: string, options: Shared) =>
  procedure('rebalance', { vnf, ...(options.strict && { strict: true }) }, options),
);
withPicture(program.command('terminate <vnf>').description('the end of a VNF')).action((vnf: string, options: Shared) =>
  procedure('terminate', { vnf }, options),
);

withShared(
  program
    .command('audit <vnf>')
    .description('compares the cloud with the record and says what differs')
    .option('--repair', 'also mends what is surely ours', false),
).action((vnf: string, options: Shared & { repair: boolean }) =>
  procedure('audit', { vnf, ...(options.repair && { repair: true }) }, options),
);
withShared(
  program
    .command('adopt')
    .description('makes the record of a VNF whose members are there already')
    .argument('<vnf>')
    .argument('<descriptor>', 'a file, or the name of one that the worker knows', descriptor)
    .addOption(
      new Option(
        '--match-name <pattern>',
        'take over servers of such names, made by other means: "old-{pool}-{ordinal}"',
      ).conflicts('matchTags'),
    )
    .option('--match-tags <patterns...>', 'take over servers with such tags: "role={pool}" "index={ordinal}"'),
).action(
  (
    vnf: string,
    given: Record<string, unknown> | string,
    options: Shared & { matchName?: string; matchTags?: string[] },
  ) => {
    const { matchName, matchTags } = options;
    const match =
      matchName !== undefined ? { namePattern: matchName } : matchTags !== undefined ? { tags: matchTags } : undefined;
    return procedure('adopt', { vnf, descriptor: given, ...(match && { match }) }, options);
  },
);

program
  .command('capacity')
  .description('what a VNF can be on the cloud as it is, how many hosts may die, and what one more would take')
  .argument('<vnf>')
  .argument('[descriptor]', 'of a VNF that is yet to be: a file, or the name of one that the worker knows', descriptor)
  .option('--json', 'print all of it as JSON', false)
  .option('--svg <file>', 'draw hosts and pools into this file')
  .action(
    (
      vnf: string,
      given: Record<string, unknown> | string | undefined,
      { json, svg }: { readonly json: boolean; readonly svg?: string },
    ) =>
      procedure(
        'capacity',
        { vnf, ...(given !== undefined && { descriptor: given }) },
        { json, wait: true, dryRun: false, ...(svg !== undefined && { svg }) },
      ),
  );

program
  .command('orphans')
  .description('what the project has of VNFs that have no record: left over, or to be adopted')
  .option('--json', 'print all of it as JSON', false)
  .action(({ json }: { readonly json: boolean }) => procedure('orphans', {}, { json, wait: true, dryRun: false }));

program
  .command('status <vnf>')
  .description('levels, members by host, who holds the turn')
  .option('--json', 'print all of it as JSON', false)
  .action((vnf: string, { json }: { json: boolean }) =>
    reported(json, () =>
      connected(async (bulkhead) => {
        const view = await bulkhead.status(vnf);
        print(json ? JSON.stringify(view) : statusText(view));
      }),
    ),
  );

program
  .command('clean-up <vnf>')
  .description('begins the clean-ups of a blocked VNF again, once what was in their way is mended')
  .option('--json', 'print as JSON whether they were begun', false)
  .action((vnf: string, { json }: { json: boolean }) =>
    reported(json, () =>
      connected(async (bulkhead) => {
        const begun = (await bulkhead.status(vnf)).blocked !== null;
        if (begun) await bulkhead.cleanUpAgain(vnf);
        const text = begun ? 'told; its status says how far it is' : 'it is not blocked: there is nothing to clean up';
        print(json ? JSON.stringify({ vnf, begun }) : `${vnf}: ${text}`);
      }),
    ),
  );

program
  .command('run <workflow-id>')
  .description('where a run is, or how it ended; of one that is stuck both errors, what is left, and what to do')
  .option('--json', 'print all of it as JSON', false)
  .action((id: string, { json }: { json: boolean }) =>
    reported(json, () =>
      connected(async (bulkhead) => {
        const view = await bulkhead.run(id);
        print(json ? JSON.stringify(view) : runText(view));
      }),
    ),
  );

telling('retry', 'what is in the way of a stuck run is mended: it tries again', (bulkhead, id) => bulkhead.retry(id));
telling('skip', 'what a stuck run cannot do was done by hand: it goes on, if the cloud shows so', (bulkhead, id) =>
  bulkhead.skip(id),
);
telling('give-up', "a stuck run ends as Stuck, and its VNF's record cleans up behind it", (bulkhead, id) =>
  bulkhead.giveUp(id),
);

function telling(name: string, what: string, tell: (bulkhead: Bulkhead, id: string) => Promise<StuckTold>): void {
  program
    .command(`${name} <workflow-id>`)
    .description(what)
    .option('--json', 'print the answer as JSON', false)
    .action((id: string, { json }: { json: boolean }) =>
      reported(json, () =>
        connected(async (bulkhead) => {
          const told = await tell(bulkhead, id);
          print(json ? JSON.stringify(told) : inLines([`${id}: ${name} of ${told.step}`]));
        }),
      ),
    );
}

program
  .command('list')
  .description('all VNFs')
  .option('--json', 'print it as JSON', false)
  .action(({ json }: { json: boolean }) =>
    reported(json, () =>
      connected(async (bulkhead) => {
        const found = await bulkhead.list();
        print(
          json
            ? JSON.stringify(found)
            : found.length === 0
              ? 'there are no VNFs'
              : found
                  .map(({ vnf, phase, startedAt }) =>
                    [vnf, phase, `since ${startedAt.toISOString()}`].map(shown).join('\t'),
                  )
                  .join('\n'),
        );
      }),
    ),
  );

program
  .command('setup')
  .description('adds the search attributes that the namespace lacks')
  .action(() => reported(false, setup));

async function setup(): Promise<void> {
  await onTemporal(async ({ connection, namespace }) => {
    // One that has another type would look added, so it is refused here.
    const missing = await missingSearchAttributes(connection, namespace);
    await addSearchAttributes(connection, namespace, missing);
    print(
      missing.length === 0
        ? `namespace ${namespace} has all it needs`
        : `added ${missing.join(', ')} to namespace ${namespace}`,
    );
  });
}

/** Where neither the command nor the environment names one. */
const usualDeployment = 'bulkhead';

interface DeployOptions {
  readonly ramp?: number;
  readonly unversioned: boolean;
  readonly waitSeconds: number;
  readonly untilDrained: boolean;
  readonly drainSeconds: number;
  readonly json: boolean;
}

program
  .command('deploy')
  .description('gives new runs and the records to a version of the workers; runs that are at work end where they began')
  .argument('[build-id]', 'the version, as its workers log it; that of this release by default')
  .addOption(
    new Option('--ramp <percent>', 'only this share, from 1 to 99').argParser(percentage).conflicts('unversioned'),
  )
  .option('--unversioned', 'to workers without BULKHEAD_DEPLOYMENT instead', false)
  .option('--wait-seconds <seconds>', 'how long its workers may take to come', wholeNumber, 60)
  .option('--until-drained', 'wait until no older version has runs left, so that its workers can be stopped', false)
  .option('--drain-seconds <seconds>', 'how long that may take', wholeNumber, 7_200)
  .option('--json', 'print what there is then as JSON', false)
  .action((given: string | undefined, options: DeployOptions) =>
    reported(options.json, () =>
      onTemporal(async (at, config) => {
        const { ramp, waitSeconds, json } = options;
        // In one that there is not no worker would ever come.
        await requireNamespace(at.connection, at.namespace);
        const name = config.BULKHEAD_DEPLOYMENT ?? usualDeployment;
        const buildId = options.unversioned ? null : (given ?? config.BULKHEAD_BUILD_ID ?? releaseBuildId());
        const deployed = await deploy(at, { name, buildId, waitSeconds, ...(ramp !== undefined && { ramp }) }, say);
        const left = options.untilDrained
          ? await untilDrained(at, { name, withinSeconds: options.drainSeconds }, say)
          : deployed;
        print(json ? deploymentJson(left) : deploymentText(left));
      }),
    ),
  );

program
  .command('versions')
  .description('the versions of the workers: which gets what, which still has runs, whose workers may be stopped')
  .option('--json', 'print them as JSON', false)
  .action(({ json }: { json: boolean }) =>
    reported(json, () =>
      onTemporal(async (at, config) => {
        await requireNamespace(at.connection, at.namespace);
        const deployment = await known(at, config.BULKHEAD_DEPLOYMENT ?? usualDeployment);
        print(json ? deploymentJson(deployment) : deploymentText(deployment));
      }),
    ),
  );

function percentage(text: string): number {
  const percent = wholeNumber(text);
  if (percent < 1 || percent > 99)
    throw new InvalidArgumentError('Give a number from 1 to 99; leave --ramp out for all of it.');
  return percent;
}

interface At {
  readonly connection: Connection;
  readonly namespace: string;
}

async function onTemporal(body: (at: At, config: WorkerConfig) => Promise<void>): Promise<void> {
  const config = parseWorkerConfig(process.env);
  const options = connectionOptions(config);
  const connection = await Connection.connect({ ...options, connectTimeout: connectSeconds * 1_000 }).catch(
    (error: unknown) => {
      throw new TemporalUnavailableError(
        `Temporal does not answer at ${config.TEMPORAL_ADDRESS} within ${String(connectSeconds)} s: ${reasonOf(error)}`,
      );
    },
  );
  try {
    await body({ connection, namespace: config.TEMPORAL_NAMESPACE }, config);
  } finally {
    await connection.close();
  }
}

function procedure<K extends Procedure>(name: K, input: ProcedureInputs[K], options: Shared): Promise<void> {
  const { json, wait, dryRun, ifBusy, waitSeconds, id, svg } = options;
  if (svg !== undefined && name !== 'capacity' && !(dryRun && wait))
    program.error('error: --svg draws what a dry run says: give --dry-run, and wait for it');
  return reported(json, () =>
    connected(async (bulkhead) => {
      const full: ProcedureInputs[K] = {
        ...input,
        ...(dryRun && { dryRun: true }),
        ...(ifBusy && { ifBusy }),
        ...(waitSeconds !== undefined && { waitSeconds }),
      };
      const run = await bulkhead.start(name, full, id === undefined ? {} : { workflowId: id });
      if (wait) {
        const result = await waitedFor(run, json);
        print(json ? JSON.stringify(result) : said(result));
        if (svg !== undefined) draw(svg, result);
      } else {
        print(json ? JSON.stringify({ workflowId: run.workflowId, runId: run.runId }) : run.workflowId);
      }
    }),
  );
}

/** Ctrl-C ends the waiting and not the run, which is Temporal's: a person is told how to end that too. */
async function waitedFor<R>(run: Run<R>, json: boolean): Promise<R> {
  const interrupted = (): void => {
    say(
      `no longer waiting. The run goes on; to cancel it: temporal workflow cancel --workflow-id ${argument(run.workflowId)}`,
    );
    process.exit(exitCodes.interrupted);
  };
  process.once('SIGINT', interrupted);
  const stop = json ? () => Promise.resolve() : follow(run.progress);
  try {
    return await run.result();
  } finally {
    await stop();
    process.off('SIGINT', interrupted);
  }
}

/** The result has been printed, and stands whatever becomes of its picture. */
function draw(file: string, result: AnyResult): void {
  try {
    writeFileSync(file, mapSvg(mapsIn(result)));
  } catch (error) {
    say(`the picture cannot be written: ${reasonOf(error)}`);
    process.exitCode = exitCodes.failed;
  }
}

/** What there is to be drawn of a result. */
function mapsIn(result: AnyResult): HostMap[] {
  if (result.procedure === 'capacity') return [mapOfCapacity(result as CapacityResult)];
  if (!('explanations' in result)) return [];
  return Object.entries(result.explanations).flatMap(([vnf, explanation]) => mapsOfExplanation(vnf, explanation));
}

type AnyResult =
  | CapacityResult
  | OrphansResult
  | AuditResult
  | AdoptResult
  | ProcedureResult
  | EvacuateHostResult
  | DryRunResult
  | RestoreHostResult
  | RestoreHostPlan;

function said(result: AnyResult): string {
  if ('vnfs' in result) {
    const left = (what: typeof result.foreign, why: string): string[] =>
      Object.entries(what).map(([host, servers]) => `  left on ${host}, ${why}: ${servers.join(', ')}`);
    return inLines([
      'completed',
      ...result.vnfs.flatMap((each) => [each.vnf, ...changes(each)]),
      ...left(result.foreign, 'since not ours'),
      ...left(result.unrecorded, 'since no record knows them (adopt makes one)'),
    ]);
  }
  if ('opened' in result) return restored(result);
  if ('findings' in result) return audited(result);
  if ('misfits' in result) return adopted(result);
  if ('exists' in result) return capacityText(result);
  if ('unrecorded' in result) return orphansText(result);
  const explained = result.outcome === 'planned' ? Object.entries(result.explanations) : [];
  return [
    inLines([result.outcome, ...changes(result)]),
    ...explained.map(([vnf, explanation]) => `\n${explanationText(vnf, explanation)}`),
  ].join('\n');
}

function audited({ findings, more, repaired, refused, repair, atWork, steady }: AuditResult): string {
  const mended = new Set(repaired.map(({ id }) => id));
  const became = ({ id, repair: would }: AuditResult['findings'][number]): string => {
    if (!repair) return `repair: ${would}`;
    if (mended.has(id)) return 'REPAIRED';
    return `left: ${refused[id] ?? would}`;
  };
  return inLines([
    findings.length === 0 ? 'nothing differs' : `${String(findings.length + more)} findings`,
    ...findings.map((each) => `  ${each.kind} ${each.name} (${each.id}): ${each.wrong}; ${became(each)}`),
    ...(more > 0 ? [`  and ${String(more)} more, which are listed when these are mended`] : []),
    ...(atWork.length > 0 ? [`  at work, and not judged: ${atWork.join(', ')}`] : []),
    ...(steady ? [] : ['  the VNF was just being changed: look again']),
  ]);
}

function adopted({ outcome, members, levels, misfits, more }: AdoptResult): string {
  return inLines([
    outcome,
    ...Object.entries(levels).map(([pool, { to }]) => `  ${pool}: ${String(to)}`),
    ...members.map(
      ({ name, server, host, inService }) =>
        `  ${name} on ${host}${server === name ? '' : ` (server ${server})`}${inService ? '' : ': failed'}`,
    ),
    ...misfits.map(({ kind, name, wrong, then }) => `  DOES NOT FIT: ${kind} ${name}: ${wrong}; ${then}`),
    ...(more > 0 ? [`  and ${String(more)} more that do not fit`] : []),
  ]);
}

function restored(result: RestoreHostResult | RestoreHostPlan): string {
  const { outcome, hosts, opened, unforced } = result;
  const down = result.outcome === 'planned' ? result.down : [];
  const before = hosts.filter((host) => !opened.includes(host) && !down.includes(host));
  return inLines([
    outcome,
    ...(opened.length > 0 ? [`  opened: ${opened.join(', ')}`] : []),
    ...(down.length > 0 ? [`  DOWN, and not opened before they are up: ${down.join(', ')}`] : []),
    ...(unforced.length > 0 ? [`  no longer forced down: ${unforced.join(', ')}`] : []),
    ...(before.length > 0 ? [`  open before: ${before.join(', ')}`] : []),
  ]);
}

/** What one VNF has, or would have, gained and lost. */
function changes(result: ProcedureResult | DryRunResult): string[] {
  const planned = result.outcome === 'planned';
  const launched = (planned ? result.launches : result.launched).map(({ name, host }) => `${name} on ${host}`);
  const removed = planned ? result.leaves : result.removed.map(({ name, host }) => `${name} on ${host}`);
  const first = planned ? result.deletesFirst : [];
  const evacuated = (planned ? result.evacuates : result.evacuated).map(({ name, host }) => `${name} to ${host}`);
  return [
    ...Object.entries(result.levels).map(([pool, { from, to }]) => `  ${pool}: ${String(from)} -> ${String(to)}`),
    ...(first.length > 0 ? [`  deleted first, to make room: ${first.join(', ')}`] : []),
    ...(launched.length > 0 ? [`  launched: ${launched.join(', ')}`] : []),
    ...(evacuated.length > 0 ? [`  evacuated: ${evacuated.join(', ')}`] : []),
    ...(removed.length > 0 ? [`  removed: ${removed.join(', ')}`] : []),
    ...(planned && !result.toTheLetter ? ['  not to the letter: some order of VMs exceeds a share for a while'] : []),
    ...result.short.map(({ pool, missing, reason }) => `  SHORT: ${pool} by ${String(missing)}: ${reason}`),
    ...(planned && result.oneByOne ? ['  one VNF after another: the quota does not carry all of them at once'] : []),
    ...(planned && result.more ? ['  that is the first turn; others take up what it leaves'] : []),
    ...(result.notRestorable.length > 0
      ? [`  one more dead host would leave short: ${result.notRestorable.join(', ')}`]
      : []),
    ...(!planned && result.cancelIgnored ? ['  the cancel came after the pivot, so it finished'] : []),
  ];
}

/** Between two looks at where a run is. */
const lookAgainMs = 500;

/** Prints where the run is whenever that changes, asking once at a time. What comes back ends that, when nothing is asked any more. */
function follow(progress: () => Promise<string>): () => Promise<void> {
  const stopping = new AbortController();
  const { signal } = stopping;
  const isOver = (): boolean => signal.aborted;
  const following = async (): Promise<void> => {
    for (let last = ''; !isOver();) {
      await sleep(lookAgainMs, undefined, { signal }).catch(() => undefined);
      if (isOver()) return;
      const line = await progress().then(firstLine, () => last);
      if (line !== last && line !== '' && !isOver()) process.stderr.write(`${shown(line)}\n`);
      last = line;
    }
  };
  const followed = following();
  return async () => {
    stopping.abort();
    await followed;
  };
}

function firstLine(details: string): string {
  return unescaped(details.split('\n')[0] ?? '');
}

async function connected(body: (bulkhead: Bulkhead) => Promise<void>): Promise<void> {
  const config = parseWorkerConfig(process.env);
  const { tls, apiKey } = connectionOptions(config);
  const bulkhead = await connectBulkhead({
    address: config.TEMPORAL_ADDRESS,
    namespace: config.TEMPORAL_NAMESPACE,
    connectSeconds,
    ...(tls !== undefined && tls !== null && { tls }),
    ...(typeof apiKey === 'string' && { apiKey }),
    ...(process.env['BULKHEAD_PAYLOAD_KEYS'] && { payloadKeys: process.env['BULKHEAD_PAYLOAD_KEYS'] }),
    allowPlaintext: config.BULKHEAD_ALLOW_PLAINTEXT,
  });
  try {
    await body(bulkhead);
  } finally {
    await bulkhead.close();
  }
}

/** Says how it failed, in words, and with --json as data too; and sets the exit code. */
async function reported(json: boolean, body: () => Promise<void>): Promise<void> {
  try {
    await body();
  } catch (error) {
    const failure = failureOf(error);
    say(failure.text);
    if (json) print(JSON.stringify(failure.data));
    process.exitCode = failure.code;
  }
}

interface Failed {
  readonly text: string;
  readonly data: Readonly<Record<'outcome' | 'kind' | 'message' | 'details', unknown>>;
  readonly code: number;
}

/** What is no failure of a run says nothing of one: its outcome is unknown. */
function failureOf(error: unknown): Failed {
  if (error instanceof BulkheadError) {
    const { outcome, kind, message, details } = error;
    const code = outcome === 'stuck' ? exitCodes.stuck : exitCodes.failed;
    return { text: shown(`${outcome}, ${kind}: ${message}`), data: { outcome, kind, message, details }, code };
  }
  const otherwise = (kind: string, why: string): Failed['data'] => {
    return { outcome: 'unknown', kind, message: why, details: {} };
  };
  const message = reasonOf(error);
  if (error instanceof TemporalUnavailableError)
    return {
      text: `${shown(error.message)}. Is TEMPORAL_ADDRESS right, and does a worker run?`,
      data: otherwise('TemporalUnavailable', error.message),
      code: exitCodes.unreachable,
    };
  if (error instanceof ConfigError)
    return {
      text: `the configuration cannot be used:\n${message}`,
      data: otherwise('Misconfigured', message),
      code: exitCodes.usage,
    };
  const kind = error instanceof TemporalNotReadyError ? 'TemporalNotReady' : 'Unexpected';
  return { text: message, data: otherwise(kind, message), code: exitCodes.failed };
}

function say(text: string): void {
  process.stderr.write(`bulkhead: ${forTerminal(text)}\n`);
}

function print(text: string): void {
  process.stdout.write(`${forTerminal(text)}\n`);
}

void program.parseAsync();
