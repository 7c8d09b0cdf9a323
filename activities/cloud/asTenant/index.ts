import type { Dependencies } from '../../dependencies';
import type { WayIn } from '../../way-in';
import { listOf, removeServerGroups } from './groups';
import { findDeadActivity, findOnHostsActivity, refuseToLookAtClosed } from './hosts';
import { readSnapshot } from './snapshot';

/** No host is seen by name, and none can be closed: what is new is kept off one by where it is verified to be. */
export function asTenant(dependencies: Dependencies): WayIn {
  return {
    hostOf: ({ hostId }) => (hostId === '' ? null : hostId),
    whyNoStrangers:
      'A tenant keeps members apart by server groups, and Nova takes a server into a group only when it is made: servers that were made by other means cannot be kept apart from new ones. Adopt them as an operator, or instantiate anew.',
    showsDomains: false,
    readDomains: () => Promise.resolve(null),
    readForcedDown: () => Promise.resolve(new Set()),
    readSnapshot: (of, call) => readSnapshot(dependencies, of, call),
    listServerGroups: (vnf, call) => listOf(dependencies, vnf, call),
    removeServerGroups: (of, deadline) => removeServerGroups(dependencies, of, deadline),
    findDead: findDeadActivity(dependencies),
    findOnHosts: findOnHostsActivity(dependencies),
    closeHosts: () => Promise.resolve({ closed: [], fenced: [] }),
    reopenHosts: () => Promise.resolve(),
    lookAtClosed: refuseToLookAtClosed,
    unfenceHosts: () => Promise.resolve({ forced: [], down: [] }),
  };
}
