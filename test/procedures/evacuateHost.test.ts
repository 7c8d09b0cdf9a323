import { fourTests, instantiated } from './four';
import type { Trial } from './stage';

/** The host of the first member. */
function hostOf({ cloud, vnf }: Trial): string {
  const [first] = [...cloud.servers.values()].filter(({ name }) => name.startsWith(vnf));
  return first?.host ?? '';
}

describe('of a host that is to be worked on', () => {
  fourTests({
    procedure: 'evacuateHost',
    prepare: instantiated,
    input: (trial) => ({ hosts: [hostOf(trial)], cause: 'maintenance' }),
    from: 4,
    to: 4,
    pivot: 'publish#1',
    undo: ['reopenHosts', 'removeByToken'],
    goneBack: ({ cloud }) => {
      expect([...cloud.hosts.values()].filter(({ enabled }) => !enabled)).toEqual([]);
    },
    succeeds: ({ result }, { cloud }) => {
      expect(result).toMatchObject({ vnfs: [{ launched: [{}], removed: [{}] }] });
      expect([...cloud.hosts.values()].filter(({ enabled }) => !enabled)).toHaveLength(1);
    },
  });
});

describe('of a host that died', () => {
  fourTests({
    procedure: 'evacuateHost',
    prepare: async (trial) => {
      await instantiated(trial);
      await trial.observer.setHost(hostOf(trial), { alive: false });
    },
    input: (trial) => ({
      hosts: [[...trial.cloud.hosts.values()].find(({ alive }) => !alive)?.name ?? ''],
      cause: 'failed',
      fenced: true,
    }),
    from: 4,
    to: 4,
    pivot: 'publish#1',
    undo: ['removeByToken', 'unfenceHosts'],
    coveredElsewhere: [
      'readTiming#1',
      'findOnHosts#1',
      'readRecord#1',
      'findOnHosts#2',
      'readRecord#2',
      'readRecord#3',
    ],
    succeeds: ({ result }) => {
      expect(result).toMatchObject({ vnfs: [{ launched: [{}], removed: [{}], short: [] }] });
    },
  });
});
