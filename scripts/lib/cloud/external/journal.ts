import type { CloudChange, CloudEvent } from '../../../../simulator/events';

/** The event log of a cloud that keeps none: what is seen of it, in the order in which it was seen, by one clock. */
export interface Journal {
  readonly append: (change: CloudChange) => void;
  readonly events: () => readonly CloudEvent[];
}

export function newJournal(now: () => number = Date.now): Journal {
  const began = now();
  const events: CloudEvent[] = [];
  return {
    append: (change) => events.push({ ...change, seq: events.length + 1, at: Math.max(0, now() - began) }),
    events: () => events,
  };
}
