import { z } from 'zod';

/**
 * What an observer notes in the cloud's log beside the cloud's own events: what was asked, how it ended, and what the
 * record said of itself. Together with the cloud's events this is all that the checker sees.
 */
export const noteSchema = z.discriminatedUnion('kind', [
  /** Written before a procedure is started. `request` is its input as the caller gave it (the descriptor in full for instantiate). */
  z.object({
    kind: z.literal('request'),
    id: z.string(),
    procedure: z.enum([
      'instantiate',
      'scaleOut',
      'scaleIn',
      'heal',
      'evacuateHost',
      'restoreHost',
      'rebalance',
      'terminate',
      'audit',
      'adopt',
      'capacity',
      'orphans',
    ]),
    /** Absent for evacuateHost and restoreHost. */
    vnf: z.string().optional(),
    request: z.unknown(),
  }),
  /** Written after it ended, as the caller saw it. */
  z.object({
    kind: z.literal('outcome'),
    id: z.string(),
    outcome: z.enum(['completed', 'refused', 'unwound', 'stuck', 'cancelled', 'vanished']),
    /** The failure kind, where there is one. */
    failure: z.string().optional(),
    /** Of a rebalance, by an observer who asks: pools of which it says that it has left members where they must not be, for want of a place. */
    short: z.array(z.string()).optional(),
    /** Of an adopt, by an observer who asks: members that it has taken for dead, since they were not ACTIVE. By name. */
    dead: z.array(z.string()).optional(),
    /** Of an evacuateHost, by an observer who asks: members that it says it has left there, since their VNF has no record. By name. */
    left: z.array(z.string()).optional(),
  }),
  /** By an observer who sees that: its run was reset. Another begins, and what the one before has made is not for that one to clean up. */
  z.object({ kind: z.literal('reset'), id: z.string() }),
  /** The record was seen free, with no debt and no queue (or gone: `exists` false). Everything that it owns, by id. */
  z.object({
    kind: z.literal('settled'),
    vnf: z.string(),
    exists: z.boolean(),
    revision: z.number().int(),
    levels: z.record(z.string(), z.number().int()),
    /** Members in service and failed. */
    members: z.array(
      z.object({
        pool: z.string(),
        ordinal: z.number().int(),
        serverId: z.string(),
        portIds: z.array(z.string()),
        host: z.string(),
        inService: z.boolean(),
      }),
    ),
    securityGroups: z.array(z.string()),
    serverGroups: z.array(z.string()).default([]),
  }),
  /** By an observer who sees that: the record has ended by somebody's hand. What there is then an adopt takes as it finds it, whatever its shares. */
  z.object({ kind: z.literal('recordLost'), vnf: z.string() }),
  /** A VM was broken or taken away by somebody who is not of this story: between two looks at a cloud, that is not seen. */
  z.object({ kind: z.literal('harmed'), vnf: z.string(), serverId: z.string() }),
  /** By an observer who sees that: something of which the cloud's log does not tell stood in the way of those at work, for this VNF or for all. */
  z.object({ kind: z.literal('hindered'), vnf: z.string().optional() }),
  /** A call that bears this id had stayed inside of the cloud, and is carried out now, when nobody waits for it any more. */
  z.object({ kind: z.literal('late'), requestId: z.string() }),
  /** The run whose calls bear this id looks at the cloud, to plan: what it was not told before, its plan does not know. */
  z.object({ kind: z.literal('planned'), requestId: z.string() }),
  /** An act of a demo or a test begins: verdicts may be asked for the part of the log from here. */
  z.object({ kind: z.literal('act'), name: z.string() }),
]);

export type Note = z.infer<typeof noteSchema>;
