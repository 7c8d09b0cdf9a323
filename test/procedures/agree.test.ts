import type { RecordView } from '../../domain/turn';
import type * as Enumerate from '../../scripts/lib/virtual/enumerate';
import type { Fault, Moment } from '../../scripts/lib/virtual/faults';
import type * as Specs from '../../scripts/lib/virtual/specs';
import type { Cloud } from '../../simulator';
import { until, type Ended } from '../real/world';
import { openStage, type Stage, type Trial } from './stage';
import type { Call, Script, Strike, WireScript } from './strikes';

/**
 * The same cases in both forms: on the clock and the Temporal server that are played, and on real ones. What comes of each is compared, so
 * that what `./scripts/faults` finds there, or does not find, is so here.
 *
 * Not compared, since it follows from names or from how quick each form is: on which hosts members are; attempts; what clean-ups do, and how
 * often they are begun; how far an activity comes that is at work when its run is terminated, where nobody cleans up behind it. And not
 * sampled, since it comes out one way or the other on a real server:
 * - a second look at what is being waited for: there may be none;
 * - a call that fails often after the pivot, where time ends before the failures do: there is less of it here;
 * - a run with activities side by side, terminated at the first of them;
 * - one that is terminated at a local activity: its worker may still perform others of the same task, or not;
 * - a worker that dies at a local activity: here only the attempt is not heard of again, while all of its task would be.
 * A cancel may come too late to a child, so that what it is meant to meet waits here until it has come.
 */

type Case = Enumerate.Case;
type Spec = Specs.Spec;

/** Of the fast form's. What their preparation has killed are the hosts that they are given. */
const names = [
  'instantiate (two pools)',
  'scaleOut',
  'scaleIn',
  'heal',
  'evacuateHost for maintenance',
  'evacuateHost of a dead host',
  'terminate (two pools)',
];
const zones = { mz: 8, dmz: 4 };

/** Each procedure has every so many-th kind of fault, another half of them than the one before, at one moment of those there are. */
const every = Number(process.env['BULKHEAD_FAULTS_EVERY'] ?? 2);

/** Trials at once: more would measure the machine. */
const atOnce = 24;

/** As often as the fast form's failing call: more often than an activity is tried before the pivot. */
const failsTimes = 40;

const localActivities = ['readRecord', 'readTiming', 'loadDescriptor', 'startRecord'];

/** What is compared. */
interface Came {
  readonly outcome: Ended['outcome'];
  readonly kind: string | undefined;
  /** Activities in the order in which they were begun, of the run, and of the runs that it has begun. */
  readonly run: readonly string[];
  readonly children: readonly string[];
  /** By pool, who serves, and how many of them each host has. */
  readonly serving: Readonly<
    Record<string, { readonly ordinals: readonly number[]; readonly onHosts: readonly number[] }>
  >;
  readonly revision: number | null;
  /** The record had to clean up behind it. */
  readonly cleanedUp: boolean;
  readonly cloud: Readonly<Record<string, number>>;
}

interface Sampled {
  readonly name: string;
  readonly spec: Spec;
  /** Where it is struck, and at the how manyth such moment; absent in the clean run. */
  readonly at?: { readonly fault: Fault; readonly moment: Moment; readonly count: number };
  readonly came: Came;
}

let sampled: readonly Sampled[] = [];
let stage: Stage;
beforeAll(async () => {
  // First, and with modules of its own: while it plays there is no other clock, and no other keeper of contexts.
  await jest.isolateModulesAsync(async () => {
    const { specs } = jest.requireActual<typeof Specs>('../../scripts/lib/virtual/specs');
    const fast = jest.requireActual<typeof Enumerate>('../../scripts/lib/virtual/enumerate');
    const wanted = names.map((name) => specs.find((spec) => spec.name === name) ?? raise(`there is no ${name}`));
    for (const [index, spec] of wanted.entries()) sampled = [...sampled, ...(await sampleOf(spec, { fast, index }))];
  });
  stage = await openStage();
}, 120_000);
afterAll(async () => {
  await stage.stop();
}, 60_000);

test('a case comes to the same in the fast form and on a real server', async () => {
  const faults = new Set(sampled.flatMap(({ at }) => at?.fault ?? []));
  expect([...faults].sort()).toEqual([...inBoth].sort());
  const rest = [...sampled];
  const differ: unknown[] = [];
  const lane = async (number: number): Promise<void> => {
    for (let each = rest.shift(), nth = 1; each; each = rest.shift(), nth++) {
      const trial = await stage.open(`${'abcdefghijklmnopqrstuvwxyz'.charAt(number)}${String(nth)}`, 'operator', {
        zones,
      });
      const came = await playOnServer(trial, each).catch((error: unknown) => ({ error: String(error) }));
      await trial.close();
      if (JSON.stringify(came) === JSON.stringify(each.came)) continue;
      const calls = trial.calls().map(({ key, strike = '', answer }) => [key, strike, answer].join(' '));
      differ.push({ case: each.name, fast: each.came, slow: came, calls });
    }
  };
  await Promise.all(Array.from({ length: atOnce }, (_, number) => lane(number)));
  expect(differ).toEqual([]);
}, 240_000);

// The fast form

async function sampleOf(
  spec: Spec,
  { fast, index }: { readonly fast: typeof Enumerate; readonly index: number },
): Promise<Sampled[]> {
  const played = async (struck?: Case): Promise<Sampled & { run: Enumerate.Played }> => {
    let left: Pick<Came, 'serving' | 'revision' | 'cleanedUp' | 'cloud'> | undefined;
    const run = await fast.play(spec, struck, ({ temporal, cloud, viewOf }) => {
      const ids = [...temporal.runs.values()].map(({ workflowId }) => workflowId);
      const cleanedUp = ids.some((id) => id.startsWith('audit:v:'));
      left = leftIn(cloud, { view: viewOf('v'), cleanedUp, isVanished: struck?.fault === 'terminated' });
    });
    const { ended, moments, problems } = run;
    const name = struck ? fast.nameOf(struck) : `${spec.name}: without any fault`;
    if (!left || problems.length > 0) throw new Error([name, ...problems].join('\n'));
    const begun = moments.filter(({ kind, at, what }) => kind === 'activity' && at === 'begins' && !isRepeat(what));
    const namesIn = (child: boolean): string[] =>
      begun.flatMap(({ what, inChild }) => (inChild === child ? [what] : []));
    const came: Came = { ...endOf(ended), run: namesIn(false), children: namesIn(true), ...left };
    const moment = struck && moments[struck.moment];
    const at = struck && moment && { fault: struck.fault, moment, count: countOf(moments, struck.moment) };
    return { name, spec, ...(at && { at }), came, run };
  };
  const clean = await played();
  const { moments } = clean.run;
  const both = fast.casesAt(spec, clean.run).filter((each) => isInBoth(each, moments));
  const cases: Sampled[] = [clean];
  for (const [number, fault] of inBoth.entries()) {
    const of = both.filter((each) => each.fault === fault);
    const each = of[(5 * index + 3 * number) % Math.max(1, of.length)];
    if (each && (index + number) % every === 0) cases.push(await played({ ...each, resetTo: 'last' }));
  }
  return cases;
}

function isRepeat(what: string): boolean {
  return what.endsWith(' again');
}

/** Among those that look like it. */
function countOf(moments: readonly Moment[], index: number): number {
  const { what, at } = moments[index] ?? {};
  return moments.slice(0, index + 1).filter((each) => each.what === what && each.at === at).length;
}

const ofActivities: readonly Fault[] = ['cancelled', 'terminated', 'reset', 'childTerminated', 'childCancelled'];
const ofCalls: readonly Fault[] = ['lostBefore', 'lostAfter', 'failsOften'];
const inBoth: readonly Fault[] = [...ofActivities, 'workerKilled', ...ofCalls];

function isInBoth({ fault, way, moment: index }: Case, moments: readonly Moment[]): boolean {
  const moment = moments[index];
  if (!moment || isRepeat(moment.what)) return false;
  const { kind, at, what, inChild } = moment;
  const count = countOf(moments, index);
  if (fault === 'failsOften' && way !== 'back') return false;
  const isLocal = localActivities.includes(what);
  if (kind === 'call') return ofCalls.includes(fault) && (count === 1 || !what.includes(' GET '));
  if (kind !== 'activity') return false;
  if (fault === 'workerKilled') return at === 'ends' && !isLocal;
  if (at === 'ends' || (isLocal && /erminated$/.test(fault))) return false;
  return ofActivities.includes(fault) && !(inChild && ['terminated', 'reset'].includes(fault));
}

// The slow form

async function playOnServer(trial: Trial, { spec, at }: Sampled): Promise<Came> {
  const { vnf, cloud } = trial;
  let before: RecordView | null = null;
  if (spec.prepare !== null) {
    const made = await trial.run('instantiate', { vnf, descriptor: spec.descriptor });
    if (made.outcome !== 'completed') throw new Error(`instantiate ended ${made.outcome}: ${made.message ?? ''}`);
    before = await trial.settle();
  }
  const input = renamed(spec.input({ cloud, viewOf: () => before }), vnf) as { hosts?: readonly string[] };
  if (spec.prepare) for (const host of input.hosts ?? []) await trial.observer.setHost(host, { alive: false });
  const struck = { hit: at === undefined };
  const { script, wires } = at === undefined ? {} : scriptsOf(at, struck);
  const ended = await trial.run(spec.procedure, input, script, wires);
  if (!struck.hit) throw new Error('it was not struck');
  // A child that its parent has abandoned goes on.
  const runs = (): string[] => [...new Set(trial.calls().map(({ workflowId }) => workflowId))];
  const isOver = async (workflowId: string): Promise<boolean> =>
    (await stage.client.workflow.getHandle(workflowId).describe()).status.name !== 'RUNNING';
  await until('its children have ended', 60, async () => (await Promise.all(runs().map(isOver))).every(Boolean));
  const view = await trial.settle({ faults: true });
  const namesIn = (child: boolean): string[] =>
    trial
      .calls()
      .flatMap(({ name, attempt, workflowId }) => (attempt === 1 && isOfChild(workflowId) === child ? [name] : []));
  const cleanedUp = trial.cleanUps().length > 0;
  const left = leftIn(cloud, { view, cleanedUp, isVanished: at?.fault === 'terminated' });
  return { ...endOf(ended), run: namesIn(false), children: namesIn(true), ...left };
}

function isOfChild(workflowId: string): boolean {
  return workflowId.startsWith('evacuate:');
}

/** The fast form's VNF is `v`; its hosts are named by what there is. */
function renamed(value: unknown, vnf: string): unknown {
  if (typeof value === 'string') return value.replace(/^v(?=$|-)/, vnf);
  if (Array.isArray(value)) return value.map((each) => renamed(each, vnf));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, renamed(each, vnf)]));
}

function scriptsOf(
  { fault, moment, count }: NonNullable<Sampled['at']>,
  struck: { hit: boolean },
): { script?: Script; wires?: WireScript } {
  const { kind, what, at } = moment;
  if (kind === 'activity')
    return {
      script: (call) => {
        if (call.key !== `${what}#${String(count)}` || call.attempt > 1) return undefined;
        struck.hit = true;
        return strikeOf(fault, call);
      },
    };
  let seen = 0;
  return {
    wires: (wanted) => {
      if (wanted.what !== what || wanted.at !== at) return undefined;
      seen += 1;
      struck.hit ||= seen === count;
      if (fault === 'failsOften') return seen >= count && seen < count + failsTimes ? 'refused' : undefined;
      return seen === count ? 'lost' : undefined;
    },
  };
}

const strikes: Partial<Record<Fault, Strike>> = {
  ...{ cancelled: 'cancelled', terminated: 'terminated', childTerminated: 'terminated' },
  ...{ reset: 'reset', workerKilled: 'workerDies' },
};

function strikeOf(fault: Fault, call: Call): ReturnType<Script> {
  if (fault === 'childCancelled') return stage.client.workflow.getHandle(call.workflowId).cancel();
  return fault === 'cancelled' && isOfChild(call.workflowId) ? cancelledFromAbove(call) : strikes[fault];
}

/** Asks the run that has begun this one, and waits until that has reached it. */
async function cancelledFromAbove({ workflowId, runId }: Call): Promise<void> {
  const handle = stage.client.workflow.getHandle(workflowId, runId);
  const { parentExecution } = (await handle.describe()).raw.workflowExecutionInfo ?? {};
  await stage.client.workflow.getHandle(parentExecution?.workflowId ?? '').cancel();
  await until('the cancel has come', 30, async () => {
    const { events } = await handle.fetchHistory();
    return (events ?? []).some((event) => event.workflowExecutionCancelRequestedEventAttributes);
  });
}

// Both

/** Where a run was cancelled or taken away its failure has no kind but that. */
function endOf({ outcome, kind }: Ended): Pick<Came, 'outcome' | 'kind'> {
  return { outcome, kind: outcome === 'cancelled' || outcome === 'vanished' ? undefined : kind };
}

function leftIn(
  { hosts, servers, ports, securityGroups, serverGroups }: Cloud,
  { view, cleanedUp, isVanished }: Readonly<{ view: RecordView | null; cleanedUp: boolean; isVanished: boolean }>,
): Pick<Came, 'serving' | 'revision' | 'cleanedUp' | 'cloud'> {
  const inOrder = (numbers: Iterable<number>): number[] => [...numbers].sort((a, b) => a - b);
  const serving = Object.entries(view?.pools ?? {}).map(([pool, { inService }]) => {
    const counts = new Map<string, number>();
    for (const { host } of inService) counts.set(host, (counts.get(host) ?? 0) + 1);
    return [pool, { ordinals: inOrder(inService.map(({ ordinal }) => ordinal)), onHosts: inOrder(counts.values()) }];
  });
  const closed = [...hosts.values()].filter(({ enabled, forcedDown }) => !enabled || forcedDown).length;
  return {
    serving: Object.fromEntries(serving) as Came['serving'],
    revision: view?.revision ?? null,
    cleanedUp,
    cloud: {
      ...{ servers: servers.size, ports: ports.size },
      ...{ securityGroups: securityGroups.size, serverGroups: serverGroups.size },
      ...(!isVanished && { closedHosts: closed }),
    },
  };
}

function raise(what: string): never {
  throw new Error(what);
}
