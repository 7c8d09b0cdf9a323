import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { Command } from 'commander';
import { check, type Verdict } from '../../../checker';
import { placementTable, verdictLines } from '../../../checker/report';
import { connectBulkhead } from '../../../client';
import { saveHistories } from '../../lib/histories';
import { startStack, type Stack } from '../../lib/stack';
import { acts, type Act, type ActResult, type Scene } from './acts';

/** `./scripts/demo`: Project Clearwater comes up, grows, shrinks, loses a VM and two hosts, and goes away again. */

interface Options {
  readonly keep: boolean;
  readonly json: boolean;
  readonly fast: boolean;
  readonly pace?: string;
  readonly events?: string;
  readonly histories?: string;
}

/** Virtual boots of 10 to 20 s and drains of up to 17 minutes, played at this factor. */
const paceDefault = 0.01;
const paceFast = 0.004;
const vnf = 'ims1';

interface Played {
  readonly act: string;
  readonly vnf: string;
  readonly outcome: string;
  readonly seconds: number;
  readonly guarantees: Readonly<Record<string, boolean>>;
}

async function main(): Promise<number> {
  const options = new Command('demo')
    .description('Runs the life of a virtual IMS on an embedded OpenStack, and checks every guarantee after each act.')
    .option('--keep', 'leave everything running afterwards, and say what to try', false)
    .option('--json', 'print one line of JSON for each act and nothing else on standard output', false)
    .option('--fast', 'shorter boots, holds and drains', false)
    .option('--pace <factor>', 'factor on boots, holds, drains and time-outs; 1 is real time')
    .option('--events <file>', "write the cloud's event log there, for the checker")
    .option('--histories <directory>', 'write the history of every run there, for replays')
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

  say('Starting Temporal, the embedded OpenStack (12 hosts in mz, 4 in dmz) and a worker …');
  const stopOnSignal = stopWhenTold();
  const stack = await startStack({ pace, bootSeconds: '10-20', signal: stopOnSignal.signal }).catch(
    (error: unknown) => {
      if (stopOnSignal.told()) return null;
      throw error;
    },
  );
  if (stack === null) return 130;
  stopOnSignal.started(stack);
  try {
    say(`Temporal Web UI: ${stack.temporal.uiUrl}   (logs in ${stack.directory})`);
    const connection = await Connection.connect({ address: stack.temporal.address });
    const bulkhead = await connectBulkhead({ address: stack.temporal.address });
    const scene: Scene = { vnf, bulkhead, temporal: new Client({ connection }), observer: stack.observer };
    let good = true;
    try {
      for (const act of acts) {
        if (stopOnSignal.told()) return 130;
        const played = await play(act, scene, say);
        if (options.json) process.stdout.write(`${JSON.stringify(played)}\n`);
        good &&= played.outcome === act.expected && Object.values(played.guarantees).every(Boolean);
      }
      if (options.events !== undefined) {
        mkdirSync(dirname(options.events), { recursive: true });
        writeFileSync(options.events, `${JSON.stringify(await stack.observer.log())}\n`);
      }
      if (options.histories !== undefined) await saveHistories(scene.temporal, options.histories);
      if (options.keep) {
        say(thingsToTry(stack));
        await stopOnSignal.wait;
      }
    } finally {
      await bulkhead.close();
      await connection.close();
    }
    say(
      good
        ? '\nEvery act ended as it should, and every guarantee held.'
        : '\nNot every act ended as it should, or a guarantee was broken: see above.',
    );
    return good ? 0 : 1;
  } finally {
    await stack.stop();
    stopOnSignal.forget();
  }
}

async function play(act: Act, scene: Scene, say: (line: string) => void): Promise<Played> {
  say(`\n── ${act.name}: ${act.title}`);
  await scene.observer.note({ kind: 'act', name: act.name });
  const from = await scene.observer.lastSeq();
  const began = process.hrtime.bigint();
  const result: ActResult = await act.play(scene);
  const seconds = Number(process.hrtime.bigint() - began) / 1e9;
  const events = await scene.observer.log();
  const verdict: Verdict = check(events, { from });
  say(`   ${result.outcome} in ${seconds.toFixed(1)} s. ${result.said}`);
  say(indented(placementTable(events, scene.vnf)));
  say(indented(verdictLines(verdict).join('\n')));
  if (result.outcome !== act.expected) say(`   EXPECTED ${act.expected}`);
  return {
    act: act.name,
    vnf: scene.vnf,
    outcome: result.outcome,
    seconds: Math.round(seconds * 10) / 10,
    guarantees: Object.fromEntries(Object.entries(verdict.guarantees).map(([name, { held }]) => [name, held])),
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
  readonly started: (stack: Stack) => void;
  readonly told: () => boolean;
  readonly wait: Promise<void>;
  readonly forget: () => void;
}

/** Ctrl-C stops what the demo started, at whatever moment. */
function stopWhenTold(): Stopping {
  const abort = new AbortController();
  let stack: Stack | undefined;
  let tell: () => void = () => undefined;
  const wait = new Promise<void>((resolve) => {
    tell = resolve;
  });
  const stop = (): void => {
    void stack?.stop().then(() => process.exit(130));
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
      stack = given;
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

function thingsToTry(stack: Stack): string {
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
    process.stderr.write(`demo: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exitCode = 1;
  },
);
