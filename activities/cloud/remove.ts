import { countOf, cutDeletions, orderDeletions } from '../../domain/placement/batches';
import { own, portMarks, readMarks, readPortName, readTags, tag, type Tagged } from '../../domain/names';
import type { Shares } from '../../domain/record';
import { isDeadStatus } from '../../domain/snapshot';
import type { Timing } from '../../domain/timing';
import { ForbiddenError, neutron, NotFoundError, nova, type CallOptions, type Session } from '../../openstack';
import type { Dependencies } from '../dependencies';
import type { ServerGroupFound, WayIn, Ways } from '../way-in';
import type { DomainsByHost } from './domains';
import { cloudUnavailable } from '../errors';
import { handOnOrdinals, ordinalsSeen } from '../handover';
import type { CloudActivities } from '../ports';
import { deadlineOf, refuseLostTurn, sleep, type Deadline } from '../turn';
import { deletePorts } from './ports';
import { unlistedAmong, untaggedFailure } from './untagged';

/** Between two looks at whether what was deleted is gone. */
const lookAgainMs = 250;
const lookAgainMostMs = 2_000;

/** Longer than a Neutron that is being started shows empty lists to everybody. */
export function betweenLooksMs({ tickSeconds }: Timing): number {
  return tickSeconds * 1_000;
}

/**
 * Servers in the given order, or so many at once as their pools' shares allow, then their ports, until the cloud shows neither. What is gone
 * already is done, where the cloud says so of each; what does not bear the VNF's tag is never touched, whatever its id, nor are its ports:
 * where a member's server has lost it, the others go, and then a person is told. Orphans are looked for until two looks find none: a create that was still on its way when they were first
 * looked for fails when its ports are gone, or has been seen by then.
 */
export function removeActivity(dependencies: Dependencies, ways: Ways): CloudActivities['remove'] {
  return async ({ turn, vnf, members, orphans = [], timing, ...shares }) => {
    refuseLostTurn(turn);
    const { session } = dependencies;
    const deadline = deadlineOf(timing);
    const serverIds = members.map((member) => member.serverId);
    const portIds = members.flatMap((member) => member.portIds);
    const looksWanted = orphans.length === 0 ? 1 : 2;
    const guarded = await guardedBy(shares, ways, deadline);
    /** Servers that have borne the tag, or were gone. */
    const known = new Set<string>();
    const lost = lostDeletions(session, timing);
    let wait = lookAgainMs;
    for (let clean = 0; ;) {
      const call = deadline.call();
      const [servers, ofMembers, ofTurn] = await Promise.all([
        nova.listServers(session, { tags: [tag.vnf(vnf)] }, call),
        neutron.listPorts(session, { ids: portIds }, call),
        orphans.length === 0
          ? []
          : neutron.listPorts(session, { description: portMarks({ vnf, token: turn.token }) }, call),
      ]);
      for (const { id } of servers) known.add(id);
      const unknown = members.filter(({ serverId }) => !known.has(serverId));
      const { untagged, tagged } = await unlistedAmong(session, { vnf, members: unknown }, () => deadline.call());
      const untaggedIds = new Set(untagged.map(({ server }) => server.id));
      // Of one that is being built Neutron does not say yet that it has them.
      const theirPorts = new Set(untagged.flatMap(({ member }) => member.portIds));
      for (const { serverId } of unknown) if (!untaggedIds.has(serverId)) known.add(serverId);
      const left = {
        servers: inOrder(
          serverIds,
          [...servers, ...tagged].filter((server) => serverIds.includes(server.id) || isOrphan(readTags(server.tags))),
        ),
        ports: distinct([
          ...[...ofMembers, ...(await unlisted(ofMembers))].filter((port) => readMarks(port.description).vnf === vnf),
          ...ofTurn.filter((port) => isOrphan({ ...readPortName(vnf, port.name), ...readMarks(port.description) })),
        ]).filter(({ id, deviceId }) => !untaggedIds.has(deviceId) && !theirPorts.has(id)),
      };
      if (untagged.length > 0 && left.servers.length + left.ports.length === 0) throw untaggedFailure(vnf, untagged);
      clean = left.servers.length + left.ports.length === 0 ? clean + 1 : 0;
      if (clean >= looksWanted) return;
      if (clean > 0) await sleep(betweenLooksMs(timing));
      if (guarded && left.servers.length > 0) {
        // Not all of them are told at once: a look that lacks one says nothing of it.
        for (const { id } of left.servers) known.delete(id);
        const next = nextToGo([...servers, ...tagged], left.servers, guarded);
        await tellToGo(next, { session, lost, isLate: wait >= lookAgainMostMs, call: () => deadline.call(turn.token) });
        await sleep(wait);
        wait = longer(wait);
        continue;
      }
      for (const { id } of left.servers) await nova.deleteServer(session, id, deadline.call(turn.token));
      await untilGone(
        dependencies,
        { vnf, ids: new Set(left.servers.map(({ id }) => id)), token: turn.token, timing },
        deadline,
      );
      const held = await deletePorts(
        session,
        left.ports.map(({ id }) => id),
        () => deadline.call(turn.token),
      );
      if (orphans.length + held.length + untagged.length + tagged.length === 0) return;
      if (held.length > 0) await sleep(lookAgainMs);
    }

    /** A list may lack what is there: each that it lacks is asked for. */
    async function unlisted(listed: readonly neutron.Port[]): Promise<neutron.Port[]> {
      const missing = portIds.filter((id) => !listed.some((port) => port.id === id));
      const call = deadline.call();
      const asked = await Promise.all(missing.map((id) => neutron.getPort(session, id, call)));
      return asked.flatMap((port) => port ?? []);
    }

    /** Of this very turn: what earlier turns launched under these ordinals is not in doubt. */
    function isOrphan({ pool, ordinal, token }: Tagged): boolean {
      return token === turn.token && orphans.some((ref) => ref.pool === pool && ref.ordinal === ordinal);
    }
  };
}

/** In the order of the ids; those that are not among them last. */
function inOrder(ids: readonly string[], servers: readonly nova.Server[]): nova.Server[] {
  const rank = new Map(ids.map((id, index) => [id, index]));
  return [...servers].sort((a, b) => (rank.get(a.id) ?? ids.length) - (rank.get(b.id) ?? ids.length));
}

/**
 * Whatever bears this token and is not to be kept: ports first, so that a create still on its way must fail, then servers, and the
 * ports that they held behind them, until two lists in a row agree that nothing is left. With the pools' spares, no more servers of a pool
 * are told at once than keep the letter of its share. The ordinals that were seen travel to the next attempt, which sees fewer of them.
 */
export function removeByTokenActivity(dependencies: Dependencies, ways: Ways): CloudActivities['removeByToken'] {
  return async ({ turn, vnf, token, keep, keepGroups = [], timing, ...shares }) => {
    refuseLostTurn(turn);
    const { session } = dependencies;
    const deadline = deadlineOf(timing);
    const kept = new Set(keep);
    const nextOrdinals = ordinalsSeen();
    const guarded = await guardedBy(shares, ways, deadline);
    let clean = 0;
    const lost = lostDeletions(session, timing);
    for (let wait = lookAgainMs; clean < 2; wait = longer(wait)) {
      const call = deadline.call();
      const [listed, ports] = await Promise.all([
        // Others count for the share of each.
        nova.listServers(session, { tags: [tag.vnf(vnf), ...(guarded ? [] : [tag.token(token)])] }, call),
        neutron.listPorts(session, { description: portMarks({ vnf, token }) }, call),
      ]);
      const servers = listed.filter((server) => readTags(server.tags).token === token);
      const named: Tagged[] = [
        ...servers.map((server) => readTags(server.tags)),
        ...ports.map((port) => readPortName(vnf, port.name) ?? {}),
      ];
      for (const { pool, ordinal } of named) {
        if (pool !== undefined && ordinal !== undefined)
          nextOrdinals[pool] = Math.max(own(nextOrdinals, pool) ?? 0, ordinal + 1);
      }
      handOnOrdinals(nextOrdinals);
      const strayServers = servers.filter((server) => !kept.has(server.id));
      const strayPorts = ports.filter((port) => !kept.has(port.deviceId));
      await deletePorts(
        session,
        strayPorts.map(({ id }) => id),
        () => deadline.call(turn.token),
      );
      const next = guarded ? nextToGo(listed, strayServers, guarded) : strayServers;
      await tellToGo(next, { session, lost, isLate: wait >= lookAgainMostMs, call: () => deadline.call(turn.token) });
      clean = strayServers.length + strayPorts.length === 0 ? clean + 1 : 0;
      if (clean < 2) await sleep(clean === 0 ? wait : betweenLooksMs(timing));
    }
    const isOurs = (group: ServerGroupFound): boolean => group.token === token && !keepGroups.includes(group.id);
    await (await ways()).removeServerGroups({ vnf, isOurs, token: turn.token }, deadline);
    return { nextOrdinals };
  };
}

interface Guarded extends Omit<Shares, 'failed'> {
  readonly failed: ReadonlySet<string>;
  readonly domains?: DomainsByHost;
}

async function guardedBy(
  { spares, failureDomains, failed = [] }: Partial<Shares>,
  ways: Ways,
  deadline: Deadline,
): Promise<Guarded | undefined> {
  if (!spares) return undefined;
  const domains = await guardedDomains(await ways(), failureDomains, deadline.call());
  return { spares, failed: new Set(failed), ...domains };
}

/** Who may not read which domains there are deletes without looking at them, rather than not at all. */
async function guardedDomains(
  way: WayIn,
  failureDomains: Guarded['failureDomains'],
  call: CallOptions,
): Promise<Pick<Guarded, 'failureDomains' | 'domains'>> {
  if (!failureDomains) return {};
  const keys = [...new Set(Object.values(failureDomains).map(({ key }) => key))];
  try {
    const domains = await way.readDomains(keys, call);
    return domains ? { failureDomains, domains } : {};
  } catch (error) {
    if (error instanceof ForbiddenError) return {};
    throw error;
  }
}

/**
 * Those that may vanish now in whatever order, of each pool: the ones that are being deleted already, and as many more. The dead count for no
 * share, and go at once.
 */
function nextToGo(
  listed: readonly nova.Server[],
  strays: readonly nova.Server[],
  { spares, failed, failureDomains = {}, domains }: Guarded,
): nova.Server[] {
  const poolOf = (server: nova.Server): string => readTags(server.tags).pool ?? '';
  // Down by force: somebody has said that the host is dead.
  const isDead = ({ id, status, hostStatus }: nova.Server): boolean =>
    isDeadStatus(status) || hostStatus === 'DOWN' || failed.has(id);
  const living = strays.filter((server) => !isDead(server));
  const next = strays.filter(isDead);
  for (const pool of new Set(living.map(poolOf))) {
    const spare = own(spares, pool);
    const leaving = living.filter((server) => poolOf(server) === pool);
    if (spare === undefined) {
      next.push(...leaving);
      continue;
    }
    const failureDomain = own(failureDomains, pool);
    const sharing = { spare, ...(failureDomain && { failureDomain }) };
    const domainOf = (host: string): string | null =>
      (failureDomain && own(domains?.get(host) ?? {}, failureDomain.key)) ?? null;
    const existing = countOf(listed.filter((server) => !isDead(server) && poolOf(server) === pool).map(placeOf));
    const placed = leaving.map((server) => ({
      server,
      host: placeOf(server),
      ordinal: readTags(server.tags).ordinal ?? 0,
    }));
    const isGoing = ({ server }: { server: nova.Server }): boolean => server.taskState === 'deleting';
    const going = placed.filter(isGoing);
    const after = new Map(existing);
    for (const { host } of going) after.set(host, (after.get(host) ?? 0) - 1);
    const rest = orderDeletions(
      sharing,
      placed.filter((each) => !isGoing(each)),
      { existing: after, domainOf },
    ).order;
    const order = [...going, ...rest];
    const [many = 0] = cutDeletions(sharing, order, { existing, domainOf });
    next.push(...order.slice(0, Math.max(many, going.length)).map(({ server }) => server));
  }
  return next;
}

/** One that has no host yet has a share of its own. */
function placeOf({ id, host, hostId }: nova.Server): string {
  return host ?? (hostId === '' ? id : hostId);
}

/** One that is being deleted is told again only where that takes unduly long: its host may have died meanwhile. */
async function tellToGo(
  servers: readonly nova.Server[],
  {
    session,
    lost,
    isLate,
    call,
  }: { session: Session; lost: ReturnType<typeof lostDeletions>; isLate: boolean; call: () => CallOptions },
): Promise<void> {
  for (const server of servers.filter(({ taskState }) => taskState !== 'deleting' || isLate)) {
    await lost.found(server, call());
    await nova.deleteServer(session, server.id, call());
  }
}

/** How long to the next look. */
function longer(waitMs: number): number {
  return Math.min(waitMs * 1.5, lookAgainMostMs);
}

function distinct(ports: readonly neutron.Port[]): neutron.Port[] {
  return [...new Map(ports.map((port) => [port.id, port])).values()];
}

/** One list a look for all. A server on a host that is dead, and not yet known to be, is deleted again until it is. */
async function untilGone(
  { session }: Dependencies,
  of: { vnf: string; ids: ReadonlySet<string>; token: string; timing: Timing },
  deadline: Deadline,
): Promise<void> {
  if (of.ids.size === 0) return;
  const lost = lostDeletions(session, of.timing);
  for (let wait = lookAgainMs; ; wait = longer(wait)) {
    const left = (await nova.listServers(session, { tags: [tag.vnf(of.vnf)] }, deadline.call())).filter((server) =>
      of.ids.has(server.id),
    );
    if (left.length === 0) return;
    if (deadline.isOver())
      throw cloudUnavailable(`${left.map((server) => server.name).join(', ')} are not gone yet`, {});
    await sleep(wait);
    if (wait < lookAgainMostMs) continue;
    for (const server of left) {
      await lost.found(server, deadline.call(of.token));
      await nova.deleteServer(session, server.id, deadline.call(of.token));
    }
  }
}

/**
 * A message bus that fails takes deletions with it, which Nova has noted and nobody carries out: it ignores every further one for as long as
 * the host is up. Of what is still being deleted in the second half of an attempt an operator says that it is in ERROR, so that Nova forgets; to
 * one that is only slow this does nothing. A tenant, or whoever lacks the right, has to wait until the host's compute service is started again.
 */
function lostDeletions(
  session: Session,
  { lastCallSeconds }: Timing,
): { found: (server: nova.Server, call: CallOptions) => Promise<void> } {
  const began = Date.now();
  const told = new Set<string>();
  return {
    found: async ({ id, taskState }, call) => {
      if (taskState !== 'deleting' || told.has(id) || Date.now() - began < (lastCallSeconds * 1_000) / 2) return;
      told.add(id);
      try {
        await nova.resetToError(session, id, call);
      } catch (error) {
        if (!(error instanceof ForbiddenError || error instanceof NotFoundError)) throw error;
      }
    },
  };
}
