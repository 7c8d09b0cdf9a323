import { CancellationScope, CancelledFailure, isCancellation, rootCause } from '@temporalio/workflow';
import { failure, type Failure, type FailureDetails } from '../../domain/failure';
import { plain } from '../../domain/markdown';
import { memberName, own } from '../../domain/names';
import type { ChangeRequest } from '../../domain/plan';
import type { Levels, NamedMember, ProcedureResult } from '../../domain/procedures';
import type { Member } from '../../domain/record';
import type { Granted, ProcedureName } from '../../domain/turn';
import type { Channel, Wish } from '../channel';
import { openDesk } from '../desk';
import { asFailure, toApplicationFailure } from '../failures';
import { mark, say } from '../progress';
import { beginTurn, carryOut, type Table, type Turn } from '../run';
import { shortOf } from './dryRun';

/**
 * What all procedures do with their table: get the turn, carry the table out, and say what was done. A pool marked
 * serial changes one member at a turn, so there may be several turns, each complete in itself.
 */

/** About 30 events each: as many as a run's history holds with room to spare. */
const turnsMax = 1_000;

export interface Change {
  readonly procedure: ProcedureName;
  readonly vnf: string;
  readonly channel: Channel;
  readonly wish: Wish;
  readonly table: Table;
  /** What is wanted, seen from the record as granted. Null: nothing (more) to do. */
  readonly request: (granted: Granted) => ChangeRequest | null;
  /** Why no further turn is taken though more is wanted, seen likewise. */
  readonly superseded?: (granted: Granted) => Failure | null;
  readonly strict?: boolean;
}

export async function change(given: Change): Promise<ProcedureResult> {
  const { procedure, vnf, channel, table } = given;
  const desk = openDesk(`${procedure} of ${vnf}`);
  let result = nothingDone(procedure, vnf);
  for (let turns = 0; turns < turnsMax; turns++) {
    const granted = await channel.ask(given.wish).catch((error: unknown) => {
      throw between(error, result, turns);
    });
    const request = given.request(granted);
    if (request === null) {
      await channel.done({ token: granted.token, outcome: 'completed' });
      return ended(asFound(result, granted));
    }
    const superseded = given.superseded?.(granted) ?? null;
    if (superseded) {
      await channel.done({ token: granted.token, outcome: 'unwound' });
      throw between(toApplicationFailure(superseded, 'unwound'), result, turns);
    }
    const turn = beginTurn({ procedure, channel, desk, granted, request, strict: given.strict ?? false });
    await carryOut(table, turn).catch((error: unknown) => {
      throw between(error, result, turns);
    });
    result = withTurn(result, turn);
    if (!turn.plan?.more) return ended(result);
    if (CancellationScope.current().consideredCancelled)
      throw between(new CancelledFailure('cancelled between two turns'), result, turns + 1);
  }
  throw between(toApplicationFailure(unfinished(given), 'unwound'), result, turnsMax);
}

function unfinished({ procedure, vnf }: Change): Failure {
  return failure(
    'NotFound',
    `${procedure} of ${vnf} has had ${String(turnsMax)} turns, one for each member that it changed, and is not through. Ask again for the rest.`,
    { vnf, remedy: 'Ask again: what is done stays done.' },
  );
}

export function nothingDone(procedure: string, vnf: string): ProcedureResult {
  return {
    outcome: 'completed',
    procedure,
    vnf,
    revision: 0,
    levels: {},
    launched: [],
    removed: [],
    evacuated: [],
    replans: 0,
    short: [],
    notRestorable: [],
    cancelIgnored: false,
  };
}

/** Others may have brought the pools further since. */
function asFound(result: ProcedureResult, { record }: Granted): ProcedureResult {
  const levels = Object.entries(result.levels).map(([pool, { from, to }]) => [
    pool,
    { from, to: own(record.pools, pool)?.level ?? to },
  ]);
  return { ...result, levels: Object.fromEntries(levels) as Levels };
}

export function withTurn(result: ProcedureResult, turn: Turn): ProcedureResult {
  const { plan, committed } = turn;
  const levels: Levels = Object.fromEntries(
    Object.entries(plan?.levels ?? {}).map(([pool, { from, to }]) => [
      pool,
      { from: result.levels[pool]?.from ?? from, to },
    ]),
  );
  const gone = committed?.debt?.stages.flat().flatMap((lot) => lot.members) ?? [];
  return {
    ...result,
    revision: committed?.publication.revision ?? result.revision,
    levels: { ...result.levels, ...levels },
    launched: [...result.launched, ...[...turn.launched.values()].map((member) => named(turn.vnf, member))],
    removed: [...result.removed, ...gone.map((member) => named(turn.vnf, member))],
    evacuated: [...result.evacuated, ...turn.moved.map((member) => named(turn.vnf, member))],
    replans: result.replans + turn.replans,
    short: plan ? shortOf(plan) : [],
    notRestorable: plan?.notRestorable ?? [],
  };
}

/** The end of a run that completed, as its caller and the Web UI see it. */
export function ended(result: ProcedureResult): ProcedureResult {
  mark({ phase: 'ended', outcome: 'completed' });
  const levels = Object.entries(result.levels).map(([pool, { from, to }]) => `${pool} ${String(from)} → ${String(to)}`);
  say(
    `${result.procedure} of ${result.vnf} **completed**: ${[...levels, `${String(result.launched.length)} launched, ${String(result.removed.length)} removed${result.evacuated.length > 0 ? `, ${String(result.evacuated.length)} evacuated` : ''}`].join('; ')}`,
  );
  return { ...result, cancelIgnored: CancellationScope.current().consideredCancelled };
}

/** Earlier turns stand: a failure between turns says which level was reached. */
function between(error: unknown, result: ProcedureResult, turns: number): unknown {
  if (isCancellation(error)) {
    mark({ phase: 'ended', outcome: 'cancelled' });
    return error;
  }
  const reason = asFailure(error);
  if (reason === undefined) return error;
  const details: FailureDetails & { outcome?: unknown } = reason.details;
  const outcome =
    details.outcome === 'stuck' ? 'stuck' : turns > 0 || details.outcome === 'unwound' ? 'unwound' : 'refused';
  mark({ phase: 'ended', outcome });
  say(`${result.procedure} of ${result.vnf} **${outcome}**: ${plain(reason.message)}`);
  const reached = turns > 0 ? { levels: result.levels, launched: result.launched, removed: result.removed } : {};
  return toApplicationFailure(
    { ...reason, details: { ...reached, ...details } },
    outcome,
    error instanceof Error ? error : undefined,
  );
}

/** Failures before any turn was asked for: they too leave an outcome to find the run by. */
export async function marked<T>(body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    const reason = asFailure(error);
    if (reason === undefined) throw error;
    const outcome = reason.details['outcome'];
    if (outcome === undefined) {
      mark({ phase: 'ended', outcome: 'refused' });
      throw toApplicationFailure(reason, 'refused', new Error(rootCause(error) ?? ''));
    }
    throw error;
  }
}

function named(vnf: string, member: Member): NamedMember {
  const { pool, ordinal, host } = member;
  return { pool, ordinal, host, name: memberName(vnf, pool, ordinal) };
}
