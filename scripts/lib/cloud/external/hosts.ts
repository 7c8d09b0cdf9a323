import { createHash } from 'node:crypto';

/**
 * One name for a host in the log, whoever speaks of it. Nova names it to an operator and in notifications, and shows a tenant a hash of
 * its name and the project's id.
 */
export interface HostNames {
  /** What the log calls a host that Nova has named. */
  readonly ofName: (name: string) => string;
  /** What the log calls a host that is shown as a hash. */
  readonly ofHostId: (hostId: string) => string;
}

/** `seen`: there is somebody who sees all hosts, so that the log has their names. Else it has hashes throughout. */
export function newHostNames(of: { readonly project: string; readonly seen: boolean }): HostNames {
  const names = new Map<string, string>();
  return {
    ofName: (name) => {
      const hostId = hostIdOf(of.project, name);
      names.set(hostId, name);
      return of.seen ? name : hostId;
    },
    ofHostId: (hostId) => (of.seen ? names.get(hostId) : undefined) ?? hostId,
  };
}

/** As Nova makes it. https://opendev.org/openstack/nova/src/branch/master/nova/utils.py (generate_hostid) */
export function hostIdOf(project: string, host: string): string {
  return createHash('sha224').update(`${project}${host}`).digest('hex');
}
