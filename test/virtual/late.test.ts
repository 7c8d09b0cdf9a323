import { zones, onePool, vnf } from '../../scripts/lib/virtual/specs';
import { openWorld, type Procedure, type World } from '../../scripts/lib/virtual/world';
import type { Ended } from '../../scripts/lib/virtual/ended';
import { hostsOf } from '../../simulator';

/**
 * A create stays inside the cloud, and so does what is done about that: the next attempt sees a port that is free, or has a server, and
 * is about to be deleted. A member that was launched on it lost it when it already served.
 */
const lateSeconds: readonly { readonly what: string; readonly create: number; readonly rename: number }[] = [
  { what: 'a create that comes later than the next attempt', create: 60, rename: 0 },
  { what: 'a create that comes before the next attempt', create: 25, rename: 0 },
  { what: 'a create and the new name of its port', create: 60, rename: 60 },
];

test.each(lateSeconds)('$what, and a deletion that comes late, take no port from a member', async (late) => {
  const came = new Set<string>();
  const world: World = openWorld({
    seed: 1,
    cloud: { hosts: hostsOf(zones), bootSeconds: [5, 10], latencyMs: [1, 5] },
    sawCall: ({ activity, attempt, workflowId, method, path }, moment) => {
      if (activity !== 'launch' || attempt > 1 || !workflowId.startsWith('scaleOut')) return undefined;
      const [what, seconds] =
        method === 'POST' && path.endsWith('/servers')
          ? ['create', late.create]
          : method === 'PUT'
            ? ['rename', late.rename]
            : ['deletion', method === 'DELETE' ? 60 : 0];
      if (seconds === 0) return undefined;
      if (moment === 'arrives') came.add(what);
      return moment === 'before' ? { kind: 'late', milliseconds: seconds * 1_000 } : undefined;
    },
  });
  const ended = (procedure: Procedure, input: object): Promise<Ended> => world.run(procedure, { vnf, ...input });
  try {
    await ended('instantiate', { descriptor: onePool });
    expect(await ended('scaleOut', { pool: 'web', to: 5 })).toMatchObject({ outcome: 'completed' });
    await world.pass(120_000);
    await world.settle(vnf);
    expect([...came].sort()).toEqual(late.rename > 0 ? ['create', 'rename'] : ['create', 'deletion']);
    expect(world.verdict().guarantees.G4.violations).toEqual([]);
  } finally {
    world.close();
  }
});

/** Nobody audits a VNF that is gone: what no audit has found by then would stay for good. */
test.each([
  { as: 'operator', path: '/networking/v2.0/security-groups' },
  { as: 'tenant', path: '/compute/v2.1/os-server-groups' },
] as const)('a group that came after its instantiate had ended goes with the VNF ($as)', async ({ as, path }) => {
  const arrived: number[] = [];
  const world: World = openWorld({
    seed: 1,
    as,
    cloud: { hosts: hostsOf(zones), bootSeconds: [5, 10], latencyMs: [1, 5] },
    sawCall: (call, moment) => {
      if (call.method !== 'POST' || call.path !== path || call.attempt > 1) return undefined;
      if (moment === 'arrives') arrived.push(world.time.now());
      return moment === 'before' ? { kind: 'late', milliseconds: 300_000 } : undefined;
    },
  });
  const ended = (procedure: Procedure, input: object): Promise<Ended> => world.run(procedure, { vnf, ...input });
  try {
    expect(await ended('instantiate', { descriptor: onePool })).toMatchObject({ outcome: 'completed' });
    const { securityGroups, serverGroups } = world.cloud;
    const before = securityGroups.size + serverGroups.size;
    expect(arrived).toEqual([]);
    await world.pass(300_000);
    expect(securityGroups.size + serverGroups.size).toBeGreaterThan(before);
    expect(await ended('terminate', {})).toMatchObject({ outcome: 'completed' });
    await world.settle(vnf);
    expect(world.verdict().guarantees.G4.violations).toEqual([]);
  } finally {
    world.close();
  }
});
