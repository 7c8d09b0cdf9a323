import { pino, type Logger } from 'pino';
import { DefaultLogger, Runtime, type LogEntry } from '@temporalio/worker';

/** pino for us and for Temporal's runtime alike: one line of JSON each, with VNF, run and activity where there are any. */
export function createLogger(level: string): Logger {
  return pino({
    level,
    base: { program: 'bulkhead-worker' },
    redact: ['*.password', '*.secret', '*.apiKey', '*.token'],
  });
}

export function installRuntime(logger: Logger): void {
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
  Runtime.install({ logger: new DefaultLogger('DEBUG', write), shutdownSignals: [] });
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
