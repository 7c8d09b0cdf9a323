import { pino, stdSerializers, type Logger } from 'pino';
import { DefaultLogger, Runtime, type ActivityInterceptors, type LogEntry } from '@temporalio/worker';

/** pino for us and for Temporal's runtime alike: one line of JSON each, with VNF, run and activity where there are any. */
export function createLogger(level: string): Logger {
  return pino({
    level,
    base: { program: 'bulkhead-worker' },
    redact: ['*.password', '*.secret', '*.apiKey', '*.token'],
    // Temporal logs what an activity or a run failed with as `error`, and an Error as JSON is "{}".
    serializers: { error: stdSerializers.err },
  });
}

/** With an address, whoever asks it for `/metrics` is told those of Temporal's SDK, as Prometheus reads them. Throws MetricsError where it is taken. */
export function installRuntime(logger: Logger, metricsAddress?: string): void {
  const write = ({ level, message, meta, timestampNanos: _nanos }: LogEntry): void => {
    const { taskToken: _token, sdkComponent, ...rest } = { ...meta } as Record<string, unknown>;
    const line = { component: sdkComponent, ...renamed(rest) };
    switch (level) {
      case 'TRACE':
        logger.trace(line, message);
        return;
      case 'DEBUG':
        logger.debug(line, message);
        return;
      case 'INFO':
        logger.info(line, message);
        return;
      case 'WARN':
        logger.warn(line, message);
        return;
      case 'ERROR':
        logger.error(line, message);
        return;
    }
  };
  const options = { logger: new DefaultLogger('DEBUG', write), shutdownSignals: [] };
  if (metricsAddress === undefined) {
    Runtime.install(options);
    return;
  }
  try {
    const prometheus = { bindAddress: metricsAddress, ...units };
    Runtime.install({ ...options, telemetryOptions: { metrics: { prometheus } } });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    if (!why.includes('prometheus')) throw error;
    throw new MetricsError(`BULKHEAD_METRICS_ADDRESS: nothing can listen on ${metricsAddress}: ${why}`);
  }
}

/** As Prometheus names and counts: `_total` behind what only grows, and seconds. */
const units = { countersTotalSuffix: true, unitSuffix: true, useSecondsForDurations: true };

export class MetricsError extends Error {
  override readonly name = 'MetricsError';
}

/** Activities know their VNF by their input; Temporal by the record's workflow id alone. */
export function loggingVnf(): ActivityInterceptors {
  let vnf: string | undefined;
  return {
    inbound: {
      execute: (input, next) => {
        const given: unknown = input.args[0];
        if (typeof given === 'object' && given !== null && 'vnf' in given && typeof given.vnf === 'string')
          vnf = given.vnf;
        return next(input);
      },
    },
    outbound: {
      getLogAttributes: (input, next) => next({ ...input, ...(vnf !== undefined && { vnf }) }),
    },
  };
}

function renamed({
  workflowId,
  runId,
  workflowRunId,
  activityType,
  ...rest
}: Record<string, unknown>): Record<string, unknown> {
  const run = runId ?? workflowRunId;
  const vnf = typeof workflowId === 'string' && workflowId.startsWith('vnf:') ? workflowId.slice(4) : undefined;
  return {
    ...(vnf !== undefined && { vnf }),
    ...(workflowId !== undefined && { workflow: workflowId }),
    ...(run !== undefined && { run }),
    ...(activityType !== undefined && { activity: activityType }),
    ...rest,
  };
}
