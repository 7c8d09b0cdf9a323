import { z } from 'zod';
import type { Misfit } from './adopt';
import { countOf, patternsOf, starsMax, type Match } from './adopt/match';
import type { Finding } from './audit';
import type { Capacity } from './explain/capacity';
import type { Explanation } from './explain/explanation';
import type { FailureKind } from './failure';
import type { UnrecordedVnf } from './orphans';
import type { MemberRef } from './plan';
import { shown } from './shown';

/**
 * The procedures as a caller sees them: one JSON object in, a typed result or a failure of a known kind out. The same
 * schemas serve the workflows (which trust no caller), the client library and the command line.
 */

/** A DNS label of at most 20 characters: it is part of server names (63), tags (60) and workflow ids. */
export const vnfSchema = z
  .string({ error: 'give the id of a VNF, e.g. "ims1"' })
  .regex(/^[a-z]([a-z0-9-]{0,18}[a-z0-9])?$/, {
    error:
      'a VNF id is 1 to 20 lower-case letters, digits and hyphens, beginning with a letter and not ending with a hyphen, e.g. "ims1"',
  });

/** Names have bounds: what is longer than any real one would not fit into a run's search attributes (2,048 bytes). */
const name = (error: string, longest: number) => z.string({ error }).min(1, { error }).max(longest, { error });
const poolSchema = name('give the name of a pool, e.g. "sprout"', 63);
const levelSchema = z
  .number({ error: 'give the new level as a whole number, e.g. 9' })
  .int({ error: 'a level is a whole number' })
  .min(1, { error: 'a level is at least 1; to remove a VNF use terminate' });
/** The length that Nova allows. */
const hostSchema = name('give the name of a compute host, e.g. "cmp-03"', 255);
/** Each is locked by a child of its own; a whole zone at once is no evacuation any more. */
const hostsMax = 100;
const hostsSchema = z
  .array(hostSchema, { error: 'give the hosts as a list, e.g. ["cmp-03"]' })
  .min(1, { error: 'give at least one host, e.g. ["cmp-03"]' })
  .max(hostsMax, { error: `at most ${String(hostsMax)} hosts at once; the others in runs of their own` });

const flagSchema = z.boolean({ error: 'give true or false' });
const waitError = { error: 'give a whole number from 1 to 86400' } as const;
const waitSchema = z.number(waitError).int(waitError).min(1, waitError).max(86_400, waitError);

/** An unknown key is said with its beginning, and of very many the first. */
const keysShown = { most: 3, length: 40 } as const;

/** An object that has no other keys, and says which it has where it is given others, or is none. */
function keysOf<T extends z.ZodRawShape>(shape: T) {
  const names = Object.keys(shape);
  const there = names.length === 0 ? 'it has none' : `keys are ${names.join(', ')}`;
  return z.strictObject(shape, {
    error: ({ code, keys }) => {
      if (code !== 'unrecognized_keys') return `give one JSON object; ${there}`;
      const all = keys as readonly string[];
      const said = all.slice(0, keysShown.most).map((key) => shown(key).slice(0, keysShown.length));
      const more = all.length > said.length ? ` and ${String(all.length - said.length)} more` : '';
      return `unknown key${all.length === 1 ? '' : 's'} ${said.join(', ')}${more}; ${there}`;
    },
  });
}

const common = {
  /** What to do while another run holds the turn. */
  ifBusy: z.enum(['wait', 'refuse'], { error: '"wait" (in order, the default) or "refuse"' }).default('wait'),
  /** How long to wait for the turn. */
  waitSeconds: waitSchema.default(3_600),
  /** Plan only: says what would happen and touches nothing. */
  dryRun: flagSchema.default(false),
};

const memberRefSchema = z
  .string({ error: 'give members by name, e.g. "ims1-sprout-7"' })
  // More digits would not be exact, and a leading zero would be another name of the same member.
  .regex(/^[a-z0-9-]{1,80}-[1-9][0-9]{0,8}$/, {
    error: 'a member is named <vnf>-<pool>-<ordinal>, e.g. "ims1-sprout-7"',
  });

/** More than any pool's spare allows on a caller's word. */
const membersMax = 1_000;

const memberListSchema = z
  .array(memberRefSchema, { error: 'give members as a list, e.g. ["ims1-sprout-7"]' })
  .max(membersMax, { error: `at most ${String(membersMax)} members at once` });
const membersSchema = (none: string) => memberListSchema.min(1, { error: none });
const ontoError = {
  error: `give by pool the hosts, at most ${String(membersMax)}, e.g. {"sprout": ["cmp-03"]}`,
} as const;

/** The descriptor itself, or the name of one that the worker knows (`"clearwater"`). */
const descriptorError = {
  error: 'give a descriptor as an object, or the name of one in descriptors/, e.g. "clearwater"',
} as const;
const descriptorSchema = z.union(
  [z.string().min(1, descriptorError).max(255, descriptorError), z.record(z.string(), z.unknown())],
  descriptorError,
);

const causeSchema = z.enum(['failed', 'maintenance'], {
  error: '"failed" (the host is dead) or "maintenance" (it is to be emptied)',
});

/** As long as a name, or a tag, in Nova. */
const patternSchema = z
  .string({ error: 'give a pattern, e.g. "old-{pool}-{ordinal}"' })
  .min(1, { error: 'give a pattern, e.g. "old-{pool}-{ordinal}"' })
  .max(255, { error: 'no name in Nova is longer than 255 characters' })
  .refine((pattern) => pattern.split('*').length - 1 <= starsMax, {
    error: `a pattern has at most ${String(starsMax)} of *`,
  });

const matchError = {
  error: 'give {"namePattern": "old-{pool}-{ordinal}"} or {"tags": ["role={pool}", "index={ordinal}"]}',
} as const;

const matchSchema = z
  .union(
    [
      z.strictObject({ namePattern: patternSchema }),
      z.strictObject({ tags: z.array(patternSchema).min(1, matchError).max(10, { error: 'at most 10 tags' }) }),
    ],
    matchError,
  )
  .superRefine((match: Match, context) => {
    // That nothing is said has been said.
    if (patternsOf(match).every((pattern) => pattern === '')) return;
    for (const key of ['pool', 'ordinal'] as const)
      if (countOf(match, key) !== 1)
        context.addIssue({
          code: 'custom',
          message: `say once where the ${key} stands: {${key}}; ${patternsOf(match).join(', ')} says it ${String(countOf(match, key))} times`,
        });
  });

export const procedureInputs = {
  instantiate: keysOf({ vnf: vnfSchema, descriptor: descriptorSchema, ...common }),
  scaleOut: keysOf({
    vnf: vnfSchema,
    pool: poolSchema,
    to: levelSchema,
    strict: flagSchema.default(false),
    ...common,
  }),
  scaleIn: keysOf({
    vnf: vnfSchema,
    pool: poolSchema,
    to: levelSchema,
    /** Who is to leave; the others are chosen. */
    members: membersSchema('name at least one member, or leave members out: then all who leave are chosen').optional(),
    strict: flagSchema.default(false),
    ...common,
  }),
  heal: keysOf({
    vnf: vnfSchema,
    /** Members that the caller knows to be dead; without it, those that the cloud shows dead. */
    members: membersSchema(
      'name at least one member, or leave members out: then those that the cloud shows dead are healed',
    ).optional(),
    ...common,
  }),
  evacuateHost: keysOf({
    hosts: hostsSchema,
    cause: causeSchema,
    /** The caller's word that the host cannot come back by itself. */
    fenced: flagSchema.default(false),
    /** Also where so many hosts of a zone would have failed at once that it is more likely the network. */
    force: flagSchema.default(false),
    ...common,
  }),
  restoreHost: keysOf({
    hosts: hostsSchema,
    /** How long to wait until a host is up. */
    waitSeconds: waitSchema.default(60),
    dryRun: common.dryRun,
  }),
  /** Started by evacuateHost for each VNF on the hosts. */
  evacuateVnf: keysOf({
    vnf: vnfSchema,
    hosts: hostsSchema,
    cause: causeSchema,
    fenced: flagSchema.default(false),
    /** Members that the cloud has on the hosts and the record elsewhere: other hands have moved them there. */
    foundThere: memberListSchema.optional(),
    /** Places that were found for it beside the other VNFs on these hosts: a host for each new member, by pool. */
    onto: z.record(poolSchema, z.array(hostSchema, ontoError).max(membersMax, ontoError), ontoError).optional(),
    ...common,
  }),
  /** Of what is on wrong hosts, as the cloud shows it. */
  rebalance: keysOf({ vnf: vnfSchema, strict: flagSchema.default(false), ...common }),
  terminate: keysOf({ vnf: vnfSchema, ...common }),
  audit: keysOf({
    vnf: vnfSchema,
    /** Takes a turn, and mends what is surely ours. Without it, and in a dry run, it only says what it has found. */
    repair: flagSchema.default(false),
    ...common,
  }),
  /** Of the whole project; it only looks, and takes no turn. */
  orphans: keysOf({}),
  adopt: keysOf({
    vnf: vnfSchema,
    descriptor: descriptorSchema,
    /** Servers that were made by other means, and which members they are to be. */
    match: matchSchema.optional(),
    ...common,
  }),
  /** Only looks, and takes no turn. */
  capacity: keysOf({
    vnf: vnfSchema,
    /** Of a VNF that is yet to be instantiated. */
    descriptor: descriptorSchema.optional(),
  }),
} as const;

export type ProcedureInputs = { [K in keyof typeof procedureInputs]: z.input<(typeof procedureInputs)[K]> };
export type ParsedInputs = { [K in keyof typeof procedureInputs]: z.output<(typeof procedureInputs)[K]> };

export type Levels = Readonly<Record<string, { readonly from: number; readonly to: number }>>;

/** A member as a result names it. */
export interface NamedMember extends MemberRef {
  readonly name: string;
  readonly host: string;
}

/** What a completed run of instantiate, scaleOut, scaleIn, heal, rebalance, evacuateVnf and terminate returns. */
export interface ProcedureResult {
  readonly outcome: 'completed';
  readonly procedure: string;
  readonly vnf: string;
  /** The record's revision after the last commit. */
  readonly revision: number;
  readonly levels: Levels;
  readonly launched: readonly NamedMember[];
  readonly removed: readonly NamedMember[];
  /** Failed members that Nova has evacuated, with the host that they are on now: the same servers, ports and addresses. */
  readonly evacuated: readonly NamedMember[];
  /** How often a plan was overtaken by the world and made anew. */
  readonly replans: number;
  /** Restoring what fits is not restoring all: what is still missing, in words, after a host's death. */
  readonly short: readonly {
    readonly pool: string;
    readonly missing: number;
    /** Absent in results of earlier releases. */
    readonly kind?: FailureKind;
    readonly reason: string;
  }[];
  /** Pools that one more host's death would leave short. */
  readonly notRestorable: readonly string[];
  /** A cancel that came after the pivot: the run finished forward all the same. */
  readonly cancelIgnored: boolean;
}

export interface EvacuateHostResult {
  readonly outcome: 'completed';
  readonly procedure: 'evacuateHost';
  readonly hosts: readonly string[];
  readonly cause: 'failed' | 'maintenance';
  readonly vnfs: readonly ProcedureResult[];
  /** VMs on the hosts that are not ours, by id: left alone. */
  readonly foreign: Readonly<Record<string, readonly string[]>>;
  /** VMs on the hosts that are tagged as members of VNFs which have no record, by name: nobody moves them either. */
  readonly unrecorded: Readonly<Record<string, readonly string[]>>;
  /** A cancel that came after the last pivot: the run finished forward all the same. */
  readonly cancelIgnored: boolean;
}

export interface RestoreHostResult {
  readonly outcome: 'completed';
  readonly procedure: 'restoreHost';
  readonly hosts: readonly string[];
  /** Hosts that we had closed and that are open to scheduling now. The others were open before. */
  readonly opened: readonly string[];
  /** Of those, the ones that we had forced down as well. */
  readonly unforced: readonly string[];
}

/** What a dry run of restoreHost returns. */
export interface RestoreHostPlan extends Omit<RestoreHostResult, 'outcome'> {
  readonly outcome: 'planned';
  /** Closed by us and not up, so that they are not opened. Of a host that is forced down nobody can tell before it is no longer. */
  readonly down: readonly string[];
}

/** What an audit returns, also where it has found nothing. */
export interface AuditResult {
  readonly outcome: 'completed';
  readonly procedure: 'audit';
  readonly vnf: string;
  /** Of the record that the cloud was compared with. */
  readonly revision: number;
  /** Whether it was to repair. */
  readonly repair: boolean;
  readonly findings: readonly Finding[];
  /** Findings beyond those that are listed. */
  readonly more: number;
  /** Of the findings, those that a repair has mended. */
  readonly repaired: readonly Finding[];
  /** What a repair could not mend, by id, where the cloud said why. */
  readonly refused: Readonly<Record<string, string>>;
  /** Runs at work on the VNF, by workflow id: what is theirs was not judged. */
  readonly atWork: readonly string[];
  /** False: the record changed under every look, so that a finding may be of what was just being done. */
  readonly steady: boolean;
}

/** What orphans returns, also where there are none. */
export interface OrphansResult {
  readonly outcome: 'completed';
  readonly procedure: 'orphans';
  readonly unrecorded: readonly UnrecordedVnf[];
}

/** What capacity returns. */
export interface CapacityResult extends Capacity {
  readonly outcome: 'completed';
  readonly procedure: 'capacity';
}

/** A member as adopt names it. */
export interface AdoptedNamed extends NamedMember {
  readonly serverId: string;
  /** What the cloud calls its server: its own name, which stays. */
  readonly server: string;
  /** False: it was not ACTIVE, and waits for its replacement. */
  readonly inService: boolean;
}

/** What adopt returns: completed, or what a dry run would do. */
export interface AdoptResult {
  readonly outcome: 'completed' | 'planned';
  readonly procedure: 'adopt';
  readonly vnf: string;
  readonly revision: number;
  readonly levels: Levels;
  readonly members: readonly AdoptedNamed[];
  readonly misfits: readonly Misfit[];
  /** Misfits beyond those that are listed. */
  readonly more: number;
}

/** What a dry run returns: what the run would do, were nothing to change meanwhile. */
export interface DryRunResult {
  readonly outcome: 'planned';
  readonly procedure: string;
  readonly vnf: string;
  readonly levels: Levels;
  readonly launches: readonly NamedMember[];
  /** Failed members that Nova would evacuate, each to the host that is named: they neither leave nor are launched. */
  readonly evacuates: readonly NamedMember[];
  /** Everybody who would be removed. */
  readonly leaves: readonly string[];
  /** Those of them that are dead and go before anything is launched, where room or quota leave no other way. */
  readonly deletesFirst: readonly string[];
  /** What would find no place, as in the result of the run. */
  readonly short: ProcedureResult['short'];
  /** This is the first of several turns: the others take up what it leaves short, when those that leave have made room. */
  readonly more: boolean;
  /** Of evacuateHost: the quota does not carry its VNFs all at once, and they would move one after another. */
  readonly oneByOne?: true;
  readonly toTheLetter: boolean;
  readonly notRestorable: readonly string[];
  /** Host by host, of each VNF that is concerned. */
  readonly explanations: Readonly<Record<string, Explanation>>;
}

/**
 * How a run that did not complete ended, in `details` of its failure: `refused` touched nothing, `unwound` is back where
 * it began, `stuck` needs a person.
 */
export type FailedOutcome = 'refused' | 'unwound' | 'stuck';

export const taskQueues = {
  workflows: 'bulkhead',
  cloud: 'bulkhead-cloud',
  wait: 'bulkhead-wait',
  drain: 'bulkhead-drain',
  watch: 'bulkhead-watch',
} as const;

/** Custom search attributes that every run of a procedure carries. */
export const searchAttributes = {
  VnfId: 'Keyword',
  Pool: 'Keyword',
  Phase: 'Keyword',
  Host: 'KeywordList',
  Outcome: 'Keyword',
} as const;
