import { fourTests } from './four';

fourTests({
  procedure: 'scaleIn',
  input: ({ vnf }) => ({ vnf, pool: 'web', to: 3 }),
  from: 4,
  to: 3,
  pivot: 'publish#1',
  // Where nothing has to move first there is nothing to undo: a plan touches nothing.
  undo: [],
  succeeds: ({ result }, { cloud }) => {
    expect(result).toMatchObject({ levels: { web: { from: 4, to: 3 } }, launched: [], removed: [{}] });
    expect(cloud.servers.size).toBe(3);
    expect(cloud.ports.size).toBe(3);
  },
});
