import type { Member, VnfRecord } from '../record';
import type { ChangeRequest, Planned } from '../plan';
import type { Snapshot } from '../snapshot';

export interface PlanInput {
  readonly record: VnfRecord;
  readonly snapshot: Snapshot;
  readonly request: ChangeRequest;
  /** Launched earlier in this turn, alive, in no record: to be used again or discarded. */
  readonly launched?: readonly Member[];
  /** Hosts that this turn has seen misbehave (misplaced, failed a build): used for nothing new. */
  readonly avoidHosts?: readonly string[];
  /** One membership change only, for pools marked serial. */
  readonly oneChange?: boolean;
  /** Refuse what cannot be done to the letter of G1(d). */
  readonly strict?: boolean;
}

/** Placeholder until the planner lands. */
export function plan(_input: PlanInput): Planned {
  throw new Error('not written yet');
}
