import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { check, type Verdict } from '../../../../checker';
import { verdictLines } from '../../../../checker/report';
import type { Note } from '../../../../checker/story';
import { BulkheadError, connectBulkhead, type Bulkhead } from '../../../../client';
import type { Calls } from '../../../lib/observer';
import { startStack, type Stack } from '../../../lib/stack';
import { until } from '../../../lib/settled';
import { descriptorOf, hostVcpusOf, pool, settleAll, vnfNamed, vnfsByHost, withoutQuotas, type Size } from './ground';
import { historiesOf, type Histories } from './histories';
import { meterOf, type Memory, type Meter } from './memory';

/**
 * `./scripts/bench load`: many VNFs on one worker, many procedures at once, and a host that dies under half of the VNFs in the
 * middle of it. It is more than a measurement: what is not completed, a limit that is not kept to and a broken guarantee fail it.
 */

export interface LoadOptions extends Size {
  /** Procedures that are begun at once. */
  readonly procedures: number;
  readonly rounds: number;
  readonly pace: number;
  readonly workers: number;
  /** One of several workers is killed in the middle of each round, and another one started. */
  readonly kill: boolean;
  /** Of all workers together. */
  readonly calls: number;
  readonly callsPerSecond: number | null;
  readonly say: (line: string) => void;
}

export interface Phase {
  readonly phase: string;
  readonly seconds: number;
  /** How many ended in each way. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** Until the slowest of each procedure had ended, in seconds from the phase's beginning. */
  readonly slowest: Readonly<Record<string, number>>;
  /** What the cloud got. */
  readonly calls: number;
  readonly callsAtOnceMost: number;
  readonly callsPerSecondMost: number;
  readonly workerMegabytes: Memory;
  /** VNFs that had members on the host that died. */
  readonly touched?: number;
}

export interface Load {
  readonly phases: readonly Phase[];
  readonly histories: Histories;
  readonly verdict: Verdict;
  /** What is not as it has to be, a sentence each. */
  readonly problems: readonly string[];
}

/** A clean-up waits for late attempts, and the machine is busy. */
const settleWithinSeconds = 300;

export async function measureLoad(options: LoadOptions): Promise<Load> {
  const { hosts, pace, workers, calls, callsPerSecond } = options;
  const stack = await startStack({
    pace,
    workers,
    bootSeconds: '10-20',
    hosts: `mz=${String(hosts)},dmz=1`,
    cloudArgs: ['--host-vcpus', String(hostVcpusOf(options))],
    workerEnv: {
      BULKHEAD_CLOUD_TOTAL_CALLS: String(calls),
      ...(callsPerSecond !== null && { BULKHEAD_CLOUD_CALLS_PER_SECOND: String(callsPerSecond) }),
    },
  });
  options.say(`logs are in ${stack.directory}`);
  const connection = await Connection.connect({ address: stack.temporal.address });
  const bulkhead = await connectBulkhead({ address: stack.temporal.address });
  const meter = meterOf(stack.workers);
  try {
    await withoutQuotas(stack.observer);
    const phases = await play({ options, stack, bulkhead, meter });
    const histories = await historiesOf(new Client({ connection }));
    const verdict = check(await stack.observer.log(), { pace });
    const broken = verdict.ok ? [] : verdictLines(verdict);
    return { phases, histories, verdict, problems: [...problemsOf(options, phases), ...broken] };
  } finally {
    meter.stop();
    await bulkhead.close();
    await connection.close();
    await stack.stop();
  }
}

interface Scene {
  readonly options: LoadOptions;
  readonly stack: Stack;
  readonly bulkhead: Bulkhead;
  readonly meter: Meter;
}

async function play(scene: Scene): Promise<Phase[]> {
  const { options } = scene;
  const vnfs = Array.from({ length: options.vnfs }, (_, index) => vnfNamed(index + 1));
  const descriptor = descriptorOf(options.members);
  const phases: Phase[] = [];
  const all = (procedure: Procedure, input: (vnf: string) => Record<string, unknown>): Promise<Ended[]> =>
    inTurns(vnfs, options.procedures, (vnf) => ask(scene, procedure, input(vnf)));
  phases.push(await phase(scene, 'instantiate', () => all('instantiate', (vnf) => ({ vnf, descriptor })), vnfs));
  // Without the VNFs there is nothing to play on.
  if (Object.keys(phases[0]?.outcomes ?? {}).some((outcome) => outcome !== 'instantiate completed')) return phases;
  for (let round = 1; round <= options.rounds; round++)
    phases.push(await phase(scene, `load ${String(round)}`, () => load(scene, vnfs, round), vnfs));
  phases.push(await phase(scene, 'terminate', () => all('terminate', (vnf) => ({ vnf })), vnfs));
  return phases;
}

type Procedure = Extract<Note, { kind: 'request' }>['procedure'];

interface Ended {
  readonly procedure: Procedure;
  readonly outcome: string;
  readonly endedAt: number;
  readonly said?: string;
  readonly touched?: number;
}

async function phase(
  scene: Scene,
  name: string,
  body: () => Promise<readonly Ended[]>,
  vnfs: readonly string[],
): Promise<Phase> {
  const { stack, meter, options } = scene;
  options.say(`${name} …`);
  await stack.observer.note({ kind: 'act', name });
  await stack.observer.forgetMostCalls();
  meter.read();
  const before = await stack.observer.calls();
  const began = Date.now();
  const ended = await body();
  await settleAll(scene, vnfs, settleWithinSeconds);
  const seconds = (Date.now() - began) / 1_000;
  for (const { procedure, outcome, said } of ended)
    if (outcome !== 'completed') options.say(`  ${procedure}: ${outcome}: ${said ?? ''}`);
  const touched = ended.find((each) => each.touched !== undefined)?.touched;
  return {
    phase: name,
    seconds: rounded(seconds),
    outcomes: countsOf(ended.map(({ procedure, outcome }) => `${procedure} ${outcome}`)),
    slowest: slowestOf(ended, began),
    ...callsBetween(before, await stack.observer.calls()),
    workerMegabytes: meter.read(),
    ...(touched !== undefined && { touched }),
  };
}

function callsBetween(before: Calls, after: Calls): Pick<Phase, 'calls' | 'callsAtOnceMost' | 'callsPerSecondMost'> {
  return {
    calls: after.calls - before.calls,
    callsAtOnceMost: after.atOnceMost,
    callsPerSecondMost: after.perSecondMost,
  };
}

/** So many procedures at once, each on a VNF of its own, of which a third lose a member; and a host dies once the first have begun. */
async function load(scene: Scene, vnfs: readonly string[], round: number): Promise<readonly Ended[]> {
  const { options, stack } = scene;
  const first = ((round - 1) * options.procedures) % vnfs.length;
  const chosen = Array.from({ length: options.procedures }, (_, index) => vnfs[(first + index) % vnfs.length] ?? '');
  const after = await stack.observer.lastSeq();
  const begun = Promise.all(chosen.map((vnf, index) => change(scene, vnf, index)));
  // Waited for below; until then what fails is nobody's.
  begun.catch(() => undefined);
  await until('the first have launched', 60, async () =>
    (await stack.observer.log()).some((event) => event.seq > after && event.type === 'server.created'),
  );
  const [host, touched] = await hostUnderHalf(scene);
  await stack.observer.setHost(host, { alive: false });
  options.say(`  ${host} died, with members of ${String(touched)} VNFs`);
  const evacuation = ask(scene, 'evacuateHost', { hosts: [host], cause: 'failed' });
  evacuation.catch(() => undefined);
  if (options.kill) await killOne(scene, after, chosen.length);
  const ended = [...(await begun), { ...(await evacuation), touched }];
  // Whoever is called to repair it has brought it back, so that the next round has as much room.
  await stack.observer.setHost(host, { alive: true });
  ended.push(await ask(scene, 'restoreHost', { hosts: [host] }));
  return ended;
}

/** A third grow, a third shrink, the others lose a member. */
async function change(scene: Scene, vnf: string, index: number): Promise<Ended> {
  const { stack, bulkhead, options } = scene;
  if (index % 3 === 0) return await ask(scene, 'scaleOut', { vnf, pool, to: options.members + 2 });
  if (index % 3 === 1) return await ask(scene, 'scaleIn', { vnf, pool, to: options.members - 2 });
  const member = (await bulkhead.status(vnf)).pools[pool]?.inService[0];
  if (!member) throw new Error(`${vnf} has no member to lose`);
  await stack.observer.setServer(member.serverId, { state: 'ERROR' });
  return await ask(scene, 'heal', { vnf });
}

/** Of the hosts that are under half of the VNFs or more the one under the fewest; where none is, the one under the most. */
async function hostUnderHalf({ stack, options }: Scene): Promise<[string, number]> {
  const counts = [...(await vnfsByHost(stack))].map(([host, vnfs]): [string, number] => [host, vnfs.size]);
  const sorted = counts.sort(([, a], [, b]) => a - b);
  const best = sorted.find(([, count]) => count >= options.vnfs / 2) ?? sorted.at(-1);
  if (!best) throw new Error('no host has a member');
  return best;
}

/** Half-way: when half as many servers as there are changes have been launched. */
async function killOne({ stack, options }: Scene, after: number, changes: number): Promise<void> {
  await until('half of it is done', 120, async () => {
    const created = (await stack.observer.log()).filter(({ seq, type }) => seq > after && type === 'server.created');
    return created.length >= changes / 2;
  });
  const victim = stack.workers.find((worker) => worker.alive());
  options.say(`  worker ${String(victim?.pid)} is killed`);
  victim?.kill('SIGKILL');
  await stack.startWorker();
}

/** Notes the request, runs it as an NFVO would, and notes how it ended. */
async function ask(scene: Scene, procedure: Procedure, input: Record<string, unknown>): Promise<Ended> {
  const { bulkhead, stack } = scene;
  const id = randomUUID();
  const vnf = typeof input['vnf'] === 'string' ? { vnf: input['vnf'] } : {};
  await stack.observer.note({ kind: 'request', id, procedure, ...vnf, request: input });
  const ended = await outcomeOf(() => (bulkhead[procedure] as (input: unknown) => Promise<unknown>)(input));
  const { outcome, failure } = ended;
  await stack.observer.note({ kind: 'outcome', id, outcome, ...(failure !== undefined && { failure }) });
  return { procedure, outcome, endedAt: Date.now(), ...(ended.said !== undefined && { said: ended.said }) };
}

type Outcome = Extract<Note, { kind: 'outcome' }>['outcome'];

async function outcomeOf(body: () => Promise<unknown>): Promise<{ outcome: Outcome; failure?: string; said?: string }> {
  try {
    await body();
    return { outcome: 'completed' };
  } catch (error) {
    if (!(error instanceof BulkheadError)) throw error;
    const { kind, message } = error;
    return { outcome: error.outcome as Outcome, failure: kind, said: `${kind}: ${message}` };
  }
}

/** So many at once, each as soon as there is a place. */
async function inTurns<T, R>(items: readonly T[], atOnce: number, body: (item: T) => Promise<R>): Promise<R[]> {
  const waiting = [...items];
  const results: R[] = [];
  const next = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) results.push(await body(item));
  };
  await Promise.all(Array.from({ length: atOnce }, next));
  return results;
}

/** What is resident goes up and down with the garbage: by less than this factor from the end of the first round to that of the last. */
const growthMost = 1.25;

export function problemsOf(
  { calls, callsPerSecond }: Pick<LoadOptions, 'calls' | 'callsPerSecond'>,
  phases: readonly Phase[],
): string[] {
  const incomplete = phases.flatMap(({ phase, outcomes }) =>
    Object.entries(outcomes)
      .filter(([name]) => !name.endsWith(' completed'))
      .map(([name, count]) => `${phase}: ${String(count)} of ${name}`),
  );
  const tooMany = phases
    .filter(({ callsAtOnceMost }) => callsAtOnceMost > calls)
    .map(
      ({ phase, callsAtOnceMost }) => `${phase}: ${String(callsAtOnceMost)} calls at once, and ${String(calls)} may be`,
    );
  const tooFast = phases
    .filter(({ callsPerSecondMost }) => callsPerSecond !== null && callsPerSecondMost > callsPerSecond)
    .map(
      ({ phase, callsPerSecondMost }) =>
        `${phase}: ${String(callsPerSecondMost)} calls within a second, and ${String(callsPerSecond)} may be`,
    );
  const rounds = phases.filter(({ touched }) => touched !== undefined);
  const [first = 0, last = 0] = [rounds[0], rounds.at(-1)].map((round) => round?.workerMegabytes.atEnd);
  const grown =
    last > first * growthMost
      ? [`a worker has ${String(first)} MB at the end of the first round, and ${String(last)} MB at that of the last`]
      : [];
  return [...incomplete, ...tooMany, ...tooFast, ...grown];
}

function countsOf(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

function slowestOf(ended: readonly Ended[], began: number): Record<string, number> {
  const slowest: Record<string, number> = {};
  for (const { procedure, endedAt } of ended)
    slowest[procedure] = Math.max(slowest[procedure] ?? 0, rounded((endedAt - began) / 1_000));
  return slowest;
}

function rounded(seconds: number): number {
  return Math.round(seconds * 10) / 10;
}
