/** A defect, as one replacement in one file of the product. The text must be there once: a mutant that no longer fits is said, not skipped. */
export interface Mutant {
  readonly name: string;
  readonly what: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
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
    from: `  await turn.channel.done({ token: turn.ref.token, outcome: 'completed' });
}`,
    to: `}`,
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
    from: `  if (commit.n <= turn.commits) return { state, answer: { ok: true } };
  if (commit.n !== turn.commits + 1)
    return refuse(\`commit \${String(commit.n)} came before commit \${String(turn.commits + 1)}\`);
  const wrong = whatIsWrong(state, commit);
`,
    to: `  const wrong = commit.n <= turn.commits ? null : whatIsWrong(state, commit);
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
];
