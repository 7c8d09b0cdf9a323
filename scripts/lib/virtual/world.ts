import './sandbox';
import { check, type Verdict } from '../../../checker';
import type { Note } from '../../../checker/story';
import { createActivities, namesIn, pacedServicePort, wayIn, type As } from '../../../activities';
import type { Activities } from '../../../activities/ports';
import { timingAt, type Timing } from '../../../domain/timing';
import { recordWorkflowId, requestId } from '../../../domain/names';
import type { RecordView } from '../../../domain/turn';
import { connect, type Session } from '../../../openstack';
import { createCloud, seeded, type Cloud, type CloudOptions } from '../../../simulator';
import { emit } from '../../../simulator/model';
import { credentials } from '../embeddedLogins';
import { settledNote } from '../observer';
import { root } from '../root';
import { isSettled } from '../settled';
import { join } from 'node:path';
import { clientOf } from './client';
import { followPromises } from './context';
import type { Execution } from './execution';
import { errorOf } from './payloads';
import { VirtualTemporal, type Run, type Sighting } from './temporal';
import { installVirtualTime, type VirtualTime } from './time';
import type { UpdateAnswer } from './updates';
import {
  boundedWireOf,
  origin,
  wireOf,
  Worker,
  type CallMoment,
  type CallStrike,
  type CloudCall,
  type CloudPort,
} from './worker';
import { endOfFailure, outcomeNote, type Ended } from './ended';

/**
 * Everything that there is on a night, in one process and on one clock: a cloud, a Temporal, workers with the product's own activities
 * and workflows, and the checker that judges what the cloud saw.
 */
export interface World {
  readonly time: VirtualTime;
  readonly cloud: Cloud;
  readonly temporal: VirtualTemporal;
  /** A new worker process. */
  readonly addWorker: () => Worker;
  readonly note: (note: Note) => void;
  /** Starts a procedure, and notes that it was asked for and how it ended. */
  readonly begin: (procedure: Procedure, input: object) => Begun;
  /** The same, until it has ended. */
  readonly run: (procedure: Procedure, input: object) => Promise<Ended>;
  /** Tells a run something by an update, and lets time go on until it has answered. */
  readonly tell: (run: Run, update: string) => Promise<UpdateAnswer>;
  /** An operator's own login, for what is done by hand. */
  readonly operator: Session;
  /** Lets time go on until it is done. */
  readonly done: (what: string, doing: Promise<unknown>) => Promise<void>;
  /** Lets time go on until it is true. Throws where nothing more happens, or too much does. */
  readonly until: (what: string, condition: () => boolean) => Promise<void>;
  /** Lets time go on for so long. */
  readonly pass: (milliseconds: number) => Promise<void>;
  /** Waits until the record owes nothing, and notes what it says of itself. */
  readonly settle: (vnf: string) => Promise<RecordView | null>;
  readonly viewOf: (vnf: string) => RecordView | null;
  readonly verdict: () => Verdict;
  readonly close: () => void;
}

export type Procedure = Extract<Note, { kind: 'request' }>['procedure'];

export interface Begun {
  readonly workflowId: string;
  /** Undefined while it is at work. */
  readonly ended: () => Ended | undefined;
  /** Lets time go on until it has ended. */
  readonly end: () => Promise<Ended>;
  readonly run: () => Run;
}

export interface WorldOptions {
  readonly seed: number;
  readonly cloud?: Omit<CloudOptions, 'clock' | 'seed'>;
  readonly as?: As;
  readonly timing?: Partial<Timing>;
  readonly latencyMs?: readonly [number, number];
  readonly sawCall?: (call: CloudCall, moment: CallMoment) => CallStrike | undefined;
  /** See `CloudPort`: true, unless many nights are to be played. */
  readonly writes?: boolean;
  readonly saw?: (sighting: Sighting) => void;
}

/** A day, for what should have come to its end in an hour. */
const longestMs = 24 * 3_600_000;

export function openWorld(options: WorldOptions): World {
  const { seed, as = 'operator', latencyMs: [least, most] = [1, 5] } = options;
  const time = installVirtualTime();
  const stopFollowing = followPromises();
  const random = seeded(seed);
  const latencyMs = (): number => least + (most - least) * random();
  const cloud = createCloud({
    ...options.cloud,
    seed,
    clock: { now: time.now, after: time.after },
  });
  const temporal = new VirtualTemporal({ time, latencyMs, seed, saw: options.saw ?? (() => undefined) });
  const timing: Timing = { ...timingAt(1), tickSeconds: 5, ...options.timing };

  const addWorker = (): Worker => {
    let activities: Activities | undefined;
    const worker: Worker = new Worker(() => (activities ??= activitiesOf(worker)));
    temporal.addWorker(worker);
    return worker;
  };
  const port: CloudPort = {
    cloud,
    sleep: (milliseconds) =>
      new Promise((resolve) => {
        time.after(milliseconds, resolve);
      }),
    saw: options.sawCall ?? (() => undefined),
    writes: options.writes ?? true,
  };
  const login = (who: As, from: Worker): Session =>
    connect(
      {
        name: 'embedded',
        authUrl: `${origin}/identity`,
        auth: credentials[who],
        region: null,
        interface: 'public',
        ca: null,
        verify: true,
      },
      { wire: wireOf(from, port) },
    );
  const activitiesOf = (worker: Worker): Activities => {
    const session = login(as, worker);
    const activities = createActivities({
      session,
      client: clientOf(worker, { temporal, time }),
      service: pacedServicePort(origin, boundedWireOf(worker, port)),
      timing,
      failedHostsPercent: 100,
      audits: null,
      descriptorsDirectory: join(root, 'descriptors'),
      names: namesIn(session),
      as: wayIn(session, as),
    });
    return {
      ...activities,
      plan: (input) => {
        note({ kind: 'planned', requestId: requestId(input.turn.token) });
        return activities.plan(input);
      },
    };
  };
  addWorker();

  const note = (said: Note): void => {
    emit(cloud, { type: 'note', requestId: null, note: said });
  };
  let begun = 0;

  const begin: World['begin'] = (procedure, input) => {
    begun += 1;
    const workflowId = `${procedure}-${String(begun)}`;
    const vnf = 'vnf' in input && typeof input.vnf === 'string' ? input.vnf : undefined;
    note({ kind: 'request', id: workflowId, procedure, ...(vnf !== undefined && { vnf }), request: input });
    const run = temporal.start({ type: procedure, workflowId, args: [input] });
    let ended: Ended | undefined;
    const onClose = (closed: Run): void => {
      temporal.whenClosed(closed, () => {
        const latest = temporal.latest(workflowId);
        // A reset ends the run that it is done to, and makes another, within the same moment.
        time.after(0, () => {
          const now = temporal.latest(workflowId);
          if (now && now !== closed) {
            note({ kind: 'reset', id: workflowId });
            onClose(now);
            return;
          }
          ended = endOfRun(latest ?? closed);
          note(outcomeNote({ id: workflowId, procedure }, ended));
        });
      });
    };
    onClose(run);
    return {
      workflowId,
      ended: () => ended,
      end: async () => {
        await until(`${workflowId} ends`, () => ended !== undefined);
        return ended ?? raise(`${workflowId} has not ended`);
      },
      run: () => temporal.latest(workflowId) ?? run,
    };
  };

  const until: World['until'] = async (what, condition) => {
    const deadline = time.now() + longestMs;
    for (;;) {
      await temporal.work();
      if (condition()) return;
      if (!time.next()) throw new Error(`nothing happens any more, and it is not true that ${what}`);
      if (time.now() > deadline) throw new Error(`a day has passed, and it is not true that ${what}`);
    }
  };
  const done: World['done'] = async (what, doing) => {
    let end: { readonly error?: unknown } | undefined;
    doing.then(
      () => {
        end = {};
      },
      (error: unknown) => {
        end = { error };
      },
    );
    await until(what, () => end !== undefined);
    if (end && 'error' in end) throw end.error;
  };
  const viewOf = (vnf: string): RecordView | null => {
    const run = temporal.latest(recordWorkflowId(vnf));
    if (run?.status !== 'RUNNING') return null;
    return (run.execution.query('status') as RecordView | undefined) ?? null;
  };

  return {
    time,
    cloud,
    temporal,
    addWorker,
    note,
    begin,
    run: async (procedure, input) => await begin(procedure, input).end(),
    tell: async (run, update) => {
      let answer: UpdateAnswer | undefined;
      temporal.update(run, update, (given) => {
        answer = given;
      });
      await until(`${run.workflowId} answers to ${update}`, () => answer !== undefined);
      return answer ?? { error: new Error('no answer') };
    },
    operator: login('operator', new Worker(() => raise('a person performs no activities'))),
    done,
    until,
    pass: async (milliseconds) => {
      let over = false;
      time.after(milliseconds, () => {
        over = true;
      });
      await until('it has passed', () => over);
    },
    settle: async (vnf) => {
      let view: RecordView | null = null;
      let looked: Execution | undefined;
      let steps = 0;
      await until(`${vnf} owes nothing`, () => {
        const run = temporal.latest(recordWorkflowId(vnf));
        if (run?.status !== 'RUNNING') {
          view = null;
          return true;
        }
        if (run.scheduled) return false;
        // A record says the same until something has come to it.
        const { execution } = run;
        if (looked === execution && steps === execution.steps.length) return false;
        looked = execution;
        steps = execution.steps.length;
        view = viewOf(vnf);
        return view !== null && isSettled(view);
      });
      note(settledNote(vnf, view));
      return view;
    },
    viewOf,
    verdict: () => check(cloud.log, { pace: timing.pace }),
    close: () => {
      stopFollowing();
      time.uninstall();
    },
  };
}

/**
 * Nothing but records is at work: also what a run has left behind has ended, children that finish alone and a mutex, and the task that a
 * worker is at although its run was taken away.
 */
export function isQuiet({ temporal }: Pick<World, 'temporal'>): boolean {
  for (const run of temporal.runs.values())
    if ((run.status === 'RUNNING' || run.task) && run.type !== 'vnf') return false;
  return true;
}

function endOfRun(run: Run): Ended {
  if (run.status === 'COMPLETED') return { outcome: 'completed', result: run.result };
  return endOfFailure(run.status, errorOf(run.failure ?? {}));
}

function raise(what: string): never {
  throw new Error(what);
}
