import { own } from '../../domain/names';
import { nova, type CallOptions, type Session } from '../../openstack';

/** By host, the failure domains that it is in, by their keys. */
export type DomainsByHost = ReadonlyMap<string, Readonly<Record<string, string>>>;

/** One list call; none where no key is asked for. */
export async function readDomains(
  session: Session,
  keys: readonly string[],
  call: CallOptions,
): Promise<DomainsByHost> {
  return keys.length === 0 ? new Map() : domainsByHost(await nova.listAggregates(session, call), keys);
}

/** A key is missing where no aggregate of the host says it, and where two say different things. */
function domainsByHost(aggregates: readonly nova.Aggregate[], keys: readonly string[]): DomainsByHost {
  const said = new Map<string, Map<string, Set<string>>>();
  for (const { hosts, metadata } of aggregates)
    for (const key of keys) {
      const value = own(metadata, key) ?? '';
      if (value === '') continue;
      for (const host of hosts) {
        const ofHost = said.get(host) ?? new Map<string, Set<string>>();
        said.set(host, ofHost.set(key, (ofHost.get(key) ?? new Set<string>()).add(value)));
      }
    }
  return new Map(
    [...said].map(([host, ofHost]) => [
      host,
      Object.fromEntries(
        [...ofHost].flatMap(([key, [value = '', ...others]]) => (others.length > 0 ? [] : [[key, value]])),
      ),
    ]),
  );
}
