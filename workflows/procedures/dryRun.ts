import { memberName } from '../../domain/names';
import { explain } from '../../domain/explain/explanation';
import { asFound } from '../../domain/placement/rebalance';
import type { ChangeRequest, Plan } from '../../domain/plan';
import type { DryRunResult } from '../../domain/procedures';
import type { VnfRecord } from '../../domain/record';
import { timingAt } from '../../domain/timing';
import { cloud } from '../ports';

/** What would happen now: a plan without a turn, which nothing is done about. */
export async function dryRun(given: {
  procedure: string;
  record: VnfRecord;
  request: ChangeRequest;
  strict?: boolean;
  runId: string;
}): Promise<DryRunResult> {
  const { procedure, record, request, strict, runId } = given;
  const { vnf } = record;
  const turn = { token: 'dry-run', runId };
  const plan = await cloud(timingAt(1)).plan({ turn, record, request, strict: strict ?? false, tell: true });
  return { outcome: 'planned', procedure, vnf, levels: plan.levels, ...changesOf(record, plan) };
}

type Changes = Pick<DryRunResult, 'launches' | 'leaves' | 'toTheLetter' | 'notRestorable' | 'explanations'>;

/** What a plan does to one VNF. */
export function changesOf(record: VnfRecord, plan: Plan): Changes {
  const { vnf } = record;
  return {
    launches: plan.batches.flatMap((batch) =>
      batch.rows.map((row) => ({ ...row, name: memberName(vnf, row.pool, row.ordinal) })),
    ),
    leaves: plan.leave.map((ref) => memberName(vnf, ref.pool, ref.ordinal)),
    toTheLetter: plan.toTheLetter,
    notRestorable: plan.notRestorable,
    explanations: { [vnf]: explain(asFound(record, plan.foundOn ?? []), plan) },
  };
}
