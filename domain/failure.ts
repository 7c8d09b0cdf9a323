/**
 * Failure kinds are part of the API: they are the Temporal failure types, typed in the client. Callers act on the kind
 * and the details, never on message text.
 */
export const failureKinds = [
  /** The input is malformed or contradicts the descriptor. Nothing was touched. */
  'InvalidRequest',
  /** `instantiate` of a VNF that exists, or whose tagged servers exist. */
  'AlreadyExists',
  /** A quota does not carry the procedure's peak. `details.short` says what and by how much. */
  'QuotaExceeded',
  /** No placement exists: proved. `details.hosts` has a reason for every host. */
  'Impossible',
  /** No placement was found within the planner's bound. */
  'NotFound',
  /** The cloud placed members where the plan did not, every time it was tried. */
  'AntiAffinityViolated',
  /** A new member did not become healthy, every time it was tried. */
  'MemberFailed',
  /** The procedure needs the caller's word that a host is fenced. */
  'HostNotFenced',
  /** Another run holds the turn, or the host, and the caller did not want to wait (longer). */
  'Busy',
  /** No VNF with this id. */
  'UnknownVnf',
  /** Another run brings the pool the other way, a turn for each member: of two such runs the one that asked later goes on. */
  'Superseded',
  /** The run is not, or no longer, the holder of the turn: it was reset, terminated or cleaned up. */
  'TurnLost',
  /** OpenStack does not answer as it should. Retried. */
  'CloudUnavailable',
  /** The run could not finish and could not undo: a person must look. `details` has both errors. */
  'Stuck',
] as const;

export type FailureKind = (typeof failureKinds)[number];

/** One quota or resource that does not suffice. */
export interface Shortage {
  readonly resource: string;
  readonly needed: number;
  readonly limit: number;
  readonly used: number;
}

/** Why a host was not chosen, from a closed list. */
export const hostReasons = [
  'WrongZone',
  'Down',
  'Disabled',
  'NotOffered',
  'Excluded',
  'NoRoomVcpus',
  'NoRoomRam',
  'NoRoomDisk',
  /** Of another resource class that its flavor asks for: `PCPU`, `VGPU`, one of the cloud's own. */
  'NoRoomOther',
  'CapReached',
  /** Its failure domain (rack, power feed) has its share of the pool. */
  'DomainCapReached',
  /** Nobody says in which failure domain it is, or two aggregates say different ones. */
  'NoDomain',
  /** It has room, and others came first: said in explanations only, never in a refusal. */
  'NotNeeded',
] as const;

export type HostReason = (typeof hostReasons)[number];

export interface FailureDetails {
  readonly vnf?: string;
  readonly pool?: string;
  /** Problems of an input, each with the path of the bad value and what would be right. */
  readonly problems?: readonly { readonly path: string; readonly message: string }[];
  readonly short?: readonly Shortage[];
  /** What is short where members move in as many turns as it takes. Absent where they cannot, or where that is `short`. */
  readonly shortInTurns?: readonly Shortage[];
  /** Every host of the snapshot that was refused, with the reason. */
  readonly hosts?: Readonly<Record<string, HostReason>>;
  /** The nearest levels that are feasible now. */
  readonly nearestLevels?: { readonly below?: number; readonly above?: number };
  /** The constraint that binds, in a few words: `"share 34% at level 5 allows 1 per host; 4 hosts of mz have room"`. */
  readonly constraint?: string;
  /** What to do about it, one sentence. */
  readonly remedy?: string;
  /** Free for each kind: what is left after a stuck run, members that failed, the original error. */
  readonly [key: string]: unknown;
}

/** A failure as data. `toApplicationFailure` and `toError` of the houses concerned make something throwable of it. */
export interface Failure {
  readonly kind: FailureKind;
  /** A whole sentence that says what is wrong and what to do. */
  readonly message: string;
  readonly details: FailureDetails;
}

export function failure(kind: FailureKind, message: string, details: FailureDetails = {}): Failure {
  return { kind, message, details };
}

export function alreadyExists(vnf: string): Failure {
  return failure('AlreadyExists', `There is a VNF ${vnf} already. Choose another id, or terminate ${vnf} first.`, {
    vnf,
  });
}
