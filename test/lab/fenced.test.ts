import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Member } from '../../domain/record';
import { nova } from '../../openstack';
import { stopAt, type Seen } from './proxy';
import { descriptorIn, done, expectWhole, leaveNothing } from './round';
import { startLabWorld, type LabWorld } from './world';

/** Nova's evacuate off hosts that are fenced, and restoreHost. */

const vnf = 'fenced1';
const suiteMs = 240_000;

let world: LabWorld;

beforeAll(async () => {
  world = await startLabWorld();
  await done(world, 'instantiate', { vnf, descriptor: evacuable() });
}, suiteMs);

afterAll(async () => {
  await leaveNothing(world);
}, suiteMs);

/** Members that survive the move: the descriptor's word. */
function evacuable(): Record<string, unknown> {
  const descriptor = descriptorIn('mz');
  const pools = descriptor['pools'] as readonly Record<string, unknown>[];
  return { ...descriptor, pools: pools.map((pool) => ({ ...pool, recover: 'evacuate' })) };
}

async function members(): Promise<readonly Member[]> {
  return (await world.settle(vnf))?.pools['web']?.inService ?? [];
}

async function serviceOf(host: string): Promise<nova.ComputeService | undefined> {
  return (await nova.listServices(world.cloud)).find((each) => each.host === host);
}

/** Whatever becomes of a test, its host comes back. */
async function withDead<T>(host: string, body: () => Promise<T>): Promise<T> {
  await world.lab('host-fail', host);
  try {
    return await body();
  } finally {
    await world.lab('host-recover', host);
  }
}

const evacuation = { cause: 'failed', fenced: true } as const;

test(
  'a member of a fenced host goes on elsewhere as the server that it is; its host stays closed until restoreHost',
  async () => {
    const [before] = await members();
    const host = before?.host ?? '';
    await withDead(host, async () => {
      const { result } = await world.run('evacuateHost', { hosts: [host], ...evacuation });
      expect(result).toMatchObject({ vnfs: [{ evacuated: [{ ordinal: before?.ordinal }], launched: [], short: [] }] });
      const after = (await members()).find(({ ordinal }) => ordinal === before?.ordinal);
      expect(after).toMatchObject({ serverId: before?.serverId, portIds: before?.portIds });
      expect(after?.host).not.toBe(host);

      // Nova un-forces no host that it has evacuated from, before that host is back.
      const early = await world.run('restoreHost', { hosts: [host], waitSeconds: 5 });
      expect(early).toMatchObject({ outcome: 'unwound', kind: 'CloudUnavailable' });
      expect(await serviceOf(host)).toMatchObject({ enabled: false, forcedDown: true });
    });
    expect(await serviceOf(host)).toMatchObject({ enabled: false });
    await done(world, 'restoreHost', { hosts: [host] });
    expect(await serviceOf(host)).toMatchObject({ up: true, enabled: true, forcedDown: false, disabledReason: null });
    await expectWhole(world, [{ vnf }], []);
  },
  suiteMs,
);

test(
  'a member whose evacuation fails is replaced',
  async () => {
    const [before] = await members();
    const host = before?.host ?? '';
    const isEvacuation = ({ body }: Seen): boolean => typeof body === 'object' && body !== null && 'evacuate' in body;
    const { reached, goOn } = stopAt(world.proxy, isEvacuation);
    const fails = (target: string): string => join(world.hostDirectory(target), 'fail-spawn');
    const evacuatedTo = ({ body }: Seen): string =>
      (body as { readonly evacuate: { readonly host: string } }).evacuate.host;
    await withDead(host, async () => {
      const run = world.run('evacuateHost', { hosts: [host], ...evacuation });
      const target = evacuatedTo(await Promise.race([reached, run.then(failed)]));
      writeFileSync(fails(target), '');
      goOn();
      try {
        expect((await run).result).toMatchObject({
          vnfs: [{ evacuated: [], launched: [{}], removed: [{}], short: [] }],
        });
      } finally {
        rmSync(fails(target), { force: true });
      }
    });
    await done(world, 'restoreHost', { hosts: [host] });
    const after = await members();
    expect(after).toHaveLength(3);
    expect(after.map(({ serverId }) => serverId)).not.toContain(before?.serverId);
    await expectWhole(world, [{ vnf }], []);
  },
  suiteMs,
);

function failed(ended: unknown): never {
  throw new Error(`nothing was evacuated: ${JSON.stringify(ended)}`);
}

test(
  'a host that somebody else has disabled is left to them',
  async () => {
    const [{ host } = { host: '' }] = await members();
    const service = await serviceOf(host);
    if (!service) throw new Error(`there is no ${host}`);
    await nova.disableService(world.cloud, service.id, 'at work on the fan');
    const refused = await world.run('restoreHost', { hosts: [host] });
    expect(refused).toMatchObject({ outcome: 'refused', kind: 'InvalidRequest' });
    expect(refused.message).toContain('at work on the fan');
    await nova.enableService(world.cloud, service.id);
  },
  suiteMs,
);

test('a large part of a zone that would have failed at once is taken for the network', async () => {
  const hosts = (await nova.listServices(world.cloud)).filter(({ zone }) => zone === 'dmz').map(({ host }) => host);
  const refused = await world.run('evacuateHost', { hosts: hosts.slice(0, 2), cause: 'failed' });
  expect(refused).toMatchObject({ outcome: 'refused', kind: 'InvalidRequest' });
  expect(refused.message).toContain('force');
});
