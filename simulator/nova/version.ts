import { Refusal, type Request } from '../routing';

export const newest = 104;

/** The minor of the microversion asked for (2.x), from either header; 1 where none is. */
export function microversion({ headers }: Request): number {
  const asked = headers['openstack-api-version']?.replace(/^compute /, '') ?? headers['x-openstack-nova-api-version'];
  if (asked === undefined) return 1;
  if (asked === 'latest') return newest;
  const match = /^2\.(\d+)$/.exec(asked);
  if (!match)
    throw new Refusal(400, `API Version String '${asked}' is of invalid format. It must be of format 'major.minor'.`);
  const minor = Number(match[1]);
  if (minor > newest)
    throw new Refusal(
      406,
      `Version 2.${String(minor)} is not supported by the API. Minimum is 2.1 and maximum is 2.${String(newest)}.`,
    );
  return minor;
}
