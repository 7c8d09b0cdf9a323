import { compare, type Finding, type FindingKind } from '../audit';
import type { Descriptor, Pool } from '../descriptor/descriptor';
import { failure, type Failure } from '../failure';
import type { Inventory, PortFound, ServerFound } from '../inventory';
import { capAt } from '../levels';
import { groupName, memberName, own, portName, readPortName, vnfsIn } from '../names';
import type { MemberRef } from '../plan';
import type { Group, Member, PoolState, VnfRecord } from '../record';
import { adoptedToken, foreignTo } from './foreign';

/**
 * A record made of what the cloud has and of a descriptor, and nothing else: of servers that bear the VNF's tags (Temporal's database is
 * lost), and of servers that were made by other means and are matched by name or tags.
 */

/** What does not fit, besides what an audit finds: a closed list. */
export const misfitKinds = [
  /** Of a pool that the descriptor does not have: nothing is adopted. */
  'unknownPool',
  /** Its tags or the marks of its ports say that another VNF has it, or that some VNF had it. */
  'ofAnotherVnf',
  /** The match can be read in more than one way. */
  'ambiguous',
  'wrongFlavor',
  'wrongImage',
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
  /** Where the match can be read in other ways as well: these. */
  readonly orElse?: readonly MemberRef[];
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

export function adoption(all: AdoptGiven): { ok: true; adoption: Adoption } | { ok: false; refusal: Failure } {
  const { vnf, descriptor } = all;
  const { given, misfits } = withoutOthers(all);
  const unknown = unknownPools(given);
  if (unknown.length > 0) return { ok: false, refusal: poolsRefused(given, [...unknown, ...misfits]) };
  const pools: Record<string, AdoptedPool> = {};
  for (const pool of descriptor.pools) {
    const adopted = adoptPool(given, pool);
    pools[pool.name] = adopted.pool;
    misfits.push(...adopted.misfits);
  }
  if (Object.values(pools).every(({ members }) => members.length === 0))
    return { ok: false, refusal: nothingFound(given, misfits) };
  const groups = groupsOf(given);
  const record = recordOf(given, { pools, groups });
  // Of these it has been said what becomes of them here; and who is new is tagged next.
  const said: readonly FindingKind[] = ['shareBroken', 'foreignTag', 'noTag'];
  const beyond = compare(record, all.inventory).filter(({ kind }) => !said.includes(kind));
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

/** What is another VNF's, or may be any of several members, is told and left alone. It takes no ordinal, and its pool refuses nothing. */
function withoutOthers(given: AdoptGiven): { readonly given: AdoptGiven; readonly misfits: Misfit[] } {
  const { vnf, inventory } = given;
  const misfits: Misfit[] = [];
  const isForeign = (server: ServerFound, of: Partial<MemberRef>): boolean => {
    const foreign = foreignTo(vnf, server, inventory.ports);
    const { pool, ordinal } = of;
    const about = { name: server.name, id: server.id, ...(pool !== undefined && { pool }) };
    const place = ordinal !== undefined && { ordinal };
    if (foreign) misfits.push({ ...about, ...place, kind: 'ofAnotherVnf', ...foreign });
    return foreign !== null;
  };
  const isOurs = (server: ServerFound): boolean => vnfsIn(server.tags).includes(vnf);
  const foreignIds = new Set(
    inventory.servers.filter((server) => isOurs(server) && isForeign(server, server)).map(({ id }) => id),
  );
  const matched = given.matched.filter((each) => {
    const { server, orElse = [] } = each;
    if (isOurs(server)) return !foreignIds.has(server.id);
    if (isForeign(server, each)) {
      foreignIds.add(server.id);
      return false;
    }
    if (orElse.length === 0) return true;
    const readings = [each, ...orElse].map(({ pool, ordinal }) => `number ${String(ordinal)} of ${pool}`);
    misfits.push({
      kind: 'ambiguous',
      name: server.name,
      id: server.id,
      wrong: `the match reads it as ${readings.join(', and as ')}`,
      then: 'left alone; give a match that tells them apart, e.g. by tags of its own for the pool and for the ordinal',
    });
    return false;
  });
  const servers = inventory.servers.filter(({ id }) => !foreignIds.has(id));
  return { given: { ...given, matched, inventory: { ...inventory, servers } }, misfits };
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
  const gone = 'nothing is adopted; give the descriptor that has the pool, or';
  const all = [
    ...inventory.servers.flatMap((server) =>
      server.vnf === vnf && server.pool !== undefined
        ? [{ server, pool: server.pool, then: `${gone} delete the server` }]
        : [],
    ),
    ...matched
      .filter(({ server }) => server.vnf !== vnf)
      .map(({ server, pool }) => ({ server, pool, then: `${gone} correct the match` })),
  ];
  return all
    .filter(({ pool }) => !descriptor.pools.some(({ name }) => name === pool))
    .map(({ server, pool, then }) => ({
      kind: 'unknownPool',
      name: server.name,
      id: server.id,
      pool,
      wrong: `it is of the pool ${pool}, which the descriptor does not have`,
      then,
    }));
}

function poolsRefused({ vnf, descriptor }: AdoptGiven, misfits: readonly Misfit[]): Failure {
  const unknown = misfits.filter(({ kind }) => kind === 'unknownPool');
  const pools = [...new Set(unknown.map(({ pool }) => pool ?? ''))].join(', ');
  const known = descriptor.pools.map(({ name }) => name).join(', ');
  return failure(
    'InvalidRequest',
    `${String(unknown.length)} servers are of pools that the descriptor does not have: ${pools} (it has ${known}). Adopt ${vnf} with the descriptor that it was made with, or correct the match; details.misfits says of each what can be done.`,
    { vnf, problems: [{ path: 'descriptor', message: `it has no pool ${pools}` }], misfits: misfits.slice(0, toldMax) },
  );
}

/** A failure that is larger than Temporal takes could not be reported at all. */
const toldMax = 50;

function nothingFound({ vnf, inventory }: AdoptGiven, misfits: readonly Misfit[]): Failure {
  const some =
    misfits.length > 0 ? ` What was found does not fit: ${misfits[0]?.name ?? ''}: ${misfits[0]?.wrong ?? ''}.` : '';
  const ports = inventory.ports.filter((port) => port.vnf === vnf);
  const left = ports.length > 0 ? ` ${portsLeft(vnf, ports)}` : '';
  return failure(
    'InvalidRequest',
    `The cloud has no server that can be adopted as a member of ${vnf}.${some} Look whether the project is the right one; servers that were made by other means need a match; a new VNF is made by instantiate.${left}`,
    {
      vnf,
      problems: [{ path: 'vnf', message: 'the cloud has no members of it' }],
      misfits: misfits.slice(0, toldMax),
      ...(ports.length > 0 && { ports: ports.slice(0, toldMax).map(({ id }) => id) }),
    },
  );
}

/** No procedure knows them without a record, and adopt makes none of ports alone. */
export function portsLeft(vnf: string, ports: readonly Pick<PortFound, 'id' | 'name' | 'deviceId'>[]): string {
  const said = ports.slice(0, namedMax).map(({ id, name, deviceId }) => {
    const held = deviceId === '' ? '' : `, held by the server ${deviceId}`;
    return `${name} (${id}${held})`;
  });
  const more = ports.length > namedMax ? `, and ${String(ports.length - namedMax)} more` : '';
  return `${String(ports.length)} ports are marked as ${vnf}'s: ${said.join(', ')}${more}. Those that no server holds can be deleted by hand, by "openstack port delete <id>", and then ${vnf} can be instantiated.`;
}

/** As many as a sentence carries. */
const namedMax = 10;

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

function rank(server: ServerFound, { ports }: Inventory): number {
  const held = ports.filter(({ deviceId }) => deviceId === server.id).length;
  return (whyNotActive(server) === undefined ? 1_000 : 0) + held;
}

/** One that is being deleted is ACTIVE until it goes: on a dead host until that is back. It serves nobody from then on. */
function whyNotActive({ status, isBeingDeleted, isFenced }: ServerFound): string | undefined {
  if (isBeingDeleted) return 'it is being deleted';
  if (isFenced) return 'its host is forced down';
  return status === 'ACTIVE' ? undefined : `it is ${status}`;
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
    const wrong = whyNotActive(server);
    if (wrong !== undefined)
      misfits.push({
        ...about,
        kind: 'notActive',
        wrong,
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
    token: server.token ?? adoptedToken(given.vnf),
    server: server.name,
    isDead: whyNotActive(server) !== undefined,
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
  const wrong = whyNotActive(server);
  if (!isNew && wrong !== undefined)
    misfits.push({
      ...about,
      kind: 'notActive',
      wrong,
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
