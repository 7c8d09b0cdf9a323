import { Context } from '@temporalio/activity';
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { recordWorkflowId } from '../domain/names';
import type { Place, Session } from '../openstack';
import { cloudUnavailable } from './errors';

/**
 * A VNF is in one project of one cloud, and elsewhere each of its servers is "not found": to a worker with another login they would all be dead
 * or deleted. So the memo of its record says where it is, and who is not there does nothing, and says so.
 */

export const homeMemo = 'home';

/** Enough to tell one project from all others; regions of a cloud share them. */
export function homeOf({ projectId, region }: Place): string {
  return `project ${projectId}, region ${region ?? 'without a name'}`;
}

/** What is known of a VNF is good for this long: it may end, and its id be used again. */
const knownForMs = 60_000;
const answerWithinMs = 5_000;

/** Throws where this VNF's record says that it is elsewhere: a worker that is there, or this one with other credentials, can go on. */
export function homeCheck({ session, client }: { session: Session; client: Client }): (vnf: string) => Promise<void> {
  const atHome = new Map<string, number>();
  return async (vnf) => {
    const seenAt = atHome.get(vnf);
    if (Date.now() - (seenAt ?? -Infinity) < knownForMs) return;
    // A Temporal that does not answer is no reason to stop where it has been here before.
    const home = await homeSaid(client, vnf).catch((error: unknown) => {
      if (seenAt === undefined) throw error;
      return undefined;
    });
    if (home === undefined) return;
    const here = homeOf(await session.place());
    if (home !== here)
      throw cloudUnavailable(
        `${vnf} is in ${home}, and this worker logs in to ${here} (cloud ${session.cloud}): nothing was done. Start it with the credentials of that project (OS_CLOUD, OS_*).`,
        { home, here },
      );
    if (atHome.size >= remembered) atHome.clear();
    atHome.set(vnf, Date.now());
  };
}

const remembered = 10_000;

/** Undefined where there is no record, or one that does not say. */
async function homeSaid(client: Client, vnf: string): Promise<string | undefined> {
  const { cancellationSignal, cancelled } = Context.current();
  const describe = (): Promise<{ memo?: Record<string, unknown> | undefined }> =>
    client.workflow.getHandle(recordWorkflowId(vnf)).describe();
  try {
    // A worker that ends takes its connection away: nothing may be asked again after that.
    const { memo } = await client.withAbortSignal(cancellationSignal, () =>
      client.withDeadline(Date.now() + answerWithinMs, describe),
    );
    const home = memo?.[homeMemo];
    return typeof home === 'string' ? home : undefined;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    if (cancellationSignal.aborted) return await cancelled;
    throw cloudUnavailable(`Temporal does not say where ${vnf} is: ${String(error)}`, {});
  }
}
