/**
 * How the OpenStack calls came in: by this a limit that a client keeps to is judged, since the cloud alone sees all of its clients.
 * Counted from when a call is read until it is answered.
 */
export interface Access {
  /** Calls that came in since the start. */
  count: number;
  atOnce: number;
  atOnceMost: number;
  /** Most that came in within any one second. */
  perSecondMost: number;
  /** When those of the last second came in, by the cloud's clock; oldest first. */
  readonly lastSecond: number[];
}

export function newAccess(): Access {
  return { count: 0, atOnce: 0, atOnceMost: 0, perSecondMost: 0, lastSecond: [] };
}

const secondMs = 1_000;

/** A call came in. Gives what is to be called when it is answered. */
export function came(access: Access, now: number): () => void {
  const { lastSecond } = access;
  while (lastSecond[0] !== undefined && lastSecond[0] <= now - secondMs) lastSecond.shift();
  lastSecond.push(now);
  access.count += 1;
  access.atOnce += 1;
  access.atOnceMost = Math.max(access.atOnceMost, access.atOnce);
  access.perSecondMost = Math.max(access.perSecondMost, lastSecond.length);
  return () => {
    access.atOnce -= 1;
  };
}

/** What was most is forgotten, so that it can be told of a part of a story. */
export function forgetMost(access: Access): void {
  access.atOnceMost = access.atOnce;
  access.perSecondMost = 0;
  access.lastSecond.length = 0;
}
