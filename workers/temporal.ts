import { readFileSync } from 'node:fs';
import type { NativeConnectionOptions } from '@temporalio/worker';
import { searchAttributes } from '../domain/procedures';
import type { Connection } from '@temporalio/client';
import type { WorkerConfig } from './config';

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
    ...(ca !== undefined && { serverRootCACertificate: readFileSync(ca) }),
    ...(cert !== undefined &&
      key !== undefined && { clientCertPair: { crt: readFileSync(cert), key: readFileSync(key) } }),
  };
  return { address, ...(wanted && { tls }), ...(apiKey !== undefined && { apiKey }) };
}

/** Nothing is done twice against a Temporal that is not up yet, and nothing waits for ever. */
export async function patiently<T>(
  connect: () => Promise<T>,
  withinSeconds: number,
  say: (problem: string) => void,
): Promise<T> {
  const until = Date.now() + withinSeconds * 1_000;
  for (let wait = 500; ; wait = Math.min(wait * 2, 5_000)) {
    try {
      return await connect();
    } catch (error) {
      if (Date.now() + wait > until) throw error;
      say(error instanceof Error ? error.message : String(error));
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
}

const typeNumbers = { Keyword: 2, KeywordList: 7 } as const;

/** Search attributes that the namespace lacks; an unknown namespace throws. */
export async function missingSearchAttributes(
  connection: Connection,
  namespace: string,
): Promise<(keyof typeof searchAttributes)[]> {
  await connection.workflowService.describeNamespace({ namespace });
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  return (Object.keys(searchAttributes) as (keyof typeof searchAttributes)[]).filter(
    (name) => Number(customAttributes[name]) !== typeNumbers[searchAttributes[name]],
  );
}

export async function addSearchAttributes(
  connection: Connection,
  namespace: string,
  names: readonly (keyof typeof searchAttributes)[],
): Promise<void> {
  if (names.length === 0) return;
  const wanted = Object.fromEntries(names.map((name) => [name, typeNumbers[searchAttributes[name]]]));
  await connection.operatorService.addSearchAttributes({ namespace, searchAttributes: wanted });
}
