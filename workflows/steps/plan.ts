import { summary } from '../../domain/markdown';
import type { Plan } from '../../domain/plan';
import { cloud } from '../ports';
import { useOrdinals, type Step, type Turn } from '../run';

/** One snapshot, one plan. A refusal ends the run here, with nothing touched. */
export const planned: Step = {
  name: 'plan',
  action: async (turn) => {
    await planAgain(turn);
  },
};

/** Plans from the state reached, with what lives of earlier launches and without the hosts that misbehaved. */
export async function planAgain(turn: Turn): Promise<Plan> {
  const plan = await cloud(turn.timing).plan.executeWithOptions({ summary: summary(`plan ${describe(turn)}`) }, [
    {
      turn: turn.ref,
      record: turn.record,
      request: turn.request,
      launched: [...turn.launched.values()],
      avoidHosts: [...turn.avoidHosts],
      ...(turn.apart.full.length > 0 && { fullGroups: turn.apart.full }),
      ...(turn.stranded.length > 0 && { stranded: [...turn.stranded] }),
      oneChange: turn.procedure !== 'instantiate',
      strict: turn.strict,
    },
  ]);
  turn.plan = plan;
  // Before anything is launched: a repeat of this turn, or the next one, must not use them again.
  turn.record = useOrdinals(turn.record, plan.batches);
  return plan;
}

function describe(turn: Turn): string {
  const { request } = turn;
  switch (request.kind) {
    case 'scaleOut':
    case 'scaleIn':
      return `${request.kind} ${request.pool} to ${String(request.to)}`;
    case 'replaceMembers':
      return `to replace ${String(request.members.length)} members`;
    case 'emptyHosts':
      return `to empty ${request.hosts.join(', ')}`;
    case 'instantiate':
    case 'rebalance':
    case 'terminate':
      return request.kind;
  }
}
