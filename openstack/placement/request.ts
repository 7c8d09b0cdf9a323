import type { Flavor } from '../nova/flavors';

/**
 * What Nova asks of Placement for a server of a flavor, as its scheduler makes it of the flavor and its extra specs. Properties of images, which
 * may ask for more, are not looked at, nor `hw:pmem`, `hw:mem_encryption` and PCI aliases.
 *
 * https://opendev.org/openstack/nova/src/branch/master/nova/scheduler/utils.py (`ResourceRequest.from_request_spec`)
 */

/** One unnumbered request group. */
export interface AllocationRequest {
  readonly resources: Readonly<Record<string, number>>;
  /** As the service takes them: `HW_CPU_X86_AVX`, or `!COMPUTE_STATUS_DISABLED` for one that a provider must not have. */
  readonly traits?: readonly string[];
}

type Sized = Omit<Flavor, 'id' | 'name'>;

/** Numbered groups of the extra specs are left out: they only ask for more. Where there is nothing else, they are asked for as one. */
export function requestOf(flavor: Sized): AllocationRequest {
  const { unnumbered } = groupsOf(flavor);
  return {
    resources: Object.keys(unnumbered).length > 0 ? unnumbered : amountsOf(flavor),
    traits: traitsOf(flavor.extra_specs),
  };
}

/** By resource class, all groups together. Nothing of what it asks 0 of. */
export function amountsOf(flavor: Sized): Readonly<Record<string, number>> {
  const { unnumbered, numbered } = groupsOf(flavor);
  const sums: Record<string, number> = {};
  for (const [name, amount] of [...Object.entries(unnumbered), ...numbered]) sums[name] = (sums[name] ?? 0) + amount;
  return sums;
}

const key = /^resources([a-zA-Z0-9_-]{1,64})?:([A-Z0-9_]+)$/;

interface Groups {
  readonly unnumbered: Readonly<Record<string, number>>;
  readonly numbered: readonly (readonly [name: string, amount: number])[];
}

function groupsOf({ vcpus, ram, disk, extra_specs: specs }: Sized): Groups {
  const asked = Object.entries(specs).flatMap(([spec, amount]) => {
    const [, group, name] = key.exec(spec) ?? [];
    return name !== undefined && /^\d+$/.test(amount) ? [{ group, name, amount: Number(amount) }] : [];
  });
  const own = asked.flatMap(({ group, name, amount }) => (group === undefined ? [[name, amount] as const] : []));
  const numbered = asked.flatMap(({ group, name, amount }) => (group === undefined ? [] : [[name, amount] as const]));
  const said = { ...Object.fromEntries(own), ...pinned(vcpus, specs) };
  const isSaid = (...names: readonly string[]): boolean =>
    names.some((name) => name in said || numbered.some(([each]) => each === name));
  const unnumbered = {
    ...(!isSaid('VCPU', 'PCPU') && { VCPU: vcpus }),
    ...(!isSaid('MEMORY_MB') && { MEMORY_MB: ram }),
    ...(!isSaid('DISK_GB') && { DISK_GB: disk }),
    ...said,
  };
  // 0 is a way to say that something is not asked for.
  return {
    unnumbered: Object.fromEntries(Object.entries(unnumbered).filter(([, amount]) => amount > 0)),
    numbered: numbered.filter(([, amount]) => amount > 0),
  };
}

/** CPUs of its own, in place of shared ones or beside them. */
function pinned(vcpus: number, specs: Sized['extra_specs']): Readonly<Record<string, number>> {
  const policy = specs['hw:cpu_policy'];
  const emulator = specs['hw:emulator_threads_policy'] === 'isolate' ? 1 : 0;
  if (policy === 'dedicated') return { PCPU: vcpus + emulator };
  if (policy !== 'mixed') return {};
  const realtime = isTrue(specs['hw:cpu_realtime']) ? specs['hw:cpu_realtime_mask'] : undefined;
  const dedicated = cpusIn(specs['hw:cpu_dedicated_mask'] ?? realtime ?? '', vcpus);
  return { VCPU: vcpus - dedicated, PCPU: dedicated + emulator };
}

function isTrue(text: string | undefined): boolean {
  return ['1', 't', 'true', 'on', 'y', 'yes'].includes(text?.trim().toLowerCase() ?? '');
}

/** How many of a flavor's CPUs a mask names: `2-5,^3`, or `^0-1` of all but these. */
function cpusIn(mask: string, vcpus: number): number {
  const rules = (mask.trim().startsWith('^') ? `0-${String(vcpus - 1)},${mask}` : mask).split(',');
  const [taken, left] = [new Set<number>(), new Set<number>()];
  for (const rule of rules) {
    const [, not, first, last] = /^(\^?)(\d+)(?:-(\d+))?$/.exec(rule.replaceAll(' ', '')) ?? [];
    for (let cpu = Number(first); cpu <= Math.min(Number(last ?? first), vcpus - 1); cpu++)
      (not === '^' ? left : taken).add(cpu);
  }
  return [...taken].filter((cpu) => !left.has(cpu)).length;
}

function traitsOf(specs: Sized['extra_specs']): string[] {
  const said = Object.entries(specs).flatMap(([spec, word]) => {
    if (!spec.startsWith('trait:')) return [];
    const name = spec.slice('trait:'.length);
    return word === 'required' ? name : word === 'forbidden' ? `!${name}` : [];
  });
  const threads = { require: ['HW_CPU_HYPERTHREADING'], isolate: ['!HW_CPU_HYPERTHREADING'] };
  const policy = specs['hw:cpu_thread_policy'];
  return [...said, ...(policy === 'require' || policy === 'isolate' ? threads[policy] : [])];
}
