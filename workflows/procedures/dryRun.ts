import { patched } from '@temporalio/workflow';
import { memberName } from '../../domain/names';
import { explain } from '../../domain/explain/explanation';
import { asFound } from '../../domain/placement/rebalance';
import type { Batch, ChangeRequest, MemberRef, Plan } from '../../domain/plan';
import type { DryRunResult, NamedMember } from '../../domain/procedures';
import type { VnfRecord } from '../../domain/record';
import { timingAt } from '../../domain/timing';
import type { ProcedureName, RecordRead } from '../../domain/turn';
import { turnRefusal } from '../../domain/turnRefusal';
import { toApplicationFailure } from '../failures';
import { cloud } from '../ports';

/** What would happen now: a plan without a turn, which nothing is done about. Refused as the turn would be. */
export async function dryRun(given: {
  procedure: ProcedureName;
  /** As it would be when the turn is granted. A VNF that is yet to be has no more than what is planned on. */
  record: VnfRecord & Partial<Pick<RecordRead, 'blocked'>>;
  request: ChangeRequest;
  strict?: boolean;
  runId: string;
}): Promise<DryRunResult> {
  const { procedure, record, request, strict, runId } = given;
  const { vnf, phase, blocked = null } = record;
  const refusal = turnRefusal({ vnf, phase, blocked }, procedure);
  if (refusal && goesAsTheRun()) throw toApplicationFailure(refusal, 'refused');
  const turn = { token: 'dry-run', runId };
  const plan = await cloud(timingAt(1)).plan({ turn, record, request, strict: strict ?? false, tell: true });
  return { outcome: 'planned', procedure, vnf, levels: plan.levels, ...changesOf(record, plan) };
}

/** Dry runs of earlier releases planned on the record as it was, whoever the run would have taken out of service before, or been refused. */
export function goesAsTheRun(): boolean {
  return patched('dry-run-as-run');
}

/** Of a VNF in which there is nothing to do: the run would take no turn. */
export function nothingPlanned(procedure: ProcedureName, record: VnfRecord): DryRunResult {
  const { vnf, revision } = record;
  const plan: Plan = {
    ...{ schema: 1, revision, levels: {}, batches: [], leave: [], deleteFirst: [], discard: [], reuse: [] },
    ...{ toTheLetter: true, forbiddenBy: [], unplaced: [], more: false, notRestorable: [] },
  };
  return { outcome: 'planned', procedure, vnf, levels: {}, ...changesOf(record, plan) };
}

type Changes = Omit<DryRunResult, 'outcome' | 'procedure' | 'vnf' | 'levels'>;

/** What a plan does to one VNF. */
export function changesOf(record: VnfRecord, plan: Plan): Changes {
  const { vnf } = record;
  const named = ({ rows }: Batch): NamedMember[] =>
    rows.map((row) => ({ ...row, name: memberName(vnf, row.pool, row.ordinal) }));
  const nameOf = ({ pool, ordinal }: MemberRef): string => memberName(vnf, pool, ordinal);
  const deletesFirst = plan.deleteFirst.map(nameOf);
  return {
    launches: plan.batches.flatMap(named),
    evacuates: (plan.moves ?? []).flatMap(named),
    leaves: [...deletesFirst, ...plan.leave.map(nameOf)],
    deletesFirst,
    toTheLetter: plan.toTheLetter,
    short: shortOf(plan),
    more: plan.more,
    notRestorable: plan.notRestorable,
    explanations: { [vnf]: explain(asFound(record, plan.foundOn ?? []), plan) },
  };
}

/** What a plan leaves without a place, in words. */
export function shortOf({ unplaced }: Plan): DryRunResult['short'] {
  return unplaced.map(({ pool, missing, reason: { kind, message } }) => ({ pool, missing, kind, reason: message }));
}
