import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** `./scripts/test`: the checks, then the tests, and one closing line that counts both. */

interface Check {
  readonly name: string;
  /** The least Node that its tool runs on. */
  readonly node?: readonly [major: number, minor: number];
}

const checks: readonly Check[] = [
  { name: 'typecheck' },
  { name: 'lint' },
  { name: 'format:check' },
  { name: 'imports', node: [20, 12] },
  { name: 'unused' },
];

let passed = 0;
let failed = 0;

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const only = process.argv.slice(2);

if (only.length === 0) {
  for (const { name, node } of checks) {
    if (node && (major < node[0] || (major === node[0] && minor < node[1]))) {
      process.stdout.write(
        `${name}: not run, its tool needs Node ${node.join('.')} and this is ${process.versions.node}\n`,
      );
      continue;
    }
    const { status, stdout, stderr } = spawnSync('npm', ['run', '--silent', name], {
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    });
    if (status === 0) passed += 1;
    else failed += 1;
    process.stdout.write(status === 0 ? `${name}: ok\n` : `${name}: FAILED\n${stdout}${stderr}`);
  }
}

const directory = mkdtempSync(join(tmpdir(), 'bulkhead-test-'));
const outputFile = join(directory, 'jest.json');
const { status } = spawnSync(
  process.execPath,
  ['node_modules/jest/bin/jest.js', '--json', `--outputFile=${outputFile}`, ...only],
  { stdio: ['ignore', 'ignore', 'inherit'] },
);
const counted = countedIn(outputFile);
rmSync(directory, { recursive: true, force: true });
passed += counted.passed;
failed += counted.failed;
// A run that died without a word has failed, whatever it counted.
if (status !== 0 && counted.failed === 0) failed += 1;
process.stdout.write(`${String(passed)} passed, ${String(failed)} failed\n`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;

function countedIn(file: string): { passed: number; failed: number } {
  try {
    const result = JSON.parse(readFileSync(file, 'utf8')) as {
      numPassedTests: number;
      numFailedTests: number;
      numRuntimeErrorTestSuites: number;
    };
    return { passed: result.numPassedTests, failed: result.numFailedTests + result.numRuntimeErrorTestSuites };
  } catch {
    return { passed: 0, failed: 1 };
  }
}
