import {
  ApplicationFailure,
  CancellationScope,
  condition,
  defineSignal,
  getExternalWorkflowHandle,
  isCancellation,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { z } from 'zod';
import { failure, type Failure } from '../domain/failure';
import { recordWorkflowId } from '../domain/names';
import { childStuckSignal, type ChildStuck, type StuckNote } from '../domain/stuck';
import {
  signalNames,
  type Ask,
  type Audited,
  type Buried,
  type Commit,
  type Committed,
  type Dead,
  type Denied,
  type Granted,
  type RunRef,
} from '../domain/turn';
import { now } from './clock';
import { toApplicationFailure } from './failures';

/**
 * A run's side of the turn's protocol: what it sends to the record of its VNF, and the answers it waits for. One channel
 * for a run, opened before anything is sent, since handlers must stand when the answer comes.
 */

/**
 * Enough to tell an answer of the record from anything else: what the record sends is taken as it is. The run id in it is not
 * looked at: a run that a reset made has another, and replays the answers of the one before.
 */
const like = <T>(shape: z.ZodRawShape) => {
  const schema = z.looseObject(shape);
  return z.custom<T>((given) => schema.safeParse(given).success);
};
const anyObject = z.looseObject({});
const answers = {
  granted: like<Granted>({ token: z.string(), runId: z.string(), record: anyObject, timing: anyObject }),
  denied: like<Denied>({ runId: z.string(), failure: z.looseObject({ kind: z.string(), message: z.string() }) }),
  committed: like<Committed>({ token: z.string(), n: z.number(), ok: z.boolean(), publication: anyObject }),
  buried: like<Buried>({ runId: z.string(), failed: z.array(anyObject) }),
};

export interface Channel {
  readonly self: RunRef;
  /** Waits for the turn. Throws Busy, UnknownVnf, Stuck as refusals; a cancel withdraws. */
  ask(ask: Wish): Promise<Granted>;
  /** Sent again until it is answered; within a bound. Non-cancellable: the pivot is not left half done. */
  commit(commit: Omit<Commit, 'workflowId' | 'runId'>): Promise<Committed>;
  yieldTurn(token: string): Promise<void>;
  done(end: { token: string; outcome: string; nextOrdinals?: Record<string, number> }): Promise<void>;
  /**
   * Says that the run is stuck, or (null) no longer, so that the record can say why nobody else gets the turn. Nobody answers; where
   * another run of Bulkhead waits for this one, that is told as well.
   */
  stuck(token: string, note: StuckNote | null): Promise<void>;
  /** What an audit has found and left, for whoever looks at the record. A record that is gone is not told. */
  audited(found: Audited): Promise<void>;
  /** Reports deaths; needs no turn. */
  bury(report: Pick<Dead, 'members' | 'evidence'>): Promise<Buried>;
}

export interface Wish extends Pick<Ask, 'procedure' | 'class' | 'ifBusy'> {
  readonly waitSeconds: number;
  /** The first ask has travelled with the start of the record (instantiate). */
  readonly sent?: boolean;
}

/** What Temporal says of a run that has had as many signals as one may have. */
const signalLimit = 'SignalCountLimitExceeded';

const askAgainSeconds = 20;
const answerAgainSeconds = 5;
/** A record that answers nothing for this long is not there: nothing is undone, a person must look. */
const answerTriesMax = 120;

export function openChannel(vnf: string): Channel {
  const { workflowId, runId, workflowType, parent } = workflowInfo();
  const self: RunRef = { workflowId, runId };
  const record = getExternalWorkflowHandle(recordWorkflowId(vnf));
  /** Tokens of turns that this run has had: a grant that is told twice is taken once. */
  const had = new Set<string>();
  let granted: Granted | undefined;
  let denied: Denied | undefined;
  const committed = new Map<string, Committed>();
  /** By the evidence of the report; `older` are answers of records that did not say. */
  const buried = new Map<Dead['evidence'] | 'older', Buried>();

  /** Answers of the record to this very run. Anybody can send a signal: what is no answer is dropped. */
  const onAnswer = <T>(name: string, schema: z.ZodType<T>, take: (answer: T) => void): void => {
    setHandler(defineSignal<[unknown]>(name), (given) => {
      const answer = schema.safeParse(given);
      if (answer.success) take(answer.data);
    });
  };
  onAnswer(signalNames.granted, answers.granted, (answer) => {
    if (!had.has(answer.token)) granted = answer;
  });
  onAnswer(signalNames.denied, answers.denied, (answer) => {
    denied = answer;
  });
  onAnswer(signalNames.committed, answers.committed, (answer) => {
    const key = `${answer.token}/${String(answer.n)}`;
    if (!committed.has(key)) committed.set(key, answer);
  });
  onAnswer(signalNames.buried, answers.buried, (answer) => {
    buried.set(answer.evidence ?? 'older', answer);
  });

  const send = async (signal: string, message: unknown): Promise<void> => {
    try {
      await record.signal(signal, message);
    } catch (error) {
      if (isCancellation(error)) throw error;
      // The record is there, and takes messages again when it has continued as new: who waits for an answer asks again.
      if (error instanceof ApplicationFailure && error.type === signalLimit) return;
      throw toApplicationFailure(unknownVnf(vnf), 'refused');
    }
  };

  const take = (): Granted | undefined => {
    if (denied) throw toApplicationFailure(denied.failure, 'refused');
    if (!granted) return undefined;
    const taken = granted;
    had.add(taken.token);
    granted = undefined;
    return taken;
  };

  const ask = async ({ waitSeconds, sent, ...wish }: Wish): Promise<Granted> => {
    const message: Ask = { ...self, ...wish, since: now() };
    try {
      for (let waited = 0; waited < waitSeconds; waited += askAgainSeconds) {
        if (waited > 0 || !sent) await send(signalNames.ask, message);
        await condition(
          () => granted !== undefined || denied !== undefined,
          Math.min(askAgainSeconds, waitSeconds - waited) * 1_000,
        );
        const taken = take();
        if (taken) return taken;
      }
    } catch (error) {
      if (isCancellation(error)) await withdraw();
      throw error;
    }
    await withdraw();
    throw toApplicationFailure(
      failure('Busy', `${vnf} was busy for ${String(waitSeconds)} s. Ask again later, or with a larger waitSeconds.`, {
        vnf,
      }),
      'refused',
    );
  };

  /** A grant on its way is given back by the same message: the record takes it as the end of an untouched turn. */
  const withdraw = (): Promise<void> =>
    CancellationScope.nonCancellable(() => send(signalNames.withdraw, { runId }).catch(() => undefined));

  return {
    self,
    ask,
    commit: (commit) =>
      CancellationScope.nonCancellable(async () => {
        const key = `${commit.token}/${String(commit.n)}`;
        for (let tries = 0; tries < answerTriesMax; tries++) {
          await send(signalNames.commit, { ...commit, ...self });
          await condition(() => committed.has(key), answerAgainSeconds * 1_000);
          const answer = committed.get(key);
          if (answer?.ok) return answer;
          if (answer) throw toApplicationFailure(turnLost(vnf, answer.reason), 'stuck');
        }
        throw toApplicationFailure(
          failure(
            'Stuck',
            `The record of ${vnf} does not answer. Look at the workflow ${recordWorkflowId(vnf)}; nothing was undone.`,
            { vnf },
          ),
          'stuck',
        );
      }),
    yieldTurn: (token) => send(signalNames.yield, { token, runId }),
    // Also said by a run that was cancelled meanwhile: else it would be taken for one that vanished.
    done: (end) => CancellationScope.nonCancellable(() => send(signalNames.done, { ...end, runId })),
    stuck: (token, note) =>
      CancellationScope.nonCancellable(async () => {
        // A record that is gone is no news here: who waits for a person says so by itself.
        await send(signalNames.stuck, { token, note }).catch(() => undefined);
        if (!parent || workflowType !== 'evacuateVnf') return;
        const told: ChildStuck = { vnf, workflowId, note };
        await getExternalWorkflowHandle(parent.workflowId)
          .signal(childStuckSignal, told)
          .catch(() => undefined);
      }),
    audited: async (found) => {
      await send(signalNames.audited, found).catch((error: unknown) => {
        if (isCancellation(error)) throw error;
      });
    },
    bury: async (report) => {
      buried.clear();
      const answered = (): Buried | undefined => buried.get(report.evidence) ?? buried.get('older');
      for (let tries = 0; tries < answerTriesMax; tries++) {
        await send(signalNames.dead, { ...report, ...self });
        await condition(() => answered() !== undefined, answerAgainSeconds * 1_000);
        const answer = answered();
        if (answer?.refusal) throw toApplicationFailure(answer.refusal, 'refused');
        if (answer) return answer;
      }
      throw toApplicationFailure(failure('Stuck', `The record of ${vnf} does not answer.`, { vnf }), 'stuck');
    },
  };
}

export function unknownVnf(vnf: string): Failure {
  return failure(
    'UnknownVnf',
    `There is no VNF ${vnf}. Instantiate it first, or look at the list of VNFs for the right id.`,
    { vnf },
  );
}

function turnLost(vnf: string, reason: string | undefined): Failure {
  return failure(
    'TurnLost',
    `This run does not hold the turn of ${vnf} (any more): ${reason ?? 'it was cleaned up'}. Nothing was undone by it.`,
    { vnf },
  );
}
