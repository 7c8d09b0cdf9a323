import { playStory } from '../../scripts/lib/virtual/soak';
import { zones, onePool, vnf } from '../../scripts/lib/virtual/specs';
import { openWorld, type Procedure, type World } from '../../scripts/lib/virtual/world';
import type { Ended } from '../../scripts/lib/virtual/ended';
import { recordWorkflowId } from '../../domain/names';
import type { AuditResult } from '../../domain/procedures';
import { hostsOf } from '../../simulator';
import { setStatus } from '../../simulator/scheduler';

/**
 * The record of a VNF is lost, an instantiate of its id vanishes before it is refused, and so does what cleans up behind it. Its blocked record
 * knew of no members: an audit with repair took all of them for orphans.
 */
test('a repair of what never came to be deletes nothing that was there before', async () => {
  let runId: string | undefined;
  let isAway = false;
  const world: World = openWorld({
    seed: 1,
    cloud: { hosts: hostsOf(zones), bootSeconds: [5, 10], latencyMs: [1, 5] },
    sawCall: (call, moment) => {
      if (moment !== 'before') return undefined;
      if (call.runId === runId && call.activity === 'plan') {
        runId = undefined;
        isAway = true;
        const run = world.temporal.latest(call.workflowId);
        if (run) world.temporal.terminate(run);
      }
      if (!isAway || !call.workflowId.startsWith('audit:')) return undefined;
      return { kind: 'status', status: 500, moment: 'before' };
    },
  });
  const ended = async (procedure: Procedure, input: object): Promise<Ended> => {
    const begun = world.begin(procedure, { vnf, ...input });
    if (procedure === 'instantiate') runId = isLost ? begun.run().runId : undefined;
    return await begun.end();
  };
  let isLost = false;
  try {
    await ended('instantiate', { descriptor: onePool });
    await world.settle(vnf);
    const record = world.temporal.latest(recordWorkflowId(vnf));
    if (record) world.temporal.terminate(record);
    await world.pass(1_000);
    isLost = true;
    const there = [...world.cloud.servers.keys(), ...world.cloud.ports.keys(), ...world.cloud.securityGroups.keys()];
    expect(await ended('instantiate', { descriptor: onePool })).toMatchObject({ outcome: 'vanished' });
    await world.until('it is blocked', () => world.viewOf(vnf)?.blocked != null);
    isAway = false;
    const audit = (await ended('audit', { repair: true })).result as AuditResult;
    expect(audit.findings.length).toBeGreaterThan(0);
    expect(audit.findings.filter(({ action }) => action !== 'leave')).toEqual([]);
    expect(await ended('terminate', {})).toMatchObject({ outcome: 'completed' });
    const { servers, ports, securityGroups, publications } = world.cloud;
    expect([...servers.keys(), ...ports.keys(), ...securityGroups.keys()]).toEqual(there);
    expect(publications.get(vnf)?.service['web']).toHaveLength(4);
    expect(await ended('adopt', { descriptor: onePool })).toMatchObject({ outcome: 'completed' });
  } finally {
    world.close();
  }
});

/** What waits in the queue of a record that is lost asks again, under the same id, and found the record that adopt has made meanwhile. */
test('a terminate that has waited for a lost record does not end what was adopted since', async () => {
  const world: World = openWorld({
    seed: 1,
    cloud: { hosts: hostsOf(zones), bootSeconds: [60, 60], latencyMs: [1, 5] },
  });
  try {
    await world.run('instantiate', { vnf, descriptor: onePool });
    await world.settle(vnf);
    const scaleOut = world.begin('scaleOut', { vnf, pool: 'web', to: 6 });
    await world.until('it launches', () => world.cloud.servers.size > 4);
    const waiting = world.begin('terminate', { vnf });
    await world.pass(5_000);
    const record = world.temporal.latest(recordWorkflowId(vnf));
    if (record) world.temporal.terminate(record);
    world.temporal.terminate(scaleOut.run());
    expect(await world.run('adopt', { vnf, descriptor: onePool })).toMatchObject({ outcome: 'completed' });
    const adopted = world.cloud.servers.size;
    expect(await waiting.end()).toMatchObject({ outcome: 'refused', kind: 'UnknownVnf' });
    expect(world.cloud.servers.size).toBe(adopted);
    expect(await world.run('terminate', { vnf })).toMatchObject({ outcome: 'completed' });
    expect(world.cloud.servers.size).toBe(0);
  } finally {
    world.close();
  }
});

/** Who is dead is in the commit of an adopt, and was published with the living until the record had published without it. */
test.each([1, 6])('an adopt publishes nobody who it has found dead (seed %i)', async (seed) => {
  const world: World = openWorld({
    seed,
    cloud: { hosts: hostsOf(zones), bootSeconds: [5, 10], latencyMs: [1, 50] },
    latencyMs: [1, 40],
  });
  const { temporal, cloud } = world;
  const ended = (procedure: Procedure): Promise<Ended> => world.run(procedure, { vnf, descriptor: onePool });
  try {
    await ended('instantiate');
    await world.settle(vnf);
    const record = temporal.latest(recordWorkflowId(vnf));
    if (record) temporal.terminate(record);
    const [server] = cloud.servers.values();
    if (!server) throw new Error('there is no server');
    setStatus(cloud, server, 'ERROR');
    const before = cloud.log.length;
    expect(await ended('adopt')).toMatchObject({ outcome: 'completed' });
    await world.settle(vnf);
    const published = cloud.log.slice(before).flatMap((event) => (event.type === 'published' ? [event.service] : []));
    expect(published.flatMap(({ web = [] }) => web)).not.toContain(server.name);
    expect(published.at(-1)?.['web']).toHaveLength(3);
  } finally {
    world.close();
  }
});

/** One VNF finds no place, and the record of the other is lost after its commit: the evacuation ended stuck, and gave the other's reason. */
test('an evacuation of which one part is stuck says so', async () => {
  const pool = { zone: 'mz', spare: 2, min: 3, initial: 5, max: 11, serial: false };
  const story = {
    seed: 20_000_467,
    hosts: { mz: 5, dmz: 4 },
    as: 'tenant',
    vnfs: [
      {
        vnf: 'v1',
        pools: [
          { ...pool, name: 'web', spare: '25%', min: 2, initial: 2, max: 8 },
          { ...pool, name: 'edge', spare: '1/3', min: 2 },
        ],
      },
      {
        vnf: 'v2',
        pools: [
          { ...pool, name: 'web' },
          { ...pool, name: 'edge', zone: 'dmz', spare: '34%', min: 2, initial: 2, max: 8 },
        ],
      },
    ],
    acts: [
      { atSeconds: 1, does: 'instantiate', vnf: 'v2' },
      { atSeconds: 4, does: 'instantiate', vnf: 'v1' },
      { atSeconds: 77, does: 'evacuate', host: 10, cause: 'maintenance' },
      { atSeconds: 97, does: 'recordDies', vnf: 'v2' },
    ],
  } as const;
  expect(await playStory(story)).toEqual([]);
});
