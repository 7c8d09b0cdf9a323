import type { Spare } from '../descriptor/descriptor';
import { saySpare } from '../levels';
import { noResources, resourcesSaid } from '../resources';
import type { QuotaResource, Resources } from '../snapshot';

/**
 * One change by which something would be possible that is not, each the smallest of its kind. None is guessed: it was tried, on the same
 * snapshot, and what was asked for could be planned.
 */
export type Remedy =
  /** So many more hosts in each of these zones, each with the room that is said of its zone. `apart`: each in a failure domain of its own of these keys. */
  | {
      readonly kind: 'hosts';
      readonly hosts: Readonly<Record<string, number>>;
      readonly room: Readonly<Record<string, Resources>>;
      readonly apart?: readonly string[];
    }
  /** Another spare in the descriptor; of the pool's failure domain where its key is given. */
  | {
      readonly kind: 'spare';
      readonly pool: string;
      readonly from: Spare;
      readonly to: Spare;
      readonly domain?: string;
    }
  /** Another level than the one that was asked for, or that the pool has. */
  | { readonly kind: 'level'; readonly pool: string; readonly level: number }
  /** Quotas with these limits. */
  | { readonly kind: 'quota'; readonly limits: Readonly<Partial<Record<QuotaResource, number>>> }
  /** Without `strict`: the share of the levels before and after is kept all the same. */
  | { readonly kind: 'notStrict' };

/** `1 more host in dmz`, `spare 25% instead of 20% for sprout`, `level 10 of sprout`. */
export function remedySaid(remedy: Remedy): string {
  switch (remedy.kind) {
    case 'hosts': {
      const apart = remedy.apart ? `, each in a ${remedy.apart.join(' and a ')} of its own` : '';
      const hosts = Object.entries(remedy.hosts).map(
        ([zone, many]) =>
          `${String(many)} more host${many > 1 ? 's' : ''} in ${zone} (each with ${resourcesSaid(remedy.room[zone] ?? noResources)} free${apart})`,
      );
      return hosts.join(' and ');
    }
    case 'spare': {
      const of = remedy.domain === undefined ? '' : ` of one ${remedy.domain}`;
      return `spare ${saySpare(remedy.to)} instead of ${saySpare(remedy.from)}${of} for ${remedy.pool}`;
    }
    case 'level':
      return `level ${String(remedy.level)} of ${remedy.pool}`;
    case 'quota':
      return `a quota of ${Object.entries(remedy.limits)
        .map(([resource, limit]) => `${String(limit)} ${resource}`)
        .join(', ')}`;
    case 'notStrict':
      return 'the same without strict';
  }
}

/** A whole sentence. */
export function remediesSaid(remedies: readonly Remedy[]): string {
  if (remedies.length === 0) return 'No small change of hosts, spare or level alone makes it possible.';
  const said = remedies.map(remedySaid);
  return said.length === 1 ? `It takes ${said.join('')}.` : `Any one of these makes it possible: ${said.join('; ')}.`;
}
