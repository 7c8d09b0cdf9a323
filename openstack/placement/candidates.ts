import { z } from 'zod';
import type { CallOptions, Session } from '../call';
import type { AllocationRequest } from './request';

/** https://docs.openstack.org/api-ref/placement/#allocation-candidates */

const summary = z.object({
  resources: z.record(z.string(), z.object({ capacity: z.number(), used: z.number() })),
  root_provider_uuid: z.string(),
});
const candidates = z.object({ provider_summaries: z.record(z.string(), summary) });

/** A compute host's, with all those below it: a GPU, or a PCI device, has one of its own. */
export interface ProviderTree {
  /** Of the root. */
  readonly id: string;
  /** Free now: capacity (ratio applied, reserved taken off) less used, by resource class (`VCPU`, `MEMORY_MB`, `VGPU`), over the whole tree. */
  readonly free: Readonly<Record<string, number>>;
}

/** Those that could carry one such allocation now; one that is absent has no room for it, or is not of that kind. */
export async function listAllocationCandidates(
  session: Session,
  { resources, traits = [] }: AllocationRequest,
  call: CallOptions = {},
): Promise<ProviderTree[]> {
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
  const trees = new Map<string, Record<string, number>>();
  for (const { resources: has, root_provider_uuid: root } of Object.values(summaries)) {
    const free = trees.get(root) ?? {};
    for (const [name, { capacity, used }] of Object.entries(has)) free[name] = (free[name] ?? 0) + capacity - used;
    trees.set(root, free);
  }
  return [...trees].map(([id, free]) => ({ id, free }));
}

const provider = z.object({ uuid: z.string(), name: z.string(), parent_provider_uuid: z.string().nullable() });
const providers = z.object({ resource_providers: z.array(provider) });

/** Those that are below no other. For a compute host the provider's name is the hypervisor's host name, with which also those below it begin. */
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
  return found.flatMap(({ uuid, name, parent_provider_uuid: parent }) => (parent === null ? [{ id: uuid, name }] : []));
}
