import { compare, type Finding, type FindingKind } from '../audit';
import type { Descriptor, Pool } from '../descriptor/descriptor';
import { failure, type Failure } from '../failure';
import type { Inventory, PortFound, ServerFound } from '../inventory';
import { capAt } from '../levels';
import { groupName, memberName, own, portName, readPortName } from '../names';
import type { MemberRef } from '../plan';
import type { Group, Member, PoolState, VnfRecord } from '../record';

/**
 * A record made of what the cloud has and of a descriptor, and nothing else: of servers that bear the VNF's tags (Temporal's database is
 * lost), and of servers that were made by other means and are matched by name or tags.
 */

/** What does not fit, besides what an audit finds: a closed list. */
export const misfitKinds = [
  /** Of a pool that the descriptor does not have: nothing is adopted. */
  'unknownPool',
  /** Matched, and tagged as another VNF's. */
  'ofAnotherVnf',
  /** Of ours: adopted as failed. Made by other means: left alone. */
  'notActive',
  'wrongFlavor',
  'wrongImage',
  /** It lacks a port on one of its pool's networks. */
  'noPort',
  /** A host has more members of a pool than its share. */
  'shareBroken',
  'belowSize',
  'aboveSize',
] as const;
export type MisfitKind = (typeof misfitKinds)[number] | FindingKind;

export interface Misfit {
  readonly kind: MisfitKind;
  readonly name: string;
  readonly id: string;
  readonly pool?: string;
  readonly ordinal?: number;
  /** What does not fit, in a sentence. */
  readonly wrong: string;
  /** What becomes of it, in a sentence. */
  readonly then: string;
}

/** A server that was made by other means, and which member it is to be. */
export interface Matched extends MemberRef {
  readonly server: ServerFound;
}

export interface AdoptGiven {
  readonly vnf: string;
  readonly descriptor: Descriptor;
  /** Of the VNF, with the servers that were matched and their ports. */
  readonly inventory: Inventory;
  readonly matched: readonly Matched[];
  /** From the descriptor's names to the cloud's ids. */
  readonly networkIds: Readonly<Record<string, string>>;
  readonly imageIds: Readonly<Record<string, string>>;
}

export interface AdoptedMember extends Member {
  /** What the cloud calls its server. */
  readonly server: string;
  /** To be reported dead as soon as it is in the record. */
  readonly isDead: boolean;
  /** It bears no tags of ours yet. */
  readonly isNew: boolean;
}

export interface AdoptedPool {
  readonly level: number;
  readonly nextOrdinal: number;
  readonly members: readonly AdoptedMember[];
}

export interface Adoption {
  readonly pools: Readonly<Record<string, AdoptedPool>>;
  /** That the VNF has already. */
  readonly groups: readonly Group[];
  readonly misfits: readonly Misfit[];
}

/** What stands in the place of a turn's token in the tags of what no turn of ours has made. No clean-up ever looks for it. */
export const adoptedToken = 'adopted';

export function adoption(given: AdoptGiven): { ok: true; adoption: Adoption } | { ok: false; refusal: Failure } {
  const { vnf, descriptor } = given;
  const unknown = unknownPools(given);
  if (unknown.length > 0) return { ok: false, refusal: poolsRefused(given, unknown) };
  const pools: Record<string, AdoptedPool> = {};
  const misfits: Misfit[] = [];
  for (const pool of descriptor.pools) {
    const adopted = adoptPool(given, pool);
    pools[pool.name] = adopted.pool;
    misfits.push(...adopted.misfits);
  }
  if (Object.values(pools).every(({ members }) => members.length === 0))
    return { ok: false, refusal: nothingFound(given, misfits) };
  const groups = groupsOf(given);
  const record = recordOf(given, { pools, groups });
  // Whose share is broken has been said, with what becomes of it here.
  const beyond = compare(record, given.inventory).filter(({ kind }) => kind !== 'shareBroken');
  return {
    ok: true,
    adoption: { pools, groups, misfits: [...misfits, ...beyond.map(asMisfit)] },
  };

  function asMisfit({ kind, name, id, pool, ordinal, wrong, repair, action }: Finding): Misfit {
    const then =
      action === 'delete' ? `left alone; audit with repair ${repair} (bulkhead audit ${vnf} --repair)` : repair;
    return {
      kind,
      name,
      id,
      ...(pool !== undefined && { pool }),
      ...(ordinal !== undefined && { ordinal }),
      wrong,
      then,
    };
  }
}

/** As the record will have it: what an audit would find then does not fit. */
export function recordOf(
  { vnf, descriptor }: Pick<AdoptGiven, 'vnf' | 'descriptor'>,
  { pools, groups }: Pick<Adoption, 'pools' | 'groups'>,
): VnfRecord {
  const states = Object.entries(pools).map(([name, { level, nextOrdinal, members }]): [string, PoolState] => [
    name,
    {
      level,
      nextOrdinal,
      inService: members.filter(({ isDead }) => !isDead),
      failed: members.filter(({ isDead }) => isDead),
    },
  ]);
  return {
    vnf,
    descriptor,
    phase: 'running',
    revision: 0,
    pools: Object.fromEntries(states),
    groups,
    debts: [],
  };
}

function unknownPools({ vnf, descriptor, inventory, matched }: AdoptGiven): Misfit[] {
  const all = [
    ...inventory.servers.flatMap((server) =>
      server.vnf === vnf && server.pool !== undefined ? [{ server, pool: server.pool }] : [],
    ),
    ...matched.filter(({ server }) => server.vnf !== vnf),
  ];
  return all
    .filter(({ pool }) => !descriptor.pools.some(({ name }) => name === pool))
    .map(({ server, pool }) => ({
      kind: 'unknownPool',
      name: server.name,
      id: server.id,
      pool,
      wrong: `it is of the pool ${pool}, which the descriptor does not have`,
      then: 'nothing is adopted; give the descriptor that has the pool, or delete the server',
    }));
}

function poolsRefused({ vnf, descriptor }: AdoptGiven, misfits: readonly Misfit[]): Failure {
  const pools = [...new Set(misfits.map(({ pool }) => pool ?? ''))].join(', ');
  const known = descriptor.pools.map(({ name }) => name).join(', ');
  return failure(
    'InvalidRequest',
    `${String(misfits.length)} servers are of pools that the descriptor does not have: ${pools} (it has ${known}). Adopt ${vnf} with the descriptor that it was made with, correct the match, or delete them first.`,
    { vnf, problems: [{ path: 'descriptor', message: `it has no pool ${pools}` }], misfits: misfits.slice(0, toldMax) },
  );
}

/** A failure that is larger than Temporal takes could not be reported at all. */
const toldMax = 50;

function nothingFound({ vnf }: AdoptGiven, misfits: readonly Misfit[]): Failure {
  const some =
    misfits.length > 0 ? ` What was found does not fit: ${misfits[0]?.name ?? ''}: ${misfits[0]?.wrong ?? ''}.` : '';
  return failure(
    'InvalidRequest',
    `The cloud has no server that can be adopted as a member of ${vnf}.${some} Look whether the project is the right one; servers that were made by other means need a match; a new VNF is made by instantiate.`,
    { vnf, problems: [{ path: 'vnf', message: 'the cloud has no members of it' }], misfits: misfits.slice(0, toldMax) },
  );
}

interface Found extends MemberRef {
  readonly server: ServerFound;
  readonly isNew: boolean;
}

function adoptPool(given: AdoptGiven, pool: Pool): { pool: AdoptedPool; misfits: Misfit[] } {
  const ours = oursOf(given, pool);
  const { found: others, misfits } = othersOf(given, pool, ours);
  const members = [...ours, ...others].map((each) => memberOf(given, pool, each)).sort((a, b) => a.ordinal - b.ordinal);
  const used = [...usedOrdinals(given, pool.name), ...members.map(({ ordinal }) => ordinal)];
  const level = Math.max(pool.size.min, members.length);
  misfits.push(...[...ours, ...others].flatMap((each) => judgeMember(given, pool, each)));
  misfits.push(...judgePool(given, pool, { level, members }));
  return { pool: { level, nextOrdinal: Math.max(0, ...used) + 1, members }, misfits };
}

/** One server for each ordinal: of doubles the one that serves, and that has the ports. */
function oursOf({ vnf, inventory }: AdoptGiven, pool: Pool): Found[] {
  const best = new Map<number, ServerFound>();
  for (const server of inventory.servers) {
    const { ordinal } = server;
    if (server.vnf !== vnf || server.pool !== pool.name || ordinal === undefined || server.token === undefined)
      continue;
    const other = best.get(ordinal);
    if (!other || rank(server, inventory) > rank(other, inventory)) best.set(ordinal, server);
  }
  return [...best]
    .sort(([a], [b]) => a - b)
    .map(([ordinal, server]) => ({ pool: pool.name, ordinal, server, isNew: false }));
}

function rank({ id, status }: ServerFound, { ports }: Inventory): number {
  const held = ports.filter(({ deviceId }) => deviceId === id).length;
  return (status === 'ACTIVE' ? 1_000 : 0) + held;
}

function othersOf(
  given: AdoptGiven,
  pool: Pool,
  ours: readonly Found[],
): { readonly found: Found[]; readonly misfits: Misfit[] } {
  const { vnf } = given;
  const taken = new Set(ours.map(({ ordinal }) => ordinal));
  const found: Found[] = [];
  const misfits: Misfit[] = [];
  const candidates = given.matched.filter((each) => each.pool === pool.name && each.server.vnf !== vnf);
  const highest = Math.max(0, ...usedOrdinals(given, pool.name), ...candidates.map(({ ordinal }) => ordinal));
  for (const { server, ordinal: said } of candidates) {
    // Others count from 0; ours begin with 1.
    const ordinal = said === 0 ? highest + 1 : said;
    const about = { name: server.name, id: server.id, pool: pool.name, ordinal } as const;
    if (server.vnf !== undefined)
      misfits.push({ ...about, kind: 'ofAnotherVnf', wrong: `it is tagged as ${server.vnf}'s`, then: 'left alone' });
    else if (server.status !== 'ACTIVE')
      misfits.push({
        ...about,
        kind: 'notActive',
        wrong: `it is ${server.status}`,
        then: 'left alone: only what is ACTIVE is taken over; heal makes up for it where the pool is short',
      });
    else if (taken.has(ordinal))
      misfits.push({
        ...about,
        kind: 'double',
        wrong: `${memberName(vnf, pool.name, ordinal)} is another server already`,
        then: 'left alone',
      });
    else {
      taken.add(ordinal);
      found.push({ pool: pool.name, ordinal, server, isNew: true });
    }
  }
  return { found, misfits };
}

/** Also those of doubles, and of ports whose servers are gone: ordinals are never used twice, as far as the cloud remembers them. */
function usedOrdinals({ vnf, inventory }: AdoptGiven, pool: string): number[] {
  return [
    ...inventory.servers
      .filter((server) => server.vnf === vnf && server.pool === pool)
      .map(({ ordinal }) => ordinal ?? 0),
    ...inventory.ports.flatMap((port) => {
      const of = port.vnf === vnf ? readPortName(vnf, port.name) : undefined;
      return of?.pool === pool ? [of.ordinal] : [];
    }),
  ];
}

function memberOf(given: AdoptGiven, pool: Pool, { ordinal, server, isNew }: Found): AdoptedMember {
  const { failureDomain: outer } = pool;
  const domain = outer && own(server.domains ?? {}, outer.key);
  return {
    pool: pool.name,
    ordinal,
    serverId: server.id,
    portIds: portsOf(given, pool, { ordinal, server }).flatMap((port) => port?.id ?? []),
    host: server.host ?? '',
    ...(domain !== undefined && { domain }),
    token: server.token ?? adoptedToken,
    server: server.name,
    isDead: server.status !== 'ACTIVE',
    isNew,
  };
}

/** One for each of the pool's networks, in their order: what the server has there, or what was made for it and it has let go of. */
function portsOf(
  { vnf, inventory, networkIds }: AdoptGiven,
  pool: Pool,
  { ordinal, server }: Pick<Found, 'ordinal' | 'server'>,
): (PortFound | undefined)[] {
  const used = new Set<string>();
  return pool.networks.map((network) => {
    const name = portName(memberName(vnf, pool.name, ordinal), network);
    const port = inventory.ports.find(
      ({ id, networkId, deviceId, ...each }) =>
        !used.has(id) &&
        networkId === own(networkIds, network) &&
        (deviceId === server.id ||
          (deviceId === '' && each.vnf === vnf && each.name === name && each.token === server.token)),
    );
    if (port) used.add(port.id);
    return port;
  });
}

function judgeMember(given: AdoptGiven, pool: Pool, found: Found): Misfit[] {
  const { server, ordinal, isNew } = found;
  const { imageIds } = given;
  const about = { name: server.name, id: server.id, pool: pool.name, ordinal } as const;
  const kept = 'adopted as it is; a heal that names it replaces it';
  const misfits: Misfit[] = [];
  if (!isNew && server.status !== 'ACTIVE')
    misfits.push({
      ...about,
      kind: 'notActive',
      wrong: `it is ${server.status}`,
      then: 'adopted as failed: heal replaces it',
    });
  if (server.flavor !== null && server.flavor !== pool.flavor)
    misfits.push({
      ...about,
      kind: 'wrongFlavor',
      wrong: `its flavor is ${server.flavor}, and ${pool.name} has ${pool.flavor}`,
      then: kept,
    });
  const imageId = own(imageIds, pool.image);
  if (server.imageId !== null && server.imageId !== imageId)
    misfits.push({
      ...about,
      kind: 'wrongImage',
      wrong: `its image is ${server.imageId}, and ${pool.image} is ${imageId ?? 'none'}`,
      then: kept,
    });
  const ports = portsOf(given, pool, found);
  const missing = pool.networks.filter((_, index) => ports[index] === undefined);
  if (missing.length > 0)
    misfits.push({ ...about, kind: 'noPort', wrong: `it has no port on ${missing.join(', ')}`, then: kept });
  return misfits;
}

function judgePool(
  { vnf }: AdoptGiven,
  pool: Pool,
  { level, members }: Pick<AdoptedPool, 'level' | 'members'>,
): Misfit[] {
  const about = { name: `${vnf}-${pool.name}`, id: '', pool: pool.name } as const;
  const { min, max } = pool.size;
  const count = String(members.length);
  const misfits: Misfit[] = [];
  if (members.length < min)
    misfits.push({
      ...about,
      kind: 'belowSize',
      wrong: `it has ${count} members, and at least ${String(min)} are meant to be`,
      then: `adopted with the level ${String(level)}: heal makes up for those that are missing`,
    });
  if (members.length > max)
    misfits.push({
      ...about,
      kind: 'aboveSize',
      wrong: `it has ${count} members, and at most ${String(max)} are meant to be`,
      then: 'adopted as it is: scaleIn removes those that are too many',
    });
  const cap = capAt(pool.spare, level);
  for (const [host, there] of countByHost(members))
    if (there > cap)
      misfits.push({
        ...about,
        kind: 'shareBroken',
        name: host,
        wrong: `it has ${String(there)} members of ${pool.name}, and its share at level ${String(level)} is ${String(cap)}`,
        then: 'adopted as it is: rebalance moves those who are too many, and until then its death takes more than the share',
      });
  return misfits;
}

function countByHost(members: readonly AdoptedMember[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { host, isDead } of members) if (host !== '' && !isDead) counts.set(host, (counts.get(host) ?? 0) + 1);
  return counts;
}

/** Security groups by name and mark; of server groups of one number, the one that members are in. */
function groupsOf({ vnf, descriptor, inventory }: AdoptGiven): Group[] {
  const names = descriptor.pools.map(({ name }) => name);
  const security = names.flatMap((pool): Group[] => {
    const group = inventory.securityGroups.find(
      (each) => each.vnf === vnf && each.pool === pool && each.name === groupName(vnf, pool),
    );
    return group ? [{ pool, id: group.id }] : [];
  });
  const apart = new Map<string, Inventory['serverGroups'][number]>();
  for (const group of inventory.serverGroups.filter(({ pool }) => names.includes(pool))) {
    const key = `${group.pool}/${String(group.number)}`;
    const other = apart.get(key);
    if (!other || group.serverIds.length > other.serverIds.length) apart.set(key, group);
  }
  return [...security, ...[...apart.values()].map(({ pool, id, number }) => ({ pool, id, apart: number }))];
}
