import { z } from 'zod';
import type { AuditResult, ProcedureResult } from '../../domain/procedures';
import { onePool, vnf } from '../../scripts/lib/virtual/specs';
import { openWorld, type Procedure, type World } from '../../scripts/lib/virtual/world';
import { hostsOf, migrate, type CloudOptions } from '../../simulator';

/** A VNF whose pool is kept to racks beside hosts, through its whole life on a cloud whose aggregates say where the racks are. */

/** At most two of five in one rack. */
const inRacks = {
  ...onePool,
  pools: [{ ...onePool.pools[0], failureDomain: { key: 'rack', spare: '40%' } }],
} as const;

/** Half of the hosts are in one rack: who knows nothing of racks would have most of the pool there. */
const racksOf = [1, 1, 1, 1, 1, 1, 2, 2, 3, 3, 4, 4];
const fourRacks = hostsOf({ mz: racksOf.length }).map((host, index) => ({
  ...host,
  domains: { rack: `r${String(racksOf[index])}` },
}));

async function open(cloud: Omit<CloudOptions, 'clock' | 'seed'> = { hosts: fourRacks }): Promise<World> {
  const world = openWorld({ seed: 1, cloud });
  await completed(world, 'instantiate', { vnf, descriptor: inRacks });
  return world;
}

async function completed<R = unknown>(world: World, procedure: Procedure, input: object): Promise<R> {
  const end = await world.run(procedure, input);
  expect(end).toMatchObject({ outcome: 'completed' });
  await world.settle(vnf);
  return end.result as R;
}

/** How many members are in service in each rack, by where the cloud has them. */
function racks(world: World): Record<string, number> {
  const on: Record<string, number> = {};
  for (const { serverId } of world.viewOf(vnf)?.pools['web']?.inService ?? []) {
    const host = world.cloud.servers.get(serverId)?.host ?? '';
    const rack = world.cloud.hosts.get(host)?.domains['rack'] ?? 'none';
    on[rack] = (on[rack] ?? 0) + 1;
  }
  return on;
}

function hostsIn({ cloud }: World, rack: string): string[] {
  return [...cloud.hosts.values()].filter(({ domains }) => domains['rack'] === rack).map(({ name }) => name);
}

function most(world: World): number {
  return Math.max(...Object.values(racks(world)));
}

test('no rack has more than its share: made, grown, shrunk, a rack emptied for work on it, a rack dead', async () => {
  const world = await open();
  try {
    expect(racks(world)).toEqual({ r1: 1, r2: 1, r3: 1, r4: 1 });
    await completed(world, 'scaleOut', { vnf, pool: 'web', to: 10 });
    expect(most(world)).toBeLessThanOrEqual(4);

    const emptied = hostsIn(world, 'r2');
    await completed(world, 'evacuateHost', { hosts: emptied, cause: 'maintenance' });
    expect(racks(world)).not.toHaveProperty('r2');
    expect(most(world)).toBeLessThanOrEqual(4);
    await completed(world, 'restoreHost', { hosts: emptied });

    const dead = hostsIn(world, 'r3');
    await completed(world, 'evacuateHost', { hosts: dead, cause: 'failed', fenced: true, force: true });
    expect(racks(world)).not.toHaveProperty('r3');
    expect(most(world)).toBeLessThanOrEqual(4);

    await completed(world, 'scaleIn', { vnf, pool: 'web', to: 5 });
    expect(most(world)).toBeLessThanOrEqual(2);
    expect(world.verdict().ok).toBe(true);
  } finally {
    world.close();
  }
});

test('a host of which nobody says the rack, or two say different ones, gets nothing', async () => {
  const [first, second, ...others] = fourRacks.map((host) => host.name);
  const unsaid = fourRacks.map(({ domains, ...host }) => (host.name === first ? host : { ...host, domains }));
  const world = await open({
    hosts: unsaid,
    aggregates: [{ name: 'also', metadata: { rack: 'r9' }, hosts: [second ?? ''] }],
  });
  try {
    await completed(world, 'scaleOut', { vnf, pool: 'web', to: 12 });
    const used = [...world.cloud.servers.values()].map(({ host }) => host);
    expect(used).toHaveLength(12);
    expect(others).toEqual(expect.arrayContaining(used));
  } finally {
    world.close();
  }
});

const aggregatesReply = z.object({ aggregates: z.array(z.object({ id: z.number(), name: z.string() })) });

/** By hand, as an operator does it with the `openstack` client. */
async function moveTo(world: World, host: string, to: { from: string; into: string }): Promise<void> {
  const { operator } = world;
  const at = { service: 'compute', path: '/os-aggregates' } as const;
  const doing = async (): Promise<void> => {
    const { aggregates } = await operator.call({ ...at, method: 'GET', reply: aggregatesReply });
    const act = async (name: string, body: object): Promise<void> => {
      const { id = NaN } = aggregates.find((each) => each.name === name) ?? {};
      const path = `/os-aggregates/${String(id)}/action`;
      await operator.call({ service: 'compute', method: 'POST', path, body, reply: z.unknown() });
    };
    await act(to.from, { remove_host: { host } });
    await act(to.into, { add_host: { host } });
  };
  await world.done('the host is in the other rack', doing());
}

test('a host that is emptied, put into another rack and opened again counts there', async () => {
  const world = await open();
  try {
    await completed(world, 'scaleOut', { vnf, pool: 'web', to: 5 });
    const host = world.viewOf(vnf)?.pools['web']?.inService[0]?.host ?? '';
    const from = world.cloud.hosts.get(host)?.domains['rack'] ?? '';
    await completed(world, 'evacuateHost', { hosts: [host], cause: 'maintenance' });
    const into = ['r1', 'r2', 'r3', 'r4'].find((rack) => rack !== from) ?? '';
    await moveTo(world, host, { from: `rack-${from}`, into: `rack-${into}` });
    await completed(world, 'restoreHost', { hosts: [host] });
    expect(hostsIn(world, into)).toContain(host);
    await completed(world, 'scaleOut', { vnf, pool: 'web', to: 10 });
    expect(most(world)).toBeLessThanOrEqual(4);
    expect(await completed<AuditResult>(world, 'audit', { vnf })).toMatchObject({ findings: [] });
  } finally {
    world.close();
  }
});

test('a member that another hand has put into a full rack is found, shown, and moved', async () => {
  const world = await open();
  try {
    const { cloud } = world;
    const inOther = world
      .viewOf(vnf)
      ?.pools['web']?.inService.find(({ host }) => cloud.hosts.get(host)?.domains['rack'] !== 'r1');
    const server = cloud.servers.get(inOther?.serverId ?? '');
    const used = new Set([...cloud.servers.values()].map(({ host }) => host));
    const free = cloud.hosts.get(hostsIn(world, 'r1').find((host) => !used.has(host)) ?? '');
    if (!server || !free) throw new Error('there is a member elsewhere, and a host for it');
    migrate(cloud, server, free);
    const { findings } = await completed<AuditResult>(world, 'audit', { vnf });
    expect(findings.map(({ kind, name }) => [kind, name])).toEqual([
      ['wrongHost', server.name],
      ['domainShareBroken', 'web in rack r1'],
    ]);
    expect(world.viewOf(vnf)?.audited?.findings.map(({ kind }) => kind)).toEqual(['wrongHost', 'domainShareBroken']);
    const moved = await completed<ProcedureResult>(world, 'rebalance', { vnf });
    expect([moved.launched.length, moved.removed.length]).toEqual([1, 1]);
    expect(racks(world)).toEqual({ r1: 1, r2: 1, r3: 1, r4: 1 });
    expect(world.viewOf(vnf)?.audited).toBeUndefined();
    expect(await completed<AuditResult>(world, 'audit', { vnf })).toMatchObject({ findings: [] });
  } finally {
    world.close();
  }
});
