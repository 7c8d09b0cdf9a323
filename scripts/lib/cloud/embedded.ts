import type { CloudUnderTest } from './cloud';
import type { Observer } from '../observer';

/** The embedded OpenStack as a cloud under test: fate has a call for each of its blows, and all is gone when it stops. */
export function embeddedCloud(given: {
  readonly observer: Observer;
  readonly cloudUrl: string;
  readonly cloudsYaml: string;
  readonly stop: () => Promise<void>;
}): CloudUnderTest {
  const { observer, cloudUrl, cloudsYaml, stop } = given;
  return {
    title: 'the embedded OpenStack (12 hosts in mz, 4 in dmz)',
    workerEnv: { OS_CLIENT_CONFIG_FILE: cloudsYaml, OS_CLOUD: 'embedded', BULKHEAD_PUBLICATION_URL: cloudUrl },
    feed: observer,
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
        await observer.setQuota({ resource: 'instances', limit: servers.size + 1 });
        try {
          return await body();
        } finally {
          await observer.setQuota({ resource: 'instances', limit: 1_000 });
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
