import type { NamedMember } from '../../../../domain/procedures';

/** What is timed. */
export const procedures = ['instantiate', 'scaleOut', 'heal', 'evacuateHost'] as const;
export type Procedure = (typeof procedures)[number];

/** What a procedure came to: the product decides it, and the bare script does the same without a decision. */
export interface Move {
  readonly procedure: Procedure;
  readonly launches: readonly NamedMember[];
  readonly removes: readonly NamedMember[];
  /** The host that died. */
  readonly host: string | null;
}

/** From the call. */
export interface Played {
  /** Until all is done, what is replaced being gone as well. */
  readonly seconds: number;
  /** Until what is new serves. */
  readonly servedSeconds: number;
}

/** Whoever copies what the product has done. */
export interface Side {
  readonly name: 'bare' | 'heat';
  readonly plays: readonly Procedure[];
  /** Its time begins with the call and ends when it returns. `served`: what is new serves. */
  readonly play: (move: Move, served: () => void) => Promise<void>;
  /** All that it has made, untimed. */
  readonly remove: () => Promise<void>;
}
