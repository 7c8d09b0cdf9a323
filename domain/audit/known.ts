import type { Tagged } from '../names';
import type { Member, VnfRecord } from '../record';

/** Of whom a record, or a run that is at work, says something: what is none of these is nobody's. */
export interface Known {
  readonly vnf: string;
  /** By server id, in service or failed. */
  readonly members: ReadonlyMap<string, Member>;
  /** By `pool/ordinal`. */
  readonly ordinals: ReadonlySet<string>;
  /** Servers that a debtor drains and deletes. */
  readonly owed: ReadonlySet<string>;
  readonly portIds: ReadonlySet<string>;
  readonly groupIds: ReadonlySet<string>;
  readonly tokens: ReadonlySet<string>;
}

export function knownTo(record: VnfRecord, inHand: readonly string[]): Known {
  const members = membersOf(record);
  const owed = record.debts.flatMap((debt) => debt.stages.flat().flatMap((lot) => lot.members));
  return {
    vnf: record.vnf,
    members: new Map(members.map((member) => [member.serverId, member])),
    ordinals: new Set(members.map(keyOf)),
    owed: new Set(owed.map(({ serverId }) => serverId)),
    portIds: new Set([...members, ...owed].flatMap(({ portIds }) => portIds)),
    groupIds: new Set([...record.groups, ...record.debts.flatMap(({ groups }) => groups)].map(({ id }) => id)),
    tokens: new Set([...inHand, ...record.debts.flatMap(({ token, sweep }) => [token, ...sweep])]),
  };
}

function membersOf({ pools }: VnfRecord): Member[] {
  return Object.values(pools).flatMap((pool) => [...pool.inService, ...pool.failed]);
}

export function keyOf({ pool, ordinal }: { readonly pool: string; readonly ordinal: number }): string {
  return `${pool}/${String(ordinal)}`;
}

export function isInHand({ tokens }: Known, { token }: Tagged): boolean {
  return token !== undefined && tokens.has(token);
}
