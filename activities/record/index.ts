import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  QueryNotRegisteredError,
  ServiceError,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  type Client,
} from '@temporalio/client';
import { parseDescriptor, parseDescriptorText, type ParsedDescriptor } from '../../domain/descriptor/parse';
import { alreadyExists, failure } from '../../domain/failure';
import { recordWorkflowId } from '../../domain/names';
import { taskQueues } from '../../domain/procedures';
import type { RecordRead, RecordView } from '../../domain/turn';
import type { Dependencies } from '../dependencies';
import { cloudUnavailable, toFailure } from '../errors';
import { homeMemo, homeOf } from '../home';
import { inParallel } from '../parallel';
import type { RecordActivities } from '../ports';
import { sleep } from '../turn';
import { scheduleAudits, unscheduleAudits } from './audits';
import { formerRuns, isRunning } from './formerRuns';

/** A query that no worker takes up is given up after this, well within the activity's own time. */
const answerWithinMs = 5_000;
const describedAtOnce = 10;

/** A login that takes longer is not waited for: the activity is local, and short. */
const loggedInWithinMs = 3_000;

/** What speaks to Temporal and not to the cloud, but for the login that says where a new VNF is. */
export function recordActivities(dependencies: Dependencies): RecordActivities {
  const { client, session, timing, descriptorsDirectory, service } = dependencies;
  return {
    readTiming: () => Promise.resolve(timing),

    loadDescriptor: ({ descriptor }) => {
      const parsed =
        typeof descriptor === 'string' ? byName(descriptorsDirectory, descriptor) : parseDescriptor(descriptor);
      if (parsed.ok) return Promise.resolve(parsed.descriptor);
      const said = parsed.problems.map(({ path, message }) => `${path}: ${message}`).join('; ');
      throw toFailure(
        failure('InvalidRequest', `The descriptor cannot be used: ${said}.`, { problems: parsed.problems }),
      );
    },

    withoutRecord: async ({ vnfs }) => {
      const without = new Set<string>();
      await inParallel(vnfs, describedAtOnce, async (vnf) => {
        if (!(await hasRecord(client, vnf))) without.add(vnf);
      });
      return vnfs.filter((vnf) => without.has(vnf));
    },

    readFormerRuns: (input) => formerRuns(dependencies, input),

    readRecord: async ({ vnf }) => {
      const view = await viewOf(client, vnf);
      if (view !== null) return readOf(view);
      throw toFailure(
        failure(
          'UnknownVnf',
          `There is no VNF ${vnf}. Instantiate it first, or look at the list of VNFs for the right id.`,
          { vnf },
        ),
      );
    },

    unscheduleAudits: async ({ vnf }) => {
      try {
        await unscheduleAudits(dependencies, vnf);
      } catch (error) {
        throw asUnavailable(error);
      }
    },

    startRecord: async ({ vnf, descriptor, ask }) => {
      const workflowId = recordWorkflowId(vnf);
      // Publishers ignore what is lower than what they have, and the id may have been another VNF's before.
      const revision = await service.lastRevision(vnf);
      // Where the cloud does not answer the plan that follows says so.
      const place = session.place().then(homeOf, () => undefined);
      const home = await Promise.race([place, sleep(loggedInWithinMs).then(() => undefined)]);
      try {
        await client.workflow.start('vnf', {
          workflowId,
          taskQueue: taskQueues.workflows,
          args: [{ vnf, descriptor, timing, ask, revision }],
          memo: { startedBy: ask.runId, ...(home !== undefined && { [homeMemo]: home }) },
          workflowIdConflictPolicy: 'FAIL',
          workflowIdReusePolicy: 'ALLOW_DUPLICATE',
          staticSummary: `the record of ${vnf}: its members, and the turn`,
        });
      } catch (error) {
        if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
        const { memo } = await client.workflow.getHandle(workflowId).describe();
        // A lost reply: the record that runs is the one that this run has started.
        const isOurs = memo?.['startedBy'] === ask.runId;
        if (!isOurs && (await viewOf(client, vnf)) === null)
          throw cloudUnavailable(`the record of the last ${vnf} is just about to end`, {});
        if (!isOurs) throw toFailure(alreadyExists(vnf));
      }
      await scheduleAudits(dependencies, vnf).catch((error: unknown) => {
        throw asUnavailable(error);
      });
    },
  };
}

/** A run that cannot have its VNF audited goes no further: it says so, and nothing is there yet. */
function asUnavailable(error: unknown): unknown {
  if (!(error instanceof ServiceError)) return error;
  return cloudUnavailable(
    `Temporal did not take the schedule of the audits: ${error.message}. Without them: BULKHEAD_AUDIT_EVERY_MINUTES=0`,
    {},
  );
}

async function hasRecord(client: Client, vnf: string): Promise<boolean> {
  try {
    return await isRunning(client.workflow.getHandle(recordWorkflowId(vnf)));
  } catch (error) {
    if (error instanceof ServiceError)
      throw cloudUnavailable(`Temporal does not say whether ${vnf} has a record: ${error.message}`, {});
    throw error;
  }
}

/** Null where there is none, or none any more. */
async function viewOf(client: Client, vnf: string): Promise<RecordView | null> {
  const handle = client.workflow.getHandle(recordWorkflowId(vnf));
  try {
    // A closed workflow still answers queries, from its history.
    const view = await client.withDeadline(Date.now() + answerWithinMs, async () => {
      const { status } = await handle.describe();
      return status.name === 'RUNNING' ? await handle.query<RecordView>('status') : null;
    });
    return view?.ended === false ? view : null;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    // The record has been started, and no worker has looked at it yet.
    if (error instanceof QueryNotRegisteredError) throw cloudUnavailable(`the record of ${vnf} is not up yet`, {});
    if (error instanceof ServiceError)
      throw cloudUnavailable(`the record of ${vnf} does not answer: ${error.message}`, {});
    throw error;
  }
}

function readOf({ occurrences: _occurrences, queue: _queue, ...read }: RecordView): RecordRead {
  return read;
}

/** A name and nothing else: no path leads out of the directory. */
function byName(directory: string, name: string): ParsedDescriptor {
  const known = namesIn(directory);
  if (known.includes(name)) return parseDescriptorText(readFileSync(join(directory, `${name}.yaml`), 'utf8'));
  return {
    ok: false,
    problems: [
      {
        path: 'descriptor',
        message: `there is no descriptor ${name}; there are ${known.length > 0 ? known.join(', ') : 'none'}`,
      },
    ],
  };
}

/** A directory that cannot be read has no descriptors: the caller is told so, rather than kept waiting. */
function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory)
      .filter((file) => file.endsWith('.yaml'))
      .map((file) => file.slice(0, -'.yaml'.length));
  } catch {
    return [];
  }
}
