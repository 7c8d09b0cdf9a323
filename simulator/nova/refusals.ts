import { Refusal, type Route } from '../routing';

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
