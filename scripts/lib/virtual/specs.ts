import type { Note } from '../../../checker/story';
import { noteOf } from '../../../checker/world';
import { groupMarks, portMarks, readTags, recordWorkflowId, tag } from '../../../domain/names';
import type { AuditResult, OrphansResult } from '../../../domain/procedures';
import { migrate, setAlive, type Cloud } from '../../../simulator';
import { emit, emitHost, type Host } from '../../../simulator/model';
import type { Ended } from './ended';
import type { World, Procedure } from './world';

/** What an input follows from: there is as much in the slow form. */
export type Place = Pick<World, 'cloud' | 'viewOf'>;

/** What each procedure is given where every fault is tried on it: small, and with all of its steps. */
export interface Spec {
  readonly name: string;
  readonly procedure: Procedure;
  /** An operator where it is left out. */
  readonly as?: 'tenant';
  /** In how many racks the hosts of each zone are, by turns. Absent: in none. */
  readonly racks?: number;
  readonly descriptor: unknown;
  /** What there is before, beside the VNF `v` of that descriptor; null where there is none. */
  readonly prepare?: ((world: World) => Promise<void>) | null;
  readonly input: (world: Place) => Readonly<Record<string, unknown>>;
  /** How it ends where nothing goes wrong: completed where it is left out. */
  readonly ends?: Ended['outcome'];
  /** It takes no turn: however it ends, the cloud is as it was, and so is all that the record decides by. */
  readonly onlyLooks?: true;
  /** Without a fault it commits once before anything is replaced. Whether it has, by what came of it: where a fault made that needless it commits once less. */
  readonly commitsFirst?: (world: World) => boolean;
  /** What is done behind it, before the record is looked at. Says what is not as promised. */
  readonly after?: (world: World, ended: Ended) => Promise<readonly string[]>;
}

export const vnf = 'v';

export const firstPool = 'web';
const secondPool = 'edge';
const common = {
  ...{ flavor: 'm1.small', image: 'cirros', networks: ['mgmt'], healthyAfterSeconds: 10, drainSeconds: 30 },
} as const;

/** One pool, a third of it on a host at most. */
export const onePool = {
  name: 'small',
  networks: { mgmt: { network: 'mgmt' } },
  pools: [
    {
      ...common,
      ...{ name: firstPool, zone: 'mz', size: { min: 3, initial: 4, max: 30 }, spare: '1/3' },
      securityRules: [{ protocol: 'tcp', ports: 80, from: 'any' }],
    },
  ],
} as const;

/** And one in another zone that comes after it, and goes before it. */
const twoPools = {
  ...onePool,
  name: 'layered',
  pools: [
    { ...onePool.pools[0], size: { min: 3, initial: 3, max: 30 } },
    {
      ...common,
      ...{ name: secondPool, zone: 'dmz', size: { min: 2, initial: 2, max: 6 }, spare: 1, dependsOn: [firstPool] },
      securityRules: [{ protocol: 'udp', ports: 5060, from: firstPool }],
    },
  ],
} as const;

/** And half of it in a rack: four members find places on two racks of three, too. */
const inRacks = {
  ...onePool,
  name: 'racked',
  pools: [{ ...onePool.pools[0], failureDomain: { key: 'rack', spare: '50%' } }],
} as const;

/** Nova moves the members of one pool, and those of the other are replaced. */
function whereNovaMoves(descriptor: typeof onePool | typeof twoPools): Spec['descriptor'] {
  const pools = descriptor.pools.map((pool) => ({ ...pool, ...(pool.name === firstPool && { recover: 'evacuate' }) }));
  return { ...descriptor, pools };
}

/** A turn for each member; two may be lacking. */
const serialPool = {
  ...onePool,
  name: 'serial',
  pools: [{ ...onePool.pools[0], size: { min: 3, initial: 6, max: 30 }, serial: true }],
} as const;

export const zones = { mz: 8, dmz: 4 };

/** Of each pool the first, by its name, and its host as the record has it: a tenant's by its `hostId`. */
function firstMembers(world: Place): { name: string; host: string; serverId: string }[] {
  const members = Object.values(world.viewOf(vnf)?.pools ?? {}).flatMap(({ inService: [first] }) => first ?? []);
  if (members.length === 0) throw new Error('the VNF has no member');
  return members.map(({ pool, ordinal, host, serverId }) => ({
    ...{ host, serverId },
    name: `${vnf}-${pool}-${String(ordinal)}`,
  }));
}

async function killHosts(world: World): Promise<void> {
  const { cloud } = world;
  for (const { serverId } of firstMembers(world)) {
    const host = cloud.hosts.get(cloud.servers.get(serverId)?.host ?? '');
    if (host) setAlive(cloud, host, false);
  }
  await world.pass(1_000);
}

/** More than one, so that it can be cut off in between. */
const emptied = 2;

async function emptyHosts(world: World): Promise<void> {
  await world.run('evacuateHost', { hosts: hostsOfFirst(world), cause: 'maintenance' });
  await world.settle(vnf);
}

function hostsOfFirst({ viewOf }: Place): string[] {
  const members = viewOf(vnf)?.pools[firstPool]?.inService ?? [];
  return members.slice(0, emptied).map(({ host }) => host);
}

function closedHosts({ cloud }: Place): string[] {
  return [...cloud.hosts.values()].filter(({ enabled, forcedDown }) => !enabled || forcedDown).map(({ name }) => name);
}

/** Nothing more may be made before something goes. */
function fillQuota({ cloud }: World): Promise<void> {
  for (const { quotas } of cloud.projects.values()) quotas.set('instances', cloud.servers.size);
  return Promise.resolve();
}

/** No host that has no member takes any. */
function closeFreeHosts({ cloud }: World): Promise<void> {
  const taken = new Set([...cloud.servers.values()].map(({ host }) => host));
  for (const host of cloud.hosts.values())
    if (!taken.has(host.name)) emitHost(cloud, Object.assign(host, { enabled: false }), null);
  return Promise.resolve();
}

/** Hosts of the rack that the first member is in. */
function firstRack({ cloud, viewOf }: Place): Host[] {
  const [first] = viewOf(vnf)?.pools[firstPool]?.inService ?? [];
  const rack = cloud.hosts.get(first?.host ?? '')?.domains['rack'];
  return [...cloud.hosts.values()].filter(({ zone, domains }) => zone === 'mz' && domains['rack'] === rack);
}

async function killRack(world: World): Promise<void> {
  for (const host of firstRack(world)) setAlive(world.cloud, host, false);
  await world.pass(1_000);
}

/** Of each pool the first two are put together on the host of the second, where one may be. */
async function moveTogether({ cloud, viewOf, pass }: World): Promise<void> {
  for (const { inService } of Object.values(viewOf(vnf)?.pools ?? {})) {
    const [first, second] = inService.map(({ serverId }) => cloud.servers.get(serverId));
    const host = cloud.hosts.get(second?.host ?? '');
    if (!first || !host) throw new Error('there are no two members');
    migrate(cloud, first, host);
  }
  await pass(1_000);
}

/** Pools of which two members are on one host. */
function crowdedPools({ cloud, viewOf }: World): string[] {
  return Object.entries(viewOf(vnf)?.pools ?? {}).flatMap(([name, { inService }]) => {
    const hosts = inService.map(({ serverId }) => cloud.servers.get(serverId)?.host);
    return new Set(hosts).size < hosts.length ? [name] : [];
  });
}

/** Others come to hosts of the first one's rack that have none, until there is one too many in it. */
async function fillRack(world: World): Promise<void> {
  const { cloud, viewOf, pass } = world;
  const rack = firstRack(world);
  const servers = viewOf(vnf)?.pools[firstPool]?.inService.flatMap(({ serverId }) => cloud.servers.get(serverId) ?? []);
  const isFree = ({ name }: Host): boolean => !servers?.some(({ host }) => host === name);
  for (const server of servers ?? []) {
    const free = rack.find(isFree);
    if (membersIn(world, rack) > 2 || !free) break;
    if (!rack.some(({ name }) => name === server.host)) migrate(cloud, server, free);
  }
  if (membersIn(world, rack) !== 3) throw new Error('there are not three in the rack');
  await pass(1_000);
}

function membersIn({ cloud, viewOf }: World, hosts: readonly Host[]): number {
  const members = viewOf(vnf)?.pools[firstPool]?.inService ?? [];
  return members.filter(({ serverId }) => hosts.some(({ name }) => name === cloud.servers.get(serverId)?.host)).length;
}

/** Whoever was to be replaced serves no more, and the VNF is whole. */
async function healed(world: World, { outcome }: Ended): Promise<string[]> {
  if (outcome !== 'completed') return [];
  if (world.viewOf(vnf) === null) await answers(world);
  const { members = [] } = askedOf(world, 'heal') as { readonly members?: readonly string[] };
  const pools = Object.values(world.viewOf(vnf)?.pools ?? {});
  const serving = pools.flatMap(({ inService }) =>
    inService.map(({ pool, ordinal }) => `${vnf}-${pool}-${String(ordinal)}`),
  );
  const left = members.filter((name) => serving.includes(name)).map((name) => `${name} serves still`);
  return [...left, ...lackingIn(world)];
}

/** Nothing of the VNF is on a host that was to be emptied, and it is whole: there is room elsewhere. */
async function vacated(world: World, { outcome }: Ended): Promise<string[]> {
  if (outcome !== 'completed') return [];
  if (world.viewOf(vnf) === null) await answers(world);
  const { hosts = [] } = askedOf(world, 'evacuateHost') as { readonly hosts?: readonly string[] };
  const { cloud } = world;
  const left = [...cloud.servers.values()].filter(({ tags, host, projectId }) => {
    const names = host === null ? [] : [host, cloud.hostIds.get(`${projectId}${host}`)];
    return readTags(tags).vnf === vnf && names.some((name) => name !== undefined && hosts.includes(name));
  });
  return [...left.map(({ name, host }) => `${name} is on ${host ?? ''} still`), ...lackingIn(world)];
}

/** One that was continued as new says nothing before its first task. */
function answers({ viewOf, until }: World): Promise<void> {
  return until('the record answers', () => viewOf(vnf) !== null);
}

/** Of pools that nobody has scaled: what they lack of what they were brought up with. */
function lackingIn({ cloud, viewOf }: World): string[] {
  const settled = notesIn(cloud).find(({ kind }) => kind === 'settled');
  const levels = settled?.kind === 'settled' ? settled.levels : {};
  return Object.entries(levels).flatMap(([name, before]) => {
    const { level = 0, inService = [], failed = [] } = viewOf(vnf)?.pools[name] ?? {};
    return [
      ...(level === before ? [] : [`${name} is at level ${String(level)}, and was at ${String(before)}`]),
      ...(inService.length === before
        ? []
        : [`${String(inService.length)} of ${name} serve, and not ${String(before)}`]),
      ...failed.map(({ ordinal }) => `${name} ${String(ordinal)} has failed, and was not replaced`),
    ];
  });
}

/** What was asked for last, of that kind. */
function askedOf({ cloud }: World, procedure: Procedure): unknown {
  const asked = notesIn(cloud).findLast((note) => note.kind === 'request' && note.procedure === procedure);
  return asked?.kind === 'request' ? asked.request : {};
}

function notesIn({ log }: Cloud): Note[] {
  return log.flatMap((event) => noteOf(event) ?? []);
}

/** Of a turn that nobody remembers. */
const goneToken = '99999999-9999-4999-8999-999999999999';

/** An orphan with its port, a double, a port and a group, as somebody has left them. The checker has not seen them come. */
async function leaveThings({ cloud }: World): Promise<void> {
  const [server] = cloud.servers.values();
  const [port] = cloud.ports.values();
  const [group] = cloud.securityGroups.values();
  if (!server || !port || !group) throw new Error('there is no VNF');
  for (const [id, ordinal] of [
    ['left-orphan', 9],
    ['left-double', 1],
  ] as const) {
    const tags = [tag.vnf(vnf), tag.pool('web'), tag.ordinal(ordinal), tag.token(goneToken)];
    const portIds = id === 'left-orphan' ? ['left-port-of-orphan'] : [];
    cloud.servers.set(id, { ...server, id, name: id, tags, portIds, ownPortIds: [] });
  }
  for (const [id, deviceId] of [
    ['left-port', ''],
    ['left-port-of-orphan', 'left-orphan'],
  ] as const) {
    const description = portMarks({ vnf, token: goneToken });
    cloud.ports.set(id, { ...port, id, name: id, description, deviceId, securityGroupIds: [] });
  }
  const description = groupMarks({ vnf, pool: 'web', token: goneToken });
  cloud.securityGroups.set('left-group', { ...group, id: 'left-group', description });
  return Promise.resolve();
}

/** Another VNF, whose record nobody has any more. */
const unrecorded = 'w';

async function loseAnother({ run, settle, temporal, pass }: World): Promise<void> {
  await run('instantiate', { vnf: unrecorded, descriptor: onePool });
  await settle(unrecorded);
  const record = temporal.latest(recordWorkflowId(unrecorded));
  if (record) temporal.terminate(record);
  await pass(1_000);
}

/** Of what is in the cloud of VNFs without a record: what it does not name, and what it names that is another's. */
function notToldBy(world: World, { outcome, result }: Ended): string[] {
  if (outcome !== 'completed') return [];
  const { servers, ports, securityGroups, serverGroups } = world.cloud;
  const there = [servers, ports, securityGroups, serverGroups].flatMap((each) =>
    [...each.values()].filter(({ name }) => name.startsWith(`${unrecorded}-`)).map(({ id }) => id),
  );
  if (there.length === 0) throw new Error('there is nothing to find');
  const told = (result as OrphansResult).unrecorded;
  const things = told.flatMap((each) => each.things.map(({ id }) => id));
  return [
    ...told.filter((each) => each.vnf !== unrecorded).map((each) => `${each.vnf} has a record`),
    ...there.filter((id) => !things.includes(id)).map((id) => `${id} was not found`),
    ...things.filter((id) => !there.includes(id)).map((id) => `${id} is not of it`),
  ];
}

function leftIn({ cloud: { servers, ports, securityGroups } }: World): string[] {
  return [servers, ports, securityGroups].flatMap((each) => [...each.keys()]).filter((id) => id.startsWith('left-'));
}

/** Of what was left: what its report does not have, or the record is not told of. */
async function notFoundBy(world: World, { result }: Ended): Promise<string[]> {
  const { findings, steady } = result as AuditResult;
  const told = (): number => world.viewOf(vnf)?.audited?.findings.length ?? 0;
  if (steady) await world.until('the record was told of it', () => told() === findings.length);
  return leftIn(world).flatMap((id) => (findings.some((each) => each.id === id) ? [] : [`${id} was not found`]));
}

/** Its record is lost. `disguised`: and nothing says any more whose servers and ports they are. */
async function loseRecord({ temporal, cloud, pass }: World, disguised: boolean): Promise<void> {
  const record = temporal.latest(recordWorkflowId(vnf));
  if (record) temporal.terminate(record);
  await pass(1_000);
  if (disguised) disguise(cloud, vnf);
}

/** As if it had been made by other means: nothing says any more whose servers, ports and groups they are. */
export function disguise(cloud: Cloud, vnf: string): void {
  for (const server of cloud.servers.values())
    Object.assign(server, { name: `old-${server.name.slice(vnf.length + 1)}`, tags: [] });
  for (const port of cloud.ports.values()) port.description = '';
  for (const group of [...cloud.securityGroups.values()]) {
    const id = `old-${group.id}`;
    cloud.securityGroups.set(id, { ...group, id, name: `old-${group.name.slice(vnf.length + 1)}`, description: '' });
    for (const port of cloud.ports.values())
      if (port.securityGroupIds.includes(group.id)) port.securityGroupIds = [...port.securityGroupIds, id];
    loseGroup(cloud, group.id);
  }
}

function loseGroup(cloud: Cloud, id: string): void {
  emit(cloud, { type: 'securityGroup.deleted', requestId: null, id });
  cloud.securityGroups.delete(id);
  for (const port of cloud.ports.values()) port.securityGroupIds = port.securityGroupIds.filter((each) => each !== id);
}

/** And somebody has taken a group away: that one is to be made again, and the other is not. */
async function loseRecordAndGroup(world: World): Promise<void> {
  await loseRecord(world, false);
  const group = [...world.cloud.securityGroups.values()].find(({ name }) => name === `${vnf}-${secondPool}`);
  if (group) loseGroup(world.cloud, group.id);
}

/** Whatever became of it: it can be adopted, and nobody has lost a server. */
async function adoptAgain(
  world: World,
  { input, many }: { readonly input: Readonly<Record<string, unknown>>; readonly many: number },
): Promise<string[]> {
  const problems: string[] = [];
  const there = [world.cloud.servers.size, world.cloud.ports.size];
  if (there.some((each) => each !== many))
    problems.push(`there are ${there.join(' servers and ')} ports, and there were ${String(many)} of each`);
  const exists = (): boolean => world.temporal.latest(recordWorkflowId(vnf))?.status === 'RUNNING';
  // One that nothing was committed to ends when it has been cleaned up behind the run.
  await world.until('the record runs, or has ended', () => !exists() || world.viewOf(vnf)?.phase === 'running');
  if (exists()) return problems;
  const again = await world.run('adopt', input);
  if (again.outcome !== 'completed') problems.push(`it cannot be adopted: ${JSON.stringify(again)}`);
  return problems;
}

/** The procedures that more than one pool makes another matter, and that a tenant may do, too. */
function specsOf(
  of: { readonly descriptor: typeof onePool | typeof twoPools; readonly as?: 'tenant' },
  where: string,
): Spec[] {
  const { descriptor, as } = of;
  const spec = (name: string, given: Omit<Spec, 'name' | 'descriptor'>): Spec => ({
    ...{ name: `${name}${where}`, descriptor, ...given },
    ...(as && { as }),
  });
  const lost = { vnf, descriptor };
  const foreign = { ...lost, match: { namePattern: 'old-{pool}-{ordinal}' } };
  const many = descriptor.pools.reduce((sum, { size }) => sum + size.initial, 0);
  return [
    spec('instantiate', { procedure: 'instantiate', prepare: null, input: () => lost }),
    spec('scaleOut', { procedure: 'scaleOut', input: () => ({ vnf, pool: firstPool, to: 6 }) }),
    spec('scaleIn', { procedure: 'scaleIn', input: () => ({ vnf, pool: firstPool, to: 3 }) }),
    spec('heal', {
      procedure: 'heal',
      input: (world) => ({ vnf, members: firstMembers(world).map(({ name }) => name) }),
      after: healed,
    }),
    spec('evacuateHost for maintenance', {
      procedure: 'evacuateHost',
      input: (world) => ({ hosts: firstMembers(world).map(({ host }) => host), cause: 'maintenance' }),
      after: vacated,
    }),
    spec('evacuateHost of a dead host', {
      procedure: 'evacuateHost',
      prepare: killHosts,
      input: (world) => ({ hosts: firstMembers(world).map(({ host }) => host), cause: 'failed', fenced: true }),
      after: vacated,
    }),
    spec('rebalance', {
      procedure: 'rebalance',
      prepare: moveTogether,
      input: () => ({ vnf }),
      after: (world, { outcome }) =>
        Promise.resolve(
          outcome === 'completed' ? crowdedPools(world).map((pool) => `two of ${pool} are on one host`) : [],
        ),
    }),
    spec('terminate', { procedure: 'terminate', input: () => ({ vnf }) }),
    spec('audit', {
      procedure: 'audit',
      prepare: leaveThings,
      input: () => ({ vnf, repair: true }),
      after: (world, { outcome }) =>
        Promise.resolve(outcome === 'completed' ? leftIn(world).map((id) => `${id} was not repaired`) : []),
    }),
    spec('audit without repair', {
      ...{ procedure: 'audit', onlyLooks: true },
      prepare: leaveThings,
      input: () => ({ vnf }),
      after: async (world, ended) => (ended.outcome === 'completed' ? await notFoundBy(world, ended) : []),
    }),
    spec('orphans', {
      ...{ procedure: 'orphans', onlyLooks: true },
      prepare: loseAnother,
      input: () => ({}),
      after: (world, ended) => Promise.resolve(notToldBy(world, ended)),
    }),
    spec('capacity', { procedure: 'capacity', onlyLooks: true, input: () => ({ vnf }) }),
    spec('capacity of what is yet to be', {
      ...{ procedure: 'capacity', onlyLooks: true },
      prepare: null,
      input: () => lost,
    }),
    spec('adopt', {
      procedure: 'adopt',
      prepare: loseRecordAndGroup,
      input: () => lost,
      after: (world) => adoptAgain(world, { input: lost, many }),
    }),
    spec('instantiate of what is there', {
      procedure: 'instantiate',
      prepare: (world) => loseRecord(world, false),
      input: () => lost,
      ends: 'refused',
      after: (world) => adoptAgain(world, { input: lost, many }),
    }),
    spec('adopt of what others made', {
      procedure: 'adopt',
      prepare: (world) => loseRecord(world, true),
      input: () => foreign,
      after: (world) => adoptAgain(world, { input: foreign, many }),
    }),
  ];
}

/** What concerns a rack as a whole. */
const specsOfRacks: readonly Spec[] = [
  {
    ...{ name: 'evacuateHost of a dead rack', procedure: 'evacuateHost', racks: 3, descriptor: inRacks },
    prepare: killRack,
    input: (world) => ({ hosts: firstRack(world).map(({ name }) => name), cause: 'failed', fenced: true }),
    after: vacated,
  },
  {
    ...{ name: 'rebalance of a full rack', procedure: 'rebalance', racks: 3, descriptor: inRacks },
    prepare: fillRack,
    input: () => ({ vnf }),
    after: (world, { outcome }) =>
      Promise.resolve(outcome === 'completed' && membersIn(world, firstRack(world)) > 2 ? ['three are in a rack'] : []),
  },
];

/** What deletes the dead first. */
const specsOfNoRoom: readonly Spec[] = [
  {
    ...{ name: 'heal where the quota is full', procedure: 'heal', descriptor: onePool },
    prepare: fillQuota,
    input: (world) => ({ vnf, members: firstMembers(world).map(({ name }) => name) }),
    after: healed,
  },
  {
    ...{ name: 'evacuateHost of a dead host where the quota is full', procedure: 'evacuateHost', descriptor: onePool },
    prepare: async (world) => {
      await fillQuota(world);
      await killHosts(world);
    },
    input: (world) => ({ hosts: firstMembers(world).map(({ host }) => host), cause: 'failed', fenced: true }),
    after: vacated,
  },
  {
    ...{ name: 'heal where the hosts are full (tenant)', procedure: 'heal', as: 'tenant', descriptor: onePool },
    prepare: closeFreeHosts,
    input: (world) => ({ vnf, members: firstMembers(world).map(({ name }) => name) }),
    after: healed,
    // Where one that is launched first finds a place, it needs none of the dead.
    commitsFirst: ({ viewOf }) => !viewOf(vnf)?.pools[firstPool]?.inService.some(({ ordinal }) => ordinal === 5),
  },
];

/** The first member of the first pool serves, and none has taken its place. */
function hasFirst({ viewOf }: World): boolean {
  return viewOf(vnf)?.pools[firstPool]?.inService.some(({ ordinal }) => ordinal === 1) ?? false;
}

/** What Nova moves keeps its identity: that is committed before others are replaced. */
const specsOfMoves = [
  { descriptor: whereNovaMoves(onePool), where: '' },
  { descriptor: whereNovaMoves(twoPools), where: ' (two pools)', commitsFirst: hasFirst },
].map(({ where, ...given }): Spec => ({
  ...{ name: `evacuateHost of a dead host where Nova evacuates${where}`, procedure: 'evacuateHost', ...given },
  prepare: killHosts,
  input: (world) => ({ hosts: firstMembers(world).map(({ host }) => host), cause: 'failed', fenced: true }),
  after: vacated,
}));

/** Of two members: what befalls a run between its turns. */
const specsOfSerialPools: readonly Spec[] = [
  {
    ...{ name: 'scaleOut where the pool is serial', procedure: 'scaleOut', descriptor: serialPool },
    input: () => ({ vnf, pool: firstPool, to: 8 }),
  },
  {
    ...{ name: 'scaleIn where the pool is serial', procedure: 'scaleIn', descriptor: serialPool },
    input: () => ({ vnf, pool: firstPool, to: 4 }),
  },
  {
    ...{ name: 'heal where the pool is serial', procedure: 'heal', descriptor: serialPool },
    input: () => ({ vnf, members: [1, 2].map((ordinal) => `${vnf}-${firstPool}-${String(ordinal)}`) }),
    after: healed,
  },
  {
    ...{ name: 'evacuateHost for maintenance where the pool is serial', procedure: 'evacuateHost' },
    descriptor: serialPool,
    input: (world) => ({ hosts: hostsOfFirst(world), cause: 'maintenance' }),
    after: vacated,
  },
];

/** What an operator does to a host when the work on it is done. */
const specOfHosts: Spec = {
  ...{ name: 'restoreHost', procedure: 'restoreHost', descriptor: onePool },
  prepare: emptyHosts,
  input: (world) => ({ hosts: closedHosts(world) }),
  after: (world, { outcome }) => {
    const closed = closedHosts(world);
    if (outcome === 'completed') return Promise.resolve(closed.map((host) => `${host} is closed`));
    const isTouched = closed.length < emptied;
    return Promise.resolve(outcome === 'refused' && isTouched ? ['it was refused, and has opened a host'] : []);
  },
};

/** Each of them concerns one pool, whatever others there are. */
const ofOnePool: readonly Procedure[] = ['scaleOut', 'scaleIn'];
/** Nova takes a server into a group only when it is made, so that a tenant cannot keep such servers apart: refused. */
const notForTenants = 'adopt of what others made';

export const specs: readonly Spec[] = [
  ...specsOf({ descriptor: onePool }, ''),
  ...specsOf({ descriptor: twoPools }, ' (two pools)').filter(({ procedure }) => !ofOnePool.includes(procedure)),
  specOfHosts,
  ...specsOfRacks,
  ...specsOfNoRoom,
  ...specsOfMoves,
  ...specsOfSerialPools,
  ...specsOf({ descriptor: onePool, as: 'tenant' }, ' (tenant)').filter(({ name }) => !name.startsWith(notForTenants)),
];
