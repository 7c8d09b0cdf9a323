import { own } from '../names';
import { flavorOf, giveBack, groundOf, take } from '../placement/ground';
import type { Batch, MemberRef, Plan } from '../plan';
import type { Member, PoolState, VnfRecord } from '../record';
import type { Snapshot } from '../snapshot';

/** A VNF and its cloud, for who thinks ahead. */
export interface Scene {
  readonly record: VnfRecord;
  readonly snapshot: Snapshot;
}

/** The same when a plan has been carried out to its end: what was launched serves, what left is gone and has given its room back. */
export function carriedOut({ record, snapshot }: Scene, plan: Plan): Scene {
  const ground = groundOf(snapshot, new Set());
  const pools: Record<string, PoolState> = { ...record.pools };
  for (const pool of record.descriptor.pools) {
    const state = own(record.pools, pool.name);
    const levels = own(plan.levels, pool.name);
    // Of other pools the snapshot may not even have the flavors.
    if (!state || !levels) continue;
    const flavor = flavorOf(ground, pool);
    const rows = (batches: readonly Batch[]): Batch['rows'] =>
      batches.filter((batch) => batch.pool === pool.name).flatMap((batch) => batch.rows);
    const moved = new Map(rows(plan.moves ?? []).map(({ ordinal, host }) => [ordinal, host]));
    const gone = new Set(ordinalsOf(pool.name, [...plan.leave, ...plan.deleteFirst]));
    const all = [...state.inService, ...state.failed];
    for (const { ordinal, host } of all) if (gone.has(ordinal) || moved.has(ordinal)) giveBack(ground, host, flavor);
    for (const host of moved.values()) take(ground, host, flavor);
    const launched = rows(plan.batches).map(({ ordinal, host }): Member => {
      take(ground, host, flavor);
      const id = `${pool.name}-${String(ordinal)}`;
      return { pool: pool.name, ordinal, host, serverId: id, portIds: [], token: '' };
    });
    const arrived = state.failed.flatMap((member) => {
      const host = moved.get(member.ordinal);
      return host === undefined ? [] : [{ ...member, host }];
    });
    const stays = ({ ordinal }: Member): boolean => !gone.has(ordinal) && !moved.has(ordinal);
    pools[pool.name] = {
      level: levels.to,
      nextOrdinal: Math.max(state.nextOrdinal, ...launched.map(({ ordinal }) => ordinal + 1)),
      inService: [...state.inService.filter(stays), ...arrived, ...launched],
      failed: state.failed.filter(stays),
    };
  }
  const hosts = snapshot.hosts.map((host) => ({ ...host, free: ground.free.get(host.name) ?? host.free }));
  return { record: { ...record, pools }, snapshot: { ...snapshot, hosts } };
}

function ordinalsOf(pool: string, refs: readonly MemberRef[]): number[] {
  return refs.filter((ref) => ref.pool === pool).map(({ ordinal }) => ordinal);
}
