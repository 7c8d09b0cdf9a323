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

export async function secondsOf(task: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await task();
  return (performance.now() - began) / 1_000;
}
