import { failure, type Failure } from './failure';

/** A compute host as its service shows it. */
export interface HostSeen {
  readonly host: string;
  readonly zone: string;
  readonly enabled: boolean;
  readonly up: boolean;
  readonly forcedDown: boolean;
  readonly disabledReason: string | null;
}

const prefix = 'bulkhead:';
const fencedSuffix = ' fenced';

/**
 * What the hosts that we close say for a reason: which occurrence closed them, and whether it forced them down as well. Nova keeps
 * nothing else of ours; what does not say so was somebody else's doing, and is left to them.
 */
export function closedMark(occurrence: string, fenced = false): string {
  return `${prefix}${occurrence}${fenced ? fencedSuffix : ''}`;
}

/** That of a host which we have closed before, and force down now. Who closed it does not open it then: restoreHost does. */
export function fencedMark(reason: string): string {
  return reason.endsWith(fencedSuffix) ? reason : `${reason}${fencedSuffix}`;
}

/** By this occurrence; by any of ours where none is given. */
export function isClosedByUs({ enabled, disabledReason }: HostSeen, occurrence: string | null): boolean {
  if (enabled || disabledReason === null) return false;
  if (occurrence === null) return disabledReason.startsWith(prefix);
  return disabledReason === closedMark(occurrence) || disabledReason === closedMark(occurrence, true);
}

export function isFencedByUs(seen: HostSeen, occurrence: string | null): boolean {
  return seen.forcedDown && isClosedByUs(seen, occurrence) && (seen.disabledReason?.endsWith(fencedSuffix) ?? false);
}

/** Unknown names first: everything else would be said of nothing. */
export function unknownHosts(hosts: readonly string[], services: readonly HostSeen[]): Failure | null {
  const unknown = hosts.filter((host) => !services.some((service) => service.host === host));
  if (unknown.length === 0) return null;
  const some = services
    .map((service) => service.host)
    .sort()
    .slice(0, 20)
    .join(', ');
  return failure(
    'InvalidRequest',
    `There is no compute host ${unknown.join(', ')}. The cloud has ${some}${services.length > 20 ? ', …' : ''}.`,
    { problems: unknown.map((host) => ({ path: 'hosts', message: `there is no host ${host}` })) },
  );
}

/**
 * The brake. Hosts die one at a time; where a large part of a zone seems dead at once it is more likely the network between us and
 * them, and to replace members that serve would do the harm that was feared. Counted are the hosts that are said to have failed, and
 * those of their zone that are down or that we have closed. One host of a zone is never too many: small zones have few.
 */
export function tooManyFailed(
  hosts: readonly string[],
  services: readonly HostSeen[],
  most: { readonly percent: number },
): Failure | null {
  const asked = services.filter(({ host }) => hosts.includes(host));
  for (const zone of [...new Set(asked.map((each) => each.zone))].sort()) {
    if (asked.filter((each) => each.zone === zone).length < 2) continue;
    const ofZone = services.filter((each) => each.zone === zone);
    const failed = ofZone.filter((each) => hosts.includes(each.host) || !each.up || isClosedByUs(each, null));
    if (failed.length * 100 <= most.percent * ofZone.length) continue;
    const said = `${String(failed.length)} of the ${String(ofZone.length)} hosts of ${zone}`;
    return failure(
      'InvalidRequest',
      `${said} would have failed at once, and more than ${String(most.percent)}% are taken for a failure of the network rather than of hosts. Nothing was done. Make sure that they are dead, and ask with force; or ask for one host at a time.`,
      {
        problems: [{ path: 'hosts', message: `${said} would have failed at once` }],
        zone,
        failed: failed.map(({ host }) => host),
        remedy: 'Make sure that these hosts are dead, and ask again with force.',
      },
    );
  }
  return null;
}

/** What somebody else has closed or fenced is for them to open: they may be at work there. */
export function notOurs(hosts: readonly HostSeen[]): Failure | null {
  const problems = hosts.flatMap((seen) => {
    const { host, enabled, forcedDown, disabledReason } = seen;
    if (!enabled && !isClosedByUs(seen, null))
      return [
        `${host} was disabled by somebody else${disabledReason ? ` ("${disabledReason.slice(0, 255)}")` : ', who gave no reason'}`,
      ];
    return forcedDown && !isFencedByUs(seen, null) ? [`${host} was forced down by somebody else`] : [];
  });
  if (problems.length === 0) return null;
  return failure(
    'InvalidRequest',
    `${problems.join('; ')}. Nothing was done. Ask them, or open it by hand: openstack compute service set --enable <host> nova-compute.`,
    {
      problems: problems.map((message) => ({ path: 'hosts', message })),
      remedy: 'Leave these hosts out, or open them by hand.',
    },
  );
}
