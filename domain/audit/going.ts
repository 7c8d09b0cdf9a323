import type { Inventory, ServerFound } from '../inventory';
import { own } from '../names';
import { grouped } from '../grouped';
import { countOf, orderDeletions } from '../placement/batches';
import { sharesOf, type VnfRecord } from '../record';
import { isDeadStatus } from '../snapshot';
import type { Finding } from './finding';

/**
 * The findings, with the servers that are to be deleted in the order in which they may go: the dead, who count for no share, and then from
 * the fullest host, so that of what is left no host, and no failure domain, has more of a pool than it must. Whoever deletes them takes some
 * at a time, from the first on.
 */
export function inOrderOfGoing(record: VnfRecord, { servers }: Inventory, findings: readonly Finding[]): Finding[] {
  const byId = new Map(servers.map((server) => [server.id, server]));
  const isGoing = ({ action, id }: Finding): boolean => action === 'delete' && byId.has(id);
  const failed = new Set(sharesOf(record).failed);
  const isDead = ({ id, status, isFenced }: ServerFound): boolean =>
    isDeadStatus(status) || isFenced === true || failed.has(id);
  const going = [...grouped(findings.filter(isGoing), ({ pool }) => pool)].flatMap(([pool, those]) => {
    const spec = record.descriptor.pools.find(({ name }) => name === pool);
    if (!spec) return those;
    const placed = those.flatMap((finding) => {
      const server = byId.get(finding.id);
      return server ? [{ finding, server, host: placeOf(server), ordinal: finding.ordinal ?? 0 }] : [];
    });
    const ofPool = servers.filter((server) => server.pool === pool && !isDead(server));
    const key = spec.failureDomain?.key;
    const domains = new Map(ofPool.map((server) => [placeOf(server), server.domains]));
    const domainOf = (host: string): string | null =>
      (key === undefined ? undefined : own(domains.get(host) ?? {}, key)) ?? null;
    const living = placed.filter(({ server }) => !isDead(server));
    const existing = countOf(ofPool.map(placeOf));
    const { order } = orderDeletions(spec, living, { existing, domainOf });
    return [...placed.filter(({ server }) => isDead(server)), ...order].map(({ finding }) => finding);
  });
  const next = going[Symbol.iterator]();
  return findings.map((finding) => (isGoing(finding) ? (next.next().value ?? finding) : finding));
}

/** One that has no host yet has a share of its own. */
function placeOf({ id, host }: ServerFound): string {
  return host ?? id;
}
