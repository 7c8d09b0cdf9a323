import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { came } from './access';
import { control } from './control/routes';
import { glance } from './glance/routes';
import { keystone } from './keystone/routes';
import {
  between,
  emit,
  newRequestId,
  sleep,
  type Cloud,
  type Fault,
  type Project,
  type RequestFault,
  type User,
} from './model';
import { neutron } from './neutron/routes';
import { isAway } from './outages';
import { nova, novaRoot } from './nova/routes';
import { placement } from './placement/routes';
import { isAt, Refusal, type Request, type Response, type Route, type ServiceRoutes } from './routing';

/** From a request to an answer, without or with sockets: token, faults on demand, latency, the service's own errors. */

export interface RawRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  /** With lower-case names. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string | undefined;
  readonly base?: string;
}

/** An answer before it is written: what it says may be what the cloud keeps, and so is only read. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** A text is no JSON, and undefined is nothing at all. */
  readonly body: unknown;
}

export interface RawResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The connection goes away without an answer. */
export class Dropped extends Error {}

/** Nova's root comes after what is below it. */
const services: readonly ServiceRoutes[] = [control, keystone, nova, novaRoot, neutron, placement, glance];

export async function handle(cloud: Cloud, raw: RawRequest): Promise<RawResponse> {
  const { status, headers, body } = await replyTo(cloud, raw);
  return { status, headers, body: written(body) };
}

export async function replyTo(cloud: Cloud, raw: RawRequest): Promise<Reply> {
  const base = raw.base ?? 'http://127.0.0.1';
  const url = addressOf(raw.url, base);
  if (!url) return answer({ status: 400, body: { error: { code: 400, message: `${raw.url} is no address` } } }, cloud);
  const service = services.find(({ prefix }) => url.pathname === prefix || url.pathname.startsWith(`${prefix}/`));
  if (!service)
    return answer({ status: 404, body: { error: { code: 404, message: `nothing is at ${url.pathname}` } } }, cloud);
  if (service === control) return await answered(cloud, { raw, url, service, base });
  const left = came(cloud.access, cloud.clock.now());
  try {
    return await answered(cloud, { raw, url, service, base });
  } finally {
    left();
  }
}

async function answered(cloud: Cloud, arrived: Arrived): Promise<Reply> {
  const { raw, url, service } = arrived;
  if (service !== control) {
    await sleep(cloud, between(cloud, cloud.options.latencyMs));
    const { part } = service;
    if (part && isAway(cloud, part)) throw new Dropped(`${part} is away`);
    if (isAway(cloud, 'mariadb')) return answer(withoutDatabase, cloud);
  }
  const fault = faultFor(cloud, raw, url);
  if (fault?.kind === 'delay') await sleep(cloud, fault.delayMs ?? 0);
  if (fault && fault.kind !== 'delay' && fault.moment !== 'after') return failed(cloud, fault);
  const response = await dispatch(cloud, arrived);
  return fault && fault.kind !== 'delay' ? failed(cloud, fault) : response;
}

/** What stands before the services says it, and it is no JSON. */
const withoutDatabase: Response = {
  status: 503,
  body: '<html><head><title>503 Service Unavailable</title></head><body><h1>503 Service Unavailable</h1></body></html>',
};

function addressOf(url: string, base: string): URL | null {
  try {
    return new URL(url, base);
  } catch {
    return null;
  }
}

function failed(cloud: Cloud, fault: RequestFault): Reply {
  if (fault.kind === 'drop') throw new Dropped('dropped on demand');
  return answer(
    {
      status: fault.status ?? 500,
      ...(fault.headers && { headers: fault.headers }),
      body: fault.body ?? {
        computeFault: {
          code: fault.status ?? 500,
          message: 'The server has either erred or is incapable of performing the requested operation.',
        },
      },
    },
    cloud,
  );
}

/** Of our own calls only publications fail, and only where a fault's path names them. */
function faultFor(cloud: Cloud, raw: RawRequest, url: URL): RequestFault | undefined {
  const isOwn = url.pathname.startsWith(`${control.prefix}/`);
  if (isOwn && url.pathname !== `${control.prefix}/publications`) return undefined;
  for (const entry of cloud.faults) {
    const { fault } = entry;
    if (!isForRequests(fault)) continue;
    const { method, path, requestId, nth } = fault.match;
    if (method !== undefined && method !== raw.method) continue;
    if (isOwn && !path?.includes('publications')) continue;
    if (path !== undefined && !new RegExp(path).test(`${url.pathname}${url.search}`)) continue;
    if (requestId !== undefined && requestId !== raw.headers['x-openstack-request-id']) continue;
    entry.seen += 1;
    if ((nth !== undefined && entry.seen < nth) || entry.left <= 0) continue;
    entry.left -= 1;
    return fault;
  }
  return undefined;
}

function isForRequests(fault: Fault): fault is RequestFault {
  return fault.kind === 'status' || fault.kind === 'drop' || fault.kind === 'delay';
}

interface Arrived {
  readonly raw: RawRequest;
  readonly url: URL;
  readonly service: ServiceRoutes;
  readonly base: string;
}

async function dispatch(cloud: Cloud, arrived: Arrived): Promise<Reply> {
  const { raw, service } = arrived;
  let headers: Readonly<Record<string, string>> = {};
  try {
    headers = service.prepare?.(raw.headers) ?? {};
    const response = await routed(cloud, arrived);
    return answer({ ...response, headers: { ...headers, ...response.headers } }, cloud);
  } catch (error) {
    const refusal = error instanceof Refusal ? error : bug(error);
    if (raw.method !== 'GET' && service !== control) logRefusal(cloud, arrived, refusal);
    return answer(
      {
        status: refusal.status,
        headers: { ...headers, ...refusal.headers },
        body: refusal.body ?? service.error(refusal.status, refusal.message),
      },
      cloud,
    );
  }
}

async function routed(cloud: Cloud, arrived: Arrived): Promise<Response> {
  const { raw, url, service } = arrived;
  const path = url.pathname.slice(service.prefix.length);
  const found = service.routes.find((route) => route.method === raw.method && isAt(route, path));
  if (!found) {
    const isThere = service.routes.some((route) => isAt(route, path));
    // Nova says so of a method, too.
    if (isThere && service.notFound === undefined)
      throw new Refusal(405, `${raw.method} ${url.pathname} is not supported.`);
    throw new Refusal(404, 'The resource could not be found.', { body: service.notFound });
  }
  const handle = (): ReturnType<typeof found.handle> => found.handle(requestOf(cloud, arrived, { route: found, path }));
  const isStarting = service.part !== undefined && cloud.starting.has(service.part);
  return await (isStarting && service.starting ? service.starting(raw.method, handle) : handle());
}

/** What nobody meant is said aloud; the caller sees what a service's own bug looks like. */
function bug(error: unknown): Refusal {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return new Refusal(500, 'Unexpected API Error. Please report this to the embedded cloud.');
}

function logRefusal(cloud: Cloud, { raw, url }: Arrived, { status, message }: Refusal): void {
  emit(cloud, {
    type: 'refused',
    requestId: raw.headers['x-openstack-request-id'] ?? null,
    method: raw.method,
    path: url.pathname,
    status,
    message,
  });
}

function requestOf(cloud: Cloud, arrived: Arrived, at: { route: Route; path: string }): Request {
  const { raw, url, base } = arrived;
  const { user, project } = at.route.open ? nobody(cloud) : whoIs(cloud, arrived);
  return {
    cloud,
    user,
    project,
    admin: user.roles.includes('admin'),
    method: raw.method,
    path: at.path,
    url: raw.url,
    params: at.route.literal === null ? (at.route.path.exec(at.path)?.slice(1) ?? []) : [],
    query: url.searchParams,
    body: parsed(raw.body),
    headers: raw.headers,
    requestId: raw.headers['x-openstack-request-id'] ?? null,
    base,
  };
}

function whoIs(cloud: Cloud, { raw, service, base }: Arrived): { user: User; project: Project } {
  const token = cloud.tokens.get(raw.headers['x-auth-token'] ?? '');
  const project = token && cloud.projects.get(token.user.projectId);
  if (token && project && token.expiresAt > cloud.clock.now()) return { user: token.user, project };
  const message = 'The request you have made requires authentication.';
  throw new Refusal(401, message, {
    body: service.unauthorized ?? { error: { code: 401, title: 'Unauthorized', message } },
    headers: { 'WWW-Authenticate': `Keystone uri="${base}/identity"` },
  });
}

function nobody(cloud: Cloud): { user: User; project: Project } {
  const [project] = cloud.projects.values();
  if (!project) throw new Error('a cloud has projects');
  return { user: { id: '', name: '', password: '', projectId: '', roles: [] }, project };
}

function parsed(body: string | undefined): unknown {
  if (body === undefined || body === '') return undefined;
  try {
    return JSON.parse(body);
  } catch {
    throw new Refusal(400, 'The request body is not JSON.');
  }
}

function answer({ status, body, headers }: Response, cloud: Cloud): Reply {
  return {
    status,
    headers: {
      'content-type': typeof body === 'string' ? 'text/html' : 'application/json',
      'x-openstack-request-id': newRequestId(cloud),
      ...headers,
    },
    body,
  };
}

export function written(body: unknown): string {
  if (body === undefined) return '';
  return typeof body === 'string' ? body : JSON.stringify(body);
}

export interface Served {
  readonly url: string;
  readonly close: () => Promise<void>;
}

/** On loopback, unless it is told otherwise: anybody who reaches it can do anything with it. */
export async function serve(
  cloud: Cloud,
  options: { port?: number; listen?: string; publicHost?: string } = {},
): Promise<Served> {
  let base = '';
  const server = createServer((incoming, outgoing) => {
    void read(incoming)
      .then((body) =>
        handle(cloud, {
          method: incoming.method ?? 'GET',
          url: incoming.url ?? '/',
          headers: flat(incoming),
          body,
          base,
        }),
      )
      .then(
        ({ status, headers, body }) => {
          outgoing.writeHead(status, headers).end(body);
        },
        (error: unknown) => {
          if (!(error instanceof Dropped))
            process.stderr.write(`${error instanceof Error ? (error.stack ?? '') : String(error)}\n`);
          if (error instanceof Dropped) incoming.socket.destroy();
          else
            outgoing
              .writeHead(500, { 'content-type': 'application/json' })
              .end('{"computeFault":{"code":500,"message":"Unexpected API Error."}}');
        },
      );
  });
  // A client's kept connection must not be closed under a request that is on its way.
  server.keepAliveTimeout = 65_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, options.listen ?? '127.0.0.1', resolve);
  });
  base = `http://${options.publicHost ?? '127.0.0.1'}:${String((server.address() as AddressInfo).port)}`;
  return {
    url: base,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

function flat(incoming: IncomingMessage): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(incoming.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(',') : value]),
  );
}

async function read(incoming: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of incoming) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
}
