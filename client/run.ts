import {
  QueryNotRegisteredError,
  WorkflowFailedError,
  WorkflowNotFoundError,
  type Client,
  type WorkflowExecutionDescription,
  type WorkflowHandle,
} from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { decodeOptionalFailureToOptionalError } from '@temporalio/common/lib/internal-non-workflow';
import { procedureInputs } from '../domain/procedures';
import { shown } from '../domain/shown';
import { runQuery, type RunView } from '../domain/stuck';
import { BulkheadError, reasonOf, typed } from './errors';

/** Where a run is, or how it ended. */
export interface RunReport extends RunView {
  /** Its current details: Markdown, the steps with the one that it is at. Empty of one that has ended. */
  readonly details: string;
  /** What has failed and is tried again, with its last failure. */
  readonly retrying: readonly Retrying[];
  /** How it ended; null while it is at work. */
  readonly ended: RunEnd | null;
}

export interface Retrying {
  readonly activity: string;
  /** The one that is under way, or comes next. */
  readonly attempt: number;
  readonly kind: string;
  readonly message: string;
}

export interface RunEnd {
  /** Of a run that completed as its result has it (`completed`, `planned`); else as a BulkheadError has it. */
  readonly outcome: string;
  /** Null where it completed. */
  readonly kind: string | null;
  readonly message: string | null;
}

/** One that has ended says so without any worker. */
export async function readRun(client: Client, workflowId: string): Promise<RunReport> {
  const described = await client.workflow
    .getHandle(workflowId)
    .describe()
    .catch((error: unknown) => {
      throw error instanceof WorkflowNotFoundError ? noRun(workflowId, 'there is none', error) : error;
    });
  if (!Object.hasOwn(procedureInputs, described.type)) throw noRun(workflowId, `it is a run of ${described.type}`);
  const handle = client.workflow.getHandle(workflowId, described.runId);
  const silent: RunView = { schema: 1, what: whatOf(described), stuck: null, stuckChildren: [] };
  if (described.status.name !== 'RUNNING')
    return { ...silent, details: '', retrying: [], ended: await endOf(handle, described) };
  const [view, metadata, retrying] = await Promise.all([
    // Before it asks for its turn, and where it only plans, it has nothing that could be stuck.
    handle.query<RunView>(runQuery).catch((error: unknown) => {
      if (error instanceof QueryNotRegisteredError) return silent;
      throw error;
    }),
    handle.query<{ currentDetails?: string }>('__temporal_workflow_metadata'),
    retryingOf(client, described),
  ]);
  return { ...view, details: metadata.currentDetails ?? '', retrying, ended: null };
}

/** `scaleOut of ims1`, `restoreHost of cmp-01, cmp-02`. */
function whatOf({ type, typedSearchAttributes }: WorkflowExecutionDescription): string {
  const found = typedSearchAttributes.getAll();
  const value =
    found.find(({ key }) => key.name === 'VnfId')?.value ?? found.find(({ key }) => key.name === 'Host')?.value;
  return value === undefined ? type : `${type} of ${Array.isArray(value) ? value.join(', ') : String(value)}`;
}

async function endOf(handle: WorkflowHandle, { status }: WorkflowExecutionDescription): Promise<RunEnd> {
  try {
    const result = (await handle.result()) as { outcome?: string } | undefined;
    return { outcome: result?.outcome ?? 'completed', kind: null, message: null };
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    const failed = typed(error);
    if (failed instanceof BulkheadError) return { outcome: failed.outcome, kind: failed.kind, message: failed.message };
    // Of no kind that this release knows.
    return { outcome: status.name.toLowerCase(), kind: null, message: reasonOf(error) };
  }
}

async function retryingOf(client: Client, { raw }: WorkflowExecutionDescription): Promise<Retrying[]> {
  const failed = (raw.pendingActivities ?? []).filter(({ lastFailure }) => lastFailure);
  return await Promise.all(
    failed.map(async ({ activityType, attempt, lastFailure }) => {
      const error = await decodeOptionalFailureToOptionalError(client.options.loadedDataConverter, lastFailure);
      return {
        activity: activityType?.name ?? '',
        attempt: attempt ?? 0,
        kind: (error instanceof ApplicationFailure ? error.type : error?.name) ?? '',
        message: error?.message ?? '',
      };
    }),
  );
}

function noRun(workflowId: string, why: string, cause?: Error): BulkheadError {
  return new BulkheadError(
    `There is no run of a procedure under the workflow id ${shown(workflowId)}: ${why}. The status of a VNF says which runs it has.`,
    { kind: 'InvalidRequest', outcome: 'refused', details: { workflowId } },
    cause && { cause },
  );
}
