/** What a verdict is made of. */

export const guarantees = ['G1', 'G2', 'G3', 'G4', 'G5', 'G6', 'G7', 'G8'] as const;
export type Guarantee = (typeof guarantees)[number];

/** G1 has four parts, and a violation says which. */
export type Part = 'G1a' | 'G1b' | 'G1c' | 'G1d' | Exclude<Guarantee, 'G1'>;

export interface Violation {
  readonly part: Part;
  /** The event that broke it. */
  readonly seq: number;
  readonly at: number;
  readonly vnf?: string;
  readonly pool?: string;
  readonly host?: string;
  /** A failure domain, by its key and name: `rack r1`. */
  readonly domain?: string;
  readonly message: string;
}

export interface Judged {
  readonly held: boolean;
  /** How many facts were held against it. 0: it was not looked at, which is not the same as held. */
  readonly looked: number;
  readonly violations: readonly Violation[];
}

export interface Verdict {
  readonly ok: boolean;
  readonly guarantees: Readonly<Record<Guarantee, Judged>>;
}

export function guaranteeOf(part: Part): Guarantee {
  return part.startsWith('G1') ? 'G1' : (part as Guarantee);
}

/** Where rules write down what they looked at and what was wrong. */
export interface Scribe {
  readonly looked: (part: Part) => void;
  readonly broken: (part: Part, where: Omit<Violation, 'part' | 'seq' | 'at'>) => void;
}
