import { fourTests, instantiated } from './four';
import type { Trial } from './stage';

async function withOneDead(trial: Trial): Promise<void> {
  await instantiated(trial);
  await trial.observer.setServer(`${trial.vnf}-web-2`, { state: 'ERROR' });
}

describe('where there is room beside the dead', () => {
  fourTests({
    procedure: 'heal',
    prepare: withOneDead,
    input: ({ vnf }) => ({ vnf }),
    from: 4,
    to: 4,
    pivot: 'publish#1',
    undo: ['removeByToken'],
    succeeds: ({ result }, { vnf, cloud }) => {
      expect(result).toMatchObject({ launched: [{ name: `${vnf}-web-5` }], removed: [{ name: `${vnf}-web-2` }] });
      expect(cloud.servers.size).toBe(4);
    },
  });
});

describe('where the quota leaves no other way than to delete the dead first', () => {
  fourTests({
    procedure: 'heal',
    prepare: async (trial) => {
      await withOneDead(trial);
      await trial.observer.setQuota({ resource: 'instances', limit: 4 });
    },
    input: ({ vnf }) => ({ vnf }),
    from: 4,
    to: 4,
    pivot: 'publish#1',
    undo: ['removeByToken'],
    pays: ['remove#1'],
    coveredElsewhere: ['readRecord#1', 'readTiming#1', 'findDead#1'],
    succeeds: ({ result }, { vnf, cloud }) => {
      expect(result).toMatchObject({ launched: [{ name: `${vnf}-web-5` }], removed: [{ name: `${vnf}-web-2` }] });
      expect(cloud.servers.size).toBe(4);
    },
  });
});
