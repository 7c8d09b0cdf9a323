import type { Guarantee } from '../../../../checker';
import { readTags } from '../../../../domain/names';
import type { As } from '../../../../activities';
import { readDescriptor } from '../../descriptors';
import { parseDescriptor } from '../../../../domain/descriptor/parse';
import { nova } from '../../../../openstack';
import type { CloudUnderTest } from '../cloud';
import { realFate } from './fate';
import { tenantFate } from './tenantFate';
import { removeAll } from './inventory';
import type { Levers } from './levers';
import { startPublisher } from './publisher';
import { rightsOn, type Rights } from './rights';
import { missingIn } from './setup';
import { watch, type Watching } from './watching';

/** A cloud of clouds.yaml as a cloud under test. */
export interface ExternalOptions {
  /** Entry of clouds.yaml. */
  readonly cloud: string;
  readonly levers: Levers;
  /** Null: what the cloud lets us be. */
  readonly as: As | null;
  readonly vnf: string;
  /** By name: what it needs must be there. */
  readonly descriptor: string;
}

/** What the cloud lacks: all of it. */
export class NotPreparedError extends Error {
  override readonly name = 'NotPreparedError';
}

export async function openExternalCloud(options: ExternalOptions): Promise<CloudUnderTest> {
  const { cloud, levers, vnf } = options;
  const rights = await rightsOn(cloud, options);
  const { as, own, operator } = rights;
  const parsed = parseDescriptor(readDescriptor(options.descriptor));
  if (!parsed.ok) throw new NotPreparedError(`descriptor ${options.descriptor} is not valid`);
  const missing = await missingIn(rights, { descriptor: parsed.descriptor, vnf });
  if (missing.length > 0) throw new NotPreparedError(missing.join('\n'));
  const watching = await watch({ rights, notifications: levers.notifications, vnf });
  const publisher = await startPublisher(watching);
  const { fate, settled, putBack } = operator
    ? await realFate({ own, operator, levers, watching })
    : tenantFate({ own, watching });
  const unusable = await unusableHosts(rights);
  return {
    title: `cloud ${cloud}, ${told(watching)}${unusable.length > 0 ? `, without ${unusable.join(', ')}` : ''}`,
    as,
    workerEnv: { ...levers.env, OS_CLOUD: cloud, BULKHEAD_AS: as, BULKHEAD_PUBLICATION_URL: publisher.url },
    settled,
    feed: watching,
    fate,
    hostNamed: (seen) => Promise.resolve(as === 'tenant' ? watching.hosts.ofHostId(seen) : seen),
    hostsAs: shownBy(rights),
    sampled: sampledOf(watching),
    leaves: operator
      ? 'Quotas and hosts are as they were, and nothing of it is left in Nova, Neutron and Placement.'
      : 'Nothing of it is left in Nova and Neutron.',
    putBack: async (of) => {
      const servers = watching.journal
        .events()
        .flatMap((event) => (event.type === 'server.created' && readTags(event.tags).vnf === of ? [event.id] : []));
      // Hosts first: what is on a dead one is let go by Placement when it is back.
      const problems = await putBack();
      return [...problems, ...(await removeAll(rights, { vnf: of, servers }))];
    },
    stop: async () => {
      await publisher.stop();
      await watching.stop();
    },
  };
}

/** What is missing from the first explains what does not fit later. */
async function unusableHosts({ operator }: Rights): Promise<string[]> {
  if (!operator) return [];
  const services = await nova.listServices(operator);
  return services
    .filter(({ up, enabled }) => !up || !enabled)
    .map(({ host, up }) => `${host} (${up ? 'disabled' : 'down'})`);
}

function shownBy({ operatorCloud }: Rights): string {
  return operatorCloud === null ? 'the tenant sees them, by their hostId' : `cloud ${operatorCloud} shows them`;
}

/**
 * Where nothing is told, what begins and ends between two looks is not seen. What is judged by the record's word and a look at the
 * same moment (G4), or by how runs end (G6, G8), is as certain as ever.
 */
function sampledOf({ toldBy }: Watching): Guarantee[] {
  if (!toldBy.nova) return ['G1', 'G2', 'G3', 'G5', 'G7'];
  return toldBy.neutron ? [] : ['G5', 'G7'];
}

function told({ toldBy }: Watching): string {
  if (toldBy.nova && toldBy.neutron) return 'which tells all that it does (notifications of Nova and Neutron)';
  if (toldBy.nova) return 'which tells what its servers do (notifications of Nova)';
  return 'which is looked at twice a second (it writes no notifications that are to be read here)';
}
