import { noteOf } from '../../checker/world';
import type { Member, PoolState } from '../../domain/record';
import { casesAt, play, type Case, type Played } from '../../scripts/lib/virtual/enumerate';
import { answers, isOfServers, type Answer, type Fault } from '../../scripts/lib/virtual/faults';
import { firstPool, specs, vnf, type Spec } from '../../scripts/lib/virtual/specs';
import type { World } from '../../scripts/lib/virtual/world';
import { activityNames } from '../../workers/compose';
import { expectAsPromised } from './moments';

/** Faults whose cases are to be looked at more closely; a part of all others is in moments*.test.ts. */

/** The cases of this fault at moments of which this is said. */
async function casesOf(name: string, { fault, what }: { fault: Fault; what: string }): Promise<Case[]> {
  const spec = specNamed(name);
  const clean = await play(spec);
  return casesAt(spec, clean).filter(
    (each) => each.fault === fault && clean.moments[each.moment]?.what.startsWith(what) === true,
  );
}

function specNamed(name: string): Spec {
  const spec = specs.find((each) => each.name === name);
  if (!spec) throw new Error(`there is no ${name}`);
  return spec;
}

/** Of a fault that befell nothing one cannot say that the run came through it. */
test.each<[string, string, (of: { readonly clean: Played; readonly first: Case }) => Case, RegExp]>([
  [
    ...(['at a moment that never comes', 'scaleIn'] as const),
    ({ clean, first }) => ({ ...first, fault: 'terminated', moment: clean.moments.length }),
    /^moment \d+ \(activity readRecord begins\) never came: there were \d+$/,
  ],
  [
    ...(['at another moment than is meant', 'scaleIn'] as const),
    ({ first }) => ({ ...first, fault: 'recordHeld', moment: first.moment + 1 }),
    /^moment 1 was activity readRecord ends, and activity readRecord begins without a fault$/,
  ],
  [
    ...(['of servers, where none is made', 'scaleIn'] as const),
    ({ first }) => ({ ...first, fault: 'misplace' }),
    /^no server came that misplace could befall$/,
  ],
  [
    ...(['of a record, where there is none', 'capacity of what is yet to be'] as const),
    ({ first }) => ({ ...first, fault: 'recordHeld' }),
    /^there was no record that recordHeld could befall$/,
  ],
])('a fault %s is a problem', async (_where, name, caseOf, problem) => {
  const spec = specNamed(name);
  const clean = await play(spec);
  const [first] = casesAt(spec, clean);
  if (!first) throw new Error('it has a first moment');
  const { problems } = await play(spec, caseOf({ clean, first }));
  expect(problems).toContainEqual(expect.stringMatching(problem));
});

test('servers fail where some are made or moved, and nowhere else', async () => {
  const faultsOf = async (name: string): Promise<Fault[]> => {
    const spec = specNamed(name);
    return casesAt(spec, await play(spec)).flatMap(({ fault }) => (isOfServers(fault) ? [fault] : []));
  };
  const all = ['misplace', 'buildError', 'stuckBuild', 'noValidHost'];
  expect(await faultsOf('scaleOut')).toEqual(all);
  expect(await faultsOf('evacuateHost of a dead host where Nova evacuates (two pools)')).toEqual(all);
  expect(await faultsOf('evacuateHost of a dead host where Nova evacuates')).toEqual(all.slice(1));
  for (const name of ['scaleIn', 'terminate', 'audit', 'adopt', 'restoreHost'])
    expect(await faultsOf(name)).toEqual([]);
}, 60_000);

/** What it comes to: the run that goes back, and the one that cannot go on with its debt. */
const stuckEnds: Record<Answer, readonly [back: string, forward: string]> = {
  retried: ['cancelled', 'completed'],
  skipped: ['cancelled', 'completed'],
  givenUp: ['stuck', 'stuck'],
  blocked: ['stuck', 'stuck'],
  unanswered: ['stuck', 'stuck'],
};

test.each(answers)(
  'a run that is stuck, and is %s, ends as promised',
  async (answer) => {
    const [back, forward] = stuckEnds[answer];
    for (const name of ['scaleOut', 'scaleOut (tenant)']) {
      const [undone] = await casesOf(name, { fault: `undoFails:${answer}`, what: 'awaitHealthy' });
      expect(undone && (await expectAsPromised(undone))).toMatchObject({
        stuckIn: ['undo of launch'],
        wasBlocked: answer === 'blocked',
        ended: { outcome: back },
      });
    }
    for (const name of ['scaleIn', 'terminate (two pools)']) {
      const [unpaid] = await casesOf(name, { fault: `cloudFails:${answer}`, what: 'remove DELETE' });
      expect(unpaid && (await expectAsPromised(unpaid))).toMatchObject({
        stuckIn: ['drain and delete'],
        wasBlocked: answer === 'blocked',
        ended: { outcome: forward },
      });
    }
  },
  60_000,
);

/** Of an adopt whose security group somebody has deleted: a person was told to remove the other pool's, which its members use. */
test('a skip of what an adopt has made asks for nothing else', async () => {
  const cases = await casesOf('adopt (two pools)', { fault: 'undoFails:skipped', what: 'createGroups' });
  expect(cases.length).toBeGreaterThan(0);
  for (const each of cases) expect(await expectAsPromised(each)).toMatchObject({ ended: { outcome: 'cancelled' } });
}, 60_000);

/**
 * An adopt that was broken off had put the VNF's tag on servers whose ports had no mark yet: the next one left the ports in no record. An
 * audit with repair that came between took servers of it for orphans. One that was reset saw its servers half tagged, and said that it had
 * touched nothing.
 */
test.each(['cloudFails:givenUp', 'cloudFails:blocked', 'reset'] as const)(
  'an adopt that is broken off while it tags (%s) loses nothing',
  async (fault) => {
    const cases = await casesOf('adopt of what others made', { fault, what: 'markMembers' });
    expect(cases.length).toBeGreaterThan(15);
    // One of each kind of tag, and of the ports' marks.
    for (const each of cases.filter((_, index) => index % 3 === 0)) await expectAsPromised(each);
  },
  60_000,
);

/** What cleaned up behind it went for the groups of the VNF whose record is lost: it was blocked, and nobody could adopt it. */
test.each(['terminated', 'reset'] as const)(
  'an instantiate of what is there that is %s before it is refused leaves it to be adopted',
  async (fault) => {
    for (const name of ['instantiate of what is there', 'instantiate of what is there (tenant)']) {
      const [first] = await casesOf(name, { fault, what: 'plan' });
      expect(first && (await expectAsPromised(first))).toMatchObject({ wasBlocked: false });
    }
  },
  60_000,
);

/** By name of the activities that are at work where nothing goes wrong. */
async function activitiesOf(spec: Spec): Promise<string[]> {
  const { moments } = await play(spec);
  return moments.flatMap(({ kind, what, at }) => (kind === 'activity' && at === 'begins' ? [what] : []));
}

/** What undoes launches, what is asked for a person who skips, and what a run that was reset waits by for those that it had begun. */
const neverWhereAllIsWell = ['removeByToken', 'findLeft', 'watch'];

test('every activity is at work in some procedure where nothing goes wrong', async () => {
  const seen = new Set<string>();
  for (const spec of specs) for (const name of await activitiesOf(spec)) seen.add(name);
  expect(activityNames.filter((name) => !seen.has(name)).sort()).toEqual([...neverWhereAllIsWell].sort());
}, 120_000);

test('a pool that takes a turn for each member has more than one', async () => {
  const serial = specs.filter(({ name }) => name.endsWith('where the pool is serial'));
  expect(serial.map(({ procedure }) => procedure)).toEqual(['scaleOut', 'scaleIn', 'heal', 'evacuateHost']);
  for (const spec of serial) {
    const { moments } = await play(spec);
    const commits = moments.filter(({ what, at }) => what.startsWith('commit from ') && at === 'before');
    expect([spec.name, commits.length]).toEqual([spec.name, 2]);
  }
}, 60_000);

/** It moved members although it was cancelled before that, and said that it had gone back when all had arrived, and were committed. */
test('a cancel before Nova is asked to move members is heard, and a later one has nothing to go back on', async () => {
  const name = 'evacuateHost of a dead host where Nova evacuates';
  const spec = specNamed(name);
  const clean = await play(spec);
  const outcomesAt = async (what: string): Promise<unknown[]> => {
    const cases = casesAt(spec, clean).filter(({ fault, moment }) => {
      const at = clean.moments[moment];
      return (fault === 'cancelled' || fault === 'childCancelled') && at?.what === what && at.at === 'begins';
    });
    const ends = [];
    for (const each of cases) {
      let moved = false;
      const { ended } = await play(spec, each, ({ cloud }) => {
        moved = [...cloud.servers.values()].some(
          (server) => server.name === 'v-web-1' && cloud.hosts.get(server.host ?? '')?.alive,
        );
      });
      ends.push({ fault: each.fault, outcome: ended.outcome, moved });
    }
    return ends;
  };
  expect(await outcomesAt('plan')).toEqual([
    { fault: 'cancelled', outcome: 'cancelled', moved: false },
    { fault: 'childCancelled', outcome: 'unwound', moved: false },
  ]);
  for (const what of ['evacuate', 'awaitHealthy', 'publish'])
    expect(await outcomesAt(what)).toEqual([
      { fault: 'cancelled', outcome: 'completed', moved: true },
      { fault: 'childCancelled', outcome: 'completed', moved: true },
    ]);
}, 60_000);

test('the same case comes out the same', async () => {
  const [spec] = specs;
  if (!spec) throw new Error('there are procedures');
  const once = await play(spec);
  expect(await play(spec)).toEqual(once);
});

const replaces = specs.filter(({ procedure }) => procedure === 'heal' || procedure === 'evacuateHost');

/** Where it has done nothing of what it was for, record and cloud agree all the same. */
test.each(replaces.map((spec) => ({ name: spec.name, spec })))(
  '$name: what it leaves undone is told, and nothing else',
  async ({ spec }) => {
    const said: (readonly string[])[] = [];
    const tell = async (
      world: World,
      change: (pool: PoolState, first: Member) => Partial<PoolState>,
    ): Promise<void> => {
      const view = world.viewOf(vnf);
      const pool = view?.pools[firstPool];
      const [first] = pool?.inService ?? [];
      if (!view || !pool || !first) throw new Error('the VNF has no member');
      const pools = { ...view.pools, [firstPool]: { ...pool, ...change(pool, first) } };
      const after = await spec.after?.({ ...world, viewOf: () => ({ ...view, pools }) }, { outcome: 'completed' });
      said.push(after ?? []);
    };
    const telling: Promise<void>[] = [];
    const { ended } = await play(spec, undefined, (world) => {
      telling.push(
        tell(world, () => ({})),
        tell(world, ({ inService }, first) => ({ inService: inService.slice(1), failed: [first] })),
        tell(world, ({ level, inService }) => ({ inService: inService.slice(1), level: level - 1 })),
      );
      if (spec.procedure === 'evacuateHost') putBack(world);
      telling.push(
        tell(world, ({ inService }, first) => ({ inService: [...inService.slice(1), { ...first, ordinal: 1 }] })),
      );
    });
    await Promise.all(telling);
    expect([ended.outcome, said]).toEqual([
      'completed',
      [
        [],
        [
          expect.stringMatching(/^\d of web serve, and not \d$/),
          expect.stringMatching(/^web \d has failed, and was not/),
        ],
        [expect.stringMatching(/^web is at level \d, and was at \d$/), expect.stringMatching(/^\d of web serve/)],
        [
          expect.stringMatching(
            spec.procedure === 'heal' ? /^v-web-1 serves still$/ : /^v-web-\d is on cmp-\d+ still$/,
          ),
        ],
      ],
    ]);
  },
);

/** To the first of the hosts that it was asked to empty. */
function putBack({ cloud: { servers, hosts, hostIds, log } }: World): void {
  const [asked] = log
    .flatMap((event) => {
      const note = noteOf(event);
      return note?.kind === 'request' && note.procedure === 'evacuateHost' ? [note.request as { hosts: string[] }] : [];
    })
    .slice(-1);
  const [server] = servers.values();
  const host = [...hosts.keys()].find((name) =>
    [name, hostIds.get(`${server?.projectId ?? ''}${name}`)].includes(asked?.hosts[0]),
  );
  if (!server || host === undefined) throw new Error('there is no such host');
  server.host = host;
}
