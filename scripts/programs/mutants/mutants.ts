import type { Property } from './properties';

/** A defect, as one replacement in one file of the product. The text must be there once: a mutant that no longer fits is said, not skipped. */
export interface Mutant {
  readonly name: string;
  readonly what: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
  /** The property that tells of it. Left out where a fault brings it to light. */
  readonly property?: Property;
}

export const mutants: readonly Mutant[] = [
  {
    name: 'undo-late',
    what: 'an undo is registered after its action, and not before',
    file: 'workflows/run.ts',
    from: `      if (step.undo) registered.unshift(step);
      say(progress(table, turn, step.name));
      await step.action(turn);
`,
    to: `      say(progress(table, turn, step.name));
      await step.action(turn);
      if (step.undo) registered.unshift(step);
`,
  },
  {
    name: 'no-look-before-create',
    what: 'a repeated launch does not look for what the attempt before it made',
    file: 'activities/cloud/launch.ts',
    from: 'const found = isRepeat() ? await lookAround(work) : nothingFound;',
    to: 'const found = isRepeat() && input.rows.length < 0 ? await lookAround(work) : nothingFound;',
  },
  {
    name: 'late-anti-affinity-ignored',
    what: 'a member on another host than planned is taken for healthy',
    file: 'activities/wait/awaitHealthy.ts',
    from: 'host !== null && together === undefined && host !== member.host && !leaving.includes(host)',
    to: 'host !== null && together === undefined && host !== member.host && leaving.includes(host)',
  },
  {
    name: 'done-never-sent',
    what: 'a run that completes does not say so to the record',
    file: 'workflows/run.ts',
    from: `  const isTold = await told(turn, { outcome: 'completed' });`,
    to: `  const isTold = true as boolean;`,
  },
  {
    name: 'undo-cancellable',
    what: 'unwinding runs in the scope that was cancelled',
    file: 'workflows/run.ts',
    from: 'await CancellationScope.nonCancellable(() => unwind(registered, turn, reason));',
    to: 'await unwind(registered, turn, reason);',
  },
  {
    name: 'commit-twice',
    what: 'a commit that is sent again is applied again',
    file: 'workflows/record/state.ts',
    from: `  if (commit.n <= turn.commits) return { state: before, answer: { ok: true } };
  if (commit.n !== turn.commits + 1)
    return refuse(\`commit \${String(commit.n)} came before commit \${String(turn.commits + 1)}\`);
  const state = asFound(before, commit);
  const wrong = whatIsWrong(state, commit);
`,
    to: `  const state = asFound(before, commit);
  const wrong = commit.n <= turn.commits ? null : whatIsWrong(state, commit);
`,
  },
  {
    name: 'heartbeat-on-launch',
    what: 'what changes the cloud has a heartbeat time-out: its repeat begins while it is at work',
    file: 'workflows/ports.ts',
    from: 'startToCloseTimeout: timing.mutateSeconds * 1_000,\n',
    to: "startToCloseTimeout: timing.mutateSeconds * 1_000,\n    heartbeatTimeout: '5s',\n",
  },
  {
    name: 'delete-by-name',
    what: 'the undo deletes what is named like the VNF, whoever made it',
    file: 'activities/cloud/remove.ts',
    from: 'const servers = listed.filter((server) => readTags(server.tags).token === token);',
    to: 'const servers = listed.filter((server) => server.name.startsWith(vnf));',
  },
  {
    name: 'cap-rounded-up',
    what: 'a share that is no whole number of members is rounded up',
    file: 'domain/levels.ts',
    from: 'return (numerator - (numerator % denominator)) / denominator;',
    to: 'return Math.ceil(numerator / denominator);',
    property: {
      file: 'test/domain/levels.test.ts',
      name: 'spare is the floor of the exact product, whatever floats make of it',
    },
  },
  {
    name: 'zone-ignored-for-surges',
    what: 'what is launched beside whom it replaces goes to any zone',
    file: 'domain/placement/spread.ts',
    from: '.filter((host) => unusable(ground, host, task.pool) === null)',
    to: ".filter((host) => [null, ...(task.out.size > 0 ? ['WrongZone'] : [])].includes(unusable(ground, host, task.pool)))",
    property: {
      file: 'test/domain/placement.test.ts',
      name: 'every plan for one pool keeps shares, zones and room, whatever order its VMs come up in, and ends with the members asked for',
    },
  },
  {
    name: 'racks-ignored',
    what: 'new members go into a failure domain that has its share',
    file: 'domain/placement/spread.ts',
    from: 'isOpen: (domain: string | null): boolean => domain === null || left(domain) > 0,',
    to: 'isOpen: (domain: string | null): boolean => domain === null || left(domain) > -Infinity,',
    property: {
      file: 'test/domain/placement.test.ts',
      name: 'every plan for one pool keeps shares, zones and room, whatever order its VMs come up in, and ends with the members asked for',
    },
  },
  {
    name: 'room-double-counted',
    what: 'the room that one pool takes is promised to the next one, too',
    file: 'domain/placement/pools.ts',
    from: 'const planned = planOne(here, record, task, budget);',
    to: 'const planned = planOne(copyOf(here), record, task, budget);',
    property: {
      file: 'test/domain/placement.test.ts',
      name: 'plans for several pools on the same hosts keep every share, and do not promise the same room twice',
    },
  },
];
