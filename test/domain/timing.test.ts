import { bootLimitSeconds, timingAt } from '../../domain/timing';

describe('time-outs', () => {
  test('scale with the pace, down to what a small machine needs', () => {
    expect(timingAt(1)).toMatchObject({ mutateSeconds: 45, callSeconds: 20, tickSeconds: 2, undoSeconds: 600 });
    expect(timingAt(0.5)).toMatchObject({ mutateSeconds: 22.5, callSeconds: 10, tickSeconds: 1, undoSeconds: 300 });
    expect(timingAt(0.01)).toMatchObject({ mutateSeconds: 9, callSeconds: 4, tickSeconds: 0.1, undoSeconds: 60 });
  });

  test('have a pace of their own where a real cloud has short drains', () => {
    const timing = timingAt(0.05, 1);
    expect(timing).toEqual({ ...timingAt(1), pace: 0.05, timeoutPace: 1 });
    expect(bootLimitSeconds(timing, 900)).toBe(900);
    expect(bootLimitSeconds(timingAt(0.05), 900)).toBe(45);
  });
});
