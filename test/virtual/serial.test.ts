import { onePool } from '../../scripts/lib/virtual/specs';
import { openWorld, type Begun, type World } from '../../scripts/lib/virtual/world';
import { hostsOf } from '../../simulator';

/** Several runs that change the level of a pool that takes a turn for each member: they have their turns one after the other. */

const [web] = onePool.pools;

async function open(drainSeconds: number): Promise<World> {
  const pool = { ...web, serial: true, drainSeconds, spare: 1, size: { min: 2, initial: 7, max: 10 } };
  const world = openWorld({ seed: 1, cloud: { hosts: hostsOf({ mz: 12 }) } });
  expect(await world.run('instantiate', { vnf: 'v1', descriptor: { ...onePool, pools: [pool] } })).toMatchObject({
    outcome: 'completed',
  });
  await world.settle('v1');
  return world;
}

function scale(world: World, procedure: 'scaleIn' | 'scaleOut', to: number): Begun {
  return world.begin(procedure, { vnf: 'v1', pool: 'web', to });
}

/** The level at which they leave it. */
async function levelAfter(world: World, ...begun: readonly Begun[]): Promise<number | undefined> {
  await world.until('all have ended', () => begun.every((each) => each.ended() !== undefined));
  const view = await world.settle('v1');
  expect(world.verdict()).toMatchObject({ ok: true });
  return view?.pools['web']?.level;
}

describe.each([0, 30])('members are drained for %s s', (drainSeconds) => {
  test.each([
    ['scaleIn', 4, 4, 4],
    ['scaleIn', 5, 3, 3],
    ['scaleIn', 3, 5, 3],
    ['scaleOut', 10, 10, 10],
    ['scaleOut', 9, 10, 10],
  ] as const)('%s to %s and to %s: both complete, at %s', async (procedure, one, other, last) => {
    const world = await open(drainSeconds);
    const begun = [scale(world, procedure, one), scale(world, procedure, other)] as const;
    expect(await levelAfter(world, ...begun)).toBe(last);
    for (const each of begun) expect(each.ended()).toMatchObject({ outcome: 'completed' });
  });

  test.each([
    ['scaleIn', 3, 'scaleOut', 10],
    ['scaleOut', 10, 'scaleIn', 3],
  ] as const)('%s to %s, and %s to %s after it, which has its way', async (before, given, after, last) => {
    const world = await open(drainSeconds);
    const earlier = scale(world, before, given);
    await world.pass(2_000);
    const later = scale(world, after, last);
    expect(await levelAfter(world, earlier, later)).toBe(last);
    expect(later.ended()).toMatchObject({ outcome: 'completed' });
    expect(earlier.ended()).toMatchObject({
      outcome: 'unwound',
      kind: 'Superseded',
      details: { vnf: 'v1', pool: 'web', levels: { web: { from: 7 } } },
    });
    // They did not pull it either way again and again.
    expect(world.cloud.log.filter(({ type }) => type === 'server.created').length).toBeLessThan(7 + 7);
  });
});
