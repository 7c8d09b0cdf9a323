import {
  closedMark,
  fencedMark,
  isClosedByUs,
  isFencedByUs,
  notOurs,
  tooManyFailed,
  unknownHosts,
} from '../../domain/hosts';
import { readTags } from '../../domain/names';
import type { MemberRef } from '../../domain/plan';
import { ForbiddenError, nova, placement, type CallOptions, type Session } from '../../openstack';
import type { Dependencies } from '../dependencies';
import { toFailure } from '../errors';
import { inParallel } from '../parallel';
import type { CloudActivities, HostContents } from '../ports';
import { deadlineOf } from '../turn';
import { refuseIgnoredFilter } from './rights';
import { serversOf, sortedByLife } from './serversOf';
import { providerByHost } from './snapshot';

/** What the cloud shows of members and hosts, and opening and closing hosts to scheduling. */

/** Dead as the cloud shows it: ERROR, off, gone, or on a host that somebody has fenced. A host that is merely `down` proves nothing. */
export function findDeadActivity({ session, timing }: Dependencies): CloudActivities['findDead'] {
  return async (input) => {
    const deadline = deadlineOf(timing);
    const call = deadline.call();
    const [servers, forcedDown] = await Promise.all([
      serversOf(session, input.record, deadline),
      readForcedDown(session, call),
    ]);
    const fenced = new Set([...forcedDown, ...(input.fence ? (input.hosts ?? []) : [])]);
    return sortedByLife(input, servers, { hostOf: ({ host }) => host, fenced });
  };
}

/** Hosts on which nobody lives, whatever Nova says of their servers. */
export async function readForcedDown(session: Session, call: CallOptions): Promise<ReadonlySet<string>> {
  const services = await nova.listServices(session, call);
  return new Set(services.filter((service) => service.forcedDown).map((service) => service.host));
}

export function findOnHostsActivity({
  session,
  timing,
  failedHostsPercent,
}: Dependencies): CloudActivities['findOnHosts'] {
  return async ({ hosts, brake = false }) => {
    const call = deadlineOf(timing).call();
    const [services, project, found, coming] = await Promise.all([
      nova.listServices(session, call),
      session.projectId(),
      Promise.all(hosts.map((host) => nova.listServers(session, { host, allTenants: true }, call))),
      comingTo(session, hosts, call),
    ]);
    hosts.forEach((host, index) => {
      refuseIgnoredFilter(host, found[index] ?? []);
    });
    const refusal =
      unknownHosts(hosts, services) ?? (brake ? tooManyFailed(hosts, services, { percent: failedHostsPercent }) : null);
    if (refusal) throw toFailure(refusal);
    return hosts.map((host, index): HostContents => {
      const service = services.find((each) => each.host === host);
      const vnfs = new Map<string, MemberRef[]>();
      const foreign: string[] = [];
      const here = found[index] ?? [];
      const arriving = (coming.get(host) ?? []).filter(({ id }) => here.every((server) => server.id !== id));
      for (const server of [...here, ...arriving]) {
        const { vnf, pool, ordinal } = readTags(server.tags);
        // Tags are whatever a server's owner says: those of another project are not our word.
        const isOurs = server.projectId === project && vnf !== undefined && pool !== undefined && ordinal !== undefined;
        if (isOurs) vnfs.set(vnf, [...(vnfs.get(vnf) ?? []), { pool, ordinal }]);
        else foreign.push(server.id);
      }
      const { up = false, enabled = false } = service ?? {};
      return { host, up, enabled, vnfs: Object.fromEntries(vnfs), foreign };
    });
  };
}

/** Asked about at once: a launch makes ten at a time. */
const allocationsAtOnce = 10;

/**
 * Nova has chosen a host for a server some seconds before it says so; Placement holds room for it there from then on. A host that is to be emptied gets it
 * all the same. Who may not ask about allocations is told of servers when Nova says where they are.
 */
async function comingTo(
  session: Session,
  hosts: readonly string[],
  call: CallOptions,
): Promise<ReadonlyMap<string, readonly nova.Server[]>> {
  const building = await nova.listServers(session, { status: 'BUILD' }, call);
  const unplaced = building.filter(({ host, tags }) => host === null && readTags(tags).vnf !== undefined);
  if (unplaced.length === 0) return new Map();
  try {
    const providers = await placement.listResourceProviders(session, call);
    const idOf = new Map(providers.map(({ id, name }) => [name, id]));
    const nameOf = providerByHost([...idOf.keys()], hosts);
    const hostOf = new Map(hosts.map((host) => [idOf.get(nameOf.get(host) ?? ''), host]));
    const coming = new Map<string, nova.Server[]>();
    await inParallel(unplaced, allocationsAtOnce, async (server) => {
      for (const provider of await placement.listAllocations(session, server.id, call)) {
        const host = hostOf.get(provider);
        if (host !== undefined) coming.set(host, [...(coming.get(host) ?? []), server]);
      }
    });
    return coming;
  } catch (error) {
    if (error instanceof ForbiddenError) return new Map();
    throw error;
  }
}

/**
 * A host that somebody else has disabled is left as it is, and so is not opened again by us. Where a fence is wanted it is forced
 * down all the same; who did that is marked only where we disable it too, in one update, so that no lost reply can part the two.
 */
export function closeHostsActivity({ session }: Dependencies): CloudActivities['closeHosts'] {
  return async ({ hosts, occurrence, fence, timing }) => {
    const deadline = deadlineOf(timing);
    const services = await nova.listServices(session, deadline.call());
    const closed: string[] = [];
    const fenced: string[] = [];
    for (const service of services.filter((each) => hosts.includes(each.host))) {
      const { id, host, enabled, forcedDown, disabledReason } = service;
      // The mark is there already where an earlier attempt's reply was lost.
      if (enabled || isClosedByUs(service, occurrence)) closed.push(host);
      if (isFencedByUs(service, occurrence)) fenced.push(host);
      if (fence && !forcedDown) {
        fenced.push(host);
        const call = deadline.call(occurrence);
        if (enabled) await nova.forceDownAndDisable(session, id, closedMark(occurrence, true), call);
        else if (isClosedByUs(service, null))
          await nova.forceDownAndDisable(session, id, fencedMark(disabledReason ?? ''), call);
        else await nova.forceDown(session, id, true, call);
      } else if (enabled) {
        await nova.disableService(session, id, closedMark(occurrence), deadline.call(occurrence));
      }
    }
    return { closed, fenced };
  };
}

/**
 * What another run has forced down since stays closed, whoever closed it first: it is taken for dead, and with its mark restoreHost would
 * know it no longer for ours.
 */
export function reopenHostsActivity({ session }: Dependencies): CloudActivities['reopenHosts'] {
  return async ({ hosts, occurrence, timing }) => {
    const deadline = deadlineOf(timing);
    const services = await nova.listServices(session, deadline.call());
    const closed = services.filter((each) => hosts.includes(each.host) && isClosedByUs(each, occurrence));
    for (const service of closed.filter((each) => !isFencedByUs(each, null))) {
      await nova.enableService(session, service.id, deadline.call(occurrence ?? undefined));
    }
  };
}

/** What restoreHost would do. Reads only. */
export function lookAtClosedActivity({ session, timing }: Dependencies): CloudActivities['lookAtClosed'] {
  return async ({ hosts, alsoOthers = false }) => {
    const services = await nova.listServices(session, deadlineOf(timing).call());
    const asked = services.filter(({ host }) => hosts.includes(host));
    const refusal = unknownHosts(hosts, services) ?? (alsoOthers ? null : notOurs(asked));
    if (refusal) throw toFailure(refusal);
    const named = (which: (seen: nova.ComputeService) => boolean): string[] =>
      asked
        .filter(which)
        .map(({ host }) => host)
        .sort();
    return {
      closed: named((seen) => isClosedByUs(seen, null)),
      fenced: named((seen) => (alsoOthers ? seen.forcedDown : isFencedByUs(seen, null))),
      down: named((seen) => isClosedByUs(seen, null) && !seen.forcedDown && !seen.up),
    };
  };
}
