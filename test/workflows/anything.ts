import { isDeepStrictEqual } from 'node:util';
import { fc } from '../property';
import { capAt } from '../../domain/levels';
import type { Member } from '../../domain/record';
import { procedureNames, turnClasses, type Ask, type Commit, type Dead, type PoolChange } from '../../domain/turn';
import * as record from '../../workflows/record/state';
import type { RecordState } from '../../workflows/record/state';
import { memberOn } from '../domain/build';

/**
 * Anything that may reach a record, in any order, and what must be true after each of it. The driver carries messages to the state
 * as the workflow does; besides, it only remembers, so that nothing of what it expects is asked of the state itself.
 */

export type Step =
  | { kind: 'ask'; run: number; procedure: Ask['procedure']; class: Ask['class']; ifBusy: Ask['ifBusy'] }
  | { kind: 'withdraw'; run: number }
  | {
      kind: 'commit';
      token: number;
      /** 1 is the next one, 0 the last one again, 2 one too far. */
      ahead: number;
      enter: number;
      /** All that enter on one host. */
      crowd: boolean;
      /** An ordinal that has been given out already. */
      stale: boolean;
      leave: number[];
      more: number;
      /** By a run that a reset made of the one that has the token. */
      reset: boolean;
    }
  | { kind: 'yield'; token: number; reset: boolean }
  | { kind: 'done'; token: number; used: number; reset: boolean }
  | { kind: 'dead'; members: number[]; evidence: Dead['evidence'] }
  | { kind: 'closed'; token: number }
  | { kind: 'cleaned'; ok: boolean; used: number }
  | { kind: 'audit' }
  /** Whoever is next is gone when it is told. */
  | { kind: 'deaf' };

const at = '2026-01-01T00:00:00.000Z';
const few = fc.nat({ max: 3 });
const oneIn = (many: number): fc.Arbitrary<boolean> => fc.nat({ max: many - 1 }).map((drawn) => drawn === 0);
/** Chooses among the runs, and among the tokens: 0 is the latest. */
const choice = fc.nat({ max: 9 });

export const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 7,
    arbitrary: fc.record({
      kind: fc.constant('ask' as const),
      run: choice,
      procedure: fc.constantFrom(...procedureNames),
      class: fc.constantFrom(...turnClasses),
      ifBusy: fc.constantFrom('wait' as const, 'wait' as const, 'refuse' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('withdraw' as const), run: choice }) },
  {
    weight: 9,
    arbitrary: fc.record({
      kind: fc.constant('commit' as const),
      token: fc.oneof(fc.constant(0), choice),
      ahead: fc.constantFrom(1, 1, 1, 1, 0, 2),
      enter: few,
      crowd: oneIn(4),
      stale: oneIn(8),
      leave: fc.array(choice, { maxLength: 3 }),
      more: fc.integer({ min: -2, max: 3 }),
      reset: oneIn(8),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('yield' as const),
      token: fc.oneof(fc.constant(0), choice),
      reset: oneIn(8),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('done' as const), token: choice, used: few, reset: oneIn(8) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('dead' as const),
      members: fc.array(fc.nat({ max: 15 }), { maxLength: 3 }),
      evidence: fc.constantFrom('seen' as const, 'told' as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('closed' as const), token: choice }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('cleaned' as const), ok: oneIn(3), used: few }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'audit' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'deaf' as const }) },
);

interface Memory {
  /** Given out, in order. */
  readonly tokens: string[];
  /** To which run each was. */
  readonly runOf: Map<string, string>;
  /** By token. */
  readonly commits: Map<string, number>;
  /** Tokens whose run is gone, and behind which nobody has cleaned up yet. */
  readonly leftovers: Set<string>;
  /** `pool/ordinal`. */
  readonly dead: Set<string>;
  /** Of everybody that was ever let in. */
  readonly everIn: Set<string>;
  queue: { runId: string; urgent: boolean; overtaken: number }[];
  readonly reached: Set<string>;
  readonly broken: string[];
}

/** Plays the steps on the state, and says what was broken, and how far it came. */
export function play(start: RecordState, steps: readonly Step[]): { broken: string[]; reached: ReadonlySet<string> } {
  const memory: Memory = {
    tokens: [],
    runOf: new Map(),
    commits: new Map(),
    leftovers: new Set(),
    dead: new Set(),
    everIn: new Set(),
    queue: [],
    reached: new Set(),
    broken: [],
  };
  const first: Step = { kind: 'ask', run: 0, procedure: 'instantiate', class: 'normal', ifBusy: 'wait' };
  let state = start;
  let deaf = false;
  for (const step of [first, ...steps]) {
    if (state.ended || memory.broken.length > 0) break;
    if (step.kind === 'deaf') deaf = true;
    else {
      const next = take(state, step, memory);
      compare(state, next, step, memory);
      state = next;
    }
    const before = state;
    while (!state.ended) {
      const pumped = pump(state, memory, deaf);
      if (!pumped) break;
      deaf = false;
      state = pumped;
    }
    if (state !== before) unchanged(before, state, 'a grant', memory);
    check(state, memory);
  }
  if (state.ended) memory.reached.add('ended');
  return { broken: memory.broken, reached: memory.reached };
}

/** One message to the state, and what must be true of its answer. */
function take(state: RecordState, step: Exclude<Step, { kind: 'deaf' }>, memory: Memory): RecordState {
  switch (step.kind) {
    case 'ask':
      return asked(state, step, memory);
    case 'withdraw': {
      const runId = runIdOf(step.run);
      memory.queue = memory.queue.filter((each) => each.runId !== runId);
      return record.withdraw(state, runId);
    }
    case 'commit':
      return committed(state, step, memory);
    case 'yield':
      return yielded(state, step, memory);
    case 'done': {
      const token = tokenOf(step.token, memory);
      const end = { token, runId: senderOf(step, token, memory), nextOrdinals: usedUp(state, step.used) };
      const next = record.finish(state, { ...end, outcome: 'x', at });
      if (memory.leftovers.has(token)) expectSame(state, next, 'a retired run was heard', memory);
      else if (step.reset) expectSame(state, next, 'a run that a reset made ended the turn of another', memory);
      // A terminate that is done has swept behind those that nobody could clean up behind.
      else
        for (const swept of state.debts.find((each) => each.token === token)?.sweep ?? [])
          memory.leftovers.delete(swept);
      return next;
    }
    case 'dead':
      return buried(state, step, memory);
    case 'closed': {
      const token = tokenOf(step.token, memory);
      const owes = state.turn?.token === token || state.debts.some((each) => each.token === token);
      const next = record.vanish(state, token, at);
      if (!owes || memory.leftovers.has(token)) expectSame(state, next, 'a run that owes nothing vanished', memory);
      else memory.leftovers.add(token);
      if (owes) memory.reached.add('vanished');
      return next;
    }
    case 'cleaned': {
      const [first] = state.vanished;
      if (!first) return state;
      if (!step.ok) return record.cleanUpFailed(state, first.token, 'x');
      const swept = state.debts.find((each) => each.token === first.token)?.sweep ?? [];
      for (const token of [first.token, ...swept]) memory.leftovers.delete(token);
      return record.cleanedUp(state, { token: first.token, nextOrdinals: usedUp(state, step.used), at });
    }
    case 'audit':
      return record.cleanUpAgain(state);
  }
}

function yielded(state: RecordState, step: Extract<Step, { kind: 'yield' }>, memory: Memory): RecordState {
  const token = tokenOf(step.token, memory);
  const next = record.yieldTurn(state, { token, runId: senderOf(step, token, memory) });
  if (step.reset) expectSame(state, next, 'a run that a reset made yielded the turn of another', memory);
  return next;
}

function asked(state: RecordState, step: Extract<Step, { kind: 'ask' }>, memory: Memory): RecordState {
  const runId = runIdOf(step.run);
  const { procedure, ifBusy } = step;
  const ask: Ask = { workflowId: `w${String(step.run)}`, runId, procedure, class: step.class, ifBusy };
  const { state: next, answer } = record.enqueue(state, ask);
  const waits = memory.queue.some((each) => each.runId === runId);
  if (answer.kind === 'queued' && !waits) memory.queue.push({ runId, urgent: step.class === 'urgent', overtaken: 0 });
  if (answer.kind !== 'queued') expectSame(state, next, 'an ask that was not queued changed something', memory);
  if (answer.kind === 'queued' && !waits && ifBusy === 'refuse' && (state.turn ?? state.vanished[0]))
    memory.broken.push('an ask that would not wait was queued behind somebody');
  if ((answer.kind === 'already') !== (state.turn?.runId === runId)) memory.broken.push('a holder was not told again');
  return next;
}

function committed(state: RecordState, step: Extract<Step, { kind: 'commit' }>, memory: Memory): RecordState {
  const token = tokenOf(step.token, memory);
  const before = memory.commits.get(token) ?? 0;
  const n = Math.max(1, before + step.ahead);
  const commit = commitOf(state, step, { token, n, runId: senderOf(step, token, memory) });
  const { state: next, answer } = record.applyCommit(state, commit);
  const holds = state.turn?.token === token && !step.reset;
  if (answer.ok && next !== state) {
    if (!holds) memory.broken.push(`a commit of ${token} was applied, which does not hold the turn`);
    if (n !== before + 1) memory.broken.push(`commit ${String(n)} of ${token} was applied after ${String(before)}`);
    memory.commits.set(token, n);
    memory.reached.add('committed');
    if (commit.final && state.blocked) memory.reached.add('taken over');
    for (const name of Object.values(commit.pools).flatMap((pool) => pool.enter.map(nameOf))) {
      if (memory.everIn.has(name)) memory.broken.push(`${name} was let in twice`);
      memory.everIn.add(name);
    }
  }
  if (!answer.ok) expectSame(state, next, 'a commit that was refused changed something', memory);
  if (holds && n <= before && !(answer.ok && next === state)) memory.broken.push('a commit was not answered again');
  return next;
}

/** As a holder would send it, but for what the step spoils. */
function commitOf(
  state: RecordState,
  step: Extract<Step, { kind: 'commit' }>,
  of: { token: string; n: number; runId: string },
): Commit {
  const run = { workflowId: 'w', ...of };
  if (state.turn?.procedure === 'terminate') return { ...run, pools: {}, final: true };
  const pools = Object.entries(state.pools).map(([name, pool]): [string, PoolChange] => {
    const first = step.stale ? Math.max(1, pool.nextOrdinal - 2) : pool.nextOrdinal;
    const enter = Array.from({ length: step.enter }, (_, index) => {
      const ordinal = first + index;
      const member = memberOn(name, ordinal, step.crowd ? 'h1' : `${name}-${String(ordinal)}`);
      return { ...member, portIds: [...member.portIds], token: of.token };
    });
    const there = [...pool.inService, ...pool.failed];
    const leave = step.leave.flatMap((index) => there[index]?.ordinal ?? []);
    const level = Math.max(0, pool.level + step.more);
    return [name, { level, nextOrdinal: Math.max(pool.nextOrdinal, first + step.enter), enter, leave }];
  });
  return { ...run, pools: Object.fromEntries(pools) };
}

function buried(state: RecordState, step: Extract<Step, { kind: 'dead' }>, memory: Memory): RecordState {
  const members = step.members.map((ordinal) => ({ pool: ordinal % 2 === 0 ? 'web' : 'db', ordinal }));
  const report: Dead = { workflowId: 'w', runId: 'r', members, evidence: step.evidence };
  const served = new Set(servedOf(state));
  const { state: next, refusal } = record.bury(state, report);
  if (refusal) expectSame(state, next, 'a refused report changed something', memory);
  const gone = members.map(nameOf).filter((name) => served.has(name));
  if (refusal === null) for (const name of gone) memory.dead.add(name);
  if (refusal === null && gone.length > 0) memory.reached.add('buried');
  if (next.revision - state.revision !== (refusal === null && gone.length > 0 ? 1 : 0))
    memory.broken.push('a death was not one revision');
  return next;
}

/** As the workflow does between two messages: somebody gets the turn, where somebody may. */
function pump(state: RecordState, memory: Memory, deaf: boolean): RecordState | null {
  const taken = record.takeNext(state);
  if (!taken) return null;
  const expected = nextOf(memory);
  if (taken.next.runId !== expected) memory.broken.push(`${taken.next.runId} was next, and not ${String(expected)}`);
  if (state.turn) memory.broken.push('a turn was granted beside another');
  if (state.vanished.length > 0) memory.broken.push('a turn was granted before a clean-up');
  if (record.refusalNow(taken.state, taken.next.procedure)) return taken.state;
  if (state.phase === 'terminating' && state.blocked === null)
    memory.broken.push('a turn of a VNF was granted that is being terminated');
  if (state.blocked !== null && !['terminate', 'audit'].includes(taken.next.procedure))
    memory.broken.push('a turn of a blocked VNF was granted');
  const token = `t${String(memory.tokens.length + 1)}`;
  memory.tokens.push(token);
  memory.runOf.set(token, taken.next.runId);
  memory.reached.add('granted');
  const held = record.beginTurn(taken.state, { ask: taken.next, token, grantedAt: at });
  return deaf ? record.withdraw(held, taken.next.runId) : held;
}

/** Whose turn it is, by the rule and not by the state. */
function nextOf(memory: Memory): string | undefined {
  const [oldest] = memory.queue;
  const urgent = memory.queue.find((each) => each.urgent);
  const next = oldest && urgent && oldest.overtaken < 3 ? urgent : oldest;
  if (oldest && next !== oldest) oldest.overtaken += 1;
  memory.queue = memory.queue.filter((each) => each !== next);
  return next?.runId;
}

/** What may differ between a state and the next one. */
function compare(state: RecordState, next: RecordState, step: Step, memory: Memory): void {
  const grew = next.revision - state.revision;
  if (step.kind !== 'commit' && step.kind !== 'dead') unchanged(state, next, step.kind, memory);
  else if (next !== state && grew !== 1)
    memory.broken.push(`${step.kind} made ${String(grew)} revisions of one change`);
  for (const [name, pool] of Object.entries(state.pools)) {
    const after = next.pools[name];
    if (!after || after.nextOrdinal < pool.nextOrdinal) memory.broken.push(`ordinals of ${name} went back`);
  }
  const there = new Set([...membersOf(next), ...owedOf(next)].map(nameOf));
  const paid = paidBy(state, step, memory);
  for (const name of [...membersOf(state), ...owedOf(state)].map(nameOf))
    if (!there.has(name) && !paid.has(name)) memory.broken.push(`${name} is nobody's after ${step.kind}`);
  for (const token of memory.leftovers)
    if (!knows(next, token)) memory.broken.push(`${token} is forgotten, and nobody has cleaned up behind it`);
}

/** Whether something is still to be done about what this token left. */
function knows(state: RecordState, token: string): boolean {
  return (
    (state.blocked?.tokens.includes(token) ?? false) ||
    state.vanished.some((each) => each.token === token) ||
    state.debts.some((debt) => debt.sweep.includes(token))
  );
}

/** Members that a step may make nobody's: their debt is paid. */
function paidBy(state: RecordState, step: Step, memory: Memory): Set<string> {
  const token =
    step.kind === 'done'
      ? tokenOf(step.token, memory)
      : step.kind === 'cleaned' && step.ok
        ? state.vanished[0]?.token
        : undefined;
  const debts = state.debts.filter((each) => each.token === token);
  return new Set(debts.flatMap((debt) => debt.stages.flat()).flatMap((lot) => lot.members.map(nameOf)));
}

function unchanged(state: RecordState, next: RecordState, after: string, memory: Memory): void {
  const seen = ({ revision, pools }: RecordState): unknown => [
    revision,
    Object.values(pools).map(({ level, inService, failed }) => [level, inService, failed]),
  ];
  if (!isDeepStrictEqual(seen(state), seen(next))) memory.broken.push(`levels or service changed by ${after}`);
}

function expectSame(state: RecordState, next: RecordState, otherwise: string, memory: Memory): void {
  if (next !== state) memory.broken.push(otherwise);
}

/** What is true of every state. */
function check(state: RecordState, memory: Memory): void {
  const broken = (what: string): void => {
    memory.broken.push(what);
  };
  const names = [...membersOf(state), ...owedOf(state)].map(nameOf);
  if (new Set(names).size < names.length) broken(`a member is in two places: ${names.sort().join(' ')}`);
  for (const spec of state.descriptor.pools) {
    const pool = state.pools[spec.name];
    if (!pool) throw new Error(`pool ${spec.name} is gone`);
    const highest = Math.max(0, ...[...pool.inService, ...pool.failed].map((member) => member.ordinal));
    if (highest >= pool.nextOrdinal) broken(`${spec.name}-${String(highest)} would be used twice`);
    for (const host of new Set(pool.inService.map((member) => member.host))) {
      const count = pool.inService.filter((member) => member.host === host).length;
      if (count > capAt(spec.spare, pool.level)) broken(`${host} has more than its share of ${spec.name}`);
    }
  }
  const { during, after } = record.publicationOf(state);
  for (const name of servedOf(state)) if (memory.dead.has(name)) broken(`${name} is dead and published`);
  for (const [pool, ordinals] of Object.entries(after))
    if (!ordinals.every((ordinal) => during[pool]?.includes(ordinal))) broken(`${pool} loses somebody in between`);
  const unpublished = state.turn !== null || state.vanished.length > 0 || state.blocked !== null;
  if (!unpublished && !isDeepStrictEqual(during, after))
    broken('old and new are published together, and nobody changes');
  if (state.turn && memory.leftovers.has(state.turn.token)) broken('a run that is gone holds the turn');
  checkProgress(state, broken);
  if (state.ended && [...memory.leftovers].length > 0) broken('the record ended with something to clean up');
  if (state.ended && (state.turn !== null || owedOf(state).length > 0 || membersOf(state).length > 0))
    broken('the record ended and owes something');
  if (!isDeepStrictEqual(JSON.parse(JSON.stringify(state)), state)) broken('the state does not travel');
  if (state.blocked) memory.reached.add('blocked');
  if (state.debts.length >= 3) memory.reached.add('three debtors');
}

/** In every state there is somebody who will act, or nobody who waits. */
function checkProgress(state: RecordState, broken: (what: string) => void): void {
  const live = state.debts.filter((debt) => !state.blocked?.tokens.includes(debt.token)).length;
  const acts = state.turn !== null || state.vanished.length > 0;
  if (state.ended || acts) return;
  if (state.queue.length > 0 && live < 8) broken('somebody waits and nobody acts');
  if (state.phase === 'running' || live > 0) return;
  if (state.blocked === null) broken(`the record is ${state.phase} for ever`);
  else if (record.refusalNow(state, 'terminate')) broken('nobody can end what is blocked');
}

function tokenOf(back: number, memory: Memory): string {
  return memory.tokens[memory.tokens.length - 1 - back] ?? 'a token of nobody';
}

function senderOf({ reset }: { readonly reset: boolean }, token: string, memory: Memory): string {
  return reset ? 'a run that a reset made' : (memory.runOf.get(token) ?? 'nobody');
}

function runIdOf(run: number): string {
  return `r${String(run)}`;
}

function usedUp(state: RecordState, used: number): Record<string, number> {
  return Object.fromEntries(Object.entries(state.pools).map(([name, pool]) => [name, pool.nextOrdinal - 1 + used]));
}

function nameOf({ pool, ordinal }: Pick<Member, 'pool' | 'ordinal'>): string {
  return `${pool}/${String(ordinal)}`;
}

function membersOf(state: RecordState): Member[] {
  return Object.values(state.pools).flatMap((pool) => [...pool.inService, ...pool.failed]);
}

function owedOf(state: RecordState): Member[] {
  return state.debts.flatMap((debt) => debt.stages.flat()).flatMap((lot) => lot.members);
}

/** Who is published in either stage. */
function servedOf(state: RecordState): string[] {
  const { during, after } = record.publicationOf(state);
  return [during, after].flatMap((service) =>
    Object.entries(service).flatMap(([pool, ordinals]) => ordinals.map((ordinal) => nameOf({ pool, ordinal }))),
  );
}
