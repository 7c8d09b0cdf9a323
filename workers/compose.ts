import { Worker, type NativeConnection, type WorkerDeploymentOptions, type WorkerOptions } from '@temporalio/worker';
import type {
  Activities,
  CloudActivities,
  DrainActivities,
  RecordActivities,
  WaitActivities,
  WatchActivities,
} from '../activities/ports';
import { payloadCodec, type PayloadKey } from '../client/encryption';
import { taskQueues } from '../domain/procedures';
import { encryptedFailuresPath, workflowSource } from './bundle';
import { loggingVnf } from './logging';
import { readable } from './readable';

/** The workers of one process: the workflows, and the activities on a queue for each kind, so that none takes the slots of another. */

const recordNames = [
  'readRecord',
  'loadDescriptor',
  'startRecord',
  'readTiming',
  'withoutRecord',
  'readFormerRuns',
  'unscheduleAudits',
] as const satisfies (keyof RecordActivities)[];
const cloudNames = [
  ...([
    'plan',
    'planEmptyHosts',
    'capacity',
    'createGroups',
    'createServerGroups',
    'removeGroups',
    'launch',
    'evacuate',
    'remove',
    'removeByToken',
    'findLeft',
    'publish',
  ] as const),
  ...(['compare', 'repair', 'survey', 'markMembers', 'findVnfs', 'findOrphans'] as const),
  ...(['findDead', 'findOnHosts', 'closeHosts', 'reopenHosts', 'lookAtClosed'] as const),
] as const satisfies (keyof CloudActivities)[];
const waitNames = ['awaitHealthy', 'unfenceHosts'] as const satisfies (keyof WaitActivities)[];
const drainNames = ['drain'] as const satisfies (keyof DrainActivities)[];
const watchNames = ['watch'] as const satisfies (keyof WatchActivities)[];

/** All that workers perform, by name. */
export const activityNames = [...recordNames, ...cloudNames, ...waitNames, ...drainNames, ...watchNames];

type Served = (typeof activityNames)[number];
/** Nothing is of this type where an activity has no queue: whoever called it would wait for good. */
type AllServed = Exclude<keyof Activities, Served> extends never ? Activities : never;

/** Activities that are at work when it is told to stop get this long. */
const graceSeconds = 15;
/** A worker whose Temporal has gone away ends all the same. */
export const forceSeconds = 2 * graceSeconds;

export interface WorkersOptions {
  /** Where the workflow code is; that of this build by default. */
  readonly source?: ReturnType<typeof workflowSource>;
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly activities: Activities;
  /** By which payloads are encrypted; none by default. */
  readonly payloadKeys?: readonly PayloadKey[];
  /** Of all queues alike, so that a pinned run's activities are those of its version; unversioned by default. */
  readonly deployment?: WorkerDeploymentOptions | undefined;
  /** How many activities of a kind are at work at once. */
  readonly limits: {
    readonly cloudActivities: number;
    readonly waits: number;
    readonly drains: number;
    readonly watches: number;
    /** Runs in memory. As many as the SDK takes for the heap by default. */
    readonly cachedRuns?: number | undefined;
    readonly cloudActivitiesPerSecond?: number | undefined;
  };
}

/** Of a worker's own client too. Failures are encoded where there is a key. */
export function dataConverterWith(keys: readonly PayloadKey[]): NonNullable<WorkerOptions['dataConverter']> {
  return {
    payloadCodecs: [readable(payloadCodec(keys))],
    ...(keys.length > 0 && { failureConverterPath: encryptedFailuresPath }),
  };
}

export async function createWorkers(options: WorkersOptions): Promise<Worker[]> {
  const { connection, namespace, limits, payloadKeys = [] } = options;
  const activities: AllServed = options.activities;
  const all = new Map<string, unknown>(Object.entries(activities));
  const pick = (names: readonly (keyof Activities)[]): object =>
    Object.fromEntries(names.map((name) => [name, all.get(name)]));
  const common: Pick<
    WorkerOptions,
    | 'connection'
    | 'namespace'
    | 'dataConverter'
    | 'shutdownGraceTime'
    | 'shutdownForceTime'
    | 'interceptors'
    | 'workerDeploymentOptions'
  > = {
    connection,
    namespace,
    dataConverter: dataConverterWith(payloadKeys),
    shutdownGraceTime: graceSeconds * 1_000,
    shutdownForceTime: forceSeconds * 1_000,
    interceptors: { activity: [loggingVnf] },
    ...(options.deployment && { workerDeploymentOptions: options.deployment }),
  };
  const rate = limits.cloudActivitiesPerSecond;
  const queue = (taskQueue: string, names: readonly (keyof Activities)[], atOnce: number): WorkerOptions => ({
    ...common,
    taskQueue,
    activities: pick(names),
    maxConcurrentActivityTaskExecutions: atOnce,
  });
  return await Promise.all([
    Worker.create({
      ...common,
      ...(options.source ??
        workflowSource({ encrypted: payloadKeys.length > 0, versioned: options.deployment !== undefined })),
      taskQueue: taskQueues.workflows,
      activities: pick(recordNames),
      ...(limits.cachedRuns !== undefined && { maxCachedWorkflows: limits.cachedRuns }),
    }),
    Worker.create({
      ...queue(taskQueues.cloud, cloudNames, limits.cloudActivities),
      ...(rate !== undefined && { maxTaskQueueActivitiesPerSecond: rate }),
    }),
    // Runs of an earlier release drain on the queue of the waits.
    Worker.create(queue(taskQueues.wait, [...waitNames, ...drainNames], limits.waits)),
    Worker.create(queue(taskQueues.drain, drainNames, limits.drains)),
    Worker.create(queue(taskQueues.watch, watchNames, limits.watches)),
  ]);
}
