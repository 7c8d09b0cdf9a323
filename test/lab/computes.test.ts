import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nova } from '../../openstack';
import { until } from '../real/world';
import { stopAt, type Seen } from './proxy';
import { descriptorIn, done, expectWhole, leaveNothing, levels } from './round';
import { startLabWorld, type LabWorld } from './world';

/** Hosts that fail under a server which is being made. The host is whichever the plan chose: the create says it, and is stopped there. */

const vnf = 'mz1';
const suiteMs = 240_000;

let world: LabWorld;

beforeAll(async () => {
  world = await startLabWorld();
  await done(world, 'instantiate', { vnf, descriptor: descriptorIn('mz') });
}, suiteMs);

afterAll(async () => {
  await leaveNothing(world);
}, suiteMs);

const isCreate = ({ method, path, name }: Seen): boolean =>
  method === 'POST' && path === '/servers' && (name?.startsWith(`${vnf}-`) ?? false);

function hostIn({ body }: Seen): string {
  return (body as { readonly server: { readonly host: string } }).server.host;
}

/** What the host is to do wrong for as long as this file is there. */
function wrong(host: string, how: 'fail-spawn' | 'stall-spawn'): () => void {
  const file = join(world.hostDirectory(host), how);
  writeFileSync(file, '');
  return () => {
    rmSync(file, { force: true });
  };
}

async function hostsOfVnf(): Promise<string[]> {
  const view = await world.settle(vnf);
  return (view?.pools['web']?.inService ?? []).map(({ host }) => host);
}

async function expectCompleted(run: Promise<{ readonly outcome: string }>): Promise<void> {
  expect(await run).toMatchObject({ outcome: 'completed' });
}

/**
 * The host dies, the run completes without it, and what Nova could not end meanwhile is ended when the host is back. It comes back
 * whatever becomes of the run.
 */
async function withDead(host: string, complete: () => Promise<void>): Promise<void> {
  await world.lab('host-fail', host);
  try {
    await complete();
    expect(await hostsOfVnf()).not.toContain(host);
  } finally {
    await world.lab('host-recover', host);
  }
  await expectWhole(world, [{ vnf }], []);
}

test(
  'a build that fails on one host is made on another',
  async () => {
    const { reached, goOn } = stopAt(world.proxy, isCreate);
    const run = world.run('scaleOut', { vnf, pool: 'web', to: levels.high });
    const host = hostIn(await reached);
    const right = wrong(host, 'fail-spawn');
    goOn();
    try {
      await expectCompleted(run);
    } finally {
      right();
    }
    expect(await hostsOfVnf()).not.toContain(host);
    await expectWhole(world, [{ vnf }], []);
  },
  suiteMs,
);

test(
  'a nova-compute killed while it builds: the server is removed and replaced',
  async () => {
    const { reached, goOn } = stopAt(world.proxy, isCreate);
    const run = world.run('heal', { vnf, members: await lastMember() });
    const host = hostIn(await reached);
    const right = wrong(host, 'stall-spawn');
    goOn();
    try {
      await until(`${host} builds`, 30, async () =>
        (await nova.listServers(world.cloud, { allTenants: true, host })).some(
          ({ taskState, name }) => taskState === 'spawning' && name.startsWith(`${vnf}-`),
        ),
      );
      await withDead(host, () => {
        right();
        return expectCompleted(run);
      });
    } finally {
      right();
    }
  },
  suiteMs,
);

test(
  'a server that stays in BUILD for good is noticed, removed and replaced',
  async () => {
    const { reached, goOn } = stopAt(world.proxy, isCreate);
    const run = world.run('heal', { vnf, members: await lastMember() });
    const host = hostIn(await reached);
    // Nova has not noticed yet, and tells the host to build: nobody hears it.
    await withDead(host, () => {
      goOn();
      return expectCompleted(run);
    });
  },
  suiteMs,
);

test(
  'a host that died is evacuated, and what Nova keeps for it is gone when it is back',
  async () => {
    const [host = ''] = await hostsOfVnf();
    await withDead(host, () => expectCompleted(world.run('evacuateHost', { hosts: [host], cause: 'failed' })));
  },
  suiteMs,
);

async function lastMember(): Promise<string[]> {
  const view = await world.settle(vnf);
  const ordinal = view?.pools['web']?.inService.at(-1)?.ordinal ?? 0;
  return [`${vnf}-web-${String(ordinal)}`];
}
