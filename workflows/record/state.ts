import { bury as buryIn, ordinalsByPool } from '../../domain/bury';
import type { Descriptor, Pool } from '../../domain/descriptor/descriptor';
import { capAt } from '../../domain/levels';
import { countOf, cutDeletions, domainsRecorded, orderDeletions } from '../../domain/placement/batches';
import { failure, type Failure } from '../../domain/failure';
import type { Debt, DebtLot, Group, Member, Phase, PoolState, Service, VnfRecord } from '../../domain/record';
import { own } from '../../domain/names';
import { foundAt, serviceOf } from '../../domain/record';
import { shown } from '../../domain/shown';
import { stuckSaid, type StuckNote, type StuckRun } from '../../domain/stuck';
import type { Timing } from '../../domain/timing';
import { turnRefusal } from '../../domain/turnRefusal';
import type { FindingKind } from '../../domain/audit';
import type {
  Ask,
  Audited,
  Commit,
  Dead,
  Occurrence,
  ProcedureName,
  Publication,
  RecordView,
  RunRef,
} from '../../domain/turn';

/**
 * The record's state and what may happen to it: pure functions, each taking a state and giving the next. The workflow
 * (`vnf.ts`) only carries messages to them and answers back.
 */

export interface Turn extends RunRef {
  readonly procedure: ProcedureName;
  readonly token: string;
  readonly commits: number;
  readonly grantedAt: string;
  /** The next ordinal of each pool when it began: earlier ones are somebody's, or were. */
  readonly firstOrdinals: Readonly<Record<string, number>>;
}

export interface Waiting extends Ask {
  /** How often a younger ask of a higher class went before. */
  readonly overtaken: number;
}

export interface RecordState {
  readonly schema: 1;
  readonly vnf: string;
  readonly descriptor: Descriptor;
  readonly timing: Timing;
  readonly phase: Phase;
  readonly revision: number;
  /** When it was made, ISO 8601. Records of earlier releases do not know. */
  readonly madeAt?: string;
  readonly pools: Readonly<Record<string, PoolState>>;
  readonly groups: readonly Group[];
  readonly debts: readonly Debt[];
  readonly queue: readonly Waiting[];
  readonly turn: Turn | null;
  /** Old and new together, from a commit until its turn ends: stage 1 of every publication meanwhile. */
  readonly during: Service | null;
  /** Holders and debtors that vanished, in order; one of them is being cleaned up. */
  readonly vanished: readonly Vanished[];
  readonly blocked: Blocked | null;
  /** What runs that are stuck have said, by token. Records of earlier releases have none. */
  readonly stuck?: readonly (StuckNote & { readonly token: string })[];
  readonly occurrences: readonly Occurrence[];
  /** What the last audit has found and left. Absent: nothing. */
  readonly audited?: Audited;
  readonly dropped: number;
  /** The VNF is gone, or never came to be: the record ends. */
  readonly ended: boolean;
}

/** Clean-ups failed for good: a person must look. They are tried again when told so, and only terminate gets a turn. */
export interface Blocked {
  readonly reason: string;
  readonly tokens: readonly string[];
}

export interface Vanished {
  /** What the run's leftovers are tagged with. */
  readonly token: string;
  readonly attempts: number;
  /** It held the turn: `during` is what it may not have published. */
  readonly held: boolean;
}

/** Bounds, each with its reason. */
export const limits = {
  /** An ask is about 300 bytes; a longer queue means that something asks in a loop. */
  queue: 1_000,
  /** What an operator may still want to look up here; older ones are in Temporal's visibility. */
  occurrences: 200,
  /** Each debtor keeps a watch open and its members occupy room. */
  debtors: 8,
  /** After this the oldest ask goes first, whatever its class. */
  overtakes: 3,
  cleanUpTries: 3,
  /**
   * A longer history is continued as new, also in the midst of a turn. Well below the server's 51,200, so that a replay stays quick, and below
   * its 10,000 signals for a run, of which each is an event.
   */
  events: 4_000,
} as const;

export function newState(input: {
  vnf: string;
  descriptor: Descriptor;
  timing: Timing;
  /** The first ask: that of an adopt takes over what is there. */
  ask?: Pick<Ask, 'procedure'>;
  madeAt?: string;
}): RecordState {
  const empty: PoolState = { level: 0, nextOrdinal: 1, inService: [], failed: [] };
  return {
    schema: 1,
    vnf: input.vnf,
    descriptor: input.descriptor,
    timing: input.timing,
    phase: input.ask?.procedure === 'adopt' ? 'adopting' : 'instantiating',
    revision: 0,
    ...(input.madeAt !== undefined && { madeAt: input.madeAt }),
    pools: Object.fromEntries(input.descriptor.pools.map((pool) => [pool.name, empty])),
    groups: [],
    debts: [],
    queue: [],
    turn: null,
    during: null,
    vanished: [],
    blocked: null,
    occurrences: [],
    dropped: 0,
    ended: false,
  };
}

export function publicationOf(state: RecordState): Publication {
  const after = serviceOf(state.pools);
  return { revision: state.revision, during: state.during ?? after, after };
}

export function viewOf(state: RecordState): Omit<RecordView, 'publishing'> {
  return {
    schema: 1,
    vnf: state.vnf,
    descriptor: state.descriptor,
    phase: state.phase,
    revision: state.revision,
    pools: state.pools,
    groups: state.groups,
    debts: state.debts,
    turn: state.turn,
    queue: state.queue,
    blocked: state.blocked?.reason ?? null,
    stuck: stuckRuns(state),
    cleaning: state.vanished.length > 0,
    ended: state.ended,
    occurrences: state.occurrences,
    ...(state.audited && { audited: state.audited }),
    dropped: state.dropped,
    publication: publicationOf(state),
  };
}

/** Only of those that are at work: whoever is gone waits for nobody. */
function stuckRuns(state: Pick<RecordState, 'stuck' | 'turn' | 'debts' | 'vanished' | 'blocked'>): StuckRun[] {
  return (state.stuck ?? []).flatMap((note) => {
    const run = state.turn?.token === note.token ? state.turn : state.debts.find((debt) => debt.token === note.token);
    if (!run || isRetired(state, note.token)) return [];
    const { workflowId, runId, procedure } = run;
    return [{ workflowId, runId, procedure, ...note }];
  });
}

/** A run says that it is stuck, or (null) no longer. It keeps its turn and its debt. */
export function tellStuck(state: RecordState, told: { token: string; note: StuckNote | null }): RecordState {
  const { token, note } = told;
  if (state.turn?.token !== token && !state.debts.some((debt) => debt.token === token)) return state;
  const others = stuckRuns(state)
    .filter((each) => each.token !== token)
    .map(({ token: of, step, message, until }) => ({ token: of, step, message, until }));
  return { ...state, stuck: note ? [...others, { token, ...note }] : others };
}

/** Said by every audit that has found something, and by the first that finds nothing more. */
export function tellAudited(state: RecordState, told: Audited): RecordState {
  const { audited: _before, ...rest } = state;
  return told.findings.length > 0 ? { ...rest, audited: told } : rest;
}

/** Of what it was for nobody knows any more whether it is so. The next audit does. */
function rebalanced(state: RecordState): RecordState {
  const { audited, ...rest } = state;
  const findings = audited?.findings.filter(({ kind }) => !repairedByRebalance.includes(kind)) ?? [];
  return audited && findings.length > 0 ? { ...rest, audited: { ...audited, findings } } : rest;
}

const repairedByRebalance: readonly string[] = [
  'wrongHost',
  'wrongZone',
  'shareBroken',
  'domainShareBroken',
] satisfies FindingKind[];

/** `already`: the asker holds the turn; it is told again. */
export type AskAnswer =
  { readonly kind: 'queued' } | { readonly kind: 'already' } | { readonly kind: 'denied'; readonly failure: Failure };

export function enqueue(state: RecordState, ask: Ask): { state: RecordState; answer: AskAnswer } {
  const deny = (refusal: Failure): { state: RecordState; answer: AskAnswer } => ({
    state,
    answer: { kind: 'denied', failure: refusal },
  });
  if (state.turn?.runId === ask.runId) return { state, answer: { kind: 'already' } };
  if (state.queue.some((each) => each.runId === ask.runId)) return { state, answer: { kind: 'queued' } };
  const refusal = refuseOlder(state, ask) ?? refusalNow(state, ask.procedure);
  if (refusal) return deny(refusal);
  const why = whyBusy(state);
  if ((why !== null && ask.ifBusy === 'refuse') || state.queue.length >= limits.queue) {
    return deny(
      failure(
        'Busy',
        `${state.vnf} is busy: ${why ?? 'its queue is full'}. Ask again later, or ask with ifBusy "wait".`,
        { vnf: state.vnf },
      ),
    );
  }
  return { state: { ...state, queue: [...state.queue, { ...ask, overtaken: 0 }] }, answer: { kind: 'queued' } };
}

/** Of two clocks. */
const clocksDifferMs = 1_000;

/**
 * Whoever asked before this record was made asked another one of the same id, which is gone: what it wants was wanted of that VNF. But not those by
 * whose ask it was made.
 */
function refuseOlder({ vnf, madeAt }: RecordState, { since, procedure }: Ask): Failure | null {
  if (madeAt === undefined || since === undefined || procedure === 'instantiate' || procedure === 'adopt') return null;
  if (Date.parse(since) + clocksDifferMs >= Date.parse(madeAt)) return null;
  return failure(
    'UnknownVnf',
    `The VNF ${vnf} whose turn this run has waited for is gone; another was made under its id since. Nothing was done to that: ask again if it is wanted.`,
    { vnf },
  );
}

/** Why nobody gets a turn at once. */
function whyBusy(state: RecordState): string | null {
  const { turn, queue } = state;
  const stuck = turn && stuckRuns(state).find((each) => each.token === turn.token);
  if (stuck) return `${stuck.procedure} (workflow ${shown(stuck.workflowId)}) ${stuckSaid(stuck)}`;
  if (turn) return `${turn.procedure} (workflow ${shown(turn.workflowId)}) is at work`;
  if (state.vanished.length > 0) return 'a clean-up is under way';
  if (debtorsOf(state) >= limits.debtors) return `${String(limits.debtors)} runs drain and delete`;
  return queue.length > 0 ? 'others are waiting' : null;
}

/** Those at work. What a failed clean-up owes is nobody's until somebody terminates, who must not wait for it. */
function debtorsOf(state: Pick<RecordState, 'debts' | 'blocked'>): number {
  return state.debts.filter((each) => !isBlocked(state, each.token)).length;
}

function isBlocked(state: Pick<RecordState, 'blocked'>, token: string): boolean {
  return state.blocked?.tokens.includes(token) ?? false;
}

/** Its run is gone, and what it left is being cleaned up, or could not be: in its name nothing is taken any more. */
function isRetired(state: Pick<RecordState, 'vanished' | 'blocked'>, token: string): boolean {
  return state.vanished.some((each) => each.token === token) || isBlocked(state, token);
}

/** Why this procedure cannot get a turn of this VNF at all, as things are. */
export function refusalNow({ vnf, phase, blocked }: RecordState, procedure: ProcedureName): Failure | null {
  return turnRefusal({ vnf, phase, blocked: blocked?.reason ?? null }, procedure);
}

/** Whoever is next, if a turn may be granted now. Urgent first, in order within a class, the oldest after three overtakes. */
export function takeNext(state: RecordState): { state: RecordState; next: Waiting } | null {
  if (state.turn !== null || debtorsOf(state) >= limits.debtors) return null;
  if (state.vanished.length > 0) return null;
  const oldest = state.queue[0];
  if (!oldest) return null;
  const urgent = state.queue.find((each) => each.class === 'urgent');
  const next = urgent !== undefined && oldest.overtaken < limits.overtakes ? urgent : oldest;
  const queue = state.queue
    .filter((each) => each !== next)
    .map((each) => (each === oldest ? { ...each, overtaken: each.overtaken + 1 } : each));
  return { state: { ...state, queue }, next };
}

export function beginTurn(state: RecordState, holder: { ask: Waiting; token: string; grantedAt: string }): RecordState {
  const { ask, token, grantedAt } = holder;
  const { workflowId, runId, procedure } = ask;
  const firstOrdinals = Object.fromEntries(Object.entries(state.pools).map(([name, pool]) => [name, pool.nextOrdinal]));
  return { ...state, turn: { workflowId, runId, procedure, token, commits: 0, grantedAt, firstOrdinals } };
}

export interface CommitAnswer {
  readonly ok: boolean;
  readonly reason?: string;
}

export function applyCommit(before: RecordState, commit: Commit): { state: RecordState; answer: CommitAnswer } {
  const { turn } = before;
  const refuse = (reason: string): { state: RecordState; answer: CommitAnswer } => ({
    state: before,
    answer: { ok: false, reason },
  });
  if (turn?.token !== commit.token || !isFrom(turn, commit)) return refuse('this run does not hold the turn');
  if (commit.n <= turn.commits) return { state: before, answer: { ok: true } };
  if (commit.n !== turn.commits + 1)
    return refuse(`commit ${String(commit.n)} came before commit ${String(turn.commits + 1)}`);
  const state = asFound(before, commit);
  const wrong = whatIsWrong(state, commit);
  if (wrong) return refuse(wrong);

  const old = serviceOf(state.pools);
  const changed = Object.fromEntries(
    Object.entries(state.pools).map(([name, pool]) => [
      name,
      commit.final ? emptied(pool) : changedPool(pool, own(commit.pools, name)),
    ]),
  );
  const next = { ...state, pools: changed, revision: state.revision + 1, turn: { ...turn, commits: commit.n } };
  const during = union(state.during ?? old, serviceOf(changed), commit.final === true);
  const debt = mergedDebt(state, commit);
  return {
    answer: { ok: true },
    state: {
      ...next,
      during,
      phase: commit.final ? 'terminating' : 'running',
      groups: commit.final ? [] : (commit.groups ?? state.groups),
      debts: [
        ...state.debts.filter((each) => each.token !== commit.token && !isTakenOver(state, commit, each)),
        ...(debt ? [debt] : []),
      ],
      blocked: commit.final ? null : state.blocked,
    },
  };
}

/** What a commit changes is judged by where members are, and not by where they were believed to be. */
function asFound(state: RecordState, { pools }: Commit): RecordState {
  const found = Object.entries(state.pools).map(([name, pool]): [string, PoolState] => [
    name,
    foundAt(pool, own(pools, name)?.foundOn ?? []),
  ]);
  return { ...state, pools: Object.fromEntries(found) };
}

/** A holder never sends what is refused here: one that does has a bug, and the record would pass it on to everybody. */
function whatIsWrong(state: RecordState, commit: Commit): string | null {
  for (const [name, change] of Object.entries(commit.pools)) {
    const pool = own(state.pools, name);
    const spec = state.descriptor.pools.find((each) => each.name === name);
    if (!pool || !spec) return `there is no pool ${name}`;
    if (change.nextOrdinal < pool.nextOrdinal) return `ordinals of ${name} would be used twice`;
    const first = state.turn?.firstOrdinals[name] ?? pool.nextOrdinal;
    const taken = new Set([...pool.inService, ...pool.failed, ...owedOf(state, name)].map((member) => member.ordinal));
    const seen = new Set<number>();
    for (const member of change.enter) {
      const { pool: of, ordinal } = member;
      const isNew = ordinal >= first && ordinal < change.nextOrdinal && !taken.has(ordinal);
      if (of !== name || seen.has(ordinal) || !(isNew || hasMoved(pool, member, change)))
        return `a new member of ${name} is not new`;
      seen.add(ordinal);
    }
    const host = crowdedHost({ before: pool, after: changedPool(pool, change), spec });
    // What was made by other means, or lost a host while nobody knew it, is taken over as it is.
    if (host !== null && state.phase !== 'adopting')
      return `${host} would have more of ${name} in service than its share`;
  }
  return null;
}

/**
 * The one way back into service: a failed member that was evacuated is the same server with the same ports on another host. On the
 * host that it died with it stays dead, whoever says otherwise.
 */
function hasMoved({ failed }: PoolState, member: Member, { leave }: Commit['pools'][string]): boolean {
  const dead = failed.find(({ ordinal }) => ordinal === member.ordinal);
  return (
    dead?.serverId === member.serverId &&
    dead.token === member.token &&
    dead.host !== member.host &&
    dead.portIds.join() === member.portIds.join() &&
    !leave.includes(member.ordinal)
  );
}

function owedOf({ debts }: RecordState, pool: string): Member[] {
  return debts.flatMap((debt) => debt.stages.flat()).flatMap((lot) => (lot.pool === pool ? lot.members : []));
}

/** G1(a). What was too much on a host before, at the same level, may become less there bit by bit. */
function crowdedHost(of: { before: PoolState; after: PoolState; spec: Pool }): string | null {
  const { before, after, spec } = of;
  const cap = capAt(spec.spare, after.level);
  const had = countByHost(before.inService);
  for (const [host, count] of countByHost(after.inService))
    if (count > cap && (after.level !== before.level || count > (had.get(host) ?? 0))) return host;
  return null;
}

function countByHost(members: readonly Member[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { host } of members) counts.set(host, (counts.get(host) ?? 0) + 1);
  return counts;
}

function changedPool(pool: PoolState, change: Commit['pools'][string] | undefined): PoolState {
  if (!change) return pool;
  const leaving = new Set(change.leave);
  const entering = new Set(change.enter.map((member) => member.ordinal));
  const stays = (member: Member): boolean => !leaving.has(member.ordinal);
  return {
    level: change.level,
    nextOrdinal: change.nextOrdinal,
    inService: [...pool.inService.filter(stays), ...change.enter],
    // Who was evacuated is failed no more.
    failed: pool.failed.filter((member) => stays(member) && !entering.has(member.ordinal)),
  };
}

function emptied(pool: PoolState): PoolState {
  return { ...pool, level: 0, inService: [], failed: [] };
}

/** Old and new together. What terminates is not kept in service for a while: there is nothing new to add first. */
function union(old: Service, next: Service, final: boolean): Service {
  if (final) return next;
  return Object.fromEntries(
    Object.keys(next).map((name) => [name, [...new Set([...(old[name] ?? []), ...(next[name] ?? [])])]]),
  );
}

/** What this commit adds to what the turn already owes. A terminate takes over what failed clean-ups have left. */
function mergedDebt(state: RecordState, commit: Commit): Debt | null {
  const final = commit.final === true;
  const earlier = state.debts.filter((each) => each.token === commit.token);
  const takenOver = state.debts.filter((each) => isTakenOver(state, commit, each));
  const before = [...earlier, ...takenOver];
  const stages = stagesOf(state, commit)
    .map((names) => names.flatMap((name) => lotsOf(state, name, commit)))
    .filter((lots) => lots.length > 0);
  const groups = [...before.flatMap((each) => each.groups), ...(final ? state.groups : [])];
  const sweep = [...before.flatMap((each) => each.sweep), ...(final ? (state.blocked?.tokens ?? []) : [])];
  if (before.length + stages.length + groups.length + sweep.length === 0) return null;
  // A VNF that never came to be has no groups that are known by id.
  const unborn = final && state.phase === 'instantiating' ? Object.keys(state.pools) : [];
  // And of one that was to be adopted the groups were there before, but for those that the adopt has made.
  const unadopted = final && state.phase === 'adopting' ? Object.keys(state.pools) : [];
  const madePools = [...before.flatMap((each) => each.madePools ?? []), ...unadopted];
  const uncommittedPools = [...before.flatMap((each) => each.uncommittedPools ?? []), ...unborn];
  const moved = Object.entries(state.pools).filter(([name]) => final || Object.hasOwn(commit.pools, name));
  return {
    token: commit.token,
    workflowId: commit.workflowId,
    runId: commit.runId,
    procedure: state.turn?.procedure ?? 'terminate',
    stages: [...earlier.flatMap((each) => each.stages), ...stages, ...takenOver.flatMap((each) => each.stages)],
    groups,
    sweep,
    movedFrom: highest([
      ...before.map((each) => each.movedFrom),
      Object.fromEntries(moved.map(([name, pool]) => [name, pool.level])),
    ]),
    ...(uncommittedPools.length > 0 && { uncommittedPools: [...new Set(uncommittedPools)] }),
    ...(madePools.length > 0 && { madePools: [...new Set(madePools)] }),
  };
}

function isTakenOver(state: RecordState, commit: Commit, debt: Debt): boolean {
  return commit.final === true && isBlocked(state, debt.token);
}

/** Pools that no stage names are paid in the first. */
function stagesOf(state: RecordState, { stages = [] }: Commit): string[][] {
  const [first = [], ...rest] = stages;
  const named = new Set(stages.flat());
  return [[...first, ...Object.keys(state.pools).filter((name) => !named.has(name))], ...rest];
}

function highest(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const levels = new Map<string, number>();
  for (const [name, level] of all.flatMap((each) => Object.entries(each)))
    levels.set(name, Math.max(level, levels.get(name) ?? 0));
  return Object.fromEntries(levels);
}

/**
 * One lot for those that served (drained first) and one for those that were dead already. They are deleted in an order in which no host
 * has more than its share of those that still exist, where there is one.
 */
function lotsOf(state: RecordState, name: string, commit: Commit): DebtLot[] {
  const pool = own(state.pools, name);
  const spec = state.descriptor.pools.find((each) => each.name === name);
  if (!pool || !spec) return [];
  const order = commit.final
    ? [...pool.inService, ...pool.failed].map((member) => member.ordinal)
    : [...new Set(own(commit.pools, name)?.leave ?? [])];
  const among = (members: readonly Member[]): Member[] => {
    const byOrdinal = new Map(members.map((member) => [member.ordinal, member]));
    return order.flatMap((ordinal) => byOrdinal.get(ordinal) ?? []);
  };
  // What others owe exists beside, and goes when they please.
  const owed = state.debts
    .flatMap((debt) => debt.stages.flat())
    .filter((lot) => lot.pool === name && lot.drainSeconds > 0);
  const vanishing = owed.flatMap((lot) => lot.members).map(({ host }) => host);
  const staying = [...pool.inService, ...(own(commit.pools, name)?.enter ?? [])];
  const all = [...staying, ...owed.flatMap((lot) => lot.members)];
  const counted = { existing: countOf(all.map(({ host }) => host)), vanishing, domainOf: domainsRecorded(all) };
  const { order: leaving } = orderDeletions(spec, among(pool.inService), counted);
  const batches = cutDeletions(spec, leaving, counted);
  const lots: DebtLot[] = [
    {
      ...{ pool: name, drainSeconds: spec.drainSeconds, members: leaving },
      ...(batches.length > 1 && { batches }),
    },
    { pool: name, drainSeconds: 0, members: among(pool.failed) },
  ];
  return lots.filter((lot) => lot.members.length > 0);
}

/** What a run says of its turn or debt when that is over. */
interface End {
  readonly token: string;
  readonly runId?: string | undefined;
  readonly nextOrdinals?: Readonly<Record<string, number>> | undefined;
}

/**
 * The token alone does not say who speaks: a run that a reset made has it as well, from the grant that it replays. What the run before
 * has done since, it does not know, and would call ended what is half done, or bring into service what has been removed.
 */
function isFrom(run: RunRef, { runId }: { readonly runId?: string | undefined }): boolean {
  return runId === undefined || runId === run.runId;
}

/** The turn ends, the debt stays with its run. One that owes nothing keeps the turn: without either nobody would watch it. */
export function yieldTurn(state: RecordState, end: End): RecordState {
  const { turn } = state;
  if (turn?.token !== end.token || !isFrom(turn, end) || !state.debts.some((each) => each.token === end.token))
    return state;
  return { ...withOrdinals(state, end.nextOrdinals), turn: null, during: null };
}

/** Turn and debt of this token are over. */
export function finish(state: RecordState, end: End & { readonly outcome: string; readonly at: string }): RecordState {
  const { turn } = state;
  const debt = state.debts.find((each) => each.token === end.token);
  const held = turn?.token === end.token ? turn : null;
  const run = held ?? debt;
  if (!run || !isFrom(run, end) || isRetired(state, end.token)) return state;
  const isRepaired = run.procedure === 'rebalance' && end.outcome === 'completed';
  const base = withOrdinals(isRepaired ? rebalanced(state) : state, end.nextOrdinals);
  const debts = base.debts.filter((each) => each.token !== end.token);
  const over = { ...base, debts, ...(held && { turn: null, during: null }), occurrences: remembered(state, end) };
  return { ...over, ended: isOver(over) };
}

/** The last occurrences with one more: how the run that holds this token ended. */
function remembered(state: RecordState, end: { token: string; outcome: string; at: string }): readonly Occurrence[] {
  const held = state.turn?.token === end.token ? state.turn : null;
  const debt = state.debts.find((each) => each.token === end.token);
  const occurrence: Occurrence = {
    workflowId: (held ?? debt)?.workflowId ?? '',
    runId: (held ?? debt)?.runId ?? '',
    procedure: (held ?? debt)?.procedure ?? 'terminate',
    token: end.token,
    outcome: end.outcome,
    grantedAt: held?.grantedAt ?? end.at,
    endedAt: end.at,
  };
  return [...state.occurrences, occurrence].slice(-limits.occurrences);
}

/** Never committed, or everything paid: nothing is left to keep a record of. What could not be cleaned up is left. */
function isOver(state: RecordState): boolean {
  if (state.blocked !== null) return false;
  if (state.turn !== null || state.debts.length > 0 || state.vanished.length > 0) return false;
  return isUnborn(state) || state.phase === 'terminating';
}

/** Nothing has been committed: when its run is over, there is no such VNF. */
export function isUnborn({ phase }: Pick<RecordState, 'phase'>): boolean {
  return phase === 'instantiating' || phase === 'adopting';
}

/** Ordinals are never used twice, also not those of members that never entered service. */
function withOrdinals(state: RecordState, next: Readonly<Record<string, number>> | undefined): RecordState {
  if (!next) return state;
  const pools = Object.fromEntries(
    Object.entries(state.pools).map(([name, pool]) => [
      name,
      { ...pool, nextOrdinal: Math.max(pool.nextOrdinal, own(next, name) ?? 0) },
    ]),
  );
  return { ...state, pools };
}

/**
 * Cancelled before its turn, or just as it was granted: nothing was touched. An instantiate may be so before the record has seen
 * its ask, and nobody else can make the VNF come to be.
 */
export function withdraw(state: RecordState, runId: string): RecordState {
  const queue = state.queue.filter((each) => each.runId !== runId);
  const granted = state.turn?.runId === runId && state.turn.commits === 0;
  const next = { ...state, queue, turn: granted ? null : state.turn };
  const maybeBorn = queue.some(({ procedure }) => procedure === 'instantiate' || procedure === 'adopt');
  return { ...next, ended: state.ended || (isOver(next) && !maybeBorn) };
}

/** Dead members leave service at once, without the turn. */
export function bury(state: RecordState, report: Dead): { state: RecordState; refusal: Failure | null } {
  const { pools, refusal } = buryIn(state, report);
  if (refusal) return { state, refusal };
  // Who leaves serves until that is published: also they are to be gone at once.
  const during = state.during && without(state.during, ordinalsByPool(report.members));
  if (pools === state.pools && sizeOf(during) === sizeOf(state.during)) return { state, refusal: null };
  return { state: { ...state, pools, during, revision: state.revision + 1 }, refusal: null };
}

function without(service: Service, dead: ReadonlyMap<string, ReadonlySet<number>>): Service {
  return Object.fromEntries(
    Object.entries(service).map(([name, ordinals]) => [name, ordinals.filter((each) => !dead.get(name)?.has(each))]),
  );
}

function sizeOf(service: Service | null): number {
  return Object.values(service ?? {}).reduce((sum, ordinals) => sum + ordinals.length, 0);
}

/** A holder or debtor closed without `done`: its token is retired, and nothing is granted before the clean-up. */
export function vanish(state: RecordState, token: string, at: string): RecordState {
  const involved = state.turn?.token === token || state.debts.some((each) => each.token === token);
  if (!involved || isRetired(state, token)) return state;
  const held = state.turn?.token === token;
  return {
    ...state,
    turn: held ? null : state.turn,
    vanished: [...state.vanished, { token, attempts: 0, held }],
    occurrences: remembered(state, { token, outcome: 'vanished', at }),
  };
}

/** Whom to clean up behind next: as they vanished, but a group cannot go before the last of its members, whoever owes that. */
export function nextToCleanUp(state: RecordState): Vanished | undefined {
  const owesGroups = ({ token }: Vanished): boolean =>
    state.debts.some((debt) => debt.token === token && debt.groups.length > 0);
  return state.vanished.find((each) => !owesGroups(each)) ?? state.vanished[0];
}

export function cleanUpFailed(state: RecordState, token: string, reason: string): RecordState {
  const vanished = state.vanished.map((each) =>
    each.token === token ? { ...each, attempts: each.attempts + 1 } : each,
  );
  const tries = vanished.find((each) => each.token === token)?.attempts ?? 0;
  if (tries < limits.cleanUpTries) return { ...state, vanished };
  return {
    ...state,
    vanished: vanished.filter((each) => each.token !== token),
    blocked: {
      reason: `the clean-up after a vanished run (token ${token}) failed ${String(tries)} times, last with: ${reason}`,
      tokens: [...(state.blocked?.tokens ?? []), token],
    },
  };
}

/** What made the clean-ups fail is mended, says a person: they begin again, and nothing is granted before they succeed. */
export function cleanUpAgain(state: RecordState): RecordState {
  const { blocked } = state;
  if (blocked === null) return state;
  const again = blocked.tokens.map((token) => ({ token, attempts: 0, held: false }));
  return { ...state, blocked: null, vanished: [...state.vanished, ...again] };
}

/** What the vanished run left has been removed, and its debt paid. */
export function cleanedUp(
  state: RecordState,
  end: { token: string; nextOrdinals: Readonly<Record<string, number>>; at: string },
): RecordState {
  const next = withOrdinals(state, end.nextOrdinals);
  const debts = next.debts.filter((each) => each.token !== end.token);
  const vanished = next.vanished.filter((each) => each.token !== end.token);
  const mayBeUnpublished = next.turn !== null || vanished.some((each) => each.held);
  const over = { ...next, debts, vanished, during: mayBeUnpublished ? next.during : null };
  return { ...over, ended: isOver(over) };
}

/** What a holder and a planner are told: the view without what only onlookers need. */
export function viewOfRecord(state: RecordState): VnfRecord {
  const { vnf, descriptor, phase, revision, pools, groups, debts } = state;
  return { vnf, descriptor, phase, revision, pools, groups, debts };
}
