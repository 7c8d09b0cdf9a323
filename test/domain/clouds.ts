import { fc } from '../property';
import type { Pool, Share, Sharing, Spare } from '../../domain/descriptor/descriptor';
import { capAt, domainCapAt } from '../../domain/levels';
import type { ChangeRequest, MemberRef } from '../../domain/plan';
import type { PlanInput } from '../../domain/placement';
import type { Member } from '../../domain/record';
import type { Host, ServerSeen } from '../../domain/snapshot';
import { hostNamed, memberOn, poolNamed, recordOf, roomFor, snapshotOf, stateOf } from './build';

/** Small clouds of every kind, with VNFs in every state that the procedures can leave them in. */

const ratio = (numerator: number, denominator: number): { share: Share } => ({ share: { numerator, denominator } });
const spares: readonly Spare[] = [
  'none',
  { count: 1 },
  { count: 2 },
  { count: 3 },
  ratio(1, 2),
  ratio(1, 3),
  ratio(1, 4),
  ratio(1, 5),
  ratio(17, 50),
  { count: 2, share: { numerator: 1, denominator: 3 } },
];

const anySpare: fc.Arbitrary<Spare> = fc.constantFrom(...spares);

/** Null: nobody says. */
export const anyRack = fc.constantFrom('a', 'a', 'b', 'b', 'c', null);

export function inRack(rack: string | null): Pick<Host, 'domains'> {
  return rack === null ? {} : { domains: { rack } };
}

const anyHost = (name: string): fc.Arbitrary<Host> =>
  fc
    .record({
      zone: fc.constantFrom('mz', 'mz', 'mz', 'mz', 'dmz'),
      up: fc.constantFrom(true, true, true, true, false),
      enabled: fc.constantFrom(true, true, true, true, false),
      room: fc.integer({ min: 0, max: 4 }),
      rack: anyRack,
    })
    .map(({ room, rack, ...rest }) => hostNamed(name, { ...rest, ...inRack(rack), free: roomFor(room) }));

/** What of a pool may be lost together: most keep to no racks. */
export const anySharing: fc.Arbitrary<Sharing> = fc
  .tuple(anySpare, fc.constantFrom(null, null, null, { count: 1 }, { count: 3 }, ratio(1, 2), ratio(2, 3), ratio(1, 3)))
  .map(([spare, outer]) => ({ spare, ...(outer && { failureDomain: { key: 'rack', spare: outer } }) }));

/** How many GPUs each host has. */
const fewGpus = fc.array(fc.constantFrom(0, 0, 1, 1, 2, 3), { minLength: 6, maxLength: 6 });

/** Null, mostly: nobody asks for any. */
const anyGpus = fc.oneof({ weight: 9, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: fewGpus });

/** Now and then the first pool's members ask for a GPU each, and hosts have few. */
function someWithGpus(inputs: fc.Arbitrary<PlanInput>): fc.Arbitrary<PlanInput> {
  return fc.tuple(inputs, anyGpus).map(([input, gpus]) => (gpus === null ? input : withGpus(input, gpus)));
}

function withGpus(input: PlanInput, gpus: readonly number[]): PlanInput {
  const { record, snapshot } = input;
  const { descriptor } = record;
  const flavorBefore = snapshot.flavors[descriptor.pools[0]?.flavor ?? ''] ?? { id: '', name: '', ...roomFor(1) };
  const flavor = { ...flavorBefore, name: 'gpu', others: { VGPU: 1 } };
  const pools = descriptor.pools.map((pool, index) => (index === 0 ? { ...pool, flavor: 'gpu' } : pool));
  return {
    ...input,
    record: { ...record, descriptor: { ...descriptor, pools } },
    snapshot: {
      ...snapshot,
      flavors: { ...snapshot.flavors, gpu: flavor },
      hosts: snapshot.hosts.map((host, index) => ({
        ...host,
        free: { ...host.free, others: { VGPU: gpus[index % gpus.length] ?? 0 } },
      })),
    },
  };
}

const anyHosts = (max: number): fc.Arbitrary<Host[]> =>
  fc
    .integer({ min: 1, max })
    .chain((count) => fc.tuple(...Array.from({ length: count }, (_, at) => anyHost(`h${String(at + 1)}`))));

/** Members where a plan could have put them: never more on a host, or in a rack, than the cap of their number. */
function settle(pool: Pool, hosts: readonly Host[], wanted: readonly number[]): Member[] {
  const open = hosts.filter(({ zone }) => zone === pool.zone);
  for (let level = wanted.length; level > 0; level--) {
    const cap = capAt(pool.spare, level);
    const domainCap = domainCapAt(pool, level);
    const on = new Map<string, number>();
    const members: Member[] = [];
    for (let index = 0; index < level; index++) {
      for (let step = 0; step < open.length; step++) {
        const host = open[((wanted[index] ?? 0) + step) % open.length];
        const rack = pool.failureDomain && host?.domains?.['rack'];
        if (!host || (on.get(host.name) ?? 0) >= cap) continue;
        if (rack !== undefined && (on.get(`rack ${rack}`) ?? 0) >= domainCap) continue;
        on.set(host.name, (on.get(host.name) ?? 0) + 1);
        if (rack !== undefined) on.set(`rack ${rack}`, (on.get(`rack ${rack}`) ?? 0) + 1);
        members.push(memberOn(pool.name, index + 1, host.name));
        break;
      }
    }
    if (members.length === level) return members;
  }
  return [];
}

interface Drawn {
  readonly wanted: readonly number[];
  readonly dead: readonly number[];
  readonly launched: readonly number[];
  readonly kind: 'scaleOut' | 'scaleIn' | 'replaceMembers' | 'maintenance' | 'failed';
  readonly by: number;
  readonly pick: number;
  readonly named: readonly number[];
  readonly sharing: Sharing;
}

const anyDrawn: fc.Arbitrary<Drawn> = fc.record({
  sharing: anySharing,
  wanted: fc.array(fc.nat({ max: 7 }), { minLength: 1, maxLength: 8 }),
  dead: fc.array(fc.nat({ max: 7 }), { maxLength: 2 }),
  launched: fc.array(fc.nat({ max: 7 }), { maxLength: 2 }),
  kind: fc.constantFrom('scaleOut', 'scaleIn', 'replaceMembers', 'maintenance', 'failed'),
  by: fc.integer({ min: 1, max: 5 }),
  pick: fc.nat({ max: 7 }),
  named: fc.array(fc.nat({ max: 7 }), { maxLength: 2 }),
});

function requestOf(
  pool: string,
  drawn: Drawn,
  at: { level: number; members: readonly Member[]; hosts: readonly Host[] },
): ChangeRequest | null {
  const { kind, by, pick, named } = drawn;
  const { level, members, hosts } = at;
  switch (kind) {
    case 'scaleOut':
      return { kind, pool, to: level + by };
    case 'scaleIn':
      return level - by >= 1
        ? { kind, pool, to: level - by, ...(named.length > 0 && { members: pickedOf(members, named.slice(0, by)) }) }
        : null;
    case 'replaceMembers': {
      const chosen = members.filter((_, index) => (index + pick) % 3 === 0).map(({ ordinal }) => ({ pool, ordinal }));
      return chosen.length > 0 ? { kind, members: chosen } : null;
    }
    case 'maintenance':
    case 'failed': {
      const host = hosts[pick % hosts.length]?.name ?? '';
      return members.some((member) => member.host === host) ? { kind: 'emptyHosts', hosts: [host], cause: kind } : null;
    }
  }
}

function pickedOf(members: readonly Member[], at: readonly number[]): MemberRef[] {
  return [...new Set(at.map((index) => members[index % members.length]))].flatMap((member) =>
    member ? [{ pool: member.pool, ordinal: member.ordinal }] : [],
  );
}

function inputOf(hosts: readonly Host[], drawn: Drawn): PlanInput | null {
  const pool = poolNamed('web', drawn.sharing);
  const all = settle(pool, hosts, drawn.wanted);
  const dead = new Set(drawn.dead.map((index) => index + 1));
  const failed = all.filter(({ ordinal }) => dead.has(ordinal));
  const inService = all.filter(({ ordinal }) => !dead.has(ordinal));
  const request = requestOf(pool.name, drawn, { level: all.length, members: all, hosts });
  if (all.length === 0 || !request) return null;
  // What an earlier try of the turn left: on hosts that were open, within the cap of what exists.
  const open = hosts.filter(({ zone, up, enabled }) => zone === pool.zone && up && enabled);
  const most = capAt(pool.spare, all.length);
  const launched: Member[] = [];
  drawn.launched.forEach((index, at) => {
    const host = open[index % Math.max(1, open.length)];
    const there = [...inService, ...launched].filter((member) => member.host === host?.name).length;
    const rack = host?.domains?.['rack'];
    const beside = [...inService, ...launched].filter((member) => rackOf(hosts, member.host) === rack).length;
    if (pool.failureDomain && (rack === undefined || beside >= domainCapAt(pool, all.length))) return;
    if (host && there < most) launched.push(memberOn(pool.name, 100 + at, host.name));
  });
  return {
    record: recordOf([{ pool, state: stateOf(inService, { failed, nextOrdinal: 200 }) }]),
    snapshot: snapshotOf(hosts),
    request,
    launched,
  };
}

function rackOf(hosts: readonly Host[], name: string): string | undefined {
  return hosts.find((host) => host.name === name)?.domains?.['rack'];
}

/** A request to a VNF of one pool. */
export const anyInput: fc.Arbitrary<PlanInput> = someWithGpus(
  fc
    .tuple(anyHosts(6), anyDrawn)
    .map(([hosts, drawn]) => inputOf(hosts, drawn))
    .filter((input) => input !== null),
);

/** The same, and its members always ask for a GPU. */
export const anyOfGpus: fc.Arbitrary<PlanInput> = fc
  .tuple(anyInput, fewGpus)
  .map(([input, gpus]) => withGpus(input, gpus));

/** A VNF of three pools that share hosts: to be made, to lose a host, or to have one emptied. */
export const anySeveral: fc.Arbitrary<PlanInput> = someWithGpus(
  fc
    .tuple(
      anyHosts(6),
      fc.tuple(anyDrawn, anyDrawn, anyDrawn),
      fc.constantFrom('instantiate', 'maintenance', 'failed'),
      fc.nat({ max: 5 }),
    )
    .map(([hosts, drawn, kind, pick]) => {
      const made = drawn.map(({ sharing, wanted, dead }, index) => {
        const pool = poolNamed(`p${String(index)}`, { ...sharing, size: { min: 1, initial: wanted.length, max: 20 } });
        const all = kind === 'instantiate' ? [] : settle(pool, hosts, wanted);
        const gone = new Set(dead.map((at) => at + 1));
        return {
          pool,
          state: stateOf(
            all.filter(({ ordinal }) => !gone.has(ordinal)),
            { failed: all.filter(({ ordinal }) => gone.has(ordinal)) },
          ),
        };
      });
      const request: ChangeRequest =
        kind === 'instantiate'
          ? { kind }
          : {
              kind: 'emptyHosts',
              hosts: [hosts[pick % hosts.length]?.name ?? ''],
              cause: kind === 'failed' ? 'failed' : 'maintenance',
            };
      return { record: recordOf(made), snapshot: snapshotOf(hosts), request };
    }),
);

/** A VNF of several pools to be made where there is about as much room as it needs, and not everywhere for every pool. */
export const anyCrowded: fc.Arbitrary<PlanInput> = someWithGpus(
  fc
    .tuple(
      fc.array(fc.tuple(fc.nat({ max: 4 }), fc.constantFrom('mz', 'mz', 'mz', 'dmz'), anyRack), {
        minLength: 3,
        maxLength: 6,
      }),
      fc.array(fc.tuple(anySharing, fc.constantFrom('mz', 'mz', 'mz', 'dmz'), fc.integer({ min: 1, max: 5 })), {
        minLength: 2,
        maxLength: 5,
      }),
    )
    .map(([rooms, wanted]) => {
      const hosts = rooms.map(([room, zone, rack], at) =>
        hostNamed(`h${String(at + 1)}`, { zone, ...inRack(rack), free: roomFor(room) }),
      );
      const pools = wanted.map(([sharing, zone, initial], at) => ({
        pool: poolNamed(`p${String(at)}`, { ...sharing, zone, size: { min: 1, initial, max: 20 } }),
      }));
      return { record: recordOf(pools), snapshot: snapshotOf(hosts), request: { kind: 'instantiate' } };
    }),
);

/**
 * Three or four pools with members of several sizes, to be made on hosts that have just the room of one way to place them, and here and
 * there a little more: it is always possible, and seldom easy.
 */
export const anyScarce: fc.Arbitrary<PlanInput> = fc
  .tuple(
    fc.array(
      fc.record({
        sharing: anySharing,
        size: fc.constantFrom(1, 1, 2, 3),
        wanted: fc.array(fc.nat({ max: 7 }), { minLength: 1, maxLength: 6 }),
      }),
      { minLength: 3, maxLength: 4 },
    ),
    fc.array(fc.tuple(fc.constantFrom(0, 0, 0, 1), fc.constantFrom('a', 'b', 'c')), { minLength: 3, maxLength: 5 }),
    anyGpus,
  )
  .map(([drawn, slack, gpus]) => {
    const empty = slack.map(([, rack], index) =>
      hostNamed(`h${String(index + 1)}`, { ...inRack(rack), free: roomFor(0) }),
    );
    const used = new Map<string, number>();
    /** Members of the first pool. */
    const firsts = new Map<string, number>();
    const pools = drawn.flatMap(({ sharing, size, wanted }, index): Pool[] => {
      const pool = poolNamed(`p${String(index)}`, { ...sharing, flavor: `size${String(size)}` });
      const members = settle(pool, empty, wanted);
      for (const { host } of members) used.set(host, (used.get(host) ?? 0) + size);
      if (firsts.size === 0) for (const { host } of members) firsts.set(host, (firsts.get(host) ?? 0) + 1);
      return members.length === 0 ? [] : [{ ...pool, size: { min: 1, initial: members.length, max: 20 } }];
    });
    const flavors = Object.fromEntries(
      [1, 2, 3].map((size) => {
        const name = `size${String(size)}`;
        return [name, { ...roomFor(size), id: name, name }];
      }),
    );
    const hosts = empty.map((host, index) => ({
      ...host,
      free: roomFor((used.get(host.name) ?? 0) + (slack[index]?.[0] ?? 0)),
    }));
    const record = recordOf(pools.map((pool) => ({ pool })));
    const input = { record, snapshot: snapshotOf(hosts, { flavors }), request: { kind: 'instantiate' as const } };
    return gpus === null
      ? input
      : withGpus(
          input,
          hosts.map(({ name }, index) => (firsts.get(name) ?? 0) + (slack[index]?.[0] ?? 0)),
        );
  });

/**
 * A fenced host, all of whose members may be evacuated, as the cloud shows them: most of them as if nothing had happened, some in
 * ERROR, or gone.
 */
export const anyFenced: fc.Arbitrary<PlanInput> = fc
  .tuple(
    anyInput,
    fc.array(fc.constantFrom('ACTIVE', 'ACTIVE', 'SHUTOFF', 'ERROR', 'gone'), { minLength: 8, maxLength: 8 }),
  )
  .map(([input, statuses]) => {
    const { record, snapshot, request } = input;
    const state = record.pools['web'];
    if (!state || request.kind !== 'emptyHosts' || request.cause !== 'failed') return null;
    const onHost = ({ host }: Member): boolean => request.hosts.includes(host);
    const failed = [...state.failed, ...state.inService.filter(onHost)];
    const servers = failed.filter(onHost).flatMap((member, at): ServerSeen[] => {
      const status = statuses[at % statuses.length] ?? 'gone';
      if (status === 'gone') return [];
      const { pool, ordinal, serverId, token, host } = member;
      return [{ pool, ordinal, serverId, token, host, name: `v-${pool}-${String(ordinal)}`, status }];
    });
    return {
      ...input,
      record: {
        ...record,
        descriptor: {
          ...record.descriptor,
          pools: record.descriptor.pools.map((pool): Pool => ({ ...pool, recover: 'evacuate' })),
        },
        pools: { web: { ...state, failed, inService: state.inService.filter((member) => !onHost(member)) } },
      },
      snapshot: { ...snapshot, servers },
      request: { ...request, fenced: true },
    };
  })
  .filter((input) => input !== null);

/** A scaleIn of members of whom the cloud shows some broken, some gone and some on hosts that are down or closed. */
export const anyDoubted: fc.Arbitrary<PlanInput> = fc
  .tuple(
    anyInput,
    fc.array(fc.constantFrom('ACTIVE', 'ACTIVE', 'ACTIVE', 'SHUTOFF', 'ERROR', 'gone'), {
      minLength: 8,
      maxLength: 8,
    }),
  )
  .filter(([{ request }]) => request.kind === 'scaleIn')
  .map(([input, statuses]) => {
    const members = input.record.pools['web']?.inService ?? [];
    const servers = members.flatMap((member, at): ServerSeen[] => {
      const status = statuses[at] ?? 'gone';
      if (status === 'gone') return [];
      const { pool, ordinal, serverId, token, host } = member;
      return [{ pool, ordinal, serverId, token, host, name: `v-${pool}-${String(ordinal)}`, status }];
    });
    return { ...input, launched: [], snapshot: { ...input.snapshot, servers } };
  });

/**
 * VNFs among whose members other hands have been: on any hosts, of which the record knows some, with some dead and some places that nobody
 * has. Nothing is launched yet.
 */
export function anyMoved(pools: number): fc.Arbitrary<PlanInput> {
  const drawn = fc.record({
    sharing: anySharing,
    on: fc.array(fc.nat({ max: 4 }), { minLength: 1, maxLength: 6 }),
    believed: fc.array(fc.option(fc.nat({ max: 4 })), { minLength: 6, maxLength: 6 }),
    dead: fc.constantFrom(0, 0, 0, 1),
    lacking: fc.constantFrom(0, 0, 0, 1),
  });
  const inputs = fc
    .tuple(anyHosts(5), fc.array(drawn, { minLength: pools, maxLength: pools }))
    .map(([hosts, each]): PlanInput => {
      const hostAt = (at: number): string => hosts[at % hosts.length]?.name ?? '';
      const servers: ServerSeen[] = [];
      const made = each.map(({ sharing, on, believed, dead, lacking }, index) => {
        const pool = poolNamed(pools === 1 ? 'web' : `p${String(index)}`, sharing);
        const members = on.map((at, ordinal) => {
          const member = memberOn(pool.name, ordinal + 1, hostAt(at));
          const { serverId, token, host } = member;
          const name = `v1-${pool.name}-${String(member.ordinal)}`;
          if (ordinal >= dead)
            servers.push({ pool: pool.name, ordinal: member.ordinal, serverId, token, host, name, status: 'ACTIVE' });
          // What is dead is gone.
          return { ...member, host: hostAt(believed[ordinal] ?? at) };
        });
        const failed = members.slice(0, dead);
        const level = members.length + lacking;
        return { pool, state: stateOf(members.slice(dead), { failed, level }) };
      });
      return { record: recordOf(made), snapshot: snapshotOf(hosts, { servers }), request: { kind: 'rebalance' } };
    });
  return someWithGpus(inputs);
}
