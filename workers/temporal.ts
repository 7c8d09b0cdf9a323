import { readFileSync } from 'node:fs';
import type { NativeConnectionOptions } from '@temporalio/worker';
import { searchAttributes } from '../domain/procedures';
import { argument } from '../domain/shell';
import { isGrpcServiceError, type Connection } from '@temporalio/client';
import { ConfigError, type WorkerConfig } from './config';

/** How to reach Temporal, and whether it is ready for us. */

export function connectionOptions(config: WorkerConfig): Pick<NativeConnectionOptions, 'address' | 'tls' | 'apiKey'> {
  const {
    TEMPORAL_ADDRESS: address,
    TEMPORAL_API_KEY: apiKey,
    TEMPORAL_TLS_CA: ca,
    TEMPORAL_TLS_CERT: cert,
    TEMPORAL_TLS_KEY: key,
  } = config;
  const wanted = config.TEMPORAL_TLS || apiKey !== undefined || ca !== undefined || cert !== undefined;
  const tls = {
    ...(ca !== undefined && { serverRootCACertificate: contentOf('TEMPORAL_TLS_CA', ca) }),
    ...(cert !== undefined &&
      key !== undefined && {
        clientCertPair: { crt: contentOf('TEMPORAL_TLS_CERT', cert), key: contentOf('TEMPORAL_TLS_KEY', key) },
      }),
  };
  return { address, ...(wanted && { tls }), ...(apiKey !== undefined && { apiKey }) };
}

function contentOf(variable: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new ConfigError(`${variable}: ${file} cannot be read: ${(error as NodeJS.ErrnoException).code ?? ''}`);
  }
}

/** Temporal does not answer. */
export class TemporalUnreachableError extends Error {
  override readonly name = 'TemporalUnreachableError';
}

/** Temporal is there and lacks what we need: the message says what a person is to do. */
export class TemporalNotReadyError extends Error {
  override readonly name = 'TemporalNotReadyError';
}

export interface Patience {
  readonly address: string;
  readonly withinSeconds: number;
  /** Told of every attempt that failed and will be followed by another. */
  readonly say: (problem: string) => void;
}

/** An attempt is given up after this: then the address is looked up anew. */
const attemptMsMax = 10_000;

/** Nothing is done twice against a Temporal that is not up yet, and nothing waits for ever. */
export async function patiently<T>(connect: (withinMs: number) => Promise<T>, patience: Patience): Promise<T> {
  const { address, withinSeconds, say } = patience;
  const until = Date.now() + withinSeconds * 1_000;
  for (let wait = 500; ; wait = Math.min(wait * 2, 5_000)) {
    try {
      return await connect(Math.min(attemptMsMax, Math.max(1, until - Date.now())));
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      if (Date.now() + wait > until) {
        throw new TemporalUnreachableError(
          `Temporal does not answer at ${address} after ${String(withinSeconds)} s: ${problem}. Start it, set TEMPORAL_ADDRESS to where it is, or wait longer with TEMPORAL_CONNECT_SECONDS.`,
          { cause: error },
        );
      }
      say(problem);
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
}

const typeNumbers = { Keyword: 2, KeywordList: 7 } as const;
type AttributeName = keyof typeof searchAttributes;

/** Throws TemporalNotReadyError where there is no such namespace. */
export async function requireNamespace(
  { workflowService }: Pick<Connection, 'workflowService'>,
  namespace: string,
): Promise<void> {
  await workflowService.describeNamespace({ namespace }).catch((error: unknown) => {
    if (!isGrpcServiceError(error) || !notFound.includes(error.code)) throw error;
    throw new TemporalNotReadyError(
      `there is no namespace ${namespace}; set TEMPORAL_NAMESPACE, or make it: temporal operator namespace create --namespace ${argument(namespace)}`,
    );
  });
}

/**
 * Search attributes that the namespace lacks. Throws TemporalNotReadyError where there is no such namespace, or where one
 * has another type: Temporal would go on as if it had been added, and refuse every run that sets it.
 */
export async function missingSearchAttributes(connection: Connection, namespace: string): Promise<AttributeName[]> {
  await requireNamespace(connection, namespace);
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  const names = Object.keys(searchAttributes) as AttributeName[];
  const typeOf = (name: AttributeName): number => customAttributes[name] ?? 0;
  const wrong = names.filter((name) => typeOf(name) !== 0 && typeOf(name) !== typeNumbers[searchAttributes[name]]);
  const [first] = wrong;
  if (first !== undefined) {
    throw new TemporalNotReadyError(
      `namespace ${namespace} has the search attributes ${wrong.join(', ')} with another type (${first} is to be ${searchAttributes[first]}); remove them (temporal operator search-attribute remove --name ${first} --namespace ${argument(namespace)}), then run: ./scripts/bulkhead setup`,
    );
  }
  return names.filter((name) => typeOf(name) === 0);
}

/** gRPC: not found. */
const notFound: readonly number[] = [5];

export async function addSearchAttributes(
  connection: Connection,
  namespace: string,
  names: readonly AttributeName[],
): Promise<void> {
  if (names.length === 0) return;
  const wanted = Object.fromEntries(names.map((name) => [name, typeNumbers[searchAttributes[name]]]));
  await connection.operatorService.addSearchAttributes({ namespace, searchAttributes: wanted });
}
