import { readMarks, serverGroupName } from '../../../domain/names';
import type { Group } from '../../../domain/record';
import { nova, type CallOptions } from '../../../openstack';
import type { Dependencies } from '../../dependencies';
import type { CloudActivities } from '../../ports';
import { deadlineOf, isRepeat, refuseLostTurn } from '../../turn';
import type { ServerGroupFound, WayIn } from '../../way-in';

/** Server groups are found by their names, which say whose they are: they have nothing else. */
export function createServerGroupsActivity({ session }: Dependencies): CloudActivities['createServerGroups'] {
  return async ({ turn, vnf, groups, timing }) => {
    refuseLostTurn(turn);
    const deadline = deadlineOf(timing);
    const { token } = turn;
    const there = isRepeat() ? await listOf({ session }, vnf, deadline.call()) : [];
    const made: Group[] = [];
    for (const { pool, number } of groups) {
      const found = there.find((each) => each.pool === pool && each.number === number && each.token === token);
      const name = serverGroupName({ vnf, pool, number, token });
      const { id } =
        found ?? (await nova.createServerGroup(session, { name, maxServerPerHost: 1 }, deadline.call(token)));
      made.push({ pool, id, apart: number });
    }
    return { groups: made, doubtful: isRepeat() };
  };
}

export interface Listed extends ServerGroupFound {
  readonly name: string;
  readonly serverIds: readonly string[];
}

/** Null: of all VNFs. */
export async function listOf(
  { session }: Pick<Dependencies, 'session'>,
  vnf: string | null,
  call: CallOptions,
): Promise<Listed[]> {
  return (await nova.listServerGroups(session, call)).flatMap(({ id, name, members }): Listed[] => {
    const { vnf: of, pool, ordinal: number, token } = readMarks(name);
    if (of === undefined || pool === undefined || number === undefined || token === undefined) return [];
    return vnf === null || vnf === of ? [{ id, name, pool, number, token, serverIds: members }] : [];
  });
}

export async function removeServerGroups(
  { session }: Pick<Dependencies, 'session'>,
  { vnf, isOurs, token }: Parameters<WayIn['removeServerGroups']>[0],
  deadline: Parameters<WayIn['removeServerGroups']>[1],
): Promise<void> {
  const ours = (await listOf({ session }, vnf, deadline.call())).filter(isOurs);
  for (const { id } of ours) await nova.deleteServerGroup(session, id, deadline.call(token));
}
