import { sleep } from '@temporalio/workflow';
import { summary } from '../../domain/markdown';
import { failure, type Failure } from '../../domain/failure';
import { memberName } from '../../domain/names';
import { asFound } from '../../domain/placement/rebalance';
import { togetherOf, type Together } from '../../domain/placement/together';
import type { Batch, LaunchRow, MemberRef, Plan, ServerGroupRef } from '../../domain/plan';
import {
  securityGroupOf,
  serverGroupIds,
  serverGroupsOf,
  sharesOf,
  type Group,
  type Member,
} from '../../domain/record';
import { bootLimitSeconds } from '../../domain/timing';
import type { HealthResult, LaunchResult } from '../../activities/ports';
import { allEnded } from '../allEnded';
import { cloud, waiting } from '../ports';
import { asFailure, toApplicationFailure } from '../failures';
import type { Step, Turn } from '../run';
import { deadRemoved } from './deadFirst';
import { removeDoubleGroups } from './groups';
import { planAgain } from './plan';

/** A launch activity takes at most this many: few events for each VM, and little to repeat when one is lost. */
const rowsPerActivity = 10;
/** How many launch activities of a pool run side by side. The cloud's own limits are kept by the workers. */
const activitiesAtOnce = 4;
/** Longer than a service of the cloud takes to be started again. */
const lookAgainSeconds = 15;
/** Then the run goes back: a cloud that spoils four plans in a row will spoil the fifth. */
const replansMax = 3;

/**
 * Launches what the plan says, batch by batch, and waits until every new member is where the plan put it and has been
 * ACTIVE long enough. Where the world moved, a new plan is made from the state reached.
 *
 * Its undo removes whatever bears this turn's token, so it needs no list of what was launched: also what a lost reply
 * or a dead worker left is found.
 */
export const launched: Step = {
  name: 'launch',
  action: async (turn) => {
    /** Misplaced members that are let be for as long as they keep the next ones off the hosts that they are on. */
    const strays: Lost[] = [];
    for (;;) {
      await makeServerGroups(turn);
      const lost = await launchLayers(turn);
      if (lost.length === 0) {
        await removeStrays(turn, strays);
        if (turn.doubtful) await removeDoubles(turn);
        await removeDoubleGroups(turn);
        return;
      }
      if (turn.replans >= replansMax || !lost.every(mayBeTriedElsewhere))
        throw toApplicationFailure(whyLost(turn, lost), 'unwound');
      turn.replans += 1;
      strays.push(...lost.filter((each) => keepsOthersOff(turn, each)));
      const gone = lost.filter((each) => !strays.includes(each));
      if (gone.length > 0) await removeLost(turn, gone);
      avoid(turn, lost);
      await lookAgain(turn, lost);
      const plan = await planOnOr(turn, lost, strays);
      await removeLaunched(turn, plan.discard);
      // The hosts that are left may not carry the replacements beside the dead, as those of the first plan did.
      await deadRemoved.action(turn);
    }
  },
  undo: async (turn) => {
    const { token } = turn.ref;
    await cloud(turn.timing, { retrySeconds: turn.timing.undoSeconds }).removeByToken.executeWithOptions(
      { summary: 'undo: remove what this turn launched' },
      [
        {
          ...{ turn: turn.ref, vnf: turn.vnf, token, keep: [], timing: turn.timing },
          ...sharesOf(turn.record),
        },
      ],
    );
  },
  sought: ({ ref }) => ({ tokens: [ref.token] }),
};

/**
 * Where the hosts left over cannot carry it, what spoilt the others is the reason, not the want of hosts. Those that a member never
 * came to are given another chance before.
 */
async function planOnOr(turn: Turn, lost: readonly Lost[], strays: Lost[]): Promise<Plan> {
  try {
    return await planAgain(turn);
  } catch (error) {
    const reason = asFailure(error);
    if (reason?.kind === 'QuotaExceeded' && strays.length > 0) {
      // Without them there is less to keep the next ones where they are to be, but a chance.
      await removeStrays(turn, strays);
      return await planOnOr(turn, lost, strays);
    }
    if (reason?.kind !== 'Impossible' && reason?.kind !== 'NotFound') throw error;
    if (turn.doubtedHosts.size > 0) {
      for (const host of turn.doubtedHosts) turn.avoidHosts.delete(host);
      turn.absolvedHosts = [...turn.absolvedHosts, ...turn.doubtedHosts];
      turn.doubtedHosts.clear();
      await pauseBeforeLook(turn);
      return await planOnOr(turn, lost, strays);
    }
    throw toApplicationFailure(whyLost(turn, lost), 'unwound', error instanceof Error ? error : undefined);
  }
}

/** A member that will not be one. */
interface Lost {
  readonly ref: MemberRef;
  readonly kind: 'QuotaExceeded' | 'MemberFailed' | 'CloudUnavailable' | 'AntiAffinityViolated' | 'NotFound';
  readonly message: string;
  /** What is left of it. */
  readonly left: Member;
  /** The host to plan nothing on again in this turn. */
  readonly avoid: string | null;
  /** It never came to be on that host, which may not be to blame: Placement was away, or the cloud forgot the request. */
  readonly nowhere?: boolean;
}

/** A host that is doubted is avoided for as long as there are others, and once: what goes wrong there again is its own fault. */
function avoid(turn: Turn, lost: readonly Lost[]): void {
  for (const { avoid: host, nowhere } of lost) {
    if (host === null) continue;
    const isDoubt = nowhere === true && !turn.avoidHosts.has(host) && !turn.absolvedHosts.includes(host);
    if (isDoubt) turn.doubtedHosts.add(host);
    else if (nowhere !== true) turn.doubtedHosts.delete(host);
  }
  for (const { avoid: host } of lost) if (host !== null) turn.avoidHosts.add(host);
}

/** Layer after layer (instantiate), the pools of a layer side by side. Ends early when a layer lost a member. */
async function launchLayers(turn: Turn): Promise<Lost[]> {
  const batches = turn.plan?.batches ?? [];
  const layers = [...new Set(batches.map((batch) => batch.layer))].sort((a, b) => a - b);
  for (const layer of layers) {
    const ofLayer = batches.filter((batch) => batch.layer === layer);
    const pools = [...new Set(ofLayer.map((batch) => batch.pool))];
    turn.touched = true;
    const results = (
      await allEnded(
        pools.map((pool) =>
          launchPool(
            turn,
            ofLayer.filter((batch) => batch.pool === pool),
          ),
        ),
      )
    ).flat();
    const lost = [...lostAtLaunch(results), ...(await awaitAll(turn, results))];
    if (lost.length > 0) return lost;
  }
  return [];
}

interface Launched {
  readonly row: LaunchRow;
  readonly result: LaunchResult;
}

/** The next batch begins when every create of the one before has been accepted or refused: that is what keeps G1(d). */
async function launchPool(turn: Turn, batches: readonly Batch[]): Promise<Launched[]> {
  const done: Launched[] = [];
  for (const batch of batches) {
    const parts = chunks(batch.rows, rowsPerActivity);
    // Creates in one server group must not be under way at the same time.
    const atOnce = batch.rows.some((row) => row.group !== undefined) ? 1 : activitiesAtOnce;
    for (const some of chunks(parts, atOnce)) {
      const results = await allEnded(some.map((rows) => launchRows(turn, batch.pool, rows)));
      done.push(...results.flat());
    }
    if (done.some(({ result }) => !result.ok)) break;
  }
  return done;
}

async function launchRows(turn: Turn, poolName: string, rows: readonly LaunchRow[]): Promise<Launched[]> {
  const { descriptor } = turn.record;
  const pool = descriptor.pools.find((each) => each.name === poolName);
  if (!pool) throw new Error(`a plan names the unknown pool ${poolName}`);
  const results = await cloud(turn.timing).launch.executeWithOptions({ summary: summary(`launch ${range(rows)}`) }, [
    {
      turn: turn.ref,
      vnf: turn.vnf,
      pool,
      networks: descriptor.networks,
      groupId: securityGroupOf(turn.groups, poolName)?.id ?? null,
      ...(isApart(turn) && { serverGroups: serverGroupsOf(turn.groups, poolName) }),
      rows,
      timing: turn.timing,
    },
  ]);
  turn.doubtful ||= results.some((result) => result.doubtful);
  return rows.flatMap((row, index) => {
    const result = results[index];
    return result ? [{ row, result }] : [];
  });
}

function lostAtLaunch(results: readonly Launched[]): Lost[] {
  return results.flatMap(({ row, result }) => {
    if (result.ok) return [];
    const { kind, message, serverId, portIds } = result;
    const { pool, ordinal, host } = row;
    const left: Member = { pool, ordinal, host, serverId: serverId ?? '', portIds, token: '' };
    return [{ ref: row, kind, message, left, avoid: kind === 'MemberFailed' && host !== '' ? host : null }];
  });
}

/**
 * One wait for all members of a layer, which looks again at those launched before: a member of an earlier layer, or of an
 * earlier plan, that has died since must not enter service. Those that are healthy count as launched, also when others are lost.
 */
async function awaitAll(turn: Turn, results: readonly Launched[]): Promise<Lost[]> {
  const fresh = results.flatMap(({ result }) => (result.ok ? [result.member] : []));
  if (fresh.length === 0) return [];
  const members = [...fresh, ...turn.launched.values()];
  const pools = turn.record.descriptor.pools.filter((pool) => fresh.some((member) => member.pool === pool.name));
  const healthyAfterSeconds = Object.fromEntries(pools.map((pool) => [pool.name, pool.healthyAfterSeconds]));
  const bootTimeoutSeconds = Math.max(...pools.map((pool) => pool.bootTimeoutSeconds));
  const holdSeconds = Math.max(...pools.map((pool) => pool.healthyAfterSeconds)) * turn.timing.pace;
  const longest = bootLimitSeconds(turn.timing, bootTimeoutSeconds) + holdSeconds;
  const health = await waiting(turn.timing, longest).awaitHealthy.executeWithOptions(
    { summary: summary(`healthy: ${range(fresh)}`) },
    [
      {
        turn: turn.ref,
        vnf: turn.vnf,
        members,
        healthyAfterSeconds,
        bootTimeoutSeconds,
        ...(isApart(turn) && { together: together(turn) }),
        timing: turn.timing,
      },
    ],
  );
  return members.flatMap((member, index) => {
    const result = health[index];
    if (result?.ok) turn.launched.set(keyOf(member), { ...member, host: result.host });
    if (!result || result.ok) return [];
    turn.launched.delete(keyOf(member));
    return [lostInWait(member, result)];
  });
}

function lostInWait(member: Member, result: Extract<HealthResult, { ok: false }>): Lost {
  const { kind, message } = result;
  // Where the plan has no host, the one that it is on is the one to be avoided, if it is on any.
  const host = member.host === '' ? result.host : member.host;
  const nowhere = result.host === null;
  return { ref: member, kind, message, left: member, avoid: kind === 'QuotaExceeded' ? null : host, nowhere };
}

/** What quota refuses here it refuses on every host. */
function mayBeTriedElsewhere(lost: Lost): boolean {
  return lost.kind !== 'QuotaExceeded';
}

function whyLost(turn: Turn, lost: readonly Lost[]): Failure {
  const [first] = lost;
  const kind = lost.find((each) => each.kind === 'QuotaExceeded')?.kind ?? first?.kind ?? 'MemberFailed';
  const names = lost.map(({ ref }) => memberName(turn.vnf, ref.pool, ref.ordinal));
  return failure(
    kind,
    `${names.join(', ')} could not be made members, after ${String(turn.replans)} new plans: ${first?.message ?? ''}`,
    {
      vnf: turn.vnf,
      members: lost.map(({ ref, kind: each, message }) => ({
        member: memberName(turn.vnf, ref.pool, ref.ordinal),
        kind: each,
        message,
      })),
      avoided: [...turn.avoidHosts],
    },
  );
}

/** Strays are gone before anything new is planned: they occupy room and quota. */
async function removeLost(turn: Turn, lost: readonly Lost[]): Promise<void> {
  const members = lost.filter(({ left }) => left.serverId !== '' || left.portIds.length > 0).map(({ left }) => left);
  const orphans = lost.map(({ ref }) => ({ pool: ref.pool, ordinal: ref.ordinal }));
  await cloud(turn.timing).remove.executeWithOptions({ summary: 'remove what was lost' }, [
    { turn: turn.ref, vnf: turn.vnf, members, orphans, timing: turn.timing },
  ]);
}

async function removeLaunched(turn: Turn, refs: readonly MemberRef[]): Promise<void> {
  const members = refs.flatMap((ref) => turn.launched.get(keyOf(ref)) ?? []);
  if (members.length === 0) return;
  for (const member of members) turn.launched.delete(keyOf(member));
  await cloud(turn.timing).remove({ turn: turn.ref, vnf: turn.vnf, members, timing: turn.timing });
}

/** True of a plan that does not choose hosts. */
function isApart({ plan }: Turn): boolean {
  return plan?.serverGroups !== undefined;
}

/** Server groups belong to the VNF: the commit gives them to the record, and the undo removes them with what is in them. */
async function makeServerGroups(turn: Turn): Promise<void> {
  const wanted = turn.plan?.serverGroups ?? [];
  if (wanted.length === 0) return;
  turn.touched = true;
  const { groups, doubtful } = await cloud(turn.timing).createServerGroups.executeWithOptions(
    { summary: `make ${String(wanted.length)} server groups` },
    [{ turn: turn.ref, vnf: turn.vnf, groups: wanted, timing: turn.timing }],
  );
  turn.doubtful ||= doubtful;
  turn.apart.made = true;
  // One of the same number that is known already is gone from the cloud.
  const isReplaced = (group: Group): boolean =>
    groups.some(({ pool, apart }) => pool === group.pool && apart === group.apart);
  turn.groups = [...turn.groups.filter((group) => !isReplaced(group)), ...groups];
  turn.record = { ...turn.record, groups: turn.groups };
}

function together(turn: Turn): Record<string, Together> {
  const { plan, request, record } = turn;
  const barred = [...turn.avoidHosts, ...(request.kind === 'emptyHosts' ? request.hosts : [])];
  return togetherOf(asFound(record, plan?.foundOn ?? []), {
    levels: plan?.levels ?? {},
    leave: plan?.leave ?? [],
    barred,
  });
}

/** While it exists its server group has no other on that host: the next one of the group must come to be elsewhere. */
function keepsOthersOff(turn: Turn, { kind }: Lost): boolean {
  return isApart(turn) && kind === 'AntiAffinityViolated';
}

async function removeStrays(turn: Turn, strays: Lost[]): Promise<void> {
  if (strays.length === 0) return;
  await removeLost(turn, strays);
  strays.length = 0;
}

/** "No valid host" is also what is said while Placement is away: the first time in a group, it is asked for again a while later. */
async function lookAgain(turn: Turn, lost: readonly Lost[]): Promise<void> {
  const rows = turn.plan?.batches.flatMap((batch) => batch.rows) ?? [];
  const groups = new Map<string, ServerGroupRef>();
  for (const { ref, kind } of lost) {
    const row = rows.find((each) => each.pool === ref.pool && each.ordinal === ref.ordinal);
    if (kind === 'NotFound' && row?.group !== undefined)
      groups.set(`${row.pool}/${String(row.group)}`, { pool: row.pool, number: row.group });
  }
  const { doubted, full } = turn.apart;
  const isIn = (list: readonly ServerGroupRef[], of: ServerGroupRef): boolean =>
    list.some(({ pool, number }) => pool === of.pool && number === of.number);
  const again = [...groups.values()].filter((group) => isIn(doubted, group));
  const first = [...groups.values()].filter((group) => !isIn(doubted, group));
  full.push(...again);
  doubted.push(...first);
  if (first.length > 0) await pauseBeforeLook(turn);
}

async function pauseBeforeLook({ timing }: Turn): Promise<void> {
  const seconds = lookAgainSeconds * (timing.timeoutPace ?? timing.pace);
  await sleep(seconds * 1_000, { summary: 'until room is looked for again' });
}

/** All that bears this turn's token and is no member to be: what a create that got no answer has made after all. */
async function removeDoubles(turn: Turn): Promise<void> {
  const { token } = turn.ref;
  const keep = [...turn.launched.values()].map((member) => member.serverId);
  await cloud(turn.timing).removeByToken.executeWithOptions({ summary: 'remove doubles' }, [
    {
      turn: turn.ref,
      vnf: turn.vnf,
      token,
      keep,
      ...(isApart(turn) && { keepGroups: serverGroupIds(turn.groups) }),
      timing: turn.timing,
    },
  ]);
}

function keyOf({ pool, ordinal }: MemberRef): string {
  return `${pool}/${String(ordinal)}`;
}

/** `sprout-7…16`, as a person would say it. */
function range(refs: readonly MemberRef[]): string {
  const pools = [...new Set(refs.map((ref) => ref.pool))];
  return pools
    .map((pool) => {
      const ordinals = refs.filter((ref) => ref.pool === pool).map((ref) => ref.ordinal);
      const [low, high] = [Math.min(...ordinals), Math.max(...ordinals)];
      return low === high ? `${pool}-${String(low)}` : `${pool}-${String(low)}…${String(high)}`;
    })
    .join(', ');
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}
