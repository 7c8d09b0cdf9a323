import { setMaxListeners } from 'node:events';

/** As much of an `AbortSignal` as is needed here: one of Node's costs more than the rest of a call. */
export interface Over {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** A call's whole time: waiting for a token, for its turn, and for the answer. */
export interface Deadline {
  readonly signal: CallSignal;
  readonly dispose: () => void;
}

export class CallSignal implements Over {
  aborted = false;
  reason: unknown;
  readonly #listeners = new Set<() => void>();

  addEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.add(listener);
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.delete(listener);
  }

  abort(reason: Error): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    for (const listener of this.#listeners) listener();
    this.#listeners.clear();
  }

  /** The same as Node has it, for what takes no other. */
  asNodes(): AbortSignal {
    const controller = new AbortController();
    const abort = (): void => {
      controller.abort(this.reason);
    };
    if (this.aborted) abort();
    else this.addEventListener('abort', abort);
    return controller.signal;
  }
}

/** The time is over, or the caller gives up, whichever is first. */
export function deadlineAfter(timeoutMs: number, caller?: AbortSignal): Deadline {
  const signal = new CallSignal();
  const timer = setTimeout(() => {
    signal.abort(new Error(`no answer within ${String(timeoutMs)} ms`));
  }, timeoutMs);
  const givenUp = (): void => {
    signal.abort(new Error('the caller gave up', { cause: caller?.reason }));
  };
  // Every call of an activity waits on its one signal, and takes its listener back: Node would warn of more than ten.
  if (caller) setMaxListeners(0, caller);
  if (caller?.aborted) givenUp();
  else caller?.addEventListener('abort', givenUp, { once: true });
  return {
    signal,
    dispose: () => {
      clearTimeout(timer);
      caller?.removeEventListener('abort', givenUp);
    },
  };
}

/** Waits for what is shared with others, and so goes on without us. What is there already is there at once. */
export async function unlessOver<T>(shared: T | Promise<T>, signal: Over): Promise<T> {
  if (!(shared instanceof Promise)) return shared;
  let stop = (): void => undefined;
  try {
    return await new Promise<T>((resolve, reject) => {
      stop = () => {
        reject(reasonOf(signal));
      };
      if (signal.aborted) stop();
      else signal.addEventListener('abort', stop);
      shared.then(resolve, reject);
    });
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

export function reasonOf(signal: Over): Error {
  return signal.reason instanceof Error ? signal.reason : new Error('given up');
}
