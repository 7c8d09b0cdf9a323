import type { Descriptor } from '../descriptor/descriptor';
import { failure, type Failure } from '../failure';
import { grouped } from '../grouped';
import { capAt } from '../levels';
import type { LaunchRow, ServerGroupRef } from '../plan';
import { serverGroupsOf, type Member, type VnfRecord } from '../record';
import { countOf, orderDeletions } from './batches';
import { affordable, costOf, overBudget, spend, type QuotaBudget } from './budget';
import { flavorOf, type Ground } from './ground';
import { doubtOf, type Doubt } from './victims';
import { doubledIn } from './rebalance';
import { onlyTheseLeave, refOf, totalOf, without, type PoolPlanned } from './pool';
import { existingCap, type PoolTask } from './task';

/**
 * Which hosts are of one rack or one power feed no tenant is shown, and no server group keeps members apart by it. Null where the
 * descriptor asks for nothing of the kind.
 */
export function refuseDomains(vnf: string, { pools }: Descriptor): Failure | null {
  const asking = pools.flatMap(({ name, failureDomain }, index) => (failureDomain ? [{ name, index }] : []));
  if (asking.length === 0) return null;
  const names = asking.map(({ name }) => name).join(', ');
  const remedy = 'Ask as an operator of the cloud, or leave failureDomain out.';
  return failure(
    'InvalidRequest',
    `${names} cannot be kept to failure domains: a tenant is not shown which hosts are in one. ${remedy}`,
    {
      vnf,
      remedy,
      problems: asking.map(({ index }) => ({
        path: `descriptor.pools.${String(index)}.failureDomain`,
        message: `a tenant is not shown which hosts are in one domain: ask as an operator of the cloud, or leave it out`,
      })),
    },
  );
}

/**
 * One pool's part of a plan where hosts cannot be chosen. The means are server groups of which the cloud puts no two members on
 * one host: with cap(L) of them, and every member in one, no host gets more than cap(L), whatever the scheduler does. The number
 * of a group's members on a host cannot be changed later, so there are several of one each rather than one of several.
 *
 * - The cap falls: members of the groups that are one too many leave, or are replaced in those that stay. That may be more
 *   launches than an operator needs, who sees that their hosts are not full.
 * - The cap rises: groups are added. One that is not in use is kept for that, so that there are never more of them, with whatever
 *   is still draining, than the highest cap in force.
 * - A replacement goes into a group that has a member on the host that it must not be on: mostly that of whom it replaces, whose
 *   server is there until the replacement serves. So a host is emptied without naming it.
 * - Where the cloud has found no host for a group, the dead that have places in groups of the pool go first: where all hosts have a
 *   member of each group, the dead among them, there is no other place.
 *
 * What comes of it is verified by `hostId` all the same, before a member enters service.
 */
export function planPoolApart(
  ground: TenantGround,
  record: VnfRecord,
  task: PoolTask,
  budget: QuotaBudget | null,
): PoolPlanned {
  const { pool, state, to } = task;
  const cap = capAt(pool.spare, to);
  const groups = groupsOf(ground, record, task);
  const { kept, leaving } = whoStays(ground, task, { cap, groups });
  const failedStaying = without(state.failed, leaving);
  const total = totalOf(task) - failedStaying.length;
  const reuse = reusable(ground, task, { kept, cap, groups, most: total - kept.length });
  const discard = without(task.launched, reuse);
  const goneFirst = task.deadFirst ? deadOf(task) : [];
  const need = Math.max(0, total - kept.length - reuse.length);
  if (need > 0 && !ground.tenant.zones.includes(pool.zone)) return { ok: false, refusal: noZone(ground, record, task) };
  const staying = [...kept, ...reuse];
  const gone = new Set([...discard, ...goneFirst].map((member) => member.serverId));
  const barred = barredHosts(ground, record, task, { staying, leaving: without(leaving, goneFirst), cap });
  const costs = costOf(flavorOf(ground, pool), pool);
  const most = Math.min(need, affordable(budget, costs, discard.length));
  const rows = assign({ ground, groups, task, need: most, barred, gone, staying: [...staying, ...failedStaying] });
  spend(budget, costs, rows.length - discard.length);
  const missing = need - rows.length;
  const short =
    missing === 0
      ? null
      : rows.length < most
        ? noHostFound(record, task, { missing, groups })
        : overBudget(record.vnf, pool, missing);
  if (short && !task.partial) return { ok: false, refusal: short };

  const replaced = task.deadFirst ? rows.length : leaving.length - missing;
  const leave = missing > 0 ? leaving.slice(0, Math.max(0, replaced)) : leaving;
  const living = without(leave, state.failed);
  const dead = without(leave, living);
  const deletions = orderDeletions(pool, living, {
    existing: countOf([...state.inService, ...reuse].map((member) => member.host)),
  });
  const launches = countOf(rows.map((row) => String(row.group)));
  return {
    ok: true,
    short,
    plan: {
      pool,
      from: state.level,
      to,
      // One batch: they are asked for one after another, and where they come to be is not ours to order.
      batches: rows.length === 0 ? [] : [rows],
      // Where Nova would take them is not ours to say.
      moves: [],
      leave: [...dead, ...deletions.order].map(refOf),
      reuse: reuse.map(refOf),
      discard: discard.map(refOf),
      missing,
      forbiddenBy: [
        ...letterBrokenBy(task, { rows, groups, staying }),
        ...(deletions.forbiddenBy !== null ? [deletions.forbiddenBy] : []),
      ],
      // Nobody knows what room there is; nothing is claimed of it.
      restorable: true,
      groups: {
        make: [...groups.active].filter((number) => !groups.members.has(number) && launches.has(String(number))),
        peaks: [...groups.active]
          .map((number) => ({
            used: [...(groups.members.get(number) ?? [])].filter((id) => !gone.has(id)).length,
            more: launches.get(String(number)) ?? 0,
          }))
          .filter(({ more }) => more > 0),
      },
    },
  };
}

/**
 * Where the cloud has found no host for a group of a pool: the groups of that pool in which the dead of a task have places, which they may
 * leave to others.
 */
export function keptByDead(ground: Ground, { pool, state, out }: PoolTask): ServerGroupRef[] {
  const { tenant } = ground;
  if (!tenant?.full.some((group) => group.pool === pool.name)) return [];
  const placed = placesOf(ground, deadOf({ state, out }));
  return tenant.groups
    .filter((group) => group.pool === pool.name && group.serverIds.some((id) => placed.has(id)))
    .map(({ number }) => ({ pool: pool.name, number }));
}

/** Who is dead, and is to be replaced. */
export function deadOf({ state, out }: Pick<PoolTask, 'state' | 'out'>): Member[] {
  return state.failed.filter(({ ordinal }) => out.has(ordinal));
}

/** Ids of those that are on a host which may be used. */
function placesOf({ excluded, serverOf }: Ground, members: readonly Member[]): ReadonlySet<string> {
  const placed = members.filter(({ serverId }) => {
    const host = serverOf.get(serverId)?.host;
    return host !== undefined && !excluded.has(host);
  });
  return new Set(placed.map(({ serverId }) => serverId));
}

type TenantGround = Ground & { readonly tenant: NonNullable<Ground['tenant']> };

interface Groups {
  /** The servers of each that exists, by its number. */
  readonly members: ReadonlyMap<number, ReadonlySet<string>>;
  /** The numbers of those that a member may be in from now on: cap(L) of them, some still to be made. */
  readonly active: ReadonlySet<number>;
  readonly of: (member: Pick<Member, 'serverId'>) => number | undefined;
}

/** Those with most members that may stay are the ones that stay, so that few must move. */
function groupsOf(ground: TenantGround, record: VnfRecord, task: PoolTask): Groups {
  const { pool, state, to, out, launched } = task;
  const ids = new Map(serverGroupsOf(record.groups, pool.name).map(({ id, apart }) => [id, apart]));
  const members = new Map<number, ReadonlySet<string>>();
  for (const { id, serverIds } of ground.tenant.groups) {
    const number = ids.get(id);
    if (number !== undefined) members.set(number, new Set(serverIds));
  }
  const numbers = new Map(
    [...members].flatMap(([number, servers]) => [...servers].map((serverId) => [serverId, number])),
  );
  const of: Groups['of'] = ({ serverId }) => numbers.get(serverId);
  const sizes = countOf(
    [...state.inService.filter((member) => !out.has(member.ordinal)), ...launched].map((member) => String(of(member))),
  );
  const size = (number: number): number => sizes.get(String(number)) ?? 0;
  const cap = capAt(pool.spare, to);
  const active = [...members.keys()].sort((a, b) => size(b) - size(a) || a - b).slice(0, cap);
  for (let number = 1; active.length < cap; number++) if (!members.has(number)) active.push(number);
  return { members, active: new Set(active), of };
}

/** Who is in a group that goes, or on a host that is full without, leaves; then whoever is too many: the unfit, then from the fullest group. */
function whoStays(
  ground: Ground,
  task: PoolTask,
  at: { cap: number; groups: Groups },
): { kept: Member[]; leaving: Member[] } {
  const { state, out, to } = task;
  const { cap, groups } = at;
  if (task.onlyOut) return onlyTheseLeave(task);
  const on = new Map<string, number>();
  const kept: Member[] = [];
  const leaving: Member[] = [];
  const doubt = (member: Member): Doubt => doubtOf(ground, member);
  const crowds = [...grouped(state.inService, ({ host }) => host).values()].filter(({ length }) => length > cap);
  const doubled = new Set(crowds.flatMap((members) => [...doubledIn(ground, members)]));
  const order = (a: Member, b: Member): number =>
    doubt(a) - doubt(b) || Number(doubled.has(a)) - Number(doubled.has(b)) || a.ordinal - b.ordinal;
  for (const member of [...state.inService].sort(order)) {
    const number = groups.of(member);
    const here = on.get(member.host) ?? 0;
    // One that is in no group (somebody has deleted it) stays: where it is, is known.
    if (out.has(member.ordinal) || here >= cap || (number !== undefined && !groups.active.has(number))) {
      leaving.push(member);
      continue;
    }
    on.set(member.host, here + 1);
    kept.push(member);
  }
  leaving.push(...state.failed.filter((member) => out.has(member.ordinal)));
  const failedStaying = state.failed.filter((member) => !out.has(member.ordinal));
  let excess = kept.length + failedStaying.length - to;
  // The dead go first: they serve nobody.
  for (const member of failedStaying.slice(0, Math.max(0, excess))) {
    leaving.push(member);
    excess -= 1;
  }
  const unfit = kept.filter((member) => doubt(member) > 0);
  const first = fromTheFullest(unfit, groups, Math.min(unfit.length, Math.max(0, excess)));
  const others = fromTheFullest(without(kept, first), groups, Math.max(0, excess - first.length));
  const excessive = [...first, ...others];
  return { kept: without(kept, excessive), leaving: [...leaving, ...excessive] };
}

/** So many of them one by one: of the fullest group the one on the fullest host, and among equals the newest. */
function fromTheFullest(kept: readonly Member[], groups: Groups, many: number): Member[] {
  const on = countOf(kept.map((member) => member.host));
  const queues = [...grouped(kept, groups.of).values()].map((members) => queueOf(members, on));
  const taken: Member[] = [];
  while (taken.length < many) {
    const size = Math.max(...queues.map(({ length }) => length));
    let first: { readonly queue: Queued[]; readonly next: Queued } | undefined;
    for (const queue of queues) {
      const next = queue.length === size ? nextOf(queue, on) : undefined;
      if (next && (!first || byFullness(next, first.next) > 0)) first = { queue, next };
    }
    if (!first) throw new Error('there are fewer members than are to leave');
    const { member, here } = first.next;
    first.queue.pop();
    on.set(member.host, here - 1);
    taken.push(member);
  }
  return taken;
}

/** With how many members were on its host when it was put into its place. */
interface Queued {
  readonly member: Member;
  readonly here: number;
}

function byFullness(a: Queued, b: Queued): number {
  return a.here - b.here || a.member.ordinal - b.member.ordinal;
}

/** The last one goes first. */
function queueOf(members: readonly Member[], on: ReadonlyMap<string, number>): Queued[] {
  return members.map((member) => ({ member, here: on.get(member.host) ?? 0 })).sort(byFullness);
}

/** Hosts only become emptier, so whoever stands last with a count that is still true is the one; who does not goes where it belongs now. */
function nextOf(queue: Queued[], on: ReadonlyMap<string, number>): Queued | undefined {
  for (let last = queue.at(-1); last; last = queue.at(-1)) {
    const now = { member: last.member, here: on.get(last.member.host) ?? 0 };
    if (now.here === last.here) return last;
    queue.pop();
    let place = queue.length;
    for (let below = 0; below < place;) {
      const middle = (below + place) >> 1;
      const at = queue[middle];
      if (at && byFullness(at, now) < 0) below = middle + 1;
      else place = middle;
    }
    queue.splice(place, 0, now);
  }
  return undefined;
}

function reusable(
  ground: TenantGround,
  task: PoolTask,
  at: { kept: readonly Member[]; cap: number; groups: Groups; most: number },
): Member[] {
  const on = countOf(at.kept.map((member) => member.host));
  const chosen: Member[] = [];
  for (const member of [...task.launched].sort((a, b) => a.ordinal - b.ordinal)) {
    const here = on.get(member.host) ?? 0;
    const number = at.groups.of(member);
    if (chosen.length >= at.most || ground.excluded.has(member.host) || here >= at.cap) continue;
    if (number === undefined || !at.groups.active.has(number)) continue;
    on.set(member.host, here + 1);
    chosen.push(member);
  }
  return chosen;
}

/** Hosts that nothing new of the pool may be on: those that are excluded, and those that are full. */
function barredHosts(
  ground: TenantGround,
  record: VnfRecord,
  task: PoolTask,
  at: { staying: readonly Member[]; leaving: readonly Member[]; cap: number },
): string[] {
  const existingMost = existingCap(record, task);
  const existing = countOf([...at.staying, ...at.leaving].map((member) => member.host));
  const staying = countOf(at.staying.map((member) => member.host));
  const full = [...existing]
    .filter(([host, count]) => count >= existingMost || (staying.get(host) ?? 0) >= at.cap)
    .map(([host]) => host);
  return [...new Set([...ground.excluded, ...full])].filter((host) => host !== '').sort();
}

interface Assigning {
  readonly ground: TenantGround;
  readonly groups: Groups;
  readonly task: PoolTask;
  readonly need: number;
  readonly barred: readonly string[];
  /** Servers that are gone before anything is launched. */
  readonly gone: ReadonlySet<string>;
  /** Whoever has a place in a group from now on, the dead that are not to be replaced among them. */
  readonly staying: readonly Member[];
}

/** More hints than this make a request longer than it helps. */
const hintsMost = 20;

/**
 * Each into the group that keeps it off most of the barred hosts; among equals into the smallest, and then into one in which a dead one that is
 * to be replaced has a place. Once those are gone, into theirs first.
 */
function assign({ ground, groups, task, need, barred, gone, staying }: Assigning): LaunchRow[] {
  if (need <= 0) return [];
  const { pool, state } = task;
  const sizes = countOf(staying.map((member) => String(groups.of(member))));
  const isBarred = new Set(barred);
  const left = placesOf(ground, deadOf(task));
  const haveLeft = new Set(
    left.size === 0
      ? []
      : [...groups.members].flatMap(([number, ids]) => ([...ids].some((id) => left.has(id)) ? [number] : [])),
  );
  const usable = [...groups.active]
    .filter((number) => !ground.tenant.full.some((group) => group.pool === pool.name && group.number === number))
    .map((number) => ({ number, covered: coveredBy(groups, number, { ground, gone }) }))
    .map((group) => ({ ...group, covers: [...group.covered].filter((host) => isBarred.has(host)).length }));
  const pick = (among: typeof usable, many: number): typeof usable => {
    const most = Math.max(...among.map(({ covers }) => covers));
    const best = among.filter(({ covers }) => covers === most);
    const sized = best.map((group) => ({
      ...group,
      size: sizes.get(String(group.number)) ?? 0,
      rank: haveLeft.has(group.number) ? 0 : 1,
    }));
    const picked = smallestFirst(sized, many);
    for (const { number } of picked) sizes.set(String(number), (sizes.get(String(number)) ?? 0) + 1);
    return picked;
  };
  const theirs = task.deadFirst ? usable.filter(({ number }) => haveLeft.has(number)) : [];
  const inTheirPlaces = pick(theirs, Math.min(need, left.size));
  const chosen = [...inTheirPlaces, ...pick(usable, need - inTheirPlaces.length)];
  // Group after group, so that one that needs most of the hosts finds them before another has taken what room they have.
  chosen.sort((a, b) => a.number - b.number);
  const serverOn = new Map<string, string>();
  for (const { host, serverId } of ground.servers)
    if (host !== undefined && !gone.has(serverId) && !serverOn.has(host)) serverOn.set(host, serverId);
  const hints = new Map<number, readonly string[]>();
  for (const { number, covered } of new Set(chosen)) hints.set(number, hintsFor(barred, covered, serverOn));
  return chosen.map(({ number }, index) => {
    const differentHost = hints.get(number) ?? [];
    return {
      pool: pool.name,
      ordinal: state.nextOrdinal + index,
      host: '',
      group: number,
      ...(differentHost.length > 0 && { differentHost }),
    };
  });
}

/** Servers on barred hosts that the group does not keep off. */
function hintsFor(
  barred: readonly string[],
  covered: ReadonlySet<string>,
  serverOn: ReadonlyMap<string, string>,
): readonly string[] {
  const servers: string[] = [];
  for (const host of barred) {
    if (servers.length === hintsMost) break;
    const server = covered.has(host) ? undefined : serverOn.get(host);
    if (server !== undefined) servers.push(server);
  }
  return servers;
}

/** The hosts that a new member of the group is kept off. */
function coveredBy(
  groups: Groups,
  number: number,
  { ground, gone }: Pick<Assigning, 'ground' | 'gone'>,
): ReadonlySet<string> {
  const ids = [...(groups.members.get(number) ?? [])].filter((id) => !gone.has(id));
  return new Set(ids.flatMap((id) => ground.serverOf.get(id)?.host ?? []));
}

/** So many choices, each of the group that is smallest with what was chosen before; among equals the first by rank, and by number. */
function smallestFirst<G extends { readonly number: number; readonly size: number; readonly rank: number }>(
  groups: readonly G[],
  many: number,
): G[] {
  const waiting = [...groups].sort((a, b) => b.size - a.size);
  const open: G[] = [];
  const chosen: G[] = [];
  for (let size = waiting.at(-1)?.size ?? 0; chosen.length < many && groups.length > 0; size++) {
    while (waiting.at(-1)?.size === size) open.push(...waiting.splice(-1));
    open.sort((a, b) => a.rank - b.rank || a.number - b.number);
    chosen.push(...open.slice(0, many - chosen.length));
  }
  return chosen;
}

/** The first number of existing VMs at which as many groups are in use as may put more than the cap on one host. */
function letterBrokenBy(
  { pool }: PoolTask,
  at: { rows: readonly LaunchRow[]; groups: Groups; staying: readonly Member[] },
): number[] {
  const inUse = new Set(at.staying.map((member) => at.groups.of(member)));
  let total = at.staying.length;
  for (const row of at.rows) {
    inUse.add(row.group);
    total += 1;
    if (inUse.size > capAt(pool.spare, total)) return [total];
  }
  return [];
}

function noZone(ground: TenantGround, record: VnfRecord, { pool }: PoolTask): Failure {
  const constraint = `the cloud has no availability zone ${pool.zone} that is available`;
  return failure(
    'Impossible',
    `${pool.name} cannot be placed: ${constraint}. It has ${[...ground.tenant.zones].sort().join(', ')}.`,
    { vnf: record.vnf, pool: pool.name, constraint, remedy: `Make the zone, or name another in the descriptor.` },
  );
}

function noHostFound(record: VnfRecord, task: PoolTask, at: { missing: number; groups: Groups }): Failure {
  const { pool, to } = task;
  const groups = at.groups.active.size;
  const constraint =
    `the cloud found no host in ${pool.zone} for ${String(at.missing)} members, in none of the ${String(groups)} server groups ` +
    `that keep ${pool.name} at ${String(groups)} on a host`;
  return failure(
    'NotFound',
    `${pool.name} cannot be brought to level ${String(to)}: ${constraint}. What room there is, a tenant cannot see.`,
    {
      vnf: record.vnf,
      pool: pool.name,
      constraint,
      remedy: `Ask the cloud's operator for room on more hosts of ${pool.zone}, or ask for a lower level.`,
    },
  );
}
