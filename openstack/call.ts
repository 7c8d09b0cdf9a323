import type { z } from 'zod';
import type { Gate, Lane } from './gate';
import type { Wire } from './wire';

/** What a call to a service is, and what holds for all calls of a session. */

export type Service = 'identity' | 'compute' | 'placement' | 'network' | 'image' | 'orchestration';

export interface CallOptions {
  /** Sent as `X-Openstack-Request-Id` (`req-…`): OpenStack logs it as the global request id. */
  readonly requestId?: string;
  /** The whole time, from the call to its answer: waiting for a place among the concurrent ones included. */
  readonly timeoutMs?: number;
  /** With whom it waits for its turn; `change` where nothing is said. */
  readonly lane?: Lane;
  /** Gives up. What has been sent by then may have its effect all the same. */
  readonly signal?: AbortSignal;
}

export interface Call<T> extends CallOptions {
  readonly service: Service;
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below the service's endpoint, with a leading slash. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;
  readonly body?: unknown;
  /** What the answer must look like. Absent: the body is of no interest. */
  readonly reply?: z.ZodType<T>;
}

export interface CallInfo {
  readonly service: Service;
  readonly method: string;
  readonly path: string;
  readonly status: number | null;
  readonly milliseconds: number;
}

export interface SessionOptions {
  /** For a cloud in the same process. */
  readonly wire?: Wire;
  /** For calls that say nothing else: 20 s. */
  readonly timeoutMs?: number;
  /** How many calls may be under way at once, where no gate is given. */
  readonly concurrent?: number;
  /** What every request passes: by it others may set limits, and change them. */
  readonly gate?: Gate;
  /** Credentials go over plain http to loopback only, unless this is set. */
  readonly allowPlainHttp?: boolean;
  readonly onCall?: (info: CallInfo) => void;
  /** Milliseconds: by which a token's life is counted. */
  readonly now?: () => number;
}

/** By their ids in Keystone. A region is null where the catalog gives it none. */
export interface Place {
  readonly projectId: string;
  readonly region: string | null;
}

export interface Session {
  readonly cloud: string;
  readonly call: <T = undefined>(call: Call<T>) => Promise<T>;
  readonly projectId: () => Promise<string>;
  /** Which project's servers it sees, and of which region. */
  readonly place: () => Promise<Place>;
  /** Whether the token has the role that sees hosts and may name them. */
  readonly isAdmin: () => Promise<boolean>;
}
