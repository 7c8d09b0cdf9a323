import { Client, Connection } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { createActivities, namesIn, pacedServicePort } from '../activities';
import { timingAt } from '../domain/timing';
import { CloudConfigError, connect, loadCloudConfig } from '../openstack';
import { createWorkers } from './compose';
import { ConfigError, parseWorkerConfig, variableTable, type WorkerConfig } from './config';
import { createLogger, installRuntime } from './logging';
import { connectionOptions, missingSearchAttributes, patiently } from './temporal';

/** One worker process: the workflows, and the activities on a queue for each kind, so that none takes the slots of another. */

/** Exit codes: 2 misconfigured, 3 Temporal is not ready for us, 4 Temporal is not there. */
async function run(config: WorkerConfig): Promise<number> {
  const logger = createLogger(config.BULKHEAD_LOG_LEVEL);
  installRuntime(logger);
  const cloud = loadCloudConfig(process.env);
  const session = connect(cloud, {
    concurrent: config.BULKHEAD_CLOUD_CALLS,
    allowPlainHttp: config.BULKHEAD_ALLOW_PLAIN_HTTP,
  });
  const options = connectionOptions(config);
  const say = (problem: string): void => {
    logger.warn({ address: options.address, problem }, 'Temporal is not there yet');
  };
  const connection = await patiently(() => Connection.connect(options), config.TEMPORAL_CONNECT_SECONDS, say);
  const missing = await missingSearchAttributes(connection, config.TEMPORAL_NAMESPACE);
  if (missing.length > 0) {
    logger.fatal(
      { missing },
      `namespace ${config.TEMPORAL_NAMESPACE} lacks the search attributes ${missing.join(', ')}; run: ./scripts/bulkhead setup`,
    );
    return 3;
  }
  const native = await patiently(() => NativeConnection.connect(options), config.TEMPORAL_CONNECT_SECONDS, say);
  const timing = timingAt(config.BULKHEAD_PACE);
  const activities = createActivities({
    session,
    client: new Client({ connection, namespace: config.TEMPORAL_NAMESPACE }),
    service: pacedServicePort(config.BULKHEAD_PUBLICATION_URL ?? null),
    timing,
    descriptorsDirectory: config.BULKHEAD_DESCRIPTORS,
    names: namesIn(session),
  });
  const workers = await createWorkers({
    connection: native,
    namespace: config.TEMPORAL_NAMESPACE,
    activities,
    limits: {
      cloudActivities: config.BULKHEAD_CLOUD_ACTIVITIES,
      waits: config.BULKHEAD_WAITS,
      watches: config.BULKHEAD_WATCHES,
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
  logger.info(
    { temporal: options.address, namespace: config.TEMPORAL_NAMESPACE, cloud: cloud.name, pace: timing.pace },
    'worker is ready',
  );
  await Promise.all(running);
  await native.close();
  await connection.close();
  return 0;
}

async function main(): Promise<number> {
  if (process.argv.includes('--help')) {
    process.stdout.write(
      `A Bulkhead worker. It is configured by environment:\n\n${variableTable()}\n\nOpenStack: OS_CLOUD with clouds.yaml, or OS_* variables.\n`,
    );
    return 0;
  }
  try {
    return await run(parseWorkerConfig(process.env));
  } catch (error) {
    if (error instanceof ConfigError || error instanceof CloudConfigError) {
      process.stderr.write(
        `bulkhead-worker: the configuration cannot be used:\n${error.message}\nSee: node dist/workers/main.js --help\n`,
      );
      return 2;
    }
    process.stderr.write(
      `bulkhead-worker: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    return 4;
  }
}

void main().then((code) => {
  process.exitCode = code;
});
