import type { HostReason } from './failure';
import type { Resources } from './snapshot';

/** Arithmetic on room: what a host has free, and what members of a flavor take of it. Most clouds have no other classes, and pay nothing for them. */

export const noResources: Resources = { vcpus: 0, ramMb: 0, diskGb: 0 };

/** How many members of a flavor fit into what is free. */
export function slots(free: Resources, flavor: Resources): number {
  const main = Math.min(
    fits(free.vcpus, flavor.vcpus),
    fits(free.ramMb, flavor.ramMb),
    fits(free.diskGb, flavor.diskGb),
  );
  return Math.max(0, flavor.others === undefined ? main : Math.min(main, slotsOfOthers(free, flavor.others)));
}

function fits(have: number, need: number): number {
  return need > 0 ? Math.floor(have / need) : Infinity;
}

type Amounts = NonNullable<Resources['others']>;

function slotsOfOthers({ others = {} }: Resources, wanted: Amounts): number {
  return Math.min(...Object.entries(wanted).map(([name, need]) => fits(others[name] ?? 0, need)));
}

/** Why not even one fits. */
export function shortOf(free: Resources, flavor: Resources): HostReason {
  if (free.vcpus < flavor.vcpus) return 'NoRoomVcpus';
  if (free.ramMb < flavor.ramMb) return 'NoRoomRam';
  return free.diskGb < flavor.diskGb || flavor.others === undefined ? 'NoRoomDisk' : 'NoRoomOther';
}

/** The other classes of which not even one member's amount is free. */
export function classesShort(free: Resources, flavor: Resources): string[] {
  return Object.entries(flavor.others ?? {}).flatMap(([name, need]) =>
    (free.others?.[name] ?? 0) < need ? [name] : [],
  );
}

/** Whether members of `other` take any of what `flavor` finds too little of. */
export function competes(free: Resources, flavor: Resources, other: Resources): boolean {
  return (
    (free.vcpus < flavor.vcpus && other.vcpus > 0) ||
    (free.ramMb < flavor.ramMb && other.ramMb > 0) ||
    (free.diskGb < flavor.diskGb && other.diskGb > 0) ||
    (flavor.others !== undefined && classesShort(free, flavor).some((name) => (other.others?.[name] ?? 0) > 0))
  );
}

/** What is left of it without so many of the flavor; with as many more where they are below zero. */
export function less(free: Resources, flavor: Resources, members = 1): Resources {
  const left = {
    vcpus: free.vcpus - members * flavor.vcpus,
    ramMb: free.ramMb - members * flavor.ramMb,
    diskGb: free.diskGb - members * flavor.diskGb,
  };
  if (flavor.others === undefined) return free.others === undefined ? left : { ...left, others: free.others };
  const others: Record<string, number> = { ...free.others };
  for (const [name, amount] of Object.entries(flavor.others)) others[name] = (others[name] ?? 0) - members * amount;
  return { ...left, others };
}

/** What so many members of a flavor take. */
export function times(flavor: Resources, members: number): Resources {
  return less(noResources, flavor, -members);
}

export function plus(a: Resources, b: Resources): Resources {
  return less(a, b, -1);
}

/** `4 vCPUs, 8192 MB and 40 GB`, `4 vCPUs, 8192 MB, 40 GB and 2 VGPU`. */
export function resourcesSaid({ vcpus, ramMb, diskGb, others = {} }: Resources): string {
  const all = [
    `${String(vcpus)} vCPUs`,
    `${String(ramMb)} MB`,
    `${String(diskGb)} GB`,
    ...Object.entries(others).map(([name, amount]) => `${String(amount)} ${name}`),
  ];
  return `${all.slice(0, -1).join(', ')} and ${all.at(-1) ?? ''}`;
}
