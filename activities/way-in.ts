import type { Snapshot } from '../domain/snapshot';
import { ForbiddenError, nova, type CallOptions, type Session } from '../openstack';
import type { DomainsByHost } from './cloud/domains';
import type { SnapshotOf } from './cloud/snapshot';
import type { CloudActivities, WaitActivities } from './ports';
import type { Deadline } from './turn';

/**
 * What depends on whether the worker's role sees and chooses hosts. An *operator* does. A *tenant* is an ordinary member of a project:
 * it sees a hash in the place of a host, and keeps members apart by server groups. Nothing else asks which of them it is: rows
 * of a plan say by themselves how they are launched and verified.
 */
export type As = 'operator' | 'tenant';

export interface WayIn
  extends
    Pick<CloudActivities, 'findDead' | 'findOnHosts' | 'closeHosts' | 'reopenHosts' | 'lookAtClosed'>,
    Pick<WaitActivities, 'unfenceHosts'> {
  /** By what name the record knows the host of a server. Null while it has none. */
  readonly hostOf: (server: nova.Server) => string | null;
  /** Null where servers can be taken over that are in no server group of ours, or else why not. */
  readonly whyNoStrangers: string | null;
  /** Whether the cloud says in which failure domains hosts are. */
  readonly showsDomains: boolean;
  /** Of these keys. Null where none is asked for, or they are not shown. */
  readonly readDomains: (keys: readonly string[], call: CallOptions) => Promise<DomainsByHost | null>;
  /** Hosts that are forced down. None where hosts are not shown. */
  readonly readForcedDown: (call: CallOptions) => Promise<ReadonlySet<string>>;
  /** One moment of the cloud, as far as it is shown. */
  readonly readSnapshot: (of: SnapshotOf, call: CallOptions) => Promise<Snapshot>;
  /** All server groups of a VNF. None where none are made. */
  readonly listServerGroups: (vnf: string, call: CallOptions) => Promise<readonly ServerGroupFound[]>;
  /** Removes those server groups of a VNF that are told to be ours. Without effect where none are made. */
  readonly removeServerGroups: (
    of: {
      readonly vnf: string;
      readonly isOurs: (group: ServerGroupFound) => boolean;
      /** Of the turn that removes them. */
      readonly token: string;
    },
    deadline: Deadline,
  ) => Promise<void>;
}

/** A server group of a VNF, as its name says it. */
export interface ServerGroupFound {
  readonly id: string;
  readonly pool: string;
  readonly number: number;
  readonly token: string;
}

export type Ways = () => Promise<WayIn>;

/** Asked of the cloud where it is not said: a list of compute services is for operators. An answer is kept, a failure is not. */
export function wayIn(session: Session, said: As | 'auto'): () => Promise<As> {
  let known = said === 'auto' ? undefined : said;
  return async () => (known ??= await asked(session));
}

async function asked(session: Session): Promise<As> {
  try {
    await nova.listServices(session);
    return 'operator';
  } catch (error) {
    if (error instanceof ForbiddenError) return 'tenant';
    throw error;
  }
}
