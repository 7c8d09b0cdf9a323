import { hostsOf } from '../../simulator';
import { openLab, type Lab } from './lab';

/** Hosts with more than vCPUs, RAM and disk: what flavors ask for of it, who gets it, and what Placement says. */

const small = { vcpus: 4, ramMb: 2_048, diskGb: 20 };
const flavors = [
  { ...small, name: 'm1.small' },
  { ...small, name: 'gpu', extraSpecs: { 'resources:VGPU': '2' } },
  { ...small, name: 'pinned', extraSpecs: { 'hw:cpu_policy': 'dedicated', 'hw:emulator_threads_policy': 'isolate' } },
  { ...small, name: 'mixed', extraSpecs: { 'hw:cpu_policy': 'mixed', 'hw:cpu_dedicated_mask': '1-3' } },
  { ...small, name: 'unsized', extraSpecs: { 'resources:VCPU': '0', 'resources:VGPU': '1' } },
];

let lab: Lab;
beforeEach(async () => {
  const hosts = hostsOf({ mz: 2 }).map((host, at) => (at === 0 ? { ...host, others: { VGPU: 3, PCPU: 8 } } : host));
  lab = await openLab({ hosts, flavors });
});

function flavorRef(name: string): string {
  return [...lab.cloud.flavors.values()].find((each) => each.name === name)?.id ?? '';
}

test.each<[flavor: string, own: Record<string, number>, below: Record<string, number> | null]>([
  ['gpu', { VCPU: 4, MEMORY_MB: 2_048, DISK_GB: 20 }, { VGPU: 2 }],
  ['pinned', { PCPU: 5, MEMORY_MB: 2_048, DISK_GB: 20 }, null],
  ['mixed', { VCPU: 1, PCPU: 3, MEMORY_MB: 2_048, DISK_GB: 20 }, null],
  ['unsized', { MEMORY_MB: 2_048, DISK_GB: 20 }, { VGPU: 1 }],
])('a server of %s takes it from the host that has it, and from no other', async (name, own, below) => {
  const shown = await lab.launch({ flavorRef: flavorRef(name) });
  expect(shown['OS-EXT-SRV-ATTR:host']).toBe('cmp-01');
  const { body } = await lab.ask({ to: `GET /placement/allocations/${shown.id}` });
  const [mine, child] = Object.values(body['allocations'] as Record<string, { resources: object }>);
  expect([mine?.resources, child?.resources ?? null]).toEqual([own, below]);
});

test('when it is used up there is no host, and when a server has gone there is again', async () => {
  const { id } = await lab.launch({ flavorRef: flavorRef('gpu') });
  const second = await lab.launch({ flavorRef: flavorRef('gpu') });
  expect(second).toMatchObject({ status: 'ERROR', fault: { message: 'No valid host was found. ' } });
  const candidates = async (asked: string): Promise<unknown> => {
    const { body } = await lab.ask({ to: `GET /placement/allocation_candidates?resources=${asked}` });
    return Object.values(body['provider_summaries'] as Record<string, { resources: Record<string, unknown> }>).flatMap(
      ({ resources }) => resources['VGPU'] ?? [],
    );
  };
  expect([await candidates('VCPU:1'), await candidates('VGPU:2')]).toEqual([[{ capacity: 3, used: 2 }], []]);
  await lab.ask({ to: `DELETE /compute/v2.1/servers/${id}` });
  await lab.pass(30);
  expect(await candidates('VGPU:2')).toEqual([{ capacity: 3, used: 0 }]);
});
