import { Context } from '@temporalio/activity';
import { isGrpcServiceError, type Client } from '@temporalio/client';
import { temporal } from '@temporalio/proto';
import type { Dependencies } from '../dependencies';
import type { WatchActivities } from '../ports';
import { sleep } from '../turn';

/** gRPC's code for what is not there. */
const notFound = 5;
const heartbeatMs = 3_000;
const againMs = 1_000;

/** Long-polls the run's close event: nothing is asked again and again while it is open. However it closed, it has closed. */
export function watchActivity({ client }: Dependencies): WatchActivities['watch'] {
  return async ({ workflowId, runId }) => {
    const context = Context.current();
    const beat = setInterval(() => {
      context.heartbeat();
    }, heartbeatMs);
    let over = false;
    const closed = async (): Promise<'closed' | 'notFound'> => {
      for (;;) {
        if (over) return 'closed';
        try {
          const { history } = await untilCancelled(context, client, () =>
            client.workflowService.getWorkflowExecutionHistory({
              namespace: client.options.namespace,
              execution: { workflowId, runId },
              waitNewEvent: true,
              historyEventFilterType:
                temporal.api.enums.v1.HistoryEventFilterType.HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT,
              skipArchival: true,
            }),
          );
          // An empty answer means that the poll's time was over.
          if ((history?.events?.length ?? 0) > 0) return 'closed';
        } catch (error) {
          if (isGrpcServiceError(error) && (error.code as number) === notFound) return 'notFound';
          await sleep(againMs);
        }
      }
    };
    try {
      return await Promise.race([closed(), context.cancelled]);
    } finally {
      over = true;
      clearInterval(beat);
    }
  };
}

/**
 * A poll that outlived its activity would fail in nobody's hands when the worker closes its connection. Each has a signal of its
 * own: the client never takes its listener off, and a watch may last for a day.
 */
async function untilCancelled<T>({ cancellationSignal }: Context, client: Client, poll: () => Promise<T>): Promise<T> {
  const own = new AbortController();
  const stop = (): void => {
    own.abort();
  };
  cancellationSignal.addEventListener('abort', stop, { once: true });
  try {
    return await client.withAbortSignal(own.signal, poll);
  } finally {
    cancellationSignal.removeEventListener('abort', stop);
  }
}
