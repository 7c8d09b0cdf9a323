import { isIPv4 } from 'node:net';
import { CloudConfigError, errorOf, messageIn, UnavailableError, type HttpContext } from './errors';
import { reasonOf, unlessOver, type CallSignal, type Over } from './deadline';
import { redacted, withoutUserinfo } from './redaction';
import type { Gate } from './gate';
import type { Pauses } from './pauses';
import type { Call, SessionOptions } from './call';
import { parseJson, type Wire, type WireAnswer, type WireRequest } from './wire';

/** One request and its answer: parsed, or an error by what a caller does about it. Nothing is ever sent twice here. */

type Header = WireAnswer['header'];

export interface Sent<T> extends Omit<Call<T>, 'timeoutMs' | 'signal'> {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Bounds the request, and so is always there. */
  readonly signal: CallSignal;
  /** What the request holds that no error may show. */
  readonly secrets: readonly string[];
  readonly onHeaders?: (header: Header) => void;
}

/** What all requests of a session go through. */
export interface Way {
  readonly wire: Wire;
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
      if (!pauses.isOver(service)) await pauses.over(sent);
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
export function neverSent(
  { service, method, path }: Pick<Call<unknown>, 'service' | 'method' | 'path'>,
  signal: Over,
): UnavailableError {
  const why = signal.reason instanceof Error ? signal.reason.message : 'given up';
  return new UnavailableError(
    `${method} ${service} ${path}: not sent: ${why}`,
    { service, method, url: path },
    { fateUnknown: false, throttled: true },
  );
}

async function sendNow<T>({ wire, pauses, onCall }: Way, sent: Sent<T>): Promise<T> {
  const { service, method, path, secrets, reply } = sent;
  // A login leaves nothing behind that a repeat would double.
  const mutating = method !== 'GET' && service !== 'identity';
  const request = requestOf(sent);
  // Only errors show anything, and a page of a thousand servers takes its time to look through.
  const shown = (text: string): string => redacted(text, secrets);
  const began = Date.now();
  const report = (status: number | null): void =>
    onCall?.({ service, method, path, status, milliseconds: Date.now() - began });
  let answer: WireAnswer;
  try {
    answer = await unlessOver(wire(request), sent.signal);
  } catch (error) {
    report(null);
    const { why, neverSent } = whyNoAnswer(error, sent.signal);
    // The cause is left behind: axios keeps the whole request in it, token and password included.
    throw new UnavailableError(
      shown(`${method} ${request.url}: ${why}`),
      { service, method, url: shown(request.url) },
      { fateUnknown: mutating && !neverSent },
    );
  }
  const { status, header } = answer;
  report(status);
  const told = answerHeaders(header);
  pauses.answered(service, { status, ...told });
  const context = (): HttpContext & { status: number; body: string } => ({
    ...{ service, method, url: shown(request.url), status, body: shown(answer.text()) },
    ...told,
  });
  if (status >= 300) {
    const said = context();
    throw errorOf({ ...said, parsed: parseJson(said.body) }, header('location'));
  }
  sent.onHeaders?.(header);
  const malformed = (said: string): UnavailableError =>
    new UnavailableError(
      shown(`${method} ${request.url}: the answer is not what the API promises (${said.slice(0, 500)})`),
      withoutLoginBody(context()),
      { fateUnknown: mutating },
    );
  const parsed = answer.json();
  if (!reply) {
    // A proxy's page with 200 is not the service's word that it has done anything.
    if (parsed === undefined && answer.text() !== '') throw malformed('not JSON');
    return undefined as T;
  }
  const read = reply.safeParse(parsed);
  if (read.success) return read.data;
  const issues = read.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
  throw malformed(parsed === undefined ? 'not JSON' : (messageIn(parsed) ?? issues));
}

function requestOf<T>(sent: Sent<T>): WireRequest {
  const { url, query, method, headers, requestId, body, signal } = sent;
  return {
    url: `${url}${queryOf(query)}`,
    method,
    headers: {
      ...headers,
      Accept: 'application/json',
      ...(requestId !== undefined && method !== 'GET' && { 'X-Openstack-Request-Id': requestId }),
    },
    body,
    get signal() {
      return signal.asNodes();
    },
  };
}

/** As a query may have it (RFC 3986, 3.4): tags and resources stay legible in what errors show. */
function encoded(value: string): string {
  return encodeURIComponent(value).replace(/%3A/g, ':').replace(/%2C/g, ',');
}

/** What is undefined is left out, and a list is named once for each that is in it. */
function queryOf(query: Call<unknown>['query'] = {}): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [value].flat().map((each) => `${name}=${encoded(String(each))}`),
  );
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}

/** Before a connection stands, no request has left. */
const connectCodes: readonly string[] = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN'];
/** What OpenSSL says of a certificate that is not trusted. */
const certificateCodes = /CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)/;

function whyNoAnswer(error: unknown, signal: Over): { why: string; neverSent: boolean } {
  if (signal.aborted) return { why: reasonOf(signal).message, neverSent: false };
  const given = error instanceof Error && 'code' in error ? error.code : undefined;
  const code = typeof given === 'string' ? given : 'no answer';
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

function answerHeaders(header: Header): Pick<HttpContext, 'requestId' | 'retryAfterSeconds'> {
  const requestId = header('x-openstack-request-id') ?? header('x-compute-request-id');
  const retryAfterSeconds = secondsIn(header('retry-after'));
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

export function refusePlainHttp(url: string, options: SessionOptions): void {
  const { protocol, hostname } = new URL(url);
  const loopback =
    hostname === 'localhost' || hostname === '[::1]' || (isIPv4(hostname) && hostname.startsWith('127.'));
  if (protocol === 'https:' || loopback || options.allowPlainHttp) return;
  throw new CloudConfigError(
    `${withoutUserinfo(url)} is plain http beyond this machine: credentials would be readable on the way. Use https, or set BULKHEAD_ALLOW_PLAIN_HTTP=1`,
  );
}
