import { Agent as HttpsAgent } from 'node:https';
import { Agent as HttpAgent } from 'node:http';
import axios, { isAxiosError, type AxiosAdapter, type AxiosInstance, type AxiosResponse } from 'axios';
import type { z } from 'zod';
import { CloudConfigError, type CloudConfig } from './config';
import { errorOf, messageIn, UnauthorizedError, UnavailableError, type HttpContext } from './errors';
import { authRequest, tokenSchema, type TokenBody } from './keystone/tokens';

/**
 * A login to one cloud: the token, renewed before it expires, the catalog, and one way to call a service. It never
 * repeats a call by itself (but for one new token after a 401): whoever knows what a repeat would do does that.
 */

export type Service = 'identity' | 'compute' | 'placement' | 'network' | 'image';

export interface CallOptions {
  /** Sent as `X-Openstack-Request-Id` (`req-…`): OpenStack logs it as the global request id. */
  readonly requestId?: string;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface Call<T> extends CallOptions {
  readonly service: Service;
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below the service's endpoint, with a leading slash. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;
  readonly body?: unknown;
  /** What the answer must look like. Absent: the body is of no interest. */
  readonly reply?: z.ZodType<T>;
}

export interface CallInfo {
  readonly service: Service;
  readonly method: string;
  readonly path: string;
  readonly status: number | null;
  readonly milliseconds: number;
}

export interface SessionOptions {
  /** For a cloud in the same process. */
  readonly adapter?: AxiosAdapter;
  readonly timeoutMs?: number;
  /** How many calls may be under way at once. */
  readonly concurrent?: number;
  /** Credentials go over plain http to loopback only, unless this is set. */
  readonly allowPlainHttp?: boolean;
  readonly onCall?: (info: CallInfo) => void;
}

export interface Session {
  readonly cloud: string;
  readonly call: <T = undefined>(call: Call<T>) => Promise<T>;
  readonly projectId: () => Promise<string>;
  /** Whether the token has the role that sees hosts and may name them. */
  readonly isAdmin: () => Promise<boolean>;
}

const timeoutMsDefault = 20_000;
const concurrentDefault = 16;
/** A token is renewed this long before it expires, so that none expires on its way. */
const renewBeforeMs = 60_000;

/** The microversions that we speak: the lowest that has what we use, so that older clouds do. */
const versionHeaders: Readonly<Record<Service, Readonly<Record<string, string>>>> = {
  identity: {},
  // 2.74: a host may be asked for by name; 2.83: filters; 2.90 on: hostname; 2.95 stops what is evacuated.
  compute: { 'OpenStack-API-Version': 'compute 2.90', 'X-OpenStack-Nova-API-Version': '2.90' },
  // 1.29: allocation candidates with nested providers.
  placement: { 'OpenStack-API-Version': 'placement 1.29' },
  network: {},
  image: {},
};

interface Login {
  readonly secret: string;
  readonly body: TokenBody;
  readonly expiresAt: number;
}

export function connect(config: CloudConfig, options: SessionOptions = {}): Session {
  refusePlainHttp(config.authUrl, options);
  const http = axios.create({
    timeout: options.timeoutMs ?? timeoutMsDefault,
    // Loopback and private clouds are not behind the proxy that the environment may name.
    proxy: false,
    validateStatus: () => true,
    transformResponse: (data: unknown) => data,
    httpAgent: new HttpAgent({ keepAlive: true, maxSockets: 64 }),
    httpsAgent: new HttpsAgent({
      keepAlive: true,
      maxSockets: 64,
      rejectUnauthorized: config.verify,
      ...(config.ca !== null && { ca: config.ca }),
    }),
    ...(options.adapter && { adapter: options.adapter }),
  });
  const limited = limiter(options.concurrent ?? concurrentDefault);
  let current: Promise<Login> | undefined;

  const login = async (renew: boolean): Promise<Login> => {
    if (current && !renew) {
      const known = await current;
      if (known.expiresAt - renewBeforeMs > Date.now()) return known;
    }
    // Callers that find the token gone at the same time share one renewal.
    const begun = authenticate(http, config, options);
    current = begun;
    begun.catch(() => {
      if (current === begun) current = undefined;
    });
    return await begun;
  };

  const once = async <T>(call: Call<T>, { body, secret }: Login): Promise<T> => {
    const url = `${endpointOf(config, body, call.service)}${call.path}`;
    refusePlainHttp(url, options);
    const headers = { ...versionHeaders[call.service], 'X-Auth-Token': secret };
    return await send(http, { ...call, url, headers }, options);
  };

  return {
    cloud: config.name,
    call: (call) =>
      limited(async () => {
        const known = await login(false);
        try {
          return await once(call, known);
        } catch (error) {
          if (!(error instanceof UnauthorizedError)) throw error;
          const latest = await login((await current) === known);
          return await once(call, latest);
        }
      }),
    projectId: async () => {
      const { body } = await login(false);
      if (!body.project) throw new CloudConfigError(`cloud ${config.name}: the login is not scoped to a project`);
      return body.project.id;
    },
    isAdmin: async () => (await login(false)).body.roles.some((role) => role.name === 'admin'),
  };
}

async function authenticate(http: AxiosInstance, config: CloudConfig, options: SessionOptions): Promise<Login> {
  const url = `${config.authUrl}/v3/auth/tokens`;
  let secret = '';
  const { token } = await send(
    http,
    {
      service: 'identity',
      method: 'POST',
      path: '/v3/auth/tokens',
      url,
      headers: {},
      body: authRequest(config.auth),
      reply: tokenSchema,
      onHeaders: (headers) => {
        secret = headers['x-subject-token'] ?? '';
      },
    },
    options,
  );
  return { secret, body: token, expiresAt: Date.parse(token.expires_at) };
}

function endpointOf(config: CloudConfig, token: TokenBody, service: Service): string {
  const types: readonly string[] = service === 'compute' ? ['compute', 'compute_legacy'] : [service];
  const all = token.catalog.filter((each) => types.includes(each.type)).flatMap((each) => each.endpoints);
  const found = all.find(
    (each) =>
      each.interface === config.interface &&
      (config.region === null || each.region_id === config.region || each.region === config.region),
  );
  if (!found) {
    const where = `${config.interface} interface${config.region === null ? '' : `, region ${config.region}`}`;
    throw new CloudConfigError(
      `cloud ${config.name} has no ${service} service in its catalog (${where}): check region_name and interface`,
    );
  }
  return versioned(service, found.url.replace(/\/+$/, ''));
}

/** Catalogs differ in whether they name the version; the paths here begin after it. */
function versioned(service: Service, url: string): string {
  if (service === 'network' && !/\/v2\.0$/.test(url)) return `${url}/v2.0`;
  if (service === 'image' && !/\/v2$/.test(url)) return `${url}/v2`;
  if (service === 'compute' && !/\/v2(\.1)?(\/|$)/.test(url)) return `${url}/v2.1`;
  return url;
}

interface Sent<T> extends Call<T> {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly onHeaders?: (headers: Readonly<Record<string, string | undefined>>) => void;
}

async function send<T>(http: AxiosInstance, sent: Sent<T>, options: SessionOptions): Promise<T> {
  const { service, method, url, path, body, query, requestId, timeoutMs, signal } = sent;
  const mutating = method !== 'GET';
  const began = Date.now();
  const report = (status: number | null): void =>
    options.onCall?.({ service, method, path, status, milliseconds: Date.now() - began });
  let response: AxiosResponse<unknown>;
  try {
    response = await http.request<unknown>({
      url,
      method,
      params: withoutUndefined(query),
      paramsSerializer: { indexes: null },
      headers: {
        ...sent.headers,
        Accept: 'application/json',
        ...(requestId !== undefined && mutating && { 'X-Openstack-Request-Id': requestId }),
      },
      ...(body !== undefined && { data: body }),
      ...(timeoutMs !== undefined && { timeout: timeoutMs }),
      ...(signal && { signal }),
    });
  } catch (error) {
    report(null);
    const code = isAxiosError(error) ? (error.code ?? 'no answer') : 'no answer';
    // A connection that was refused never carried the request.
    const fateUnknown = mutating && code !== 'ECONNREFUSED';
    throw new UnavailableError(`${method} ${url}: ${code}`, { service, method, url }, { fateUnknown });
  }
  report(response.status);
  const headers = response.headers as Record<string, string | undefined>;
  sent.onHeaders?.(headers);
  const text =
    typeof response.data === 'string'
      ? response.data
      : response.data === undefined || response.data === null
        ? ''
        : JSON.stringify(response.data);
  const context: HttpContext & { status: number } = {
    service,
    method,
    url,
    status: response.status,
    body: text,
    ...answerHeaders(headers),
  };
  const parsed = parseJson(text);
  if (response.status >= 400) throw errorOf({ ...context, parsed });
  if (!sent.reply) return undefined as T;
  const reply = sent.reply.safeParse(parsed);
  if (reply.success) return reply.data;
  const said =
    messageIn(parsed) ?? reply.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
  throw new UnavailableError(
    `${method} ${url}: the answer is not what the API promises (${said.slice(0, 500)})`,
    withoutBody(context, service),
    { fateUnknown: mutating },
  );
}

/** A login's answer is never shown: it holds the catalog, and its request held the password. */
function withoutBody(context: HttpContext, service: Service): HttpContext {
  if (service !== 'identity') return { ...context, body: context.body?.slice(0, 2_000) ?? '' };
  const { body: _body, ...rest } = context;
  return rest;
}

function answerHeaders(
  headers: Readonly<Record<string, string | undefined>>,
): Pick<HttpContext, 'requestId' | 'retryAfterSeconds'> {
  const requestId = headers['x-openstack-request-id'] ?? headers['x-compute-request-id'];
  const retryAfter = Number(headers['retry-after'] ?? NaN);
  return {
    ...(requestId !== undefined && { requestId }),
    ...(Number.isFinite(retryAfter) && { retryAfterSeconds: retryAfter }),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function withoutUndefined(query: Call<unknown>['query']): Record<string, unknown> {
  return Object.fromEntries(Object.entries(query ?? {}).filter(([, value]) => value !== undefined));
}

function refusePlainHttp(url: string, options: SessionOptions): void {
  const { protocol, hostname } = new URL(url);
  const loopback = hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.');
  if (protocol === 'https:' || loopback || options.allowPlainHttp) return;
  throw new CloudConfigError(
    `${url} is plain http beyond this machine: credentials would be readable on the way. Use https, or set BULKHEAD_ALLOW_PLAIN_HTTP=1`,
  );
}

/** At most so many at once; the others wait in order. */
function limiter(most: number): <T>(task: () => Promise<T>) => Promise<T> {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (task) => {
    if (running >= most) await new Promise<void>((resolve) => waiting.push(resolve));
    running += 1;
    try {
      return await task();
    } finally {
      running -= 1;
      waiting.shift()?.();
    }
  };
}
