import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { Command, Option } from 'commander';
import type { As } from '../../../activities';
import { check, type Verdict } from '../../../checker';
import { placementTable, verdictLines } from '../../../checker/report';
import { connectBulkhead } from '../../../client';
import { CloudConfigError } from '../../../openstack';
import { saveHistories } from '../../lib/histories';
import { NotPreparedError, openExternalCloud } from '../../lib/cloud/external';
import { leversOf } from '../../lib/cloud/external/levers';
import type { CloudUnderTest } from '../../lib/cloud/cloud';
import { startStack, startStackOn, type StackOn } from '../../lib/stack';
import { acts, type Act, type ActResult, type Scene } from './acts';

/** `./scripts/demo`: Project Clearwater comes up, grows, shrinks, loses a VM and two hosts, and goes away again. */

interface Options {
  readonly keep: boolean;
  readonly json: boolean;
  readonly fast: boolean;
  readonly pace?: string;
  readonly vnf: string;
  readonly events?: string;
  readonly histories?: string;
  readonly as?: As;
  readonly cloud?: string;
  readonly operator?: string;
  readonly notifications?: string;
  readonly hostFailCommand?: string;
  readonly hostRecoverCommand?: string;
}

/** Virtual boots of 10 to 20 s and drains of up to 17 minutes, played at this factor. */
const paceDefault = 0.01;
const paceFast = 0.004;
/** What a real cloud needs to answer does not shrink with drains and holds, unless somebody knows better. */
const timeoutPaceReal = process.env['BULKHEAD_TIMEOUT_PACE'] ?? '1';

/**
 * How long a record may take to be free: a clean-up after a vanished run waits for late attempts, and drains are those of the slowest
 * pool. A real cloud takes its own time besides.
 */
const settleWithinSeconds = { embedded: 90, real: 300 };

interface Played {
  readonly act: string;
  readonly vnf: string;
  readonly outcome: string;
  readonly seconds: number;
  readonly guarantees: Readonly<Record<string, boolean>>;
  /** Of these nothing is known between two looks. Not there where the cloud tells all that it does. */
  readonly sampled?: readonly string[];
  /** Not there for an operator. */
  readonly as?: 'tenant';
  /** Parts of guarantees that are not promised to a tenant. */
  readonly notJudged?: readonly string[];
}

async function main(): Promise<number> {
  const options = new Command('demo')
    .description(
      'Runs the life of a virtual IMS on an embedded OpenStack, or on a cloud of yours, and checks every guarantee after each act.',
    )
    .option(
      '--cloud <name>',
      'play on this entry of clouds.yaml, as what it lets us be; what is changed is put back in the end',
    )
    .addOption(
      new Option(
        '--as <way>',
        'operator sees and chooses hosts; tenant is an ordinary member of a project (default: what the cloud lets us be)',
      ).choices(['operator', 'tenant']),
    )
    .option(
      '--operator <name>',
      "with a tenant's --cloud: an operator's entry of clouds.yaml, by which hosts are seen and killed and quotas set, and nothing else",
    )
    .option('--vnf <id>', 'id of the VNF that is played', 'ims1')
    .option('--keep', 'leave everything running afterwards, and say what to try', false)
    .option('--json', 'print one line of JSON for each act and nothing else on standard output', false)
    .option('--fast', 'shorter boots, holds and drains', false)
    .option('--pace <factor>', 'factor on boots, holds, drains and time-outs; 1 is real time')
    .option('--events <file>', "write the cloud's event log there, for the checker")
    .option('--histories <directory>', 'write the history of every run there, for replays')
    .option(
      '--notifications <directory>',
      "with --cloud: where oslo.messaging's log driver writes what Nova and Neutron do",
    )
    .option('--host-fail-command <command>', "with --cloud: kills a host, e.g. 'ipmitool -H {host}-bmc power off'")
    .option('--host-recover-command <command>', 'with --cloud: brings it back')
    .parse()
    .opts<Options>();
  const pace = options.pace === undefined ? (options.fast ? paceFast : paceDefault) : Number(options.pace);
  if (!(pace > 0 && pace <= 1)) {
    process.stderr.write('demo: --pace is a factor above 0 and up to 1, e.g. --pace 0.05\n');
    return 2;
  }
  const say = (line: string): void => {
    if (!options.json) process.stdout.write(`${line}\n`);
  };

  const stopping = stopWhenTold();
  const stack = await startOn(options, { pace, signal: stopping.signal, say }).catch((error: unknown) => {
    if (stopping.told()) return null;
    throw error;
  });
  if (stack === null) return 130;
  const leave = once(() => leaveBehind(stack, { vnf: options.vnf, say }));
  stopping.started(leave);
  let good = false;
  try {
    good = await playAll(stack, { options, pace, say, stopping });
  } finally {
    // Told to stop, whoever was told leaves, and nothing is said of how the acts ended.
    good = (await leave()) && good;
    stopping.forget();
  }
  if (stopping.told()) return 130;
  say(
    good
      ? '\nEvery act ended as it should, and every guarantee held.'
      : '\nNot every act ended as it should, or a guarantee was broken: see above.',
  );
  return good ? 0 : 1;
}

interface Starting {
  readonly pace: number;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

async function startOn(options: Options, { pace, signal, say }: Starting): Promise<StackOn> {
  const { cloud, vnf, as } = options;
  if (cloud === undefined) {
    say('Starting Temporal, the embedded OpenStack (12 hosts in mz, 4 in dmz) and a worker …');
    const stack = await startStack({ pace, bootSeconds: '10-20', signal, ...(as && { as }) });
    sayWay(stack.cloud, say);
    return stack;
  }
  say(`Starting Temporal and a worker for cloud ${cloud}, which is looked at first …`);
  const stack = await startStackOn({ pace, signal, workerEnv: { BULKHEAD_TIMEOUT_PACE: timeoutPaceReal } }, () =>
    openExternalCloud({ cloud, vnf, as: as ?? null, descriptor: 'clearwater', levers: leversOf(cloud, options) }),
  );
  say(`Playing on ${stack.cloud.title}.`);
  sayWay(stack.cloud, say);
  if (stack.cloud.sampled.length > 0)
    say(
      `Between two looks nothing is known of ${stack.cloud.sampled.join(', ')}: held means held whenever it was looked at.`,
    );
  return stack;
}

/** How a tenant is judged, and what is played otherwise than for an operator. */
function sayWay(cloud: CloudUnderTest, say: (line: string) => void): void {
  if (cloud.as === 'operator') return;
  const acts = cloud.fate.withQuotaForOneMore ? 'All acts apply' : 'All acts but quotaRefused apply';
  for (const line of [
    'The product is an ordinary member of a project here: it sees a hash in the place of a host, and chooses none.',
    `G1 is judged by hosts as ${cloud.hostsAs}: (a) and (b) whenever somebody enters service or is published,`,
    '(c) of VMs that have served, since a new one may be misplaced until that is seen; (d) is not judged. G2 to G8 as of an operator.',
    `${acts}; hosts are named by hostId, none is closed, and what has no room (roomRefused) is tried and unwound.`,
  ])
    say(line);
}

/** Removes and puts back what was changed in the cloud, once nobody works on it any more, and stops all. False: something is left. */
async function leaveBehind(stack: StackOn, of: { vnf: string; say: (line: string) => void }): Promise<boolean> {
  try {
    await stack.stopWorkers();
    const problems = await stack.cloud.putBack(of.vnf);
    for (const problem of problems) process.stderr.write(`demo: ${problem}\n`);
    if (problems.length === 0 && stack.cloud.leaves !== '') of.say(`\n${stack.cloud.leaves}`);
    return problems.length === 0;
  } finally {
    await stack.stop();
  }
}

function once<T>(task: () => Promise<T>): () => Promise<T> {
  let begun: Promise<T> | undefined;
  return () => (begun ??= task());
}

async function playAll(
  stack: StackOn,
  of: { options: Options; pace: number; say: (line: string) => void; stopping: Stopping },
): Promise<boolean> {
  const { options, pace, say, stopping } = of;
  say(`Temporal Web UI: ${stack.temporal.uiUrl}   (logs in ${stack.directory})`);
  const connection = await Connection.connect({ address: stack.temporal.address });
  const bulkhead = await connectBulkhead({ address: stack.temporal.address });
  const scene: Scene = {
    vnf: options.vnf,
    bulkhead,
    temporal: new Client({ connection }),
    cloud: stack.cloud,
    settleWithinSeconds: options.cloud === undefined ? settleWithinSeconds.embedded : settleWithinSeconds.real,
  };
  let good = true;
  try {
    for (const act of acts) {
      if (stopping.told()) return false;
      // The times in the log of a real cloud are those at which it was looked at.
      const played = await play(act, scene, { say, ...(options.cloud === undefined && { pace }) });
      if (options.json) process.stdout.write(`${JSON.stringify(played)}\n`);
      good &&= isGood(played, act, stack.cloud.as);
      // Without a VNF there is nothing to play on.
      if (!good && act === acts[0]) return false;
    }
    if (options.histories !== undefined) await saveHistories(scene.temporal, options.histories);
    if (options.keep) {
      say(thingsToTry(stack));
      await stopping.wait;
    }
    return good;
  } finally {
    // The log of a demo that failed is worth the most.
    if (options.events !== undefined && !stopping.told()) {
      mkdirSync(dirname(options.events), { recursive: true });
      writeFileSync(options.events, `${JSON.stringify(await stack.cloud.feed.log())}\n`);
    }
    await bulkhead.close();
    await connection.close();
  }
}

function isGood({ outcome, guarantees }: Played, act: Act, as: As): boolean {
  if (outcome === notPlayed) return true;
  return outcome === expectedOf(act, as) && Object.values(guarantees).every(Boolean);
}

function expectedOf({ expected }: Act, as: As): string {
  return typeof expected === 'string' ? expected : expected[as];
}

/** The outcome of an act that the rights which there are do not suffice for. */
const notPlayed = 'notPlayed';

async function play(
  act: Act,
  scene: Scene,
  { say, ...judged }: { readonly say: (line: string) => void; readonly pace?: number },
): Promise<Played> {
  const { feed, fate, sampled, as } = scene.cloud;
  say(`\n── ${act.name}: ${typeof act.title === 'string' ? act.title : act.title(scene.cloud)}`);
  const tenant = as === 'tenant' ? { as, notJudged: ['G1d'] } : {};
  const reason = act.unplayable?.(fate) ?? null;
  if (reason !== null) {
    say(`   Not played: ${reason}`);
    return { act: act.name, vnf: scene.vnf, outcome: notPlayed, seconds: 0, guarantees: {}, ...tenant };
  }
  await scene.cloud.settled();
  await feed.note({ kind: 'act', name: act.name });
  const from = await feed.lastSeq();
  const began = process.hrtime.bigint();
  const result: ActResult = await act.play(scene);
  const seconds = Number(process.hrtime.bigint() - began) / 1e9;
  const events = await feed.log();
  const verdict: Verdict = check(events, { from, ...judged });
  say(`   ${result.outcome} in ${seconds.toFixed(1)} s. ${result.said}`);
  say(indented(placementTable(events, scene.vnf)));
  say(indented(verdictLines(verdict).join('\n')));
  if (sampled.length > 0) say(`   Between samples unknown: ${sampled.join(', ')}`);
  if (as === 'tenant') say('   Not judged of a tenant: G1(d), and G1(c) of VMs that have not served');
  if (result.outcome !== expectedOf(act, as)) say(`   EXPECTED ${expectedOf(act, as)}`);
  return {
    act: act.name,
    vnf: scene.vnf,
    outcome: result.outcome,
    seconds: Math.round(seconds * 10) / 10,
    guarantees: Object.fromEntries(Object.entries(verdict.guarantees).map(([name, { held }]) => [name, held])),
    ...(sampled.length > 0 && { sampled }),
    ...tenant,
  };
}

function indented(text: string): string {
  return text
    .split('\n')
    .map((line) => `   ${line}`)
    .join('\n');
}

interface Stopping {
  /** Aborted when told: before the stack is up there is nothing else to stop by. */
  readonly signal: AbortSignal;
  readonly started: (leave: () => Promise<boolean>) => void;
  readonly told: () => boolean;
  readonly wait: Promise<void>;
  readonly forget: () => void;
}

/** Ctrl-C stops what the demo started and puts back what it changed, at whatever moment. */
function stopWhenTold(): Stopping {
  const abort = new AbortController();
  let leave: (() => Promise<boolean>) | undefined;
  let tell: () => void = () => undefined;
  const wait = new Promise<void>((resolve) => {
    tell = resolve;
  });
  const stop = (): void => {
    void leave?.().then(
      () => process.exit(130),
      (error: unknown) => {
        process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n`);
        process.exit(130);
      },
    );
  };
  const onSignal = (): void => {
    if (abort.signal.aborted) return;
    process.stderr.write('\nStopping what was started …\n');
    abort.abort();
    tell();
    stop();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return {
    signal: abort.signal,
    started: (given) => {
      leave = given;
      // Told in the very moment in which it had come up.
      if (abort.signal.aborted) stop();
    },
    told: () => abort.signal.aborted,
    wait,
    forget: () => {
      process.off('SIGINT', onSignal);
      process.off('SIGTERM', onSignal);
    },
  };
}

function thingsToTry(stack: StackOn): string {
  const run = (type: string, input: object): string =>
    `  ${stack.temporalProgram} workflow execute --address ${stack.temporal.address} --type ${type} --task-queue bulkhead --input '${JSON.stringify(input)}'`;
  return [
    '\nEverything is left running. To try (Ctrl-C here stops it all):',
    `  export TEMPORAL_ADDRESS=${stack.temporal.address}   # for ./scripts/bulkhead`,
    `  Web UI: ${stack.temporal.uiUrl}`,
    run('instantiate', { vnf: 'ims2', descriptor: 'clearwater' }),
    run('scaleOut', { vnf: 'ims2', pool: 'sprout', to: 9 }),
    run('scaleIn', { vnf: 'ims2', pool: 'sprout', to: 6 }),
    run('heal', { vnf: 'ims2', members: ['ims2-sprout-1'] }),
    run('evacuateHost', { hosts: ['cmp-05'], cause: 'maintenance' }),
    run('terminate', { vnf: 'ims2' }),
    `  ${stack.temporalProgram} workflow query --address ${stack.temporal.address} --workflow-id vnf:ims2 --type status -o json`,
    '  ./scripts/bulkhead status ims2',
  ].join('\n');
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    if (error instanceof NotPreparedError || error instanceof CloudConfigError) {
      process.stderr.write(`demo: the cloud is not ready for it:\n${error.message}\n`);
      process.exitCode = 2;
      return;
    }
    process.stderr.write(`demo: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exitCode = 1;
  },
);
