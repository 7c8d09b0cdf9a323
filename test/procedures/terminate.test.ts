import { fourTests } from './four';

fourTests({
  procedure: 'terminate',
  input: ({ vnf }) => ({ vnf }),
  from: 4,
  to: null,
  pivot: 'publish#1',
  // Its first step is the pivot: there is nothing to go back to.
  undo: [],
  // A schedule that stays goes with its next run, and terminate with it or without.
  coveredElsewhere: ['unscheduleAudits#1'],
  succeeds: (_ended, { cloud }) => {
    expect(cloud.servers.size + cloud.ports.size + cloud.securityGroups.size + cloud.securityRules.size).toBe(0);
  },
});
