import type { Tagged } from './names';
import type { IngressRule } from './securityRules';

/**
 * What the cloud has of one VNF, as one activity listed it: all that bears the VNF's tags or marks, and what is known by its id. The
 * audit compares it with the record, and adopt makes a record of it.
 */
export interface Inventory {
  readonly servers: readonly ServerFound[];
  readonly ports: readonly PortFound[];
  /** The ids of ports that the record has of members, and Neutron has not. Empty where no record is looked at. */
  readonly portsGone: readonly string[];
  readonly securityGroups: readonly SecurityGroupFound[];
  /** A tenant's way of keeping members apart. */
  readonly serverGroups: readonly ServerGroupFound[];
}

/** Its tags say whose it is. One that was looked for by its id may have none. */
export interface ServerFound extends Tagged {
  readonly id: string;
  readonly name: string;
  /** All that begin with `bulkhead:`, as they are: a server that is two VNFs' has more than its fields say. */
  readonly tags: readonly string[];
  /** As Nova says it: `ACTIVE`, `ERROR` … */
  readonly status: string;
  /** Nova has been told to delete it, and has not yet: where its host is dead that may take days. */
  readonly isBeingDeleted?: boolean;
  /** Its host is forced down: it is dead, whatever Nova says of it. */
  readonly isFenced?: boolean;
  /** By the name that the record knows hosts by. Null while it has none. */
  readonly host: string | null;
  readonly zone: string | null;
  /**
   * The failure domains of its host, by key, of those that the descriptor names: `{rack: 'r1'}`. A key is missing where nobody says it, or two say
   * different ones. Absent where no pool keeps to any, it is on no host, or nobody is shown them.
   */
  readonly domains?: Readonly<Record<string, string>>;
  /** The flavor's name. Null where the cloud does not say. */
  readonly flavor: string | null;
  /** Null of one that boots from a volume. */
  readonly imageId: string | null;
}

/** Its description says whose it is, and its name of which member. */
export interface PortFound extends Tagged {
  readonly id: string;
  readonly name: string;
  readonly networkId: string;
  /** The server that has it; empty where there is none. */
  readonly deviceId: string;
}

export interface SecurityGroupFound extends Tagged {
  readonly id: string;
  readonly name: string;
  readonly rules: readonly RuleFound[];
}

/** A rule for what comes in. */
export interface RuleFound extends IngressRule {
  readonly id: string;
}

export interface ServerGroupFound {
  readonly id: string;
  readonly name: string;
  readonly pool: string;
  readonly number: number;
  readonly token: string;
  readonly serverIds: readonly string[];
}
