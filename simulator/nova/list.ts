import type { Server } from '../model';
import { linkTo, Refusal, type Request, type Response } from '../routing';
import { forbidden } from './refusals';
import { addresses, brief, detail, powerState, vmState } from './show';
import { microversion } from './version';

/**
 * `GET /servers` and `/servers/detail`: which filters work, which are silently ignored for a tenant, and which are refused is as measured on
 * Nova. Accepted and without effect here: `config_drive`, `reservation_id`, `ip6`, and times of launch and termination.
 */

const pageMax = 1_000;
/** Below, what Nova does not know is ignored. */
const strictFrom = 75;
/** Below, a tenant filters by the oldest fields only, and others are ignored. */
const fieldsForTenantsFrom = 83;

type Test = (server: Server) => boolean;

/** Everything comes back, as if they were not there. */
const ignoredForTenants = ['metadata', 'host', 'node', 'uuid', 'description', 'deleted'];

const known: ReadonlySet<string> = new Set([
  ...ignoredForTenants,
  ...['name', 'status', 'image', 'flavor', 'ip', 'ip6', 'reservation_id', 'changes-since', 'changes-before'],
  ...['tags', 'tags-any', 'not-tags', 'not-tags-any', 'locked', 'hostname', 'availability_zone', 'config_drive'],
  ...['key_name', 'created_at', 'launched_at', 'terminated_at', 'power_state', 'task_state', 'vm_state', 'progress'],
  ...['user_id', 'all_tenants', 'project_id', 'tenant_id', 'limit', 'marker', 'sort_key', 'sort_dir'],
]);

/** Of a server, there may be; ours are a few of them. */
const statuses: readonly string[] = [
  ...['ACTIVE', 'BUILD', 'DELETED', 'ERROR', 'HARD_REBOOT', 'MIGRATING', 'PASSWORD', 'PAUSED', 'REBOOT', 'REBUILD'],
  ...['RESCUE', 'RESIZE', 'REVERT_RESIZE', 'SHELVED', 'SHELVED_OFFLOADED', 'SHUTOFF', 'SOFT_DELETED', 'SUSPENDED'],
  ...['UNKNOWN', 'VERIFY_RESIZE'],
];

export function list(request: Request, { detailed }: { readonly detailed: boolean }): Response {
  const { cloud, query, project, admin } = request;
  const version = microversion(request);
  for (const key of query.keys())
    if (version >= strictFrom && (!known.has(key) || (key === 'hostname' && version < 90)))
      throw new Refusal(400, `'${key}' does not match any of the regexes: '^_'`);
  const status = query.get('status');
  if (status !== null && !statuses.includes(status.toUpperCase())) throw new Refusal(400, 'Invalid status value');
  if (admin && query.has('metadata')) throw new Refusal(400, 'Invalid filters: metadata');
  const everywhere = isTrue(query.get('all_tenants'));
  if (everywhere && !admin) throw forbidden(`os_compute_api:servers:${detailed ? 'detail' : 'index'}:get_all_tenants`);
  const tests = filters(request);
  const isShown: Test = (server) =>
    (everywhere || server.projectId === project.id) && tests.every((test) => test(server));
  // An operator may ask for those alone that are gone.
  const onlyGone = admin && isTrue(query.get('deleted'));
  // Newest first, as Nova sorts by creation.
  const found = onlyGone ? [] : [...cloud.servers.values()].filter(isShown).reverse();
  const gone = (onlyGone ? cloud.gone.map(({ server }) => server).reverse() : deletedSince(request)).filter(isShown);
  const { shown, more } = pageOf([...found, ...gone], query);
  const last = shown.at(-1);
  return {
    status: 200,
    body: {
      servers: shown.map((server) => {
        if (!detailed) return brief(request, server);
        const shownServer = detail(request, server);
        return cloud.servers.has(server.id) ? shownServer : { ...shownServer, status: 'DELETED' };
      }),
      ...(more && last && { servers_links: [{ rel: 'next', href: linkTo(request, { marker: last.id }) }] }),
    },
  };
}

function isTrue(text: string | null): boolean {
  return text !== null && !['false', '0', 'no', 'off', 'f', 'n'].includes(text.toLowerCase());
}

/** A page that is full has a link to the next one, though that may be empty. */
function pageOf(servers: readonly Server[], query: URLSearchParams): { shown: readonly Server[]; more: boolean } {
  const asked = query.get('limit');
  if (asked !== null && !/^\d+$/.test(asked))
    throw new Refusal(400, `Invalid input for query parameters limit. Value: ${asked}. '${asked}' does not match`);
  const limit = Math.min(asked === null ? pageMax : Number(asked), pageMax);
  const marker = query.get('marker');
  const at = marker === null ? -1 : servers.findIndex((server) => server.id === marker);
  if (marker !== null && at < 0) throw new Refusal(400, `marker [${marker}] not found`);
  const shown = servers.slice(at + 1, at + 1 + limit);
  return { shown, more: limit > 0 && shown.length === limit };
}

/** With `changes-since`, those that are gone since are shown too. */
function deletedSince({ cloud, query }: Request): Server[] {
  const since = query.get('changes-since');
  if (since === null) return [];
  return cloud.gone.filter(({ at }) => at >= timeIn('changes-since', since)).map(({ server }) => server);
}

function timeIn(key: string, text: string): number {
  const time = Date.parse(text);
  if (Number.isNaN(time))
    throw new Refusal(400, `Invalid input for query parameters ${key}. Value: ${text}. '${text}' is not a 'date-time'`);
  return time;
}

/** MySQL's regular expressions, as far as JavaScript's are the same: `sprout-1` also finds sprout-10. */
function pattern(key: string, text: string): RegExp {
  try {
    return new RegExp(text, 'i');
  } catch {
    throw new Refusal(400, `Invalid input for query parameters ${key}. Value: ${text}. '${text}' is not a 'regex'`);
  }
}

function filters(request: Request): readonly Test[] {
  const { cloud, query, admin } = request;
  const version = microversion(request);
  const tests: Test[] = [];
  const add = (key: string, make: (value: string) => Test): void => {
    const value = query.get(key);
    if (value !== null) tests.push(make(value));
  };
  const equal = (key: string, of: (server: Server) => string | undefined): void => {
    add(key, (value) => (server) => of(server)?.toLowerCase() === value.toLowerCase());
  };
  add('name', (value) => {
    const regex = pattern('name', value);
    return (server) => regex.test(server.name);
  });
  add('ip', (value) => {
    // Asked of Neutron, by which it is a part of an address.
    return (server) =>
      Object.values(addresses(cloud, server))
        .flat()
        .some(({ addr }) => addr.includes(value));
  });
  add('changes-since', (value) => (server) => Date.parse(server.updatedAt) >= timeIn('changes-since', value));
  add('changes-before', (value) => (server) => Date.parse(server.updatedAt) <= timeIn('changes-before', value));
  add('locked', (value) => () => !isTrue(value));
  for (const [key, test] of Object.entries(tagTests)) add(key, (value) => (server) => test(value.split(','), server));
  for (const [key, of] of Object.entries(fields)) equal(key, of);
  if (version >= 90)
    add('hostname', (value) => {
      const regex = pattern('hostname', value);
      return (server) => regex.test(server.name);
    });
  if (admin || version >= fieldsForTenantsFrom) {
    for (const [key, of] of Object.entries(laterFields)) equal(key, of);
    equal('availability_zone', (server) => cloud.hosts.get(server.host ?? '')?.zone);
  }
  if (admin) for (const [key, of] of Object.entries(operatorFields)) equal(key, of);
  return tests;
}

const tagTests: Readonly<Record<string, (tags: readonly string[], server: Server) => boolean>> = {
  tags: (tags, server) => tags.every((tag) => server.tags.includes(tag)),
  'tags-any': (tags, server) => tags.some((tag) => server.tags.includes(tag)),
  'not-tags': (tags, server) => !tags.every((tag) => server.tags.includes(tag)),
  'not-tags-any': (tags, server) => !tags.some((tag) => server.tags.includes(tag)),
};

const fields: Readonly<Record<string, (server: Server) => string | undefined>> = {
  status: (server) => server.status,
  image: (server) => server.imageId,
  flavor: (server) => server.flavorId,
};

const laterFields: Readonly<Record<string, (server: Server) => string | undefined>> = {
  user_id: (server) => server.userId,
  vm_state: (server) => vmState(server),
  task_state: (server) => server.taskState ?? undefined,
  power_state: (server) => String(powerState(server)),
  progress: () => '0',
  key_name: () => undefined,
  created_at: (server) => server.createdAt,
};

const operatorFields: Readonly<Record<string, (server: Server) => string | undefined>> = {
  host: (server) => server.host ?? undefined,
  node: (server) => server.host ?? undefined,
  uuid: (server) => server.id,
  project_id: (server) => server.projectId,
  tenant_id: (server) => server.projectId,
};
