import {
  CancellationScope,
  condition,
  defineQuery,
  defineUpdate,
  log,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { failure, type Failure } from '../domain/failure';
import { plain } from '../domain/markdown';
import { bulkheadCommand } from '../domain/shell';
import { shown } from '../domain/shown';
import {
  leftSaid,
  lineOf,
  runQuery,
  type ChildStuck,
  type Leftover,
  type RunView,
  type StuckAnswer,
  type StuckNote,
  type StuckTold,
  type StuckView,
} from '../domain/stuck';
import { stuckLimitSeconds, type Timing } from '../domain/timing';
import { inSeconds } from './clock';
import { childrenDetails, stuckDetails } from './details';
import { asFailure, toApplicationFailure } from './failures';
import { mark, say } from './progress';

/**
 * Where a run that is stuck waits for a person. What there is no way around (an undo, what comes after the pivot) is done through it: when
 * that has failed for the whole of its time, the run says so wherever somebody may look, keeps what it holds, and waits for one of three
 * updates. One desk for a run, opened before anything is done that may get stuck.
 *
 * - `retry`: it is tried again, for as long as the first time.
 * - `skip`: somebody has done it by hand. The cloud is looked at first; what is left is said, and the run goes on waiting.
 * - `giveUp`: the run ends as Stuck, and who watches it cleans up behind it. So it does when it is cancelled, and when nobody has answered in time.
 *
 * The first answer counts. One that comes just as the time is over counts as well, and so does a skip that is being looked at then.
 */
export interface Desk {
  /**
   * Does it, as often as a person says so. Called out of reach of any cancel: one that comes while it is stuck gives it up. Undefined where
   * it was skipped. Throws Stuck where it was given up, and TurnLost where it is not this run's to do.
   */
  readonly insist: <T>(task: Task<T>) => Promise<T | undefined>;
  /** A run that this one waits for is stuck, or no longer: whoever looks at this one is told. */
  readonly childTold: (child: ChildStuck) => void;
}

export interface Task<T> {
  /** In words: `undo of launch`. */
  readonly step: string;
  readonly action: () => Promise<T>;
  /** Why the run goes back, where it does. */
  readonly reason?: Failure | undefined;
  /** What is left of it. Null: the cloud cannot tell whether it is done, and so it cannot be skipped. */
  readonly look: (() => Promise<readonly Leftover[]>) | null;
  /** What is known to be left before the cloud has been looked at. */
  readonly known?: readonly Leftover[];
  /** Of the failure, once it is given up. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** What to do once it is given up. */
  readonly afterwards: (error: Failure) => string;
  readonly timing: Timing;
  /** Whoever else has to know. Null: no longer. */
  readonly tell?: (note: StuckNote | null) => Promise<void>;
}

const updates = {
  retry: defineUpdate<StuckTold>('retry'),
  skip: defineUpdate<StuckTold>('skip'),
  giveUp: defineUpdate<StuckTold>('giveUp'),
} as const;
const statusQuery = defineQuery<RunView>(runQuery);

/** A person has had every chance by then, and a history is not without end. */
const retriesMax = 50;

interface Waiting {
  readonly look: Task<unknown>['look'];
  view: StuckView;
  answer: StuckAnswer | undefined;
  cancelled: boolean;
  /** Skips that are being looked at. */
  looking: number;
}

/** `what`: `scaleOut of ims1`. */
export function openDesk(what: string): Desk {
  const { workflowId } = workflowInfo();
  /** What a cancel is asked of. The work itself is out of its reach. */
  const scope = CancellationScope.current();
  const children = new Map<string, ChildStuck & { readonly note: StuckNote }>();
  let waiting: Waiting | undefined;
  let hasGivenUp = false;

  const show = (): void => {
    if (waiting) say(stuckDetails(what, waiting.view));
    else if (children.size > 0) say(childrenDetails(what, [...children.values()]));
  };

  /** Throws where nobody is waited for: it stands in validators, and once more in handlers, since of two that came together the first counts. */
  const waitingFor = (answer: StuckAnswer): Waiting => {
    if (!waiting || waiting.answer !== undefined) {
      const why = waiting ? `${what} has just been told ${waiting.answer ?? ''}` : `${what} is not stuck`;
      const child = waiting ? undefined : [...children.values()][0];
      const hint = child ? ` The run that is stuck is ${shown(child.workflowId)}: tell that one.` : '';
      throw refusal(`${why}, so there is nothing to ${answer}.${hint}`);
    }
    if (!waiting.view.may.includes(answer))
      throw refusal(
        `${waiting.view.step} of ${what} cannot be told ${answer}: ${whyNot(answer)} ${waiting.view.remedy}`,
      );
    return waiting;
  };

  const told = (at: Waiting, answer: StuckAnswer): StuckTold => {
    at.answer = answer;
    log.info(`told ${answer}`, { step: at.view.step });
    return { step: at.view.step, answer };
  };

  const skip = async (): Promise<StuckTold> => {
    const at = waitingFor('skip');
    at.looking += 1;
    try {
      const left = await looked(at.look);
      at.view = { ...at.view, left };
      show();
      // Somebody may have answered otherwise while the cloud was looked at.
      if (waiting !== at || at.answer !== undefined) waitingFor('skip');
      if (left.length > 0)
        throw toApplicationFailure(
          failure(
            'Stuck',
            `${at.view.step} of ${what} cannot be skipped: there are still ${leftSaid(left)}. Remove them and skip again.`,
            {
              step: at.view.step,
              left,
            },
          ),
          'refused',
        );
      return told(at, 'skip');
    } finally {
      at.looking -= 1;
    }
  };

  setHandler(statusQuery, () => ({
    schema: 1,
    what,
    stuck: waiting && waiting.answer === undefined ? waiting.view : null,
    stuckChildren: [...children.values()],
  }));
  for (const answer of ['retry', 'giveUp'] as const)
    setHandler(updates[answer], () => told(waitingFor(answer), answer), {
      validator: () => {
        waitingFor(answer);
      },
      description: `of a run that is stuck: ${answer}`,
    });
  setHandler(updates.skip, skip, {
    validator: () => {
      waitingFor('skip');
    },
    description: 'of a run that is stuck: it was done by hand',
  });

  const askPerson = async (task: Task<unknown>, error: Failure, retries: number): Promise<Waiting> => {
    const seconds = stuckLimitSeconds(task.timing);
    const at: Waiting = {
      look: task.look,
      view: viewOf({ workflowId, task, error, retries, until: inSeconds(seconds) }),
      answer: undefined,
      cancelled: false,
      looking: 0,
    };
    waiting = at;
    const { step, until } = at.view;
    // One that was cancelled before has gone back for it, or goes forward all the same.
    if (!scope.consideredCancelled)
      scope.cancelRequested.catch(() => {
        at.cancelled = true;
      });
    log.warn(`stuck in ${step}: ${error.message}`, {
      step,
      until,
      reason: task.reason?.message ?? null,
      remedy: at.view.remedy,
    });
    mark({ phase: 'stuck' });
    show();
    lookBeside(at);
    await task.tell?.({ step: lineOf(step), message: lineOf(error.message), until });
    await condition(() => at.answer !== undefined || at.cancelled, seconds * 1_000);
    // Who is being answered is answered first: the run may end right after this.
    await condition(() => at.looking === 0);
    waiting = undefined;
    return at;
  };

  /** What is left is said when the cloud has said it; the wait has begun by then. */
  const lookBeside = (at: Waiting): void => {
    if (!at.look) return;
    looked(at.look).then(
      (left) => {
        at.view = { ...at.view, left };
        if (waiting === at) show();
      },
      (error: unknown) => {
        if (asFailure(error) === undefined) throw error;
      },
    );
  };

  const insist = async <T>(task: Task<T>): Promise<T | undefined> => {
    for (let retries = 0; ; retries++) {
      try {
        return await task.action();
      } catch (error) {
        const second = asFailure(error);
        if (second === undefined) throw error;
        // What is another's by now is nothing that a person could let this run do.
        if (second.kind === 'TurnLost') throw toApplicationFailure(second, 'stuck');
        const cause = error instanceof Error ? error : undefined;
        if (hasGivenUp || retries >= retriesMax)
          throw givenUp({ what, task, error: second, cause, left: task.known ?? null });
        const { answer, view, cancelled } = await askPerson(task, second, retries);
        hasGivenUp = answer !== 'retry' && answer !== 'skip';
        if (hasGivenUp) {
          log.warn(`given up: ${task.step}`, { by: answer ? 'told to' : cancelled ? 'cancelled' : 'nobody answered' });
          throw givenUp({ what, task, error: second, cause, left: view.left });
        }
        mark({ phase: 'resumed' });
        say(plain(`${what}: ${answer === 'skip' ? 'skipped' : 'trying again'}: ${task.step}`));
        await task.tell?.(null);
        if (answer === 'skip') return undefined;
      }
    }
  };

  const childTold = ({ vnf, workflowId: id, note }: ChildStuck): void => {
    if (note) {
      children.set(id, { vnf, workflowId: id, note });
      log.warn(`waiting for ${id}, which is stuck in ${note.step}: ${note.message}`);
    } else if (!children.delete(id)) return;
    if (children.size > 0) show();
    else say(`${plain(what)}: none of the runs that it waits for is stuck any more`);
  };

  return { insist, childTold };
}

/** Out of reach of any cancel. A cloud that does not answer is no leave to skip. */
async function looked(look: Waiting['look']): Promise<readonly Leftover[]> {
  if (!look) return [];
  try {
    return await CancellationScope.nonCancellable(look);
  } catch (error) {
    const reason = asFailure(error);
    if (reason === undefined) throw error;
    throw toApplicationFailure(
      { ...reason, message: `What is left could not be looked at: ${reason.message}` },
      'refused',
      error instanceof Error ? error : undefined,
    );
  }
}

function refusal(message: string): Error {
  return toApplicationFailure(failure('InvalidRequest', message), 'refused');
}

function whyNot(answer: StuckAnswer): string {
  return answer === 'skip' ? 'the cloud cannot tell whether it was done by hand.' : '';
}

function viewOf(of: {
  workflowId: string;
  task: Task<unknown>;
  error: Failure;
  retries: number;
  until: string;
}): StuckView {
  const { workflowId, task, error, retries, until } = of;
  const { step, reason, look, known } = task;
  const may: readonly StuckAnswer[] = look ? ['retry', 'skip', 'giveUp'] : ['retry', 'giveUp'];
  const command = (name: string): string => `"${bulkheadCommand(name, workflowId)}"`;
  const bySkip = look ? `, or do it by hand and run ${command('skip')}` : '';
  const remedy = `Mend what is in the way and run ${command('retry')}${bySkip}. With ${command('give-up')}, or at ${until}, it ends as Stuck.`;
  return { step, error, reason: reason ?? null, left: known ?? null, retries, until, may, remedy };
}

function givenUp(of: {
  what: string;
  task: Task<unknown>;
  error: Failure;
  cause: Error | undefined;
  left: readonly Leftover[] | null;
}): Error {
  const { what, task, error, cause, left } = of;
  return toApplicationFailure(
    failure('Stuck', `${what} is stuck in ${task.step}: ${error.message}`, {
      ...task.details,
      step: task.step,
      error,
      ...(task.reason && { reason: task.reason }),
      left: left ?? [],
      remedy: task.afterwards(error),
    }),
    'stuck',
    cause,
  );
}
