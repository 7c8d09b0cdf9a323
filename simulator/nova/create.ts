import { zonesOf } from '../aggregates';
import { asksOf } from '../inventories';
import { between, count, emit, newUuid, sleep, timeOf, type Cloud, type Server } from '../model';
import { isObject, objectIn, objects, Refusal, text, texts, type Request, type Response } from '../routing';
import { reaches, isAway, onceHere } from '../outages';
import { schedule } from '../scheduler';
import { checkQuota, checkPortQuota } from './quota';
import { forbidden, required, unexpected } from './refusals';
import { links, securityGroupsOf } from './show';
import { tagsMax } from './tags';
import { microversion } from './version';

/**
 * `POST /servers`: checked, then 202, then built. Not there: volumes, key pairs, personality, and several servers in one request.
 */
export async function create(request: Request): Promise<Response> {
  const { cloud, body, project, requestId, user } = request;
  cloud.creates += 1;
  const arrivedAs = cloud.creates;
  if (!isObject(body) || body['server'] === undefined) throw new Refusal(400, "'server' is a required property");
  const given = objectIn(body, 'server');
  const wanted = checked(request, given);
  await askOthers(request, wanted);
  const flavor = cloud.flavors.get(wanted.flavorId);
  checkQuota(request, { instances: 1, cores: flavor?.vcpus ?? 0, ram: flavor?.ramMb ?? 0 });
  checkPortQuota(request, wanted.ownNetworks.length);
  // Between the check and the record lies the time in which another create passes the same check.
  await sleep(cloud, between(cloud, cloud.options.latencyMs));
  for (const id of wanted.portIds) {
    const port = cloud.ports.get(id);
    if (!port || (!request.admin && port.projectId !== project.id))
      throw new Refusal(400, `Port id ${id} could not be found.`);
    if (port.deviceId !== '') throw new Refusal(409, `Port ${id} is still in use.`);
  }
  const group = wanted.groupId === null ? undefined : cloud.serverGroups.get(wanted.groupId);
  const groupLimit = project.quotas.get('server_group_members') ?? -1;
  if (group && groupLimit >= 0 && group.members.size >= groupLimit)
    throw new Refusal(403, 'Quota exceeded, too many servers in group');
  cloud.creates += 1;
  const now = timeOf(cloud);
  const server: Server = {
    id: newUuid(cloud),
    ...wanted,
    projectId: project.id,
    userId: user.id,
    ownPortIds: [],
    createdAt: now,
    updatedAt: now,
    arrivedAs,
    answeredAs: cloud.creates,
    status: 'BUILD',
    taskState: 'scheduling',
    host: null,
    fault: null,
    launchedAt: null,
    deleting: false,
    attempts: 0,
  };
  cloud.servers.set(server.id, server);
  count(cloud, server, { which: 'all', by: 1 });
  count(cloud, server, { which: 'placed', by: 1 });
  group?.members.add(server.id);
  const { id, name, tags, portIds, requestedHost, zone } = server;
  emit(cloud, {
    type: 'server.created',
    requestId,
    id,
    name,
    project: project.id,
    flavor: flavor?.name ?? '',
    tags: [...tags],
    portIds: [...portIds],
    requestedHost,
    zone,
    ...(flavor && { size: asksOf(flavor) }),
  });
  if (isAway(cloud, 'rabbitmq')) await sentTooEarly(cloud);
  else schedule(cloud, server);
  return {
    status: 202,
    headers: { Location: `${request.base}/compute/v2.1/servers/${id}` },
    body: {
      server: {
        id,
        links: links(request, id),
        'OS-DCF:diskConfig': 'MANUAL',
        adminPass: 'embedded-guest-secret',
        security_groups: securityGroupsOf(cloud, server),
      },
    },
  };
}

/** Of the image and of the networks. */
async function askOthers({ cloud }: Request, wanted: Wanted): Promise<void> {
  if (isAway(cloud, 'memcached')) await sleep(cloud, cacheTimeoutSeconds * 1_000);
  if (!(await reaches(cloud, 'glance'))) throw unexpectedError('nova.exception.GlanceConnectionFailed');
  const hasNetworks = wanted.portIds.length + wanted.ownNetworks.length > 0;
  if (hasNetworks && !(await reaches(cloud, 'neutron')))
    throw unexpectedError('keystoneauth1.exceptions.connection.ConnectFailure');
}

const cacheTimeoutSeconds = 4;

function unexpectedError(kind: string): Refusal {
  return new Refusal(
    500,
    `Unexpected API Error. Please report this at http://bugs.launchpad.net/nova/ and attach the Nova API log if possible.\n<class '${kind}'>`,
  );
}

/** How long after the bus is back the API has connected to it again. */
const reconnectSeconds = 6.7;

/** Answered late, and never heard of by the conductor: in BUILD for good. */
async function sentTooEarly(cloud: Cloud): Promise<void> {
  await new Promise<void>((resolve) => {
    onceHere(cloud, ['rabbitmq'], resolve);
  });
  await sleep(cloud, reconnectSeconds * 1_000);
}

type Wanted = Pick<
  Server,
  | 'name'
  | 'flavorId'
  | 'imageId'
  | 'tags'
  | 'portIds'
  | 'ownNetworks'
  | 'requestedHost'
  | 'forced'
  | 'zone'
  | 'groupId'
  | 'hints'
  | 'metadata'
  | 'securityGroupIds'
  | 'description'
>;

/** By the lowest microversion that has the property. */
const properties: Readonly<Record<string, number>> = {
  name: 1,
  flavorRef: 1,
  imageRef: 1,
  networks: 1,
  availability_zone: 1,
  metadata: 1,
  user_data: 1,
  security_groups: 1,
  config_drive: 1,
  block_device_mapping_v2: 1,
  adminPass: 1,
  accessIPv4: 1,
  accessIPv6: 1,
  'OS-DCF:diskConfig': 1,
  min_count: 1,
  max_count: 1,
  return_reservation_id: 1,
  description: 19,
  tags: 52,
  host: 74,
  hypervisor_hostname: 74,
  hostname: 90,
};

function checked(request: Request, given: Readonly<Record<string, unknown>>): Wanted {
  const { cloud, body } = request;
  const version = microversion(request);
  for (const property of Object.keys(given))
    if ((properties[property] ?? Infinity) > version) throw unexpected('field/attribute server', property);
  const name = text(given['name']) ?? '';
  if (name === '') throw required('name');
  if (Number(given['max_count'] ?? given['min_count'] ?? 1) > 1)
    throw new Refusal(400, 'The embedded cloud makes one server for each request.');
  const tags = texts(given['tags']);
  const tooLong = tags.find((tag) => tag.length > 60);
  if (tooLong !== undefined)
    throw new Refusal(400, `Invalid input for field/attribute tags. Value: ${tooLong}. '${tooLong}' is too long`);
  const malformed = tags.find((tag) => !/^[^,/]+$/.test(tag));
  if (malformed !== undefined)
    throw new Refusal(400, `Invalid input for field/attribute tags. Value: ${malformed}. A tag has no comma or slash.`);
  if (tags.length > tagsMax) throw new Refusal(400, 'Invalid input for field/attribute tags. There are more than 50.');
  refuseVolumes(given['block_device_mapping_v2']);
  const flavorRef = text(given['flavorRef']) ?? '';
  if (!cloud.flavors.has(flavorRef)) throw new Refusal(400, `Flavor ${flavorRef} could not be found.`);
  const imageId = text(given['imageRef']) ?? '';
  if (!cloud.images.has(imageId)) throw new Refusal(400, 'Can not find requested image');
  return {
    name,
    flavorId: flavorRef,
    imageId,
    tags,
    ...networksOf(request, given['networks']),
    ...destinationOf(request, given),
    ...hintsOf(request, body),
    metadata: isObject(given['metadata']) ? given['metadata'] : {},
    securityGroupIds: groupsNamed(request, given['security_groups']),
    description: text(given['description']) ?? null,
  };
}

/** The `openstack` client says it even of a server that boots from its image on its host's disk: that, and nothing else. */
function refuseVolumes(given: unknown): void {
  if (objects(given).some((each) => each['source_type'] !== 'image' || each['destination_type'] !== 'local'))
    throw new Refusal(400, 'The embedded cloud has no volumes.');
}

/** By name or id, for the ports that Nova makes. There is no default one, so that it says nothing. */
function groupsNamed({ cloud, project }: Request, given: unknown): readonly string[] {
  const own = [...cloud.securityGroups.values()].filter(({ projectId }) => projectId === project.id);
  return objects(given).flatMap((each) => {
    const asked = text(each['name']) ?? '';
    const found = own.find(({ id, name }) => id === asked || name === asked);
    if (!found && asked !== 'default')
      throw new Refusal(400, `Security group ${asked} not found for project ${project.id}.`);
    return found?.id ?? [];
  });
}

/** Ports that exist, and networks on which Nova makes them. */
function networksOf(request: Request, given: unknown): Pick<Wanted, 'portIds' | 'ownNetworks'> {
  const { cloud } = request;
  // From 2.37 on it must be said.
  if (given === undefined && microversion(request) >= 37) throw required('networks');
  const each = objects(given);
  const ownNetworks = each.flatMap((wanted) => {
    const networkId = text(wanted['uuid']);
    if (networkId === undefined || wanted['port'] !== undefined) return [];
    if (!cloud.networks.has(networkId)) throw new Refusal(400, `Network ${networkId} could not be found.`);
    const address = text(wanted['fixed_ip']) ?? null;
    if (address !== null && cloud.addresses.has(`${networkId}/${address}`))
      throw new Refusal(400, `Fixed IP address ${address} is already in use on instance .`);
    return [{ networkId, address }];
  });
  const portIds = each.flatMap((wanted) => text(wanted['port']) ?? []);
  const twice = portIds.find((id, index) => portIds.indexOf(id) < index);
  if (twice !== undefined)
    throw new Refusal(400, `Port ID '${twice}' was specified twice: you cannot attach a port multiple times.`);
  return { portIds, ownNetworks };
}

/** `zone:host` forces the host and ignores the zone, as the real one does. */
function destinationOf(
  { cloud, admin }: Request,
  given: Readonly<Record<string, unknown>>,
): Pick<Wanted, 'requestedHost' | 'zone' | 'forced'> {
  const requested = text(given['host']) ?? text(given['hypervisor_hostname']) ?? null;
  if (requested !== null && !admin) throw forbidden('compute:servers:create:requested_destination');
  const [zone, forced] = text(given['availability_zone'])?.split(':') ?? [];
  if (forced !== undefined && !admin) throw forbidden('os_compute_api:servers:create:forced_host');
  // One that is forced is looked for by the scheduler only.
  if (requested !== null && !cloud.hosts.has(requested))
    throw new Refusal(400, `Compute host ${requested} could not be found.`);
  if (zone !== undefined && zone !== '' && !zonesOf(cloud).includes(zone))
    throw new Refusal(400, 'The requested availability zone is not available');
  return {
    requestedHost: forced ?? requested,
    forced: forced !== undefined,
    zone: forced === undefined ? zone || null : null,
  };
}

function hintsOf({ cloud, project }: Request, body: unknown): Pick<Wanted, 'groupId' | 'hints'> {
  const all = isObject(body) ? body : {};
  const given = all['os:scheduler_hints'] ?? all['OS-SCH-HNT:scheduler_hints'];
  const hints = isObject(given) ? given : {};
  const groupId = text(hints['group']) ?? null;
  if (groupId !== null && cloud.serverGroups.get(groupId)?.projectId !== project.id)
    throw new Refusal(400, `Instance group ${groupId} could not be found.`);
  return { groupId, hints };
}
