import { memberName, tag } from '../../domain/names';
import type { MemberRef } from '../../domain/plan';
import type { VnfRecord } from '../../domain/record';
import { isDeadStatus } from '../../domain/snapshot';
import { nova, type Session } from '../../openstack';
import { inParallel } from '../parallel';
import type { CloudActivities } from '../ports';
import type { Deadline } from '../turn';

const askedAtOnce = 5;

/**
 * By server id, of who is in service. One that the list lacks is asked for: somebody may have taken its tags off, and who is reported dead for
 * being gone must be. Those that are not in the answer are.
 */
export async function serversOf(
  session: Session,
  record: Pick<VnfRecord, 'vnf' | 'pools'>,
  deadline: Deadline,
): Promise<ReadonlyMap<string, nova.Server>> {
  const listed = await nova.listServers(session, { tags: [tag.vnf(record.vnf)] }, deadline.call());
  const servers = new Map(listed.map((server) => [server.id, server]));
  const members = Object.values(record.pools).flatMap((pool) => pool.inService);
  const unlisted = members.map(({ serverId }) => serverId).filter((id) => !servers.has(id));
  await inParallel(unlisted, askedAtOnce, async (id) => {
    const server = await nova.getServer(session, id, deadline.call());
    if (server) servers.set(id, server);
  });
  return servers;
}

/**
 * Those of the record in service that are asked about, each dead or alive: of members by their names, of hosts by where the cloud has them. Other
 * hands may have moved a member off a host, or onto it, and the record does not know: only a server that the cloud has nowhere is where the
 * record has it.
 */
export function sortedByLife(
  { vnf, record, members, hosts }: Parameters<CloudActivities['findDead']>[0],
  servers: ReadonlyMap<string, nova.Server>,
  of: { readonly hostOf: (server: nova.Server) => string | null; readonly fenced: ReadonlySet<string> },
): { dead: MemberRef[]; alive: MemberRef[] } {
  const asked = members && new Set(members.map(({ pool, ordinal }) => memberName(vnf, pool, ordinal)));
  const dead: MemberRef[] = [];
  const alive: MemberRef[] = [];
  for (const member of Object.values(record.pools).flatMap((pool) => pool.inService)) {
    const ref = { pool: member.pool, ordinal: member.ordinal };
    if (asked && !asked.has(memberName(vnf, ref.pool, ref.ordinal))) continue;
    const server = servers.get(member.serverId);
    const host = (server && of.hostOf(server)) ?? member.host;
    if (server === undefined || isDeadStatus(server.status) || of.fenced.has(host)) dead.push(ref);
    else if (hosts === undefined || hosts.includes(host)) alive.push(ref);
  }
  return { dead, alive };
}
