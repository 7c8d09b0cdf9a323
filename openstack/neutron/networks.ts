import { z } from 'zod';
import { listAll, pageOf } from '../paging';
import type { CallOptions, Session } from '../call';

/** https://docs.openstack.org/api-ref/network/v2/#networks */

const networkSchema = z.object({ id: z.string(), name: z.string() });

const page = pageOf('networks', networkSchema);

export type Network = z.infer<typeof networkSchema>;

export async function listNetworks(session: Session, call: CallOptions = {}): Promise<Network[]> {
  return await listAll(session, { service: 'network', path: '/networks', page }, call);
}
