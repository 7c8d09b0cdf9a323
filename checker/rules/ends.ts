import type { CloudEvent } from '../../simulator/events';
import { readMarks, readTags } from '../../domain/names';
import { capOf, fitsOn, type Room, type Wanted } from '../arithmetic';
import { unitsOf } from '../units';
import type { Scribe } from '../verdict';
import {
  isDown,
  noteOf,
  openRequests,
  serverNamed,
  targetOf,
  type PoolWorld,
  type Request,
  type Resources,
  type VnfWorld,
  type World,
} from '../world';

/** G5 (a refusal created nothing), G6 (bounded) and G8 (progress): how requests ended. Looked at before the event is taken in. */

export interface EndsMemory {
  /** Things made since each open request began, by request id. */
  readonly made: Map<string, number>;
}

export function newEndsMemory(): EndsMemory {
  return { made: new Map() };
}

export function judgeEnds(world: World, event: CloudEvent, given: { memory: EndsMemory; scribe: Scribe }): void {
  const { memory, scribe } = given;
  const maker = makerOf(event);
  if (maker !== undefined) {
    // A run that vanished, or was reset, may have begun what goes on without it.
    const [maybe, ...others] = [...world.requests.values()].filter(
      ({ outcome, vnf, wasReset, isOver }) =>
        !isOver && (outcome === null || outcome === 'vanished' || wasReset) && (vnf === undefined || vnf === maker),
    );
    // Of several that are open at once it is not known whose it is.
    if (maybe && others.length === 0 && !maybe.wasReset)
      memory.made.set(maybe.id, (memory.made.get(maybe.id) ?? 0) + 1);
    return;
  }
  const note = noteOf(event);
  // The run before has vanished, and its things with it: they are the record's to clean up.
  if (note?.kind === 'reset') memory.made.delete(note.id);
  if (note?.kind !== 'outcome') return;
  const request = world.requests.get(note.id);
  if (!request) {
    scribe.broken('G6', { message: `an outcome was noted of a request ${note.id} that was never made` });
    return;
  }
  const about = request.vnf === undefined ? {} : { vnf: request.vnf };
  scribe.looked('G5');
  const made = memory.made.get(note.id) ?? 0;
  if (note.outcome === 'refused' && made > 0)
    scribe.broken('G5', { ...about, message: `${request.procedure} was refused, and had made ${String(made)} things` });
  scribe.looked('G6');
  if (note.outcome === 'stuck' && note.failure !== 'Stuck' && note.failure !== 'TurnLost') {
    scribe.broken('G6', { ...about, message: `${request.procedure} ended stuck and did not say so` });
  }
  judgeProgress(world, request, { outcome: note.outcome, failure: note.failure, scribe });
  if (note.outcome === 'refused') judgeTurnedAway(world, request, { at: event.at, failure: note.failure, scribe });
  for (const pool of note.outcome === 'completed' ? (note.short ?? []) : []) {
    const right = shortageIsRight(world, request, pool);
    if (right === undefined) continue;
    scribe.looked('G8');
    if (!right)
      scribe.broken('G8', {
        ...about,
        pool,
        message: `${request.procedure} found no place for members of ${pool}, and there was one`,
      });
  }
}

/** For whom something was made, as it says of itself. */
function makerOf(event: CloudEvent): string | undefined {
  if (event.type === 'server.created') return readTags(event.tags).vnf;
  if (event.type === 'port.created' || event.type === 'securityGroup.created') return readMarks(event.description).vnf;
  return undefined;
}

function judgeProgress(
  world: World,
  request: Request,
  { outcome, failure, scribe }: { outcome: string; failure: string | undefined; scribe: Scribe },
): void {
  const { procedure, vnf, hindered } = request;
  const about = vnf === undefined ? {} : { vnf };
  const isRefused =
    outcome === 'refused' || (outcome === 'unwound' && !hindered && isLateRefusal(world, request, failure));
  const right = isRefused ? refusalIsRight(world, request, failure) : undefined;
  if (isRefused && right === undefined) return;
  scribe.looked('G8');
  if (right === false)
    scribe.broken('G8', {
      ...about,
      message: `${procedure} was refused as ${failure ?? ''}, and could have been done`,
    });
  if (isRefused || !['unwound', 'stuck'].includes(outcome)) return;
  // A turn that was lost was taken away by a person, by a reset: nothing in the cloud shows it.
  if (!hindered && failure !== 'TurnLost' && !isInItsWay(world, request))
    scribe.broken('G8', { ...about, message: `${procedure} ended ${outcome}, and nothing stood in its way` });
}

/** In seconds: who does not say how long he waits for his turn waits so long. */
const waitsSeconds = 3_600;
/** More than wait at once. */
const queueLength = 1_000;
/** Of two clocks. */
const clockMs = 1_000;

/** It never had its turn: then it has waited for as long as it said, or there is no such VNF. Not where a run was reset, which waits anew, or its turn was. */
function judgeTurnedAway(
  world: World,
  request: Request,
  { at, failure, scribe }: { at: number; failure: string | undefined; scribe: Scribe },
): void {
  const { procedure, vnf: name, input, wasReset } = request;
  if (name === undefined || wasReset) return;
  const broken = (message: string): void => {
    scribe.broken('G8', { vnf: name, message: `${procedure} was refused as ${failure ?? ''}, ${message}` });
  };
  const { ifBusy, waitSeconds = waitsSeconds } = input as { readonly ifBusy?: unknown; readonly waitSeconds?: unknown };
  // An adopt waits for those who are at work for a former record, and looks again so seldom that it may give up before.
  if (
    failure === 'Busy' &&
    ifBusy !== 'refuse' &&
    procedure !== 'adopt' &&
    openRequests(world, name).length < queueLength
  ) {
    scribe.looked('G8');
    const waitedMs = at - request.at;
    if (waitedMs < Number(waitSeconds) * 1_000 - clockMs)
      broken(`after ${String(waitedMs / 1_000)} s, and waits for ${String(waitSeconds)} s`);
  }
  const vnf = world.vnfs.get(name);
  // Who may find no VNF where it is about to end, or has lost its record meanwhile. An adopt is never told so of the one that it makes.
  if (
    failure === 'UnknownVnf' &&
    vnf &&
    !vnf.ending &&
    !vnf.isLost &&
    vnf.madeAt !== null &&
    vnf.madeAt < request.seq
  ) {
    scribe.looked('G8');
    broken('and it is there');
  }
}

/** Where a turn of several is refused, or the part of one VNF, or what it named has gone when it has its hosts, all goes back. */
function isLateRefusal(world: World, { procedure, vnf }: Request, failure: string | undefined): boolean {
  if (procedure === 'evacuateHost') return isForWant(failure) || failure === 'InvalidRequest';
  const pools = vnf === undefined ? undefined : world.vnfs.get(vnf)?.pools.values();
  return isForWant(failure) && [...(pools ?? [])].some(({ spec }) => spec.serial);
}

function isForWant(failure: string | undefined): boolean {
  return failure === 'QuotaExceeded' || failure === 'Impossible' || failure === 'NotFound';
}

/** What was there before it began, or was asked for by another. */
function isInItsWay(world: World, { procedure, vnf, input }: Request): boolean {
  if (procedure === 'restoreHost') return isAway(world, input['hosts']);
  return procedure !== 'terminate' && vnf !== undefined && world.vnfs.get(vnf)?.ending === true;
}

/** Whether one of these hosts is not up: it is not opened then. */
function isAway(world: World, hosts: unknown): boolean {
  const states = (Array.isArray(hosts) ? hosts : []).map((host) => world.hosts.get(String(host)));
  return states.some((state) => state && !(state.alive && state.up));
}

/** Undefined where the log does not tell. */
function refusalIsRight(world: World, request: Request, failure: string | undefined): boolean | undefined {
  const vnf = request.vnf === undefined ? undefined : world.vnfs.get(request.vnf);
  const target = vnf && targetOf(vnf, request.procedure, request.input);
  if (!vnf || !target) return undefined;
  if (failure === 'QuotaExceeded') return quotaIsShort(world, { vnf: vnf.vnf, ...target });
  if (!isForWant(failure)) return undefined;
  // Whom other hands have moved only a rebalance moves back: what is free beside them is not known from here.
  const isMoved = (member: string): boolean => (serverNamed(world, vnf.vnf, member)?.movedAt ?? null) !== null;
  if ([...target.pool.published].some(isMoved)) return undefined;
  const could = couldBeDone(world, request, { vnf, ...target });
  return could === undefined || (could && request.input['strict'] === true) ? undefined : !could;
}

/** Whether the pool finds its places at a level. Undefined where the log does not tell. */
function couldBeDone(
  world: World,
  request: Request,
  { vnf, pool, to }: { vnf: VnfWorld; pool: PoolWorld; to: number },
): boolean | undefined {
  const { spare, failureDomain } = pool.spec;
  const at: Wanted = {
    ...{ level: to, cap: capOf(spare, to) },
    ...(failureDomain && { domainCap: capOf(failureDomain.spare, to) }),
  };
  const hosts = roomFor(world, vnf, pool);
  if (!fitsOn(hosts, at)) return false;
  return hosts.every(({ free }) => free < Infinity) && isAlone(world, request, { vnf, pool }) ? true : undefined;
}

/** A rebalance has left this pool as it was, for want of a place. Undefined where the log does not tell. */
function shortageIsRight(world: World, request: Request, name: string): boolean | undefined {
  const vnf = request.vnf === undefined ? undefined : world.vnfs.get(request.vnf);
  const pool = vnf?.pools.get(name);
  if (!vnf || !pool || world.quotas.size > 0) return undefined;
  const isWhole = [...pool.published].every((member) => {
    const server = serverNamed(world, vnf.vnf, member);
    // Who was moved since it began is not where it could have known it to be.
    return server && !isDown(world, server) && (server.movedAt ?? 0) <= request.seq;
  });
  const could = isWhole ? couldBeDone(world, request, { vnf, pool, to: pool.level }) : undefined;
  return could === undefined ? undefined : !could;
}

/** By host of the zone: members that serve there, and how many more it has room for. Infinity where the log does not tell sizes. */
function roomFor(world: World, vnf: VnfWorld, pool: PoolWorld): Room[] {
  const servers = [...world.servers.values()];
  const one = servers.find((server) => server.vnf === vnf.vnf && server.pool === pool.spec.name)?.size;
  const domains = unitsOf(world, pool.spec).find(({ kind }) => kind === 'domain');
  return [...world.hosts.values()]
    .filter((host) => host.zone === pool.spec.zone)
    .map(({ host, up, enabled, size }) => {
      const within = domains && { domain: domains.unitOf(host) };
      const here = servers.filter((server) => server.host === host);
      const own = here.filter((server) => server.vnf === vnf.vnf && pool.published.has(server.name)).length;
      if (!up || !enabled) return { own, free: 0, ...within };
      if (!one || !size || here.some((server) => !server.size)) return { own, free: Infinity, ...within };
      const left = Object.entries(amountsOf(one)).map(([name, each]) => {
        const taken = here.reduce((sum, server) => sum + (server.size ? (amountsOf(server.size)[name] ?? 0) : 0), 0);
        return each > 0 ? Math.floor(((amountsOf(size)[name] ?? 0) - taken) / each) : Infinity;
      });
      return { own, free: Math.max(0, Math.min(...left)), ...within };
    });
}

/** Of everything that members take of a host, by name. */
function amountsOf({ others = {}, ...main }: Resources): Record<string, number> {
  return { ...main, ...others };
}

/** What others are at, or were when it planned, or have left to be drained, may take for a while what is free in the end: then nothing is said. */
function isAlone(world: World, request: Request, { vnf, pool }: { vnf: VnfWorld; pool: PoolWorld }): boolean {
  const others = [...world.requests.values()].some(
    (each) => each !== request && (each.endedAt === null || each.endedAt > request.seq),
  );
  const unsettled = [...world.servers.values()].some(
    (server) =>
      server.host === null ||
      (server.vnf === vnf.vnf && server.pool === pool.spec.name && !pool.published.has(server.name)),
  );
  return !others && !unsettled;
}

/** Undefined where it may be short of what the log does not tell the size of. */
function quotaIsShort(
  world: World,
  { vnf, pool, to }: { vnf: string; pool: PoolWorld; to: number },
): boolean | undefined {
  const limit = world.quotas.get('instances');
  const more = to - pool.level;
  if (limit !== undefined && world.servers.size + more > limit) return true;
  const others = [...world.quotas.keys()].some((resource) => resource !== 'instances');
  // Where groups keep members apart, there are quotas of groups and of their members too.
  const grouped = [...world.serverGroups.values()].some((group) => group.vnf === vnf);
  return limit === undefined || others || grouped ? undefined : false;
}

/** After the last event: what was asked and never answered. */
export function judgeUnanswered(world: World, scribe: Scribe): void {
  for (const request of world.requests.values()) {
    if (request.outcome !== null) continue;
    scribe.broken('G6', {
      ...(request.vnf !== undefined && { vnf: request.vnf }),
      message: `${request.procedure} (${request.id}) never ended`,
    });
  }
}
