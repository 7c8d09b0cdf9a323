import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleWorkflowCode } from '@temporalio/worker';

/**
 * The workflow code as one file, made once at build time: a worker then starts in a fifth of the time. Where payloads are encrypted, failures
 * are too, and what encodes them is part of the bundle; where a worker is versioned, the record says that it moves. So there are four.
 */
export const encryptedFailuresPath = require.resolve('./encryptedFailures');

export interface BundleKind {
  readonly encrypted?: boolean;
  readonly versioned?: boolean;
}

const kinds: readonly BundleKind[] = [
  {},
  { encrypted: true },
  { versioned: true },
  { versioned: true, encrypted: true },
];

/** `workflow-bundle-versioned-encrypted.js`: both belong to this build, and lie beside this file in `dist/`. */
function bundlePath({ encrypted = false, versioned = false }: BundleKind): string {
  return join(__dirname, `workflow-bundle${versioned ? '-versioned' : ''}${encrypted ? '-encrypted' : ''}.js`);
}

function workflowsPath({ versioned = false }: BundleKind): string {
  return versioned ? require.resolve('../workflows/versioned') : require.resolve('../workflows/index');
}

/** The bundle, or where to bundle from. */
export function workflowSource(
  kind: BundleKind = {},
): { workflowBundle: { codePath: string } } | { workflowsPath: string } {
  const codePath = bundlePath(kind);
  return existsSync(codePath) ? { workflowBundle: { codePath } } : { workflowsPath: workflowsPath(kind) };
}

async function makeBundle(kind: BundleKind): Promise<void> {
  const { code } = await bundleWorkflowCode({
    workflowsPath: workflowsPath(kind),
    ...(kind.encrypted && { failureConverterPath: encryptedFailuresPath }),
  });
  await writeFile(bundlePath(kind), code);
}

if (require.main === module) void Promise.all(kinds.map(makeBundle));
