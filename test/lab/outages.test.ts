import { setTimeout as pause } from 'node:timers/promises';
import type { Part } from '../../simulator/parts';
import { expectWhole, leaveNothing, rolesOf, struckTogether, told } from './round';
import { startLabWorld, type LabWorld } from './world';

/** A part of the cloud is away for ten seconds in the middle of every procedure. */

const awaySeconds = 10;
const suiteMs = 240_000;

let world: LabWorld;

beforeAll(async () => {
  world = await startLabWorld();
}, suiteMs);

afterAll(async () => {
  await leaveNothing(world);
}, suiteMs);

/** What the proxy stands in front of, by the lab's name for it. */
const fronted: Partial<Record<Part, string>> = { placement: 'placement', neutron: 'network', glance: 'image' };

const parts = ['placement', 'neutron', 'glance', 'rabbitmq', 'mariadb'] as const satisfies readonly Part[];

test.each(parts.map((part, round) => ({ part, round })))(
  '$part is away in the middle of every procedure',
  async ({ part, round }) => {
    const roles = await rolesOf(world, round);
    const front = fronted[part];
    const struck = await struckTogether(world, roles, async (goOn) => {
      try {
        await world.lab('stop', part);
        if (front !== undefined) await world.proxy.close(front);
        goOn();
        await pause(awaySeconds * 1_000);
      } finally {
        await world.lab('start', part);
        if (front !== undefined) await world.proxy.open(front);
      }
    });
    process.stderr.write(told(`${part} away`, struck));
    await expectWhole(world, roles, struck);
  },
  suiteMs,
);
