import { z } from 'zod';
import { listAll } from '../paging';
import type { CallOptions, Session } from '../call';

/** https://docs.openstack.org/api-ref/network/v2/#networks */

const networkSchema = z.object({ id: z.string(), name: z.string() });

export type Network = z.infer<typeof networkSchema>;

export async function listNetworks(session: Session, call: CallOptions = {}): Promise<Network[]> {
  const reply = z.object({ networks: z.array(networkSchema) }).transform(({ networks }) => networks);
  return await listAll(session, { service: 'network', path: '/networks', reply }, call);
}
