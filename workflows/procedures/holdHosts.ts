import {
  CancellationScope,
  ChildWorkflowCancellationType,
  ParentClosePolicy,
  patched,
  sleep,
  startChild,
  workflowInfo,
  type ChildWorkflowHandle,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { summary } from '../../domain/markdown';
import { failure } from '../../domain/failure';
import { shown } from '../../domain/shown';
import { toApplicationFailure } from '../failures';
import type { hostMutex } from './hostMutex';

/** Mutexes in name order, so that two callers with hosts in common never wait for each other: the second is refused. */
export async function holdHosts<T>(hosts: readonly string[], body: () => Promise<T>): Promise<T> {
  const { workflowId, runId } = workflowInfo();
  const held: { handle: ChildWorkflowHandle<typeof hostMutex>; scope: CancellationScope }[] = [];
  try {
    for (const host of hosts) {
      const scope = new CancellationScope({ cancellable: false });
      const handle = await scope.run(() =>
        startChild<typeof hostMutex>('hostMutex', {
          workflowId: `host:${host}`,
          args: [{ workflowId, runId }],
          // The server skips the close policy on reset, so the mutex watches this run by itself.
          parentClosePolicy: ParentClosePolicy.ABANDON,
          cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
          staticSummary: summary(`${host} is held by ${workflowId}`),
        }),
      );
      held.push({ handle, scope });
    }
    return await body();
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    const host = error.workflowId.slice('host:'.length);
    throw toApplicationFailure(
      failure(
        'Busy',
        `${shown(host)} is being evacuated or restored already (workflow ${shown(error.workflowId)}). Wait for that run.`,
        {
          host,
        },
      ),
      'refused',
    );
  } finally {
    await CancellationScope.nonCancellable(async () => {
      for (const { handle } of held) await release(handle);
    });
  }
}

/** A mutex needs a moment to end; whoever asks for the host right after finds it free. */
const releaseLimit = '1 minute';

/**
 * Where this run was made by a reset the mutex has ended by itself, since the run that it watched is closed, and nobody may ever tell
 * this one: it is not waited for then, and never for long.
 */
async function release(handle: ChildWorkflowHandle<typeof hostMutex>): Promise<void> {
  // Runs of earlier releases wait for every mutex, however long.
  const isLimited = patched('release-limit');
  const isThere = await handle.signal('release').then(
    () => true,
    () => false,
  );
  if (isLimited && !isThere) return;
  const ended = handle.result().catch(() => undefined);
  await (isLimited ? Promise.race([ended, sleep(releaseLimit)]) : ended);
}
