import { ForbiddenError, neutron, type CallOptions, type Session } from '../../openstack';
import { inParallel } from '../parallel';

/** They go in no order. */
export const portsAtOnce = 5;

/**
 * Deletes ports, and gives those that could not be. Neutron lets a tenant delete no port that a server has: the server has to go
 * first. A create that is still on its way has none yet, and fails without its ports.
 */
export async function deletePorts(
  session: Session,
  ids: readonly string[],
  call: () => CallOptions,
): Promise<string[]> {
  const held = new Set<string>();
  await inParallel(ids, portsAtOnce, async (id) => {
    if (!(await isDeleted(session, id, call))) held.add(id);
  });
  return ids.filter((id) => held.has(id));
}

async function isDeleted(session: Session, id: string, call: () => CallOptions): Promise<boolean> {
  try {
    await neutron.deletePort(session, id, call());
    return true;
  } catch (error) {
    if (!(error instanceof ForbiddenError)) throw error;
    const [port] = await neutron.listPorts(session, { ids: [id] }, call());
    if (port && port.deviceId !== '') return false;
    // Its server has let go of it meanwhile, or it was never the reason.
    await neutron.deletePort(session, id, call());
    return true;
  }
}
