import type { Flavor } from '../model';
import { linkTo, page, Refusal, route, type Request, type Response, type Route } from '../routing';
import { microversion } from './version';

/** Flavors, by id only: clients look for names in the list. */
export const flavorRoutes: readonly Route[] = [
  route('GET', '/flavors', (request) => list(request, brief)),
  route('GET', '/flavors/detail', (request) => list(request, detail)),
  route('GET', '/flavors/:id', (request) => {
    const flavor = request.cloud.flavors.get(request.params[0] ?? '');
    if (!flavor) throw new Refusal(404, `Flavor ${request.params[0] ?? ''} could not be found.`);
    return { status: 200, body: { flavor: detail(request, flavor) } };
  }),
  route('GET', '/flavors/:id/os-extra_specs', ({ cloud, params }) => ({
    status: 200,
    body: { extra_specs: cloud.flavors.get(params[0] ?? '')?.extraSpecs ?? {} },
  })),
];

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
    swap: microversion(request) >= 75 ? 0 : '',
    'OS-FLV-EXT-DATA:ephemeral': 0,
    'OS-FLV-DISABLED:disabled': false,
    'os-flavor-access:is_public': true,
    rxtx_factor: 1,
    extra_specs: flavor.extraSpecs ?? {},
  };
}
