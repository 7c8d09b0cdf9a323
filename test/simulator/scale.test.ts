import { hostsOf, type Cloud } from '../../simulator';
import { buildSeconds, nova, openLab } from './lab';

/** A big cloud: a thousand hosts, ten thousand servers. Only whether it holds together, not how long it takes. */

const sizes = { hosts: 1_000, servers: 10_000, atOnce: 500 };
/** Many times what a small machine needs: so that one that never ends is stopped. */
const timeoutMs = 300_000;

/** Room that is used on all hosts, and what all servers' flavors come to. */
function sums(cloud: Cloud): { readonly used: readonly number[]; readonly flavors: readonly number[] } {
  const used = [0, 0, 0];
  const flavors = [0, 0, 0];
  const add = (to: number[], { vcpus, ramMb, diskGb }: { vcpus: number; ramMb: number; diskGb: number }): void => {
    [vcpus, ramMb, diskGb].forEach((amount, index) => (to[index] = (to[index] ?? 0) + amount));
  };
  for (const host of cloud.hosts.values()) add(used, host.used);
  for (const server of cloud.servers.values()) {
    const flavor = cloud.flavors.get(server.flavorId);
    if (flavor && server.status === 'ACTIVE') add(flavors, flavor);
  }
  return { used, flavors };
}

function overfull(cloud: Cloud): string[] {
  return [...cloud.hosts.values()]
    .filter(({ used, vcpus, ramMb, diskGb }) => used.vcpus > vcpus || used.ramMb > ramMb || used.diskGb > diskGb)
    .map(({ name }) => name);
}

test(
  'a thousand hosts carry ten thousand servers, and are empty when all are deleted',
  async () => {
    const lab = await openLab({
      hosts: hostsOf({ mz: sizes.hosts }),
      quotas: { instances: -1, cores: -1, ram: -1, ports: -1 },
    });
    const { cloud } = lab;
    const mgmt = [{ uuid: lab.network('mgmt') }];
    for (let made = 0; made < sizes.servers; made += sizes.atOnce) {
      const answers = await lab.askAll(
        Array.from({ length: sizes.atOnce }, (_, index) => {
          const number = made + index;
          const flavorRef = number % 4 === 0 ? '3' : '1';
          const body = lab.newServer({ name: `s-${String(number)}`, flavorRef, networks: mgmt });
          return { to: `POST ${nova}/servers`, body };
        }),
      );
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
      await lab.pass(buildSeconds);
    }
    const states = new Set([...cloud.servers.values()].map(({ status }) => status));
    expect([cloud.servers.size, states]).toEqual([sizes.servers, new Set(['ACTIVE'])]);
    expect(new Set([...cloud.ports.values()].map(({ address }) => address)).size).toBe(sizes.servers);
    const { used, flavors } = sums(cloud);
    expect(used).toEqual(flavors);
    expect(overfull(cloud)).toEqual([]);
    for (const server of cloud.servers.values())
      expect(server.host !== null && cloud.hosts.get(server.host)?.holds.has(server.id)).toBe(true);

    // Every one is listed once, in pages as large as Nova gives.
    const seen = new Set<string>();
    for (let marker = ''; seen.size < sizes.servers;) {
      const { body } = await lab.ask({ to: `GET ${nova}/servers${marker}` });
      const page = body['servers'] as { readonly id: string }[];
      expect(page.length).toBe(1_000);
      for (const { id } of page) seen.add(id);
      marker = `?marker=${page.at(-1)?.id ?? ''}`;
    }

    const ids = [...cloud.servers.keys()];
    await lab.askAll(ids.map((id) => ({ to: `DELETE ${nova}/servers/${id}` })));
    await lab.pass(2);
    expect([cloud.servers.size, cloud.ports.size, cloud.addresses.size, cloud.claims.size]).toEqual([0, 0, 0, 0]);
    expect(sums(cloud).used).toEqual([0, 0, 0]);
    const [project] = cloud.projects.values();
    const nothing = { instances: 0, cores: 0, ram: 0 };
    expect(project?.usage).toEqual({ all: nothing, placed: nothing });
  },
  timeoutMs,
);

test('a cloud that is full to the last vCPU refuses by ERROR, and never holds more than there is', async () => {
  const lab = await openLab({ hosts: hostsOf({ mz: 20 }), quotas: { instances: -1, cores: -1, ram: -1 } });
  const body = lab.newServer();
  await lab.askAll(Array.from({ length: 20 * 16 + 30 }, () => ({ to: `POST ${nova}/servers`, body })));
  await lab.pass(buildSeconds * 4);
  const ended = [...lab.cloud.servers.values()].map(({ status }) => status);
  expect(ended.filter((status) => status === 'ACTIVE')).toHaveLength(20 * 16);
  expect(ended.filter((status) => status === 'ERROR')).toHaveLength(30);
  expect(overfull(lab.cloud)).toEqual([]);
  const { used, flavors } = sums(lab.cloud);
  expect(used).toEqual(flavors);
});
