import { nova, type Session } from '../../../../openstack';
import type { RealFate } from './fate';
import { whileSpoilt } from './spoil';
import type { Watching } from './watching';

/** What fate does to a cloud where nobody has more than a project's own rights. Nothing of it has to be put back. */
export function tenantFate({ own: session, watching }: { own: Session; watching: Watching }): RealFate {
  return {
    settled: () => Promise.resolve(),
    putBack: () => Promise.resolve([]),
    fate: {
      killServer: async (id) => {
        await nova.stopServer(session, id);
        return 'It was switched off.';
      },
      killHost: () =>
        Promise.resolve(
          "Nothing was done to it, since there is no operator here: it is dead by the caller's word only.",
        ),
      willClose: () => Promise.resolve(),
      withQuotaForOneMore: null,
      withEveryTrySpoilt: ({ vnf, pool }, body) =>
        whileSpoilt(session, { vnf, pool, watching, spoil: (id) => nova.deleteServer(session, id) }, body),
      spoiling: 'Every new VM is deleted while it boots (no real cloud misplaces on demand)',
    },
  };
}
