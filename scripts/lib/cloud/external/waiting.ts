import { UnavailableError } from '../../../../openstack';

/** Waiting for a real cloud, always within a bound. */

const againMs = 500;
/** A service that is restarted is away for less. */
const patienceSeconds = 60;

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

export async function until(what: string, withinSeconds: number, condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + withinSeconds * 1_000;
  while (!(await patiently(condition))) {
    if (Date.now() > deadline) throw new Error(`waited ${String(withinSeconds)} s in vain until ${what}`);
    await pause(againMs);
  }
}

/** Does again what may be done again, while the cloud does not answer. */
export async function patiently<T>(task: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + patienceSeconds * 1_000;
  for (;;) {
    try {
      return await task();
    } catch (error) {
      if (!(error instanceof UnavailableError) || Date.now() > deadline) throw error;
      await pause(againMs);
    }
  }
}
