import type { CloudEvent } from '../../simulator/events';
import { readTags } from '../../domain/names';
import { capOf } from '../arithmetic';
import { perUnit, unitsOf, within, type Units } from '../units';
import type { Scribe } from '../verdict';
import {
  isArrival,
  isDead,
  isMovedByOthers,
  isShownDead,
  noteOf,
  serverNamed,
  type Server,
  type World,
} from '../world';

/**
 * G1(d), to the letter: existing VMs on a host, and in a failure domain, <= cap(VMs existing at that moment), strays and the dead aside,
 * wherever some order of the same launches, or of the same deletions, keeps that for all of them. So a breach is held until the run of
 * launches (or deletions) that it is part of is over, and then it is asked whether another order would have done.
 *
 * Whether one is dead is not known to everybody at the same moment. So the dead are counted in seven ways:
 *
 * - from when their record has dropped them not any more;
 * - the same, but as if it had dropped nobody since the run whose moves they are made its plan;
 * - the same, but in an order of deletions also those that it has taken out as who is drained: it need not have known that they were dead;
 * - from when the cloud shows them dead, or their host as down by force, not any more;
 * - the same, but as if no record had dropped anybody, since what the cloud shows as running on a host that is up exists;
 * - from when they died not any more;
 * - the same, but also those that an adopt took for dead when they were nowhere, from when they have come to a host, as long as none shows them dead.
 *
 * Who keeps the letter in one of these ways, or could in no order, has broken nothing.
 * So it is with members that other hands have moved, before a rebalance has repaired that: they count where they are, where their record may have
 * them, and each by itself; and with those that are deleted as soon as the cloud has told where they are.
 */

interface Stretch {
  /** Whose moves they are: those of two runs are in nobody's order. */
  readonly by: string | null;
  readonly kind: 'launch' | 'delete';
  readonly vnf: string;
  readonly pool: string;
  readonly kinds: readonly Units[];
  /** VMs that existed before its first move. */
  readonly before: readonly Placed[];
  readonly moves: Placed[];
  /** Those of all these that died, whoever knew, with how many moves had been made by then. */
  readonly dead: Map<string, number>;
  /** The same of those that the cloud shows dead. */
  readonly shown: Map<string, number>;
  /** By which event whoever moves had its plan, at the latest. */
  plannedBy: number;
  breach: (Breach & { readonly scribe: Scribe }) | null;
  spoilt: boolean;
}

interface Breach {
  readonly units: Units;
  readonly unit: string;
  readonly count: number;
  readonly cap: number;
  readonly total: number;
}

interface Placed {
  readonly id: string;
  readonly host: string;
  /** Where its record may have it, of one that other hands have moved; else empty. */
  readonly movedOver: readonly string[];
  /** The event by which its record had dropped it as dead. */
  readonly buried: number | null;
  /** It was dropped by a commit, as who is drained and deleted: that it was dead its record may not have known. */
  readonly takenOut: boolean;
  /** Whoever moved the first of them may have looked before the cloud told where it is. */
  readonly unplaced: boolean;
  /** An adopt has taken it for dead when it was nowhere, and it has come since. */
  readonly cameLate: boolean;
}

interface Grave extends Pick<Placed, 'host' | 'takenOut'> {
  readonly by: number;
}

export interface LetterMemory {
  readonly on: Map<string, Map<string, number>>;
  readonly where: Map<string, string>;
  /** The dead that count no more, by id. */
  readonly buried: Map<string, Grave>;
  readonly stretches: Map<string, Stretch>;
  /** The first event that is of each turn: it plans, or does what it has planned. */
  readonly first: Map<string, number>;
  /** By id, since when one that served serves no more. */
  readonly retired: Map<string, number>;
  /** By pool, whose deletion came last, and when. */
  readonly deleters: Map<string, { readonly by: string | null; readonly seq: number }>;
  /** Pools that two runs change side by side: neither can know what the other has left, or brings. */
  readonly mixed: Set<string>;
  /** Servers that somebody who is not of this story has harmed, or is about to take away. What takes them away with a request id is of the story. */
  readonly byHand: Set<string>;
  /** Since it was asked last, somebody may have died. */
  mayHaveDied: boolean;
}

export function newLetterMemory(): LetterMemory {
  return {
    on: new Map(),
    where: new Map(),
    buried: new Map(),
    stretches: new Map(),
    first: new Map(),
    retired: new Map(),
    deleters: new Map(),
    mixed: new Set(),
    byHand: new Set(),
    mayHaveDied: false,
  };
}

interface Given {
  readonly memory: LetterMemory;
  readonly scribe: Scribe;
}

/** Looked at before the event is taken in. */
export function judgeLetter(world: World, event: CloudEvent, given: Given): void {
  const { memory } = given;
  noteDeaths(world, event, memory);
  if (event.requestId !== null && !memory.first.has(event.requestId)) memory.first.set(event.requestId, event.seq);
  if (event.type === 'server.created') judgeCreated(world, event, given);
  if (event.type === 'server.placed') judgePlaced(world, event, given);
  if (event.type === 'server.deleted') judgeDeleted(world, event, given);
  if (event.type === 'published') {
    buryDropped(world, event, memory);
    closeAll(memory, event.vnf);
  }
  if (event.type === 'note') hear(world, event, memory);
}

type Event<T extends CloudEvent['type']> = Extract<CloudEvent, { type: T }>;

function judgeCreated(world: World, event: Event<'server.created'>, given: Given): void {
  const { memory } = given;
  const { vnf, pool } = readTags(event.tags);
  const { id, name, requestedHost: host, requestId: by, seq, at } = event;
  if (vnf === undefined || pool === undefined || host === null) return;
  // A double: of the two one counts, and which of them is to stay is not known yet.
  if (countedDoubleOf(world, { memory, vnf, name }) !== undefined) return;
  memory.where.set(id, host);
  move(world, given, { seq, at, kind: 'launch', by, vnf, pool, id, host });
}

function judgePlaced(world: World, event: Event<'server.placed'>, given: Given): void {
  const { memory } = given;
  const { id, host, requestId: by, seq, at } = event;
  const server = world.servers.get(id);
  if (host === null || server?.vnf === undefined || server.pool === undefined) return;
  const { vnf, pool } = server;
  const key = `${vnf}/${pool}`;
  const left = memory.where.get(id);
  if (isArrival(server, host)) {
    // Evacuated: from here on it counts where it has arrived, and not where it was, if it did there still.
    if (left !== undefined) add(countsOf(memory, key), left, -1);
    memory.where.set(id, host);
    move(world, given, { seq, at, kind: 'launch', by, vnf, pool, id, host });
    return;
  }
  if (left === undefined) return;
  if (isMovedByOthers(world, server, host)) {
    // It counts where it is, and nobody has planned that.
    add(countsOf(memory, key), host, 1);
    memory.where.set(id, host);
  } else if (left === host) return;
  // A stray: not counted where it is, and the stretch that it is part of is not one that was planned.
  else memory.where.delete(id);
  add(countsOf(memory, key), left, -1);
  spoil(memory, key);
}

function judgeDeleted(world: World, event: Event<'server.deleted'>, given: Given): void {
  const { memory } = given;
  const { id, requestId: by, seq, at } = event;
  const server = world.servers.get(id);
  const host = memory.where.get(id);
  const grave = memory.buried.get(id);
  const retired = memory.retired.get(id);
  memory.where.delete(id);
  memory.buried.delete(id);
  memory.retired.delete(id);
  if (server?.vnf === undefined || server.pool === undefined) return;
  const { vnf, pool } = server;
  const key = `${vnf}/${pool}`;
  if (grave) {
    // To others it may still have counted.
    noteDeleter(memory, key, event);
    const stretch = memory.stretches.get(key);
    if (stretch?.by === by) {
      const { host: left, by: buried, takenOut } = grave;
      const { movedOver } = server;
      stretch.moves.push({
        ...{ id, host: left, movedOver, buried, takenOut },
        ...{ unplaced: false, cameLate: hasComeLate(server) },
      });
    }
    // Another run's: whoever deletes here has no say in when it goes.
    else close(memory, key);
  }
  if (host === undefined) return;
  const double = doublesOf(world, server).find(({ requestedHost }) => requestedHost === host);
  if (double) {
    memory.where.set(double.id, host);
    return;
  }
  move(world, given, { seq, at, kind: 'delete', by, vnf, pool, id, host, retired });
  // It never came to be on the host that it was counted on: who deleted it could not know.
  if (server.host === null) spoil(memory, key);
  // What a run that vanished has left, and a terminate takes along: behind the members, in an order of its own. None of them serves.
  const isLeftBehind = !server.served && by !== `req-${server.token ?? ''}`;
  if (isLeftBehind && world.vnfs.get(vnf)?.ending) spoil(memory, key);
  // In whatever order a person takes them away; a run that replaces one that was harmed has chosen its own.
  if (memory.byHand.delete(id) && by === null) spoil(memory, key);
}

function hear(world: World, event: Event<'note'>, memory: LetterMemory): void {
  const note = noteOf(event);
  if (note?.kind === 'planned' && !memory.first.has(note.requestId)) memory.first.set(note.requestId, event.seq);
  if (note?.kind === 'harmed') memory.byHand.add(note.serverId);
  if (note?.kind === 'outcome') noteFound(world, note.id, memory);
  if (note?.kind !== 'settled') return;
  closeAll(memory, note.vnf);
  for (const pool of [...memory.deleters.keys(), ...memory.mixed])
    if (pool.startsWith(`${note.vnf}/`)) forget(pool, memory);
}

function closeAll(memory: LetterMemory, vnf: string): void {
  for (const [key, stretch] of [...memory.stretches]) if (stretch.vnf === vnf) close(memory, key);
}

function spoil({ stretches }: LetterMemory, key: string): void {
  const stretch = stretches.get(key);
  if (stretch) stretch.spoilt = true;
}

/**
 * A rebalance has told the record where members are that others have moved. Who owes VMs of that pool has decided before in which order they go.
 */
function noteFound(world: World, id: string, { mixed }: LetterMemory): void {
  const request = world.requests.get(id);
  if (request?.procedure !== 'rebalance') return;
  for (const { vnf, pool, movedAt } of world.servers.values())
    if (
      vnf !== undefined &&
      vnf === request.vnf &&
      pool !== undefined &&
      movedAt !== null &&
      hasOwed(world, { vnf, pool })
    )
      mixed.add(`${vnf}/${pool}`);
}

/** One that served, and serves no more, is still there. */
function hasOwed(world: World, of: { vnf: string; pool: string; within?: (host: string | null) => boolean }): boolean {
  const published = world.vnfs.get(of.vnf)?.pools.get(of.pool)?.published;
  return [...world.servers.values()].some(
    ({ vnf, pool, host, served, name }) =>
      vnf === of.vnf && pool === of.pool && of.within?.(host) !== false && served && published?.has(name) !== true,
  );
}

function noteDeleter(
  { deleters, mixed }: LetterMemory,
  pool: string,
  { requestId: by, seq }: Pick<CloudEvent, 'requestId' | 'seq'>,
): void {
  const last = deleters.get(pool);
  if (last && last.by !== by) mixed.add(pool);
  deleters.set(pool, { by, seq });
}

function forget(pool: string, { deleters, mixed }: LetterMemory): void {
  deleters.delete(pool);
  mixed.delete(pool);
}

function doublesOf(world: World, of: { id?: string; vnf: string | undefined; name: string }): Server[] {
  const ids = world.byName.get(`${of.vnf ?? ''}/${of.name}`) ?? [];
  return [...ids].flatMap((id) => (id === of.id ? [] : (world.servers.get(id) ?? [])));
}

function countedDoubleOf(
  world: World,
  { memory, ...of }: { memory: LetterMemory; vnf: string; name: string },
): Server | undefined {
  return doublesOf(world, of).find(({ id }) => memory.where.has(id));
}

/**
 * The dead are no VMs that count, from when their record knows of them: that is when it drops them from service. What was launched
 * just before may have been planned with that knowledge or without it.
 */
function buryDropped(world: World, event: Extract<CloudEvent, { type: 'published' }>, memory: LetterMemory): void {
  const vnf = world.vnfs.get(event.vnf);
  // Old and new together came before: this is the end of a commit.
  const takenOut = vnf?.publishedAt?.stage === 1 && vnf.publishedAt.revision === event.revision;
  for (const [name, pool] of vnf?.pools ?? []) {
    const now = new Set(event.service[name] ?? []);
    const dropped = [...pool.published]
      .filter((member) => !now.has(member))
      .flatMap((member) => serverNamed(world, event.vnf, member) ?? []);
    for (const server of dropped) if (!isDead(world, event.vnf, server)) memory.retired.set(server.id, event.seq);
    // Where the living leave too, a smaller pool was wanted: that says nothing of whom its record knows to be dead.
    if (!dropped.every((server) => isDead(world, event.vnf, server))) continue;
    for (const server of dropped) {
      const host = memory.where.get(server.id);
      if (host === undefined) continue;
      const key = `${event.vnf}/${name}`;
      memory.where.delete(server.id);
      memory.buried.set(server.id, { host, by: event.seq, takenOut });
      add(countsOf(memory, key), host, -1);
      spoil(memory, key);
    }
  }
}

function countsOf(memory: LetterMemory, key: string): Map<string, number> {
  const counts = memory.on.get(key) ?? new Map<string, number>();
  memory.on.set(key, counts);
  return counts;
}

function add(counts: Map<string, number>, host: string, by: number): void {
  counts.set(host, (counts.get(host) ?? 0) + by);
}

function move(
  world: World,
  given: Given,
  made: {
    readonly seq: number;
    readonly at: number;
    readonly kind: 'launch' | 'delete';
    readonly by: string | null;
    readonly vnf: string;
    readonly pool: string;
    readonly id: string;
    readonly host: string;
    /** The event by which it had been taken out of service. */
    readonly retired?: number | undefined;
  },
): void {
  const { memory, scribe } = given;
  const { kind, by, vnf, pool, id, host } = made;
  const spec = world.vnfs.get(vnf)?.pools.get(pool)?.spec;
  const key = `${vnf}/${pool}`;
  const counts = countsOf(memory, key);
  const server = world.servers.get(id);
  const placed: Placed = {
    id,
    host,
    movedOver: server?.movedOver ?? [],
    ...{ buried: null, takenOut: false },
    unplaced: isNew(server, made.at),
    cameLate: hasComeLate(server),
  };
  const before = memory.stretches.get(key);
  if (before?.kind !== kind || before.by !== by) close(memory, key);
  const stretch: Stretch = memory.stretches.get(key) ?? {
    ...{ by, kind, vnf, pool },
    kinds: unitsOf(world, spec ?? { spare: 'none' }),
    before: [
      ...placedOf(world, { memory, vnf, pool, at: made.at }).filter((each) => each.id !== id),
      ...(kind === 'delete' ? [placed] : []),
    ],
    moves: [],
    ...{ dead: new Map(), shown: new Map() },
    plannedBy: (by === null ? undefined : memory.first.get(by)) ?? Infinity,
    breach: null,
    spoilt: false,
  };
  if (stretch.moves.length === 0) for (const each of stretch.before) noteDead(world, stretch, each.id);
  memory.stretches.set(key, stretch);
  if (kind === 'launch' && hasOwed(world, { vnf, pool })) memory.mixed.add(key);
  // Who was there when it was planned has been deleted since, by another run.
  const deleted = memory.deleters.get(key);
  if (kind === 'launch' && deleted && deleted.by !== by && deleted.seq > stretch.plannedBy) stretch.spoilt = true;
  if (kind === 'delete') {
    noteDeleter(memory, key, { requestId: by, seq: made.seq });
    stretch.spoilt ||= memory.mixed.has(key);
  }
  stretch.moves.push(placed);
  // Whoever deletes those that it has taken out of service has planned that before.
  stretch.plannedBy = Math.min(stretch.plannedBy, made.retired ?? Infinity);
  add(counts, host, kind === 'launch' ? 1 : -1);
  scribe.looked('G1d');
  const broken = breachIn(stretch.kinds, counts);
  if (!broken) return;
  const { units, unit } = broken;
  // Who is owed to be deleted goes when another run pleases: no order of launches is sure of it.
  const isWithin = (at: string | null): boolean => at !== null && units.unitOf(at) === unit;
  if (kind === 'launch' && hasOwed(world, { vnf, pool, within: isWithin })) stretch.spoilt = true;
  else stretch.breach ??= { scribe, ...broken };
}

function breachIn(kinds: readonly Units[], counts: ReadonlyMap<string, number>): Breach | null {
  let total = 0;
  for (const count of counts.values()) total += count;
  for (const units of kinds) {
    const cap = capOf(units.spare, total);
    for (const [unit, count] of perUnit(units, counts)) if (count > cap) return { units, unit, count, cap, total };
  }
  return null;
}

/** In milliseconds, between a look at the servers and the first deletion that it leads to. */
const lookMs = 5_000;

function isNew(server: Server | undefined, at: number): boolean {
  if (server?.state !== 'BUILD') return false;
  return server.toldAt === null || server.toldAt > at - lookMs;
}

function hasComeLate(server: Server | undefined): boolean {
  return server?.takenForDead === true && server.wasNowhere && server.host !== null;
}

function placedOf(world: World, of: { memory: LetterMemory; vnf: string; pool: string; at: number }): Placed[] {
  const { where, buried } = of.memory;
  const all = [
    ...[...where].map(([id, host]) => ({ id, host, buried: null, takenOut: false })),
    ...[...buried].map(([id, { host, by, takenOut }]) => ({ id, host, buried: by, takenOut })),
  ];
  return all.flatMap((each): Placed[] => {
    const server = world.servers.get(each.id);
    return server?.vnf === of.vnf && server.pool === of.pool
      ? [{ ...each, movedOver: server.movedOver, unplaced: isNew(server, of.at), cameLate: hasComeLate(server) }]
      : [];
  });
}

/** By what has been taken in before this event: once it is deleted nobody can say any more. */
function noteDeaths(world: World, event: CloudEvent, memory: LetterMemory): void {
  if (memory.mayHaveDied)
    for (const stretch of memory.stretches.values())
      for (const { id } of [...stretch.before, ...stretch.moves]) noteDead(world, stretch, id);
  memory.mayHaveDied = mayKill(world, event);
}

function mayKill(world: World, event: CloudEvent): boolean {
  if (event.type === 'host') return !event.alive || event.forcedDown;
  if (event.type === 'server.state') return event.state === 'ERROR' || event.state === 'SHUTOFF';
  if (event.type === 'server.placed') return event.host !== null && world.hosts.get(event.host)?.alive === false;
  // The word of a caller.
  const note = noteOf(event);
  return note?.kind === 'request' && ['heal', 'evacuateHost'].includes(note.procedure);
}

function noteDead(world: World, stretch: Stretch, id: string): void {
  const server = world.servers.get(id);
  if (!server) return;
  const { dead, shown, moves } = stretch;
  // One that Nova has evacuated its record takes for dead until it has let it in again.
  if (!dead.has(id) && (server.evacuated || isDead(world, stretch.vnf, server))) dead.set(id, moves.length);
  if (!shown.has(id) && isShownDead(world, server)) shown.set(id, moves.length);
}

function close(memory: LetterMemory, key: string): void {
  const stretch = memory.stretches.get(key);
  memory.stretches.delete(key);
  if (!stretch?.breach || stretch.spoilt) return;
  const ways: Counts[] = [
    ({ buried }) => buried === null,
    ({ buried }) => buried === null || buried > stretch.plannedBy,
    ({ buried, takenOut }) => buried === null || (takenOut && stretch.kind === 'delete'),
    ({ id, buried }, made) => buried === null && made <= (stretch.shown.get(id) ?? Infinity),
    ({ id }, made) => made <= (stretch.shown.get(id) ?? Infinity),
    ({ id, buried }, made) => buried === null && made <= (stretch.dead.get(id) ?? Infinity),
    ({ id, buried, cameLate }, made) =>
      (cameLate && made <= (stretch.shown.get(id) ?? Infinity)) ||
      (buried === null && made <= (stretch.dead.get(id) ?? Infinity)),
  ];
  const mostMoves = Math.max(0, ...[...stretch.before, ...stretch.moves].map(({ movedOver }) => movedOver.length));
  const late = new Set(
    stretch.kind === 'delete' ? stretch.before.filter(({ unplaced }) => unplaced).map(({ id }) => id) : [],
  );
  const sights: Sight[] = [
    ({ host }) => host,
    ...Array.from(
      { length: mostMoves },
      (_, at): Sight =>
        ({ host, movedOver }) =>
          movedOver[at] ?? movedOver.at(-1) ?? host,
    ),
    ...(mostMoves > 0
      ? [({ id, host, movedOver }: Placed) => (movedOver.length === 0 ? host : `by itself: ${id}`)]
      : []),
    ...(late.size > 0 ? [({ id, host }: Placed) => (late.has(id) ? `by itself: ${id}` : host)] : []),
  ];
  if (!ways.every((counts) => sights.every((on) => isNeedless(stretch, { counts, on })))) return;
  const { kind, breach } = stretch;
  const { units, unit, count, cap, total, scribe } = breach;
  scribe.broken('G1d', {
    vnf: stretch.vnf,
    pool: stretch.pool,
    [units.kind]: unit,
    message: `${String(count)} of ${String(total)} existing VMs of ${stretch.pool} were ${within(units, unit)}, ${String(cap)} may be, and another order of the same ${kind === 'launch' ? 'launches' : 'deletions'} would have kept that`,
  });
}

/** Whether one counts once so many moves have been made. */
type Counts = (placed: Placed, made: number) => boolean;

/** On which host one counts. */
type Sight = (placed: Placed) => string;

/** Counted so, the letter was broken, and another order of what counted then would have kept it. */
function isNeedless(
  { kinds, kind, moves, ...stretch }: Stretch,
  { counts, on: hostOf }: { counts: Counts; on: Sight },
): boolean {
  const hostsOf = (placed: readonly Placed[], made: number): string[] =>
    placed.filter((each) => counts(each, made)).map(hostOf);
  const after = (made: number): Map<string, number> => {
    const on = new Map<string, number>();
    for (const host of hostsOf(stretch.before, made)) add(on, host, 1);
    for (const host of hostsOf(moves.slice(0, made), made)) add(on, host, kind === 'launch' ? 1 : -1);
    return on;
  };
  // A move of who does not count changes nothing, and breaks nothing that was not broken before.
  const breaks = (move: Placed, made: number): boolean => counts(move, made) && breachIn(kinds, after(made)) !== null;
  const broken = moves.findIndex((move, index) => breaks(move, index + 1)) + 1;
  if (broken === 0) return false;
  const before = new Map<string, number>();
  for (const host of hostsOf(stretch.before, broken)) add(before, host, 1);
  return someOrderKeeps(kinds, { kind, before, moves: hostsOf(moves, broken) });
}

/**
 * Whether any order of these moves keeps the letter after each. Taking next any move that is allowed now is enough for
 * launches: more VMs elsewhere only raise the caps, and of two for which a domain has room for one only, either may come first: the other
 * then comes when that one would have. So a move that is allowed never spoils another. For deletions the same holds from the end: in reverse
 * they are launches.
 */
export function someOrderKeeps(
  kinds: readonly Units[],
  of: { kind: 'launch' | 'delete'; before: ReadonlyMap<string, number>; moves: readonly string[] },
): boolean {
  const start = new Map(of.before);
  if (of.kind === 'delete') for (const host of of.moves) add(start, host, -1);
  // In reverse, the first state of a stretch of deletions is its last, which must itself be lawful.
  if (of.moves.length === 0) return true;
  if (of.kind === 'delete' && breachIn(kinds, start)) return false;
  const rest = [...of.moves];
  for (;;) {
    if (of.kind === 'delete' && rest.length <= 1) return true;
    const next = rest.findIndex((host) => {
      add(start, host, 1);
      const lawful = breachIn(kinds, start) === null;
      if (!lawful) add(start, host, -1);
      return lawful;
    });
    if (rest.length === 0) return true;
    if (next === -1) return false;
    rest.splice(next, 1);
  }
}
