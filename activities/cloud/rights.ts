import { ForbiddenError, type nova } from '../../openstack';

/** Rights that a cloud does not refuse by an answer: it leaves out what was asked for, and nothing would be as it seems. */

function lacking(what: string, rule: string): ForbiddenError {
  const message = `GET /servers/detail ${what}: the worker's role lacks Nova's rule ${rule} (docs/security.md)`;
  return new ForbiddenError(message, { service: 'compute', method: 'GET', url: '/servers/detail' });
}

/** Who has a `hostId` is on a host. Throws ForbiddenError where an operator is not shown which. */
export function refuseHiddenHosts(servers: Iterable<nova.Server>): void {
  for (const { id, host, hostId } of servers)
    if (host === null && hostId !== '')
      throw lacking(`does not show on which host ${id} is`, 'os_compute_api:os-extended-server-attributes');
}

/** Of servers asked for by their host. Who may not do that gets those of all hosts. */
export function refuseIgnoredFilter(host: string, servers: readonly nova.Server[]): void {
  refuseHiddenHosts(servers);
  if (servers.some((server) => server.host !== null && server.host !== host))
    throw lacking(`ignores that ${host} was asked for`, 'os_compute_api:servers:allow_all_filters');
}
