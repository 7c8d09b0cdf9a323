import { z } from 'zod';
import type { CallOptions, Session } from '../call';
import { segment } from '../segment';

/** https://docs.openstack.org/api-ref/compute/#compute-services-os-services */

const serviceSchema = z
  .object({
    id: z.string(),
    host: z.string(),
    zone: z.string(),
    status: z.enum(['enabled', 'disabled']),
    state: z.enum(['up', 'down']),
    forced_down: z.boolean().default(false),
    disabled_reason: z.string().nullish(),
  })
  .transform((raw) => ({
    id: raw.id,
    host: raw.host,
    zone: raw.zone,
    enabled: raw.status === 'enabled',
    up: raw.state === 'up',
    forcedDown: raw.forced_down,
    disabledReason: raw.disabled_reason ?? null,
  }));

const listSchema = z.object({ services: z.array(serviceSchema) });

export type ComputeService = z.infer<typeof serviceSchema>;

export async function listServices(session: Session, call: CallOptions = {}): Promise<ComputeService[]> {
  return (
    await session.call({
      ...call,
      service: 'compute',
      method: 'GET',
      path: '/os-services',
      query: { binary: 'nova-compute' },
      reply: listSchema,
    })
  ).services;
}

export async function disableService(
  session: Session,
  id: string,
  reason: string,
  call: CallOptions = {},
): Promise<void> {
  await update(session, id, { status: 'disabled', disabled_reason: reason }, call);
}

/**
 * Forced down and disabled in one update: the reason says who did both, and Nova does not wait for the answer of a compute that it
 * has just been told is down.
 */
export async function forceDownAndDisable(
  session: Session,
  id: string,
  reason: string,
  call: CallOptions = {},
): Promise<void> {
  await update(session, id, { status: 'disabled', disabled_reason: reason, forced_down: true }, call);
}

export async function enableService(session: Session, id: string, call: CallOptions = {}): Promise<void> {
  await update(session, id, { status: 'enabled' }, call);
}

/**
 * Says that the host is known to be dead (2.53). Only for who has fenced it. Taking it back is a BadRequestError until what was
 * evacuated from it has been cleaned up there, once it is back.
 */
export async function forceDown(session: Session, id: string, down: boolean, call: CallOptions = {}): Promise<void> {
  await update(session, id, { forced_down: down }, call);
}

async function update(session: Session, id: string, body: unknown, call: CallOptions): Promise<void> {
  await session.call({
    ...call,
    service: 'compute',
    method: 'PUT',
    path: `/os-services/${segment(id)}`,
    body,
  });
}
