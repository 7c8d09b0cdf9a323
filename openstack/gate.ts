import { reasonOf } from './deadline';

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
  readonly enter: (of: { readonly lane: Lane; readonly signal: AbortSignal }) => Promise<() => void>;
  /** Of what is under way already, nothing is taken back. */
  readonly set: (limits: Limits) => void;
  readonly underWay: () => number;
  readonly waiting: () => number;
  /** Told of every request that comes, before it waits. */
  readonly onEnter: (listener: () => void) => void;
}

/**
 * What is begun evenly comes in less evenly: on the way, and in a busy process, requests close up. So that the cloud never gets more
 * than was set, a part of it is not used, and no more are begun at once than those of a tenth of a second. For any whole number n
 * that is set, no second has more than n.
 */
const usedShare = 0.85;
const burstSeconds = 0.1;

export function createGate(first: Limits): Gate {
  let limits = first;
  let running = 0;
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

  const admit = (): void => {
    clearTimeout(timer);
    timer = undefined;
    for (let one = next(); one; one = next()) {
      const now = performance.now();
      if (running >= limits.calls || now > (limits.until ?? Infinity) || limits.perSecond === 0) return;
      if (limits.perSecond !== null) {
        const early = due - burstSeconds * 1_000 - now;
        if (early > 0) {
          timer = setTimeout(admit, Math.ceil(early));
          return;
        }
        due = Math.max(now, due) + 1_000 / (limits.perSecond * usedShare);
      }
      waiting[one.lane].delete(one.begin);
      last = one.lane;
      running += 1;
      one.begin();
    }
  };

  const once = (): (() => void) => {
    let over = false;
    return () => {
      if (over) return;
      over = true;
      running -= 1;
      admit();
    };
  };

  return {
    enter: async ({ lane, signal }) => {
      if (signal.aborted) throw reasonOf(signal);
      for (const listener of listeners) listener();
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
        signal.addEventListener('abort', giveUp, { once: true });
        admit();
      });
    },
    set: (told) => {
      limits = told;
      // What was put off at another rate is not waited for.
      due = Math.min(due, performance.now() + 1_000 / (Math.max(1, told.perSecond ?? 1) * usedShare));
      admit();
    },
    underWay: () => running,
    waiting: () => lanes.reduce((sum, lane) => sum + waiting[lane].size, 0),
    onEnter: (listener) => {
      listeners.add(listener);
    },
  };
}
