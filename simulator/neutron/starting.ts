import { Refusal, type Response } from '../routing';

/**
 * A Neutron that has just been started answers before it has read who may do what: for a second or so nobody may. Lists are then empty,
 * what is asked for by its id is not found, as if there were no such path, and nothing can be made.
 */
export async function starting(method: string, handle: () => Response | Promise<Response>): Promise<Response> {
  if (method === 'POST') throw refusal(403, 'HTTPForbidden', 'Access was denied to this resource.');
  const response = method === 'GET' ? await handle() : undefined;
  const body = Object.entries(response?.body ?? {});
  if (!response || !body.every(([, value]) => Array.isArray(value)))
    throw refusal(404, 'HTTPNotFound', 'The resource could not be found.');
  return { ...response, body: Object.fromEntries(body.map(([key]) => [key, []])) };
}

function refusal(status: number, type: string, message: string): Refusal {
  return new Refusal(status, message, { body: { NeutronError: { type, message, detail: '' } } });
}
