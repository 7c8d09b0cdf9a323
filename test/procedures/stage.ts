import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { Context } from '@temporalio/activity';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker';
import { createActivities, namesIn, pacedServicePort, wayIn, type As, type Dependencies } from '../../activities';
import type { Activities } from '../../activities/ports';
import { check } from '../../checker';
import { connectBulkhead, type Bulkhead } from '../../client';
import { timingAt, type Timing } from '../../domain/timing';
import type { RecordView } from '../../domain/turn';
import { connect, httpWire, type Session } from '../../openstack';
import { observe, type Observer } from '../../scripts/lib/observer';
import { root } from '../../scripts/lib/root';
import { credentials } from '../../scripts/lib/embeddedLogins';
import { findTemporal, startDevServer, type DevServerOptions } from '../../scripts/lib/temporal';
import { createCloud, hostsOf, serve, type Cloud, type Served } from '../../simulator';
import { activityNames, createWorkers } from '../../workers/compose';
import { settledView } from '../../scripts/lib/settled';
import { outcomeNote } from '../../scripts/lib/virtual/ended';
import { endOf, expectHeld, settleWithinSeconds, type Ended, type Procedure } from '../real/world';
import { settledNote } from '../../scripts/lib/observer';
import { brief } from './brief';
import { activityNow, struck, struckWire, type Call, type Script, type Strike, type WireScript } from './strikes';

/**
 * A real Temporal server with this process's workers on it, and for each trial an embedded cloud of its own: trials run side by
 * side and never meet. What the workers call passes a script that may strike.
 */
export interface Stage {
  /** `name` is the VNF's, and begins the names of its hosts: it says to which trial a call belongs. */
  readonly open: (name: string, as?: As, given?: TrialOptions) => Promise<Trial>;
  readonly bulkhead: Bulkhead;
  readonly client: Client;
  /** Of the server, and the CLI that it was started with. */
  readonly address: string;
  readonly temporalProgram: string;
  readonly stop: () => Promise<void>;
}

export interface TrialOptions {
  readonly audits?: Dependencies['audits'];
  readonly limits?: Partial<Timing>;
  /** Runs whose id is this word and what a schedule puts behind it are of this trial, too. */
  readonly alsoOf?: string;
  /** By zone, how many hosts. */
  readonly zones?: Readonly<Record<string, number>>;
}

export interface Trial {
  readonly vnf: string;
  readonly observer: Observer;
  readonly cloud: Cloud;
  /** As an operator's own hands have it. */
  readonly session: Session;
  /** The hosts of zone mz, in order. */
  readonly hosts: readonly string[];
  /** Runs a procedure to its end, noted for the checker. `script` strikes at its calls, not at those of others. */
  readonly run: (procedure: Procedure, input: object, script?: Script, wires?: WireScript) => Promise<Ended>;
  /**
   * Waits until the record is free, notes it, and fails with every guarantee that did not hold. Progress (G8) is not promised
   * where faults were made.
   */
  readonly settle: (options?: { readonly faults: boolean }) => Promise<RecordView | null>;
  /** Calls of the last run, in order, each attempt once, with how it ended. */
  readonly calls: () => readonly Answered[];
  /** The clean-ups behind its runs that have been at work, by their workflow ids. */
  readonly cleanUps: () => readonly string[];
  readonly close: () => Promise<void>;
}

export interface Answered extends Call {
  readonly strike: string | undefined;
  /** `ok`, the kind of its failure, or `…` as long as there is none. */
  answer: string;
}

const pace = 0.01;
/** Short, so that a worker that died is noticed soon. */
const timing: Timing = {
  ...timingAt(pace),
  mutateSeconds: 4,
  callSeconds: 1.5,
  lastCallSeconds: 2.5,
  undoSeconds: 8,
  stuckSeconds: 1,
  tickSeconds: 0.1,
};

/** Four hosts more than a pool of four at a third needs, so that one may be spoilt and one may die. */
const usualZones = { mz: 8, dmz: 1 };

interface Running extends Trial {
  readonly activities: Activities;
  readonly seen: (
    name: string,
    input: unknown,
  ) => {
    call: Answered;
    strike: Strike | undefined;
    topWorkflowId: string;
    /** What the call waits for. */
    first?: Promise<unknown>;
  };
}

/** `dynamicConfig`: what else the server is told, as `name=value`. */
export async function openStage(given: Pick<DevServerOptions, 'dynamicConfig'> = {}): Promise<Stage> {
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { filter: 'ERROR', forward: {} } },
  });
  const temporalProgram = await findTemporal(() => undefined);
  const temporal = await startDevServer({ program: temporalProgram, ...given });
  const connection = await Connection.connect({ address: temporal.address });
  const native = await NativeConnection.connect({ address: temporal.address });
  const client = new Client({ connection });
  const bulkhead = await connectBulkhead({ address: temporal.address });
  const trials = new Map<string, Running>();
  const workers = await createWorkers({
    connection: native,
    namespace: 'default',
    source: { workflowBundle: { codePath: join(root, 'dist/workers/workflow-bundle.js') } },
    activities: routed(trials, client),
    limits: { cloudActivities: 200, waits: 200, drains: 200, watches: 200 },
  });
  const running = workers.map((worker) => worker.run());
  return {
    bulkhead,
    client,
    address: temporal.address,
    temporalProgram,
    open: async (name, as = 'operator', given = {}) => {
      const trial = await openTrial(name, { client, bulkhead, as, ...given });
      trials.set(name, trial);
      if (given.alsoOf !== undefined) trials.set(given.alsoOf, trial);
      return trial;
    },
    stop: async () => {
      for (const trial of new Set(trials.values())) await trial.close();
      for (const worker of workers) worker.shutdown();
      await Promise.all(running);
      await bulkhead.close();
      await native.close();
      await connection.close();
      await temporal.stop();
    },
  };
}

/** Each call goes to the cloud of its trial, by the name that its workflow's id bears. */
function routed(trials: ReadonlyMap<string, Running>, client: Client): Activities {
  const route =
    (name: keyof Activities) =>
    async (input: never): Promise<unknown> => {
      const workflowId = Context.current().info.workflowExecution?.workflowId ?? '';
      const id = /[a-z]+[0-9]+/.exec(workflowId.replace(/^(vnf|audit|host|evacuate):/, ''))?.[0] ?? '';
      const trial = trials.get(id) ?? [...trials].find(([name]) => workflowId.startsWith(`${name}-`))?.[1];
      if (!trial) throw new Error(`no trial is called ${id} (${workflowId})`);
      const activity = (trial.activities as unknown as Record<string, (input: never) => Promise<unknown>>)[name];
      if (!activity) throw new Error(`there is no activity ${name}`);
      const { call, strike, topWorkflowId, first } = trial.seen(name, input);
      try {
        await first;
        const result = await struck(strike, { client, call, topWorkflowId }, () => activity(input));
        call.answer = 'ok';
        return result;
      } catch (error) {
        call.answer = (error as { type?: string }).type ?? String(error);
        throw error;
      }
    };
  return Object.fromEntries(activityNames.map((name) => [name, route(name)])) as unknown as Activities;
}

/** The record, its clean-ups and the mutexes are not. */
function isUnderTest(of: { readonly workflowId: string; readonly workflowType: string | undefined }): boolean {
  return (
    !of.workflowId.startsWith('audit:') &&
    /^(instantiate|scaleOut|scaleIn|heal|evacuateHost|evacuateVnf|restoreHost|terminate|audit|adopt)$/.test(
      of.workflowType ?? '',
    )
  );
}

/** Whether the activity that is at work is the run's under test. */
function isOfRun(): boolean {
  const { workflowExecution, workflowType } = activityNow() ?? {};
  return isUnderTest({ workflowId: workflowExecution?.workflowId ?? '', workflowType });
}

async function openTrial(
  vnf: string,
  given: { client: Client; bulkhead: Bulkhead; as: As } & TrialOptions,
): Promise<Running> {
  const { client, bulkhead, as, audits = null, limits = {}, zones = usualZones } = given;
  const specs = hostsOf(zones).map((host) => ({ ...host, name: `${vnf}-${host.name}` }));
  const cloud = createCloud({ hosts: specs, pace, bootSeconds: [5, 10], latencyMs: [0, 1] });
  const served: Served = await serve(cloud);
  const observer = observe(served.url);
  let wires: WireScript = () => undefined;
  const wire = struckWire(httpWire({ ca: null, verify: true }), (wanted) => (isOfRun() ? wires(wanted) : undefined));
  const session = connect(
    {
      name: 'embedded',
      authUrl: `${served.url}/identity`,
      auth: credentials[as],
      region: null,
      interface: 'public',
      ca: null,
      verify: true,
    },
    { wire },
  );
  const activities = createActivities({
    session,
    client,
    service: pacedServicePort(served.url, wire),
    timing: { ...timing, ...limits },
    failedHostsPercent: 34,
    audits,
    descriptorsDirectory: join(root, 'descriptors'),
    names: namesIn(session),
    as: wayIn(session, 'auto'),
  });
  let script: Script = () => undefined;
  let topWorkflowId = '';
  let calls: Answered[] = [];
  const cleanUps = new Set<string>();
  const keys = new Map<string, string>();
  let counts = new Map<string, number>();

  const keyOf = (name: string, activityId: string): string => {
    const known = keys.get(activityId);
    if (known !== undefined) return known;
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    const key = `${name}#${String(count)}`;
    keys.set(activityId, key);
    return key;
  };
  const seen: Running['seen'] = (name, input) => {
    const { activityId, attempt, workflowExecution, workflowType } = Context.current().info;
    const { workflowId = '', runId = '' } = workflowExecution ?? {};
    const call = { name, attempt, workflowId, runId, brief: brief(name, input), answer: '…' };
    if (workflowId.startsWith('audit:')) cleanUps.add(workflowId);
    if (!isUnderTest({ workflowId, workflowType }))
      return { call: { ...call, key: '', strike: undefined }, strike: undefined, topWorkflowId };
    const keyed = { ...call, key: keyOf(name, `${runId}/${activityId}`) };
    const said = script(keyed);
    const strike = said instanceof Promise ? undefined : said;
    const answered: Answered = { ...keyed, strike };
    calls.push(answered);
    return { call: answered, strike, topWorkflowId, ...(said instanceof Promise && { first: said }) };
  };
  const run: Trial['run'] = async (procedure, input, with_ = () => undefined, wiresWith = () => undefined) => {
    const id = randomUUID();
    const ofVnf = procedure === 'evacuateHost' || procedure === 'restoreHost' ? {} : { vnf };
    await observer.note({ kind: 'request', id, procedure, ...ofVnf, request: input });
    script = with_;
    wires = wiresWith;
    calls = [];
    counts = new Map();
    topWorkflowId = `${vnf}-${procedure}-${id}`;
    await client.workflow.start(procedure, { taskQueue: 'bulkhead', workflowId: topWorkflowId, args: [input] });
    let ended = await endOf(client.workflow.getHandle(topWorkflowId));
    // A reset ends the run that it is done to, and makes another.
    if (ended.outcome === 'vanished') ended = await endOf(client.workflow.getHandle(topWorkflowId));
    await observer.note(outcomeNote({ id, procedure }, ended));
    return ended;
  };
  const settle: Trial['settle'] = async ({ faults } = { faults: false }) => {
    const view = await settledView(bulkhead, vnf, settleWithinSeconds);
    await observer.note(settledNote(vnf, view));
    expectHeld(check(await observer.log(), { pace }), faults ? ['G8'] : []);
    return view;
  };
  return {
    vnf,
    observer,
    cloud,
    session,
    hosts: specs.filter(({ zone }) => zone === 'mz').map(({ name }) => name),
    run,
    settle,
    calls: () => calls,
    cleanUps: () => [...cleanUps],
    close: () => served.close(),
    activities,
    seen,
  };
}
