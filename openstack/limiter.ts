import { setMaxListeners } from 'node:events';

/** At most so many at once; the others wait in order. Who waits may give up, and then never begins. */
export function limiter(most: number): <T>(task: () => Promise<T>, signal: AbortSignal) => Promise<T> {
  let running = 0;
  const waiting = new Set<() => void>();

  const begin = async (signal: AbortSignal): Promise<void> => {
    if (running < most) {
      running += 1;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const turn = (): void => {
        signal.removeEventListener('abort', giveUp);
        resolve();
      };
      const giveUp = (): void => {
        waiting.delete(turn);
        reject(reasonOf(signal));
      };
      waiting.add(turn);
      signal.addEventListener('abort', giveUp, { once: true });
    });
  };

  // The place goes to the next in line before anybody new can take it.
  const end = (): void => {
    const [next] = waiting;
    if (next === undefined) {
      running -= 1;
      return;
    }
    waiting.delete(next);
    next();
  };

  return async (task, signal) => {
    if (signal.aborted) throw reasonOf(signal);
    await begin(signal);
    try {
      return await task();
    } finally {
      end();
    }
  };
}

/** A call's whole time: waiting for a place, for a token, and for the answer. */
export interface Deadline {
  readonly signal: AbortSignal;
  readonly dispose: () => void;
}

/** The time is over, or the caller gives up, whichever is first. */
export function deadlineAfter(timeoutMs: number, signal?: AbortSignal): Deadline {
  const controller = new AbortController();
  const timer = setTimeout(() => {
    controller.abort(new Error(`no answer within ${String(timeoutMs)} ms`));
  }, timeoutMs);
  const givenUp = (): void => {
    controller.abort(new Error('the caller gave up', { cause: signal?.reason }));
  };
  // Every call of an activity waits on its one signal, and takes its listener back: Node would warn of more than ten.
  if (signal) setMaxListeners(0, signal);
  if (signal?.aborted) givenUp();
  else signal?.addEventListener('abort', givenUp, { once: true });
  return {
    signal: controller.signal,
    dispose: () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', givenUp);
    },
  };
}

/** Waits for what is shared with others, and so goes on without us. */
export async function unlessOver<T>(shared: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop = (): void => undefined;
  const over = new Promise<never>((_resolve, reject) => {
    stop = () => {
      reject(reasonOf(signal));
    };
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([over, shared]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

export function reasonOf(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error('given up');
}
