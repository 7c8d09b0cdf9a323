import { groupMarks, portMarks, recordWorkflowId, tag } from '../../../domain/names';
import { setAlive } from '../../../simulator';
import type { Ended } from './ended';
import type { World, Procedure } from './world';

/** What each procedure is given where every fault is tried on it: small, and with all of its steps. */
export interface Spec {
  readonly name: string;
  readonly procedure: Procedure;
  /** What there is before, beside a VNF `v` with one pool of four members; null where there is none. */
  readonly prepare?: ((world: World) => Promise<void>) | null;
  readonly input: (world: World) => Readonly<Record<string, unknown>>;
  /** What is done behind it, before the record is looked at. Says what is not as promised. */
  readonly after?: (world: World, ended: Ended) => Promise<readonly string[]>;
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

/** Of a turn that nobody remembers. */
const goneToken = '99999999-9999-4999-8999-999999999999';

/** An orphan with its port, a double, a port and a group, as somebody has left them. The checker has not seen them come. */
async function leaveThings({ cloud }: World): Promise<void> {
  const [server] = cloud.servers.values();
  const [port] = cloud.ports.values();
  const [group] = cloud.securityGroups.values();
  if (!server || !port || !group) throw new Error('there is no VNF');
  for (const [id, ordinal] of [
    ['left-orphan', 9],
    ['left-double', 1],
  ] as const) {
    const tags = [tag.vnf(vnf), tag.pool('web'), tag.ordinal(ordinal), tag.token(goneToken)];
    cloud.servers.set(id, { ...server, id, name: id, tags, portIds: [], ownPortIds: [] });
  }
  for (const [id, deviceId] of [
    ['left-port', ''],
    ['left-port-of-orphan', 'left-orphan'],
  ] as const) {
    const description = portMarks({ vnf, token: goneToken });
    cloud.ports.set(id, { ...port, id, name: id, description, deviceId, securityGroupIds: [] });
  }
  const description = groupMarks({ vnf, pool: 'web', token: goneToken });
  cloud.securityGroups.set('left-group', { ...group, id: 'left-group', description });
  return Promise.resolve();
}

function leftIn({ cloud: { servers, ports, securityGroups } }: World): string[] {
  return [servers, ports, securityGroups].flatMap((each) => [...each.keys()]).filter((id) => id.startsWith('left-'));
}

/** Its record is lost. `disguised`: and nothing says any more whose servers and ports they are. */
async function loseRecord({ temporal, cloud, pass }: World, disguised: boolean): Promise<void> {
  const record = temporal.latest(recordWorkflowId(vnf));
  if (record) temporal.terminate(record);
  await pass(1_000);
  if (!disguised) return;
  for (const server of cloud.servers.values())
    Object.assign(server, { name: `old-${server.name.slice(vnf.length + 1)}`, tags: [] });
  for (const port of cloud.ports.values()) port.description = '';
}

/** Whatever became of it: it can be adopted, and nobody has lost a server. */
async function adoptAgain(world: World, input: Readonly<Record<string, unknown>>): Promise<string[]> {
  const problems: string[] = [];
  const there = [world.cloud.servers.size, world.cloud.ports.size];
  if (there.join() !== '4,4') problems.push(`there are ${there.join(' servers and ')} ports, and there were 4 and 4`);
  const exists = (): boolean => world.temporal.latest(recordWorkflowId(vnf))?.status === 'RUNNING';
  // One that nothing was committed to ends when it has been cleaned up behind the run.
  await world.until('the record runs, or has ended', () => !exists() || world.viewOf(vnf)?.phase === 'running');
  if (exists()) return problems;
  const again = world.begin('adopt', input);
  await world.until('it is adopted', () => again.ended() !== undefined);
  if (again.ended()?.outcome !== 'completed') problems.push(`it cannot be adopted: ${JSON.stringify(again.ended())}`);
  return problems;
}

const lost = { vnf, descriptor };
const foreign = { vnf, descriptor, match: { namePattern: 'old-{pool}-{ordinal}' } };

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
  {
    name: 'audit',
    procedure: 'audit',
    prepare: leaveThings,
    input: () => ({ vnf, repair: true }),
    after: (world, { outcome }) =>
      Promise.resolve(outcome === 'completed' ? leftIn(world).map((id) => `${id} was not repaired`) : []),
  },
  {
    name: 'adopt',
    procedure: 'adopt',
    prepare: (world) => loseRecord(world, false),
    input: () => lost,
    after: (world) => adoptAgain(world, lost),
  },
  {
    name: 'adopt of what others made',
    procedure: 'adopt',
    prepare: (world) => loseRecord(world, true),
    input: () => foreign,
    after: (world) => adoptAgain(world, foreign),
  },
];
