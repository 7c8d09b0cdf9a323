import type { Descriptor, SecurityRule } from '../../domain/descriptor/descriptor';
import { groupName } from '../../domain/names';
import { ConflictError, neutron } from '../../openstack';
import type { Dependencies } from '../dependencies';
import { cloudUnavailable } from '../errors';
import type { CloudActivities } from '../ports';
import { deadlineOf, refuseLostTurn } from '../turn';

/**
 * A name alone proves nothing: `a-b` is the group of VNF `a`'s pool `b` and may be somebody's own, and `a-b-c` may be of `a` or of
 * `a-b`. Groups get no tags at their creation, so the description says whose they are. An id of a VNF has no spaces.
 */
function ownedBy(vnf: string): string {
  return ` of ${vnf}`;
}

function isOf(vnf: string, { description }: neutron.SecurityGroup): boolean {
  return description.endsWith(ownedBy(vnf));
}

/** One security group a pool, with the rules that its descriptor says. Groups take no tags: they are found by name, and recorded by id. */
export function createGroupsActivity(dependencies: Dependencies): CloudActivities['createGroups'] {
  return async ({ turn, vnf, descriptor, timing }) => {
    refuseLostTurn(turn);
    const { session } = dependencies;
    const deadline = deadlineOf(timing);
    const there = await neutron.listSecurityGroups(session, deadline.call());
    const groups = new Map<string, neutron.SecurityGroup>();
    for (const pool of descriptor.pools) {
      const name = groupName(vnf, pool.name);
      const found = there.find((group) => group.name === name && isOf(vnf, group));
      const description = `${descriptor.name} ${pool.name}${ownedBy(vnf)}`;
      groups.set(
        pool.name,
        found ?? (await neutron.createSecurityGroup(session, { name, description }, deadline.call(turn.token))),
      );
    }
    // A repeat finds rules that an earlier attempt made, and Neutron refuses the same rule twice.
    const missing = rulesOf(descriptor, groups).filter((rule) => !hasRule(groups, rule));
    try {
      if (missing.length > 0) await neutron.createSecurityGroupRules(session, missing, deadline.call(turn.token));
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
      throw cloudUnavailable(
        'a rule that an earlier attempt asked for has appeared meanwhile; the next one sees it',
        {},
      );
    }
    return [...groups].map(([pool, { id }]) => ({ pool, id }));
  };
}

function rulesOf(descriptor: Descriptor, groups: ReadonlyMap<string, neutron.SecurityGroup>): neutron.NewRule[] {
  const rules = descriptor.pools.flatMap((pool) =>
    pool.securityRules.map((rule) => ruleFor(groups.get(pool.name)?.id ?? '', rule, groups)),
  );
  // A rule that a descriptor says twice is one rule.
  return [...new Map(rules.map((rule) => [JSON.stringify(rule), rule])).values()];
}

function ruleFor(
  groupId: string,
  rule: SecurityRule,
  groups: ReadonlyMap<string, neutron.SecurityGroup>,
): neutron.NewRule {
  const remote = groups.get(rule.from);
  return {
    groupId,
    protocol: rule.protocol,
    ...(rule.ports && { portMin: rule.ports[0], portMax: rule.ports[1] }),
    ...(remote ? { remoteGroupId: remote.id } : { remoteIpPrefix: rule.from === 'any' ? '0.0.0.0/0' : rule.from }),
  };
}

function hasRule(groups: ReadonlyMap<string, neutron.SecurityGroup>, wanted: neutron.NewRule): boolean {
  const group = [...groups.values()].find((each) => each.id === wanted.groupId);
  return (group?.rules ?? []).some(
    (rule) =>
      rule.direction === 'ingress' &&
      rule.protocol === wanted.protocol &&
      rule.portMin === (wanted.portMin ?? null) &&
      rule.portMax === (wanted.portMax ?? null) &&
      rule.remoteGroupId === (wanted.remoteGroupId ?? null) &&
      (rule.remoteIpPrefix ?? '0.0.0.0/0') === (wanted.remoteIpPrefix ?? '0.0.0.0/0'),
  );
}

/** Those of this VNF that are not to be kept. One that a port still uses is tried again by the next attempt. */
export function removeGroupsActivity(dependencies: Dependencies): CloudActivities['removeGroups'] {
  return async ({ turn, vnf, groups, timing }) => {
    refuseLostTurn(turn);
    const { session } = dependencies;
    const deadline = deadlineOf(timing);
    const ids = new Set(groups.ids);
    const names = new Set(groups.pools.map((pool) => groupName(vnf, pool)));
    for (const group of await neutron.listSecurityGroups(session, deadline.call())) {
      if (!ids.has(group.id) && !(names.has(group.name) && isOf(vnf, group))) continue;
      try {
        await neutron.deleteSecurityGroup(session, group.id, deadline.call(turn.token));
      } catch (error) {
        if (!(error instanceof ConflictError)) throw error;
        throw cloudUnavailable(`security group ${group.name} is still in use`, {});
      }
    }
  };
}
