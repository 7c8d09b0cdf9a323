import { small, type Ended, type Procedure } from '../real/world';
import { openStage, type Answered, type Stage, type Trial } from './stage';
import { strikes, type Script, type Strike } from './strikes';

/**
 * The four tests that every procedure has. The cloud is judged, not the calls: after every run, however it was struck, the
 * record is free again, and the checker says from the cloud's own log that every guarantee held.
 */
export interface Spec {
  readonly procedure: Procedure;
  /** In whose name the cloud is spoken to. By default an operator's. */
  readonly as?: 'tenant';
  /** What there is before. By default a VNF with one pool of four members. */
  readonly prepare?: (trial: Trial) => Promise<void>;
  readonly input: (trial: Trial) => object;
  /** The pool's level before and after; null where there is no VNF. */
  readonly from: number | null;
  readonly to: number | null;
  /** The first call after the pivot; null where a fault of any call leaves all as it was. */
  readonly pivot: string | null;
  /** What else a clean run must have done. */
  readonly succeeds?: (ended: Ended, trial: Trial) => void;
  /** What else must be as before where a run went back. */
  readonly goneBack?: (trial: Trial) => void;
  /** Calls that undo: none where the pivot comes first. */
  readonly undo: readonly string[];
  /** The call at which the run fails so that all is undone. By default the last one before the pivot. */
  readonly undoneAt?: string;
  /** Calls whose faults are tried where the same procedure is described once more. */
  readonly coveredElsewhere?: readonly string[];
  /** Calls before the pivot that pay what a commit of its own made debt: there is no way back from them. */
  readonly pays?: readonly string[];
}

const wentBack: readonly Ended['outcome'][] = ['refused', 'unwound', 'cancelled'];

/**
 * Every so many-th fault: that all of them are as promised is shown on a virtual clock (./scripts/faults), and here that a real server
 * and real time agree. No multiple of the number of strikes, so that each call has some and each strike hits many calls.
 */
const every = Number(process.env['BULKHEAD_FAULTS_EVERY'] ?? 11);

/** Trials at once: more would measure the machine. */
const atOnce = 24;

export async function instantiated(trial: Trial): Promise<void> {
  const ended = await trial.run('instantiate', { vnf: trial.vnf, descriptor: small });
  if (ended.outcome !== 'completed') throw new Error(`instantiate ended ${ended.outcome}: ${ended.message ?? ''}`);
  await trial.settle();
}

interface Played {
  readonly trial: Trial;
  readonly ended: Ended;
  readonly level: number | null;
}

export function fourTests(spec: Spec): void {
  const { procedure } = spec;
  let stage: Stage;
  let count = 0;

  beforeAll(async () => {
    stage = await openStage();
  }, 60_000);
  afterAll(async () => {
    await stage.stop();
  }, 60_000);

  const play = async (script?: Script): Promise<Played> => {
    count += 1;
    const trial = await stage.open(`t${String(count)}`, spec.as);
    await (spec.prepare ?? instantiated)(trial);
    const ended = await trial.run(procedure, spec.input(trial), script);
    const view = await trial.settle({ faults: script !== undefined }).catch((error: unknown) => {
      throw new Error(`${JSON.stringify(ended)}\n${transcript(trial.calls()).join('\n')}\n${String(error)}`);
    });
    if (wentBack.includes(ended.outcome)) spec.goneBack?.(trial);
    return { trial, ended, level: view?.pools['web']?.level ?? null };
  };

  const cleanCalls = async (): Promise<readonly string[]> => {
    const { trial, ended } = await play();
    expect(ended.outcome).toBe('completed');
    const calls = trial.calls().map(({ key }) => key);
    if (spec.pivot !== null) expect(calls).toContain(spec.pivot);
    return calls;
  };
  const isBack = (calls: readonly string[], key: string): boolean =>
    spec.pivot === null || calls.indexOf(key) < calls.indexOf(spec.pivot);
  const undoneAt = (calls: readonly string[]): string =>
    spec.undoneAt ?? calls[calls.indexOf(spec.pivot ?? '') - 1] ?? 'nothing';

  test('succeeds', async () => {
    const { trial, ended, level } = await play();
    expect(ended).toMatchObject({ outcome: 'completed', result: { outcome: 'completed', procedure } });
    expect(level).toBe(spec.to);
    spec.succeeds?.(ended, trial);
  }, 60_000);

  test('unwinds from every fault', async () => {
    const calls = await cleanCalls();
    const here = calls.filter((key) => !spec.coveredElsewhere?.includes(key));
    const cases = here
      .flatMap((key) => strikes.map((strike) => ({ key, strike })))
      .filter((_, index) => index % every === 0);
    const wrong: unknown[] = [];
    await inParallel(cases, async ({ key, strike }) => {
      try {
        const { trial, ended, level } = await play(once(key, strike));
        const hit = trial.calls().some((call) => call.key === key && call.strike === strike);
        const may = allowed({ strike, back: isBack(calls, key), spec, key });
        const levelIs = levelAfter(ended, spec);
        if (!hit || !may.includes(ended.outcome) || !levelIs.includes(level))
          wrong.push({ key, strike, hit, ended, level, calls: transcript(trial.calls()) });
      } catch (error) {
        wrong.push({ key, strike, error: String(error) });
      }
    });
    expect(wrong).toEqual([]);
    if (spec.undo.length === 0) return;

    // And from faults of the undo itself: once, and for good.
    const undone = await play(once(undoneAt(calls), 'fails'));
    expect(['unwound', 'refused']).toContain(undone.ended.outcome);
    const undoCalls = keysAfter(undone.trial.calls(), undoneAt(calls));
    expect(undoCalls.map((key) => key.split('#')[0])).toEqual(expect.arrayContaining([...spec.undo]));
    for (const strike of ['before', 'fails'] as const) {
      await inParallel(undoCalls, async (key) => {
        const { trial, ended, level } = await play((call) =>
          call.key === undoneAt(calls) ? 'fails' : once(key, strike)(call),
        );
        const hit = trial.calls().some((call) => call.key === key && call.strike === strike);
        const may = strike === 'before' ? undone.ended.outcome : 'stuck';
        if (!hit || ended.outcome !== may || level !== spec.from)
          wrong.push({ undo: key, strike, hit, ended, level, calls: transcript(trial.calls()) });
      });
    }
    expect(wrong).toEqual([]);
  }, 600_000);

  test('tolerates every call repeated', async () => {
    const { trial, ended, level } = await play(({ attempt }) => (attempt === 1 ? 'after' : undefined));
    expect(trial.calls().filter(({ strike }) => strike === 'after').length).toBeGreaterThanOrEqual(3);
    expect({ ended, calls: transcript(trial.calls()) }).toMatchObject({ ended: { outcome: 'completed' } });
    expect(level).toBe(spec.to);
  }, 120_000);

  test('tolerates every undo repeated', async () => {
    const calls = await cleanCalls();
    const at = undoneAt(calls);
    const { trial, ended, level } = await play((call) => {
      if (call.key === at) return 'fails';
      return spec.undo.includes(call.name) && call.attempt === 1 ? 'after' : undefined;
    });
    expect(trial.calls().filter(({ strike }) => strike === 'after').length).toBe(spec.undo.length);
    expect(spec.undo.length === 0 ? ['stuck', 'refused', 'unwound'] : ['unwound']).toContain(ended.outcome);
    expect([spec.from, spec.undo.length === 0 ? spec.to : spec.from]).toContain(level);
    // The golden transcript of the unwinding: what it does, in order.
    expect(transcript(trial.calls()).join('\n')).toMatchSnapshot();
  }, 120_000);
}

function once(key: string, strike: Strike): Script {
  return (call) => (call.key === key && (call.attempt === 1 || strike === 'fails') ? strike : undefined);
}

function allowed(at: { strike: Strike; back: boolean; spec: Spec; key: string }): readonly Ended['outcome'][] {
  const { strike, back, spec, key } = at;
  switch (strike) {
    case 'before':
    case 'after':
    case 'workerDies':
      return ['completed'];
    case 'fails':
      if (spec.pays?.includes(key)) return ['stuck'];
      return back ? ['refused', 'unwound'] : ['stuck'];
    case 'cancelled':
      // On its way from a run to its children a cancel can come too late.
      // And what is short is finished first.
      return back && !['evacuateHost', 'restoreHost'].includes(spec.procedure)
        ? ['cancelled']
        : ['completed', 'cancelled'];
    case 'terminated':
      return ['vanished', 'completed', 'stuck'];
    case 'reset':
      // The run that the reset makes has no turn and says so, unless it is as far back as before it asked for one.
      return ['completed', 'refused', 'stuck'];
  }
}

/** Back means back, and forward means forward; what was taken away in between may be either, and nothing between. */
function levelAfter({ outcome }: Ended, { from, to }: Spec): readonly (number | null)[] {
  switch (outcome) {
    case 'completed':
      return [to];
    case 'refused':
    case 'unwound':
      return [from];
    case 'cancelled':
    case 'stuck':
    case 'vanished':
      return [from, to];
  }
}

/** Calls that a run made after it had failed. */
function keysAfter(calls: readonly Answered[], key: string): readonly string[] {
  const at = calls.findIndex((call) => call.key === key);
  return [...new Set(calls.slice(at + 1).map((call) => call.key))];
}

function transcript(calls: readonly Answered[]): string[] {
  return calls.map(({ name, brief, attempt, strike, answer }) =>
    [
      name,
      ...(brief === '' ? [] : [brief]),
      ...(attempt > 1 ? [`(attempt ${String(attempt)})`] : []),
      ...(strike === undefined ? [] : [`[${strike}]`]),
      `→ ${answer}`,
    ].join(' '),
  );
}

async function inParallel<T>(items: readonly T[], task: (item: T) => Promise<void>): Promise<void> {
  const rest = [...items];
  const lane = async (): Promise<void> => {
    for (let item = rest.shift(); item !== undefined; item = rest.shift()) await task(item);
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
}
