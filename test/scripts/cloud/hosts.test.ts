import { hostIdOf, newHostNames } from '../../../scripts/lib/cloud/external/hosts';

/** One name for a host in the log, whether it is named or hashed. */

// What Nova 34 has shown for a project and a host.
const project = 'PROJECT';
const shown = 'SHOWN';

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
