import { isIPv4, isIPv6 } from 'node:net';
import { z } from 'zod';
import { isLoopback } from '../client/address';
import { parsePayloadKeys, PayloadKeyError, type PayloadKey } from '../client/encryption';

/**
 * Everything that a worker is told, by environment. One schema; `--help` prints its table, and docs/operating.md has the
 * same.
 */

const flag = z
  .enum(['0', '1', 'true', 'false'], { error: 'give 1 or 0' })
  .transform((text) => text === '1' || text === 'true');
const whole = (least: number, most: number) =>
  z.coerce
    .number({ error: 'give a number' })
    .int({ error: 'give a whole number' })
    .min(least, { error: `give a number from ${String(least)} to ${String(most)}` })
    .max(most, { error: `give a number from ${String(least)} to ${String(most)}` });
const factor = z.coerce
  .number({ error: 'give a factor above 0 and up to 1' })
  .gt(0, { error: 'give a factor above 0 and up to 1' })
  .max(1, { error: 'give a factor above 0 and up to 1' });

/** Read here, so that a key which is none is said with all else that is wrong. What was given is not repeated. */
const payloadKeys = z.string().transform((text, context): PayloadKey[] => {
  try {
    return parsePayloadKeys(text);
  } catch (error) {
    if (!(error instanceof PayloadKeyError)) throw error;
    context.addIssue({ code: 'custom', message: error.message });
    return z.NEVER;
  }
});

/** Temporal takes neither `.` nor `:` in a deployment's name. What begins with `__` is its own. */
const deploymentName = z.string().regex(/^[A-Za-z0-9][\w-]{0,63}$/, {
  error: 'give up to 64 letters, digits, - and _, beginning with a letter or digit',
});
const buildId = z.string().regex(/^[A-Za-z0-9][\w.+-]{0,127}$/, {
  error: 'give up to 128 letters, digits, ., +, - and _, beginning with a letter or digit',
});

/** An IPv6 address stands in brackets. */
function isSocketAddress(text: string): boolean {
  const {
    v4 = '',
    v6 = '',
    port = '',
  } = /^(?:(?<v4>[\d.]+)|\[(?<v6>[^\]]+)\]):(?<port>\d{1,5})$/.exec(text)?.groups ?? {};
  return (isIPv4(v4) || isIPv6(v6)) && Number(port) <= 65_535;
}

export const workerSchema = z.object({
  TEMPORAL_ADDRESS: z
    .string()
    .min(1)
    .refine((address) => !address.includes('://'), {
      error: 'give host:port alone, without http:// or the like, e.g. 127.0.0.1:7233',
    })
    .default('127.0.0.1:7233')
    .describe('host:port of the Temporal frontend'),
  TEMPORAL_NAMESPACE: z.string().min(1).default('default').describe('namespace that procedures run in'),
  TEMPORAL_API_KEY: z.string().optional().describe('API key, e.g. of Temporal Cloud; implies TLS'),
  TEMPORAL_TLS: flag.default(false).describe('1: TLS, with the system CAs or TEMPORAL_TLS_CA'),
  TEMPORAL_TLS_CA: z.string().optional().describe('file with the PEM of the CA'),
  TEMPORAL_TLS_CERT: z.string().optional().describe('file with the PEM of the client certificate'),
  TEMPORAL_TLS_KEY: z.string().optional().describe('file with the PEM of its key'),
  TEMPORAL_CONNECT_SECONDS: whole(1, 3_600)
    .default(60)
    .describe('how long a worker waits at its start for Temporal to be there'),
  BULKHEAD_ALLOW_PLAINTEXT: flag.default(false).describe('1: speak plain text to a Temporal beyond this machine'),
  BULKHEAD_ALLOW_PLAIN_HTTP: flag
    .default(false)
    .describe('1: send OpenStack credentials over plain http beyond this machine'),
  BULKHEAD_PAYLOAD_KEYS: payloadKeys
    .optional()
    .describe(
      'keys that payloads are encrypted with, `<id>:<base64>`; the first encrypts, all decrypt. Without it they are plain',
    ),
  BULKHEAD_PACE: factor
    .default(1)
    .describe('factor on boots, holds, drains and time-outs; below 1 for a virtual cloud only'),
  BULKHEAD_TIMEOUT_PACE: factor
    .optional()
    .describe(
      'factor on time-outs and looks alone, that of BULKHEAD_PACE where not given; 1 for a real cloud that runs nothing',
    ),
  BULKHEAD_STUCK_SECONDS: whole(1, 604_800)
    .optional()
    .describe('how long a stuck run waits for retry, skip or giveUp; 3600 times the pace of time-outs where not given'),
  BULKHEAD_AS: z
    .enum(['auto', 'operator', 'tenant'], { error: 'give operator, tenant or auto' })
    .default('auto')
    .describe(
      'what the cloud lets the worker do: an operator sees and chooses hosts, a tenant does not; auto asks for the list of compute services',
    ),
  BULKHEAD_PUBLICATION_URL: z
    .url({ protocol: /^https?$/, error: 'give a URL, e.g. http://127.0.0.1:5000' })
    .optional()
    .describe('the embedded cloud that is told who serves; nobody is told without it'),
  BULKHEAD_DESCRIPTORS: z.string().default('descriptors').describe('directory in which descriptors are found by name'),
  BULKHEAD_FAILED_HOSTS_PERCENT: whole(1, 100)
    .default(34)
    .describe("share of a zone's hosts that may be said to have failed at once, unless forced"),
  BULKHEAD_AUDIT_EVERY_MINUTES: whole(0, 10_080)
    .default(15)
    .describe(
      'how often each VNF that is made from now on is audited by itself, and how often the schedule that looks for orphans does, where there is none yet; 0: not at all',
    ),
  BULKHEAD_AUDIT_REPAIR: flag
    .default(false)
    .describe('1: such an audit repairs what is surely ours; 0: it only says what it has found'),
  BULKHEAD_CLOUD_CALLS: whole(1, 1_000).default(16).describe('OpenStack calls under way at once, for this process'),
  BULKHEAD_CLOUD_TOTAL_CALLS: whole(1, 100_000)
    .optional()
    .describe('OpenStack calls under way at once, of all workers together; at least as many as there are workers'),
  BULKHEAD_CLOUD_CALLS_PER_SECOND: whole(1, 100_000)
    .optional()
    .describe(
      'OpenStack calls that begin within any one second, of all workers together; at least as many as there are workers',
    ),
  BULKHEAD_CLOUD_ACTIVITIES: whole(1, 1_000).default(8).describe('activities at once on the queue bulkhead-cloud'),
  BULKHEAD_CLOUD_ACTIVITIES_PER_SECOND: whole(1, 10_000)
    .optional()
    .describe('rate of the queue bulkhead-cloud, for all workers together'),
  BULKHEAD_WAITS: whole(1, 10_000).default(200).describe('waits for boots at once; each is one list call a tick'),
  BULKHEAD_DRAINS: whole(1, 100_000).default(2_000).describe('drains at once; each waits, and calls nobody'),
  BULKHEAD_WATCHES: whole(1, 10_000).default(1_000).describe('watched runs at once: one for each open turn and debt'),
  BULKHEAD_CACHED_RUNS: whole(2, 1_000_000)
    .optional()
    .describe(
      'runs kept in memory, about 1.5 MB each; the others are played again from their history when they go on. By default some 600 for each GB that the heap may have',
    ),
  BULKHEAD_DEPLOYMENT: deploymentName
    .optional()
    .describe('Worker Deployment that the worker belongs to, see docs/upgrading.md; unversioned where not given'),
  BULKHEAD_BUILD_ID: buildId
    .optional()
    .describe('which version of that deployment the worker is; made of its package and code where not given'),
  BULKHEAD_METRICS_ADDRESS: z
    .string()
    .refine(isSocketAddress, { error: 'give an IP address and a port, e.g. 127.0.0.1:9464' })
    .optional()
    .describe(
      "where Prometheus finds the metrics of Temporal's SDK, under /metrics, e.g. 127.0.0.1:9464; nowhere without it",
    ),
  BULKHEAD_LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error'], { error: 'give trace, debug, info, warn or error' })
    .default('info')
    .describe('least level that is logged'),
});

export type WorkerConfig = z.infer<typeof workerSchema>;

/** What is wrong with the environment: all of it. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

type Env = Readonly<Record<string, string | undefined>>;

export function parseWorkerConfig(env: Env): WorkerConfig {
  // An empty variable is an unset one, as in a Compose file.
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const parsed = workerSchema.safeParse(given);
  const issues = parsed.success ? [] : parsed.error.issues;
  // What is wrong by itself is left out, so that contradictions among the rest are said at the same time.
  const bad = new Set(issues.map((issue) => String(issue.path[0])));
  const rest = Object.fromEntries(Object.entries(given).filter(([name]) => !bad.has(name)));
  const problems = [
    ...issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`),
    ...contradictions(workerSchema.parse(rest)),
  ];
  if (problems.length > 0 || !parsed.success) throw new ConfigError(problems.join('\n'));
  return parsed.data;
}

function contradictions(config: WorkerConfig): string[] {
  const problems: string[] = [];
  const encrypted =
    config.TEMPORAL_TLS ||
    config.TEMPORAL_API_KEY !== undefined ||
    config.TEMPORAL_TLS_CA !== undefined ||
    config.TEMPORAL_TLS_CERT !== undefined;
  if (!encrypted && !isLoopback(config.TEMPORAL_ADDRESS) && !config.BULKHEAD_ALLOW_PLAINTEXT) {
    problems.push(
      `TEMPORAL_ADDRESS: ${config.TEMPORAL_ADDRESS} is beyond this machine and would be spoken to in plain text; set TEMPORAL_TLS=1, or BULKHEAD_ALLOW_PLAINTEXT=1`,
    );
  }
  if ((config.TEMPORAL_TLS_CERT === undefined) !== (config.TEMPORAL_TLS_KEY === undefined)) {
    problems.push('TEMPORAL_TLS_CERT: a client certificate and its key (TEMPORAL_TLS_KEY) go together');
  }
  if (config.BULKHEAD_BUILD_ID !== undefined && config.BULKHEAD_DEPLOYMENT === undefined)
    problems.push('BULKHEAD_BUILD_ID: a version is one of a deployment; give BULKHEAD_DEPLOYMENT too, e.g. bulkhead');
  return problems;
}

/** The variables as a table for people. */
export function variableTable(): string {
  const rows = Object.entries(workerSchema.shape).map(([name, schema]) => {
    const parsed = schema.safeParse(undefined);
    const fallback =
      parsed.success && parsed.data !== undefined && typeof parsed.data !== 'object' ? String(parsed.data) : '';
    return `| \`${name}\` | ${schema.description ?? ''} | ${fallback === '' ? '' : `\`${fallback}\``} |`;
  });
  return ['| variable | what it says | default |', '| --- | --- | --- |', ...rows].join('\n');
}
