import { nova, type Session } from '../../../../openstack';
import { patiently, until } from './waiting';

/** Hosts of a real cloud that die and are put back as they were: up, enabled and not forced down, where they were that. */
export interface Hosts {
  /** Before something closes the host to scheduling. */
  readonly remember: (host: string) => Promise<void>;
  readonly isTouched: (host: string) => boolean;
  /** Ends when Nova reports it down: before that, Nova would wait for an answer of it. */
  readonly kill: (host: string) => Promise<void>;
  /** All that were touched. Says what could not be put back. */
  readonly putBack: () => Promise<string[]>;
}

/** How a host dies and comes back: what no API has. */
export interface HostLevers {
  readonly fail: (host: string) => Promise<void>;
  readonly recover: (host: string) => Promise<void>;
}

/** Nova reports a silent host down after 60 s by default. */
const downWithinSeconds = 150;
const upWithinSeconds = 90;

export function keepHosts({ session, levers }: { readonly session: Session; readonly levers: HostLevers }): Hosts {
  const before = new Map<string, nova.ComputeService>();
  const killed = new Set<string>();

  const serviceOf = async (host: string): Promise<nova.ComputeService> => {
    const service = (await nova.listServices(session)).find((each) => each.host === host);
    if (!service) throw new Error(`there is no compute host ${host}`);
    return service;
  };
  const remember = async (host: string): Promise<void> => {
    if (!before.has(host)) before.set(host, await serviceOf(host));
  };
  const bringBack = async (host: string): Promise<void> => {
    if (killed.has(host)) {
      await levers.recover(host);
      killed.delete(host);
    }
    const was = before.get(host);
    if (!was) return;
    const now = await serviceOf(host);
    if (now.forcedDown && !was.forcedDown)
      // Refused until the host has come back and cleaned up behind its evacuated servers.
      await until(`${host} may be up again`, upWithinSeconds, async () => {
        return await nova.forceDown(session, now.id, false).then(
          () => true,
          () => false,
        );
      });
    if (was.up) await until(`${host} is up again`, upWithinSeconds, async () => (await serviceOf(host)).up);
    if (was.enabled && !now.enabled) await nova.enableService(session, now.id);
    before.delete(host);
  };

  return {
    remember,
    isTouched: (host) => before.has(host),
    kill: async (host) => {
      await remember(host);
      killed.add(host);
      await levers.fail(host);
      await until(`Nova reports ${host} down`, downWithinSeconds, async () => !(await serviceOf(host)).up);
    },
    putBack: async () => {
      const tasks = [...new Set([...before.keys(), ...killed])].map((host) => patiently(() => bringBack(host)));
      const ends = await Promise.allSettled(tasks);
      return ends.flatMap((end) => (end.status === 'rejected' ? [`not put back: ${messageOf(end.reason)}`] : []));
    },
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
