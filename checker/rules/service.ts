import type { CloudEvent } from '../../simulator/events';
import type { Scribe } from '../verdict';
import { isDead, isStray, levelsOf, noteOf, openRequests, serverNamed, type World } from '../world';

/** G2 before the event is taken in: whoever enters service is there and ACTIVE, and nobody is deleted while serving. */
export function judgeEntry(world: World, event: CloudEvent, scribe: Scribe): void {
  if (event.type === 'server.deleted') {
    const server = world.servers.get(event.id);
    const pool =
      server?.vnf === undefined || server.pool === undefined
        ? undefined
        : world.vnfs.get(server.vnf)?.pools.get(server.pool);
    if (!server || !pool || server.vnf === undefined) return;
    scribe.looked('G2');
    if (
      pool.published.has(server.name) &&
      serverNamed(world, server.vnf, server.name) === server &&
      !isDead(world, server.vnf, server)
    ) {
      scribe.broken('G2', {
        vnf: server.vnf,
        pool: pool.spec.name,
        message: `${server.name} was deleted while it was in service`,
      });
    }
    return;
  }
  if (event.type !== 'published') return;
  const vnf = world.vnfs.get(event.vnf);
  for (const [name, pool] of vnf?.pools ?? []) {
    for (const member of event.service[name] ?? []) {
      if (pool.published.has(member)) continue;
      scribe.looked('G2');
      const server = serverNamed(world, event.vnf, member);
      // Old and new together: those whom a run before has taken out are among the old until the record knows that this was published.
      if (event.stage === 1 && server?.served) continue;
      if (server?.state !== 'ACTIVE' || isStray(server)) {
        scribe.broken('G2', {
          vnf: event.vnf,
          pool: name,
          message: `${member} was put into service and is ${server ? server.state : 'not there'}`,
        });
      }
    }
  }
}

/** G2 after the event: never fewer in service than the smallest of the levels and what there was, the dead aside. */
export function judgeService(world: World, event: CloudEvent, scribe: Scribe): void {
  const note = noteOf(event);
  const id = event.type === 'published' ? event.vnf : note?.kind === 'settled' ? note.vnf : undefined;
  const vnf = id === undefined ? undefined : world.vnfs.get(id);
  if (!vnf || vnf.ending) return;
  const open = openRequests(world, vnf.vnf);
  for (const [name, pool] of vnf.pools) {
    const starts = open.flatMap((request) => request.servedAtStart.get(name) ?? []);
    const floor = Math.min(Math.min(...levelsOf(pool)) - pool.lost, ...starts);
    scribe.looked('G2');
    if (pool.published.size >= floor) continue;
    scribe.broken('G2', {
      vnf: vnf.vnf,
      pool: name,
      message: `${String(pool.published.size)} members of ${name} are in service, and there must be ${String(floor)}`,
    });
  }
}

/** G3: nobody is outside its pool's zone, strays aside, which never serve. */
export function judgeZone(world: World, event: CloudEvent, scribe: Scribe): void {
  const note = noteOf(event);
  if (event.type === 'server.placed') {
    const server = world.servers.get(event.id);
    if (server) judgeOne(world, server, scribe);
    return;
  }
  if (note?.kind !== 'settled') return;
  scribe.looked('G3');
  for (const server of world.servers.values()) if (server.vnf === note.vnf) judgeOne(world, server, scribe);
}

function judgeOne(world: World, server: Parameters<typeof isStray>[0], scribe: Scribe): void {
  const spec =
    server.vnf === undefined || server.pool === undefined
      ? undefined
      : world.vnfs.get(server.vnf)?.pools.get(server.pool)?.spec;
  const host = server.host === null ? undefined : world.hosts.get(server.host);
  if (!spec || !host || server.vnf === undefined || isStray(server) || server.movedAt !== null) return;
  scribe.looked('G3');
  if (host.zone === spec.zone) return;
  scribe.broken('G3', {
    vnf: server.vnf,
    pool: spec.name,
    host: host.host,
    message: `${server.name} is on ${host.host} in zone ${host.zone}, and ${spec.name} belongs into ${spec.zone}`,
  });
}
