import { workflowInfo } from '@temporalio/workflow';
import type { DryRunResult, ProcedureResult } from '../../domain/procedures';
import type { Descriptor } from '../../domain/descriptor/descriptor';
import type { VnfRecord } from '../../domain/record';
import type { Ask } from '../../domain/turn';
import { alreadyExists } from '../../domain/failure';
import { openChannel } from '../channel';
import { asFailure, toApplicationFailure } from '../failures';
import { parseInput } from '../input';
import { record as recordPort } from '../ports';
import { mark } from '../progress';
import { born } from '../steps/commit';
import { groupsMade } from '../steps/groups';
import { launched } from '../steps/launch';
import { planned } from '../steps/plan';
import { published } from '../steps/settle';
import type { Table } from '../run';
import { change, marked } from './change';
import { dryRun } from './dryRun';

/**
 * A new VNF, all pools at their initial level, in the order of their dependencies.
 * `{"vnf": "ims1", "descriptor": "clearwater"}`
 *
 * The record is started first, with the ask, so that it grants the turn and watches the run like any other; nothing is
 * created before. When the run goes back, the record ends with it.
 */
export const instantiateTable: Table = {
  back: [planned, groupsMade, launched],
  pivot: born,
  forward: [published],
};

export async function instantiate(raw: unknown): Promise<ProcedureResult | DryRunResult> {
  const input = parseInput('instantiate', raw);
  const { vnf, ifBusy, waitSeconds } = input;
  const procedure = 'instantiate';
  mark({ vnf, phase: 'asking' });
  return await marked(async () => {
    const channel = openChannel(vnf);
    const descriptor = await recordPort().loadDescriptor({ descriptor: input.descriptor });
    const request = { kind: procedure } as const;
    if (input.dryRun) {
      await refuseExisting(vnf);
      return await dryRun({ procedure, record: unborn(vnf, descriptor), request, runId: workflowInfo().runId });
    }
    const ask: Ask = { ...channel.self, procedure, class: 'normal', ifBusy };
    await recordPort().startRecord({ vnf, descriptor, ask });
    const wish = { procedure, class: 'normal', ifBusy, waitSeconds, sent: true } as const;
    return await change({ procedure, vnf, channel, wish, table: instantiateTable, request: () => request });
  });
}

/** Starting the record finds out by itself; a dry run starts none, and would take the VNF's own members for leftovers. */
export async function refuseExisting(vnf: string): Promise<void> {
  try {
    await recordPort().readRecord({ vnf });
  } catch (error) {
    if (asFailure(error)?.kind === 'UnknownVnf') return;
    throw error;
  }
  throw toApplicationFailure(alreadyExists(vnf), 'refused');
}

/** The record of a VNF that is yet to be, for who only plans. */
export function unborn(vnf: string, descriptor: Descriptor): VnfRecord {
  const pools = Object.fromEntries(
    descriptor.pools.map(({ name }) => [name, { level: 0, nextOrdinal: 1, inService: [], failed: [] }]),
  );
  return { vnf, descriptor, phase: 'instantiating', revision: 0, pools, groups: [], debts: [] };
}
