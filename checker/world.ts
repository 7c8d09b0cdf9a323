import { createHash } from 'node:crypto';
import type { Descriptor, Pool } from '../domain/descriptor/descriptor';
import { parseDescriptor } from '../domain/descriptor/parse';
import { readMarks, readTags } from '../domain/names';
import type { CloudEvent } from '../simulator/events';
import { largestCap } from './arithmetic';
import { noteSchema, type Note } from './story';

/**
 * What the log says of the world, event by event: hosts, servers, ports, groups, who is published, and what was asked. It
 * judges nothing; the rules do, each before and after an event is taken in.
 */

/** What a host has for all its servers, or what one of them takes. */
export type Resources = NonNullable<Extract<CloudEvent, { type: 'host' }>['size']>;

export interface Server {
  readonly id: string;
  readonly name: string;
  readonly project: string;
  readonly vnf: string | undefined;
  readonly pool: string | undefined;
  readonly token: string | undefined;
  /** Where it was asked to be; of one that was evacuated, where that has taken it. */
  requestedHost: string | null;
  readonly size: Resources | undefined;
  /** The event that made it, or took it to where it is. */
  since: number;
  host: string | null;
  /** When the cloud first told where it is. */
  toldAt: number | null;
  state: string;
  /** It has been published once. */
  served: boolean;
  /** Whoever has adopted it has taken it for dead. */
  takenForDead: boolean;
  /** And it was on no host then: what has come to one since lives there, also to its record. */
  wasNowhere: boolean;
  /** Nova has evacuated it, and it has not been published since: it was dead before. */
  evacuated: boolean;
  /** Other hands have taken it to another host, or its record has been lost, and no rebalance that began after that has repaired it. The event; null: none. */
  movedAt: number | null;
  /** The hosts that it was on meanwhile, the first one first: its record has it on one of these, as it was when that last looked. */
  movedOver: readonly string[];
}

export interface Request {
  readonly id: string;
  readonly seq: number;
  /** In milliseconds. */
  readonly at: number;
  readonly procedure: Extract<Note, { kind: 'request' }>['procedure'];
  readonly vnf: string | undefined;
  readonly input: Readonly<Record<string, unknown>>;
  /** Published members by pool when it was made, less those that died since. */
  readonly servedAtStart: Map<string, number>;
  /** Of each pool, how many had died by then, and were not made up for. */
  readonly lostAtStart: ReadonlyMap<string, number>;
  outcome: string | null;
  /** The event. Null: it has not. */
  endedAt: number | null;
  /** Its run was reset: the one before has vanished. */
  wasReset: boolean;
  /** It has ended, and the record has settled since: nothing comes of it any more. */
  isOver: boolean;
  /** Something stood in its way: a server in ERROR or misplaced, a refused call, a host that died. */
  hindered: boolean;
}

export interface PoolWorld {
  readonly spec: Pool;
  /** What the completed requests add up to. */
  level: number;
  /** Levels that may be in force besides: of open requests, and of those whose debts may not be paid. */
  readonly lingering: Set<number>;
  /** Names in service, as published last. */
  published: ReadonlySet<string>;
  /** Published once, dropped because they were dead, not gone yet. */
  readonly dead: Set<string>;
  /** How many died and were not made up for. */
  lost: number;
}

export interface VnfWorld {
  readonly vnf: string;
  readonly descriptor: Descriptor;
  readonly pools: Map<string, PoolWorld>;
  publishedAt: { revision: number; stage: number } | null;
  ending: boolean;
  /** Its record is lost, and it has not been adopted since: what others are told of it is of one that has none of its members. */
  isLost: boolean;
  /** By which event it has come into being, by an instantiate or an adopt that completed, and has not lost its record since. */
  madeAt: number | null;
}

export interface World {
  readonly hosts: Map<string, Extract<CloudEvent, { type: 'host' }>>;
  readonly servers: Map<string, Server>;
  /** Ids by VNF and name: `a-b-c-1` may be a member of `a`, and of `a-b`. */
  readonly byName: Map<string, Set<string>>;
  readonly ports: Map<string, { readonly name: string; readonly vnf: string | undefined }>;
  readonly securityGroups: Map<string, { readonly vnf: string | undefined }>;
  readonly serverGroups: Map<string, { readonly vnf: string | undefined }>;
  readonly quotas: Map<string, number>;
  readonly vnfs: Map<string, VnfWorld>;
  readonly requests: Map<string, Request>;
}

export function newWorld(): World {
  return {
    hosts: new Map(),
    servers: new Map(),
    byName: new Map(),
    ports: new Map(),
    securityGroups: new Map(),
    serverGroups: new Map(),
    quotas: new Map(),
    vnfs: new Map(),
    requests: new Map(),
  };
}

/** On another host than it was asked to be on: it must never serve, and must be gone in the end. */
export function isStray(server: Server): boolean {
  return server.host !== null && server.requestedHost !== null && server.host !== server.requestedHost;
}

/** An evacuated server reaches the host that it was evacuated to: the same server, and no stray there. */
export function isArrival(server: Server, host: string | null): boolean {
  return server.state === 'REBUILD' && server.host !== null && host !== null && host !== server.host;
}

/**
 * A live migration, or a move of what is switched off: nothing of ours asks for one. What comes of it is nobody's breach before a rebalance
 * has repaired it. The same server, and no stray where it is.
 */
export function isMovedByOthers(world: World, server: Server, host: string | null): boolean {
  if (server.host === null || host === null || host === server.host) return false;
  // From a host that is dead nothing moves but by an evacuation, of which a look now and then may not see that it was under way.
  const isAlive = world.hosts.get(server.host)?.alive !== false;
  return isAlive && (server.state === 'ACTIVE' || server.state === 'SHUTOFF');
}

function isOff({ state }: Server): boolean {
  return state === 'ERROR' || state === 'SHUTOFF';
}

/** Not able to serve, as anybody can see. */
export function isDown(world: World, server: Server): boolean {
  if (isOff(server)) return true;
  return server.host !== null && world.hosts.get(server.host)?.alive === false;
}

/** The same as far as the cloud says so: that a host is dead it says where somebody has said so. */
export function isShownDead(world: World, server: Server): boolean {
  if (isOff(server)) return true;
  return server.host !== null && world.hosts.get(server.host)?.forcedDown === true;
}

export function openRequests(world: World, vnf: string): Request[] {
  return [...world.requests.values()].filter(
    (request) => request.outcome === null && (request.vnf === vnf || request.vnf === undefined),
  );
}

/**
 * Dead as the cloud shows it, or as an adopt took it, or on the word of a caller: named by a heal, or on a host that is evacuated as failed. The word is
 * about what there was then, and until its run has ended: a host that has come back may have others since.
 */
export function isDead(world: World, vnf: string, server: Server): boolean {
  if (isDown(world, server) || server.takenForDead) return true;
  return [...world.requests.values()].some(({ procedure, input, vnf: of, seq, outcome }) => {
    if (seq < server.since && (procedure !== 'evacuateHost' || outcome !== null)) return false;
    if (procedure === 'heal')
      return of === vnf && Array.isArray(input['members']) && input['members'].includes(server.name);
    return procedure === 'evacuateHost' && input['cause'] === 'failed' && isOn(server, input['hosts']);
  });
}

/** Whether it is on one of these, as a caller names them: a tenant by hostId, which Nova makes of project and host. */
export function isOn({ project, host }: Server, hosts: unknown): boolean {
  if (!Array.isArray(hosts) || host === null) return false;
  if (hosts.includes(host)) return true;
  if (!hosts.some((each) => hostIdShape.test(String(each)))) return false;
  const key = `${project}${host}`;
  const hostId = hostIds.get(key) ?? createHash('sha224').update(key).digest('hex');
  hostIds.set(key, hostId);
  return hosts.includes(hostId);
}

const hostIdShape = /^[0-9a-f]{56}$/;
const hostIds = new Map<string, string>();

/** All levels that the pool may lawfully be at now, or may still be moving from. */
export function levelsOf(pool: PoolWorld): number[] {
  return [...new Set([pool.level, ...pool.lingering])];
}

export function serverNamed(world: World, vnf: string, name: string): Server | undefined {
  const ids = world.byName.get(`${vnf}/${name}`);
  for (const id of ids ?? []) {
    const server = world.servers.get(id);
    if (server && !isStray(server)) return server;
  }
  return undefined;
}

/** Takes an event in. */
export function advance(world: World, event: CloudEvent): void {
  switch (event.type) {
    case 'host': {
      const died = world.hosts.get(event.host)?.alive !== false && !event.alive;
      world.hosts.set(event.host, event);
      if (died) hinder(world, undefined);
      return;
    }
    case 'server.created': {
      const { vnf, pool, token } = readTags(event.tags);
      const { id, name, project, requestedHost, size } = event;
      const { seq: since } = event;
      world.servers.set(id, {
        id,
        name,
        project,
        vnf,
        pool,
        token,
        requestedHost,
        size,
        since,
        host: null,
        toldAt: null,
        state: 'BUILD',
        served: false,
        takenForDead: false,
        wasNowhere: false,
        evacuated: false,
        movedAt: null,
        movedOver: [],
      });
      const key = `${vnf ?? ''}/${name}`;
      world.byName.set(key, (world.byName.get(key) ?? new Set()).add(id));
      // That a host has died is not known at once: nothing comes of what is asked for there.
      if (isDeadHost(world, requestedHost)) hinder(world, vnf);
      return;
    }
    case 'server.placed': {
      const server = world.servers.get(event.id);
      if (!server) return;
      if (isArrival(server, event.host)) {
        server.requestedHost = event.host;
        server.since = event.seq;
        server.evacuated = true;
      }
      if (isMovedByOthers(world, server, event.host)) {
        server.requestedHost = event.host;
        server.since = event.seq;
        server.movedAt = event.seq;
        if (server.host !== null) server.movedOver = [...server.movedOver, server.host];
      }
      server.host = event.host;
      if (event.host !== null) server.toldAt ??= event.at;
      if (isStray(server) || isDeadHost(world, event.host) || isOneTooMany(world, server)) hinder(world, server.vnf);
      return;
    }
    case 'server.state': {
      const server = world.servers.get(event.id);
      if (!server) return;
      server.state = event.state;
      if (event.state === 'ERROR') hinder(world, server.vnf);
      return;
    }
    case 'server.deleted': {
      const server = world.servers.get(event.id);
      if (!server) return;
      world.servers.delete(event.id);
      // Of those for whom no host is asked the log does not tell where they were to be.
      if (server.host === null && server.requestedHost === null) hinder(world, server.vnf);
      world.byName.get(`${server.vnf ?? ''}/${server.name}`)?.delete(event.id);
      if (server.vnf !== undefined && server.pool !== undefined)
        world.vnfs.get(server.vnf)?.pools.get(server.pool)?.dead.delete(server.name);
      return;
    }
    case 'port.created':
      world.ports.set(event.id, { name: event.name, vnf: readMarks(event.description).vnf });
      return;
    case 'port.deleted':
      world.ports.delete(event.id);
      return;
    case 'securityGroup.created':
      // What takes no tags when it is made says in its description whose it is.
      world.securityGroups.set(event.id, { vnf: readMarks(event.description).vnf });
      return;
    case 'securityGroup.deleted':
      world.securityGroups.delete(event.id);
      return;
    case 'serverGroup.created':
      // It has nothing but its name to say whose it is.
      world.serverGroups.set(event.id, { vnf: readMarks(event.name).vnf });
      return;
    case 'serverGroup.deleted':
      world.serverGroups.delete(event.id);
      return;
    case 'quota':
      world.quotas.set(event.resource, event.limit);
      return;
    case 'refused':
      hinder(world, undefined);
      return;
    case 'published':
      publish(world, event);
      return;
    case 'note':
      note(world, event);
      return;
    case 'securityRule.created':
    case 'securityRule.deleted':
      return;
  }
}

/** No host was asked for, and it has come to one with its share: it has to go again. */
function isOneTooMany(world: World, { vnf, pool: name, host, requestedHost }: Server): boolean {
  const pool = vnf === undefined || name === undefined ? undefined : world.vnfs.get(vnf)?.pools.get(name);
  if (requestedHost !== null || host === null || !pool) return false;
  const here = [...world.servers.values()].filter(
    (each) => each.vnf === vnf && each.pool === name && each.host === host,
  );
  return here.length > largestCap(pool.spec.spare, levelsOf(pool));
}

function isDeadHost(world: World, host: string | null): boolean {
  return host !== null && world.hosts.get(host)?.alive === false;
}

function hinder(world: World, vnf: string | undefined): void {
  for (const request of world.requests.values()) {
    if (request.outcome === null && (vnf === undefined || request.vnf === undefined || request.vnf === vnf))
      request.hindered = true;
  }
}

function publish(world: World, event: Extract<CloudEvent, { type: 'published' }>): void {
  const vnf = world.vnfs.get(event.vnf);
  if (!vnf) return;
  vnf.publishedAt = { revision: event.revision, stage: event.stage };
  for (const [name, pool] of vnf.pools) {
    const now = new Set(event.service[name] ?? []);
    for (const member of now) {
      const server = serverNamed(world, event.vnf, member);
      if (server) Object.assign(server, { served: true, takenForDead: false, evacuated: false });
    }
    for (const member of pool.published) {
      const server = serverNamed(world, event.vnf, member);
      // Also one whose host is forced down: where somebody has said so, a heal replaces it.
      const wasDead = server && (server.evacuated || isShownDead(world, server) || isDead(world, event.vnf, server));
      if (!now.has(member) && wasDead) {
        pool.dead.add(member);
        mourn(world, vnf, pool);
      }
    }
    // Who is published again was evacuated.
    for (const member of now) pool.dead.delete(member);
    pool.published = now;
    // Old and new together say nothing of whether the dead have been made up for.
    if (event.stage === 2) pool.lost = Math.min(pool.lost, Math.max(0, Math.max(...levelsOf(pool)) - now.size));
  }
}

/** Nothing that we do can keep a member that is dead: it is expected of nobody any more. */
function mourn(world: World, { vnf }: VnfWorld, pool: PoolWorld): void {
  pool.lost += 1;
  const { name } = pool.spec;
  for (const { servedAtStart } of openRequests(world, vnf)) servedAtStart.set(name, (servedAtStart.get(name) ?? 0) - 1);
}

export function noteOf(event: CloudEvent): Note | null {
  if (event.type !== 'note') return null;
  const parsed = noteSchema.safeParse(event.note);
  return parsed.success ? parsed.data : null;
}

function note(world: World, event: Extract<CloudEvent, { type: 'note' }>): void {
  const said = noteOf(event);
  switch (said?.kind) {
    case 'request':
      begin(world, event, said);
      return;
    case 'outcome':
      end(world, event.seq, said);
      return;
    case 'settled':
      settle(world, said);
      return;
    case 'harmed':
    case 'hindered':
      hinder(world, said.vnf);
      return;
    case 'recordLost':
      hinder(world, said.vnf);
      Object.assign(world.vnfs.get(said.vnf) ?? {}, { isLost: true, madeAt: null });
      for (const server of world.servers.values()) if (server.vnf === said.vnf) server.movedAt = event.seq;
      return;
    case 'reset': {
      const request = world.requests.get(said.id);
      if (request) request.wasReset = true;
      return;
    }
    case 'act':
    case 'late':
    case 'planned':
    case undefined:
      return;
  }
}

function begin(
  world: World,
  { seq, at }: Pick<CloudEvent, 'seq' | 'at'>,
  said: Extract<Note, { kind: 'request' }>,
): void {
  const input = (typeof said.request === 'object' && said.request !== null ? said.request : {}) as Readonly<
    Record<string, unknown>
  >;
  if (makes.includes(said.procedure) && said.vnf !== undefined && !world.vnfs.has(said.vnf)) {
    const parsed = parseDescriptor(input['descriptor']);
    if (parsed.ok) world.vnfs.set(said.vnf, newVnf(said.vnf, parsed.descriptor));
  }
  const vnf = said.vnf === undefined ? undefined : world.vnfs.get(said.vnf);
  const servedAtStart = new Map([...(vnf?.pools ?? [])].map(([name, pool]) => [name, pool.published.size]));
  world.requests.set(said.id, {
    id: said.id,
    ...{ seq, at },
    procedure: said.procedure,
    vnf: said.vnf,
    input,
    servedAtStart,
    lostAtStart: new Map([...(vnf?.pools ?? [])].map(([name, pool]) => [name, pool.lost])),
    outcome: null,
    endedAt: null,
    wasReset: false,
    isOver: false,
    hindered: false,
  });
  if (!vnf) return;
  if (said.procedure === 'instantiate')
    for (const pool of vnf.pools.values()) pool.lingering.add(pool.spec.size.initial);
  if (said.procedure === 'terminate') vnf.ending = true;
  const target = targetOf(vnf, said.procedure, input);
  // A pool marked serial goes through the levels between, one at a turn.
  if (!target) return;
  for (const level of between(target.pool, target.to)) target.pool.lingering.add(level);
  // Two that bring it either way, a turn for each member, cannot both have theirs.
  const isOther = ({ outcome, vnf: of, procedure, input: { pool } }: Request): boolean =>
    outcome === null &&
    of === said.vnf &&
    pool === input['pool'] &&
    isScaling(procedure) &&
    procedure !== said.procedure;
  if (target.pool.spec.serial && [...world.requests.values()].some(isOther)) hinder(world, said.vnf);
}

function isScaling(procedure: string): boolean {
  return procedure === 'scaleOut' || procedure === 'scaleIn';
}

/** Procedures that a VNF comes into the story by. */
const makes: readonly Request['procedure'][] = ['instantiate', 'adopt'];

function between(pool: PoolWorld, to: number): number[] {
  if (!pool.spec.serial) return [to];
  const [low, high] = [Math.min(pool.level, to), Math.max(pool.level, to)];
  return Array.from({ length: high - low + 1 }, (_, index) => low + index);
}

function newVnf(vnf: string, descriptor: Descriptor): VnfWorld {
  const pools = descriptor.pools.map((spec): [string, PoolWorld] => [
    spec.name,
    { spec, level: 0, lingering: new Set(), published: new Set(), dead: new Set(), lost: 0 },
  ]);
  return { vnf, descriptor, pools: new Map(pools), publishedAt: null, ending: false, isLost: false, madeAt: null };
}

export function targetOf(
  vnf: VnfWorld,
  procedure: string,
  input: Readonly<Record<string, unknown>>,
): { pool: PoolWorld; to: number } | undefined {
  if (!isScaling(procedure)) return undefined;
  const pool = vnf.pools.get(String(input['pool']));
  const to = input['to'];
  return pool && typeof to === 'number' && to > 0 ? { pool, to } : undefined;
}

function end(world: World, seq: number, said: Extract<Note, { kind: 'outcome' }>): void {
  const request = world.requests.get(said.id);
  if (!request) return;
  request.outcome = said.outcome;
  request.endedAt = seq;
  const vnf = request.vnf === undefined ? undefined : world.vnfs.get(request.vnf);
  if (!vnf || said.outcome !== 'completed') return;
  if (makes.includes(request.procedure)) vnf.madeAt = seq;
  for (const name of said.dead ?? []) {
    const server = serverNamed(world, vnf.vnf, name);
    if (!server) continue;
    server.takenForDead = true;
    server.wasNowhere = server.host === null;
    const pool = vnf.pools.get(server.pool ?? '');
    if (!pool || pool.dead.has(name)) continue;
    pool.dead.add(name);
    mourn(world, vnf, pool);
  }
  if (request.procedure === 'adopt') {
    vnf.isLost = false;
    for (const pool of vnf.pools.values()) adoptLevel(pool);
  }
  // Where others are at work, or were for it before it was reset, some may be on their way out, though it is not published yet: then nothing
  // is said of anybody.
  const isAlone = !request.wasReset && openRequests(world, vnf.vnf).length === 0;
  if (request.procedure === 'rebalance' && !vnf.isLost && isAlone)
    for (const server of world.servers.values()) {
      const pool = vnf.pools.get(server.pool ?? '');
      // Who is dead to its record is for a heal.
      const isRepaired = pool?.published.has(server.name) === true && said.short?.includes(pool.spec.name) !== true;
      if (server.vnf !== vnf.vnf || !isRepaired || (server.movedAt ?? Infinity) >= request.seq) continue;
      server.movedAt = null;
      server.movedOver = [];
    }
  if (request.procedure === 'instantiate') {
    for (const pool of vnf.pools.values()) pool.level = pool.spec.size.initial;
  }
  const target = targetOf(vnf, request.procedure, request.input);
  if (!target) return;
  // The caps of the level before go on counting until the debt is paid: until the record has settled.
  target.pool.lingering.add(target.pool.level);
  target.pool.level = target.to;
}

/** Its level is how many there are, at least the smallest: also what a run of its former record had launched, and not committed. */
function adoptLevel(pool: PoolWorld): void {
  if (pool.level > 0) pool.lingering.add(pool.level);
  pool.level = Math.max(pool.spec.size.min, pool.published.size + pool.dead.size);
  pool.lost = Math.max(pool.lost, pool.level - pool.published.size);
}

/** The record is free and owes nothing: whatever was open is decided, and it says at which level. */
function settle(world: World, said: Extract<Note, { kind: 'settled' }>): void {
  for (const request of world.requests.values())
    if (request.vnf === said.vnf && request.outcome !== null) request.isOver = true;
  const vnf = world.vnfs.get(said.vnf);
  if (!vnf) return;
  if (!said.exists) {
    world.vnfs.delete(said.vnf);
    return;
  }
  const open = openRequests(world, said.vnf);
  for (const [name, pool] of vnf.pools) {
    pool.level = said.levels[name] ?? pool.level;
    pool.lingering.clear();
    // Of these some may have died after they were committed, and before that was published.
    const failed = said.members.filter(({ pool: of, inService }) => of === name && !inService);
    const isLost = ({ serverId }: { serverId: string }): boolean => {
      const server = world.servers.get(serverId);
      return server === undefined || isDead(world, said.vnf, server);
    };
    pool.lost = Math.max(pool.lost, failed.filter(isLost).length);
    for (const request of open) {
      const target = targetOf(vnf, request.procedure, request.input);
      if (target?.pool === pool) for (const level of between(pool, target.to)) pool.lingering.add(level);
    }
  }
}
