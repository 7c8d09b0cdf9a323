import { fc } from '../property';
import {
  giveShare,
  leaseSecondsOf,
  shareAskSchema,
  useSeconds,
  type Amounts,
  type Budget,
  type BudgetTotal,
  type ShareGiven,
} from '../../domain/budget';

const start = Date.parse('2026-01-01T00:00:00Z');
const total: BudgetTotal = { calls: 16, perSecond: 100 };
/** For one alone: a tenth is kept for who comes next. */
const most = { calls: 15, perSecond: 90 };
const callSeconds = 20;
const leaseSeconds = leaseSecondsOf(callSeconds);

/** A worker as `workers/share.ts` is one, but that nothing takes time unless the test says so. */
class Worker {
  limits: Amounts = { calls: 0, perSecond: 0 };
  usedUntil = 0;
  number = 0;
  /** Begun and not yet over: each with when it must be. */
  calls: number[] = [];
  fair: Amounts = { calls: 0, perSecond: 0 };

  constructor(
    readonly name: string,
    readonly total: BudgetTotal,
  ) {}

  underWay(now: number): number {
    this.calls = this.calls.filter((until) => until > now);
    return this.calls.length;
  }

  /** As many as it may. Each lasts as long as a call can. */
  callAll(now: number): void {
    if (now > this.usedUntil) return;
    while (this.underWay(now) < (this.limits.calls ?? 0)) this.calls.push(now + callSeconds * 1_000);
  }

  ask(cloud: { budget: Budget }, at: { asked: number; handled: number; answers: boolean }): ShareGiven {
    const { calls, perSecond } = this.limits;
    const holds = { calls: Math.max(calls ?? 0, this.underWay(at.asked)), perSecond };
    this.number += 1;
    const ask = shareAskSchema.parse({
      worker: this.name,
      number: this.number,
      total: this.total,
      holds,
      leaseSeconds,
    });
    const { budget, given } = giveShare(cloud.budget, ask, new Date(at.handled).toISOString());
    cloud.budget = budget;
    if (!at.answers) return given;
    this.limits = {
      calls: Math.min(given.share.calls ?? 0, given.fair.calls ?? 0),
      perSecond: Math.min(given.share.perSecond ?? 0, given.fair.perSecond ?? 0),
    };
    this.fair = given.fair;
    this.usedUntil = at.asked + useSeconds * 1_000;
    return given;
  }
}

const empty = (): { budget: Budget } => ({ budget: { shares: [], closedUntil: null } });

function now(worker: Worker, cloud: { budget: Budget }, at: number): ShareGiven {
  return worker.ask(cloud, { asked: at, handled: at, answers: true });
}

describe('a share of the calls to a cloud', () => {
  test('is all but what is kept for who comes next, for a worker that is alone', () => {
    expect(now(new Worker('a', total), empty(), start)).toEqual({ share: most, fair: most });
  });

  test('is what was kept for a worker that comes, and its part when the others have come down', () => {
    const cloud = empty();
    const [a, b] = [new Worker('a', total), new Worker('b', total)];
    now(a, cloud, start);
    a.callAll(start);
    expect(now(b, cloud, start + 1_000)).toEqual({
      share: { calls: 1, perSecond: 10 },
      fair: { calls: 7, perSecond: 45 },
    });
    // It comes down at once, but for what is under way.
    expect(now(a, cloud, start + 2_000)).toEqual({ share: most, fair: { calls: 8, perSecond: 45 } });
    expect(now(b, cloud, start + 2_500).share).toEqual({ calls: 1, perSecond: 10 });
    expect(now(a, cloud, start + 3_000).share).toEqual({ calls: 15, perSecond: 45 });
    expect(now(b, cloud, start + 3_500).share).toEqual({ calls: 1, perSecond: 45 });
    expect(now(a, cloud, start + 21_000).share).toEqual({ calls: 8, perSecond: 45 });
    expect(now(b, cloud, start + 21_500).share).toEqual({ calls: 7, perSecond: 45 });
  });

  test('is never nothing while there are as many calls as workers', () => {
    const cloud = empty();
    const workers = [1, 2, 3].map((name) => new Worker(String(name), { calls: 3, perSecond: null }));
    for (const at of [1_000, 2_000, 3_000, 4_000]) for (const worker of workers) now(worker, cloud, start + at);
    expect(workers.map(({ limits }) => limits.calls)).toEqual([1, 1, 1]);
  });

  test('of a worker that is not heard of any more is free when its last call must be over', () => {
    const cloud = empty();
    const [a, b] = [new Worker('a', total), new Worker('b', total)];
    now(a, cloud, start);
    const over = start + leaseSeconds * 1_000;
    expect(now(b, cloud, over - 1).share).toEqual({ calls: 1, perSecond: 10 });
    expect(now(b, cloud, over).share).toEqual(most);
    expect(useSeconds + callSeconds + 1).toBeLessThan(leaseSeconds);
  });

  test('of a worker that leaves is free at once', () => {
    const cloud = empty();
    const [a, b] = [new Worker('a', total), new Worker('b', total)];
    now(a, cloud, start);
    const leaves = { worker: 'a', number: 2, total, holds: { calls: 0, perSecond: 0 }, leaseSeconds, leaves: true };
    cloud.budget = giveShare(cloud.budget, leaves, new Date(start).toISOString()).budget;
    expect(now(b, cloud, start).share).toEqual(most);
  });

  test('is that of the least total, while workers are told different ones', () => {
    const cloud = empty();
    now(new Worker('a', { calls: 6, perSecond: null }), cloud, start);
    expect(now(new Worker('b', total), cloud, start).fair).toEqual({ calls: 2, perSecond: 45 });
  });

  test('is not given while those of a budget that was ended may be in use', () => {
    const closedUntil = new Date(start + 10_000).toISOString();
    const cloud = { budget: { shares: [], closedUntil } };
    const a = new Worker('a', total);
    expect(now(a, cloud, start + 9_999).share).toEqual({ calls: 0, perSecond: 0 });
    expect(now(a, cloud, start + 10_000).share).toEqual(most);
  });

  test('an ask that comes late changes nothing', () => {
    const cloud = empty();
    const a = new Worker('a', total);
    now(a, cloud, start);
    now(a, cloud, start + 1_000);
    const late = { worker: 'a', number: 1, total, holds: { calls: 0, perSecond: 0 }, leaseSeconds, leaves: false };
    expect(giveShare(cloud.budget, late, new Date(start + 2_000).toISOString()).budget).toEqual(cloud.budget);
  });
});

const step = fc.record({
  worker: fc.integer({ min: 0, max: 4 }),
  afterMs: fc.integer({ min: 0, max: 15_000 }),
  /** On its way to the budget. */
  delayMs: fc.integer({ min: 0, max: 5_000 }),
  answers: fc.boolean(),
  calls: fc.boolean(),
});

test('whoever comes, calls, is silent or loses its answers: never more calls than the total, nor a higher rate', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 20 }), (steps, most) => {
      const cloud = empty();
      const told = { calls: most, perSecond: most * 3 };
      const workers = Array.from({ length: 5 }, (_, index) => new Worker(String(index), told));
      let at = start;
      for (const { worker: index, afterMs, delayMs, answers, calls } of steps) {
        at += afterMs;
        const worker = workers[index];
        if (!worker) continue;
        worker.ask(cloud, { asked: at, handled: at + delayMs, answers });
        at += delayMs;
        if (calls) for (const each of workers) each.callAll(at);
        const underWay = workers.reduce((sum, each) => sum + each.underWay(at), 0);
        const rate = workers
          .filter((each) => at <= each.usedUntil)
          .reduce((sum, each) => sum + (each.limits.perSecond ?? 0), 0);
        expect(underWay).toBeLessThanOrEqual(most);
        expect(rate).toBeLessThanOrEqual(most * 3);
      }
    }),
    { numRuns: 300 },
  );
});
