import { CancellationScope, CancelledFailure, isCancellation } from '@temporalio/workflow';
import type { Sought } from '../activities/ports';
import { failure, type Failure } from '../domain/failure';
import { plain } from '../domain/markdown';
import { memberName } from '../domain/names';
import type { Batch, ChangeRequest, MemberRef, Plan, ServerGroupRef } from '../domain/plan';
import type { Group, Member, VnfRecord } from '../domain/record';
import type { Timing } from '../domain/timing';
import type { Committed, Granted, ProcedureName, TurnRef } from '../domain/turn';
import type { Channel } from './channel';
import type { Desk } from './desk';
import { asFailure, toApplicationFailure } from './failures';
import { cloud } from './ports';
import { say } from './progress';

/**
 * Carries out the table of a procedure within one turn. Before the pivot every step's undo is registered before its
 * action is called; a failure or a cancel runs them in reverse, out of reach of any cancel. After the pivot there is no
 * way but forward.
 */

/** What the steps of one turn share and add to. */
export interface Turn {
  readonly procedure: ProcedureName;
  readonly vnf: string;
  readonly channel: Channel;
  /** Where it waits for a person when it is stuck. */
  readonly desk: Desk;
  readonly ref: TurnRef;
  readonly timing: Timing;
  /** What is wanted of the record as it is now. */
  request: ChangeRequest;
  readonly strict: boolean;
  /** As granted, with the ordinals that this turn has used up. */
  record: VnfRecord;
  plan: Plan | undefined;
  groups: readonly Group[];
  /** Launched in this turn and healthy, by `pool/ordinal`. */
  readonly launched: Map<string, Member>;
  readonly avoidHosts: Set<string>;
  /** Of those, hosts that may be tried once more where there are no others; and hosts that have been. */
  readonly doubtedHosts: Set<string>;
  absolvedHosts: readonly string[];
  /** What a turn remembers that cannot choose hosts. */
  readonly apart: {
    /** The record's groups are to have server groups that this turn has made. */
    made: boolean;
    /** For which the cloud has found no host once, and more than once. */
    readonly doubted: ServerGroupRef[];
    readonly full: ServerGroupRef[];
  };
  /** Evacuated in this turn, with the host that they are on now: committed already. */
  readonly moved: Member[];
  /** Whose evacuation has failed: they are replaced. */
  readonly stranded: MemberRef[];
  replans: number;
  /** A launch was repeated: there may be more in the cloud than its results say. */
  doubtful: boolean;
  /** The same of the making of security groups. */
  doubtfulGroups: boolean;
  commits: number;
  committed: Committed | undefined;
  /** Servers of its debt that have been drained. */
  readonly drained: Set<string>;
  /** The revision that this turn has published last. */
  publishedRevision: number | undefined;
  /** Committed and to be paid before the pivot: a run that fails meanwhile leaves that to the record's clean-up. */
  owing: boolean;
  /** True from the first call that may have changed the cloud. */
  touched: boolean;
}

export interface Step {
  readonly name: string;
  readonly action: (turn: Turn) => Promise<void>;
  /** Succeeds when the action never happened, or half happened. */
  readonly undo?: (turn: Turn) => Promise<void>;
  /**
   * What the cloud must not have any more when this is undone; of a step after the pivot, when it is done. Left out where the cloud
   * cannot tell: then a person cannot do it by hand in its place.
   */
  readonly sought?: (turn: Turn) => Sought;
}

export interface Table {
  readonly back: readonly Step[];
  /** All that was wanted is committed before the pivot, and a cancel finds nothing to go back on. */
  readonly isThrough?: (turn: Turn) => boolean;
  readonly pivot: Step;
  readonly forward: readonly Step[];
}

export function beginTurn(given: {
  procedure: ProcedureName;
  channel: Channel;
  desk: Desk;
  granted: Granted;
  request: ChangeRequest;
  strict?: boolean;
}): Turn {
  const { procedure, channel, desk, granted, request, strict } = given;
  return {
    procedure,
    vnf: granted.record.vnf,
    channel,
    desk,
    ref: { token: granted.token, runId: granted.runId },
    timing: granted.timing,
    request,
    strict: strict ?? false,
    record: granted.record,
    plan: undefined,
    groups: granted.record.groups,
    launched: new Map(),
    avoidHosts: new Set(),
    doubtedHosts: new Set(),
    absolvedHosts: [],
    apart: { made: false, doubted: [], full: [] },
    moved: [],
    stranded: [],
    replans: 0,
    doubtful: false,
    doubtfulGroups: false,
    commits: 0,
    committed: undefined,
    drained: new Set(),
    publishedRevision: undefined,
    owing: false,
    touched: false,
  };
}

/** Runs the table to its end. Throws what the run is to fail with: refused, unwound or stuck, or the cancel. */
export async function carryOut(table: Table, turn: Turn): Promise<void> {
  const registered: Step[] = [];
  try {
    for (const step of table.back) {
      if (step.undo) registered.unshift(step);
      say(progress(table, turn, step.name));
      await step.action(turn);
    }
    const isCancelled = CancellationScope.current().consideredCancelled;
    if (isCancelled && !table.isThrough?.(turn)) throw new CancelledFailure('cancelled before the pivot');
  } catch (error) {
    const reason = asFailure(error);
    if (reason === undefined && !isCancellation(error)) throw error;
    await CancellationScope.nonCancellable(() => unwind(registered, turn, reason));
    if (reason === undefined) throw error;
    throw toApplicationFailure(
      withTurn(reason, turn),
      turn.touched ? 'unwound' : 'refused',
      error instanceof Error ? error : undefined,
    );
  }
  await CancellationScope.nonCancellable(() => goForward(table, turn));
}

async function unwind(registered: readonly Step[], turn: Turn, reason: Failure | undefined): Promise<void> {
  // A run that is not the holder (it was reset, or cleaned up) must not touch what is another's by now.
  if (reason?.kind === 'TurnLost') throw toApplicationFailure(reason, 'stuck');
  for (const { name, undo, sought } of registered) {
    if (!turn.touched) break;
    if (!undo) continue;
    say(`going back: undo of **${name}**${reason ? ` because: ${plain(reason.message)}` : ' (cancelled)'}`);
    await insist(turn, { name: `undo of ${name}`, action: undo, ...(sought && { sought }), reason });
  }
  // A person has given it up. What is committed and unpaid stays with this run in the record, which pays it when it ends without a `done`.
  if (turn.owing && reason) throw toApplicationFailure(reason, 'stuck');
  // It has gone back, whether or not there is a record to be told.
  await told(turn, {
    outcome: reason ? (turn.touched ? 'unwound' : 'refused') : 'cancelled',
    nextOrdinals: nextOrdinals(turn),
  });
}

async function goForward(table: Table, turn: Turn): Promise<void> {
  for (const step of [table.pivot, ...table.forward]) {
    say(progress(table, turn, step.name));
    await insist(turn, step);
  }
  const isTold = await told(turn, { outcome: 'completed' });
  // A terminate has left nothing of which somebody would have to know.
  if (!isTold && turn.procedure !== 'terminate') throw toApplicationFailure(recordGone(turn.vnf), 'stuck');
}

/** False where the record is gone: then there is no turn to give back. */
async function told({ channel, ref }: Turn, end: Omit<Parameters<Channel['done']>[0], 'token'>): Promise<boolean> {
  try {
    await channel.done({ token: ref.token, ...end });
    return true;
  } catch (error) {
    if (asFailure(error)?.kind !== 'UnknownVnf') throw error;
    return false;
  }
}

/** What to do where there is no record that would clean up. */
const withoutRecord = 'Adopt makes a record of what is there, and an audit with repair deletes what is left over.';

function recordGone(vnf: string): Failure {
  return failure(
    'TurnLost',
    `The record of ${vnf} was terminated while this run was at work. What the run has done stands. ${withoutRecord}`,
    { vnf },
  );
}

/**
 * What there is no way around: where it cannot be done, a person decides. The run keeps its turn meanwhile, and its debt. Once it is given
 * up the run says so and ends, and the record cleans up behind it.
 */
export async function insist(turn: Turn, step: Step & { readonly reason?: Failure | undefined }): Promise<void> {
  const { vnf, ref, timing } = turn;
  const { name, action, sought, reason } = step;
  await turn.desk.insist({
    step: name,
    action: () => action(turn),
    reason,
    look: sought
      ? () =>
          cloud(timing, { retrySeconds: timing.mutateSeconds }).findLeft.executeWithOptions(
            { summary: `what is left of ${name}` },
            [{ vnf, sought: sought(turn), timing }],
          )
      : null,
    known: [...turn.launched.values()].map(({ pool, ordinal, serverId }) => ({
      kind: 'server',
      id: serverId,
      name: memberName(vnf, pool, ordinal),
    })),
    details: { vnf },
    afterwards: ({ kind }) =>
      kind === 'UnknownVnf'
        ? withoutRecord
        : `The record cleans up by itself and tries three times; look at "bulkhead status ${vnf}", and at the cloud for the token ${ref.token}.`,
    timing,
    tell: (note) => turn.channel.stuck(ref.token, note),
  });
}

function withTurn(reason: Failure, turn: Turn): Failure {
  return { ...reason, details: { vnf: turn.vnf, procedure: turn.procedure, replans: turn.replans, ...reason.details } };
}

/** The next ordinals after those that this turn has used, committed or not. */
export function nextOrdinals(turn: Turn): Record<string, number> {
  return Object.fromEntries(Object.entries(turn.record.pools).map(([name, pool]) => [name, pool.nextOrdinal]));
}

/** Takes the ordinals of a plan out of use, before any of them is launched. */
export function useOrdinals(record: VnfRecord, batches: readonly Batch[]): VnfRecord {
  const highest = new Map<string, number>();
  for (const { pool, rows } of batches)
    for (const { ordinal } of rows) highest.set(pool, Math.max(highest.get(pool) ?? 0, ordinal));
  const pools = Object.fromEntries(
    Object.entries(record.pools).map(([name, pool]) => [
      name,
      { ...pool, nextOrdinal: Math.max(pool.nextOrdinal, (highest.get(name) ?? 0) + 1) },
    ]),
  );
  return { ...record, pools };
}

function progress(table: Table, turn: Turn, at: string): string {
  const names = [...table.back, table.pivot, ...table.forward].map((step) =>
    step.name === at ? `**${step.name}**` : step.name,
  );
  const levels = Object.entries(turn.plan?.levels ?? {}).map(
    ([pool, { from, to }]) => `${pool} ${String(from)} → ${String(to)}`,
  );
  const launched = turn.launched.size > 0 ? `; ${String(turn.launched.size)} members healthy` : '';
  return `${turn.procedure} of ${turn.vnf}: ${names.join(' › ')}\n\n${levels.join(', ')}${launched}`;
}
