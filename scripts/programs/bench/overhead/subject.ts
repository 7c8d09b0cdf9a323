import { capAt } from '../../../../domain/levels';
import type { Descriptor, Pool } from '../../../../domain/descriptor/descriptor';
import { parseDescriptor } from '../../../../domain/descriptor/parse';
import type { NamedMember } from '../../../../domain/procedures';
import { descriptorNamed, readDescriptor } from '../../../lib/descriptors';

/** What is brought up, grown and healed: the same on every side. */
export interface Subject {
  /** As it is given to the product. */
  readonly given: Readonly<Record<string, unknown>>;
  readonly descriptor: Descriptor;
  /** The pool that grows, and the level that it grows to. */
  readonly growing: Pool;
  readonly to: number;
}

/**
 * One pool of servers with two ports each, as the members of Clearwater have. Nothing is waited for but ACTIVE, and nothing is
 * drained: those waits are the network function's, and no overhead. Half of it may be on one host, so that few hosts carry it and a
 * death costs more than one of them.
 */
function plain(vms: number, zone: string): Record<string, unknown> {
  return {
    name: 'bench',
    description: 'One pool, for timing its life.',
    networks: { mgmt: { network: 'mgmt' }, sig: { network: 'sig' } },
    pools: [
      {
        name: 'worker',
        role: 'load-balanced worker',
        zone,
        size: { min: 3, initial: vms, max: 2 * vms },
        spare: '50%',
        flavor: 'clearwater.small',
        image: 'cirros',
        networks: ['mgmt', 'sig'],
        securityRules: [{ protocol: 'tcp', ports: [22, 22], from: 'any' }],
        healthyAfterSeconds: 0,
        drainSeconds: 0,
      },
    ],
  };
}

/** `descriptor`: a file, or a name in descriptors/. Without it a pool of so many VMs, which grows by half. */
export function subjectOf(of: { vms: number; zone: string; descriptor?: string }): Subject {
  const given = of.descriptor === undefined ? plain(of.vms, of.zone) : known(of.descriptor);
  const parsed = parseDescriptor(given);
  if (!parsed.ok) throw new Error(`the descriptor is not valid: ${JSON.stringify(parsed)}`);
  const { descriptor } = parsed;
  const [growing] = [...descriptor.pools].sort(
    (a, b) => b.size.max - b.size.initial - (a.size.max - a.size.initial) || a.name.localeCompare(b.name),
  );
  if (!growing) throw new Error('the descriptor has no pool');
  const { initial, max } = growing.size;
  return { given, descriptor, growing, to: Math.min(max, initial + Math.ceil(initial / 2)) };
}

function known(name: string): Record<string, unknown> {
  const found = descriptorNamed(name);
  return typeof found === 'string' ? (readDescriptor(found) as Record<string, unknown>) : found;
}

export function poolOf({ descriptor }: Subject, name: string): Pool {
  const pool = descriptor.pools.find((each) => each.name === name);
  if (!pool) throw new Error(`there is no pool ${name}`);
  return pool;
}

/** What a server group may hold on a host, whose rule cannot be changed later: as many as the pool may have there in the end. */
export function capOf(subject: Subject, pool: string): number {
  const { spare, size } = poolOf(subject, pool);
  return capAt(spare, pool === subject.growing.name ? subject.to : size.initial);
}

/** Pools that others depend on first: that order is the network function's, and so every side keeps it. */
export function layersOf({ descriptor }: Subject, members: readonly NamedMember[]): NamedMember[][] {
  const depthOf = (name: string): number => {
    const pool = descriptor.pools.find((each) => each.name === name);
    return Math.max(0, ...(pool?.dependsOn ?? []).map((other) => depthOf(other) + 1));
  };
  const layers: NamedMember[][] = [];
  for (const member of members) (layers[depthOf(member.pool)] ??= []).push(member);
  return layers.filter((layer) => (layer as NamedMember[] | undefined) !== undefined);
}
