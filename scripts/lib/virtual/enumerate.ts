import { verdictLines } from '../../../checker/report';
import { guarantees } from '../../../checker/verdict';
import { recordWorkflowId } from '../../../domain/names';
import type { RecordView } from '../../../domain/turn';
import { hostsOf, inDomains } from '../../../simulator';
import type { Ended } from './ended';
import {
  faultsAt,
  isLasting,
  isOfCalls,
  isOfRecord,
  isOfServers,
  isOfUndo,
  outcomesAfter,
  partsOf,
  seesWhatItMade,
  serverFaultsIn,
  wayFrom,
  type CallFault,
  type Fault,
  type Moment,
  type StuckFault,
  type Trouble,
  type Way,
} from './faults';
import { personOf, type Person } from './person';
import { problemsWithoutRecord } from './recordless';
import { firstPool, vnf, zones, type Spec } from './specs';
import type { CallStrike, CloudCall } from './worker';
import type { Run } from './temporal';
import { isQuiet, openWorld, type Begun, type World } from './world';

/**
 * Every fault at every moment of a procedure. It is played once without, to see all moments at which something can go wrong: each call to
 * the cloud before and after its effect, each message of the turn, each activity's begin and end. Then once for each of them and each
 * fault. Virtual time: what takes minutes on a real server takes milliseconds here.
 */

export interface Case {
  readonly spec: Spec;
  readonly fault: Fault;
  /** Its place in the clean run. */
  readonly moment: number;
  /** What the clean run did there, and what it is to befall. */
  readonly at: Moment;
  /** What the clean run has left the record at, or published last. */
  readonly revision: number;
  readonly way: Way | undefined;
  /** To which of its steps a run is reset; the one in the middle where it is left out. */
  readonly resetTo?: 'last';
}

export interface Played {
  readonly ended: Ended;
  readonly moments: readonly Moment[];
  readonly revision: number;
  /** Steps in which a person was asked. */
  readonly stuckIn: readonly string[];
  /** What cleans up behind it has failed for good. */
  readonly wasBlocked: boolean;
  /** What is not as promised: nothing, if all is well. */
  readonly problems: readonly string[];
}

/** A worker is back so soon; a stopped one comes back when all that it had was given up long ago; a server is started again. */
const restartMs = 5_000;
const stoppedMs = 200_000;
const awayMs = 30_000;
/** Longer than an answer is waited for before the question is sent again. */
const heldMs = 12_000;
/** Longer than a call may take, so that its repeat is under way when it has its effect. */
const lateMs = 26_000;
/** How often a failing call fails: more often than an activity is tried before the pivot. */
const failsTimes = 40;

const refused: CallStrike = { kind: 'status', status: 500, moment: 'before' };
const unauthorized: CallStrike = { kind: 'status', status: 401, moment: 'before' };

function isLogin({ method, path }: CloudCall): boolean {
  return method === 'POST' && path.startsWith('/identity');
}

/** All cases of a procedure, in the order of its clean run. */
export function casesAt(spec: Spec, { moments, revision }: Pick<Played, 'moments' | 'revision'>): Case[] {
  return moments.flatMap((at, index) =>
    [...faultsAt(at), ...(index === 0 ? serverFaultsIn(moments) : [])].map((fault) => ({
      ...{ spec, fault, moment: index, at, revision },
      way: wayFrom(moments, index),
    })),
  );
}

export function nameOf({ spec, fault, moment, at }: Case): string {
  return `${spec.name}: ${fault} at moment ${String(moment)} (${inWords(at)})`;
}

function inWords({ kind, what, at }: Moment): string {
  return `${kind} ${what} ${at}`;
}

/** `look` is called when all is done, before the world is closed. */
export async function play(spec: Spec, struck?: Omit<Case, 'spec'>, look?: (world: World) => void): Promise<Played> {
  const moments: Moment[] = [];
  let watching = false;
  let begun: Begun | undefined;
  let strikes: (CallStrike & { left: number; key: string }) | undefined;
  let undoFails = 0;
  let cleanUpsToEnd = 0;
  let trouble: Trouble | undefined;
  const overlaps: string[] = [];
  const stuck = struck && isLasting(struck.fault) ? partsOf(struck.fault) : undefined;

  const isUnderTest = (workflowId: string): boolean =>
    begun !== undefined && (workflowId === begun.workflowId || isChild(workflowId));
  const reached = (moment: Omit<Moment, 'hasRecord'>): Fault | undefined => {
    if (!watching) return undefined;
    const hasRecord = world.temporal.latest(recordWorkflowId(vnf))?.status === 'RUNNING';
    moments.push({ ...moment, hasRecord });
    return struck?.moment === moments.length - 1 ? struck.fault : undefined;
  };

  const mend = (): void => {
    trouble = undefined;
  };
  /** Also what cleans up behind it, where that is to fail too. */
  const isRefused = (call: CloudCall): boolean => {
    const { workflowId, method, path } = call;
    const isConcerned =
      isUnderTest(workflowId) || (stuck?.answer === 'blocked' && workflowId.startsWith(`audit:${vnf}:`));
    if (!isConcerned || method === 'GET' || trouble === undefined) return false;
    switch (trouble) {
      case 'undoFails':
        return isOfUndo(spec.procedure, call);
      case 'cloudFails':
        return !path.startsWith('/identity');
      case 'loginFails':
        return false;
    }
  };

  const hosts = hostsOf(zones);
  const { racks } = spec;
  const world: World = openWorld({
    seed: 1,
    writes: (struck?.moment ?? 0) % 8 === 0,
    ...(spec.as && { as: spec.as }),
    cloud: {
      hosts: racks === undefined ? hosts : inDomains(hosts, { rack: racks }),
      bootSeconds: [5, 10],
      latencyMs: [1, 5],
    },
    sawCall: (call, at) => {
      if (at === 'before' && isRefused(call)) return refused;
      if (at === 'before' && isLogin(call) && trouble === 'loginFails') return unauthorized;
      if (at === 'arrives' || !isUnderTest(call.workflowId)) return undefined;
      const what = `${call.activity} ${call.method} ${call.path.replace(/[0-9a-f-]{36}/g, '…')}`;
      const fault = reached({ kind: 'call', at, what, inChild: isChild(call.workflowId) });
      if (strikes && strikes.key === what && strikes.left > 0) {
        strikes.left -= 1;
        return strikes;
      }
      if (undoFails > 0 && at === 'before' && isOfUndo(spec.procedure, call)) {
        undoFails -= 1;
        return refused;
      }
      if (fault === undefined) return undefined;
      if (!isOfCalls(fault)) {
        befall(fault);
        return isRefused(call) ? refused : undefined;
      }
      switch (fault) {
        case 'lostBefore':
          return { kind: 'lost', moment: 'before' };
        case 'lostAfter':
          return { kind: 'lost', moment: 'after' };
        case 'late':
          return { kind: 'late', milliseconds: lateMs };
        case 'failsOften':
          strikes = { ...refused, left: failsTimes, key: what };
          return strikes;
        case 'tokensExpired':
          world.cloud.tokens.clear();
          return undefined;
      }
    },
    saw: ({ kind, moment: at, name, run, to, attempt }) => {
      if (at === 'overlaps') {
        overlaps.push(`a second attempt of ${name} began while the first was at work`);
        return;
      }
      if (cleanUpsToEnd > 0 && at === 'begins' && run.workflowId.startsWith(`audit:${vnf}:`)) {
        cleanUpsToEnd -= 1;
        world.temporal.terminate(run);
      }
      const isOurs = isUnderTest(run.workflowId) || (to !== undefined && isUnderTest(to));
      if (!isOurs) return;
      const what = kind === 'message' ? `${name} from ${run.type}` : `${name}${attempt === 1 ? '' : ' again'}`;
      const fault = reached({ kind, at, what, inChild: isChild(run.workflowId) });
      if (fault !== undefined && !isOfCalls(fault)) befall(fault);
    },
  });

  const befall = (fault: Exclude<Fault, CallFault>): void => {
    const { temporal, time } = world;
    const [worker] = temporal.workers();
    const record = temporal.latest(recordWorkflowId(vnf));
    if (isLasting(fault)) {
      lasts(fault);
      return;
    }
    switch (fault) {
      case 'workerKilled':
        worker?.kill();
        time.after(restartMs, () => world.addWorker());
        return;
      case 'workerStopped':
        worker?.stop();
        time.after(restartMs, () => world.addWorker());
        time.after(stoppedMs, () => {
          worker?.goOn();
          temporal.workersChanged();
        });
        return;
      case 'cancelledAndUndoFailsOnce':
      case 'cancelledAndUndoFails':
        undoFails = fault === 'cancelledAndUndoFails' ? Infinity : 1;
        if (begun) temporal.cancel(begun.run());
        return;
      case 'cancelled':
        if (begun) temporal.cancel(begun.run());
        return;
      case 'terminated':
        if (begun) temporal.terminate(begun.run());
        return;
      case 'terminatedAndCleanUpToo':
        cleanUpsToEnd = 1;
        if (begun) temporal.terminate(begun.run());
        return;
      case 'childTerminated':
        for (const child of childrenOf(begun)) temporal.terminate(child);
        return;
      case 'childCancelled':
        for (const child of childrenOf(begun)) temporal.cancel(child);
        return;
      case 'reset':
        later.push(async () => {
          const run = begun?.run();
          const steps = run?.execution.steps.length ?? 0;
          const to = struck?.resetTo === 'last' ? steps : Math.ceil(steps / 2);
          if (run?.status === 'RUNNING') await temporal.reset(run, to);
        });
        return;
      case 'misplace':
      case 'buildError':
      case 'stuckBuild':
      case 'noValidHost':
        world.cloud.faults.push({ fault: { kind: fault, match: { namePrefix: `${vnf}-` } }, seen: 0, left: 1 });
        return;
      case 'temporalAway':
        temporal.goAway(awayMs);
        return;
      case 'recordHeld':
        if (record) record.heldUntil = time.now() + heldMs;
        return;
      case 'recordContinued':
        if (record) record.execution.continueSuggested = true;
        return;
      case 'recordTerminated':
        if (record) temporal.terminate(record);
        return;
    }
  };
  const lasts = (fault: StuckFault): void => {
    ({ trouble } = partsOf(fault));
    if (trouble === 'loginFails') world.cloud.tokens.clear();
    if (trouble === 'undoFails' && begun) world.temporal.cancel(begun.run());
  };
  const person =
    stuck &&
    personOf({
      world,
      vnf,
      pool: firstPool,
      answer: stuck.answer,
      mend,
      isBlind: stuck.trouble === 'loginFails',
      isConcerned: (id) => watching && isUnderTest(id),
    });
  const waiting = (): Run | undefined => (trouble === undefined ? undefined : person?.wanted());
  /** What cannot be done in the middle of something else. */
  const later: (() => Promise<void>)[] = [];
  const ends = async (of: Begun): Promise<Ended> => {
    for (;;) {
      await world.until(
        `${of.workflowId} ends`,
        () => of.ended() !== undefined || later.length > 0 || waiting() !== undefined,
      );
      const ended = of.ended();
      if (ended && later.length === 0) return ended;
      const run = waiting();
      if (run) await person?.attend(run);
      for (const act of later.splice(0)) await act();
    }
  };

  try {
    if (spec.prepare !== null) {
      await ends(world.begin('instantiate', { vnf, descriptor: spec.descriptor }));
      await world.settle(vnf);
      await spec.prepare?.(world);
    }
    watching = true;
    const before = stateOf(world);
    begun = world.begin(spec.procedure, spec.input(world));
    const ended = await ends(begun);
    // Who was never stuck has called nobody.
    if (person?.steps.length === 0) mend();
    const problems = [
      ...overlaps,
      ...notStruck(world, moments, struck),
      ...(await problemsAfter(world, { spec, before, ended, struck, person })),
    ];
    watching = false;
    look?.(world);
    const revision = world.viewOf(vnf)?.revision ?? world.cloud.publications.get(vnf)?.revision ?? 0;
    const wanted = (struck?.revision ?? 0) - (spec.commitsFirst?.(world) === false ? 1 : 0);
    if (struck && ended.outcome === 'completed' && struck.fault !== 'recordTerminated' && revision !== wanted)
      problems.push(`it is at revision ${String(revision)}, and was at ${String(wanted)} without a fault`);
    return { ended, moments, revision, problems, ...asked(person) };
  } catch (error) {
    const said = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { ended: { outcome: 'vanished' }, moments, revision: 0, problems: [said], ...asked(person) };
  } finally {
    world.close();
  }
}

/** A case in which nothing went wrong, or something else than was meant, would pass for one that is as promised. */
function notStruck(
  { cloud }: World,
  moments: readonly Moment[],
  struck: Pick<Case, 'fault' | 'moment' | 'at'> | undefined,
): string[] {
  if (!struck) return [];
  const { fault, moment, at } = struck;
  const there = moments[moment];
  if (!there) return [`moment ${String(moment)} (${inWords(at)}) never came: there were ${String(moments.length)}`];
  if (inWords(there) !== inWords(at))
    return [`moment ${String(moment)} was ${inWords(there)}, and ${inWords(at)} without a fault`];
  if (isOfRecord(fault) && !there.hasRecord) return [`there was no record that ${fault} could befall`];
  const isLeft = isOfServers(fault) && cloud.faults.some(({ left }) => left > 0);
  return isLeft ? [`no server came that ${fault} could befall`] : [];
}

function isChild(workflowId: string): boolean {
  return workflowId.startsWith('evacuate:');
}

function childrenOf(begun: Begun | undefined): readonly Run[] {
  return [...(begun?.run().children.values() ?? [])].filter(({ status }) => status === 'RUNNING');
}

function asked(person: Person | undefined): Pick<Played, 'stuckIn' | 'wasBlocked'> {
  return { stuckIn: person?.steps ?? [], wasBlocked: person?.wasBlocked() ?? false };
}

interface State {
  readonly events: number;
  readonly record: RecordView | null;
}

function stateOf(world: World): State {
  return { events: world.cloud.log.filter(({ type }) => type !== 'note').length, record: world.viewOf(vnf) };
}

/** What one that only looks must not have changed. What the last audit has found is said, and decides nothing. */
function changedSince(before: State, world: World): string[] {
  const now = stateOf(world);
  const said = ({ record }: State): string => JSON.stringify({ ...record, audited: undefined });
  return [
    ...(now.events === before.events ? [] : ['it has changed the cloud']),
    ...(now.record === null || said(now) === said(before)
      ? []
      : [`it has changed the record: ${said(before)} is now ${said(now)}`]),
  ];
}

interface Aftermath {
  readonly spec: Spec;
  readonly before: State;
  readonly ended: Ended;
  readonly struck: Pick<Case, 'fault' | 'way'> | undefined;
  readonly person: Person | undefined;
}

async function problemsAfter(world: World, { spec, before, ended, struck, person }: Aftermath): Promise<string[]> {
  const problems: string[] = [];
  const { ends } = spec;
  const { fault, way } = struck ?? {};
  const after = outcomesAfter(fault, { gotStuck: person !== undefined && person.steps.length > 0, way });
  const allowed = ends === undefined ? after : after.map((outcome) => (outcome === 'completed' ? ends : outcome));
  if (!allowed.includes(ended.outcome))
    problems.push(
      `it ended ${ended.outcome} (${ended.kind ?? ''} ${ended.message ?? ''}), and not ${allowed.join(' or ')}`,
    );
  if (spec.onlyLooks) problems.push(...changedSince(before, world));
  // Nobody is left who knows the members: adopt is for that.
  if (fault === 'recordTerminated') {
    problems.push(...(await problemsWithoutRecord(world, spec)));
    // Adopt takes what an audit was to find for members, and the checker has not seen them come.
    return spec.procedure === 'audit' ? problems : [...problems, ...brokenIn(world, fault)];
  }
  await world.until('nothing but records is at work', () => isQuiet(world));
  const isGone = (await person?.looksAfter()) ?? false;
  if (!isGone) problems.push(...((await spec.after?.(world, ended)) ?? []));
  problems.push(...(person?.problems ?? []));
  await world.settle(vnf);
  if (fault === undefined || seesWhatItMade.includes(fault))
    for (const name of createdTwice(world))
      problems.push(`${name} was created twice, and the first was there to be seen`);
  // Whoever has said how it ended has left nothing for others to clean up.
  const cleaned = [...world.temporal.runs.values()].some((run) => run.workflowId.startsWith(`audit:${vnf}:`));
  const saidSo =
    ended.outcome !== 'vanished' && ended.outcome !== 'stuck' && fault !== 'reset' && fault !== 'terminated';
  if (cleaned && saidSo) problems.push(`it ended ${ended.outcome}, and the record had to clean up behind it`);
  const left = [...world.temporal.runs.values()].filter((run) => run.status === 'RUNNING' && run.type !== 'vnf');
  for (const run of left) problems.push(`${run.workflowId} never ends`);
  return [...problems, ...brokenIn(world, fault)];
}

/** G8 is promised where nothing goes wrong. */
function brokenIn(world: World, fault: Fault | undefined): string[] {
  const verdict = world.verdict();
  const broken = guarantees.filter((each) => verdict.guarantees[each].violations.length > 0);
  const counts = fault === undefined ? broken : broken.filter((each) => each !== 'G8');
  return counts.length > 0 ? [verdictLines(verdict).join('\n')] : [];
}

function createdTwice({ cloud }: World): string[] {
  const names = cloud.log.flatMap((event) => (event.type === 'server.created' ? [event.name] : []));
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
}
