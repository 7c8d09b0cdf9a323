import { randomBytes } from 'node:crypto';
import { callers, targetOf, type Answer, type Asked, type Caller, type CloudUnderTest } from './cloud';

/** What a case plays with: shorthands, names that nobody else uses, and the removal of all that bears them. */
export interface Scene {
  readonly cloud: CloudUnderTest;
  readonly found: Found;
  /** Begins everything's name. */
  readonly prefix: string;
  readonly ask: (asked: Asked) => Promise<Answer>;
  readonly askAll: (asked: readonly Asked[]) => Promise<Answer[]>;
  /** The request that creates a server without ports, of the tenant's. */
  readonly newServer: (given?: NewServer) => Asked;
  /** Creates one, and waits until it is no longer being built. */
  readonly launch: (given?: NewServer) => Promise<Shown>;
  readonly launchAll: (given: readonly NewServer[]) => Promise<Shown[]>;
  /** As they are, by the ids of creates that were accepted, once none is being built. */
  readonly settled: (answers: readonly Answer[], as?: Caller) => Promise<Shown[]>;
  readonly show: (id: string, as?: Caller) => Promise<Shown>;
  /** As it is once it is in that state, with nothing under way. */
  readonly becomes: (id: string, status: string, as?: Caller) => Promise<Shown>;
  readonly remove: (id: string, as?: Caller) => Promise<void>;
  readonly port: (changes?: object, as?: Caller) => Promise<string>;
  readonly newPort: (changes?: object) => Readonly<Record<string, unknown>>;
  readonly showPort: (id: string) => Promise<Readonly<Record<string, unknown>>>;
  readonly group: (changes?: object, as?: Caller) => Promise<string>;
  readonly members: (group: string) => Promise<readonly string[]>;
  readonly securityGroup: (as?: Caller) => Promise<string>;
  /** Compute services that are up and enabled; those of a zone where one is named. */
  readonly hosts: (zone?: string) => Promise<readonly HostService[]>;
  /** Those of them that have room for a few servers: on a shared cloud others may have filled any. */
  readonly roomyHosts: (zone?: string) => Promise<readonly HostService[]>;
  readonly serviceOf: (host: string) => Promise<HostService>;
  /** Once the compute service says so. Of one that was killed it says `up` for some seconds. */
  readonly hostIs: (state: 'up' | 'down', host: string) => Promise<HostService>;
  readonly setService: (host: string, change: object) => Promise<Answer>;
  readonly allocatedOn: (id: string) => Promise<number>;
  /** Of the guest's project; undone at the end. */
  readonly setQuota: (resources: Readonly<Record<string, number>>) => Promise<void>;
  readonly until: <T>(what: string, look: () => Promise<T | undefined>, seconds?: number) => Promise<T>;
  /** Done at the end, the last one first. */
  readonly later: (undo: () => Promise<unknown>) => void;
  readonly close: () => Promise<void>;
}

/** What the cloud offers. */
export interface Found {
  readonly flavor: Flavor;
  readonly otherFlavor: Flavor;
  readonly image: string;
  /** Two networks, both with a subnet. */
  readonly network: Network;
  readonly otherNetwork: Network;
  /** The one with most hosts, and the next. */
  readonly zone: string;
  readonly otherZone: string;
}

export interface Flavor {
  readonly id: string;
  readonly name: string;
  readonly vcpus: number;
  readonly ram: number;
  readonly disk: number;
}

interface Network {
  readonly id: string;
  readonly name: string;
  readonly subnets: readonly string[];
}

export interface HostService {
  readonly id: string;
  readonly host: string;
  readonly zone: string;
  readonly state: string;
  readonly status: string;
  readonly forced_down: boolean;
  readonly disabled_reason: string | null;
}

export interface Shown {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly hostId: string | null;
  readonly fault?: { readonly code: number; readonly message: string; readonly details?: string };
  readonly [property: string]: unknown;
}

export interface NewServer {
  readonly as?: Caller;
  readonly version?: string;
  readonly group?: string;
  readonly hints?: object;
  readonly headers?: Readonly<Record<string, string>>;
  readonly [property: string]: unknown;
}

export const hostAttribute = 'OS-EXT-SRV-ATTR:host';
export const taskState = 'OS-EXT-STS:task_state';

const untilSeconds = 120;
const lookEverySeconds = 0.5;

export async function discover({ ask }: CloudUnderTest): Promise<Found> {
  const list = async <T>(to: string, key: string, as: Caller = 'tenant'): Promise<readonly T[]> =>
    (await ask({ to: `GET ${to}`, as })).body[key] as readonly T[];
  const flavors = await list<Flavor>('compute/flavors/detail', 'flavors');
  const small = flavors.find(({ name }) => name === 'm1.small') ?? flavors[0];
  const other = flavors.find((each) => each !== small);
  const [image] = await list<{ id: string }>('image/images?status=active', 'images');
  const networks = (await list<Network>('network/networks', 'networks')).filter(({ subnets }) => subnets.length > 0);
  const services = await list<HostService>('compute/os-services?binary=nova-compute', 'services', 'operator');
  const count = (zone: string): number => services.filter((each) => each.zone === zone).length;
  const zones = [...new Set(services.map(({ zone }) => zone))].sort((a, b) => count(b) - count(a));
  const [network, otherNetwork] = networks;
  const [zone, otherZone] = zones;
  if (!small || !other || !image || !network || !otherNetwork || zone === undefined || otherZone === undefined)
    throw new Error('the suite needs two flavors, an image, two networks with subnets, and two zones');
  return { flavor: small, otherFlavor: other, image: image.id, network, otherNetwork, zone, otherZone };
}

export function sceneOf(cloud: CloudUnderTest, found: Found): Scene {
  const prefix = `ct-${randomBytes(4).toString('hex')}`;
  const undos: (() => Promise<unknown>)[] = [];
  const makers = new Set<Caller>();
  const asked = asking(cloud, makers);
  const scene: Scene = {
    cloud,
    found,
    prefix,
    ask: asked.ask,
    askAll: asked.askAll,
    ...servers(() => scene),
    ...networking(() => scene),
    ...groups(() => scene),
    ...computes(() => scene),
    later: (undo) => {
      undos.push(undo);
    },
    until: async (what, look, seconds = untilSeconds) => {
      const end = cloud.now() + seconds;
      for (;;) {
        const seen = await look();
        if (seen !== undefined) return seen;
        if (cloud.now() >= end) throw new Error(`not within ${String(seconds)} s: ${what}; ${asked.last()}`);
        await cloud.pass(lookEverySeconds);
      }
    },
    close: async () => {
      for (const undo of undos.reverse()) await undo();
      for (const as of callers) if (makers.has(as)) await clean(scene, as);
    },
  };
  return scene;
}

/** Remembers who may have made something, and what was answered last. */
function asking(
  cloud: CloudUnderTest,
  makers: Set<Caller>,
): Pick<Scene, 'ask' | 'askAll'> & { readonly last: () => string } {
  let last = 'nothing was asked';
  const note = (asked: Asked): void => {
    const { as = 'tenant' } = asked;
    if (targetOf(asked).method === 'POST' && as !== 'nobody') makers.add(as);
  };
  return {
    last: () => last,
    ask: async (asked) => {
      note(asked);
      const answer = await cloud.ask(asked);
      last = `${asked.to} answered ${String(answer.status)} ${answer.text}`;
      return answer;
    },
    askAll: (all) => {
      all.forEach(note);
      return cloud.askAll(all);
    },
  };
}

function servers(
  scene: () => Scene,
): Pick<Scene, 'newServer' | 'launch' | 'launchAll' | 'settled' | 'show' | 'becomes' | 'remove'> {
  const show = async (id: string, as: Caller = 'tenant'): Promise<Shown> => {
    const { body, text } = await scene().ask({ to: `GET compute/servers/${id}`, as });
    if (body['server'] === undefined) throw new Error(text);
    return body['server'] as Shown;
  };
  // One that failed is listed as such some time before it is said why.
  const isBuilding = ({ status, fault, [taskState]: task }: Shown): boolean =>
    status === 'BUILD' || (status === 'ERROR' && (task !== null || !fault));
  return {
    show,
    newServer: ({ as = 'tenant', version, headers, group, hints, ...changes } = {}) => {
      const { prefix, found } = scene();
      const server = {
        name: prefix,
        flavorRef: found.flavor.id,
        imageRef: found.image,
        networks: 'none',
        ...changes,
      };
      const all = { ...hints, ...(group !== undefined && { group }) };
      return {
        to: 'POST compute/servers',
        as,
        body: { server, ...(Object.keys(all).length > 0 && { 'os:scheduler_hints': all }) },
        ...(version !== undefined && { version }),
        ...(headers && { headers }),
      };
    },
    launch: async (given = {}) => {
      const { ask, newServer, settled } = scene();
      const [server] = await settled([await ask(newServer(given))], given.as);
      if (!server) throw new Error('the create was refused');
      return server;
    },
    launchAll: async (given) => {
      const { askAll, newServer, settled } = scene();
      return await settled(await askAll(given.map(newServer)), given[0]?.as);
    },
    settled: async (answers, as = 'tenant') => {
      const refused = answers.find(({ status }) => status !== 202);
      if (refused) throw new Error(`${String(refused.status)} ${refused.text}`);
      const ids = answers.map(({ body }) => idIn(body, 'server'));
      return await scene().until('they are built', async () => {
        const shown = await listed(scene(), as);
        const found = ids.flatMap((id) => shown.find((each) => each.id === id) ?? []);
        return found.length === ids.length && !found.some(isBuilding) ? found : undefined;
      });
    },
    becomes: (id, status, as = 'tenant') =>
      scene().until(`${id} is ${status}`, async () => {
        const shown = await show(id, as);
        const isDone = shown[taskState] === null && (status !== 'ERROR' || shown.fault !== undefined);
        return shown.status === status && isDone ? shown : undefined;
      }),
    remove: async (id, as = 'tenant') => {
      await scene().ask({ to: `DELETE compute/servers/${id}`, as });
      await scene().until(`${id} is gone`, async () =>
        (await scene().ask({ to: `GET compute/servers/${id}`, as })).status === 404 ? true : undefined,
      );
    },
  };
}

async function listed({ ask, prefix }: Scene, as: Caller): Promise<readonly Shown[]> {
  const { body } = await ask({ to: `GET compute/servers/detail?name=^${prefix}`, as });
  return (body['servers'] ?? []) as readonly Shown[];
}

function networking(scene: () => Scene): Pick<Scene, 'port' | 'newPort' | 'showPort' | 'securityGroup'> {
  const newPort = (changes: object = {}): Readonly<Record<string, unknown>> => ({
    network_id: scene().found.network.id,
    name: scene().prefix,
    ...changes,
  });
  return {
    newPort,
    port: async (changes = {}, as = 'tenant') => {
      const answer = await scene().ask({ to: 'POST network/ports', as, body: { port: newPort(changes) } });
      return idIn(answer.body, 'port');
    },
    showPort: async (id) => {
      const { body } = await scene().ask({ to: `GET network/ports/${id}`, as: 'operator' });
      return body['port'] as Readonly<Record<string, unknown>>;
    },
    securityGroup: async (as = 'tenant') => {
      const body = { security_group: { name: scene().prefix, description: 'of the contract suite' } };
      return idIn((await scene().ask({ to: 'POST network/security-groups', as, body })).body, 'security_group');
    },
  };
}

function groups(scene: () => Scene): Pick<Scene, 'group' | 'members'> {
  return {
    group: async (changes = {}, as = 'tenant') => {
      const body = { server_group: { name: scene().prefix, policy: 'anti-affinity', ...changes } };
      return idIn((await scene().ask({ to: 'POST compute/os-server-groups', as, body })).body, 'server_group');
    },
    members: async (group) => {
      const { body } = await scene().ask({ to: `GET compute/os-server-groups/${group}`, as: 'operator' });
      return (body['server_group'] as { readonly members: readonly string[] }).members;
    },
  };
}

/** As many servers as the cases put on one host, and some more. */
const roomFor = 4;

async function roomyOf({ ask, found }: Scene): Promise<ReadonlySet<string>> {
  const { vcpus, ram, disk } = found.flavor;
  const wanted = { VCPU: vcpus, MEMORY_MB: ram, DISK_GB: disk };
  const resources = Object.entries(wanted).map(([name, amount]) => `${name}:${String(amount * roomFor)}`);
  const to = `GET placement/allocation_candidates?resources=${resources.join(',')}`;
  const candidates = (await ask({ to, as: 'operator' })).body['provider_summaries'] as object;
  const { body } = await ask({ to: 'GET compute/os-hypervisors', as: 'operator' });
  const hypervisors = body['hypervisors'] as readonly { readonly id: string; readonly hypervisor_hostname: string }[];
  return new Set(hypervisors.filter(({ id }) => id in candidates).map((each) => each.hypervisor_hostname));
}

function computes(
  scene: () => Scene,
): Pick<Scene, 'hosts' | 'roomyHosts' | 'serviceOf' | 'hostIs' | 'setService' | 'allocatedOn' | 'setQuota'> {
  const all = async (): Promise<readonly HostService[]> => {
    const { body } = await scene().ask({ to: 'GET compute/os-services?binary=nova-compute', as: 'operator' });
    return body['services'] as readonly HostService[];
  };
  const serviceOf = async (host: string): Promise<HostService> => {
    const found = (await all()).find((each) => each.host === host);
    if (!found) throw new Error(`there is no host ${host}`);
    return found;
  };
  const hosts: Scene['hosts'] = async (zone) =>
    (await all()).filter(
      (each) => each.state === 'up' && each.status === 'enabled' && (zone === undefined || each.zone === zone),
    );
  return {
    serviceOf,
    hostIs: (state, host) =>
      scene().until(`${host} is ${state}`, async () => {
        const service = await serviceOf(host);
        return service.state === state ? service : undefined;
      }),
    hosts,
    roomyHosts: async (zone) => {
      const roomy = await roomyOf(scene());
      return (await hosts(zone)).filter(({ host }) => roomy.has(host));
    },
    setService: async (host, body) =>
      scene().ask({ to: `PUT compute/os-services/${(await serviceOf(host)).id}`, as: 'operator', body }),
    allocatedOn: async (id) => {
      const { body } = await scene().ask({ to: `GET placement/allocations/${id}`, as: 'operator' });
      return Object.keys(body['allocations'] ?? {}).length;
    },
    setQuota: async (resources) => {
      const { ask, cloud, later } = scene();
      const to = `compute/os-quota-sets/${cloud.projectOf('guest')}`;
      const before = (await ask({ to: `GET ${to}`, as: 'operator' })).body['quota_set'] as Record<string, unknown>;
      const old = Object.fromEntries(Object.keys(resources).map((name) => [name, before[name]]));
      later(() => ask({ to: `PUT ${to}`, as: 'operator', body: { quota_set: { ...old, force: true } } }));
      await ask({ to: `PUT ${to}`, as: 'operator', body: { quota_set: { ...resources, force: true } } });
    },
  };
}

export function idIn(body: Answer['body'], key: string): string {
  const { id } = (body[key] ?? {}) as { readonly id?: string };
  if (id === undefined) throw new Error(`no ${key}: ${JSON.stringify(body)}`);
  return id;
}

/** Servers, then their ports, then groups: whatever bears the prefix. */
async function clean(scene: Scene, as: Caller): Promise<void> {
  const { ask, prefix, until } = scene;
  for (const { id } of await listed(scene, as)) await ask({ to: `DELETE compute/servers/${id}`, as });
  await until('the servers are gone', async () => ((await listed(scene, as)).length === 0 ? true : undefined));
  const kinds = [
    ['network/ports', 'ports'],
    ['network/security-groups', 'security_groups'],
    ['compute/os-server-groups', 'server_groups'],
  ] as const;
  for (const [at, key] of kinds) {
    const { body } = await ask({ to: `GET ${at}`, as });
    for (const { id, name } of (body[key] ?? []) as readonly { id: string; name: string }[])
      if (name.startsWith(prefix)) await ask({ to: `DELETE ${at}/${id}`, as });
  }
}
