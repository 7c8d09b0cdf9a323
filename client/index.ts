import { randomUUID } from 'node:crypto';
import { Client, Connection, WorkflowNotFoundError, type ConnectionOptions } from '@temporalio/client';
import { recordWorkflowId } from '../domain/names';
import {
  taskQueues,
  type DryRunResult,
  type EvacuateHostResult,
  type ProcedureInputs,
  type ProcedureResult,
} from '../domain/procedures';
import type { RecordView } from '../domain/turn';
import { BulkheadError, typed } from './errors';

/** What an NFVO imports: the six procedures as typed calls with typed failures, and what VNFs there are. */

export { BulkheadError } from './errors';
export type { DryRunResult, EvacuateHostResult, ProcedureInputs, ProcedureResult } from '../domain/procedures';
export type { FailureDetails, FailureKind } from '../domain/failure';
export type { RecordView } from '../domain/turn';

export interface BulkheadOptions extends Pick<ConnectionOptions, 'tls' | 'apiKey'> {
  /** `host:port` of the Temporal frontend. */
  readonly address: string;
  /** Default `default`. */
  readonly namespace?: string;
}

export interface RunOptions {
  /** Any id but `vnf:…`, `host:…` and `audit:…`. The same id again while it runs is refused by Temporal. */
  readonly workflowId?: string;
}

/** A run that was started. */
export interface Run<R> {
  readonly workflowId: string;
  readonly runId: string;
  /** Waits for the end. Throws a BulkheadError where it did not complete. */
  readonly result: () => Promise<R>;
  /** Before the pivot it goes back; after it, it finishes. */
  readonly cancel: () => Promise<void>;
  /** Where the run is, in words (its current details). */
  readonly progress: () => Promise<string>;
}

type Result<K extends Procedure> = K extends 'evacuateHost' ? EvacuateHostResult : ProcedureResult;
export type Procedure = Exclude<keyof ProcedureInputs, 'evacuateVnf'>;
/** With `dryRun: true` the result is a DryRunResult. */
type Call<K extends Procedure> = <I extends ProcedureInputs[K]>(
  input: I,
  options?: RunOptions,
) => Promise<I extends { dryRun: true } ? DryRunResult : Result<K>>;

export interface VnfListed {
  readonly vnf: string;
  readonly phase: string;
  readonly startedAt: Date;
}

export type Bulkhead = { readonly [K in Procedure]: Call<K> } & {
  /** Starts a procedure and does not wait. */
  readonly start: <K extends Procedure>(
    procedure: K,
    input: ProcedureInputs[K],
    options?: RunOptions,
  ) => Promise<Run<Result<K>>>;
  /** Throws a BulkheadError UnknownVnf where there is none. */
  readonly status: (vnf: string) => Promise<RecordView>;
  readonly list: () => Promise<VnfListed[]>;
  readonly close: () => Promise<void>;
};

export async function connectBulkhead(options: BulkheadOptions): Promise<Bulkhead> {
  const { address, namespace = 'default', tls, apiKey } = options;
  const connection = await Connection.connect({
    address,
    ...(tls !== undefined && { tls }),
    ...(apiKey !== undefined && { apiKey }),
  });
  const client = new Client({ connection, namespace });

  const start = async <K extends Procedure>(
    procedure: K,
    input: ProcedureInputs[K],
    run: RunOptions = {},
  ): Promise<Run<Result<K>>> => {
    const workflowId = run.workflowId ?? `${procedure}-${randomUUID()}`;
    const handle = await client.workflow.start(procedure, {
      workflowId,
      taskQueue: taskQueues.workflows,
      args: [input],
      workflowIdConflictPolicy: 'FAIL',
      staticSummary: summaryOf(procedure, input),
    });
    return {
      workflowId,
      runId: handle.firstExecutionRunId,
      result: async () => {
        try {
          return (await handle.result()) as Result<K>;
        } catch (error) {
          throw typed(error);
        }
      },
      cancel: async () => {
        await handle.cancel();
      },
      progress: async () => {
        const metadata = await handle.query<{ currentDetails?: string }>('__temporal_workflow_metadata');
        return metadata.currentDetails ?? '';
      },
    };
  };

  const call =
    <K extends Procedure>(procedure: K): Call<K> =>
    async (input, run) =>
      (await (await start(procedure, input, run)).result()) as never;

  return {
    start,
    instantiate: call('instantiate'),
    scaleOut: call('scaleOut'),
    scaleIn: call('scaleIn'),
    heal: call('heal'),
    evacuateHost: call('evacuateHost'),
    terminate: call('terminate'),
    status: (vnf) => readStatus(client, vnf),
    list: () => listVnfs(client),
    close: () => connection.close(),
  };
}

async function readStatus(client: Client, vnf: string): Promise<RecordView> {
  const handle = client.workflow.getHandle(recordWorkflowId(vnf));
  try {
    const { status } = await handle.describe();
    if (status.name === 'RUNNING') {
      const view = await handle.query<RecordView>('status');
      if (!view.ended) return view;
    }
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
  throw new BulkheadError(`There is no VNF ${vnf}.`, { kind: 'UnknownVnf', outcome: 'refused', details: { vnf } });
}

async function listVnfs(client: Client): Promise<VnfListed[]> {
  const found: VnfListed[] = [];
  for await (const { workflowId, startTime, typedSearchAttributes } of client.workflow.list({
    query: `WorkflowType = 'vnf' AND ExecutionStatus = 'Running'`,
  })) {
    const phase = typedSearchAttributes.getAll().find(({ key }) => key.name === 'Phase')?.value;
    found.push({
      vnf: workflowId.slice('vnf:'.length),
      phase: typeof phase === 'string' ? phase : '',
      startedAt: startTime,
    });
  }
  return found.sort((a, b) => a.vnf.localeCompare(b.vnf));
}

/** One line that a person can read in a list of runs. */
function summaryOf<K extends Procedure>(procedure: K, input: ProcedureInputs[K]): string {
  const given: Record<string, unknown> = { ...input };
  const parts = ['vnf', 'pool', 'to', 'hosts', 'cause', 'members'].flatMap((key) =>
    given[key] === undefined ? [] : [`${key} ${JSON.stringify(given[key])}`],
  );
  return `${procedure}: ${parts.join(', ')}`.slice(0, 200);
}
