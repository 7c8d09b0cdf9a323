/**
 * A clock that stands still until it is told to go on. While it is installed, `Date`, timers and `AbortSignal.timeout` are its own, so
 * that the product's code, which knows nothing of it, waits for an hour in no time; what comes after what is decided by the clock
 * alone, and comes out the same every time.
 */
export interface VirtualTime {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Calls once, after so long; the answer takes it back. */
  readonly after: (milliseconds: number, call: () => void) => () => void;
  /** Goes on to the next timer and calls it. False where there is none. */
  readonly next: () => boolean;
  /** Does something as at an earlier time, and comes back. Nothing else may be under way meanwhile. */
  readonly asAt: <T>(earlier: number, body: () => Promise<T>) => Promise<T>;
  /** Lets everything run that can without time going on. */
  readonly settle: () => Promise<void>;
  readonly uninstall: () => void;
}

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly call: () => void;
  cancelled: boolean;
}

const RealDate = Date;

export function installVirtualTime(startsAt = RealDate.UTC(2026, 0, 1)): VirtualTime {
  let now = startsAt;
  let count = 0;
  /** The latest first: the next one is taken from the end. */
  const timers: Timer[] = [];

  const insert = (timer: Timer): void => {
    let low = 0;
    let high = timers.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = timers[middle];
      if (other && (other.at > timer.at || (other.at === timer.at && other.order > timer.order))) low = middle + 1;
      else high = middle;
    }
    timers.splice(low, 0, timer);
  };
  const add = (milliseconds: number, call: () => void): Timer => {
    count += 1;
    const timer = { at: now + Math.max(0, Math.ceil(milliseconds || 0)), order: count, call, cancelled: false };
    insert(timer);
    return timer;
  };

  class VirtualDate extends RealDate {
    constructor(...given: [] | [number | string | Date]) {
      if (given.length === 0) super(now);
      else super(...given);
    }
    static override now(): number {
      return now;
    }
  }

  /** As Node's: an object that can be told not to keep the process. */
  class Handle {
    timer: Timer | undefined;
    stop(): void {
      if (this.timer) this.timer.cancelled = true;
      this.timer = undefined;
    }
    ref(): this {
      return this;
    }
    unref(): this {
      return this;
    }
    hasRef(): boolean {
      return true;
    }
  }
  const timeout = (call: (...args: unknown[]) => void, milliseconds = 0, ...args: unknown[]): Handle => {
    const handle = new Handle();
    handle.timer = add(milliseconds, () => {
      call(...args);
    });
    return handle;
  };
  const interval = (call: (...args: unknown[]) => void, milliseconds = 1, ...args: unknown[]): Handle => {
    const handle = new Handle();
    const again = (): void => {
      handle.timer = add(Math.max(1, milliseconds), () => {
        again();
        call(...args);
      });
    };
    again();
    return handle;
  };
  const clear = (handle: unknown): void => {
    if (handle instanceof Handle) handle.stop();
  };
  const timeoutSignal = (milliseconds: number): AbortSignal => {
    const controller = new AbortController();
    add(milliseconds, () => {
      controller.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError'));
    });
    return controller.signal;
  };

  const { setTimeout, clearTimeout, setInterval, clearInterval } = globalThis;
  const realTimeoutSignal = AbortSignal.timeout.bind(AbortSignal);
  Object.assign(globalThis, {
    Date: VirtualDate,
    setTimeout: timeout,
    clearTimeout: clear,
    setInterval: interval,
    clearInterval: clear,
  });
  AbortSignal.timeout = timeoutSignal;

  return {
    now: () => now,
    after: (milliseconds, call) => {
      const timer = add(milliseconds, call);
      return () => {
        timer.cancelled = true;
      };
    },
    next: () => {
      for (let timer = timers.pop(); timer; timer = timers.pop()) {
        if (timer.cancelled) continue;
        now = timer.at;
        timer.call();
        return true;
      }
      return false;
    },
    asAt: async (earlier, body) => {
      const before = now;
      now = earlier;
      try {
        return await body();
      } finally {
        now = before;
      }
    },
    // Node comes to this when no promise has anything left to do, and looks at no socket and no clock before.
    settle: () =>
      new Promise((resolve) => {
        process.nextTick(resolve);
      }),
    uninstall: () => {
      Object.assign(globalThis, { Date: RealDate, setTimeout, clearTimeout, setInterval, clearInterval });
      AbortSignal.timeout = realTimeoutSignal;
    },
  };
}
