import type { EmptyHostsPlanned } from '../../activities/ports';
import type { DryRunResult, EvacuateHostResult, NamedMember, ProcedureResult } from '../../domain/procedures';
import type { Plan } from '../../domain/plan';
import type { Ended } from '../../scripts/lib/virtual/ended';
import { endOfFailure } from '../../scripts/lib/virtual/ended';
import { errorOf, valueOf } from '../../scripts/lib/virtual/payloads';
import { onePool, vnf } from '../../scripts/lib/virtual/specs';
import type { Run } from '../../scripts/lib/virtual/temporal';
import { openWorld, type Procedure, type World, type WorldOptions } from '../../scripts/lib/virtual/world';
import { hostsOf, migrate, seeded, setAlive } from '../../simulator';
import type { Host, Server } from '../../simulator/model';
import { setStatus } from '../../simulator/scheduler';

/** A dry run says what the run does: asked for one after the other, they plan the same, or are refused in the same words. */

const twoPools = {
  ...onePool,
  pools: [
    onePool.pools[0],
    { ...onePool.pools[0], name: 'edge', size: { min: 2, initial: 3, max: 9 }, spare: '50%', securityRules: [] },
  ],
} as const;

interface Opened extends Pick<WorldOptions, 'as' | 'cloud' | 'sawCall'> {
  readonly descriptor?: object | undefined;
}

async function open({ descriptor = onePool, cloud = {}, ...given }: Opened): Promise<World> {
  const world = openWorld({ seed: 1, ...given, cloud: { hosts: hostsOf({ mz: 8 }), ...cloud } });
  expect(await world.run('instantiate', { vnf, descriptor })).toMatchObject({ outcome: 'completed' });
  await world.settle(vnf);
  return world;
}

/** What comes of a run: its plans, the first of each VNF, and its end. */
interface Came {
  readonly ended: Ended;
  readonly plans: readonly Planned[];
}

type Planned = Omit<Plan, 'revision' | 'told'>;

interface Change {
  readonly launched: readonly string[];
  readonly evacuated: readonly string[];
  readonly removed: readonly string[];
  readonly short: ProcedureResult['short'];
}

interface Both {
  readonly dry: Came;
  readonly real: Came;
}

/** How much is planned and done in a world, by all that a dry run must not change. */
function touched({ cloud, viewOf }: World): string {
  const { revision, pools } = viewOf(vnf) ?? {};
  return JSON.stringify([cloud.log.filter(({ type }) => type !== 'note').length, revision, pools]);
}

let asked = 0;

async function both(world: World, procedure: Procedure, input: Readonly<Record<string, unknown>>): Promise<Both> {
  asked += 1;
  const before = touched(world);
  const run = world.temporal.start({
    ...{ type: procedure, workflowId: `dry-${String(asked)}`, args: [{ ...input, dryRun: true }] },
  });
  await world.until('it has said it', () => run.status !== 'RUNNING');
  expect(touched(world)).toBe(before);
  const dry: Came = {
    ended:
      run.status === 'COMPLETED'
        ? { outcome: 'completed', result: run.result }
        : endOfFailure(run.status, errorOf(run.failure ?? {})),
    plans: plansOf([run]),
  };

  const known = new Set(world.temporal.runs.keys());
  const ended = await world.run(procedure, input);
  const runs = [...world.temporal.runs].flatMap(([id, each]) => (known.has(id) ? [] : [each]));
  const planning = runs.filter(({ type }) => type === (procedure === 'evacuateHost' ? 'evacuateVnf' : procedure));
  const real: Came = { ended, plans: planning.flatMap((each) => plansOf([each]).slice(0, 1)) };
  await world.settle(vnf);
  return { dry, real };
}

/** All that was planned, but for what it is not carried out by. */
function plansOf(runs: readonly Run[]): Planned[] {
  const answers = runs
    .flatMap(({ execution }) => execution.steps.flatMap(({ jobs }) => jobs))
    .map(({ resolveActivity }) => valueOf(resolveActivity?.result?.completed?.result));
  return answers
    .flatMap((answer) => (isPlan(answer) ? [answer] : plansIn(answer)))
    .map(({ revision: _revision, told: _told, ...plan }) => plan);
}

/** Of all VNFs on some hosts, or none. */
function plansIn(answer: unknown): Plan[] {
  const { plans } = (answer ?? {}) as Partial<EmptyHostsPlanned>;
  return Object.values(plans ?? {});
}

function isPlan(answer: unknown): answer is Plan {
  return typeof answer === 'object' && answer !== null && 'deleteFirst' in answer;
}

/** Of each VNF. */
function resultsIn(result: unknown): readonly ProcedureResult[] {
  const { vnfs } = (result ?? {}) as Partial<EvacuateHostResult>;
  return vnfs ?? (result ? [result as ProcedureResult] : []);
}

const nameOf = ({ name }: NamedMember): string => name;

/** Names only, in no order: members come and go side by side, and a tenant knows their hosts when they are there. */
function doneBy({ result }: Ended): Change {
  const all = resultsIn(result);
  return {
    launched: all.flatMap(({ launched }) => launched.map(nameOf)).sort(),
    evacuated: all.flatMap(({ evacuated }) => evacuated.map(nameOf)).sort(),
    removed: all.flatMap(({ removed }) => removed.map(nameOf)).sort(),
    short: all.flatMap(({ short }) => short),
  };
}

function saidBy({ result }: Ended): Change {
  const { launches, evacuates, leaves, short } = result as DryRunResult;
  return {
    launched: launches.map(nameOf).sort(),
    evacuated: evacuates.map(nameOf).sort(),
    removed: [...leaves].sort(),
    short,
  };
}

/** The world had moved, or was not as the cloud said, so that it planned anew. */
function isOvertaken({ outcome, result }: Ended): boolean {
  return outcome === 'unwound' || resultsIn(result).some(({ replans }) => replans > 0);
}

/** What each member of a pool needs a turn for, or a quota that does not carry them twice, a dry run says of all turns at once. */
function turnsOf({ dry, real }: Both): 'one' | 'several' | 'told at once' {
  if (!real.plans.some(({ more }) => more)) return 'one';
  return dry.plans.some(({ more }) => more) ? 'several' : 'told at once';
}

/** Refused alike, or planned alike and carried out as planned. */
function expectAlike({ dry, real }: Both): void {
  if (real.ended.outcome !== 'completed' || dry.ended.outcome !== 'completed') {
    const { outcome, kind, message } = real.ended;
    expect(dry.ended).toMatchObject({ outcome, kind, message });
    return;
  }
  expect(dry.ended.result).toMatchObject({ outcome: 'planned' });
  if (real.plans.length > 0) expect(dry.plans).toEqual(real.plans);
  expect(saidBy(dry.ended)).toEqual(doneBy(real.ended));
}

function serverOf({ viewOf, cloud }: World, ordinal: number, pool = 'web'): Server {
  const member = viewOf(vnf)?.pools[pool]?.inService.find((each) => each.ordinal === ordinal);
  const server = cloud.servers.get(member?.serverId ?? '');
  if (!server) throw new Error(`there is no ${pool} ${String(ordinal)}`);
  return server;
}

function hostOf(world: World, ordinal: number, pool = 'web'): Host {
  const host = world.cloud.hosts.get(serverOf(world, ordinal, pool).host ?? '');
  if (!host) throw new Error(`${pool} ${String(ordinal)} is nowhere`);
  return host;
}

function kill({ cloud }: World, server: Server): void {
  server.fault = { code: 500, message: 'died', created: new Date(0).toISOString() };
  setStatus(cloud, server, 'ERROR');
}

async function killHost(world: World, host: Host): Promise<void> {
  setAlive(world.cloud, host, false);
  await world.pass(1_000);
}

const names = (...ordinals: number[]): string[] => ordinals.map((ordinal) => `${vnf}-web-${String(ordinal)}`);

interface Case extends Omit<Opened, 'sawCall'> {
  readonly what: string;
  readonly prepare?: (world: World) => Promise<void> | void;
  readonly procedure: Procedure;
  readonly input: (world: World) => Readonly<Record<string, unknown>>;
  /** Of the dry run. */
  readonly says: object;
}

const mz = (many: number, vms: number) => ({
  hosts: hostsOf({ mz: many }, { vcpus: 16, ramMb: 2_048 * vms, diskGb: 20 * vms }),
});

const cases: readonly Case[] = [
  {
    what: 'heal of nobody',
    procedure: 'heal',
    input: () => ({ vnf }),
    says: { result: { outcome: 'planned', launches: [], leaves: [] } },
  },
  {
    what: 'heal of one in ERROR, with room',
    prepare: (world) => {
      kill(world, serverOf(world, 2));
    },
    procedure: 'heal',
    input: () => ({ vnf }),
    says: { result: { launches: [{}], leaves: names(2), deletesFirst: [] } },
  },
  {
    what: 'heal of one in ERROR, with no room but its own',
    cloud: mz(4, 1),
    prepare: (world) => {
      kill(world, serverOf(world, 2));
    },
    procedure: 'heal',
    input: () => ({ vnf }),
    says: { result: { launches: [{}], leaves: names(2), deletesFirst: names(2) } },
  },
  {
    what: 'heal of one in ERROR, with no quota but its own',
    cloud: { quotas: { instances: 4 } },
    prepare: (world) => {
      kill(world, serverOf(world, 2));
    },
    procedure: 'heal',
    input: () => ({ vnf }),
    says: { result: { leaves: names(2), deletesFirst: names(2) } },
  },
  {
    what: 'heal of more than the spare on a word alone',
    procedure: 'heal',
    input: () => ({ vnf, members: names(1, 2, 3) }),
    says: {
      outcome: 'refused',
      kind: 'InvalidRequest',
      message: expect.stringMatching(/^3 members of web .*on your word/) as string,
    },
  },
  {
    what: 'heal of one that is named, where one that the cloud shows dead is the spare already',
    prepare: (world) => {
      kill(world, serverOf(world, 2));
    },
    procedure: 'heal',
    input: () => ({ vnf, members: names(2, 4) }),
    says: { outcome: 'refused', kind: 'InvalidRequest' },
  },
  {
    what: 'heal of one that is named and looks healthy',
    procedure: 'heal',
    input: () => ({ vnf, members: names(3) }),
    says: { result: { launches: [{}], leaves: names(3), deletesFirst: [] } },
  },
  {
    what: 'heal of one that is named and looks healthy, with no room but its own',
    cloud: mz(4, 1),
    procedure: 'heal',
    input: () => ({ vnf, members: names(3) }),
    says: { result: { leaves: names(3), deletesFirst: names(3) } },
  },
  {
    what: 'heal where a host is forced down',
    descriptor: twoPools,
    prepare: async (world) => {
      const host = hostOf(world, 1);
      await killHost(world, host);
      host.forcedDown = true;
    },
    procedure: 'heal',
    input: () => ({ vnf }),
    says: { result: { outcome: 'planned' } },
  },
  {
    what: 'heal where the dead leave no room for all',
    cloud: mz(4, 1),
    prepare: async (world) => {
      const host = hostOf(world, 1);
      await killHost(world, host);
      host.forcedDown = true;
    },
    procedure: 'heal',
    input: () => ({ vnf }),
    says: { outcome: 'refused', kind: 'Impossible' },
  },
  {
    what: 'evacuateHost of a dead host',
    descriptor: twoPools,
    prepare: (world) => killHost(world, hostOf(world, 1)),
    procedure: 'evacuateHost',
    input: (world) => ({ hosts: [hostOf(world, 1).name], cause: 'failed' }),
    says: { result: { evacuates: [], short: [] } },
  },
  {
    what: 'evacuateHost of a dead and fenced host, of which members survive',
    descriptor: { ...onePool, pools: [{ ...onePool.pools[0], recover: 'evacuate' }] },
    prepare: (world) => killHost(world, hostOf(world, 1)),
    procedure: 'evacuateHost',
    input: (world) => ({ hosts: [hostOf(world, 1).name], cause: 'failed', fenced: true }),
    says: { result: { launches: [], leaves: [], evacuates: [{ name: 'v-web-1' }] } },
  },
  {
    what: 'evacuateHost of hosts that are dead and to be fenced, with more members than the spare',
    descriptor: {
      ...onePool,
      pools: [{ ...onePool.pools[0], recover: 'evacuate', size: { min: 3, initial: 6, max: 30 } }],
    },
    prepare: async (world) => {
      for (const ordinal of [1, 2, 3]) await killHost(world, hostOf(world, ordinal));
    },
    procedure: 'evacuateHost',
    input: (world) => ({ hosts: [1, 2, 3].map((of) => hostOf(world, of).name), cause: 'failed', fenced: true }),
    says: { result: { launches: [], leaves: [], evacuates: { length: 3 } } },
  },
  {
    what: 'evacuateHost of a dead host that leaves no room',
    cloud: mz(4, 1),
    prepare: (world) => killHost(world, hostOf(world, 1)),
    procedure: 'evacuateHost',
    input: (world) => ({ hosts: [hostOf(world, 1).name], cause: 'failed', fenced: true }),
    says: { result: { launches: [], short: [{ pool: 'web', missing: 1 }] } },
  },
  {
    what: 'evacuateHost of a dead host that one was moved off, and one onto',
    prepare: async (world) => {
      const host = hostOf(world, 1);
      const server = serverOf(world, 2);
      migrate(world.cloud, serverOf(world, 1), hostOf(world, 2));
      migrate(world.cloud, server, host);
      await killHost(world, host);
    },
    procedure: 'evacuateHost',
    input: (world) => ({ hosts: [hostOf(world, 2).name], cause: 'failed', fenced: true }),
    says: { result: { leaves: names(2) } },
  },
  {
    what: 'evacuateHost for maintenance',
    descriptor: twoPools,
    procedure: 'evacuateHost',
    input: (world) => ({ hosts: [hostOf(world, 1).name], cause: 'maintenance' }),
    says: { result: { short: [] } },
  },
  {
    what: 'evacuateHost for maintenance of a host that one was moved to, where there is room for one',
    descriptor: { ...onePool, pools: [{ ...onePool.pools[0], spare: '50%' }] },
    cloud: mz(4, 1),
    prepare: (world) => {
      migrate(world.cloud, serverOf(world, 2), hostOf(world, 1));
    },
    procedure: 'evacuateHost',
    input: (world) => ({ hosts: [hostOf(world, 1).name], cause: 'maintenance' }),
    says: { outcome: 'refused', kind: 'Impossible' },
  },
  {
    what: 'scaleOut',
    procedure: 'scaleOut',
    input: () => ({ vnf, pool: 'web', to: 7 }),
    says: { result: { leaves: [] } },
  },
  {
    what: 'scaleOut that is not possible',
    cloud: mz(5, 1),
    procedure: 'scaleOut',
    input: () => ({ vnf, pool: 'web', to: 7 }),
    says: { outcome: 'refused', kind: 'Impossible' },
  },
  {
    what: 'scaleIn, with one that is dead',
    descriptor: { ...onePool, pools: [{ ...onePool.pools[0], size: { min: 3, initial: 7, max: 30 } }] },
    prepare: (world) => {
      kill(world, serverOf(world, 2));
    },
    procedure: 'scaleIn',
    input: () => ({ vnf, pool: 'web', to: 5 }),
    says: { result: { leaves: { length: 2 } } },
  },
  {
    what: 'scaleIn with names',
    descriptor: { ...onePool, pools: [{ ...onePool.pools[0], size: { min: 3, initial: 7, max: 30 } }] },
    procedure: 'scaleIn',
    input: () => ({ vnf, pool: 'web', to: 6, members: names(5) }),
    says: { result: { leaves: names(5) } },
  },
  {
    what: 'rebalance',
    descriptor: twoPools,
    prepare: (world) => {
      migrate(world.cloud, serverOf(world, 2), hostOf(world, 1));
    },
    procedure: 'rebalance',
    input: () => ({ vnf }),
    says: { result: { leaves: { length: 1 } } },
  },
  {
    what: 'terminate, with one that is dead',
    descriptor: twoPools,
    prepare: (world) => {
      kill(world, serverOf(world, 2));
    },
    procedure: 'terminate',
    input: () => ({ vnf }),
    says: { result: { launches: [], leaves: { length: 7 } } },
  },
];

test.each(cases)('$what', async ({ prepare, procedure, input, says, what: _what, ...opened }) => {
  const world = await open(opened);
  try {
    await prepare?.(world);
    const came = await both(world, procedure, input(world));
    expect(came.dry.ended).toMatchObject(says);
    expectAlike(came);
    expect(world.verdict().ok).toBe(true);
  } finally {
    world.close();
  }
});

test('of a VNF that is blocked it is refused as the run is', async () => {
  let blind = true;
  const world = await open({
    sawCall: ({ workflowId }, moment) =>
      blind && moment === 'before' && workflowId.startsWith('audit:')
        ? { kind: 'status', status: 500, moment }
        : undefined,
  });
  try {
    const gone = world.begin('scaleOut', { vnf, pool: 'web', to: 5 });
    await world.until('it launches', () => world.cloud.servers.size === 5);
    world.temporal.terminate(gone.run());
    await world.until('it is blocked', () => world.viewOf(vnf)?.blocked != null);
    kill(world, serverOf(world, 2));
    blind = false;
    const scaled = await both(world, 'scaleOut', { vnf, pool: 'web', to: 6 });
    expect(scaled.dry.ended).toMatchObject({ outcome: 'refused', kind: 'Stuck' });
    expectAlike(scaled);
    const healed = await both(world, 'heal', { vnf });
    expect(healed.dry.ended).toMatchObject({ outcome: 'refused', kind: 'Stuck' });
    expectAlike(healed);
    const ended = await both(world, 'terminate', { vnf });
    expect(ended.dry.ended).toMatchObject({ outcome: 'completed', result: { leaves: { length: 4 } } });
    expect(ended.real.ended).toMatchObject({ outcome: 'completed' });
  } finally {
    world.close();
  }
});

/** Of a small cloud in which much is dead, moved or full. */
function somethingWrong(world: World, random: () => number): void {
  const { cloud } = world;
  const any = <T>(all: readonly T[]): T | undefined => all[Math.floor(random() * all.length)];
  const hosts = [...cloud.hosts.values()];
  for (let wrong = Math.floor(random() * 4); wrong > 0; wrong--) {
    const server = any([...cloud.servers.values()].filter(({ status }) => status === 'ACTIVE'));
    const host = any(hosts);
    if (!server || !host) return;
    const what = random();
    if (what < 0.45) kill(world, server);
    else if (what < 0.65) migrate(cloud, server, host);
    else {
      setAlive(cloud, host, false);
      host.forcedDown = random() < 0.5;
    }
  }
}

function anything(world: World, random: () => number): [Procedure, Readonly<Record<string, unknown>>] {
  const pools = world.viewOf(vnf)?.pools ?? {};
  const [pool = 'web', state] = Object.entries(pools)[Math.floor(random() * Object.keys(pools).length)] ?? [];
  const some = (state?.inService ?? []).filter(() => random() < 0.4);
  const members = some.slice(0, 3).map(({ ordinal }) => `${vnf}-${pool}-${String(ordinal)}`);
  const level = state?.level ?? 0;
  const hosts = [...world.cloud.hosts.values()].filter(({ alive }) => random() < (alive ? 0.1 : 0.9));
  const known = new Set(Object.values(pools).flatMap(({ inService }) => inService.map(({ host }) => host)));
  // A tenant knows no others than those that its servers are on, by other names.
  const those = hosts.map(({ name }) => name).filter((name) => known.has(name));
  const named = { hosts: those.length > 0 ? those : [...known].slice(0, 1) };
  const fenced = random() < 0.5 && hosts.length > 0 && hosts.every(({ alive }) => !alive);
  const possible: [Procedure, Readonly<Record<string, unknown>>][] = [
    ['heal', { vnf }],
    ['heal', { vnf }],
    ['heal', { vnf, ...(members.length > 0 && { members }) }],
    ['evacuateHost', { ...named, cause: 'failed', fenced, force: true }],
    ['evacuateHost', { ...named, cause: 'maintenance' }],
    ['scaleIn', { vnf, pool, to: level - 1, ...(random() < 0.7 && members[0] && { members: [members[0]] }) }],
    ['scaleOut', { vnf, pool, to: level + 1, strict: random() < 0.3 }],
    ['rebalance', { vnf, strict: random() < 0.3 }],
    ['terminate', { vnf }],
  ];
  return possible[Math.floor(random() * possible.length)] ?? ['heal', { vnf }];
}

const nights = 24;

/** Two pools on few hosts, with little quota beyond what they take. */
function crowded(random: () => number): Opened {
  const [web, edge] = twoPools.pools;
  const upTo = (most: number): number => Math.floor(random() * (most + 1));
  const size = { min: 3, initial: 3 + upTo(3), max: 12 };
  const pool = {
    ...web,
    size,
    spare: random() < 0.5 ? '50%' : 2,
    recover: random() < 0.5 ? 'evacuate' : 'replace',
  };
  const instances = size.initial + edge.size.initial + upTo(3);
  return {
    descriptor: { ...twoPools, pools: [pool, edge] },
    cloud: { ...mz(5 + upTo(2), 2 + upTo(1)), quotas: { instances } },
  };
}

test('whatever is wrong, a run begins with what its dry run has planned', async () => {
  const reached = new Set<string>();
  for (let seed = 1; seed <= nights; seed++) {
    const random = seeded(seed);
    const world = await open({ ...crowded(random), as: seed % 4 === 0 ? 'tenant' : 'operator' });
    try {
      somethingWrong(world, random);
      await world.pass(random() < 0.8 ? 120_000 : 1_000);
      const [procedure, input] = anything(world, random);
      const came = await both(world, procedure, input);
      const { dry, real } = came;
      const first = real.plans[0];
      reached.add(`${procedure} ${real.ended.outcome}`);
      if (first && first.deleteFirst.length > 0) reached.add('deletes first');
      try {
        const turns = turnsOf(came);
        if (turns === 'several') expect(dry.ended.result).toMatchObject({ more: true });
        if (turns === 'told at once') expect(saidBy(dry.ended).removed).toEqual(doneBy(real.ended).removed);
        else if (turns === 'several' || isOvertaken(real.ended)) expect(dry.plans).toEqual(real.plans);
        else expectAlike(came);
      } catch (error) {
        throw new Error(`seed ${String(seed)}, ${procedure} ${JSON.stringify(input)}`, { cause: error });
      }
    } finally {
      world.close();
    }
  }
  expect([...reached]).toEqual(
    expect.arrayContaining(['heal completed', 'heal refused', 'deletes first', 'evacuateHost completed']),
  );
});
