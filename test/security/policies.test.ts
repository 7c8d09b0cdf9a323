import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { root } from '../../scripts/lib/root';

/** The files that an operator of a cloud installs, and what the manual says of them. On a real cloud they are tried by ./scripts/test-lab. */

const files = ['nova', 'placement'].map((service) => ({
  service,
  rules: parse(readFileSync(join(root, `policies/${service}.yaml`), 'utf8')) as Record<string, string>,
}));
const manual = readFileSync(join(root, 'docs/security.md'), 'utf8');

test.each(files)('$service: each rule is in the manual, and takes nothing from who has it already', ({ rules }) => {
  expect(Object.keys(rules).length).toBeGreaterThan(0);
  for (const [rule, who] of Object.entries(rules)) {
    const row = manual.split('\n').find((line) => line.startsWith('|') && line.includes(`\`${rule}\``));
    expect(row).toMatch(/\| admin.*\| operator/);
    expect(who).toMatch(/^rule:(context_is_admin|admin_or_service_api) or role:bulkhead$/);
  }
});

test('what the manual says to be for admins by default is in the files', () => {
  const rows = manual.split('\n').filter((line) => /\| admin/.test(line));
  const named = rows.flatMap((row) =>
    [...row.matchAll(/`((?:os_compute_api|compute|placement):[a-z_:-]+)`/g)].map(([, rule]) => rule),
  );
  expect(named.sort()).toEqual(files.flatMap(({ rules }) => Object.keys(rules)).sort());
});
