import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';

/** `./scripts/test`: the checks, then the tests, and one closing line that counts both. */

interface Check {
  readonly name: string;
  /** The least Node that its tool runs on. */
  readonly node?: readonly [major: number, minor: number];
}

/** The longest first. */
const checks: readonly Check[] = [
  { name: 'lint' },
  { name: 'typecheck' },
  { name: 'format:check' },
  { name: 'imports', node: [20, 12] },
  { name: 'unused' },
];

let passed = 0;
let failed = 0;

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const only = process.argv.slice(2);

/** One after another beside the tests, of which the first mostly wait. */
async function runChecks(): Promise<void> {
  for (const check of checks) await runCheck(check);
}

async function runCheck({ name, node }: Check): Promise<void> {
  if (node && (major < node[0] || (major === node[0] && minor < node[1]))) {
    process.stdout.write(
      `${name}: not run, its tool needs Node ${node.join('.')} and this is ${process.versions.node}\n`,
    );
    return;
  }
  const { isOk, said } = await ran('npm', ['run', '--silent', name]);
  if (isOk) passed += 1;
  else failed += 1;
  process.stdout.write(isOk ? `${name}: ok\n` : `${name}: FAILED\n${said}`);
}

function ran(command: string, args: readonly string[]): Promise<{ readonly isOk: boolean; readonly said: string }> {
  return new Promise((resolve) => {
    const maxBuffer = 64 * 1024 * 1024;
    const child = execFile(command, args, { encoding: 'utf8', maxBuffer }, (error, stdout, stderr) => {
      resolve({ isOk: error === null, said: `${stdout}${stderr}` });
    });
    if (child.pid !== undefined) yieldsToOthers(child.pid);
  });
}

/** What it begins from now on yields, too. */
function yieldsToOthers(pid: number): void {
  try {
    setPriority(pid, 10);
  } catch {
    // Then it takes its share.
  }
}

async function runTests(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'bulkhead-test-'));
  const outputFile = join(directory, 'jest.json');
  const jest = spawn(
    process.execPath,
    ['node_modules/jest/bin/jest.js', '--json', `--outputFile=${outputFile}`, ...only],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const [status] = (await once(jest, 'close')) as [number | null];
  const counted = countedIn(outputFile);
  rmSync(directory, { recursive: true, force: true });
  passed += counted.passed;
  failed += counted.failed;
  // A run that died without a word has failed, whatever it counted.
  if (status !== 0 && counted.failed === 0) failed += 1;
}

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

async function main(): Promise<void> {
  await Promise.all([runTests(), only.length === 0 ? runChecks() : undefined]);
  process.stdout.write(`${String(passed)} passed, ${String(failed)} failed\n`);
  process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
}

void main();
