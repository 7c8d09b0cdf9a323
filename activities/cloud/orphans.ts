import { readMarks, vnfsIn } from '../../domain/names';
import { unrecordedVnfs, type Orphan } from '../../domain/orphans';
import { neutron, nova } from '../../openstack';
import type { Dependencies } from '../dependencies';
import type { CloudActivities } from '../ports';
import { deadlineOf } from '../turn';
import { listOf } from './asTenant/groups';
import { findingsMax } from './audit';

/** By the tags and marks of everything in the project: which VNFs there are, and what of some of them. Lists only. */

export function findVnfsActivity(dependencies: Dependencies): CloudActivities['findVnfs'] {
  return async () => [...new Set((await listMarked(dependencies)).map(({ vnf }) => vnf))].sort();
}

export function findOrphansActivity(dependencies: Dependencies): CloudActivities['findOrphans'] {
  return async ({ vnfs }) => {
    const wanted = new Set(vnfs);
    const marked = await listMarked(dependencies);
    return unrecordedVnfs(
      marked.filter(({ vnf }) => wanted.has(vnf)),
      findingsMax,
    );
  };
}

/** What bears the tags of two VNFs is each one's. */
async function listMarked({ session, timing }: Dependencies): Promise<Orphan[]> {
  const call = deadlineOf(timing).call();
  const [servers, ports, securityGroups, serverGroups] = await Promise.all([
    nova.listServers(session, {}, call),
    neutron.listPorts(session, {}, call),
    neutron.listSecurityGroups(session, call),
    listOf({ session }, null, call),
  ]);
  return [
    ...servers.flatMap(({ id, name, tags }) => vnfsIn(tags).map((vnf) => ({ kind: 'server' as const, id, name, vnf }))),
    ...ports.flatMap((port) => orphanOf('port', port, port.description)),
    ...securityGroups.flatMap((group) => orphanOf('securityGroup', group, group.description)),
    ...serverGroups.flatMap((group) => orphanOf('serverGroup', group, group.name)),
  ];
}

function orphanOf(
  kind: Orphan['kind'],
  { id, name }: { readonly id: string; readonly name: string },
  marks: string,
): Orphan[] {
  const { vnf } = readMarks(marks);
  return vnf === undefined ? [] : [{ kind, id, name, vnf }];
}
