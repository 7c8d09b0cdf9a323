import type { Ended } from './ended';
import type { CloudCall } from './worker';

/** What can go wrong at a moment of a procedure, and how it may end then. */

const callFaults = ['lostBefore', 'lostAfter', 'late', 'failsOften', 'tokensExpired'] as const;
const runFaults = [
  'workerKilled',
  'workerStopped',
  'cancelled',
  'terminated',
  'terminatedAndCleanUpToo',
  'reset',
  'temporalAway',
  'cancelledAndUndoFailsOnce',
  'cancelledAndUndoFails',
] as const;
/** They befall the record, while there is one. */
const recordFaults = ['recordHeld', 'recordContinued', 'recordTerminated'] as const;
/** They befall the run of one VNF that an evacuation has begun. */
const childFaults = ['childTerminated', 'childCancelled'] as const;
/** What the cloud does to the next server that it is asked for: they befall a run at its beginning. */
const createFaults = ['misplace'] as const;
/** The same also of one that Nova is to move. */
const buildFaults = ['buildError', 'stuckBuild', 'noValidHost'] as const;
const serverFaults = [...createFaults, ...buildFaults] as const;

/**
 * What a person answers to a run that is stuck. `blocked`: it is given up, and what cleans up behind it fails as well. `unanswered`: nobody
 * says anything.
 */
export const answers = ['retried', 'skipped', 'givenUp', 'blocked', 'unanswered'] as const;
export type Answer = (typeof answers)[number];
/**
 * Each for as long as the run lasts. `undoFails`: it is cancelled. `cloudFails`: the cloud refuses whatever would change it. `loginFails`: all
 * tokens have expired, and who asks for one is refused.
 */
export type Trouble = 'undoFails' | 'cloudFails' | 'loginFails';

/** What a person can do about it is to give it a right password, and then it is one of the others. */
const loginFaults = ['loginFails:retried', 'loginFails:givenUp'] as const;

export type CallFault = (typeof callFaults)[number];
export type StuckFault = `${Trouble}:${Answer}`;
/** All of them, by name. */
export const faults: readonly Fault[] = [
  ...callFaults,
  ...runFaults,
  ...recordFaults,
  ...childFaults,
  ...serverFaults,
  ...answers.flatMap((answer) => [`undoFails:${answer}`, `cloudFails:${answer}`] as const),
  ...loginFaults,
];
export type Fault =
  | CallFault
  | (typeof runFaults)[number]
  | (typeof recordFaults)[number]
  | (typeof childFaults)[number]
  | (typeof serverFaults)[number]
  | StuckFault;

/** One moment of a procedure, in words. */
export interface Moment {
  readonly kind: 'call' | 'activity' | 'message';
  readonly at: 'before' | 'after' | 'begins' | 'ends';
  readonly what: string;
  /** It is one of the run of one VNF that an evacuation has begun. */
  readonly inChild: boolean;
  /** The VNF has a record at that moment. */
  readonly hasRecord: boolean;
}

/** What can befall a run there. A step is where a cancel may make a difference to what is undone; a call that changes nothing cannot be refused for that. */
export function faultsAt(moment: Moment): Fault[] {
  const isCall = moment.kind === 'call';
  const wants = isCall && moment.at === 'before';
  return [
    ...(wants ? callFaults.filter((fault) => fault !== 'lostAfter') : []),
    ...(isCall && moment.at === 'after' ? (['lostAfter'] as const) : []),
    ...runFaults,
    ...(moment.hasRecord ? recordFaults : []),
    ...(moment.inChild ? childFaults : []),
    ...(moment.kind === 'activity' ? answers.map((answer) => `undoFails:${answer}` as const) : []),
    ...(wants && !/ GET | POST \/identity/.test(moment.what)
      ? answers.map((answer) => `cloudFails:${answer}` as const)
      : []),
    ...(wants ? loginFaults : []),
  ];
}

/** What can befall the servers that a run has made or moved, by all of its moments. */
export function serverFaultsIn(moments: readonly Moment[]): Fault[] {
  const isAt = (activity: string): boolean =>
    moments.some(({ kind, what }) => kind === 'activity' && what === activity);
  return [...(isAt('launch') ? createFaults : []), ...(isAt('launch') || isAt('evacuate') ? buildFaults : [])];
}

export function isOfCalls(fault: Fault): fault is CallFault {
  return callFaults.some((each) => each === fault);
}

export function isOfRecord(fault: Fault): boolean {
  return recordFaults.some((each) => each === fault);
}

/** Few, and each another way of a server to fail. */
export function isOfServers(fault: Fault): boolean {
  return serverFaults.some((each) => each === fault);
}

const undoes: readonly string[] = ['removeByToken', 'removeGroups', 'reopenHosts', 'unfenceHosts'];

/** Adopt's own takes off again what was put on. A restoreHost does what undoes the closing, and has none. */
export function isOfUndo(procedure: string, { activity, method }: Pick<CloudCall, 'activity' | 'method'>): boolean {
  if (procedure === 'restoreHost') return false;
  return undoes.includes(activity) || (activity === 'markMembers' && method === 'DELETE');
}

/** One that lasts until a person has answered. */
export function isLasting(fault: Fault): fault is StuckFault {
  return fault.includes(':');
}

export function partsOf(fault: StuckFault): { readonly trouble: Trouble; readonly answer: Answer } {
  const [trouble, answer] = fault.split(':') as [Trouble, Answer];
  return { trouble, answer };
}

/** Faults after which a repeat finds what was made before. */
export const seesWhatItMade: readonly Fault[] = [
  'lostBefore',
  'lostAfter',
  'tokensExpired',
  'workerKilled',
  'temporalAway',
];

/** How a run may end where it does not complete. */
const otherEnds: Partial<Record<Fault, readonly Ended['outcome'][]>> = {
  late: ['unwound'],
  failsOften: ['refused', 'unwound', 'stuck'],
  reset: ['refused', 'unwound', 'stuck'],
  recordTerminated: ['refused', 'unwound', 'stuck'],
  cancelled: ['cancelled'],
  cancelledAndUndoFailsOnce: ['cancelled'],
  cancelledAndUndoFails: ['cancelled', 'stuck'],
  terminated: ['vanished'],
  terminatedAndCleanUpToo: ['vanished'],
  childTerminated: ['refused', 'unwound', 'stuck'],
  childCancelled: ['refused', 'unwound', 'cancelled'],
};

/** Which way a run has to go from there: before its pivot, which is its last commit, back, and after it forward. */
export type Way = 'back' | 'forward';

/** Undefined where it commits nothing, or is so near to it that what befalls it there may be heard of before or after. */
export function wayFrom(moments: readonly Moment[], index: number): Way | undefined {
  const commit = moments.findLastIndex(({ what, at }) => at === 'before' && what.startsWith('commit from '));
  if (commit === -1) return undefined;
  const committed = moments.findLastIndex(({ what, at }) => at === 'after' && what.startsWith('committed from '));
  if (index >= committed) return 'forward';
  const pivot = lastToHearOf(moments, commit);
  const later = moments.slice(index + 1, pivot).filter(({ kind, at }) => kind === 'activity' && at === 'ends');
  // A child hears of it from the run that has begun it.
  return later.length > (moments[index]?.inChild ? 1 : 0) ? 'back' : undefined;
}

/** From where a cancel cannot be heard any more: Nova cannot be asked to move anybody back, and where nobody is launched beside them, that was all. */
function lastToHearOf(moments: readonly Moment[], commit: number): number {
  const moves = moments.findIndex(({ what, at }) => what === 'evacuate' && at === 'begins');
  return moves === -1 || moments.some(({ what }) => what === 'launch') ? commit : moves;
}

/** What cancels a run, which is the only thing by which one that could go on has to go back. */
const cancels: readonly Fault[] = ['cancelled', 'cancelledAndUndoFailsOnce', 'cancelledAndUndoFails'];
/** They take from a run what it knew, or who knew it. */
const forgets: readonly (Fault | undefined)[] = ['reset', 'recordTerminated'];
const backwards: readonly Ended['outcome'][] = ['refused', 'unwound', 'cancelled'];

/** `gotStuck`: a person was asked on the way. */
export function outcomesAfter(
  fault: Fault | undefined,
  { gotStuck, way }: { readonly gotStuck: boolean; readonly way: Way | undefined },
): readonly Ended['outcome'][] {
  const all = outcomesOf(fault, gotStuck);
  if (way === 'forward' && !forgets.includes(fault)) return all.filter((outcome) => !backwards.includes(outcome));
  const isCancelled =
    fault !== undefined && (cancels.includes(fault) || (isLasting(fault) && partsOf(fault).trouble === 'undoFails'));
  return way === 'back' && isCancelled ? all.filter((outcome) => outcome !== 'completed') : all;
}

function outcomesOf(fault: Fault | undefined, gotStuck: boolean): readonly Ended['outcome'][] {
  if (fault && isLasting(fault)) {
    const { trouble, answer } = partsOf(fault);
    if (gotStuck && answer !== 'retried' && answer !== 'skipped') return ['stuck'];
    return trouble === 'undoFails' ? ['completed', 'cancelled'] : ['completed', 'refused', 'unwound'];
  }
  return ['completed', ...((fault && otherEnds[fault]) ?? [])];
}
