import { isGrpcServiceError, type Connection } from '@temporalio/client';
import type { WorkerDeploymentVersion } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import { taskQueues } from '../domain/procedures';
import { argument } from '../domain/shell';

/** What Temporal knows of a Worker Deployment: its versions, which of them gets what, and who polls. */

export interface Temporal {
  readonly connection: Pick<Connection, 'workflowService'>;
  readonly namespace: string;
}

/**
 * `current` gets new runs and all records, `ramping` a share of both; `draining` is left with the runs that are pinned to it, `drained` has none
 * left. `inactive` has never had any.
 */
export type VersionState = 'current' | 'ramping' | 'draining' | 'drained' | 'inactive';

export interface Version {
  readonly buildId: string;
  readonly state: VersionState;
  /** Open runs that are pinned to it. */
  readonly runs: number;
  /** Workers that have asked for workflow tasks of it lately. One that was killed counts for a minute more. */
  readonly workers: number;
}

export interface Deployment {
  readonly name: string;
  /** Null: unversioned workers get what a current version would. */
  readonly current: string | null;
  readonly ramping: { readonly buildId: string; readonly percent: number } | null;
  /** The youngest first. */
  readonly versions: readonly Version[];
  /** What is changed by this token is what was read with it. */
  readonly conflictToken: Uint8Array;
}

/** gRPC's code for what is not there. */
const notFound = 5;
/** A poll is open for a minute; whoever has not come back by then has gone. */
const polledWithinMs = 75_000;

/** Null where there is no such deployment: none of its workers has ever come. */
export async function readDeployment(at: Temporal, name: string): Promise<Deployment | null> {
  const info = await describe(at, name);
  if (info === null) return null;
  const { routingConfig, versionSummaries } = info.workerDeploymentInfo ?? {};
  const pollers = await pollersOf(at, taskQueues.workflows, 'workflow');
  const current = routingConfig?.currentDeploymentVersion?.buildId ?? null;
  const ramping = routingConfig?.rampingDeploymentVersion?.buildId;
  const versions = await Promise.all(
    (versionSummaries ?? []).map(async ({ deploymentVersion, status, createTime }) => {
      const buildId = deploymentVersion?.buildId ?? '';
      const runs = await pinnedRuns(at, { deploymentName: name, buildId });
      const workers = pollers.filter((poller) => isOf(poller, { deploymentName: name, buildId })).length;
      return {
        buildId,
        state: states.get(status) ?? 'inactive',
        runs,
        workers,
        since: Number(createTime?.seconds ?? 0),
      };
    }),
  );
  return {
    name,
    current,
    ramping:
      ramping === undefined || ramping === null
        ? null
        : { buildId: ramping, percent: routingConfig?.rampingVersionPercentage ?? 0 },
    versions: versions.sort((a, b) => b.since - a.since).map(({ since: _since, ...version }) => version),
    conflictToken: info.conflictToken ?? new Uint8Array(),
  };
}

async function describe(
  { connection, namespace }: Temporal,
  deploymentName: string,
): Promise<temporal.api.workflowservice.v1.IDescribeWorkerDeploymentResponse | null> {
  try {
    return await connection.workflowService.describeWorkerDeployment({ namespace, deploymentName });
  } catch (error) {
    if (isGrpcServiceError(error) && (error.code as number) === notFound) return null;
    throw error;
  }
}

const { WorkerDeploymentVersionStatus: statuses, TaskQueueType: kinds } = temporal.api.enums.v1;

const states: ReadonlyMap<unknown, VersionState> = new Map([
  [statuses.WORKER_DEPLOYMENT_VERSION_STATUS_CURRENT, 'current'],
  [statuses.WORKER_DEPLOYMENT_VERSION_STATUS_RAMPING, 'ramping'],
  [statuses.WORKER_DEPLOYMENT_VERSION_STATUS_DRAINING, 'draining'],
  [statuses.WORKER_DEPLOYMENT_VERSION_STATUS_DRAINED, 'drained'],
]);

/** A build id and a name have no quotes in them. */
async function pinnedRuns({ connection, namespace }: Temporal, version: WorkerDeploymentVersion): Promise<number> {
  const { count } = await connection.workflowService.countWorkflowExecutions({
    namespace,
    query: `TemporalWorkerDeploymentVersion = '${version.deploymentName}:${version.buildId}' AND TemporalWorkflowVersioningBehavior = 'Pinned' AND ExecutionStatus = 'Running'`,
  });
  return Number(count);
}

type Poller = temporal.api.taskqueue.v1.IPollerInfo;

/** Who has polled lately. */
async function pollersOf(
  { connection, namespace }: Temporal,
  name: string,
  kind: 'workflow' | 'activity',
): Promise<readonly Poller[]> {
  const { pollers } = await connection.workflowService.describeTaskQueue({
    namespace,
    taskQueue: { name },
    taskQueueType: kind === 'workflow' ? kinds.TASK_QUEUE_TYPE_WORKFLOW : kinds.TASK_QUEUE_TYPE_ACTIVITY,
  });
  return pollers.filter(
    ({ lastAccessTime }) => Date.now() - Number(lastAccessTime?.seconds ?? 0) * 1_000 < polledWithinMs,
  );
}

/** Null: an unversioned one. */
function isOf({ deploymentOptions }: Poller, version: WorkerDeploymentVersion | null): boolean {
  const versioned =
    deploymentOptions?.workerVersioningMode ===
    temporal.api.enums.v1.WorkerVersioningMode.WORKER_VERSIONING_MODE_VERSIONED;
  if (version === null) return !versioned;
  return (
    versioned &&
    deploymentOptions.deploymentName === version.deploymentName &&
    deploymentOptions.buildId === version.buildId
  );
}

/** Queues that no worker of this version (null: no unversioned worker) serves. */
export async function unserved(at: Temporal, version: WorkerDeploymentVersion | null): Promise<string[]> {
  const wanted = [
    { queue: taskQueues.workflows, kind: 'workflow' as const },
    ...Object.values(taskQueues).map((queue) => ({ queue, kind: 'activity' as const })),
  ];
  const served = await Promise.all(
    wanted.map(async ({ queue, kind }) => (await pollersOf(at, queue, kind)).some((poller) => isOf(poller, version))),
  );
  return [...new Set(wanted.filter((_, index) => !served[index]).map(({ queue }) => queue))];
}

interface Logger {
  readonly info: (line: object, message: string) => void;
  readonly warn: (line: object, message: string) => void;
}

/** A versioned worker that is idle since nobody has deployed it is to say so. */
export async function sayDeployment(at: Temporal, version: WorkerDeploymentVersion, logger: Logger): Promise<void> {
  const { deploymentName, buildId } = version;
  try {
    const { routingConfig } = (await describe(at, deploymentName))?.workerDeploymentInfo ?? {};
    const current = routingConfig?.currentDeploymentVersion?.buildId ?? null;
    if (current === buildId) logger.info({ current }, 'this version is current: new runs come to it');
    else
      logger.warn(
        {
          current: current ?? 'unversioned workers',
          remedy: `BULKHEAD_DEPLOYMENT=${argument(deploymentName)} ./scripts/bulkhead deploy ${argument(buildId)}`,
        },
        'this version is not current: it gets only the runs that are pinned to it',
      );
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    logger.warn({ problem }, 'Temporal does not say which version is current');
  }
}
