import { asksOf, placesFor } from './inventories';
import { isUp, type Claim, type Cloud, type Host, type Server, type ServerGroup } from './model';

/**
 * Which host the scheduler chooses: filters, then the weigher. Creates that were under way at the same time do not see one
 * another's claims, so they pile up on one host and leave the rest to the claim and to the compute's late check; one after
 * another they spread. What is on a host already is seen by all.
 */

/** What is asked of the scheduler for a server, at its creation or when it is evacuated. */
export interface Wish {
  readonly server: Server;
  readonly requestedHost: string | null;
  readonly zone: string | null;
  /** The filters are not asked, but for room. */
  readonly forced: boolean;
}

export function wishOf(server: Server): Wish {
  const { requestedHost, zone, forced } = server;
  return { server, requestedHost, zone, forced };
}

export function chooseHost(cloud: Cloud, wish: Wish): Host | undefined {
  const { server, requestedHost } = wish;
  const named = requestedHost === null ? undefined : cloud.hosts.get(requestedHost);
  const hidden = unseenRam(cloud, server);
  const members = membersByHost(cloud, server);
  const group = groupOf(cloud, server);
  let best: { host: Host; free: number; members: number } | undefined;
  for (const host of requestedHost === null ? cloud.hosts.values() : named ? [named] : []) {
    const here = members.get(host.name) ?? 0;
    if (!isOffered(cloud, server, host)) continue;
    if (!wish.forced && !passes(cloud, wish, { host, violates: violates(group, here) })) continue;
    const free = host.ramMb - host.used.ramMb + (hidden.get(host.name) ?? 0);
    // The weigher of soft anti-affinity, then that of free RAM.
    const soft = group?.policy === 'soft-anti-affinity' ? here : 0;
    if (!best || soft < best.members || (soft === best.members && free > best.free))
      best = { host, free, members: soft };
  }
  return best?.host;
}

/** Where the filters leave none of those that Placement offers. */
export const noValidHost = 'No valid host was found. There are not enough hosts available.';
/** Where Placement offers none. */
export const noCandidates = 'No valid host was found. ';

/** In Nova's words: they tell Placement's part from that of the filters. */
export function whyNone(cloud: Cloud, wish: Wish): string {
  const { server, requestedHost, zone, forced } = wish;
  if (requestedHost !== null && !cloud.hosts.has(requestedHost))
    return `No valid host was found. No such host - host: ${requestedHost} node: None `;
  for (const host of cloud.hosts.values()) {
    const isAsked = (requestedHost ?? host.name) === host.name && (zone === null || host.zone === zone);
    if (isAsked && (forced || host.enabled) && isOffered(cloud, server, host)) return noValidHost;
  }
  return noCandidates;
}

/** Whether Placement offers a host: its room, and its kind. */
export function isOffered(cloud: Cloud, server: Server, host: Host): boolean {
  const flavor = cloud.flavors.get(server.flavorId);
  if (flavor === undefined) return false;
  const { used } = host;
  const asks = asksOf(flavor);
  // Asked of every host for every server: nothing is made for it.
  return (
    host.vcpus - used.vcpus >= asks.vcpus &&
    host.ramMb - used.ramMb >= asks.ramMb &&
    host.diskGb - used.diskGb >= asks.diskGb &&
    (asks.others === undefined || placesFor(host, asks.others) !== null) &&
    (flavor.extraSpecs === undefined || hasTraits(host, traitsOf(flavor.extraSpecs)))
  );
}

/** As a request to Placement has them: `!` before one that a host must not have. */
function traitsOf(specs: Readonly<Record<string, string>>): string[] {
  return Object.entries(specs).flatMap(([key, word]) =>
    key.startsWith('trait:') ? `${word === 'forbidden' ? '!' : ''}${key.slice('trait:'.length)}` : [],
  );
}

/** What Nova's compute service says of every host, and what is said of this one. */
export function traitsOfHost({ traits = [] }: Host): string[] {
  return ['COMPUTE_NODE', ...traits];
}

export function hasTraits(host: Host, wanted: readonly string[]): boolean {
  const has = new Set(traitsOfHost(host));
  return wanted.every((each) => (each.startsWith('!') ? !has.has(each.slice(1)) : has.has(each)));
}

function passes(cloud: Cloud, { server, zone }: Wish, at: { host: Host; violates: boolean }): boolean {
  const { host } = at;
  if (!host.enabled || !isUp(host)) return false;
  if (zone !== null && host.zone !== zone) return false;
  return passesHints(cloud, server, host) && !at.violates;
}

function passesHints(cloud: Cloud, server: Server, host: Host): boolean {
  const on = (hint: unknown): (string | null)[] =>
    [hint].flat().map((id) => cloud.servers.get(String(id))?.host ?? null);
  const { same_host: same, different_host: different } = server.hints;
  if (same !== undefined && !on(same).includes(host.name)) return false;
  return different === undefined || !on(different).includes(host.name);
}

export function groupOf(cloud: Cloud, server: Server): ServerGroup | undefined {
  return server.groupId === null ? undefined : cloud.serverGroups.get(server.groupId);
}

function violates(group: ServerGroup | undefined, members: number): boolean {
  return group?.policy === 'anti-affinity' && members >= group.maxPerHost;
}

/** The compute's own look at the group, when the server is about to be on it: at what is really there. */
export function violatesGroup(cloud: Cloud, server: Server, host: Host): boolean {
  const group = groupOf(cloud, server);
  let here = 0;
  for (const id of group?.members ?? []) {
    const member = cloud.servers.get(id);
    if (member && member !== server && member.host === host.name) here += 1;
  }
  return violates(group, here);
}

function membersByHost(cloud: Cloud, server: Server): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const id of groupOf(cloud, server)?.members ?? []) {
    const member = cloud.servers.get(id);
    if (!member || member === server) continue;
    const claim = cloud.claims.get(id);
    const host = member.host ?? (claim && isSeen(server, claim) ? claim.host.name : undefined);
    if (host !== undefined) found.set(host, (found.get(host) ?? 0) + 1);
  }
  return found;
}

function isSeen(server: Server, claim: Claim): boolean {
  return claim.seenAfter < server.arrivedAs;
}

/** By host, RAM that is claimed already and still looks free to this one. */
function unseenRam(cloud: Cloud, server: Server): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const [id, claim] of cloud.claims) {
    if (isSeen(server, claim)) continue;
    const ram = cloud.flavors.get(cloud.servers.get(id)?.flavorId ?? '')?.ramMb ?? 0;
    found.set(claim.host.name, (found.get(claim.host.name) ?? 0) + ram);
  }
  return found;
}
