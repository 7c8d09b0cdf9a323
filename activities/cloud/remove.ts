import { memberName, readTags, tag } from '../../domain/names';
import { neutron, nova } from '../../openstack';
import type { Dependencies } from '../dependencies';
import { cloudUnavailable } from '../errors';
import type { CloudActivities } from '../ports';
import { deadlineOf, refuseLostTurn, sleep, type Deadline } from '../turn';

/** Between two looks at whether what was deleted is gone. */
const lookAgainMs = 250;
const lookAgainMostMs = 2_000;

/** Servers in the given order, then their ports, until the cloud shows neither. What is gone already is done. */
export function removeActivity(dependencies: Dependencies): CloudActivities['remove'] {
  return async ({ turn, vnf, members, orphans = [], timing }) => {
    refuseLostTurn(turn);
    const { session } = dependencies;
    const deadline = deadlineOf(timing);
    const tokens = [...new Set([turn.token, ...members.map((member) => member.token)])].filter((token) => token !== '');
    const seen = await listOurs(dependencies, { vnf, tokens: orphans.length > 0 ? tokens : [] }, deadline);
    const orphaned = seen.servers.filter((server) => isOrphan(server.tags, server.name));
    const serverIds = unique([...members.map((member) => member.serverId), ...orphaned.map((server) => server.id)]);
    const orphanedPorts = seen.ports.filter((port) => isOrphan(port.tags, port.name));
    const portIds = unique([...members.flatMap((member) => member.portIds), ...orphanedPorts.map((port) => port.id)]);

    for (const id of serverIds) await nova.deleteServer(session, id, deadline.call(turn.token));
    await untilGone(dependencies, { vnf, ids: new Set(serverIds), token: turn.token }, deadline);
    for (const id of portIds) await neutron.deletePort(session, id, deadline.call(turn.token));

    /** By name and token: a name alone proves nothing. */
    function isOrphan(tags: readonly string[], name: string): boolean {
      const { token } = readTags(tags);
      return token === turn.token && orphans.some(({ pool, ordinal }) => name === memberName(vnf, pool, ordinal) || name.startsWith(`${memberName(vnf, pool, ordinal)}-`));
    }
  };
}

/**
 * Whatever bears this token and is not to be kept: ports first, so that a create still on its way must fail, then servers, until two
 * lists in a row agree that nothing is left.
 */
export function removeByTokenActivity(dependencies: Dependencies): CloudActivities['removeByToken'] {
  return async ({ turn, vnf, token, keep, timing }) => {
    refuseLostTurn(turn);
    const { session } = dependencies;
    const deadline = deadlineOf(timing);
    const kept = new Set(keep);
    const nextOrdinals: Record<string, number> = {};
    let clean = 0;
    for (let wait = lookAgainMs; clean < 2; wait = Math.min(wait * 1.5, lookAgainMostMs)) {
      const { servers, ports } = await listOurs(dependencies, { vnf, tokens: [token] }, deadline);
      for (const { tags } of [...servers, ...ports]) {
        const { pool, ordinal } = readTags(tags);
        if (pool !== undefined && ordinal !== undefined) nextOrdinals[pool] = Math.max(nextOrdinals[pool] ?? 0, ordinal + 1);
      }
      const strayServers = servers.filter((server) => !kept.has(server.id));
      const strayPorts = ports.filter((port) => !kept.has(port.deviceId));
      for (const port of strayPorts) await neutron.deletePort(session, port.id, deadline.call(turn.token));
      for (const server of strayServers) await nova.deleteServer(session, server.id, deadline.call(turn.token));
      clean = strayServers.length + strayPorts.length === 0 ? clean + 1 : 0;
      if (clean < 2) await sleep(wait);
    }
    return { nextOrdinals };
  };
}

interface Ours {
  readonly servers: readonly nova.Server[];
  readonly ports: readonly neutron.Port[];
}

async function listOurs({ session }: Dependencies, of: { vnf: string; tokens: readonly string[] }, deadline: Deadline): Promise<Ours> {
  const lists = await Promise.all(
    of.tokens.map(async (token) => {
      const tags = [tag.vnf(of.vnf), tag.token(token)];
      const [servers, ports] = await Promise.all([nova.listServers(session, { tags }, deadline.call()), neutron.listPorts(session, { tags }, deadline.call())]);
      return { servers, ports };
    }),
  );
  return { servers: lists.flatMap((each) => each.servers), ports: lists.flatMap((each) => each.ports) };
}

/** One list a look for all. A server on a host that is dead, and not yet known to be, is deleted again until it is. */
async function untilGone({ session }: Dependencies, of: { vnf: string; ids: ReadonlySet<string>; token: string }, deadline: Deadline): Promise<void> {
  if (of.ids.size === 0) return;
  for (let wait = lookAgainMs; ; wait = Math.min(wait * 1.5, lookAgainMostMs)) {
    const left = (await nova.listServers(session, { tags: [tag.vnf(of.vnf)] }, deadline.call())).filter((server) => of.ids.has(server.id));
    if (left.length === 0) return;
    if (deadline.isOver()) throw cloudUnavailable(`${left.map((server) => server.name).join(', ')} are not gone yet`, {});
    await sleep(wait);
    if (wait >= lookAgainMostMs) for (const server of left) await nova.deleteServer(session, server.id, deadline.call(of.token));
  }
}

function unique(ids: readonly string[]): string[] {
  return [...new Set(ids)].filter((id) => id !== '');
}
