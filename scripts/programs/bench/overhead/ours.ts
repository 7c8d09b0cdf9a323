import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import type { Bulkhead, EvacuateHostResult } from '../../../../client';
import type { NamedMember, ProcedureResult } from '../../../../domain/procedures';
import { secondsUntilServed } from './served';
import type { Move, Played, Procedure } from './side';
import type { Subject } from './subject';
import { secondsOf } from './waiting';

/** The product's side: each procedure as an NFVO calls it, from the call to its result. */
export interface Ours {
  /** `kill`: makes the host dead, untimed. */
  readonly play: (procedure: Procedure, kill: (host: string) => Promise<void>) => Promise<Played & { move: Move }>;
  readonly remove: () => Promise<void>;
}

export interface OursOptions {
  readonly bulkhead: Bulkhead;
  readonly temporal: Client;
  readonly subject: Subject;
  readonly vnf: string;
  readonly signal: AbortSignal;
}

export function oursSide({ bulkhead, temporal, subject, vnf, signal }: OursOptions): Ours {
  const timed = async (
    procedure: Procedure,
    call: (run: { workflowId: string }) => Promise<readonly ProcedureResult[]>,
    host: string | null = null,
  ): Promise<Played & { move: Move }> => {
    const workflowId = `bench-${randomUUID()}`;
    let results: readonly ProcedureResult[] = [];
    const seconds = await secondsOf(async () => {
      results = await unless(signal, () => call({ workflowId }));
    });
    const replans = results.reduce((sum, each) => sum + each.replans, 0);
    if (replans > 0) throw new Error(`${procedure} had to plan again: nobody else may use this cloud meanwhile`);
    const [launches, removes] = [results.flatMap((each) => each.launched), results.flatMap((each) => each.removed)];
    const servedSeconds = await secondsUntilServed(temporal, workflowId);
    return { move: { procedure, launches, removes, host }, seconds, servedSeconds };
  };

  const members = async (): Promise<NamedMember[]> =>
    Object.values((await bulkhead.status(vnf)).pools).flatMap(({ inService }) =>
      inService.map(({ pool, ordinal, host }) => ({ pool, ordinal, host, name: `${vnf}-${pool}-${String(ordinal)}` })),
    );

  return {
    play: async (procedure, kill) => {
      switch (procedure) {
        case 'instantiate':
          return await timed(procedure, async (run) => [
            await bulkhead.instantiate({ vnf, descriptor: { ...subject.given }, dryRun: false }, run),
          ]);
        case 'scaleOut':
          return await timed(procedure, async (run) => [
            await bulkhead.scaleOut({ vnf, pool: subject.growing.name, to: subject.to, dryRun: false }, run),
          ]);
        case 'heal': {
          const one = (await members()).find(({ pool }) => pool === subject.growing.name);
          if (!one) throw new Error('there is nobody to heal');
          return await timed(procedure, async (run) => [
            await bulkhead.heal({ vnf, members: [one.name], dryRun: false }, run),
          ]);
        }
        case 'evacuateHost': {
          const host = fullest(await members());
          await kill(host);
          const evacuate = (run: { workflowId: string }): Promise<EvacuateHostResult> =>
            bulkhead.evacuateHost({ hosts: [host], cause: 'failed', fenced: true, force: true, dryRun: false }, run);
          return await timed(procedure, async (run) => (await evacuate(run)).vnfs, host);
        }
      }
    },
    remove: async () => {
      await unless(signal, () => bulkhead.terminate({ vnf }));
    },
  };
}

/** Whoever is told to stop does not wait for the run: it is removed with what it has made. */
async function unless<T>(signal: AbortSignal, begin: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const task = begin();
  // Nobody hears how it ends once we are told to stop.
  task.catch(() => undefined);
  let stop = (): void => undefined;
  const stopped = new Promise<never>((_resolve, reject) => {
    stop = () => {
      reject(new Error('told to stop'));
    };
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([task, stopped]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

function fullest(members: readonly NamedMember[]): string {
  const counts = new Map<string, number>();
  for (const { host } of members) counts.set(host, (counts.get(host) ?? 0) + 1);
  const [first] = [...counts].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0]));
  if (!first) throw new Error('there is no host with members');
  return first[0];
}
