import { readMarks, tag } from '../../../../domain/names';
import { ConflictError, neutron, nova, placement, type Session } from '../../../../openstack';
import type { Rights } from './rights';
import { patiently, pause } from './waiting';

/** What is of a VNF in Nova, Neutron and, where an operator may look, Placement, and its removal where a demo was stopped in the middle. */

interface Inventory {
  readonly servers: readonly nova.Server[];
  readonly ports: readonly neutron.Port[];
  readonly groups: readonly neutron.SecurityGroup[];
  readonly serverGroups: readonly nova.ServerGroup[];
}

const removeWithinSeconds = 90;
const againMs = 1_000;

/** All of the VNF, which was not there before: what is found is what was made here. `servers`: ids of all that ever were. */
export async function removeAll(
  { own: session, operator }: Pick<Rights, 'own' | 'operator'>,
  of: { vnf: string; servers: readonly string[] },
): Promise<string[]> {
  const { vnf } = of;
  const until = Date.now() + removeWithinSeconds * 1_000;
  // Twice in a row: a create may still have been on its way.
  for (let clean = 0; ;) {
    const inventory = await patiently(() => inventoryOf(session, vnf));
    const { servers, ports, groups, serverGroups } = inventory;
    const held = operator ? await patiently(() => heldInPlacement(operator, of.servers)) : [];
    const left = [...namesIn(inventory), ...held.map((id) => `allocations of server ${id} in Placement`)];
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
    if (servers.length === 0)
      for (const { id } of serverGroups) await patiently(() => nova.deleteServerGroup(session, id));
    await pause(againMs);
  }
}

/** What is there of the VNF now, for people; empty where nothing is. */
export async function leftOf(session: Session, vnf: string): Promise<string[]> {
  return namesIn(await inventoryOf(session, vnf));
}

function namesIn({ servers, ports, groups, serverGroups }: Inventory): string[] {
  return [
    ...servers.map(({ name, status }) => `server ${name} (${status})`),
    ...ports.map(({ name }) => `port ${name}`),
    ...groups.map(({ name }) => `security group ${name}`),
    ...serverGroups.map(({ name }) => `server group ${name}`),
  ];
}

async function inventoryOf(session: Session, vnf: string): Promise<Inventory> {
  const [servers, ports, groups, serverGroups] = await Promise.all([
    nova.listServers(session, { tags: [tag.vnf(vnf)] }),
    neutron.listPorts(session, {}),
    neutron.listSecurityGroups(session),
    nova.listServerGroups(session),
  ]);
  const isOurs = ({ description }: { description: string }): boolean => readMarks(description).vnf === vnf;
  return {
    servers,
    ports: ports.filter(isOurs),
    groups: groups.filter(isOurs),
    serverGroups: serverGroups.filter(({ name }) => readMarks(name).vnf === vnf),
  };
}

async function heldInPlacement(session: Session, servers: readonly string[]): Promise<string[]> {
  const held: string[] = [];
  for (const id of servers) if ((await placement.listAllocations(session, id)).length > 0) held.push(id);
  return held;
}
