import { z } from 'zod';
import type { CallOptions, Session } from '../call';

/** https://docs.openstack.org/api-ref/compute/#availability-zones-os-availability-zone */

const zoneSchema = z
  .object({
    zoneName: z.string(),
    zoneState: z.object({ available: z.boolean() }),
    /** By host, then by binary: `{"cmp-01": {"nova-compute": …}}`. Null where hosts were not asked for. */
    hosts: z.record(z.string(), z.record(z.string(), z.unknown())).nullish(),
  })
  .transform((raw) => ({
    name: raw.zoneName,
    available: raw.zoneState.available,
    /** Compute hosts. */
    hosts: Object.entries(raw.hosts ?? {}).flatMap(([host, binaries]) => ('nova-compute' in binaries ? [host] : [])),
  }));

const listSchema = z.object({ availabilityZoneInfo: z.array(zoneSchema) });

export type AvailabilityZone = z.infer<typeof zoneSchema>;

/** `detail` adds the hosts, for operators only. Nova's own `internal` zone, of what is no compute, is among them then. */
export async function listAvailabilityZones(
  session: Session,
  options: { readonly detail?: boolean } = {},
  call: CallOptions = {},
): Promise<AvailabilityZone[]> {
  const path = options.detail ? '/os-availability-zone/detail' : '/os-availability-zone';
  return (await session.call({ ...call, service: 'compute', method: 'GET', path, reply: listSchema }))
    .availabilityZoneInfo;
}
