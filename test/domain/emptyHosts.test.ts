import { plan, type PlanInput } from '../../domain/placement';
import type { Member } from '../../domain/record';
import type { Snapshot } from '../../domain/snapshot';
import { hostNamed, hostsNamed, inputOf, memberOn, on } from './build';

/** Whoever empties hosts goes by where the cloud has the members, where other hands have moved some. */

/** As the cloud shows these members, on these hosts. */
function seen(members: readonly Member[], hosts: string): Snapshot['servers'] {
  const places = hosts.split(' ');
  return members.map((member, index) => ({
    ...member,
    name: `v1-${member.pool}-${String(member.ordinal)}`,
    status: 'ACTIVE',
    ...(places[index] !== undefined && { host: places[index] }),
  }));
}

const three = on('web', 'h1 h2 h3');
const gone = hostNamed('h1', { up: false });

function emptying(given: {
  members: Member[];
  failed?: Member[];
  servers: Snapshot['servers'];
  cause?: 'maintenance';
}) {
  const { members, failed = [], servers, cause = 'failed' } = given;
  return inputOf({
    members,
    state: { failed },
    hosts: cause === 'failed' ? [gone, ...hostsNamed(9).slice(1)] : hostsNamed(9),
    request: { kind: 'emptyHosts', hosts: ['h1'], cause },
    snapshot: { servers },
  });
}

function decided(input: PlanInput): object {
  const planned = plan(input);
  if (!planned.ok) throw new Error(planned.refusal.message);
  const { batches, leave, foundOn = [] } = planned.plan;
  return {
    leave: leave.map(({ ordinal }) => ordinal).sort(),
    launches: batches.reduce((sum, { rows }) => sum + rows.length, 0),
    found: foundOn.map(({ ordinal, host }) => `${String(ordinal)} on ${host}`),
  };
}

const of = (leave: number[], found: string[]) => ({ leave, launches: leave.length, found });

test.each<[string, PlanInput, ReturnType<typeof of>]>([
  [
    'who is where the record has him leaves',
    emptying({ members: three, servers: seen(three, 'h1 h2 h3') }),
    of([1], []),
  ],
  ['and so does one that the cloud does not show', emptying({ members: three, servers: [] }), of([1], [])],
  [
    'one that was moved away stays, and the record learns where he is',
    emptying({ members: three, servers: seen(three, 'h7 h2 h3') }),
    of([], ['1 on h7']),
  ],
  [
    'one that was moved there leaves, dead or to make room for work',
    emptying({ members: three, servers: seen(three, 'h1 h1 h3') }),
    of([1, 2], ['2 on h1']),
  ],
  [
    'the same of a host that lives',
    emptying({ members: three, servers: seen(three, 'h7 h1 h3'), cause: 'maintenance' }),
    of([2], ['1 on h7', '2 on h1']),
  ],
  [
    'who was moved between other hosts is for a rebalance',
    emptying({ members: three, servers: seen(three, 'h1 h2 h8') }),
    of([1], []),
  ],
  [
    'one that has died where he was moved to is replaced',
    emptying({
      members: three.slice(0, 2),
      failed: [memberOn('web', 3, 'h3')],
      servers: seen(three, 'h7 h2 h1'),
    }),
    of([3], ['1 on h7']),
  ],
])('%s', (_what, input, expected) => {
  expect(decided(input)).toEqual(expected);
});

test('where one of two living members finds a place, the one leaves that was in the same rack', () => {
  const racks = ['a', 'b', 'c', 'd', 'a', 'b'];
  const hosts = racks.map((rack, index) =>
    hostNamed(`h${String(index + 1)}`, { domains: { rack }, enabled: index !== 5 }),
  );
  for (const emptied of [
    ['h1', 'h2'],
    ['h2', 'h1'],
  ]) {
    const members = on('web', `${emptied.join(' ')} h3 h4`);
    const planned = plan(
      inputOf({
        ...{ members, hosts },
        pool: { spare: { count: 1 }, failureDomain: { key: 'rack', spare: { count: 1 } } },
        request: { kind: 'emptyHosts', hosts: emptied, cause: 'failed' },
        snapshot: { servers: seen(members, `${emptied.join(' ')} h3 h4`) },
      }),
    );
    if (!planned.ok) throw new Error(planned.refusal.message);
    const { batches, leave } = planned.plan;
    expect(batches.flatMap(({ rows }) => rows.map(({ host }) => host))).toEqual(['h5']);
    expect(leave.map(({ ordinal }) => members.find((each) => each.ordinal === ordinal)?.host)).toEqual(['h1']);
  }
});
