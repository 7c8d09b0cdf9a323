import { portMarks } from '../../domain/names';
import type { OrphansResult } from '../../domain/procedures';
import { onePool, vnf, zones } from '../../scripts/lib/virtual/specs';
import { openWorld, type World, type WorldOptions } from '../../scripts/lib/virtual/world';
import type { Run } from '../../scripts/lib/virtual/temporal';
import { hostsOf } from '../../simulator';

/** What VNFs without a record have in the cloud: all of it, and nothing of those that have one, whatever is just being done to them. */

function open(sawCall?: WorldOptions['sawCall']): World {
  const cloud = { hosts: hostsOf(zones), bootSeconds: [5, 10], latencyMs: [1, 200] } as const;
  return openWorld({ seed: 1, cloud, ...(sawCall && { sawCall }) });
}

function look(world: World): Run {
  return world.temporal.start({ type: 'orphans', workflowId: `look-${String(world.temporal.runs.size)}`, args: [{}] });
}

async function found(world: World, run: Run): Promise<OrphansResult['unrecorded']> {
  await world.until('it has looked', () => run.status !== 'RUNNING');
  expect(run).toMatchObject({ status: 'COMPLETED', result: { outcome: 'completed', procedure: 'orphans' } });
  return (run.result as OrphansResult).unrecorded;
}

test('at no moment of a life are there any', async () => {
  const world = open();
  const looks: Run[] = [];
  let isOver = false;
  const every = (): void => {
    if (isOver) return;
    looks.push(look(world));
    world.time.after(251, every);
  };
  try {
    every();
    await world.run('instantiate', { vnf, descriptor: onePool });
    await world.run('terminate', { vnf });
    await world.until('its record has ended', () => world.viewOf(vnf) === null);
    isOver = true;
    expect(looks.length).toBeGreaterThan(50);
    for (const run of looks) expect(await found(world, run)).toEqual([]);
  } finally {
    world.close();
  }
});

test('what comes when its terminate has ended is found', async () => {
  let arrived = false;
  const world = open(({ method, path, attempt }, moment) => {
    if (method !== 'POST' || !path.endsWith('/security-groups') || attempt > 1) return undefined;
    if (moment === 'arrives') arrived = true;
    return moment === 'before' ? { kind: 'late', milliseconds: 900_000 } : undefined;
  });
  try {
    await world.run('instantiate', { vnf, descriptor: onePool });
    await world.run('terminate', { vnf });
    expect(arrived).toBe(false);
    await world.until('it has come', () => arrived);
    await world.pass(5_000);
    const late = [...world.cloud.securityGroups.values()].map(({ id, name }) => ({ kind: 'securityGroup', id, name }));
    expect(late).toHaveLength(1);
    expect(await found(world, look(world))).toEqual([
      {
        vnf,
        counts: { server: 0, port: 0, securityGroup: 1, serverGroup: 0 },
        things: late,
        remedy: expect.stringContaining('delete these by hand') as string,
      },
    ]);
  } finally {
    world.close();
  }
});

test.each([
  { what: 'what has gone between two looks', happens: (world: World) => world.cloud.ports.delete('left') },
  {
    what: 'what is of a VNF that has begun between two looks',
    happens: (world: World) => world.begin('instantiate', { vnf: 'w', descriptor: onePool }),
  },
])('$what is not told', async ({ happens }) => {
  for (const isTried of [false, true]) {
    let left = 1;
    const world = open(({ activity }, moment) => {
      if (isTried && activity === 'findOrphans' && moment === 'before' && left-- === 1) happens(world);
      return undefined;
    });
    try {
      await world.run('instantiate', { vnf, descriptor: onePool });
      const [like] = world.cloud.ports.values();
      if (!like) throw new Error('it has ports');
      const description = portMarks({ vnf: 'w', token: 'gone' });
      world.cloud.ports.set('left', { ...like, id: 'left', description, deviceId: '' });
      expect((await found(world, look(world))).map((each) => each.vnf)).toEqual(isTried ? [] : ['w']);
    } finally {
      world.close();
    }
  }
});
