import type { Cloud, Project, User } from './model';

/** How a service says which calls it answers. */
export interface Request {
  readonly cloud: Cloud;
  readonly method: string;
  /** Below the service's prefix. */
  readonly path: string;
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
  readonly handle: (request: Request) => Response | Promise<Response>;
  /** Answered without a token. */
  readonly open?: boolean;
}

export interface ServiceRoutes {
  readonly prefix: string;
  readonly routes: readonly Route[];
  /** An error in the service's own shape. */
  readonly error: (status: number, message: string) => unknown;
}

/** Thrown by a handler: the answer is this error, in the service's own shape. */
export class Refusal extends Error {
  readonly status: number;
  readonly body: unknown;

  constructor(status: number, message: string, body?: unknown) {
    super(message);
    this.status = status;
    this.body = body;
  }
}

export function route(method: string, path: string, handle: Route['handle'], options: { open?: boolean } = {}): Route {
  const pattern = path.replace(/:[a-z]+/g, '([^/]+)');
  return { method, path: new RegExp(`^${pattern}/?$`), handle, ...options };
}

export function objectIn(body: unknown, key: string): Record<string, unknown> {
  const value = typeof body === 'object' && body !== null ? (body as Record<string, unknown>)[key] : undefined;
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Refusal(400, `Invalid input for field/attribute ${key}.`);
  return value as Record<string, unknown>;
}

export function listIn(body: unknown, key: string): Record<string, unknown>[] {
  const value = typeof body === 'object' && body !== null ? (body as Record<string, unknown>)[key] : undefined;
  if (!Array.isArray(value)) throw new Refusal(400, `Invalid input for field/attribute ${key}.`);
  return value as Record<string, unknown>[];
}

export function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

export function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((each): each is string => typeof each === 'string') : [];
}

/** `limit` and `marker`, as Nova and Neutron page. */
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
