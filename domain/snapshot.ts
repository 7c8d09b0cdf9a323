/**
 * The cloud as one activity read it at one moment, list calls only. The planner sees nothing else of the world. It is an
 * upper bound on room: others may take what was free.
 */

export interface Resources {
  readonly vcpus: number;
  readonly ramMb: number;
  readonly diskGb: number;
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
}

export type ServerStatus = 'BUILD' | 'ACTIVE' | 'ERROR' | 'SHUTOFF' | 'REBUILD' | 'DELETED' | 'UNKNOWN';

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
export type QuotaResource = 'instances' | 'cores' | 'ram' | 'ports' | 'security_groups' | 'security_group_rules';

export interface FlavorSeen extends Resources {
  readonly id: string;
  readonly name: string;
}

export interface Snapshot {
  readonly hosts: readonly Host[];
  readonly servers: readonly ServerSeen[];
  readonly quotas: Readonly<Partial<Record<QuotaResource, Quota>>>;
  /** By the flavor's name in the descriptor. */
  readonly flavors: Readonly<Record<string, FlavorSeen>>;
}
