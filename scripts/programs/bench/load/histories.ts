import type { Client } from '@temporalio/client';

/** What Temporal keeps of it. */
export interface Histories {
  readonly runs: number;
  readonly events: number;
  readonly megabytes: number;
  /** The longest run of each type, in events. */
  readonly longest: Readonly<Record<string, number>>;
}

export async function historiesOf(client: Client): Promise<Histories> {
  let runs = 0;
  let events = 0;
  let bytes = 0;
  const longest: Record<string, number> = {};
  for await (const { type, status, workflowId, ...closed } of client.workflow.list()) {
    // The list knows the length of what has closed.
    const { historyLength, historySize } =
      status.name === 'RUNNING' ? await client.workflow.getHandle(workflowId).describe() : closed;
    runs += 1;
    events += historyLength;
    bytes += historySize ?? 0;
    longest[type] = Math.max(longest[type] ?? 0, historyLength);
  }
  return { runs, events, megabytes: Math.round(bytes / 1e5) / 10, longest };
}
