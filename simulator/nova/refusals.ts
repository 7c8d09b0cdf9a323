import { Refusal, type Request, type Route } from '../routing';

/** In Nova's words. */
export function forbidden(rule: string): Refusal {
  return new Refusal(403, `Policy doesn't allow ${rule} to be performed.`);
}

export function unexpected(where: string, property: string): Refusal {
  return new Refusal(
    400,
    `Invalid input for ${where}. Value: ${property}. Additional properties are not allowed ('${property}' was unexpected)`,
  );
}

export function required(property: string): Refusal {
  return new Refusal(400, `Invalid input for field/attribute server. '${property}' is a required property`);
}

/** For the operator's role only. */
export function forOperators(rule: string, handle: Route['handle']): Route['handle'] {
  return (request) => {
    if (!request.admin) throw forbidden(`os_compute_api:${rule}`);
    return handle(request);
  };
}

const types: readonly string[] = ['', 'text/plain', 'application/json', 'application/vnd.openstack.compute+json'];

/** What a body is said to be counts, even where there is none. */
export function refuseOtherTypes(headers: Request['headers']): void {
  const [type = ''] = (headers['content-type'] ?? '').split(';');
  if (!types.includes(type.trim().toLowerCase())) throw new Refusal(415, 'Unsupported Content-Type');
}
