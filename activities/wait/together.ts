import { memberName } from '../../domain/names';
import type { Together } from '../../domain/placement/together';
import type { Member } from '../../domain/record';
import type { nova } from '../../openstack';

/**
 * New members that are where they must not be, by server id, with what is wrong: on a host that is barred, or one too many on theirs.
 * Of several that are together the oldest stay.
 */
export function findMisplaced(of: {
  readonly vnf: string;
  readonly members: readonly Member[];
  readonly servers: ReadonlyMap<string, nova.Server>;
  readonly together: Readonly<Record<string, Together>>;
}): Map<string, string> {
  const { vnf, members, servers, together } = of;
  const misplaced = new Map<string, string>();
  const counts = new Map(
    Object.entries(together).map(([pool, { staying, leaving }]) => [
      pool,
      { after: countsOf(staying, servers), during: countsOf([...staying, ...leaving], servers) },
    ]),
  );
  for (const member of [...members].sort((a, b) => a.ordinal - b.ordinal)) {
    const { pool, ordinal, serverId } = member;
    const server = servers.get(serverId);
    const limits = together[pool];
    const on = counts.get(pool);
    if (!server || server.hostId === '' || server.status === 'ERROR' || !limits || !on) continue;
    const after = (on.after.get(server.hostId) ?? 0) + 1;
    const during = (on.during.get(server.hostId) ?? 0) + 1;
    const name = memberName(vnf, pool, ordinal);
    if (limits.barred.includes(server.hostId)) {
      misplaced.set(serverId, `${name} is on ${server.hostId}, which it was to be kept off`);
    } else if (after > limits.cap || during > limits.capDuring) {
      misplaced.set(
        serverId,
        `${name} is on ${server.hostId} as one of ${String(Math.max(after, during))} of ${pool}, and ${String(limits.cap)} may be`,
      );
    } else {
      on.after.set(server.hostId, after);
      on.during.set(server.hostId, during);
    }
  }
  return misplaced;
}

/**
 * On the host that the record has and, where the cloud's operator has moved it since, on the one that it is on: the record would
 * refuse what is too much by its own account, and the truth is what counts.
 */
function countsOf(members: readonly Member[], servers: ReadonlyMap<string, nova.Server>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { host, serverId } of members) {
    const now = servers.get(serverId)?.hostId ?? '';
    for (const each of new Set(now === '' ? [host] : [host, now])) counts.set(each, (counts.get(each) ?? 0) + 1);
  }
  return counts;
}
