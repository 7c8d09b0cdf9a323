import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { releaseBuildId } from '../../workers/deployment';
import { root } from '../../scripts/lib/root';

/** Other releases than this one, to be rolled out over it or from it. */

export interface Release {
  /** What has `dist/` and `package.json` in it. */
  readonly directory: string;
  /** Which version its workers are where nobody says another. */
  readonly buildId: string;
}

export function releaseIn(directory: string): Release {
  return { directory, buildId: releaseBuildId(join(directory, 'dist')) };
}

export interface Change {
  /** Of the compiled code below `dist/`. */
  readonly file: string;
  /** There once, in the file and in the bundle. */
  readonly from: string;
  readonly to: string;
}

const commit = 'await tell(commit, turn_1.signalNames.committed, committed);';
const removal = 'const deleted = await removeLeftOver(turn, findings, ports);';
const another = 'await (0, workflow_1.sleep)(1);';

/** Changes as a next release makes them. */
export const changes = {
  /** Another order of steps: scaleOut and scaleIn look something up before they look at the record. A run of theirs cannot go on with it. */
  stepOrder: {
    file: 'workflows/procedures/scale.js',
    from: "(0, progress_1.mark)({ vnf, pool, phase: 'asking' });",
    to: "await (0, ports_1.record)().readTiming(); (0, progress_1.mark)({ vnf, pool, phase: 'asking' });",
  },
  /** The record does something more before it answers a commit, as docs/upgrading.md says: behind `patched`. */
  recordPatched: {
    file: 'workflows/record/vnf.js',
    from: commit,
    to: `if ((0, workflow_1.patched)('answer-later')) ${another} ${commit}`,
  },
  /** And the same as it must not be. */
  recordBare: { file: 'workflows/record/vnf.js', from: commit, to: `${another} ${commit}` },
  /** Another order in a way that was added, and that not every history goes. */
  newerWay: { file: 'workflows/steps/leftOver.js', from: removal, to: `${another} ${removal}` },
} as const satisfies Record<string, Change>;

export function changed(text: string, { file, from, to }: Change): string {
  if (text.split(from).length !== 2)
    throw new Error(`${file} does not have the text to be changed once: bring test/real/releases.ts up to date`);
  return text.replace(from, () => to);
}

/** A release that differs from this one by these changes. */
export function nextRelease(given: readonly Change[]): Release {
  const directory = newDirectory();
  cpSync(join(root, 'dist'), join(directory, 'dist'), {
    recursive: true,
    filter: (file) => !/\.map$|-encrypted\.js$|dist.(scripts|simulator|checker)$/.test(file),
  });
  // Its workers are versioned.
  const bundle = 'workers/workflow-bundle-versioned.js';
  for (const change of given)
    for (const file of [change.file, bundle]) {
      const path = join(directory, 'dist', file);
      writeFileSync(path, changed(readFileSync(path, 'utf8'), change));
    }
  symlinkSync(join(root, 'package.json'), join(directory, 'package.json'));
  return releaseIn(directory);
}

/** The release of a commit or tag, built: half a minute. */
export function releaseOf(ref: string): string {
  const directory = newDirectory();
  const archive = execFileSync('git', ['archive', ref], { cwd: root, maxBuffer: 256 * 1_024 * 1_024 });
  execFileSync('tar', ['-x', '-C', directory], { input: archive });
  execFileSync('npm', ['run', '--silent', 'build'], { cwd: directory, stdio: 'ignore' });
  return directory;
}

function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'bulkhead-release-'));
  symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'));
  return directory;
}
