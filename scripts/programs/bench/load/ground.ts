import { settledNote, type Observer } from '../../../lib/observer';
import { settledView } from '../../../lib/settled';
import type { Stack } from '../../../lib/stack';

/** What the load is played on: many small VNFs on few large hosts, so that the death of one touches half of them. */

export interface Size {
  readonly vnfs: number;
  readonly members: number;
  readonly hosts: number;
}

export const pool = 'worker';

/** One pool, at most 34% of it on a host. It may grow by two, and shrink to three. */
export function descriptorOf(members: number): Record<string, unknown> {
  return {
    name: 'load',
    description: 'One pool: there are many of it.',
    networks: { mgmt: { network: 'mgmt' } },
    pools: [
      {
        name: pool,
        role: 'load-balanced worker',
        zone: 'mz',
        size: { min: 3, initial: members, max: members + 4 },
        spare: '34%',
        flavor: 'clearwater.small',
        image: 'cirros',
        networks: ['mgmt'],
        securityRules: [{ protocol: 'tcp', ports: [22, 22], from: 'any' }],
        dependsOn: [],
        healthyAfterSeconds: 10,
        drainSeconds: 60,
      },
    ],
  };
}

/** Room for half as much again, so that a host's members find another place. */
export function hostVcpusOf({ vnfs, members, hosts }: Size): number {
  return Math.ceil((vnfs * members * 1.6) / hosts);
}

/** More than is ever used: what a quota refuses is not what is measured. */
export async function withoutQuotas(observer: Observer): Promise<void> {
  for (const resource of ['instances', 'cores', 'ram', 'ports', 'security_groups', 'security_group_rules'])
    await observer.setQuota({ resource, limit: 10_000_000 });
}

export function vnfNamed(number: number): string {
  return `v${String(number).padStart(3, '0')}`;
}

/** Which VNFs have members on each host, as the cloud's own log ends. */
export async function vnfsByHost({ observer }: Stack): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const named = new Map<string, string>();
  const at = new Map<string, string>();
  for (const event of await observer.log()) {
    if (event.type === 'server.created') named.set(event.id, event.name.slice(0, event.name.indexOf('-')));
    if (event.type === 'server.placed' && event.host !== null) at.set(event.id, event.host);
    if (event.type === 'server.placed' && event.host === null) at.delete(event.id);
    if (event.type === 'server.deleted') at.delete(event.id);
  }
  const byHost = new Map<string, Set<string>>();
  for (const [id, host] of at) {
    const vnfs = byHost.get(host) ?? new Set();
    vnfs.add(named.get(id) ?? '');
    byHost.set(host, vnfs);
  }
  return byHost;
}

/** Waits until every record is free and owes nothing, and notes what it says, so that the checker compares. */
export async function settleAll(
  of: { readonly stack: Stack; readonly bulkhead: Parameters<typeof settledView>[0] },
  vnfs: readonly string[],
  withinSeconds: number,
): Promise<void> {
  const waiting = [...vnfs];
  const next = async (): Promise<void> => {
    for (let vnf = waiting.shift(); vnf !== undefined; vnf = waiting.shift())
      await of.stack.observer.note(settledNote(vnf, await settledView(of.bulkhead, vnf, withinSeconds)));
  };
  await Promise.all(Array.from({ length: 10 }, next));
}
