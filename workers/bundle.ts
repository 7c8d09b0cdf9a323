import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleWorkflowCode } from '@temporalio/worker';

/**
 * The workflow code as one file, made once at build time: a worker then starts in a fifth of the time. Where payloads are encrypted, failures
 * are too, and what encodes them is part of the bundle: so there are two.
 */
export const encryptedFailuresPath = require.resolve('./encryptedFailures');

const bundles = {
  plain: join(__dirname, 'workflow-bundle.js'),
  encrypted: join(__dirname, 'workflow-bundle-encrypted.js'),
} as const;

const workflowsPath = require.resolve('../workflows/index');

/** The bundle, or where to bundle from. Both belong to this build: they lie beside each other in `dist/`. */
export function workflowSource(
  kind: keyof typeof bundles = 'plain',
): { workflowBundle: { codePath: string } } | { workflowsPath: string } {
  return existsSync(bundles[kind]) ? { workflowBundle: { codePath: bundles[kind] } } : { workflowsPath };
}

async function makeBundles(): Promise<void> {
  const [plain, encrypted] = await Promise.all([
    bundleWorkflowCode({ workflowsPath }),
    bundleWorkflowCode({ workflowsPath, failureConverterPath: encryptedFailuresPath }),
  ]);
  await Promise.all([writeFile(bundles.plain, plain.code), writeFile(bundles.encrypted, encrypted.code)]);
}

if (require.main === module) void makeBundles();
