/**
 * Resource classes besides vCPUs, RAM and disk. Those of CPUs are the host's provider's own; devices are on one below it, as Nova's drivers
 * report them, and what others make there is too.
 */

export interface Resources {
  readonly vcpus: number;
  readonly ramMb: number;
  readonly diskGb: number;
  /** Of other resource classes, by class: `{PCPU: 8, VGPU: 2}`. */
  readonly others?: Amounts;
}

type Amounts = Readonly<Record<string, number>>;

export interface Inventory {
  /** Of the provider: the host's own id, or that of a child. */
  readonly id: string;
  readonly name: string;
  /** By class. */
  total: Readonly<Record<string, number>>;
  /** By server. */
  readonly held: Map<string, Readonly<Record<string, number>>>;
}

export const mainClasses: readonly string[] = ['VCPU', 'MEMORY_MB', 'DISK_GB'];

export function inventoriesFor(
  { id, name }: { readonly id: string; readonly name: string },
  others: Amounts = {},
  newChild: () => string,
): Inventory[] {
  const { PCPU, ...devices } = others;
  return [
    ...(PCPU === undefined ? [] : [{ id, name, total: { PCPU }, held: new Map<string, Amounts>() }]),
    ...(Object.keys(devices).length === 0
      ? []
      : [{ id: newChild(), name: `${name}_devices`, total: devices, held: new Map<string, Amounts>() }]),
  ];
}

export function usedOf({ total, held }: Inventory): Record<string, number> {
  const used = Object.fromEntries(Object.keys(total).map((name) => [name, 0]));
  for (const amounts of held.values())
    for (const [name, amount] of Object.entries(amounts)) used[name] = (used[name] ?? 0) + amount;
  return used;
}

/** A host, as its compute service reports it. */
interface Reported {
  readonly inventories: readonly Inventory[];
}

/** Where each class would be taken: all of it from one provider. Null where there is none for one of them. */
export function placesFor({ inventories }: Reported, others: Amounts): ReadonlyMap<Inventory, Amounts> | null {
  const places = new Map<Inventory, Record<string, number>>();
  for (const [name, amount] of Object.entries(others)) {
    const place = inventories.find((each) => (each.total[name] ?? 0) - (usedOf(each)[name] ?? 0) >= amount);
    if (!place) return null;
    places.set(place, { ...places.get(place), [name]: amount });
  }
  return places;
}

export function holdOthers(host: Reported, serverId: string, others: Amounts): void {
  for (const [inventory, amounts] of placesFor(host, others) ?? []) inventory.held.set(serverId, amounts);
}

export function totalOthers({ inventories }: Reported): Pick<Resources, 'others'> {
  const others: Record<string, number> = {};
  for (const { total } of inventories)
    for (const [name, amount] of Object.entries(total)) others[name] = (others[name] ?? 0) + amount;
  return inventories.length > 0 ? { others } : {};
}

interface Sized extends Resources {
  readonly ephemeralGb?: number;
  readonly swapMb?: number;
  readonly extraSpecs?: Readonly<Record<string, string>>;
}

const asked = new WeakMap<Sized, Resources>();

/** What a server of it takes of its host: what its extra specs ask for, and where they say nothing its sizes. */
export function asksOf(flavor: Sized): Resources {
  const known = asked.get(flavor) ?? translated(flavor);
  asked.set(flavor, known);
  return known;
}

function translated({ vcpus, ramMb, diskGb, ephemeralGb = 0, swapMb = 0, extraSpecs = {} }: Sized): Resources {
  const said: Record<string, number> = {};
  for (const [spec, amount] of Object.entries(extraSpecs)) {
    const name = /^resources[A-Za-z0-9_-]*:(.+)$/.exec(spec)?.[1];
    if (name !== undefined) said[name] = (said[name] ?? 0) + Number(amount);
  }
  const pinned = pinnedOf(vcpus, extraSpecs);
  const isPinned = pinned > 0 || said['PCPU'] !== undefined;
  const shared = extraSpecs['hw:cpu_policy'] === 'mixed' ? vcpus - pinned : isPinned ? 0 : vcpus;
  const isolated = pinned > 0 && extraSpecs['hw:emulator_threads_policy'] === 'isolate' ? 1 : 0;
  if (pinned > 0) said['PCPU'] = pinned + isolated;
  const disks = diskGb + ephemeralGb + Math.ceil(swapMb / 1_024);
  const { VCPU = shared, MEMORY_MB = ramMb, DISK_GB = disks, ...rest } = said;
  const others = Object.fromEntries(Object.entries(rest).filter(([, amount]) => amount > 0));
  return { vcpus: VCPU, ramMb: MEMORY_MB, diskGb: DISK_GB, ...(Object.keys(others).length > 0 && { others }) };
}

/** A mask names its CPUs one by one, or in ranges. */
function pinnedOf(vcpus: number, specs: Readonly<Record<string, string>>): number {
  const { 'hw:cpu_policy': policy, 'hw:cpu_dedicated_mask': mask = '' } = specs;
  if (policy === 'dedicated') return vcpus;
  if (policy !== 'mixed') return 0;
  return mask.split(',').reduce((sum, each) => {
    const [first = 0, last = first] = each.split('-').map(Number);
    return sum + last - first + 1;
  }, 0);
}
