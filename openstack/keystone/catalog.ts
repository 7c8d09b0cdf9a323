import type { CloudConfig } from '../config';
import { CloudConfigError } from '../errors';
import type { Service } from '../call';
import type { TokenBody } from './tokens';

/** Where a service is, by the region and interface asked for. https://docs.openstack.org/api-ref/identity/v3/#service-catalog-and-endpoints */
export function endpointOf(config: CloudConfig, token: TokenBody, service: Service): string {
  return versioned(service, entryOf(config, token, service).url.replace(/\/+$/, ''));
}

/** The region of the servers; null where the catalog gives it no name. */
export function regionOf(config: CloudConfig, token: TokenBody): string | null {
  const { region_id: id, region } = entryOf(config, token, 'compute');
  return id ?? region ?? null;
}

type Entry = TokenBody['catalog'][number]['endpoints'][number];

function entryOf(config: CloudConfig, token: TokenBody, service: Service): Entry {
  const types: readonly string[] = service === 'compute' ? ['compute', 'compute_legacy'] : [service];
  const all = token.catalog.filter((each) => types.includes(each.type)).flatMap((each) => each.endpoints);
  const found = all.find(
    (each) =>
      each.interface === config.interface &&
      (config.region === null || each.region_id === config.region || each.region === config.region),
  );
  if (!found) {
    const where = `${config.interface} interface${config.region === null ? '' : `, region ${config.region}`}`;
    throw new CloudConfigError(
      `cloud ${config.name} has no ${service} service in its catalog (${where}): check region_name and interface`,
    );
  }
  return found;
}

/** Catalogs differ in whether they name the version; the paths here begin after it. */
function versioned(service: Service, url: string): string {
  if (service === 'network' && !/\/v2\.0$/.test(url)) return `${url}/v2.0`;
  if (service === 'image' && !/\/v2$/.test(url)) return `${url}/v2`;
  if (service === 'compute' && !/\/v2(\.1)?(\/|$)/.test(url)) return `${url}/v2.1`;
  return url;
}
