import { Client, Connection } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { createActivities, namesIn, pacedServicePort, scheduleOrphans, wayIn } from '../activities';
import { timingAt } from '../domain/timing';
import { CloudConfigError, connect, createGate, loadCloudConfig, type CloudConfig } from '../openstack';
import { createWorkers, dataConverterWith } from './compose';
import { ConfigError, parseWorkerConfig, variableTable, type WorkerConfig } from './config';
import { deploymentOptions } from './deployment';
import { sayDeployment } from './deployments';
import { createLogger, installRuntime, MetricsError } from './logging';
import {
  connectionOptions,
  missingSearchAttributes,
  patiently,
  TemporalNotReadyError,
  TemporalUnreachableError,
} from './temporal';
import { holdShare } from './share';

/** One worker process: the workflows, and the activities on a queue for each kind, so that none takes the slots of another. */

/** Exit codes: 0 told to stop, 1 unexpected, 2 misconfigured, 3 Temporal is not ready for us, 4 Temporal is not there. */
const exitCodes = { unexpected: 1, misconfigured: 2, notReady: 3, unreachable: 4 } as const;

async function run({ config, cloud }: Configured): Promise<number> {
  const logger = createLogger(config.BULKHEAD_LOG_LEVEL);
  installRuntime(logger, config.BULKHEAD_METRICS_ADDRESS);
  const options = connectionOptions(config);
  const total = {
    calls: config.BULKHEAD_CLOUD_TOTAL_CALLS ?? null,
    perSecond: config.BULKHEAD_CLOUD_CALLS_PER_SECOND ?? null,
  };
  const isShared = total.calls !== null || total.perSecond !== null;
  const callsMost = config.BULKHEAD_CLOUD_CALLS;
  // What is shared is shut until there is a share.
  const gate = createGate({ calls: isShared ? 0 : callsMost, perSecond: null });
  const { BULKHEAD_STUCK_SECONDS: stuckSeconds } = config;
  const timing = {
    ...timingAt(config.BULKHEAD_PACE, config.BULKHEAD_TIMEOUT_PACE),
    ...(stuckSeconds !== undefined && { stuckSeconds }),
  };
  const session = connect(cloud, {
    gate,
    timeoutMs: timing.callSeconds * 1_000,
    allowPlainHttp: config.BULKHEAD_ALLOW_PLAIN_HTTP,
  });
  const patience = {
    address: config.TEMPORAL_ADDRESS,
    withinSeconds: config.TEMPORAL_CONNECT_SECONDS,
    say: (problem: string): void => {
      logger.warn({ address: config.TEMPORAL_ADDRESS, problem }, 'Temporal is not there yet');
    },
  };
  const connection = await patiently(
    (withinMs) => Connection.connect({ ...options, connectTimeout: withinMs }),
    patience,
  );
  const missing = await missingSearchAttributes(connection, config.TEMPORAL_NAMESPACE);
  if (missing.length > 0) {
    throw new TemporalNotReadyError(
      `namespace ${config.TEMPORAL_NAMESPACE} lacks the search attributes ${missing.join(', ')}; run: ./scripts/bulkhead setup`,
    );
  }
  const native = await patiently(() => NativeConnection.connect(options), patience);
  const as = wayIn(session, config.BULKHEAD_AS);
  const payloadKeys = config.BULKHEAD_PAYLOAD_KEYS ?? [];
  const client = new Client({
    connection,
    namespace: config.TEMPORAL_NAMESPACE,
    dataConverter: dataConverterWith(payloadKeys),
  });
  const { BULKHEAD_AUDIT_EVERY_MINUTES: everyMinutes, BULKHEAD_AUDIT_REPAIR: repair } = config;
  const audits = everyMinutes === 0 ? null : { everyMinutes, repair };
  const activities = createActivities({
    session,
    client,
    service: pacedServicePort(config.BULKHEAD_PUBLICATION_URL ?? null),
    timing,
    failedHostsPercent: config.BULKHEAD_FAILED_HOSTS_PERCENT,
    audits,
    descriptorsDirectory: config.BULKHEAD_DESCRIPTORS,
    names: namesIn(session),
    as,
  });
  const deployment = deploymentOptions(config);
  const workers = await createWorkers({
    connection: native,
    namespace: config.TEMPORAL_NAMESPACE,
    activities,
    payloadKeys,
    deployment,
    limits: {
      cloudActivities: config.BULKHEAD_CLOUD_ACTIVITIES,
      waits: config.BULKHEAD_WAITS,
      drains: config.BULKHEAD_DRAINS,
      watches: config.BULKHEAD_WATCHES,
      cachedRuns: config.BULKHEAD_CACHED_RUNS,
      cloudActivitiesPerSecond: config.BULKHEAD_CLOUD_ACTIVITIES_PER_SECOND,
    },
  });
  const stop = (): void => {
    logger.info('told to stop');
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  const running = workers.map((worker) => worker.run());
  const leaveShare = isShared
    ? holdShare({
        client,
        cloud,
        total,
        callsMost,
        gate,
        callSeconds: timing.callSeconds,
        warn: (problem) => {
          logger.warn({ problem }, "this worker's calls to the cloud wait");
        },
      })
    : null;
  logger.info(
    {
      temporal: options.address,
      namespace: config.TEMPORAL_NAMESPACE,
      cloud: cloud.name,
      pace: timing.pace,
      payloads: payloadKeys[0] === undefined ? 'plain' : `encrypted with ${payloadKeys[0].id}`,
      ...(deployment && { version: `${deployment.version.deploymentName}:${deployment.version.buildId}` }),
    },
    'worker is ready',
  );
  if (deployment) void sayDeployment({ connection, namespace: config.TEMPORAL_NAMESPACE }, deployment.version, logger);
  void sayWayIn(as, logger);
  void scheduleOrphans({ client, audits }).catch((error: unknown) => {
    const problem = error instanceof Error ? error.message : String(error);
    logger.warn({ problem }, 'nobody looks by himself for what VNFs without a record have left: ask for orphans');
  });
  try {
    await Promise.all(running);
  } catch (error) {
    // Half a worker would look alive, and leave a queue unserved.
    stop();
    await Promise.allSettled(running);
    throw error;
  }
  await leaveShare?.();
  await native.close();
  await connection.close();
  return 0;
}

/** A cloud that is away when the worker starts is asked again by the first procedure. */
async function sayWayIn(as: ReturnType<typeof wayIn>, logger: ReturnType<typeof createLogger>): Promise<void> {
  try {
    const way = await as();
    logger.info(
      { as: way },
      way === 'operator' ? 'hosts are seen and chosen' : 'hosts are not seen: server groups keep members apart',
    );
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    logger.warn(
      { problem },
      'the cloud has not yet said whether hosts can be seen; it is asked again when that is needed',
    );
  }
}

interface Configured {
  readonly config: WorkerConfig;
  readonly cloud: CloudConfig;
}

/** All that is wrong, at once. */
function configured(): Configured {
  const problems: string[] = [];
  const attempt = <T>(parse: () => T): T | undefined => {
    try {
      return parse();
    } catch (error) {
      if (!(error instanceof ConfigError || error instanceof CloudConfigError)) throw error;
      problems.push(error.message);
      return undefined;
    }
  };
  const config = attempt(() => parseWorkerConfig(process.env));
  const cloud = attempt(() => loadCloudConfig(process.env));
  if (config === undefined || cloud === undefined) throw new ConfigError(problems.join('\n'));
  return { config, cloud };
}

async function main(): Promise<number> {
  if (process.argv.includes('--help')) {
    process.stdout.write(
      `A Bulkhead worker. It is configured by environment:\n\n${variableTable()}\n\nOpenStack: OS_CLOUD with clouds.yaml, or OS_* variables.\n`,
    );
    return 0;
  }
  try {
    return await run(configured());
  } catch (error) {
    return reported(error);
  }
}

/** Says what is wrong, and gives the exit code for it. */
function reported(error: unknown): number {
  const say = (text: string): void => {
    process.stderr.write(`bulkhead-worker: ${text}\n`);
  };
  if (error instanceof ConfigError || error instanceof CloudConfigError || error instanceof MetricsError) {
    say(`the configuration cannot be used:\n${error.message}\nSee: node dist/workers/main.js --help`);
    return exitCodes.misconfigured;
  }
  if (error instanceof TemporalNotReadyError || error instanceof TemporalUnreachableError) {
    say(error.message);
    return error instanceof TemporalNotReadyError ? exitCodes.notReady : exitCodes.unreachable;
  }
  say(error instanceof Error ? (error.stack ?? error.message) : String(error));
  return exitCodes.unexpected;
}

void main().then((code) => {
  // A connection that is still open must not keep a worker that has given up.
  process.exit(code);
});
