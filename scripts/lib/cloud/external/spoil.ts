import type { Note } from '../../../../checker/story';
import { tag } from '../../../../domain/names';
import { ConflictError, NotFoundError, nova, UnavailableError, type Session } from '../../../../openstack';
import { pause } from './waiting';
import type { Watching } from './watching';

/** Between two looks for a new member that is to fail: well below the time that a boot takes. */
const spoilEveryMs = 200;

/** While `body` runs, `spoil` is done to every new server of the pool that has come to a host. */
export async function whileSpoilt<T>(
  session: Session,
  of: {
    readonly vnf: string;
    readonly pool: string;
    readonly watching: Pick<Watching, 'journal'>;
    readonly spoil: (id: string) => Promise<unknown>;
  },
  body: () => Promise<T>,
): Promise<T> {
  const list = (): Promise<nova.Server[]> => nova.listServers(session, { tags: [tag.vnf(of.vnf), tag.pool(of.pool)] });
  const spared = new Set((await list()).map(({ id }) => id));
  const spoilAll = async (): Promise<void> => {
    for (const server of await list()) {
      // Without a host it is not yet in the hands of a compute, whose word would be the last.
      if (spared.has(server.id) || server.hostId === '') continue;
      if (server.status !== 'BUILD' && server.status !== 'ACTIVE') continue;
      try {
        await of.spoil(server.id);
        const note: Note = { kind: 'harmed', vnf: of.vnf, serverId: server.id };
        of.watching.journal.append({ type: 'note', requestId: null, note });
      } catch (error) {
        // It is on its way out already.
        if (!(error instanceof NotFoundError) && !(error instanceof ConflictError)) throw error;
      }
    }
  };
  const over = new AbortController();
  const spoiling = (async () => {
    while (!over.signal.aborted) {
      // A cloud that does not answer is asked again.
      await spoilAll().catch((error: unknown) => {
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
}
