import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { root } from '../../scripts/lib/root';
import { ConfigError, parseWorkerConfig } from '../../workers/config';
import { deploymentOptions, releaseBuildId } from '../../workers/deployment';

/** Which version a worker says that it is. */

const made: string[] = [];

afterAll(() => {
  for (const directory of made) rmSync(directory, { recursive: true });
});

const code = { 'workflows/procedures/heal.js': 'heal()', 'workers/main.js': 'main()' };

/** A build somewhere on this machine. */
function built(files: Readonly<Record<string, string>>, version: string | null = '1.2.3'): string {
  const directory = mkdtempSync(join(tmpdir(), 'bulkhead-build-'));
  made.push(directory);
  if (version !== null) writeFileSync(join(directory, 'package.json'), JSON.stringify({ version }));
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, 'dist', file)), { recursive: true });
    writeFileSync(join(directory, 'dist', file), text);
  }
  return join(directory, 'dist');
}

test('a worker without a deployment is unversioned', () => {
  expect(deploymentOptions(parseWorkerConfig({}))).toBeUndefined();
});

test('with one it is a version of it, to which runs are pinned', () => {
  const env = { BULKHEAD_DEPLOYMENT: 'edge', BULKHEAD_BUILD_ID: 'v7' };
  expect(deploymentOptions(parseWorkerConfig(env))).toEqual({
    version: { deploymentName: 'edge', buildId: 'v7' },
    useWorkerVersioning: true,
    defaultVersioningBehavior: 'PINNED',
  });
});

test('the build id that nobody gave is one that could be given', () => {
  const BULKHEAD_BUILD_ID = releaseBuildId(join(root, 'dist'));
  expect(BULKHEAD_BUILD_ID).toMatch(/^\d+\.\d+\.\d+-[0-9a-f]{12}$/);
  expect(parseWorkerConfig({ BULKHEAD_DEPLOYMENT: 'bulkhead', BULKHEAD_BUILD_ID })).toMatchObject({
    BULKHEAD_BUILD_ID,
  });
});

test('the same code is the same version wherever it was built', () => {
  // Bundles and source maps hold the paths of the build, and what workers do not run is none of theirs.
  const elsewhere = {
    ...code,
    'workers/workflow-bundle.js': '/home/me',
    'workers/main.js.map': '/home/me',
    'scripts/programs/cli/main.js': 'cli()',
  };
  expect(releaseBuildId(built(elsewhere))).toBe(releaseBuildId(built(code)));
});

test.each([
  ['another line', { ...code, 'workers/main.js': 'main(1)' }],
  ['another file', { ...code, 'domain/more.js': '' }],
  ['another name', { 'workflows/procedures/cure.js': 'heal()', 'workers/main.js': 'main()' }],
])('%s is another version', (_what, files) => {
  expect(releaseBuildId(built(files))).not.toBe(releaseBuildId(built(code)));
});

test('so is another version of the package, which is to be read in it', () => {
  expect(releaseBuildId(built(code))).toMatch(/^1\.2\.3-/);
  expect(releaseBuildId(built(code, '2.0.0'))).toMatch(/^2\.0\.0-/);
});

test('where it cannot be told, one is to be given', () => {
  expect(() => releaseBuildId(built(code, null))).toThrow(ConfigError);
});
