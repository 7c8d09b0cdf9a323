import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../scripts/lib/root';

/**
 * Commands that a person is told to type. A client takes a version of its own where none is said, which in older ones is the oldest that there is,
 * and then refuses what came later: in a night in which something is stuck, nobody is to find that out.
 */

const needed = [
  { command: /server (?:un)?set --tag/g, version: '--os-compute-api-version 2.26' },
  // In code the option is filled in.
  { command: /compute service set (?:--up|--down|\$\{how\})/g, version: '--os-compute-api-version 2.11' },
  { command: /allocation candidate list/g, version: '--os-placement-api-version 1.10' },
] as const;

const files = ['docs', 'domain', 'workflows', 'activities', 'client', 'scripts']
  .flatMap((directory) =>
    readdirSync(join(root, directory), { recursive: true, encoding: 'utf8' }).map((name) => join(directory, name)),
  )
  .filter((name) => /\.(md|ts)$/.test(name))
  .concat('README.md');

test.each(needed)('$command is said with $version', ({ command, version }) => {
  const said = files.flatMap((name) => {
    const text = readFileSync(join(root, name), 'utf8');
    return [...text.matchAll(command)].map(({ 0: found, index }) => ({
      name,
      found,
      hasVersion: text.slice(0, index).endsWith(`openstack ${version} `),
    }));
  });
  expect(said.length).toBeGreaterThan(0);
  expect(said.filter(({ hasVersion }) => !hasVersion)).toEqual([]);
});
