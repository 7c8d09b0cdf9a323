import { z } from 'zod';
import type { Failure } from './failure';
import { shown } from './shown';
import type { RunRef, ProcedureName } from './turn';

/**
 * A run is stuck where it can go neither back nor forward: an undo, or what comes after the pivot, has failed for the whole of its
 * time. It keeps what it holds, says what is left and why, and waits for a person, within a bound.
 */

/** What a person can tell a stuck run, as updates of these names. None has any input. */
export const stuckAnswers = ['retry', 'skip', 'giveUp'] as const;
export type StuckAnswer = (typeof stuckAnswers)[number];

/** The query of a run, and the signal by which a child says that it is stuck, or no longer. */
export const runQuery = 'status';
export const childStuckSignal = 'childStuck';

/** Something that is there still, and was to be gone. */
export interface Leftover {
  readonly kind: 'server' | 'port' | 'serverGroup' | 'securityGroup' | 'closedHost' | 'forcedDownHost';
  /** A host is known by its name alone. */
  readonly id: string;
  readonly name: string;
}

/** How a stuck run is going on, as the update's answer says it. */
export interface StuckTold {
  readonly step: string;
  readonly answer: StuckAnswer;
}

/** What a stuck run says of itself. */
export interface StuckView {
  /** What could not be done: `undo of launch`, `drain and delete`. */
  readonly step: string;
  /** Why not. */
  readonly error: Failure;
  /** Why the run went back, where it did and was not cancelled. */
  readonly reason: Failure | null;
  /** As the cloud showed it last; null where it has not said. */
  readonly left: readonly Leftover[] | null;
  /** How often it was told to try again. */
  readonly retries: number;
  /** ISO 8601, by the run's clock: then it gives up by itself. */
  readonly until: string;
  readonly may: readonly StuckAnswer[];
  /** What to do, in whole sentences. */
  readonly remedy: string;
}

/** Room for a line that a person reads; all of it is in the run's own status. */
const lineMax = 500;
const line = z.string().max(lineMax);
const noteSchema = z.object({ step: line, message: line, until: line });
/** A stuck run in one line, as others are told of it. */
export type StuckNote = z.infer<typeof noteSchema>;

/** From the holder of a turn, or a debtor, to the record. Null: no longer. */
export const stuckSchema = z.object({ token: z.string().min(1).max(lineMax), note: noteSchema.nullable() });

export const childStuckSchema = z.object({
  vnf: line,
  workflowId: z.string().max(1_000),
  note: noteSchema.nullable(),
});
export type ChildStuck = z.infer<typeof childStuckSchema>;

/** What the status of a record has of a run of its VNF that is stuck. */
export interface StuckRun extends RunRef, StuckNote {
  readonly procedure: ProcedureName;
  readonly token: string;
}

/** What a run answers to the query `status`. */
export interface RunView {
  readonly schema: 1;
  /** `scaleOut of ims1`. */
  readonly what: string;
  readonly stuck: StuckView | null;
  /** Runs that it has started and waits for, and that are stuck themselves. */
  readonly stuckChildren: readonly (ChildStuck & { readonly note: StuckNote })[];
}

export function stuckSaid({ step, message, until }: StuckNote): string {
  return `is stuck in ${step} and waits until ${until} for retry, skip or giveUp: ${message}`;
}

/** To stand within a sentence. */
export function lineOf(text: string): string {
  const one = shown(text.replaceAll(/\s+/g, ' ').trim().replace(/\.$/, ''));
  return one.length <= lineMax ? one : `${one.slice(0, lineMax - 1)}…`;
}

/** More than this nobody reads; the status of the run has all. */
const leftSaidMax = 20;

export function leftSaid(left: readonly Leftover[]): string {
  const words: Record<Leftover['kind'], string> = {
    server: 'server',
    port: 'port',
    serverGroup: 'server group',
    securityGroup: 'security group',
    closedHost: 'closed host',
    forcedDownHost: 'forced-down host',
  };
  const said = left
    .slice(0, leftSaidMax)
    .map(({ kind, id, name }) => shown(`${words[kind]} ${name}${id === name ? '' : ` (${id})`}`));
  const more = left.length > leftSaidMax ? [`and ${String(left.length - leftSaidMax)} more`] : [];
  return [...said, ...more].join(', ');
}
