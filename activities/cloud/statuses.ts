import { tag } from '../../domain/names';
import type { VnfRecord } from '../../domain/record';
import { nova, type Session } from '../../openstack';
import { inParallel } from '../parallel';
import type { Deadline } from '../turn';

const askedAtOnce = 5;

/**
 * By server id, of who is in service. One that the list lacks is asked for: somebody may have taken its tags off, and who is reported dead for
 * being gone must be. Those that are not in the answer are.
 */
export async function statusesOf(
  session: Session,
  record: Pick<VnfRecord, 'vnf' | 'pools'>,
  deadline: Deadline,
): Promise<ReadonlyMap<string, string>> {
  const servers = await nova.listServers(session, { tags: [tag.vnf(record.vnf)] }, deadline.call());
  const statuses = new Map(servers.map(({ id, status }) => [id, status]));
  const members = Object.values(record.pools).flatMap((pool) => pool.inService);
  const unlisted = members.map(({ serverId }) => serverId).filter((id) => !statuses.has(id));
  await inParallel(unlisted, askedAtOnce, async (id) => {
    const server = await nova.getServer(session, id, deadline.call());
    if (server) statuses.set(id, server.status);
  });
  return statuses;
}
