import { withoutUserinfo } from './redaction';

/**
 * Errors by what a caller does about them. Each keeps the method, the URL, the status, the body and the request id, and
 * never a token or a password.
 */

export interface HttpContext {
  readonly service: string;
  readonly method: string;
  readonly url: string;
  /** Absent where there was no answer. */
  readonly status?: number;
  /** As answered, cut at 2,000 characters. */
  readonly body?: string;
  /** OpenStack's own id of the request (`x-openstack-request-id`): what its operator looks for in the logs. */
  readonly requestId?: string;
  readonly retryAfterSeconds?: number;
}

/** What is wrong with the configuration, all of it, in words for whoever has to mend it. */
export class CloudConfigError extends Error {
  override readonly name = 'CloudConfigError';
}

export class OpenStackError extends Error {
  override readonly name: string = 'OpenStackError';
  readonly context: HttpContext;

  constructor(message: string, context: HttpContext, options?: { cause?: unknown }) {
    super(message, options);
    this.context = context;
  }
}

/** 400: what was asked for makes no sense to the service. */
export class BadRequestError extends OpenStackError {
  override readonly name = 'BadRequestError';
}

/** 401 after a renewal: the credentials are not (any more) good. */
export class UnauthorizedError extends OpenStackError {
  override readonly name = 'UnauthorizedError';
}

/** 403 that is not about quota: the role does not allow it. */
export class ForbiddenError extends OpenStackError {
  override readonly name = 'ForbiddenError';
}

export class NotFoundError extends OpenStackError {
  override readonly name = 'NotFoundError';
}

export class ConflictError extends OpenStackError {
  override readonly name = 'ConflictError';
}

/** A quota is exhausted: Nova's 403, Neutron's 409 OverQuota, or 413. */
export class QuotaExceededError extends OpenStackError {
  override readonly name = 'QuotaExceededError';
}

/**
 * 5xx, 429, a time-out, a dropped or refused connection, an answer that is no answer. To be tried again. `fateUnknown`:
 * the request may have had its effect all the same.
 */
export class UnavailableError extends OpenStackError {
  override readonly name = 'UnavailableError';
  readonly fateUnknown: boolean;
  /** Nothing is wrong but that there were too many: the service said so (429), or it did not get its turn here. It says nothing of what was asked for. */
  readonly throttled: boolean;

  constructor(
    message: string,
    context: HttpContext,
    options: { fateUnknown: boolean; throttled?: boolean; cause?: unknown },
  ) {
    super(message, context, { cause: options.cause });
    this.fateUnknown = options.fateUnknown;
    this.throttled = options.throttled ?? false;
  }
}

const bodyShownMax = 2_000;
const messageShownMax = 500;

/** The error for an answer of 300 or above. `location`: where a redirect points. */
export function errorOf(
  answer: HttpContext & { readonly status: number; readonly parsed: unknown },
  location?: string,
): OpenStackError {
  const { parsed, ...rest } = answer;
  const context: HttpContext = { ...rest, ...(rest.body !== undefined && { body: rest.body.slice(0, bodyShownMax) }) };
  const said = (messageIn(parsed) ?? '').slice(0, messageShownMax);
  const message = `${context.method} ${context.url}: ${String(answer.status)} ${said}`.trimEnd();
  const mutating = context.method !== 'GET' && context.service !== 'identity';
  switch (answer.status) {
    case 400:
      return new BadRequestError(message, context);
    case 401:
      return new UnauthorizedError(message, context);
    case 403:
      return isQuota(answer) ? new QuotaExceededError(message, context) : new ForbiddenError(message, context);
    case 404:
      // "It is gone" must be the service's own word. A proxy that has lost its backend says 404 too, in HTML or in nothing, and a
      // Neutron that is being started, of all that nobody may see yet.
      return namesWhatIsMissing(context.service, parsed)
        ? new NotFoundError(message, context)
        : new UnavailableError(`${message}: not the service's word on what was asked for`, context, {
            fateUnknown: false,
          });
    case 409:
      return isOverQuota(parsed) ? new QuotaExceededError(message, context) : new ConflictError(message, context);
    case 413:
      return new QuotaExceededError(message, context);
    case 429:
      return new UnavailableError(message, context, { fateUnknown: false, throttled: true });
    default:
      // A 503 as well: a service that loses its database half-way answers it after the effect.
      if (answer.status >= 500) return new UnavailableError(message, context, { fateUnknown: mutating });
      return new BadRequestError(answer.status < 400 ? redirected(message, location) : message, context);
  }
}

function redirected(message: string, location: string | undefined): string {
  const where = location === undefined ? '' : ` to ${withoutUserinfo(location)}`;
  return `${message}: a redirect${where}, which is not followed because it would carry the token along; correct the endpoint`;
}

/**
 * Nova has no code for it: "Quota exceeded for …" and "Maximum number of ports exceeded" are all that tells a quota from a policy.
 * The word alone does not: "Policy doesn't allow os_compute_api:os-quota-sets:show" is a policy.
 */
function isQuota({ parsed }: { parsed: unknown }): boolean {
  return /quota exceeded|maximum number of [a-z ]+ exceeded/i.test(messageIn(parsed) ?? '');
}

function isOverQuota(parsed: unknown): boolean {
  return neutronType(parsed) === 'OverQuota';
}

/**
 * What is not found has a name of its own: `PortNotFound`, `itemNotFound`. Of a path that it does not know, and of what the caller may
 * not see, a service says 404 in other shapes.
 */
function namesWhatIsMissing(service: string, parsed: unknown): boolean {
  if (!isObject(parsed)) return false;
  const type = neutronType(parsed);
  if (typeof type === 'string') return type !== 'HTTPNotFound';
  return service === 'compute' ? 'itemNotFound' in parsed : service !== 'network';
}

function neutronType(parsed: unknown): unknown {
  const error = isObject(parsed) ? parsed['NeutronError'] : undefined;
  return isObject(error) ? error['type'] : undefined;
}

/** `{"forbidden": {"message": …}}`, `{"NeutronError": {"message": …}}`, `{"errors": [{"detail": …}]}`, `{"error": {"message": …}}`. */
export function messageIn(parsed: unknown): string | undefined {
  if (!isObject(parsed)) return undefined;
  for (const value of Object.values(parsed)) {
    if (isObject(value) && typeof value['message'] === 'string') return value['message'];
    const first: unknown = Array.isArray(value) ? value[0] : undefined;
    if (isObject(first) && typeof first['detail'] === 'string') return first['detail'];
  }
  return undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
