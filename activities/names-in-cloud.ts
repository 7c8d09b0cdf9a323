import { failure } from '../domain/failure';
import type { FlavorSeen } from '../domain/snapshot';
import { glance, neutron, nova, type CallOptions, type Session } from '../openstack';
import { toFailure } from './errors';

/** From the descriptor's names to the cloud's ids, kept for a while: they change rarely, and a repeat costs calls. */
export interface Names {
  readonly flavor: (name: string, call?: CallOptions) => Promise<FlavorSeen>;
  readonly imageId: (name: string, call?: CallOptions) => Promise<string>;
  readonly networkId: (name: string, call?: CallOptions) => Promise<string>;
}

/** After this a name is looked up again. */
const keptMs = 60_000;

export function namesIn(session: Session): Names {
  const flavors = kept(async (call) => new Map((await nova.listFlavors(session, call)).map((each) => [each.name, each])));
  const networks = kept(async (call) => new Map((await neutron.listNetworks(session, call)).map((each) => [each.name, each.id])));
  const images = new Map<string, { id: string; until: number }>();
  return {
    flavor: async (name, call) => {
      const all = await flavors(call);
      const found = all.get(name);
      if (!found) throw unknown('flavor', name, [...all.keys()]);
      return { id: found.id, name, vcpus: found.vcpus, ramMb: found.ram, diskGb: found.disk };
    },
    networkId: async (name, call) => {
      const all = await networks(call);
      const found = all.get(name);
      if (found === undefined) throw unknown('network', name, [...all.keys()]);
      return found;
    },
    imageId: async (name, call) => {
      const known = images.get(name);
      if (known && known.until > Date.now()) return known.id;
      const [found] = await glance.listImages(session, { name }, call);
      if (!found) throw unknown('image', name, []);
      images.set(name, { id: found.id, until: Date.now() + keptMs });
      return found.id;
    },
  };
}

function kept<T>(read: (call?: CallOptions) => Promise<T>): (call?: CallOptions) => Promise<T> {
  let value: T | undefined;
  let until = 0;
  return async (call) => {
    if (value !== undefined && until > Date.now()) return value;
    value = await read(call);
    until = Date.now() + keptMs;
    return value;
  };
}

function unknown(what: string, name: string, there: readonly string[]): Error {
  const some = there.length > 0 ? ` It has ${there.slice(0, 20).join(', ')}.` : '';
  return toFailure(
    failure('InvalidRequest', `The cloud has no ${what} ${name}.${some} Make it, or name another in the descriptor.`, {
      problems: [{ path: what, message: `the cloud has no ${what} ${name}` }],
    }),
  );
}
