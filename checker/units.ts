import type { Pool, Spare } from '../domain/descriptor/descriptor';
import { own } from '../domain/names';
import type { World } from './world';

/**
 * What fails as one: every host, and where the pool says so every outer domain of hosts, a rack or a power feed. All are judged alike, each
 * kind by its own spare.
 */
export interface Units {
  readonly spare: Spare;
  /** The one that a host is in, in the words of messages: `h1`, `rack r1`. Null where the log does not say: it counts in none. */
  readonly unitOf: (host: string) => string | null;
  readonly kind: 'host' | 'domain';
}

export function unitsOf(
  { hosts }: Pick<World, 'hosts'>,
  { spare, failureDomain }: Pick<Pool, 'spare' | 'failureDomain'>,
): readonly Units[] {
  const ofHosts: Units = { spare, unitOf: (host) => host, kind: 'host' };
  if (!failureDomain) return [ofHosts];
  const { key } = failureDomain;
  const unitOf = (host: string): string | null => {
    const domain = own(hosts.get(host)?.domains ?? {}, key);
    return domain === undefined ? null : `${key} ${domain}`;
  };
  return [ofHosts, { spare: failureDomain.spare, unitOf, kind: 'domain' }];
}

/** `on h1`, `in rack r1`. */
export function within({ kind }: Units, unit: string): string {
  return `${kind === 'host' ? 'on' : 'in'} ${unit}`;
}

/** How many there are in each unit of what there is on each host. */
export function perUnit({ kind, unitOf }: Units, onHosts: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  if (kind === 'host') return onHosts;
  const counts = new Map<string, number>();
  for (const [host, count] of onHosts) {
    const unit = unitOf(host);
    if (unit !== null) counts.set(unit, (counts.get(unit) ?? 0) + count);
  }
  return counts;
}
