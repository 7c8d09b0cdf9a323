import { refuseHiddenHosts } from '../cloud/rights';
import { Context } from '@temporalio/activity';
import { memberName, requestId, tag } from '../../domain/names';
import type { Member } from '../../domain/record';
import { bootLimitSeconds } from '../../domain/timing';
import { ConflictError, nova, UnavailableError } from '../../openstack';
import type { Dependencies } from '../dependencies';
import type { HealthResult, WaitActivities } from '../ports';
import { refuseLostTurn, sleep } from '../turn';
import { findMisplaced } from './together';

/** What is known of each member by server id; it travels in the heartbeats, so that another attempt goes on from it. */
interface Known {
  readonly began: number;
  /** Since when it has been seen ACTIVE. */
  readonly activeSince: Readonly<Record<string, number>>;
}

/** A boot may take this long however quick the pace: below it the limit would measure the machine. */
const bootFloorSeconds = 10;
const heartbeatMs = 3_000;
/**
 * The next look is this share of the time away that has been waited: whenever a boot ends, about half of that is lost by not looking,
 * and a long wait needs few looks. At least a quarter of the usual tick, at most four of them.
 */
const tickShare = 0.06;
const tickLeast = 0.25;
const tickMost = 4;
/** Between two looks, however little is left to be waited for. */
const shortestSeconds = 0.05;

/** One list a tick for all members. Ends when each is healthy, or will never be. */
export function awaitHealthyActivity({ session, service }: Dependencies): WaitActivities['awaitHealthy'] {
  return async ({ turn, vnf, members, leaving = [], healthyAfterSeconds, bootTimeoutSeconds, together, timing }) => {
    refuseLostTurn(turn);
    const context = Context.current();
    const earlier = context.info.heartbeatDetails as Known | undefined;
    /** What the cloud asked for when it did not answer: until then it is not asked again. */
    let quietUntil = 0;
    let known: Known = earlier ?? { began: Date.now(), activeSince: {} };
    const bootSeconds = Math.max(bootFloorSeconds, bootLimitSeconds(timing, bootTimeoutSeconds));
    // Beside the loop: one look may take longer than a heartbeat may be late.
    context.heartbeat(known);
    const beat = setInterval(() => {
      context.heartbeat(known);
    }, heartbeatMs);
    try {
      return await untilSettled();
    } finally {
      clearInterval(beat);
    }

    async function untilSettled(): Promise<HealthResult[]> {
      const { tickSeconds } = timing;
      for (;;) {
        const servers = await Promise.race([look(), context.cancelled]);
        if (servers) {
          await startArrived(servers);
          known = { ...known, activeSince: activeSince(known, servers, leaving) };
          const misplaced = together ? findMisplaced({ vnf, members, servers, together }) : new Map<string, string>();
          const results = members.map((member) =>
            judge(member, servers.get(member.serverId), misplaced.get(member.serverId)),
          );
          if (results.every((result) => result !== null)) return results;
        }
        context.heartbeat(known);
        const waitedSeconds = (Date.now() - known.began) / 1_000;
        const tick = Math.min(Math.max(waitedSeconds * tickShare, tickSeconds * tickLeast), tickSeconds * tickMost);
        const next = servers && holdsOnly() ? Math.min(tick, Math.max(shortestSeconds, holdSeconds())) : tick;
        await Promise.race([sleep(Math.max(next * 1_000, quietUntil - Date.now())), context.cancelled]);
      }
    }

    /** Null where the cloud does not answer: that says nothing of the members. */
    async function look(): Promise<ReadonlyMap<string, nova.Server> | null> {
      try {
        const servers = await nova.listServers(
          session,
          // Where those are that serve already matters only where they are told apart by looking; those that leave a host are of earlier turns.
          { tags: [tag.vnf(vnf), ...(together || leaving.length > 0 ? [] : [tag.token(turn.token)])] },
          { timeoutMs: timing.callSeconds * 1_000, lane: 'look' },
        );
        if (!together) refuseHiddenHosts(servers);
        return new Map(servers.map((server) => [server.id, server]));
      } catch (error) {
        const endsAt = known.began + bootSeconds * 1_000;
        if (!(error instanceof UnavailableError) || Date.now() >= endsAt) throw error;
        quietUntil = Math.min(endsAt, Date.now() + (error.context.retryAfterSeconds ?? 0) * 1_000);
        return null;
      }
    }

    /** Nothing is waited for any more but that they stay as they are. */
    function holdsOnly(): boolean {
      return members.every(({ serverId }) => known.activeSince[serverId] !== undefined);
    }

    /** Until the last of them has been ACTIVE long enough. */
    function holdSeconds(): number {
      const holds = members.map(({ pool, serverId }) => {
        const activeForSeconds = (Date.now() - (known.activeSince[serverId] ?? Date.now())) / 1_000;
        return (healthyAfterSeconds[pool] ?? 0) * timing.pace - activeForSeconds;
      });
      return Math.max(0, ...holds);
    }

    /** By the name that the plan knows it by. */
    function hostOf(server: nova.Server): string | null {
      if (!together) return server.host;
      return server.hostId === '' ? null : server.hostId;
    }

    /**
     * From microversion 2.95 on Nova leaves off what it has evacuated, and below that what was off before. We speak less, so that most
     * come back running and nothing is lost over starting them; the others are started here. Told twice, it is started once.
     */
    async function startArrived(servers: ReadonlyMap<string, nova.Server>): Promise<void> {
      if (leaving.length === 0) return;
      for (const { serverId, host } of members) {
        const server = servers.get(serverId);
        if (server?.status !== 'SHUTOFF' || server.host !== host || server.taskState !== null) continue;
        try {
          await nova.startServer(session, serverId, {
            timeoutMs: timing.callSeconds * 1_000,
            requestId: requestId(turn.token),
          });
        } catch (error) {
          // It is being started, or the next look tells it again.
          if (!(error instanceof ConflictError || error instanceof UnavailableError)) throw error;
        }
      }
    }

    /** Null while it may still become healthy. */
    function judge(
      member: Member,
      server: nova.Server | undefined,
      misplaced: string | undefined,
    ): HealthResult | null {
      const ref = { pool: member.pool, ordinal: member.ordinal };
      const name = memberName(vnf, member.pool, member.ordinal);
      const host = server ? hostOf(server) : null;
      if (!server) return { ok: false, ref, kind: 'MemberFailed', host, message: `${name} is gone` };
      if (server.status === 'ERROR') {
        const quota = server.fault?.code === 413;
        // One on no host was given none, or was given up by each that it was given.
        const nowhere = together !== undefined && host === null;
        return {
          ok: false,
          ref,
          kind: quota ? 'QuotaExceeded' : nowhere ? 'NotFound' : 'MemberFailed',
          host,
          message: `${name} is in ERROR: ${server.fault?.message ?? 'no reason given'}`,
        };
      }
      // Down by force: somebody has said that its host is dead, and whatever Nova says of it must not come to serve.
      if (server.hostStatus === 'DOWN' && host !== null && !leaving.includes(host))
        return { ok: false, ref, kind: 'MemberFailed', host, message: `${name} is on ${host}, which is forced down` };
      if (misplaced !== undefined) return { ok: false, ref, kind: 'AntiAffinityViolated', host, message: misplaced };
      if (host !== null && together === undefined && host !== member.host && !leaving.includes(host)) {
        return {
          ok: false,
          ref,
          kind: 'AntiAffinityViolated',
          host,
          message: `${name} is on ${host} and was to be on ${member.host}`,
        };
      }
      const since = known.activeSince[server.id];
      if (since !== undefined && host !== null) {
        const activeForSeconds = (Date.now() - since) / 1_000;
        const healthy = service.healthy({
          activeForSeconds,
          healthyAfterSeconds: healthyAfterSeconds[member.pool] ?? 0,
          pace: timing.pace,
        });
        return healthy ? { ok: true, ref, host } : null;
      }
      const waited = (Date.now() - known.began) / 1_000;
      if (waited < bootSeconds) return null;
      return {
        ok: false,
        ref,
        kind: 'MemberFailed',
        host,
        message: `${name} is still ${server.status} after ${waited.toFixed(0)} s`,
      };
    }
  };
}

/** What still shows as it was on the host that it leaves is not there yet. */
function activeSince(
  known: Known,
  servers: ReadonlyMap<string, nova.Server>,
  leaving: readonly string[],
): Record<string, number> {
  const since: Record<string, number> = {};
  for (const server of servers.values())
    if (server.status === 'ACTIVE' && !leaving.includes(server.host ?? ''))
      since[server.id] = known.activeSince[server.id] ?? Date.now();
  return since;
}
