import { tag } from '../../domain/names';
import type { RunView } from '../../domain/stuck';
import { nova } from '../../openstack';
import { onePool, vnf, zones } from '../../scripts/lib/virtual/specs';
import { openWorld, type World } from '../../scripts/lib/virtual/world';
import { hostsOf } from '../../simulator';
import type { Server } from '../../simulator/model';

/** Somebody has taken the VNF's tag off a member's server, and it is to go: nothing is deleted without it, and a person is told what to do. */

async function open(as: 'operator' | 'tenant'): Promise<World> {
  const world = openWorld({ seed: 1, as, cloud: { hosts: hostsOf(zones) } });
  await world.run('instantiate', { vnf, descriptor: onePool });
  await world.settle(vnf);
  return world;
}

function serverOf({ cloud }: World, ordinal: number): Server {
  const name = `${vnf}-web-${String(ordinal)}`;
  const server = [...cloud.servers.values()].find((each) => each.name === name);
  if (!server) throw new Error(`there is no ${name}`);
  return server;
}

function stuckIn(run: {
  readonly execution: { readonly query: (name: string) => unknown };
}): RunView['stuck'] | undefined {
  return (run.execution.query('status') as RunView | undefined)?.stuck;
}

const procedures = [
  ['scaleIn', { vnf, pool: 'web', to: 3, members: [`${vnf}-web-2`] }, 3],
  ['heal', { vnf, members: [`${vnf}-web-2`] }, 4],
  ['terminate', { vnf }, 0],
] as const;

describe.each(['operator', 'tenant'] as const)('as %s', (as) => {
  test.each(procedures)(
    '%s is stuck at once, and goes on when the tag is there again',
    async (procedure, input, after) => {
      const world = await open(as);
      try {
        const lost = serverOf(world, 2);
        lost.tags = lost.tags.filter((each) => each !== tag.vnf(vnf));
        const begun = world.begin(procedure, input);
        await world.until('a person has been told what is left', () =>
          (stuckIn(begun.run())?.left ?? []).some(({ kind }) => kind === 'port'),
        );
        const stuck = stuckIn(begun.run());
        expect(stuck).toMatchObject({
          step: 'drain and delete',
          error: { kind: 'Stuck' },
          may: ['retry', 'skip', 'giveUp'],
        });
        expect(stuck?.error.message).toContain(`${vnf} has lost its tag on server ${lost.name} (${lost.id})`);
        expect(stuck?.error.message).toContain(`server set --tag ${tag.vnf(vnf)} ${lost.id}`);
        expect(stuck?.left?.filter(({ kind }) => !kind.endsWith('Group'))).toMatchObject([
          { kind: 'server', id: lost.id },
          { kind: 'port', id: lost.portIds[0] },
        ]);
        // The others of a batch have gone.
        expect([...world.cloud.servers.values()].map(({ name }) => name)).toHaveLength(after + 1);

        const skipped = await world.tell(begun.run(), 'skip');
        expect(String('error' in skipped ? skipped.error : '')).toContain(`server ${lost.name} (${lost.id})`);
        await world.done('the tag is there', nova.addTag(world.operator, lost.id, tag.vnf(vnf)));
        await world.tell(begun.run(), 'retry');
        expect(await begun.end()).toMatchObject({ outcome: 'completed' });
        await world.settle(vnf);
        expect([world.cloud.servers.size, world.cloud.ports.size]).toEqual([after, after]);
        const { guarantees } = world.verdict();
        expect(guarantees.G4.violations).toEqual([]);
      } finally {
        world.close();
      }
    },
  );
});

test('one that somebody has deleted by hand is gone when told to retry', async () => {
  const world = await open('operator');
  try {
    const lost = serverOf(world, 2);
    lost.tags = [];
    const begun = world.begin('terminate', { vnf });
    await world.until('it is stuck', () => Boolean(stuckIn(begun.run())));
    await world.done('it is deleted', nova.deleteServer(world.operator, lost.id));
    await world.until('it is gone', () => world.cloud.servers.size === 0);
    await world.tell(begun.run(), 'retry');
    await begun.end();
    expect([world.cloud.servers.size, world.cloud.ports.size]).toEqual([0, 0]);
  } finally {
    world.close();
  }
});

test('one that is to stay gets the tag of whose it is, and its ports lose their marks: then it may be skipped', async () => {
  const world = await open('operator');
  try {
    const lost = serverOf(world, 2);
    lost.tags = [tag.vnf('kept')];
    const begun = world.begin('scaleIn', { vnf, pool: 'web', to: 3, members: [lost.name] });
    await world.until('it is stuck', () => Boolean(stuckIn(begun.run())));
    expect(stuckIn(begun.run())?.error.message).toContain('which bears the tag of kept');
    expect(await world.tell(begun.run(), 'skip')).toHaveProperty('error');
    for (const id of lost.portIds) Object.assign(world.cloud.ports.get(id) ?? {}, { description: '' });
    expect(await world.tell(begun.run(), 'skip')).not.toHaveProperty('error');
    expect(await begun.end()).toMatchObject({ outcome: 'completed' });
    expect(world.cloud.servers.get(lost.id)).toBe(lost);
    expect(lost.portIds.every((id) => world.cloud.ports.has(id))).toBe(true);
  } finally {
    world.close();
  }
});

test('an audit with repair tags a member again before it is to go, and not when it is owed', async () => {
  const world = await open('operator');
  try {
    const lost = serverOf(world, 2);
    const loseTag = (): void => {
      lost.tags = lost.tags.filter((each) => each !== tag.vnf(vnf));
    };
    const audited = async (): Promise<boolean> => {
      expect(await world.run('audit', { vnf, repair: true })).toMatchObject({ outcome: 'completed' });
      return lost.tags.includes(tag.vnf(vnf));
    };
    loseTag();
    expect(await audited()).toBe(true);
    loseTag();
    const begun = world.begin('scaleIn', { vnf, pool: 'web', to: 3, members: [lost.name] });
    await world.until('it is stuck', () => Boolean(stuckIn(begun.run())));
    expect(await audited()).toBe(false);
  } finally {
    world.close();
  }
});
