import { capOf, fitsOn } from '../../../checker/arithmetic';
import { verdictLines } from '../../../checker/report';
import { guarantees } from '../../../checker/verdict';
import type { Pool } from '../../../domain/descriptor/descriptor';
import { parseDescriptor } from '../../../domain/descriptor/parse';
import { recordWorkflowId } from '../../../domain/names';
import { signalNames } from '../../../domain/turn';
import { neutron, nova } from '../../../openstack';
import { hostsOf, migrate, setAlive, type HostSpec } from '../../../simulator';
import { setStatus } from '../../../simulator/scheduler';
import type { Host, Server } from '../../../simulator/model';
import { shortIn, type Ended } from './ended';
import { lifecyclesIn } from './lifecycles';
import { payloadOf } from './payloads';
import type { Act, PoolOfStory, Story, VnfOfStory } from './story';
import { vnfOf, type Run } from './temporal';
import type { CallStrike, CloudCall } from './worker';
import { openTroubles } from './troubles';
import { isQuiet, openWorld, type Begun, type Procedure, type World } from './world';

/** What came of a story. */
export interface Night {
  /** What is not as promised on the way or in the end; nothing, if all is well. */
  readonly problems: readonly string[];
  /** VNFs that were brought up and taken away again. */
  readonly lifecycles: number;
  /** A call had its effect when nobody waited for it any more: then a repair comes before the last look, and what was leaked until then is not told. */
  readonly isOverdue: boolean;
}

export async function playStory(story: Story): Promise<readonly string[]> {
  return (await playNight(story)).problems;
}

/** Plays a story to its end, and then everything to its own: hosts come back, what is blocked is cleaned up, every VNF is terminated. */
export async function playNight(story: Story): Promise<Night> {
  const begun: Begun[] = [];
  const later: (() => Promise<void>)[] = [];
  let overdue = false;
  /** A worker has stood still: what it sends when it goes on, it could not know better. */
  let stoodStill = false;
  /** Temporal has been away: who waits, and beats meanwhile, is not told that nobody waits for him any more. */
  let wasAway = false;
  const unasked = new Set<string>();
  let lastHindered: string | undefined;
  /** Adopts that are to be asked for. */
  let awaited = 0;
  /** VNFs whose record has died. */
  const lost = new Set<string>();
  let struck: { afterCalls: number; times: number; strike: CallStrike } | undefined;
  const world = openWorld({
    seed: story.seed,
    ...(story.as && { as: story.as }),
    cloud: { hosts: hostsIn(story), bootSeconds: [5, 25], latencyMs: [1, 50] },
    latencyMs: [1, 40],
    writes: story.seed % 8 === 0,
    sawCall: (call, moment) => {
      if (moment !== 'before') {
        // A question changes nothing, whenever it is answered.
        if (call.method === 'GET' || !isForgotten(world, call)) return undefined;
        overdue = true;
        const { requestId } = call;
        if (moment === 'arrives' && requestId !== undefined) world.note({ kind: 'late', requestId });
        hinders();
        return undefined;
      }
      if (!stoodStill && isUnasked(world, call) && !(wasAway && call.activity === 'unfenceHosts'))
        unasked.add(`${call.activity} has sent ${call.method} ${call.path} when nobody waited for it any more`);
      if (troubles.isRefused(call)) {
        hinders(vnfOfCall(call));
        return { kind: 'status', status: 500, moment: 'before' };
      }
      if (!struck) return undefined;
      if (struck.afterCalls > 0) {
        struck.afterCalls -= 1;
        return undefined;
      }
      hinders(vnfOfCall(call));
      const { strike } = struck;
      struck.times -= 1;
      if (struck.times <= 0) struck = undefined;
      return strike;
    },
  });
  const { time, temporal, cloud } = world;
  /** Whoever is at work, for this VNF or for any, may go back for it. Once for all that are at work is enough. */
  const hinders = (vnf?: string): void => {
    const those = `${String(begun.length)} ${vnf ?? ''}`;
    if (those === lastHindered) return;
    lastHindered = those;
    world.note({ kind: 'hindered', ...(vnf !== undefined && { vnf }) });
  };
  const vnfOfCall = ({ runId }: CloudCall): string | undefined => {
    const run = temporal.runs.get(runId);
    return run && (vnfOf(run) || undefined);
  };
  const troubles = openTroubles(world, later);
  // A pool of one group leaves no room for a replacement otherwise.
  if (story.as === 'tenant')
    for (const { quotas } of cloud.projects.values()) quotas.set('server_group_members', groupMembers);
  const hosts = [...cloud.hosts.values()];
  const hostAt = (number: number): Host => hosts[number % hosts.length] ?? raise('there are hosts');
  const racks = [...new Set(hosts.flatMap(({ domains }) => domains[rackKey] ?? []))].sort();
  const rackAt = (number: number): readonly Host[] => {
    const rack = racks[number % Math.max(1, racks.length)];
    return rack === undefined ? [] : hosts.filter(({ domains }) => domains[rackKey] === rack);
  };
  /** Of those who serve: that one dies between the commit and the publication nobody could know. */
  const servingAt = (vnf: string, number: number): Server | undefined => {
    const serving = Object.values(cloud.publications.get(vnf)?.service ?? {}).flat();
    const name = serving[number % Math.max(1, serving.length)];
    return [...cloud.servers.values()].find((each) => each.name === name);
  };

  const ask = (procedure: Procedure, input: Readonly<Record<string, unknown>>): void => {
    begun.push(world.begin(procedure, input));
    // The log does not tell of a VNF of which nobody gets the turn, or not for long, or where that is about to come out.
    for (const { vnf } of story.vnfs) {
      const view = world.viewOf(vnf);
      if (view && (view.blocked !== null || view.cleaning || view.stuck.length > 0)) hinders(vnf);
    }
  };
  const evacuate = (those: readonly Host[], cause: 'failed' | 'maintenance'): void => {
    const named = those.flatMap((host) => nameOf(world, story, host) ?? []);
    if (named.length === 0) return;
    ask('evacuateHost', { hosts: named, cause, ...(cause === 'failed' && { fenced: true, force: true }) });
  };
  const act = (what: Act): void => {
    switch (what.does) {
      case 'instantiate':
        ask('instantiate', { vnf: what.vnf, descriptor: descriptorOf(story, what.vnf) });
        return;
      case 'heal':
      case 'rebalance':
      case 'terminate':
        ask(what.does, { vnf: what.vnf });
        return;
      case 'adopt': {
        const { vnf } = what;
        const isLost = lost.has(vnf) && world.viewOf(vnf) === null;
        adoptAfter(vnf, isLost ? longestLateMs : 0);
        return;
      }
      case 'recordDies': {
        const record = temporal.latest(recordWorkflowId(what.vnf));
        if (record?.status !== 'RUNNING' || isAtWork('adopt', what.vnf)) return;
        lost.add(what.vnf);
        world.note({ kind: 'recordLost', vnf: what.vnf });
        for (const run of temporal.runs.values()) troubles.meddled(run);
        temporal.terminate(record);
        return;
      }
      case 'troubled': {
        const run = runAt(what.run);
        if (run) troubles.begin(run, what);
        return;
      }
      case 'audit':
        ask('audit', { vnf: what.vnf, repair: what.repair });
        return;
      case 'scale': {
        const { vnf, pool, to } = what;
        const level = world.viewOf(vnf)?.pools[pool]?.level ?? 0;
        ask(to >= level ? 'scaleOut' : 'scaleIn', { vnf, pool, to });
        return;
      }
      case 'evacuate': {
        const { cause } = what;
        const dead = hosts.filter((host) => !host.alive);
        const host = cause === 'failed' ? dead[what.host % Math.max(1, dead.length)] : hostAt(what.host);
        if (host) evacuate([host], cause);
        return;
      }
      case 'evacuateRack': {
        const { cause } = what;
        const there = rackAt(what.rack).filter((host) => cause === 'maintenance' || !host.alive);
        if (there.length > 0) evacuate(there, cause);
        return;
      }
      case 'restore': {
        if (story.as === 'tenant') return;
        const closed = hosts.filter((host) => !host.enabled || host.forcedDown);
        const host = closed[what.host % Math.max(1, closed.length)];
        if (host) ask('restoreHost', { hosts: [host.name] });
        return;
      }
      case 'hostDies':
        // More at once than a pool has to spare is not what is promised about, but it must not confuse anybody either.
        setAlive(cloud, hostAt(what.host), false);
        return;
      case 'hostReturns':
        setAlive(cloud, hostAt(what.host), true);
        return;
      case 'rackDies':
      case 'rackReturns':
        for (const host of rackAt(what.rack)) setAlive(cloud, host, what.does === 'rackReturns');
        return;
      case 'memberDies': {
        const server = servingAt(what.vnf, what.member);
        if (server && server.status === 'ACTIVE') {
          server.fault = { code: 500, message: 'died', created: new Date().toISOString() };
          setStatus(cloud, server, 'ERROR');
        }
        return;
      }
      case 'memberMoves': {
        const server = servingAt(what.vnf, what.member);
        const from = cloud.hosts.get(server?.host ?? '');
        // A tenant does not see in which zone one is.
        const there = hosts.filter(({ zone }) => story.as === undefined || zone === from?.zone);
        const to = there[what.host % Math.max(1, there.length)];
        // Nova moves nothing from or to a host that is forced down.
        const isUp = (host: Host | undefined): boolean => host?.alive === true && !host.forcedDown;
        if (server?.status === 'ACTIVE' && isUp(from) && to && isUp(to)) migrate(cloud, server, to);
        return;
      }
      case 'workerDies':
        hinders();
        temporal.workers()[0]?.kill();
        time.after(3_000, () => world.addWorker());
        return;
      case 'workerStops': {
        const [worker] = temporal.workers();
        worker?.stop();
        hinders();
        stoodStill = true;
        time.after(3_000, () => world.addWorker());
        time.after(what.seconds * 1_000, () => {
          worker?.goOn();
          hinders();
          temporal.workersChanged();
        });
        return;
      }
      case 'temporalAway':
        temporal.goAway(what.seconds * 1_000);
        wasAway = true;
        hinders();
        time.after(what.seconds * 1_000, () => {
          hinders();
        });
        return;
      case 'callStruck':
        struck = { ...what };
        return;
      case 'cancel': {
        const run = runAt(what.run);
        if (run) {
          meddled(run);
          temporal.cancel(run);
        }
        return;
      }
      case 'terminateRun': {
        const run = runAt(what.run);
        if (run) {
          meddled(run);
          temporal.terminate(run);
        }
        return;
      }
      case 'reset':
        later.push(async () => {
          const { keptPercent = 50 } = what;
          const run = runAt(what.run);
          const isTold = run !== undefined && (what.keptPercent !== undefined || run.children.size === 0);
          if (!isTold) return;
          meddled(run);
          meddled(await temporal.reset(run, Math.ceil((run.execution.steps.length * keptPercent) / 100)));
        });
        return;
    }
  };
  const meddled = (run: Run): void => {
    troubles.meddled(run);
    hinders(vnfOf(run) || undefined);
  };
  const isOf = (run: Run, vnf: string): boolean => run.type !== 'vnf' && run.status === 'RUNNING' && vnfOf(run) === vnf;
  const isAtWork = (type: Procedure, vnf: string): boolean =>
    [...temporal.runs.values()].some((run) => run.type === type && isOf(run, vnf));
  /** What has been asked of the cloud for a record that has died has come to its end before it is adopted; who is at work for it the adopt waits for. */
  const adoptAfter = (vnf: string, milliseconds: number): void => {
    awaited += 1;
    time.after(milliseconds, () => {
      awaited -= 1;
      if (temporal.workers().some((worker) => !worker.isDead() && !worker.isHeard())) adoptAfter(vnf, longestLateMs);
      else ask('adopt', { vnf, descriptor: descriptorOf(story, vnf) });
    });
  };
  /** Of the procedures that are at work now. */
  const runAt = (number: number): Run | undefined => {
    const running = begun.map((each) => each.run()).filter((run) => run.status === 'RUNNING');
    return running[number % Math.max(1, running.length)];
  };
  const until = async (what: string, condition: () => boolean): Promise<void> => {
    for (;;) {
      await world.until(what, () => later.length > 0 || condition());
      if (later.length === 0) return;
      for (const each of later.splice(0)) await each();
    }
  };
  const quiet = (): Promise<void> => until('nothing but records is at work', () => awaited === 0 && isQuiet(world));

  const night = (problems: readonly string[]): Night => ({
    problems,
    lifecycles: lifecyclesIn(cloud.log),
    isOverdue: overdue,
  });

  try {
    let left = story.acts.length;
    for (const each of story.acts)
      time.after(each.atSeconds * 1_000, () => {
        left -= 1;
        act(each);
      });
    await until('the story has been told', () => left === 0);
    struck = undefined;
    await quiet();
    troubles.end();
    await endAll(world, { story, isOverdue: () => overdue, lost, quiet });
    const verdict = world.verdict();
    const broken = guarantees.filter((each) => verdict.guarantees[each].violations.length > 0);
    const said = broken.length > 0 ? verdictLines(verdict).filter((line) => !line.includes(' held ')) : [];
    return night([...unasked, ...troubles.problems, ...said]);
  } catch (error) {
    return night([error instanceof Error ? (error.stack ?? error.message) : String(error)]);
  } finally {
    world.close();
  }
}

/** Nobody waits for it any more, and no clean-up comes that would have to find what it makes: that comes behind who was terminated. */
function isForgotten({ temporal }: World, { runId, activityId }: CloudCall): boolean {
  const run = temporal.runs.get(runId);
  if (!run || run.status === 'TERMINATED') return false;
  const id = Number(activityId);
  // A workflow task waits for its local ones.
  return run.status !== 'RUNNING' || !(run.activities.has(id) || run.task?.locals.has(id) === true);
}

/** That a call has its effect late is the cloud's doing; that one which changes something is sent late is ours. */
function isUnasked(world: World, call: CloudCall): boolean {
  return call.method !== 'GET' && isForgotten(world, call);
}

interface Ending {
  readonly story: Story;
  /** A call had its effect when nobody waited for it any more: what it made the next audit finds, and nobody before. */
  readonly isOverdue: () => boolean;
  readonly lost: ReadonlySet<string>;
  readonly quiet: () => Promise<void>;
}

/** Everything is well again, and every VNF is terminated: what is left then is a leak. */
async function endAll(world: World, { story, isOverdue, lost, quiet }: Ending): Promise<void> {
  const { cloud, temporal } = world;
  for (const host of cloud.hosts.values()) setAlive(cloud, host, true);
  await world.pass(300_000);
  for (const { vnf } of story.vnfs) {
    if (lost.has(vnf) && world.viewOf(vnf) === null) await findAgain(world, { story, vnf });
    if (world.viewOf(vnf)?.blocked) {
      temporal.signal({ workflowId: recordWorkflowId(vnf) }, signalNames.audit, [payloadOf({})]);
      await world.pass(1_000);
      await quiet();
    }
    if ((isOverdue() || lost.has(vnf)) && world.viewOf(vnf)) {
      await world.run('audit', { vnf, repair: true });
    }
    // Who was not ACTIVE when it was adopted is dead to its record.
    if (lost.has(vnf) && world.viewOf(vnf)) {
      const healed = world.begin('heal', { vnf });
      await world.until(`${vnf} is healed`, () => healed.ended() !== undefined && isQuiet(world));
    }
    if ((await world.settle(vnf)) === null) continue;
    if (lost.has(vnf) || story.acts.some(({ does }) => does === 'memberMoves')) await repair(world, { story, vnf });
    const ended = await world.run('terminate', { vnf });
    await quiet();
    await world.settle(vnf);
    if (world.viewOf(vnf) !== null) throw new Error(`${vnf} is still there: ${JSON.stringify(ended)}`);
  }
}

/** Its record has died, and nobody has adopted it since: then that is done, or where nothing is left that can be, the rest is deleted by hand. */
async function findAgain(world: World, { story, vnf }: { story: Story; vnf: string }): Promise<void> {
  const { servers, ports, securityGroups, serverGroups } = world.cloud;
  const isOurs = ({ name }: { readonly name: string }): boolean => name.startsWith(`${vnf}-`);
  if ([...servers.values()].some(isOurs)) {
    const adopted = await world.run('adopt', { vnf, descriptor: descriptorOf(story, vnf) });
    if (adopted.outcome !== 'completed') throw new Error(`${vnf} cannot be adopted: ${JSON.stringify(adopted)}`);
    return;
  }
  const { operator } = world;
  const deleted = async (): Promise<void> => {
    for (const port of [...ports.values()].filter(isOurs)) await neutron.deletePort(operator, port.id);
    for (const group of [...securityGroups.values()].filter(isOurs))
      await neutron.deleteSecurityGroup(operator, group.id);
    for (const group of [...serverGroups.values()].filter(isOurs)) await nova.deleteServerGroup(operator, group.id);
  };
  await world.done('it is cleaned by hand', deleted());
}

/** Whoever was moved by other hands finds a place where one may be: no host is dead or closed any more. */
async function repair(world: World, { story, vnf }: { story: Story; vnf: string }): Promise<void> {
  const ended = async (procedure: Procedure, input: Readonly<Record<string, unknown>>): Promise<Ended | undefined> => {
    const asked = world.begin(procedure, input);
    await world.until(`${procedure} ends`, () => asked.ended() !== undefined && isQuiet(world));
    return asked.ended();
  };
  const closed = [...world.cloud.hosts.values()].filter(({ enabled, forcedDown }) => !enabled || forcedDown);
  if (closed.length > 0) await ended('restoreHost', { hosts: closed.map(({ name }) => name) });
  const end = await ended('rebalance', { vnf });
  const beyond = beyondRoom(world, { story, vnf });
  const isDone = end?.outcome === 'completed';
  // A tenant is not told of room before it is tried.
  const isTried = story.as === 'tenant' && end?.outcome === 'unwound' && beyond.size > 0;
  const left = isDone ? shortIn(end).filter((name) => !beyond.has(name)) : isTried ? [] : [end?.message ?? ''];
  if (left.length > 0) throw new Error(`rebalance has left ${vnf} as it was: ${left.join(', ')}`);
  await world.settle(vnf);
}

/**
 * Pools that have more members than their hosts and racks carry. One that was moved to a host of no rack, or into another zone, counts in no
 * rack: with it a pool may have grown so far. And an adopt takes whoever is there, also one of which another was to take the place.
 */
function beyondRoom(world: World, { story, vnf }: { story: Story; vnf: string }): ReadonlySet<string> {
  const parsed = parseDescriptor(descriptorOf(story, vnf));
  if (!parsed.ok) throw new Error(`the descriptor of ${vnf} is none`);
  const carried = ({ zone, spare, failureDomain }: Pool, level: number): boolean => {
    const here = hostsIn(story).filter((host) => host.zone === zone);
    const rooms = here.map(({ domains }) => ({
      ...{ own: 0, free: level },
      ...(failureDomain && { domain: domains?.[rackKey] ?? null }),
    }));
    const domainCap = failureDomain && capOf(failureDomain.spare, level);
    return fitsOn(rooms, { level, cap: capOf(spare, level), ...(domainCap !== undefined && { domainCap }) });
  };
  const levels = world.viewOf(vnf)?.pools ?? {};
  const beyond = parsed.descriptor.pools.filter((pool) => !carried(pool, levels[pool.name]?.level ?? 0));
  return new Set(beyond.map(({ name }) => name));
}

/** By what name the workers know a host. Undefined where that is a hash, and nobody has been there. */
function nameOf({ cloud }: World, { as }: Story, { name }: Host): string | undefined {
  if (as === undefined) return name;
  const [server] = cloud.servers.values();
  return cloud.hostIds.get(`${server?.projectId ?? ''}${name}`);
}

/** No call of a story stays inside the cloud for longer, and no attempt is at work. */
const longestLateMs = 120_000;

/** More than a pool of a story has. */
const groupMembers = 50;

/** The key of the metadata that says of a host which rack it is in. */
const rackKey = 'rack';

function hostsIn({ hosts, racks }: Story): HostSpec[] {
  const numbers = new Map<string, number>();
  return hostsOf(hosts).map((host) => {
    const number = numbers.get(host.zone) ?? 0;
    numbers.set(host.zone, number + 1);
    const rack = racks?.[host.zone]?.[number];
    return typeof rack === 'string' ? { ...host, domains: { [rackKey]: rack } } : host;
  });
}

function descriptorOf(story: Story, vnf: string): Readonly<Record<string, unknown>> {
  const found: VnfOfStory = story.vnfs.find((each) => each.vnf === vnf) ?? raise(`there is no ${vnf} in the story`);
  return {
    name: 'soak',
    networks: { mgmt: { network: 'mgmt' } },
    pools: found.pools.map(({ name, zone, spare, rackSpare, min, initial, max, serial, evacuates }) => ({
      ...{ name, zone, size: { min, initial, max }, spare, serial, belowShare: 'onePerHost' },
      ...(evacuates && { recover: 'evacuate' }),
      ...(rackSpare !== undefined && { failureDomain: { key: rackKey, spare: rackSpare } }),
      ...{ flavor: 'm1.small', image: 'cirros', networks: ['mgmt'], healthyAfterSeconds: 5, drainSeconds: 20 },
      securityRules: [{ protocol: 'tcp', ports: 80, from: 'any' }],
    })),
  };
}

function raise(what: string): never {
  throw new Error(what);
}

/** Leaves out one act after another, and what makes racks matter, for as long as it still fails: what is left is what it takes. */
export async function shrink(
  story: Story,
  problemsOf: (story: Story) => Promise<readonly string[]> = playStory,
): Promise<Story> {
  let shortest = story;
  const isTaken = async (shorter: Story): Promise<boolean> => {
    if ((await problemsOf(shorter)).length === 0) return false;
    shortest = shorter;
    return true;
  };
  for (let changed = true; changed;) {
    changed = false;
    for (let index = shortest.acts.length - 1; index >= 0; index--)
      if (await isTaken({ ...shortest, acts: shortest.acts.filter((_, at) => at !== index) })) changed = true;
    for (const flatter of flatterThan(shortest))
      if (await isTaken(flatter)) {
        changed = true;
        break;
      }
  }
  return shortest;
}

/** As an operator; without racks; else with one pool less that keeps to them. */
function flatterThan(story: Story): Story[] {
  const { racks, ...rest } = story;
  const { as, ...asOperator } = story;
  const nested = story.vnfs.flatMap(({ pools }) => pools.filter(({ rackSpare }) => rackSpare !== undefined));
  const flattened = (which: readonly PoolOfStory[]): readonly VnfOfStory[] =>
    story.vnfs.map(({ vnf, pools }) => ({
      vnf,
      pools: pools.map((pool) => {
        const { rackSpare, ...flat } = pool;
        return rackSpare !== undefined && which.includes(pool) ? flat : pool;
      }),
    }));
  return [
    ...(as ? [asOperator] : []),
    ...(racks ? [{ ...rest, vnfs: flattened(nested) }] : []),
    ...nested.map((pool) => ({ ...story, vnfs: flattened([pool]) })),
  ];
}
