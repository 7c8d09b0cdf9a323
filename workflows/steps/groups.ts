import { cloud } from '../ports';
import type { Step } from '../run';

/** Security groups and their rules, one group a pool. Found again by name when repeated. */
export const groupsMade: Step = {
  name: 'security groups',
  action: async (turn) => {
    turn.touched = true;
    turn.groups = await cloud(turn.timing).createGroups({
      turn: turn.ref,
      vnf: turn.vnf,
      descriptor: turn.record.descriptor,
      timing: turn.timing,
    });
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
