import { patched, workflowInfo } from '@temporalio/workflow';
import type { DryRunResult, ProcedureResult } from '../../domain/procedures';
import { dependencyLayers } from '../../domain/descriptor/layers';
import { openChannel } from '../channel';
import { asFailure } from '../failures';
import { parseInput } from '../input';
import { record as recordPort } from '../ports';
import { mark } from '../progress';
import type { Step, Table } from '../run';
import { commitOnce } from '../steps/commit';
import { leftOverRemoved } from '../steps/leftOver';
import { isOfUnborn, published, settled } from '../steps/settle';
import { change, marked } from './change';
import { dryRun } from './dryRun';

/** Everything out of service and owed, in reverse order of dependency; whoever else asks is told that there is no such VNF. */
const final: Step = {
  name: 'final commit',
  action: async (turn) => {
    const stages = dependencyLayers(turn.record.descriptor.pools).map((layer) => layer.map((pool) => pool.name));
    await commitOnce(turn, { pools: {}, final: true, stages: stages.reverse() });
  },
};

/**
 * Nothing is to be audited from here on. Where it cannot be taken away it is left, and goes with its next run, which finds no such VNF: that
 * is no reason for a terminate to be stuck.
 */
const unscheduled: Step = {
  name: 'no more audits',
  action: async ({ vnf }) => {
    // Runs of earlier releases go on without it.
    if (!patched('audits')) return;
    await recordPort()
      .unscheduleAudits({ vnf })
      .catch((error: unknown) => {
        if (asFailure(error) === undefined) throw error;
      });
  },
};

/** Runs of earlier releases publish of what never came to be that nobody serves. */
const unpublished: Step = {
  ...published,
  action: async (turn) => {
    if (isOfUnborn(turn.committed?.debt ?? null) && patched('unborn')) return;
    await published.action(turn);
  },
};

/**
 * The end of a VNF. `{"vnf": "ims1"}`
 *
 * There is nothing to go back to: its first step is the pivot. When everything is paid the record ends.
 */
export const terminateTable: Table = {
  back: [],
  pivot: final,
  forward: [unpublished, unscheduled, leftOverRemoved, settled],
};

export async function terminate(raw: unknown): Promise<ProcedureResult | DryRunResult> {
  const input = parseInput('terminate', raw);
  const { vnf, ifBusy, waitSeconds } = input;
  const procedure = 'terminate';
  mark({ vnf, phase: 'asking' });
  return await marked(async () => {
    const channel = openChannel(vnf);
    const view = await recordPort().readRecord({ vnf });
    if (input.dryRun)
      return await dryRun({ procedure, record: view, request: { kind: 'terminate' }, runId: workflowInfo().runId });
    const wish = { procedure, class: 'normal', ifBusy, waitSeconds } as const;
    return await change({
      procedure,
      vnf,
      channel,
      wish,
      table: terminateTable,
      request: () => ({ kind: 'terminate' }),
    });
  });
}
