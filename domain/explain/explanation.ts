import type { Pool, Spare } from '../descriptor/descriptor';
import { capAt, spareAt } from '../levels';
import { own } from '../names';
import { countOf, countWithin, cutDeletions, domainsRecorded, orderDeletions } from '../placement/batches';
import { domainsFor } from '../placement/ground';
import type { Plan } from '../plan';
import type { VnfRecord } from '../record';
import type { SeenHost } from './seenHosts';
import type { Told } from './told';

/**
 * What a plan does, host by host, for people: which members are on which host after each of its steps, and how many of a pool
 * the death of one host would take before and after. Derived from the plan alone, which may tell more; nothing is decided here.
 */
export interface Explanation {
  /** Living members on each host, by pool, as things are: who serves, and who leaves for an earlier run. */
  readonly before: HostTable;
  /** In order. Each says what there is after it on the hosts that it changes. */
  readonly steps: readonly ExplainedStep[];
  /** As before, when all is done. */
  readonly after: HostTable;
  /** Of every host and pool that serves before or after; the most taken first. */
  readonly blastRadius: readonly BlastRadius[];
  /** The same of failure domains, of the pools that keep to some. Absent where none does, or what is told does not say which hosts are in one. */
  readonly domainBlastRadius?: readonly DomainBlastRadius[];
  /** The most members on a host before and after, of every pool. */
  readonly caps: Readonly<Record<string, Caps>>;
  /** Why hosts were not chosen, and what binds; in a dry run as an operator. */
  readonly told?: Told;
}

/** Members by host and pool. What a tenant launches is on no host that is known yet: `?`. */
export type HostTable = Readonly<Record<string, Readonly<Record<string, number>>>>;

export interface ExplainedStep {
  /** `evacuate`: Nova moves failed members as they are. `delete`: drained before. */
  readonly does: 'launch' | 'evacuate' | 'delete';
  readonly pool: string;
  readonly members: number;
  /** Members of that pool after it, on the hosts that it changes. */
  readonly hosts: Readonly<Record<string, number>>;
}

export interface BlastRadius {
  readonly host: string;
  readonly pool: string;
  readonly before: Taken;
  readonly after: Taken;
}

/** Of a failure domain: with `key` `rack` and `domain` `r1` of what is on the hosts of that rack. */
export interface DomainBlastRadius extends Omit<BlastRadius, 'host'> {
  readonly key: string;
  readonly domain: string;
}

export interface Caps {
  readonly before: number;
  readonly after: number;
  /** In one failure domain, within the pool's zone. Absent where the pool keeps to none. */
  readonly failureDomain?: {
    readonly key: string;
    readonly zone: string;
    readonly before: number;
    readonly after: number;
  };
}

/** What is lost of a pool with the host: so many of the level, of which so many may be lost together (k; 0 where none is claimed). */
export interface Taken {
  readonly members: number;
  readonly level: number;
  readonly spare: number;
}

const unknownHost = '?';

export function explain(record: VnfRecord, plan: Plan): Explanation {
  const hostNamed = new Map((plan.told?.hosts ?? []).map((host) => [host.name, host]));
  const pools = record.descriptor.pools.map((pool) => explainPool(record, pool, { plan, hostNamed }));
  const domains = pools.flatMap(({ domainBlast }) => domainBlast);
  const steps = pools.flatMap(({ launched }) => launched);
  return {
    before: tableOf(pools.map(({ pool, before }) => [pool, before])),
    // Launches of all pools come before the commit, and what leaves goes after it.
    steps: [...steps, ...pools.flatMap(({ deleted }) => deleted)],
    after: tableOf(pools.map(({ pool, after }) => [pool, after])),
    blastRadius: pools
      .flatMap(({ blast }) => blast)
      .sort((a, b) => b.after.members - a.after.members || (a.host < b.host ? -1 : a.host > b.host ? 1 : 0)),
    ...(domains.length > 0 && {
      domainBlastRadius: domains.sort((a, b) => b.after.members - a.after.members || (a.domain < b.domain ? -1 : 1)),
    }),
    caps: Object.fromEntries(record.descriptor.pools.map((pool) => [pool.name, capsOf(record, plan, pool)])),
    ...(plan.told && { told: plan.told }),
  };
}

function capsOf(record: VnfRecord, plan: Plan, { name, zone, spare, failureDomain: outer }: Pool): Caps {
  const { from, to } = levelsOf(record, plan, name);
  const caps = (of: Spare) => ({ before: capAt(of, from), after: capAt(of, to) });
  return { ...caps(spare), ...(outer && { failureDomain: { key: outer.key, zone, ...caps(outer.spare) } }) };
}

interface Explained {
  readonly pool: string;
  readonly before: ReadonlyMap<string, number>;
  readonly after: ReadonlyMap<string, number>;
  readonly launched: readonly ExplainedStep[];
  readonly deleted: readonly ExplainedStep[];
  readonly blast: readonly BlastRadius[];
  readonly domainBlast: readonly DomainBlastRadius[];
}

function explainPool(
  record: VnfRecord,
  spec: Pool,
  { plan, hostNamed }: { readonly plan: Plan; readonly hostNamed: ReadonlyMap<string, SeenHost> },
): Explained {
  const { name: pool, spare, failureDomain: outer } = spec;
  const domainOf = domainsFor({ hostNamed }, spec);
  const state = own(record.pools, pool);
  const serving = state?.inService ?? [];
  const owed = record.debts
    .flatMap((debt) => debt.stages.flat())
    .filter((lot) => lot.pool === pool && lot.drainSeconds > 0)
    .flatMap((lot) => lot.members);
  const before = countOf([...serving, ...owed].map(({ host }) => host));
  const on = new Map(before);
  const launched = [
    ...(plan.moves ?? []).map((batch) => ({ does: 'evacuate' as const, batch })),
    ...plan.batches.map((batch) => ({ does: 'launch' as const, batch })),
  ]
    .filter(({ batch }) => batch.pool === pool)
    .map(({ does, batch }) => step(on, { does, pool, hosts: batch.rows.map(({ host }) => hostOf(host)), by: 1 }));
  const leaving = plan.leave
    .filter((ref) => ref.pool === pool)
    .flatMap((ref) => serving.find(({ ordinal }) => ordinal === ref.ordinal) ?? []);
  const deleted: ExplainedStep[] = [];
  // As the record orders and cuts what is owed, by the domains in which it has its members.
  const rows = [...(plan.moves ?? []), ...plan.batches].flatMap((batch) => (batch.pool === pool ? batch.rows : []));
  const counted = {
    ...{ existing: on, vanishing: owed.map(({ host }) => host) },
    domainOf: domainsRecorded([...serving, ...rows, ...owed]),
  };
  const { order } = orderDeletions(spec, leaving, counted);
  let begun = 0;
  for (const many of cutDeletions(spec, order, counted)) {
    const hosts = order.slice(begun, begun + many).map(({ host }) => host);
    deleted.push(step(on, { does: 'delete', pool, hosts, by: -1 }));
    begun += many;
  }
  // What others owe goes meanwhile.
  for (const { host } of owed) on.set(host, (on.get(host) ?? 0) - 1);
  const servesBefore = countOf(serving.map(({ host }) => host));
  const blast = takenOf(spare, { before: servesBefore, after: on })
    .filter(({ unit }) => unit !== unknownHost)
    .map(({ unit, ...taken }) => ({ host: unit, pool, ...taken }));
  const domains = { before: countWithin(servesBefore, domainOf), after: countWithin(on, domainOf) };
  const domainBlast = outer
    ? takenOf(outer.spare, domains).map(({ unit, ...taken }) => ({ key: outer.key, domain: unit, pool, ...taken }))
    : [];
  return { pool, before, after: on, launched, deleted, blast, domainBlast };

  /** Of hosts or of domains. */
  function takenOf(
    of: Spare,
    counts: { readonly before: ReadonlyMap<string, number>; readonly after: ReadonlyMap<string, number> },
  ): { readonly unit: string; readonly before: Taken; readonly after: Taken }[] {
    const { from, to } = levelsOf(record, plan, pool);
    const taken = (members: number, level: number): Taken => ({ members, level, spare: spareAt(of, level) });
    return [...new Set([...counts.before.keys(), ...counts.after.keys()])]
      .map((unit) => ({
        unit,
        before: taken(counts.before.get(unit) ?? 0, from),
        after: taken(counts.after.get(unit) ?? 0, to),
      }))
      .filter(({ before: was, after: is }) => was.members + is.members > 0);
  }
}

function levelsOf(record: VnfRecord, plan: Plan, pool: string): { readonly from: number; readonly to: number } {
  const level = own(record.pools, pool)?.level ?? 0;
  return own(plan.levels, pool) ?? { from: level, to: level };
}

function step(
  on: Map<string, number>,
  what: Pick<ExplainedStep, 'does' | 'pool'> & { readonly hosts: readonly string[]; readonly by: 1 | -1 },
): ExplainedStep {
  const { does, pool, hosts, by } = what;
  for (const host of hosts) on.set(host, (on.get(host) ?? 0) + by);
  const changed = [...new Set(hosts)].sort();
  const after = Object.fromEntries(changed.map((host) => [host, on.get(host) ?? 0]));
  return { does, pool, members: hosts.length, hosts: after };
}

function hostOf(host: string): string {
  return host === '' ? unknownHost : host;
}

function tableOf(pools: readonly (readonly [string, ReadonlyMap<string, number>])[]): HostTable {
  const hosts = [...new Set(pools.flatMap(([, on]) => [...on.keys()]))].sort();
  return Object.fromEntries(
    hosts.flatMap((host) => {
      const counts = pools.flatMap(([pool, on]) => ((on.get(host) ?? 0) > 0 ? [[pool, on.get(host) ?? 0]] : []));
      return counts.length > 0 ? [[host, Object.fromEntries(counts) as Record<string, number>]] : [];
    }),
  );
}

/** `cmp-03 takes 2 of 10 sprout, spare is 2`, `rack r1 takes 3 of 10 sprout, spare is 5`. */
export function blastSaid(blast: BlastRadius | DomainBlastRadius): string {
  const { pool, after } = blast;
  const what = 'host' in blast ? blast.host : `${blast.key} ${blast.domain}`;
  return `${what} takes ${String(after.members)} of ${String(after.level)} ${pool}, spare is ${after.spare === 0 ? 'none' : String(after.spare)}`;
}
