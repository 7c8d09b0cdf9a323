import type { Activities, CloudActivities, DrainActivities, WaitActivities } from './ports';
import type { Dependencies } from './dependencies';
import { markMembersActivity, surveyActivity } from './cloud/adopt';
import { asOperator } from './cloud/asOperator';
import { asTenant } from './cloud/asTenant';
import { createServerGroupsActivity } from './cloud/asTenant/groups';
import { compareActivity, repairActivity } from './cloud/audit';
import { createGroupsActivity, removeGroupsActivity } from './cloud/groups';
import { evacuateActivity } from './cloud/evacuate';
import { findLeftActivity } from './cloud/left';
import { launchActivity } from './cloud/launch';
import { findOrphansActivity, findVnfsActivity } from './cloud/orphans';
import { capacityActivity, planActivity, planEmptyHostsActivity } from './cloud/plan';
import { publishActivity } from './cloud/publish';
import { removeActivity, removeByTokenActivity } from './cloud/remove';
import { guarded } from './errors';
import { handingOn } from './handover';
import { homeCheck } from './home';
import { inParallel } from './parallel';
import { recordActivities } from './record';
import { attemptBegins } from './turn';
import { awaitHealthyActivity } from './wait/awaitHealthy';
import { drainActivity } from './wait/drain';
import { watchActivity } from './watch/watch';
import type { Ways } from './way-in';

export type { Dependencies } from './dependencies';
export { namesIn } from './names-in-cloud';
export { scheduleOrphans } from './record/audits';
export { wayIn, type As } from './way-in';
export { pacedServicePort, type ServicePort } from './service-port';

/** All activities over one set of dependencies; a worker registers those of its task queue. */
export function createActivities(dependencies: Dependencies): Activities {
  const byName = { operator: asOperator(dependencies), tenant: asTenant(dependencies) };
  const ways: Ways = async () => byName[await dependencies.as()];
  const cloud: CloudActivities = {
    plan: planActivity(dependencies, ways),
    capacity: capacityActivity(dependencies, ways),
    planEmptyHosts: planEmptyHostsActivity(dependencies, ways),
    createGroups: createGroupsActivity(dependencies),
    removeGroups: removeGroupsActivity(dependencies, ways),
    createServerGroups: createServerGroupsActivity(dependencies),
    evacuate: evacuateActivity(dependencies),
    launch: launchActivity(dependencies),
    remove: removeActivity(dependencies, ways),
    removeByToken: removeByTokenActivity(dependencies, ways),
    findLeft: findLeftActivity(dependencies, ways),
    publish: publishActivity(dependencies),
    compare: compareActivity(dependencies, ways),
    repair: repairActivity(dependencies),
    findVnfs: findVnfsActivity(dependencies),
    findOrphans: findOrphansActivity(dependencies),
    survey: surveyActivity(dependencies, ways),
    markMembers: markMembersActivity(dependencies),
    findDead: async (input) => (await ways()).findDead(input),
    findOnHosts: async (input) => (await ways()).findOnHosts(input),
    closeHosts: async (input) => (await ways()).closeHosts(input),
    reopenHosts: async (input) => (await ways()).reopenHosts(input),
    lookAtClosed: async (input) => (await ways()).lookAtClosed(input),
  };
  const wait: WaitActivities = {
    awaitHealthy: awaitHealthyActivity(dependencies),
    unfenceHosts: async (input) => (await ways()).unfenceHosts(input),
  };
  const drain: DrainActivities = { drain: drainActivity(dependencies) };
  const isHere = homeCheck(dependencies);
  return {
    ...recordActivities(dependencies),
    ...within(handingOn, cloud, isHere),
    ...within(guarded, wait, isHere),
    ...within(guarded, drain, isHere),
    watch: watchActivity(dependencies),
  };
}

type Calls = Readonly<Record<string, (input: Concerned) => Promise<unknown>>>;
type Attempt = (body: () => Promise<unknown>) => Promise<unknown>;

/** VNFs of one input. */
const askedAtOnce = 10;

function within<T extends object>(attempt: Attempt, activities: T, isHere: (vnf: string) => Promise<void>): T {
  const entries = Object.entries(activities as Calls).map(([name, activity]) => [
    name,
    (input: Concerned) =>
      attempt(async () => {
        attemptBegins();
        await inParallel(vnfsIn(input), askedAtOnce, isHere);
        return await activity(input);
      }),
  ]);
  return Object.fromEntries(entries) as T;
}

/** How an input says which VNFs it is about. */
type Concerned =
  | {
      readonly vnf?: string;
      readonly record?: { readonly vnf: string };
      readonly records?: readonly { readonly vnf: string }[];
    }
  | undefined;

function vnfsIn(input: Concerned): string[] {
  const { vnf, record, records = [] } = input ?? {};
  const named = [vnf, record?.vnf, ...records.map((each) => each.vnf)];
  return [...new Set(named.filter((each) => each !== undefined))];
}
