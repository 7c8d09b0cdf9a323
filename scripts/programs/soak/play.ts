import { fork } from 'node:child_process';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { playNight, playStory, shrink } from '../../lib/virtual/soak';
import { storyOf, told } from '../../lib/virtual/story';

/** Many nights, each from its seed, in this process or in several. */

export interface Nights {
  /** Of the first one; the next night has the next seed. */
  readonly seed: number;
  readonly runs: number;
}

/** A night that was not as promised: its shortest story, a line each, and what was wrong with it. */
export interface Found {
  readonly seed: number;
  readonly story: readonly string[];
  readonly problems: readonly string[];
}

/** Told as it comes: nothing is kept until the end, so that nothing is lost with it. */
export interface Listener {
  readonly found: (found: Found) => void;
  /** A night is over, with so many VNFs that were brought up and taken away again, whatever was done with them meanwhile. */
  readonly played: (lifecycles: number) => void;
}

/** Where it is told to stop, the night that is under way is played to its end, and told as short as it is by then if it fails. */
export async function playHere({ seed, runs }: Nights, { found, played }: Listener, stop: AbortSignal): Promise<void> {
  const { stackTraceLimit } = Error;
  try {
    for (let run = 0; run < runs && !stop.aborted; run++) {
      // Where an error came from is asked of a night that fails, and that one is played again.
      Error.stackTraceLimit = 0;
      const story = storyOf(seed + run);
      const night = await playNight(story);
      if (night.problems.length > 0) {
        const shortest = await shrink(story, async (shorter) => {
          await setImmediate();
          return stop.aborted ? [] : await playStory(shorter);
        });
        Error.stackTraceLimit = stackTraceLimit;
        found({ seed: story.seed, story: told(shortest), problems: await playStory(shortest) });
      }
      played(night.lifecycles);
      // A night waits for promises only: here the process may do what else it has to.
      await setImmediate();
    }
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** What the process of a part says of it. It is told `stop`. */
export type Said = { readonly found: Found } | { readonly played: number };

/** Each process has its part of the seeds, one after another, and ends with it. Where one fails, the others stop. */
export async function playInProcesses(
  { seed, runs, jobs }: Nights & { readonly jobs: number },
  listener: Listener,
  stop: AbortSignal,
): Promise<void> {
  const failed = new AbortController();
  const either = AbortSignal.any([stop, failed.signal]);
  const parts = Array.from({ length: jobs }, (_, part): Nights => {
    const [from = 0, to = 0] = [part, part + 1].map((each) => Math.floor((runs * each) / jobs));
    return { seed: seed + from, runs: to - from };
  });
  const ended = await Promise.allSettled(
    parts.map(async (part) => {
      try {
        await playPart(part, listener, either);
      } catch (error) {
        failed.abort();
        throw error;
      }
    }),
  );
  for (const each of ended) if (each.status === 'rejected') throw each.reason;
}

async function playPart({ seed, runs }: Nights, { found, played }: Listener, stop: AbortSignal): Promise<void> {
  const child = fork(join(__dirname, 'part.js'), [String(seed), String(runs)]);
  const tell = (): void => {
    if (child.connected) child.send('stop');
  };
  child.on('message', (said: Said) => {
    if ('found' in said) found(said.found);
    else played(said.played);
  });
  stop.addEventListener('abort', tell);
  if (stop.aborted) tell();
  try {
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => {
        if (code === 0) resolve();
        else reject(new Error(`the process with the seeds from ${String(seed)} ended with ${String(signal ?? code)}`));
      });
    });
  } finally {
    stop.removeEventListener('abort', tell);
  }
}
