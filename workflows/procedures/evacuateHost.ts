import {
  CancellationScope,
  ChildWorkflowCancellationType,
  defineSignal,
  isCancellation,
  patched,
  ParentClosePolicy,
  setHandler,
  sleep,
  startChild,
  uuid4,
  type ChildWorkflowHandle,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { EmptyHostsPlanned, HostContents } from '../../activities/ports';
import { plain, summary } from '../../domain/markdown';
import { failure, type Failure } from '../../domain/failure';
import { memberName, own } from '../../domain/names';
import type { Onto } from '../../domain/plan';
import type { DryRunResult, EvacuateHostResult, ParsedInputs, ProcedureResult } from '../../domain/procedures';
import { spareAt } from '../../domain/levels';
import type { RecordRead } from '../../domain/turn';
import { turnRefusal } from '../../domain/turnRefusal';
import type { VnfRecord } from '../../domain/record';
import { shown } from '../../domain/shown';
import { childStuckSchema, childStuckSignal, type Leftover } from '../../domain/stuck';
import type { Timing } from '../../domain/timing';
import { openDesk, type Desk } from '../desk';
import { asFailure, toApplicationFailure } from '../failures';
import { parseInput } from '../input';
import { cloud, record as recordPort, waiting, watch } from '../ports';
import { mark, say } from '../progress';
import { withoutThoseOn, type evacuateVnf } from './evacuateVnf';
import { marked } from './change';
import { changesOf, goesAsTheRun } from './dryRun';
import { holdHosts } from './holdHosts';

/**
 * Empties hosts: dead ones (`failed`) or ones that are to be worked on (`maintenance`).
 * `{"hosts": ["cmp-03"], "cause": "maintenance"}`
 *
 * It holds no VNF's turn itself. One child a host is the mutex; one child a VNF does the work, in that VNF's own turn,
 * and finishes alone when this run is gone. Run again, it resumes: what has moved is not on the host any more.
 *
 * | step | undo |
 * | --- | --- |
 * | mutex for each host, in name order | released when the run ends, however it ends |
 * | plan every VNF on one snapshot (maintenance) | nothing to undo |
 * | close the hosts to scheduling, marked as ours; with `fenced` force them down in Nova | reopen those that this run closed, take back what it forced |
 * | look and plan again: nothing new comes there now | nothing to undo |
 * | evacuateVnf for each, the most endangered first; of a maintenance in the places that were found for all, and one after another where the quota does not carry all at once | none: each goes back or forward by itself |
 * | again for each that others left short of quota (failed), one after another | none |
 *
 * A host that failed stays closed when its VNFs have begun to move, whatever becomes of them: restoreHost opens it. Where one of them
 * goes back, the fence is taken back. Nova refuses that until a host is back from which something was evacuated: it is told again for
 * a while, and then the failure says which hosts are left forced down.
 */
export async function evacuateHost(raw: unknown): Promise<EvacuateHostResult | DryRunResult> {
  const input = parseInput('evacuateHost', raw);
  const hosts = [...new Set(input.hosts)].sort();
  mark({ hosts, phase: 'asking' });
  return await marked(async () => {
    const desk = openDesk(`evacuateHost of ${hosts.map(shown).join(', ')}`);
    setHandler(defineSignal<[unknown]>(childStuckSignal), (given) => {
      const told = childStuckSchema.safeParse(given);
      if (told.success) desk.childTold(told.data);
    });
    const job: Job = { ...input, hosts, timing: await recordPort().readTiming(), occurrence: uuid4(), desk };
    // Bad input fails here, before anything is held or closed.
    const found = await look(job, { brake: input.cause === 'failed' && !input.force });
    if (input.dryRun) return await plannedOnly(job, found);
    const { views } = await readKnown(job, found);
    return await holdHosts(hosts, () => evacuate(job, views));
  });
}

interface Job extends Omit<ParsedInputs['evacuateHost'], 'hosts'> {
  readonly hosts: readonly string[];
  readonly timing: Timing;
  /** Where it waits for a person when it is stuck, and says so of the runs that it waits for. */
  readonly desk: Desk;
  /** Marks what this run closed. The same after a reset, which gives a run another id. */
  readonly occurrence: string;
}

function look({ hosts, timing }: Job, { brake } = { brake: false }): Promise<HostContents[]> {
  return cloud(timing).findOnHosts.executeWithOptions({ summary: summary(`look at ${hosts.join(', ')}`) }, [
    { hosts, ...(brake && { brake }) },
  ]);
}

async function evacuate(job: Job, before: readonly RecordRead[]): Promise<EvacuateHostResult> {
  const { hosts, cause, fenced, timing, occurrence } = job;
  if (cause === 'maintenance') await planAll(job, before);
  let contents: HostContents[];
  let known: Known;
  let places: EmptyHostsPlanned = {};
  /** What this run has forced down; it may be more than it was told, where it was not told. */
  let forced: readonly string[] = [];
  try {
    const closed = await cloud(timing).closeHosts.executeWithOptions(
      { summary: summary(`close ${hosts.join(', ')} to scheduling`) },
      [{ hosts, occurrence, fence: cause === 'failed' && fenced, timing }],
    );
    forced = closed.fenced;
    // Looked at again: from here on nothing new is placed there.
    contents = await look(job);
    known = await readKnown(job, contents);
    if (cause === 'maintenance') places = await planAll(job, known.views);
  } catch (error) {
    const reason = asFailure(error);
    if (reason === undefined && !isCancellation(error)) throw error;
    const left = await unfence(job, forced, reason);
    // What is forced down still keeps its mark, by which restoreHost knows it for ours.
    await reopen({ ...job, hosts: hosts.filter((host) => !left.includes(host)) }, reason);
    if (reason === undefined) throw error;
    mark({ phase: 'ended', outcome: 'unwound' });
    throw toApplicationFailure(withForced(reason, left), 'unwound', error instanceof Error ? error : undefined);
  }
  mark({ phase: 'evacuating' });
  const results = await evacuateVnfs(job, contents, { known, places });
  const cancelled = results.find((each) => each.cancelled !== undefined);
  if (cancelled) {
    await goBack(job, forced, undefined);
    mark({ phase: 'ended', outcome: 'cancelled' });
    throw cancelled.cancelled;
  }
  const failed = results.flatMap((each) => (each.failure ? [each.failure] : []));
  // One that is stuck is what somebody has to do something about.
  const first = failed.find(isStuck) ?? failed[0];
  if (first) {
    const left = await goBack(job, forced, first);
    mark({ phase: 'ended', outcome: 'unwound' });
    throw toApplicationFailure(
      withForced(
        {
          ...first,
          details: {
            ...first.details,
            vnfs: results.map(({ vnf, failure: reason }) => ({
              vnf,
              outcome: reason ? 'failed' : 'completed',
              reason: reason?.message ?? null,
            })),
          },
        },
        left,
      ),
      isStuck(first) ? 'stuck' : 'unwound',
    );
  }
  mark({ phase: 'ended', outcome: 'completed' });
  return {
    outcome: 'completed',
    procedure: 'evacuateHost',
    hosts,
    cause,
    vnfs: results.flatMap((each) => (each.result ? [each.result] : [])),
    foreign: Object.fromEntries(
      contents.filter((each) => each.foreign.length > 0).map((each) => [each.host, each.foreign]),
    ),
    unrecorded: unrecordedIn(contents, known, results),
    cancelIgnored: CancellationScope.current().consideredCancelled,
  };
}

/**
 * VNFs have moved, or begun to. A host in maintenance that is not empty goes back to work. One that failed stays closed: it is dead, and
 * what of it is replaced must not come back by itself. But that it is dead is the caller's word alone, which we no longer pass on.
 */
async function goBack(job: Job, forced: readonly string[], reason: Failure | undefined): Promise<readonly string[]> {
  if (job.cause === 'failed') return await unfence(job, forced, reason);
  await reopen(job, reason);
  return [];
}

/** The undo of forcing down. Says which hosts Nova leaves so, for a while: as long as an attempt at anything lasts. */
async function unfence(job: Job, forced: readonly string[], reason: Failure | undefined): Promise<readonly string[]> {
  const { hosts, cause, fenced, occurrence, timing } = job;
  if (cause !== 'failed' || !fenced) return [];
  const forSeconds = timing.mutateSeconds;
  const left = await undone(job, reason, unforced, () =>
    waiting(timing, forSeconds).unfenceHosts.executeWithOptions(
      { summary: summary(`undo: un-force ${hosts.join(', ')}`) },
      [{ hosts, occurrence, alsoUnmarked: forced, untilUp: false, forSeconds, timing }],
    ),
  );
  return left?.forced ?? [];
}

function withForced(reason: Failure, forced: readonly string[]): Failure {
  if (forced.length === 0) return reason;
  const said = `${forced.join(', ')} is left forced down: Nova does not take that back before the host is up again. Then run restoreHost.`;
  return { ...reason, message: `${reason.message} ${said}`, details: { ...reason.details, forcedDown: forced } };
}

/**
 * Whoever is about to switch a host off must know what is left on it, also of VNFs whose record somebody has ended by hand, before or meanwhile. One
 * that was terminated meanwhile is told of as well: who it was that has ended its record nobody says.
 */
function unrecordedIn(
  contents: readonly HostContents[],
  { views, silent }: Known,
  results: readonly VnfOutcome[],
): EvacuateHostResult['unrecorded'] {
  const ended = new Set(results.flatMap(({ vnf, isEnded }) => (isEnded ? [vnf] : [])));
  const known = new Set([...views.map(({ vnf }) => vnf), ...silent].filter((vnf) => !ended.has(vnf)));
  const left = contents.map(({ host, vnfs }): [string, string[]] => [
    host,
    Object.entries(vnfs)
      .filter(([vnf]) => !known.has(vnf))
      .flatMap(([vnf, members]) => members.map(({ pool, ordinal }) => memberName(vnf, pool, ordinal))),
  ]);
  return Object.fromEntries(left.filter(([, names]) => names.length > 0));
}

interface VnfOutcome {
  readonly vnf: string;
  /** Its record has ended since it was read. */
  readonly isEnded?: true;
  readonly result?: ProcedureResult;
  readonly failure?: Failure;
  /** The cancel that it went back for, or that came before it was begun. */
  readonly cancelled?: unknown;
}

/** The undo of closing: only what this run closed. What it cannot reopen is for a person to. */
async function reopen(job: Job, reason: Failure | undefined): Promise<void> {
  const { hosts, occurrence, timing } = job;
  if (hosts.length === 0) return;
  await undone(job, reason, reopened, () =>
    cloud(timing, { retrySeconds: timing.undoSeconds }).reopenHosts.executeWithOptions(
      { summary: summary(`undo: reopen ${hosts.join(', ')}`) },
      [{ hosts, occurrence, timing }],
    ),
  );
}

interface HostUndo {
  readonly step: string;
  readonly kind: Leftover['kind'];
  readonly left: 'closed' | 'fenced';
  /** Of `openstack compute service set`. */
  readonly how: string;
}

const reopened: HostUndo = { step: 'undo of closing', kind: 'closedHost', left: 'closed', how: '--enable' };
const unforced: HostUndo = { step: 'undo of forcing down', kind: 'forcedDownHost', left: 'fenced', how: '--up' };

/** Out of reach of any cancel. Where it cannot be done, a person decides. Undefined: it was done by hand. */
async function undone<T>(
  { hosts, timing, desk }: Job,
  reason: Failure | undefined,
  { step, kind, left, how }: HostUndo,
  undo: () => Promise<T>,
): Promise<T | undefined> {
  const leftover = (host: string): Leftover => ({ kind, id: host, name: host });
  try {
    return await CancellationScope.nonCancellable(() =>
      desk.insist({
        step: `${step} ${hosts.map(shown).join(', ')}`,
        action: undo,
        reason,
        look: async () => {
          const ports = cloud(timing, { retrySeconds: timing.mutateSeconds });
          const seen = await ports.lookAtClosed({ hosts, alsoOthers: true });
          return seen[left].map(leftover);
        },
        known: hosts.map(leftover),
        afterwards: () =>
          `Once the cloud answers, run restoreHost, or do it by hand: openstack --os-compute-api-version 2.11 compute service set ${how} <host> nova-compute.`,
        timing,
      }),
    );
  } catch (error) {
    if (asFailure(error) !== undefined) mark({ phase: 'ended', outcome: 'stuck' });
    throw error;
  }
}

/** Refused unless all can move. Runs of earlier releases were told nothing of places. */
async function planAll(
  { hosts, cause, fenced, timing }: Job,
  records: readonly RecordRead[],
  { tell = false } = {},
): Promise<EmptyHostsPlanned> {
  const planned = await cloud(timing).planEmptyHosts.executeWithOptions(
    { summary: summary(`plan to empty ${hosts.join(', ')}`) },
    [{ hosts, cause, fenced, records: records.map(forPlanner), ...(tell && { tell }) }],
  );
  return planned ?? {};
}

/** What a planner looks at. Of many VNFs, what else a record remembers would be more than one input may hold. */
function forPlanner({ vnf, descriptor, phase, revision, pools, groups, debts }: RecordRead): VnfRecord {
  return { vnf, descriptor, phase, revision, pools, groups, debts };
}

/**
 * Started in order of danger, then all at work at once: each waits for nothing but its own VNF's turn. Where the quota does not carry all at
 * once, each waits until the one before it has ended.
 */
async function evacuateVnfs(
  job: Job,
  contents: readonly HostContents[],
  { known: { views, silent }, places }: { readonly known: Known; readonly places: EmptyHostsPlanned },
): Promise<VnfOutcome[]> {
  const { hosts } = job;
  const ordered = mostEndangeredFirst(views, hosts);
  const viewOf = new Map(views.map((view) => [view.vnf, view]));
  const outcomes: Promise<VnfOutcome>[] = [];
  // Last those that say nothing: how endangered they are is not known, and it may be that they answer by then.
  for (const vnf of [...ordered.map((each) => each.vnf), ...silent]) {
    const found = foundThere(contents, vnf, viewOf.get(vnf));
    const { outcome } = await evacuateOne(job, vnf, { found, onto: own(places.onto ?? {}, vnf) });
    outcomes.push(outcome);
    if (places.oneByOne) await outcome;
  }
  const results = await Promise.all(outcomes);
  return job.cause === 'failed' ? await againWhereShort(job, contents, { results, viewOf }) : results;
}

/** Begun: what comes of it is waited for apart. */
async function evacuateOne(
  job: Job,
  vnf: string,
  given: { readonly found: readonly string[]; readonly onto?: Onto | undefined },
): Promise<{ readonly outcome: Promise<VnfOutcome> }> {
  say(`evacuating ${plain(job.hosts.join(', '))}: ${vnf}`);
  const begun = await settled(vnf, beginEvacuateVnf(job, vnf, given));
  return { outcome: 'value' in begun ? outcomeOf(job, vnf, begun.value) : Promise.resolve(begun) };
}

/**
 * Of VNFs that are restored at the same time one may take the quota that another counted on. What is replaced gives its own back: then those
 * that were left short are begun again, one after another.
 */
async function againWhereShort(
  job: Job,
  contents: readonly HostContents[],
  { results, viewOf }: { readonly results: readonly VnfOutcome[]; readonly viewOf: ReadonlyMap<string, RecordRead> },
): Promise<VnfOutcome[]> {
  const isBehind = ({ result, failure: reason }: VnfOutcome): boolean =>
    reason?.kind === 'QuotaExceeded' || (result?.short.some(({ kind }) => kind === 'QuotaExceeded') ?? false);
  const isGivenBack = results.some(({ result }) => (result?.removed.length ?? 0) > 0);
  const ended: VnfOutcome[] = [];
  for (const before of results) {
    // A cancel that comes now has nothing to go back from.
    const mayBegin = isGivenBack && !CancellationScope.current().consideredCancelled;
    const isAgain = results.length > 1 && mayBegin && isBehind(before) && patched('again-where-short');
    if (!isAgain) {
      ended.push(before);
      continue;
    }
    const found = foundThere(contents, before.vnf, viewOf.get(before.vnf));
    const { outcome } = await evacuateOne(job, before.vnf, { found });
    ended.push(bothOf(before, await outcome));
  }
  return ended;
}

/** What has been restored stays so, whatever comes of the second time. */
function bothOf(before: VnfOutcome, after: VnfOutcome): VnfOutcome {
  if (!before.result) return after;
  if (after.isEnded) return { ...before, isEnded: true };
  if (!after.result) return after.failure && isStuck(after.failure) ? after : before;
  return {
    ...after,
    result: {
      ...after.result,
      launched: [...before.result.launched, ...after.result.launched],
      removed: [...before.result.removed, ...after.result.removed],
      evacuated: [...before.result.evacuated, ...after.result.evacuated],
      replans: before.result.replans + after.result.replans,
      cancelIgnored: before.result.cancelIgnored || after.result.cancelIgnored,
    },
  };
}

function isStuck({ kind, details }: Failure): boolean {
  return kind === 'Stuck' || details['outcome'] === 'stuck';
}

/**
 * Members of a VNF that the cloud has on these hosts and its record has not: other hands have moved them there, or the run that has the turn
 * is launching them. What is owed goes by itself.
 */
function foundThere(contents: readonly HostContents[], vnf: string, view: RecordRead | undefined): string[] {
  const ours = Object.values(view?.pools ?? {}).flatMap(({ inService, failed }) => [...inService, ...failed]);
  const owed = (view?.debts ?? []).flatMap((debt) => debt.stages.flat()).flatMap((lot) => lot.members);
  const isThere = ({ host }: { readonly host: string }): boolean => contents.some((each) => each.host === host);
  const known = new Set([...ours.filter(isThere), ...owed].map(({ pool, ordinal }) => memberName(vnf, pool, ordinal)));
  return contents
    .flatMap(({ vnfs }) => own(vnfs, vnf) ?? [])
    .map(({ pool, ordinal }) => memberName(vnf, pool, ordinal))
    .filter((name) => !known.has(name));
}

/**
 * A run that a reset made may find that the run before it has begun this child already: that one ends first, and this one
 * moves what is still there.
 */
async function beginEvacuateVnf(
  { hosts, cause, fenced, ifBusy, waitSeconds, occurrence }: Job,
  vnf: string,
  { found, onto }: { readonly found: readonly string[]; readonly onto?: Onto | undefined },
): Promise<ChildWorkflowHandle<typeof evacuateVnf>> {
  const workflowId = `evacuate:${vnf}:${occurrence}`;
  const input = { vnf, hosts, cause, fenced, ifBusy, waitSeconds };
  const begin = (): Promise<ChildWorkflowHandle<typeof evacuateVnf>> =>
    startChild<typeof evacuateVnf>('evacuateVnf', {
      workflowId,
      args: [{ ...input, ...(found.length > 0 && { foundThere: found }), ...(onto && { onto }) }],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
      staticSummary: summary(`move ${vnf} off ${hosts.join(', ')}`),
    });
  try {
    return await begin();
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    await watch({ workflowId, runId: '' });
    return await begin();
  }
}

async function outcomeOf(
  { desk }: Job,
  vnf: string,
  handle: ChildWorkflowHandle<typeof evacuateVnf>,
): Promise<VnfOutcome> {
  const ended = await settled(vnf, handle.result());
  // One that has given up does not say so by itself.
  desk.childTold({ vnf, workflowId: handle.workflowId, note: null });
  return 'value' in ended ? { vnf, result: ended.value as ProcedureResult } : ended;
}

/** How a child failed, as an outcome: the others go on, and are waited for, whatever becomes of one. */
async function settled<T>(vnf: string, child: Promise<T>): Promise<{ readonly value: T } | VnfOutcome> {
  try {
    return { value: await child };
  } catch (error) {
    // Somebody may cancel one VNF's part by itself: this run was not cancelled then, and says what became of that part.
    if (isCancellation(error))
      return CancellationScope.current().consideredCancelled
        ? { vnf, cancelled: error }
        : { vnf, failure: cancelledAlone(vnf) };
    const reason = asFailure(error);
    if (reason === undefined) throw error;
    // A VNF that was terminated meanwhile is no reason to go back.
    return reason.kind === 'UnknownVnf' ? { vnf, isEnded: true } : { vnf, failure: reason };
  }
}

function cancelledAlone(vnf: string): Failure {
  return failure(
    'TurnLost',
    `The part of this run that moves ${vnf} was cancelled by itself, and has gone back. Run evacuateHost again for what is left on the hosts.`,
    { vnf },
  );
}

function mostEndangeredFirst(views: readonly RecordRead[], hosts: readonly string[]): RecordRead[] {
  return [...views].sort((a, b) => slack(a, hosts) - slack(b, hosts) || a.vnf.localeCompare(b.vnf));
}

/** How many more members its worst pool can lose: the smaller, the sooner it is helped. */
function slack(view: RecordRead, hosts: readonly string[]): number {
  const slacks = view.descriptor.pools.map((spec) => {
    const pool = view.pools[spec.name];
    const lost = pool ? pool.failed.length + pool.inService.filter((member) => hosts.includes(member.host)).length : 0;
    return spareAt(spec.spare, pool?.level ?? 0) - lost;
  });
  return Math.min(...slacks);
}

/** What the records of the VNFs on the hosts say, and whose record says nothing. */
interface Known {
  readonly views: readonly RecordRead[];
  readonly silent: readonly string[];
}

/** One record that does not answer is no reason to leave the others' members on a dead host; whoever is to plan all of them needs all. */
async function readKnown({ cause }: Job, contents: readonly HostContents[]): Promise<Known> {
  if (cause === 'maintenance') return { views: await readRecords(contents), silent: [] };
  const readSoon = async (vnf: string): Promise<RecordRead | string | null> => {
    try {
      return await recordPort(recordSoonSeconds).readRecord({ vnf });
    } catch (error) {
      const kind = asFailure(error)?.kind;
      if (kind === 'UnknownVnf') return null;
      if (kind === 'CloudUnavailable') return vnf;
      throw error;
    }
  };
  const read = await inParts(vnfsIn(contents), (part) => Promise.all(part.map(readSoon)));
  return {
    views: read.filter((each) => each !== null && typeof each !== 'string'),
    silent: read.filter((each) => typeof each === 'string'),
  };
}

/** One query that is not answered, and one more. */
const recordSoonSeconds = 12;

function vnfsIn(contents: readonly HostContents[]): string[] {
  return [...new Set(contents.flatMap((each) => Object.keys(each.vnfs)))].sort();
}

/** Tags may name VNFs that are gone; those are for an audit to find, and no reason to leave a host undone. */
async function readRecords(contents: readonly HostContents[]): Promise<RecordRead[]> {
  return await inParts(vnfsIn(contents), async (part) => {
    const views: RecordRead[] = [];
    for (const vnf of part) {
      try {
        views.push(await recordPort().readRecord({ vnf }));
      } catch (error) {
        if (asFailure(error)?.kind !== 'UnknownVnf') throw error;
      }
    }
    return views;
  });
}

/** So many records are read in one workflow task. One has some 7 kB, and a large one 100: a task must not tell the server more than 4 MB. */
const readAtOnce = 20;

/** What is read in a task is told at its end, and a timer ends it. */
async function inParts<T>(vnfs: readonly string[], read: (part: readonly string[]) => Promise<T[]>): Promise<T[]> {
  const all: T[] = [];
  // Runs of earlier releases read all at once.
  const atOnce = vnfs.length > readAtOnce && patched('records-in-parts') ? readAtOnce : vnfs.length;
  for (let from = 0; from < vnfs.length; from += atOnce) {
    if (from > 0) await sleep(1);
    all.push(...(await read(vnfs.slice(from, from + atOnce))));
  }
  return all;
}

async function plannedOnly(job: Job, contents: readonly HostContents[]): Promise<DryRunResult> {
  const records = await asPlannedOn(job, contents);
  const { plans = {}, oneByOne } = await planAll(job, records, { tell: true });
  const changes = records.flatMap((view) => {
    const plan = own(plans, view.vnf);
    return plan ? [changesOf(view, plan)] : [];
  });
  return {
    outcome: 'planned',
    procedure: 'evacuateHost',
    vnf: records.map((view) => view.vnf).join(', '),
    // By pool, of which several VNFs may have one of the same name; an evacuation changes none.
    levels: {},
    launches: changes.flatMap(({ launches }) => launches),
    evacuates: changes.flatMap(({ evacuates }) => evacuates),
    leaves: changes.flatMap(({ leaves }) => leaves),
    deletesFirst: changes.flatMap(({ deletesFirst }) => deletesFirst),
    toTheLetter: changes.every(({ toTheLetter }) => toTheLetter),
    short: changes.flatMap(({ short }) => short),
    more: changes.some(({ more }) => more),
    ...(oneByOne && { oneByOne }),
    notRestorable: changes.flatMap(({ notRestorable }) => notRestorable),
    explanations: Object.assign({}, ...changes.map(({ explanations }) => explanations)) as DryRunResult['explanations'],
  };
}

/** The records as each VNF's part of the run would plan on them, those that it would begin with first. */
async function asPlannedOn(
  { hosts, cause, fenced: fence, timing }: Job,
  contents: readonly HostContents[],
): Promise<RecordRead[]> {
  const all = await readRecords(contents);
  if (!goesAsTheRun()) return all;
  const views = all.filter(getsATurn);
  if (cause === 'maintenance') return views;
  const ordered = mostEndangeredFirst(views, hosts);
  return await Promise.all(
    ordered.map((view) =>
      withoutThoseOn(view, { hosts, foundThere: foundThere(contents, view.vnf, view), fence, timing }),
    ),
  );
}

/** One that is being terminated has nothing on the hosts soon. Where another gets no turn, the run would fail. */
function getsATurn(view: RecordRead): boolean {
  const refusal = turnRefusal(view, 'evacuateVnf');
  if (refusal && refusal.kind !== 'UnknownVnf') throw toApplicationFailure(refusal, 'refused');
  return refusal === null;
}
