import { setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import { defineSearchAttributeKey, type SearchAttributeUpdatePair } from '@temporalio/common';

/** What an operator sees of a run in the Web UI: search attributes to find it by, and details that say where it is. */

const keys = {
  vnf: defineSearchAttributeKey('VnfId', 'KEYWORD'),
  pool: defineSearchAttributeKey('Pool', 'KEYWORD'),
  phase: defineSearchAttributeKey('Phase', 'KEYWORD'),
  outcome: defineSearchAttributeKey('Outcome', 'KEYWORD'),
  hosts: defineSearchAttributeKey('Host', 'KEYWORD_LIST'),
} as const;

export interface Attributes {
  readonly vnf?: string | undefined;
  readonly pool?: string | undefined;
  readonly phase?: string;
  readonly outcome?: string;
  readonly hosts?: readonly string[] | undefined;
}

export function attributes({ vnf, pool, phase, outcome, hosts }: Attributes): SearchAttributeUpdatePair[] {
  const pairs: SearchAttributeUpdatePair[] = [];
  if (vnf !== undefined) pairs.push({ key: keys.vnf, value: vnf });
  if (pool !== undefined) pairs.push({ key: keys.pool, value: pool });
  if (phase !== undefined) pairs.push({ key: keys.phase, value: phase });
  if (outcome !== undefined) pairs.push({ key: keys.outcome, value: outcome });
  if (hosts !== undefined) pairs.push({ key: keys.hosts, value: fitting(hosts) });
  return pairs;
}

/** Of 2,048 bytes that a search attribute may have; a run that sets more is ended by the server. The rest is in its input. */
const hostsBytesMax = 2_000;

function fitting(hosts: readonly string[]): string[] {
  const fit: string[] = [];
  // Four bytes are the most that a character takes, and three more stand around each name.
  let bytes = 2;
  for (const host of hosts) {
    bytes += (/^[\x20-\x7e]*$/.test(host) ? host.length : host.length * 4) + 3;
    if (bytes > hostsBytesMax) break;
    fit.push(host);
  }
  return fit;
}

/** Each call is one event of history, so it is called when a run begins, at its pivot and at its end, and not oftener. */
export function mark(given: Attributes): void {
  upsertSearchAttributes(attributes(given));
}

/** Costs no event: the details are asked for when somebody looks. */
export function say(details: string): void {
  setCurrentDetails(details);
}
