import type { Plan } from '../../domain/plan';
import type { Commit, PoolChange } from '../../domain/turn';
import type { Step, Turn } from '../run';

/** The pivot: levels and who serves change together, in the record. */
export const committed: Step = {
  name: 'commit',
  action: async (turn) => {
    if (isAllEvacuated(turn)) return;
    await commitOnce(turn, { pools: poolChanges(turn), ...(turn.apart.made && { groups: [...turn.groups] }) });
  },
};

/** The pivot of instantiate: from here the VNF runs, with the groups that were made for it. */
export const born: Step = {
  name: 'commit',
  action: async (turn) => {
    await commitOnce(turn, { pools: poolChanges(turn), groups: [...turn.groups] });
  },
};

/** Then all is committed. */
export function isAllEvacuated(turn: Turn): boolean {
  return turn.moved.length > 0 && isNothing(turn, poolChanges(turn));
}

function isNothing({ record }: Turn, pools: Commit['pools']): boolean {
  return Object.entries(pools).every(
    ([name, { level, enter, leave, foundOn = [] }]) =>
      enter.length + leave.length + foundOn.length === 0 && level === (record.pools[name]?.level ?? level),
  );
}

export async function commitOnce(
  turn: Turn,
  change: Pick<Commit, 'pools' | 'groups' | 'final' | 'stages'>,
): Promise<void> {
  // One that was not answered is the same one when it is sent again, or it might be applied twice.
  const n = turn.commits + 1;
  turn.committed = await turn.channel.commit({ token: turn.ref.token, n, ...change });
  turn.commits = n;
}

function poolChanges(turn: Turn): Commit['pools'] {
  const { plan } = turn;
  if (!plan) throw new Error('a commit came before its plan');
  const { foundOn = [] } = plan;
  return Object.fromEntries(
    [...new Set([...Object.keys(plan.levels), ...foundOn.map(({ pool }) => pool)])].map((name) => {
      const level = plan.levels[name]?.to ?? turn.record.pools[name]?.level ?? 0;
      const enter = [...turn.launched.values()].filter((member) => member.pool === name);
      const leave = plan.leave.filter((ref) => ref.pool === name).map((ref) => ref.ordinal);
      const nextOrdinal = turn.record.pools[name]?.nextOrdinal ?? 1;
      return [
        name,
        {
          ...{ level, nextOrdinal, leave },
          enter: enter.map((member) => ({ ...member, portIds: [...member.portIds] })),
          ...foundIn(plan, name),
        },
      ];
    }),
  );
}

/** Where the plan has found members of a pool: what is committed on it is judged by that. */
export function foundIn({ foundOn = [] }: Plan, poolName: string): Pick<PoolChange, 'foundOn'> {
  const found = foundOn
    .filter(({ pool }) => pool === poolName)
    .map(({ ordinal, host, domain }) => ({ ordinal, host, ...(domain !== undefined && { domain }) }));
  return found.length > 0 ? { foundOn: found } : {};
}
