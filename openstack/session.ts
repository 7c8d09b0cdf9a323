import { z } from 'zod';
import type { Call, Service, Session, SessionOptions } from './call';
import type { CloudConfig } from './config';
import { CloudConfigError, OpenStackError, UnauthorizedError } from './errors';
import { createGate } from './gate';
import { neverSent, refusePlainHttp, send, type Way } from './http';
import { deadlineAfter, unlessOver, type CallSignal } from './deadline';
import { endpointOf, regionOf } from './keystone/catalog';
import { logins, secretsOf, type Login } from './keystone/login';
import { httpWire } from './wire';
import { microversionFrom, preferredMinor, versionDocument, versionHeaders } from './nova/version';
import { createPauses } from './pauses';

/**
 * A login to one cloud: the token, renewed before it expires, the catalog, and one way to call a service. It never
 * repeats a call by itself (but for one new token after a 401): whoever knows what a repeat would do does that.
 */

const timeoutMsDefault = 20_000;
const concurrentDefault = 16;

/** 1.29 (Rocky): allocation candidates with nested providers. Nova's is negotiated; the others have none. */
const placementVersion = { 'OpenStack-API-Version': 'placement 1.29' };

export function connect(config: CloudConfig, options: SessionOptions = {}): Session {
  refusePlainHttp(config.authUrl, options);
  const way: Way = {
    wire: options.wire ?? httpWire(config),
    gate: options.gate ?? createGate({ calls: options.concurrent ?? concurrentDefault, perSecond: null }),
    pauses: createPauses(),
    onCall: options.onCall,
  };
  const timeoutMs = options.timeoutMs ?? timeoutMsDefault;
  const login = logins({ way, config, options, timeoutMs });
  let negotiation: number | Promise<number> | undefined;

  const once = async <T>(asked: Bounded<T>, known: Login): Promise<T> => {
    const url = `${endpoint(known, asked.service)}${asked.path}`;
    const headers = await versionFor(asked, known);
    return await sendTo(url, { ...asked, headers }, known);
  };

  const endpoint = ({ body, endpoints }: Login, service: Service): string => {
    const known = endpoints.get(service);
    if (known !== undefined) return known;
    const url = endpointOf(config, body, service);
    refusePlainHttp(url, options);
    endpoints.set(service, url);
    return url;
  };

  const sendTo = async <T>(url: string, asked: Bounded<T> & { headers: Headers }, { secret }: Login): Promise<T> => {
    const headers = { ...asked.headers, 'X-Auth-Token': secret };
    return await send(way, { ...asked, url, headers, secrets: [secret, ...secretsOf(config)] });
  };

  const versionFor = async ({ service, signal }: Bounded<unknown>, known: Login): Promise<Headers> => {
    if (service === 'placement') return placementVersion;
    if (service !== 'compute') return {};
    // Once for a session, and for all who ask at the same time.
    negotiation ??= negotiated(known).then(
      (minor) => (negotiation = minor),
      (error: unknown) => {
        negotiation = undefined;
        throw error;
      },
    );
    return versionHeaders(await unlessOver(negotiation, signal));
  };

  const negotiated = async (known: Login): Promise<number> => {
    const { signal, dispose } = deadlineAfter(timeoutMs);
    try {
      const url = versionDocument(endpoint(known, 'compute'));
      const read = { service: 'compute', method: 'GET', path: '/', reply: z.unknown(), headers: {}, signal } as const;
      const found = microversionFrom(await sendTo(url, read, known));
      if ('minor' in found) return found.minor;
      throw new CloudConfigError(`cloud ${config.name} is too old: ${found.tooOld}`);
    } catch (error) {
      // Some clouds hide the document. A Nova that is away is away for the call itself, too.
      if (isHidden(error)) return preferredMinor;
      throw error;
    } finally {
      dispose();
    }
  };

  const call = async <T>(asked: Call<T>): Promise<T> => {
    const { signal, dispose } = deadlineAfter(asked.timeoutMs ?? timeoutMs, asked.signal);
    const bounded = { ...asked, signal };
    try {
      const known = await unlessOver(login(), signal);
      try {
        return await once(bounded, known);
      } catch (error) {
        if (!(error instanceof UnauthorizedError)) throw error;
        return await once(bounded, await unlessOver(login(known), signal));
      }
    } catch (error) {
      throw signal.aborted && error === signal.reason ? neverSent(asked, signal) : error;
    } finally {
      dispose();
    }
  };

  const projectIdIn = ({ body }: Login): string => {
    if (!body.project) throw new CloudConfigError(`cloud ${config.name}: the login is not scoped to a project`);
    return body.project.id;
  };

  return {
    cloud: config.name,
    call,
    projectId: async () => projectIdIn(await login()),
    place: async () => {
      const known = await login();
      return { projectId: projectIdIn(known), region: regionOf(config, known.body) };
    },
    isAdmin: async () => (await login()).body.roles.some((role) => role.name === 'admin'),
  };
}

type Bounded<T> = Omit<Call<T>, 'signal'> & { readonly signal: CallSignal };
type Headers = Readonly<Record<string, string>>;

function isHidden(error: unknown): boolean {
  const status = error instanceof OpenStackError ? error.context.status : undefined;
  return status !== undefined && status < 500 && status !== 401 && status !== 429;
}
