import { markerDetails, type MarkerRecorded } from './ways';

/** What occurs in a history, by name, as JSON has it. */

interface Named {
  readonly name: string;
}

interface Event {
  readonly eventType: string;
  readonly activityTaskScheduledEventAttributes?: { readonly activityType: Named };
  readonly markerRecordedEventAttributes?: MarkerRecorded;
  readonly workflowExecutionSignaledEventAttributes?: { readonly signalName: string };
  readonly signalExternalWorkflowExecutionInitiatedEventAttributes?: Sent;
  readonly workflowExecutionUpdateAcceptedEventAttributes?: { readonly acceptedRequest: { readonly input: Named } };
}

/** A signal to another run, as an event and as a command have it. */
interface Sent {
  readonly signalName?: string | null;
  readonly workflowExecution?: { readonly workflowId?: string | null } | null;
}

export interface History {
  readonly events: readonly object[];
}

function eventsOf({ events }: History): readonly Event[] {
  return events as readonly Event[];
}

/** Also those that are local, which leave a marker. */
export function activitiesIn(history: History): string[] {
  return eventsOf(history).flatMap((event) => {
    const marker = event.markerRecordedEventAttributes;
    const local = markerDetails(marker, { name: 'core_local_activity', key: 'data' }) as { activity_type: string }[];
    const scheduled = event.activityTaskScheduledEventAttributes?.activityType.name;
    return [...(scheduled === undefined ? [] : [scheduled]), ...local.map((each) => each.activity_type)];
  });
}

export function receivedIn(history: History): string[] {
  return eventsOf(history).flatMap((event) => event.workflowExecutionSignaledEventAttributes?.signalName ?? []);
}

export function sentIn(history: History): Sent[] {
  return eventsOf(history).flatMap((event) => event.signalExternalWorkflowExecutionInitiatedEventAttributes ?? []);
}

/** A command names a child by its id alone. */
export function inWords({ signalName, workflowExecution }: Sent, childId: string | null = ''): string {
  const to = workflowExecution?.workflowId ?? '';
  return `${signalName ?? ''} to ${childId === null || childId === '' ? to : childId}`;
}

export function updatesIn(history: History): string[] {
  return eventsOf(history).flatMap(
    (event) => event.workflowExecutionUpdateAcceptedEventAttributes?.acceptedRequest.input.name ?? [],
  );
}

/** Its last event: `CANCELED`. */
export function closingOf(history: History): string {
  return eventsOf(history).at(-1)?.eventType.replace('EVENT_TYPE_WORKFLOW_EXECUTION_', '') ?? '';
}
