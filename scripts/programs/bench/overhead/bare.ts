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
 * The bare script: it posts what the product has posted (same servers on the same hosts, same ports, rules and tags), so many at once
 * as is best, and lists until all are ACTIVE. No plan, no record, no repeat, no check: what fails, fails the benchmark.
 */

const activeWithinSeconds = 600;
const goneWithinSeconds = 300;
/** Tried in turn, and the quickest is taken. */
const concurrencies = [4, 8, 16];

export interface BareOptions {
  readonly session: Session;
  readonly subject: Subject;
  readonly vnf: string;
  readonly as: 'operator' | 'tenant';
  /** Undefined until it has been looked for. */
  readonly concurrency: () => number;
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
  const { session, subject, vnf, as, pace, signal } = options;
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

  const launch = async (member: NamedMember): Promise<void> => {
    signal.throwIfAborted();
    const pool = poolOf(subject, member.pool);
    const name = ownName(vnf, member);
    const ports = await neutron.createPorts(
      session,
      pool.networks.map((network) => ({
        name: portName(name, network),
        networkId: known(names.networks, network),
        description: portMarks({ vnf, token }),
        securityGroupIds: [known(groups, member.pool)],
      })),
    );
    const portIds = ports.map(({ id }) => id);
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
    await inParallel(members, options.concurrency(), launch);
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
    await inParallel(gone, options.concurrency(), async ({ serverId }) => {
      await nova.deleteServer(session, serverId);
    });
    await launchAll(launches);
    served();
    await untilGone(gone.map(({ serverId }) => serverId));
    const ports = gone.flatMap(({ portIds }) => portIds);
    await inParallel(ports, options.concurrency(), async (id) => {
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
      await inParallel([...made.values()], options.concurrency(), async ({ serverId }) => {
        await nova.deleteServer(session, serverId);
      });
      await untilGone([...made.values()].map(({ serverId }) => serverId));
      made.clear();
      groups.clear();
      serverGroups.clear();
      const left = await removeAll(session, { vnf, servers: [] });
      if (left.length > 0) throw new Error(left.join('; '));
    },
  };
}

/** The concurrency at which the bare script is quickest here and now, with these members. */
export async function bestConcurrency(
  options: Omit<BareOptions, 'concurrency'>,
  of: { readonly members: readonly NamedMember[]; readonly say: (line: string) => void },
): Promise<number> {
  let best = { concurrency: 1, seconds: Infinity };
  for (const concurrency of concurrencies) {
    const side = await bareSide({ ...options, concurrency: () => concurrency });
    const move: Move = { procedure: 'instantiate', launches: of.members, removes: [], host: null };
    const seconds = await secondsOf(() => side.play(move, () => undefined));
    await side.remove();
    of.say(`bare script, ${String(of.members.length)} VMs, ${String(concurrency)} at once: ${seconds.toFixed(1)} s`);
    if (seconds < best.seconds) best = { concurrency, seconds };
  }
  return best.concurrency;
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
