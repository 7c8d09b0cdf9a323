import type { CloudEvent } from '../../simulator/events';
import type { Scribe, Violation } from '../verdict';
import { isArrival, isOn, noteOf, openRequests, serverNamed, type Request, type Server, type World } from '../world';

/**
 * G6, never silently half-way, of evacuateHost and restoreHost: what is said to be empty, closed, open or as it was is that. Looked at before the
 * event is taken in.
 *
 * Hosts of which the log does not tell under the name that the request has for them, as those of a tenant, are neither closed nor opened; a tenant
 * closes none whatever it calls them.
 */

type HostState = Extract<CloudEvent, { type: 'host' }>;

export interface HostsMemory {
  /** By id of a request, how its hosts were when it was made. */
  readonly before: Map<string, ReadonlyMap<string, HostState>>;
  /** Since which event a host is not up. */
  readonly downSince: Map<string, number>;
  /** By which event something was last evacuated from a host by Nova. */
  readonly leftAt: Map<string, number>;
  /** Hosts that are said to be empty for maintenance, with when that was asked for. */
  readonly emptied: Map<string, number>;
  /** By id of a server that served on a host which was said to be empty, and may have been about to leave service: what it is otherwise. */
  readonly suspects: Map<string, Omit<Violation, 'part' | 'seq' | 'at'>>;
}

export function newHostsMemory(): HostsMemory {
  return { before: new Map(), downSince: new Map(), leftAt: new Map(), emptied: new Map(), suspects: new Map() };
}

interface Given {
  readonly memory: HostsMemory;
  readonly scribe: Scribe;
}

export function judgeHosts(world: World, event: CloudEvent, given: Given): void {
  const { memory } = given;
  if (event.type === 'host') {
    if (event.up) memory.downSince.delete(event.host);
    else if (!memory.downSince.has(event.host)) memory.downSince.set(event.host, event.seq);
  }
  if (event.type === 'server.placed') {
    const server = world.servers.get(event.id);
    if (server && server.host !== null && isArrival(server, event.host)) memory.leftAt.set(server.host, event.seq);
  }
  if (event.type === 'published') judgeEntered(world, event, given);
  if (event.type === 'published' && event.stage === 2) judgeSuspects(world, event, given);
  if (event.type === 'note') hear(world, event, given);
}

function hear(world: World, event: Extract<CloudEvent, { type: 'note' }>, given: Given): void {
  const { memory } = given;
  const note = noteOf(event);
  if (note?.kind === 'request') {
    const { procedure, request } = note;
    const { hosts } = (request ?? {}) as { readonly hosts?: unknown };
    if (procedure !== 'evacuateHost' && procedure !== 'restoreHost') return;
    memory.before.set(note.id, new Map(statesOf(world, hosts)));
    if (procedure === 'restoreHost') for (const [host] of statesOf(world, hosts)) memory.emptied.delete(host);
  }
  if (note?.kind !== 'outcome') return;
  const request = world.requests.get(note.id);
  // One that only plans has completed when it has said so.
  if (!request || request.input['dryRun'] === true) return;
  if (request.procedure === 'evacuateHost' && note.outcome === 'completed')
    judgeEmptied(world, request, { ...given, left: note.left ?? [] });
  if (request.procedure === 'evacuateHost' && ['unwound', 'refused', 'cancelled'].includes(note.outcome))
    judgeGoneBack(world, request, given);
  if (request.procedure === 'restoreHost' && note.outcome === 'completed') judgeRestored(world, request, given);
  memory.before.delete(note.id);
}

function statesOf({ hosts }: World, named: unknown): [string, HostState][] {
  return (Array.isArray(named) ? named : []).flatMap((name): [string, HostState][] => {
    const state = hosts.get(String(name));
    return state ? [[state.host, state]] : [];
  });
}

/** Hosts of a request that no other which is about that host, and was open meanwhile, may have brought to what they are. */
function itsHosts(world: World, { input, id, seq }: Request): HostState[] {
  const others = [...world.requests.values()].filter(
    (other) =>
      other.id !== id &&
      (other.procedure === 'evacuateHost' || other.procedure === 'restoreHost') &&
      (other.endedAt === null || other.endedAt > seq),
  );
  const isAnothers = (host: string): boolean =>
    others.some(({ input: { hosts } }) => Array.isArray(hosts) && hosts.includes(host));
  return statesOf(world, input['hosts']).flatMap(([host, state]) => (isAnothers(host) ? [] : [state]));
}

/** It has completed: none of those that were there when it was asked for serves there, but of whom it says so, and the host is closed. */
function judgeEmptied(world: World, request: Request, given: Given & { readonly left: readonly string[] }): void {
  const { memory, scribe, left } = given;
  const { input } = request;
  scribe.looked('G6');
  for (const server of world.servers.values()) {
    if (!isOn(server, input['hosts']) || left.includes(server.name) || !isToLeave(world, server, request)) continue;
    // Who is on a host that has failed, and is not forced down, may run there: he is replaced as far as the word of a caller goes.
    if (input['cause'] === 'failed' && world.hosts.get(server.host ?? '')?.forcedDown !== true) continue;
    const broken = {
      ...{ vnf: server.vnf ?? '', host: server.host ?? '' },
      message: `evacuateHost of ${server.host ?? ''} (${String(input['cause'])}) completed, and ${server.name} serves there`,
    };
    if (mayBeLeaving(world, broken.vnf)) memory.suspects.set(server.id, broken);
    else scribe.broken('G6', broken);
  }
  for (const { host, enabled } of itsHosts(world, request)) {
    if (enabled && !isOfTenant(world))
      scribe.broken('G6', { host, message: `evacuateHost of ${host} completed, and it is open` });
    if (input['cause'] === 'maintenance') memory.emptied.set(host, request.seq);
  }
}

/**
 * It serves, and was there by then. Not who was moved by other hands, or found by an adopt since, nor a VNF that is about to end, or whose record is
 * lost: an evacuation leaves these alone.
 */
function isToLeave(world: World, server: Server, { seq, at }: Request): boolean {
  const vnf = server.vnf === undefined ? undefined : world.vnfs.get(server.vnf);
  if (!vnf || vnf.isLost || vnf.ending || server.movedAt !== null || server.since > seq) return false;
  // Nobody could know then on which host a tenant's would be.
  if (server.requestedHost === null && (server.toldAt ?? Infinity) > at) return false;
  const serves = vnf.pools.get(server.pool ?? '')?.published.has(server.name) === true;
  return serves && serverNamed(world, vnf.vnf, server.name) === server;
}

/** Who may close no host asks for none when something is launched. */
function isOfTenant({ servers }: World): boolean {
  return [...servers.values()].some(({ vnf, requestedHost }) => vnf !== undefined && requestedHost === null);
}

/** What another run has decided to take out of service is owed: it drains where it is, and no evacuation hastens that. */
function mayBeLeaving(world: World, vnf: string): boolean {
  return openRequests(world, vnf).some(({ procedure }) => procedure === 'scaleIn' || procedure === 'heal');
}

/** Who was about to leave is no more among those whom the next publication has in the end. */
function judgeSuspects(
  world: World,
  event: Extract<CloudEvent, { type: 'published' }>,
  { memory, scribe }: Given,
): void {
  const serves = new Set(Object.values(event.service).flat());
  for (const [id, broken] of memory.suspects) {
    if (broken.vnf !== event.vnf) continue;
    memory.suspects.delete(id);
    const server = world.servers.get(id);
    if (server?.movedAt === null && server.host === broken.host && serves.has(server.name)) scribe.broken('G6', broken);
  }
}

/** Nobody who was there before comes to serve on a host that has been emptied, and was not opened since. */
function judgeEntered(
  world: World,
  event: Extract<CloudEvent, { type: 'published' }>,
  { memory, scribe }: Given,
): void {
  const vnf = world.vnfs.get(event.vnf);
  if (!vnf || vnf.isLost || memory.emptied.size === 0) return;
  for (const [name, pool] of vnf.pools)
    for (const member of event.service[name] ?? []) {
      const server = pool.published.has(member) ? undefined : serverNamed(world, event.vnf, member);
      if (!server || server.host === null || server.movedAt !== null) continue;
      const askedAt = memory.emptied.get(server.host);
      if (askedAt === undefined || server.since > askedAt || world.hosts.get(server.host)?.enabled !== false) continue;
      scribe.broken('G6', {
        ...{ vnf: event.vnf, pool: name, host: server.host },
        message: `${member} was put into service on ${server.host}, which was said to be empty`,
      });
    }
}

/** It has not been done: the host is as it was. One that failed stays closed; and Nova leaves forced down what it has evacuated something from. */
function judgeGoneBack(world: World, request: Request, { memory, scribe }: Given): void {
  const { input, seq, id, wasReset } = request;
  // The run before may have closed it, and is at work there still.
  if (wasReset) return;
  for (const { host, enabled, forcedDown } of itsHosts(world, request)) {
    const was = memory.before.get(id)?.get(host);
    if (!was) continue;
    const isLeftClosed = input['cause'] === 'maintenance' && was.enabled && !enabled;
    const isLeftForced = !was.forcedDown && forcedDown && (memory.leftAt.get(host) ?? 0) < seq;
    if (isLeftClosed || isLeftForced)
      scribe.broken('G6', {
        host,
        message: `evacuateHost of ${host} went back, and has left it ${isLeftForced ? 'forced down' : 'closed'}`,
      });
  }
}

/** It has completed: the host is open, and was up at some time meanwhile, unless it was open before. */
function judgeRestored(world: World, request: Request, { memory, scribe }: Given): void {
  scribe.looked('G6');
  for (const { host, enabled, forcedDown } of itsHosts(world, request)) {
    const was = memory.before.get(request.id)?.get(host);
    const isOpen = enabled && !forcedDown;
    const wasOpen = was?.enabled === true && !was.forcedDown;
    const wasUp = (memory.downSince.get(host) ?? Infinity) > request.seq;
    if (isOpen && (wasOpen || wasUp)) continue;
    scribe.broken('G6', { host, message: `restoreHost of ${host} completed, and it is not ${isOpen ? 'up' : 'open'}` });
  }
}
