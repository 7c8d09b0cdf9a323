import { z } from 'zod';
import type { Failure } from './failure';
import type { Debt, Group, Member, Phase, PoolState, Service, VnfRecord } from './record';
import type { StuckRun } from './stuck';
import type { Timing } from './timing';

/**
 * The messages between a VNF's record and the runs that want its turn. All are Temporal signals: every kind of caller can
 * be answered by them, and they survive both sides' crashes. What a run sends is parsed by the record, which never trusts
 * its senders; what the record sends goes to exactly one run and is taken as it is.
 */

export const procedureNames = [
  'instantiate',
  'scaleOut',
  'scaleIn',
  'heal',
  'evacuateVnf',
  'terminate',
  'audit',
  'adopt',
  'rebalance',
] as const;
export type ProcedureName = (typeof procedureNames)[number];

/** `urgent` goes first (heal, a host's death); a clean-up goes before all and is not asked for. */
export const turnClasses = ['urgent', 'normal'] as const;
export type TurnClass = (typeof turnClasses)[number];

/** The names and ids of OpenStack are at most 255 characters long. */
const text = z.string().max(1_000);
const id = text.min(1);
/** A pool has at most 10,000 members, and a signal of Temporal's largest size holds no more than five such pools. */
const membersMax = 10_000;
const deadMax = 50_000;
/** Pools of a VNF, networks of a member. */
const partsMax = 1_000;
/** Temporal's own limit on a workflow id. */
const workflowIdBytesMax = 1_000;

/**
 * The record answers whoever writes to it. Where the id that it is to answer to is too long, or the run id is no UUID, Temporal
 * refuses the record's whole workflow task, for ever: such a message must not get in.
 */
export const runSchema = z.object({
  workflowId: z
    .string()
    .min(1)
    .refine((workflowId) => utf8Bytes(workflowId) <= workflowIdBytesMax),
  runId: z.guid(),
});
/** One run of a workflow: a reset makes another run of the same id. */
export type RunRef = z.infer<typeof runSchema>;

const tokenSchema = id;
const ordinalSchema = z.number().int().nonnegative();

const memberSchema = z.object({
  pool: text,
  ordinal: ordinalSchema,
  serverId: text,
  portIds: z.array(text).max(partsMax),
  host: text,
  domain: text.optional(),
  token: tokenSchema,
});

const groupSchema = z.object({ pool: text, id: text, apart: z.number().int().positive().optional() });

export const askSchema = runSchema.extend({
  procedure: z.enum(procedureNames),
  class: z.enum(turnClasses),
  /** `refuse`: answer `denied` with Busy unless the turn is free now. */
  ifBusy: z.enum(['wait', 'refuse']),
  /** Since when it has been asked, ISO 8601 by the run's clock. Runs of earlier releases do not say. */
  since: text.optional(),
});
export type Ask = z.infer<typeof askSchema>;

export const withdrawSchema = z.object({ runId: id });

/** What changes in one pool. Deltas, so that deaths reported meanwhile stay in force. */
const poolChangeSchema = z.object({
  level: ordinalSchema,
  nextOrdinal: ordinalSchema,
  enter: z.array(memberSchema).max(membersMax),
  /** Ordinals that leave (from service or from `failed`) and become debt, in the order of deletion. */
  leave: z.array(ordinalSchema).max(membersMax),
  /** Members in service that other hands have put on other hosts than the record has them on: where they are. */
  foundOn: z
    .array(z.object({ ordinal: ordinalSchema, host: text.min(1), domain: text.optional() }))
    .max(membersMax)
    .optional(),
});
export type PoolChange = z.infer<typeof poolChangeSchema>;

export const commitSchema = runSchema.extend({
  token: tokenSchema,
  /** 1, 2 …: which commit of this turn. */
  n: z.number().int().positive(),
  pools: z.record(text, poolChangeSchema),
  /** Stages of pools: the debt is paid stage after stage; pools left out are paid in the first. */
  stages: z.array(z.array(text).max(partsMax)).max(partsMax).optional(),
  /** Set by instantiate: from now on the VNF is running. */
  groups: z.array(groupSchema).max(partsMax).optional(),
  /** Set by terminate: everything becomes debt and all askers get `UnknownVnf`. */
  final: z.boolean().optional(),
});
export type Commit = z.infer<typeof commitSchema>;

const endSchema = z.object({
  token: tokenSchema,
  /** Who says so: a run that a reset made has the token too, and must not end what it does not hold. Older runs did not say. */
  runId: id.optional(),
  /** The next free ordinal of each pool, for runs that launched and did not commit. */
  nextOrdinals: z.record(text, ordinalSchema).optional(),
});
export const yieldSchema = endSchema;
export const doneSchema = endSchema.extend({
  outcome: text,
});
export type Done = z.infer<typeof doneSchema>;

export const deadSchema = runSchema.extend({
  members: z.array(z.object({ pool: text, ordinal: ordinalSchema })).max(deadMax),
  /** `seen`: the cloud itself shows them dead. `told`: the caller says so; at most k(L) of a pool. */
  evidence: z.enum(['seen', 'told']),
});
export type Dead = z.infer<typeof deadSchema>;

/** More are in the audit's own result. */
export const auditedMax = 20;

/** What an audit has found and left as it is, for whoever looks at the record. */
export const auditedSchema = z.object({
  /** Of the record that the cloud was compared with. */
  revision: z.number().int().nonnegative(),
  findings: z.array(z.object({ kind: text, name: text, wrong: text })).max(auditedMax),
  /** Findings beyond those that are listed. */
  more: z.number().int().nonnegative(),
});
export type Audited = z.infer<typeof auditedSchema>;

/** The turn is yours. */
export interface Granted {
  readonly token: string;
  readonly runId: string;
  readonly record: VnfRecord;
  readonly timing: Timing;
}

/** The turn will not be yours. */
export interface Denied {
  readonly runId: string;
  readonly failure: Failure;
}

/**
 * What is to be published now. `during`: old and new together, minus the dead (stage 1); `after`: who serves from now on
 * (stage 2).
 */
export interface Publication {
  readonly revision: number;
  readonly during: Service;
  readonly after: Service;
}

export interface Committed {
  readonly token: string;
  readonly n: number;
  readonly ok: boolean;
  readonly publication: Publication;
  /** The debt of this turn as the record now holds it. */
  readonly debt: Debt | null;
  /** Why not, where `ok` is false. */
  readonly reason?: string;
}

/** The answer to `dead`. The record itself publishes that they are gone. */
export interface Buried {
  readonly runId: string;
  /** Of the report that is answered: a run may send one of each kind. Absent in the answers of older records. */
  readonly evidence?: Dead['evidence'];
  /** Those of the reported members that are now in `failed` (also from earlier reports). */
  readonly failed: readonly { readonly pool: string; readonly ordinal: number }[];
  /** Present where the report was refused: more than k(L) on a caller's word alone. */
  readonly refusal?: Failure;
}

export const signalNames = {
  ask: 'ask',
  withdraw: 'withdraw',
  commit: 'commit',
  yield: 'yield',
  done: 'done',
  dead: 'dead',
  /** A holder or debtor is stuck and waits for a person, or no longer. */
  stuck: 'stuck',
  /** Sent by a person to a blocked record, with nothing in it: the clean-ups that failed begin again. */
  audit: 'audit',
  /** From an audit: what it has found and left. Needs no turn, and nobody answers. */
  audited: 'audited',
  granted: 'granted',
  denied: 'denied',
  committed: 'committed',
  buried: 'buried',
} as const;

/** What every activity that changes something gets: it throws TurnLost if its own run is not this one. */
export interface TurnRef {
  readonly token: string;
  readonly runId: string;
}

export interface Occurrence extends RunRef {
  readonly procedure: ProcedureName;
  readonly token: string;
  readonly outcome: string;
  /** ISO 8601, by the record's clock. */
  readonly grantedAt: string;
  readonly endedAt: string;
}

/** What `status` answers. */
export interface RecordView extends VnfRecord {
  readonly schema: 1;
  readonly turn:
    (RunRef & { readonly procedure: ProcedureName; readonly token: string; readonly commits: number }) | null;
  readonly queue: readonly Ask[];
  /** Why only a clean-up or terminate gets a turn. */
  readonly blocked: string | null;
  /** Runs that hold the turn, or owe something, and wait for a person. */
  readonly stuck: readonly StuckRun[];
  /** A clean-up is under way after a holder vanished. */
  readonly cleaning: boolean;
  /** Deaths are being published. */
  readonly publishing: boolean;
  readonly occurrences: readonly Occurrence[];
  /** What the last audit has found and left, until a rebalance has completed. Absent: nothing, or it was not audited yet. */
  readonly audited?: Audited;
  /** Everything is paid, and this run is about to close: whoever asks for it from now on is told that there is no such VNF. */
  readonly ended: boolean;
  /** Signals that did not parse. */
  readonly dropped: number;
  readonly publication: Publication;
}

/**
 * What workflows read of it. Not what only onlookers want, of which a record may hold ten times as much as of all else: Temporal takes no more
 * than 4 MB of what a run is told in one task, and evacuateHost is told the records of all VNFs on its hosts.
 */
export type RecordRead = Omit<RecordView, 'occurrences' | 'queue'>;

export type { Debt, Group, Member, Phase, PoolState, Service, VnfRecord };

/** Without an encoder: workflows have none. */
function utf8Bytes(text: string): number {
  return Array.from(text, (character) => character.codePointAt(0) ?? 0).reduce(
    (sum, code) => sum + (code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x1_0000 ? 3 : 4),
    0,
  );
}
