import { failureDomainKeys, type Pool, type Spare } from '../descriptor/descriptor';
import { spares } from '../descriptor/contradictions';
import type { Failure } from '../failure';
import { capAt } from '../levels';
import { own } from '../names';
import { plan, type PlanInput } from '../placement';
import { asOne, type SeveralInput, type SeveralRefused } from '../placement/several';
import type { ChangeRequest, Planned } from '../plan';
import type { VnfRecord } from '../record';
import { noResources, plus, times } from '../resources';
import { remediesSaid, remedySaid, type Remedy } from './remedy';
import type { Host, Resources } from '../snapshot';

/** More of either is no small change, and whoever reads it has more to do than this. */
const hostsMax = 10;
const capsMax = 8;
/** As far from what was asked for, on either side. */
const levelsMax = 16;

/**
 * A refusal with what would make it possible: `details.remedies`, and in words `details.remedy`. As it is where that is no question of
 * room, share or quota, or where nothing that was tried helps and it is known what would.
 */
export function withRemedies(input: PlanInput, refusal: Failure): Failure {
  if (refusal.kind !== 'Impossible' && refusal.kind !== 'NotFound' && refusal.kind !== 'QuotaExceeded') return refusal;
  const remedies = remediesOf(input);
  const { remedy: before } = refusal.details;
  if (remedies.length === 0 && (before === undefined || input.snapshot.tenant || refusal.kind === 'QuotaExceeded'))
    return refusal;
  const remedy = saidBeside(refusal, remedies);
  const isSaid = before !== undefined && refusal.message.includes(before);
  const message = isSaid ? refusal.message.replace(before, () => remedy) : `${refusal.message} ${remedy}`;
  return { ...refusal, message, details: { ...refusal.details, remedy, remedies } };
}

/** The same of several VNFs that leave hosts together: who found no place, and what would make it possible for all of them. */
export function withRemediesForAll(input: SeveralInput, { asked, refusal }: SeveralRefused): Failure {
  const { vnf } = asked.record;
  // A tenant's server groups are of one VNF.
  if (input.vnfs.length === 1 || input.snapshot.tenant) return about(vnf, withRemedies(asked, refusal));
  const all = asOne(input);
  const together = plan(all);
  // A quota must carry them all, one after another if not at once.
  if (refusal.kind !== 'QuotaExceeded' || together.ok || together.refusal.kind !== 'QuotaExceeded')
    return about(vnf, withRemedies(all, refusal));
  return about(input.vnfs.map(({ record }) => record.vnf).join(', '), withRemedies(all, together.refusal));
}

function about(vnf: string, refusal: Failure): Failure {
  return { ...refusal, message: `${vnf}: ${refusal.message}`, details: { ...refusal.details, vnf } };
}

/** What the refusal itself advises is repeated where it is more than a guess: what to raise of the quota, and whom to name instead. */
function saidBeside({ kind, details: { remedy: before, members } }: Failure, remedies: readonly Remedy[]): string {
  if (before === undefined) return remediesSaid(remedies);
  if (kind === 'QuotaExceeded')
    return orElse(
      before,
      remedies.filter((each) => each.kind !== 'quota'),
    );
  return members ? orElse(before, remedies) : remediesSaid(remedies);
}

function orElse(before: string, others: readonly Remedy[]): string {
  return others.length === 0 ? before : `${before} Or it takes ${others.map(remedySaid).join(', or ')}.`;
}

/** Of a request that is refused, or that leaves members unplaced: all that were found within the bound. */
export function remediesOf(input: PlanInput): readonly Remedy[] {
  const first = plan(input);
  const search = { input, first, left: isSearched(first) ? searchesOf(input) : triesOf(input) };
  if (isDone(search.first)) return [];
  return [
    ...withoutStrict(search),
    ...moreHosts(search),
    ...moreSpare(search),
    ...otherLevels(search),
    ...moreQuota(search),
  ];
}

interface Search {
  readonly input: PlanInput;
  /** What becomes of it as it is. */
  readonly first: Planned;
  /** How many more plans may be made. */
  left: number;
}

/** Where pools compete, a plan is a search, which on many hosts may last for a second. */
const searchedMax = 16;
const searchedFarMax = 4;
const manyHosts = 100;

function searchesOf({ snapshot }: PlanInput): number {
  return snapshot.hosts.length > manyHosts ? searchedFarMax : searchedMax;
}

function isSearched(planned: Planned): boolean {
  return !planned.ok && planned.refusal.kind === 'NotFound';
}

/** A plan takes a time that grows with the cloud: so many that all of them take a second or two. */
function triesOf({ snapshot, record }: PlanInput): number {
  const members = Object.values(record.pools).reduce((sum, pool) => sum + pool.inService.length, 0);
  return Math.min(64, Math.max(12, Math.floor(200_000 / (snapshot.hosts.length + members + 1))));
}

/** Undefined: nobody knows, since enough was tried. */
function tried(search: Search, changed: PlanInput): Planned | undefined {
  if (search.left <= 0) return undefined;
  search.left -= 1;
  return plan(changed);
}

function isDone(planned: Planned | undefined): boolean {
  return planned?.ok === true && planned.plan.unplaced.length === 0;
}

function works(search: Search, changed: PlanInput): boolean {
  return isDone(tried(search, changed));
}

function withoutStrict(search: Search): Remedy[] {
  const { strict, ...rest } = search.input;
  return strict && works(search, rest) ? [{ kind: 'notStrict' }] : [];
}

/** One after the other, each in the zone of the pool that is short then, so that none is more than it takes. */
function moreHosts(search: Search): Remedy[] {
  const { input } = search;
  if (input.snapshot.tenant) return [];
  const keys = failureDomainKeys(input.record.descriptor);
  const hosts: Record<string, number> = {};
  const room: Record<string, Resources> = {};
  let planned: Planned | undefined = search.first;
  for (let added = 1; added <= hostsMax && planned !== undefined; added++) {
    const zone = shortIn(input, planned)?.zone;
    if (zone === undefined) return [];
    hosts[zone] = (own(hosts, zone) ?? 0) + 1;
    room[zone] = roomIn(input, zone);
    planned = tried(search, withHosts(input, { hosts, room, keys }));
    if (isDone(planned)) return [{ kind: 'hosts', hosts, room, ...(keys.length > 0 && { apart: keys }) }];
  }
  return [];
}

/** The pool that finds no place. */
function shortIn({ record }: PlanInput, planned: Planned): Pool | undefined {
  const name = planned.ok ? planned.plan.unplaced[0]?.pool : planned.refusal.details.pool;
  return name === undefined ? undefined : specOf(record, name);
}

/** What is concerned, and no other pool, has as much room on a new host of its zone as its share allows it there. */
function roomIn({ record, request, snapshot }: PlanInput, zone: string): Resources {
  const pools = record.descriptor.pools.filter((pool) => pool.zone === zone);
  const rooms = pools.map((pool) => {
    const flavor = snapshot.flavors[pool.flavor];
    const to = levelAsked(record, request, pool);
    const cap = to === undefined ? 0 : capAt(pool.spare, to);
    return flavor && cap > 0 ? times(flavor, cap) : noResources;
  });
  return rooms.reduce(plus, noResources);
}

/** Undefined where the request is not about this pool. */
function levelAsked(record: VnfRecord, request: ChangeRequest, pool: Pool): number | undefined {
  if (request.kind === 'instantiate') return pool.size.initial;
  if (request.kind === 'scaleOut' || request.kind === 'scaleIn')
    return request.pool === pool.name ? request.to : undefined;
  return own(record.pools, pool.name)?.level;
}

function withHosts(
  input: PlanInput,
  given: {
    readonly hosts: Readonly<Record<string, number>>;
    readonly room: Readonly<Record<string, Resources>>;
    readonly keys: readonly string[];
  },
): PlanInput {
  const { hosts, room, keys } = given;
  const added = Object.entries(hosts).flatMap(([zone, many]) =>
    // No host is called so.
    Array.from({ length: many }, (_, index): Host => {
      const name = `+${String(index + 1)} ${zone}`;
      const domains = Object.fromEntries(keys.map((key) => [key, name]));
      return {
        name,
        zone,
        up: true,
        enabled: true,
        free: own(room, zone) ?? noResources,
        ...(keys.length > 0 && { domains }),
      };
    }),
  );
  return { ...input, snapshot: { ...input.snapshot, hosts: [...input.snapshot.hosts, ...added] } };
}

/** Of the one pool that is short. */
function moreSpare(search: Search): Remedy[] {
  const { input } = search;
  const pool = shortIn(input, search.first);
  const level = pool && levelAsked(input.record, input.request, pool);
  if (!pool || level === undefined) return [];
  const wider = widerSharings(pool, level).find(({ changed }) => works(search, withPool(input, changed)));
  return wider ? [wider.remedy] : [];
}

interface Wider {
  readonly changed: Pool;
  readonly remedy: Extract<Remedy, { kind: 'spare' }>;
}

/**
 * The pool with spares that allow one more on a host at this level, two more …, as far as a descriptor may say them; the smallest first. Then the
 * same with what may be in one failure domain.
 */
export function widerSharings(pool: Pool, level: number): Wider[] {
  const { name, spare, failureDomain: outer } = pool;
  const ofHost = widerSpares(spare, level).map((to) => ({
    changed: { ...pool, spare: to },
    remedy: { kind: 'spare', pool: name, from: spare, to } as const,
  }));
  const ofDomain = widerSpares(outer?.spare ?? 'none', level).flatMap((to): Wider[] =>
    outer
      ? [
          {
            changed: { ...pool, failureDomain: { key: outer.key, spare: to } },
            remedy: { kind: 'spare', pool: name, from: outer.spare, to, domain: outer.key },
          },
        ]
      : [],
  );
  return [...ofHost, ...ofDomain].filter(({ changed }) => spares(changed, '').length === 0);
}

function widerSpares(spare: Spare, level: number): Exclude<Spare, 'none'>[] {
  if (spare === 'none' || level < 2) return [];
  const cap = capAt(spare, level);
  const caps = Array.from({ length: Math.min(capsMax, level - 1 - cap) }, (_, index) => cap + index + 1);
  return caps.map((wanted) => ({
    ...(spare.count !== undefined && { count: Math.max(spare.count, wanted) }),
    ...(spare.share && {
      share:
        Math.floor((spare.share.numerator * level) / spare.share.denominator) >= wanted
          ? spare.share
          : { numerator: Math.ceil((100 * wanted) / level), denominator: 100 },
    }),
  }));
}

function withPool(input: PlanInput, changed: Pool): PlanInput {
  const { record } = input;
  const pools = record.descriptor.pools.map((pool) => (pool.name === changed.name ? changed : pool));
  return { ...input, record: { ...record, descriptor: { ...record.descriptor, pools } } };
}

/** The nearest below and the nearest above, in the direction that was asked for. */
function otherLevels(search: Search): Remedy[] {
  const { input } = search;
  const { record, request } = input;
  const name = request.kind === 'scaleOut' || request.kind === 'scaleIn' ? request.pool : undefined;
  const pool = name === undefined ? shortIn(input, search.first) : specOf(record, name);
  if (!pool || (name === undefined && request.kind !== 'instantiate')) return [];
  const asked = levelAsked(record, request, pool) ?? 0;
  return [-1, 1].flatMap((step): Remedy[] => {
    for (let many = 1; many <= levelsMax; many++) {
      const level = asked + step * many;
      if (level < pool.size.min || level > pool.size.max) return [];
      const changed = withLevel(input, pool, level);
      // The level that it has is no change, and beyond it lies the opposite of what was asked for.
      if (!changed) return [];
      if (works(search, changed)) return [{ kind: 'level', pool: pool.name, level }];
    }
    return [];
  });
}

/** Null where the pool is at that level already. */
function withLevel(input: PlanInput, pool: Pool, level: number): PlanInput | null {
  const { record, request } = input;
  if (request.kind === 'instantiate') return withPool(input, { ...pool, size: { ...pool.size, initial: level } });
  if (request.kind !== 'scaleOut' && request.kind !== 'scaleIn') return null;
  return level === own(record.pools, pool.name)?.level ? null : { ...input, request: { ...request, to: level } };
}

/** All that is short is said at once, and no more than it takes: members that may move in several turns do. */
function moreQuota(search: Search): Remedy[] {
  const { input } = search;
  const { short: whole = [], shortInTurns: short = whole } = search.first.ok ? {} : search.first.refusal.details;
  if (short.length === 0) return [];
  const limits = Object.fromEntries(short.map(({ resource, needed, used }) => [resource, used + needed]));
  const { quotas } = input.snapshot;
  const raised = Object.fromEntries(
    Object.entries(quotas).map(([resource, quota]) => [
      resource,
      { ...quota, limit: own(limits, resource) ?? quota.limit },
    ]),
  );
  const changed = { ...input, snapshot: { ...input.snapshot, quotas: raised } };
  return works(search, changed) ? [{ kind: 'quota', limits }] : [];
}

function specOf({ descriptor }: VnfRecord, name: string): Pool | undefined {
  return descriptor.pools.find((pool) => pool.name === name);
}
