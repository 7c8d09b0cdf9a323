import { nova, type Session } from '../../../../openstack';
import type { Fate } from '../cloud';
import { runFor, type Levers } from './levers';
import { whileSpoilt } from './spoil';
import { patiently, until } from './waiting';
import type { Watching } from './watching';

/** What fate does to a real cloud, by what an operator's API has, and how all of it is put back. */
export interface RealFate {
  readonly fate: Fate;
  /** Waits until hosts that were up at first are up again, those aside that were taken on purpose. Not for ever: then the act says what it finds. */
  readonly settled: () => Promise<void>;
  /** Everything, also after a stop in the middle. Says what could not be put back. */
  readonly putBack: () => Promise<string[]>;
}

/** Nova reports a silent host down after 60 s by default. */
const downWithinSeconds = 150;
const upWithinSeconds = 90;
const settledWithinSeconds = 60;

export async function realFate(given: {
  /** The product's own project. */
  readonly own: Session;
  readonly operator: Session;
  readonly levers: Levers;
  readonly watching: Watching;
}): Promise<RealFate> {
  const { own, operator, levers, watching } = given;
  const upAtFirst = new Set((await nova.listServices(operator)).flatMap(({ host, up }) => (up ? [host] : [])));
  const before = new Map<string, nova.ComputeService>();
  const killed = new Set<string>();
  let quota: number | null = null;

  const serviceOf = async (host: string): Promise<nova.ComputeService> => {
    const service = (await nova.listServices(operator)).find((each) => each.host === host);
    if (!service) throw new Error(`there is no compute host ${host}`);
    return service;
  };
  const remember = async (host: string): Promise<void> => {
    if (!before.has(host)) before.set(host, await serviceOf(host));
  };
  const setQuota = async (limit: number): Promise<void> => {
    const project = await own.projectId();
    await nova.setInstancesQuota(operator, { project, limit });
    watching.journal.append({ type: 'quota', requestId: null, project, resource: 'instances', limit });
  };
  const putQuotaBack = async (): Promise<void> => {
    if (quota === null) return;
    await setQuota(quota);
    quota = null;
  };

  const fate: Fate = {
    killServer: async (id) => {
      await nova.resetToError(operator, id);
      return 'Its state was set to ERROR by an operator (os-resetState).';
    },
    willClose: remember,
    killHost: async (host) => {
      await remember(host);
      if (levers.hostFail === null)
        return `Nothing was done to ${host}: no --host-fail-command was given, so that it is dead by the caller's word only.`;
      killed.add(host);
      await runFor(levers.hostFail, host);
      watching.sightings.setAlive(host, false);
      // Before that, Nova would wait for an answer of it.
      await until(`Nova reports ${host} down`, downWithinSeconds, async () => !(await serviceOf(host)).up);
      return 'It was killed by command, and Nova has noticed.';
    },
    withQuotaForOneMore: async (body) => {
      const { limit, in_use: used } = (await nova.getQuota(own)).instances;
      quota = limit;
      try {
        await setQuota(used + 1);
        return await body();
      } finally {
        await putQuotaBack();
      }
    },
    withEveryTrySpoilt: ({ vnf, pool }, body) =>
      whileSpoilt(own, { vnf, pool, watching, spoil: (id) => nova.resetToError(operator, id) }, body),
    spoiling: 'Every new VM is set to ERROR while it boots (no real cloud misplaces on demand)',
  };

  const bringBack = async (host: string): Promise<void> => {
    if (killed.has(host)) {
      if (levers.hostRecover === null)
        throw new Error(`no --host-recover-command was given: bring ${host} back by hand`);
      await runFor(levers.hostRecover, host);
      watching.sightings.setAlive(host, true);
      killed.delete(host);
    }
    const was = before.get(host);
    if (!was) return;
    const now = await serviceOf(host);
    if (now.forcedDown && !was.forcedDown)
      // Refused until the host has come back and cleaned up behind its evacuated servers.
      await until(`${host} may be up again`, upWithinSeconds, async () => {
        return await nova.forceDown(operator, now.id, false).then(
          () => true,
          () => false,
        );
      });
    if (was.up) await until(`${host} is up again`, upWithinSeconds, async () => (await serviceOf(host)).up);
    if (was.enabled && !now.enabled) await nova.enableService(operator, now.id);
    before.delete(host);
  };

  return {
    fate,
    settled: async () => {
      const isMissed = ({ host, up }: nova.ComputeService): boolean => !up && upAtFirst.has(host) && !before.has(host);
      await until('the hosts are up again', settledWithinSeconds, async () => {
        return !(await nova.listServices(operator)).some(isMissed);
      }).catch(() => undefined);
    },
    putBack: async () => {
      const tasks = [putQuotaBack, ...[...new Set([...before.keys(), ...killed])].map((host) => () => bringBack(host))];
      const ends = await Promise.allSettled(tasks.map(patiently));
      return ends.flatMap((end) => (end.status === 'rejected' ? [`not put back: ${messageOf(end.reason)}`] : []));
    },
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
