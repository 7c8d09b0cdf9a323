import type { Pool } from '../descriptor/descriptor';
import { failure, type Failure } from '../failure';
import { memberName, own } from '../names';
import type { ChangeRequest, MemberRef } from '../plan';
import type { VnfRecord } from '../record';

/** What no state of the cloud can make right. Null where the request makes sense for this VNF. */
export function validateRequest(record: VnfRecord, request: ChangeRequest): Failure | null {
  switch (request.kind) {
    case 'instantiate':
    case 'terminate':
    case 'emptyHosts':
    case 'rebalance':
      return null;
    case 'scaleOut':
      return validateLevel(record, request);
    case 'scaleIn':
      return validateLevel(record, request) ?? validateVictims(record, request);
    case 'replaceMembers':
      return validateMembers(record, request.members);
  }
}

function validateMembers(record: VnfRecord, members: readonly MemberRef[]): Failure | null {
  const known = new Map(
    Object.entries(record.pools).map(([name, { inService, failed }]) => [
      name,
      new Set([...inService, ...failed].map((member) => member.ordinal)),
    ]),
  );
  const unknown = members.find(({ pool, ordinal }) => !known.get(pool)?.has(ordinal));
  if (!unknown) return null;
  const name = memberName(record.vnf, unknown.pool, unknown.ordinal);
  return invalid(record, { path: 'members', message: `${name} is not a member of ${record.vnf}` });
}

function validateVictims(
  record: VnfRecord,
  { pool, to, members = [] }: Extract<ChangeRequest, { kind: 'scaleIn' }>,
): Failure | null {
  const other = members.find((ref) => ref.pool !== pool);
  if (other) {
    const name = memberName(record.vnf, other.pool, other.ordinal);
    return invalid(record, { path: 'members', message: `${name} is not of the pool ${pool}` });
  }
  const many = new Set(members.map(({ ordinal }) => ordinal)).size;
  const leaving = (own(record.pools, pool)?.level ?? 0) - to;
  if (many > leaving) {
    const message = `${String(many)} members are named, and ${String(leaving)} are to leave; name so many at most`;
    return invalid(record, { path: 'members', message });
  }
  return validateMembers(record, members);
}

function validateLevel(
  record: VnfRecord,
  request: { kind: 'scaleOut' | 'scaleIn'; pool: string; to: number },
): Failure | null {
  const { kind, pool: name, to } = request;
  const pool = record.descriptor.pools.find((each) => each.name === name);
  const level = own(record.pools, name)?.level;
  if (!pool || level === undefined) {
    const names = record.descriptor.pools.map((each) => each.name).join(', ');
    return invalid(record, { path: 'pool', message: `${record.vnf} has no pool ${name}; its pools are ${names}` });
  }
  const wrong = whatIsWrong(pool, { kind, to, level });
  return wrong === null ? null : invalid(record, { path: 'to', message: wrong });
}

function whatIsWrong(pool: Pool, asked: { kind: 'scaleOut' | 'scaleIn'; to: number; level: number }): string | null {
  const { kind, to, level } = asked;
  const { min, max } = pool.size;
  if (!Number.isSafeInteger(to)) return 'a level is a whole number';
  if (to > max)
    return `${pool.name} has at most ${String(max)} members; ask for a level from ${String(min)} to ${String(max)}`;
  if (to < min)
    return `${pool.name} has at least ${String(min)} members; ask for a level from ${String(min)} to ${String(max)}`;
  if (kind === 'scaleOut' && to <= level)
    return `${pool.name} is at level ${String(level)} already; scaleOut goes above it${to < level ? ', scaleIn below' : ''}`;
  if (kind === 'scaleIn' && to >= level)
    return `${pool.name} is at level ${String(level)}; scaleIn goes below it${to > level ? ', scaleOut above' : ''}`;
  return null;
}

function invalid(record: VnfRecord, problem: { path: string; message: string }): Failure {
  return failure('InvalidRequest', `${problem.path}: ${problem.message}.`, { vnf: record.vnf, problems: [problem] });
}
