import { playHere, type Said } from './play';

/** A part of the seeds, in a process of its own: `./scripts/soak --jobs` begins it, and is told of each night. */

const stop = new AbortController();
const give = (): void => {
  stop.abort();
};
process.once('message', give);
// Nobody is left to be told.
process.once('disconnect', give);
// Ctrl-C comes to all processes of a terminal: when this one is to stop, its parent says so.
process.on('SIGINT', () => undefined);

function say(said: Said): void {
  if (process.connected) process.send?.(said);
}

const [seed, runs] = process.argv.slice(2).map(Number);
const listener = {
  found: (found) => {
    say({ found });
  },
  played: (played) => {
    say({ played });
  },
} satisfies Parameters<typeof playHere>[1];

playHere({ seed: seed ?? 0, runs: runs ?? 0 }, listener, stop.signal).then(
  () => {
    if (process.connected) process.disconnect();
  },
  (error: unknown) => {
    process.stderr.write(`soak: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(1);
  },
);
