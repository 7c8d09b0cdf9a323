import type { CloudEvent } from '../../simulator/events';
import type { Pool } from '../../domain/descriptor/descriptor';
import { capOf, fitsOn } from '../arithmetic';
import { unitsOf } from '../units';
import type { Scribe } from '../verdict';
import {
  isDead,
  isShownDead,
  isStray,
  levelsOf,
  noteOf,
  openRequests,
  serverNamed,
  type PoolWorld,
  type Server,
  type VnfWorld,
  type World,
} from '../world';

/** What the log has said by then of those who serve, or are about to. */
export interface ServiceMemory {
  /** Factor on holds and drains. Null: it is not known, and how long they last is not looked at. */
  readonly pace: number | null;
  /** By id, since when a server is ACTIVE, in milliseconds. */
  readonly activeAt: Map<string, number>;
  /** By id, when one left service, in milliseconds, and whether it was dead then. */
  readonly dropped: Map<string, { readonly at: number; readonly wasDead: boolean }>;
  /** By which event a host was forced down. */
  readonly forcedAt: Map<string, number>;
}

export function newServiceMemory(pace: number | null): ServiceMemory {
  return { pace, activeAt: new Map(), dropped: new Map(), forcedAt: new Map() };
}

interface Given {
  readonly memory: ServiceMemory;
  readonly scribe: Scribe;
}

/** Of two clocks, and of timers that fire early. */
const clockMs = 50;

/**
 * G2 before the event is taken in: whoever enters service is there, ACTIVE, and has been for as long as its pool wants, and nobody is deleted while
 * serving, nor, unless it is dead, before it has drained.
 */
export function judgeEntry(world: World, event: CloudEvent, given: Given): void {
  const { forcedAt, activeAt } = given.memory;
  if (event.type === 'host') {
    if (!event.forcedDown) forcedAt.delete(event.host);
    else if (!forcedAt.has(event.host)) forcedAt.set(event.host, event.seq);
  }
  if (event.type === 'server.state') {
    if (event.state !== 'ACTIVE') activeAt.delete(event.id);
    else if (!activeAt.has(event.id)) activeAt.set(event.id, event.at);
  }
  if (event.type === 'server.deleted') judgeDeleted(world, event, given);
  if (event.type === 'published') judgePublished(world, event, given);
}

function judgeDeleted(world: World, event: Event<'server.deleted'>, { memory, scribe }: Given): void {
  const dropped = memory.dropped.get(event.id);
  memory.dropped.delete(event.id);
  memory.activeAt.delete(event.id);
  const server = world.servers.get(event.id);
  const pool =
    server?.vnf === undefined || server.pool === undefined
      ? undefined
      : world.vnfs.get(server.vnf)?.pools.get(server.pool);
  if (!server || !pool || server.vnf === undefined) return;
  const about = { vnf: server.vnf, pool: pool.spec.name };
  scribe.looked('G2');
  if (isDead(world, server.vnf, server)) return;
  if (pool.published.has(server.name) && serverNamed(world, server.vnf, server.name) === server)
    scribe.broken('G2', { ...about, message: `${server.name} was deleted while it was in service` });
  // Who takes one away by hand waits for nobody.
  if (memory.pace === null || !dropped || dropped.wasDead || event.requestId === null) return;
  const drainedMs = event.at - dropped.at;
  const { drainSeconds } = pool.spec;
  // What a worker does again after it stood still it does by a clock that has gone on.
  if (drainedMs >= 0 && drainedMs < drainSeconds * memory.pace * 1_000 - clockMs)
    scribe.broken('G2', {
      ...about,
      message: `${server.name} was deleted ${String(drainedMs / 1_000)} s after it left service, and drains for ${String(drainSeconds)} s`,
    });
}

type Event<T extends CloudEvent['type']> = Extract<CloudEvent, { type: T }>;

function judgePublished(world: World, event: Event<'published'>, given: Given): void {
  const { memory, scribe } = given;
  const vnf = world.vnfs.get(event.vnf);
  for (const [name, pool] of vnf?.pools ?? []) {
    const now = new Set(event.service[name] ?? []);
    for (const member of pool.published) {
      const server = now.has(member) ? undefined : serverNamed(world, event.vnf, member);
      if (!server) continue;
      const wasDead = server.evacuated || isShownDead(world, server) || isDead(world, event.vnf, server);
      memory.dropped.set(server.id, { at: event.at, wasDead });
    }
    for (const member of now) {
      const server = serverNamed(world, event.vnf, member);
      if (server) memory.dropped.delete(server.id);
      if (pool.published.has(member)) continue;
      scribe.looked('G2');
      // Old and new together: those whom a run before has taken out are among the old until the record knows that this was published.
      if (event.stage === 1 && server?.served) continue;
      const about = { vnf: event.vnf, pool: name };
      if (server?.state !== 'ACTIVE' || isStray(server)) {
        const is = server ? server.state : 'not there';
        scribe.broken('G2', { ...about, message: `${member} was put into service and is ${is}` });
      } else judgeHold(server, { ...about, spec: pool.spec, at: event.at }, given);
    }
  }
  if (vnf?.isLost && event.stage === 2) judgeAdopted(world, event, given);
}

/** Not who has served before, nor who is found there by an adopt. */
function judgeHold(
  server: Server,
  { spec, at, ...about }: { readonly vnf: string; readonly pool: string; readonly spec: Pool; readonly at: number },
  { memory, scribe }: Given,
): void {
  const since = memory.activeAt.get(server.id);
  if (memory.pace === null || since === undefined || server.served || server.movedAt !== null) return;
  const heldMs = at - since;
  const { healthyAfterSeconds } = spec;
  if (heldMs < healthyAfterSeconds * memory.pace * 1_000 - clockMs)
    scribe.broken('G2', {
      ...about,
      message: `${server.name} was put into service ${String(heldMs / 1_000)} s after it was ACTIVE, and ${String(healthyAfterSeconds)} s are to pass`,
    });
}

/**
 * An adopt lets nobody serve whose host was forced down before it was asked for: what runs there is dead. Where others are at work, or their
 * publications under way, it is not known whose it is.
 */
function judgeAdopted(world: World, event: Event<'published'>, { memory, scribe }: Given): void {
  const { vnf } = event;
  const open = openRequests(world, vnf).filter((request) => request.vnf === vnf);
  if (open.length === 0 || open.some(({ procedure }) => procedure !== 'adopt')) return;
  const askedAt = Math.min(...open.map(({ seq }) => seq));
  for (const [pool, members] of Object.entries(event.service))
    for (const member of members) {
      const { host, state } = serverNamed(world, vnf, member) ?? { host: null, state: null };
      const forcedAt = host === null ? undefined : memory.forcedAt.get(host);
      if (host === null || state !== 'ACTIVE' || forcedAt === undefined || forcedAt > askedAt) continue;
      scribe.broken('G2', {
        ...{ vnf, pool, host },
        message: `${member} was adopted to serve on ${host}, which is forced down`,
      });
    }
}

/** G2 after the event: never fewer in service than the smallest of the levels and what there was, the dead aside. */
export function judgeService(world: World, event: CloudEvent, { memory, scribe }: Given): void {
  const note = noteOf(event);
  const id = event.type === 'published' ? event.vnf : note?.kind === 'settled' ? note.vnf : undefined;
  const vnf = id === undefined ? undefined : world.vnfs.get(id);
  if (!vnf || vnf.ending) return;
  const open = openRequests(world, vnf.vnf);
  for (const [name, pool] of vnf.pools) {
    const starts = open.flatMap((request) => request.servedAtStart.get(name) ?? []);
    const least = Math.min(...levelsOf(pool));
    const without = (lost: number): number => Math.min(least - lost, ...starts);
    const lostBefore = Math.min(...open.map(({ lostAtStart }) => lostAtStart.get(name) ?? 0));
    const whole = without(Math.max(0, pool.lost - lostBefore));
    const floor =
      event.type === 'published' && mayBeWhole(world, vnf, { pool, at: event.at, level: whole, memory })
        ? whole
        : without(pool.lost);
    scribe.looked('G2');
    if (pool.published.size >= floor) continue;
    scribe.broken('G2', {
      vnf: vnf.vnf,
      pool: name,
      message: `${String(pool.published.size)} members of ${name} are in service, and there must be ${String(floor)}`,
    });
  }
}

/**
 * Who was dead already when the oldest of the open requests was made is missing among those that it started with. Of a smaller level he has to be missing
 * a second time only where the living cannot fill it without one more launch: those who serve, or are taken out of service now, are too many on
 * some hosts, or in some domains. Where nobody is at work, or the record is lost, it is not known since when somebody is missing; nor is it
 * known what groups a tenant's members are in.
 */
function mayBeWhole(
  world: World,
  { vnf, isLost }: VnfWorld,
  given: { readonly pool: PoolWorld; readonly at: number; readonly level: number; readonly memory: ServiceMemory },
): boolean {
  const { pool, at, level, memory } = given;
  if (isLost || openRequests(world, vnf).length === 0) return false;
  const { name, spare, failureDomain } = pool.spec;
  const living = [...world.servers.values()].filter((server) => {
    if (server.vnf !== vnf || server.pool !== name || serverNamed(world, vnf, server.name) !== server) return false;
    const dropped = memory.dropped.get(server.id);
    return pool.published.has(server.name) || (dropped?.at === at && !dropped.wasDead);
  });
  if (living.some(({ requestedHost, host }) => requestedHost === null || host === null)) return false;
  const domains = unitsOf(world, pool.spec).find(({ kind }) => kind === 'domain');
  const onHosts = new Map<string, number>();
  for (const { host } of living) if (host !== null) onHosts.set(host, (onHosts.get(host) ?? 0) + 1);
  const rooms = [...onHosts].map(([host, own]) => ({
    ...{ own, free: 0 },
    ...(domains && { domain: domains.unitOf(host) }),
  }));
  const least = Math.min(...levelsOf(pool));
  return fitsOn(rooms, {
    ...{ level, cap: capOf(spare, least) },
    ...(failureDomain && { domainCap: capOf(failureDomain.spare, least) }),
  });
}

/** G3: nobody is outside its pool's zone, strays aside, which never serve. */
export function judgeZone(world: World, event: CloudEvent, scribe: Scribe): void {
  const note = noteOf(event);
  if (event.type === 'server.placed') {
    const server = world.servers.get(event.id);
    if (server) judgeOne(world, server, scribe);
    return;
  }
  if (note?.kind !== 'settled') return;
  scribe.looked('G3');
  for (const server of world.servers.values()) if (server.vnf === note.vnf) judgeOne(world, server, scribe);
}

function judgeOne(world: World, server: Parameters<typeof isStray>[0], scribe: Scribe): void {
  const spec =
    server.vnf === undefined || server.pool === undefined
      ? undefined
      : world.vnfs.get(server.vnf)?.pools.get(server.pool)?.spec;
  const host = server.host === null ? undefined : world.hosts.get(server.host);
  if (!spec || !host || server.vnf === undefined || isStray(server) || server.movedAt !== null) return;
  scribe.looked('G3');
  if (host.zone === spec.zone) return;
  scribe.broken('G3', {
    vnf: server.vnf,
    pool: spec.name,
    host: host.host,
    message: `${server.name} is on ${host.host} in zone ${host.zone}, and ${spec.name} belongs into ${spec.zone}`,
  });
}
