import { chooseHost, noValidHost, violatesGroup, whyNone, wishOf } from './filters';
import {
  afterPaced,
  between,
  count,
  emit,
  emitHost,
  hold,
  isUp,
  letGo,
  timeOf,
  type Cloud,
  type Host,
  type Server,
} from './model';
import { isAway } from './outages';
import { cast, fail, inTurn, isThere, noPlacement, place, schedulerFault, setStatus } from './scheduler';
import { releasePorts } from './wiring';

/** What happens to servers that exist, and to their hosts: deletion, power, evacuation, death and return. */

/** A dead compute is reported down after this long (Nova's `service_down_time`), before the pace. */
const downAfterSeconds = 60;
/** A compute that is back does what waits for it, and is reported up, after this long, before the pace. */
const upAfterSeconds = 5;
const powerSeconds = 0.7;
/** Deletions that are remembered for `changes-since`. */
const goneMax = 10_000;

/**
 * Where the host is known to be down it is done at once, by the API; else the compute does it, a dead one when it is back. What is being
 * deleted is not deleted again while its host is up.
 */
export function deleteServer(cloud: Cloud, server: Server, requestId: string | null): void {
  const host = server.host === null ? undefined : cloud.hosts.get(server.host);
  if (server.taskState === 'deleting' && host && isUp(host)) return;
  server.deleting = true;
  server.taskState = 'deleting';
  if (!host || !isUp(host)) {
    remove(cloud, server, requestId);
    return;
  }
  afterPaced(cloud, between(cloud, [0.3, 1]), () => {
    cast(host, () => {
      remove(cloud, server, requestId);
    });
  });
}

function remove(cloud: Cloud, server: Server, requestId: string | null): void {
  if (!cloud.servers.delete(server.id)) return;
  count(cloud, server, { which: 'all', by: -1 });
  if (server.host !== null || server.status !== 'ERROR') count(cloud, server, { which: 'placed', by: -1 });
  cloud.claims.delete(server.id);
  for (const host of cloud.hosts.values()) letGo(cloud, host, server);
  releasePorts(cloud, server, { evenOfOthers: false });
  if (server.groupId !== null) cloud.serverGroups.get(server.groupId)?.members.delete(server.id);
  server.updatedAt = timeOf(cloud);
  cloud.gone.push({ server, at: cloud.clock.now() });
  if (cloud.gone.length > goneMax) cloud.gone.shift();
  emit(cloud, { type: 'server.deleted', requestId, id: server.id });
}

export function switchPower(
  cloud: Cloud,
  server: Server,
  given: { readonly to: 'ACTIVE' | 'SHUTOFF'; readonly requestId: string | null },
): void {
  server.taskState = given.to === 'ACTIVE' ? 'powering-on' : 'powering-off';
  const host = cloud.hosts.get(server.host ?? '');
  afterPaced(cloud, powerSeconds, () => {
    const done = (): void => {
      if (!isThere(cloud, server)) return;
      server.taskState = null;
      setStatus(cloud, server, given.to, given.requestId);
    };
    if (host) cast(host, done);
    else done();
  });
}

/** The guest comes back as it was, or runs where it was stopped. What was sent to a dead compute is done when it is back. */
export function reboot(cloud: Cloud, server: Server, requestId: string | null): void {
  server.taskState = 'rebooting';
  const host = cloud.hosts.get(server.host ?? '');
  if (!host) return;
  cast(host, () => {
    afterPaced(cloud, powerSeconds, () => {
      if (!isThere(cloud, server) || server.host !== host.name) return;
      server.taskState = null;
      setStatus(cloud, server, 'ACTIVE', requestId);
    });
  });
}

/** A live migration by another hand: the same server on another host, which is not asked whether it has room. */
export function migrate(cloud: Cloud, server: Server, target: Host): void {
  if (server.host === target.name) return;
  const source = cloud.hosts.get(server.host ?? '');
  hold(cloud, target, server);
  if (source) letGo(cloud, source, server);
  place(cloud, server, target);
}

/** Keeps the address and the ports. The host that it leaves holds its room until it is back. */
export function evacuate(
  cloud: Cloud,
  server: Server,
  given: { readonly target: string | null; readonly stopped: boolean; readonly requestId: string | null },
): void {
  const wasStopped = server.status === 'SHUTOFF';
  server.taskState = 'rebuilding';
  setStatus(cloud, server, 'REBUILD', given.requestId);
  inTurn(cloud, () => {
    if (!isThere(cloud, server)) return;
    if (isAway(cloud, 'placement')) {
      fail(cloud, server, { code: 500, message: noPlacement });
      return;
    }
    const wish = { ...wishOf(server), requestedHost: given.target, forced: false };
    const fault = schedulerFault(cloud, server, { to: given.target });
    const target = fault?.kind === 'noValidHost' ? undefined : chooseHost(cloud, wish);
    if (!target) {
      fail(cloud, server, { code: 500, message: whyNone(cloud, wish) });
      return;
    }
    hold(cloud, target, server);
    cloud.claims.set(server.id, { host: target, seenAfter: Infinity });
    afterPaced(cloud, between(cloud, cloud.options.bootSeconds) * 0.3, () => {
      if (fault?.kind === 'stuckBuild') return;
      cast(target, () => {
        if (fault?.kind === 'buildError' && isThere(cloud, server)) {
          cloud.claims.delete(server.id);
          letGo(cloud, target, server);
          fail(cloud, server, { code: 500, message: 'Failed to spawn the guest.' });
          return;
        }
        arrive(cloud, server, { target, status: given.stopped || wasStopped ? 'SHUTOFF' : 'ACTIVE' });
      });
    });
  });
}

function arrive(
  cloud: Cloud,
  server: Server,
  { target, status }: { readonly target: Host; readonly status: 'ACTIVE' | 'SHUTOFF' },
): void {
  cloud.claims.delete(server.id);
  const violates = violatesGroup(cloud, server, target);
  if (!isThere(cloud, server) || violates) letGo(cloud, target, server);
  if (!isThere(cloud, server)) return;
  if (violates) {
    fail(cloud, server, { code: 500, message: noValidHost });
    return;
  }
  const left = cloud.hosts.get(server.host ?? '');
  // A host that came back meanwhile has nothing more to wait for.
  if (left?.alive) letGo(cloud, left, server);
  server.taskState = null;
  server.fault = null;
  place(cloud, server, target);
  setStatus(cloud, server, status);
}

/** The truth changes at once; what Nova reports of it follows. */
export function setAlive(cloud: Cloud, host: Host, alive: boolean): void {
  if (host.alive === alive) return;
  host.alive = alive;
  host.cancelReport();
  emitHost(cloud, host, null);
  host.cancelReport = afterPaced(cloud, alive ? upAfterSeconds : downAfterSeconds, () => {
    if (alive) resume(cloud, host);
    if (host.reportedUp === alive) return;
    host.reportedUp = alive;
    emitHost(cloud, host, null);
  });
}

/** What was evacuated away is destroyed, and what was cast to it meanwhile is done now. */
function resume(cloud: Cloud, host: Host): void {
  for (const id of [...host.holds]) {
    const server = cloud.servers.get(id);
    if (server && wasEvacuated(server, host)) letGo(cloud, host, server);
  }
  for (const call of host.casts.splice(0)) call();
}

/** On another host now, while this one still holds its room. */
export function wasEvacuated(server: Server, host: Host): boolean {
  return server.host !== null && server.host !== host.name && server.status !== 'REBUILD';
}
