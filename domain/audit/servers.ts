import type { Inventory, ServerFound } from '../inventory';
import { memberName, memberTags, own, vnfsIn } from '../names';
import type { Member, VnfRecord } from '../record';
import { isDeadStatus } from '../snapshot';
import type { Finding } from './finding';
import { isInHand, keyOf, type Known } from './known';

/** The members, one at a time, and what is tagged as one and is none. */

export function judgeServers(record: VnfRecord, { servers }: Inventory, known: Known): Finding[] {
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

export function othersOf(vnf: string, { tags }: ServerFound): string[] {
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
export function judgeLostPorts({ vnf, pools }: VnfRecord, { servers, portsGone }: Inventory): Finding[] {
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
export function judgeMissing({ vnf, pools }: VnfRecord, { servers }: Inventory): Finding[] {
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
