import { until, type Procedure } from '../real/world';
import type { Stage, Trial } from './stage';

/** Terminates the run at this call of it, and says which token it had. */
export async function vanishes(
  stage: Stage,
  trial: Trial,
  { procedure, input, at }: { readonly procedure: Procedure; readonly input: object; readonly at: string },
): Promise<string> {
  let token = '';
  const end = async (workflowId: string, runId: string): Promise<void> => {
    token = (await stage.bulkhead.status(trial.vnf)).turn?.token ?? '';
    await stage.client.workflow.getHandle(workflowId, runId).terminate('by a test');
  };
  const ended = await trial.run(procedure, input, ({ key, workflowId, runId }) =>
    key === at ? end(workflowId, runId) : undefined,
  );
  if (ended.outcome !== 'vanished' || token === '')
    throw new Error(`${procedure} ended ${ended.outcome}, and was to be terminated in its turn at ${at}`);
  return token;
}

/** The clean-ups behind the run of this token: each has its number. */
export function cleanUpId(vnf: string, token: string, attempt: number): string {
  return `audit:${vnf}:${token}:${String(attempt)}`;
}

/** Terminates it as soon as it runs. */
export async function endCleanUp({ client }: Stage, id: string): Promise<void> {
  const handle = client.workflow.getHandle(id);
  await until(`${id} runs`, 30, () =>
    handle.describe().then(
      () => true,
      () => false,
    ),
  );
  // It fails where it has ended by itself.
  await handle.terminate('by a test');
}
