import { small } from '../real/world';
import { fourTests } from './four';

fourTests({
  procedure: 'instantiate',
  prepare: () => Promise.resolve(),
  input: ({ vnf }) => ({ vnf, descriptor: small }),
  from: null,
  to: 4,
  pivot: 'publish#1',
  undo: ['removeByToken', 'removeGroups'],
  succeeds: ({ result }, { cloud }) => {
    expect(result).toMatchObject({ levels: { web: { from: 0, to: 4 } }, launched: [{}, {}, {}, {}], removed: [] });
    expect(cloud.securityGroups.size).toBe(1);
  },
});
