import { z } from 'zod';

/**
 * The embedded cloud's append-only event log: one entry for everything that changed, in the order in which it changed.
 * It is what the checker judges by, so it says what happened and never what was meant. Notes and publications of others
 * stand in the same log, so that there is one order and not two clocks.
 */
const base = {
  /** 1, 2, 3 …: the order. */
  seq: z.number().int().positive(),
  /** Milliseconds since the cloud's start, by the cloud's clock (which may be virtual). */
  at: z.number().nonnegative(),
  /** The `X-Openstack-Request-Id` that the call carried (`req-<token>`), null for what the cloud did by itself. */
  requestId: z.string().nullable(),
};

const serverState = z.enum(['BUILD', 'ACTIVE', 'ERROR', 'SHUTOFF', 'REBUILD']);

const resources = z.object({
  vcpus: z.number(),
  ramMb: z.number(),
  diskGb: z.number(),
  /** Of other resource classes, by class. */
  others: z.record(z.string(), z.number()).optional(),
});

export const eventSchema = z.discriminatedUnion('type', [
  /** A host exists or changed: at the start once for each, then whenever one of the fields changed. `alive` is the truth, `up` is what Nova reports. */
  z.object({
    ...base,
    type: z.literal('host'),
    host: z.string(),
    zone: z.string(),
    alive: z.boolean(),
    up: z.boolean(),
    enabled: z.boolean(),
    forcedDown: z.boolean(),
    disabledReason: z.string().nullable(),
    /** What all its servers together may take. Not said by who does not know. */
    size: resources.optional(),
    /** The failure domains that it is in, by key. Absent: none that anybody has said. */
    domains: z.record(z.string(), z.string()).optional(),
  }),
  z.object({
    ...base,
    type: z.literal('server.created'),
    id: z.string(),
    name: z.string(),
    project: z.string(),
    flavor: z.string(),
    tags: z.array(z.string()),
    portIds: z.array(z.string()),
    requestedHost: z.string().nullable(),
    zone: z.string().nullable(),
    /** What it takes of its host. */
    size: resources.optional(),
  }),
  /** The scheduler gave it a host (`host` null: it was taken off its host again, e.g. ERROR after the late check). */
  z.object({ ...base, type: z.literal('server.placed'), id: z.string(), host: z.string().nullable() }),
  z.object({
    ...base,
    type: z.literal('server.state'),
    id: z.string(),
    state: serverState,
    fault: z.string().nullable(),
  }),
  z.object({ ...base, type: z.literal('server.deleted'), id: z.string() }),
  z.object({
    ...base,
    type: z.literal('port.created'),
    id: z.string(),
    name: z.string(),
    project: z.string(),
    network: z.string(),
    description: z.string(),
    address: z.string(),
  }),
  z.object({ ...base, type: z.literal('port.deleted'), id: z.string() }),
  z.object({
    ...base,
    type: z.literal('securityGroup.created'),
    id: z.string(),
    name: z.string(),
    description: z.string(),
    project: z.string(),
  }),
  z.object({ ...base, type: z.literal('securityGroup.deleted'), id: z.string() }),
  z.object({
    ...base,
    type: z.literal('securityRule.created'),
    id: z.string(),
    group: z.string(),
    project: z.string(),
  }),
  z.object({ ...base, type: z.literal('securityRule.deleted'), id: z.string() }),
  z.object({ ...base, type: z.literal('serverGroup.created'), id: z.string(), name: z.string(), project: z.string() }),
  z.object({ ...base, type: z.literal('serverGroup.deleted'), id: z.string() }),
  z.object({ ...base, type: z.literal('quota'), project: z.string(), resource: z.string(), limit: z.number() }),
  /** A mutating call was refused (4xx or 5xx) and changed nothing. */
  z.object({
    ...base,
    type: z.literal('refused'),
    method: z.string(),
    path: z.string(),
    status: z.number(),
    message: z.string(),
  }),
  /** Who serves, as it was published: accepted ones only (a lower revision and stage is answered and ignored). Names of servers by pool. */
  z.object({
    ...base,
    type: z.literal('published'),
    vnf: z.string(),
    revision: z.number().int(),
    stage: z.union([z.literal(1), z.literal(2)]),
    service: z.record(z.string(), z.array(z.string())),
  }),
  /** Something that an observer (a test, the demo) wrote down: see `checker/story.ts` for the notes that the checker reads. */
  z.object({ ...base, type: z.literal('note'), note: z.unknown() }),
]);

export type CloudEvent = z.infer<typeof eventSchema>;
/** An event before the log has given it its place and time. */
export type CloudChange = CloudEvent extends infer E ? (E extends CloudEvent ? Omit<E, 'seq' | 'at'> : never) : never;
