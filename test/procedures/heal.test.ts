import { fourTests, instantiated } from './four';

fourTests({
  procedure: 'heal',
  prepare: async (trial) => {
    await instantiated(trial);
    await trial.observer.setServer(`${trial.vnf}-web-2`, { state: 'ERROR' });
  },
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
