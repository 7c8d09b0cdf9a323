import { workflowInfo } from '@temporalio/workflow';
import type { DryRunResult, ParsedInputs, ProcedureResult } from '../../domain/procedures';
import type { ChangeRequest } from '../../domain/plan';
import { openChannel } from '../channel';
import { record as recordPort } from '../ports';
import { mark } from '../progress';
import type { Table } from '../run';
import { change, marked } from './change';
import { dryRun } from './dryRun';
import { refuseAtOnce } from './precheck';

export type ScaleTable = Table;

/** What scaleOut and scaleIn share: everything but their tables. */
export async function scale(
  procedure: 'scaleOut' | 'scaleIn',
  input: ParsedInputs['scaleOut'],
  table: ScaleTable,
): Promise<ProcedureResult | DryRunResult> {
  const { vnf, pool, to, strict, ifBusy, waitSeconds } = input;
  const request: ChangeRequest = { kind: procedure, pool, to };
  mark({ vnf, pool, phase: 'asking' });
  return await marked(async () => {
    const channel = openChannel(vnf);
    // Bad input fails here, without waiting for a turn; the planner checks again when it is granted.
    const view = await recordPort().readRecord({ vnf });
    refuseAtOnce(view, request);
    if (input.dryRun) return await dryRun({ procedure, record: view, request, strict, runId: workflowInfo().runId });
    const wish = { procedure, class: 'normal', ifBusy, waitSeconds } as const;
    return await change({ procedure, vnf, channel, wish, table, strict, request: () => request });
  });
}
