import { workflowInfo } from '@temporalio/workflow';
import { failedMembers, isShort, outOfService, type Deaths } from '../../domain/bury';
import type { ChangeRequest } from '../../domain/plan';
import type { DryRunResult, ProcedureResult } from '../../domain/procedures';
import type { VnfRecord } from '../../domain/record';
import type { RecordRead } from '../../domain/turn';
import { openChannel, type Channel } from '../channel';
import { toApplicationFailure } from '../failures';
import { parseInput } from '../input';
import { cloud, record as recordPort } from '../ports';
import { mark } from '../progress';
import type { Table } from '../run';
import { committed } from '../steps/commit';
import { deadRemoved } from '../steps/deadFirst';
import { launched } from '../steps/launch';
import { planned } from '../steps/plan';
import { published, settled } from '../steps/settle';
import { change, ended, marked, nothingDone } from './change';
import { dryRun, goesAsTheRun, nothingPlanned } from './dryRun';
import { membersNamed } from './named';

/**
 * Replaces dead members. `{"vnf": "ims1"}` for those that the cloud shows dead, `{"vnf": "ims1", "members":
 * ["ims1-sprout-3"]}` for those that the caller knows to be.
 *
 * Members that a pool lacks since a host's death are made up for as well.
 *
 * The dead leave service at once, before the turn and without it: calls go on failing on them while somebody else's
 * turn lasts. They stay counted in the level until their replacements are in service.
 */
export const healTable: Table = {
  back: [planned, deadRemoved, launched],
  pivot: committed,
  forward: [published, settled],
};

export async function heal(raw: unknown): Promise<ProcedureResult | DryRunResult> {
  const input = parseInput('heal', raw);
  const { vnf, ifBusy, waitSeconds } = input;
  const procedure = 'heal';
  mark({ vnf, phase: 'asking' });
  return await marked(async () => {
    const channel = openChannel(vnf);
    const view = await recordPort().readRecord({ vnf });
    const named = input.members && membersNamed(view, input.members);
    const timing = await recordPort().readTiming();
    const { dead, alive } = await cloud(timing).findDead.executeWithOptions({ summary: 'find dead members' }, [
      { vnf, record: view, ...(named && { members: named }) },
    ]);
    // Members that the caller names and the cloud shows alive: a process can be dead in a VM that runs.
    const told = named ? alive : [];
    const isNothing = dead.length + told.length === 0 && healing(view) === null;
    if (isNothing && !(input.dryRun && goesAsTheRun()))
      return ended({ ...nothingDone(procedure, vnf), revision: view.revision });
    if (input.dryRun) return await plannedOnly(view, { dead, told });
    await takeOutOfService(channel, { dead, told });
    const wish = { procedure, class: 'urgent', ifBusy, waitSeconds } as const;
    return await change({
      procedure,
      vnf,
      channel,
      wish,
      table: healTable,
      request: ({ record }) => healing(record),
    });
  });
}

/** On the record as it would be without the dead in service: that is what the run plans on. */
async function plannedOnly(view: RecordRead, deaths: Deaths): Promise<DryRunResult> {
  const procedure = 'heal';
  const { runId } = workflowInfo();
  if (!goesAsTheRun()) {
    const members = [...deaths.dead, ...deaths.told, ...failedMembers(view)];
    return await dryRun({ procedure, record: view, request: { kind: 'replaceMembers', members }, runId });
  }
  const { record, refusal } = outOfService(view, deaths);
  if (refusal) throw toApplicationFailure(refusal, 'refused');
  const request = healing(record);
  return request ? await dryRun({ procedure, record, request, runId }) : nothingPlanned(procedure, record);
}

/** Whoever is known to be dead is replaced, and what a pool lacks made up for. Null: nothing to do. */
function healing(record: VnfRecord): ChangeRequest | null {
  const members = failedMembers(record);
  return members.length > 0 || isShort(record) ? { kind: 'replaceMembers', members } : null;
}

/** Reported to the record, which publishes it at once. Needs no turn. */
export async function takeOutOfService(channel: Channel, { dead, told }: Deaths): Promise<void> {
  if (dead.length > 0) await channel.bury({ members: [...dead], evidence: 'seen' });
  if (told.length > 0) await channel.bury({ members: [...told], evidence: 'told' });
}
