import type { Inventory, PortFound, SecurityGroupFound, ServerFound } from './inventory';
import { capAt } from './levels';
import { memberName, memberTags, own, vnfsIn, type Tagged } from './names';
import { countOf } from './placement/batches';
import { securityGroupOf, type Member, type VnfRecord } from './record';
import { isDeadStatus } from './snapshot';
import { everybody, isCidr, lackingRules, ruleKey, wantedRules, type IngressRule } from './securityRules';

/** What an audit finds: a closed list. */
export const findingKinds = [
  /** A server that is tagged as the VNF's, and is in no record. */
  'orphan',
  /** A second server of one member. */
  'double',
  /** A server of the VNF that bears another VNF's tag: beside ours, or where a member has lost ours. */
  'foreignTag',
  /** A member whose server does not bear the VNF's tag. */
  'noTag',
  /** A member in service whose server the cloud does not have. */
  'missing',
  /** A member in service whose server the cloud says is in ERROR, or SHUTOFF. */
  'notActive',
  /** A member in service that has lost a port of the record's. */
  'noPort',
  /** A member on another host than the record has it on. */
  'wrongHost',
  /** A member in another zone than its pool's. */
  'wrongZone',
  /** More members of a pool in service on a host than its share. */
  'shareBroken',
  /** More members of a pool in service in a failure domain than its share. */
  'domainShareBroken',
  /** A host with members of a pool that keeps to failure domains, of which nobody says the domain, or two say different ones. */
  'noDomain',
  'leftoverPort',
  'leftoverSecurityGroup',
  /** A rule of a group of ours that the descriptor does not say. */
  'leftoverRule',
  /** A rule that the descriptor says, and a group of ours does not have: what it lets in is kept out. */
  'missingRule',
  'leftoverServerGroup',
] as const;
export type FindingKind = (typeof findingKinds)[number];

export interface Finding {
  readonly kind: FindingKind;
  /** As the cloud calls it; of what is missing, the member's name. */
  readonly name: string;
  /** Of a rule that is missing, its security group's. */
  readonly id: string;
  /** Of a member, or of what was to be one. */
  readonly pool?: string;
  readonly ordinal?: number;
  /** What is wrong, in a sentence. */
  readonly wrong: string;
  /** What `repair` does about it, or would, in a sentence. */
  readonly repair: string;
  /** The same for a program: delete it by its id, make it again, put a member's tags back, report it dead, or leave it to a person or another procedure. */
  readonly action: 'delete' | 'create' | 'tag' | 'reportDead' | 'leave';
}

/**
 * Where cloud and record differ. Pure: what is in one of them at this moment, and not in the other.
 *
 * `inHand` are tokens of runs that are at work besides the record's debtors: what bears one of them is theirs, and is judged only when
 * they have ended.
 */
export function compare(record: VnfRecord, inventory: Inventory, inHand: readonly string[] = []): Finding[] {
  const known = knownTo(record, inHand);
  const findings = [
    ...judgeServers(record, inventory, known),
    ...judgeMissing(record, inventory),
    ...judgePorts(record, inventory),
    ...judgeShares(record, inventory),
    ...judgeDomains(record, inventory),
    ...inventory.ports.flatMap((port) => judgePort(port, inventory, known) ?? []),
    ...inventory.securityGroups.flatMap((group) => judgeGroup(group, record, known)),
    ...judgeServerGroups(inventory, known),
  ];
  const why = own(letBeIn, record.phase);
  return why === undefined
    ? findings
    : findings.map((finding) => ({ ...finding, repair: `nothing: ${why}`, action: 'leave' }));
}

/**
 * Before anything has been committed no record has its members: what looks left over may be one of them, and serve. Of an instantiate, too:
 * where the record of such a VNF is lost it may have vanished before it could be refused.
 */
const letBeIn: Readonly<Partial<Record<VnfRecord['phase'], string>>> = {
  adopting: 'the VNF is being adopted, and this may be what it is made of; adopt it first',
  instantiating:
    'the VNF has not come to be. What its instantiate has made goes with that, or with a terminate; this may have been there before, and serve: then terminate and adopt it',
};

interface Known {
  readonly vnf: string;
  /** By server id, in service or failed. */
  readonly members: ReadonlyMap<string, Member>;
  /** By `pool/ordinal`. */
  readonly ordinals: ReadonlySet<string>;
  /** Servers that a debtor drains and deletes. */
  readonly owed: ReadonlySet<string>;
  readonly portIds: ReadonlySet<string>;
  readonly groupIds: ReadonlySet<string>;
  readonly tokens: ReadonlySet<string>;
}

function knownTo(record: VnfRecord, inHand: readonly string[]): Known {
  const members = membersOf(record);
  const owed = record.debts.flatMap((debt) => debt.stages.flat().flatMap((lot) => lot.members));
  return {
    vnf: record.vnf,
    members: new Map(members.map((member) => [member.serverId, member])),
    ordinals: new Set(members.map(keyOf)),
    owed: new Set(owed.map(({ serverId }) => serverId)),
    portIds: new Set([...members, ...owed].flatMap(({ portIds }) => portIds)),
    groupIds: new Set([...record.groups, ...record.debts.flatMap(({ groups }) => groups)].map(({ id }) => id)),
    tokens: new Set([...inHand, ...record.debts.flatMap(({ token, sweep }) => [token, ...sweep])]),
  };
}

function membersOf({ pools }: VnfRecord): Member[] {
  return Object.values(pools).flatMap((pool) => [...pool.inService, ...pool.failed]);
}

function keyOf({ pool, ordinal }: { readonly pool: string; readonly ordinal: number }): string {
  return `${pool}/${String(ordinal)}`;
}

function isInHand({ tokens }: Known, { token }: Tagged): boolean {
  return token !== undefined && tokens.has(token);
}

function judgeServers(record: VnfRecord, { servers }: Inventory, known: Known): Finding[] {
  return servers.flatMap((server) => {
    const member = known.members.get(server.id);
    if (member)
      return [
        ...judgeTags(record.vnf, member, server),
        ...judgeStatus(record, member, server),
        ...judgePlace(record, member, server),
      ];
    if (!vnfsIn(server.tags).includes(known.vnf) || known.owed.has(server.id) || isInHand(known, server)) return [];
    return judgeStranger(server, known);
  });
}

/** A server of ours that nobody knows. Where its tags are not whole, whether we made it is not sure. */
function judgeStranger(server: ServerFound, known: Known): Finding {
  const { id, name, pool, ordinal, token } = server;
  const others = othersOf(known.vnf, server);
  if (others.length > 0)
    return {
      kind: 'foreignTag',
      name,
      id,
      wrong: `it bears the tag of ${known.vnf}, which has no record of it, and of ${others.join(', ')}`,
      repair: `nothing: it may serve for another; where ${known.vnf} has nothing to do with it, take its tag off`,
      action: 'leave',
    };
  if (pool === undefined || ordinal === undefined || token === undefined)
    return {
      kind: 'orphan',
      name,
      id,
      wrong: `the server bears the tag of ${known.vnf}, is in no record, and lacks tags that everything of ours has`,
      repair: 'nothing: whether it is ours is not sure; take the tag off it, or delete it',
      action: 'leave',
    };
  const member = memberName(known.vnf, pool, ordinal);
  const isDouble = known.ordinals.has(keyOf({ pool, ordinal }));
  return {
    kind: isDouble ? 'double' : 'orphan',
    name,
    id,
    pool,
    ordinal,
    wrong: isDouble
      ? `it is tagged as ${member}, which is another server`
      : `it is tagged as ${member}, and no record has it`,
    repair: 'deletes the server, by its id',
    action: 'delete',
  };
}

function othersOf(vnf: string, { tags }: ServerFound): string[] {
  return vnfsIn(tags).filter((each) => each !== vnf);
}

/** A member that does not bear the VNF's tag is one that adopt takes for a stranger; of one with two, two records may say that it is theirs. */
function judgeTags(vnf: string, member: Member, server: ServerFound): Finding[] {
  const { pool, ordinal } = member;
  const about = { name: server.name, id: server.id, pool, ordinal } as const;
  const name = memberName(vnf, pool, ordinal);
  const others = othersOf(vnf, server);
  const isTagged = vnfsIn(server.tags).includes(vnf);
  if (others.length > 0)
    return [
      {
        ...about,
        kind: 'foreignTag',
        wrong: `${name} bears the tag of ${others.join(', ')}${isTagged ? ' as well' : `, and not of ${vnf}`}`,
        repair: `nothing: whose it is, a person must say; until then terminate, scale in and heal neither ${[vnf, ...others].join(' nor ')}`,
        action: 'leave',
      },
    ];
  // What is gone needs none.
  if (isTagged || server.status === 'DELETED') return [];
  const wrong = `${name} does not bear the tag of ${vnf}`;
  const wanted = memberTags({ vnf, ...member });
  const isSure = server.tags.every((each) => wanted.includes(each));
  return [
    isSure
      ? { ...about, kind: 'noTag', wrong, repair: 'tags it again: no tag on it says anything else', action: 'tag' }
      : {
          ...about,
          kind: 'noTag',
          wrong: `${wrong}, and others that are not its own`,
          repair: 'nothing: whose it is, a person must say',
          action: 'leave',
        },
  ];
}

/** What is gone is missed already, and who is known to be dead waits for a replacement. */
function judgeStatus({ vnf, pools }: VnfRecord, member: Member, { id, name, status }: ServerFound): Finding[] {
  const { pool, ordinal } = member;
  if (status === 'DELETED' || !isDeadStatus(status) || !own(pools, pool)?.inService.includes(member)) return [];
  return [
    {
      kind: 'notActive',
      name,
      id,
      pool,
      ordinal,
      wrong: `${memberName(vnf, pool, ordinal)} is in service, and its server is ${status}`,
      repair: 'nothing: heal replaces it; start it first where somebody has only stopped it',
      action: 'leave',
    },
  ];
}

/** Of who has its server: with that all its ports are gone. */
function judgePorts({ vnf, pools }: VnfRecord, { servers, portsGone }: Inventory): Finding[] {
  const gone = new Set(portsGone);
  const byId = new Map(servers.map((server) => [server.id, server]));
  return Object.values(pools).flatMap(({ inService }) =>
    inService.flatMap(({ pool, ordinal, serverId, portIds }): Finding[] => {
      const server = byId.get(serverId);
      const lost = portIds.filter((id) => gone.has(id));
      if (!server || server.status === 'DELETED' || lost.length === 0) return [];
      return [
        {
          kind: 'noPort',
          name: server.name,
          id: serverId,
          pool,
          ordinal,
          wrong: `${memberName(vnf, pool, ordinal)} is in service, and Neutron does not have its port ${lost.join(', ')} any more`,
          repair: 'nothing: a heal that names it replaces it',
          action: 'leave',
        },
      ];
    }),
  );
}

function judgePlace(
  { vnf, descriptor }: VnfRecord,
  { pool, ordinal, host }: Member,
  server: ServerFound,
): readonly Finding[] {
  // On no host it is in ERROR, or being evacuated: that is for heal to see. A tenant's record may not know the host yet.
  if (server.host === null) return [];
  const about = { name: server.name, id: server.id, pool, ordinal, action: 'leave' } as const;
  const member = memberName(vnf, pool, ordinal);
  const zone = descriptor.pools.find(({ name }) => name === pool)?.zone;
  const onOther = host !== '' && server.host !== host;
  const inOther = zone !== undefined && server.zone !== null && server.zone !== zone;
  const repair = 'nothing: it goes on as it is; rebalance repairs it, and a heal that names it replaces it';
  return [
    ...(onOther
      ? [{ ...about, kind: 'wrongHost', wrong: `${member} is on ${server.host}, recorded on ${host}`, repair } as const]
      : []),
    ...(inOther
      ? [
          {
            ...about,
            kind: 'wrongZone',
            wrong: `${member} is in zone ${server.zone}, and ${pool} belongs in ${zone}`,
            repair,
          } as const,
        ]
      : []),
  ];
}

/** Who is known to be dead waits for a replacement, and is not missed twice. */
function judgeMissing({ vnf, pools }: VnfRecord, { servers }: Inventory): Finding[] {
  const there = new Set(servers.filter(({ status }) => status !== 'DELETED').map(({ id }) => id));
  return Object.values(pools).flatMap(({ inService }) =>
    inService.flatMap(({ pool, ordinal, serverId }): Finding[] => {
      if (there.has(serverId)) return [];
      return [
        {
          kind: 'missing',
          name: memberName(vnf, pool, ordinal),
          id: serverId,
          pool,
          ordinal,
          wrong: 'it is in service, and the cloud does not have its server',
          repair: 'reports it dead, so that it leaves service; heal then replaces it',
          action: 'reportDead',
        },
      ];
    }),
  );
}

/** By where the cloud has them. Who is on no host is counted nowhere. */
function judgeShares({ descriptor, pools }: VnfRecord, { servers }: Inventory): Finding[] {
  const hosts = new Map(servers.map(({ id, host }) => [id, host]));
  return descriptor.pools.flatMap(({ name: pool, spare }) => {
    const { level, inService } = own(pools, pool) ?? { level: 0, inService: [] };
    const cap = capAt(spare, level);
    return [...countOf(inService.flatMap(({ serverId }) => hosts.get(serverId) ?? []))]
      .filter(([, many]) => many > cap)
      .map(([host, many]) => ({
        kind: 'shareBroken',
        name: `${pool} on ${host}`,
        id: host,
        pool,
        wrong: `${String(many)} members of ${pool} serve on ${host}, and ${String(cap)} may at level ${String(level)}`,
        repair: 'nothing: rebalance moves those who are too many',
        action: 'leave',
      }));
  });
}

/** Of each pool that keeps to failure domains: those that have more than their share, and the hosts that are in none. */
function judgeDomains({ descriptor, pools }: VnfRecord, { servers }: Inventory): Finding[] {
  const byId = new Map(servers.map((server) => [server.id, server]));
  return descriptor.pools.flatMap(({ name: pool, zone, failureDomain }) => {
    if (!failureDomain) return [];
    const { key, spare } = failureDomain;
    const { level, inService } = own(pools, pool) ?? { level: 0, inService: [] };
    // A domain is within its zone: who is in a wrong one counts in none. A way in that sees no domains says nothing of them.
    const placed = inService.flatMap(({ serverId }) => {
      const server = byId.get(serverId);
      if (!server?.domains || server.host === null || (server.zone ?? zone) !== zone) return [];
      return [{ host: server.host, domain: own(server.domains, key) ?? null }];
    });
    const cap = capAt(spare, level);
    const many = countOf(placed.flatMap(({ domain }) => domain ?? []));
    const nowhere = countOf(placed.flatMap(({ host, domain }) => (domain === null ? [host] : [])));
    const about = { pool, action: 'leave' } as const;
    return [
      ...[...many]
        .filter(([, count]) => count > cap)
        .map(([domain, count]) => ({
          ...about,
          kind: 'domainShareBroken' as const,
          name: `${pool} in ${key} ${domain}`,
          id: domain,
          wrong: `${String(count)} members of ${pool} serve in ${key} ${domain}, and ${String(cap)} may at level ${String(level)}`,
          repair: 'nothing: rebalance moves those who are too many',
        })),
      ...[...nowhere].map(([host, count]) => ({
        ...about,
        kind: 'noDomain' as const,
        name: `${pool} on ${host}`,
        id: host,
        wrong: `${String(count)} members of ${pool} serve on ${host}, and count in no ${key}: none of its host aggregates says which it is in, or two say different ones`,
        repair: `nothing: give the host one aggregate that says its ${key}, or evacuate it`,
      })),
    ];
  });
}

function judgePort(port: PortFound, { servers }: Inventory, known: Known): Finding | undefined {
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

function judgeGroup(group: SecurityGroupFound, record: VnfRecord, known: Known): Finding[] {
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

function judgeServerGroups({ serverGroups }: Inventory, known: Known): Finding[] {
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
