import { readMarks, tag } from '../../../../domain/names';
import { ConflictError, neutron, nova, placement, type Session } from '../../../../openstack';
import { patiently, pause } from './waiting';

/** What is of a VNF in Nova, Neutron and Placement, and its removal where a demo was stopped in the middle. */

interface Inventory {
  readonly servers: readonly nova.Server[];
  readonly ports: readonly neutron.Port[];
  readonly groups: readonly neutron.SecurityGroup[];
}

const removeWithinSeconds = 90;
const againMs = 1_000;

/** All of the VNF, which was not there before: what is found is what was made here. `servers`: ids of all that ever were. */
export async function removeAll(session: Session, of: { vnf: string; servers: readonly string[] }): Promise<string[]> {
  const { vnf } = of;
  const until = Date.now() + removeWithinSeconds * 1_000;
  // Twice in a row: a create may still have been on its way.
  for (let clean = 0; ;) {
    const { servers, ports, groups } = await patiently(() => inventoryOf(session, vnf));
    const held = await patiently(() => heldInPlacement(session, of.servers));
    const left = [
      ...servers.map(({ name, status }) => `server ${name} (${status})`),
      ...ports.map(({ name }) => `port ${name}`),
      ...groups.map(({ name }) => `security group ${name}`),
      ...held.map((id) => `allocations of server ${id} in Placement`),
    ];
    clean = left.length === 0 ? clean + 1 : 0;
    if (clean === 2) return [];
    if (Date.now() > until) return left.map((each) => `left in the cloud: ${each}`);
    for (const { id } of servers) await patiently(() => nova.deleteServer(session, id));
    // Those of servers go when their server is gone: a port is not to be taken from under it.
    const alive = new Set(servers.map(({ id }) => id));
    for (const { id } of ports.filter(({ deviceId }) => !alive.has(deviceId)))
      await patiently(() => neutron.deletePort(session, id));
    if (servers.length + ports.length === 0)
      for (const { id } of groups)
        await patiently(() => neutron.deleteSecurityGroup(session, id)).catch((error: unknown) => {
          if (!(error instanceof ConflictError)) throw error;
        });
    await pause(againMs);
  }
}

async function inventoryOf(session: Session, vnf: string): Promise<Inventory> {
  const [servers, ports, groups] = await Promise.all([
    nova.listServers(session, { tags: [tag.vnf(vnf)] }),
    neutron.listPorts(session, {}),
    neutron.listSecurityGroups(session),
  ]);
  const isOurs = ({ description }: { description: string }): boolean => readMarks(description).vnf === vnf;
  return { servers, ports: ports.filter(isOurs), groups: groups.filter(isOurs) };
}

async function heldInPlacement(session: Session, servers: readonly string[]): Promise<string[]> {
  const held: string[] = [];
  for (const id of servers) if ((await placement.listAllocations(session, id)).length > 0) held.push(id);
  return held;
}
