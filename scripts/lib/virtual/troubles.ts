import { endOfFailure } from './ended';
import { isOfUndo } from './faults';
import { errorOf } from './payloads';
import { keyOf, personOf, stuckIn, type Person } from './person';
import type { Act } from './story';
import { vnfOf, type Run } from './temporal';
import type { CloudCall } from './worker';
import type { World } from './world';

/**
 * Runs that get into trouble on a night, one at a time: the cloud refuses what they would change, or undo, until a person has answered, as
 * docs/stuck.md has it. What others do to the run meanwhile is not foretold there.
 */
export interface Troubles {
  /** Without effect where another run is in trouble. */
  readonly begin: (run: Run, what: Extract<Act, { does: 'troubled' }>) => void;
  readonly isRefused: (call: CloudCall) => boolean;
  readonly meddled: (run: Run) => void;
  /** Whatever it is, it is mended. */
  readonly end: () => void;
  readonly problems: readonly string[];
}

interface Trouble {
  readonly what: Extract<Act, { does: 'troubled' }>;
  readonly run: Run;
  /** One for each run that is stuck: an evacuation may have several. */
  readonly personFor: (run: Run) => Person;
  readonly vnfs: Set<string>;
  readonly seen: Set<string>;
  /** What was in the way is in the way no longer. */
  mended: boolean;
  /** Since when none of its runs is at work. */
  overSince: number | undefined;
}

const looksMs = 10_000;
/** Three clean-ups have failed by then. */
const cleanUpsMs = 3_600_000;

export function openTroubles(world: World, later: (() => Promise<void>)[]): Troubles {
  const { temporal, time } = world;
  const problems: string[] = [];
  const meddledWith = new Set<Run>();
  let trouble: Trouble | undefined;

  const isOf = ({ run }: Trouble, workflowId: string): boolean =>
    workflowId === run.workflowId || temporal.latest(workflowId)?.parent?.run.workflowId === run.workflowId;
  const isCleanUp = ({ what, vnfs }: Trouble, workflowId: string): boolean =>
    what.cleanUps && [...vnfs].some((vnf) => vnf !== '' && workflowId.startsWith(`audit:${vnf}:`));

  /** Who is stuck ends so, unless a person has mended what was in the way or done it by hand. */
  const judge = (run: Run): void => {
    temporal.whenClosed(run, () => {
      if (meddledWith.has(run)) return;
      const outcome =
        run.status === 'COMPLETED' ? 'completed' : endOfFailure(run.status, errorOf(run.failure ?? {})).outcome;
      if (outcome !== 'stuck') problems.push(`${run.workflowId} was stuck and given up, and ended ${outcome}`);
    });
  };

  const attend = async (of: Trouble, run: Run): Promise<void> => {
    if (stuckIn(run) === null || meddledWith.has(run)) return;
    const person = of.personFor(run);
    const told = person.problems.length;
    await person.attend(run);
    if (!meddledWith.has(run)) problems.push(...person.problems.slice(told));
  };

  const look = (): void => {
    if (!trouble) return;
    const of = trouble;
    const atWork = [...temporal.runs.values()].filter((run) => run.status === 'RUNNING' && isOf(of, run.workflowId));
    for (const run of atWork) {
      of.vnfs.add(vnfOf(run));
      const view = stuckIn(run);
      if (!view || of.seen.has(keyOf(run, view))) continue;
      of.seen.add(keyOf(run, view));
      if (of.what.answer === 'givenUp' || of.what.answer === 'unanswered') judge(run);
      if (of.what.answer === 'unanswered') continue;
      time.after(of.what.afterSeconds * 1_000, () => later.push(() => attend(of, run)));
    }
    if (atWork.length > 0) of.overSince = undefined;
    else {
      of.overSince ??= time.now();
      if (!of.what.cleanUps || time.now() - of.overSince > cleanUpsMs) {
        trouble = undefined;
        return;
      }
    }
    time.after(looksMs, look);
  };

  return {
    begin: (run, what) => {
      if (trouble) return;
      const persons = new Map<Run, Person>();
      const personFor = (of: Run): Person => {
        const person =
          persons.get(of) ??
          personOf({
            ...{ world, vnf: vnfOf(of), pool: '', answer: what.answer, isBlind: false },
            mend: () => {
              begun.mended = true;
            },
            isConcerned: () => false,
          });
        persons.set(of, person);
        return person;
      };
      const begun: Trouble = {
        ...{ what, run, personFor, vnfs: new Set(), seen: new Set(), mended: false, overSince: undefined },
      };
      trouble = begun;
      if (what.trouble === 'undoFails') temporal.cancel(run);
      look();
    },
    isRefused: (call) => {
      if (!trouble || trouble.mended || call.method === 'GET') return false;
      if (!isOf(trouble, call.workflowId) && !isCleanUp(trouble, call.workflowId)) return false;
      if (trouble.what.trouble === 'undoFails') return isOfUndo(trouble.run.type, call);
      // Nor publication: who dies after a commit, and is not published for as long, is nobody's loss as far as a checker sees.
      return !call.path.startsWith('/identity') && !call.path.startsWith('/bulkhead');
    },
    meddled: (run) => {
      meddledWith.add(run);
      for (const child of run.children.values()) meddledWith.add(child);
    },
    end: () => {
      trouble = undefined;
    },
    problems,
  };
}
