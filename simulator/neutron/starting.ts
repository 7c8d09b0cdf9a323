import { Refusal, type Response } from '../routing';

/**
 * A Neutron that has just been started answers before it has read who may do what: for a second or so nobody may. Lists are then empty,
 * what is asked for by its id is not found, as if there were no such path, and nothing can be made.
 */
export async function starting(method: string, handle: () => Response | Promise<Response>): Promise<Response> {
  const denied = { type: 'PolicyNotAuthorized', message: 'It is disallowed by policy', detail: '' };
  const hidden = { type: 'HTTPNotFound', message: 'The resource could not be found.', detail: '' };
  if (method === 'POST') throw new Refusal(403, denied.message, { body: { NeutronError: denied } });
  if (method !== 'GET') throw new Refusal(404, hidden.message, { body: { NeutronError: hidden } });
  const response = await handle();
  const body = Object.entries(response.body ?? {});
  // Not in the shape of its other errors.
  if (!body.every(([, value]) => Array.isArray(value))) throw new Refusal(404, hidden.message, { body: hidden });
  return { ...response, body: Object.fromEntries(body.map(([key]) => [key, []])) };
}
