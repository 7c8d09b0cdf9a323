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

/** Whoever copies what the product has done. Its time begins with the call and ends when it returns. */
export interface Side {
  readonly name: 'bare' | 'heat';
  readonly plays: readonly Procedure[];
  readonly play: (move: Move) => Promise<void>;
  /** All that it has made, untimed. */
  readonly remove: () => Promise<void>;
}
