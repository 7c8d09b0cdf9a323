import { patched, workflowInfo } from '@temporalio/workflow';
import type { DryRunResult, ParsedInputs, ProcedureResult } from '../../domain/procedures';
import { failure, type Failure } from '../../domain/failure';
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
    return await change({
      ...{ procedure, vnf, channel, wish, table, strict },
      request: remaining(request),
      superseded: supersededBy(request),
    });
  });
}

type Scaling = Extract<ChangeRequest, { kind: 'scaleOut' | 'scaleIn' }>;

/**
 * A pool marked serial has several turns, and others may change its level between two of them. Null: it is where it was to be, or further. Members
 * that were named and have left are not to leave again.
 */
function remaining(request: Scaling): (granted: Granted) => ChangeRequest | null {
  let isFirst = true;
  return ({ record }) => {
    if (isFirst) {
      isFirst = false;
      return request;
    }
    if (distance(record, request) <= 0 && patched('scale-side-by-side')) return null;
    return request.kind === 'scaleIn' && request.members ? stillThere(record, request) : request;
  };
}

/** Each turn must find the pool nearer than the one before did: two runs that pull it either way would do so for ever. */
function supersededBy(request: Scaling): (granted: Granted) => Failure | null {
  let nearest = Infinity;
  return ({ record }) => {
    const left = distance(record, request);
    if (left < nearest || !patched('scale-side-by-side')) {
      nearest = left;
      return null;
    }
    const { pool, to } = request;
    const level = String(own(record.pools, pool)?.level);
    return failure(
      'Superseded',
      `Another run brings ${pool} of ${record.vnf} the other way: it is at level ${level} again. What this run has done so far stands. ` +
        `Ask again for level ${String(to)} if that is what is wanted.`,
      { vnf: record.vnf, pool, remedy: `Ask again for level ${String(to)}, once the other run has ended.` },
    );
  };
}

/** How many levels there are to go; less than none where others have gone further. */
function distance(record: VnfRecord, { kind, pool, to }: Scaling): number {
  const level = own(record.pools, pool)?.level ?? 0;
  return kind === 'scaleOut' ? to - level : level - to;
}

function stillThere(record: VnfRecord, request: Extract<ChangeRequest, { kind: 'scaleIn' }>): ChangeRequest {
  const state = own(record.pools, request.pool);
  const there = new Set([...(state?.inService ?? []), ...(state?.failed ?? [])].map(({ ordinal }) => ordinal));
  return { ...request, members: (request.members ?? []).filter(({ ordinal }) => there.has(ordinal)) };
}
