import type { Inventory, PortFound, SecurityGroupFound } from '../inventory';
import { securityGroupOf, type VnfRecord } from '../record';
import { everybody, isCidr, lackingRules, ruleKey, wantedRules, type IngressRule } from '../securityRules';
import type { Finding } from './finding';
import { isInHand, type Known } from './known';
import { othersOf } from './servers';

/** Ports, and groups with their rules, that nobody has; and rules that a group of ours lacks. */

export function judgePort(port: PortFound, { servers }: Inventory, known: Known): Finding | undefined {
  const { id, name, deviceId, token } = port;
  if (port.vnf !== known.vnf || known.portIds.has(id) || isInHand(known, port)) return undefined;
  const finding = (wrong: string, leave: string | null): Finding => ({
    kind: 'leftoverPort',
    name,
    id,
    wrong,
    repair: leave ?? 'deletes the port, by its id',
    action: leave === null ? 'delete' : 'leave',
  });
  if (token === undefined)
    return finding(
      `its description has the mark of ${known.vnf} and no token`,
      'nothing: whether it is ours is not sure; delete it, or take the mark off it',
    );
  if (deviceId === '') return finding('no server has it, and no record', null);
  const holder = servers.find((server) => server.id === deviceId);
  // It goes with its server, which somebody is at.
  if (known.owed.has(deviceId) || (holder && !known.members.has(deviceId) && isInHand(known, holder))) return undefined;
  if (known.members.has(deviceId))
    return finding(
      `the member ${holder?.name ?? deviceId} has it, and it is no port of its in the record`,
      'nothing: it may carry traffic; detach it first',
    );
  // It has been told of its server that another VNF has it too.
  if (holder && othersOf(known.vnf, holder).length > 0) return undefined;
  if (holder?.token === undefined)
    return finding(
      `the server ${deviceId} has it, which is none of ours`,
      'nothing: it may carry traffic; detach it first',
    );
  return finding(`the server ${holder.name} has it, which no record has`, null);
}

export function judgeGroup(group: SecurityGroupFound, record: VnfRecord, known: Known): Finding[] {
  const { id, name, pool, token } = group;
  if (record.groups.some((each) => each.id === id)) return judgeRules(group, record);
  if (group.vnf !== known.vnf || known.groupIds.has(id) || isInHand(known, group)) return [];
  const isWhole = pool !== undefined && token !== undefined;
  return [
    {
      kind: 'leftoverSecurityGroup',
      name,
      id,
      wrong: `its description has the mark of ${known.vnf}, and no record has it`,
      repair: isWhole
        ? 'deletes the security group, by its id, unless a port uses it'
        : 'nothing: its marks are not whole; delete it, or take them off it',
      action: isWhole ? 'delete' : 'leave',
    },
  ];
}

/** A group that bears our marks is ours with all that is in it. One that was taken over is not. */
function judgeRules(group: SecurityGroupFound, { vnf, descriptor, groups }: VnfRecord): Finding[] {
  const { pool: name } = group;
  if (group.vnf !== vnf || name === undefined) return [];
  const said = descriptor.pools.find((pool) => pool.name === name)?.securityRules ?? [];
  const wanted = wantedRules(said, (pool) => securityGroupOf(groups, pool)?.id);
  const keys = new Set(wanted.map(ruleKey));
  return [
    ...group.rules
      .filter((rule) => !keys.has(ruleKey(rule)))
      .map((rule) => ({
        kind: 'leftoverRule' as const,
        name: `${group.name}: ${sayRule(rule)}`,
        id: rule.id,
        wrong: `the descriptor has no such rule for ${name}`,
        repair: 'deletes the rule, by its id',
        action: 'delete' as const,
      })),
    ...lackingRules(wanted, group.rules).map((rule) => ({
      kind: 'missingRule' as const,
      name: `${group.name}: ${sayRule(rule)}`,
      id: group.id,
      wrong: `the descriptor has this rule for ${name}, and its security group does not`,
      repair: 'makes the rule again',
      action: 'create' as const,
    })),
  ];
}

function sayRule({ ethertype, protocol, portMin, portMax, from }: IngressRule): string {
  const ports = portMin === null ? '' : ` ${String(portMin)}${portMax === portMin ? '' : `-${String(portMax)}`}`;
  const version = ethertype === 'IPv6' && !isCidr(from) ? ' by IPv6' : '';
  return `${protocol ?? 'any protocol'}${ports}${version} from ${from === everybody.IPv4 ? 'any' : from}`;
}

export function judgeServerGroups({ serverGroups }: Inventory, known: Known): Finding[] {
  return serverGroups.flatMap((group): Finding[] => {
    if (known.groupIds.has(group.id) || isInHand(known, group)) return [];
    const used = group.serverIds.some((id) => known.members.has(id) || known.owed.has(id));
    return [
      {
        kind: 'leftoverServerGroup',
        name: group.name,
        id: group.id,
        pool: group.pool,
        wrong: used ? 'members are in it, and no record has it' : 'no record has it',
        repair: used
          ? 'nothing: it keeps members apart; it can go when they have gone'
          : 'deletes the server group, by its id',
        action: used ? 'leave' : 'delete',
      },
    ];
  });
}
