import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils';
import { root } from './root';

/**
 * Writes the history of every closed run, one file each, as `<type>-<n>.json` with the id that it ran under (children's ids are
 * made from their parent's, so a replay needs it). What a release recorded is replayed by all that follow.
 */
export async function saveHistories(client: Client, directory: string): Promise<number> {
  mkdirSync(directory, { recursive: true });
  const counts = new Map<string, number>();
  const runs: { type: string; workflowId: string; runId: string; startTime: Date }[] = [];
  for await (const { type, workflowId, runId, startTime, status } of client.workflow.list())
    if (status.name !== 'RUNNING') runs.push({ type, workflowId, runId, startTime });
  runs.sort((a, b) => a.startTime.getTime() - b.startTime.getTime());
  for (const { type, workflowId, runId } of runs) {
    const count = (counts.get(type) ?? 0) + 1;
    counts.set(type, count);
    const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    const file = join(directory, `${type}-${String(count)}.json`);
    // Failures say where in the source they come from: that is nobody's path.
    const text = historyToJSON(history).replaceAll(root, '/bulkhead');
    writeFileSync(file, `${JSON.stringify({ workflowId, history: JSON.parse(text) as unknown })}\n`);
  }
  return runs.length;
}
