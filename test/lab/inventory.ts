import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { ourTags, readMarks, readTags } from '../../domain/names';
import { serverGroupIds } from '../../domain/record';
import type { RecordView } from '../../domain/turn';
import { neutron, nova, placement, type Session } from '../../openstack';

/**
 * What Nova, Neutron and Placement have, next to what the records say: nothing that no record has, nothing twice. Said in words, one
 * line for each thing that is too much or missing.
 */
export async function differences(cloud: Session, records: readonly RecordView[]): Promise<string[]> {
  const [servers, ports, securityGroups, serverGroups] = await Promise.all([
    nova.listServers(cloud, { allTenants: true }),
    neutron.listPorts(cloud, {}),
    neutron.listSecurityGroups(cloud),
    nova.listServerGroups(cloud),
  ]);
  const members = records.flatMap((record) =>
    Object.values(record.pools).flatMap((pool) => [...pool.inService, ...pool.failed]),
  );
  const ours = servers.filter((server) => readTags(server.tags).vnf !== undefined);
  const wrong = ours.filter(({ id, status, host }) => {
    const member = members.find(({ serverId }) => serverId === id);
    return member !== undefined && (status !== 'ACTIVE' || host !== member.host);
  });
  const groups = records.flatMap((record) => record.groups);
  return [
    ...wrong.map(({ name, status, host }) => `server ${name} is ${status} on ${String(host)}`),
    ...compared('server', {
      has: ours.map(({ id, name }) => [id, name]),
      recorded: members.map(({ serverId }) => serverId),
    }),
    ...compared('port', {
      has: ports
        .filter(({ description, deviceId }) => isOurs(description) || ours.some(({ id }) => id === deviceId))
        .map(({ id, name }) => [id, name]),
      recorded: members.flatMap(({ portIds }) => portIds),
    }),
    ...compared('security group', {
      has: securityGroups.filter(({ description }) => isOurs(description)).map(({ id, name }) => [id, name]),
      recorded: groups.filter(({ apart }) => apart === undefined).map(({ id }) => id),
    }),
    ...compared('server group', {
      has: serverGroups.filter(({ name }) => isOurs(name)).map(({ id, name }) => [id, name]),
      recorded: serverGroupIds(groups),
    }),
    ...rulesOnce(securityGroups.filter(({ description }) => isOurs(description))),
    ...(await allocationsWrong(cloud, servers)),
  ];
}

function isOurs(description: string): boolean {
  return readMarks(description).vnf !== undefined;
}

function compared(
  kind: string,
  of: { has: readonly (readonly [id: string, name: string])[]; recorded: readonly string[] },
): string[] {
  const there = new Set(of.has.map(([id]) => id));
  const known = new Set(of.recorded);
  return [
    ...of.has.filter(([id]) => !known.has(id)).map(([id, name]) => `${kind} ${name} (${id}) is nobody's`),
    ...[...known].filter((id) => !there.has(id)).map((id) => `${kind} ${id} is recorded and not there`),
  ];
}

function rulesOnce(groups: readonly neutron.SecurityGroup[]): string[] {
  return groups.flatMap(({ name, rules }) => {
    // Of those that Neutron makes by itself there is one for each family of addresses.
    const ours = rules.filter(({ protocol }) => protocol !== null);
    const said = ours.map(({ id: _id, ...rule }) => JSON.stringify(rule));
    return said.filter((rule, index) => said.indexOf(rule) !== index).map((rule) => `${name} has twice: ${rule}`);
  });
}

const allocations = z.object({ allocations: z.record(z.string(), z.unknown()) });

/**
 * Each consumer of Placement is a server that Nova has, on one host, its own. On a host that is down Nova keeps what it cannot end
 * before the host is back: that is not counted.
 */
async function allocationsWrong(cloud: Session, servers: readonly nova.Server[]): Promise<string[]> {
  const services = await nova.listServices(cloud);
  const down = new Set(services.filter(({ up, forcedDown }) => !up || forcedDown).map(({ host }) => host));
  const providers = await placement.listResourceProviders(cloud);
  const consumers = await Promise.all(
    providers
      .filter(({ name }) => !down.has(name))
      .map(async ({ id, name }) => {
        const path = `/resource_providers/${id}/allocations`;
        const found = await cloud.call({ service: 'placement', method: 'GET', path, reply: allocations });
        return Object.keys(found.allocations).map((consumer) => ({ host: name, consumer }));
      }),
  );
  const all = consumers.flat();
  const hostOf = new Map(servers.map((server) => [server.id, server.host]));
  const held = new Set(all.map(({ consumer }) => consumer));
  return [
    ...all
      .filter(({ consumer, host }) => hostOf.get(consumer) !== host)
      .map(({ consumer, host }) =>
        hostOf.has(consumer)
          ? `Placement has server ${consumer} on ${host}, and it is on ${String(hostOf.get(consumer))}`
          : `Placement has ${consumer} on ${host}, and there is no such server`,
      ),
    ...servers
      .filter(({ id, host, status }) => status === 'ACTIVE' && host !== null && !down.has(host) && !held.has(id))
      .map(({ name }) => `Placement has nothing of ${name}`),
  ];
}

/** Whatever is marked as ours, and no record is left to know it: of a suite that was cut off. */
export async function sweep(cloud: Session): Promise<void> {
  // Also what has lost the tag that says whose it is.
  const isMarked = ({ tags }: nova.Server): boolean => ourTags(tags).length > 0;
  await untilNothing(60, async () => {
    const servers = (await nova.listServers(cloud, {})).filter(isMarked);
    for (const { id } of servers) await nova.deleteServer(cloud, id);
    return servers.map(({ name }) => `server ${name} is not gone`);
  });
  for (const { id, description } of await neutron.listPorts(cloud, {}))
    if (isOurs(description)) await neutron.deletePort(cloud, id);
  for (const { id, description } of await neutron.listSecurityGroups(cloud))
    if (isOurs(description)) await neutron.deleteSecurityGroup(cloud, id);
  for (const { id, name } of await nova.listServerGroups(cloud))
    if (isOurs(name)) await nova.deleteServerGroup(cloud, id);
}

/** Those that a maintenance has emptied, or a suite that was cut off has left, are up, open and not forced down any more. */
export async function openHosts(cloud: Session): Promise<void> {
  await untilNothing(60, async () => {
    const services = await nova.listServices(cloud);
    for (const { id, enabled, forcedDown } of services) {
      if (!enabled) await nova.enableService(cloud, id);
      // Refused until what was evacuated from it has been ended there.
      if (forcedDown) await nova.forceDown(cloud, id, false).catch(() => undefined);
    }
    return services
      .filter(({ up, enabled, forcedDown }) => !up || !enabled || forcedDown)
      .map(({ host }) => `${host} is not up and enabled`);
  });
}

/** Looks again until there is nothing to be said, and says the last of it where that does not come to be. */
export async function untilNothing(withinSeconds: number, look: () => Promise<readonly string[]>): Promise<void> {
  const deadline = Date.now() + withinSeconds * 1_000;
  for (;;) {
    const found = await look();
    if (found.length === 0) return;
    if (Date.now() > deadline) throw new Error(`still after ${String(withinSeconds)} s:\n${found.join('\n')}`);
    await pause(500);
  }
}
