import type { Pool } from '../descriptor/descriptor';
import { grouped } from '../grouped';
import { capAt, domainCapAt } from '../levels';
import type { FoundOn } from '../plan';
import { foundAt, type Member, type PoolState, type VnfRecord } from '../record';
import type { Snapshot } from '../snapshot';
import { countOf } from './batches';
import { domainsFor, type Ground } from './ground';
import { doubtOf } from './victims';

/**
 * What other hands have put where it must not be. The measure that a rebalance brings down: members in a wrong zone, those above the cap of their
 * host, and of the others those above the cap of their failure domain, summed over pools. Each of them must move, and moving it to a host of the
 * zone that has less than its share, in a domain that has, brings the measure down by one. So moves are the fewest.
 */

/** Members in service that the cloud has on other hosts than the record. */
export function foundElsewhere(record: VnfRecord, { servers, hosts }: Snapshot): FoundOn[] {
  const placeOf = new Map(servers.map(({ serverId, host }) => [serverId, host]));
  const hostNamed = new Map(hosts.map((host) => [host.name, host]));
  return record.descriptor.pools.flatMap((pool) => {
    const domainOf = domainsFor({ hostNamed }, pool);
    const elsewhere = (record.pools[pool.name]?.inService ?? []).filter(
      ({ serverId, host }) => (placeOf.get(serverId) ?? host) !== host,
    );
    return elsewhere.map(({ ordinal, serverId, host: believed }) => {
      const host = placeOf.get(serverId) ?? believed;
      const domain = domainOf(host);
      return { pool: pool.name, ordinal, host, ...(domain !== null && { domain }) };
    });
  });
}

/** The record as if it had known. */
export function asFound(record: VnfRecord, foundOn: readonly FoundOn[]): VnfRecord {
  if (foundOn.length === 0) return record;
  const pools = Object.entries(record.pools).map(([name, state]): [string, PoolState] => [
    name,
    foundAt(
      state,
      foundOn.filter(({ pool }) => pool === name),
    ),
  ]);
  return { ...record, pools: Object.fromEntries(pools) };
}

/**
 * Who must go elsewhere: whoever is in a wrong zone, and on each host of the right one those above the cap, of whom those that are doubted
 * most, then those that a tenant's server groups have a place for elsewhere, and then the newest; then in each failure domain those above its
 * cap. First who is on the host that has most of the pool at that moment, since its death would take most. A host that nobody lists has no zone.
 */
export function misplaced(ground: Ground, pool: Pool, { level, inService }: PoolState): Member[] {
  const cap = capAt(pool.spare, level);
  const domainOf = domainsFor(ground, pool);
  const domainCap = domainCapAt(pool, level);
  const stacks = [...grouped(inService, ({ host }) => host)].map(([host, members]) => {
    const zone = ground.hostNamed.get(host)?.zone;
    const mayStay = zone !== undefined && zone !== pool.zone ? 0 : cap;
    const doubled = doubledIn(ground, members.length > mayStay ? members : []);
    const sorted = members
      .map((member) => ({ member, doubt: doubtOf(ground, member), doubles: doubled.has(member) ? 1 : 0 }))
      .sort((a, b) => a.doubt - b.doubt || a.doubles - b.doubles || a.member.ordinal - b.member.ordinal)
      .map((each, index) => ({ ...each, height: index + 1 }));
    return { domain: domainOf(host), going: sorted.slice(mayStay), staying: sorted.slice(0, mayStay) };
  });
  const crowded = [...new Set(stacks.flatMap(({ domain }) => domain ?? []))].flatMap((domain) => {
    const staying = stacks.flatMap((stack) => (stack.domain === domain ? stack.staying : []));
    return staying.sort((a, b) => b.doubt - a.doubt || highest(a, b)).slice(0, Math.max(0, staying.length - domainCap));
  });
  return [...stacks.flatMap(({ going }) => going), ...crowded].sort(highest).map(({ member }) => member);
}

/**
 * Of members of one pool on one host: those whose server group has an older one of them there. A group puts no two on a host, so that another
 * hand has, and when they leave it has a place elsewhere. The groups of the others may have none. Empty where hosts are chosen, and not groups.
 */
export function doubledIn({ tenant }: Ground, members: readonly Member[]): ReadonlySet<Member> {
  const doubled = new Set<Member>();
  if (!tenant || members.length < 2) return doubled;
  const first = new Map<string, Member>();
  for (const member of [...members].sort((a, b) => a.ordinal - b.ordinal)) {
    const group = tenant.groups.find(({ serverIds }) => serverIds.includes(member.serverId));
    if (!group) continue;
    if (first.has(group.id)) doubled.add(member);
    else first.set(group.id, member);
  }
  return doubled;
}

interface Stacked {
  readonly member: Member;
  /** Which of those on its host it is, from 1. */
  readonly height: number;
}

function highest(a: Stacked, b: Stacked): number {
  return b.height - a.height || b.member.ordinal - a.member.ordinal;
}

/** The most members of a pool on a host. */
export function tallestOf({ inService }: PoolState): number {
  return Math.max(0, ...countOf(inService.map(({ host }) => host)).values());
}
