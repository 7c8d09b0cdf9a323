import { Context } from '@temporalio/activity';
import { isFencedByUs } from '../../domain/hosts';
import { BadRequestError, nova, UnavailableError } from '../../openstack';
import type { Dependencies } from '../dependencies';
import type { WaitActivities } from '../ports';
import { sleep } from '../turn';

const heartbeatMs = 3_000;
/** A tick grows to at most this many times its first length. */
const tickGrowthMax = 4;

/**
 * Nova refuses to un-force a host from which it has evacuated until that host is back and has destroyed what it had of it. So it is told
 * again until it agrees, or the time is over. Told twice, it is un-forced once.
 */
export function unfenceHostsActivity({ session }: Dependencies): WaitActivities['unfenceHosts'] {
  return async ({ hosts, occurrence, alsoUnmarked, untilUp, forSeconds, timing }) => {
    const context = Context.current();
    const began = (context.info.heartbeatDetails as { began?: number } | undefined)?.began ?? Date.now();
    context.heartbeat({ began });
    const beat = setInterval(() => {
      context.heartbeat({ began });
    }, heartbeatMs);
    const call = (): { timeoutMs: number } => ({ timeoutMs: timing.callSeconds * 1_000 });
    try {
      for (let tick = timing.tickSeconds; ; tick = Math.min(tick * 1.2, timing.tickSeconds * tickGrowthMax)) {
        const seen = await Promise.race([look(), context.cancelled]);
        const over = Date.now() - began >= forSeconds * 1_000;
        const done = seen && seen.forced.length === 0 && (!untilUp || seen.down.length === 0);
        if (seen && (done || over)) return seen;
        await Promise.race([sleep(tick * 1_000), context.cancelled]);
      }
    } finally {
      clearInterval(beat);
    }

    /** Null where the cloud does not answer. */
    async function look(): Promise<{ forced: string[]; down: string[] } | null> {
      try {
        const services = (await nova.listServices(session, call())).filter(({ host }) => hosts.includes(host));
        const forced: string[] = [];
        for (const service of services) {
          const ours = isFencedByUs(service, occurrence) || (service.forcedDown && alsoUnmarked.includes(service.host));
          if (ours && !(await unforced(service.id))) forced.push(service.host);
        }
        const down = services.filter((service) => !service.up).map(({ host }) => host);
        return { forced: forced.sort(), down: down.sort() };
      } catch (error) {
        if (!(error instanceof UnavailableError) || Date.now() - began >= forSeconds * 1_000) throw error;
        return null;
      }
    }

    async function unforced(id: string): Promise<boolean> {
      try {
        await nova.forceDown(session, id, false, call());
        return true;
      } catch (error) {
        if (error instanceof BadRequestError) return false;
        throw error;
      }
    }
  };
}
