import { failure } from '../../domain/failure';
import { memberName, readTags, tag } from '../../domain/names';
import type { MemberRef } from '../../domain/plan';
import { nova } from '../../openstack';
import type { Dependencies } from '../dependencies';
import { toFailure } from '../errors';
import type { CloudActivities, HostContents } from '../ports';
import { deadlineOf } from '../turn';

/** What the cloud shows of members and hosts, and opening and closing hosts to scheduling. */

/** Dead as the cloud shows it: ERROR, off, gone, or on a host that somebody has fenced. A host that is merely `down` proves nothing. */
export function findDeadActivity({ session, timing }: Dependencies): CloudActivities['findDead'] {
  return async ({ vnf, record, members }) => {
    const call = deadlineOf(timing).call();
    const [servers, services] = await Promise.all([
      nova.listServers(session, { tags: [tag.vnf(vnf)] }, call),
      nova.listServices(session, call),
    ]);
    const status = new Map(servers.map((server) => [server.id, server.status]));
    const fenced = new Set(services.filter((service) => service.forcedDown).map((service) => service.host));
    const asked = members && new Set(members.map(({ pool, ordinal }) => memberName(vnf, pool, ordinal)));
    const dead: MemberRef[] = [];
    const alive: MemberRef[] = [];
    for (const member of Object.values(record.pools).flatMap((pool) => pool.inService)) {
      const ref = { pool: member.pool, ordinal: member.ordinal };
      if (asked && !asked.has(memberName(vnf, ref.pool, ref.ordinal))) continue;
      const state = status.get(member.serverId);
      const isDead =
        state === undefined ||
        state === 'ERROR' ||
        state === 'SHUTOFF' ||
        state === 'DELETED' ||
        fenced.has(member.host);
      (isDead ? dead : alive).push(ref);
    }
    return { dead, alive };
  };
}

export function findOnHostsActivity({ session, timing }: Dependencies): CloudActivities['findOnHosts'] {
  return async ({ hosts }) => {
    const call = deadlineOf(timing).call();
    const [services, found] = await Promise.all([
      nova.listServices(session, call),
      Promise.all(hosts.map((host) => nova.listServers(session, { host, allTenants: true }, call))),
    ]);
    const unknown = hosts.filter((host) => !services.some((service) => service.host === host));
    if (unknown.length > 0) {
      const some = services
        .map((service) => service.host)
        .sort()
        .slice(0, 20)
        .join(', ');
      throw toFailure(
        failure(
          'InvalidRequest',
          `There is no compute host ${unknown.join(', ')}. The cloud has ${some}${services.length > 20 ? ', …' : ''}.`,
          {
            problems: unknown.map((host) => ({ path: 'hosts', message: `there is no host ${host}` })),
          },
        ),
      );
    }
    return hosts.map((host, index): HostContents => {
      const service = services.find((each) => each.host === host);
      const vnfs: Record<string, MemberRef[]> = {};
      const foreign: string[] = [];
      for (const server of found[index] ?? []) {
        const { vnf, pool, ordinal } = readTags(server.tags);
        if (vnf === undefined || pool === undefined || ordinal === undefined) foreign.push(server.id);
        else (vnfs[vnf] ??= []).push({ pool, ordinal });
      }
      return { host, up: service?.up ?? false, enabled: service?.enabled ?? false, vnfs, foreign };
    });
  };
}

function markOf(occurrence: string): string {
  return `bulkhead:${occurrence}`;
}

/** A host that somebody else has disabled is left as it is, and so is not opened again by us. */
export function closeHostsActivity({ session }: Dependencies): CloudActivities['closeHosts'] {
  return async ({ hosts, occurrence, fence, timing }) => {
    const deadline = deadlineOf(timing);
    const services = await nova.listServices(session, deadline.call());
    const closed: string[] = [];
    const fenced: string[] = [];
    for (const service of services.filter((each) => hosts.includes(each.host))) {
      // Forced down first: disabling a dead host that is not known to be dead waits for its answer.
      if (fence && !service.forcedDown) {
        await nova.forceDown(session, service.id, true, deadline.call(occurrence));
        fenced.push(service.host);
      }
      if (service.enabled)
        await nova.disableService(session, service.id, markOf(occurrence), deadline.call(occurrence));
      // The mark is there already where an earlier attempt's reply was lost.
      if (service.enabled || service.disabledReason === markOf(occurrence)) closed.push(service.host);
    }
    return { closed, fenced };
  };
}

export function reopenHostsActivity({ session }: Dependencies): CloudActivities['reopenHosts'] {
  return async ({ hosts, occurrence, timing }) => {
    const deadline = deadlineOf(timing);
    const services = await nova.listServices(session, deadline.call());
    for (const service of services.filter(
      (each) => hosts.includes(each.host) && each.disabledReason === markOf(occurrence),
    )) {
      await nova.enableService(session, service.id, deadline.call(occurrence));
    }
  };
}
