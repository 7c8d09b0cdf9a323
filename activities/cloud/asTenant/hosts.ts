import { failure } from '../../../domain/failure';
import { readTags } from '../../../domain/names';
import type { MemberRef } from '../../../domain/plan';
import { nova } from '../../../openstack';
import type { Dependencies } from '../../dependencies';
import { toFailure } from '../../errors';
import type { CloudActivities, HostContents } from '../../ports';
import { deadlineOf } from '../../turn';
import { serversOf, sortedByLife } from '../serversOf';

/** Dead as the cloud shows it to a tenant: ERROR, off or gone. Of a host's death it says nothing: its servers stay ACTIVE, and no fence is ours. */
export function findDeadActivity({ session, timing }: Dependencies): CloudActivities['findDead'] {
  return async (input) => {
    const servers = await serversOf(session, input.record, deadlineOf(timing));
    return sortedByLife(input, servers, { hostOf: ({ hostId }) => (hostId === '' ? null : hostId), fenced: new Set() });
  };
}

/** Hosts by their `hostId`: those that servers of the project are on. Of others, and of other projects' servers, nothing is seen. */
export function findOnHostsActivity({ session, timing }: Dependencies): CloudActivities['findOnHosts'] {
  return async ({ hosts }) => {
    const servers = await nova.listServers(session, {}, deadlineOf(timing).call());
    const unknown = hosts.filter((host) => !servers.some(({ hostId }) => hostId === host));
    if (unknown.length > 0) {
      throw toFailure(
        failure(
          'InvalidRequest',
          `No server of this project is on a host ${unknown.join(', ')}. A tenant names hosts by the hostId that its servers have, as "status" shows it.`,
          { problems: unknown.map((host) => ({ path: 'hosts', message: `no server is on a host ${host}` })) },
        ),
      );
    }
    return hosts.map((host): HostContents => {
      const vnfs = new Map<string, MemberRef[]>();
      const foreign: string[] = [];
      for (const server of servers.filter(({ hostId }) => hostId === host)) {
        const { vnf, pool, ordinal } = readTags(server.tags);
        if (vnf === undefined || pool === undefined || ordinal === undefined) foreign.push(server.id);
        else vnfs.set(vnf, [...(vnfs.get(vnf) ?? []), { pool, ordinal }]);
      }
      // Whether it is up, and open to scheduling, is not shown.
      return { host, up: true, enabled: true, vnfs: Object.fromEntries(vnfs), foreign };
    });
  };
}

/** What a tenant cannot have closed it cannot open. */
export const refuseToLookAtClosed: CloudActivities['lookAtClosed'] = ({ hosts }) =>
  Promise.reject(
    toFailure(
      failure(
        'InvalidRequest',
        'restoreHost is for operators of the cloud: a tenant neither sees whether a host is closed nor closes one, so that there is nothing to open.',
        { problems: hosts.map((host) => ({ path: 'hosts', message: `${host} cannot be opened by a tenant` })) },
      ),
    ),
  );
