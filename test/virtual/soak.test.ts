import type { CloudEvent } from '../../simulator';
import { playNight, playStory, shrink } from '../../scripts/lib/virtual/soak';
import { lifecyclesIn } from '../../scripts/lib/virtual/lifecycles';
import { storyOf, told, type Story } from '../../scripts/lib/virtual/story';

/** A part of what `./scripts/soak` plays, and the nights on which something was wrong once. */

/**
 * 3: a terminate deleted in no order. 227, 303: so did an undo, and a clean-up. 2052: two runs deleted side by side. 3698: a launch
 * counted on what another run was deleting. 30921: a terminate and a scaleIn vanished together. 33701: ports came long after their run had
 * ended. 33776: the dead of a cancelled heal were expected to serve. 302366, 302428, 304585: whether one counts that is dead, and not known to
 * be. 303235, 307003: ports came long after anybody had waited for them. 1000140: of hosts that were as full one had a member less that others
 * were deleting. 1001441: the deletion of a dead one was blamed for what its death had left.
 * 1002370: a publication was not bounded. 1200806: an evacuation made by a reset waited for a mutex that had gone. 2007200: a member was
 * launched on a port whose deletion was on its way. 2028074: two creates got as far as the same port.
 * 3000006, 3000100: places for several pools were looked for without a look at racks. 3000048: a rebalance did not look at racks. 3000073:
 * one was replaced in a rack that has its share. 3000216: those that drain there still. 3000270: a record did not know who had been moved.
 * 3001224: a rebalance was blamed for one that was dead. 3005027: deletions were in an order that was decided before a rebalance found one elsewhere.
 * 4003645, 4008655, 4009739, 4013897: a clean-up counted the dead. 4003715, 4009178, 4012566: one was dropped as dead between a plan and its first move.
 * 4021180: who had died between commit and publication was expected to serve. 4022011: of old and new together one of the old had died. 4028886: a
 * rebalance was blamed for one that was on its way out. 5011093: another run deleted one between a plan and its first launch.
 * 5063901: so did one whose host had come back. 6001609: an undo did not know yet where one is. 6003672: one that drained had died. 6003632: with one
 * on a host of no rack a pool was more than the racks carry. 6014261, 7008131: one that a record still owed was gone. 8002778: the
 * things of a run that was reset were laid to the next. 8004007: one that was dropped as dead ran on a host that was up again.
 * 9033513: the dead that another run was to delete were put into an order with others.
 * 10052235: what a run that was reset had begun came late, and was laid to another. 10018733: launches counted on one that was
 * dead, whom the record did not know to be. 10020472: one was moved to a host that was forced down. 12045278: two scaled a serial pool to
 * one level, a turn each; one moved twice was where its record had it after the first. 13019529: a run
 * that was reset was not told what had become of a child that it had begun. 14041520, 14103888: what a worker did again it did by a later clock.
 * 15085637: with one in another zone a pool was more than its racks carry. 16008412: one that lacked the dead was made smaller.
 * 20000268: a rebalance was told of a record without members. 20003893: whom an adopt took for dead was expected to serve. 20004072: what a terminate had asked for came when its VNF had been adopted. 20001217, 20004754: who was to leave a rack stayed when the record
 * was lost. 20004889: a person kept no order. 20005098: a tenant's group had no room for a replacement.
 * 20002806: by hand was deleted what others used still. 20100876: of a terminate that was reset when its record had gone nothing was expected, and it was stuck. 20212996: a
 * tenant's rebalance was expected where its hosts carry no more. 20400002: an adopt let one serve whose host is forced down.
 * 20500296: a terminate took along what no clean-up had got rid of. 20214046: of a host that another evacuation had opened it was not said that it was forced down still.
 * 20601565: the level of an adopted one was not known to the checker before it settled. 20617238: who went back
 * opened a host that another evacuation had forced down since. 20703368: what a rebalance had committed before it was reset was not yet published. With G8, what the checker
 * did not know to have stood in the way: 3000500: a host that had just died; 20700359: that nobody gets the turn; 20700376: what was still
 * being drained; 14206949: a member that was moved. 30000597: that one was dead was published when Nova had evacuated it. 30100360: a
 * tenant names hosts by hostId. 30100414: a tenant's host had no servers any more. 20906793: a clean-up was
 * about to be one too many that failed. 30106424: one was replaced whose host was up, and forced down.
 * 21000972: a run that was stuck had the turn. 30201114: a restoreHost could not know that Temporal had given its attempt up.
 * 30208701: one that had been evacuated in vain came when its host was back, and its record did not know. 30208624: a tenant's dead kept the
 * only places. 21205275: a tenant's rebalance moved one whose group had no other place. 21203910: of an adopted one nobody missed the dead.
 * 30502739: what was left could not be looked at, and a person did not ask again. 21305838: whom an adopt had taken for dead when it was nowhere
 * had come to a host. 21307697: a record did not know that one whom it had taken out had died. 30616889: a tenant's
 * word that a host had failed was taken for old while its run was still stuck. 21403462: one was moved while a rebalance was at work.
 * 30877500: a dead one that was gone, and not made up for, was not counted in its level.
 * 21443467: a repair deleted in no order what no clean-up had got rid of.
 * 32000203, 1000028, 1000715: a host was said to be empty, and what a run was launching there came to serve on it. 1001111: one that drained there was
 * missed. 32000271, 33000095: one came to serve on a host that had been forced down since it was launched there.
 * 33100779: a record was lost just before the run that had made it ended, and it was expected to be there.
 * 30715844, 21428022, 30733091: what a person did by hand got no answer twice. 30725129: some had died between a commit and its publication, so that the
 * level was taken for a smaller one.
 */
const onceFailed = [
  ...[3, 227, 303, 2052, 3698, 30_921, 33_701, 33_776, 302_366, 302_428, 303_235, 304_585, 307_003, 1_000_140],
  ...[1_001_441, 1_002_370, 1_200_806, 2_007_200, 2_028_074, 3_000_006, 3_000_048, 3_000_073, 3_000_100, 3_000_216],
  ...[3_000_270, 3_001_224, 3_005_027, 4_003_645, 4_003_715, 4_008_655, 4_009_178, 4_009_739, 4_012_566, 4_013_897],
  ...[4_021_180, 4_022_011, 4_028_886, 5_011_093, 5_063_901, 6_001_609, 6_003_632, 6_003_672, 6_014_261, 7_008_131],
  ...[8_002_778, 8_004_007, 9_033_513, 10_052_235, 10_018_733, 10_020_472, 12_045_278, 13_019_529],
  ...[
    14_041_520, 14_103_888, 15_085_637, 16_008_412, 20_000_268, 20_001_217, 20_003_893, 20_004_072, 20_004_754,
    20_004_889, 20_005_098, 20_002_806, 20_100_876, 20_212_996, 20_400_002, 20_500_296, 20_214_046, 20_601_565,
    20_617_238, 20_703_368, 3_000_500, 20_700_359, 20_700_376, 14_206_949, 30_000_597, 30_100_360, 30_100_414,
    20_906_793, 30_106_424, 21_000_972, 30_201_114, 30_208_701, 30_208_624, 21_203_910, 21_205_275, 30_502_739,
    21_305_838, 21_307_697, 30_616_889, 21_403_462, 30_715_844, 21_428_022, 30_725_129, 30_733_091, 21_443_467,
    30_877_500, 32_000_203, 1_000_028, 1_000_715, 1_001_111, 32_000_271, 33_000_095, 33_100_779,
  ],
];

const some = [100_000, 20_000_000, 30_000_000].flatMap((from) => Array.from({ length: 5 }, (_, index) => from + index));

test.each([...onceFailed, ...some])('seed %i', async (seed) => {
  expect(await playStory(storyOf(seed))).toEqual([]);
});

/** Run ids were no UUIDs any more from 281474132 on, and no record could answer. */
test('the highest seed that there may be is a night like others', async () => {
  expect(await playStory(storyOf(999_999_999))).toEqual([]);
});

describe('before the last look at a VNF nothing is repaired', () => {
  const pool = { name: 'web', zone: 'mz', spare: 1, min: 2, initial: 3, max: 8, serial: false };
  const isOverdue = async (acts: Story['acts']): Promise<boolean> => {
    const story = { seed: 30_000_000, hosts: { mz: 6 }, vnfs: [{ vnf: 'v1', pools: [pool] }], acts };
    const { isOverdue, problems } = await playNight(story);
    expect(problems).toEqual([]);
    return isOverdue;
  };
  const acts: Story['acts'] = [
    { atSeconds: 0, does: 'instantiate', vnf: 'v1' },
    { atSeconds: 60, does: 'recordDies', vnf: 'v1' },
    { atSeconds: 70, does: 'adopt', vnf: 'v1' },
  ];

  test('where all calls had their effect while somebody waited for them', async () => {
    expect(await isOverdue(acts)).toBe(false);
  });

  test('and it is where one came late', async () => {
    const strike = { kind: 'late', milliseconds: 60_000 } as const;
    expect(await isOverdue([{ atSeconds: 0, does: 'callStruck', afterCalls: 17, times: 1, strike }, ...acts])).toBe(
      true,
    );
  });
});

test('a seed is a story, and a story comes out the same each time', async () => {
  expect(storyOf(7)).toEqual(storyOf(7));
  expect(told(storyOf(7))).not.toEqual(told(storyOf(8)));
  expect(await playStory(storyOf(7))).toEqual(await playStory(storyOf(7)));
});

describe('nights with racks', () => {
  const nights = Array.from({ length: 40 }, (_, index) => storyOf(3_000_001 + index));
  const nested = nights.filter(({ vnfs }) =>
    vnfs.some(({ pools }) => pools.some((pool) => pool.rackSpare !== undefined)),
  );

  test('are told with them, and all that they do is played', () => {
    for (const story of nights) {
      const lines = told(story);
      const isRacked = story.racks !== undefined;
      expect([isRacked, / hosts in mz \((r\d|no rack)(, r\d|, no rack)*\), /.test(lines[0] ?? '')]).toEqual([
        isRacked,
        isRacked,
      ]);
      expect(lines.some((line) => line.includes(', of a rack '))).toBe(nested.includes(story));
    }
    const done = new Set(nights.flatMap(({ acts }) => acts.map(({ does }) => does)));
    expect([...done]).toEqual(
      expect.arrayContaining(['rackDies', 'rackReturns', 'evacuateRack', 'memberMoves', 'rebalance']),
    );
  });

  test('are as they were before the first of them', () => {
    for (const seed of [1, 60_000, 2_999_999]) expect(storyOf(seed).racks).toBeUndefined();
  });

  test('are made short without racks where they fail without, and else with the pool that needs them', async () => {
    const poolsOf = ({ vnfs }: Story) => vnfs.flatMap(({ pools }) => pools);
    const nestedIn = (story: Story) => poolsOf(story).filter(({ rackSpare }) => rackSpare !== undefined);
    const story = nested.find((each) => nestedIn(each).length > 1);
    const needed = story && nestedIn(story)[1];
    if (!story || !needed) throw new Error('no night has two pools that keep to racks');
    const flat = await shrink(story, () => Promise.resolve(['it fails']));
    expect([flat.acts, flat.racks, nestedIn(flat)]).toEqual([[], undefined, []]);
    const shortest = await shrink(story, (shorter) =>
      Promise.resolve(poolsOf(shorter).includes(needed) ? ['it fails'] : []),
    );
    expect(nestedIn(shortest)).toEqual([needed]);
    expect(shortest.racks).toEqual(story.racks);
  });
});

describe('nights with people', () => {
  const nights = Array.from({ length: 120 }, (_, index) => storyOf(20_000_000 + index));
  const actsOf = (stories: readonly Story[]) => stories.flatMap(({ acts }) => acts);
  const isTenants = ({ as }: Story) => as === 'tenant';

  test('are told with all that they do, and all of it is played', () => {
    const played = new Set(
      actsOf(nights).flatMap((act) => {
        if (act.does === 'audit') return [act.repair ? 'audit with repair' : 'audit'];
        if (act.does === 'troubled')
          return [`${act.trouble}:${act.answer}`, act.cleanUps ? 'clean-ups fail' : 'they do not'];
        return act.does === 'reset' && act.keptPercent !== undefined ? ['reset to a share'] : [act.does];
      }),
    );
    const answers = ['retried', 'skipped', 'givenUp', 'unanswered'];
    expect([...played]).toEqual(
      expect.arrayContaining([
        ...['reset to a share', 'audit', 'audit with repair', 'recordDies', 'adopt', 'clean-ups fail', 'they do not'],
        ...answers.flatMap((answer) => [`undoFails:${answer}`, `cloudFails:${answer}`]),
      ]),
    );
    for (const story of nights) expect(told(story)[0]?.endsWith(', as a tenant')).toBe(isTenants(story));
    const tenants = nights.filter(isTenants);
    expect(tenants.length).toBeGreaterThan(nights.length / 10);
    expect(tenants.filter(({ racks }) => racks !== undefined)).toEqual([]);
  });

  test('are as they were before the first of them', () => {
    const before = [1, 3_000_000, 19_999_900].flatMap((from) =>
      Array.from({ length: 100 }, (_, index) => storyOf(from + index)),
    );
    expect(before.filter(isTenants)).toEqual([]);
    const known = actsOf(before).filter(
      (act) =>
        ['audit', 'adopt', 'recordDies', 'troubled'].includes(act.does) ||
        (act.does === 'reset' && act.keptPercent !== undefined),
    );
    expect(known).toEqual([]);
  });

  test('are made short as an operator where they fail so, too', async () => {
    const story = nights.find(isTenants);
    if (!story) throw new Error('there is no tenant');
    const always = await shrink(story, () => Promise.resolve(['it fails']));
    expect([always.acts, always.as]).toEqual([[], undefined]);
    const tenants = await shrink(story, (shorter) => Promise.resolve(isTenants(shorter) ? ['it fails'] : []));
    expect([tenants.acts, tenants.as]).toEqual([[], 'tenant']);
  });
});

test('what fails is made as short as it can be', async () => {
  const story = storyOf(11);
  const needed = story.acts.find(({ does }) => does === 'scale');
  const fails = (acts: typeof story.acts): Promise<string[]> =>
    Promise.resolve(needed && acts.includes(needed) ? ['it fails'] : []);
  const shortest = await shrink(story, ({ acts }) => fails(acts));
  expect(shortest.acts).toEqual([needed]);
});

test('a lifecycle is a VNF that served, and was taken away', () => {
  const base = { seq: 1, at: 0, requestId: null };
  const asked = (id: string, vnf: string): CloudEvent => {
    const note = { kind: 'request', id, procedure: 'terminate', vnf, request: {} };
    return { ...base, type: 'note', note };
  };
  const ended = (id: string, outcome: string): CloudEvent => ({
    ...base,
    type: 'note',
    note: { kind: 'outcome', id, outcome },
  });
  const serves = (...web: string[]): CloudEvent => ({
    ...base,
    ...{ type: 'published', vnf: 'v1', revision: 1, stage: 1, service: { web } },
  });
  const taken = [asked('t1', 'v1'), ended('t1', 'completed')];
  expect(lifecyclesIn([...taken, serves(), ...taken])).toBe(0);
  expect(lifecyclesIn([serves('v1-web-1'), asked('t1', 'v1'), ended('t1', 'refused')])).toBe(0);
  expect(lifecyclesIn([serves('v1-web-1'), asked('t1', 'v2'), ended('t1', 'completed')])).toBe(0);
  expect(lifecyclesIn([serves('v1-web-1'), serves(), ...taken, ...taken, serves('v1-web-1'), ...taken])).toBe(2);
});
