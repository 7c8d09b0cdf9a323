import axios, { type AxiosInstance } from 'axios';
import type { Note } from '../../checker/story';
import type { CloudEvent } from '../../simulator/events';
import { serverGroupIds } from '../../domain/record';
import type { RecordView } from '../../domain/turn';

/**
 * Looks at the embedded cloud, and does to it what fate does to a real one. Nothing of the product goes this way: it is
 * for the demo, the tests and the benchmarks.
 */
export interface Observer {
  readonly note: (note: Note) => Promise<void>;
  /** The whole event log, in order. */
  readonly log: () => Promise<CloudEvent[]>;
  /** The last event's place in the log; 0 when it is empty. */
  readonly lastSeq: () => Promise<number>;
  /** The OpenStack calls that the cloud got: since its start, and most at once and within any one second since that was last forgotten. */
  readonly calls: () => Promise<Calls>;
  readonly forgetMostCalls: () => Promise<void>;
  readonly setHost: (host: string, change: { alive: boolean }) => Promise<void>;
  /** `host`: as if somebody had migrated it there. */
  readonly setServer: (
    server: string,
    change: { readonly state: 'ERROR' | 'SHUTOFF' } | { readonly host: string },
  ) => Promise<void>;
  readonly addFault: (fault: Readonly<Record<string, unknown>>) => Promise<void>;
  readonly clearFaults: () => Promise<void>;
  readonly setQuota: (quota: { project?: string; resource: string; limit: number }) => Promise<void>;
}

export interface Calls {
  readonly calls: number;
  readonly atOnceMost: number;
  readonly perSecondMost: number;
}

/** The log is read in pieces of this many events. */
const pageSize = 5_000;

export function observe(cloudUrl: string): Observer {
  const http: AxiosInstance = axios.create({ baseURL: `${cloudUrl}/bulkhead`, timeout: 30_000, proxy: false });
  let known: CloudEvent[] = [];
  const log = async (): Promise<CloudEvent[]> => {
    for (;;) {
      const after = known.at(-1)?.seq ?? 0;
      const { data } = await http.get<{ events: CloudEvent[] }>('/log', { params: { after, limit: pageSize } });
      if (data.events.length === 0) return known;
      known = known.concat(data.events);
    }
  };
  return {
    note: async (note) => {
      await http.post('/notes', { note });
    },
    log,
    lastSeq: async () => (await log()).at(-1)?.seq ?? 0,
    calls: async () => (await http.get<Calls>('/calls')).data,
    forgetMostCalls: async () => {
      await http.delete('/calls');
    },
    setHost: async (host, change) => {
      await http.post(`/hosts/${encodeURIComponent(host)}`, change);
    },
    setServer: async (server, change) => {
      await http.post(`/servers/${encodeURIComponent(server)}`, change);
    },
    addFault: async (fault) => {
      await http.post('/faults', fault);
    },
    clearFaults: async () => {
      await http.delete('/faults');
    },
    setQuota: async (quota) => {
      await http.put('/quotas', quota);
    },
  };
}

/** The note for a record that is free and owes nothing; `view` is null where there is no record any more. */
export function settledNote(vnf: string, view: RecordView | null): Note {
  if (view === null)
    return {
      kind: 'settled',
      vnf,
      exists: false,
      revision: 0,
      levels: {},
      members: [],
      securityGroups: [],
      serverGroups: [],
    };
  const members = Object.values(view.pools).flatMap((pool) => [
    ...pool.inService.map((member) => ({ member, inService: true })),
    ...pool.failed.map((member) => ({ member, inService: false })),
  ]);
  return {
    kind: 'settled',
    vnf,
    exists: true,
    revision: view.revision,
    levels: Object.fromEntries(Object.entries(view.pools).map(([name, pool]) => [name, pool.level])),
    members: members.map(({ member: { pool, ordinal, serverId, portIds, host }, inService }) => ({
      pool,
      ordinal,
      serverId,
      portIds: [...portIds],
      host,
      inService,
    })),
    securityGroups: view.groups.filter((group) => group.apart === undefined).map((group) => group.id),
    serverGroups: serverGroupIds(view.groups),
  };
}
