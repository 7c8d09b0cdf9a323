import { patched, workflowInfo } from '@temporalio/workflow';
import type { AdoptedMember, Adoption } from '../../domain/adopt';
import { memberName } from '../../domain/names';
import type { ChangeRequest } from '../../domain/plan';
import type { AdoptResult, Levels } from '../../domain/procedures';
import type { Group, Member, Service } from '../../domain/record';
import type { Ask, Commit, Publication } from '../../domain/turn';
import { openChannel, type Channel } from '../channel';
import { parseInput } from '../input';
import { cloud, record as recordPort } from '../ports';
import { mark, say } from '../progress';
import type { Step, Table, Turn } from '../run';
import { commitOnce } from '../steps/commit';
import { groupsMade } from '../steps/groups';
import { published } from '../steps/settle';
import { untilAlone } from './alone';
import { change, marked } from './change';
import { refuseExisting } from './instantiate';

/**
 * Makes the record of a VNF whose members are there already. `{"vnf": "ims1", "descriptor": "clearwater"}` rebuilds one from what bears
 * its tags, where Temporal's database is lost; with `"match": {"namePattern": "old-{pool}-{ordinal}"}` or `{"tags": […]}` it takes over
 * servers that were made by other means.
 *
 * What is at work for a former record has to end first. It changes nothing about a server but its tags. The record is started first, with the ask, as by instantiate.
 */
export async function adopt(raw: unknown): Promise<AdoptResult> {
  const input = parseInput('adopt', raw);
  const { vnf, match, ifBusy, waitSeconds } = input;
  const procedure = 'adopt';
  mark({ vnf, phase: 'asking' });
  return await marked(async () => {
    const channel = openChannel(vnf);
    const descriptor = await recordPort().loadDescriptor({ descriptor: input.descriptor });
    const wanted = { vnf, descriptor, match };
    if (input.dryRun) {
      await refuseExisting(vnf);
      const timing = await recordPort().readTiming();
      const adoption = await cloud(timing).survey.executeWithOptions({ summary: `what ${vnf} is made of` }, [wanted]);
      return ended({ ...resultOf(vnf, adoption), outcome: 'planned' });
    }
    if (patched('adopt-alone')) await untilAlone(input, workflowInfo().startTime);
    const ask: Ask = { ...channel.self, procedure, class: 'normal', ifBusy };
    await recordPort().startRecord({ vnf, descriptor, ask });
    const wish = { procedure, class: 'normal', ifBusy, waitSeconds, sent: true } as const;
    const taken: Taken = { adoption: undefined };
    const table = adoptTable(channel, taken, match);
    const { revision } = await change({ procedure, vnf, channel, wish, table, request: () => nothing });
    if (!taken.adoption) throw new Error('it has completed without a survey');
    return told({ ...resultOf(vnf, taken.adoption), revision });
  });
}

/** It plans nothing. */
const nothing: ChangeRequest = { kind: 'replaceMembers', members: [] };

/** What the steps tell one another. */
interface Taken {
  adoption: Adoption | undefined;
}

/**
 * | step | undo |
 * | --- | --- |
 * | survey | nothing to undo |
 * | security groups that there are not yet, and their rules | those that this turn has made are removed |
 * | our tags and marks on what was made by other means | they are taken off again |
 * | commit: levels, who serves, groups | the pivot |
 * | report dead who is not ACTIVE; publish | |
 *
 * Nothing bears this turn's token but the groups, so that no clean-up behind a run that vanished touches a server: what it has tagged
 * by then is found by the next adopt.
 */
function adoptTable(channel: Channel, taken: Taken, match: Parameters<Survey>[0]['match']): Table {
  const surveyed: Step = {
    name: 'survey',
    action: async (turn) => {
      const { vnf, record } = turn;
      taken.adoption = await cloud(turn.timing).survey.executeWithOptions({ summary: `what ${vnf} is made of` }, [
        { turn: turn.ref, vnf, descriptor: record.descriptor, match },
      ]);
    },
  };
  const groups: Step = {
    ...groupsMade,
    undo: (turn) => removeMade(turn, { keep: [], seconds: turn.timing.undoSeconds }),
    // A person who is told of others would take away what the members use.
    sought: ({ record, ref }) => ({ tokens: [ref.token], madePools: record.descriptor.pools.map(({ name }) => name) }),
  };
  const tagged: Step = {
    name: 'tag',
    action: async (turn) => {
      await markMembers(turn, { taken, marked: true });
      // A create that got no answer may have had its effect after its repeat looked for it.
      if (turn.doubtfulGroups) await removeMade(turn, { keep: turn.groups.map(({ id }) => id) });
    },
    undo: (turn) => markMembers(turn, { taken, marked: false }),
  };
  const committed: Step = {
    name: 'commit',
    action: async (turn) => {
      const pools: Commit['pools'] = {};
      for (const [name, { level, nextOrdinal, members }] of Object.entries(known(taken).pools))
        pools[name] = { level, nextOrdinal, enter: members.map(recorded), leave: [] };
      const all: Group[] = [...turn.groups, ...known(taken).groups.filter(({ apart }) => apart !== undefined)];
      await commitOnce(turn, { pools, groups: all });
    },
  };
  const buried: Step = {
    name: 'report the dead',
    action: async () => {
      const members = membersOf(known(taken))
        .filter(({ isDead }) => isDead)
        .map(({ pool, ordinal }) => ({ pool, ordinal }));
      if (members.length > 0) await channel.bury({ members, evidence: 'seen' });
    },
  };
  return { back: [surveyed, groups, tagged], pivot: committed, forward: [buried, livingPublished(taken)] };
}

/**
 * The dead are in the commit, and leave service by a message that the record publishes by itself. What this run publishes may come before
 * that: then nobody who is dead enters service for as long.
 */
function livingPublished(taken: Taken): Step {
  return {
    ...published,
    action: async (turn) => {
      if (turn.committed)
        turn.committed = { ...turn.committed, publication: livingIn(turn.committed.publication, taken) };
      await published.action(turn);
    },
  };
}

function livingIn({ revision, during, after }: Publication, taken: Taken): Publication {
  const dead = membersOf(known(taken)).filter(({ isDead }) => isDead);
  const living = (service: Service): Service =>
    Object.fromEntries(
      Object.entries(service).map(([pool, ordinals]) => [
        pool,
        ordinals.filter((ordinal) => !dead.some((each) => each.pool === pool && each.ordinal === ordinal)),
      ]),
    );
  return { revision, during: living(during), after: living(after) };
}

type Survey = ReturnType<typeof cloud>['survey'];

function known({ adoption }: Taken): Adoption {
  if (!adoption) throw new Error('a step came before the survey');
  return adoption;
}

function membersOf({ pools }: Adoption): AdoptedMember[] {
  return Object.values(pools).flatMap(({ members }) => members);
}

function recorded({ pool, ordinal, serverId, portIds, host, domain, token }: Member): Member & { portIds: string[] } {
  return { pool, ordinal, serverId, portIds: [...portIds], host, ...(domain !== undefined && { domain }), token };
}

/** Groups that were there before are the VNF's, and its members use them: only those go that this turn has made. */
async function removeMade(
  { ref, vnf, record, timing }: Turn,
  { keep, seconds }: { readonly keep: readonly string[]; readonly seconds?: number },
): Promise<void> {
  const pools = record.descriptor.pools.map(({ name }) => name);
  const ports = seconds === undefined ? cloud(timing) : cloud(timing, { retrySeconds: seconds });
  await ports.removeGroups.executeWithOptions({ summary: 'remove groups that this turn has made' }, [
    { turn: ref, vnf, groups: { ids: [], pools, keep, token: ref.token }, timing },
  ]);
}

/** In one activity; each takes a few calls. */
const membersPerMark = 10;

async function markMembers(
  turn: Turn,
  { taken, marked }: { readonly taken: Taken; readonly marked: boolean },
): Promise<void> {
  const { ref, vnf, timing } = turn;
  const members = taken.adoption ? membersOf(taken.adoption).filter(({ isNew }) => isNew) : [];
  const ports = marked ? cloud(timing) : cloud(timing, { retrySeconds: timing.undoSeconds });
  for (let from = 0; from < members.length; from += membersPerMark) {
    const part = members.slice(from, from + membersPerMark).map(recorded);
    await ports.markMembers.executeWithOptions(
      { summary: `${marked ? 'tag' : 'undo: take the tags off'} ${String(part.length)} servers` },
      [{ turn: ref, vnf, members: part, marked, timing }],
    );
  }
}

/** As many as a person reads. */
const misfitsMax = 200;

function resultOf(vnf: string, adoption: Adoption): AdoptResult {
  const levels: Levels = Object.fromEntries(
    Object.entries(adoption.pools).map(([pool, { level }]) => [pool, { from: 0, to: level }]),
  );
  return {
    outcome: 'completed',
    procedure: 'adopt',
    vnf,
    revision: 0,
    levels,
    members: membersOf(adoption).map(({ pool, ordinal, host, serverId, server, isDead }) => ({
      pool,
      ordinal,
      host,
      name: memberName(vnf, pool, ordinal),
      serverId,
      server,
      inService: !isDead,
    })),
    misfits: adoption.misfits.slice(0, misfitsMax),
    more: Math.max(0, adoption.misfits.length - misfitsMax),
  };
}

function ended(result: AdoptResult): AdoptResult {
  mark({ phase: 'ended', outcome: 'completed' });
  return told(result);
}

/** In the Web UI. */
function told(result: AdoptResult): AdoptResult {
  const { vnf, outcome, members, misfits, more, levels } = result;
  const sizes = Object.entries(levels).map(([pool, { to }]) => `${pool} ${String(to)}`);
  say(
    `adopt of ${vnf} **${outcome}**: ${[...sizes, `${String(members.length)} members`, `${String(misfits.length + more)} that do not fit`].join('; ')}`,
  );
  return result;
}
