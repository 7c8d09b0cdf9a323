import { zones, onePool, vnf } from '../../scripts/lib/virtual/specs';
import { openWorld, type Procedure, type World } from '../../scripts/lib/virtual/world';
import type { Ended } from '../../scripts/lib/virtual/ended';
import { recordWorkflowId } from '../../domain/names';
import type { AuditResult } from '../../domain/procedures';
import { hostsOf } from '../../simulator';

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
  const ended = async (procedure: Procedure, input: object): Promise<Ended | undefined> => {
    const begun = world.begin(procedure, { vnf, ...input });
    if (procedure === 'instantiate') runId = isLost ? begun.run().runId : undefined;
    await world.until(`${begun.workflowId} ends`, () => begun.ended() !== undefined);
    return begun.ended();
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
    const audit = (await ended('audit', { repair: true }))?.result as AuditResult;
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
