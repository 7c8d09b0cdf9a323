import { z } from 'zod';
import type { CallOptions, Session } from '../call';
import type { Flavor } from '../nova/flavors';

/** https://docs.openstack.org/api-ref/placement/#allocation-candidates */

const summary = z.object({ resources: z.record(z.string(), z.object({ capacity: z.number(), used: z.number() })) });
const candidates = z.object({ provider_summaries: z.record(z.string(), summary) });

export interface Provider {
  readonly id: string;
  /** Free now: capacity (ratio applied, reserved taken off) less used, by resource class (`VCPU`, `MEMORY_MB`, `DISK_GB`). */
  readonly free: Readonly<Record<string, number>>;
}

/** One unnumbered request group. */
export interface AllocationRequest {
  readonly resources: Readonly<Record<string, number>>;
  /** As the service takes them: `HW_CPU_X86_AVX`, or `!COMPUTE_STATUS_DISABLED` for one that a provider must not have. */
  readonly traits?: readonly string[];
}

/** What a server of a flavor asks for. Numbered groups of its extra specs are left out: they only ask for more. */
export function requestOf({ vcpus, ram, disk, extra_specs: specs }: Omit<Flavor, 'id' | 'name'>): AllocationRequest {
  const under = (prefix: string): [string, string][] =>
    Object.entries(specs).flatMap(([key, value]): [string, string][] =>
      key.startsWith(prefix) ? [[key.slice(prefix.length), value]] : [],
    );
  const asked = under('resources:').map(([name, amount]): [string, number] => [name, Number(amount)]);
  return {
    resources: { VCPU: vcpus, MEMORY_MB: ram, DISK_GB: disk, ...Object.fromEntries(asked) },
    traits: under('trait:').flatMap(([name, word]) =>
      word === 'required' ? name : word === 'forbidden' ? `!${name}` : [],
    ),
  };
}

/** Providers that could carry one such allocation now; one that is absent has no room for it, or is not of that kind. */
export async function listAllocationCandidates(
  session: Session,
  { resources, traits = [] }: AllocationRequest,
  call: CallOptions = {},
): Promise<Provider[]> {
  const asked = Object.entries(resources)
    .filter(([, amount]) => amount > 0)
    .map(([name, amount]) => `${name}:${String(amount)}`)
    .join(',');
  const { provider_summaries: summaries } = await session.call({
    ...call,
    service: 'placement',
    method: 'GET',
    path: '/allocation_candidates',
    query: { resources: asked, ...(traits.length > 0 && { required: traits.join(',') }) },
    reply: candidates,
  });
  return Object.entries(summaries).map(([id, { resources: has }]) => ({
    id,
    free: Object.fromEntries(Object.entries(has).map(([name, { capacity, used }]) => [name, capacity - used])),
  }));
}

const providers = z.object({ resource_providers: z.array(z.object({ uuid: z.string(), name: z.string() })) });

/** For a compute host the provider's name is the hypervisor's host name. */
export async function listResourceProviders(
  session: Session,
  call: CallOptions = {},
): Promise<{ id: string; name: string }[]> {
  const { resource_providers: found } = await session.call({
    ...call,
    service: 'placement',
    method: 'GET',
    path: '/resource_providers',
    reply: providers,
  });
  return found.map(({ uuid, name }) => ({ id: uuid, name }));
}
