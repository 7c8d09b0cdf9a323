import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { WorkerDeploymentOptions } from '@temporalio/worker';
import { ConfigError, type WorkerConfig } from './config';

/**
 * Which version of a Temporal Worker Deployment a worker is. A run of a procedure is pinned: it ends on workers of the version that it began
 * on, so that a release may change the order of its steps. The record alone moves to each new version (`workflows/versioned.ts` says so).
 *
 * Without a deployment's name a worker is unversioned and takes what there is: a versioned one gets nothing to do before somebody has made its
 * version current, which nobody does for a demo, nor for a single worker.
 */
export function deploymentOptions(config: WorkerConfig): WorkerDeploymentOptions | undefined {
  const { BULKHEAD_DEPLOYMENT: deploymentName } = config;
  if (deploymentName === undefined) return undefined;
  return {
    version: { deploymentName, buildId: config.BULKHEAD_BUILD_ID ?? releaseBuildId() },
    useWorkerVersioning: true,
    defaultVersioningBehavior: 'PINNED',
  };
}

/** What a worker runs, besides its dependencies. */
const directories = ['activities', 'client', 'domain', 'openstack', 'workers', 'workflows'];
/** 48 bits: enough to tell the few versions of a deployment apart. */
const hashLetters = 12;

/**
 * `0.1.0-3f2a9c41d07b`: the package's version, and a hash of the compiled code that a worker runs, so that two builds are one version exactly when they do the
 * same. Not of the bundles: they hold the paths that they were built at. Throws ConfigError where there is no build to take it of.
 */
export function releaseBuildId(build = join(__dirname, '..')): string {
  const hash = createHash('sha256');
  for (const file of directories.flatMap((directory) => compiledIn(join(build, directory))).sort())
    hash
      .update(`${relative(build, file)}\0`)
      .update(readFileSync(file))
      .update('\0');
  return `${packageVersion(build)}-${hash.digest('hex').slice(0, hashLetters)}`;
}

function compiledIn(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.js') && !file.startsWith('workflow-bundle'))
    .map((file) => join(directory, file));
}

function packageVersion(build: string): string {
  try {
    return (JSON.parse(readFileSync(join(build, '../package.json'), 'utf8')) as { version: string }).version;
  } catch {
    throw new ConfigError('BULKHEAD_BUILD_ID: the release cannot be told from its files; give an id of your own');
  }
}
