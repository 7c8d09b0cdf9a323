import { failureDomainKeys } from '../descriptor/descriptor';
import { own } from '../names';
import type { VnfRecord } from '../record';
import type { Host, Snapshot } from '../snapshot';

/** A host as a picture shows it. */
export interface SeenHost {
  readonly name: string;
  readonly zone: string;
  /** `unknown`: a tenant's, or one that Nova does not know any more. */
  readonly state: 'open' | 'disabled' | 'down' | 'unknown';
  /** The failure domains that it is in, by the keys that pools keep to: `{rack: 'r1'}`. Absent where none does, or nobody says. */
  readonly domains?: Readonly<Record<string, string>>;
}

/**
 * The hosts of the zones of a VNF's pools, and those that its members are on wherever they are, by zone and name. Where they are more than
 * `most`, those with members first, or that are to have some.
 */
export function seenHosts(
  record: VnfRecord,
  { hosts }: Snapshot,
  { most, chosen = [] }: { readonly most: number; readonly chosen?: readonly string[] },
): { readonly hosts: readonly SeenHost[]; readonly more: number } {
  const zones = new Set(record.descriptor.pools.map(({ zone }) => zone));
  const keys = failureDomainKeys(record.descriptor);
  const known = new Set(hosts.map(({ name }) => name));
  const used = new Map(
    record.descriptor.pools.flatMap(({ name, zone }) => {
      const { inService = [], failed = [] } = record.pools[name] ?? {};
      return [...inService, ...failed].map(({ host }) => [host, zone] as const);
    }),
  );
  const all: SeenHost[] = [
    ...hosts.filter(({ name, zone }) => used.has(name) || zones.has(zone)).map((host) => seenHost(host, keys)),
    ...[...used].flatMap(([name, zone]) =>
      name === '' || known.has(name) ? [] : [{ name, zone, state: 'unknown' as const }],
    ),
  ].sort(byZone);
  const told =
    all.length <= most
      ? all
      : inOrderOf(all, new Set([...used.keys(), ...chosen]))
          .slice(0, most)
          .sort(byZone);
  return { hosts: told, more: all.length - told.length };
}

function inOrderOf(all: readonly SeenHost[], used: ReadonlySet<string>): SeenHost[] {
  return [...all.filter(({ name }) => used.has(name)), ...all.filter(({ name }) => !used.has(name))];
}

function byZone(a: SeenHost, b: SeenHost): number {
  if (a.zone !== b.zone) return a.zone < b.zone ? -1 : 1;
  return a.name < b.name ? -1 : 1;
}

function seenHost({ name, zone, up, enabled, domains = {} }: Host, keys: readonly string[]): SeenHost {
  const known = keys.flatMap((key) => {
    const domain = own(domains, key);
    return domain === undefined ? [] : [[key, domain]];
  });
  return {
    ...{ name, zone },
    state: !up ? 'down' : enabled ? 'open' : 'disabled',
    ...(known.length > 0 && { domains: Object.fromEntries(known) as Record<string, string> }),
  };
}
