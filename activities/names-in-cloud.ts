import { failure } from '../domain/failure';
import { glance, neutron, nova, type CallOptions, type Session } from '../openstack';
import { toFailure } from './errors';

/** From the descriptor's names to the cloud's ids, kept for a while: they change rarely, and a repeat costs calls. */
export interface Names {
  readonly flavor: (name: string, call?: CallOptions) => Promise<nova.Flavor>;
  readonly imageId: (name: string, call?: CallOptions) => Promise<string>;
  readonly networkId: (name: string, call?: CallOptions) => Promise<string>;
}

/** After this a name is looked up again. */
const keptMs = 60_000;
/** Far more images than network functions have; only there so that it has an end. */
const imagesMax = 500;

export function namesIn(session: Session): Names {
  const flavors = kept(
    async (call) => new Map((await nova.listFlavors(session, call)).map((each) => [each.name, each])),
  );
  const networks = kept(
    async (call) => new Map((await neutron.listNetworks(session, call)).map((each) => [each.name, each.id])),
  );
  const images = new Map<string, Kept<Map<string, string>>>();
  const imagesNamed = (name: string): Kept<Map<string, string>> => {
    const known = images.get(name);
    if (known) return known;
    if (images.size >= imagesMax) images.clear();
    const made = kept(
      async (call) =>
        new Map((await glance.listImages(session, { name }, call)).slice(0, 1).map(({ id }) => [name, id])),
    );
    images.set(name, made);
    return made;
  };
  return {
    flavor: (name, call) => lookUp(flavors, { what: 'flavor', name }, call),
    networkId: (name, call) => lookUp(networks, { what: 'network', name }, call),
    imageId: (name, call) => lookUp(imagesNamed(name), { what: 'image', name }, call),
  };
}

/** A "no" is never from memory: what was missing a moment ago may have been made since. */
async function lookUp<T>(
  kept: Kept<Map<string, T>>,
  of: { what: string; name: string },
  call: CallOptions | undefined,
): Promise<T> {
  const { what, name } = of;
  const found = (await kept.read(call)).get(name) ?? (await kept.readAnew(call)).get(name);
  if (found === undefined) throw unknown(what, name, [...(await kept.read(call)).keys()]);
  return found;
}

interface Kept<T> {
  readonly read: (call?: CallOptions) => Promise<T>;
  readonly readAnew: (call?: CallOptions) => Promise<T>;
}

/** Those that ask at the same time share one reading; one that fails is not kept. */
function kept<T>(fetch: (call?: CallOptions) => Promise<T>): Kept<T> {
  let latest: { readonly value: Promise<T>; readonly until: number } | undefined;
  const readAnew = (call?: CallOptions): Promise<T> => {
    const begun = { value: fetch(call), until: Date.now() + keptMs };
    latest = begun;
    begun.value.catch(() => {
      if (latest === begun) latest = undefined;
    });
    return begun.value;
  };
  return { readAnew, read: (call) => (latest && latest.until > Date.now() ? latest.value : readAnew(call)) };
}

function unknown(what: string, name: string, there: readonly string[]): Error {
  const some = there.length > 0 ? ` It has ${there.slice(0, 20).join(', ')}.` : '';
  return toFailure(
    failure('InvalidRequest', `The cloud has no ${what} ${name}.${some} Make it, or name another in the descriptor.`, {
      problems: [{ path: what, message: `the cloud has no ${what} ${name}` }],
    }),
  );
}
