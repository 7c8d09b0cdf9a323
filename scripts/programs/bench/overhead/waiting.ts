import { setTimeout as sleep } from 'node:timers/promises';

/** Between two looks of whoever has nothing but looks. */
const lookEveryMs = 500;

/** Looks until it is so; throws what `look` throws, and when it takes too long. */
export async function lookUntil(
  what: string,
  of: { readonly withinSeconds: number; readonly signal: AbortSignal; readonly look: () => Promise<boolean> },
): Promise<void> {
  const deadline = Date.now() + of.withinSeconds * 1_000;
  while (!(await of.look())) {
    if (Date.now() > deadline) throw new Error(`waited ${String(of.withinSeconds)} s in vain until ${what}`);
    await sleep(lookEveryMs, undefined, { signal: of.signal });
  }
}

/** So many at once; ends when every lane has ended, also where one fails. */
export async function inLanes<T>(items: readonly T[], most: number, task: (item: T) => Promise<void>): Promise<void> {
  const rest = [...items];
  const lane = async (): Promise<void> => {
    for (let item = rest.shift(); item !== undefined; item = rest.shift()) await task(item);
  };
  const ends = await Promise.allSettled(Array.from({ length: Math.min(most, items.length) }, lane));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}

export async function secondsOf(task: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await task();
  return (performance.now() - began) / 1_000;
}
