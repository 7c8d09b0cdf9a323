import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { isIPv4 } from 'node:net';
import axios, { AxiosHeaders, isAxiosError, type AxiosInstance, type AxiosResponse } from 'axios';
import type { CloudConfig } from './config';
import { CloudConfigError, errorOf, messageIn, UnavailableError, type HttpContext } from './errors';
import { reasonOf, unlessOver } from './deadline';
import { redacted } from './redaction';
import type { Gate } from './gate';
import type { Pauses } from './pauses';
import type { Call, SessionOptions } from './call';

/** One request and its answer: parsed, or an error by what a caller does about it. Nothing is ever sent twice here. */

type Headers = InstanceType<typeof AxiosHeaders>;

/** A page of a thousand servers is about 3 MB. */
const answerBytesMax = 64 * 1_024 * 1_024;

export function httpClient(config: CloudConfig, options: SessionOptions): AxiosInstance {
  return axios.create({
    // Loopback and private clouds are not behind the proxy that the environment may name.
    proxy: false,
    // A redirect would carry the token to wherever it points.
    maxRedirects: 0,
    maxContentLength: answerBytesMax,
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
}

export interface Sent<T> extends Omit<Call<T>, 'timeoutMs'> {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Bounds the request, and so is always there. */
  readonly signal: AbortSignal;
  /** What the request holds that no error may show. */
  readonly secrets: readonly string[];
  readonly onHeaders?: (headers: Headers) => void;
}

/** What all requests of a session go through. */
export interface Way {
  readonly http: AxiosInstance;
  readonly gate: Gate;
  readonly pauses: Pauses;
  readonly onCall: SessionOptions['onCall'];
}

/** Waits for its turn before. */
export async function send<T>(way: Way, sent: Sent<T>): Promise<T> {
  const leave = await turnOf(way, sent);
  try {
    return await sendNow(way, sent);
  } finally {
    leave();
  }
}

async function turnOf({ gate, pauses }: Way, sent: Sent<unknown>): Promise<() => void> {
  const { service, lane = 'change', signal } = sent;
  try {
    for (;;) {
      await pauses.over(sent);
      const leave = await gate.enter({ lane, signal });
      if (pauses.isOver(service)) return leave;
      // While it waited, the service has asked for a pause.
      leave();
    }
  } catch (error) {
    throw signal.aborted && error === signal.reason ? neverSent(sent, signal) : error;
  }
}

/** The time was over before the request could leave. */
export function neverSent({ service, method, path }: Call<unknown>, signal: AbortSignal): UnavailableError {
  const why = signal.reason instanceof Error ? signal.reason.message : 'given up';
  return new UnavailableError(
    `${method} ${service} ${path}: not sent: ${why}`,
    { service, method, url: path },
    { fateUnknown: false, throttled: true },
  );
}

async function sendNow<T>({ http, pauses, onCall }: Way, sent: Sent<T>): Promise<T> {
  const { service, method, path, secrets, reply } = sent;
  // A login leaves nothing behind that a repeat would double.
  const mutating = method !== 'GET' && service !== 'identity';
  const url = redacted(http.getUri({ url: sent.url, ...queryOf(sent) }), secrets);
  const began = Date.now();
  const report = (status: number | null): void =>
    onCall?.({ service, method, path, status, milliseconds: Date.now() - began });
  let response: AxiosResponse<unknown>;
  try {
    response = await unlessOver(http.request<unknown>(requestOf(sent)), sent.signal);
  } catch (error) {
    report(null);
    const { why, neverSent } = whyNoAnswer(error, sent.signal);
    // The cause is left behind: axios keeps the whole request in it, token and password included.
    throw new UnavailableError(
      redacted(`${method} ${url}: ${why}`, secrets),
      { service, method, url },
      { fateUnknown: mutating && !neverSent },
    );
  }
  report(response.status);
  const headers = AxiosHeaders.from(response.headers as Headers);
  const text = textOf(response.data);
  const parsed = parseJson(text);
  const context: HttpContext & { status: number } = {
    service,
    method,
    url,
    status: response.status,
    body: redacted(text, secrets),
    ...answerHeaders(headers),
  };
  pauses.answered(service, context);
  if (response.status >= 300) {
    throw errorOf({ ...context, parsed: parseJson(context.body ?? '') }, headerOf(headers, 'location'));
  }
  sent.onHeaders?.(headers);
  const malformed = (said: string): UnavailableError =>
    new UnavailableError(
      redacted(`${method} ${url}: the answer is not what the API promises (${said.slice(0, 500)})`, secrets),
      withoutLoginBody(context),
      { fateUnknown: mutating },
    );
  if (!reply) {
    // A proxy's page with 200 is not the service's word that it has done anything.
    if (text !== '' && parsed === undefined) throw malformed('not JSON');
    return undefined as T;
  }
  const read = reply.safeParse(parsed);
  if (read.success) return read.data;
  const issues = read.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
  throw malformed(parsed === undefined ? 'not JSON' : (messageIn(parsed) ?? issues));
}

/** Where nothing is sent axios would still call it a form, and Nova answers 415 to that. */
export const withoutType = { 'Content-Type': false } as const;

function requestOf<T>(sent: Sent<T>): Parameters<AxiosInstance['request']>[0] {
  const { url, method, headers, requestId, body, signal } = sent;
  return {
    url,
    method,
    ...queryOf(sent),
    headers: {
      ...headers,
      Accept: 'application/json',
      ...(requestId !== undefined && method !== 'GET' && { 'X-Openstack-Request-Id': requestId }),
      ...(body === undefined && withoutType),
    },
    ...(body !== undefined && { data: body }),
    signal,
  };
}

function queryOf({ query = {} }: Pick<Call<unknown>, 'query'>): {
  params: Record<string, unknown>;
  paramsSerializer: { indexes: null };
} {
  const params = Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined));
  return { params, paramsSerializer: { indexes: null } };
}

/** Before a connection stands, no request has left. */
const connectCodes: readonly string[] = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN'];
/** What OpenSSL says of a certificate that is not trusted. */
const certificateCodes = /CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)/;

function whyNoAnswer(error: unknown, signal: AbortSignal): { why: string; neverSent: boolean } {
  if (signal.aborted) return { why: reasonOf(signal).message, neverSent: false };
  const code = isAxiosError(error) ? (error.code ?? 'no answer') : 'no answer';
  if (certificateCodes.test(code)) {
    const why = `${code}: the certificate is not trusted; give the CA bundle as cacert (OS_CACERT)`;
    return { why, neverSent: true };
  }
  return { why: code, neverSent: connectCodes.includes(code) };
}

/** A login's good answer is never shown: it says all that the account may do. */
function withoutLoginBody(context: HttpContext): HttpContext {
  const { body, ...rest } = context;
  return context.service === 'identity' ? rest : { ...rest, body: (body ?? '').slice(0, 2_000) };
}

function answerHeaders(headers: Headers): Pick<HttpContext, 'requestId' | 'retryAfterSeconds'> {
  const requestId = headerOf(headers, 'x-openstack-request-id') ?? headerOf(headers, 'x-compute-request-id');
  const retryAfterSeconds = secondsIn(headerOf(headers, 'retry-after'));
  return {
    ...(requestId !== undefined && { requestId }),
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  };
}

/** Seconds, or a date: RFC 9110, 10.2.3. */
function secondsIn(retryAfter: string | undefined): number | undefined {
  if (retryAfter === undefined) return undefined;
  if (/^\d+$/.test(retryAfter.trim())) return Number(retryAfter);
  const until = Date.parse(retryAfter);
  return Number.isNaN(until) ? undefined : Math.max(0, Math.ceil((until - Date.now()) / 1_000));
}

export function headerOf(headers: Headers, name: string): string | undefined {
  const value = headers.get(name);
  return typeof value === 'string' ? value : undefined;
}

function textOf(data: unknown): string {
  if (typeof data === 'string') return data;
  return data === undefined || data === null ? '' : JSON.stringify(data);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function refusePlainHttp(url: string, options: SessionOptions): void {
  const { protocol, hostname } = new URL(url);
  const loopback =
    hostname === 'localhost' || hostname === '[::1]' || (isIPv4(hostname) && hostname.startsWith('127.'));
  if (protocol === 'https:' || loopback || options.allowPlainHttp) return;
  throw new CloudConfigError(
    `${url} is plain http beyond this machine: credentials would be readable on the way. Use https, or set BULKHEAD_ALLOW_PLAIN_HTTP=1`,
  );
}
