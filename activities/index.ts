import type { Activities, CloudActivities, WaitActivities } from './ports';
import type { Dependencies } from './dependencies';
import {
  closeHostsActivity,
  findDeadActivity,
  findOnHostsActivity,
  lookAtClosedActivity,
  reopenHostsActivity,
} from './cloud/hosts';
import { createGroupsActivity, removeGroupsActivity } from './cloud/groups';
import { evacuateActivity } from './cloud/evacuate';
import { launchActivity } from './cloud/launch';
import { planActivity, planEmptyHostsActivity } from './cloud/plan';
import { publishActivity } from './cloud/publish';
import { removeActivity, removeByTokenActivity } from './cloud/remove';
import { guarded } from './errors';
import { recordActivities } from './record';
import { awaitHealthyActivity } from './wait/awaitHealthy';
import { drainActivity } from './wait/drain';
import { unfenceHostsActivity } from './wait/unfence';
import { watchActivity } from './watch/watch';

export type { Dependencies } from './dependencies';
export { namesIn } from './names-in-cloud';
export { pacedServicePort, type ServicePort } from './service-port';

/** All activities over one set of dependencies; a worker registers those of its task queue. */
export function createActivities(dependencies: Dependencies): Activities {
  const cloud: CloudActivities = {
    plan: planActivity(dependencies),
    planEmptyHosts: planEmptyHostsActivity(dependencies),
    createGroups: createGroupsActivity(dependencies),
    removeGroups: removeGroupsActivity(dependencies),
    evacuate: evacuateActivity(dependencies),
    launch: launchActivity(dependencies),
    remove: removeActivity(dependencies),
    removeByToken: removeByTokenActivity(dependencies),
    publish: publishActivity(dependencies),
    findDead: findDeadActivity(dependencies),
    findOnHosts: findOnHostsActivity(dependencies),
    closeHosts: closeHostsActivity(dependencies),
    reopenHosts: reopenHostsActivity(dependencies),
    lookAtClosed: lookAtClosedActivity(dependencies),
  };
  const wait: WaitActivities = {
    awaitHealthy: awaitHealthyActivity(dependencies),
    drain: drainActivity(dependencies),
    unfenceHosts: unfenceHostsActivity(dependencies),
  };
  return {
    ...recordActivities(dependencies),
    ...withMappedErrors(cloud),
    ...withMappedErrors(wait),
    watch: watchActivity(dependencies),
  };
}

type Calls = Readonly<Record<string, (input: never) => Promise<unknown>>>;

function withMappedErrors<T extends object>(activities: T): T {
  const entries = Object.entries(activities as Calls).map(([name, activity]) => [
    name,
    (input: never) => guarded(() => activity(input)),
  ]);
  return Object.fromEntries(entries) as T;
}
