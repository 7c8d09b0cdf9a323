import { emitHost } from '../../simulator/model';
import { small } from '../real/world';
import { fourTests } from './four';
import { openStage, type Stage, type Trial } from './stage';

/** Nova's evacuate: `recover: evacuate`, a host that is dead, and the caller's word that it is fenced. */

function evacuable(more: object = {}): object {
  return { ...small, pools: [{ ...small.pools[0], recover: 'evacuate', ...more }] };
}

async function withDeadHost(trial: Trial, descriptor: object = evacuable()): Promise<void> {
  const ended = await trial.run('instantiate', { vnf: trial.vnf, descriptor });
  if (ended.outcome !== 'completed') throw new Error(`instantiate ended ${ended.outcome}: ${ended.message ?? ''}`);
  await trial.settle();
  await trial.observer.setHost(hostOf(trial, 'web-1'), { alive: false });
}

function hostOf({ cloud, vnf }: Trial, member: string): string {
  return [...cloud.servers.values()].find(({ name }) => name === `${vnf}-${member}`)?.host ?? '';
}

function deadHost({ cloud }: Trial): string {
  return [...cloud.hosts.values()].find(({ alive }) => !alive)?.name ?? '';
}

const fenced = (trial: Trial): object => ({ hosts: [deadHost(trial)], cause: 'failed', fenced: true });

describe('of a host that is fenced', () => {
  fourTests({
    procedure: 'evacuateHost',
    prepare: withDeadHost,
    input: fenced,
    from: 4,
    to: 4,
    pivot: 'publish#1',
    undo: ['unfenceHosts'],
    undoneAt: 'awaitHealthy#1',
    coveredElsewhere: [
      'readTiming#1',
      'findOnHosts#1',
      'readRecord#1',
      'findOnHosts#2',
      'readRecord#2',
      'readRecord#3',
      'readTiming#2',
      'closeHosts#1',
      'findDead#1',
      'plan#1',
    ],
    succeeds: ({ result }, trial) => {
      const { vnf } = trial;
      expect(result).toMatchObject({
        vnfs: [{ evacuated: [{ name: `${vnf}-web-1` }], launched: [], removed: [], short: [], replans: 0 }],
      });
      expect(trial.cloud.servers.size).toBe(4);
      expect(hostOf(trial, 'web-1')).not.toBe(deadHost(trial));
    },
  });
});

describe('evacuateHost with a fence', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage();
  }, 60_000);
  afterAll(async () => {
    await stage.stop();
  }, 60_000);

  const portsOf = ({ cloud, vnf }: Trial, member: string): unknown => {
    const server = [...cloud.servers.values()].find(({ name }) => name === `${vnf}-${member}`);
    return [...cloud.ports.values()]
      .filter(({ deviceId }) => deviceId === server?.id)
      .map(({ id, address }) => [id, address]);
  };

  test('keeps server, ports and addresses, and leaves the host closed and forced down', async () => {
    const trial = await stage.open('a1');
    await withDeadHost(trial);
    const before = { ports: portsOf(trial, 'web-1'), host: deadHost(trial) };
    const view = await trial.settle();
    expect((await trial.run('evacuateHost', fenced(trial))).outcome).toBe('completed');
    const after = await trial.settle();
    expect(portsOf(trial, 'web-1')).toEqual(before.ports);
    const [old] = view?.pools['web']?.inService ?? [];
    const now = after?.pools['web']?.inService.find(({ ordinal }) => ordinal === 1);
    expect(now).toEqual({ ...old, host: hostOf(trial, 'web-1') });
    expect(now?.host).not.toBe(before.host);
    expect(trial.cloud.hosts.get(before.host)).toMatchObject({ enabled: false, forcedDown: true });
  }, 60_000);

  test('without a fence nothing is evacuated, whatever the descriptor says', async () => {
    const trial = await stage.open('b1');
    await withDeadHost(trial);
    const ended = await trial.run('evacuateHost', { hosts: [deadHost(trial)], cause: 'failed' });
    expect(ended).toMatchObject({
      outcome: 'completed',
      result: { vnfs: [{ evacuated: [], launched: [{ name: 'b1-web-5' }], removed: [{ name: 'b1-web-1' }] }] },
    });
    await trial.settle();
  }, 60_000);

  test.each(['noValidHost', 'buildError', 'stuckBuild'] as const)(
    'whose evacuation ends in %s is replaced',
    async (kind) => {
      const trial = await stage.open(`c${String(['noValidHost', 'buildError', 'stuckBuild'].indexOf(kind))}`);
      const { vnf } = trial;
      await withDeadHost(trial, evacuable({ bootTimeoutSeconds: 60 }));
      await trial.observer.addFault({ kind, match: { namePrefix: `${vnf}-web-1` }, times: 1 });
      const ended = await trial.run('evacuateHost', fenced(trial));
      expect(ended).toMatchObject({
        outcome: 'completed',
        result: {
          vnfs: [{ evacuated: [], launched: [{ name: `${vnf}-web-5` }], removed: [{ name: `${vnf}-web-1` }] }],
        },
      });
      await trial.settle({ faults: true });
      expect(trial.cloud.servers.size).toBe(4);
    },
    60_000,
  );

  test('a member that was off is started where it has arrived, and one that is in ERROR is replaced', async () => {
    const trial = await stage.open('d1');
    await withDeadHost(trial, evacuable({ size: { min: 3, initial: 12, max: 30 } }));
    const there = [...trial.cloud.servers.values()].filter(({ host }) => host === deadHost(trial));
    expect(there.length).toBeGreaterThan(1);
    const [off, broken] = there;
    await trial.observer.setServer(off?.name ?? '', { state: 'SHUTOFF' });
    await trial.observer.setServer(broken?.name ?? '', { state: 'ERROR' });
    const ended = await trial.run('evacuateHost', fenced(trial));
    expect(ended).toMatchObject({
      outcome: 'completed',
      result: { vnfs: [{ evacuated: [{ name: off?.name }], launched: [{}], removed: [{ name: broken?.name }] }] },
    });
    expect(trial.cloud.servers.get(off?.id ?? '')?.status).toBe('ACTIVE');
    await trial.settle({ faults: true });
  }, 60_000);

  test('a run that vanishes while members move leaves them failed and alive, and a heal replaces them', async () => {
    const trial = await stage.open('e1');
    await withDeadHost(trial);
    const host = deadHost(trial);
    const vanished = await trial.run('evacuateHost', fenced(trial), ({ key }) =>
      key === 'awaitHealthy#1' ? 'terminated' : undefined,
    );
    expect(vanished.outcome).toBe('stuck');
    const between = await trial.settle({ faults: true });
    expect(between?.pools['web']?.failed.map(({ ordinal }) => ordinal)).toEqual([1]);
    expect(trial.cloud.servers.size).toBe(4);
    expect(hostOf(trial, 'web-1')).not.toBe(host);
    const healed = await trial.run('heal', { vnf: 'e1' });
    expect(healed).toMatchObject({ outcome: 'completed', result: { launched: [{}], removed: [{ name: 'e1-web-1' }] } });
    const after = await trial.settle({ faults: true });
    expect(after?.pools['web']).toMatchObject({ failed: [] });
  }, 120_000);

  test.each(['cancel', 'terminate'] as const)(
    'of two VNFs one whose own run somebody ends (%s) is named and left as it was, and the other is restored',
    async (by) => {
      const trial = await stage.open(by === 'cancel' ? 'm1' : 'n1');
      const other = `${trial.vnf}b`;
      // On every host, the one that dies among them.
      const everywhere = { ...small, pools: [{ ...small.pools[0], size: { min: 3, initial: 8, max: 8 } }] };
      expect((await trial.run('instantiate', { vnf: other, descriptor: everywhere })).outcome).toBe('completed');
      await withDeadHost(trial, evacuable());
      const host = deadHost(trial);
      const serversOn = (name: string): string[] =>
        [...trial.cloud.servers.values()].flatMap((server) => (server.host === name ? [server.name] : []));
      const member = `${trial.vnf}-web-1`;
      expect(serversOn(host).sort()).toEqual([member, expect.stringMatching(`^${other}-web-`)]);

      let ended = false;
      const evacuated = await trial.run('evacuateHost', { hosts: [host], cause: 'failed' }, ({ name, workflowId }) => {
        if (ended || name !== 'launch' || !workflowId.startsWith(`evacuate:${trial.vnf}:`)) return undefined;
        ended = true;
        return stage.client.workflow.getHandle(workflowId)[by]();
      });
      expect(evacuated).toMatchObject(
        by === 'cancel' ? { outcome: 'unwound', kind: 'TurnLost' } : { outcome: 'stuck', kind: 'Stuck' },
      );
      expect(evacuated.details?.['vnfs']).toEqual([
        expect.objectContaining({ vnf: trial.vnf, outcome: 'failed' }),
        expect.objectContaining({ vnf: other, outcome: 'completed' }),
      ]);
      await trial.settle({ faults: true });
      expect(serversOn(host)).toEqual([member]);

      expect(await trial.run('evacuateHost', { hosts: [host], cause: 'failed' })).toMatchObject({
        outcome: 'completed',
        result: { vnfs: [{ vnf: trial.vnf, launched: [{}], removed: [{ name: member }] }] },
      });
      await trial.settle({ faults: true });
      expect(serversOn(host)).toEqual([]);
    },
    60_000,
  );

  test('where a part goes back, Nova is asked to take the fence back, and the failure says where it does not', async () => {
    const trial = await stage.open('f1');
    await withDeadHost(trial, evacuable({ size: { min: 3, initial: 12, max: 30 } }));
    const host = deadHost(trial);
    const there = [...trial.cloud.servers.values()].filter((server) => server.host === host);
    // One moves, and the other cannot be replaced.
    await trial.observer.setServer(there[1]?.name ?? '', { state: 'ERROR' });
    const ended = await trial.run('evacuateHost', fenced(trial), ({ key }) =>
      key === 'launch#1' ? 'fails' : undefined,
    );
    expect(ended).toMatchObject({ outcome: 'unwound', kind: 'CloudUnavailable', details: { forcedDown: [host] } });
    expect(trial.cloud.hosts.get(host)).toMatchObject({ enabled: false, forcedDown: true });
    // Whoever moved serves.
    const view = await trial.settle({ faults: true });
    expect(view?.pools['web']?.inService.map(({ serverId }) => serverId)).toContain(there[0]?.id);

    await trial.observer.setHost(host, { alive: true });
    expect(await trial.run('restoreHost', { hosts: [host], waitSeconds: 10 })).toMatchObject({
      outcome: 'completed',
      result: { opened: [host], unforced: [host] },
    });
  }, 60_000);

  test('several hosts at once, one dead and one alive', async () => {
    const trial = await stage.open('g1');
    await withDeadHost(trial);
    const alive = hostOf(trial, 'web-2');
    const ended = await trial.run('evacuateHost', { hosts: [deadHost(trial), alive], cause: 'failed', fenced: true });
    expect(ended).toMatchObject({ outcome: 'completed', result: { vnfs: [{ evacuated: [{}, {}], launched: [] }] } });
    await trial.settle();
  }, 60_000);

  test('a record that does not answer at first is no reason to leave members on a dead host', async () => {
    const trial = await stage.open('j1');
    await withDeadHost(trial);
    const ended = await trial.run('evacuateHost', fenced(trial), ({ name, workflowId }) =>
      name === 'readRecord' && !workflowId.startsWith('evacuate:') ? 'fails' : undefined,
    );
    expect(ended).toMatchObject({ outcome: 'completed', result: { vnfs: [{ evacuated: [{}] }], unrecorded: {} } });
    await trial.settle({ faults: true });
  }, 60_000);

  test('where no record answers, that part has failed, and the host is closed all the same', async () => {
    const trial = await stage.open('k1');
    await withDeadHost(trial);
    const host = deadHost(trial);
    const ended = await trial.run('evacuateHost', fenced(trial), ({ name }) =>
      name === 'readRecord' ? 'fails' : undefined,
    );
    expect(ended).toMatchObject({ kind: 'CloudUnavailable', details: { vnfs: [{ vnf: 'k1', outcome: 'failed' }] } });
    expect(trial.cloud.hosts.get(host)).toMatchObject({ enabled: false, forcedDown: false });
    await trial.settle({ faults: true });
  }, 60_000);

  test('nothing is evacuated from a host that is up again in spite of its fence', async () => {
    const trial = await stage.open('l1');
    await withDeadHost(trial);
    const host = deadHost(trial);
    const ended = await trial.run('evacuateHost', fenced(trial), ({ key }) => {
      const service = trial.cloud.hosts.get(host);
      // Somebody starts it, and tells Nova so.
      const isUp = { alive: true, reportedUp: true, forcedDown: false };
      if (key === 'evacuate#1' && service) emitHost(trial.cloud, Object.assign(service, isUp), null);
      return undefined;
    });
    expect(ended).toMatchObject({ outcome: 'unwound', kind: 'HostNotFenced', details: { notFenced: [host] } });
    expect(hostOf(trial, 'web-1')).toBe(host);
    await trial.settle({ faults: true });
  }, 60_000);

  test('a large part of a zone at once is more likely the network, and needs force', async () => {
    const trial = await stage.open('h1');
    const hosts = trial.hosts.slice(0, 3);
    const refused = await trial.run('evacuateHost', { hosts, cause: 'failed' });
    expect(refused).toMatchObject({
      outcome: 'refused',
      kind: 'InvalidRequest',
      details: { zone: 'mz', failed: hosts },
    });
    expect(trial.cloud.hosts.get(hosts[0] ?? '')?.enabled).toBe(true);
    for (const input of [{ hosts: hosts.slice(0, 1) }, { hosts, force: true }])
      expect((await trial.run('evacuateHost', { ...input, cause: 'failed' })).outcome).toBe('completed');
  }, 60_000);

  test('where the quota is short, those that move do, and what it carries of the others is launched', async () => {
    const trial = await stage.open('i1');
    await withDeadHost(trial, evacuable({ size: { min: 3, initial: 12, max: 30 } }));
    const there = [...trial.cloud.servers.values()].filter(({ host }) => host === deadHost(trial));
    await trial.observer.setServer(there[1]?.name ?? '', { state: 'ERROR' });
    await trial.observer.setQuota({ resource: 'instances', limit: 12 });
    const ended = await trial.run('evacuateHost', fenced(trial));
    expect(ended).toMatchObject({
      outcome: 'completed',
      result: { vnfs: [{ evacuated: [{}], launched: [], short: [{ pool: 'web', missing: 1 }] }] },
    });
    await trial.settle({ faults: true });
  }, 60_000);
});
