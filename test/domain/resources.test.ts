import { fc } from '../property';
import type { Pool } from '../../domain/descriptor/descriptor';
import { capacityOf } from '../../domain/explain/capacity';
import { choicesOf } from '../../domain/explain/choices';
import { remediesOf, withRemedies } from '../../domain/explain/remedies';
import { remedySaid } from '../../domain/explain/remedy';
import { plan, type PlanInput } from '../../domain/placement';
import { pack } from '../../domain/placement/packing';
import type { Plan } from '../../domain/plan';
import { less, plus, shortOf, slots, times } from '../../domain/resources';
import type { FlavorSeen, Host, Resources } from '../../domain/snapshot';
import { countsOf } from './oracle';
import { hostNamed, hostsNamed, inputOf, on, poolNamed, recordOf, roomFor, snapshotOf } from './build';

/** Resource classes besides vCPUs, RAM and disk are room like these. */

function room(members: number, others: Record<string, number>): Resources {
  return { ...roomFor(members), others };
}

/** One unit of everything, and what it asks for besides. */
function flavorNamed(name: string, others?: Record<string, number>): FlavorSeen {
  return { ...roomFor(1), id: name, name, ...(others && { others }) };
}

const gpu = flavorNamed('gpu', { VGPU: 1 });
const flavors = { unit: flavorNamed('unit'), gpu, two: flavorNamed('two', { VGPU: 2 }) };

describe('of a host', () => {
  test.each<[fit: number, free: Resources, flavor: Resources]>([
    [3, room(5, { VGPU: 3 }), gpu],
    [2, room(2, { VGPU: 3 }), gpu],
    [1, room(5, { VGPU: 3 }), flavors.two],
    [0, room(5, { VGPU: 0 }), gpu],
    [0, roomFor(5), gpu],
    [0, room(5, { VGPU: -1 }), gpu],
    [0, room(5, { VGPU: 3 }), flavorNamed('both', { VGPU: 1, CUSTOM_FPGA: 1 })],
    [2, room(5, { VGPU: 3, CUSTOM_FPGA: 2 }), flavorNamed('both', { VGPU: 1, CUSTOM_FPGA: 1 })],
    [5, room(5, { VGPU: 0 }), flavors.unit],
    // CPUs of its own, and none that others share.
    [4, { ...room(9, { PCPU: 8 }), vcpus: 0 }, { ...flavorNamed('pinned', { PCPU: 2 }), vcpus: 0 }],
  ])('%i fit into %j', (fit, free, flavor) => {
    expect(slots(free, flavor)).toBe(fit);
  });

  test('what is short is named, vCPUs first', () => {
    expect(shortOf(room(0, { VGPU: 0 }), gpu)).toBe('NoRoomVcpus');
    expect(shortOf({ ...room(1, { VGPU: 0 }), ramMb: 0 }, gpu)).toBe('NoRoomRam');
    expect(shortOf({ ...room(1, { VGPU: 0 }), diskGb: 0 }, gpu)).toBe('NoRoomDisk');
    expect(shortOf(room(1, { VGPU: 0 }), gpu)).toBe('NoRoomOther');
  });

  const amount = fc.integer({ min: 0, max: 9 });
  const anyResources = fc
    .tuple(amount, amount, amount, fc.option(fc.tuple(amount, amount)))
    .map(([vcpus, ramMb, diskGb, others]): Resources => {
      return { vcpus, ramMb, diskGb, ...(others && { others: { VGPU: others[0], PCPU: others[1] } }) };
    });
  const amounts = ({ vcpus, ramMb, diskGb, others = {} }: Resources): number[] => [
    ...[vcpus, ramMb, diskGb, others['VGPU'] ?? 0, others['PCPU'] ?? 0],
  ];

  test('what is taken and given back is there again, and as many fit as can be taken one by one', () => {
    fc.assert(
      fc.property(anyResources, anyResources, (free, flavor) => {
        expect(amounts(plus(less(free, flavor), flavor))).toEqual(amounts(free));
        expect(amounts(less(free, flavor, 3))).toEqual(amounts(less(free, times(flavor, 3))));
        if (amounts(flavor).every((each) => each === 0)) return;
        let left = free;
        let taken = 0;
        for (; amounts(less(left, flavor)).every((each) => each >= 0); taken++) left = less(left, flavor);
        expect(slots(free, flavor)).toBe(taken);
      }),
    );
  });
});

const spare = { count: 3 };

/** `web` of GPUs on hosts that have so many, with vCPUs for all. */
function scaleOut(hosts: readonly Host[], to: number, serving = 'h1'): PlanInput {
  return inputOf({
    pool: { flavor: 'gpu', spare },
    members: on('web', serving),
    hosts,
    snapshot: { flavors },
    request: { kind: 'scaleOut', pool: 'web', to },
  });
}

function planned(input: PlanInput): Plan {
  const made = plan(input);
  if (!made.ok) throw new Error(made.refusal.message);
  return made.plan;
}

function hostsOf({ batches }: Plan, pool: string): Record<string, number> {
  const rows = batches.flatMap((batch) => (batch.pool === pool ? batch.rows : []));
  return Object.fromEntries([...countsOf(rows.map(({ host }) => host))].sort());
}

describe('of a pool', () => {
  const withGpus = (...many: number[]): Host[] =>
    many.map((each, at) => hostNamed(`h${String(at + 1)}`, { free: room(9, { VGPU: each }) }));

  test('no more members come to a host than it has for them', () => {
    expect(hostsOf(planned(scaleOut(withGpus(0, 1, 2, 9), 6)), 'web')).toEqual({ h2: 1, h3: 2, h4: 2 });
  });

  test('the roomiest host is the one with most of it', () => {
    expect(hostsOf(planned(scaleOut(withGpus(0, 1, 5, 2), 2)), 'web')).toEqual({ h3: 1 });
  });

  test('a refusal says of what there is too little, and what it takes', () => {
    const input = scaleOut(withGpus(0, 1, 0), 4);
    const made = plan(input);
    if (made.ok) throw new Error('there is no room');
    const refusal = withRemedies(input, made.refusal);
    expect(refusal).toMatchObject({
      kind: 'Impossible',
      details: {
        hosts: { h1: 'NoRoomOther', h2: 'NoRoomOther', h3: 'NoRoomOther' },
        constraint:
          'spare 3 at level 4 allows 3 on a host; 3 hosts of mz may be used and 2 members find no place; hosts have too little VGPU',
        nearestLevels: { below: 2 },
      },
    });
    expect(refusal.message).toContain(
      '1 more host in mz (each with 3 vCPUs, 3 MB, 3 GB and 3 VGPU free); level 2 of web',
    );
  });

  test('a remedy names a class only where the pool asks for it', () => {
    const input = { ...scaleOut(hostsNamed(1, { free: roomFor(0) }), 2) };
    const plain = inputOf({ members: on('web', 'h1'), hosts: [], request: { kind: 'scaleOut', pool: 'web', to: 2 } });
    expect(remediesOf(input).map(remedySaid)).toEqual([
      '1 more host in mz (each with 3 vCPUs, 3 MB, 3 GB and 3 VGPU free)',
    ]);
    expect(remediesOf(plain).map(remedySaid)).toEqual(['1 more host in mz (each with 1 vCPUs, 1 MB and 1 GB free)']);
  });

  test('what binds is said of a plan too', () => {
    const input = scaleOut(withGpus(0, 1, 0, 0), 2);
    expect(choicesOf(input, planned(input), 100)).toMatchObject([
      {
        counts: { NoRoomOther: 3 },
        binds: 'room',
        constraint: expect.stringMatching(/room on the hosts, of VGPU, binds$/) as string,
      },
    ]);
  });

  test('capacity counts it, and says why hosts take no more', () => {
    const { record, snapshot } = scaleOut(withGpus(0, 1, 2), 2);
    const [pool] = capacityOf(record, snapshot).pools;
    expect(pool).toMatchObject({
      feasible: [[1, 4]],
      restorable: [[1, 2]],
      reasons: { NoRoomOther: 1, NotNeeded: 2 },
      oneMore: [{ kind: 'hosts', room: { mz: { ...roomFor(3), others: { VGPU: 3 } } } }],
    });
  });

  test('the quota of cores is that of the flavor, whatever it takes of its host', () => {
    const pinned = { ...flavorNamed('pinned', { PCPU: 2 }), vcpus: 0, quota: { cores: 2, ram: 1 } };
    const input = inputOf({
      pool: { flavor: 'pinned', spare },
      members: on('web', 'h1'),
      hosts: hostsNamed(2, { free: { ...room(9, { PCPU: 8 }), vcpus: 0 } }),
      snapshot: { flavors: { pinned }, quotas: { cores: { limit: 7, used: 2 } } },
      request: { kind: 'scaleOut', pool: 'web', to: 4 },
    });
    expect(plan(input)).toMatchObject({
      refusal: { kind: 'QuotaExceeded', details: { short: [{ resource: 'cores', needed: 6, limit: 7, used: 2 }] } },
    });
    expect(plan({ ...input, request: { kind: 'scaleOut', pool: 'web', to: 3 } })).toMatchObject({ ok: true });
  });
});

describe('of several pools', () => {
  const pool = (name: string, flavor: string, initial: number): { readonly pool: Pool } => ({
    pool: poolNamed(name, { flavor, spare: { count: 2 }, size: { min: 1, initial, max: 9 } }),
  });
  const made = (hosts: readonly Host[], ...pools: { readonly pool: Pool }[]): PlanInput => ({
    record: recordOf(pools),
    snapshot: snapshotOf(hosts, { flavors }),
    request: { kind: 'instantiate' },
  });

  test('two flavors that ask for the same class share it', () => {
    const hosts = ['h1', 'h2', 'h3'].map((name) => hostNamed(name, { free: room(9, { VGPU: 2 }) }));
    const input = made(hosts, pool('a', 'gpu', 4), pool('b', 'two', 1));
    const found = planned(input);
    const [one, other] = [hostsOf(found, 'a'), hostsOf(found, 'b')];
    expect([Object.values(one), Object.values(other)]).toEqual([[2, 2], [1]]);
    expect(Object.keys({ ...one, ...other })).toHaveLength(3);
    expect(plan(made(hosts, pool('a', 'gpu', 5), pool('b', 'two', 1)))).toMatchObject({ ok: false });
  });

  test('who asks for nothing of it makes room for who does', () => {
    // Room for three in all, and GPUs on h1 alone.
    const hosts = [
      hostNamed('h1', { free: room(2, { VGPU: 2 }) }),
      hostNamed('h2', { free: roomFor(1) }),
      hostNamed('h3', { free: roomFor(1) }),
    ];
    const found = planned(made(hosts, pool('a', 'unit', 2), pool('b', 'gpu', 2)));
    expect([hostsOf(found, 'a'), hostsOf(found, 'b')]).toEqual([{ h2: 1, h3: 1 }, { h1: 2 }]);
  });

  test('who stands in the way of a class is sent elsewhere, and nobody else is', () => {
    const most = new Map([
      ['h1', 1],
      ['h2', 1],
    ]);
    const free = new Map([
      ['h1', room(3, { VGPU: 1, CUSTOM_FPGA: 1 })],
      ['h2', room(3, { VGPU: 1 })],
    ]);
    const both = flavorNamed('both', { VGPU: 1, CUSTOM_FPGA: 1 });
    const demands = [
      { need: 1, flavor: flavors.unit, most: new Map([['h1', 1]]) },
      { need: 1, flavor: gpu, most },
      { need: 1, flavor: both, most },
    ];
    expect(pack(free, demands)).toEqual([['h1'], ['h2'], ['h1']]);
  });
});
