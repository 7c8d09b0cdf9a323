import { BulkheadError, type FailureDetails } from '../../../client';
import { readDeployment, unserved, type Deployment, type Temporal, type Version } from '../../../workers/deployments';

/** Which version of the workers gets what. Workers themselves are started and stopped by whoever runs them. */

export interface Wish {
  readonly name: string;
  /** Null: unversioned workers. */
  readonly buildId: string | null;
  /** A share of new runs and of records, in percent; all of them where it is left out. */
  readonly ramp?: number;
  /** How long its workers may take to come. */
  readonly waitSeconds: number;
}

const lookAgainMs = 500;

/**
 * Gives new runs and the records to a version. It has workers on every queue before: whatever is given to one that nobody serves waits, and
 * seems lost. Throws a BulkheadError InvalidRequest where it has none in time.
 */
export async function deploy(at: Temporal, wish: Wish, say: (line: string) => void): Promise<Deployment> {
  const { name, buildId, ramp } = wish;
  const { conflictToken, current, ramping } = await served(at, wish, say);
  const { workflowService } = at.connection;
  const common = { namespace: at.namespace, deploymentName: name };
  // Each version is to serve its own queues, as was seen. One that another release has besides is served by that release's workers.
  const ignoreMissingTaskQueues = true;
  if (ramp !== undefined) {
    if (buildId === null || buildId === current)
      throw refused(
        `${titleOf(buildId)} cannot be ramped: it is what the rest goes to. Deploy the other version with --ramp instead.`,
        { buildId },
      );
    await workflowService.setWorkerDeploymentRampingVersion({
      ...common,
      buildId,
      percentage: ramp,
      conflictToken,
      ignoreMissingTaskQueues,
    });
  } else {
    const answer = await workflowService.setWorkerDeploymentCurrentVersion({
      ...common,
      buildId: buildId ?? '',
      conflictToken,
      ignoreMissingTaskQueues,
    });
    // All of it is to go there: a ramp to any other version ends. That of this one Temporal has ended itself.
    if (ramping !== null && ramping.buildId !== buildId)
      await workflowService.setWorkerDeploymentRampingVersion({
        ...common,
        buildId: '',
        percentage: 0,
        conflictToken: answer.conflictToken,
        ignoreMissingTaskQueues,
      });
  }
  return await known(at, name);
}

/** Waits until the version is known and has workers on all queues. */
async function served(at: Temporal, wish: Wish, say: (line: string) => void): Promise<Deployment> {
  const deadline = Date.now() + wish.waitSeconds * 1_000;
  for (let said = ''; ;) {
    const deployment = await readDeployment(at, wish.name);
    const problem = await whyNotYet(at, wish, deployment);
    if (problem === null && deployment) return deployment;
    if (Date.now() > deadline)
      throw refused(`${problem ?? ''} Nothing was changed.`, {
        buildId: wish.buildId,
        deployment: wish.name,
        versions: deployment?.versions ?? [],
      });
    if (problem !== null && problem !== said) say(`${problem} Waiting for up to ${String(wish.waitSeconds)} s …`);
    said = problem ?? '';
    await new Promise((resolve) => setTimeout(resolve, lookAgainMs));
  }
}

async function whyNotYet(at: Temporal, wish: Wish, deployment: Deployment | null): Promise<string | null> {
  const { name, buildId } = wish;
  if (deployment === null)
    return `There is no deployment ${name} in namespace ${at.namespace}: start a worker with BULKHEAD_DEPLOYMENT=${name}.`;
  if (buildId !== null && !deployment.versions.some((version) => version.buildId === buildId))
    return `No worker of ${buildId} has ever come; the deployment ${name} has ${listed(deployment.versions)}. Start a worker of it, or give the right build id.`;
  const missing = await unserved(at, buildId === null ? null : { deploymentName: name, buildId });
  if (missing.length === 0) return null;
  return `${capital(titleOf(buildId))} ${buildId === null ? 'do not serve' : 'has no worker on'} ${missing.join(', ')}: start one.`;
}

function listed(versions: readonly Version[]): string {
  return versions.length === 0
    ? 'no version'
    : versions.map(({ buildId, state }) => `${buildId} (${state})`).join(', ');
}

/** Waits until no version is left with runs. Throws a BulkheadError Busy where that takes longer. */
export async function untilDrained(
  at: Temporal,
  wish: { readonly name: string; readonly withinSeconds: number },
  say: (line: string) => void,
): Promise<Deployment> {
  const deadline = Date.now() + wish.withinSeconds * 1_000;
  for (let said = ''; ;) {
    const deployment = await known(at, wish.name);
    const draining = deployment.versions.filter(({ state }) => state === 'draining');
    if (draining.length === 0) return deployment;
    const lines = draining.map(lineOf).join('; ');
    if (Date.now() > deadline)
      throw new BulkheadError(
        `After ${String(wish.withinSeconds)} s there are versions that still have runs: ${lines}. Keep their workers, and wait again.`,
        { kind: 'Busy', outcome: 'refused', details: { versions: draining } },
      );
    if (lines !== said) say(lines);
    said = lines;
    await new Promise((resolve) => setTimeout(resolve, lookAgainMs));
  }
}

/** Throws a BulkheadError InvalidRequest where there is no such deployment. */
export async function known(at: Temporal, name: string): Promise<Deployment> {
  const deployment = await readDeployment(at, name);
  if (deployment) return deployment;
  throw refused(
    `There is no deployment ${name} in namespace ${at.namespace}: no worker with BULKHEAD_DEPLOYMENT=${name} has ever come, and unversioned ones get all there is.`,
    { deployment: name },
  );
}

export function deploymentJson({ conflictToken: _token, ...deployment }: Deployment): string {
  return JSON.stringify(deployment);
}

/** One line for each version, with what is to be done about it. */
export function deploymentText({ name, current, ramping, versions }: Deployment): string {
  const ramp = ramping ? `, and ${String(ramping.percent)} % of it to ${titleOf(ramping.buildId || null)}` : '';
  return [
    `deployment ${name}: what is new goes to ${titleOf(current)}${ramp}`,
    ...versions.map((version) => `  ${lineOf(version)}`),
  ].join('\n');
}

function lineOf(version: Version): string {
  const { buildId, state, runs, workers } = version;
  return `${buildId}: ${state}, ${counted(runs, 'run')}, ${counted(workers, 'worker')}${adviceOn(version)}`;
}

function adviceOn({ state, runs, workers }: Version): string {
  switch (state) {
    case 'current':
    case 'ramping':
      return workers > 0 ? '' : '. NOBODY SERVES IT: start a worker of it, or deploy another version';
    case 'draining':
      if (runs > 0 && workers === 0) return '. ITS RUNS STAND STILL: start a worker of it until it is drained';
      return '. Keep its workers until it is drained';
    case 'drained':
      return workers > 0 ? '. Its workers may be stopped' : '';
    case 'inactive':
      return '. It gets nothing before it is deployed';
  }
}

function counted(count: number, what: string): string {
  return `${String(count)} ${what}${count === 1 ? '' : 's'}`;
}

function titleOf(buildId: string | null): string {
  return buildId ?? 'unversioned workers';
}

function capital(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

function refused(message: string, details: FailureDetails): BulkheadError {
  return new BulkheadError(message, { kind: 'InvalidRequest', outcome: 'refused', details });
}
