import type { CloudConfig } from '../config';
import { OpenStackError, UnauthorizedError, UnavailableError } from '../errors';
import { send, type Way } from '../http';
import { deadlineAfter } from '../deadline';
import { withoutUserinfo } from '../redaction';
import type { Service, SessionOptions } from '../call';
import { authRequest, tokenSchema, type TokenBody } from './tokens';

/** A token is renewed this long before it expires, so that none expires on its way; a short-lived one at half its life. */
const renewBeforeMs = 60_000;

export interface Login {
  readonly secret: string;
  readonly body: TokenBody;
  /** Where the services are that have been called with it. */
  readonly endpoints: Map<Service, string>;
}

/**
 * A login that is good now, at once where there is one. `unusable` is one that the cloud has just refused. Callers that find it gone at the same time
 * share one renewal.
 */
export type Logins = (unusable?: Login) => Login | Promise<Login>;

export interface Keystone {
  readonly way: Way;
  readonly config: CloudConfig;
  readonly options: SessionOptions;
  readonly timeoutMs: number;
}

export function logins(keystone: Keystone): Logins {
  const now = keystone.options.now ?? Date.now;
  let known: { readonly login: Login; readonly renewAt: number } | undefined;
  let pending: Promise<Login> | undefined;

  const renew = async (): Promise<Login> => {
    try {
      const login = await authenticate(keystone);
      const { expires_at: expires, issued_at: issued } = login.body;
      // Its life is counted by our clock from now on: the cloud's may be off by more than a token lives.
      const lifeMs = Date.parse(expires) - (issued === undefined ? now() : Date.parse(issued));
      known = { login, renewAt: now() + Math.max(lifeMs - renewBeforeMs, lifeMs / 2) };
      return login;
    } finally {
      pending = undefined;
    }
  };

  return (unusable) => {
    if (known && known.login !== unusable && now() < known.renewAt) return known.login;
    pending ??= renew();
    return pending;
  };
}

async function authenticate({ way, config, timeoutMs }: Keystone): Promise<Login> {
  const { signal, dispose } = deadlineAfter(timeoutMs);
  const url = `${config.authUrl}/v3/auth/tokens`;
  let secret: string | undefined;
  try {
    const { token } = await send(way, {
      service: 'identity',
      method: 'POST',
      path: '/v3/auth/tokens',
      url,
      headers: {},
      body: authRequest(config.auth),
      reply: tokenSchema,
      signal,
      secrets: secretsOf(config),
      onHeaders: (header) => {
        secret = header('x-subject-token');
      },
    });
    if (secret === undefined) {
      const shown = withoutUserinfo(url);
      const message = `POST ${shown}: the answer has no X-Subject-Token; is this a Keystone v3?`;
      throw new UnavailableError(message, { service: 'identity', method: 'POST', url: shown }, { fateUnknown: false });
    }
    return { secret, body: token, endpoints: new Map() };
  } catch (error) {
    throw notOfTheCall(error);
  } finally {
    dispose();
  }
}

/** What the login is refused with must not pass for the answer to the call that needed it: 404 would say that a server is gone. */
function notOfTheCall(error: unknown): unknown {
  if (!(error instanceof OpenStackError) || error instanceof UnavailableError) return error;
  return error instanceof UnauthorizedError ? error : new UnauthorizedError(error.message, error.context);
}

export function secretsOf({ auth }: CloudConfig): readonly string[] {
  return [auth.kind === 'password' ? auth.password : auth.secret];
}
