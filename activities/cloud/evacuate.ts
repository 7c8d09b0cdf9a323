import { failure } from '../../domain/failure';
import { memberName, tag } from '../../domain/names';
import { nova, OpenStackError, UnauthorizedError, UnavailableError } from '../../openstack';
import type { Dependencies } from '../dependencies';
import { toFailure } from '../errors';
import type { CloudActivities, EvacuationResult } from '../ports';
import { deadlineOf, refuseLostTurn } from '../turn';

/**
 * Nova's evacuate, which answers nothing that would name what it has begun. So every attempt looks first: a server that is being
 * rebuilt, or is not where it was, has been told already.
 */
export function evacuateActivity({ session }: Dependencies): CloudActivities['evacuate'] {
  return async ({ turn, vnf, moves, timing }) => {
    refuseLostTurn(turn);
    const deadline = deadlineOf(timing);
    const servers = await nova.listServers(session, { tags: [tag.vnf(vnf)] }, deadline.call());
    const byId = new Map(servers.map((server) => [server.id, server]));
    const results: EvacuationResult[] = [];
    let looked = false;
    for (const { member, to } of moves) {
      const name = memberName(vnf, member.pool, member.ordinal);
      const server = byId.get(member.serverId);
      if (!server) {
        results.push({ ok: false, kind: 'MemberFailed', message: `${name} is gone` });
        continue;
      }
      const told = server.status === 'REBUILD' || server.taskState !== null || server.host !== member.host;
      if (told) {
        results.push({ ok: true });
        continue;
      }
      if (!looked) await refuseUnfenced();
      looked = true;
      results.push(await begin(server.id, { name, to }));
    }
    return results;

    /** One that is up runs its guests, whatever was said before: a second copy of them must not be started. */
    async function refuseUnfenced(): Promise<void> {
      const from = new Set(moves.map(({ member }) => member.host));
      const up = (await nova.listServices(session, deadline.call())).filter(({ host, up: is }) => from.has(host) && is);
      if (up.length === 0) return;
      const hosts = up.map(({ host }) => host).join(', ');
      throw toFailure(
        failure(
          'HostNotFenced',
          `${hosts} was fenced and is up again in Nova, so that nothing is evacuated from it. Fence it and run evacuateHost again, or run it without fenced: then its members are replaced.`,
          { vnf, notFenced: up.map(({ host }) => host), remedy: 'Fence the host, or leave out fenced.' },
        ),
      );
    }

    async function begin(id: string, { name, to }: { name: string; to: string }): Promise<EvacuationResult> {
      try {
        await nova.evacuateServer(session, id, to, deadline.call(turn.token));
        return { ok: true };
      } catch (error) {
        if (!(error instanceof OpenStackError)) throw error;
        if (error instanceof UnavailableError || error instanceof UnauthorizedError) throw error;
        // Refused, for whatever reason: it is replaced then.
        return { ok: false, kind: 'MemberFailed', message: `${name} cannot be evacuated to ${to}: ${error.message}` };
      }
    }
  };
}
