import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { createActivities, namesIn, pacedServicePort, type As, type Dependencies } from '../../activities';
import type { Activities, LaunchInput, LaunchResult } from '../../activities/ports';
import type { Descriptor } from '../../domain/descriptor/descriptor';
import { parseDescriptor } from '../../domain/descriptor/parse';
import type { LaunchRow } from '../../domain/plan';
import type { Member, PoolState, VnfRecord } from '../../domain/record';
import { timingAt, type Timing } from '../../domain/timing';
import type { TurnRef } from '../../domain/turn';
import { connect, type CallInfo, type Session } from '../../openstack';
import { createCloud, hostsOf, serve, type Cloud, type CloudOptions, type Fault } from '../../simulator';

/** The activities over the embedded cloud, spoken to over HTTP as a real one is. No Temporal server: the context alone is made. */
export interface Lab {
  readonly cloud: Cloud;
  readonly url: string;
  /** Calls that the activities made, in order. */
  readonly session: Session;
  readonly calls: readonly CallInfo[];
  readonly timing: Timing;
  /** Runs one attempt of an activity, as the run that holds the turn unless `info` says otherwise. */
  readonly run: <K extends keyof Activities>(
    name: K,
    input: Parameters<Activities[K]>[0],
    info?: AttemptInfo,
  ) => ReturnType<Activities[K]>;
  /** The same with hold of the environment, to cancel it and to hear its heartbeats. */
  readonly begin: <K extends keyof Activities>(
    name: K,
    input: Parameters<Activities[K]>[0],
    info?: AttemptInfo,
  ) => Begun<Awaited<ReturnType<Activities[K]>>>;
  readonly addFault: (fault: Fault) => void;
  readonly close: () => Promise<void>;
}

export interface AttemptInfo {
  readonly attempt?: number;
  readonly runId?: string;
  readonly heartbeatDetails?: unknown;
  /** When the activity was scheduled first, and how long its workflow waits for it. By default now, and for good. */
  readonly scheduledTimestampMs?: number;
  readonly scheduleToCloseTimeoutMs?: number;
}

export interface Begun<T> {
  readonly result: Promise<T>;
  readonly environment: MockActivityEnvironment;
  readonly heartbeats: unknown[];
}

export const turn: TurnRef = { token: '11111111-1111-4111-8111-111111111111', runId: 'run-1' };
export const laterTurn: TurnRef = { token: '22222222-2222-4222-8222-222222222222', runId: 'run-1' };
export const vnf = 'ims1';

/** One that is asked what a record says of itself, and nothing else: what needs more is tested against a real one. */
export function temporalWith(describe: () => Promise<{ readonly memo?: Readonly<Record<string, unknown>> }>): Client {
  const client = {
    workflow: { getHandle: () => ({ describe }) },
    withDeadline: <T>(_at: number, call: () => Promise<T>) => call(),
    withAbortSignal: <T>(_signal: AbortSignal, call: () => Promise<T>) => call(),
  };
  return client as unknown as Client;
}

/** Boots take tens of milliseconds; time-outs are those of a small machine. */
const pace = 0.01;

export async function openLab(
  options: CloudOptions & {
    readonly timing?: Partial<Timing>;
    readonly client?: Client;
    readonly descriptorsDirectory?: string;
    readonly audits?: Dependencies['audits'];
    readonly as?: As;
  } = {},
): Promise<Lab> {
  const { timing: changed, client, descriptorsDirectory, audits, as = 'operator', ...cloudOptions } = options;
  const cloud = createCloud({
    hosts: hostsOf({ mz: 4, dmz: 2 }),
    pace,
    bootSeconds: [2, 4],
    latencyMs: [0, 1],
    ...cloudOptions,
  });
  const served = await serve(cloud);
  const calls: CallInfo[] = [];
  const session = connect(
    {
      name: 'embedded',
      authUrl: `${served.url}/identity`,
      auth: { kind: 'applicationCredential', id: 'embedded-credential', secret: 'embedded-credential-secret' },
      region: null,
      interface: 'public',
      ca: null,
      verify: true,
    },
    { onCall: (info) => calls.push(info) },
  );
  const timing = { ...timingAt(pace), tickSeconds: 0.02, ...changed };
  const activities = createActivities({
    session,
    client: client ?? temporalWith(() => Promise.reject(new WorkflowNotFoundError('there is none', '', undefined))),
    service: pacedServicePort(served.url),
    timing,
    failedHostsPercent: 34,
    audits: audits ?? null,
    descriptorsDirectory: descriptorsDirectory ?? 'descriptors',
    names: namesIn(session),
    as: () => Promise.resolve(as),
  });
  const begin: Lab['begin'] = (name, input, info = {}) => {
    const { runId = turn.runId, ...rest } = info;
    const environment = new MockActivityEnvironment(
      {
        attempt: 1,
        scheduledTimestampMs: Date.now(),
        scheduleToCloseTimeoutMs: 0,
        ...rest,
        workflowExecution: { workflowId: 'a-caller', runId },
      },
      { logger: new DefaultLogger('ERROR') },
    );
    const heartbeats: unknown[] = [];
    environment.on('heartbeat', (details: unknown) => heartbeats.push(details));
    const activity = activities[name] as (input: unknown) => Promise<never>;
    return { result: environment.run(activity, input), environment, heartbeats };
  };
  return {
    cloud,
    url: served.url,
    session,
    calls,
    timing,
    begin,
    run: ((name, input, info) => begin(name, input, info).result) as Lab['run'],
    addFault: (fault) => cloud.faults.push({ fault, seen: 0, left: fault.times ?? 1 }),
    close: () => served.close(),
  };
}

/** Two pools whose names begin alike, on two networks and on one. */
export function smallDescriptor(): Descriptor {
  const pool = (name: string, more: object): object => ({
    name,
    zone: 'mz',
    size: { min: 2, initial: 4, max: 12 },
    spare: 1,
    flavor: 'm1.small',
    image: 'cirros',
    networks: ['mgmt'],
    healthyAfterSeconds: 2,
    drainSeconds: 10,
    ...more,
  });
  const parsed = parseDescriptor({
    name: 'two',
    networks: { mgmt: { network: 'mgmt' }, signal: { network: 'sig' } },
    pools: [
      pool('web', {
        networks: ['mgmt', 'signal'],
        securityRules: [
          { protocol: 'tcp', ports: 80, from: 'any' },
          { protocol: 'udp', ports: [100, 200], from: '10.0.0.0/8' },
        ],
      }),
      pool('web-1', { securityRules: [{ protocol: 'tcp', ports: 5060, from: 'web' }] }),
    ],
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.descriptor;
}

export function recordOf(
  pools: Readonly<Record<string, Partial<PoolState>>> = {},
  changes: Partial<VnfRecord> = {},
): VnfRecord {
  const descriptor = changes.descriptor ?? smallDescriptor();
  const empty: PoolState = { level: 0, nextOrdinal: 1, inService: [], failed: [] };
  return {
    vnf,
    descriptor,
    phase: 'running',
    revision: 1,
    pools: Object.fromEntries(descriptor.pools.map(({ name }) => [name, { ...empty, ...pools[name] }])),
    groups: [],
    debts: [],
    ...changes,
  };
}

export function launchInput(lab: Lab, rows: readonly LaunchRow[], changes: Partial<LaunchInput> = {}): LaunchInput {
  const descriptor = smallDescriptor();
  const pool = descriptor.pools.find(({ name }) => name === rows[0]?.pool);
  if (!pool) throw new Error('rows of a pool of the descriptor are needed');
  return { turn, vnf, pool, networks: descriptor.networks, groupId: null, rows, timing: lab.timing, ...changes };
}

export function rowsOf(
  pool: string,
  ordinals: readonly number[],
  hosts: readonly string[] = ['cmp-01', 'cmp-02', 'cmp-03', 'cmp-04'],
): LaunchRow[] {
  return ordinals.map((ordinal, index) => ({ pool, ordinal, host: hosts[index % hosts.length] ?? '' }));
}

export function membersIn(results: readonly LaunchResult[]): Member[] {
  return results.map((result) => {
    if (!result.ok) throw new Error(`not launched: ${result.message}`);
    return result.member;
  });
}

export async function launched(
  lab: Lab,
  rows: readonly LaunchRow[],
  changes: Partial<LaunchInput> = {},
): Promise<Member[]> {
  return membersIn(await lab.run('launch', launchInput(lab, rows, changes)));
}

/** Waits until the cloud is done with all that was launched: until then a server may be on no host yet. */
export function built({ cloud }: Lab): Promise<void> {
  return until(() => [...cloud.servers.values()].every(({ status }) => status !== 'BUILD'), 'all is built');
}

/** Waits for what the cloud does by itself; fails after a bound that no quick machine needs. */
export async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const end = Date.now() + 20_000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`it did not come to be: ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

export function names(items: Iterable<{ readonly name: string }>): string[] {
  return [...items].map(({ name }) => name).sort();
}
