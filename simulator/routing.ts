import type { Cloud, Project, User } from './model';
import type { Part } from './parts';

/** How a service says which calls it answers. */
export interface Request {
  readonly cloud: Cloud;
  readonly method: string;
  /** Below the service's prefix. */
  readonly path: string;
  /** Path and query as they came. */
  readonly url: string;
  readonly params: readonly string[];
  readonly query: URLSearchParams;
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly requestId: string | null;
  /** `http://127.0.0.1:5000`, for links and the catalog. */
  readonly base: string;
  /** Who calls; absent where no token is needed. */
  readonly user: User;
  readonly project: Project;
  readonly admin: boolean;
}

export interface Response {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Route {
  readonly method: string;
  readonly path: RegExp;
  /** Where nothing in it varies: what it is, without a slash at its end. */
  readonly literal: string | null;
  readonly handle: (request: Request) => Response | Promise<Response>;
  /** Answered without a token. */
  readonly open?: boolean;
}

export interface ServiceRoutes {
  readonly prefix: string;
  /** While it is away, nobody answers. */
  readonly part?: Part;
  readonly routes: readonly Route[];
  /** An error in the service's own shape. */
  readonly error: (status: number, message: string) => unknown;
  /** Where nothing is there; the service's own shape, where it is not said. */
  readonly notFound?: unknown;
  /** How it answers when it has just come back. */
  readonly starting?: (method: string, handle: () => Response | Promise<Response>) => Promise<Response>;
  /** Of who has no good token; what the middleware says that all share, where it is not said. */
  readonly unauthorized?: unknown;
  /** Headers of every answer, such as the microversion. May refuse the request. */
  readonly prepare?: (headers: Request['headers']) => Readonly<Record<string, string>>;
}

/** Thrown by a handler: the answer is this error, in the service's own shape unless it has its own body. */
export class Refusal extends Error {
  readonly status: number;
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, message: string, own: { body?: unknown; headers?: Record<string, string> } = {}) {
    super(message);
    this.status = status;
    this.body = own.body;
    this.headers = own.headers ?? {};
  }
}

export function route(method: string, path: string, handle: Route['handle'], options: { open?: boolean } = {}): Route {
  const pattern = path.replace(/:[a-z]+/g, '([^/]+)');
  const whole = pattern === '/' ? '' : pattern;
  return { method, path: new RegExp(`^${whole}/?$`), literal: whole === path ? path : null, handle, ...options };
}

export function isAt({ path, literal }: Route, asked: string): boolean {
  return literal === null ? path.test(asked) : asked === literal || asked === `${literal}/`;
}

export function objectIn(body: unknown, key: string): Record<string, unknown> {
  const value = isObject(body) ? body[key] : undefined;
  if (!isObject(value)) throw new Refusal(400, `Invalid input for field/attribute ${key}.`);
  return value;
}

export function listIn(body: unknown, key: string): Record<string, unknown>[] {
  const value = isObject(body) ? body[key] : undefined;
  if (!Array.isArray(value) || !value.every(isObject))
    throw new Refusal(400, `Invalid input for field/attribute ${key}.`);
  return value;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function objects(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

export function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

export function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((each): each is string => typeof each === 'string') : [];
}

/** This request's address with other query parameters. */
export function linkTo({ base, url }: Request, change: Readonly<Record<string, string>>): string {
  const link = new URL(url, base);
  for (const [key, value] of Object.entries(change)) link.searchParams.set(key, value);
  return link.href;
}

/** `limit` and `marker`, as Neutron pages. */
export function page<T extends { readonly id: string }>(
  items: readonly T[],
  query: URLSearchParams,
  most = 1_000,
): readonly T[] {
  const limit = Math.min(Number(query.get('limit') ?? most) || most, most);
  const marker = query.get('marker');
  const at = marker === null ? 0 : items.findIndex((item) => item.id === marker) + 1;
  if (marker !== null && at === 0) throw new Refusal(400, `Marker ${marker} could not be found.`);
  return items.slice(at, at + limit);
}

/** `ports` and, where a page that was asked for is full, `ports_links` to the next one. All, where none was asked for. */
export function pageBody<T extends { readonly id: string }>(
  request: Request,
  given: { readonly key: string; readonly items: readonly T[]; readonly show: (item: T) => unknown },
): Record<string, unknown> {
  const { key, items, show } = given;
  const shown = page(items, request.query, Infinity);
  const last = shown.at(-1);
  const more = last !== undefined && shown.length === Number(request.query.get('limit') ?? -1);
  return {
    [key]: shown.map(show),
    ...(more && { [`${key}_links`]: [{ rel: 'next', href: linkTo(request, { marker: last.id }) }] }),
  };
}
