import { setMaxListeners } from 'node:events';

/** A call's whole time: waiting for a token, for its turn, and for the answer. */
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
