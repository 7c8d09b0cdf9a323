import { fc } from '../property';
import type { Pool } from '../../domain/descriptor/descriptor';
import type { Failure } from '../../domain/failure';
import { plan, type PlanInput } from '../../domain/placement';
import type { LaunchRow, Plan } from '../../domain/plan';
import type { Member } from '../../domain/record';
import type { Quota, QuotaResource } from '../../domain/snapshot';
import {
  hostNamed,
  hostsNamed,
  inputOf,
  memberOn,
  on,
  poolNamed,
  recordOf,
  roomFor,
  snapshotOf,
  stateOf,
} from './build';
import { breaches } from './oracle';

/**
 * G5: quota carries the peak, or nothing is created and what is short is said. Each case is a request with what it needs
 * at its peak, resource by resource, beyond what is there; what a request does not need is 0.
 */
/** Server groups are a tenant's: see tenant.test.ts. */
type Resource = Exclude<QuotaResource, 'server_groups' | 'server_group_members'>;
type Needs = Readonly<Record<Resource, number>>;

const nothing: Needs = { instances: 0, cores: 0, ram: 0, ports: 0, security_groups: 0, security_group_rules: 0 };
const resources = Object.keys(nothing) as Resource[];

/** Two vCPUs, 512 MiB; two ports for each member. */
const flavors = { unit: { id: 'f1', name: 'unit', vcpus: 2, ramMb: 512, diskGb: 0 } };
const members = (count: number): Needs => ({
  ...nothing,
  instances: count,
  cores: 2 * count,
  ram: 512 * count,
  ports: 2 * count,
});
const used = 7;

const free = { vcpus: 200, ramMb: 51_200, diskGb: 0 };
const pool: Partial<Pool> = { networks: ['mgmt', 'sig'] };

function quotasOf(limitOf: (resource: Resource) => number): Record<Resource, Quota> {
  const of = (resource: Resource): Quota => ({ limit: limitOf(resource), used });
  return {
    instances: of('instances'),
    cores: of('cores'),
    ram: of('ram'),
    ports: of('ports'),
    security_groups: of('security_groups'),
    security_group_rules: of('security_group_rules'),
  };
}

function withQuotas(input: PlanInput, limitOf: (resource: Resource) => number): PlanInput {
  return { ...input, snapshot: { ...input.snapshot, flavors, quotas: quotasOf(limitOf) } };
}

function planOf(input: PlanInput): Plan {
  const planned = plan(input);
  if (!planned.ok) throw new Error(planned.refusal.message);
  return planned.plan;
}

function refusalOf(input: PlanInput): Failure {
  const planned = plan(input);
  if (planned.ok) throw new Error('it was planned');
  return planned.refusal;
}

const hosts = hostsNamed(6, { free });
const four = on('web', 'h1 h2 h3 h4');

const fresh: PlanInput = {
  record: recordOf(
    [
      {
        pool: poolNamed('web', {
          ...pool,
          size: { min: 1, initial: 3, max: 9 },
          securityRules: [
            { protocol: 'tcp', ports: [80, 80], from: 'any' },
            { protocol: 'icmp', from: 'any' },
          ],
        }),
      },
      {
        pool: poolNamed('db', {
          networks: ['mgmt'],
          size: { min: 1, initial: 2, max: 9 },
          // Said twice, made once.
          securityRules: [
            { protocol: 'tcp', ports: [5432, 5432], from: 'web' },
            { protocol: 'tcp', ports: [5432, 5432], from: 'web' },
          ],
        }),
      },
    ],
    { phase: 'instantiating' },
  ),
  snapshot: snapshotOf(hosts),
  request: { kind: 'instantiate' },
};

const dead = [memberOn('web', 9, 'h5')];
const heal: PlanInput['request'] = { kind: 'replaceMembers', members: [{ pool: 'web', ordinal: 9 }] };
const lostOne = inputOf({ pool, members: four, state: { failed: dead }, hosts, request: heal });

const cases: [what: string, input: PlanInput, peak: Needs][] = [
  [
    'instantiate: members, and a group for each pool with its rules and the two that Neutron adds',
    fresh,
    { ...members(5), ports: 2 * 3 + 2, security_groups: 2, security_group_rules: 2 + 2 + 1 + 2 },
  ],
  [
    'instantiate whose groups are there: members only',
    { ...fresh, record: { ...fresh.record, groups: [{ pool: 'web', id: 'g1' }] } },
    { ...members(5), ports: 2 * 3 + 2 },
  ],
  [
    'scaleOut: the members that are new',
    inputOf({ pool, members: four, hosts, request: { kind: 'scaleOut', pool: 'web', to: 6 } }),
    members(2),
  ],
  [
    'scaleOut of which one was launched before: the others',
    {
      ...inputOf({ pool, members: four, hosts, request: { kind: 'scaleOut', pool: 'web', to: 6 } }),
      launched: [memberOn('web', 20, 'h5')],
    },
    members(1),
  ],
  [
    'scaleOut in place of one launched on a host that is now closed: what is discarded goes first',
    {
      ...inputOf({
        pool,
        members: four,
        hosts: [...hostsNamed(5, { free }), hostNamed('h6', { free }), hostNamed('h7', { free, up: false })],
        request: { kind: 'scaleOut', pool: 'web', to: 6 },
      }),
      launched: [memberOn('web', 20, 'h7')],
    },
    members(1),
  ],
  [
    'scaleIn whose smaller cap makes members move: those come before any goes',
    // A third of 6 is 2 on a host; a third of 5 is 1.
    inputOf({
      pool,
      members: on('web', 'h1 h1 h2 h2 h3 h3'),
      hosts,
      request: { kind: 'scaleIn', pool: 'web', to: 5 },
    }),
    members(2),
  ],
  ['heal: the replacement beside the dead', lostOne, members(1)],
  [
    'evacuation at once: the replacements beside those that leave',
    {
      ...inputOf({
        pool,
        members: on('web', 'h1 h1 h2 h2 h3 h3'),
        hosts,
        request: { kind: 'emptyHosts', hosts: ['h1'], cause: 'maintenance' },
      }),
      wholeSurge: true,
    },
    members(2),
  ],
];

/** A heal may delete the dead first, which takes nothing: it is not refused for want of quota. */
const refusable = cases.filter(([, { request }]) => request.kind !== 'replaceMembers');

describe('quota', () => {
  test.each(cases)('that fits exactly carries it: %s', (_what, input, peak) => {
    const made = planOf(withQuotas(input, (resource) => used + peak[resource]));
    expect(made.deleteFirst).toEqual([]);
  });

  const shortages = refusable.flatMap(([what, input, peak]) =>
    resources
      .filter((resource) => peak[resource] > 0)
      .map((resource): [Resource, string, PlanInput, number] => [resource, what, input, peak[resource]]),
  );
  test.each(shortages)('that lacks one of %s refuses it: %s', (resource, _what, input, needed) => {
    const limit = used + needed - 1;
    const refused = refusalOf(withQuotas(input, (each) => (each === resource ? limit : Number.MAX_SAFE_INTEGER)));
    expect(refused).toEqual({
      kind: 'QuotaExceeded',
      message: expect.stringContaining(
        `${resource}: ${String(needed)} more needed, 7 of ${String(limit)} used`,
      ) as string,
      details: {
        vnf: 'v1',
        short: [{ resource, needed, limit, used }],
        remedy: `Raise ${resource} to at least ${String(used + needed)}.`,
      },
    });
  });

  test.each(cases)('that has no limit, or is not known, carries it: %s', (_what, input) => {
    expect(planOf(withQuotas(input, () => Number.MAX_SAFE_INTEGER)).batches.length).toBeGreaterThan(0);
    const unknown = { ...input, snapshot: { ...input.snapshot, flavors, quotas: {} } };
    expect(planOf(unknown).batches.length).toBeGreaterThan(0);
  });

  test('that is short in several resources is said in one refusal, with the limit that each needs', () => {
    const { details, message } = refusalOf(
      withQuotas(fresh, (resource) => (resource === 'cores' || resource === 'ram' ? Number.MAX_SAFE_INTEGER : used)),
    );
    expect(details.short).toEqual([
      { resource: 'instances', needed: 5, limit: used, used },
      { resource: 'ports', needed: 8, limit: used, used },
      { resource: 'security_groups', needed: 2, limit: used, used },
      { resource: 'security_group_rules', needed: 7, limit: used, used },
    ]);
    expect(details.remedy).toBe(
      'Raise instances to at least 12, ports to at least 15, security_groups to at least 9, security_group_rules to at least 14.',
    );
    expect(message).toContain('Nothing was created');
  });

  test('is named as short exactly where it is, whatever the limits', () => {
    const anyLimit = fc.oneof(fc.integer({ min: 0, max: 30 }), fc.constant(Number.MAX_SAFE_INTEGER));
    const anyLimits = fc.tuple(anyLimit, anyLimit, fc.integer({ min: 0, max: 6_000 }), anyLimit, anyLimit, anyLimit);
    const seen = new Set<number>();
    fc.assert(
      fc.property(fc.constantFrom(...refusable), anyLimits, ([, input, peak], limits) => {
        const limitOf = (resource: Resource): number => limits[resources.indexOf(resource)] ?? 0;
        const expected = resources.filter((each) => peak[each] > 0 && used + peak[each] > limitOf(each));
        const planned = plan(withQuotas(input, limitOf));
        seen.add(expected.length);
        const short = planned.ok ? [] : (planned.refusal.details.short ?? []);
        expect(short.map(({ resource }) => resource)).toEqual(expected);
      }),
      { numRuns: 500 },
    );
    expect(seen.size).toBeGreaterThan(4);
  });

  test('that is overdrawn already refuses nothing that launches nothing', () => {
    const input = inputOf({ pool, members: four, hosts, request: { kind: 'scaleIn', pool: 'web', to: 3 } });
    const made = planOf(withQuotas(input, () => 0));
    expect([made.batches, made.leave.length]).toEqual([[], 1]);
  });

  test('of a pool that is not asked for does not count', () => {
    const other = recordOf([
      { pool: poolNamed('web', pool), state: { level: 4, nextOrdinal: 5, inService: four, failed: [] } },
      { pool: poolNamed('db', { flavor: 'huge' }) },
    ]);
    const input: PlanInput = {
      record: other,
      snapshot: snapshotOf(hosts),
      request: { kind: 'scaleOut', pool: 'web', to: 5 },
    };
    expect(planOf(withQuotas(input, (resource) => used + members(1)[resource])).batches).toHaveLength(1);
  });
});

describe('a heal for which quota has no room', () => {
  test('deletes the dead first where that is enough: what it frees counts', () => {
    const made = planOf(withQuotas(lostOne, () => used));
    expect(made.deleteFirst).toEqual([{ pool: 'web', ordinal: 9 }]);
    expect(made.leave).toEqual([]);
    expect(made.batches.flatMap(({ rows }) => rows)).toHaveLength(1);
  });

  test('deletes nobody first where the replacements fit beside the dead', () => {
    const made = planOf(withQuotas(lostOne, (resource) => used + members(1)[resource]));
    expect([made.deleteFirst, made.leave]).toEqual([[], [{ pool: 'web', ordinal: 9 }]]);
  });

  // Four serve, one is dead and one was lost before: two are launched, and one is freed.
  const lostTwo = inputOf({ pool, members: four, state: { failed: dead, level: 6 }, hosts, request: heal });

  test.each(resources.filter((resource) => members(1)[resource] > 0))(
    'counts what is freed, and no more: %s',
    (resource) => {
      const lacking = (missing: number): PlanInput =>
        withQuotas(lostTwo, (each) =>
          each === resource ? used + members(1)[each] - missing : Number.MAX_SAFE_INTEGER,
        );
      expect(planOf(lacking(0)).deleteFirst).toHaveLength(1);
      // What is asked for is the least that helps.
      expect(refusalOf(lacking(1))).toMatchObject({
        kind: 'QuotaExceeded',
        details: { short: [{ resource, needed: members(1)[resource] }] },
      });
    },
  );

  test('never deletes a member first that serves', () => {
    const request: PlanInput['request'] = {
      kind: 'replaceMembers',
      members: [
        { pool: 'web', ordinal: 9 },
        { pool: 'web', ordinal: 1 },
      ],
    };
    expect(refusalOf(withQuotas({ ...lostOne, request }, () => used)).kind).toBe('QuotaExceeded');
  });

  test('and hosts have none either, is refused for the hosts', () => {
    const full = inputOf({
      pool,
      members: four,
      state: { failed: dead },
      hosts: [...hostsNamed(4, { free: roomFor(0) }), hostNamed('h5', { up: false })],
      request: heal,
    });
    expect(refusalOf(withQuotas(full, () => used)).kind).toBe('Impossible');
  });
});

describe('a host to be emptied for which the quota does not carry all at once', () => {
  const five = { ...pool, spare: { count: 5 } };
  const empty = (
    cause: 'maintenance' | 'failed',
    serving: readonly Member[],
    failed: readonly Member[] = [],
  ): PlanInput => ({
    ...inputOf({
      pool: five,
      members: serving,
      state: { failed },
      hosts,
      request: { kind: 'emptyHosts', hosts: ['h1'], cause },
    }),
    oneChange: true,
  });
  const carrying =
    (more: number): ((resource: Resource) => number) =>
    (resource) =>
      used + members(more)[resource];
  const launchesOf = ({ batches }: Plan): LaunchRow[] => batches.flatMap(({ rows }) => rows);

  test.each([
    [5, [5]],
    [4, [4, 1]],
    [2, [2, 2, 1]],
    [1, [1, 1, 1, 1, 1]],
  ])('is emptied as many at a turn as it carries: %d', (more, turns) => {
    let serving = on('web', 'h1 h1 h1 h1 h1 h2 h3');
    const moved: number[] = [];
    for (let next = true; next && moved.length < 10;) {
      const input = withQuotas(empty('maintenance', serving), carrying(more));
      const made = planOf(input);
      expect(breaches(input, made, { letter: false })).toEqual([]);
      expect(made.leave).toHaveLength(launchesOf(made).length);
      moved.push(made.leave.length);
      const gone = new Set(made.leave.map(({ ordinal }) => ordinal));
      const came = launchesOf(made).map(({ ordinal, host }) => memberOn('web', ordinal, host));
      serving = [...serving.filter(({ ordinal }) => !gone.has(ordinal)), ...came];
      next = made.more;
    }
    expect(moved).toEqual(turns);
    expect(serving.filter(({ host }) => host === 'h1')).toEqual([]);
  });

  test('is told whole where it is only asked for, and refused where not one fits, or others move at the same time', () => {
    const { oneChange: _oneChange, ...asked } = empty('maintenance', on('web', 'h1 h1 h1 h1 h1 h2 h3'));
    expect(launchesOf(planOf(withQuotas(asked, carrying(1))))).toHaveLength(5);
    expect(refusalOf(withQuotas(asked, carrying(0))).details.short?.[0]).toMatchObject({ needed: 5 });
    expect(refusalOf({ ...withQuotas(asked, carrying(4)), wholeSurge: true }).kind).toBe('QuotaExceeded');
  });

  test('is not begun where a pool follows of which not one fits', () => {
    const record = recordOf([
      { pool: poolNamed('web', five), state: stateOf(on('web', 'h1 h1 h2')) },
      { pool: poolNamed('db', { ...five, flavor: 'huge' }), state: stateOf(on('db', 'h1 h2')) },
    ]);
    const huge = { id: 'f2', name: 'huge', vcpus: 3, ramMb: 512, diskGb: 0 };
    const input = withQuotas({ ...empty('maintenance', []), record }, carrying(1));
    const both = { ...input, snapshot: { ...input.snapshot, flavors: { ...flavors, huge } } };
    expect(refusalOf(both).details.short).toMatchObject([{ resource: 'instances' }, { resource: 'cores' }, {}, {}]);
  });

  test('and of whose members none but the dead are left, has them deleted first', () => {
    const made = planOf(withQuotas(empty('maintenance', on('web', 'h2 h3'), on('web', 'h1', 10)), carrying(0)));
    expect([launchesOf(made).length, made.deleteFirst.length, made.leave.length]).toEqual([1, 1, 0]);
  });

  test('and so where the pool had lacked one before', () => {
    const failed = on('web', 'h1 h1', 10);
    const lacking = stateOf(on('web', 'h2 h3'), { failed, level: 5 });
    const input = { ...empty('failed', []), record: recordOf([{ pool: poolNamed('web', five), state: lacking }]) };
    const made = planOf(withQuotas(input, carrying(0)));
    expect([launchesOf(made).length, made.deleteFirst.length, made.unplaced[0]?.missing]).toEqual([2, 2, 1]);
  });

  test('and is dead, is restored as the dead give theirs back', () => {
    const failed = on('web', 'h1 h1 h1', 10);
    const made = planOf(withQuotas(empty('failed', on('web', 'h2 h3'), failed), carrying(2)));
    expect([launchesOf(made).length, made.leave.length, made.more]).toEqual([2, 2, true]);
    // Where nothing fits beside the dead, they go first.
    const none = planOf(withQuotas(empty('failed', on('web', 'h2 h3'), failed), carrying(0)));
    expect([launchesOf(none).length, none.deleteFirst.length, none.leave.length, none.more]).toEqual([3, 3, 0, false]);
  });
});
