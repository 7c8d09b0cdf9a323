import type { Inventory } from '../inventory';
import { capAt } from '../levels';
import { own } from '../names';
import { countOf } from '../placement/batches';
import type { VnfRecord } from '../record';
import type { Finding } from './finding';

/** Whether a host, or a failure domain, has more of a pool than its share. */

/** By where the cloud has them. Who is on no host is counted nowhere. */
export function judgeShares({ descriptor, pools }: VnfRecord, { servers }: Inventory): Finding[] {
  const hosts = new Map(servers.map(({ id, host }) => [id, host]));
  return descriptor.pools.flatMap(({ name: pool, spare }) => {
    const { level, inService } = own(pools, pool) ?? { level: 0, inService: [] };
    const cap = capAt(spare, level);
    return [...countOf(inService.flatMap(({ serverId }) => hosts.get(serverId) ?? []))]
      .filter(([, many]) => many > cap)
      .map(([host, many]) => ({
        kind: 'shareBroken',
        name: `${pool} on ${host}`,
        id: host,
        pool,
        wrong: `${String(many)} members of ${pool} serve on ${host}, and ${String(cap)} may at level ${String(level)}`,
        repair: 'nothing: rebalance moves those who are too many',
        action: 'leave',
      }));
  });
}

/** Of each pool that keeps to failure domains: those that have more than their share, and the hosts that are in none. */
export function judgeDomains({ descriptor, pools }: VnfRecord, { servers }: Inventory): Finding[] {
  const byId = new Map(servers.map((server) => [server.id, server]));
  return descriptor.pools.flatMap(({ name: pool, zone, failureDomain }) => {
    if (!failureDomain) return [];
    const { key, spare } = failureDomain;
    const { level, inService } = own(pools, pool) ?? { level: 0, inService: [] };
    // A domain is within its zone: who is in a wrong one counts in none. A way in that sees no domains says nothing of them.
    const placed = inService.flatMap(({ serverId }) => {
      const server = byId.get(serverId);
      if (!server?.domains || server.host === null || (server.zone ?? zone) !== zone) return [];
      return [{ host: server.host, domain: own(server.domains, key) ?? null }];
    });
    const cap = capAt(spare, level);
    const many = countOf(placed.flatMap(({ domain }) => domain ?? []));
    const nowhere = countOf(placed.flatMap(({ host, domain }) => (domain === null ? [host] : [])));
    const about = { pool, action: 'leave' } as const;
    return [
      ...[...many]
        .filter(([, count]) => count > cap)
        .map(([domain, count]) => ({
          ...about,
          kind: 'domainShareBroken' as const,
          name: `${pool} in ${key} ${domain}`,
          id: domain,
          wrong: `${String(count)} members of ${pool} serve in ${key} ${domain}, and ${String(cap)} may at level ${String(level)}`,
          repair: 'nothing: rebalance moves those who are too many',
        })),
      ...[...nowhere].map(([host, count]) => ({
        ...about,
        kind: 'noDomain' as const,
        name: `${pool} on ${host}`,
        id: host,
        wrong: `${String(count)} members of ${pool} serve on ${host}, and count in no ${key}: none of its host aggregates says which it is in, or two say different ones`,
        repair: `nothing: give the host one aggregate that says its ${key}, or evacuate it`,
      })),
    ];
  });
}
