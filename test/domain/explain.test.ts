import { blastSaid, explain, type Explanation } from '../../domain/explain/explanation';
import { plan, type PlanInput } from '../../domain/placement';
import { explanationText } from '../../client/table';
import { toldMost, toldOf } from '../../domain/explain/tell';
import { hostNamed, hostsNamed, inputOf, on, poolNamed, recordOf, snapshotOf, stateOf } from './build';

function explained(input: PlanInput): Explanation {
  const planned = plan(input);
  if (!planned.ok) throw new Error(planned.refusal.message);
  return explain(input.record, planned.plan);
}

/** The table that the steps lead to, one after the other: of the one pool that there is. */
function played({ before, steps }: Explanation): Record<string, Record<string, number>> {
  const counts = new Map(Object.entries(before).map(([host, row]) => [host, row['web'] ?? 0]));
  for (const { hosts: changed } of steps) for (const [host, count] of Object.entries(changed)) counts.set(host, count);
  return Object.fromEntries([...counts].filter(([, count]) => count > 0).map(([host, web]) => [host, { web }]));
}

const hosts = hostsNamed(6);

test('a scale-out: batch by batch, and what the death of each host takes before and after', () => {
  const input = inputOf({ members: on('web', 'h1 h2 h3'), hosts, request: { kind: 'scaleOut', pool: 'web', to: 6 } });
  const told = explained(input);
  expect(told.before).toEqual({ h1: { web: 1 }, h2: { web: 1 }, h3: { web: 1 } });
  expect(told.steps.map(({ does, members }) => [does, members])).toEqual([['launch', 3]]);
  expect(played(told)).toEqual(told.after);
  expect(told.blastRadius).toContainEqual({
    ...{ host: 'h1', pool: 'web' },
    before: { members: 1, level: 3, spare: 1 },
    after: { members: 1, level: 6, spare: 2 },
  });
  expect(told.blastRadius.map(blastSaid)).toContain('h1 takes 1 of 6 web, spare is 2');
});

test('a scale-in: deleted in batches that keep the letter, the last of which leaves what is said', () => {
  const members = on('web', 'h1 h1 h2 h2 h3 h3');
  const told = explained(inputOf({ members, hosts, request: { kind: 'scaleIn', pool: 'web', to: 3 } }));
  expect(told.steps.every(({ does }) => does === 'delete')).toBe(true);
  expect(told.steps.reduce((sum, { members: many }) => sum + many, 0)).toBe(3);
  expect(told.after).toEqual({ h1: { web: 1 }, h2: { web: 1 }, h3: { web: 1 } });
  expect(played(told)).toEqual(told.after);
});

test('a host emptied: replaced elsewhere before they leave, and the dead count for nothing', () => {
  const [first, ...rest] = on('web', 'h1 h2 h3 h4');
  const state = stateOf(rest, { failed: first ? [first] : [], level: 4 });
  const pool = poolNamed('web');
  const input = {
    record: recordOf([{ pool, state }]),
    snapshot: snapshotOf(hosts),
    request: { kind: 'emptyHosts', hosts: ['h2'], cause: 'maintenance' },
  } as const;
  const told = explained(input);
  expect(told.before).toEqual({ h2: { web: 1 }, h3: { web: 1 }, h4: { web: 1 } });
  expect(told.steps.map(({ does }) => does)).toEqual(['launch', 'delete']);
  expect(told.after['h2']).toBeUndefined();
  expect(played(told)).toEqual(told.after);
});

test('what an earlier run still drains is there before and in between, and not in the end', () => {
  const pool = poolNamed('web');
  const [owed] = on('web', 'h5', 9);
  const input = {
    record: recordOf([{ pool, state: stateOf(on('web', 'h1 h2 h3')) }], {
      debts: [
        {
          ...{ token: 't', workflowId: 'w', runId: 'r', procedure: 'scaleIn' as const, groups: [], sweep: [] },
          stages: [[{ pool: 'web', drainSeconds: 1, members: owed ? [owed] : [] }]],
          movedFrom: {},
        },
      ],
    }),
    snapshot: snapshotOf(hosts),
    request: { kind: 'scaleOut', pool: 'web', to: 4 },
  } as const;
  const told = explained(input);
  expect(told.before['h5']).toEqual({ web: 1 });
  expect(Object.values(told.after).reduce((sum, row) => sum + (row['web'] ?? 0), 0)).toBe(4);
});

/** Two racks of three hosts, and one more in the second of which nobody says it. */
const racked = '112212'
  .split('')
  .map((rack, at) => hostNamed(`h${String(at + 1)}`, at === 5 ? {} : { domains: { rack: `r${rack}` } }));
const byRack = { key: 'rack', spare: { share: { numerator: 1, denominator: 2 } } };

function told(input: PlanInput): Explanation {
  const planned = plan(input);
  if (!planned.ok) throw new Error(planned.refusal.message);
  return explain(input.record, { ...planned.plan, told: toldOf(input, planned.plan, toldMost) });
}

test('of pools in racks, what the death of each rack takes before and after, and what may be in one', () => {
  const request = { kind: 'scaleOut', pool: 'web', to: 5 } as const;
  const input = inputOf({ members: on('web', 'h1 h3 h6'), hosts: racked, pool: { failureDomain: byRack }, request });
  const { domainBlastRadius, caps, blastRadius } = told(input);
  expect(domainBlastRadius).toEqual([
    {
      ...{ key: 'rack', domain: 'r1', pool: 'web' },
      before: { members: 1, level: 3, spare: 1 },
      after: { members: 2, level: 5, spare: 2 },
    },
    {
      ...{ key: 'rack', domain: 'r2', pool: 'web' },
      before: { members: 1, level: 3, spare: 1 },
      after: { members: 2, level: 5, spare: 2 },
    },
  ]);
  expect(domainBlastRadius?.map(blastSaid)).toContain('rack r1 takes 2 of 5 web, spare is 2');
  expect(caps).toEqual({
    web: { before: 1, after: 1, failureDomain: { key: 'rack', zone: 'mz', before: 1, after: 2 } },
  });
  // Who is in no rack is told by its host alone.
  expect(blastRadius.map(({ host }) => host)).toContain('h6');
  expect(explanationText('v1', told(input)).split('\n')).toContain(
    'rack r2 takes 2 of 5 web, spare is 2 (now 1 of 3, spare 1)',
  );
});

test('members that leave racks are deleted in batches that keep the letter there', () => {
  const request = { kind: 'scaleIn', pool: 'web', to: 3 } as const;
  const pool = {
    spare: { count: 1 },
    failureDomain: { key: 'rack', spare: { share: { numerator: 2, denominator: 3 } } },
  };
  const hosts = ['r1', 'r1', 'r1', 'r2', 'r2', 'r2'].map((rack, at) =>
    hostNamed(`h${String(at + 1)}`, { domains: { rack } }),
  );
  const members = on('web', 'h1 h2 h3 h4 h5 h6').map((member, at) => ({ ...member, domain: at < 3 ? 'r1' : 'r2' }));
  const { steps, before } = told(inputOf({ members, hosts, pool, request }));
  const there = new Map(Object.keys(before).map((host) => [host, 1]));
  const inRack = (rack: string): number =>
    hosts.reduce((sum, { name, domains }) => sum + (domains?.['rack'] === rack ? (there.get(name) ?? 0) : 0), 0);
  const played = steps.map(({ members: many, hosts: changed }) => {
    for (const [host, count] of Object.entries(changed)) there.set(host, count);
    return [many, inRack('r1'), inRack('r2')];
  });
  // With the third among them two of one rack might vanish first, and leave 3 of 4 in the other.
  expect(played).toEqual([
    [2, 2, 2],
    [1, 2, 1],
  ]);
});

test('of pools that keep to no racks nothing of the kind is told', () => {
  const request = { kind: 'scaleOut', pool: 'web', to: 4 } as const;
  const made = told(inputOf({ members: on('web', 'h1 h2 h3'), hosts: racked, request }));
  expect(made).not.toHaveProperty('domainBlastRadius');
  expect(made.caps).toEqual({ web: { before: 1, after: 1 } });
  expect(made.told?.hosts.some((host) => 'domains' in host)).toBe(false);
});

test('for a terminal: the table before and after, the steps, and the hosts that take most', () => {
  const members = on('web', 'h1 h2 h3');
  const told = explained(inputOf({ members, hosts: hostsNamed(3), request: { kind: 'scaleOut', pool: 'web', to: 6 } }));
  expect(explanationText('v1', told).split('\n')).toEqual([
    'v1  web',
    'h1  1>2',
    'h2  1>2',
    'h3  1>2',
    '1. launch 3 of web: then h1 has 2, h2 has 2, h3 has 2',
    'h1 takes 2 of 6 web, spare is 2 (now 1 of 3, spare 1)',
    'h2 takes 2 of 6 web, spare is 2 (now 1 of 3, spare 1)',
    'h3 takes 2 of 6 web, spare is 2 (now 1 of 3, spare 1)',
  ]);
});
