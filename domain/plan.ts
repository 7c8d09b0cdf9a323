import type { Failure } from './failure';
import type { Told } from './explain/told';

/**
 * What a caller wants of the membership of one VNF. `launched` (see `PlanInput`) are members that an earlier plan of the
 * same turn launched and that live: a replan re-uses them or puts them in `discard`.
 */
export type ChangeRequest =
  | { readonly kind: 'instantiate' }
  | { readonly kind: 'scaleOut'; readonly pool: string; readonly to: number }
  /** `members`: who is to leave, as many as go or fewer. The others are chosen. */
  | {
      readonly kind: 'scaleIn';
      readonly pool: string;
      readonly to: number;
      readonly members?: readonly MemberRef[];
    }
  /** Replace members, wherever they are, and make up for those that lack: `heal`. `partial`: as many as fit, rather than all or nothing. */
  | { readonly kind: 'replaceMembers'; readonly members: readonly MemberRef[]; readonly partial?: boolean }
  /** Replace every member on these hosts, using none of them. `failed`: restore what fits; `maintenance`: all or refuse. */
  | {
      readonly kind: 'emptyHosts';
      readonly hosts: readonly string[];
      readonly cause: 'failed' | 'maintenance';
      /** The caller's word that these hosts cannot come back by themselves: members of pools with `recover: evacuate` move. */
      readonly fenced?: boolean;
      /** Places that were found for this VNF beside others that leave the same hosts: taken where they can still be had. */
      readonly onto?: Onto;
    }
  /** Replace those whom other hands have put where they must not be: too many on a host, or in a wrong zone. As many as fit. */
  | { readonly kind: 'rebalance' }
  | { readonly kind: 'terminate' };

/** Hosts for the new members of each pool, one entry for each member. */
export type Onto = Readonly<Record<string, readonly string[]>>;

export interface MemberRef {
  readonly pool: string;
  readonly ordinal: number;
}

/** A member that the cloud has on another host than its record. */
export interface FoundOn extends MemberRef {
  readonly host: string;
  /** That of the host, where its pool keeps to failure domains. */
  readonly domain?: string;
}

/** One member to launch. */
export interface LaunchRow extends MemberRef {
  /** Empty: wherever the cloud puts it, kept apart by its server group. */
  readonly host: string;
  /** That of the host, where its pool keeps to failure domains. */
  readonly domain?: string;
  /** The number of its server group. Set where the host is not. */
  readonly group?: number;
  /** Servers whose hosts it is to be kept off and its group does not. A hint that a cloud may ignore: what comes of it is looked at. */
  readonly differentHost?: readonly string[];
}

/** A server group, by its pool and its number. */
export interface ServerGroupRef {
  readonly pool: string;
  readonly number: number;
}

/**
 * Members of one pool that are launched together: whatever order they come up in, the caps hold. The next batch begins
 * when every create of this one has been accepted or refused.
 */
export interface Batch {
  readonly pool: string;
  /** Pools of layer n are launched when those of the layers before are healthy. 0 unless instantiating. */
  readonly layer: number;
  readonly rows: readonly LaunchRow[];
}

/** What is decided, completely: names, ordinals, hosts, batches, order. Executed without choices. */
export interface Plan {
  readonly schema: 1;
  /** The revision of the record that it was planned on. */
  readonly revision: number;
  /** Levels before and after, of every pool that the plan touches. */
  readonly levels: Readonly<Record<string, { readonly from: number; readonly to: number }>>;
  readonly batches: readonly Batch[];
  /**
   * Failed members that Nova evacuates, each to the host of its row, where they go on as they are: they neither leave nor are
   * launched. Before the batches above, and the next of these when those before have arrived. Absent: none.
   */
  readonly moves?: readonly Batch[];
  /** Members in service that the cloud has on other hosts than the record: so it was planned, and so it is committed. Absent: none. */
  readonly foundOn?: readonly FoundOn[];
  /** Members that leave service at the commit, in the order in which they are drained and deleted. */
  readonly leave: readonly MemberRef[];
  /** Failed members to delete before anything is launched, where room or quota leave no other way. */
  readonly deleteFirst: readonly MemberRef[];
  /** Members launched earlier in this turn that the plan cannot use: deleted before anything is launched. */
  readonly discard: readonly MemberRef[];
  /** Members launched earlier in this turn that the plan uses as they are. */
  readonly reuse: readonly MemberRef[];
  /** Server groups that are to be made before anything is launched. Set in every plan of a tenant, and in no other. */
  readonly serverGroups?: readonly ServerGroupRef[];
  /** Whether G1(d) is kept at every moment; where not, the levels in between that forbid it. */
  readonly toTheLetter: boolean;
  readonly forbiddenBy: readonly { readonly pool: string; readonly level: number }[];
  /** What does not fit and is left as it is, after a host's death only. */
  readonly unplaced: readonly { readonly pool: string; readonly missing: number; readonly reason: Failure }[];
  /** For a pool marked serial: true while further turns are needed to reach what was asked. */
  readonly more: boolean;
  /** Pools whose target level is feasible but would not be after one more host's death. */
  readonly notRestorable: readonly string[];
  /** For people. Set where it was asked for: in dry runs. */
  readonly told?: Told;
}

export type Planned = { readonly ok: true; readonly plan: Plan } | { readonly ok: false; readonly refusal: Failure };
