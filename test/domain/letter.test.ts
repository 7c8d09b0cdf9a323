import { casesOf, fc } from '../property';
import type { Sharing } from '../../domain/descriptor/descriptor';
import { plan } from '../../domain/placement';
import { cutDeletions, cutLaunches } from '../../domain/placement/batches';
import type { Member } from '../../domain/record';
import type { Host } from '../../domain/snapshot';
import { anyRack, anySharing, inRack } from './clouds';
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
import { countsOf, domainsOf, keepsLetter, someOrderKeepsLetter } from './oracle';

/** G1(d) of deletions: cut so that it holds in whatever order a batch vanishes, and said where it cannot be had. */

const anyHosts = fc.array(fc.tuple(fc.integer({ min: 0, max: 4 }), anyRack), { minLength: 1, maxLength: 4 });

function hostsIn(drawn: readonly (readonly [number, string | null])[]): Host[] {
  return drawn.map(([, rack], at) => hostNamed(`h${String(at + 1)}`, inRack(rack)));
}

/** Every state that a cloud may pass through while these vanish, as VMs on each host. */
function statesWithout(existing: ReadonlyMap<string, number>, batch: readonly string[]): ReadonlyMap<string, number>[] {
  let states = [new Map(existing)];
  for (const [host, gone] of countsOf(batch))
    states = states.flatMap((state) =>
      Array.from({ length: gone + 1 }, (_, some) => new Map(state).set(host, (state.get(host) ?? 0) - some)),
    );
  return states;
}

test('deletions are cut into batches that keep the letter in every order, each as large as that allows; else one at a time', () => {
  const seen = { several: 0, one: 0 };
  fc.assert(
    fc.property(anySharing, anyHosts, fc.infiniteStream(fc.nat()), (sharing, drawn, stream) => {
      const chosen = (): number => Number(stream.next().value);
      const domainOf = domainsOf(hostsIn(drawn), poolNamed('web', sharing));
      const isLawful = (state: ReadonlyMap<string, number>): boolean => keepsLetter(sharing, state, domainOf);
      let existing = new Map(drawn.map(([many], at) => [`h${String(at + 1)}`, many]));
      const living = [...existing].flatMap(([host, many]) => Array.from({ length: many }, () => host));
      const shuffled = living.map((host) => ({ host, at: chosen() })).sort((a, b) => a.at - b.at);
      const order = shuffled.slice(0, chosen() % (living.length + 1));
      const batches = cutDeletions(sharing, order, {
        ...{ existing, domainOf: (host) => domainOf(host) ?? null },
      });
      expect(batches.reduce((sum, many) => sum + many, 0)).toBe(order.length);
      let begun = 0;
      for (const many of batches) {
        const hosts = order.slice(begun, begun + many + 1).map(({ host }) => host);
        const lawful = (some: number): boolean =>
          statesWithout(existing, hosts.slice(0, some)).every(
            // How it was before the batch is nobody's fault.
            (state, first) => first === 0 || isLawful(state),
          );
        seen[many > 1 ? 'several' : 'one'] += 1;
        if (many > 1) expect(lawful(many)).toBe(true);
        if (hosts.length > many && isLawful(existing)) expect(lawful(many + 1)).toBe(false);
        existing = new Map(
          [...existing].map(([host, here]) => [host, here - (countsOf(hosts.slice(0, many)).get(host) ?? 0)]),
        );
        begun += many;
      }
    }),
    casesOf(2_000),
  );
  expect(Math.min(seen.several, seen.one)).toBeGreaterThan(0);
});

describe('a terminate', () => {
  const terminate = (sharing: Sharing, members: readonly Member[], hosts = hostsNamed(4)) => {
    const planned = plan({
      record: recordOf([{ pool: poolNamed('web', sharing), state: stateOf(members) }]),
      snapshot: snapshotOf(hosts),
      request: { kind: 'terminate' },
    });
    if (!planned.ok) throw new Error(planned.refusal.message);
    return planned.plan;
  };

  test('is to the letter exactly where some order of its deletions is', () => {
    const seen = { kept: 0, forbidden: 0 };
    fc.assert(
      fc.property(anySharing, anyHosts, (sharing, drawn) => {
        const hosts = drawn.flatMap(([many], at) => Array.from({ length: many }, () => `h${String(at + 1)}`));
        const made = terminate(sharing, on('web', hosts.join(' ')), hostsIn(drawn));
        expect(made.leave).toHaveLength(hosts.length);
        const domainOf = domainsOf(hostsIn(drawn), poolNamed('web', sharing));
        const kept = someOrderKeepsLetter(sharing, countsOf(hosts), { hosts, by: -1, domainOf });
        seen[kept ? 'kept' : 'forbidden'] += 1;
        expect(made.toTheLetter).toBe(kept);
      }),
      casesOf(2_000),
    );
    expect(Math.min(seen.kept, seen.forbidden)).toBeGreaterThan(0);
  });

  test('says at how many VMs it is broken: of nine on two hosts, one has more than half', () => {
    const made = terminate(
      { spare: { share: { numerator: 1, denominator: 2 } } },
      on('web', 'h1 h1 h1 h1 h1 h2 h2 h2 h2 h2'),
    );
    expect([made.toTheLetter, made.forbiddenBy]).toEqual([false, [{ pool: 'web', level: 9 }]]);
  });

  test('that must be to the letter is refused where it is not', () => {
    const planned = plan({
      ...inputOf({
        pool: { spare: { share: { numerator: 1, denominator: 2 } } },
        members: on('web', 'h1 h1 h2 h2'),
        hosts: hostsNamed(2),
        request: { kind: 'terminate' },
      }),
      strict: true,
    });
    expect(planned.ok ? null : planned.refusal.details.constraint).toContain('with 3 VMs of web in existence');
  });
});

test('a new member goes where those that leave can be deleted to the letter, if there is such a place, though another is roomier', () => {
  // At five VMs one on each host: h2, h1 and h3 must all have lost one by then, and only two leave for a new one on h2.
  const planned = plan(
    inputOf({
      pool: { spare: { share: { numerator: 17, denominator: 50 } } },
      members: on('web', 'h1 h1 h2 h3 h3 h4'),
      state: { failed: [memberOn('web', 9, 'h2')], level: 7 },
      hosts: [1, 2, 3, 4, 5, 6].map((at) =>
        hostNamed(`h${String(at)}`, { free: roomFor([0, 2, 0, 0, 0, 1][at - 1] ?? 0) }),
      ),
      request: { kind: 'scaleIn', pool: 'web', to: 5, members: [{ pool: 'web', ordinal: 3 }] },
    }),
  );
  expect(planned.ok && planned.plan.batches.flatMap(({ rows }) => rows.map(({ host }) => host))).toEqual(['h6']);
  expect(planned.ok && planned.plan.toTheLetter).toBe(true);
});

test('launches that cannot be to the letter both with one that looks dead and without it are so without it', () => {
  const pool = poolNamed('web', {
    spare: { share: { numerator: 34, denominator: 100 } },
    failureDomain: { key: 'rack', spare: { share: { numerator: 60, denominator: 100 } } },
  });
  const hosts = ['a', 'b', 'b', 'b', 'a', 'b'].map((rack, at) =>
    hostNamed(`h${String(at + 1)}`, { domains: { rack } }),
  );
  const domainOf = domainsOf(hosts, pool);
  const wanted = ['h6', 'h1', 'h5', 'h2', 'h3', 'h4'];
  const living = ['h2', 'h1', 'h5'];
  const cut = cutLaunches(pool, wanted, {
    existing: countsOf([...living, 'h3']),
    vanishing: ['h3'],
    dead: ['h3'],
    domainOf: (host) => domainOf(host) ?? null,
  });
  const launched: string[] = [];
  for (const batch of cut.batches) {
    // Whichever of them comes first, and when all have come.
    for (const first of batch)
      expect(keepsLetter(pool, countsOf([...living, ...launched, first]), domainOf)).toBe(true);
    launched.push(...batch);
    expect(keepsLetter(pool, countsOf([...living, ...launched]), domainOf)).toBe(true);
  }
  expect(launched.sort()).toEqual(wanted.sort());
});
