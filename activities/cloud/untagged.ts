import type { ApplicationFailure } from '@temporalio/common';
import { memberName, tag, vnfsIn } from '../../domain/names';
import type { Member } from '../../domain/record';
import { nova, type CallOptions, type Session } from '../../openstack';
import { cloudUnavailable, toFailure } from '../errors';
import { inParallel } from '../parallel';

type Ref = Pick<Member, 'serverId' | 'pool' | 'ordinal' | 'portIds'>;

/** A member's server that is there, and does not bear the VNF's tag: no list by tag has it, and by its id alone it is not deleted. */
export interface Untagged {
  readonly member: Ref;
  readonly server: nova.Server;
}

const askedAtOnce = 5;

/** Servers that a list by tag lacked, and that are there all the same. */
export interface Unlisted {
  readonly untagged: readonly Untagged[];
  /** They bear the tag: the list was short, or somebody has put it back meanwhile. */
  readonly tagged: readonly nova.Server[];
}

/** Of these members, which no list by tag has. That one is gone must be said of it. */
export async function unlistedAmong(
  session: Session,
  { vnf, members }: { readonly vnf: string; readonly members: readonly Ref[] },
  call: () => CallOptions,
): Promise<Unlisted> {
  const untagged: Untagged[] = [];
  const tagged: nova.Server[] = [];
  await inParallel(
    members.filter(({ serverId }) => serverId !== ''),
    askedAtOnce,
    async (member) => {
      const server = await nova.getServer(session, member.serverId, call());
      if (!server || isGoing(server)) return;
      if (vnfsIn(server.tags).includes(vnf)) {
        tagged.push(server);
        return;
      }
      // Of a cell that is down Nova says little more than the ids.
      if (server.status === 'UNKNOWN')
        throw cloudUnavailable(`Nova does not say whose the server ${server.id} is: its cell is down`, {});
      untagged.push({ member, server });
    },
  );
  return { untagged, tagged };
}

/** Nova forgets the tags of a server before it forgets the server. */
function isGoing({ status, taskState }: nova.Server): boolean {
  return status === 'DELETED' || status === 'SOFT_DELETED' || taskState === 'deleting';
}

/** No repeat mends that, so that the run is stuck at once, and says so. Short enough to be said in a line. */
export function untaggedFailure(vnf: string, untagged: readonly Untagged[]): ApplicationFailure {
  const found = untagged.map(({ member, server }) => ({
    member: memberName(vnf, member.pool, member.ordinal),
    server: server.name,
    id: server.id,
    others: vnfsIn(server.tags),
  }));
  const which = found.map(
    ({ member, server, id, others }) =>
      `server ${server} (${id}) of ${member}${others.length > 0 ? `, which bears the tag of ${others.join(', ')}` : ''}`,
  );
  const [only, ...more] = found;
  const id = only && more.length === 0 ? only.id : '<id>';
  return toFailure({
    kind: 'Stuck',
    message:
      `${vnf} has lost its tag on ${which.join('; ')}: without it nothing is deleted. If it is ${vnf}'s, put it back ` +
      `(openstack --os-compute-api-version 2.26 server set --tag ${tag.vnf(vnf)} ${id}), or delete the server by its id, and retry.`,
    details: { vnf, untagged: found },
  });
}
