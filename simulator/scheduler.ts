import { chooseHost, isOffered, noCandidates, violatesGroup, whyNone, wishOf } from './filters';
import {
  afterPaced,
  between,
  count,
  emit,
  hold,
  isUp,
  letGo,
  timeOf,
  type Cloud,
  type Fault,
  type Host,
  type SchedulerFault,
  type Server,
} from './model';
import { isAway, onceHere } from './outages';
import { bindPorts, hasItsPorts, releasePorts, setPortsActive } from './wiring';

/**
 * What Nova's scheduler, conductor and computes do after the API has answered 202: filters, a claim of room, the build, the
 * late check of anti-affinity with its race, and the second look at the quota with its.
 */

const attemptsMax = 3;
/** From the answer to the choice of a host, before the pace. */
const schedulingSeconds: readonly [number, number] = [0.2, 0.6];

/** A scheduler that gets no answer from Placement says the same as where there is no room. */
export const noPlacement = noCandidates;

export function schedule(cloud: Cloud, server: Server): void {
  inTurn(cloud, () => {
    if (!isThere(cloud, server)) return;
    if (server.attempts === 0 && overQuota(cloud, server)) return;
    const fault = schedulerFault(cloud, server);
    if (fault?.kind === 'noValidHost' || isAway(cloud, 'placement')) {
      fail(cloud, server, { code: 500, message: noPlacement });
      return;
    }
    const host = fault?.kind === 'misplace' ? misplacedHost(cloud, server) : chooseHost(cloud, wishOf(server));
    if (!host) {
      fail(cloud, server, { code: 500, message: whyNone(cloud, wishOf(server)) });
      return;
    }
    server.attempts += 1;
    hold(cloud, host, server);
    cloud.claims.set(server.id, { host, seenAfter: server.answeredAs });
    build(cloud, server, { host, fault });
  });
}

/** The scheduler takes what it is asked in the order in which it is asked, however long each takes. */
export function inTurn(cloud: Cloud, call: () => void): void {
  onceHere(cloud, ['nova-conductor', 'nova-scheduler'], () => {
    cloud.schedulerQueue.push(call);
    afterPaced(cloud, between(cloud, schedulingSeconds), () => {
      cloud.schedulerQueue.shift()?.();
    });
  });
}

/** Creates that all passed the API's check, where there was not room for all: some end in ERROR. */
function overQuota(cloud: Cloud, server: Server): boolean {
  const project = cloud.projects.get(server.projectId);
  const flavor = cloud.flavors.get(server.flavorId);
  if (!project || !flavor) return false;
  const own = { instances: 1, cores: flavor.vcpus, ram: flavor.ramMb };
  const { placed } = project.usage;
  for (const name of ['cores', 'instances', 'ram'] as const) {
    const limit = project.quotas.get(name) ?? -1;
    if (limit < 0 || placed[name] <= limit) continue;
    const used = String(placed[name] - own[name]);
    const message = `Quota exceeded for ${name}: Requested ${String(own[name])}, but already used ${used} of ${String(limit)} ${name}`;
    fail(cloud, server, { code: 413, message });
    return true;
  }
  return false;
}

interface Building {
  readonly host: Host;
  readonly fault: SchedulerFault | undefined;
}

function build(cloud: Cloud, server: Server, at: Building): void {
  const { host, fault } = at;
  afterPaced(cloud, between(cloud, cloud.options.bootSeconds) * 0.1, () => {
    // A cast to a dead compute waits until it is back: the server stays in BUILD.
    cast(host, () => {
      if (!isBuilt(cloud, server)) {
        cloud.claims.delete(server.id);
        return;
      }
      if (fault?.kind === 'stuckBuild') return;
      if (fault?.kind !== 'misplace' && violatesGroup(cloud, server, host)) {
        giveBack(cloud, server, { host, last: 'Anti-affinity instance group policy was violated' });
        return;
      }
      cloud.claims.delete(server.id);
      place(cloud, server, host);
      server.taskState = 'spawning';
      const hasNetworks = server.portIds.length + server.ownNetworks.length > 0;
      const missing = [...server.portIds].find((id) => !cloud.ports.has(id));
      if (missing !== undefined) {
        place(cloud, server, null);
        giveBack(cloud, server, { host, last: `Port id ${missing} could not be found.` });
        return;
      }
      if ((hasNetworks && isAway(cloud, 'neutron')) || !bindPorts(cloud, server)) {
        abort(cloud, server, { host, reason: 'Failed to allocate the network(s), not rescheduling.' });
        return;
      }
      afterPaced(cloud, between(cloud, cloud.options.bootSeconds) * 0.9, () => {
        cast(host, () => {
          finish(cloud, server, at);
        });
      });
    });
  });
}

/** The compute gives the server back to be scheduled anew, three times in all. */
function giveBack(cloud: Cloud, server: Server, { host, last }: { host: Host; last: string }): void {
  unclaim(cloud, server, host);
  if (server.attempts < attemptsMax) {
    schedule(cloud, server);
    return;
  }
  const message = `Exceeded maximum number of retries. Exceeded max scheduling attempts ${String(attemptsMax)} for instance ${server.id}. Last exception: ${last}`;
  fail(cloud, server, { code: 500, message });
}

function unclaim(cloud: Cloud, server: Server, host: Host): void {
  cloud.claims.delete(server.id);
  letGo(cloud, host, server);
}

function finish(cloud: Cloud, server: Server, { host, fault }: Building): void {
  if (!isBuilt(cloud, server)) return;
  if (!hasItsPorts(cloud, server)) {
    abort(cloud, server, { host, reason: 'Failed to allocate the network(s), not rescheduling.' });
  } else if (fault?.kind === 'buildError') {
    abort(cloud, server, { host, reason: 'Failed to spawn the guest.' });
  } else {
    setPortsActive(cloud, server);
    server.launchedAt = new Date(cloud.clock.now()).toISOString().replace(/\.\d+Z$/, '.000000');
    server.taskState = null;
    setStatus(cloud, server, 'ACTIVE');
  }
}

function abort(cloud: Cloud, server: Server, { host, reason }: { host: Host; reason: string }): void {
  releasePorts(cloud, server, { evenOfOthers: true });
  letGo(cloud, host, server);
  place(cloud, server, null);
  fail(cloud, server, { code: 500, message: `Build of instance ${server.id} aborted: ${reason}` });
}

/** Done now by a live host, and when it is back by a dead one. */
export function cast(host: Host, call: () => void): void {
  if (host.alive) call();
  else host.casts.push(call);
}

export function place(cloud: Cloud, server: Server, host: Host | null): void {
  server.host = host?.name ?? null;
  emit(cloud, { type: 'server.placed', requestId: null, id: server.id, host: server.host });
}

export function setStatus(
  cloud: Cloud,
  server: Server,
  status: Server['status'],
  requestId: string | null = null,
): void {
  server.status = status;
  server.updatedAt = timeOf(cloud);
  emit(cloud, { type: 'server.state', requestId, id: server.id, state: status, fault: server.fault?.message ?? null });
}

export function fail(cloud: Cloud, server: Server, fault: { code: number; message: string }): void {
  server.fault = { ...fault, created: timeOf(cloud) };
  server.taskState = null;
  if (server.host === null && server.status !== 'ERROR') count(cloud, server, { which: 'placed', by: -1 });
  setStatus(cloud, server, 'ERROR');
}

/** Of a create, or of an evacuation (`moved`) and the host that it asks for. To misplace is only what is made. */
export function schedulerFault(
  cloud: Cloud,
  server: Server,
  moved?: { readonly to: string | null },
): SchedulerFault | undefined {
  const to = moved ? moved.to : server.requestedHost;
  for (const entry of cloud.faults) {
    const { fault } = entry;
    if (!isForScheduler(fault) || (moved && fault.kind === 'misplace')) continue;
    const { namePrefix, host } = fault.match;
    if (entry.left <= 0 || (namePrefix !== undefined && !server.name.startsWith(namePrefix))) continue;
    if (host !== undefined && to !== host) continue;
    entry.left -= 1;
    entry.seen += 1;
    return fault;
  }
  return undefined;
}

function isForScheduler(fault: Fault): fault is SchedulerFault {
  return fault.kind !== 'status' && fault.kind !== 'drop' && fault.kind !== 'delay';
}

/** Another host of the zone than asked for: the one that has most of the same pool already, so that it hurts. */
function misplacedHost(cloud: Cloud, server: Server): Host | undefined {
  const prefix = server.name.replace(/[0-9]+$/, '');
  const zone = server.zone ?? cloud.hosts.get(server.requestedHost ?? '')?.zone;
  const counts = new Map<string, number>();
  for (const { host, name } of cloud.servers.values())
    if (host !== null && name.startsWith(prefix)) counts.set(host, (counts.get(host) ?? 0) + 1);
  const others = [...cloud.hosts.values()].filter(
    (host) =>
      (zone === undefined || host.zone === zone) &&
      host.name !== server.requestedHost &&
      host.enabled &&
      isUp(host) &&
      isOffered(cloud, server, host),
  );
  return others.sort((a, b) => (counts.get(b.name) ?? 0) - (counts.get(a.name) ?? 0))[0];
}

export function isThere(cloud: Cloud, server: Server): boolean {
  return cloud.servers.get(server.id) === server && !server.deleting;
}

function isBuilt(cloud: Cloud, server: Server): boolean {
  return isThere(cloud, server) && server.status === 'BUILD';
}
