/** What a VNF is: the declarative file (YAML or JSON), after parsing and after every check of `parse.ts`. */

/**
 * How many members of a pool may be lost together with one host: a count (`2`), a share of the level (`"34%"`, `"1/3"`;
 * rounded down, at least 1), both (the smaller), or `none` for what is not redundant.
 */
export type Spare = 'none' | { readonly count?: number; readonly share?: Share };

/** An exact rational: floats get 29 % of 100 wrong. */
export interface Share {
  readonly numerator: number;
  readonly denominator: number;
}

/**
 * Hosts that fail together, as those of one rack or one power feed: an outer failure domain, which nests the hosts. A host is in the one
 * that the value of `key` names in the metadata of its host aggregates, e.g. `rack=r1`.
 */
export interface FailureDomain {
  readonly key: string;
  /** How many members of the pool may be lost together with one such domain. */
  readonly spare: Exclude<Spare, 'none'>;
}

export interface SecurityRule {
  readonly protocol: 'tcp' | 'udp' | 'icmp';
  /** First and last port; absent for icmp. One port: both the same. */
  readonly ports?: readonly [number, number];
  /** Who may send: `any`, a CIDR (`10.0.0.0/8`), or the name of a pool of this VNF. */
  readonly from: string;
}

export interface Pool {
  readonly name: string;
  /** What the members do, in the field's words: `I/S-CSCF`. For people only. */
  readonly role: string;
  /** The placement zone: a Nova availability zone. */
  readonly zone: string;
  readonly size: { readonly min: number; readonly initial: number; readonly max: number };
  readonly spare: Spare;
  /** Absent: hosts fail alone. */
  readonly failureDomain?: FailureDomain;
  readonly flavor: string;
  readonly image: string;
  /** Names of the descriptor's networks; a member gets one port on each, in this order. */
  readonly networks: readonly string[];
  readonly securityRules: readonly SecurityRule[];
  /** Pools that must be in service before this one is launched. */
  readonly dependsOn: readonly string[];
  /** How long ACTIVE must hold before a member counts as healthy. */
  readonly healthyAfterSeconds: number;
  /** How long a planned departure goes on serving what it has, out of service for what is new. */
  readonly drainSeconds: number;
  /** How long a member may take from its create to ACTIVE. */
  readonly bootTimeoutSeconds: number;
  /** One membership change at a turn (stores with their own quorum). */
  readonly serial: boolean;
  readonly recover: 'replace' | 'evacuate';
  /** What to do at levels below ceil(1/share), where no placement keeps the share. */
  readonly belowShare: 'refuse' | 'onePerHost';
}

export interface Descriptor {
  readonly name: string;
  readonly description: string;
  /** The name by which pools refer to a network -> the name of the Neutron network that exists in the cloud. */
  readonly networks: Readonly<Record<string, { readonly network: string }>>;
  /** In the file's order. */
  readonly pools: readonly Pool[];
}

/** What of a pool may be lost together. */
export type Sharing = Pick<Pool, 'spare' | 'failureDomain'>;

/** The keys of all failure domains that its pools keep to. */
export function failureDomainKeys({ pools }: Pick<Descriptor, 'pools'>): readonly string[] {
  return [...new Set(pools.flatMap(({ failureDomain }) => failureDomain?.key ?? []))].sort();
}
