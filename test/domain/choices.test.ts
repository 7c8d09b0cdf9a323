import { casesOf, fc } from '../property';
import { plan, type PlanInput } from '../../domain/placement';
import { choicesOf } from '../../domain/explain/choices';
import type { Plan } from '../../domain/plan';
import { toldMost, toldOf } from '../../domain/explain/tell';
import type { Choice } from '../../domain/explain/told';
import { hostNamed, hostsNamed, inputOf, membersIn, on, roomFor } from './build';
import { anyInput, anyOfGpus, anySeveral } from './clouds';

/** Why hosts were not chosen, held against what they are. */

const runs = casesOf(1_000);

function planOf(input: PlanInput): Plan | null {
  const planned = plan(input);
  return planned.ok ? planned.plan : null;
}

test('every host that got nothing has one reason, which is true of it', () => {
  const seen = new Map<string, number>();
  fc.assert(
    fc.property(fc.oneof(anyInput, anySeveral, anyOfGpus), (drawn) => {
      const { launched: _launched, ...input } = drawn;
      const made = planOf(input);
      if (!made) return;
      for (const { pool, hosts, counts, moreHosts } of choicesOf(input, made, 1_000)) {
        const chosen = new Set(
          made.batches.filter((batch) => batch.pool === pool).flatMap(({ rows }) => rows.map(({ host }) => host)),
        );
        const others = input.snapshot.hosts.filter(({ name }) => !chosen.has(name));
        expect(Object.keys(hosts).sort()).toEqual(others.map(({ name }) => name).sort());
        expect([moreHosts, Object.values(counts).reduce((sum, many) => sum + many, 0)]).toEqual([0, others.length]);
        const spec = input.record.descriptor.pools.find(({ name }) => name === pool);
        for (const { name, zone, up, enabled, free, domains } of others) {
          const reason = hosts[name] ?? '';
          if (!spec?.failureDomain) expect(['NoDomain', 'DomainCapReached']).not.toContain(reason);
          if (reason === 'NoDomain') expect(domains).toBeUndefined();
          if (reason === 'DomainCapReached') expect(domains).toBeDefined();
          seen.set(reason, (seen.get(reason) ?? 0) + 1);
          if (reason === 'WrongZone') expect(zone).not.toBe('mz');
          if (reason === 'Down') expect(up).toBe(false);
          if (reason === 'Disabled') expect(enabled).toBe(false);
          if (['NotNeeded', 'NoRoomVcpus', 'NoRoomOther'].includes(reason))
            expect([zone, up, enabled]).toEqual(['mz', true, true]);
          if (reason === 'NotNeeded' || reason === 'NoRoomOther') expect(free.vcpus).toBeGreaterThan(0);
          if (reason === 'NoRoomOther') expect(spec?.flavor).toBe('gpu');
          const flavor = input.snapshot.flavors[spec?.flavor ?? ''];
          if (reason === 'NotNeeded') expect(membersIn(free, flavor)).toBeGreaterThan(0);
          if (reason === 'Excluded')
            expect(input.request.kind === 'emptyHosts' ? input.request.hosts : []).toContain(name);
        }
      }
    }),
    runs,
  );
  for (const reason of [
    'WrongZone',
    'Down',
    'Disabled',
    'Excluded',
    'NoRoomVcpus',
    'NoRoomOther',
    'CapReached',
    'NotNeeded',
    'NoDomain',
    'DomainCapReached',
  ])
    expect([reason, (seen.get(reason) ?? 0) > 0]).toEqual([reason, true]);
});

test('as many more as are said to fit do, and not one more: at the cap of that level', () => {
  let tried = 0;
  const binding = new Set<Choice['binds']>();
  fc.assert(
    fc.property(anyInput, fc.constantFrom(0, 0, 1, 1, 2, 12), (drawn, left) => {
      const { launched: _launched, ...input } = drawn;
      if (input.request.kind !== 'scaleOut') return;
      const bare = planOf(input);
      const launches = bare?.batches.reduce((sum, { rows }) => sum + rows.length, 0) ?? 0;
      const quotas = { instances: { limit: launches + left, used: 0 } };
      const asked = { ...input, snapshot: { ...input.snapshot, quotas } };
      const made = planOf(asked);
      const [choice] = made ? choicesOf(asked, made, 1_000) : [];
      if (!choice || asked.request.kind !== 'scaleOut') return;
      tried += 1;
      // With the caps as counts the level does not change them.
      const caps = capsIn(choice);
      const { record, request } = asked;
      const pools = record.descriptor.pools.map((pool) => ({
        ...pool,
        spare: { count: caps.host },
        ...(pool.failureDomain && { failureDomain: { ...pool.failureDomain, spare: { count: caps.rack } } }),
      }));
      const fixed = { ...record, descriptor: { ...record.descriptor, pools } };
      const has = (to: number): boolean => plan({ ...asked, record: fixed, request: { ...request, to } }).ok;
      expect(has(request.to + choice.moreFit)).toBe(true);
      expect(has(request.to + choice.moreFit + 1)).toBe(false);
      binding.add(choice.binds);
    }),
    // One of five is a scaleOut.
    { numRuns: 5 * runs.numRuns },
  );
  expect(tried).toBeGreaterThan(20);
  expect([...binding].sort()).toEqual(['domain', 'quota', 'room', 'share']);
});

function capsIn({ constraint }: Choice): { readonly host: number; readonly rack: number } {
  const [, host, rack] = /allows (\d+) on a host(?: and (\d+) in one rack)?/.exec(constraint) ?? [];
  return { host: Number(host), rack: Number(rack) };
}

const to4 = { kind: 'scaleOut', pool: 'web', to: 4 } as const;
const members = on('web', 'h1 h2 h3');

test.each([
  ['share', { hosts: hostsNamed(4) }],
  [
    'room',
    {
      hosts: [...hostsNamed(3, { free: roomFor(0) }), hostNamed('h4', { free: roomFor(1) })],
      pool: { spare: { count: 2 } },
    },
  ],
  ['quota', { hosts: hostsNamed(6), snapshot: { quotas: { instances: { limit: 5, used: 4 } } } }],
  [
    'domain',
    {
      // At level 4 two may be in each.
      hosts: ['r1', 'r1', 'r2', 'r2', 'r1', 'r2'].map((rack, at) =>
        hostNamed(`h${String(at + 1)}`, { domains: { rack } }),
      ),
      pool: { failureDomain: { key: 'rack', spare: { share: { numerator: 1, denominator: 2 } } } },
    },
  ],
] as const)('%s binds', (binds, given) => {
  const input = inputOf({ members, request: to4, ...given });
  const made = planOf(input);
  expect(made && choicesOf(input, made, 100)).toMatchObject([{ pool: 'web', binds, moreFit: 0 }]);
});

/** Two in each of the racks r1 and r2 but for the fourth, which is to come; nobody says where h5 is. */
const racked = inputOf({
  members: on('web', 'h1 h2 h3'),
  hosts: [
    ...['r1', 'r1', 'r2'].map((rack, at) => hostNamed(`h${String(at + 1)}`, { domains: { rack } })),
    hostNamed('h4', { domains: { rack: 'r2' } }),
    hostNamed('h5'),
    hostNamed('h6', { domains: { rack: 'r1' } }),
  ],
  pool: { failureDomain: { key: 'rack', spare: { share: { numerator: 1, denominator: 2 } } } },
  request: to4,
});

test('which failure domains have their share, and which hosts are in none that is known', () => {
  const made = planOf(racked);
  const [choice] = made ? choicesOf(racked, made, 100) : [];
  expect(choice).toMatchObject({
    hosts: { h1: 'CapReached', h2: 'CapReached', h3: 'CapReached', h5: 'NoDomain', h6: 'DomainCapReached' },
    counts: { CapReached: 3, NoDomain: 1, DomainCapReached: 1 },
    constraint:
      'spare 1/3, of one rack 50% at level 4 allows 1 on a host and 2 in one rack; 5 hosts of mz may be used, 5 of them take no more; rack r1, r2 have their share; 0 more members would fit, then the share of one rack binds',
  });
});

test('no more is listed than a result holds; all of it is counted', () => {
  const input = inputOf({ members, hosts: hostsNamed(50), request: to4 });
  const made = planOf(input);
  if (!made) throw new Error('there is room');
  const told = toldOf(input, made, { hosts: 10, reasons: 20 });
  expect([told.hosts.length, told.moreHosts]).toEqual([10, 40]);
  expect(told.hosts.map(({ name }) => name)).toEqual(expect.arrayContaining(['h1', 'h2', 'h3']));
  expect(told.choices).toMatchObject([{ counts: { CapReached: 3, NotNeeded: 46 }, moreHosts: 29 }]);
  expect(Object.keys(toldOf(input, made, toldMost).choices[0]?.hosts ?? {})).toHaveLength(49);
});
