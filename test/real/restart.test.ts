import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { startDevServer, type DevServer } from '../../scripts/lib/temporal';
import { expectHeld, reaches, small, startWorld, until, type Begun, type World } from './world';

/** Temporal itself is killed while every procedure is at work, and comes back with what it had written down. */

let directory: string;
let world: World;
let servers: DevServer[] = [];

const awayMs = 1_000;
/** Events of a history by which each has the turn and has begun to change something, and by which it is well under way. */
const moments = [14, 24];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bulkhead-restart-'));
  world = await startWorld({ hosts: 'mz=40,dmz=1', dbFile: join(directory, 'temporal.db') });
  servers = [world.stack.temporal];
}, 120_000);

afterAll(async () => {
  // The one that the world knows is long dead.
  await servers.at(-1)?.stop();
  await world.stop();
  await rm(directory, { recursive: true });
}, 60_000);

async function killAndRestart(): Promise<void> {
  const { address, uiUrl } = world.stack.temporal;
  servers.at(-1)?.kill();
  await setTimeout(awayMs);
  const [port, uiPort] = [address, uiUrl].map((each) => Number(each.split(':').at(-1)));
  const dbFile = join(directory, 'temporal.db');
  servers.push(
    await startDevServer({ program: world.stack.temporalProgram, dbFile, port: port ?? 0, uiPort: uiPort ?? 0 }),
  );
}

test('every procedure goes on when Temporal is killed twice in the middle of it', async () => {
  const names = ['grows', 'shrinks', 'heals', 'moves', 'ends'];
  const ups = await Promise.all(names.map((vnf) => world.run('instantiate', { vnf, descriptor: small })));
  expect(ups.map(({ outcome }) => outcome)).toEqual(names.map(() => 'completed'));
  const hosts = await Promise.all(
    names.map(async (vnf) => (await world.settle(vnf))?.pools['web']?.inService.map(({ host }) => host) ?? []),
  );
  const [ofOthers, ofMoves] = [hosts.filter((_, index) => names[index] !== 'moves').flat(), hosts[3] ?? []];
  const host = ofMoves.find((each) => !ofOthers.includes(each)) ?? ofMoves[0] ?? '';
  const begun: Begun[] = await Promise.all([
    world.begin('instantiate', { vnf: 'comes', descriptor: small }),
    world.begin('scaleOut', { vnf: 'grows', pool: 'web', to: 6 }),
    world.begin('scaleIn', { vnf: 'shrinks', pool: 'web', to: 3 }),
    world.begin('heal', { vnf: 'heals', members: ['heals-web-1'] }),
    world.begin('evacuateHost', { hosts: [host], cause: 'maintenance' }),
    world.begin('terminate', { vnf: 'ends' }),
  ]);
  for (const events of moments) {
    const reached = await Promise.all(begun.map(({ handle }) => reaches(handle, events)));
    expect({ events, running: reached.filter((each) => each === 'reached').length >= 2 }).toEqual({
      events,
      running: true,
    });
    await killAndRestart();
    await until('it answers again', 60, async () => {
      await world.client.workflowService.getSystemInfo({});
      return true;
    });
  }
  const ended = await Promise.all(begun.map((each) => each.end()));
  expect(ended.map(({ outcome }) => outcome)).toEqual(begun.map(() => 'completed'));
  for (const vnf of ['comes', ...names]) {
    if ((await world.settle(vnf)) === null) continue;
    expect((await world.run('terminate', { vnf })).outcome).toBe('completed');
    expect(await world.settle(vnf)).toBeNull();
  }
  expectHeld(await world.verdict());
}, 240_000);
