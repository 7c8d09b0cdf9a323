import {
  CancellationScope,
  ChildWorkflowCancellationType,
  isCancellation,
  ParentClosePolicy,
  startChild,
  uuid4,
  workflowInfo,
  type ChildWorkflowHandle,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { HostContents } from '../../activities/ports';
import { failure, type Failure } from '../../domain/failure';
import { memberName } from '../../domain/names';
import type { DryRunResult, EvacuateHostResult, ParsedInputs, ProcedureResult } from '../../domain/procedures';
import { spareAt } from '../../domain/levels';
import type { RecordView } from '../../domain/turn';
import type { VnfRecord } from '../../domain/record';
import type { Timing } from '../../domain/timing';
import { asFailure, toApplicationFailure } from '../failures';
import { parseInput } from '../input';
import { cloud, record as recordPort, watch } from '../ports';
import { mark, say } from '../progress';
import type { evacuateVnf } from './evacuateVnf';
import type { hostMutex } from './hostMutex';
import { marked } from './change';

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
 * | close the hosts to scheduling, marked as ours | reopen those that this run closed |
 * | look and plan again: nothing new comes there now | nothing to undo |
 * | evacuateVnf for each, the most endangered first | none: each goes back or forward by itself |
 */
export async function evacuateHost(raw: unknown): Promise<EvacuateHostResult | DryRunResult> {
  const input = parseInput('evacuateHost', raw);
  const hosts = [...new Set(input.hosts)].sort();
  mark({ hosts, phase: 'asking' });
  return await marked(async () => {
    const job: Job = { ...input, hosts, timing: await recordPort().readTiming(), occurrence: uuid4() };
    if (input.dryRun) return await plannedOnly(job, await readRecords(await look(job)));
    // Bad input fails here, before anything is held or closed.
    const records = await readRecords(await look(job));
    return await withMutex(hosts, () => evacuate(job, records));
  });
}

interface Job extends Omit<ParsedInputs['evacuateHost'], 'hosts'> {
  readonly hosts: readonly string[];
  readonly timing: Timing;
  /** Marks what this run closed. The same after a reset, which gives a run another id. */
  readonly occurrence: string;
}

function look({ hosts, timing }: Job): Promise<HostContents[]> {
  return cloud(timing).findOnHosts.executeWithOptions({ summary: `look at ${hosts.join(', ')}` }, [{ hosts }]);
}

/** Mutexes in name order, so that two callers with hosts in common never wait for each other: the second is refused. */
async function withMutex<T>(hosts: readonly string[], body: () => Promise<T>): Promise<T> {
  const { workflowId, runId } = workflowInfo();
  const held: { handle: ChildWorkflowHandle<typeof hostMutex>; scope: CancellationScope }[] = [];
  try {
    for (const host of hosts) {
      const scope = new CancellationScope({ cancellable: false });
      const handle = await scope.run(() =>
        startChild<typeof hostMutex>('hostMutex', {
          workflowId: `host:${host}`,
          args: [{ workflowId, runId }],
          // The server skips the close policy on reset, so the mutex watches this run by itself.
          parentClosePolicy: ParentClosePolicy.ABANDON,
          cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
          staticSummary: `${host} is being evacuated by ${workflowId}`,
        }),
      );
      held.push({ handle, scope });
    }
    return await body();
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    const host = error.workflowId.slice('host:'.length);
    throw toApplicationFailure(
      failure('Busy', `${host} is being evacuated already (workflow ${error.workflowId}). Wait for that run.`, {
        host,
      }),
      'refused',
    );
  } finally {
    await CancellationScope.nonCancellable(async () => {
      for (const { handle } of held) {
        // It has ended by itself where this run was made by a reset: the run that it watched is closed.
        await handle.signal('release').catch(() => undefined);
        await handle.result().catch(() => undefined);
      }
    });
  }
}

async function evacuate(job: Job, before: readonly RecordView[]): Promise<EvacuateHostResult> {
  const { hosts, cause, fenced, timing } = job;
  const { occurrence } = job;
  if (cause === 'maintenance') await planAll(job, before);
  let contents: HostContents[];
  let records: RecordView[];
  try {
    await cloud(timing).closeHosts.executeWithOptions({ summary: `close ${hosts.join(', ')} to scheduling` }, [
      { hosts, occurrence, fence: cause === 'failed' && fenced, timing },
    ]);
    // Looked at again: from here on nothing new is placed there.
    contents = await look(job);
    records = await readRecords(contents);
    if (cause === 'maintenance') await planAll(job, records);
  } catch (error) {
    const reason = asFailure(error);
    if (reason === undefined && !isCancellation(error)) throw error;
    await reopen(job, reason);
    if (reason === undefined) throw error;
    mark({ phase: 'ended', outcome: 'unwound' });
    throw toApplicationFailure(reason, 'unwound', error instanceof Error ? error : undefined);
  }
  mark({ phase: 'evacuating' });
  const results = await evacuateVnfs(job, records);
  const cancelled = results.find((each) => each.cancelled !== undefined);
  if (cancelled) {
    // Those past their pivot have finished forward; the host is not empty, and so goes back to work.
    if (cause === 'maintenance') await reopen(job, undefined);
    mark({ phase: 'ended', outcome: 'cancelled' });
    throw cancelled.cancelled;
  }
  const failed = results.flatMap((each) => (each.failure ? [each.failure] : []));
  const [first] = failed;
  if (first) {
    // A host in maintenance that is not empty goes back to work; a dead one stays closed.
    if (cause === 'maintenance') await reopen(job, first);
    mark({ phase: 'ended', outcome: 'unwound' });
    throw toApplicationFailure(
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
      failed.some((each) => each.kind === 'Stuck' || each.details['outcome'] === 'stuck') ? 'stuck' : 'unwound',
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
    unrecorded: unrecordedIn(contents, records),
    cancelIgnored: CancellationScope.current().consideredCancelled,
  };
}

/** Whoever is about to switch a host off must know what is left on it, also of VNFs whose record somebody has ended by hand. */
function unrecordedIn(
  contents: readonly HostContents[],
  records: readonly RecordView[],
): EvacuateHostResult['unrecorded'] {
  const known = new Set(records.map(({ vnf }) => vnf));
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
  readonly result?: ProcedureResult;
  readonly failure?: Failure;
  /** The cancel that it went back for, or that came before it was begun. */
  readonly cancelled?: unknown;
}

/** The undo of closing: only what this run closed. What it cannot reopen is for a person to. */
async function reopen({ hosts, occurrence, timing }: Job, reason: Failure | undefined): Promise<void> {
  try {
    await CancellationScope.nonCancellable(() =>
      cloud(timing, { retrySeconds: timing.undoSeconds }).reopenHosts.executeWithOptions(
        { summary: `undo: reopen ${hosts.join(', ')}` },
        [{ hosts, occurrence, timing }],
      ),
    );
  } catch (error) {
    const second = asFailure(error);
    if (second === undefined) throw error;
    mark({ phase: 'ended', outcome: 'stuck' });
    throw toApplicationFailure(
      failure('Stuck', `${hosts.join(', ')} could not be opened to scheduling again: ${second.message}`, {
        error: second,
        ...(reason && { reason }),
        left: hosts,
        remedy: `Once the cloud answers, open them by hand: openstack compute service set --enable <host> nova-compute.`,
      }),
      'stuck',
      error instanceof Error ? error : undefined,
    );
  }
}

/** Refused unless all can move. */
function planAll({ hosts, cause, timing }: Job, records: readonly RecordView[]): Promise<void> {
  return cloud(timing).planEmptyHosts.executeWithOptions({ summary: `plan to empty ${hosts.join(', ')}` }, [
    { hosts, cause, records: records.map(planned) },
  ]);
}

/** What a planner looks at. Of many VNFs, what else a record remembers would be more than one input may hold. */
function planned({ vnf, descriptor, phase, revision, pools, groups, debts }: RecordView): VnfRecord {
  return { vnf, descriptor, phase, revision, pools, groups, debts };
}

/** Started in order of danger, then all at work at once: each waits for nothing but its own VNF's turn. */
async function evacuateVnfs(job: Job, records: readonly RecordView[]): Promise<VnfOutcome[]> {
  const { hosts } = job;
  const ordered = [...records].sort((a, b) => slack(a, hosts) - slack(b, hosts) || a.vnf.localeCompare(b.vnf));
  const outcomes: Promise<VnfOutcome>[] = [];
  for (const { vnf } of ordered) {
    say(`evacuating ${hosts.join(', ')}: ${vnf}`);
    const begun = await settled(vnf, beginEvacuateVnf(job, vnf));
    outcomes.push('value' in begun ? outcomeOf(vnf, begun.value) : Promise.resolve(begun));
  }
  return await Promise.all(outcomes);
}

/**
 * A run that a reset made may find that the run before it has begun this child already: that one ends first, and this one
 * moves what is still there.
 */
async function beginEvacuateVnf(
  { hosts, cause, ifBusy, waitSeconds, occurrence }: Job,
  vnf: string,
): Promise<ChildWorkflowHandle<typeof evacuateVnf>> {
  const workflowId = `evacuate:${vnf}:${occurrence}`;
  const begin = (): Promise<ChildWorkflowHandle<typeof evacuateVnf>> =>
    startChild<typeof evacuateVnf>('evacuateVnf', {
      workflowId,
      args: [{ vnf, hosts, cause, ifBusy, waitSeconds }],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
      staticSummary: `move ${vnf} off ${hosts.join(', ')}`,
    });
  try {
    return await begin();
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    await watch({ workflowId, runId: '' });
    return await begin();
  }
}

async function outcomeOf(vnf: string, handle: ChildWorkflowHandle<typeof evacuateVnf>): Promise<VnfOutcome> {
  const ended = await settled(vnf, handle.result());
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
    // A VNF that was terminated meanwhile has nothing on the host any more.
    return reason.kind === 'UnknownVnf' ? { vnf } : { vnf, failure: reason };
  }
}

function cancelledAlone(vnf: string): Failure {
  return failure(
    'TurnLost',
    `The part of this run that moves ${vnf} was cancelled by itself, and has gone back. Run evacuateHost again for what is left on the hosts.`,
    { vnf },
  );
}

/** How many more members its worst pool can lose: the smaller, the sooner it is helped. */
function slack(view: RecordView, hosts: readonly string[]): number {
  const slacks = view.descriptor.pools.map((spec) => {
    const pool = view.pools[spec.name];
    const lost = pool ? pool.failed.length + pool.inService.filter((member) => hosts.includes(member.host)).length : 0;
    return spareAt(spec.spare, pool?.level ?? 0) - lost;
  });
  return Math.min(...slacks);
}

/** Tags may name VNFs that are gone; those are for an audit to find, and no reason to leave a host undone. */
async function readRecords(contents: readonly HostContents[]): Promise<RecordView[]> {
  const vnfs = [...new Set(contents.flatMap((each) => Object.keys(each.vnfs)))].sort();
  const views: RecordView[] = [];
  for (const vnf of vnfs) {
    try {
      views.push(await recordPort().readRecord({ vnf }));
    } catch (error) {
      if (asFailure(error)?.kind !== 'UnknownVnf') throw error;
    }
  }
  return views;
}

async function plannedOnly(job: Job, records: readonly RecordView[]): Promise<DryRunResult> {
  const { hosts } = job;
  await planAll(job, records);
  return {
    outcome: 'planned',
    procedure: 'evacuateHost',
    vnf: records.map((view) => view.vnf).join(', '),
    levels: {},
    launches: [],
    leaves: records.flatMap((view) =>
      Object.values(view.pools).flatMap((pool) =>
        pool.inService
          .filter((member) => hosts.includes(member.host))
          .map((member) => `${view.vnf}-${member.pool}-${String(member.ordinal)}`),
      ),
    ),
    toTheLetter: true,
    notRestorable: [],
  };
}
