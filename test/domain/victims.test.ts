import { casesOf, fc } from '../property';
import { capAt, domainCapAt } from '../../domain/levels';
import { plan } from '../../domain/placement';
import type { Plan } from '../../domain/plan';
import type { PlanInput } from '../../domain/placement';
import type { Member } from '../../domain/record';
import type { ServerSeen, ServerStatus } from '../../domain/snapshot';
import { anyDoubted, inRack } from './clouds';
import { hostNamed, hostsNamed, inputOf, memberOn, on, roomFor } from './build';
import { breaches, countsOf, countsWithin, leastLaunches, questionOf } from './oracle';

/** Who leaves where a pool gets fewer members. */

function seen({ serverId, pool, ordinal, token, host }: Member, status: ServerStatus = 'ACTIVE'): ServerSeen {
  return { serverId, pool, ordinal, token, host, name: serverId, status };
}

function planned(input: PlanInput): Plan {
  const made = plan(input);
  if (!made.ok) throw new Error(made.refusal.message);
  return made.plan;
}

const leavingOf = (made: Plan): number[] => made.leave.map(({ ordinal }) => ordinal).sort((a, b) => a - b);
const launchesOf = (made: Plan): number => made.batches.flatMap(({ rows }) => rows).length;

/** Of the members of a pool, those of whom the cloud shows that they may not serve. */
function isUnfit({ snapshot }: PlanInput, member: Member): boolean {
  const host = snapshot.hosts.find(({ name }) => name === member.host);
  const server = snapshot.servers.find(({ serverId }) => serverId === member.serverId);
  return server?.status !== 'ACTIVE' || host?.up !== true || !host.enabled;
}

/** By trying every choice: with the most unfit among as many as are to leave, the fewest that leave at all, whoever was named aside. */
function bestChoice(input: PlanInput): { unfit: number; leaving: number } {
  const { pool, to, mayStay, failedMayStay, domainOf } = questionOf(input);
  const excess = mayStay.length + failedMayStay - to;
  let best = { unfit: -1, leaving: 0 };
  for (let choice = 0; choice < 2 ** mayStay.length; choice++) {
    const stays = mayStay.filter((_, at) => (choice & (1 << at)) === 0);
    const on = countsOf(stays.map(({ host }) => host));
    const isCrowded =
      [...on.values()].some((here) => here > capAt(pool.spare, to)) ||
      [...countsWithin(on, domainOf).values()].some((here) => here > domainCapAt(pool, to));
    if (isCrowded) continue;
    const gone = mayStay.filter((member) => !stays.includes(member));
    for (let dead = 0; dead <= failedMayStay; dead++) {
      const leaving = gone.length + dead;
      if (leaving < excess) continue;
      const unfit = Math.min(excess, dead + gone.filter((member) => isUnfit(input, member)).length);
      if (unfit > best.unfit || (unfit === best.unfit && leaving < best.leaving)) best = { unfit, leaving };
    }
  }
  return best;
}

describe('of every scaleIn', () => {
  test('the unfit leave first, each for one launch where it takes that, and otherwise there are no more launches than must be', () => {
    const counts = { unfit: 0, launching: 0 };
    fc.assert(
      fc.property(anyDoubted, (drawn) => {
        // Wherever somebody new must come, there is a place.
        const empty = hostsNamed(9).map((host) => {
          const name = `empty-${host.name}`;
          return { ...host, name, ...inRack(name), free: { ...roomFor(100), others: { VGPU: 100 } } };
        });
        const input = { ...drawn, snapshot: { ...drawn.snapshot, hosts: [...drawn.snapshot.hosts, ...empty] } };
        const made = planned(input);
        const { mayStay, failedMayStay, to, pool } = questionOf(input);
        const state = input.record.pools[pool.name];
        const mine = [...mayStay, ...(state?.failed ?? [])].filter(({ ordinal }) => leavingOf(made).includes(ordinal));
        const named = drawn.request.kind === 'scaleIn' ? (drawn.request.members ?? []) : [];
        const free = mine.filter(({ ordinal }) => !named.some((ref) => ref.ordinal === ordinal));
        const excess = Math.max(0, mayStay.length + failedMayStay - to);
        const unfit = free.filter((member) => state?.failed.includes(member) === true || isUnfit(input, member)).length;
        const best = bestChoice(input);
        if (excess > 0) expect(Math.min(excess, unfit)).toBe(best.unfit);
        if (excess > 0) expect(free).toHaveLength(best.leaving);
        expect(named.filter(({ ordinal }) => !leavingOf(made).includes(ordinal))).toEqual([]);
        if (unfit > 0) counts.unfit += 1;
        if (launchesOf(made) > 0) counts.launching += 1;
      }),
      casesOf(1_000, { part: 1 / 2 }),
    );
    expect(Math.min(counts.unfit, counts.launching)).toBeGreaterThan(0);
  });

  test('that is possible at all none is refused for the sake of the unfit, and every one keeps the shares', () => {
    const counts = { refused: 0, planned: 0 };
    fc.assert(
      fc.property(anyDoubted, (input) => {
        const made = plan(input);
        counts[made.ok ? 'planned' : 'refused'] += 1;
        if (made.ok) expect(breaches(input, made.plan, { letter: made.plan.toTheLetter })).toEqual([]);
        else expect(leastLaunches(questionOf(input))).toBeNull();
      }),
      casesOf(1_000, { part: 1 / 2 }),
    );
    expect(Math.min(counts.refused, counts.planned)).toBeGreaterThan(0);
  });
});

describe('who leaves', () => {
  const third = { spare: { share: { numerator: 1, denominator: 3 } } } as const;
  const members = on('web', 'h1 h1 h2 h2 h3 h3');
  const scaleIn = (to: number, change: Partial<Parameters<typeof inputOf>[0]> = {}): PlanInput =>
    inputOf({
      ...{ pool: third, members, hosts: hostsNamed(5), request: { kind: 'scaleIn', pool: 'web', to } },
      snapshot: { servers: members.map((member) => seen(member)) },
      ...change,
    });

  test('the newest on the fullest host, where all are well', () => {
    expect(leavingOf(planned(scaleIn(5)))).toEqual([2, 4, 6]);
    expect(leavingOf(planned(scaleIn(5, { pool: { spare: { count: 2 } } })))).toEqual([6]);
  });

  test('those whose servers are down before those whose host is closed, before all others', () => {
    const count = { spare: { count: 2 } };
    const servers = members.map((member) => seen(member, member.ordinal === 1 ? 'SHUTOFF' : 'ACTIVE'));
    const hosts = [...hostsNamed(2), hostNamed('h3', { enabled: false })];
    const at = (to: number): number[] => leavingOf(planned(scaleIn(to, { pool: count, hosts, snapshot: { servers } })));
    expect([at(5), at(4), at(3), at(2)]).toEqual([[1], [1, 6], [1, 5, 6], [1, 4, 5, 6]]);
  });

  test('one that is unwell, at the price of a launch; where there is no room for that, as if it were well', () => {
    const four = on('web', 'h1 h1 h2 h3');
    const at = (room: number): Plan =>
      planned(
        inputOf({
          pool: { spare: { share: { numerator: 1, denominator: 2 } } },
          members: four,
          hosts: hostsNamed(3, { free: roomFor(room) }),
          request: { kind: 'scaleIn', pool: 'web', to: 3 },
          snapshot: { servers: four.map((member) => seen(member, member.host === 'h3' ? 'ERROR' : 'ACTIVE')) },
        }),
      );
    expect([leavingOf(at(1)), launchesOf(at(1))]).toEqual([[2, 4], 1]);
    expect([leavingOf(at(0)), launchesOf(at(0))]).toEqual([[2], 0]);
  });

  test('nor is it worth a quota that is not there', () => {
    const four = on('web', 'h1 h1 h2 h3');
    const made = planned(
      inputOf({
        pool: { spare: { share: { numerator: 1, denominator: 2 } } },
        members: four,
        hosts: hostsNamed(3),
        request: { kind: 'scaleIn', pool: 'web', to: 3 },
        snapshot: {
          servers: four.map((member) => seen(member, member.host === 'h3' ? 'ERROR' : 'ACTIVE')),
          quotas: { instances: { limit: 4, used: 4 } },
        },
      }),
    );
    expect([leavingOf(made), launchesOf(made)]).toEqual([[2], 0]);
  });

  describe('that the caller names', () => {
    const named = (to: number, ordinals: readonly number[], change: Partial<Parameters<typeof inputOf>[0]> = {}) =>
      plan(
        scaleIn(to, {
          request: { kind: 'scaleIn', pool: 'web', to, members: ordinals.map((ordinal) => ({ pool: 'web', ordinal })) },
          ...change,
        }),
      );

    test('are those, and the others are chosen', () => {
      const made = named(4, [1], { pool: { spare: { count: 2 } } });
      expect(made.ok && leavingOf(made.plan)).toEqual([1, 6]);
    });

    test('are launched for elsewhere where the others would be too many on a host', () => {
      const made = named(5, [1]);
      expect(made.ok && [leavingOf(made.plan), launchesOf(made.plan)]).toEqual([[1, 4, 6], 2]);
    });

    test('are refused where nothing keeps the shares without them, with the reason and who would leave instead', () => {
      const four = on('web', 'h1 h1 h2 h3');
      const made = named(3, [4], {
        pool: { spare: { share: { numerator: 1, denominator: 2 } } },
        members: four,
        hosts: hostsNamed(3, { free: roomFor(0) }),
      });
      expect(made).toMatchObject({
        ok: false,
        refusal: {
          kind: 'Impossible',
          details: { members: ['v1-web-4'], remedy: 'Name others, or nobody: then v1-web-2 would leave.' },
        },
      });
    });

    test('are members of that pool, and no more than are to leave', () => {
      const problemOf = (made: ReturnType<typeof plan>) => (made.ok ? null : made.refusal.details.problems?.[0]);
      expect(problemOf(named(5, [1, 2]))).toEqual({
        path: 'members',
        message: '2 members are named, and 1 are to leave; name so many at most',
      });
      expect(problemOf(named(5, [9]))).toEqual({ path: 'members', message: 'v1-web-9 is not a member of v1' });
      const other = { kind: 'scaleIn', pool: 'web', to: 5, members: [{ pool: 'db', ordinal: 1 }] } as const;
      expect(problemOf(plan(scaleIn(5, { request: other })))).toEqual({
        path: 'members',
        message: 'v1-db-1 is not of the pool web',
      });
    });

    test('leave one at a turn where the pool is serial, and no other before them', () => {
      const pool = { spare: { count: 2 }, serial: true } as const;
      const request = {
        ...({ kind: 'scaleIn', pool: 'web', to: 3 } as const),
        members: [1, 2, 3].map((ordinal) => ({ pool: 'web', ordinal })),
      };
      const made = planned({ ...scaleIn(3, { pool, request }), oneChange: true });
      expect([leavingOf(made), made.more]).toEqual([[1], true]);
    });

    test('may be dead', () => {
      const failed = [memberOn('web', 7, 'h4')];
      const made = named(6, [7], { state: { failed } });
      expect(made.ok && leavingOf(made.plan)).toEqual([7]);
    });
  });
});
