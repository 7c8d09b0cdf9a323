import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleWorkflowCode } from '@temporalio/worker';

/** The workflow code as one file, made once at build time: a worker then starts in a fifth of the time. */
export const bundlePath = join(__dirname, 'workflow-bundle.js');

/** The bundle, or where to bundle from. Both belong to this build: they lie beside each other in `dist/`. */
export function workflowSource(): { workflowBundle: { codePath: string } } | { workflowsPath: string } {
  return existsSync(bundlePath)
    ? { workflowBundle: { codePath: bundlePath } }
    : { workflowsPath: require.resolve('../workflows/index') };
}

if (require.main === module) {
  void bundleWorkflowCode({ workflowsPath: require.resolve('../workflows/index') }).then(({ code }) =>
    writeFile(bundlePath, code),
  );
}
