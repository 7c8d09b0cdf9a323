import { ApplicationFailure } from '@temporalio/common';
import type { Failure } from '../domain/failure';
import {
  ForbiddenError,
  OpenStackError,
  QuotaExceededError,
  UnauthorizedError,
  UnavailableError,
  CloudConfigError,
} from '../openstack';
import { AttemptOver } from './turn';

/** A failure of a known kind, as Temporal carries it. Only what a repeat may mend is retryable. */
export function toFailure({ kind, message, details }: Failure): ApplicationFailure {
  return ApplicationFailure.create({
    type: kind,
    message,
    nonRetryable: kind !== 'CloudUnavailable',
    details: [details],
  });
}

/** Whatever the OpenStack client threw, for Temporal. What it does not know is a bug, and goes on as it is. */
export function mapped(error: unknown): unknown {
  if (error instanceof CloudConfigError || error instanceof AttemptOver) return cloudUnavailable(error.message, {});
  if (!(error instanceof OpenStackError)) return error;
  const { service, method, url, status, body, requestId, retryAfterSeconds } = error.context;
  const details = { service, method, url, status: status ?? null, body: body ?? null, requestId: requestId ?? null };
  if (error instanceof UnavailableError) return cloudUnavailable(error.message, details, retryAfterSeconds);
  // A password that was changed is mended without the run: it is tried again, within the run's bounds.
  if (error instanceof UnauthorizedError)
    return cloudUnavailable(`${error.message} The worker's credentials are not accepted.`, details);
  // A Neutron that is being started refuses everybody everything, for a second or two.
  if (error instanceof ForbiddenError && service === 'network') return cloudUnavailable(error.message, details);
  if (error instanceof QuotaExceededError) return toFailure({ kind: 'QuotaExceeded', message: error.message, details });
  return ApplicationFailure.create({
    type: 'UnexpectedAnswer',
    message: error.message,
    nonRetryable: true,
    details: [details],
  });
}

/**
 * A service may ask for any time. An undo that waited longer than it has would be given up without a second try, and a wait has
 * no end of its own; asking once a minute harms no service.
 */
const retryAfterMostSeconds = 60;

export function cloudUnavailable(
  message: string,
  details: Readonly<Record<string, unknown>>,
  retryAfterSeconds?: number,
): ApplicationFailure {
  return ApplicationFailure.create({
    type: 'CloudUnavailable',
    message,
    nonRetryable: false,
    details: [details],
    ...(retryAfterSeconds !== undefined && {
      nextRetryDelay: Math.min(retryAfterSeconds, retryAfterMostSeconds) * 1_000,
    }),
  });
}

/** Runs an activity's body with its errors mapped. */
export async function guarded<T>(body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    throw mapped(error);
  }
}
