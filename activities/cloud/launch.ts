import { Context } from '@temporalio/activity';
import { givenUpPortName, memberName, portMarks, portName, readTags, tag } from '../../domain/names';
import type { LaunchRow } from '../../domain/plan';
import type { Member } from '../../domain/record';
import {
  BadRequestError,
  ConflictError,
  neutron,
  nova,
  OpenStackError,
  QuotaExceededError,
  UnavailableError,
  type CallOptions,
} from '../../openstack';
import type { Dependencies } from '../dependencies';
import { cloudUnavailable } from '../errors';
import type { CloudActivities, LaunchInput, LaunchResult } from '../ports';
import { inParallel } from '../parallel';
import { deadlineOf, isRepeat, refuseLostTurn, type Deadline } from '../turn';
import { deletePorts, portsAtOnce } from './ports';

/**
 * Up to ten members: ports in one request, then servers, five at once. Nova has no idempotency key, so a repeat looks first for what
 * the attempt before it made: by the tags of servers and the descriptions of ports, which they have from their creation.
 */
export function launchActivity(dependencies: Dependencies): CloudActivities['launch'] {
  return async (input) => {
    refuseLostTurn(input.turn);
    const work: Work = { dependencies, input, deadline: deadlineOf(input.timing) };
    const found = isRepeat() ? await lookAround(work) : nothingFound;
    const missing = input.rows.filter((row) => !found.has(row.ordinal));
    let ports: ReadonlyMap<number, readonly string[]>;
    try {
      ports = await portsFor(work, missing);
    } catch (error) {
      // Neutron answers 409 too where a network has no address left, and another host would not help against that either.
      if (!(error instanceof QuotaExceededError || error instanceof ConflictError)) throw error;
      return input.rows.map(
        (row) => known(work, row, found) ?? lost(row, { kind: 'QuotaExceeded', message: error.message, portIds: [] }),
      );
    }
    const created = new Map<number, LaunchResult>();
    // Creates in one server group that are under way together do not see one another, and end in ERROR on the same host.
    const atOnce = input.rows.some((row) => row.group !== undefined) ? 1 : serversAtOnce;
    await inParallel(missing, atOnce, async (row) => {
      created.set(row.ordinal, await launchOne(work, row, ports.get(row.ordinal) ?? []));
    });
    return input.rows.map((row) => ({
      ...(known(work, row, found) ??
        created.get(row.ordinal) ??
        lost(row, { kind: 'CloudUnavailable', message: 'not tried', portIds: [] })),
      ...(isRepeat() && { doubtful: true }),
    }));
  };
}

const serversAtOnce = 5;

interface Work {
  readonly dependencies: Dependencies;
  readonly input: LaunchInput;
  readonly deadline: Deadline;
}

/** The servers that are members already, by ordinal, and the ports of each. */
type Found = ReadonlyMap<number, { readonly serverId: string; readonly portIds: readonly string[] }>;

const nothingFound: Found = new Map();

function tagsOf({ turn, vnf, pool }: LaunchInput): string[] {
  return [tag.vnf(vnf), tag.pool(pool.name), tag.token(turn.token)];
}

function marksOf({ turn, vnf }: LaunchInput): string {
  return portMarks({ vnf, token: turn.token });
}

function portNamesOf({ vnf, pool }: LaunchInput, row: LaunchRow): string[] {
  return pool.networks.map((network) => portName(memberName(vnf, row.pool, row.ordinal), network));
}

/** Looks at the rows of this activity alone: others of the same pool may be at work beside it. */
async function lookAround(work: Work): Promise<Found> {
  const { dependencies, input, deadline } = work;
  const { session } = dependencies;
  const seenOf = await look(work, tagsOf(input));
  const found = new Map<number, { serverId: string; portIds: readonly string[] }>();
  for (const row of input.rows) {
    const seen = seenOf(row);
    const stays = whoStays(input, row, seen);
    // What an earlier attempt gave up and deleted is still listed for a moment.
    const extra = seen.servers.filter((server) => server !== stays && server.taskState !== 'deleting');
    for (const { id } of extra) await nova.deleteServer(session, id, deadline.call(input.turn.token));
    // A free port is not taken again: a create that is still on its way may get as far as this one, and clears the port when it fails.
    const kept = stays ? portsKept(input, row, { stays, ports: seen.ports }) : [];
    // Nova leaves a port that it has not made when its server goes: nobody would delete it.
    const useless = seen.ports.filter((each) => !kept.includes(each)).map(({ id }) => id);
    const held = await giveUpPorts(work, row, useless);
    if (held.length > 0)
      throw cloudUnavailable(
        `ports of ${memberName(input.vnf, row.pool, row.ordinal)} are held by a server that goes`,
        {},
      );
    if (stays) found.set(row.ordinal, { serverId: stays.id, portIds: kept.map(({ id }) => id) });
  }
  return found;
}

interface OfRow {
  readonly servers: readonly nova.Server[];
  readonly ports: readonly neutron.Port[];
}

/** What there is of each row, given up or not, as it is now. */
async function look(
  { dependencies, input, deadline }: Work,
  tags: readonly string[],
): Promise<(row: LaunchRow) => OfRow> {
  const { session } = dependencies;
  const call = deadline.call();
  const [servers, ports] = await Promise.all([
    nova.listServers(session, { tags }, call),
    neutron.listPorts(session, { description: marksOf(input) }, call),
  ]);
  return (row) => {
    const portNames = [...portNamesOf(input, row), givenUpPortName(memberName(input.vnf, row.pool, row.ordinal))];
    return {
      servers: servers.filter((server) => readTags(server.tags).ordinal === row.ordinal),
      ports: ports.filter((port) => portNames.includes(port.name)),
    };
  };
}

/**
 * One member, one server: the one that holds the ports. One whose port an earlier attempt has given up is no member, and where several
 * may be about to take the same ports none is.
 */
function whoStays(input: LaunchInput, row: LaunchRow, { servers, ports }: OfRow): nova.Server | undefined {
  const portNames = portNamesOf(input, row);
  const held = (server: nova.Server): readonly neutron.Port[] => ports.filter((port) => port.deviceId === server.id);
  const whole = servers.filter(
    (server) =>
      server.taskState !== 'deleting' &&
      held(server).every(({ name }) => portNames.includes(name)) &&
      portsKept(input, row, { stays: server, ports }).length === input.pool.networks.length,
  );
  return whole.find((server) => held(server).length > 0) ?? (whole.length === 1 ? whole[0] : undefined);
}

/** One port a network, in their order: the server's own, or else a free one, which it is about to take. */
function portsKept(
  input: LaunchInput,
  row: LaunchRow,
  of: { stays: nova.Server; ports: readonly neutron.Port[] },
): neutron.Port[] {
  return portNamesOf(input, row).flatMap((name) => {
    const named = of.ports.filter((port) => port.name === name);
    return named.find((port) => port.deviceId === of.stays.id) ?? named.find((port) => port.deviceId === '') ?? [];
  });
}

/**
 * Deletes ports of a row, and gives those that a server holds. A deletion that was not answered may come when the next attempt has looked:
 * so that it launches nothing on them, they get another name first. A name that comes late does no harm.
 */
async function giveUpPorts(
  { dependencies, input, deadline }: Work,
  row: LaunchRow,
  ids: readonly string[],
): Promise<string[]> {
  const { session } = dependencies;
  const call = (): CallOptions => deadline.call(input.turn.token);
  const name = givenUpPortName(memberName(input.vnf, row.pool, row.ordinal));
  await inParallel(ids, portsAtOnce, async (id) => {
    await neutron.updatePort(session, id, { name }, call());
  });
  return await deletePorts(session, ids, call);
}

function known({ input }: Work, row: LaunchRow, found: Found): LaunchResult | undefined {
  const made = found.get(row.ordinal);
  return made && { ok: true, member: memberOf(input, row, made) };
}

function memberOf(
  { turn }: LaunchInput,
  { pool, ordinal, host, domain }: LaunchRow,
  made: { serverId: string; portIds: readonly string[] },
): Member {
  return {
    ...{ pool, ordinal, host, ...(domain !== undefined && { domain }) },
    ...{ serverId: made.serverId, portIds: made.portIds, token: turn.token },
  };
}

/** The ids of each row's ports, in the order of the pool's networks. All are made in one request. */
async function portsFor(work: Work, rows: readonly LaunchRow[]): Promise<ReadonlyMap<number, readonly string[]>> {
  const { dependencies, input, deadline } = work;
  const wanted: { row: LaunchRow; name: string; networkId: string }[] = [];
  for (const row of rows) {
    for (const network of input.pool.networks) {
      const name = portName(memberName(input.vnf, row.pool, row.ordinal), network);
      const networkId = await dependencies.names.networkId(
        input.networks[network]?.network ?? network,
        deadline.call(),
      );
      wanted.push({ row, name, networkId });
    }
  }
  const created =
    wanted.length === 0
      ? []
      : await neutron.createPorts(
          dependencies.session,
          wanted.map(({ name, networkId }) => ({
            name,
            networkId,
            description: marksOf(input),
            ...(input.groupId !== null && { securityGroupIds: [input.groupId] }),
          })),
          deadline.call(input.turn.token),
        );
  const ids = new Map<number, string[]>();
  for (const { row, name } of wanted) {
    const port = created.find((each) => each.name === name);
    if (port) ids.set(row.ordinal, [...(ids.get(row.ordinal) ?? []), port.id]);
  }
  return ids;
}

async function launchOne(work: Work, row: LaunchRow, portIds: readonly string[]): Promise<LaunchResult> {
  const { dependencies, input, deadline } = work;
  const { pool, vnf, turn } = input;
  const name = memberName(vnf, row.pool, row.ordinal);
  try {
    const { id } = await nova.createServer(
      dependencies.session,
      {
        name,
        flavorId: (await dependencies.names.flavor(pool.flavor, deadline.call())).id,
        imageId: await dependencies.names.imageId(pool.image, deadline.call()),
        portIds,
        tags: [...tagsOf(input), tag.ordinal(row.ordinal)],
        availabilityZone: pool.zone,
        ...placeOf(input, row),
      },
      deadline.call(turn.token),
    );
    return { ok: true, member: memberOf(input, row, { serverId: id, portIds }) };
  } catch (error) {
    if (error instanceof QuotaExceededError)
      return lost(row, { kind: 'QuotaExceeded', message: error.message, portIds });
    // The host is gone from the cloud, or the port is another's: elsewhere it may work.
    if (error instanceof BadRequestError || error instanceof ConflictError)
      return lost(row, { kind: 'MemberFailed', message: error.message, portIds });
    if (error instanceof UnavailableError) return await settleFate(work, row, { portIds, error });
    throw error;
  }
}

/** The host of the plan, or what keeps it off the hosts of others. */
function placeOf({ serverGroups }: LaunchInput, row: LaunchRow): Pick<nova.NewServer, 'host' | 'hints'> {
  if (row.group === undefined) return { host: row.host };
  const group = serverGroups?.find((each) => each.pool === row.pool && each.apart === row.group)?.id;
  return {
    hints: {
      ...(group !== undefined && { group }),
      ...(row.differentHost && { differentHost: row.differentHost }),
    },
  };
}

/** How often a create that the cloud did not answer is begun again by another attempt, before it is said to be lost. */
const attemptsMost = 3;

/**
 * The create may have had its effect. Seen: it is ours. Not seen: its ports are deleted, so that a create that is still on its way
 * must fail, and what then appears is deleted too. Then another attempt takes new ports, if there have not been too many.
 */
async function settleFate(
  work: Work,
  row: LaunchRow,
  at: { portIds: readonly string[]; error: UnavailableError },
): Promise<LaunchResult> {
  const { dependencies, input, deadline } = work;
  const { session } = dependencies;
  const { turn } = input;
  const tags = [...tagsOf(input), tag.ordinal(row.ordinal)];
  // Who is only told to wait is: as long as there is time, which the activity's own limit ends.
  const mayRepeat = at.error.throttled || Context.current().info.attempt < attemptsMost;
  if (!at.error.fateUnknown && mayRepeat) throw at.error;
  if (!at.error.fateUnknown)
    return lost(row, { kind: 'CloudUnavailable', message: at.error.message, portIds: at.portIds });
  try {
    const server = whoStays(input, row, (await look(work, tags))(row));
    if (server) return { ok: true, member: memberOf(input, row, { serverId: server.id, portIds: at.portIds }) };
    const held = await giveUpPorts(work, row, at.portIds);
    for (const late of await nova.listServers(session, { tags }, deadline.call()))
      await nova.deleteServer(session, late.id, deadline.call(turn.token));
    if (mayRepeat) throw at.error;
    return lost(row, { kind: 'CloudUnavailable', message: at.error.message, portIds: held });
  } catch (error) {
    if (!(error instanceof OpenStackError) || mayRepeat) throw error;
    return lost(row, { kind: 'CloudUnavailable', message: at.error.message, portIds: at.portIds });
  }
}

function lost(
  { pool, ordinal }: LaunchRow,
  why: { kind: Extract<LaunchResult, { ok: false }>['kind']; message: string; portIds: readonly string[] },
): LaunchResult {
  return { ok: false, ref: { pool, ordinal }, ...why };
}
