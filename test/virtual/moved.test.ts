import type { EvacuateHostResult } from '../../domain/procedures';
import { onePool, vnf, zones } from '../../scripts/lib/virtual/specs';
import { openWorld, type World } from '../../scripts/lib/virtual/world';
import { hostsOf, migrate, setAlive } from '../../simulator';
import type { Host } from '../../simulator/model';

/** Other hands have moved members off a host, or onto it, and nobody has told the record, when the host dies or is to be worked on. */

async function open(): Promise<World> {
  const world = openWorld({ seed: 1, cloud: { hosts: hostsOf(zones) } });
  await world.run('instantiate', { vnf, descriptor: onePool });
  await world.settle(vnf);
  return world;
}

function inService(world: World): readonly { ordinal: number; serverId: string; host: string }[] {
  return world.viewOf(vnf)?.pools['web']?.inService ?? [];
}

/** Where the cloud has the member with this ordinal. */
function hostOf(world: World, ordinal: number): Host {
  const { serverId = '' } = inService(world).find((member) => member.ordinal === ordinal) ?? {};
  const host = world.cloud.hosts.get(world.cloud.servers.get(serverId)?.host ?? '');
  if (!host) throw new Error(`${String(ordinal)} is nowhere`);
  return host;
}

/** One that nobody of the VNF is on. */
function freeHost({ cloud }: World): Host {
  const used = new Set([...cloud.servers.values()].map(({ host }) => host));
  const free = [...cloud.hosts.values()].find(({ name, zone }) => zone === 'mz' && !used.has(name));
  if (!free) throw new Error('every host is used');
  return free;
}

function move(world: World, ordinal: number, to: Host): void {
  const member = inService(world).find((each) => each.ordinal === ordinal);
  const server = world.cloud.servers.get(member?.serverId ?? '');
  if (!server) throw new Error(`there is no ${String(ordinal)}`);
  migrate(world.cloud, server, to);
}

interface Done {
  /** Of members that served before, who is gone. */
  readonly replaced: number[];
  /** How few were served by at any time. */
  readonly fewest: number;
}

async function emptied(world: World, hosts: readonly Host[], input: object): Promise<Done> {
  const before = inService(world).map(({ ordinal }) => ordinal);
  const seen = world.cloud.log.length;
  const end = await world.run('evacuateHost', { hosts: hosts.map(({ name }) => name), ...input });
  expect(end).toMatchObject({ outcome: 'completed' });
  const { vnfs } = end.result as EvacuateHostResult;
  expect(vnfs.map(({ short }) => short)).toEqual([[]]);
  await world.settle(vnf);
  const now = inService(world).map(({ ordinal }) => ordinal);
  expect(now).toHaveLength(before.length);
  const served = world.cloud.log
    .slice(seen)
    .flatMap((event) => (event.type === 'published' ? [event.service['web']?.length ?? 0] : []));
  return { replaced: before.filter((ordinal) => !now.includes(ordinal)), fewest: Math.min(...served) };
}

/** To the record as to the cloud, and none of them on these hosts. */
function expectAllElsewhere(world: World, hosts: readonly Host[]): void {
  for (const { ordinal, host } of inService(world)) {
    const { name } = hostOf(world, ordinal);
    expect(host).toBe(name);
    expect(hosts.map((each) => each.name)).not.toContain(name);
  }
}

const failed = { cause: 'failed', fenced: true, force: true } as const;

test('one that was moved off a host before it died neither leaves service nor is replaced', async () => {
  const world = await open();
  try {
    const dead = [hostOf(world, 1), hostOf(world, 2)];
    move(world, 1, freeHost(world));
    for (const host of dead) setAlive(world.cloud, host, false);
    await world.pass(1_000);
    expect(await emptied(world, dead, failed)).toEqual({ replaced: [2], fewest: 3 });
    expectAllElsewhere(world, dead);
    expect(world.verdict()).toMatchObject({ ok: true, guarantees: { G2: { held: true } } });
  } finally {
    world.close();
  }
});

test.each([
  ['with its members', 2],
  ['with nobody that the record knows of', null],
])('one that was moved onto a host before it died is replaced: %s', async (_what, to) => {
  const world = await open();
  try {
    const dead = to === null ? freeHost(world) : hostOf(world, to);
    move(world, 1, dead);
    setAlive(world.cloud, dead, false);
    await world.pass(1_000);
    const { replaced } = await emptied(world, [dead], failed);
    expect(replaced).toEqual(to === null ? [1] : [1, to]);
    expectAllElsewhere(world, [dead]);
    expect(world.verdict().ok).toBe(true);
  } finally {
    world.close();
  }
});

test('who is on a host that is to be worked on leaves it, and who was moved away stays where he is', async () => {
  const world = await open();
  try {
    const [left, stayed, onto] = [hostOf(world, 1), hostOf(world, 2), freeHost(world)];
    move(world, 3, onto);
    move(world, 1, freeHost(world));
    const hosts = [left, stayed, onto];
    expect(await emptied(world, hosts, { cause: 'maintenance' })).toEqual({ replaced: [2, 3], fewest: 4 });
    expectAllElsewhere(world, hosts);
    expect(world.verdict().ok).toBe(true);
  } finally {
    world.close();
  }
});
