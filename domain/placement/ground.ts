import type { Pool, Sharing } from '../descriptor/descriptor';
import type { HostReason } from '../failure';
import { own } from '../names';
import type { Member } from '../record';
import type { ServerGroupRef } from '../plan';
import { classesShort, less, shortOf, slots } from '../resources';
import {
  isDeadStatus,
  type FlavorSeen,
  type Host,
  type Resources,
  type ServerSeen,
  type Snapshot,
  type TenantView,
} from '../snapshot';

/**
 * The hosts as a plan uses them up: room goes down with every member placed, whichever pool it is of. A plan that is
 * given up works on a copy, so nothing has to be put back.
 */
export interface Ground {
  /** In name order, so that the order of the snapshot does not matter. */
  readonly hosts: readonly Host[];
  readonly hostNamed: ReadonlyMap<string, Host>;
  /** Names of those that are down: few, so that it is quick to ask of each member. */
  readonly down: ReadonlySet<string>;
  readonly free: Map<string, Resources>;
  /** Hosts that nothing new is placed on, besides those that are down or disabled. */
  readonly excluded: ReadonlySet<string>;
  readonly flavors: Snapshot['flavors'];
  readonly servers: Snapshot['servers'];
  /** By their ids. */
  readonly serverOf: ReadonlyMap<string, ServerSeen>;
  /** Ids of those that the cloud shows dead, or on a host that is down: few, too. */
  readonly deadServers: ReadonlySet<string>;
  /** Set where hosts cannot be chosen. */
  readonly tenant?: TenantView & {
    /** Groups for which the cloud has found no host in this turn. */
    readonly full: readonly ServerGroupRef[];
  };
}

export function groundOf(
  snapshot: Snapshot,
  excluded: ReadonlySet<string>,
  full: readonly ServerGroupRef[] = [],
): Ground {
  const hosts = [...snapshot.hosts].sort((a, b) => (a.name < b.name ? -1 : 1));
  const { flavors, servers, tenant } = snapshot;
  const hostNamed = new Map(hosts.map((host) => [host.name, host]));
  const down = new Set(hosts.flatMap(({ name, up }) => (up ? [] : [name])));
  const serverOf = new Map<string, ServerSeen>();
  const deadServers = new Set<string>();
  // Once through, since there are as many as members.
  for (const server of servers) {
    const { serverId, status, host } = server;
    serverOf.set(serverId, server);
    if (isDeadStatus(status) || (host !== undefined && down.has(host))) deadServers.add(serverId);
  }
  const free = new Map(hosts.map((host) => [host.name, host.free]));
  const seen = { hosts, hostNamed, down, servers, serverOf, deadServers, flavors };
  return { ...seen, excluded, free, ...(tenant && { tenant: { ...tenant, full } }) };
}

export function copyOf(ground: Ground): Ground {
  return { ...ground, free: new Map(ground.free) };
}

export function flavorOf(ground: Ground, pool: Pool): FlavorSeen {
  const flavor = ground.flavors[pool.flavor];
  if (!flavor) throw new Error(`the snapshot has no flavor ${pool.flavor}`);
  return flavor;
}

/** Why nothing new of this pool goes there, room and cap left aside. */
export function unusable(ground: Ground, host: Host, pool: Pool): HostReason | null {
  if (host.zone !== pool.zone) return 'WrongZone';
  if (ground.excluded.has(host.name)) return 'Excluded';
  if (!host.up) return 'Down';
  if (!host.enabled) return 'Disabled';
  if (host.notFor?.includes(pool.flavor) === true) return 'NotOffered';
  return pool.failureDomain && domainIn(host, pool) === null ? 'NoDomain' : null;
}

/** The resource classes, besides vCPUs, RAM and disk, of which hosts have too little for one more member: hosts that are open and have room but for them. */
export function scarceClasses(ground: Ground, pool: Pool): string[] {
  const flavor = flavorOf(ground, pool);
  if (flavor.others === undefined) return [];
  const scarce = ground.hosts.flatMap((host) => {
    const free = ground.free.get(host.name);
    const isFull = free && unusable(ground, host, pool) === null && slots(free, flavor) < 1;
    return isFull && shortOf(free, flavor) === 'NoRoomOther' ? classesShort(free, flavor) : [];
  });
  return [...new Set(scarce)].sort();
}

/** The failure domain that counts what the pool has on a host. Null where the pool keeps to none, and where nobody says the host's. */
export type DomainOf = (host: string) => string | null;

export function domainsFor(
  { hostNamed }: { readonly hostNamed: ReadonlyMap<string, Pick<Host, 'zone' | 'domains'>> },
  pool: Sharing & Pick<Pool, 'zone'>,
): DomainOf {
  return (name) => {
    const host = hostNamed.get(name);
    return host ? domainIn(host, pool) : null;
  };
}

function domainIn(
  { zone, domains = {} }: Pick<Host, 'zone' | 'domains'>,
  pool: Sharing & Pick<Pool, 'zone'>,
): string | null {
  // They are within the zone: whoever is in a wrong one is to leave it, and counts in none.
  return pool.failureDomain && zone === pool.zone ? (own(domains, pool.failureDomain.key) ?? null) : null;
}

export function take(ground: Ground, host: string, flavor: Resources): void {
  change(ground, host, flavor, 1);
}

export function giveBack(ground: Ground, host: string, flavor: Resources): void {
  change(ground, host, flavor, -1);
}

function change(ground: Ground, host: string, flavor: Resources, members: 1 | -1): void {
  const free = ground.free.get(host);
  if (free) ground.free.set(host, less(free, flavor, members));
}

/** Whether the cloud shows a member dead, or its host. Of a server that it does not list it shows nothing. */
export function looksDead(ground: Ground, { serverId, host: known }: Member): boolean {
  if (ground.deadServers.has(serverId)) return true;
  return ground.down.has(known) && ground.serverOf.get(serverId)?.host === undefined;
}
