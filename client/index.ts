import { randomUUID } from 'node:crypto';
import {
  Client,
  Connection,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  type ConnectionOptions,
  type WorkflowHandle,
} from '@temporalio/client';
import { summary } from '../domain/markdown';
import { isReservedWorkflowId, recordWorkflowId } from '../domain/names';
import {
  taskQueues,
  type AdoptResult,
  type AuditResult,
  type CapacityResult,
  type DryRunResult,
  type EvacuateHostResult,
  type OrphansResult,
  type ProcedureInputs,
  type ProcedureResult,
  type RestoreHostPlan,
  type RestoreHostResult,
} from '../domain/procedures';
import { shown } from '../domain/shown';
import { signalNames, type RecordView } from '../domain/turn';
import type { StuckTold } from '../domain/stuck';
import { isLoopback } from './address';
import { parsePayloadKeys, payloadCodec } from './encryption';
import { BulkheadError, PlainTextRefusedError, reasonOf, TemporalUnavailableError, typed } from './errors';
import { endableRetries } from './retries';
import { readRun, type RunReport } from './run';
import { tellStuck } from './stuck';

/** What an NFVO imports: the procedures as typed calls with typed failures, and what VNFs there are. */

export { PayloadKeyError } from './encryption';
export { BulkheadError, PlainTextRefusedError, TemporalUnavailableError } from './errors';
export type {
  AdoptedNamed,
  AdoptResult,
  AuditResult,
  CapacityResult,
  DryRunResult,
  EvacuateHostResult,
  OrphansResult,
  ProcedureInputs,
  ProcedureResult,
  RestoreHostPlan,
  RestoreHostResult,
} from '../domain/procedures';
export type { Misfit, MisfitKind } from '../domain/adopt';
export type { Match } from '../domain/adopt/match';
export type { Finding, FindingKind } from '../domain/audit';
export type { Capacity, Deaths, DomainCapacity, PoolCapacity, Ranges } from '../domain/explain/capacity';
export type {
  BlastRadius,
  Caps,
  DomainBlastRadius,
  ExplainedStep,
  Explanation,
  HostTable,
} from '../domain/explain/explanation';
export type { Orphan, OrphanKind, UnrecordedVnf } from '../domain/orphans';
export type { FailureDetails, FailureKind, HostReason } from '../domain/failure';
export type { Remedy } from '../domain/explain/remedy';
export type { SeenHost } from '../domain/explain/seenHosts';
export type { Choice, Told } from '../domain/explain/told';
export type { RecordView } from '../domain/turn';
export type { Retrying, RunEnd, RunReport } from './run';
export type { Leftover, RunView, StuckRun, StuckTold, StuckView } from '../domain/stuck';

export interface BulkheadOptions extends Pick<ConnectionOptions, 'tls' | 'apiKey'> {
  /** `host:port` of the Temporal frontend. */
  readonly address: string;
  /** Default `default`. */
  readonly namespace?: string;
  /** How long to wait for Temporal to be there; default 10. */
  readonly connectSeconds?: number;
  /** What the workers have as `BULKHEAD_PAYLOAD_KEYS`. Without it inputs are sent as they are, and nothing that is encrypted can be read. */
  readonly payloadKeys?: string;
  /** Speak plain text (no `tls`, no `apiKey`) to a Temporal beyond this machine. Refused by default. */
  readonly allowPlaintext?: boolean;
}

export interface RunOptions {
  /** Any id of up to 1,000 characters but `vnf:…`, `host:…`, `audit:…` and `cloud:…`. While a run has this id, another is refused with AlreadyExists. */
  readonly workflowId?: string;
}

/** A run that was started. */
export interface Run<R> {
  readonly workflowId: string;
  readonly runId: string;
  /** Waits for the end. Throws a BulkheadError where it did not complete. */
  readonly result: () => Promise<R>;
  /** Before the pivot it goes back; after it, it finishes. Of a run that has ended it does nothing. */
  readonly cancel: () => Promise<void>;
  /** Where the run is, in words (its current details). */
  readonly progress: () => Promise<string>;
}

export type Procedure = Exclude<keyof ProcedureInputs, 'evacuateVnf'>;
/** Results of their own; all others have the common ones. Whether audit and adopt were dry is said in theirs. */
interface Results {
  readonly evacuateHost: { readonly completed: EvacuateHostResult; readonly planned: DryRunResult };
  readonly restoreHost: { readonly completed: RestoreHostResult; readonly planned: RestoreHostPlan };
  readonly audit: { readonly completed: AuditResult; readonly planned: AuditResult };
  readonly orphans: { readonly completed: OrphansResult; readonly planned: OrphansResult };
  readonly adopt: { readonly completed: AdoptResult; readonly planned: AdoptResult };
  readonly capacity: { readonly completed: CapacityResult; readonly planned: CapacityResult };
}
type Completed<K extends Procedure> = K extends keyof Results ? Results[K]['completed'] : ProcedureResult;
type Planned<K extends Procedure> = K extends keyof Results ? Results[K]['planned'] : DryRunResult;
/** A dry run has a result of its own. Where the type of the input leaves open whether it is one, so does that of the result. */
export type ResultOf<K extends Procedure, I> = I extends { readonly dryRun: true }
  ? Planned<K>
  : I extends { readonly dryRun: false }
    ? Completed<K>
    : 'dryRun' extends keyof I
      ? Completed<K> | Planned<K>
      : Completed<K>;

/** Starts a procedure and waits for its end. */
type Call<K extends Procedure> = <I extends ProcedureInputs[K]>(
  input: I,
  options?: RunOptions,
) => Promise<ResultOf<K, I>>;

export interface VnfListed {
  readonly vnf: string;
  readonly phase: string;
  readonly startedAt: Date;
}

/** What cannot reach Temporal, or a worker that is needed for the answer, throws a TemporalUnavailableError. */
export type Bulkhead = { readonly [K in Procedure]: Call<K> } & {
  /** Starts a procedure and does not wait. */
  readonly start: <K extends Procedure, I extends ProcedureInputs[K]>(
    procedure: K,
    input: I,
    options?: RunOptions,
  ) => Promise<Run<ResultOf<K, I>>>;
  /** A run that was started before, in whatever way. Throws a BulkheadError InvalidRequest where there is no such run. */
  readonly attach: <K extends Procedure>(procedure: K, workflowId: string) => Promise<Run<Completed<K> | Planned<K>>>;
  /** Throws a BulkheadError UnknownVnf where there is none. */
  readonly status: (vnf: string) => Promise<RecordView>;
  readonly list: () => Promise<VnfListed[]>;
  /** Begins the clean-ups of a blocked VNF again, once what was in their way is mended; without any it does nothing. Throws UnknownVnf. */
  readonly cleanUpAgain: (vnf: string) => Promise<void>;
  /**
   * What a run says of itself, by its workflow id: where it is and what it tries again, or how it ended; whether it is stuck, with both errors, what
   * is left and what to do. Throws a BulkheadError InvalidRequest where there is no such run.
   */
  readonly run: (workflowId: string) => Promise<RunReport>;
  /**
   * Of a run that is stuck. `retry`: what was in the way is mended, and it is tried again. `skip`: it was done by hand; throws Stuck with
   * `details.left` where the cloud still shows something. `giveUp`: the run ends as Stuck, and its VNF's record cleans up behind it. All
   * throw InvalidRequest where the run is not stuck.
   */
  readonly retry: (workflowId: string) => Promise<StuckTold>;
  readonly skip: (workflowId: string) => Promise<StuckTold>;
  readonly giveUp: (workflowId: string) => Promise<StuckTold>;
  /** What is still asked is not tried again, and may throw a TemporalUnavailableError. Waits up to five seconds for a retry that is due. */
  readonly close: () => Promise<void>;
};

/** A query needs a worker; with none this is how long it is waited for. */
const answerWithinMs = 5_000;

/** Throws PlainTextRefusedError, PayloadKeyError and TemporalUnavailableError; of an address that is a URL a BulkheadError, `InvalidRequest`. */
export async function connectBulkhead(options: BulkheadOptions): Promise<Bulkhead> {
  const { address, namespace = 'default', tls, apiKey, connectSeconds = 10 } = options;
  refuseUrl(address);
  refusePlainText(options);
  const payloadKeys = options.payloadKeys === undefined ? [] : parsePayloadKeys(options.payloadKeys);
  const retries = endableRetries();
  const connection = await Connection.connect({
    address,
    interceptors: [retries.interceptor],
    connectTimeout: connectSeconds * 1_000,
    ...(tls !== undefined && { tls }),
    ...(apiKey !== undefined && { apiKey }),
  }).catch((error: unknown) => {
    throw new TemporalUnavailableError(
      `Temporal does not answer at ${address} within ${String(connectSeconds)} s: ${reasonOf(error)}`,
      { cause: error },
    );
  });
  const client = new Client({
    connection,
    namespace,
    dataConverter: { payloadCodecs: [payloadCodec(payloadKeys)] },
  });

  const start: Bulkhead['start'] = async <K extends Procedure, I extends ProcedureInputs[K]>(
    procedure: K,
    input: I,
    { workflowId = `${procedure}-${randomUUID()}` }: RunOptions = {},
  ) => {
    refuseNoId(workflowId);
    refuseReservedId(workflowId);
    return await typedly(async () => {
      const handle = await client.workflow
        .start(procedure, {
          workflowId,
          taskQueue: taskQueues.workflows,
          args: [input],
          workflowIdConflictPolicy: 'FAIL',
          staticSummary: summaryOf(procedure, input),
        })
        .catch((error: unknown) => {
          throw error instanceof WorkflowExecutionAlreadyStartedError ? taken(workflowId, error) : error;
        });
      return runOf<ResultOf<K, I>>(client, handle, handle.firstExecutionRunId);
    });
  };

  const call =
    <K extends Procedure>(procedure: K): Call<K> =>
    async (input, run) =>
      await (await start(procedure, input, run)).result();

  return {
    start,
    attach: (procedure, workflowId) => ofRun(workflowId, () => attachTo(client, procedure, workflowId)),
    instantiate: call('instantiate'),
    scaleOut: call('scaleOut'),
    scaleIn: call('scaleIn'),
    heal: call('heal'),
    evacuateHost: call('evacuateHost'),
    restoreHost: call('restoreHost'),
    rebalance: call('rebalance'),
    terminate: call('terminate'),
    audit: call('audit'),
    orphans: call('orphans'),
    adopt: call('adopt'),
    capacity: call('capacity'),
    status: (vnf) => typedly(() => client.withDeadline(Date.now() + answerWithinMs, () => readStatus(client, vnf))),
    list: () => typedly(() => listVnfs(client)),
    cleanUpAgain: (vnf) => typedly(() => cleanUpAgain(client, vnf)),
    run: (workflowId) =>
      ofRun(workflowId, () => client.withDeadline(Date.now() + answerWithinMs, () => readRun(client, workflowId))),
    retry: (workflowId) => ofRun(workflowId, () => tellStuck(client, workflowId, 'retry')),
    skip: (workflowId) => ofRun(workflowId, () => tellStuck(client, workflowId, 'skip')),
    giveUp: (workflowId) => ofRun(workflowId, () => tellStuck(client, workflowId, 'giveUp')),
    close: async () => {
      await retries.end();
      await connection.close();
    },
  };
}

function refuseUrl(address: string): void {
  if (!address.includes('://')) return;
  throw refused(
    'InvalidRequest',
    `The address ${address} is a URL. Give host:port alone, e.g. 127.0.0.1:7233; tls: true for an encrypted connection.`,
    { address },
  );
}

/** As a worker does: what is asked, answered and found would be readable on the way, and anybody could answer. */
function refusePlainText({ address, tls, apiKey, allowPlaintext = false }: BulkheadOptions): void {
  // Temporal's client takes an API key for a wish for TLS, unless that is said not to be there.
  const encrypted = (tls ?? apiKey !== undefined) !== false;
  if (encrypted || allowPlaintext || isLoopback(address)) return;
  throw new PlainTextRefusedError(
    `Temporal at ${address} is beyond this machine and would be spoken to in plain text. Give tls (or apiKey), or allowPlaintext: true.`,
  );
}

async function typedly<T>(body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    throw typed(error);
  }
}

/** Of a run that is there already. */
function ofRun<T>(workflowId: string, body: () => Promise<T>): Promise<T> {
  return typedly(() => {
    refuseNoId(workflowId);
    return body();
  });
}

function runOf<R>(client: Client, handle: WorkflowHandle, runId: string): Run<R> {
  return {
    workflowId: handle.workflowId,
    runId,
    result: () => typedly(async () => (await handle.result()) as R),
    cancel: () =>
      typedly(async () => {
        await handle.cancel().catch((error: unknown) => {
          // It has ended: how, its result says.
          if (!(error instanceof WorkflowNotFoundError)) throw error;
        });
      }),
    progress: () =>
      typedly(async () => {
        const metadata = await client.withDeadline(Date.now() + answerWithinMs, () =>
          handle.query<{ currentDetails?: string }>('__temporal_workflow_metadata'),
        );
        return metadata.currentDetails ?? '';
      }),
  };
}

async function attachTo<R>(client: Client, procedure: Procedure, workflowId: string): Promise<Run<R>> {
  const described = await client.workflow
    .getHandle(workflowId)
    .describe()
    .catch((error: unknown) => {
      if (error instanceof WorkflowNotFoundError) return null;
      throw error;
    });
  if (described?.type !== procedure) {
    const there = described ? `it is a run of ${described.type}` : 'there is none';
    throw refused(
      'InvalidRequest',
      `There is no run of ${procedure} under the workflow id ${shown(workflowId)}: ${there}.`,
      {
        workflowId,
      },
    );
  }
  return runOf(client, client.workflow.getHandle(workflowId, described.runId), described.runId);
}

/** As Temporal counts and limits it. */
const workflowIdBytesMax = 1_000;

/** Temporal would say so in words of its own, or none. */
function refuseNoId(workflowId: string): void {
  const bytes = Buffer.byteLength(workflowId);
  if (bytes > 0 && bytes <= workflowIdBytesMax) return;
  const wrong = bytes === 0 ? 'is empty' : `has ${String(bytes)} bytes`;
  throw refused('InvalidRequest', `The workflow id ${wrong}. Give one of 1 to ${String(workflowIdBytesMax)} bytes.`, {
    workflowId: workflowId.slice(0, workflowIdBytesMax),
  });
}

/** The workflow refuses them too; here also those that are taken by what they are reserved for. */
function refuseReservedId(workflowId: string): void {
  if (!isReservedWorkflowId(workflowId)) return;
  throw refused(
    'InvalidRequest',
    `The workflow id ${shown(workflowId)} is reserved. Take any that does not begin with vnf:, host:, audit: or cloud:.`,
    { workflowId },
  );
}

/** Without a VNF in its details, so that it is not taken for a VNF that exists. */
function taken(workflowId: string, cause: unknown): BulkheadError {
  return refused(
    'AlreadyExists',
    `A run under the workflow id ${shown(workflowId)} is at work, and nothing was started. Attach to it, or take another id.`,
    { workflowId },
    cause,
  );
}

function refused(
  kind: BulkheadError['kind'],
  message: string,
  details: BulkheadError['details'],
  cause?: unknown,
): BulkheadError {
  return new BulkheadError(message, { kind, outcome: 'refused', details }, cause === undefined ? undefined : { cause });
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
  throw refused('UnknownVnf', `There is no VNF ${vnf}.`, { vnf });
}

async function cleanUpAgain(client: Client, vnf: string): Promise<void> {
  try {
    await client.workflow.getHandle(recordWorkflowId(vnf)).signal(signalNames.audit);
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
    throw refused('UnknownVnf', `There is no VNF ${vnf}.`, { vnf }, error);
  }
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
  const parts = ['vnf', 'pool', 'to', 'hosts', 'cause', 'members', 'repair', 'match'].flatMap((key) =>
    given[key] === undefined ? [] : [`${key} ${JSON.stringify(given[key])}`],
  );
  return summary(`${procedure}: ${parts.join(', ')}`);
}
