import { newUuid, type Flavor } from '../model';
import { linkTo, objectIn, page, Refusal, route, text, type Request, type Response, type Route } from '../routing';
import { forbidden } from './refusals';
import { microversion } from './version';

/** Flavors, by id only: clients look for names in the list. */
export const flavorRoutes: readonly Route[] = [
  route('GET', '/flavors', (request) => list(request, brief)),
  route('GET', '/flavors/detail', (request) => list(request, detail)),
  route('GET', '/flavors/:id', (request) => {
    return { status: 200, body: { flavor: detail(request, flavorOf(request)) } };
  }),
  route('GET', '/flavors/:id/os-extra_specs', ({ cloud, params }) => ({
    status: 200,
    body: { extra_specs: cloud.flavors.get(params[0] ?? '')?.extraSpecs ?? {} },
  })),
  route('POST', '/flavors', create),
  route('DELETE', '/flavors/:id', (request) => {
    if (!request.admin) throw forbidden('os_compute_api:os-flavor-manage:delete');
    request.cloud.flavors.delete(flavorOf(request).id);
    return { status: 202 };
  }),
  route('POST', '/flavors/:id/os-extra_specs', (request) => {
    const { cloud, body, admin } = request;
    if (!admin) throw forbidden('os_compute_api:os-flavor-extra-specs:create');
    const flavor = flavorOf(request);
    const said = specsIn(objectIn(body, 'extra_specs'));
    cloud.flavors.set(flavor.id, { ...flavor, extraSpecs: { ...flavor.extraSpecs, ...said } });
    return { status: 200, body: { extra_specs: said } };
  }),
];

function flavorOf({ cloud, params }: Request): Flavor {
  const flavor = cloud.flavors.get(params[0] ?? '');
  if (!flavor) throw new Refusal(404, `Flavor ${params[0] ?? ''} could not be found.`);
  return flavor;
}

function create(request: Request): Response {
  const { cloud, body, admin } = request;
  if (!admin) throw forbidden('os_compute_api:os-flavor-manage:create');
  const given = objectIn(body, 'flavor');
  const name = text(given['name']) ?? '';
  const [vcpus, ramMb, diskGb] = [given['vcpus'], given['ram'], given['disk']].map(Number);
  if (name === '' || vcpus === undefined || ramMb === undefined || diskGb === undefined || !(vcpus > 0 && ramMb > 0))
    throw new Refusal(400, 'Invalid input for field/attribute flavor.');
  if ([...cloud.flavors.values()].some((each) => each.name === name))
    throw new Refusal(409, `Flavor with name ${name} already exists.`);
  const [ephemeralGb, swapMb] = [given['OS-FLV-EXT-DATA:ephemeral'], given['swap']].map((each) => Number(each ?? 0));
  const flavor: Flavor = {
    ...{ id: newUuid(cloud), name, vcpus, ramMb, diskGb },
    ...(ephemeralGb && { ephemeralGb }),
    ...(swapMb && { swapMb }),
  };
  cloud.flavors.set(flavor.id, flavor);
  return { status: 200, body: { flavor: detail(request, flavor) } };
}

function specsIn(given: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(given).map(([key, value]) => {
      if (typeof value !== 'string') throw new Refusal(400, `Invalid input for field/attribute ${key}.`);
      return [key, value];
    }),
  );
}

function list(request: Request, show: (request: Request, flavor: Flavor) => unknown): Response {
  const shown = page([...request.cloud.flavors.values()], request.query);
  const last = shown.at(-1);
  const more = last !== undefined && shown.length === Number(request.query.get('limit') ?? 1_000);
  return {
    status: 200,
    body: {
      flavors: shown.map((flavor) => show(request, flavor)),
      ...(more && { flavors_links: [{ rel: 'next', href: linkTo(request, { marker: last.id }) }] }),
    },
  };
}

function brief({ base }: Request, { id, name }: Flavor): Record<string, unknown> {
  return { id, name, description: null, links: [{ rel: 'self', href: `${base}/compute/v2.1/flavors/${id}` }] };
}

function detail(request: Request, flavor: Flavor): Record<string, unknown> {
  return {
    ...brief(request, flavor),
    vcpus: flavor.vcpus,
    ram: flavor.ramMb,
    disk: flavor.diskGb,
    // A number only from 2.75 on.
    swap: flavor.swapMb ?? (microversion(request) >= 75 ? 0 : ''),
    'OS-FLV-EXT-DATA:ephemeral': flavor.ephemeralGb ?? 0,
    'OS-FLV-DISABLED:disabled': false,
    'os-flavor-access:is_public': true,
    rxtx_factor: 1,
    extra_specs: flavor.extraSpecs ?? {},
  };
}
