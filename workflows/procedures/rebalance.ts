import { workflowInfo } from '@temporalio/workflow';
import type { Plan } from '../../domain/plan';
import type { DryRunResult, ProcedureResult } from '../../domain/procedures';
import { timingAt } from '../../domain/timing';
import { openChannel } from '../channel';
import { parseInput } from '../input';
import { cloud, record as recordPort } from '../ports';
import { mark } from '../progress';
import type { Step, Table } from '../run';
import { committed } from '../steps/commit';
import { launched } from '../steps/launch';
import { planned } from '../steps/plan';
import { published, settled } from '../steps/settle';
import { change, ended, marked, nothingDone } from './change';
import { dryRun, shortOf } from './dryRun';

/**
 * Repairs what other hands have done: `{"vnf": "ims1"}`. The record learns on which hosts its members are (a live migration, a cold move,
 * a host that came back), and whoever is one too many on a host, or in a wrong zone, is replaced elsewhere. What finds no place stays, and
 * the result says so.
 *
 * With nothing wrong it takes no turn. Replacements are in service before what they replace leaves.
 */
export const rebalanceTable: Table = {
  back: [planned, launched],
  pivot: unlessNothing(committed),
  forward: [unlessNothing(published), unlessNothing(settled)],
};

export async function rebalance(raw: unknown): Promise<ProcedureResult | DryRunResult> {
  const input = parseInput('rebalance', raw);
  const { vnf, strict, ifBusy, waitSeconds } = input;
  const procedure = 'rebalance';
  const request = { kind: 'rebalance' } as const;
  mark({ vnf, phase: 'asking' });
  return await marked(async () => {
    const channel = openChannel(vnf);
    const view = await recordPort().readRecord({ vnf });
    const { runId } = workflowInfo();
    if (input.dryRun) return await dryRun({ procedure, record: view, request, strict, runId });
    const first = await cloud(timingAt(1)).plan.executeWithOptions(
      { summary: `look for what is misplaced in ${vnf}` },
      [{ turn: { token: 'dry-run', runId }, record: view, request }],
    );
    if (isNothing(first))
      return ended({ ...nothingDone(procedure, vnf), revision: view.revision, short: shortOf(first) });
    const wish = { procedure, class: 'normal', ifBusy, waitSeconds } as const;
    return await change({ procedure, vnf, channel, wish, table: rebalanceTable, strict, request: () => request });
  });
}

/** Another run may have repaired it meanwhile; or room that the turn before has left is not enough for one more. */
function unlessNothing(step: Step): Step {
  return {
    ...step,
    action: async (turn) => {
      if (!turn.plan || !isNothing(turn.plan)) await step.action(turn);
    },
  };
}

function isNothing({ batches, leave, foundOn = [] }: Plan): boolean {
  return batches.length + leave.length + foundOn.length === 0;
}
