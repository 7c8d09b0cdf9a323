import { createHash } from 'node:crypto';
import {
  addAggregate,
  settleHost,
  type Aggregate,
  type Aggregates,
  type AggregateSpec,
  type Placed,
} from './aggregates';
import { newAccess, type Access } from './access';
import { realClock, seeded, type Clock } from './clock';
import type { CloudChange, CloudEvent } from './events';
import { asksOf, holdOthers, inventoriesFor, totalOthers, type Inventory, type Resources } from './inventories';
import type { Outage, Part } from './parts';

/** What the embedded cloud consists of. Services read and change it through the functions here, which keep the log. */

export type { Resources } from './inventories';

export interface HostSpec extends Resources {
  readonly name: string;
  readonly zone: string;
  /** Of its provider in Placement, besides those that all have. */
  readonly traits?: readonly string[];
  /** What aggregates that it is in say of it, by the key of their metadata: `{rack: 'r1'}` of one that is called rack-r1. */
  readonly domains?: Readonly<Record<string, string>>;
}

export interface Host extends Omit<HostSpec, 'zone' | 'domains' | 'others'>, Placed {
  /** Of the hypervisor, which is Placement's provider too. */
  readonly id: string;
  /** Of the nova-compute service: another one. */
  readonly serviceId: string;
  /** The truth. */
  alive: boolean;
  /** What Nova reports of its service, which comes later than the truth. */
  reportedUp: boolean;
  enabled: boolean;
  forcedDown: boolean;
  disabledReason: string | null;
  used: Resources;
  /** Of what there is besides vCPUs, RAM and disk, by provider. */
  readonly inventories: Inventory[];
  /** Servers whose room it holds, with those being built and those evacuated away while it is down. */
  readonly holds: Set<string>;
  /** What was sent to it while it was dead, in order: it is done when the host is back. */
  readonly casts: (() => void)[];
  /** Takes back the change of what is reported that is on its way. */
  cancelReport: () => void;
}

export type ServerStatus = 'BUILD' | 'ACTIVE' | 'ERROR' | 'SHUTOFF' | 'REBUILD';

export interface Server {
  readonly id: string;
  readonly name: string;
  readonly projectId: string;
  readonly flavorId: string;
  readonly imageId: string;
  tags: readonly string[];
  readonly portIds: readonly string[];
  /** Networks on which Nova makes the port itself, and takes it away with the server. */
  readonly ownNetworks: readonly { readonly networkId: string; readonly address: string | null }[];
  readonly ownPortIds: string[];
  /** Of the ports that Nova makes. */
  readonly securityGroupIds: readonly string[];
  readonly description: string | null;
  readonly requestedHost: string | null;
  /** Asked for as `zone:host`: the filters are not asked. */
  readonly forced: boolean;
  readonly zone: string | null;
  readonly groupId: string | null;
  readonly hints: Readonly<Record<string, unknown>>;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly userId: string;
  readonly createdAt: string;
  updatedAt: string;
  /** When it first ran. */
  launchedAt: string | null;
  /** When its create came in and when it was answered, counted over all creates: those between do not see one another. */
  readonly arrivedAs: number;
  answeredAs: number;
  status: ServerStatus;
  taskState: string | null;
  host: string | null;
  fault: { code: number; message: string; created: string } | null;
  deleting: boolean;
  attempts: number;
}

export interface Port {
  readonly id: string;
  name: string;
  description: string;
  adminStateUp: boolean;
  readonly projectId: string;
  readonly networkId: string;
  readonly address: string;
  tags: readonly string[];
  securityGroupIds: readonly string[];
  deviceId: string;
  status: 'DOWN' | 'ACTIVE';
}

export interface Network {
  readonly id: string;
  readonly name: string;
  readonly subnetId: string;
  readonly cidr: string;
  /** Of the next address: addresses are not handed out twice in a row. */
  next: number;
}

export interface SecurityRule {
  readonly id: string;
  readonly groupId: string;
  readonly projectId: string;
  readonly direction: string;
  readonly ethertype: string;
  readonly protocol: string | null;
  readonly portMin: number | null;
  readonly portMax: number | null;
  readonly remoteIpPrefix: string | null;
  readonly remoteGroupId: string | null;
  readonly description: string;
}

export interface SecurityGroup {
  readonly id: string;
  name: string;
  description: string;
  tags: readonly string[];
  readonly projectId: string;
}

export interface ServerGroup {
  readonly id: string;
  readonly name: string;
  readonly projectId: string;
  readonly userId: string;
  readonly policy: string;
  /** 1 where none is said. */
  readonly maxPerHost: number;
  /** As it was said. */
  readonly rules: { readonly max_server_per_host?: number };
  readonly members: Set<string>;
}

export interface Flavor extends Resources {
  readonly id: string;
  readonly name: string;
  /** Disks beside the root disk, which is its `diskGb`. */
  readonly ephemeralGb?: number;
  readonly swapMb?: number;
  /** Of these traits, resources and what pins CPUs are heeded: `{"trait:CUSTOM_DPDK": "required", "resources:VGPU": "1"}`. */
  readonly extraSpecs?: Readonly<Record<string, string>>;
}

export interface Image {
  readonly id: string;
  readonly name: string;
}

export interface User {
  readonly id: string;
  readonly name: string;
  readonly password: string;
  readonly projectId: string;
  readonly roles: readonly string[];
}

export interface Project {
  readonly id: string;
  readonly name: string;
  readonly quotas: Map<string, number>;
  /** What its servers use. `placed` leaves out those that ended in ERROR without a host. */
  readonly usage: { all: Usage; placed: Usage };
}

export interface Usage {
  readonly instances: number;
  readonly cores: number;
  readonly ram: number;
}

export interface Publication {
  readonly revision: number;
  readonly stage: 1 | 2;
  readonly service: Readonly<Record<string, readonly string[]>>;
}

export interface Token {
  readonly user: User;
  expiresAt: number;
}

export interface CloudOptions {
  readonly hosts?: readonly HostSpec[];
  /** Besides those that zones and domains of hosts make: a host in two that say different things of it. */
  readonly aggregates?: readonly AggregateSpec[];
  readonly flavors?: readonly Omit<Flavor, 'id'>[];
  readonly images?: readonly string[];
  readonly networks?: Readonly<Record<string, string>>;
  readonly quotas?: Readonly<Record<string, number>>;
  /** Factor on boots and on how soon a death is noticed. */
  readonly pace?: number;
  /** Seconds that a boot takes, before the pace. */
  readonly bootSeconds?: readonly [number, number];
  /** Milliseconds that an answer takes. */
  readonly latencyMs?: readonly [number, number];
  readonly seed?: number;
  readonly clock?: Clock;
}

/** Faults on demand. `nth` counts the requests that match, from 1. */
export type Fault = RequestFault | SchedulerFault;

export interface RequestFault {
  readonly kind: 'status' | 'drop' | 'delay';
  readonly match: {
    readonly method?: string;
    readonly path?: string;
    readonly requestId?: string;
    readonly nth?: number;
  };
  /** `before` its effect, or `after` it: the lost reply. */
  readonly moment?: 'before' | 'after';
  readonly times?: number;
  readonly status?: number;
  readonly body?: unknown;
  /** Such as `Retry-After`. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly delayMs?: number;
}

export interface SchedulerFault {
  /** On another host than asked for; ERROR in the build; in BUILD for good; ERROR as where Placement is away. */
  readonly kind: 'misplace' | 'buildError' | 'stuckBuild' | 'noValidHost';
  readonly match: { readonly namePrefix?: string; readonly host?: string };
  readonly times?: number;
}

export interface Cloud {
  readonly options: Required<Omit<CloudOptions, 'clock'>>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly startedAt: number;
  readonly region: string;
  readonly projects: Map<string, Project>;
  readonly users: Map<string, User>;
  readonly applicationCredentials: Map<string, { readonly secret: string; readonly userId: string }>;
  readonly tokens: Map<string, Token>;
  readonly hosts: Map<string, Host>;
  readonly aggregates: Aggregates;
  readonly flavors: Map<string, Flavor>;
  /** Known to Placement besides those of the standard. */
  readonly resourceClasses: Set<string>;
  readonly images: Map<string, Image>;
  readonly networks: Map<string, Network>;
  readonly servers: Map<string, Server>;
  readonly ports: Map<string, Port>;
  readonly addresses: Set<string>;
  /** What tenants see of hosts, by project and host: every look at a server shows it. */
  readonly hostIds: Map<string, string>;
  readonly securityGroups: Map<string, SecurityGroup>;
  readonly securityRules: Map<string, SecurityRule>;
  readonly serverGroups: Map<string, ServerGroup>;
  readonly publications: Map<string, Publication>;
  readonly faults: { readonly fault: Fault; seen: number; left: number }[];
  /** What is away now. */
  readonly outages: Map<Part, Outage>;
  /** What has just come back, and is not yet itself. */
  readonly starting: Set<Part>;
  readonly log: CloudEvent[];
  /** Servers that have room on a host and are not yet on it. */
  readonly claims: Map<string, Claim>;
  /** Gone, for who asks what has changed since. The oldest are forgotten. */
  readonly gone: { readonly server: Server; readonly at: number }[];
  readonly access: Access;
  serial: number;
  /** Creates that came in or were answered. */
  creates: number;
  /** What the scheduler has to do, in the order in which it was asked. */
  readonly schedulerQueue: (() => void)[];
}

export interface Claim {
  readonly host: Host;
  /** By creates that came in later than this. Infinity for an evacuation's, which the scheduler learns of too late. */
  readonly seenAfter: number;
}

const quotasDefault: Readonly<Record<string, number>> = {
  instances: 1_000,
  cores: 2_000,
  ram: 4_000_000,
  server_groups: 10,
  server_group_members: 10,
  ports: 4_000,
  security_groups: 100,
  security_group_rules: 1_000,
};

/** `{mz: 12, dmz: 4}` as cmp-01 … cmp-12 and dmz-01 … dmz-04: the first zone's hosts are called cmp. */
export function hostsOf(
  zones: Readonly<Record<string, number>>,
  size: Resources = { vcpus: 16, ramMb: 65_536, diskGb: 1_000 },
): HostSpec[] {
  return Object.entries(zones).flatMap(([zone, count], index) =>
    Array.from({ length: count }, (_, number) => ({
      name: `${index === 0 ? 'cmp' : zone}-${String(number + 1).padStart(count > 99 ? 4 : 2, '0')}`,
      zone,
      ...size,
    })),
  );
}

/** `{rack: 4}`: by turns in rack r1 … r4, zone by zone from r1 on. */
export function inDomains(hosts: readonly HostSpec[], counts: Readonly<Record<string, number>>): HostSpec[] {
  const turns = new Map<string, number>();
  return hosts.map((host) => {
    const turn = turns.get(host.zone) ?? 0;
    turns.set(host.zone, turn + 1);
    const own = Object.entries(counts).map(([key, count]) => [key, `${key.charAt(0)}${String((turn % count) + 1)}`]);
    return { ...host, domains: { ...host.domains, ...(Object.fromEntries(own) as Record<string, string>) } };
  });
}

const flavorsDefault: readonly Omit<Flavor, 'id'>[] = [
  { name: 'm1.small', vcpus: 1, ramMb: 2_048, diskGb: 20 },
  { name: 'clearwater.small', vcpus: 1, ramMb: 2_048, diskGb: 20 },
  { name: 'clearwater.storage', vcpus: 2, ramMb: 4_096, diskGb: 40 },
];
const imagesDefault = [
  'cirros',
  ...['vellum', 'dime', 'homer', 'sprout', 'bono', 'ellis'].map((role) => `clearwater-${role}`),
];
const networksDefault = { mgmt: '10.10.0.0/16', sig: '10.20.0.0/16', 'sig-dmz': '10.30.0.0/16' };

const nothing: Usage = { instances: 0, cores: 0, ram: 0 };

export function createCloud(given: CloudOptions = {}): Cloud {
  const options = {
    hosts: hostsOf({ mz: 12, dmz: 4 }),
    flavors: flavorsDefault,
    images: imagesDefault,
    networks: networksDefault,
    aggregates: [],
    pace: 1,
    bootSeconds: [10, 20] as const,
    latencyMs: [2, 8] as const,
    seed: 1,
    ...given,
    quotas: { ...quotasDefault, ...given.quotas },
  };
  const clock = given.clock ?? realClock;
  const cloud: Cloud = {
    options,
    clock,
    random: seeded(options.seed),
    startedAt: clock.now(),
    region: 'RegionOne',
    projects: new Map(),
    users: new Map(),
    applicationCredentials: new Map(),
    tokens: new Map(),
    hosts: new Map(),
    aggregates: { byId: new Map(), made: 0 },
    flavors: new Map(),
    resourceClasses: new Set(),
    images: new Map(),
    networks: new Map(),
    servers: new Map(),
    ports: new Map(),
    addresses: new Set(),
    hostIds: new Map(),
    securityGroups: new Map(),
    securityRules: new Map(),
    serverGroups: new Map(),
    publications: new Map(),
    faults: [],
    outages: new Map(),
    starting: new Set(),
    log: [],
    claims: new Map(),
    gone: [],
    access: newAccess(),
    serial: 0,
    creates: 0,
    schedulerQueue: [],
  };
  for (const name of ['bulkhead', 'tenant', 'other']) {
    const id = newId(cloud);
    cloud.projects.set(id, {
      id,
      name,
      quotas: new Map(Object.entries(options.quotas)),
      usage: { all: nothing, placed: nothing },
    });
    const admin = name === 'bulkhead';
    const user: User = {
      id: newId(cloud),
      name: admin ? 'operator' : name,
      password: `${name}-secret`,
      projectId: id,
      roles: admin ? ['admin', 'member'] : ['member'],
    };
    cloud.users.set(user.id, user);
    if (admin)
      cloud.applicationCredentials.set('embedded-credential', {
        secret: 'embedded-credential-secret',
        userId: user.id,
      });
  }
  for (const flavor of options.flavors) {
    const id = String(cloud.flavors.size + 1);
    cloud.flavors.set(id, { id, ...flavor });
  }
  for (const name of options.images) {
    const id = newUuid(cloud);
    cloud.images.set(id, { id, name });
  }
  for (const [name, cidr] of Object.entries(options.networks)) {
    const id = newUuid(cloud);
    cloud.networks.set(id, { id, name, cidr, subnetId: newUuid(cloud), next: 10 });
  }
  addHosts(cloud);
  return cloud;
}

/** Hosts in the aggregates that make their zones and their domains, and in those that are beside. */
function addHosts(cloud: Cloud): void {
  const byName = new Map<string, Aggregate>();
  const join = (host: string, name: string, metadata: Aggregate['metadata']): void => {
    const aggregate = byName.get(name) ?? addAggregate(cloud, { uuid: newUuid(cloud), name, metadata });
    byName.set(name, aggregate);
    aggregate.hosts.add(host);
  };
  for (const { zone, domains: _domains, others, ...spec } of cloud.options.hosts) {
    join(spec.name, zone, { availability_zone: zone });
    const id = newUuid(cloud);
    for (const name of Object.keys(others ?? {})) cloud.resourceClasses.add(name);
    cloud.hosts.set(spec.name, {
      ...spec,
      id,
      serviceId: newUuid(cloud),
      zone,
      domains: {},
      alive: true,
      reportedUp: true,
      enabled: true,
      forcedDown: false,
      disabledReason: null,
      used: { vcpus: 0, ramMb: 0, diskGb: 0 },
      inventories: inventoriesFor({ id, name: spec.name }, others, () => newUuid(cloud)),
      holds: new Set(),
      casts: [],
      cancelReport: () => undefined,
    });
  }
  for (const { name, domains = {} } of cloud.options.hosts)
    for (const [key, value] of Object.entries(domains)) join(name, `${key}-${value}`, { [key]: value });
  for (const spec of cloud.options.aggregates) addAggregate(cloud, { uuid: newUuid(cloud), ...spec });
  for (const host of cloud.hosts.values()) {
    settleHost(cloud, host);
    emitHost(cloud, host, null);
  }
}

/** Ids look like OpenStack's, and are the same for the same seed. */
export function newUuid(cloud: Cloud): string {
  cloud.serial += 1;
  const hex = createHash('sha256')
    .update(`${String(cloud.options.seed)}/${String(cloud.serial)}`)
    .digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

export function newId(cloud: Cloud): string {
  return newUuid(cloud).replaceAll('-', '');
}

/** Of every answer, so it is made of less: the seed, and how many ids there are. */
export function newRequestId(cloud: Cloud): string {
  cloud.serial += 1;
  const hex = (number: number, digits: number): string => number.toString(16).padStart(digits, '0');
  return `req-${hex(cloud.options.seed, 8)}-0000-4000-8000-${hex(cloud.serial, 12)}`;
}

export function emit(cloud: Cloud, change: CloudChange): void {
  cloud.log.push({ ...change, seq: cloud.log.length + 1, at: cloud.clock.now() - cloud.startedAt });
}

export function isUp(host: Host): boolean {
  return host.reportedUp && !host.forcedDown;
}

export function emitHost(cloud: Cloud, host: Host, requestId: string | null): void {
  const { name, zone, alive, enabled, forcedDown, disabledReason, vcpus, ramMb, diskGb, domains } = host;
  emit(cloud, {
    type: 'host',
    requestId,
    host: name,
    zone,
    alive,
    up: isUp(host),
    enabled,
    forcedDown,
    disabledReason,
    size: { vcpus, ramMb, diskGb, ...totalOthers(host) },
    ...(Object.keys(domains).length > 0 && { domains }),
  });
}

export function hold(cloud: Cloud, host: Host, server: Server): void {
  if (host.holds.has(server.id)) return;
  host.holds.add(server.id);
  const flavor = cloud.flavors.get(server.flavorId);
  host.used = added(host.used, flavor, 1);
  const { others } = flavor ? asksOf(flavor) : {};
  if (others) holdOthers(host, server.id, others);
}

export function letGo(cloud: Cloud, host: Host, server: Server): void {
  if (!host.holds.delete(server.id)) return;
  host.used = added(host.used, cloud.flavors.get(server.flavorId), -1);
  for (const { held } of host.inventories) held.delete(server.id);
}

/** A server more, or one less. */
export function count(
  cloud: Cloud,
  server: Server,
  change: { readonly which: 'all' | 'placed'; readonly by: 1 | -1 },
): void {
  const usage = cloud.projects.get(server.projectId)?.usage;
  const flavor = cloud.flavors.get(server.flavorId);
  if (!usage || !flavor) return;
  const { instances, cores, ram } = usage[change.which];
  usage[change.which] = {
    instances: instances + change.by,
    cores: cores + change.by * flavor.vcpus,
    ram: ram + change.by * flavor.ramMb,
  };
}

/** As Nova writes times. */
export function timeOf(cloud: Cloud): string {
  return new Date(cloud.clock.now()).toISOString().replace(/\.\d+Z$/, 'Z');
}

export function afterPaced(cloud: Cloud, seconds: number, call: () => void): () => void {
  return cloud.clock.after(seconds * 1_000 * cloud.options.pace, call);
}

function added(used: Resources, flavor: Flavor | undefined, sign: 1 | -1): Resources {
  if (!flavor) return used;
  const { vcpus, ramMb, diskGb } = asksOf(flavor);
  return {
    vcpus: used.vcpus + sign * vcpus,
    ramMb: used.ramMb + sign * ramMb,
    diskGb: used.diskGb + sign * diskGb,
  };
}

export function between(cloud: Cloud, [least, most]: readonly [number, number]): number {
  return least + (most - least) * cloud.random();
}

export function sleep(cloud: Cloud, milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    cloud.clock.after(milliseconds, resolve);
  });
}
