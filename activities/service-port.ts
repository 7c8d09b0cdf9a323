import { Context, log } from '@temporalio/activity';
import { z } from 'zod';
import { own } from '../domain/names';
import type { Member } from '../domain/record';
import { httpWire, type Wire, type WireAnswer } from '../openstack';
import { cloudUnavailable } from './errors';
import { sleep } from './turn';

/**
 * The seam to the network function itself: what only its own probes, drain commands and DNS can know. Until those come, a
 * member is healthy when it has been ACTIVE long enough, draining is the descriptor's time, and publishing is one call to
 * the embedded cloud.
 */
export interface ServicePort {
  /** Whether a member that has been ACTIVE for so long serves. */
  readonly healthy: (given: { activeForSeconds: number; healthyAfterSeconds: number; pace: number }) => boolean;
  /** Says to the world who serves. A pair of revision and stage that is not above all that were published before is ignored. */
  readonly publish: (given: {
    vnf: string;
    revision: number;
    stage: 1 | 2;
    service: Readonly<Record<string, readonly string[]>>;
  }) => Promise<void>;
  /** The highest revision published under this id, also by a VNF of the same id that is gone. 0 where there was none. */
  readonly lastRevision: (vnf: string) => Promise<number>;
  /** Lets members finish what they serve. Heartbeats; goes on where an earlier attempt stopped. */
  readonly drain: (given: { members: readonly Member[]; drainSeconds: number; pace: number }) => Promise<void>;
}

const heartbeatMs = 2_000;
const publishTimeoutMs = 10_000;
/** Within the ten seconds of the local activity that asks. */
const readTimeoutMs = 5_000;
const publicationsSchema = z.object({
  publications: z.record(z.string(), z.object({ revision: z.number().int().nonnegative() })),
});

/** `publicationUrl` is the embedded cloud's; null where nobody is to be told. `wire` is for a cloud in the same process. */
export function pacedServicePort(
  publicationUrl: string | null,
  wire: Wire = httpWire({ ca: null, verify: true }),
): ServicePort {
  const asked = async (method: 'GET' | 'POST', timeoutMs: number, body?: unknown): Promise<WireAnswer> => {
    const url = `${publicationUrl ?? ''}/bulkhead/publications`;
    const answer = await wire({ method, url, headers: {}, body, signal: AbortSignal.timeout(timeoutMs) });
    if (answer.status >= 300) throw new Error(`status ${String(answer.status)}`);
    return answer;
  };
  return {
    healthy: ({ activeForSeconds, healthyAfterSeconds, pace }) => activeForSeconds >= healthyAfterSeconds * pace,
    publish: async (publication) => {
      if (publicationUrl === null) {
        const { vnf, revision, stage } = publication;
        log.info('nobody is told who serves: no publication URL is configured', { vnf, revision, stage });
        return;
      }
      try {
        await asked('POST', publishTimeoutMs, publication);
      } catch (error) {
        throw cloudUnavailable(`publishing failed: ${error instanceof Error ? error.message : String(error)}`, {});
      }
    },
    lastRevision: async (vnf) => {
      if (publicationUrl === null) return 0;
      try {
        const { publications } = publicationsSchema.parse((await asked('GET', readTimeoutMs)).json());
        return own(publications, vnf)?.revision ?? 0;
      } catch (error) {
        throw cloudUnavailable(
          `what was published of ${vnf} could not be read: ${error instanceof Error ? error.message : String(error)}`,
          {},
        );
      }
    },
    drain: async ({ drainSeconds, pace }) => {
      const context = Context.current();
      const details = context.info.heartbeatDetails as { began?: number } | undefined;
      const began = details?.began ?? Date.now();
      context.heartbeat({ began });
      for (
        let left = began + drainSeconds * pace * 1_000 - Date.now();
        left > 0;
        left = began + drainSeconds * pace * 1_000 - Date.now()
      ) {
        await Promise.race([sleep(Math.min(left, heartbeatMs)), context.cancelled]);
        context.heartbeat({ began });
      }
    },
  };
}
