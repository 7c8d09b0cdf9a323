import { Context } from '@temporalio/activity';
import { ApplicationFailure, ensureApplicationFailure, TemporalFailure } from '@temporalio/common';
import { z } from 'zod';
import { cloudUnavailable, mapped } from './errors';
import { AttemptOver } from './turn';

/**
 * What an attempt of a mutating activity hands to the next one, as details of a heartbeat; none of them has a heartbeat time-out. Above all why
 * it failed: the last attempt may begin when it is too late for any call, and what it knows of itself then says nothing of the cloud.
 */

/** No pool has such a name, so that it stands beside ordinals by pool, which is all that earlier releases hand on. */
const failureKey = 'last failure';

const lastFailureSchema = z.object({
  attempt: z.number(),
  type: z.string(),
  message: z.string(),
  details: z.record(z.string(), z.unknown()),
});
type LastFailure = z.infer<typeof lastFailureSchema>;

/** What the attempts that are under way have handed on. */
const handedOn = new WeakMap<Context, Readonly<Record<string, number>>>();

/** Ordinals by pool that an earlier attempt has handed on, or this one. */
export function ordinalsSeen(): Record<string, number> {
  const context = Context.current();
  const earlier = Object.entries((context.info.heartbeatDetails ?? {}) as Record<string, unknown>);
  const ordinals = earlier.filter((entry): entry is [string, number] => typeof entry[1] === 'number');
  return { ...(handedOn.get(context) ?? Object.fromEntries(ordinals)) };
}

export function handOnOrdinals(ordinals: Readonly<Record<string, number>>): void {
  const context = Context.current();
  handedOn.set(context, { ...ordinals });
  const failure = lastFailure();
  context.heartbeat({ ...ordinals, ...(failure && { [failureKey]: failure }) });
}

/** Runs an attempt, with its errors mapped. One that is out of time for good fails with what the ones before it have failed with. */
export async function handingOn<T>(body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    if (error instanceof AttemptOver) throw ofEarlier(error);
    const failure = mapped(error);
    handOnFailure(failure);
    throw failure;
  }
}

function handOnFailure(error: unknown): void {
  // A cancel, or a worker that ends, says nothing of the cloud.
  if (error instanceof TemporalFailure && !(error instanceof ApplicationFailure)) return;
  const { type, message, details, nonRetryable } = ensureApplicationFailure(error);
  if (nonRetryable === true) return;
  const context = Context.current();
  const failure: LastFailure = {
    attempt: context.info.attempt,
    type: type ?? 'Error',
    message,
    details: (details?.[0] ?? {}) as Record<string, unknown>,
  };
  context.heartbeat({ ...ordinalsSeen(), [failureKey]: failure });
}

function lastFailure(): LastFailure | undefined {
  const details = Context.current().info.heartbeatDetails as Record<string, unknown> | undefined;
  return lastFailureSchema.safeParse(details?.[failureKey]).data;
}

function ofEarlier({ isLast, message }: AttemptOver): ApplicationFailure {
  const earlier = isLast ? lastFailure() : undefined;
  if (!earlier) return cloudUnavailable(message, {});
  const since = Context.current().info.attempt - 1 - earlier.attempt;
  const note = since > 0 ? ` (Attempt ${String(earlier.attempt)}; ${String(since)} since then ran out of time.)` : '';
  return ApplicationFailure.create({
    type: earlier.type,
    message: `${earlier.message}${note}`,
    nonRetryable: false,
    details: [earlier.details],
  });
}
