import type { As } from '../../../activities';
import type { CloudUnderTest } from './cloud';
import { hostIdOf } from './external/hosts';
import type { Observer } from '../observer';

/** Entries of its clouds.yaml, and the project of each. */
const logins = {
  operator: { cloud: 'embedded', project: 'bulkhead' },
  tenant: { cloud: 'embedded-tenant', project: 'tenant' },
} as const;

/** The embedded OpenStack as a cloud under test: fate has a call for each of its blows, and all is gone when it stops. */
export function embeddedCloud(given: {
  readonly observer: Observer;
  readonly as: As;
  readonly cloudUrl: string;
  readonly cloudsYaml: string;
  readonly stop: () => Promise<void>;
}): CloudUnderTest {
  const { observer, as, cloudUrl, cloudsYaml, stop } = given;
  const { cloud, project } = logins[as];
  return {
    title: 'the embedded OpenStack (12 hosts in mz, 4 in dmz)',
    as,
    workerEnv: { OS_CLIENT_CONFIG_FILE: cloudsYaml, OS_CLOUD: cloud, BULKHEAD_PUBLICATION_URL: cloudUrl },
    feed: observer,
    hostNamed: async (seen) => {
      const log = await observer.log();
      const projects = new Set(log.flatMap((event) => (event.type === 'server.created' ? [event.project] : [])));
      const hosts = log.flatMap((event) => (event.type === 'host' ? [event.host] : []));
      return hosts.find((host) => [...projects].some((id) => hostIdOf(id, host) === seen)) ?? seen;
    },
    hostsAs: "the cloud's own log has them",
    settled: () => Promise.resolve(),
    sampled: [],
    leaves: '',
    putBack: () => Promise.resolve([]),
    stop,
    fate: {
      killServer: async (id) => {
        await observer.setServer(id, { state: 'ERROR' });
        return '';
      },
      killHost: async (host) => {
        await observer.setHost(host, { alive: false });
        return '';
      },
      willClose: () => Promise.resolve(),
      withQuotaForOneMore: async (body) => {
        const servers = new Set<string>();
        for (const event of await observer.log()) {
          if (event.type === 'server.created') servers.add(event.id);
          if (event.type === 'server.deleted') servers.delete(event.id);
        }
        await observer.setQuota({ project, resource: 'instances', limit: servers.size + 1 });
        try {
          return await body();
        } finally {
          await observer.setQuota({ project, resource: 'instances', limit: 1_000 });
        }
      },
      withEveryTrySpoilt: async ({ vnf, pool }, body) => {
        await observer.addFault({ kind: 'misplace', match: { namePrefix: `${vnf}-${pool}-` }, times: 1_000 });
        try {
          return await body();
        } finally {
          await observer.clearFaults();
        }
      },
      spoiling: 'The cloud misplaces every try',
    },
  };
}
