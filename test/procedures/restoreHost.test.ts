import { until } from '../real/world';
import { fourTests, instantiated } from './four';
import { openStage, type Stage, type Trial } from './stage';

/** Hosts that evacuateHost has closed, and that are back. */

function closedHost({ cloud }: Trial): string {
  return [...cloud.hosts.values()].find(({ enabled }) => !enabled)?.name ?? '';
}

/** Dead, evacuated with a fence, and back. */
async function evacuatedAndBack(trial: Trial): Promise<void> {
  await instantiated(trial);
  const host = [...trial.cloud.servers.values()].find(({ name }) => name === `${trial.vnf}-web-1`)?.host ?? '';
  await trial.observer.setHost(host, { alive: false });
  const ended = await trial.run('evacuateHost', { hosts: [host], cause: 'failed', fenced: true });
  if (ended.outcome !== 'completed') throw new Error(`evacuateHost ended ${ended.outcome}: ${ended.message ?? ''}`);
  await trial.settle();
  await trial.observer.setHost(host, { alive: true });
}

describe('of a host that is back', () => {
  fourTests({
    procedure: 'restoreHost',
    prepare: evacuatedAndBack,
    input: (trial) => ({ hosts: [closedHost(trial)], waitSeconds: 10 }),
    from: 4,
    to: 4,
    pivot: null,
    undo: [],
    undoneAt: 'reopenHosts#1',
    succeeds: ({ result }, { cloud, hosts }) => {
      expect(result).toMatchObject({ opened: [expect.any(String)], unforced: [expect.any(String)] });
      for (const name of hosts)
        expect(cloud.hosts.get(name)).toMatchObject({ enabled: true, forcedDown: false, disabledReason: null });
    },
  });
});

describe('restoreHost', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage();
  }, 60_000);
  afterAll(async () => {
    await stage.stop();
  }, 60_000);

  test('leaves closed what is not back, says so, and opens the others', async () => {
    const trial = await stage.open('r1');
    const [first = '', second = ''] = trial.hosts;
    await trial.observer.setHost(first, { alive: false });
    await until('Nova reports it down', 10, () => Promise.resolve(trial.cloud.hosts.get(first)?.reportedUp === false));
    const ended = await trial.run('evacuateHost', { hosts: [first, second], cause: 'failed', fenced: true });
    expect(ended.outcome).toBe('completed');
    const restored = await trial.run('restoreHost', { hosts: [first, second], waitSeconds: 2 });
    expect(restored).toMatchObject({
      outcome: 'unwound',
      kind: 'CloudUnavailable',
      details: { left: [first], opened: [second] },
    });
    expect(trial.cloud.hosts.get(first)?.enabled).toBe(false);
    expect(trial.cloud.hosts.get(second)).toMatchObject({ enabled: true, forcedDown: false });

    await trial.observer.setHost(first, { alive: true });
    const again = await trial.run('restoreHost', { hosts: [first, second], waitSeconds: 10 });
    expect(again).toMatchObject({ outcome: 'completed', result: { opened: [first] } });
    const idle = await trial.run('restoreHost', { hosts: [first, second] });
    expect(idle).toMatchObject({ outcome: 'completed', result: { opened: [], unforced: [] } });
  }, 60_000);

  test('refuses what somebody else has closed or forced down, with the reason that they gave, and opens nothing', async () => {
    const trial = await stage.open('r2');
    const [ours = '', theirs = '', forced = ''] = trial.hosts;
    expect((await trial.run('evacuateHost', { hosts: [ours], cause: 'maintenance' })).outcome).toBe('completed');
    Object.assign(trial.cloud.hosts.get(theirs) ?? {}, { enabled: false, disabledReason: 'new disks, Ada' });
    Object.assign(trial.cloud.hosts.get(forced) ?? {}, { forcedDown: true });
    const ended = await trial.run('restoreHost', { hosts: [ours, theirs, forced] });
    expect(ended).toMatchObject({ outcome: 'refused', kind: 'InvalidRequest' });
    expect(ended.message).toContain(`${theirs} was disabled by somebody else ("new disks, Ada")`);
    expect(ended.message).toContain(`${forced} was forced down by somebody else`);
    expect(trial.cloud.hosts.get(ours)?.enabled).toBe(false);
    expect(await trial.run('restoreHost', { hosts: ['r2-cmp-99'] })).toMatchObject({ kind: 'InvalidRequest' });
  }, 60_000);

  test('says in a dry run what it would open, and opens nothing', async () => {
    const trial = await stage.open('r3');
    const [host = ''] = trial.hosts;
    await trial.run('evacuateHost', { hosts: [host], cause: 'failed', fenced: true });
    const ended = await trial.run('restoreHost', { hosts: [host], dryRun: true });
    expect(ended.result).toEqual({
      outcome: 'planned',
      procedure: 'restoreHost',
      hosts: [host],
      opened: [host],
      unforced: [host],
      down: [],
    });
    expect(trial.cloud.hosts.get(host)).toMatchObject({ enabled: false, forcedDown: true });
  }, 60_000);

  test('says in a dry run which hosts are down, and would not be opened', async () => {
    const trial = await stage.open('r4');
    const [up = '', down = ''] = trial.hosts;
    expect((await trial.run('evacuateHost', { hosts: [up, down], cause: 'maintenance' })).outcome).toBe('completed');
    await trial.observer.setHost(down, { alive: false });
    await until('Nova reports it down', 10, () => Promise.resolve(trial.cloud.hosts.get(down)?.reportedUp === false));
    const ended = await trial.run('restoreHost', { hosts: [up, down], dryRun: true });
    expect(ended.result).toMatchObject({ outcome: 'planned', opened: [up], unforced: [], down: [down] });
  }, 60_000);
});
