import { patched } from '@temporalio/workflow';
import type { Finding } from '../../domain/audit';
import { sharesOf, type Member } from '../../domain/record';
import { forwardLimitSeconds } from '../../domain/timing';
import { cloud } from '../ports';
import type { Step, Turn } from '../run';
import { isOfUnborn, membersPerRemoval } from './settle';

/** Servers and ports that are surely the VNF's, and are in no record: what a create that came late has left. */

/** Servers first, in the order that the pools' shares allow, and then the ports that they held. Returns how many it has deleted. */
export async function removeLeftOver(
  { ref, vnf, timing, record }: Turn,
  findings: readonly Finding[],
  ports: ReturnType<typeof cloud>,
): Promise<number> {
  const all = leftMembers(findings);
  for (let begun = 0; begun < all.length; begun += membersPerRemoval) {
    const members = all.slice(begun, begun + membersPerRemoval);
    await ports.remove.executeWithOptions({ summary: `delete ${String(members.length)} left over` }, [
      { turn: ref, vnf, members, ...sharesOf(record), timing },
    ]);
  }
  return all.length;
}

function leftMembers(findings: readonly Finding[]): Member[] {
  const toDelete = findings.filter(({ action }) => action === 'delete');
  const servers = toDelete.filter(({ kind }) => kind === 'orphan' || kind === 'double');
  const ports = toDelete.filter(({ kind }) => kind === 'leftoverPort');
  const none = { pool: '', ordinal: 0, host: '', token: '' };
  return [
    ...servers.map(({ id, pool = '', ordinal = 0 }) => ({ ...none, pool, ordinal, serverId: id, portIds: [] })),
    ...ports.map(({ id }) => ({ ...none, serverId: '', portIds: [id] })),
  ];
}

/** Before the end of a VNF: no audit will find it when the VNF is gone. */
export const leftOverRemoved: Step = {
  name: 'delete what is in no record',
  action: async (turn) => {
    // Runs of earlier releases go on without it. What looks left over of what never came to be may have been there before, and serve.
    if (!patched('left-over') || isOfUnborn(turn.committed?.debt ?? null)) return;
    const { timing, vnf, record } = turn;
    const ports = cloud(timing, { retrySeconds: forwardLimitSeconds(timing) });
    // One look tells so many at most, and those first that can be deleted. Each leaves fewer to tell, or is the last.
    for (let moreBefore = Infinity; ;) {
      const { findings, more } = await ports.compare.executeWithOptions({ summary: `compare ${vnf} with its record` }, [
        { record, inHand: [] },
      ]);
      const deleted = await removeLeftOver(turn, findings, ports);
      if (more === 0 || more >= moreBefore || deleted === 0 || !patched('left-over-whole')) return;
      moreBefore = more;
    }
  },
};
