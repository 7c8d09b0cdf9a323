import { casesOf, fc } from '../property';
import { plan, type PlanInput } from '../../domain/placement';
import type { Pool } from '../../domain/descriptor/descriptor';
import type { ChangeRequest } from '../../domain/plan';
import { remediesOf, withRemedies } from '../../domain/explain/remedies';
import { remedySaid, type Remedy } from '../../domain/explain/remedy';
import {
  hostNamed,
  hostsNamed,
  inputOf,
  on,
  poolNamed,
  recordOf,
  roomFor,
  snapshotOf,
  stateOf,
  withHosts,
  withLimits,
} from './build';
import { anyCrowded, anyInput, anySeveral } from './clouds';

/** What a refusal says would help does: each remedy is done to the cloud, the descriptor or the request, and the planner is asked again. */

const runs = casesOf(1_000);

function isRefused(input: PlanInput): boolean {
  const planned = plan(input);
  return !planned.ok || planned.plan.unplaced.length > 0;
}

function withPool(input: PlanInput, name: string, change: Partial<Pool>): PlanInput {
  const { descriptor } = input.record;
  const pools = descriptor.pools.map((pool) => (pool.name === name ? { ...pool, ...change } : pool));
  return { ...input, record: { ...input.record, descriptor: { ...descriptor, pools } } };
}

function spareChanged({ to, domain }: Extract<Remedy, { kind: 'spare' }>): Partial<Pool> {
  if (domain === undefined) return { spare: to };
  if (to === 'none') throw new Error('of a failure domain some spare is said');
  return { failureDomain: { key: domain, spare: to } };
}

function withLevel(input: PlanInput, { pool, level }: Extract<Remedy, { kind: 'level' }>): PlanInput {
  const spec = input.record.descriptor.pools.find(({ name }) => name === pool);
  if (input.request.kind === 'instantiate' && spec)
    return withPool(input, pool, { size: { ...spec.size, initial: level } });
  const now = input.record.pools[pool]?.level ?? 0;
  // Whom the caller has named stays named.
  if (input.request.kind === 'scaleIn' && level < now) return { ...input, request: { ...input.request, to: level } };
  const request: ChangeRequest = { kind: level > now ? 'scaleOut' : 'scaleIn', pool, to: level };
  return { ...input, request };
}

function applied(input: PlanInput, remedy: Remedy): PlanInput {
  switch (remedy.kind) {
    case 'hosts':
      return { ...input, snapshot: withHosts(input.snapshot, remedy) };
    case 'spare':
      return withPool(input, remedy.pool, spareChanged(remedy));
    case 'level':
      return withLevel(input, remedy);
    case 'quota':
      return { ...input, snapshot: withLimits(input.snapshot, remedy) };
    case 'notStrict':
      return { ...input, strict: false };
  }
}

/** As a descriptor may say it: at least one member is none of the spare. */
function asDescribed(record: PlanInput['record']): PlanInput['record'] {
  const pools = record.descriptor.pools.map((pool) => ({ ...pool, size: { ...pool.size, min: 2 } }));
  return { ...record, descriptor: { ...record.descriptor, pools } };
}

/** And with a quota of its own, and sometimes to the letter. */
const anyAsked = fc
  .tuple(fc.oneof(anyInput, anySeveral, anyCrowded), fc.integer({ min: 0, max: 30 }), fc.boolean())
  .map(([input, instances, strict]): PlanInput => ({
    ...input,
    record: asDescribed(input.record),
    strict,
    snapshot: { ...input.snapshot, quotas: { instances: { limit: instances + 8, used: 8 } } },
  }));

test('whatever is refused, each remedy makes it possible, and none has a host or a quota more than it takes', () => {
  const seen = { hosts: 0, spare: 0, level: 0, quota: 0, notStrict: 0, none: 0 };
  const ofDomains = { hosts: 0, spare: 0 };
  fc.assert(
    fc.property(anyAsked, (input) => {
      if (!isRefused(input)) {
        expect(remediesOf(input)).toEqual([]);
        return;
      }
      const remedies = remediesOf(input);
      if (remedies.length === 0) seen.none += 1;
      for (const remedy of remedies) {
        seen[remedy.kind] += 1;
        if (remedy.kind === 'hosts' && remedy.apart) ofDomains.hosts += 1;
        if (remedy.kind === 'spare' && remedy.domain !== undefined) ofDomains.spare += 1;
        expect([remedy, isRefused(applied(input, remedy))]).toEqual([remedy, false]);
        if (remedy.kind === 'quota') expectLeast(input, remedy);
        if (remedy.kind !== 'hosts') continue;
        for (const [zone, many] of Object.entries(remedy.hosts)) {
          const fewer = { ...remedy, hosts: { ...remedy.hosts, [zone]: many - 1 } };
          expect([fewer, isRefused(applied(input, fewer))]).toEqual([fewer, true]);
        }
      }
    }),
    runs,
  );
  expect(Math.min(seen.hosts, seen.spare, seen.level, seen.quota, seen.notStrict)).toBeGreaterThan(0);
  expect(Math.min(ofDomains.hosts, ofDomains.spare)).toBeGreaterThan(0);
});

/** One less of any of it is too little. */
function expectLeast(input: PlanInput, remedy: Extract<Remedy, { kind: 'quota' }>): void {
  for (const [resource, limit] of Object.entries(remedy.limits)) {
    const less = { ...remedy, limits: { ...remedy.limits, [resource]: limit - 1 } };
    expect([less, isRefused(applied(input, less))]).toEqual([less, true]);
  }
}

test('of a maintenance the quota is the least with which it can be done, one member at a time', () => {
  const seen = { least: 0, inTurns: 0 };
  const anyMaintenance = fc
    .oneof(anyInput, anySeveral)
    .filter(({ request }) => request.kind === 'emptyHosts' && request.cause === 'maintenance');
  fc.assert(
    fc.property(anyMaintenance, fc.nat({ max: 1 }), fc.nat({ max: 1 }), (asked, instances, cores) => {
      const quotas = { instances: { limit: instances + 8, used: 8 }, cores: { limit: cores + 9, used: 9 } };
      const input = { ...asked, snapshot: { ...asked.snapshot, quotas } };
      const planned = plan(input);
      for (const remedy of remediesOf(input)) {
        if (remedy.kind !== 'quota') continue;
        seen.least += 1;
        if (!planned.ok && planned.refusal.details.shortInTurns) seen.inTurns += 1;
        expect([remedy, isRefused(applied(input, remedy))]).toEqual([remedy, false]);
        expectLeast(input, remedy);
      }
    }),
    runs,
  );
  expect(Math.min(seen.inTurns, seen.least - seen.inTurns)).toBeGreaterThan(5);
});

test('a refusal says it in one sentence, and as data', () => {
  const input = inputOf({
    pool: { spare: { share: { numerator: 1, denominator: 5 } }, size: { min: 2, initial: 5, max: 100 } },
    members: on('web', 'h1 h2 h3 h4 h5'),
    hosts: hostsNamed(5),
    request: { kind: 'scaleOut', pool: 'web', to: 7 },
  });
  const planned = plan(input);
  if (planned.ok) throw new Error('five hosts are two too few at 20%');
  const { message, details } = withRemedies(input, planned.refusal);
  expect((details['remedies'] as readonly Remedy[]).map(remedySaid)).toEqual([
    '2 more hosts in mz (each with 1 vCPUs, 1 MB and 1 GB free)',
    'spare 29% instead of 20% for web',
    'level 10 of web',
  ]);
  expect(details.remedy).toBe(
    'Any one of these makes it possible: 2 more hosts in mz (each with 1 vCPUs, 1 MB and 1 GB free); spare 29% instead of 20% for web; level 10 of web.',
  );
  expect(message.endsWith(details.remedy ?? '?')).toBe(true);
  expect(message).not.toContain('Ask for level');
});

test('whoever has named members is told first who would leave instead', () => {
  const input = inputOf({
    pool: { spare: { share: { numerator: 1, denominator: 2 } }, size: { min: 2, initial: 4, max: 9 } },
    members: on('web', 'h1 h1 h2 h3'),
    hosts: hostsNamed(3, { free: roomFor(0) }),
    request: { kind: 'scaleIn', pool: 'web', to: 3, members: [{ pool: 'web', ordinal: 4 }] },
  });
  const planned = plan(input);
  if (planned.ok) throw new Error('there is no room to share out anew');
  const { message, details } = withRemedies(input, planned.refusal);
  expect(details.remedy).toMatch(/^Name others, or nobody: then v1-web-2 would leave\. Or it takes 1 more host in mz /);
  expect(message.endsWith(details.remedy ?? '?')).toBe(true);
});

test('where racks have their share, it takes hosts in racks of their own, or more of the pool in one', () => {
  const input = inputOf({
    pool: {
      ...{ spare: { count: 2 }, size: { min: 3, initial: 4, max: 6 } },
      failureDomain: { key: 'rack', spare: { share: { numerator: 1, denominator: 2 } } },
    },
    members: on('web', 'h1 h2 h3 h4'),
    hosts: [
      ...['r1', 'r1', 'r2', 'r2'].map((rack, at) => hostNamed(`h${String(at + 1)}`, { domains: { rack } })),
      hostNamed('h5'),
    ],
    request: { kind: 'scaleOut', pool: 'web', to: 5 },
  });
  const planned = plan(input);
  if (planned.ok) throw new Error('at level 5 two may be in a rack, and there are two racks');
  expect(planned.refusal.details.hosts).toEqual({
    ...{
      h1: 'DomainCapReached',
      h2: 'DomainCapReached',
      h3: 'DomainCapReached',
      h4: 'DomainCapReached',
      h5: 'NoDomain',
    },
  });
  expect(remediesOf(input).map(remedySaid)).toEqual([
    '1 more host in mz (each with 2 vCPUs, 2 MB and 2 GB free, each in a rack of its own)',
    'spare 60% instead of 50% of one rack for web',
    'level 6 of web',
  ]);
});

test('pools of two zones that are short both: so many hosts in each, with room for those of their zone', () => {
  const pools = [
    poolNamed('a', { size: { min: 1, initial: 3, max: 9 } }),
    poolNamed('b', { zone: 'dmz', flavor: 'large' }),
  ];
  const large = { id: 'f2', name: 'large', ...roomFor(8) };
  const input: PlanInput = {
    record: recordOf(pools.map((pool) => ({ pool }))),
    snapshot: snapshotOf([...hostsNamed(1), hostNamed('d1', { zone: 'dmz' })], {
      flavors: { unit: { id: 'f1', name: 'unit', ...roomFor(1) }, large },
    }),
    request: { kind: 'instantiate' },
  };
  const [first] = remediesOf(input);
  expect(first).toEqual({ kind: 'hosts', hosts: { mz: 2, dmz: 3 }, room: { mz: roomFor(1), dmz: roomFor(8) } });
  expect(first && remedySaid(first)).toBe(
    '2 more hosts in mz (each with 1 vCPUs, 1 MB and 1 GB free) and 3 more hosts in dmz (each with 8 vCPUs, 8 MB and 8 GB free)',
  );
});

test('the quota for a maintenance is what the largest of its smallest steps takes: members move one at a time', () => {
  const spare = { count: 3 };
  const pools = [
    { pool: poolNamed('web', { spare }), state: stateOf(on('web', 'h1 h1 h1 h2')) },
    { pool: poolNamed('db', { spare, flavor: 'large' }), state: stateOf(on('db', 'h1 h1 h2')) },
  ];
  const large = { id: 'f2', name: 'large', ...roomFor(8) };
  const quotas = { instances: { used: 7, limit: 7 }, cores: { used: 28, limit: 30 } };
  const unit = { id: 'f1', name: 'unit', ...roomFor(1) };
  const input: PlanInput = {
    record: recordOf(pools),
    snapshot: snapshotOf(hostsNamed(4), { quotas, flavors: { unit, large } }),
    request: { kind: 'emptyHosts', hosts: ['h1'], cause: 'maintenance' },
  };
  const planned = plan(input);
  if (planned.ok) throw new Error('there is quota for nobody');
  const { message, details } = withRemedies(input, planned.refusal);
  expect(details.remedies).toEqual([{ kind: 'quota', limits: { instances: 8, cores: 36 } }]);
  expect(details.remedy).toBe(
    'Raise instances to at least 8, cores to at least 36: with that, members move in several turns.',
  );
  // What all at once would take is said beside it.
  expect(details.short).toMatchObject([{ needed: 5 }, { needed: 19 }]);
  expect(message).toContain('instances: 5 more needed');
  // Where others move at the same time it takes that.
  const whole = { ...input, wholeSurge: true };
  expect(remediesOf(whole)).toEqual([{ kind: 'quota', limits: { instances: 12, cores: 47 } }]);
});

test('what a death leaves without a place is said to take hosts, as a refusal would', () => {
  const input = inputOf({
    members: on('web', 'h1 h2 h3'),
    hosts: hostsNamed(3, { free: roomFor(0) }),
    request: { kind: 'emptyHosts', hosts: ['h2'], cause: 'failed' },
  });
  expect(remediesOf(input).map(({ kind }) => kind)).toEqual(['hosts']);
});

test('where nothing small helps, that is said, and no guess is left', () => {
  const pool = poolNamed('web', { spare: 'none', size: { min: 30, initial: 30, max: 30 } });
  const input: PlanInput = {
    record: recordOf([{ pool, state: stateOf([]) }]),
    snapshot: snapshotOf(hostsNamed(2)),
    request: { kind: 'instantiate' },
  };
  const planned = plan(input);
  if (planned.ok) throw new Error('there are no hosts for it');
  const { message, details } = withRemedies(input, planned.refusal);
  expect(details).toMatchObject({ remedies: [], remedy: expect.stringMatching(/^No small change/) as string });
  expect(message).not.toContain('Bring');
});
