import { portMarks, readMarks, serverGroupName, tag, vnfsIn } from '../../domain/names';
import type { Leftover } from '../../domain/stuck';
import { neutron, nova } from '../../openstack';
import type { Dependencies } from '../dependencies';
import type { CloudActivities, Sought } from '../ports';
import { deadlineOf, sleep, type Deadline } from '../turn';
import type { Ways } from '../way-in';
import { isOf } from './groups';
import { betweenLooksMs } from './remove';
import { unlistedAmong } from './untagged';

/**
 * What is there still of what was to be gone: the same things that an undo, or the payment of a debt, would remove, and by the same marks. A
 * list may lack for a moment what is there, so that nothing is left only where two looks agree.
 */
export function findLeftActivity(dependencies: Dependencies, ways: Ways): CloudActivities['findLeft'] {
  return async ({ vnf, sought, timing }) => {
    const deadline = deadlineOf(timing);
    const look = (): Promise<Leftover[]> => lookOnce(dependencies, { vnf, sought, ways }, deadline);
    const left = await look();
    if (left.length > 0) return left;
    await sleep(betweenLooksMs(timing));
    return await look();
  };
}

async function lookOnce(
  dependencies: Dependencies,
  of: { vnf: string; sought: Sought; ways: Ways },
  deadline: Deadline,
): Promise<Leftover[]> {
  const left = await Promise.all([
    serversLeft(dependencies, of, deadline),
    portsLeft(dependencies, of, deadline),
    securityGroupsLeft(dependencies, of, deadline),
    serverGroupsLeft(of, deadline),
  ]);
  return left.flatMap((each) => each.sort((a, b) => a.name.localeCompare(b.name)));
}

interface Of {
  readonly vnf: string;
  readonly sought: Sought;
}

async function serversLeft({ session }: Dependencies, { vnf, sought }: Of, deadline: Deadline): Promise<Leftover[]> {
  const { tokens = [], members = [] } = sought;
  if (tokens.length + members.length === 0) return [];
  const ids = new Set(members.map((member) => member.serverId));
  const servers = await nova.listServers(session, { tags: [tag.vnf(vnf)] }, deadline.call());
  const listed = new Set(servers.map(({ id }) => id));
  const unlisted = members.filter(({ serverId }) => !listed.has(serverId));
  const { untagged, tagged } = await unlistedAmong(session, { vnf, members: unlisted }, () => deadline.call());
  return [
    ...servers.filter((server) => ids.has(server.id) || tokens.some((token) => server.tags.includes(tag.token(token)))),
    ...tagged,
    // One with another VNF's tag is that one's.
    ...untagged.map(({ server }) => server).filter((server) => vnfsIn(server.tags).length === 0),
  ].map(({ id, name }) => ({ kind: 'server', id, name }));
}

async function portsLeft({ session }: Dependencies, { vnf, sought }: Of, deadline: Deadline): Promise<Leftover[]> {
  const { tokens = [], members = [] } = sought;
  const call = deadline.call();
  const marked = await Promise.all(
    tokens.map((token) => neutron.listPorts(session, { description: portMarks({ vnf, token }) }, call)),
  );
  const ids = members.flatMap((member) => member.portIds);
  const owed = ids.length === 0 ? [] : await neutron.listPorts(session, { ids }, deadline.call());
  // By id it may be anything: what does not bear the VNF's mark is not ours, and is left alone when members are removed, too.
  const ours = owed.filter((port) => readMarks(port.description).vnf === vnf);
  const ports = new Map([...marked.flat(), ...ours].map((port) => [port.id, port]));
  return [...ports.values()].map(({ id, name }) => ({ kind: 'port', id, name }));
}

async function securityGroupsLeft(
  { session }: Dependencies,
  { vnf, sought }: Of,
  deadline: Deadline,
): Promise<Leftover[]> {
  const { groupIds = [], pools = [], madePools = [], tokens = [] } = sought;
  if (groupIds.length + pools.length + madePools.length === 0) return [];
  const isMade = (group: neutron.SecurityGroup): boolean =>
    tokens.some((token) => readMarks(group.description).token === token) &&
    madePools.some((pool) => isOf(group, vnf, pool));
  const groups = await neutron.listSecurityGroups(session, deadline.call());
  return groups
    .filter((group) => groupIds.includes(group.id) || pools.some((pool) => isOf(group, vnf, pool)) || isMade(group))
    .map(({ id, name }) => ({ kind: 'securityGroup', id, name }));
}

async function serverGroupsLeft({ vnf, sought, ways }: Of & { ways: Ways }, deadline: Deadline): Promise<Leftover[]> {
  const { tokens = [], groupIds = [], pools = [] } = sought;
  if (tokens.length + groupIds.length + pools.length === 0) return [];
  const groups = await (await ways()).listServerGroups(vnf, deadline.call());
  return groups
    .filter(({ id, pool, token }) => groupIds.includes(id) || tokens.includes(token) || pools.includes(pool))
    .map(({ id, pool, number, token }) => ({
      kind: 'serverGroup',
      id,
      name: serverGroupName({ vnf, pool, number, token }),
    }));
}
