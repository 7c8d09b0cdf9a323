import type { CloudEvent } from '../../simulator/events';
import type { Note } from '../story';
import type { Scribe } from '../verdict';
import { noteOf, type VnfWorld, type World } from '../world';

/** G4: whenever the record is free and owes nothing, the cloud has of the VNF exactly what the record has. Before the event is taken in. */
export function judgeInventory(world: World, event: CloudEvent, scribe: Scribe): void {
  const note = noteOf(event);
  if (note?.kind !== 'settled') return;
  const { vnf } = note;
  const known = world.vnfs.get(vnf);
  scribe.looked('G4');
  const compare = (what: string, there: readonly string[], owned: readonly string[]): void => {
    const extra = there.filter((id) => !owned.includes(id));
    const missing = owned.filter((id) => !there.includes(id));
    if (extra.length > 0)
      scribe.broken('G4', {
        vnf,
        message: `the cloud has ${String(extra.length)} ${what} of ${vnf} that the record does not know: ${extra.slice(0, 5).join(', ')}`,
      });
    if (missing.length > 0)
      scribe.broken('G4', {
        vnf,
        message: `the record has ${String(missing.length)} ${what} of ${vnf} that the cloud does not have: ${missing.slice(0, 5).join(', ')}`,
      });
  };
  const ours = [...world.servers.values()].filter((server) => server.vnf === vnf);
  // A dead member whose server is gone is still the record's, and waits for its replacement.
  const gone = note.members.filter((member) => !member.inService && !world.servers.has(member.serverId));
  const members = note.members.filter((member) => !gone.includes(member));
  compare(
    'servers',
    ours.map((server) => server.id),
    members.map((member) => member.serverId),
  );
  compare(
    'ports',
    [...world.ports].filter(([, port]) => port.vnf === vnf).map(([id]) => id),
    note.members.flatMap((member) => member.portIds),
  );
  compare(
    'security groups',
    [...world.securityGroups].filter(([, group]) => group.vnf === vnf).map(([id]) => id),
    note.securityGroups,
  );
  compare(
    'server groups',
    [...world.serverGroups].filter(([, group]) => group.vnf === vnf).map(([id]) => id),
    note.serverGroups,
  );
  judgeHosts(world, note, scribe);
  judgeDoubles(
    ours.map((server) => server.name),
    vnf,
    scribe,
  );
  if (known) judgePublication(known, note, scribe);
}

/**
 * Whoever serves is where the record says, also after an evacuation. A tenant's record says a hash in the place of a name: one of them
 * stands for one host, and no two of them for the same.
 */
function judgeHosts(world: World, note: Extract<Note, { kind: 'settled' }>, scribe: Scribe): void {
  const meant = new Map<string, string | null>();
  for (const { serverId, host, inService } of note.members) {
    const server = world.servers.get(serverId);
    if (!inService || !server || server.movedAt !== null) continue;
    const said = world.hosts.has(host) ? host : (meant.get(host) ?? server.host);
    const isTaken = [...meant].some(([other, there]) => other !== host && there === server.host);
    meant.set(host, said);
    if (server.host === said && !isTaken) continue;
    scribe.broken('G4', {
      vnf: note.vnf,
      message: `${server.name} is on ${server.host ?? 'no host'}, and the record has it on ${host}`,
    });
  }
}

function judgeDoubles(names: readonly string[], vnf: string, scribe: Scribe): void {
  const twice = names.filter((name, index) => names.indexOf(name) < index);
  if (twice.length > 0)
    scribe.broken('G4', { vnf, message: `one member, one server: ${twice.join(', ')} exists twice` });
}

/** DNS records are part of the inventory: who is published is who serves. */
function judgePublication(vnf: VnfWorld, note: Extract<Note, { kind: 'settled' }>, scribe: Scribe): void {
  // A VNF that was never published has none to compare.
  if (vnf.publishedAt === null) return;
  for (const [name, pool] of vnf.pools) {
    const serving = note.members
      .filter((member) => member.pool === name && member.inService)
      .map((member) => `${vnf.vnf}-${name}-${String(member.ordinal)}`);
    const wrong = [
      ...serving.filter((member) => !pool.published.has(member)),
      ...[...pool.published].filter((member) => !serving.includes(member)),
    ];
    if (wrong.length > 0)
      scribe.broken('G4', {
        vnf: vnf.vnf,
        pool: name,
        message: `published and in service differ: ${wrong.slice(0, 5).join(', ')}`,
      });
  }
}
