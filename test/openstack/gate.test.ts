import { setMaxListeners } from 'node:events';
import { fc } from '../property';
import { createGate, type Gate, type Lane } from '../../openstack/gate';

/** Nobody gives up. */
const { signal } = new AbortController();
setMaxListeners(0, signal);

beforeEach(() => {
  jest.useFakeTimers({ now: 0 });
});
afterEach(() => {
  jest.useRealTimers();
});

/** Each request lasts as long as it is told; notes when each came in, which is when it begins where nothing else is said. */
function askAll(gate: Gate, asked: readonly Asked[]): CameIn[] {
  const cameIn: CameIn[] = [];
  for (const { name, lane = 'change', lastsMs = 0, onItsWayMs = 0 } of asked)
    void gate.enter({ lane, signal }).then((leave) => {
      setTimeout(() => cameIn.push({ name, at: performance.now() }), onItsWayMs);
      setTimeout(leave, lastsMs);
    });
  return cameIn;
}

interface Asked {
  readonly name: string;
  readonly lane?: Lane;
  readonly lastsMs?: number;
  /** No longer than it lasts. */
  readonly onItsWayMs?: number;
}

interface CameIn {
  readonly name: string;
  readonly at: number;
}

function mostInOneSecond(all: readonly CameIn[]): number {
  return Math.max(0, ...all.map(({ at }) => all.filter((other) => other.at >= at && other.at < at + 1_000).length));
}

const named = (count: number): { name: string }[] =>
  Array.from({ length: count }, (_, index) => ({ name: String(index) }));

describe('a gate', () => {
  test('lets so many be under way at once, and the others come in order', async () => {
    const gate = createGate({ calls: 3, perSecond: null });
    const begun = askAll(
      gate,
      named(7).map((each) => ({ ...each, lastsMs: 100 })),
    );
    await jest.advanceTimersByTimeAsync(0);
    expect(gate.underWay()).toBe(3);
    expect(gate.waiting()).toBe(4);
    await jest.advanceTimersByTimeAsync(1_000);
    expect(begun.map(({ name }) => name)).toEqual(['0', '1', '2', '3', '4', '5', '6']);
    expect(gate.underWay()).toBe(0);
  });

  test('serves the lanes in turns: neither is kept waiting by how many are in the other', async () => {
    const gate = createGate({ calls: 1, perSecond: null });
    const looks = Array.from({ length: 50 }, (_, index) => ({ name: `look ${String(index)}`, lane: 'look' as const }));
    const changes = [{ name: 'change 0' }, { name: 'change 1' }];
    const begun = askAll(
      gate,
      [...looks, ...changes].map((each) => ({ ...each, lastsMs: 10 })),
    );
    await jest.advanceTimersByTimeAsync(2_000);
    expect(begun.slice(0, 5).map(({ name }) => name)).toEqual(['look 0', 'change 0', 'look 1', 'change 1', 'look 2']);
    expect(begun).toHaveLength(52);
  });

  test('never has the cloud get more in any second than it was told, and is not much slower', async () => {
    const request = fc.record({ name: fc.constant(''), lastsMs: fc.nat(500), onItsWayMs: fc.nat(500) }).map((each) => ({
      ...each,
      onItsWayMs: Math.min(each.onItsWayMs, each.lastsMs),
    }));
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 40 }),
        fc.array(request, { minLength: 100, maxLength: 100 }),
        fc.nat(2_000),
        async (rate, requests, pauseMs) => {
          const gate = createGate({ calls: 1_000, perSecond: rate });
          const first = askAll(gate, requests.slice(0, rate));
          await jest.advanceTimersByTimeAsync(pauseMs);
          const second = askAll(gate, requests.slice(rate, rate * 2));
          await jest.advanceTimersByTimeAsync(6_000);
          expect(first.length + second.length).toBe(rate * 2);
          expect(mostInOneSecond([...first, ...second])).toBeLessThanOrEqual(rate);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('that is told another rate goes on by that', async () => {
    const gate = createGate({ calls: 1_000, perSecond: 1 });
    const begun = askAll(gate, named(20));
    await jest.advanceTimersByTimeAsync(100);
    expect(begun).toHaveLength(1);
    gate.set({ calls: 1_000, perSecond: 20 });
    await jest.advanceTimersByTimeAsync(2_000);
    expect(begun).toHaveLength(20);
  });

  test('lets nobody pass after its time, until it is told anew', async () => {
    const gate = createGate({ calls: 0, perSecond: null });
    const begun = askAll(gate, named(3));
    gate.set({ calls: 1, perSecond: null, until: performance.now() + 1_000 });
    await jest.advanceTimersByTimeAsync(500);
    expect(begun).toHaveLength(3);
    await jest.advanceTimersByTimeAsync(1_000);
    const late = askAll(gate, named(1));
    await jest.advanceTimersByTimeAsync(5_000);
    expect(late).toHaveLength(0);
    gate.set({ calls: 1, perSecond: null, until: performance.now() + 1_000 });
    await jest.advanceTimersByTimeAsync(0);
    expect(late).toHaveLength(1);
  });

  test('forgets who gives up', async () => {
    const gate = createGate({ calls: 1, perSecond: null });
    const leave = await gate.enter({ lane: 'change', signal });
    const caller = new AbortController();
    const entered = gate.enter({ lane: 'change', signal: caller.signal });
    caller.abort(new Error('no longer'));
    await expect(entered).rejects.toThrow('no longer');
    leave();
    leave();
    expect(gate.underWay()).toBe(0);
    await expect(gate.enter({ lane: 'look', signal: caller.signal })).rejects.toThrow('no longer');
  });
});
