import { z } from 'zod';
import type { CallOptions, Session } from '../call';
import { segment } from '../segment';

/** https://docs.openstack.org/api-ref/placement/#allocations */

const schema = z.object({ allocations: z.record(z.string(), z.unknown()) });

/** Ids of the providers that hold room for this consumer (a server's id). None for a consumer that nobody knows. */
export async function listAllocations(session: Session, consumer: string, call: CallOptions = {}): Promise<string[]> {
  const path = `/allocations/${segment(consumer)}`;
  const { allocations } = await session.call({ ...call, service: 'placement', method: 'GET', path, reply: schema });
  return Object.keys(allocations);
}
