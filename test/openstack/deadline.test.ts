import { getEventListeners } from 'node:events';
import { deadlineAfter } from '../../openstack/deadline';

describe('the deadlines of many calls on one signal', () => {
  test('are no leak to be warned of, and leave no listener behind', () => {
    const { signal } = new AbortController();
    const deadlines = Array.from({ length: 40 }, () => deadlineAfter(60_000, signal));
    expect(listenersMax(signal)).toBe(0);
    expect(getEventListeners(signal, 'abort')).toHaveLength(40);
    for (const { dispose } of deadlines) dispose();
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  test('are over when the caller gives up', () => {
    const caller = new AbortController();
    const deadlines = Array.from({ length: 20 }, () => deadlineAfter(60_000, caller.signal));
    caller.abort();
    expect(deadlines.map(({ signal }) => signal.aborted)).toEqual(deadlines.map(() => true));
    for (const { dispose } of deadlines) dispose();
  });
});

/** As `events.getMaxListeners`, which does not know a signal of the test's own realm. */
function listenersMax(signal: AbortSignal): unknown {
  const key = Object.getOwnPropertySymbols(signal).find(
    ({ description }) => description === 'events.maxEventTargetListeners',
  );
  return key && Object.getOwnPropertyDescriptor(signal, key)?.value;
}
