import { randomUUID } from 'node:crypto';
import { inParallel } from '../../../../activities/parallel';
import { groupMarks, groupName, portMarks, portName, serverGroupName, tag } from '../../../../domain/names';
import type { NamedMember } from '../../../../domain/procedures';
import { glance, neutron, nova, type Session } from '../../../../openstack';
import { removeAll } from '../../../lib/cloud/external/inventory';
import type { Move, Side } from './side';
import { capOf, layersOf, poolOf, type Subject } from './subject';
import { lookUntil, secondsOf } from './waiting';

/**
 * The bare script: it posts what the product has posted (same servers on the same hosts, same ports, rules and tags), in the way that
 * was found to be quickest, and lists until all are ACTIVE. No plan, no record, no repeat, no check: what fails, fails the benchmark.
 */

const activeWithinSeconds = 600;
const goneWithinSeconds = 300;
/** How it posts. */
export interface Posting {
  /** Servers at once; with ports in bulk, of each ten members. */
  readonly concurrency: number;
  /** The ports of ten members in one request, as the product asks for them, or each member's own just before its server. */
  readonly ports: 'each' | 'bulk';
}

/** Tried in turn, and the quickest is taken. */
const postings: readonly Posting[] = [
  { concurrency: 4, ports: 'each' },
  { concurrency: 8, ports: 'each' },
  { concurrency: 5, ports: 'bulk' },
  { concurrency: 10, ports: 'bulk' },
];
const membersPerRequest = 10;

export interface BareOptions {
  readonly session: Session;
  readonly subject: Subject;
  readonly vnf: string;
  readonly as: 'operator' | 'tenant';
  readonly posting: Posting;
  /** What the pools wait for after ACTIVE. */
  readonly pace: number;
  readonly signal: AbortSignal;
}

interface Made {
  readonly serverId: string;
  readonly portIds: readonly string[];
}

/** Names are looked up before the clock runs. */
interface Names {
  readonly flavors: ReadonlyMap<string, string>;
  readonly images: ReadonlyMap<string, string>;
  readonly networks: ReadonlyMap<string, string>;
}

export async function bareSide(options: BareOptions): Promise<Side> {
  const { session, subject, vnf, as, pace, signal, posting } = options;
  const names = await namesOf(session, subject);
  const token = randomUUID();
  const made = new Map<string, Made>();
  const groups = new Map<string, string>();
  const serverGroups = new Map<string, string>();

  const makeGroups = async (): Promise<void> => {
    for (const { name: pool } of subject.descriptor.pools) {
      const marks = groupMarks({ vnf, pool, token });
      const group = await neutron.createSecurityGroup(session, { name: groupName(vnf, pool), description: marks });
      groups.set(pool, group.id);
      if (as === 'operator') continue;
      const name = serverGroupName({ vnf, pool, number: 1, token });
      const apart = await nova.createServerGroup(session, { name, maxServerPerHost: capOf(subject, pool) });
      serverGroups.set(pool, apart.id);
    }
    for (const { name, securityRules } of subject.descriptor.pools) {
      const rules = securityRules.map((rule): neutron.NewRule => {
        const remote = groups.get(rule.from);
        return {
          groupId: known(groups, name),
          protocol: rule.protocol,
          ...(rule.ports && { portMin: rule.ports[0], portMax: rule.ports[1] }),
          ...(remote !== undefined
            ? { remoteGroupId: remote }
            : { remoteIpPrefix: rule.from === 'any' ? '0.0.0.0/0' : rule.from }),
        };
      });
      const distinct = [...new Map(rules.map((rule) => [JSON.stringify(rule), rule])).values()];
      if (distinct.length > 0) await neutron.createSecurityGroupRules(session, distinct);
    }
  };

  /** In one request. By the name of the member. */
  const makePorts = async (members: readonly NamedMember[]): Promise<ReadonlyMap<string, string[]>> => {
    signal.throwIfAborted();
    const wanted = members.flatMap((member) =>
      poolOf(subject, member.pool).networks.map((network) => ({ member, network })),
    );
    const ports = await neutron.createPorts(
      session,
      wanted.map(({ member, network }) => ({
        name: portName(ownName(vnf, member), network),
        networkId: known(names.networks, network),
        description: portMarks({ vnf, token }),
        securityGroupIds: [known(groups, member.pool)],
      })),
    );
    const idOf = new Map(ports.map(({ name, id }) => [name, id]));
    const ids = new Map<string, string[]>();
    for (const { member, network } of wanted) {
      const name = ownName(vnf, member);
      ids.set(name, [...(ids.get(name) ?? []), known(idOf, portName(name, network))]);
    }
    return ids;
  };

  const launch = async (member: NamedMember, ports: ReadonlyMap<string, string[]>): Promise<void> => {
    signal.throwIfAborted();
    const pool = poolOf(subject, member.pool);
    const name = ownName(vnf, member);
    const portIds = known(ports, name);
    const { id } = await nova.createServer(session, {
      name,
      flavorId: known(names.flavors, pool.flavor),
      imageId: known(names.images, pool.image),
      portIds,
      tags: [tag.vnf(vnf), tag.pool(member.pool), tag.token(token), tag.ordinal(member.ordinal)],
      availabilityZone: pool.zone,
      ...(as === 'operator' ? { host: member.host } : { hints: { group: known(serverGroups, member.pool) } }),
    });
    made.set(name, { serverId: id, portIds });
  };

  const launchAll = async (members: readonly NamedMember[]): Promise<void> => {
    const { concurrency, ports } = posting;
    if (ports === 'each') {
      await inParallel(members, concurrency, async (member) => {
        await launch(member, await makePorts([member]));
      });
    } else {
      const parts = chunks(members, membersPerRequest);
      await inParallel(parts, concurrency > 1 ? parts.length : 1, async (part) => {
        const bulk = await makePorts(part);
        await inParallel(part, concurrency, (member) => launch(member, bulk));
      });
    }
    const wanted = members.map((member) => known(made, ownName(vnf, member)).serverId);
    await lookUntil('all are ACTIVE', {
      withinSeconds: activeWithinSeconds,
      signal,
      look: async () => {
        const servers = await nova.listServers(session, { tags: [tag.vnf(vnf)] });
        const bad = servers.find(({ id, status }) => wanted.includes(id) && status === 'ERROR');
        if (bad) throw new Error(`${bad.name} is in ERROR: ${bad.fault?.message ?? ''}`);
        const active = servers.filter(({ id, status }) => wanted.includes(id) && status === 'ACTIVE');
        return active.length === wanted.length;
      },
    });
    const holds = members.map(({ pool }) => poolOf(subject, pool).healthyAfterSeconds * pace);
    await new Promise((resolve) => setTimeout(resolve, 1_000 * Math.max(0, ...holds)));
  };

  const untilGone = async (gone: readonly string[]): Promise<void> => {
    await lookUntil('what was deleted is gone', {
      withinSeconds: goneWithinSeconds,
      signal,
      look: async () =>
        !(await nova.listServers(session, { tags: [tag.vnf(vnf)] })).some(({ id }) => gone.includes(id)),
    });
  };

  const replace = async ({ launches, removes, host }: Move, served: () => void): Promise<void> => {
    if (host !== null) {
      const service = (await nova.listServices(session)).find((each) => each.host === host);
      if (!service) throw new Error(`there is no compute host ${host}`);
      await nova.forceDown(session, service.id, true);
    }
    const gone = removes.map((member) => known(made, ownName(vnf, member)));
    await inParallel(gone, posting.concurrency, async ({ serverId }) => {
      await nova.deleteServer(session, serverId);
    });
    await launchAll(launches);
    served();
    await untilGone(gone.map(({ serverId }) => serverId));
    const ports = gone.flatMap(({ portIds }) => portIds);
    await inParallel(ports, posting.concurrency, async (id) => {
      await neutron.deletePort(session, id);
    });
  };

  return {
    name: 'bare',
    plays: ['instantiate', 'scaleOut', 'heal', 'evacuateHost'],
    play: async (move, served) => {
      if (move.procedure === 'instantiate') await makeGroups();
      if (move.removes.length > 0) {
        await replace(move, served);
        return;
      }
      for (const layer of layersOf(subject, move.launches)) await launchAll(layer);
      served();
    },
    remove: async () => {
      await inParallel([...made.values()], posting.concurrency, async ({ serverId }) => {
        await nova.deleteServer(session, serverId);
      });
      await untilGone([...made.values()].map(({ serverId }) => serverId));
      made.clear();
      groups.clear();
      serverGroups.clear();
      const left = await removeAll({ own: session, operator: null }, { vnf, servers: [] });
      if (left.length > 0) throw new Error(left.join('; '));
    },
  };
}

/** How the bare script is quickest here and now, with these members. */
export async function bestPosting(
  options: Omit<BareOptions, 'posting'>,
  of: { readonly members: readonly NamedMember[]; readonly say: (line: string) => void },
): Promise<Posting> {
  const tries: { posting: Posting; seconds: number }[] = [];
  for (const posting of postings) {
    const side = await bareSide({ ...options, posting });
    const move: Move = { procedure: 'instantiate', launches: of.members, removes: [], host: null };
    const seconds = await secondsOf(() => side.play(move, () => undefined));
    await side.remove();
    const { concurrency, ports } = posting;
    of.say(
      `bare script, ${String(of.members.length)} VMs, ports ${ports}, ${String(concurrency)} at once: ${seconds.toFixed(1)} s`,
    );
    tries.push({ posting, seconds });
  }
  const [best] = tries.sort((a, b) => a.seconds - b.seconds);
  if (!best) throw new Error('nothing was tried');
  return best.posting;
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}

function ownName(vnf: string, { pool, ordinal }: NamedMember): string {
  return `${vnf}-${pool}-${String(ordinal)}`;
}

async function namesOf(session: Session, { descriptor }: Subject): Promise<Names> {
  const [flavors, networks] = await Promise.all([nova.listFlavors(session), neutron.listNetworks(session)]);
  const images = new Map<string, string>();
  for (const name of new Set(descriptor.pools.map((pool) => pool.image))) {
    const [image] = await glance.listImages(session, { name });
    if (!image) throw new Error(`there is no image ${name}`);
    images.set(name, image.id);
  }
  const idOf = new Map(networks.map(({ name, id }) => [name, id]));
  return {
    flavors: new Map(flavors.map(({ name, id }) => [name, id])),
    images,
    networks: new Map(
      Object.entries(descriptor.networks).map(([name, { network }]) => [name, idOf.get(network) ?? '']),
    ),
  };
}

function known<T>(map: ReadonlyMap<string, T>, name: string): T {
  const found = map.get(name);
  if (found === undefined || found === '') throw new Error(`there is no ${name}`);
  return found;
}
