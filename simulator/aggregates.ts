import type { Clock } from './clock';

/** Names for some of the hosts, with what is said of all that bear one: how a cloud says its zones, its racks, its power feeds. */

export interface AggregateSpec {
  readonly name: string;
  /** `{availability_zone: 'mz'}` makes a zone of it. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly hosts?: readonly string[];
}

export interface Aggregate {
  /** By which Nova knows it. */
  readonly id: number;
  /** By which Placement knows it. */
  readonly uuid: string;
  readonly name: string;
  metadata: Readonly<Record<string, string>>;
  readonly hosts: Set<string>;
  /** By the cloud's clock. */
  readonly createdAt: number;
}

/** All that there are, by their ids, and how many were ever made: no id is given twice. */
export interface Aggregates {
  readonly byId: Map<number, Aggregate>;
  made: number;
}

/** What a host is in by what its aggregates say. */
export interface Placed {
  zone: string;
  /** By key. What two of its aggregates say differently is not among them. */
  domains: Readonly<Record<string, string>>;
}

interface WithAggregates {
  readonly aggregates: Aggregates;
}

const zoneKey = 'availability_zone';

/** Of a host that no aggregate puts into another. */
const zoneOfNone = 'nova';

export function addAggregate(
  cloud: WithAggregates & { readonly clock: Clock },
  { uuid, name, metadata, hosts = [] }: AggregateSpec & { readonly uuid: string },
): Aggregate {
  const { aggregates, clock } = cloud;
  aggregates.made += 1;
  const made = { id: aggregates.made, uuid, name, metadata, hosts: new Set(hosts), createdAt: clock.now() };
  aggregates.byId.set(made.id, made);
  return made;
}

export function zoneOf({ metadata }: Pick<Aggregate, 'metadata'>): string | null {
  return metadata[zoneKey] ?? null;
}

/** Those that a host is in, in the order in which they were made. */
export function aggregatesOf({ aggregates }: WithAggregates, host: string): Aggregate[] {
  return [...aggregates.byId.values()].filter(({ hosts }) => hosts.has(host));
}

export function settleHost(cloud: WithAggregates, host: Placed & { readonly name: string }): void {
  const said = new Map<string, Set<string>>();
  for (const { metadata } of aggregatesOf(cloud, host.name))
    for (const [key, value] of Object.entries(metadata)) said.set(key, (said.get(key) ?? new Set()).add(value));
  const [zone = zoneOfNone] = said.get(zoneKey) ?? [];
  host.zone = zone;
  host.domains = Object.fromEntries(
    [...said].flatMap(([key, [value = '', ...others]]) =>
      key === zoneKey || value === '' || others.length > 0 ? [] : [[key, value]],
    ),
  );
}

/** In the order of their hosts. */
export function zonesOf({ hosts }: { readonly hosts: ReadonlyMap<string, Placed> }): string[] {
  return [...new Set([...hosts.values()].map(({ zone }) => zone))];
}
