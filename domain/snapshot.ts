/**
 * The cloud as one activity read it at one moment, list calls only. The planner sees nothing else of the world. It is an
 * upper bound on room: others may take what was free.
 */

export interface Resources {
  readonly vcpus: number;
  readonly ramMb: number;
  readonly diskGb: number;
  /**
   * Amounts of other resource classes, by class (`PCPU`, `VGPU`, `CUSTOM_FPGA`): of a flavor what it asks for, of a host what is free of those
   * that some flavor of the descriptor asks for. Absent: none.
   */
  readonly others?: Readonly<Record<string, number>>;
}

export interface Host {
  readonly name: string;
  readonly zone: string;
  /** Nova's service state. `down` is never proof that a host is dead. */
  readonly up: boolean;
  /** Open to scheduling (not disabled). */
  readonly enabled: boolean;
  /** What is free now, as Placement would grant it (ratios, reserved and others' VMs accounted for). */
  readonly free: Resources;
  /** Flavors, by name, that Placement does not offer it for although it has the room: it lacks a trait that they ask for, or has one that they forbid. */
  readonly notFor?: readonly string[];
  /**
   * The failure domains that it is in, by their keys, of those that the descriptor names: `{rack: 'r1'}`. A key is missing where no aggregate of
   * the host says it, and where two say different things.
   */
  readonly domains?: Readonly<Record<string, string>>;
}

export type ServerStatus = 'BUILD' | 'ACTIVE' | 'ERROR' | 'SHUTOFF' | 'REBUILD' | 'DELETED' | 'UNKNOWN';

/** Of such a server nobody is served, whatever becomes of it. */
export function isDeadStatus(status: string): boolean {
  return status === 'ERROR' || status === 'SHUTOFF' || status === 'DELETED';
}

/** A server that bears the VNF's tag, whether the record knows it or not. */
export interface ServerSeen {
  readonly serverId: string;
  readonly name: string;
  readonly pool: string;
  readonly ordinal: number;
  readonly token: string;
  readonly status: ServerStatus;
  /** Absent while it is not scheduled, and when scheduling failed. */
  readonly host?: string;
}

export interface Quota {
  /** -1 in OpenStack (no limit) is Infinity's stand-in here: `Number.MAX_SAFE_INTEGER`. */
  readonly limit: number;
  readonly used: number;
}

/** Resources that quota limits, in OpenStack's words. */
export type QuotaResource =
  | 'instances'
  | 'cores'
  | 'ram'
  | 'ports'
  | 'security_groups'
  | 'security_group_rules'
  | 'server_groups'
  /** Of each group: none is ever used as a whole. */
  | 'server_group_members';

/** What a server of it takes of its host, as Nova asks Placement for it. */
export interface FlavorSeen extends Resources {
  readonly id: string;
  readonly name: string;
  /** What it counts in the quotas of these names, whatever it takes of its host. Absent: its `vcpus` and `ramMb`. */
  readonly quota?: { readonly cores: number; readonly ram: number };
}

/** A server group of the VNF: the cloud puts no two of its servers on one host, but cannot be asked for a host. */
export interface ServerGroupSeen {
  readonly id: string;
  readonly pool: string;
  readonly number: number;
  /** Also those in ERROR, which are on no host. */
  readonly serverIds: readonly string[];
}

/**
 * What stands in the place of hosts for who may not see them. A host is known by its `hostId` where a server of ours is on it, and
 * what room there is nobody knows until it is tried.
 */
export interface TenantView {
  readonly zones: readonly string[];
  readonly groups: readonly ServerGroupSeen[];
}

export interface Snapshot {
  /** None where `tenant` is set. */
  readonly hosts: readonly Host[];
  /** Set where hosts cannot be seen and chosen. */
  readonly tenant?: TenantView;
  readonly servers: readonly ServerSeen[];
  readonly quotas: Readonly<Partial<Record<QuotaResource, Quota>>>;
  /** By the flavor's name in the descriptor. */
  readonly flavors: Readonly<Record<string, FlavorSeen>>;
}
