/** The cloud's time: real by default, virtual where a test plays a day in a second. */
export interface Clock {
  /** Milliseconds; only differences mean anything. */
  readonly now: () => number;
  /** Calls once, after so long; the answer takes it back. */
  readonly after: (milliseconds: number, call: () => void) => () => void;
}

export const realClock: Clock = {
  now: () => Date.now(),
  after: (milliseconds, call) => {
    const timer = setTimeout(call, milliseconds);
    return () => {
      clearTimeout(timer);
    };
  },
};

/** mulberry32: small, fast and the same everywhere; a seed makes a run repeatable. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
