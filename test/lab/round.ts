import { setTimeout as pause } from 'node:timers/promises';
import { until, type Ended, type Procedure } from '../real/world';
import { differences, openHosts, sweep, untilNothing } from './inventory';
import { gateOf, type Seen } from './proxy';
import type { LabWorld } from './world';

/**
 * All six procedures at the same time, each on a VNF of its own, struck together: each is stopped at a call in its middle, then
 * something is done to the cloud, then they go on. Five VNFs play the parts in turn, so that what one round makes the next one uses;
 * the sixth lives in the other zone, where a host can be emptied without the others.
 */

const network = { mgmt: { network: 'mgmt' } };
const pool = {
  name: 'web',
  spare: '1/3',
  flavor: 'm1.small',
  image: 'cirros',
  networks: ['mgmt'],
  securityRules: [{ protocol: 'tcp', ports: 80, from: 'any' }],
  healthyAfterSeconds: 10,
  drainSeconds: 30,
  // Of a server that stays in BUILD for good. A busy lab takes half of it.
  bootTimeoutSeconds: 40,
} as const;

export const levels = { low: 3, high: 5 } as const;

/** As many members as there are hosts, but for one, in the zone of the one that is evacuated. */
export function descriptorIn(zone: 'mz' | 'dmz'): Record<string, unknown> {
  const size = { min: levels.low, initial: levels.low, max: zone === 'mz' ? 9 : levels.low };
  return { name: 'struck', networks: network, pools: [{ ...pool, zone, size }] };
}

/** In the order of a VNF's life. */
const life = ['instantiate', 'scaleOut', 'heal', 'scaleIn', 'terminate'] as const;
const wanderer = 'dmz1';
const vnfs = ['mz1', 'mz2', 'mz3', 'mz4', 'mz5'] as const;

/** Those that make and remove members. */
type Changing = Exclude<Procedure, 'restoreHost' | 'audit' | 'adopt' | 'rebalance' | 'capacity' | 'orphans'>;

export interface Role {
  readonly procedure: Changing;
  readonly vnf: string;
  readonly input: Record<string, unknown>;
}

/** True at the call that is stopped: some of the procedure's calls are done by then, and some are not. */
function middleOf({ procedure, vnf }: Role): (seen: Seen) => boolean {
  const isOf = ({ name }: Seen): boolean => name?.startsWith(`${vnf}-`) ?? false;
  const isCreate = (seen: Seen): boolean => isOf(seen) && seen.method === 'POST' && seen.path === '/servers';
  const isDelete = (seen: Seen): boolean => isOf(seen) && seen.method === 'DELETE' && seen.path.startsWith('/servers/');
  switch (procedure) {
    // The only server that is made: its ports are there.
    case 'heal':
    case 'evacuateHost':
      return isCreate;
    case 'instantiate':
    case 'scaleOut':
      return nth(2, isCreate);
    case 'scaleIn':
    case 'terminate':
      return nth(2, isDelete);
  }
}

function nth(wanted: number, is: (seen: Seen) => boolean): (seen: Seen) => boolean {
  let count = 0;
  return (seen) => is(seen) && (count += 1) === wanted;
}

/** What it may end as. What has no way back, or is past it, completes. */
const mayEnd: Readonly<Record<Changing, readonly Ended['outcome'][]>> = {
  instantiate: ['completed', 'unwound'],
  scaleOut: ['completed', 'unwound'],
  heal: ['completed', 'unwound'],
  evacuateHost: ['completed', 'unwound'],
  scaleIn: ['completed'],
  terminate: ['completed'],
};

export interface Struck {
  readonly procedure: Changing;
  readonly ended: Ended;
  readonly seconds: number;
}

/** Every VNF as its part in this round needs it. Nothing is struck meanwhile. */
export async function rolesOf(world: LabWorld, round: number): Promise<Role[]> {
  const cast = vnfs.map((vnf, index) => ({ vnf, procedure: life[(round + index) % life.length] ?? 'instantiate' }));
  return await Promise.all([
    evacuation(world),
    ...cast.map(async ({ vnf, procedure }): Promise<Role> => {
      const level = await readied(world, vnf, procedure);
      switch (procedure) {
        case 'instantiate':
          return { procedure, vnf, input: { vnf, descriptor: descriptorIn('mz') } };
        case 'scaleOut':
          return { procedure, vnf, input: { vnf, pool: 'web', to: level + 2 } };
        case 'scaleIn':
          return { procedure, vnf, input: { vnf, pool: 'web', to: level - 2 } };
        case 'heal':
          return { procedure, vnf, input: { vnf, members: [await firstMember(world, vnf)] } };
        case 'terminate':
          return { procedure, vnf, input: { vnf } };
      }
    }),
  ]);
}

async function readied(world: LabWorld, vnf: string, procedure: (typeof life)[number]): Promise<number> {
  let view = await world.settle(vnf);
  if (procedure === 'instantiate') {
    if (view) await done(world, 'terminate', { vnf });
    return 0;
  }
  if (!view) await done(world, 'instantiate', { vnf, descriptor: descriptorIn('mz') });
  view = await world.settle(vnf);
  const level = view?.pools['web']?.level ?? 0;
  if (procedure === 'scaleIn' && level < levels.high) {
    await done(world, 'scaleOut', { vnf, pool: 'web', to: levels.high });
    return levels.high;
  }
  return level;
}

async function evacuation(world: LabWorld): Promise<Role> {
  const vnf = wanderer;
  if ((await world.settle(vnf)) === null) await done(world, 'instantiate', { vnf, descriptor: descriptorIn('dmz') });
  const host = (await world.settle(vnf))?.pools['web']?.inService[0]?.host ?? '';
  return { procedure: 'evacuateHost', vnf, input: { hosts: [host], cause: 'maintenance' } };
}

async function firstMember(world: LabWorld, vnf: string): Promise<string> {
  const ordinal = (await world.settle(vnf))?.pools['web']?.inService[0]?.ordinal ?? 0;
  return `${vnf}-web-${String(ordinal)}`;
}

/** Without a fault: it must complete. */
export async function done(world: LabWorld, procedure: Procedure, input: Record<string, unknown>): Promise<void> {
  const ended = await world.run(procedure, input);
  if (ended.outcome !== 'completed') throw new Error(`${procedure}: ${JSON.stringify(ended)}`);
}

/** A call that is stopped longer than this would run out of its own time. */
const holdMs = 12_000;
const reachWithinSeconds = 60;

/** `strike` is given what lets the stopped calls go on. */
export async function struckTogether(
  world: LabWorld,
  roles: readonly Role[],
  strike: (goOn: () => void) => Promise<void>,
): Promise<Struck[]> {
  const arrived = new Set<Role>();
  const over = new Set<Role>();
  const gate = gateOf();
  const watched = roles.map((role) => ({ role, isMiddle: middleOf(role) }));
  const dropRule = world.proxy.rule((seen) => {
    const at = watched.find(({ role, isMiddle }) => !arrived.has(role) && isMiddle(seen));
    if (!at) return undefined;
    arrived.add(at.role);
    return gate.opened.then(() => undefined);
  });
  try {
    const ends = roles.map(async (role): Promise<Struck> => {
      const began = Date.now();
      const ended = await world.run(role.procedure, role.input);
      over.add(role);
      return { procedure: role.procedure, ended, seconds: Math.round((Date.now() - began) / 1_000) };
    });
    const all = Promise.all(ends);
    all.catch(gate.open);
    await until('one of them is in its middle', reachWithinSeconds, () => Promise.resolve(arrived.size > 0));
    const deadline = Date.now() + holdMs;
    while (Date.now() < deadline && roles.some((role) => !arrived.has(role) && !over.has(role))) await pause(50);
    expectStruck(roles, { arrived, over });
    await strike(gate.open);
    return await all;
  } finally {
    gate.open();
    dropRule();
  }
}

/** Those that have not come so far are struck earlier; one that has ended has not been struck at all. */
function expectStruck(roles: readonly Role[], { over }: { arrived: ReadonlySet<Role>; over: ReadonlySet<Role> }): void {
  expect(roles.filter((role) => over.has(role)).map(({ procedure }) => procedure)).toEqual([]);
}

/** Nova's own audit of allocations comes every 30 s on the lab's hosts, and ends what it could not end while Placement was away. */
const novaAuditSeconds = 60;

/** Each ended as its table says, and the cloud has what the records have. */
export async function expectWhole(
  world: LabWorld,
  roles: readonly { readonly vnf: string }[],
  ended: readonly Struck[],
): Promise<void> {
  expect(ended.filter(({ procedure, ended: { outcome } }) => !mayEnd[procedure].includes(outcome))).toEqual([]);
  const views = await Promise.all([...new Set([...vnfs, wanderer, ...roles.map(({ vnf }) => vnf)])].map(world.settle));
  await openHosts(world.cloud);
  await untilNothing(novaAuditSeconds, () =>
    differences(
      world.cloud,
      views.flatMap((view) => view ?? []),
    ),
  );
}

/** Nothing of ours is left for the next suite, also where a case has failed half-way; then the worker goes. */
export async function leaveNothing(world: LabWorld): Promise<void> {
  try {
    await Promise.all(
      (await world.bulkhead.list()).map(async ({ vnf }) => {
        await world.settle(vnf);
        await done(world, 'terminate', { vnf });
        await world.settle(vnf);
      }),
    );
    await openHosts(world.cloud);
    await untilNothing(novaAuditSeconds, () => differences(world.cloud, []));
  } finally {
    await world.stop();
    await sweep(world.cloud);
  }
}

/** One line for a person: how each ended, and how long it took. */
export function told(what: string, struck: readonly Struck[]): string {
  const each = struck.map(({ procedure, ended, seconds }) => {
    const why = ended.kind === undefined ? '' : ` (${ended.kind})`;
    return `${procedure} ${ended.outcome}${why} in ${String(seconds)} s`;
  });
  return `${what}: ${each.join(', ')}\n`;
}
