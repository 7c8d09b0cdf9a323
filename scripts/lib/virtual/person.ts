import { ApplicationFailure } from '@temporalio/common';
import { readMarks, readTags } from '../../../domain/names';
import { runQuery, type Leftover, type RunView, type StuckAnswer, type StuckView } from '../../../domain/stuck';
import { ConflictError, neutron, nova, UnavailableError, type Session } from '../../../openstack';
import { emitHost, type Host } from '../../../simulator/model';
import { isSettled } from '../settled';
import type { Ended } from './ended';
import type { Answer } from './faults';
import type { Run } from './temporal';
import type { UpdateAnswer } from './updates';
import { isQuiet, type Procedure, type World } from './world';

/**
 * Who is called at night: finds the runs that are stuck, answers them all in the same way, and says what does not come out as docs/stuck.md
 * has it.
 */
export interface Person {
  /** A run that waits for an answer. Undefined where none does. */
  readonly wanted: () => Run | undefined;
  readonly attend: (run: Run) => Promise<void>;
  /** The steps in which runs were stuck, in order. */
  readonly steps: readonly string[];
  /** Once the run has ended: what becomes of what it left. True where the VNF is terminated after that, and was more than to be adopted. */
  readonly looksAfter: () => Promise<boolean>;
  readonly wasBlocked: () => boolean;
  readonly problems: readonly string[];
}

export interface PersonOptions {
  readonly world: World;
  readonly vnf: string;
  /** One of its pools. */
  readonly pool: string;
  readonly answer: Answer;
  /** What was in the way is in the way no longer. */
  readonly mend: () => void;
  /** Until then the cloud cannot even be read. */
  readonly isBlind: boolean;
  readonly isConcerned: (workflowId: string) => boolean;
}

/** As long as it waits by itself, and as long as it takes to say so. */
const waitsMs = 3_600_000;
const slackMs = 1_000;
/** Longer than calls are late, and workers away. */
const againMs = 300_000;
/** More than calls in a row are lost. */
const triesByHand = 10;

export function personOf({ world, vnf, pool, answer, mend, isBlind, isConcerned }: PersonOptions): Person {
  const steps: string[] = [];
  const problems: string[] = [];
  const seen = new Set<string>();
  /** The last stuck run that the record knew: what others leave no record cleans up. */
  let last: Known | undefined;
  let wasBlocked = false;

  const wanted = (): Run | undefined =>
    [...world.temporal.runs.values()].find(
      (run) => run.status === 'RUNNING' && isConcerned(run.workflowId) && isNew(run, stuckIn(run)),
    );
  const isNew = (run: Run, view: StuckView | null): boolean => view !== null && !seen.has(keyOf(run, view));

  const told = async (run: Run, what: StuckAnswer, takes: (said: UpdateAnswer) => boolean): Promise<UpdateAnswer> => {
    const step = stuckIn(run)?.step ?? '';
    const said = await world.tell(run, what);
    if (!takes(said)) problems.push(`${run.workflowId}, stuck in ${step}, was told ${what} and said ${saidIn(said)}`);
    return said;
  };

  /** Where the cloud, or every worker, was away, what is left could not be looked at: then it is told again, once. */
  const toldToSkip = async (run: Run, takes: (said: UpdateAnswer) => boolean): Promise<UpdateAnswer> => {
    const isUnseen = (said: UpdateAnswer): boolean => refusedAs(said) === 'CloudUnavailable';
    const said = await told(run, 'skip', (each) => takes(each) || isUnseen(each));
    if (!isUnseen(said)) return said;
    await world.pass(againMs);
    return await told(run, 'skip', takes);
  };

  const skipped = async (run: Run, view: StuckView): Promise<void> => {
    if (!view.may.includes('skip')) {
      await told(run, 'skip', (said) => refusedAs(said) === 'InvalidRequest');
      mend();
      await told(run, 'retry', isTaken);
      return;
    }
    const first = await toldToSkip(run, (said) => isTaken(said) || refusedAs(said) === 'Stuck');
    if (isTaken(first)) return;
    const left = leftIn(first);
    if (left.length === 0) problems.push(`a skip of ${view.step} was refused, and nothing was said to be left`);
    try {
      await world.done('it is cleaned by hand', cleanByHand(world, left));
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
      // Others use it still: it goes when they have gone.
      mend();
      await told(run, 'retry', isTaken);
      return;
    }
    await toldToSkip(run, isTaken);
  };

  const attend = async (run: Run): Promise<void> => {
    const view = stuckIn(run);
    if (!view) return;
    if (answer === 'retried' && steps.length > 0) problems.push(`${run.workflowId} is stuck again in ${view.step}`);
    seen.add(keyOf(run, view));
    steps.push(view.step);
    const { turn, debts } = world.viewOf(vnf) ?? { turn: null, debts: [] };
    const known = [turn, ...debts].find((each) => each?.runId === run.runId);
    if (known) last = { token: known.token, owes: debts.some(({ token }) => token === known.token) };
    switch (answer) {
      case 'retried':
        mend();
        await told(run, 'retry', isTaken);
        return;
      case 'skipped':
        await skipped(run, view);
        return;
      case 'givenUp':
      case 'blocked':
        await told(run, 'giveUp', isTaken);
        return;
      case 'unanswered': {
        const isStill = (): boolean => {
          const now = stuckIn(run);
          return now !== null && keyOf(run, now) === keyOf(run, view);
        };
        const stuckAt = world.time.now();
        world.temporal.whenClosed(run, () => {
          if (world.time.now() - stuckAt < waitsMs - slackMs)
            problems.push(`${run.workflowId} has not waited an hour for an answer`);
        });
        world.time.after(waitsMs + slackMs, () => {
          // What it undoes after that takes as long as it takes.
          if (isStill()) problems.push(`${run.workflowId} waits for an answer for more than an hour`);
        });
      }
    }
  };

  const looksAfter = async (): Promise<boolean> => {
    wasBlocked = last !== undefined && (await isBlocked(world, vnf));
    if (!last || !wasBlocked) return false;
    const wasAdopting = world.viewOf(vnf)?.phase === 'adopting';
    problems.push(...(await problemsWhereBlocked({ world, vnf, pool, mend, isBlind, last })));
    return !wasAdopting;
  };

  return { wanted, attend, looksAfter, steps, problems, wasBlocked: () => wasBlocked };
}

/** What a person is asked there. Null: nothing. */
export function stuckIn(run: Run): StuckView | null {
  if (run.status !== 'RUNNING') return null;
  return (run.execution.query(runQuery) as RunView | undefined)?.stuck ?? null;
}

export function keyOf(run: Run, { step, retries }: StuckView): string {
  return [run.runId, step, retries].join(' ');
}

function isTaken(said: UpdateAnswer): boolean {
  return 'result' in said;
}

/** The kind of failure; undefined where it was not refused, or by nobody's intent. */
function refusedAs(said: UpdateAnswer): string | undefined {
  return 'error' in said && said.error instanceof ApplicationFailure ? (said.error.type ?? undefined) : undefined;
}

function leftIn(said: UpdateAnswer): readonly Leftover[] {
  if (!('error' in said && said.error instanceof ApplicationFailure)) return [];
  return (said.error.details?.[0] as { left?: readonly Leftover[] } | undefined)?.left ?? [];
}

function saidIn(said: UpdateAnswer): string {
  return 'error' in said ? `${said.error.name}: ${said.error.message}` : JSON.stringify(said.result);
}

/** By id what is said to be left, and nothing else: servers first, then their ports, then groups. What gets no answer is asked for again. */
async function cleanByHand({ cloud, operator, time, note }: World, left: readonly Leftover[]): Promise<void> {
  const of = (wanted: Leftover['kind']): string[] => left.filter(({ kind }) => kind === wanted).map(({ id }) => id);
  const aMinute = (): Promise<void> =>
    new Promise((resolve) => {
      time.after(60_000, resolve);
    });
  const removed = async (remove: (session: Session, id: string) => Promise<unknown>, id: string): Promise<void> => {
    for (let tries = 1; ; tries += 1) {
      try {
        await remove(operator, id);
        return;
      } catch (error) {
        if (!(error instanceof UnavailableError) || tries >= triesByHand) throw error;
        await aMinute();
      }
    }
  };
  for (const serverId of of('server')) {
    const { vnf } = readTags(cloud.servers.get(serverId)?.tags ?? []);
    if (vnf !== undefined) note({ kind: 'harmed', vnf, serverId });
    await removed(nova.deleteServer, serverId);
  }
  // Nova is asked for it, and does it when it can.
  await aMinute();
  for (const id of of('port')) await removed(neutron.deletePort, id);
  for (const id of of('securityGroup')) await removed(neutron.deleteSecurityGroup, id);
  for (const id of of('serverGroup')) await removed(nova.deleteServerGroup, id);
  const set = (name: string, state: Partial<Pick<Host, 'enabled' | 'forcedDown'>>): void => {
    const host = cloud.hosts.get(name);
    if (host) emitHost(cloud, Object.assign(host, state), null);
  };
  for (const name of of('closedHost')) set(name, { enabled: true });
  for (const name of of('forcedDownHost')) set(name, { forcedDown: false });
}

/** Whether what cleans up behind a run has failed for good. It has not where there was nothing to clean up. */
async function isBlocked(world: World, vnf: string): Promise<boolean> {
  const isBusy = (): boolean => {
    const view = world.viewOf(vnf);
    return view !== null && view.blocked === null && !isSettled(view);
  };
  await world.until('it is cleaned up, or cannot be', () => !isBusy());
  return world.viewOf(vnf)?.blocked != null;
}

/** Of a run that the record knows. */
interface Known {
  readonly token: string;
  /** It has committed, and not paid. */
  readonly owes: boolean;
}

interface Blocked extends Pick<PersonOptions, 'world' | 'vnf' | 'pool' | 'mend' | 'isBlind'> {
  readonly last: Known;
}

/**
 * Three clean-ups have failed: the debt stays in the record, and only audit and terminate get turns. When the cloud is mended, terminate
 * leaves nothing; of a VNF that was to be adopted, and was not, all that was there before.
 */
async function problemsWhereBlocked({ world, vnf, pool, mend, isBlind, last }: Blocked): Promise<string[]> {
  const problems: string[] = [];
  const { debts = [], phase } = world.viewOf(vnf) ?? {};
  const before = [...world.cloud.servers.keys(), ...world.cloud.ports.keys()];
  const serving = serviceIn(world, vnf);
  if (last.owes && !debts.some(({ token }) => token === last.token))
    problems.push(`what ${last.token} owed is in the record no longer`);
  const expect = async (
    procedure: Procedure,
    input: object,
    wanted: Pick<Ended, 'outcome' | 'kind'>,
  ): Promise<void> => {
    const ended = await world.run(procedure, { vnf, ...input });
    if (ended.outcome !== wanted.outcome || ended.kind !== wanted.kind)
      problems.push(`${procedure} of a blocked VNF: ${JSON.stringify(ended)}`);
  };
  const kind = phase === 'terminating' ? 'UnknownVnf' : 'Stuck';
  await expect('scaleOut', { pool, to: 20 }, { outcome: 'refused', kind });
  await expect('audit', {}, isBlind ? { outcome: 'refused', kind: 'CloudUnavailable' } : { outcome: 'completed' });
  mend();
  await expect('audit', { repair: true }, { outcome: 'completed' });
  await expect('terminate', {}, { outcome: 'completed' });
  await world.until('its record has ended', () => isQuiet(world) && world.viewOf(vnf) === null);
  if (phase !== 'adopting') return [...problems, ...leftOf(world, vnf)];
  const { servers, ports, securityGroups } = world.cloud;
  const gone = before.filter((id) => !servers.has(id) && !ports.has(id));
  const made = [...securityGroups.values()].filter(({ description }) => readMarks(description).token === last.token);
  if (serviceIn(world, vnf) !== serving) problems.push(`${serving} served, and then ${serviceIn(world, vnf)}`);
  return [...problems, ...gone.map((id) => `${id} is gone`), ...made.map(({ name }) => `the group ${name} is left`)];
}

function serviceIn({ cloud }: World, vnf: string): string {
  return JSON.stringify(cloud.publications.get(vnf)?.service ?? {});
}

/** Servers and ports, but for those that are said to be another VNF's, and the groups that bear its name. */
export function leftOf({ cloud: { servers, ports, securityGroups, serverGroups } }: World, vnf: string): string[] {
  const groups = [...securityGroups.values(), ...serverGroups.values()];
  const isOurs = ({ vnf: said = vnf }: { readonly vnf?: string }): boolean => said === vnf;
  return [
    ...[...servers.values()].filter(({ tags }) => isOurs(readTags(tags))),
    ...[...ports.values()].filter(({ description }) => isOurs(readMarks(description))),
    ...groups.filter(({ name }) => name.startsWith(`${vnf}-`)),
  ].map(({ id, name }) => `${name} (${id}) is left`);
}
