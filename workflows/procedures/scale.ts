import { workflowInfo } from '@temporalio/workflow';
import type { DryRunResult, ParsedInputs, ProcedureResult } from '../../domain/procedures';
import { own } from '../../domain/names';
import type { ChangeRequest } from '../../domain/plan';
import type { VnfRecord } from '../../domain/record';
import type { Granted } from '../../domain/turn';
import { openChannel } from '../channel';
import { record as recordPort } from '../ports';
import { mark } from '../progress';
import type { Table } from '../run';
import { change, marked } from './change';
import { dryRun } from './dryRun';
import { membersNamed } from './named';
import { refuseAtOnce } from './precheck';

export type ScaleTable = Table;

/** What scaleOut and scaleIn share: everything but their tables. */
export async function scale(
  procedure: 'scaleOut' | 'scaleIn',
  input: ParsedInputs['scaleOut'] & Pick<ParsedInputs['scaleIn'], 'members'>,
  table: ScaleTable,
): Promise<ProcedureResult | DryRunResult> {
  const { vnf, pool, to, strict, ifBusy, waitSeconds } = input;
  mark({ vnf, pool, phase: 'asking' });
  return await marked(async () => {
    const channel = openChannel(vnf);
    // Bad input fails here, without waiting for a turn; the planner checks again when it is granted.
    const view = await recordPort().readRecord({ vnf });
    const members = input.members && membersNamed(view, input.members);
    const request = { kind: procedure, pool, to, ...(members && { members }) };
    refuseAtOnce(view, request);
    if (input.dryRun) return await dryRun({ procedure, record: view, request, strict, runId: workflowInfo().runId });
    const wish = { procedure, class: 'normal', ifBusy, waitSeconds } as const;
    return await change({ procedure, vnf, channel, wish, table, strict, request: remaining(request) });
  });
}

/** A pool marked serial has several turns: those that were named and have left are not to leave again. */
function remaining(request: ChangeRequest): (granted: Granted) => ChangeRequest {
  let isFirst = true;
  return ({ record }) => {
    const asked = isFirst || request.kind !== 'scaleIn' || !request.members ? request : stillThere(record, request);
    isFirst = false;
    return asked;
  };
}

function stillThere(record: VnfRecord, request: Extract<ChangeRequest, { kind: 'scaleIn' }>): ChangeRequest {
  const state = own(record.pools, request.pool);
  const there = new Set([...(state?.inService ?? []), ...(state?.failed ?? [])].map(({ ordinal }) => ordinal));
  return { ...request, members: (request.members ?? []).filter(({ ordinal }) => there.has(ordinal)) };
}
