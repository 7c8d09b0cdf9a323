import {
  between,
  emit,
  emitHost,
  freeOf,
  hold,
  isUp,
  letGo,
  type Cloud,
  type Host,
  type SchedulerFault,
  type Server,
} from './model';

/**
 * What Nova's scheduler, conductor and computes do after the API has answered 202: filters, a claim of room, the build, the
 * late check of anti-affinity with its race, and the second look at the quota with its.
 */

const attemptsMax = 3;
/** From the answer to the choice of a host, before the pace. */
const schedulingSeconds: readonly [number, number] = [0.2, 0.6];
/** A dead compute is reported down after this long (Nova's `service_down_time`), before the pace. */
const downAfterSeconds = 60;

export const noValidHost = 'No valid host was found. There are not enough hosts available.';

export function schedule(cloud: Cloud, server: Server): void {
  afterPaced(cloud, between(cloud, schedulingSeconds), () => {
    if (!isThere(cloud, server)) return;
    if (overQuota(cloud, server)) return;
    const fault = schedulerFault(cloud, server);
    const host = fault?.kind === 'misplace' ? misplacedHost(cloud, server) : chooseHost(cloud, server);
    if (!host) {
      fail(cloud, server, { code: 500, message: noValidHost });
      return;
    }
    server.attempts += 1;
    hold(cloud, host, server);
    build(cloud, server, { host, fault });
  });
}

/** Two creates that both passed the API's check: the later ones are put into ERROR. */
function overQuota(cloud: Cloud, server: Server): boolean {
  const limit = cloud.projects.get(server.projectId)?.quotas.get('instances') ?? -1;
  if (limit < 0) return false;
  let before = 0;
  for (const each of cloud.servers.values()) {
    if (each.projectId !== server.projectId || (each.status === 'ERROR' && each.host === null)) continue;
    if (each === server) break;
    before += 1;
  }
  if (before < limit) return false;
  fail(cloud, server, {
    code: 413,
    message: `Quota exceeded for instances: Requested 1, but already used ${String(limit)} of ${String(limit)} instances`,
  });
  return true;
}

/** The filters: enabled and up, zone, room, the host asked for, hints, and the group as far as it is placed already. */
function chooseHost(cloud: Cloud, server: Server): Host | undefined {
  const flavor = cloud.flavors.get(server.flavorId);
  if (!flavor) return undefined;
  let best: Host | undefined;
  for (const host of cloud.hosts.values()) {
    if (!host.enabled || !isUp(host)) continue;
    if (server.zone !== null && host.zone !== server.zone) continue;
    if (server.requestedHost !== null && host.name !== server.requestedHost) continue;
    const free = freeOf(host);
    if (free.vcpus < flavor.vcpus || free.ramMb < flavor.ramMb || free.diskGb < flavor.diskGb) continue;
    if (!passesHints(cloud, server, host) || !passesGroup(cloud, server, host)) continue;
    if (!best || free.ramMb > freeOf(best).ramMb) best = host;
  }
  return best;
}

function passesHints(cloud: Cloud, server: Server, host: Host): boolean {
  const on = (hint: unknown): (string | null)[] =>
    [hint].flat().map((id) => cloud.servers.get(String(id))?.host ?? null);
  const { same_host: same, different_host: different } = server.hints;
  if (same !== undefined && !on(same).includes(host.name)) return false;
  return different === undefined || !on(different).includes(host.name);
}

/** Sees only what is placed: what is being built at the same time is seen by the late check, or too late. */
function passesGroup(cloud: Cloud, server: Server, host: Host): boolean {
  const group = server.groupId === null ? undefined : cloud.serverGroups.get(server.groupId);
  if (group?.policy !== 'anti-affinity') return true;
  return membersOn(cloud, server, host) < group.maxPerHost;
}

function membersOn(cloud: Cloud, server: Server, host: Host): number {
  const group = server.groupId === null ? undefined : cloud.serverGroups.get(server.groupId);
  let count = 0;
  for (const id of group?.members ?? []) {
    const member = cloud.servers.get(id);
    if (member && member !== server && member.host === host.name) count += 1;
  }
  return count;
}

function build(cloud: Cloud, server: Server, at: { host: Host; fault: SchedulerFault | undefined }): void {
  const { host, fault } = at;
  server.taskState = 'spawning';
  afterPaced(cloud, between(cloud, cloud.options.bootSeconds) * 0.1, () => {
    if (!isThere(cloud, server)) {
      letGo(cloud, host, server);
      return;
    }
    // A cast to a dead compute waits until it is back: the server stays in BUILD.
    if (!host.alive || fault?.kind === 'stuckBuild') return;
    if (fault?.kind !== 'misplace' && !passesLateCheck(cloud, server, host)) return;
    place(cloud, server, host);
    afterPaced(cloud, between(cloud, cloud.options.bootSeconds) * 0.9, () => {
      finishBuild(cloud, server, at);
    });
  });
}

/** The compute looks once more at its group; it gives the server back to be scheduled anew, three times in all. */
function passesLateCheck(cloud: Cloud, server: Server, host: Host): boolean {
  if (passesGroup(cloud, server, host)) return true;
  letGo(cloud, host, server);
  if (server.attempts >= attemptsMax) {
    const last = 'Anti-affinity instance group policy was violated';
    const message = `Exceeded maximum number of retries. Exceeded max scheduling attempts ${String(attemptsMax)} for instance ${server.id}. Last exception: ${last}`;
    fail(cloud, server, { code: 500, message });
  } else {
    schedule(cloud, server);
  }
  return false;
}

function finishBuild(cloud: Cloud, server: Server, at: { host: Host; fault: SchedulerFault | undefined }): void {
  if (!isThere(cloud, server) || !at.host.alive) return;
  const lostPort = server.portIds.some((id) => cloud.ports.get(id)?.deviceId !== server.id);
  if (lostPort || at.fault?.kind === 'buildError') {
    letGo(cloud, at.host, server);
    place(cloud, server, null);
    fail(cloud, server, {
      code: 500,
      message: lostPort
        ? 'Build of instance aborted: Failed to allocate the network(s), not rescheduling.'
        : 'Build of instance aborted',
    });
    return;
  }
  for (const id of server.portIds) {
    const port = cloud.ports.get(id);
    if (port) port.status = 'ACTIVE';
  }
  server.taskState = null;
  setStatus(cloud, server, 'ACTIVE');
}

function place(cloud: Cloud, server: Server, host: Host | null): void {
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
  emit(cloud, { type: 'server.state', requestId, id: server.id, state: status, fault: server.fault?.message ?? null });
}

function fail(cloud: Cloud, server: Server, fault: { code: number; message: string }): void {
  server.fault = fault;
  server.taskState = null;
  setStatus(cloud, server, 'ERROR');
}

function schedulerFault(cloud: Cloud, server: Server): SchedulerFault | undefined {
  for (const entry of cloud.faults) {
    const { fault } = entry;
    if (fault.kind !== 'misplace' && fault.kind !== 'buildError' && fault.kind !== 'stuckBuild') continue;
    const { namePrefix, host } = fault.match;
    if (entry.left <= 0 || (namePrefix !== undefined && !server.name.startsWith(namePrefix))) continue;
    if (host !== undefined && server.requestedHost !== host) continue;
    entry.left -= 1;
    entry.seen += 1;
    return fault;
  }
  return undefined;
}

/** Another host of the zone than asked for: the one that has most of the same pool already, so that it hurts. */
function misplacedHost(cloud: Cloud, server: Server): Host | undefined {
  const prefix = server.name.replace(/[0-9]+$/, '');
  const zone = server.zone ?? cloud.hosts.get(server.requestedHost ?? '')?.zone;
  const others = [...cloud.hosts.values()].filter(
    (host) => host.zone === zone && host.name !== server.requestedHost && host.enabled && isUp(host),
  );
  const like = (host: Host): number =>
    [...cloud.servers.values()].filter((each) => each.host === host.name && each.name.startsWith(prefix)).length;
  return others.map((host) => ({ host, count: like(host) })).sort((a, b) => b.count - a.count)[0]?.host;
}

/** Nova takes a server off at once where its host is known to be down; a live compute does it, a dead one does not. */
export function deleteServer(cloud: Cloud, server: Server, requestId: string | null): void {
  server.deleting = true;
  server.taskState = 'deleting';
  const host = server.host === null ? undefined : cloud.hosts.get(server.host);
  if (host && !host.alive && isUp(host)) return;
  const local = !host?.alive;
  const seconds = local ? 0 : between(cloud, [0.3, 1]);
  afterPaced(cloud, seconds, () => {
    remove(cloud, server, requestId);
  });
}

function remove(cloud: Cloud, server: Server, requestId: string | null): void {
  if (!cloud.servers.delete(server.id)) return;
  for (const host of cloud.hosts.values()) letGo(cloud, host, server);
  for (const id of server.portIds) {
    const port = cloud.ports.get(id);
    if (port?.deviceId === server.id) {
      port.deviceId = '';
      port.status = 'DOWN';
    }
  }
  if (server.groupId !== null) cloud.serverGroups.get(server.groupId)?.members.delete(server.id);
  emit(cloud, { type: 'server.deleted', requestId, id: server.id });
}

/** Keeps the address and the ports; from API 2.95 on the server is left stopped. */
export function evacuate(cloud: Cloud, server: Server, given: { target: string | null; stopped: boolean }): void {
  setStatus(cloud, server, 'REBUILD');
  const moving: Server = {
    ...server,
    requestedHost: given.target,
    zone: cloud.hosts.get(server.host ?? '')?.zone ?? server.zone,
  };
  afterPaced(cloud, between(cloud, schedulingSeconds), () => {
    if (!isThere(cloud, server)) return;
    const target = chooseHost(cloud, moving);
    if (!target) {
      fail(cloud, server, { code: 500, message: noValidHost });
      return;
    }
    hold(cloud, target, server);
    afterPaced(cloud, between(cloud, cloud.options.bootSeconds) * 0.3, () => {
      if (!isThere(cloud, server)) return;
      place(cloud, server, target);
      setStatus(cloud, server, given.stopped ? 'SHUTOFF' : 'ACTIVE');
    });
  });
}

export function setAlive(cloud: Cloud, host: Host, alive: boolean): void {
  if (host.alive === alive) return;
  host.alive = alive;
  emitHost(cloud, host, null);
  if (!alive) {
    afterPaced(cloud, downAfterSeconds, () => {
      if (host.alive || !host.reportedUp) return;
      host.reportedUp = false;
      emitHost(cloud, host, null);
    });
    return;
  }
  host.reportedUp = true;
  emitHost(cloud, host, null);
  // What was evacuated away is destroyed, and what was cast to it meanwhile is done now.
  for (const id of [...host.holds]) {
    const server = cloud.servers.get(id);
    if (!server) continue;
    if (server.host !== null && server.host !== host.name) letGo(cloud, host, server);
    else if (server.deleting) remove(cloud, server, null);
    else if (server.status === 'BUILD') build(cloud, server, { host, fault: undefined });
  }
}

function isThere(cloud: Cloud, server: Server): boolean {
  return cloud.servers.get(server.id) === server && !server.deleting;
}

function afterPaced(cloud: Cloud, seconds: number, call: () => void): void {
  cloud.clock.after(seconds * 1_000 * cloud.options.pace, call);
}
