import {
  CancellationScope,
  condition,
  continueAsNew,
  getExternalWorkflowHandle,
  log,
  ParentClosePolicy,
  patched,
  proxyActivities,
  setCurrentDetails,
  setDefaultSignalHandler,
  setHandler,
  sleep,
  startChild,
  defineQuery,
  upsertSearchAttributes,
  uuid4,
  workflowInfo,
  rootCause,
} from '@temporalio/workflow';
import type { CloudActivities } from '../../activities/ports';
import { summary } from '../../domain/markdown';
import type { Descriptor } from '../../domain/descriptor/descriptor';
import { failure, type Failure } from '../../domain/failure';
import { own } from '../../domain/names';
import { stuckSchema, type StuckNote } from '../../domain/stuck';
import { taskQueues } from '../../domain/procedures';
import type { Timing } from '../../domain/timing';
import {
  askSchema,
  auditedSchema,
  commitSchema,
  deadSchema,
  doneSchema,
  signalNames,
  withdrawSchema,
  yieldSchema,
  type Ask,
  type Audited,
  type Buried,
  type Commit,
  type Committed,
  type Dead,
  type Denied,
  type Granted,
  type RecordView,
  type RunRef,
} from '../../domain/turn';
import type { CleanUpInput, CleanUpResult } from '../procedures/cleanUp';
import { now } from '../clock';
import { refuseStartedByHand } from '../input';
import { watch } from '../ports';
import { attributes } from '../progress';
import { recordDetails } from '../details';
import { serverGroupIds, sharesOf } from '../../domain/record';
import { recordInputSchema } from './input';
import * as recordState from './state';
import type { RecordState } from './state';

/**
 * The record of one VNF: the single truth about its members, and the turn. It runs exactly as long as the VNF exists,
 * under the workflow id `vnf:<id>`. Nothing polls: an idle record has no timer running and no activity open.
 *
 * Every message is handled in order, one after the other, by the one loop below: handlers only put it in the inbox.
 */

export interface RecordStart {
  readonly vnf: string;
  readonly descriptor: Descriptor;
  readonly timing: Timing;
  /** The instantiate that made this record. */
  readonly ask: Ask;
  /** Where to count on from: what has been published under this id before. 0 where it is left out. */
  readonly revision?: number;
}

export type RecordInput = RecordStart | { readonly state: RecordState };

export const statusQuery = defineQuery<RecordView>('status');

type Message =
  | { readonly kind: 'ask'; readonly ask: Ask }
  | { readonly kind: 'withdraw'; readonly runId: string }
  | { readonly kind: 'commit'; readonly commit: Commit }
  | {
      readonly kind: 'yield';
      readonly token: string;
      readonly runId?: string | undefined;
      readonly nextOrdinals?: Readonly<Record<string, number>> | undefined;
    }
  | {
      readonly kind: 'done';
      readonly token: string;
      readonly runId?: string | undefined;
      readonly outcome: string;
      readonly nextOrdinals?: Readonly<Record<string, number>> | undefined;
    }
  | { readonly kind: 'dead'; readonly dead: Dead }
  | { readonly kind: 'stuck'; readonly token: string; readonly note: StuckNote | null }
  | { readonly kind: 'audit' }
  | { readonly kind: 'audited'; readonly audited: Audited }
  /** What the record itself had to publish is published. */
  | { readonly kind: 'published' }
  /** The run that bore this token has closed. */
  | { readonly kind: 'closed'; readonly token: string }
  | { readonly kind: 'cleaned'; readonly token: string; readonly result: CleanUpResult | { readonly error: string } };

export async function vnf(input: RecordInput): Promise<{ revision: number }> {
  refuseStartedByHand('vnf', { prefix: 'vnf:', schema: recordInputSchema, input });
  // Cancelling a record by hand would leave its members with nobody to know them: only `terminate` ends a VNF.
  return await CancellationScope.nonCancellable(() => keepRecord(input));
}

async function keepRecord(input: RecordInput): Promise<{ revision: number }> {
  let state: RecordState =
    'state' in input
      ? input.state
      : { ...recordState.newState({ ...input, madeAt: now() }), revision: input.revision ?? 0 };
  const inbox: Message[] = 'state' in input ? [] : [{ kind: 'ask', ask: input.ask }];
  const watched = new Set<string>();
  let cleaning = false;
  let publishing = 0;

  setHandler(statusQuery, () => ({ ...recordState.viewOf(state), publishing: publishing > 0 }));
  // Signals are not validated by anyone else; what does not parse is dropped and counted, for nobody waits to be told.
  setDefaultSignalHandler((name, ...args) => {
    const message = parse(name, args[0]);
    if (message) inbox.push(message);
    else state = { ...state, dropped: state.dropped + 1 };
  });
  let shown = state.phase;
  upsertSearchAttributes(attributes({ vnf: state.vnf, phase: shown }));
  /** An event of history, and so only when it has changed. */
  const showPhase = (): void => {
    if (state.phase === shown) return;
    shown = state.phase;
    upsertSearchAttributes(attributes({ phase: shown }));
  };

  const watchRun = (run: RunRef, token: string): void => {
    if (watched.has(token)) return;
    watched.add(token);
    watch
      .executeWithOptions({ summary: summary(`watch the run of ${run.workflowId}`) }, [
        { workflowId: run.workflowId, runId: run.runId },
      ])
      .then(
        () => inbox.push({ kind: 'closed', token }),
        // An error is no proof that the run is gone, and cleaning up behind one that lives would break it.
        async (error: unknown) => {
          log.error('a watch ended in an error and is begun again', { token, error: String(error) });
          await sleep('10s');
          watched.delete(token);
          if (state.turn?.token === token || state.debts.some((each) => each.token === token)) watchRun(run, token);
        },
      );
  };
  for (const run of [state.turn, ...state.debts]) if (run) watchRun(run, run.token);

  /**
   * Deaths are reported without a turn, so nobody watches their reporter: if it dies with them, calls would go on being sent to
   * the dead. So the record publishes them itself.
   */
  const publishDeaths = (): void => {
    const publication = recordState.publicationOf(state);
    const turn = { token: uuid4(), runId: workflowInfo().runId };
    publishing += 1;
    proxyActivities<CloudActivities>({
      taskQueue: taskQueues.cloud,
      startToCloseTimeout: state.timing.mutateSeconds * 1_000,
      retry: { initialInterval: '500ms', maximumInterval: '10s' },
    })
      .publish.executeWithOptions({ summary: `publish revision ${String(publication.revision)} without the dead` }, [
        { turn, vnf: state.vnf, publication },
      ])
      .then(
        () => inbox.push({ kind: 'published' }),
        (error: unknown) => {
          log.error('deaths could not be published', { revision: publication.revision, error: String(error) });
          inbox.push({ kind: 'published' });
        },
      );
  };

  const grantNext = async (): Promise<boolean> => {
    const taken = recordState.takeNext(state);
    if (!taken) return false;
    state = taken.state;
    const refusal = recordState.refusalNow(state, taken.next.procedure);
    if (refusal) {
      await deny(taken.next, refusal);
      return true;
    }
    state = recordState.beginTurn(state, { ask: taken.next, token: uuid4(), grantedAt: now() });
    const { turn } = state;
    // Who is gone before it is told has touched nothing.
    if (turn && !(await tellGrant(turn))) state = recordState.withdraw(state, turn.runId);
    else if (turn) watchRun(turn, turn.token);
    return true;
  };

  const tellGrant = (turn: recordState.Turn): Promise<boolean> => {
    const granted: Granted = {
      token: turn.token,
      runId: turn.runId,
      record: recordState.viewOfRecord(state),
      timing: state.timing,
    };
    return tell(turn, signalNames.granted, granted);
  };

  const handle = async (message: Message): Promise<void> => {
    switch (message.kind) {
      case 'ask': {
        const { state: next, answer } = recordState.enqueue(state, message.ask);
        state = next;
        // Whether it is there or not: it may have touched much since it was told first, and its watch says when it is gone.
        if (answer.kind === 'already' && state.turn) await tellGrant(state.turn);
        if (answer.kind === 'denied') await deny(message.ask, answer.failure);
        return;
      }
      case 'withdraw':
        state = recordState.withdraw(state, message.runId);
        return;
      case 'commit': {
        const { commit } = message;
        const { state: next, answer } = recordState.applyCommit(state, commit);
        state = next;
        const debt = state.debts.find((each) => each.token === commit.token) ?? null;
        const publication = recordState.publicationOf(state);
        const committed: Committed = { token: commit.token, n: commit.n, ...answer, publication, debt };
        await tell(commit, signalNames.committed, committed);
        showPhase();
        if (state.phase === 'terminating')
          await denyAll(failure('UnknownVnf', `${state.vnf} is being terminated.`, { vnf: state.vnf }));
        return;
      }
      case 'yield':
        state = recordState.yieldTurn(state, message);
        return;
      case 'done':
        state = recordState.finish(state, { ...message, at: now() });
        return;
      case 'dead': {
        const { revision } = state;
        const { state: next, refusal } = recordState.bury(state, message.dead);
        state = next;
        if (state.revision > revision) publishDeaths();
        const failed = message.dead.members.filter(({ pool, ordinal }) =>
          own(state.pools, pool)?.failed.some((member) => member.ordinal === ordinal),
        );
        const { runId, evidence } = message.dead;
        const buried: Buried = { runId, evidence, failed, ...(refusal && { refusal }) };
        await tell(message.dead, signalNames.buried, buried);
        return;
      }
      case 'stuck':
        state = recordState.tellStuck(state, message);
        return;
      case 'audit':
        state = recordState.cleanUpAgain(state);
        return;
      case 'audited':
        state = recordState.tellAudited(state, message.audited);
        return;
      case 'published':
        publishing -= 1;
        return;
      case 'closed':
        watched.delete(message.token);
        state = recordState.vanish(state, message.token, now());
        return;
      case 'cleaned': {
        cleaning = false;
        const { token, result } = message;
        state =
          'error' in result
            ? recordState.cleanUpFailed(state, token, result.error)
            : recordState.cleanedUp(state, { token, nextOrdinals: result.nextOrdinals, at: now() });
      }
    }
  };

  const denyAll = async (refusal: Failure): Promise<void> => {
    const { queue } = state;
    state = { ...state, queue: [] };
    for (const ask of queue) await deny(ask, refusal);
  };

  /** One clean-up at a time, beside the loop: messages go on being answered meanwhile. */
  const beginCleaning = (): void => {
    const [first] = state.vanished;
    if (cleaning || !first) return;
    cleaning = true;
    const next = recordState.nextToCleanUp(state) ?? first;
    // Runs of earlier releases went in the order in which they vanished.
    const { token, attempts } = next === first || patched('groups-last') ? next : first;
    cleanUp(state, token, attempts).then(
      (result) => inbox.push({ kind: 'cleaned', token, result }),
      (error: unknown) => inbox.push({ kind: 'cleaned', token, result: { error: rootCause(error) ?? String(error) } }),
    );
  };

  for (;;) {
    for (let message = inbox.shift(); message; message = inbox.shift()) await handle(message);
    setCurrentDetails(recordDetails({ ...recordState.viewOf(state), publishing: publishing > 0 }));
    if (state.ended) {
      await denyAll(failure('UnknownVnf', `${state.vnf} does not exist (any more).`, { vnf: state.vnf }));
      if (inbox.length > 0) continue;
      upsertSearchAttributes(attributes({ phase: 'ended' }));
      return { revision: state.revision };
    }
    beginCleaning();
    // Under load somebody always has the turn, or has it for a day: whoever waits meanwhile writes history, and a run takes 10,000 signals.
    if (state.vanished.length === 0 && publishing === 0 && mustContinue() && mayContinue(state))
      await continueAsNew<typeof vnf>({ state });
    if (await grantNext()) continue;
    if (inbox.length > 0) continue;
    await condition(() => inbox.length > 0);
  }
}

/** Records of earlier releases waited for the end of a turn. */
function mayContinue({ turn }: RecordState): boolean {
  return turn === null || patched('continue-in-turn');
}

function mustContinue(): boolean {
  const { historyLength, continueAsNewSuggested } = workflowInfo();
  return continueAsNewSuggested || historyLength > recordState.limits.events;
}

function parse(name: string, arg: unknown): Message | null {
  switch (name) {
    case signalNames.ask: {
      const parsed = askSchema.safeParse(arg);
      return parsed.success ? { kind: 'ask', ask: parsed.data } : null;
    }
    case signalNames.withdraw: {
      const parsed = withdrawSchema.safeParse(arg);
      return parsed.success ? { kind: 'withdraw', runId: parsed.data.runId } : null;
    }
    case signalNames.commit: {
      const parsed = commitSchema.safeParse(arg);
      return parsed.success ? { kind: 'commit', commit: parsed.data } : null;
    }
    case signalNames.yield: {
      const parsed = yieldSchema.safeParse(arg);
      return parsed.success ? { kind: 'yield', ...parsed.data } : null;
    }
    case signalNames.done: {
      const parsed = doneSchema.safeParse(arg);
      return parsed.success ? { kind: 'done', ...parsed.data } : null;
    }
    case signalNames.dead: {
      const parsed = deadSchema.safeParse(arg);
      return parsed.success ? { kind: 'dead', dead: parsed.data } : null;
    }
    case signalNames.stuck: {
      const parsed = stuckSchema.safeParse(arg);
      return parsed.success ? { kind: 'stuck', ...parsed.data } : null;
    }
    case signalNames.audit:
      return { kind: 'audit' };
    case signalNames.audited: {
      const parsed = auditedSchema.safeParse(arg);
      return parsed.success ? { kind: 'audited', audited: parsed.data } : null;
    }
    default:
      return null;
  }
}

/** Says whether the message arrived: false means that this very run is gone. */
async function tell(run: RunRef, signal: string, message: unknown): Promise<boolean> {
  try {
    await getExternalWorkflowHandle(run.workflowId, run.runId).signal(signal, message);
    return true;
  } catch {
    return false;
  }
}

async function deny(ask: Ask, refusal: Failure): Promise<void> {
  const denied: Denied = { runId: ask.runId, failure: refusal };
  await tell(ask, signalNames.denied, denied);
}

async function cleanUp(state: RecordState, token: string, attempt: number): Promise<CleanUpResult> {
  const members = Object.values(state.pools).flatMap((pool) => [...pool.inService, ...pool.failed]);
  const owed = state.debts
    .filter((each) => each.token !== token)
    .flatMap((each) => each.stages.flat().flatMap((lot) => lot.members));
  const input: CleanUpInput = {
    vnf: state.vnf,
    deadToken: token,
    token: uuid4(),
    keepServerIds: [...members, ...owed].filter((member) => member.token === token).map((member) => member.serverId),
    keepGroupIds: serverGroupIds(state.groups),
    uncommittedPools: recordState.isUnborn(state) ? Object.keys(state.pools) : [],
    ...(state.phase === 'adopting' && { onlyMade: true }),
    ...sharesOf(state),
    debt: state.debts.find((each) => each.token === token) ?? null,
    publication: recordState.publicationOf(state),
    timing: state.timing,
  };
  const child = await startChild<(input: CleanUpInput) => Promise<CleanUpResult>>('audit', {
    workflowId: `audit:${state.vnf}:${token}:${String(attempt + 1)}`,
    args: [input],
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    staticSummary: `clean up after a vanished run of ${state.vnf}`,
  });
  return await child.result();
}
