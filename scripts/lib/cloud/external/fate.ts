import { tag } from '../../../../domain/names';
import { ConflictError, NotFoundError, nova, UnavailableError, type Session } from '../../../../openstack';
import type { Fate } from '../cloud';
import { keepHosts } from './hosts';
import { runFor, type Levers } from './levers';
import { patiently, pause, until } from './waiting';
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
/** Between two looks for a new member that is to fail: well below the time that a boot takes. */
const spoilEveryMs = 200;

export async function realFate(given: {
  readonly session: Session;
  readonly levers: Levers;
  readonly watching: Watching;
}): Promise<RealFate> {
  const { session, levers, watching } = given;
  const upAtFirst = new Set((await nova.listServices(session)).flatMap(({ host, up }) => (up ? [host] : [])));
  let quota: number | null = null;

  const hosts = keepHosts({
    session,
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
    await nova.setInstancesQuota(session, limit);
    const project = await session.projectId();
    watching.journal.append({ type: 'quota', requestId: null, project, resource: 'instances', limit });
  };
  const putQuotaBack = async (): Promise<void> => {
    if (quota === null) return;
    await setQuota(quota);
    quota = null;
  };

  const fate: Fate = {
    killServer: async (id) => {
      await nova.resetToError(session, id);
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
      const { limit, in_use: used } = (await nova.getQuota(session)).instances;
      quota = limit;
      try {
        await setQuota(used + 1);
        return await body();
      } finally {
        await putQuotaBack();
      }
    },
    withEveryTrySpoilt: async ({ vnf, pool }, body) => {
      const list = (): Promise<nova.Server[]> => nova.listServers(session, { tags: [tag.vnf(vnf), tag.pool(pool)] });
      const spared = new Set((await list()).map(({ id }) => id));
      const spoil = async (): Promise<void> => {
        for (const server of await list()) {
          // Without a host it is not yet in the hands of a compute, whose word would be the last.
          if (spared.has(server.id) || server.host === null) continue;
          if (server.status !== 'BUILD' && server.status !== 'ACTIVE') continue;
          await nova.resetToError(session, server.id).catch((error: unknown) => {
            // It is on its way out already.
            if (!(error instanceof NotFoundError) && !(error instanceof ConflictError)) throw error;
          });
        }
      };
      const over = new AbortController();
      const spoiling = (async () => {
        while (!over.signal.aborted) {
          // A cloud that does not answer is asked again.
          await spoil().catch((error: unknown) => {
            if (!(error instanceof UnavailableError)) throw error;
          });
          await pause(spoilEveryMs);
        }
      })();
      const spoilt = spoiling.then(
        () => null,
        (error: unknown) => new Error('the tries could not be spoilt', { cause: error }),
      );
      const result = await body().finally(() => {
        over.abort();
      });
      const failed = await spoilt;
      if (failed) throw failed;
      return result;
    },
    spoiling: 'Every new VM is set to ERROR while it boots (no real cloud misplaces on demand)',
  };

  return {
    fate,
    settled: async () => {
      const isMissed = ({ host, up }: nova.ComputeService): boolean =>
        !up && upAtFirst.has(host) && !hosts.isTouched(host);
      await until('the hosts are up again', settledWithinSeconds, async () => {
        return !(await nova.listServices(session)).some(isMissed);
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
