import { z } from 'zod';
import type { CallOptions, Session } from '../call';

/** https://docs.openstack.org/api-ref/placement/#allocation-candidates */

const summary = z.object({ resources: z.record(z.string(), z.object({ capacity: z.number(), used: z.number() })) });
const candidates = z.object({ provider_summaries: z.record(z.string(), summary) });

export interface Provider {
  readonly id: string;
  /** Free now: capacity (ratio applied, reserved taken off) less used, by resource class (`VCPU`, `MEMORY_MB`, `DISK_GB`). */
  readonly free: Readonly<Record<string, number>>;
}

/** Providers that could carry one allocation of these resources now; one that is absent has no room for it. */
export async function listAllocationCandidates(
  session: Session,
  resources: Readonly<Record<string, number>>,
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
    query: { resources: asked },
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
