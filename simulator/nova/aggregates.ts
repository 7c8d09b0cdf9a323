import { addAggregate, aggregatesOf, settleHost, zoneOf, type Aggregate } from '../aggregates';
import { emitHost, newUuid, type Cloud, type Host } from '../model';
import { isObject, objectIn, Refusal, route, text, type Request, type Response, type Route } from '../routing';
import { forOperators, unexpected } from './refusals';
import { microversion } from './version';

/** Host aggregates. Not there: to rename one, and images for the caches of its hosts. */
export const aggregateRoutes: readonly Route[] = [
  route('GET', '/os-aggregates', forOperators('os-aggregates:index', list)),
  route('POST', '/os-aggregates', forOperators('os-aggregates:create', create)),
  route(
    'GET',
    '/os-aggregates/:id',
    forOperators('os-aggregates:show', (request) => answer(request, aggregateOf(request))),
  ),
  route('DELETE', '/os-aggregates/:id', forOperators('os-aggregates:delete', remove)),
  route('POST', '/os-aggregates/:id/action', act),
];

const actions: Readonly<Record<string, (request: Request) => Aggregate>> = {
  add_host: addHost,
  remove_host: removeHost,
  set_metadata: setMetadata,
};

function list(request: Request): Response {
  const { aggregates } = request.cloud;
  return { status: 200, body: { aggregates: [...aggregates.byId.values()].map((each) => show(request, each)) } };
}

/** Shown without hosts and metadata, which it has none of yet but for its zone. */
function create(request: Request): Response {
  const { cloud, body } = request;
  const given = objectIn(body, 'aggregate');
  for (const property of Object.keys(given))
    if (!['name', 'availability_zone'].includes(property)) throw unexpected('field/attribute aggregate', property);
  const name = text(given['name']);
  if (name === undefined)
    throw new Refusal(400, "Invalid input for field/attribute aggregate. 'name' is a required property");
  if ([...cloud.aggregates.byId.values()].some((each) => each.name === name))
    throw new Refusal(409, `Aggregate ${name} already exists.`);
  const zone = text(given['availability_zone']);
  const metadata = zone === undefined ? {} : { availability_zone: zone };
  const {
    hosts: _hosts,
    metadata: _metadata,
    ...shown
  } = show(request, addAggregate(cloud, { uuid: newUuid(cloud), name, metadata }));
  return { status: 200, body: { aggregate: shown } };
}

function remove(request: Request): Response {
  const { id, hosts } = aggregateOf(request);
  if (hosts.size > 0)
    throw new Refusal(400, `Cannot remove host from aggregate ${String(id)}. Reason: Host aggregate is not empty.`);
  request.cloud.aggregates.byId.delete(id);
  return { status: 200 };
}

function act(request: Request): Response | Promise<Response> {
  const [name = ''] = isObject(request.body) ? Object.keys(request.body) : [];
  const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
  if (!action) throw new Refusal(400, `There is no such action: ${name}`);
  // When metadata was changed is said there, and kept nowhere.
  const saysWhen = name === 'set_metadata';
  return forOperators(`os-aggregates:${name}`, () => answer(request, action(request), { saysWhen }))(request);
}

function addHost(request: Request): Aggregate {
  const { cloud } = request;
  const { name } = objectNamed(request, 'add_host', 'host');
  const host = cloud.hosts.get(name);
  if (!host) throw new Refusal(404, `Compute host ${name} could not be found.`);
  const aggregate = aggregateOf(request);
  const zone = zoneOf(aggregate);
  const refuse = (reason: string): Refusal =>
    new Refusal(409, `Cannot add host to aggregate ${String(aggregate.id)}. Reason: ${reason}.`);
  if (zone !== null) refuseOtherZones(cloud, { aggregate, hosts: [name], zone }, refuse);
  const before = zoneBy(aggregatesOf(cloud, name));
  const there = serversOn(cloud, name);
  if (zone !== null && zone !== before && there > 0)
    throw refuse(wouldMove('added to', { before, after: zone, there }));
  if (aggregate.hosts.has(name)) throw new Refusal(409, `Aggregate ${String(aggregate.id)} already has host ${name}.`);
  aggregate.hosts.add(name);
  settle(request, [host]);
  return aggregate;
}

function removeHost(request: Request): Aggregate {
  const { cloud } = request;
  const { name } = objectNamed(request, 'remove_host', 'host');
  const aggregate = aggregateOf(request);
  const host = cloud.hosts.get(name);
  const before = zoneOf(aggregate);
  if (host && before !== null) {
    const after = zoneBy(aggregatesOf(cloud, name).filter((each) => each !== aggregate));
    const there = serversOn(cloud, name);
    if (before !== after && there > 0)
      throw new Refusal(
        409,
        `Cannot remove host from aggregate ${String(aggregate.id)}. Reason: ${wouldMove('removed from', { before, after, there })}.`,
      );
  }
  if (!host || !aggregate.hosts.delete(name))
    throw new Refusal(404, `Cannot remove host ${name} in aggregate ${String(aggregate.id)}`);
  settle(request, [host]);
  return aggregate;
}

/** What is given is changed, null takes a key away, and the rest stays. */
function setMetadata(request: Request): Aggregate {
  const { cloud, body } = request;
  const given = objectIn(objectIn(body, 'set_metadata'), 'metadata');
  const wrong = Object.entries(given).find(([, value]) => value !== null && typeof value !== 'string');
  if (wrong) {
    const value = JSON.stringify(wrong[1]);
    throw new Refusal(
      400,
      `Invalid input for field/attribute ${wrong[0]}. Value: ${value}. ${value} is not of type 'string', 'null'`,
    );
  }
  const aggregate = aggregateOf(request);
  const zone = given['availability_zone'];
  if (zone !== undefined) refuseRezoning(cloud, aggregate, text(zone) ?? '');
  aggregate.metadata = Object.fromEntries(
    Object.entries({ ...aggregate.metadata, ...given }).flatMap(([key, value]) =>
      typeof value === 'string' ? [[key, value]] : [],
    ),
  );
  settle(
    request,
    [...aggregate.hosts].flatMap((name) => cloud.hosts.get(name) ?? []),
  );
  return aggregate;
}

function refuseRezoning(cloud: Cloud, aggregate: Aggregate, zone: string): void {
  const { id, name } = aggregate;
  const refuse = (reason: string): Refusal =>
    new Refusal(400, `Cannot update metadata of aggregate ${String(id)}. Reason: ${reason}.`);
  if (zone === '') throw refuse(`Aggregate ${name} does not support empty named availability zone`);
  const hosts = [...aggregate.hosts];
  refuseOtherZones(cloud, { aggregate, hosts, zone }, refuse);
  if (zone !== zoneOf(aggregate) && hosts.some((host) => serversOn(cloud, host) > 0))
    throw refuse('One or more hosts contain instances in this zone');
}

/** A host is in one zone. */
function refuseOtherZones(
  cloud: Cloud,
  of: { readonly aggregate: Aggregate; readonly hosts: readonly string[]; readonly zone: string },
  refuse: (reason: string) => Refusal,
): void {
  const others = [...cloud.aggregates.byId.values()].filter(
    (each) => each !== of.aggregate && of.hosts.some((host) => each.hosts.has(host)),
  );
  const zones = others.flatMap((each) => zoneOf(each) ?? []).filter((zone) => zone !== of.zone);
  if (zones.length > 0)
    throw refuse(`One or more hosts already in availability zone(s) [${zones.map((zone) => `'${zone}'`).join(', ')}]`);
}

function zoneBy(aggregates: readonly Aggregate[]): string | null {
  return aggregates.map(zoneOf).find((zone) => zone !== null) ?? null;
}

function wouldMove(how: string, of: { before: string | null; after: string | null; there: number }): string {
  const { before, after, there } = of;
  return (
    `The host cannot be ${how} the aggregate as the availability zone of the host would change from '${before ?? 'None'}' to '${after ?? 'None'}' ` +
    `but the host already has ${String(there)} instance(s). Changing the AZ of an existing instance is not supported by this action. ` +
    'Move the instances away from this host then try again. If you need to move the instances between AZs then you can use shelve_offload and unshelve to achieve this.'
  );
}

function serversOn(cloud: Cloud, host: string): number {
  return [...cloud.servers.values()].filter((server) => server.host === host).length;
}

/** Hosts whose zone or domains may be others now. */
function settle({ cloud, requestId }: Request, hosts: readonly Host[]): void {
  for (const host of hosts) {
    settleHost(cloud, host);
    emitHost(cloud, host, requestId);
  }
}

function objectNamed({ body }: Request, action: string, property: string): { readonly name: string } {
  const name = text(objectIn(body, action)[property]);
  if (name === undefined)
    throw new Refusal(400, `Invalid input for field/attribute ${action}. '${property}' is a required property`);
  return { name };
}

function aggregateOf({ cloud, params }: Request): Aggregate {
  const [id = ''] = params;
  if (!/^\d+$/.test(id)) throw new Refusal(400, 'Invalid input received: id must be an integer');
  const found = cloud.aggregates.byId.get(Number(id));
  if (!found) throw new Refusal(404, `Aggregate ${id} could not be found.`);
  return found;
}

function answer(request: Request, aggregate: Aggregate, { saysWhen = false } = {}): Response {
  const shown = show(request, aggregate);
  const updated = saysWhen ? { updated_at: said(request.cloud.clock.now()) } : {};
  return { status: 200, body: { aggregate: { ...shown, ...updated } } };
}

function said(time: number): string {
  return new Date(time).toISOString().replace('Z', '000');
}

/** With its UUID from 2.41 on. */
function show(request: Request, aggregate: Aggregate): Record<string, unknown> {
  const { id, uuid, name, metadata, hosts, createdAt } = aggregate;
  return {
    id,
    ...(microversion(request) >= 41 && { uuid }),
    name,
    availability_zone: zoneOf(aggregate),
    metadata,
    hosts: [...hosts],
    created_at: said(createdAt),
    updated_at: null,
    deleted: false,
    deleted_at: null,
  };
}
