import type { Pool } from '../../../../domain/descriptor/descriptor';
import { capAt, domainCapAt } from '../../../../domain/levels';
import type { PlanInput } from '../../../../domain/placement';
import { countWithin } from '../../../../domain/placement/batches';
import { domainsFor } from '../../../../domain/placement/ground';
import type { Plan } from '../../../../domain/plan';
import type { Member } from '../../../../domain/record';
import type { Snapshot } from '../../../../domain/snapshot';

/**
 * A move is a launch in another's place, or an evacuation by Nova: what a plan starts beyond what the level grows by. Of the planner's
 * own code only the caps are used here, and which host is in which failure domain.
 */
export function movesOf({ levels, batches, moves = [] }: Plan): number {
  const growth = Object.values(levels).reduce((sum, { from, to }) => sum + Math.max(0, to - from), 0);
  const started = [...batches, ...moves].reduce((sum, { rows }) => sum + rows.length, 0);
  return Math.max(0, started - growth);
}

/**
 * The fewest moves that do what is asked, or null where nobody can say. They are never fewer than the members that cannot stay: on each
 * host at most cap(to) of those that may do, and of these in each failure domain at most its own. They are that few where a placement is at
 * hand: the plan itself, or, where no pool keeps to failure domains, that in which each host is filled in turn, as far as it has room and
 * share. Where neither is, there might be another.
 */
export function optimumMovesOf(input: PlanInput, plan: Plan): number | null {
  const { record, snapshot, request } = input;
  // Which domains a placement must keep to is not looked at.
  const isSimple = record.descriptor.pools.every(({ failureDomain }) => failureDomain === undefined);
  if (request.kind === 'instantiate' || request.kind === 'terminate') return 0;
  const free = new Map(snapshot.hosts.map(({ name, free: room }) => [name, room.vcpus]));
  let least = 0;
  let placeable = isSimple;
  for (const pool of record.descriptor.pools) {
    const wanted = wantedOf(input, pool);
    least += Math.max(0, wanted.need - Math.max(0, wanted.to - wanted.from));
    placeable = placeInTurn(input, { ...wanted, pool, free }) && placeable;
  }
  return placeable || (plan.unplaced.length === 0 && movesOf(plan) === least) ? least : null;
}

interface Wanted {
  readonly from: number;
  readonly to: number;
  readonly need: number;
  readonly staying: ReadonlyMap<string, number>;
  /** Every living VM of the pool. */
  readonly existing: ReadonlyMap<string, number>;
}

function wantedOf(input: PlanInput, pool: Pool): Wanted {
  const { record, request } = input;
  const state = record.pools[pool.name] ?? { level: 0, inService: [], failed: [] };
  const inService = request.kind === 'rebalance' ? whereTheyAre(state.inService, input.snapshot) : state.inService;
  const scales = (request.kind === 'scaleOut' || request.kind === 'scaleIn') && request.pool === pool.name;
  const to = scales ? request.to : state.level;
  const named = new Set(
    request.kind === 'replaceMembers'
      ? request.members.filter((ref) => ref.pool === pool.name).map(({ ordinal }) => ordinal)
      : [],
  );
  const goes = ({ ordinal, host }: Member): boolean =>
    named.has(ordinal) || (request.kind === 'emptyHosts' && request.hosts.includes(host));
  const may = countsOf(inService.filter((member) => !goes(member)));
  const cap = capAt(pool.spare, to);
  const staying = new Map([...may].map(([host, many]) => [host, Math.min(many, cap)]));
  const dead = state.failed.filter((member) => !goes(member)).length;
  const domainOf = domainsFor({ hostNamed: new Map(input.snapshot.hosts.map((host) => [host.name, host])) }, pool);
  const within = [...countWithin(staying, domainOf).values()];
  const above = within.reduce((sum, many) => sum + Math.max(0, many - domainCapAt(pool, to)), 0);
  const stay = [...staying.values()].reduce((sum, many) => sum + many, dead) - above;
  return { from: state.level, to, need: Math.max(0, to - stay), staying, existing: countsOf(inService) };
}

function whereTheyAre(members: readonly Member[], { servers }: Snapshot): Member[] {
  const hosts = new Map(servers.map(({ serverId, host }) => [serverId, host]));
  return members.map((member) => ({ ...member, host: hosts.get(member.serverId) ?? member.host }));
}

/** Takes from `free` what it needs. False where some find no place. */
function placeInTurn(
  { snapshot, request }: PlanInput,
  at: Wanted & { readonly pool: Pool; readonly free: Map<string, number> },
): boolean {
  const { pool, from, to, free } = at;
  const cap = capAt(pool.spare, to);
  const capWhile = Math.max(cap, capAt(pool.spare, from));
  let left = at.need;
  for (const { name, zone, up, enabled } of snapshot.hosts) {
    if (left === 0) return true;
    if (zone !== pool.zone || !up || !enabled || (request.kind === 'emptyHosts' && request.hosts.includes(name)))
      continue;
    const room = free.get(name) ?? 0;
    const here = Math.min(left, room, cap - (at.staying.get(name) ?? 0), capWhile - (at.existing.get(name) ?? 0));
    if (here <= 0) continue;
    free.set(name, room - here);
    left -= here;
  }
  return left === 0;
}

function countsOf(members: readonly Member[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { host } of members) counts.set(host, (counts.get(host) ?? 0) + 1);
  return counts;
}
