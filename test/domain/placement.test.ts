import { casesOf, fc } from '../property';
import { plan, type PlanInput } from '../../domain/placement';
import { spareAt } from '../../domain/levels';
import type { Plan } from '../../domain/plan';
import { hostNamed, membersIn, poolNamed, recordOf, roomFor, snapshotOf } from './build';
import { anyCrowded, anyFenced, anyInput, anyScarce, anySeveral } from './clouds';
import {
  allFindPlaces,
  breaches,
  countsOf,
  leastLaunches,
  mostMembers,
  questionOf,
  someChoiceKeepsLetter,
  someOrderKeepsLetter,
  withoutPlaces,
  type Question,
} from './oracle';

/** Properties of every plan, held against an oracle that tries everything. */

const runs = casesOf(2_000);

function launchesOf(made: Plan): number {
  return made.batches.reduce((sum, { rows }) => sum + rows.length, 0);
}

/** One for each pool that the request concerns. */
function questionsOf(input: PlanInput): Question[] {
  const { record, request } = input;
  return record.descriptor.pools.flatMap((pool) => {
    const state = record.pools[pool.name];
    if (!state) return [];
    const level = request.kind === 'instantiate' ? pool.size.initial : state.level;
    const concerned = [...state.inService, ...state.failed].some(
      ({ host }) => request.kind === 'emptyHosts' && request.hosts.includes(host),
    );
    if (request.kind !== 'instantiate' && !concerned) return [];
    const descriptor = { ...record.descriptor, pools: [pool] };
    return [questionOf({ ...input, record: { ...record, descriptor, pools: { [pool.name]: { ...state, level } } } })];
  });
}

function refusalOf(input: PlanInput): string | null {
  const planned = plan(input);
  return planned.ok ? null : planned.refusal.kind;
}

/** What may be had where the dead are deleted first; null where that may not be done. */
function deadFirst({ record, request }: PlanInput, question: Question): Question | null {
  const state = record.pools[question.pool.name];
  if (request.kind !== 'replaceMembers' || !state) return null;
  const dead = state.failed.filter(({ ordinal }) => request.members.some((ref) => ref.ordinal === ordinal));
  return dead.length === request.members.length ? { ...question, freed: dead.map(({ host }) => host) } : null;
}

describe('every plan for one pool', () => {
  test('keeps shares, zones and room, whatever order its VMs come up in, and ends with the members asked for', () => {
    let plans = 0;
    fc.assert(
      fc.property(anyInput, (input) => {
        const planned = plan(input);
        if (!planned.ok) return;
        plans += 1;
        expect(breaches(input, planned.plan, { letter: planned.plan.toTheLetter })).toEqual([]);
      }),
      runs,
    );
    expect(plans).toBeGreaterThan(runs.numRuns / 4);
  });

  test('exists exactly where a placement exists, with as few launches as any', () => {
    const seen = { refused: 0, planned: 0 };
    fc.assert(
      fc.property(anyInput, (input) => {
        const question = questionOf(input);
        if (input.request.kind === 'emptyHosts' && input.request.cause === 'failed') return;
        const planned = plan(input);
        const least = leastLaunches(question);
        const second = deadFirst(input, question);
        if (!planned.ok) {
          seen.refused += 1;
          expect(planned.refusal.kind).toBe('Impossible');
          expect([least, second && leastLaunches(second)]).toEqual([null, null]);
        } else {
          seen.planned += 1;
          expect(launchesOf(planned.plan)).toBe(
            planned.plan.deleteFirst.length > 0 && second ? leastLaunches(second) : least,
          );
        }
      }),
      runs,
    );
    expect(Math.min(seen.refused, seen.planned)).toBeGreaterThan(runs.numRuns / 20);
  });

  test('restores as much as can be after a host died, and says what is missing', () => {
    let short = 0;
    fc.assert(
      fc.property(anyInput, (input) => {
        if (input.request.kind !== 'emptyHosts' || input.request.cause !== 'failed') return;
        const planned = plan(input);
        if (!planned.ok) throw new Error(planned.refusal.message);
        const question = questionOf(input);
        const missing = planned.plan.unplaced.reduce((sum, each) => sum + each.missing, 0);
        if (missing > 0) short += 1;
        expect(question.to - missing).toBe(mostMembers(question));
      }),
      runs,
    );
    expect(short).toBeGreaterThan(0);
  });

  test('evacuates whom it may, as safely as it would replace them, and restores as many', () => {
    const seen = { moved: 0, mixed: 0, short: 0 };
    fc.assert(
      fc.property(anyFenced, (input) => {
        const planned = plan(input);
        const replaced = plan({ ...input, request: { ...input.request, fenced: false } as PlanInput['request'] });
        if (!planned.ok || !replaced.ok) throw new Error('a failed host is not refused');
        const { moves = [], ...rest } = planned.plan;
        const movers = moves.flatMap(({ rows }) => rows);
        const leaving = new Set(planned.plan.leave.map(({ ordinal }) => ordinal));
        const fit = new Set(
          input.snapshot.servers.filter(({ status }) => status !== 'ERROR').map(({ ordinal }) => ordinal),
        );
        expect(movers.filter(({ ordinal }) => !fit.has(ordinal) || leaving.has(ordinal))).toEqual([]);
        const missing = (of: Plan): number => of.unplaced.reduce((sum, each) => sum + each.missing, 0);
        expect(missing(planned.plan)).toBe(missing(replaced.plan));
        // Nobody who could move is replaced.
        if (launchesOf(rest) > 0) expect(movers).toHaveLength(fit.size);
        // What moves is as good as launched where it arrives, and gone from where it was.
        const arriving = moves.map((batch) => ({
          ...batch,
          rows: batch.rows.map((row) => ({ ...row, ordinal: row.ordinal + 10_000 })),
        }));
        const gone = movers.map(({ pool, ordinal }) => ({ pool, ordinal }));
        const asLaunched = { ...rest, batches: [...arriving, ...rest.batches], leave: [...gone, ...rest.leave] };
        expect(breaches(input, asLaunched, { letter: rest.toTheLetter })).toEqual([]);
        if (movers.length > 0) seen.moved += 1;
        if (movers.length > 0 && launchesOf(rest) > 0) seen.mixed += 1;
        if (missing(planned.plan) > 0) seen.short += 1;
      }),
      { numRuns: Math.ceil(runs.numRuns / 2) },
    );
    expect(Math.min(seen.moved, seen.mixed, seen.short)).toBeGreaterThan(0);
  });

  test('puts what is new where the largest share stays least', () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        const planned = plan(input);
        if (!planned.ok || planned.plan.deleteFirst.length > 0) return;
        const { usable, pool, flavor, existing, existingMost } = questionOf(input);
        // What a rack may have stands in the way of it.
        if (pool.failureDomain) return;
        const rows = planned.plan.batches.flatMap((batch) => batch.rows);
        const gone = new Set([...planned.plan.leave, ...planned.plan.discard].map(({ ordinal }) => ordinal));
        const stay = existing.filter(({ ordinal }) => !gone.has(ordinal));
        const count = (of: readonly { host: string }[], name: string): number =>
          of.filter(({ host }) => host === name).length;
        const tallest = Math.max(0, ...rows.map(({ host }) => count(stay, host) + count(rows, host)));
        // With a lower top, the hosts would not take them all.
        const lower = usable.reduce((sum, { name, free }) => {
          const room = Math.min(
            membersIn(free, flavor),
            existingMost - count(existing, name),
            tallest - 1 - count(stay, name),
          );
          return sum + Math.max(0, room);
        }, 0);
        if (rows.length > 0) expect(lower).toBeLessThan(rows.length);
        expect(pool.name).toBe('web');
      }),
      runs,
    );
  });

  test('is to the letter of G1(d) exactly where some order of its launches and deletions is', () => {
    const seen = { kept: 0, forbiddenLaunch: 0, forbiddenDeletion: 0 };
    fc.assert(
      fc.property(anyInput, (input) => {
        const planned = plan(input);
        if (!planned.ok || planned.plan.deleteFirst.length > 0) return;
        const { pool, existing: all, domainOf } = questionOf(input);
        const existing = all.filter(({ ordinal }) => !planned.plan.discard.some((ref) => ref.ordinal === ordinal));
        const rows = planned.plan.batches.flatMap((batch) => batch.rows.map((row) => row.host));
        const before = countsOf(existing.map(({ host }) => host));
        const between = countsOf([...existing.map(({ host }) => host), ...rows]);
        const leaving = new Set(planned.plan.leave.map(({ ordinal }) => ordinal));
        const from = existing.filter(({ ordinal }) => leaving.has(ordinal)).map(({ host }) => host);
        const launches = someOrderKeepsLetter(pool, before, { hosts: rows, by: 1, domainOf });
        const deletions = someOrderKeepsLetter(pool, between, { hosts: from, by: -1, domainOf });
        if (!launches) seen.forbiddenLaunch += 1;
        else if (!deletions) seen.forbiddenDeletion += 1;
        else seen.kept += 1;
        expect(planned.plan.toTheLetter).toBe(launches && deletions);
      }),
      runs,
    );
    expect(Math.min(seen.kept, seen.forbiddenLaunch, seen.forbiddenDeletion)).toBeGreaterThan(0);
  });

  test('is to the letter of G1(d) wherever any placement of as few launches is, whoever of the living leaves', () => {
    let forbidden = 0;
    fc.assert(
      fc.property(anyInput, (drawn) => {
        const input = { ...drawn, launched: [] };
        const planned = plan(input);
        if (!planned.ok || planned.plan.toTheLetter || planned.plan.deleteFirst.length > 0) return;
        if (planned.plan.unplaced.length > 0) return;
        forbidden += 1;
        // The dead leave first: nobody who serves leaves in their stead.
        const gone = new Set(planned.plan.leave.map(({ ordinal }) => ordinal));
        const failed = Object.values(input.record.pools).flatMap((state) => state.failed);
        const failedMayStay = failed.filter(({ ordinal }) => !gone.has(ordinal)).length;
        const question = { ...questionOf(input), failedMayStay };
        if (question.pool.failureDomain) return;
        expect(someChoiceKeepsLetter(question, launchesOf(planned.plan))).toBe(false);
      }),
      runs,
    );
    expect(forbidden).toBeGreaterThan(0);
  });

  test('is in batches that could not be fewer: the first of a batch would not have fitted into the one before', () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        const planned = plan(input);
        if (!planned.ok || !planned.plan.toTheLetter) return;
        // On a host that is down one may be dead or not, and batches are cut for both.
        const down = new Set(input.snapshot.hosts.flatMap(({ name, up }) => (up ? [] : [name])));
        if (Object.values(input.record.pools).some(({ inService }) => inService.some(({ host }) => down.has(host))))
          return;
        const { batches } = planned.plan;
        batches.slice(1).forEach((batch, index) => {
          const [row] = batch.rows;
          const before = batches[index];
          if (!row || !before) throw new Error('a batch is not empty');
          const joined = [...batches.slice(0, index), { ...before, rows: [...before.rows, row] }];
          expect(breaches(input, { ...planned.plan, batches: joined }, { letter: true }).join()).toContain('G1(d)');
        });
      }),
      runs,
    );
  });

  test('is the same plan for the same world, in whatever order its hosts are listed', () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        const turned = { ...input, snapshot: { ...input.snapshot, hosts: [...input.snapshot.hosts].reverse() } };
        expect(plan(turned)).toEqual(plan(input));
        expect(plan(structuredClone(input))).toEqual(plan(input));
      }),
      runs,
    );
  });
});

describe('every refusal for one pool', () => {
  test('gives a true reason for every host, and the nearest levels that the hosts carry', () => {
    let refused = 0;
    let short = 0;
    fc.assert(
      fc.property(anyInput, (input) => {
        const planned = plan(input);
        if (planned.ok || planned.refusal.kind !== 'Impossible') return;
        refused += 1;
        const { hosts = {}, nearestLevels, remedy } = planned.refusal.details;
        const { pool, flavor, usable } = questionOf(input);
        expect(Object.keys(hosts).sort()).toEqual(input.snapshot.hosts.map(({ name }) => name).sort());
        expect(remedy).toMatch(/^(Ask|Bring|Name) .+\.$/);
        for (const host of input.snapshot.hosts) {
          const reason = hosts[host.name];
          const isOpen = ['NoRoomVcpus', 'NoRoomOther', 'CapReached', 'DomainCapReached'].includes(reason ?? '');
          expect(usable.includes(host)).toBe(isOpen);
          if (reason === 'NoRoomOther') {
            short += 1;
            // With what was found for others on it, it is the GPUs that are used up first.
            expect(membersIn(host.free, flavor)).toBeLessThan(host.free.vcpus);
          }
          if (reason === 'WrongZone') expect(host.zone).not.toBe(pool.zone);
          if (reason === 'Down') expect(host.up).toBe(false);
          if (reason === 'Disabled') expect(host.enabled).toBe(false);
        }
        const { below, above } = nearestLevels ?? {};
        for (const level of [below, above]) if (level !== undefined) expect(level).toBeLessThanOrEqual(pool.size.max);
      }),
      runs,
    );
    expect(refused).toBeGreaterThan(runs.numRuns / 20);
    expect(short).toBeGreaterThan(runs.numRuns / 200);
  });

  test('with one more empty host a request is never refused that was granted', () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        if (refusalOf(input) !== null) return;
        const [like] = questionOf(input).usable;
        if (!like) return;
        const more = { ...like, name: 'spare', free: { ...roomFor(9), others: { VGPU: 9 } } };
        expect(
          refusalOf({ ...input, snapshot: { ...input.snapshot, hosts: [...input.snapshot.hosts, more] } }),
        ).toBeNull();
      }),
      runs,
    );
  });

  test('a scaleOut that was done can be taken back', () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        const planned = plan(input);
        const [pool] = input.record.descriptor.pools;
        const state = pool && input.record.pools[pool.name];
        if (!planned.ok || input.request.kind !== 'scaleOut' || !pool || !state) return;
        const rows = planned.plan.batches.flatMap((batch) => batch.rows);
        const reused = (input.launched ?? []).filter(({ ordinal }) =>
          planned.plan.reuse.some((ref) => ref.ordinal === ordinal),
        );
        const left = new Set(planned.plan.leave.map(({ ordinal }) => ordinal));
        const members = [
          ...state.inService.filter(({ ordinal }) => !left.has(ordinal)),
          ...reused,
          ...rows.map((row) => ({ ...row, serverId: '', portIds: [], token: '' })),
        ];
        const back = refusalOf({
          record: {
            ...input.record,
            pools: { [pool.name]: { ...state, level: input.request.to, inService: members, nextOrdinal: 300 } },
          },
          snapshot: {
            ...input.snapshot,
            hosts: input.snapshot.hosts.map((host) => {
              const taken = rows.filter((row) => row.host === host.name).length;
              const { vcpus, others } = host.free;
              const left = { vcpus: vcpus - taken, ...(others && { others: { VGPU: (others['VGPU'] ?? 0) - taken } }) };
              return { ...host, free: { ...host.free, ...left } };
            }),
          },
          request: { kind: 'scaleIn', pool: pool.name, to: state.level },
        });
        expect(back).toBeNull();
      }),
      runs,
    );
  });
});

describe('plans for several pools on the same hosts', () => {
  test('keep every share, and do not promise the same room twice', () => {
    let plans = 0;
    fc.assert(
      fc.property(anySeveral, (input) => {
        const planned = plan(input);
        if (!planned.ok) return;
        plans += 1;
        expect(breaches(input, planned.plan, { letter: planned.plan.toTheLetter })).toEqual([]);
      }),
      runs,
    );
    expect(plans).toBeGreaterThan(runs.numRuns / 10);
  });

  test('of members of one size are found wherever a flow through the hosts shows places, but for fewer than one in two hundred, which are NotFound', () => {
    const seen = { found: 0, missed: 0, impossible: 0 };
    fc.assert(
      fc.property(fc.oneof(anySeveral, anyCrowded), (input) => {
        if (input.request.kind === 'emptyHosts' && input.request.cause === 'failed') return;
        const planned = plan(input);
        const exists = allFindPlaces(questionsOf(input));
        if (planned.ok) expect(exists).toBe(true);
        if (!planned.ok && exists) expect(planned.refusal.kind).toBe('NotFound');
        seen[planned.ok ? 'found' : exists ? 'missed' : 'impossible'] += 1;
      }),
      runs,
    );
    expect(Math.min(seen.found, seen.impossible)).toBeGreaterThan(runs.numRuns / 20);
    expect(seen.missed).toBeLessThan((seen.found + seen.missed) / 200);
  });

  test('after a death restore as many members as a flow through the hosts does, and of the most endangered as many as if it were alone', () => {
    const seen = { all: 0, some: 0 };
    fc.assert(
      fc.property(anySeveral, (input) => {
        const { record, request } = input;
        if (request.kind !== 'emptyHosts' || request.cause !== 'failed') return;
        const planned = plan(input);
        if (!planned.ok) throw new Error(planned.refusal.message);
        const missing = (of: readonly string[]): number =>
          planned.plan.unplaced.reduce((sum, each) => sum + (of.includes(each.pool) ? each.missing : 0), 0);
        const questions = questionsOf(input);
        expect(missing(questions.map(({ pool }) => pool.name))).toBe(withoutPlaces(questions));
        const slack = ({ pool, to, failedMayStay, mayStay }: Question): number => {
          const failed = record.pools[pool.name]?.failed.length ?? 0;
          return spareAt(pool.spare, to) - Math.max(failed, to - mayStay.length - failedMayStay);
        };
        const [first] = [...questions].sort((a, b) => slack(a) - slack(b));
        if (first) expect(missing([first.pool.name])).toBe(withoutPlaces([first]));
        seen[planned.plan.unplaced.length > 0 ? 'some' : 'all'] += 1;
      }),
      runs,
    );
    expect(Math.min(seen.all, seen.some)).toBeGreaterThan(runs.numRuns / 50);
  });

  test('are found where room is scarce: of what is possible fewer than one in two hundred end as NotFound', () => {
    let missed = 0;
    fc.assert(
      fc.property(anyScarce, (input) => {
        const planned = plan(input);
        if (planned.ok) expect(breaches(input, planned.plan, { letter: planned.plan.toTheLetter })).toEqual([]);
        else {
          expect(planned.refusal.kind).toBe('NotFound');
          missed += 1;
        }
        expect(plan(structuredClone(input))).toEqual(planned);
      }),
      runs,
    );
    expect(missed).toBeLessThan(runs.numRuns / 200);
  });

  test('are to the letter where another order of the pools is, whichever comes first in the descriptor', () => {
    const a = poolNamed('a', { spare: 'none', size: { min: 1, initial: 1, max: 5 } });
    const b = poolNamed('b', {
      spare: { share: { numerator: 1, denominator: 2 } },
      size: { min: 2, initial: 4, max: 9 },
    });
    // Where a takes a place on one of the roomy hosts, b cannot come to four by three.
    const hosts = [2, 2, 1].map((room, index) => hostNamed(`h${String(index + 1)}`, { free: roomFor(room) }));
    for (const pools of [
      [a, b],
      [b, a],
    ]) {
      const record = recordOf(pools.map((pool) => ({ pool })));
      const planned = plan({ record, snapshot: snapshotOf(hosts), request: { kind: 'instantiate' }, strict: true });
      expect(planned).toMatchObject({ ok: true, plan: { toTheLetter: true } });
    }
  });

  test('are refused as impossible only where one pool alone finds no place, and as invalid where its zone is none; else the word is NotFound', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(anySeveral, (input) => {
        const planned = plan(input);
        if (planned.ok) return;
        seen.add(planned.refusal.kind);
        // Of a VNF that is to be made: a zone without a host is none.
        const zones = new Set(input.snapshot.hosts.map(({ zone }) => zone));
        const isZoneless = input.record.descriptor.pools.some(({ zone }) => !zones.has(zone));
        if (input.request.kind === 'instantiate')
          expect(planned.refusal.kind === 'InvalidRequest').toBe(isZoneless && zones.size > 0);
        if (planned.refusal.kind !== 'Impossible') return;
        const alone = questionsOf(input).filter(({ pool }) => pool.name === planned.refusal.details.pool);
        expect(alone.map(leastLaunches)).toEqual([null]);
      }),
      runs,
    );
    expect([...seen].sort()).toEqual(['Impossible', 'InvalidRequest', 'NotFound']);
  });
});
