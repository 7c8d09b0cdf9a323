import type { CloudEvent } from '../../simulator/events';
import { capOf, largestCap, spareOf } from '../arithmetic';
import { perUnit, unitsOf, within, type Units } from '../units';
import type { Scribe } from '../verdict';
import { isDead, isStray, levelsOf, noteOf, serverNamed, type PoolWorld, type VnfWorld, type World } from '../world';

/**
 * G1(a, b, c): no host, and no failure domain, has more than its share, among those who serve and among those who exist. Looked at after
 * the event.
 */
export function judgeShare(world: World, event: CloudEvent, scribe: Scribe): void {
  if (event.type === 'published') {
    const vnf = world.vnfs.get(event.vnf);
    if (vnf)
      for (const [name, pool] of vnf.pools) judgePublished(world, vnf, { name, pool, stage: event.stage }, scribe);
    return;
  }
  if (event.type === 'server.placed') {
    const server = world.servers.get(event.id);
    const vnf = server?.vnf === undefined ? undefined : world.vnfs.get(server.vnf);
    const pool = server?.pool === undefined ? undefined : vnf?.pools.get(server.pool);
    if (vnf && server?.pool !== undefined && pool && server.host !== null)
      judgeExisting(world, vnf, { name: server.pool, pool, host: server.host }, scribe);
    return;
  }
  const note = noteOf(event);
  const vnf = note?.kind === 'settled' ? world.vnfs.get(note.vnf) : undefined;
  if (!vnf) return;
  for (const [name, pool] of vnf.pools) {
    judgePublished(world, vnf, { name, pool, stage: 2 }, scribe);
    judgeExisting(world, vnf, { name, pool }, scribe);
  }
}

interface Of {
  readonly name: string;
  readonly pool: PoolWorld;
}

function judgePublished(world: World, vnf: VnfWorld, of: Of & { stage: number }, scribe: Scribe): void {
  const { name, pool, stage } = of;
  const onHosts = new Map<string, number>();
  for (const member of pool.published) {
    const server = serverNamed(world, vnf.vnf, member);
    if (server?.movedAt !== null) continue;
    const { host } = server;
    if (host !== null) onHosts.set(host, (onHosts.get(host) ?? 0) + 1);
  }
  const levels = levelsOf(pool);
  // Stage 2 is the record: its level is the one that these members and the dead add up to, where one does.
  const exact = levels.find((level) => level === pool.published.size + pool.dead.size);
  const part = stage === 2 ? 'G1a' : 'G1b';
  for (const units of unitsOf(world, pool.spec)) {
    const { spare, kind } = units;
    const cap = stage === 2 && exact !== undefined ? capOf(spare, exact) : largestCap(spare, levels);
    const counts = perUnit(units, onHosts);
    scribe.looked(part);
    for (const [unit, count] of counts) {
      if (count > cap)
        scribe.broken(part, {
          vnf: vnf.vnf,
          pool: name,
          [kind]: unit,
          message: `${String(count)} members of ${name} serve ${within(units, unit)}, and ${String(cap)} may`,
        });
    }
    judgeLossOf(vnf, { name, pool, units, counts, levels }, scribe);
  }
}

/** Losing any one host, or any one failure domain, leaves what the load needs, of a pool that is whole. */
function judgeLossOf(
  vnf: VnfWorld,
  of: Of & { units: Units; counts: ReadonlyMap<string, number>; levels: readonly number[] },
  scribe: Scribe,
): void {
  const { name, pool, counts, levels } = of;
  const { spare, kind } = of.units;
  if (spare === 'none' || vnf.ending || pool.dead.size > 0 || pool.published.size < Math.min(...levels)) return;
  const needed = Math.min(...levels.map((level) => level - spareOf(spare, level)));
  scribe.looked('G1b');
  for (const [unit, count] of counts) {
    const left = pool.published.size - count;
    if (left < needed)
      scribe.broken('G1b', {
        vnf: vnf.vnf,
        pool: name,
        [kind]: unit,
        message: `the loss of ${unit} would leave ${String(left)} of ${name}, and the load needs ${String(needed)}`,
      });
  }
}

/** Of all units that VMs exist in, or of those that this host is in. */
function judgeExisting(world: World, vnf: VnfWorld, of: Of & { host?: string }, scribe: Scribe): void {
  const { name, pool, host } = of;
  for (const units of unitsOf(world, pool.spec)) {
    const counts = existingIn(world, vnf, { pool: name, units });
    const cap = largestCap(units.spare, levelsOf(pool));
    for (const unit of host === undefined ? counts.keys() : [units.unitOf(host)]) {
      if (unit === null) continue;
      const count = counts.get(unit) ?? 0;
      scribe.looked('G1c');
      if (count > cap)
        scribe.broken('G1c', {
          vnf: vnf.vnf,
          pool: name,
          [units.kind]: unit,
          message: `${String(count)} VMs of ${name} exist ${within(units, unit)}, and ${String(cap)} may`,
        });
    }
  }
}

/** Existing VMs of a pool by unit: not the dead, and not those that must never serve. Of a member and its doubles one counts. */
function existingIn(world: World, vnf: VnfWorld, { pool, units }: { pool: string; units: Units }): Map<string, number> {
  const names = new Map<string, Set<string>>();
  for (const server of world.servers.values()) {
    if (server.vnf !== vnf.vnf || server.pool !== pool || server.host === null) continue;
    if (isStray(server) || server.movedAt !== null || isDead(world, vnf.vnf, server)) continue;
    // Where no host was asked for, it is known to be no stray when it serves: it may have to go before.
    if (server.requestedHost === null && !server.served) continue;
    const unit = units.unitOf(server.host);
    if (unit !== null) names.set(unit, (names.get(unit) ?? new Set()).add(server.name));
  }
  return new Map([...names].map(([unit, { size }]) => [unit, size]));
}
