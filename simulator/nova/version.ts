import { Refusal, type Request } from '../routing';

export const newest = 104;

/** Of each request that is answered: whoever shows a server asks. */
const known = new WeakMap<Request['headers'], number>();

/** The minor of the microversion asked for (2.x), from either header; 1 where none is. */
export function microversion({ headers }: Pick<Request, 'headers'>): number {
  const minor = known.get(headers) ?? minorIn(headers);
  known.set(headers, minor);
  return minor;
}

function minorIn(headers: Request['headers']): number {
  const asked =
    /(?:^|,)\s*compute ([^,\s]+)/.exec(headers['openstack-api-version'] ?? '')?.[1] ??
    headers['x-openstack-nova-api-version'];
  if (asked === undefined) return 1;
  if (asked === 'latest') return newest;
  const match = /^(\d+)\.(\d+)$/.exec(asked);
  if (!match)
    throw new Refusal(400, `API Version String ${asked} is of invalid format. Must be of format MajorNum.MinorNum.`);
  const minor = Number(match[2]);
  if (match[1] !== '2' || minor < 1 || minor > newest)
    throw new Refusal(
      406,
      `Version ${asked} is not supported by the API. Minimum is 2.1 and maximum is 2.${String(newest)}.`,
    );
  return minor;
}

/** Every answer says by which microversion it was made. */
export function versionHeaders(headers: Request['headers']): Readonly<Record<string, string>> {
  const version = `2.${String(microversion({ headers }))}`;
  return {
    'OpenStack-API-Version': `compute ${version}`,
    'X-OpenStack-Nova-API-Version': version,
    Vary: 'OpenStack-API-Version, X-OpenStack-Nova-API-Version',
  };
}
