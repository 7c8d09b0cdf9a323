import type { AuditResult, ProcedureResult } from '../../domain/procedures';
import { onePool, vnf, zones } from '../../scripts/lib/virtual/specs';
import { openWorld, type Procedure, type World } from '../../scripts/lib/virtual/world';
import { statusText } from '../../client/table';
import { hostsOf, migrate } from '../../simulator';

/** Another hand moves members about; an audit finds it, the status shows it, and rebalance repairs it. */

async function open(as: 'operator' | 'tenant' = 'operator', hosts: Record<string, number> = zones): Promise<World> {
  const world = openWorld({ seed: 1, as, cloud: { hosts: hostsOf(hosts) } });
  await completed(world, 'instantiate', { descriptor: onePool });
  await world.settle(vnf);
  return world;
}

async function completed<R = ProcedureResult>(world: World, procedure: Procedure, input: object = {}): Promise<R> {
  const end = await world.run(procedure, { vnf, ...input });
  expect(end).toMatchObject({ outcome: 'completed' });
  return end.result as R;
}

/** Where the members in service are, by name: to the cloud, and to the record. */
function whereabouts(world: World): { cloud: (string | null | undefined)[]; record: string[] } {
  const members = world.viewOf(vnf)?.pools['web']?.inService ?? [];
  return {
    cloud: members.map(({ serverId }) => world.cloud.servers.get(serverId)?.host),
    record: members.map(({ host }) => host),
  };
}

/** Of the member with this ordinal, to the host of another, or to a host of this name. */
function move(world: World, ordinal: number, to: number | string): void {
  const serverOf = (of: number) => {
    const member = world.viewOf(vnf)?.pools['web']?.inService.find((each) => each.ordinal === of);
    return world.cloud.servers.get(member?.serverId ?? '');
  };
  const server = serverOf(ordinal);
  const host = world.cloud.hosts.get(typeof to === 'string' ? to : (serverOf(to)?.host ?? ''));
  if (!server || !host) throw new Error('there is no such member, or host');
  migrate(world.cloud, server, host);
}

function shown(world: World): string[] {
  return world.viewOf(vnf)?.audited?.findings.map(({ kind }) => kind) ?? [];
}

test('a member that was migrated onto a full host is found, shown, and moved', async () => {
  const world = await open();
  try {
    move(world, 2, 1);
    const before = world.viewOf(vnf);
    const { findings } = await completed<AuditResult>(world, 'audit');
    expect(findings.map(({ kind }) => kind)).toEqual(['wrongHost', 'shareBroken']);
    await world.settle(vnf);
    expect(shown(world)).toEqual(['wrongHost', 'shareBroken']);
    const view = world.viewOf(vnf);
    expect(view && statusText(view)).toMatch(/the last audit, at revision 1:\n +wrongHost v-web-2: .*\n +shareBroken /);

    const result = await completed(world, 'rebalance');
    expect(result.launched).toHaveLength(1);
    expect(result.removed.map(({ name }) => name)).toEqual(['v-web-2']);
    await world.settle(vnf);
    const { cloud, record } = whereabouts(world);
    expect(new Set(cloud).size).toBe(4);
    expect(record).toEqual(cloud);
    expect(shown(world)).toEqual([]);
    expect(world.viewOf(vnf)?.revision).toBe((before?.revision ?? 0) + 1);

    // Nothing is wrong any more: it takes no turn.
    const again = await completed(world, 'rebalance');
    expect(again).toMatchObject({ launched: [], removed: [], revision: world.viewOf(vnf)?.revision });
    expect(world.viewOf(vnf)?.occurrences.map(({ procedure }) => procedure)).toEqual(['instantiate', 'rebalance']);
    expect(await completed<AuditResult>(world, 'audit')).toMatchObject({ findings: [] });
    expect(world.verdict()).toMatchObject({ ok: true, guarantees: { G1: { held: true }, G2: { held: true } } });
  } finally {
    world.close();
  }
});

test('one that was moved to where it may be stays, and the record learns where it is', async () => {
  const world = await open();
  try {
    const free = [...world.cloud.hosts.values()].find(
      ({ name, zone }) => zone === 'mz' && !whereabouts(world).record.includes(name),
    );
    move(world, 3, free?.name ?? '');
    const servers = [...world.cloud.servers.keys()];
    expect(await completed(world, 'rebalance')).toMatchObject({ launched: [], removed: [] });
    await world.settle(vnf);
    expect([...world.cloud.servers.keys()]).toEqual(servers);
    expect(whereabouts(world).record).toEqual(whereabouts(world).cloud);
    expect(world.verdict().ok).toBe(true);
  } finally {
    world.close();
  }
});

test('of those in a wrong zone as many are moved as there is room for, and the rest is said', async () => {
  // Four members on four of five hosts: one place is left in the zone.
  const world = await open('operator', { mz: 5, dmz: 2 });
  try {
    const hosts = [...world.cloud.hosts.values()].filter(({ zone }) => zone === 'dmz').map(({ name }) => name);
    const closed = whereabouts(world).record.slice(0, 2);
    move(world, 1, hosts[0] ?? '');
    move(world, 2, hosts[1] ?? '');
    for (const name of closed) Object.assign(world.cloud.hosts.get(name) ?? {}, { enabled: false });
    const { findings } = await completed<AuditResult>(world, 'audit');
    expect(findings.map(({ kind }) => kind)).toEqual(['wrongHost', 'wrongZone', 'wrongHost', 'wrongZone']);
    const result = await completed(world, 'rebalance');
    expect(result.launched).toHaveLength(1);
    expect(result.short).toMatchObject([{ pool: 'web', missing: 1 }]);
    await world.settle(vnf);
    for (const name of closed) Object.assign(world.cloud.hosts.get(name) ?? {}, { enabled: true });
    expect(await completed(world, 'rebalance')).toMatchObject({ launched: [{}], short: [] });
    await world.settle(vnf);
    const inZone = whereabouts(world).cloud.filter((host) => world.cloud.hosts.get(host ?? '')?.zone === 'mz');
    expect([inZone.length, new Set(inZone).size]).toEqual([4, 4]);
  } finally {
    world.close();
  }
});

test('a dry run says what it would do, and touches nothing', async () => {
  const world = await open();
  try {
    move(world, 4, 3);
    const events = world.cloud.log.filter(({ type }) => type !== 'note').length;
    const run = world.temporal.start({ type: 'rebalance', workflowId: 'dry', args: [{ vnf, dryRun: true }] });
    await world.until('it has said it', () => run.status !== 'RUNNING');
    expect(run.result).toMatchObject({ outcome: 'planned', leaves: ['v-web-4'], launches: [{ pool: 'web' }] });
    expect(world.cloud.log.filter(({ type }) => type !== 'note').length).toBe(events);
  } finally {
    world.close();
  }
});

test('as a tenant it goes by the hash that a host is known by', async () => {
  const world = await open('tenant');
  try {
    move(world, 2, 1);
    expect(await completed(world, 'rebalance')).toMatchObject({ launched: [{}], removed: [{ name: 'v-web-2' }] });
    await world.settle(vnf);
    expect(new Set(whereabouts(world).cloud).size).toBe(4);
    expect(world.verdict().ok).toBe(true);
  } finally {
    world.close();
  }
});
