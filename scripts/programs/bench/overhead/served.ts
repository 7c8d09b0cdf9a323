import type { Client } from '@temporalio/client';

/**
 * When a run's replacements were in service: its last publication, in seconds from its start. What a run does afterwards is to remove
 * those that they replace.
 */
export async function secondsUntilServed(client: Client, workflowId: string): Promise<number> {
  const own = await client.workflow.getHandle(workflowId).fetchHistory();
  const began = millisecondsOf(own.events?.[0]?.eventTime);
  const children = (own.events ?? []).flatMap(
    (event) => event.startChildWorkflowExecutionInitiatedEventAttributes?.workflowId ?? [],
  );
  const all = [own, ...(await Promise.all(children.map((id) => client.workflow.getHandle(id).fetchHistory())))];
  return (Math.max(...all.map(({ events }) => lastPublication(events ?? []))) - began) / 1_000;
}

type Events = NonNullable<Awaited<ReturnType<ReturnType<Client['workflow']['getHandle']>['fetchHistory']>>['events']>;

/** 0 where there is none. */
function lastPublication(events: Events): number {
  const publications = new Set(
    events
      .filter((event) => event.activityTaskScheduledEventAttributes?.activityType?.name === 'publish')
      .map((event) => String(event.eventId)),
  );
  const done = events.filter((event) =>
    publications.has(String(event.activityTaskCompletedEventAttributes?.scheduledEventId)),
  );
  return Math.max(0, ...done.map((event) => millisecondsOf(event.eventTime)));
}

function millisecondsOf(time: Events[number]['eventTime']): number {
  return Number(time?.seconds ?? 0) * 1_000 + (time?.nanos ?? 0) / 1e6;
}
