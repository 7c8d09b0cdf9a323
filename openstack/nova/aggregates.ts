import { z } from 'zod';
import type { CallOptions, Session } from '../call';

/** https://docs.openstack.org/api-ref/compute/#host-aggregates-os-aggregates */

const aggregateSchema = z
  .object({
    uuid: z.string(),
    name: z.string(),
    availability_zone: z.string().nullish(),
    hosts: z.array(z.string()).nullish(),
    metadata: z.record(z.string(), z.string()).nullish(),
  })
  .transform((raw) => ({
    /** By which Placement knows it (`memberOf`). */
    id: raw.uuid,
    name: raw.name,
    availabilityZone: raw.availability_zone ?? null,
    hosts: raw.hosts ?? [],
    /** Of its hosts, with `availability_zone` among it where it is a zone. */
    metadata: raw.metadata ?? {},
  }));

const listSchema = z.object({ aggregates: z.array(aggregateSchema) });

export type Aggregate = z.infer<typeof aggregateSchema>;

/** For operators only. */
export async function listAggregates(session: Session, call: CallOptions = {}): Promise<Aggregate[]> {
  const asked = { service: 'compute', method: 'GET', path: '/os-aggregates', reply: listSchema } as const;
  return (await session.call({ ...call, ...asked })).aggregates;
}
