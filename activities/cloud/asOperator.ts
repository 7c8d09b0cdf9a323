import type { Dependencies } from '../dependencies';
import type { WayIn } from '../way-in';
import { unfenceHostsActivity } from '../wait/unfence';
import { readDomains } from './domains';
import {
  closeHostsActivity,
  findDeadActivity,
  findOnHostsActivity,
  lookAtClosedActivity,
  readForcedDown,
  reopenHostsActivity,
} from './hosts';
import { readSnapshot } from './snapshot';

/** Hosts are seen, asked for by name, closed and opened. */
export function asOperator(dependencies: Dependencies): WayIn {
  return {
    hostOf: ({ host }) => host,
    whyNoStrangers: null,
    showsDomains: true,
    readDomains: async (keys, call) => (keys.length === 0 ? null : readDomains(dependencies.session, keys, call)),
    readForcedDown: (call) => readForcedDown(dependencies.session, call),
    readSnapshot: (of, call) => readSnapshot(dependencies, of, call),
    listServerGroups: () => Promise.resolve([]),
    removeServerGroups: () => Promise.resolve(),
    findDead: findDeadActivity(dependencies),
    findOnHosts: findOnHostsActivity(dependencies),
    closeHosts: closeHostsActivity(dependencies),
    reopenHosts: reopenHostsActivity(dependencies),
    lookAtClosed: lookAtClosedActivity(dependencies),
    unfenceHosts: unfenceHostsActivity(dependencies),
  };
}
