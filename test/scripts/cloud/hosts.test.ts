import { hostIdOf, newHostNames } from '../../../scripts/lib/cloud/external/hosts';

/** One name for a host in the log, whether it is named or hashed. */

// What Nova 34 makes of them (nova.utils.generate_hostid).
const project = '7c3aa249050349a780b7ea88be4dc1a3';
const shown = 'b0ddb189dd2727345778bf4a0b03bb5a173b43376b309f00d856c2af';

test('a hash is made as Nova makes it', () => {
  expect(hostIdOf(project, 'cmp-01')).toBe(shown);
});

test('where somebody sees hosts, a hash is the host that was seen', () => {
  const hosts = newHostNames({ project, seen: true });
  expect(hosts.ofHostId(shown)).toBe(shown);
  expect(hosts.ofName('cmp-01')).toBe('cmp-01');
  expect(hosts.ofHostId(shown)).toBe('cmp-01');
});

test('where nobody does, a notification speaks of the same hash as a list', () => {
  const hosts = newHostNames({ project, seen: false });
  expect(hosts.ofName('cmp-01')).toBe(shown);
  expect(hosts.ofHostId(shown)).toBe(shown);
});
