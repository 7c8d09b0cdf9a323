import type { CloudEvent } from '../../simulator/events';
import { largestCap, spareOf } from '../arithmetic';
import { perUnit, unitsOf, within, type Units } from '../units';
import type { Scribe } from '../verdict';
import {
  isDead,
  isDown,
  isStray,
  levelsOf,
  noteOf,
  serverNamed,
  type PoolWorld,
  type VnfWorld,
  type World,
} from '../world';

/**
 * G1(a, b, c): no host, and no failure domain, has more than its share, among those who serve and among those who exist. Looked at after
 * the event.
 *
 * Where all domains have their share nobody could be moved but within one. So whoever leaves a domain does not count among those who exist in it,
 * nor beside its replacement while both are published: what its loss leaves is looked at then. Who that is is known when it has left.
 */

/** A domain that had more than its share, unless some of them were to leave. */
interface Crowd {
  readonly vnf: string;
  readonly pool: string;
  readonly unit: string;
  readonly cap: number;
  /** By name, those who served then, and the others. */
  readonly serving: readonly string[];
  readonly come: readonly string[];
  readonly scribe: Scribe;
}

export interface ShareMemory {
  crowds: readonly Crowd[];
}

export function newShareMemory(): ShareMemory {
  return { crowds: [] };
}

export function judgeShare(world: World, event: CloudEvent, given: { memory: ShareMemory; scribe: Scribe }): void {
  const { memory, scribe } = given;
  if (event.type === 'published') {
    const vnf = world.vnfs.get(event.vnf);
    if (vnf)
      for (const [name, pool] of vnf.pools) judgePublished(world, vnf, { name, pool, stage: event.stage }, scribe);
    if (vnf && event.stage === 2) judgeCrowds(world, vnf, memory);
    return;
  }
  if (event.type === 'server.placed') {
    const server = world.servers.get(event.id);
    const vnf = server?.vnf === undefined ? undefined : world.vnfs.get(server.vnf);
    const pool = server?.pool === undefined ? undefined : vnf?.pools.get(server.pool);
    if (vnf && server?.pool !== undefined && pool && server.host !== null)
      judgeExisting(world, vnf, { name: server.pool, pool, host: server.host }, given);
    return;
  }
  const note = noteOf(event);
  // Nobody knows any more who was to leave for whom.
  if (note?.kind === 'recordLost') memory.crowds = memory.crowds.filter((crowd) => crowd.vnf !== note.vnf);
  const vnf = note?.kind === 'settled' ? world.vnfs.get(note.vnf) : undefined;
  if (!vnf) return;
  for (const [name, pool] of vnf.pools) {
    judgePublished(world, vnf, { name, pool, stage: 2 }, scribe);
    judgeExisting(world, vnf, { name, pool }, given);
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
  // Stage 2 is the record: its level is the one that these members and the dead add up to, where one does. Of the dead that are gone, and
  // are not made up for, nothing shows whether they count in it still.
  const least = pool.published.size + pool.dead.size;
  const most = pool.published.size + Math.max(pool.dead.size, pool.lost);
  const exact = hasDeadUnpublished(world, vnf, of) ? [] : levels.filter((level) => level >= least && level <= most);
  const part = stage === 2 ? 'G1a' : 'G1b';
  for (const units of unitsOf(world, pool.spec)) {
    const { spare, kind } = units;
    const cap = largestCap(spare, stage === 2 && exact.length > 0 ? exact : levels);
    const counts = perUnit(units, onHosts);
    const mayBeReplaced = stage === 1 && kind === 'domain';
    if (!mayBeReplaced) scribe.looked(part);
    for (const [unit, count] of counts) {
      if (count > cap && !mayBeReplaced)
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

/** Some may have been committed, and have died before that was published: of these nobody tells whether they count in the level. */
function hasDeadUnpublished(world: World, { vnf }: VnfWorld, { name, pool }: Of): boolean {
  return [...world.servers.values()].some(
    (server) =>
      server.vnf === vnf &&
      server.pool === name &&
      !pool.published.has(server.name) &&
      !pool.dead.has(server.name) &&
      isDown(world, server),
  );
}

/** Losing any one host, or any one failure domain, leaves what the load needs, of a pool that is whole. */
function judgeLossOf(
  vnf: VnfWorld,
  of: Of & { units: Units; counts: ReadonlyMap<string, number>; levels: readonly number[] },
  scribe: Scribe,
): void {
  const { name, pool, counts, levels } = of;
  const { spare, kind } = of.units;
  if (spare === 'none' || vnf.ending || pool.published.size < Math.min(...levels)) return;
  // Not whole: also one that lacks the dead while it is made smaller.
  if (pool.dead.size > 0 || pool.lost > 0) return;
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
function judgeExisting(
  world: World,
  vnf: VnfWorld,
  of: Of & { host?: string },
  { memory, scribe }: { memory: ShareMemory; scribe: Scribe },
): void {
  const { name, pool, host } = of;
  for (const units of unitsOf(world, pool.spec)) {
    const existing = existingIn(world, vnf, { pool: name, units });
    const cap = largestCap(units.spare, levelsOf(pool));
    for (const unit of host === undefined ? existing.keys() : [units.unitOf(host)]) {
      if (unit === null) continue;
      const names = [...(existing.get(unit) ?? [])];
      const serving = names.filter((member) => pool.published.has(member));
      // Who served and serves no more has left the domain.
      const come = names.filter((member) => !serving.includes(member) && !hasServed(world, vnf.vnf, member));
      scribe.looked('G1c');
      const count = units.kind === 'host' ? names.length : Math.max(serving.length, come.length);
      if (count > cap)
        scribe.broken('G1c', {
          vnf: vnf.vnf,
          pool: name,
          [units.kind]: unit,
          message: `${String(count)} VMs of ${name} exist ${within(units, unit)}, and ${String(cap)} may`,
        });
      else if (units.kind === 'domain' && serving.length + come.length > cap)
        memory.crowds = [...memory.crowds, { vnf: vnf.vnf, pool: name, unit, cap, serving, come, scribe }];
    }
  }
}

function hasServed(world: World, vnf: string, member: string): boolean {
  return serverNamed(world, vnf, member)?.served === true;
}

/** When those who came serve, or are gone again: who did not leave for them was one too many. */
function judgeCrowds(world: World, vnf: VnfWorld, memory: ShareMemory): void {
  memory.crowds = memory.crowds.filter((crowd) => {
    if (crowd.vnf !== vnf.vnf) return true;
    const { pool, unit, cap, scribe } = crowd;
    const published = vnf.pools.get(pool)?.published;
    const serves = (member: string): boolean => published?.has(member) === true;
    if (!crowd.come.some(serves)) return crowd.come.some((member) => serverNamed(world, vnf.vnf, member));
    const count = crowd.come.length + crowd.serving.filter(serves).length;
    if (count > cap)
      scribe.broken('G1c', {
        ...{ vnf: vnf.vnf, pool, domain: unit },
        message: `${String(count)} VMs of ${pool} existed in ${unit} beside those that left it for them, and ${String(cap)} may`,
      });
    return false;
  });
}

/** Existing VMs of a pool by unit: not the dead, and not those that must never serve. Of a member and its doubles one counts. */
function existingIn(
  world: World,
  vnf: VnfWorld,
  { pool, units }: { pool: string; units: Units },
): ReadonlyMap<string, ReadonlySet<string>> {
  const names = new Map<string, Set<string>>();
  for (const server of world.servers.values()) {
    if (server.vnf !== vnf.vnf || server.pool !== pool || server.host === null) continue;
    if (isStray(server) || server.movedAt !== null || isDead(world, vnf.vnf, server)) continue;
    // Where no host was asked for, it is known to be no stray when it serves: it may have to go before.
    if (server.requestedHost === null && !server.served) continue;
    const unit = units.unitOf(server.host);
    if (unit !== null) names.set(unit, (names.get(unit) ?? new Set()).add(server.name));
  }
  return names;
}
