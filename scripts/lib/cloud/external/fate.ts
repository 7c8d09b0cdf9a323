import { nova, type Session } from '../../../../openstack';
import type { Fate } from '../cloud';
import { keepHosts } from './keepHosts';
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
  let quota: number | null = null;

  const hosts = keepHosts({
    session: operator,
    levers: {
      fail: async (host) => {
        if (levers.hostFail === null) throw new Error(`no --host-fail-command was given: ${host} cannot be killed`);
        await runFor(levers.hostFail, host);
        watching.sightings.setAlive(host, false);
      },
      recover: async (host) => {
        if (levers.hostRecover === null)
          throw new Error(`no --host-recover-command was given: bring ${host} back by hand`);
        await runFor(levers.hostRecover, host);
        watching.sightings.setAlive(host, true);
      },
    },
  });
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
    willClose: hosts.remember,
    killHost: async (host) => {
      if (levers.hostFail === null) {
        await hosts.remember(host);
        return `Nothing was done to ${host}: no --host-fail-command was given, so that it is dead by the caller's word only.`;
      }
      await hosts.kill(host);
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

  return {
    fate,
    settled: async () => {
      const isMissed = ({ host, up }: nova.ComputeService): boolean =>
        !up && upAtFirst.has(host) && !hosts.isTouched(host);
      await until('the hosts are up again', settledWithinSeconds, async () => {
        return !(await nova.listServices(operator)).some(isMissed);
      }).catch(() => undefined);
    },
    putBack: async () => {
      const quotaBack = await patiently(putQuotaBack).then(
        () => [],
        (error: unknown) => [`not put back: ${error instanceof Error ? error.message : String(error)}`],
      );
      return [...quotaBack, ...(await hosts.putBack())];
    },
  };
}
