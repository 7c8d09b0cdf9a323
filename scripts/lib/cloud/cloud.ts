import type { As } from '../../../activities';
import type { Guarantee } from '../../../checker';
import type { Note } from '../../../checker/story';
import type { CloudEvent } from '../../../simulator/events';

/** All that a stack needs of a cloud. */
export interface CloudForWorkers {
  /** What a worker is told of it: where it is, who we are there, and who is told who serves. */
  readonly workerEnv: Readonly<Record<string, string>>;
  readonly stop: () => Promise<void>;
}

/**
 * A cloud that the product is played on: how a worker reaches it, what is seen of it, and what fate does to it there. The embedded
 * one and real ones have the same face, so that whatever is played on the one is played on the other.
 */
export interface CloudUnderTest extends CloudForWorkers {
  /** For people: `the embedded OpenStack (12 hosts in mz, 4 in dmz)`. */
  readonly title: string;
  /** What the product is there. */
  readonly as: As;
  /** Ends when the cloud is as an act needs it: whole, but for what was done to it on purpose. */
  readonly settled: () => Promise<void>;
  readonly feed: Feed;
  readonly fate: Fate;
  /** The log's name for a host that the product speaks of: to a tenant, hosts are hashes. */
  readonly hostNamed: (seen: string) => Promise<string>;
  /** For people: whose word on hosts the log has. `the tenant itself sees them`. */
  readonly hostsAs: string;
  /** Guarantees of which nothing is known between two looks, since the cloud does not say what it does. Empty where it does. */
  readonly sampled: readonly Guarantee[];
  /** Said when all is put back and nothing is left; empty where that goes without saying. */
  readonly leaves: string;
  /**
   * Undoes what fate did (quotas, hosts), removes what is left of the VNF where somebody stopped in the middle, and looks. Says
   * what could not be put back, or is left: a sentence each. The workers are to be stopped before.
   */
  readonly putBack: (vnf: string) => Promise<readonly string[]>;
}

/** What happened, in order: the cloud's changes, what was published, and what an observer noted. The checker judges by it. */
export interface Feed {
  readonly note: (note: Note) => Promise<void>;
  /** The whole log, in order. */
  readonly log: () => Promise<readonly CloudEvent[]>;
  /** The last event's place in the log; 0 when it is empty. */
  readonly lastSeq: () => Promise<number>;
}

/** Each says in a sentence what was really done, where that is less than its name says; empty where it is not. */
export interface Fate {
  readonly killServer: (id: string) => Promise<string>;
  /** Ends when the cloud's own operator would know it. */
  readonly killHost: (host: string) => Promise<string>;
  /** Is told before a procedure closes a host to scheduling, so that it is opened again in the end. */
  readonly willClose: (host: string) => Promise<void>;
  /** While `body` runs, the quota of instances carries one more than there are. Null: nobody here may set it. */
  readonly withQuotaForOneMore: (<T>(body: () => Promise<T>) => Promise<T>) | null;
  /** While `body` runs, no new member of the pool comes to anything. */
  readonly withEveryTrySpoilt: <T>(of: { vnf: string; pool: string }, body: () => Promise<T>) => Promise<T>;
  /** How the tries are spoilt, for people. */
  readonly spoiling: string;
}
