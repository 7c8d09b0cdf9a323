import { fourTests } from './four';

fourTests({
  procedure: 'scaleOut',
  input: ({ vnf }) => ({ vnf, pool: 'web', to: 6 }),
  from: 4,
  to: 6,
  pivot: 'publish#1',
  undo: ['removeByToken'],
  succeeds: ({ result }) => {
    expect(result).toMatchObject({ levels: { web: { from: 4, to: 6 } }, launched: [{}, {}], removed: [], replans: 0 });
  },
});
