import type { Pool } from '../descriptor/descriptor';
import { failure, type Failure } from '../failure';
import type { ChangeRequest, Onto, Plan } from '../plan';
import type { Member, PoolState, VnfRecord } from '../record';
import { less } from '../resources';
import type { Snapshot } from '../snapshot';
import { afterSpending, costOf, spend } from './budget';
import { demandsOf, plan, type PlanInput } from './index';
import { pack } from './packing';
import { ordersMax } from './pools';

/**
 * Several VNFs that leave the same hosts, each in a turn of its own: planned on one snapshot, so that all of them find a place, each beside
 * what the others take.
 */
export interface SeveralInput {
  readonly vnfs: readonly AskedVnf[];
  /** Of all of them, but for their servers. */
  readonly snapshot: Snapshot;
  readonly request: Extract<ChangeRequest, { kind: 'emptyHosts' }>;
}

interface AskedVnf {
  readonly record: VnfRecord;
  readonly servers: Snapshot['servers'];
}

export type SeveralPlanned =
  | {
      readonly ok: true;
      /** In their order. */
      readonly each: readonly PlannedVnf[];
      /** The quota carries them one after another only. */
      readonly oneByOne: boolean;
    }
  /** The first that found no place, as it was asked. */
  | { readonly ok: false; readonly asked: PlanInput; readonly refusal: Failure };

export interface PlannedVnf {
  readonly asked: PlanInput;
  readonly plan: Plan;
}

export type SeveralRefused = Extract<SeveralPlanned, { ok: false }>;

/** So many plans, all orders together, and no further order is begun: some seconds, with a thousand hosts. */
const plansMax = 200;

export function planSeveral(input: SeveralInput): SeveralPlanned {
  const atOnce = placesFor(input, { oneByOne: false });
  if (atOnce.ok || atOnce.refusal.kind !== 'QuotaExceeded' || input.vnfs.length < 2) return atOnce;
  // Who has moved gives its quota back before the next begins.
  return placesFor(input, { oneByOne: true });
}

/**
 * The same as a request of one VNF that has all their pools, named `<vnf>/<pool>`: what would make it possible for all of them can be tried on it
 * as on any other.
 */
export function asOne({ vnfs, snapshot, request }: SeveralInput): PlanInput {
  const [first] = vnfs;
  if (!first) throw new Error('there are no VNFs');
  const nameIn = ({ vnf }: VnfRecord, pool: string): string => `${vnf}/${pool}`;
  const pools = vnfs.flatMap(({ record }) =>
    Object.entries(record.pools).map(([pool, state]): [string, PoolState] => {
      const name = nameIn(record, pool);
      const renamed = (members: readonly Member[]): Member[] => members.map((member) => ({ ...member, pool: name }));
      return [name, { ...state, inService: renamed(state.inService), failed: renamed(state.failed) }];
    }),
  );
  const debts = vnfs.flatMap(({ record }) =>
    record.debts.map((debt) => ({
      ...debt,
      movedFrom: Object.fromEntries(
        Object.entries(debt.movedFrom).map(([pool, level]) => [nameIn(record, pool), level]),
      ),
      stages: debt.stages.map((lots) => lots.map((lot) => ({ ...lot, pool: nameIn(record, lot.pool) }))),
    })),
  );
  const specs = vnfs.flatMap(({ record }) =>
    record.descriptor.pools.map((pool) => ({ ...pool, name: nameIn(record, pool.name), dependsOn: [] })),
  );
  const servers = vnfs.flatMap(({ record, servers: own }) =>
    own.map((server) => ({ ...server, pool: nameIn(record, server.pool) })),
  );
  const descriptor = { ...first.record.descriptor, pools: specs };
  return {
    record: { ...first.record, descriptor, pools: Object.fromEntries(pools), debts },
    snapshot: { ...snapshot, servers },
    request,
  };
}

/** Where the new members of each pool go, as planned. */
export function ontoOf({ batches }: Plan): Onto {
  const onto = new Map<string, string[]>();
  for (const { pool, rows } of batches) onto.set(pool, [...(onto.get(pool) ?? []), ...rows.map(({ host }) => host)]);
  return Object.fromEntries(onto);
}

interface How {
  readonly oneByOne: boolean;
}

function placesFor(input: SeveralInput, how: How): SeveralPlanned {
  const { vnfs, snapshot } = input;
  let order = [...vnfs];
  let first: SeveralRefused | undefined;
  let plans = 0;
  const tried = new Set<string>();
  while (tried.size < ordersMax && (first === undefined || plans < plansMax)) {
    const key = order.map(({ record }) => record.vnf).join(' ');
    if (tried.has(key)) break;
    tried.add(key);
    const planned = inOrder(input, order, how);
    plans += order.length;
    if (planned.ok) return planned;
    first ??= planned;
    // No order changes what the quota carries of all together.
    if (planned.refusal.kind === 'QuotaExceeded') return planned;
    const failed = order.find(({ record }) => record === planned.asked.record);
    // The first has had the whole snapshot.
    if (!failed || failed === order[0]) return planned;
    const alone = { ...planned.asked, snapshot: { ...snapshot, servers: failed.servers } };
    const planAlone = plan(alone);
    if (!planAlone.ok) return { ok: false, asked: alone, refusal: planAlone.refusal };
    order = [failed, ...order.filter((each) => each !== failed)];
  }
  if (!first) return { ok: true, each: [], oneByOne: false };
  const packed = packedTogether(input, how);
  if (packed?.ok || packed?.refusal.kind === 'QuotaExceeded') return packed;
  const { asked, refusal } = first;
  const why = `The VNFs on ${input.request.hosts.join(', ')} compete for the same hosts, and a place for all was not found, in none of ${String(tried.size)} orders nor together.`;
  return { ok: false, asked, refusal: failure('NotFound', `${why} ${refusal.message}`, refusal.details) };
}

/** One after another, each seeing what those before it take. */
function inOrder(
  { vnfs, snapshot, request }: SeveralInput,
  order: readonly AskedVnf[],
  { oneByOne }: How,
  ontoFor: (vnf: string) => Onto | undefined = () => undefined,
): SeveralPlanned {
  let left = snapshot;
  const done = new Map<string, PlannedVnf>();
  for (const { record, servers } of order) {
    const onto = ontoFor(record.vnf);
    const asked: PlanInput = {
      ...{ record, snapshot: { ...left, servers }, request: { ...request, ...(onto && { onto }) } },
      // Where they move at the same time none of them can count on what another gives back.
      wholeSurge: vnfs.length > 1 && !oneByOne,
    };
    const planned = plan(asked);
    if (!planned.ok) return { ok: false, asked, refusal: planned.refusal };
    done.set(record.vnf, { asked, plan: planned.plan });
    left = remaining(left, { record, planned: planned.plan, oneByOne });
  }
  return { ok: true, each: vnfs.flatMap(({ record }) => done.get(record.vnf) ?? []), oneByOne };
}

/** Places for all of them looked for together, whoever comes first. Null where that comes to nothing. */
function packedTogether(input: SeveralInput, how: How): SeveralPlanned | null {
  const { vnfs, snapshot, request } = input;
  const demands = vnfs.flatMap(({ record, servers }) =>
    demandsOf({ record, snapshot: { ...snapshot, servers }, request }).map((demand) => ({
      ...demand,
      vnf: record.vnf,
    })),
  );
  const hosts = pack(new Map(snapshot.hosts.map(({ name, free }) => [name, free])), demands);
  if (!hosts) return null;
  const onto = new Map<string, Record<string, readonly string[]>>();
  for (const [index, { vnf, pool }] of demands.entries())
    onto.set(vnf, { ...onto.get(vnf), [pool]: hosts[index] ?? [] });
  return inOrder(input, vnfs, how, (vnf) => onto.get(vnf));
}

/** What is left of room and quota when this plan is carried out: everything new beside everything that is there. */
function remaining(
  snapshot: Snapshot,
  { record, planned, oneByOne }: How & { readonly record: VnfRecord; readonly planned: Plan },
): Snapshot {
  const free = new Map(snapshot.hosts.map((host) => [host.name, host.free]));
  const { moves = [], batches } = planned;
  const poolNamed = (name: string): Pool | undefined => record.descriptor.pools.find((pool) => pool.name === name);
  const after = afterSpending(snapshot, (budget) => {
    for (const { pool: name } of planned.deleteFirst) {
      const pool = poolNamed(name);
      if (pool && !oneByOne) spend(budget, costOf(snapshot.flavors[pool.flavor], pool), -1);
    }
    for (const batch of [...moves, ...batches]) {
      const { pool: name, rows } = batch;
      const pool = poolNamed(name);
      const flavor = snapshot.flavors[pool?.flavor ?? ''];
      if (!pool || !flavor) continue;
      // Who is evacuated is in the quota already.
      if (!oneByOne && batches.includes(batch)) spend(budget, costOf(flavor, pool), rows.length);
      for (const { host } of rows) {
        const room = free.get(host);
        if (room) free.set(host, less(room, flavor));
      }
    }
  });
  return { ...after, hosts: snapshot.hosts.map((host) => ({ ...host, free: free.get(host.name) ?? host.free })) };
}
