import { reasonOf, type Over } from './deadline';

/**
 * What every request passes on its way to the cloud: so many under way at once, so many begun within a second. Who waits is served in
 * order within a lane, and the lanes in turns, so that many looks never keep a change waiting, nor many changes a look.
 */
export interface Limits {
  /** Under way at once. 0: nothing is begun. */
  readonly calls: number;
  /** Begun within any one second. Null: as many as come. */
  readonly perSecond: number | null;
  /** Nothing is begun after this, by `performance.now()`, until it is told anew. */
  readonly until?: number;
}

/** `change`: what is waited for by others. `look`: one of many that look again and again. */
export const lanes = ['change', 'look'] as const;
export type Lane = (typeof lanes)[number];

export interface Gate {
  /** Waits for its turn. Gives what is to be called when the request is over. Throws the signal's reason where that comes first. */
  readonly enter: (of: { readonly lane: Lane; readonly signal: Over }) => Promise<() => void>;
  /** Of what is under way already, nothing is taken back. */
  readonly set: (limits: Limits) => void;
  readonly underWay: () => number;
  /** Those that count for the rate: under way, or over within the last second. */
  readonly recent: () => number;
  readonly waiting: () => number;
  /** Told of every request that comes, before it waits. */
  readonly onEnter: (listener: () => void) => void;
}

/**
 * A request counts from when it begins until a second after it is over. Somewhere in between it comes in, so that those that come in
 * within any one second all count at the same time: the cloud never gets more than was set, however long each is on its way.
 */
export const countsAfterMs = 1_010;
/** Of a second's requests, as many may begin at once; the others evenly. */
const burstSeconds = 0.1;

export function createGate(first: Limits): Gate {
  let limits = first;
  let running = 0;
  /** When those were over that count still; oldest first. */
  const over: number[] = [];
  /** When the next one may begin where nobody is early. */
  let due = 0;
  let last: Lane = 'look';
  let timer: NodeJS.Timeout | undefined;
  const waiting: Readonly<Record<Lane, Set<() => void>>> = { change: new Set(), look: new Set() };
  const listeners = new Set<() => void>();

  const next = (): { lane: Lane; begin: () => void } | undefined => {
    for (const lane of last === 'look' ? lanes : [...lanes].reverse()) {
      const [begin] = waiting[lane];
      if (begin) return { lane, begin };
    }
    return undefined;
  };

  const recent = (): number => {
    const now = performance.now();
    while (over[0] !== undefined && over[0] + countsAfterMs <= now) over.shift();
    return running + over.length;
  };

  /** Milliseconds until the rate lets one more begin; Infinity where that takes the end of another one. */
  const waitMs = (perSecond: number): number => {
    const now = performance.now();
    if (recent() < perSecond) return due - burstSeconds * 1_000 - now;
    return over[0] === undefined ? Infinity : over[0] + countsAfterMs - now;
  };

  /** Milliseconds until one more may begin; Infinity where that takes the end of another one, or another word on the limits. */
  const closedMs = (): number => {
    const { calls, perSecond, until = Infinity } = limits;
    if (running >= calls || (until !== Infinity && performance.now() > until)) return Infinity;
    return perSecond === null ? 0 : waitMs(perSecond);
  };

  const begins = (): void => {
    running += 1;
    if (limits.perSecond !== null) due = Math.max(performance.now(), due) + 1_000 / limits.perSecond;
  };

  const admit = (): void => {
    clearTimeout(timer);
    timer = undefined;
    for (let one = next(); one; one = next()) {
      const wait = closedMs();
      if (wait > 0) {
        if (wait < Infinity) timer = setTimeout(admit, Math.ceil(wait));
        return;
      }
      waiting[one.lane].delete(one.begin);
      last = one.lane;
      begins();
      one.begin();
    }
  };

  const once = (): (() => void) => {
    let left = false;
    return () => {
      if (left) return;
      left = true;
      running -= 1;
      if (limits.perSecond !== null) over.push(performance.now());
      admit();
    };
  };

  return {
    enter: async ({ lane, signal }) => {
      if (signal.aborted) throw reasonOf(signal);
      for (const listener of listeners) listener();
      // Most need not wait.
      if (next() === undefined && closedMs() <= 0) {
        begins();
        return once();
      }
      return await new Promise<() => void>((resolve, reject) => {
        const begin = (): void => {
          signal.removeEventListener('abort', giveUp);
          resolve(once());
        };
        const giveUp = (): void => {
          waiting[lane].delete(begin);
          reject(reasonOf(signal));
        };
        waiting[lane].add(begin);
        signal.addEventListener('abort', giveUp);
        admit();
      });
    },
    set: (told) => {
      limits = told;
      // What was put off at another rate is not waited for.
      due = Math.min(due, performance.now() + 1_000 / Math.max(1, told.perSecond ?? 1));
      admit();
    },
    underWay: () => running,
    recent,
    waiting: () => lanes.reduce((sum, lane) => sum + waiting[lane].size, 0),
    onEnter: (listener) => {
      listeners.add(listener);
    },
  };
}
