import type { Adoption } from '../domain/adopt';
import type { Match } from '../domain/adopt/match';
import type { Finding } from '../domain/audit';
import type { Capacity } from '../domain/explain/capacity';
import type { UnrecordedVnf } from '../domain/orphans';
import type { Descriptor } from '../domain/descriptor/descriptor';
import type { Together } from '../domain/placement/together';
import type { ChangeRequest, LaunchRow, MemberRef, Onto, Plan, ServerGroupRef } from '../domain/plan';
import type { Group, Member, Shares, VnfRecord } from '../domain/record';
import type { Leftover } from '../domain/stuck';
import type { Timing } from '../domain/timing';
import type { Ask, Publication, RecordRead, RunRef, TurnRef } from '../domain/turn';

/**
 * What the workflows call. Types only: workflows see this file and never an implementation. Grouped by the task queue
 * that serves them. Failures are ApplicationFailures whose type is a FailureKind; those that a repeat may mend
 * (`CloudUnavailable`) are retryable, all others are not.
 */

/** Task queue `bulkhead`, also callable as local activities: they speak to Temporal, not to the cloud. */
export interface RecordActivities {
  /** The record's status, without what only onlookers want. Throws UnknownVnf where none runs. */
  readRecord(input: { vnf: string }): Promise<RecordRead>;
  /** Parses a descriptor given inline, or by the name of a file in `descriptors/`. Throws InvalidRequest with every problem. */
  loadDescriptor(input: { descriptor: unknown }): Promise<Descriptor>;
  /**
   * Starts the record of a new VNF with the ask as its first, and the schedule of its audits. Throws AlreadyExists where one runs that
   * was not started by this very run.
   */
  startRecord(input: { vnf: string; descriptor: Descriptor; ask: Ask }): Promise<void>;
  /**
   * Procedures of the VNF that are at work, at most 20, by workflow id, without the one that asks and adopts that were started from `before` on (ms
   * since 1970); and until when (ms since 1970) an activity of one that was ended by force may be at work.
   */
  readFormerRuns(input: { vnf: string; before: number }): Promise<{ workflowIds: string[]; lateUntil: number }>;
  /** The pace and time-outs that this worker was configured with, for runs that hold no turn. */
  readTiming(): Promise<Timing>;
  /** Those of these VNFs of which no record runs. */
  withoutRecord(input: { vnfs: readonly string[] }): Promise<string[]>;
  /** Takes away the schedule of a VNF's audits. Without effect where there is none. */
  unscheduleAudits(input: { vnf: string }): Promise<void>;
}

export interface PlanInput {
  readonly turn: TurnRef;
  readonly record: VnfRecord;
  readonly request: ChangeRequest;
  readonly launched?: readonly Member[];
  readonly avoidHosts?: readonly string[];
  readonly stranded?: readonly MemberRef[];
  readonly oneChange?: boolean;
  readonly strict?: boolean;
  readonly fullGroups?: readonly ServerGroupRef[];
  /** Say why, too: for a dry run. */
  readonly tell?: boolean;
}

/** One member that a launch was asked for. */
export type LaunchResult =
  | {
      readonly ok: true;
      readonly member: Member;
      /** An earlier attempt may have made more, which the cloud shows only later: to be looked for before the commit. */
      readonly doubtful?: boolean;
    }
  | {
      readonly ok: false;
      readonly ref: MemberRef;
      readonly kind: 'QuotaExceeded' | 'MemberFailed' | 'CloudUnavailable';
      readonly message: string;
      readonly doubtful?: boolean;
      /** What may be left of it: to be removed by id. */
      readonly serverId?: string;
      readonly portIds: readonly string[];
    };

export interface LaunchInput {
  readonly turn: TurnRef;
  readonly vnf: string;
  readonly pool: Descriptor['pools'][number];
  readonly networks: Descriptor['networks'];
  /** The security group of the pool. */
  readonly groupId: string | null;
  /** Of the rows that have a group. */
  readonly serverGroups?: readonly Group[];
  readonly rows: readonly LaunchRow[];
  readonly timing: Timing;
}

export interface GroupsMade {
  readonly groups: Group[];
  /** An earlier attempt may have made more, which the cloud shows only later: to be looked for before the commit. */
  readonly doubtful: boolean;
}

/** What was seen of one member when it was healthy, or why it never will be. */
export type HealthResult =
  | { readonly ok: true; readonly ref: MemberRef; readonly host: string }
  | {
      readonly ok: false;
      readonly ref: MemberRef;
      /** `NotFound`: the cloud found no host for it, and it is on none. Said to who cannot choose hosts. */
      readonly kind: 'AntiAffinityViolated' | 'MemberFailed' | 'QuotaExceeded' | 'NotFound';
      /** Where it is, where it is anywhere. */
      readonly host: string | null;
      readonly message: string;
    };

/** Whether Nova has taken the evacuation of a member in hand, or why it never will. */
export type EvacuationResult =
  { readonly ok: true } | { readonly ok: false; readonly kind: 'MemberFailed'; readonly message: string };

/** What must not be in the cloud any more. */
export interface Sought {
  /** Whatever bears one of these: servers, ports and server groups. */
  readonly tokens?: readonly string[];
  /** These servers and their ports. */
  readonly members?: readonly Pick<Member, 'pool' | 'ordinal' | 'serverId' | 'portIds'>[];
  /** Security groups and server groups by id. */
  readonly groupIds?: readonly string[];
  /** Security groups and server groups of these pools, by name and mark. */
  readonly pools?: readonly string[];
  /** Of the security groups of these pools those that bear one of `tokens`. */
  readonly madePools?: readonly string[];
}

/** Task queue `bulkhead-cloud`: short calls. All but `plan` and those that find change the cloud, and none has a heartbeat time-out. */
export interface CloudActivities {
  /** Reads one snapshot and plans on it. A refusal is thrown as its kind. */
  plan(input: PlanInput): Promise<Plan>;
  /** Reads one snapshot, and says what the VNF can be on it. Without members: what an instantiate of its descriptor would make. */
  capacity(input: { record: VnfRecord }): Promise<Capacity>;
  /** Finds or creates the security groups and rules of a VNF (named `<vnf>-<pool>`). */
  createGroups(input: { turn: TurnRef; vnf: string; descriptor: Descriptor; timing: Timing }): Promise<GroupsMade>;
  /** Makes server groups of one per host, or finds those that an earlier attempt made. */
  createServerGroups(input: {
    turn: TurnRef;
    vnf: string;
    groups: readonly ServerGroupRef[];
    timing: Timing;
  }): Promise<GroupsMade>;
  /** Up to ten members: ports in one request, servers five at once. Finds its own work first when it is a repeat. A result for each row, in order. */
  launch(input: LaunchInput): Promise<LaunchResult[]>;
  /**
   * Nova's evacuate for each member, from the host that the record has it on to the host named. A repeat finds what is under way or
   * done. Throws HostNotFenced where a host that they are to leave is up again. A result for each move, in order.
   */
  evacuate(input: {
    turn: TurnRef;
    vnf: string;
    moves: readonly { readonly member: Member; readonly to: string }[];
    timing: Timing;
  }): Promise<EvacuationResult[]>;
  /**
   * Deletes servers and their ports until the cloud no longer shows them. By id; `orphans` also by the name and token of
   * launches whose fate is unknown. In their order, or as the shares have it. Succeeds where nothing is left to delete.
   */
  remove(
    input: {
      turn: TurnRef;
      vnf: string;
      members: readonly Member[];
      orphans?: readonly MemberRef[];
      timing: Timing;
    } & Partial<Shares>,
  ): Promise<void>;
  /** Everything that bears this turn's token and is not in `keep`: ports, then servers, until two lists agree. The undo of all launches. */
  removeByToken(
    input: {
      turn: TurnRef;
      vnf: string;
      token: string;
      keep: readonly string[];
      /** Server groups that are the record's, or are about to be. */
      keepGroups?: readonly string[];
      timing: Timing;
    } & Partial<Shares>,
  ): Promise<{ nextOrdinals: Record<string, number> }>;
  /**
   * Deletes security groups and server groups by id, and those of these pools by name and mark, but for those to `keep`: what no reply
   * has told the id of.
   */
  removeGroups(input: {
    turn: TurnRef;
    vnf: string;
    groups: {
      ids: readonly string[];
      pools: readonly string[];
      keep?: readonly string[];
      /** Of the pools' groups only those that this turn has made. */
      token?: string;
      /**
       * The tokens of a VNF that never came to be. Where servers or ports of it bear others it was there before, and waits to be adopted: then
       * of the pools' groups only those go that bear one of these.
       */
      unborn?: readonly string[];
    };
    timing: Timing;
  }): Promise<void>;
  /**
   * Lists what the cloud has of a VNF and compares it with the record, at most `findingsMax` of it told, what a repair acts on first.
   * Reads only. `inHand`: tokens of runs at work that are not in the record's debts.
   */
  compare(input: { record: VnfRecord; inHand: readonly string[] }): Promise<{ findings: Finding[]; more: number }>;
  /**
   * Deletes by id what takes no place: rules, security groups, server groups; makes the rules that `lacking.ids`, security groups of the
   * record's, do not have; puts their tags back on members that have lost them. What is in use, or is refused, stays as it is, and what may be
   * another VNF's is left alone: both are told with the reason.
   */
  repair(input: {
    turn: TurnRef;
    vnf: string;
    rules: readonly string[];
    securityGroups: readonly string[];
    serverGroups: readonly string[];
    lacking?: { descriptor: Descriptor; groups: readonly Group[]; ids: readonly string[] };
    untagged?: readonly Member[];
    timing: Timing;
  }): Promise<{ id: string; why: string }[]>;
  /** All VNFs that anything in the project says it is of. Reads only. */
  findVnfs(): Promise<string[]>;
  /** What the project has of these, at most `findingsMax` things told, all counted. Reads only. */
  findOrphans(input: { vnfs: readonly string[] }): Promise<UnrecordedVnf[]>;
  /** What a record can be made of. Reads only. Throws InvalidRequest where it cannot. A dry run has no turn. */
  survey(input: { turn?: TurnRef; vnf: string; descriptor: Descriptor; match?: Match | undefined }): Promise<Adoption>;
  /**
   * Gives servers and their ports that were made by other means our tags and marks, or (`marked` false) takes them off again. Throws InvalidRequest
   * where another VNF's are on one of them, also where they came at the same time: never do two VNFs get through with one server.
   */
  markMembers(input: {
    turn: TurnRef;
    vnf: string;
    members: readonly Member[];
    marked: boolean;
    timing: Timing;
  }): Promise<void>;
  /** What is there still of what was to be gone. Changes nothing. Nothing is left where two looks in a row find nothing. */
  findLeft(input: { vnf: string; sought: Sought; timing: Timing }): Promise<Leftover[]>;
  /** Both stages, in order. */
  publish(input: { turn: TurnRef; vnf: string; publication: Publication }): Promise<void>;
  /**
   * Which members of the record the cloud shows dead: ERROR, gone, off, or on a host that is forced down. With `hosts`, of those that live only
   * who is there, as the cloud shows it; with `fence` as it will when these have been forced down.
   */
  findDead(input: {
    vnf: string;
    record: VnfRecord;
    members?: readonly MemberRef[];
    hosts?: readonly string[];
    fence?: boolean;
  }): Promise<{ dead: MemberRef[]; alive: MemberRef[] }>;
  /**
   * Ours and others' servers on hosts. Throws InvalidRequest for a host that does not exist; with `brake` also where so many hosts of a
   * zone would have failed at once that it is more likely the network.
   */
  findOnHosts(input: { hosts: readonly string[]; brake?: boolean }): Promise<HostContents[]>;
  /**
   * Closes hosts to scheduling, marked `bulkhead:<occurrence>`. With `fence`: forces them down too, marked as well. Says which this
   * occurrence has changed.
   */
  closeHosts(input: {
    hosts: readonly string[];
    occurrence: string;
    fence: boolean;
    timing: Timing;
  }): Promise<{ closed: string[]; fenced: string[] }>;
  /** Opens hosts again that this occurrence closed (by their mark), and no others, nor what is marked as forced down. Null: any of ours. */
  reopenHosts(input: { hosts: readonly string[]; occurrence: string | null; timing: Timing }): Promise<void>;
  /**
   * Which of these hosts we have closed, and forced down, and which of the closed are down by themselves. Throws InvalidRequest where somebody else
   * has done either.
   */
  lookAtClosed(input: {
    hosts: readonly string[];
    /** Refuses nothing of those, and tells of any that is forced down: whoever reopens a host takes the mark off, and the force may stay. */
    alsoOthers?: boolean;
  }): Promise<{ closed: string[]; fenced: string[]; down: string[] }>;
  /** Plans all VNFs of the hosts on one snapshot, so that each finds a place beside the others; of a maintenance throws a refusal where not all do. Null: there are none. */
  planEmptyHosts(input: {
    hosts: readonly string[];
    cause: 'failed' | 'maintenance';
    /** The caller's word that what has failed is dead for good: members that survive it are evacuated. */
    fenced?: boolean;
    records: readonly VnfRecord[];
    tell?: boolean;
  }): Promise<EmptyHostsPlanned | null>;
}

export interface EmptyHostsPlanned {
  /** By VNF, where they are asked for. */
  readonly plans?: Readonly<Record<string, Plan>>;
  /** By VNF, of a maintenance: the places that were found for all of them together, also where one moves in several turns. */
  readonly onto?: Readonly<Record<string, Onto>>;
  /** The quota carries one VNF after another, and not all at once. */
  readonly oneByOne?: true;
}

export interface HostContents {
  readonly host: string;
  readonly up: boolean;
  readonly enabled: boolean;
  /** Members of VNFs, by VNF. */
  readonly vnfs: Readonly<Record<string, readonly MemberRef[]>>;
  /** Servers that bear no tag of ours: reported, never touched. */
  readonly foreign: readonly string[];
}

/** Task queue `bulkhead-wait`: long, heartbeating. */
export interface WaitActivities {
  /**
   * Waits until each member has been ACTIVE on its planned host for `healthyAfterSeconds`, or can no longer be. One list
   * call a tick for all. A result for each member, in order. `leaving`: the members were made by earlier turns and are evacuated off
   * these hosts, which say nothing of them any more; one that arrives switched off is started.
   */
  awaitHealthy(input: {
    turn: TurnRef;
    vnf: string;
    members: readonly Member[];
    leaving?: readonly string[];
    healthyAfterSeconds: Readonly<Record<string, number>>;
    bootTimeoutSeconds: number;
    /** By pool, where the plan has no hosts: what is verified in their place. */
    together?: Readonly<Record<string, Together>>;
    timing: Timing;
  }): Promise<HealthResult[]>;
  /**
   * Takes back that hosts are forced down, of those that this occurrence has forced (null: any of ours), as soon as Nova agrees, and
   * with `untilUp` waits until they are up. Ends when all is done or the time is over, and says which are forced down still, and which are not up.
   */
  unfenceHosts(input: {
    hosts: readonly string[];
    occurrence: string | null;
    /** Forced down by this occurrence without a mark: somebody else had disabled them. */
    alsoUnmarked: readonly string[];
    untilUp: boolean;
    forSeconds: number;
    timing: Timing;
  }): Promise<{ forced: string[]; down: string[] }>;
}

/** Task queue `bulkhead-drain`: they only wait, and for hours; on the queue of the waits many of them would let nobody boot. */
export interface DrainActivities {
  /** Lets members finish what they serve. Until drain commands come this is their descriptor's time. */
  drain(input: {
    turn: TurnRef;
    vnf: string;
    members: readonly Member[];
    drainSeconds: number;
    timing: Timing;
  }): Promise<void>;
}

/** Task queue `bulkhead-watch`: slots of its own, or watches would fill those of everything else. */
export interface WatchActivities {
  /** Returns when the run has closed; not found is closed. An empty run id is the latest run of that workflow id. */
  watch(input: RunRef): Promise<'closed' | 'notFound'>;
}

export interface Activities
  extends RecordActivities, CloudActivities, WaitActivities, DrainActivities, WatchActivities {}
