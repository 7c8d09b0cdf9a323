import { promiseHooks } from 'node:v8';

/**
 * Node's `AsyncLocalStorage` as far as the SDK uses it, for code whose only way to wait is a promise: here all timers are virtual, and
 * their calls need no context of their own. It costs half as much for each promise, and a night is made of promises.
 */

/** What each storage holds at a place in the program. Never changed, since promises keep it. */
type Frame = ReadonlyMap<object, unknown>;

const frameKey = Symbol('frame');
type Promised = Promise<unknown> & { [frameKey]?: Frame | undefined };

let current: Frame | undefined;

export class ContextStorage<T> {
  run<R, A extends readonly unknown[]>(store: T, call: (...args: A) => R, ...args: A): R {
    const before = current;
    current = new Map(before).set(this, store);
    try {
      return call(...args);
    } finally {
      current = before;
    }
  }

  getStore(): T | undefined {
    return current?.get(this) as T | undefined;
  }

  disable(): void {
    // What it holds goes with the promises that keep it.
  }
}

/** From now on whoever awaits goes on in the context in which it was called. The answer ends it. */
export function followPromises(): () => void {
  const stop = promiseHooks.createHook({
    init: (promise: Promised) => {
      if (current !== undefined) promise[frameKey] = current;
    },
    before: (promise: Promised) => {
      current = promise[frameKey];
    },
    after: () => {
      current = undefined;
    },
  }) as () => void;
  return () => {
    current = undefined;
    stop();
  };
}
