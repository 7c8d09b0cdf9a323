import { ApplicationFailure } from '@temporalio/common';
import { mapped } from '../../activities/errors';
import {
  BadRequestError,
  ForbiddenError,
  QuotaExceededError,
  UnauthorizedError,
  UnavailableError,
  type HttpContext,
} from '../../openstack';
import { launchInput, openLab, rowsOf, type Lab } from './lab';

const context: HttpContext = {
  service: 'compute',
  method: 'POST',
  url: 'http://127.0.0.1/servers',
  status: 503,
  body: 'busy',
  requestId: 'req-1',
};

describe('what the cloud answered, as a failure', () => {
  test('unavailable is retryable, when the cloud says so', () => {
    expect(
      mapped(new UnavailableError('busy', { ...context, retryAfterSeconds: 7 }, { fateUnknown: false })),
    ).toMatchObject({
      type: 'CloudUnavailable',
      nonRetryable: false,
      nextRetryDelay: 7_000,
    });
    expect(mapped(new UnavailableError('busy', context, { fateUnknown: true }))).not.toHaveProperty(
      'nextRetryDelay',
      expect.anything(),
    );
  });

  test('a quota is not', () => {
    expect(mapped(new QuotaExceededError('cores', { ...context, status: 403 }))).toMatchObject({
      type: 'QuotaExceeded',
      nonRetryable: true,
    });
  });

  test('a cloud that asks for an hour is asked again after a minute: an undo has not more than ten', () => {
    expect(
      mapped(new UnavailableError('busy', { ...context, retryAfterSeconds: 3_600 }, { fateUnknown: false })),
    ).toMatchObject({ nonRetryable: false, nextRetryDelay: 60_000 });
  });

  test('credentials that are not accepted are: somebody may mend them', () => {
    expect(mapped(new UnauthorizedError('no', { ...context, status: 401 }))).toMatchObject({
      type: 'CloudUnavailable',
      nonRetryable: false,
    });
  });

  test('a Neutron that forbids may be one that is being started: it is asked again', () => {
    expect(mapped(new ForbiddenError('no', { ...context, service: 'network', status: 403 }))).toMatchObject({
      type: 'CloudUnavailable',
      nonRetryable: false,
    });
  });

  test.each([
    new BadRequestError('no', { ...context, status: 400 }),
    new ForbiddenError('no', { ...context, status: 403 }),
  ])('what is not expected is not tried again, and keeps what an operator looks for', (error) => {
    const failure = mapped(error);
    expect(failure).toBeInstanceOf(ApplicationFailure);
    expect(failure).toMatchObject({
      nonRetryable: true,
      details: [{ method: 'POST', url: context.url, status: error.context.status, body: 'busy', requestId: 'req-1' }],
    });
  });

  test('a bug stays a bug', () => {
    const bug = new TypeError('undefined is not a function');
    expect(mapped(bug)).toBe(bug);
  });
});

describe('secrets', () => {
  let lab: Lab;
  beforeEach(async () => {
    lab = await openLab();
  });
  afterEach(() => lab.close());

  /** Everything that Temporal would store of it. */
  function stored(error: unknown): string {
    const { message, details, stack, cause } = error as ApplicationFailure;
    return JSON.stringify([
      message,
      details,
      stack,
      cause instanceof Error ? [cause.message, cause.stack, Object.entries(cause)] : cause,
    ]);
  }

  test('neither the credential nor the token is in the failure of a login or of a call', async () => {
    lab.addFault({ kind: 'status', status: 500, match: { path: '/auth/tokens' } });
    const login: unknown = await lab
      .run('launch', launchInput(lab, rowsOf('web', [1])))
      .catch((error: unknown) => error);
    expect(login).toMatchObject({ type: 'CloudUnavailable' });
    lab.addFault({ kind: 'drop', match: { method: 'POST', path: '/ports$' } });
    const call: unknown = await lab
      .run('launch', launchInput(lab, rowsOf('web', [1])))
      .catch((error: unknown) => error);
    expect(call).toMatchObject({ type: 'CloudUnavailable' });
    const secrets = ['embedded-credential-secret', ...lab.cloud.tokens.keys()];
    expect(secrets.length).toBeGreaterThan(1);
    for (const secret of secrets) expect(stored(login) + stored(call)).not.toContain(secret);
  });

  test('a token that has expired is renewed without anybody noticing', async () => {
    await lab.run('launch', launchInput(lab, rowsOf('web', [1])));
    for (const token of lab.cloud.tokens.values()) token.expiresAt = 0;
    await expect(lab.run('launch', launchInput(lab, rowsOf('web', [2])))).resolves.toMatchObject([{ ok: true }]);
  });
});
