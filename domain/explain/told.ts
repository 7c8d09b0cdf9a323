import type { HostReason } from '../failure';
import type { Remedy } from './remedy';
import type { SeenHost } from './seenHosts';

/** What only who has the snapshot can say of a plan, for whoever asks why. */
export interface Told {
  /** The hosts of the zones concerned, and those that members are on. */
  readonly hosts: readonly SeenHost[];
  /** Hosts beyond those that are listed. */
  readonly moreHosts: number;
  readonly choices: readonly Choice[];
  /** Where the plan leaves members without a place: what would give them one. */
  readonly remedies: readonly Remedy[];
}

/** How one pool's part of a plan came to be: what kept its new members off the hosts that they are not on, and what would stop more of them. */
export interface Choice {
  readonly pool: string;
  /** Hosts that got none of the pool's new members, by reason. */
  readonly counts: Readonly<Partial<Record<HostReason, number>>>;
  /** The same by host. */
  readonly hosts: Readonly<Record<string, HostReason>>;
  /** Hosts that are counted and not listed. */
  readonly moreHosts: number;
  /** How many more members would find a place and quota at this level's cap, when all is done. */
  readonly moreFit: number;
  /**
   * What would stop the next one after them: the share of failure domains, where most hosts that may be used are in one that would take more but
   * for it; the share of hosts, where most have theirs; the room, where most have none; the quota; or that no host may be used.
   */
  readonly binds: 'share' | 'domain' | 'room' | 'quota' | 'hosts';
  /** The same in a sentence. */
  readonly constraint: string;
}
