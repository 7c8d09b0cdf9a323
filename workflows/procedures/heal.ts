import { workflowInfo } from '@temporalio/workflow';
import type { MemberRef } from '../../domain/plan';
import type { DryRunResult, ProcedureResult } from '../../domain/procedures';
import type { VnfRecord } from '../../domain/record';
import { openChannel, type Channel } from '../channel';
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
import { dryRun } from './dryRun';
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
    const failedBefore = Object.values(view.pools).flatMap((pool) => pool.failed);
    if (dead.length + told.length + failedBefore.length === 0 && !isShort(view))
      return ended({ ...nothingDone(procedure, vnf), revision: view.revision });
    if (input.dryRun) {
      const members = [...dead, ...told, ...failedBefore];
      return await dryRun({
        procedure,
        record: view,
        request: { kind: 'replaceMembers', members },
        runId: workflowInfo().runId,
      });
    }
    await takeOutOfService(channel, { dead, told });
    const wish = { procedure, class: 'urgent', ifBusy, waitSeconds } as const;
    return await change({
      procedure,
      vnf,
      channel,
      wish,
      table: healTable,
      request: ({ record }) => {
        const members = Object.values(record.pools).flatMap((pool) =>
          pool.failed.map(({ pool: name, ordinal }) => ({ pool: name, ordinal })),
        );
        return members.length > 0 || isShort(record) ? { kind: 'replaceMembers', members } : null;
      },
    });
  });
}

/** A host's death can leave a pool with fewer members than its level. */
function isShort({ pools }: VnfRecord): boolean {
  return Object.values(pools).some((pool) => pool.inService.length + pool.failed.length < pool.level);
}

/** Reported to the record, which publishes it at once. Needs no turn. */
export async function takeOutOfService(
  channel: Channel,
  given: { dead: readonly MemberRef[]; told: readonly MemberRef[] },
): Promise<void> {
  const { dead, told } = given;
  if (dead.length > 0) await channel.bury({ members: [...dead], evidence: 'seen' });
  if (told.length > 0) await channel.bury({ members: [...told], evidence: 'told' });
}
