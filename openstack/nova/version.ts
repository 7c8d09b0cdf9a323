import { z } from 'zod';

/**
 * Which of Nova's microversions to speak. https://docs.openstack.org/nova/latest/reference/api-microversion-history.html
 *
 * 2.90 (Xena) at most: up to 2.94 an evacuated server comes back running, later ones leave it off. 2.74 (Train) at least: a host
 * asked for by name; 2.64 has the number per host of a server group, 2.53 services by UUID, 2.52 tags in a create.
 */
export const preferredMinor = 90;
const neededMinor = 74;

const document = z.object({ version: z.object({ version: z.string(), min_version: z.string() }) });

/** The minor to speak by the service's version document, or what is wrong with it. A document of another shape says nothing. */
export function microversionFrom(parsed: unknown): { readonly minor: number } | { readonly tooOld: string } {
  const read = document.safeParse(parsed);
  const newest = read.success ? /^2\.(\d+)$/.exec(read.data.version.version)?.[1] : undefined;
  if (newest === undefined) return { minor: preferredMinor };
  const minor = Math.min(Number(newest), preferredMinor);
  if (minor >= neededMinor) return { minor };
  return { tooOld: `its Nova speaks 2.1 to 2.${newest}, and 2.${String(neededMinor)} (Train) is needed` };
}

/** Catalogs of old name the project below the version. */
export function versionDocument(endpoint: string): string {
  return `${endpoint.replace(/(\/v2(?:\.1)?)\/.*$/, '$1')}/`;
}

export function versionHeaders(minor: number): Readonly<Record<string, string>> {
  // The second is what everything before 2.27 reads, and harmless after.
  return {
    'OpenStack-API-Version': `compute 2.${String(minor)}`,
    'X-OpenStack-Nova-API-Version': `2.${String(minor)}`,
  };
}
