import { compare } from '../../domain/audit';
import { failureDomainKeys } from '../../domain/descriptor/descriptor';
import type { Inventory, PortFound, SecurityGroupFound, ServerFound } from '../../domain/inventory';
import { memberTags, ourTags, readMarks, readTags, tag } from '../../domain/names';
import { securityGroupOf, type Member, type VnfRecord } from '../../domain/record';
import { ConflictError, neutron, nova, QuotaExceededError } from '../../openstack';
import type { Dependencies } from '../dependencies';
import { inParallel } from '../parallel';
import type { CloudActivities } from '../ports';
import { deadlineOf, refuseLostTurn, type Deadline } from '../turn';
import type { WayIn, Ways } from '../way-in';
import { listOf } from './asTenant/groups';
import type { DomainsByHost } from './domains';
import { ingressRules, rulesLacking } from './groups';

/** As many as a person reads, and as fit into a history; the others are found when these are mended. */
export const findingsMax = 200;

/** Compared here, so that the findings are in the history: a new release's rules never change a repair in flight. */
export function compareActivity(dependencies: Dependencies, ways: Ways): CloudActivities['compare'] {
  return async ({ record, inHand }) => {
    const inventory = await readInventory(dependencies, { record, way: await ways() });
    const all = compare(record, inventory, inHand);
    // What only a person mends must not hide what a repair does.
    const findings = [
      ...all.filter(({ action }) => action !== 'leave'),
      ...all.filter(({ action }) => action === 'leave'),
    ];
    return { findings: findings.slice(0, findingsMax), more: Math.max(0, findings.length - findingsMax) };
  };
}

/** All that bears the VNF's tags or marks, and its members and their ports by their ids. Lists, and a look at each that they lack. */
async function readInventory(
  dependencies: Dependencies,
  { record, way }: { readonly record: VnfRecord; readonly way: WayIn },
): Promise<Inventory> {
  const { vnf, descriptor } = record;
  const deadline = deadlineOf(dependencies.timing);
  const domains = await way.readDomains(failureDomainKeys(descriptor), deadline.call());
  const { inventory, portIds } = await listProject(dependencies, { vnf, way, deadline, domains });
  const listed = new Set(inventory.servers.map(({ id }) => id));
  const members = Object.values(record.pools).flatMap((pool) => pool.inService);
  const unlisted = members.map(({ serverId }) => serverId).filter((id) => !listed.has(id));
  const found: ServerFound[] = [];
  // Somebody may have taken the tags off one. That it is gone must be sure: it is reported dead for it.
  await inParallel(unlisted, askedAtOnce, async (id) => {
    const server = await nova.getServer(dependencies.session, id, deadline.call());
    if (server) found.push(serverFound(server, { way, domains }));
  });
  const servers = [...inventory.servers, ...found];
  const withServer = new Set(servers.map(({ id }) => id));
  const portsGone: string[] = [];
  const doubtful = members
    .filter(({ serverId }) => withServer.has(serverId))
    .flatMap((member) => member.portIds.filter((id) => !portIds.has(id)));
  await inParallel(doubtful, askedAtOnce, async (id) => {
    if (!(await neutron.getPort(dependencies.session, id, deadline.call()))) portsGone.push(id);
  });
  return { ...inventory, servers, portsGone };
}

const askedAtOnce = 5;

/** Whose inventory, and what is known before it is listed. */
export interface Listed {
  readonly vnf: string;
  readonly way: WayIn;
  readonly deadline: Deadline;
  readonly domains: DomainsByHost | null;
}

export async function listInventory(dependencies: Dependencies, listed: Listed): Promise<Inventory> {
  return (await listProject(dependencies, listed)).inventory;
}

/** With the ids of all ports of the project: one that was taken over bears no mark of ours. */
async function listProject(
  { session }: Dependencies,
  { vnf, way, deadline, domains }: Listed,
): Promise<{ readonly inventory: Inventory; readonly portIds: ReadonlySet<string> }> {
  const call = deadline.call();
  const [servers, ports, securityGroups, serverGroups] = await Promise.all([
    nova.listServers(session, { tags: [tag.vnf(vnf)] }, call),
    neutron.listPorts(session, {}, call),
    neutron.listSecurityGroups(session, call),
    listOf({ session }, vnf, call),
  ]);
  const inventory = {
    servers: servers.map((server) => serverFound(server, { way, domains })),
    ports: ports.map(portFound).filter((port) => port.vnf === vnf),
    securityGroups: securityGroups.map(groupFound).filter((group) => group.vnf === vnf),
    serverGroups,
    portsGone: [],
  };
  return { inventory, portIds: new Set(ports.map(({ id }) => id)) };
}

export function serverFound(server: nova.Server, { way, domains }: Pick<Listed, 'way' | 'domains'>): ServerFound {
  const { id, name, status, taskState, zone, flavor, imageId, tags } = server;
  const host = way.hostOf(server);
  const found = {
    ...{ ...readTags(tags), tags: ourTags(tags), id, name, status, zone, flavor, imageId, host },
    ...(taskState === 'deleting' && { isBeingDeleted: true }),
  };
  return domains && host !== null ? { ...found, domains: domains.get(host) ?? {} } : found;
}

export function portFound({ id, name, networkId, deviceId, description }: neutron.Port): PortFound {
  return { ...readMarks(description), id, name, networkId, deviceId };
}

function groupFound(group: neutron.SecurityGroup): SecurityGroupFound {
  const { id, name, description } = group;
  return { ...readMarks(description), id, name, rules: ingressRules(group) };
}

export function repairActivity({ session }: Dependencies): CloudActivities['repair'] {
  return async ({ turn, vnf, rules, securityGroups, serverGroups, lacking, untagged = [], timing }) => {
    refuseLostTurn(turn);
    const deadline = deadlineOf(timing);
    const call = (): ReturnType<Deadline['call']> => deadline.call(turn.token);
    const left: { id: string; why: string }[] = [];
    for (const id of rules) await neutron.deleteSecurityGroupRule(session, id, call());
    if (lacking) left.push(...(await makeRules({ session }, lacking, call)));
    for (const id of securityGroups) {
      try {
        await neutron.deleteSecurityGroup(session, id, call());
      } catch (error) {
        if (!(error instanceof ConflictError)) throw error;
        left.push({ id, why: 'a port uses it' });
      }
    }
    for (const id of serverGroups) await nova.deleteServerGroup(session, id, call());
    for (const member of untagged) {
      const why = await tagAgain({ session, call }, vnf, member);
      if (why !== null) left.push({ id: member.serverId, why });
    }
    return left;
  };
}

/** All of a group's at once. What Neutron refuses is told: another's rule may have come meanwhile, or the quota is used up. */
async function makeRules(
  { session }: Pick<Dependencies, 'session'>,
  { descriptor, groups, ids }: NonNullable<Parameters<CloudActivities['repair']>[0]['lacking']>,
  call: () => ReturnType<Deadline['call']>,
): Promise<{ id: string; why: string }[]> {
  const left: { id: string; why: string }[] = [];
  for (const group of await neutron.listSecurityGroups(session, call())) {
    const pool = descriptor.pools.find(({ name }) => securityGroupOf(groups, name)?.id === group.id);
    if (!pool || !ids.includes(group.id)) continue;
    const rules = rulesLacking(group, pool, (name) => securityGroupOf(groups, name)?.id);
    try {
      if (rules.length > 0) await neutron.createSecurityGroupRules(session, rules, call());
    } catch (error) {
      if (!(error instanceof ConflictError || error instanceof QuotaExceededError)) throw error;
      left.push({ id: group.id, why: error.message });
    }
  }
  return left;
}

/** Looked at once more: another VNF may have taken it over since it was found. The VNF's tag comes last. */
async function tagAgain(
  { session, call }: Pick<Dependencies, 'session'> & { readonly call: () => ReturnType<Deadline['call']> },
  vnf: string,
  member: Member,
): Promise<string | null> {
  const server = await nova.getServer(session, member.serverId, call());
  if (!server) return 'it is gone';
  const wanted = memberTags({ vnf, ...member });
  if (ourTags(server.tags).some((each) => !wanted.includes(each))) return "it bears tags that are not this member's";
  const ports = await neutron.listPorts(session, { deviceId: server.id }, call());
  const other = ports.flatMap(({ description }) => readMarks(description).vnf ?? []).find((each) => each !== vnf);
  if (other !== undefined) return `a port of it is marked as ${other}'s`;
  try {
    for (const each of wanted) if (!server.tags.includes(each)) await nova.addTag(session, server.id, each, call());
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
    return `Nova lets no tag be put on it while it is ${server.status}`;
  }
  return null;
}
