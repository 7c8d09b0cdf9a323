import { setAlive } from '../../../simulator';
import type { World, Procedure } from './world';

/** What each procedure is given where every fault is tried on it: small, and with all of its steps. */
export interface Spec {
  readonly name: string;
  readonly procedure: Procedure;
  /** What there is before, beside a VNF `v` with one pool of four members; null where there is none. */
  readonly prepare?: ((world: World) => Promise<void>) | null;
  readonly input: (world: World) => Readonly<Record<string, unknown>>;
}

export const vnf = 'v';

/** One pool, a third of it on a host at most. */
export const descriptor = {
  name: 'small',
  networks: { mgmt: { network: 'mgmt' } },
  pools: [
    {
      name: 'web',
      zone: 'mz',
      size: { min: 3, initial: 4, max: 30 },
      spare: '1/3',
      flavor: 'm1.small',
      image: 'cirros',
      networks: ['mgmt'],
      securityRules: [{ protocol: 'tcp', ports: 80, from: 'any' }],
      healthyAfterSeconds: 10,
      drainSeconds: 30,
    },
  ],
} as const;

export const zones = { mz: 8, dmz: 1 };

function firstMember(world: World): { name: string; host: string } {
  const member = world.viewOf(vnf)?.pools['web']?.inService[0];
  if (!member) throw new Error('the VNF has no member');
  return { name: `${vnf}-web-${String(member.ordinal)}`, host: member.host };
}

export const specs: readonly Spec[] = [
  { name: 'instantiate', procedure: 'instantiate', prepare: null, input: () => ({ vnf, descriptor }) },
  { name: 'scaleOut', procedure: 'scaleOut', input: () => ({ vnf, pool: 'web', to: 6 }) },
  { name: 'scaleIn', procedure: 'scaleIn', input: () => ({ vnf, pool: 'web', to: 3 }) },
  { name: 'heal', procedure: 'heal', input: (world) => ({ vnf, members: [firstMember(world).name] }) },
  {
    name: 'evacuateHost for maintenance',
    procedure: 'evacuateHost',
    input: (world) => ({ hosts: [firstMember(world).host], cause: 'maintenance' }),
  },
  {
    name: 'evacuateHost of a dead host',
    procedure: 'evacuateHost',
    prepare: async (world) => {
      const host = world.cloud.hosts.get(firstMember(world).host);
      if (host) setAlive(world.cloud, host, false);
      await world.pass(1_000);
    },
    input: (world) => ({ hosts: [firstMember(world).host], cause: 'failed', fenced: true }),
  },
  { name: 'terminate', procedure: 'terminate', input: () => ({ vnf }) },
];
