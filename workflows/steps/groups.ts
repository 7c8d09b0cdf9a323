import type { Group } from '../../domain/record';
import { cloud } from '../ports';
import type { Step, Turn } from '../run';

/** Security groups and their rules, one group a pool. Found again by name when repeated. */
export const groupsMade: Step = {
  name: 'security groups',
  action: async (turn) => {
    turn.touched = true;
    const made: MadeGroups = await cloud(turn.timing).createGroups({
      turn: turn.ref,
      vnf: turn.vnf,
      descriptor: turn.record.descriptor,
      timing: turn.timing,
    });
    const { groups, doubtful } = 'groups' in made ? made : { groups: made, doubtful: false };
    turn.groups = groups;
    turn.doubtfulGroups = doubtful;
    // A new plan must not ask the quota for them once more.
    turn.record = { ...turn.record, groups: turn.groups };
  },
  undo: async (turn) => {
    await cloud(turn.timing, { retrySeconds: turn.timing.undoSeconds }).removeGroups.executeWithOptions(
      { summary: 'undo: remove groups' },
      [
        {
          turn: turn.ref,
          vnf: turn.vnf,
          groups: { ids: [], pools: turn.record.descriptor.pools.map((pool) => pool.name) },
          timing: turn.timing,
        },
      ],
    );
  },
  sought: ({ record }) => ({ pools: record.descriptor.pools.map((pool) => pool.name) }),
};

/** Runs that are in flight since an earlier release have the groups alone. */
type MadeGroups = Awaited<ReturnType<ReturnType<typeof cloud>['createGroups']>> | readonly Group[];

/** A create that got no answer may have had its effect after its repeat looked for it. Called when that was a while ago, and before the pivot. */
export async function removeDoubleGroups(turn: Turn): Promise<void> {
  if (!turn.doubtfulGroups) return;
  const keep = turn.groups.map(({ id }) => id);
  const pools = turn.record.descriptor.pools.map(({ name }) => name);
  await cloud(turn.timing).removeGroups.executeWithOptions({ summary: 'remove double groups' }, [
    { turn: turn.ref, vnf: turn.vnf, groups: { ids: [], pools, keep }, timing: turn.timing },
  ]);
}
