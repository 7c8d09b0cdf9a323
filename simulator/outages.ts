import { sleep, type Cloud } from './model';
import type { Part } from './parts';

/** Parts of the cloud that are away for a while: the services, and what stands behind them. */

/** From now on, instead of what was said before; not at all, for 0 seconds. */
export function takeAway(cloud: Cloud, part: Part, seconds: number): void {
  const before = cloud.outages.get(part);
  before?.cancel();
  const cancel = cloud.clock.after(seconds * 1_000, () => {
    bringBack(cloud, part);
  });
  cloud.outages.set(part, { waiting: before?.waiting ?? [], cancel });
}

function bringBack(cloud: Cloud, part: Part): void {
  const outage = cloud.outages.get(part);
  cloud.outages.delete(part);
  if (outage && part === 'neutron') startsFor(cloud, part, neutronStartsSeconds);
  for (const call of outage?.waiting ?? []) call();
}

/** It listens before it knows who may do what, as measured. */
const neutronStartsSeconds = 1.5;

function startsFor(cloud: Cloud, part: Part, seconds: number): void {
  cloud.starting.add(part);
  cloud.clock.after(seconds * 1_000, () => {
    cloud.starting.delete(part);
  });
}

export function isAway(cloud: Cloud, part: Part): boolean {
  return cloud.outages.has(part);
}

/** Now, or when all of them are here. */
export function onceHere(cloud: Cloud, wanted: readonly Part[], call: () => void): void {
  for (const part of wanted) {
    const outage = cloud.outages.get(part);
    if (!outage) continue;
    outage.waiting.push(() => {
      onceHere(cloud, wanted, call);
    });
    return;
  }
  call();
}

/** How long Nova's own clients try before they give up, as measured. */
const givesUpAfterSeconds = { neutron: 3.6, glance: 3 } as const;

/** Whether Nova got through to it, after the time that it takes to find out that it did not. */
export async function reaches(cloud: Cloud, part: 'neutron' | 'glance'): Promise<boolean> {
  if (!isAway(cloud, part)) return true;
  await sleep(cloud, givesUpAfterSeconds[part] * 1_000);
  return false;
}
