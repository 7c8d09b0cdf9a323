import type { Pool } from '../../domain/descriptor/descriptor';
import type { RuleFound } from '../../domain/inventory';
import { groupMarks, groupName, readMarks, readTags, tag } from '../../domain/names';
import { everybody, isCidr, lackingRules, wantedRules } from '../../domain/securityRules';
import { ConflictError, neutron, nova } from '../../openstack';
import type { Dependencies } from '../dependencies';
import { cloudUnavailable } from '../errors';
import type { CloudActivities } from '../ports';
import type { ServerGroupFound, Ways } from '../way-in';
import type { TurnRef } from '../../domain/turn';
import { deletePorts } from './ports';
import { betweenLooksMs } from './remove';
import { deadlineOf, isRepeat, refuseLostTurn, sleep, type Deadline } from '../turn';

/**
 * One security group a pool, with the rules that its descriptor says. Groups take no tags when they are made: they are marked in
 * their description, found by that and their name, and recorded by id.
 */
export function createGroupsActivity(dependencies: Dependencies): CloudActivities['createGroups'] {
  return async ({ turn, vnf, descriptor, timing }) => {
    refuseLostTurn(turn);
    const { session } = dependencies;
    const deadline = deadlineOf(timing);
    const there = await neutron.listSecurityGroups(session, deadline.call());
    const groups = new Map<string, neutron.SecurityGroup>();
    for (const { name: pool } of descriptor.pools) {
      const name = groupName(vnf, pool);
      const found = there.find((group) => isOf(group, vnf, pool));
      const description = `${descriptor.name} ${pool} of ${vnf} ${groupMarks({ vnf, pool, token: turn.token })}`;
      groups.set(
        pool,
        found ?? (await neutron.createSecurityGroup(session, { name, description }, deadline.call(turn.token))),
      );
    }
    // A repeat finds rules that an earlier attempt made, and Neutron refuses the same rule twice.
    const groupIdOf = (pool: string): string | undefined => groups.get(pool)?.id;
    try {
      for (const pool of descriptor.pools) {
        const group = groups.get(pool.name);
        const rules = group ? rulesLacking(group, pool, groupIdOf) : [];
        if (rules.length > 0) await neutron.createSecurityGroupRules(session, rules, deadline.call(turn.token));
      }
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
      throw cloudUnavailable(
        'a rule that an earlier attempt asked for has appeared meanwhile; the next one sees it',
        {},
      );
    }
    if (isRepeat()) await removeDoubles(dependencies, { vnf, turn, groups }, deadline);
    return { groups: [...groups].map(([pool, { id }]) => ({ pool, id })), doubtful: isRepeat() };
  };
}

/** By its name and its mark: other VNFs, and others, may have groups of the same name. */
export function isOf(group: neutron.SecurityGroup, vnf: string, pool: string): boolean {
  const marks = readMarks(group.description);
  return group.name === groupName(vnf, pool) && marks.vnf === vnf && marks.pool === pool;
}

/** A create that an earlier attempt got no answer to may have had its effect after this one looked for it. */
async function removeDoubles(
  { session }: Dependencies,
  of: { vnf: string; turn: TurnRef; groups: ReadonlyMap<string, neutron.SecurityGroup> },
  deadline: Deadline,
): Promise<void> {
  const { vnf, turn, groups } = of;
  for (const group of await neutron.listSecurityGroups(session, deadline.call())) {
    const isDouble = [...groups].some(([pool, { id }]) => isOf(group, vnf, pool) && group.id !== id);
    if (isDouble) await neutron.deleteSecurityGroup(session, group.id, deadline.call(turn.token));
  }
}

/** The rules of a group for what comes in: what goes out is Neutron's own. */
export function ingressRules({ rules }: neutron.SecurityGroup): RuleFound[] {
  return rules
    .filter(({ direction }) => direction === 'ingress')
    .map(({ id, ethertype, protocol, portMin, portMax, remoteGroupId, remoteAddressGroupId, remoteIpPrefix }) => ({
      id,
      ethertype,
      protocol,
      portMin,
      portMax,
      from: remoteGroupId ?? remoteAddressGroupId ?? remoteIpPrefix ?? everybody[ethertype],
    }));
}

/** What the descriptor says of a pool's group, and the group does not have. */
export function rulesLacking(
  group: neutron.SecurityGroup,
  { securityRules }: Pick<Pool, 'securityRules'>,
  groupIdOf: (pool: string) => string | undefined,
): neutron.NewRule[] {
  return lackingRules(wantedRules(securityRules, groupIdOf), ingressRules(group)).map(
    ({ protocol, portMin, portMax, from }) => ({
      groupId: group.id,
      ...(protocol !== null && { protocol }),
      ...(portMin !== null && { portMin }),
      ...(portMax !== null && { portMax }),
      ...(isCidr(from) ? { remoteIpPrefix: from } : { remoteGroupId: from }),
    }),
  );
}

/**
 * Those of this VNF that are not to be kept. One that a server's port still uses is tried again by the next attempt. Of what is known by its id the
 * cloud must say that it is gone; what is known by its name alone is looked for twice.
 */
export function removeGroupsActivity(dependencies: Dependencies, ways: Ways): CloudActivities['removeGroups'] {
  return async ({ turn, vnf, groups, timing }) => {
    refuseLostTurn(turn);
    const { session } = dependencies;
    const deadline = deadlineOf(timing);
    const ids = new Set(groups.ids);
    const kept = new Set(groups.keep);
    const looks = groups.pools.length > 0 ? 2 : 1;
    const ofTokens = await tokensToGo();
    for (let look = 1; look <= looks; look++) {
      if (look > 1) await sleep(betweenLooksMs(timing));
      const listed = await neutron.listSecurityGroups(session, deadline.call());
      const missing = [...ids].filter((id) => !listed.some((group) => group.id === id));
      const call = deadline.call();
      const asked = await Promise.all(missing.map((id) => neutron.getSecurityGroup(session, id, call)));
      for (const group of [...listed, ...asked.flatMap((each) => each ?? [])])
        if (ids.has(group.id) || (isToGo(group.id, readMarks(group.description)) && isOfPools(group)))
          await removeGroup(group);
    }
    const isOurs = (group: ServerGroupFound): boolean =>
      ids.has(group.id) || (groups.pools.includes(group.pool) && isToGo(group.id, group));
    await (await ways()).removeServerGroups({ vnf, isOurs, token: turn.token }, deadline);

    function isOfPools(group: neutron.SecurityGroup): boolean {
      return groups.pools.some((pool) => isOf(group, vnf, pool));
    }

    function isToGo(id: string, { token }: { readonly token?: string }): boolean {
      return !kept.has(id) && (ofTokens === null || (token !== undefined && ofTokens.includes(token)));
    }

    /** Null: whatever they bear. */
    async function tokensToGo(): Promise<readonly string[] | null> {
      const { token, unborn } = groups;
      if (token !== undefined) return [token];
      return unborn && (await wasThereBefore(unborn)) ? unborn : null;
    }

    /** The record of a VNF is lost, and an instantiate of its id has vanished before it could be refused. */
    async function wasThereBefore(unborn: readonly string[]): Promise<boolean> {
      const call = deadline.call();
      const [servers, ports] = await Promise.all([
        nova.listServers(session, { tags: [tag.vnf(vnf)] }, call),
        neutron.listPorts(session, {}, call),
      ]);
      const ofPorts = ports.map(({ description }) => readMarks(description)).filter((marks) => marks.vnf === vnf);
      return [...servers.map(({ tags }) => readTags(tags)), ...ofPorts].some(
        ({ token }) => token === undefined || !unborn.includes(token),
      );
    }

    async function removeGroup(group: neutron.SecurityGroup): Promise<void> {
      const { id, name } = group;
      try {
        await neutron.deleteSecurityGroup(session, id, deadline.call(turn.token));
      } catch (error) {
        if (!(error instanceof ConflictError)) throw error;
        const strays = await straysIn(id);
        if (strays.length === 0) throw cloudUnavailable(`security group ${name} is still in use`, {});
        await deletePorts(session, strays, () => deadline.call(turn.token));
        await removeGroup(group);
      }
    }

    /** A create that was answered long after it was given up has made ports that are nobody's: nothing else would remove them. */
    async function straysIn(id: string): Promise<string[]> {
      const ports = await neutron.listPorts(session, {}, deadline.call());
      const isStray = (port: neutron.Port): boolean => port.deviceId === '' && readMarks(port.description).vnf === vnf;
      return ports.filter((port) => port.securityGroupIds.includes(id) && isStray(port)).map((port) => port.id);
    }
  };
}
