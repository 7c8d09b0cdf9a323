import { casesOf, fc } from '../property';
import type { Member, PoolState } from '../../domain/record';
import { timingAt } from '../../domain/timing';
import { askSchema, commitSchema, deadSchema, type Ask, type Commit, type PoolChange } from '../../domain/turn';
import * as record from '../../workflows/record/state';
import type { RecordState } from '../../workflows/record/state';
import { memberOn, poolNamed, recordOf } from '../domain/build';
import { anyStep, play } from './anything';

/** The record as what it is: a state, and what may happen to it. */

const at = '2026-01-01T00:00:00.000Z';
const { descriptor } = recordOf([{ pool: poolNamed('web') }, { pool: poolNamed('db', { spare: 'none' }) }]);

/** A third may be lost: 9 members are at most 3 on a host. */
function born(): RecordState {
  return record.newState({ vnf: 'v1', descriptor, timing: timingAt(1) });
}

function askOf(name: string, change: Partial<Ask> = {}): Ask {
  return { workflowId: name, runId: `run-${name}`, procedure: 'scaleOut', class: 'normal', ifBusy: 'wait', ...change };
}

function queued(state: RecordState, ...asks: Ask[]): RecordState {
  return asks.reduce((given, ask) => record.enqueue(given, ask).state, state);
}

/** Whoever is next gets the turn, under a token named after it. */
function granted(state: RecordState): RecordState {
  const taken = record.takeNext(state);
  if (!taken) throw new Error('nobody gets a turn now');
  return record.beginTurn(taken.state, { ask: taken.next, token: `token-${taken.next.workflowId}`, grantedAt: at });
}

function holding(state: RecordState, name: string, change: Partial<Ask> = {}): RecordState {
  return granted(queued(state, askOf(name, change)));
}

function commitOf(name: string, change: Partial<Commit>): Commit {
  return { workflowId: name, runId: `run-${name}`, token: `token-${name}`, n: 1, pools: {}, ...change };
}

function committed(state: RecordState, commit: Commit): RecordState {
  const { state: next, answer } = record.applyCommit(state, commit);
  if (!answer.ok) throw new Error(answer.reason);
  return next;
}

/** web as it is. */
const unchanged: PoolChange = { level: 6, nextOrdinal: 7, enter: [], leave: [] };

function web(change: Partial<PoolChange>): Record<string, PoolChange> {
  return { web: { ...unchanged, ...change } };
}

/** web-1 … web-6, each on a host of its own, made by `first`; db-1 beside them. */
const members = [1, 2, 3, 4, 5, 6].map((ordinal) => mutable(memberOn('web', ordinal, `h${String(ordinal)}`)));
const pools = {
  ...web({ enter: members }),
  db: { level: 1, nextOrdinal: 2, enter: [mutable(memberOn('db', 1, 'h1'))], leave: [] },
};

function mutable(member: Member): PoolChange['enter'][number] {
  return { ...member, portIds: [...member.portIds] };
}

function entering(ordinal: number, host = `h${String(ordinal)}`): PoolChange['enter'][number] {
  return mutable(memberOn('web', ordinal, host));
}

function instantiating(): RecordState {
  return holding(born(), 'first', { procedure: 'instantiate' });
}

function running(): RecordState {
  const state = committed(instantiating(), commitOf('first', { pools, groups: [{ pool: 'web', id: 'g1' }] }));
  return record.finish(state, { token: 'token-first', outcome: 'completed', at });
}

/** `name` has scaled in to 5: web-6 is its debt, and it holds the turn still. */
function leaving(name: string, state = running()): RecordState {
  return committed(
    holding(state, name, { procedure: 'scaleIn' }),
    commitOf(name, { pools: web({ level: 5, leave: [6] }) }),
  );
}

/** As often as it takes, the clean-up behind this token fails. */
function blockedBy(state: RecordState, token: string): RecordState {
  const gone = record.vanish(state, token, at);
  return [1, 2, 3].reduce((given) => record.cleanUpFailed(given, token, 'the cloud is away'), gone);
}

function poolOf(state: RecordState, name: string): PoolState {
  const pool = state.pools[name];
  if (!pool) throw new Error(`no pool ${name}`);
  return pool;
}

function ordinals(of: readonly Member[]): number[] {
  return of.map((member) => member.ordinal);
}

function owed(state: RecordState): string[] {
  const lots = state.debts.flatMap((debt) => debt.stages.flat());
  return lots.flatMap((lot) => lot.members.map((member) => `${member.pool}-${String(member.ordinal)}`));
}

function seen(state: RecordState, ...dead: number[]): RecordState {
  const report = { members: dead.map((ordinal) => ({ pool: 'web', ordinal })), evidence: 'seen' } as const;
  return record.bury(state, { ...report, workflowId: 'w', runId: 'r' }).state;
}

function refusalOfCommit(state: RecordState, commit: Commit): string | undefined {
  const { state: next, answer } = record.applyCommit(state, commit);
  if (!answer.ok) expect(next).toBe(state);
  return answer.reason;
}

describe('asking', () => {
  test('an ask that is sent again is queued once', () => {
    const state = queued(running(), askOf('a'), askOf('b'), askOf('a'));
    expect(state.queue.map((each) => each.workflowId)).toEqual(['a', 'b']);
  });

  test('a holder that asks again is told again, and is not queued behind itself', () => {
    const state = holding(running(), 'a');
    const { state: next, answer } = record.enqueue(state, askOf('a'));
    expect(answer).toEqual({ kind: 'already' });
    expect(next).toBe(state);
  });

  test('the urgent go first, in order within their class, and the oldest goes after three overtakes', () => {
    const urgent = (name: string): Ask => askOf(name, { class: 'urgent' });
    let state = queued(running(), askOf('a'), askOf('b'), urgent('u1'), urgent('u2'), urgent('u3'), urgent('u4'));
    const order: string[] = [];
    for (let taken = record.takeNext(state); taken; taken = record.takeNext(state)) {
      order.push(taken.next.workflowId);
      state = taken.state;
    }
    expect(order).toEqual(['u1', 'u2', 'u3', 'a', 'u4', 'b']);
  });

  test.each<[string, () => RecordState, RegExp | null]>([
    ['nobody wants it', running, null],
    ['somebody drains and has yielded', () => record.yieldTurn(leaving('a'), { token: 'token-a' }), null],
    ['somebody holds it', () => holding(running(), 'a'), /scaleOut \(workflow a\) is at work/],
    ['a clean-up is under way', () => record.vanish(holding(running(), 'a'), 'token-a', at), /a clean-up is under way/],
    ['others wait', () => queued(running(), askOf('a')), /others are waiting/],
  ])('with ifBusy refuse, where %s, the answer says so', (_, given, message) => {
    const { answer } = record.enqueue(given(), askOf('b', { ifBusy: 'refuse' }));
    if (message === null) expect(answer).toEqual({ kind: 'queued' });
    else
      expect(answer).toMatchObject({
        kind: 'denied',
        failure: { kind: 'Busy', message: expect.stringMatching(message) as string },
      });
  });

  test('a queue at its limit takes nobody more, and those in it are still known', () => {
    const names = Array.from({ length: record.limits.queue }, (_, index) => `a${String(index)}`);
    const state = queued(running(), ...names.map((name) => askOf(name)));
    expect(record.enqueue(state, askOf('b')).answer).toMatchObject({ kind: 'denied', failure: { kind: 'Busy' } });
    expect(record.enqueue(state, askOf('a7')).answer).toEqual({ kind: 'queued' });
  });

  test('eight who drain and delete are enough: the ninth waits until one has paid', () => {
    let state = running();
    for (let each = 1; each <= record.limits.debtors; each++) {
      const [leaves, enters] = [ordinals(poolOf(state, 'web').inService)[0] ?? 0, 6 + each];
      const change = web({ nextOrdinal: enters + 1, leave: [leaves], enter: [entering(enters)] });
      const name = `a${String(each)}`;
      state = record.yieldTurn(committed(holding(state, name), commitOf(name, { pools: change })), {
        token: `token-${name}`,
      });
    }
    const waiting = queued(state, askOf('b'));
    expect(record.takeNext(waiting)).toBeNull();
    expect(record.enqueue(state, askOf('b', { ifBusy: 'refuse' })).answer).toMatchObject({
      failure: { message: expect.stringMatching(/8 runs drain and delete/) as string },
    });
    expect(record.takeNext(record.finish(waiting, { token: 'token-a3', outcome: 'completed', at }))).not.toBeNull();
  });
});

describe('a withdrawal', () => {
  test('takes an ask out of the queue', () => {
    expect(record.withdraw(queued(running(), askOf('a'), askOf('b')), 'run-a').queue).toMatchObject([
      { workflowId: 'b' },
    ]);
  });

  test('that crosses the grant gives the turn back', () => {
    expect(record.withdraw(holding(running(), 'a'), 'run-a').turn).toBeNull();
  });

  test('after the first commit changes nothing', () => {
    const state = leaving('a');
    expect(record.withdraw(state, 'run-a')).toEqual(state);
  });

  test.each<[string, () => RecordState]>([
    ['as its turn is granted', instantiating],
    [
      'before the record has looked at its ask',
      () => queued(born(), askOf('first', { procedure: 'instantiate' }), askOf('b')),
    ],
  ])('of instantiate %s ends the record', (_, given) => {
    expect(record.withdraw(given(), 'run-first').ended).toBe(true);
  });

  test('of another leaves a record alone whose instantiate still waits', () => {
    const state = queued(born(), askOf('first', { procedure: 'instantiate' }), askOf('b'));
    expect(record.withdraw(state, 'run-b').ended).toBe(false);
  });
});

describe('a commit', () => {
  test('changes level and who serves in one revision, and what left is owed', () => {
    const before = running();
    const state = committed(
      holding(before, 'a'),
      commitOf('a', { pools: web({ nextOrdinal: 8, enter: [entering(7)], leave: [2] }) }),
    );
    expect(state.revision).toBe(before.revision + 1);
    expect(ordinals(poolOf(state, 'web').inService)).toEqual([1, 3, 4, 5, 6, 7]);
    expect(owed(state)).toEqual(['web-2']);
    expect(record.publicationOf(state)).toMatchObject({
      during: { web: [1, 2, 3, 4, 5, 6, 7] },
      after: { web: [1, 3, 4, 5, 6, 7] },
    });
  });

  test('says where members are, and what it changes is judged by that', () => {
    const foundOn = [
      { ordinal: 1, host: 'h2' },
      { ordinal: 3, host: 'h2' },
      { ordinal: 99, host: 'h2' },
    ];
    const before = holding(running(), 'a');
    const state = committed(
      before,
      commitOf('a', { pools: web({ foundOn, nextOrdinal: 8, enter: [entering(7)], leave: [3] }) }),
    );
    expect(poolOf(state, 'web').inService.map(({ host }) => host)).toEqual(['h2', 'h2', 'h4', 'h5', 'h6', 'h7']);
    expect(state.debts.flatMap(({ stages }) => stages.flat().flatMap((lot) => lot.members))).toMatchObject([
      { ordinal: 3, host: 'h2' },
    ]);
    // Two of six may be on a host: h2 has three by now.
    const full = commitOf('a', { pools: web({ foundOn, nextOrdinal: 8, enter: [entering(7, 'h2')], leave: [4] }) });
    expect(record.applyCommit(before, full).answer.reason).toMatch(/h2 would have more/);
    // What is too much there may stay, and who is dead stays where it died.
    const dead = record.bury(before, {
      workflowId: 'w',
      runId: 'r',
      members: [{ pool: 'web', ordinal: 1 }],
      evidence: 'seen',
    });
    const known = committed(dead.state, commitOf('a', { pools: web({ foundOn }) }));
    expect(poolOf(known, 'web').failed).toMatchObject([{ ordinal: 1, host: 'h1' }]);
  });

  test('that is sent again is answered again and applied once', () => {
    const state = leaving('a');
    const again = record.applyCommit(state, commitOf('a', { pools: web({ level: 5, leave: [6] }) }));
    expect(again).toEqual({ state, answer: { ok: true } });
  });

  test.each<[string, () => RecordState, Partial<Commit>, RegExp]>([
    [
      'that comes after its turn was yielded',
      () => record.yieldTurn(leaving('a'), { token: 'token-a' }),
      { n: 2 },
      /not hold/,
    ],
    ['of a token that is retired', () => record.vanish(leaving('a'), 'token-a', at), { n: 2 }, /not hold/],
    ['of another token', () => holding(running(), 'a'), { token: 'token-first' }, /not hold/],
    ['that comes before the one before it', () => holding(running(), 'a'), { n: 2 }, /came before/],
    ['of a pool that there is not', () => holding(running(), 'a'), { pools: { nix: unchanged } }, /no pool/],
    [
      'of a pool named as every object has one',
      () => holding(running(), 'a'),
      { pools: { constructor: unchanged } },
      /no pool/,
    ],
    ['that would use ordinals twice', () => holding(running(), 'a'), { pools: web({ nextOrdinal: 6 }) }, /used twice/],
    [
      'that lets in whom the next one may be named like',
      () => holding(running(), 'a'),
      { pools: web({ enter: [entering(7)] }) },
      /not new/,
    ],
    [
      'that lets in a member that serves',
      () => holding(running(), 'a'),
      { pools: web({ enter: [entering(3, 'h9')] }) },
      /not new/,
    ],
    [
      'that lets in one that is failed',
      () => holding(seen(running(), 3), 'a'),
      { pools: web({ enter: [entering(3)] }) },
      /not new/,
    ],
    [
      'that lets in one that is owed',
      () => holding(record.yieldTurn(leaving('b'), { token: 'token-b' }), 'a'),
      { pools: web({ enter: [entering(6)] }) },
      /not new/,
    ],
    [
      'that lets in the same one twice',
      () => holding(running(), 'a'),
      { pools: web({ level: 8, nextOrdinal: 9, enter: [entering(7), entering(7, 'h9')] }) },
      /not new/,
    ],
    [
      'that lets in a member of another pool',
      () => holding(running(), 'a'),
      { pools: web({ nextOrdinal: 8, enter: [{ ...entering(7), pool: 'db' }] }) },
      /not new/,
    ],
    [
      'that puts more on a host than the share',
      () => holding(running(), 'a'),
      { pools: web({ level: 8, nextOrdinal: 10, enter: [entering(7, 'h1'), entering(8, 'h1')] }) },
      /h1 would have more of web/,
    ],
  ])('%s is refused and changes nothing', (_, given, change, reason) => {
    expect(refusalOfCommit(given(), commitOf('a', change))).toMatch(reason);
  });

  test('that lets in a member named like one that is gone is refused', () => {
    const state = record.finish(leaving('b'), { token: 'token-b', outcome: 'completed', at });
    expect(refusalOfCommit(holding(state, 'a'), commitOf('a', { pools: web({ enter: [entering(6)] }) }))).toMatch(
      /not new/,
    );
  });

  test('that lowers the level is refused where a host would keep more than the smaller share', () => {
    const crowded = committed(
      holding(running(), 'a'),
      commitOf('a', { pools: web({ level: 7, nextOrdinal: 8, enter: [entering(7, 'h1')] }) }),
    );
    const state = record.finish(crowded, { token: 'token-a', outcome: 'completed', at });
    const lower = web({ level: 5, nextOrdinal: 8, leave: [2, 3] });
    expect(refusalOfCommit(holding(state, 'b'), commitOf('b', { pools: lower }))).toMatch(/h1 would have more/);
  });

  test('with stages owes the pools that no stage names in the first', () => {
    const state = committed(
      holding(running(), 'end', { procedure: 'terminate' }),
      commitOf('end', { final: true, stages: [[], ['db']] }),
    );
    expect(state.debts[0]?.stages.map((lots) => lots.map((lot) => lot.pool))).toEqual([['web'], ['db']]);
  });

  test('of a debt before the pivot is paid with what the pivot owes', () => {
    const first = committed(
      holding(seen(running(), 3), 'a'),
      commitOf('a', { pools: web({ nextOrdinal: 8, leave: [3] }) }),
    );
    const state = committed(
      first,
      commitOf('a', { n: 2, pools: web({ nextOrdinal: 8, enter: [entering(7)], leave: [1] }) }),
    );
    expect(state.debts[0]?.stages.flat().map((lot) => [lot.drainSeconds, ordinals(lot.members)])).toEqual([
      [0, [3]],
      [1, [1]],
    ]);
  });
});

describe('deaths', () => {
  test('take members out of service at once, without the turn, and leave the level as it is', () => {
    const before = holding(running(), 'a');
    const state = seen(before, 2, 3);
    expect(poolOf(state, 'web')).toMatchObject({ level: 6, failed: [{ ordinal: 2 }, { ordinal: 3 }] });
    expect(ordinals(poolOf(state, 'web').inService)).toEqual([1, 4, 5, 6]);
    expect(state.revision).toBe(before.revision + 1);
  });

  test('reported again change nothing', () => {
    const state = seen(running(), 2);
    expect(seen(state, 2)).toBe(state);
  });

  test('of one that is about to leave are owed without a drain', () => {
    const state = committed(seen(holding(running(), 'a'), 6), commitOf('a', { pools: web({ level: 5, leave: [6] }) }));
    expect(state.debts[0]?.stages).toMatchObject([[{ drainSeconds: 0, members: [{ ordinal: 6 }] }]]);
    expect(record.publicationOf(state).during['web']).toEqual([1, 2, 3, 4, 5]);
  });

  test('of one that is leaving are published: it is not served with the old any more', () => {
    const before = leaving('a');
    const state = seen(before, 6);
    expect(record.publicationOf(before).during['web']).toContain(6);
    expect(record.publicationOf(state)).toMatchObject({
      revision: before.revision + 1,
      during: { web: [1, 2, 3, 4, 5] },
    });
    expect(seen(state, 6)).toBe(state);
  });

  test('of one that has come in with the commit are gone from both stages', () => {
    const change = web({ level: 7, nextOrdinal: 8, enter: [entering(7)] });
    const { during, after } = record.publicationOf(
      seen(committed(holding(running(), 'a'), commitOf('a', { pools: change })), 7),
    );
    expect([during['web'], after['web']]).toEqual([
      [1, 2, 3, 4, 5, 6],
      [1, 2, 3, 4, 5, 6],
    ]);
  });

  test('on a word alone are at most the spare of a pool, those of earlier reports among them', () => {
    const told = (state: RecordState, ...dead: number[]) =>
      record.bury(state, {
        workflowId: 'w',
        runId: 'r',
        members: dead.map((ordinal) => ({ pool: 'web', ordinal })),
        evidence: 'told',
      });
    const [three, two] = [told(running(), 1, 2, 3), told(running(), 1, 2)];
    expect(three.refusal?.kind).toBe('InvalidRequest');
    expect(three.state.revision).toBe(running().revision);
    expect(two.refusal).toBeNull();
    expect(told(two.state, 3).refusal?.kind).toBe('InvalidRequest');
    expect(told(seen(running(), 1, 2, 3, 4), 1, 2).refusal).toBeNull();
  });

  test('of pools that there are not, or that are named as every object has one, change nothing', () => {
    const state = running();
    const report = { workflowId: 'w', runId: 'r', evidence: 'seen' } as const;
    for (const pool of ['nix', 'constructor', '__proto__'])
      expect(record.bury(state, { ...report, members: [{ pool, ordinal: 1 }] }).state).toBe(state);
  });
});

describe('the end of a turn', () => {
  test('yields with the debt left to its run, and the next is granted beside it', () => {
    const state = holding(record.yieldTurn(leaving('a'), { token: 'token-a' }), 'b');
    expect(state.turn?.token).toBe('token-b');
    expect(owed(state)).toEqual(['web-6']);
    expect(state.during).toBeNull();
  });

  test('is not a yield before the pivot: what the run has launched would be nobody’s', () => {
    const state = holding(running(), 'a');
    expect(record.yieldTurn(state, { token: 'token-a' })).toBe(state);
  });

  test('is not a yield where nothing is owed: nobody would watch for the end of the run', () => {
    const state = committed(
      holding(running(), 'a'),
      commitOf('a', { pools: web({ nextOrdinal: 8, enter: [entering(7)] }) }),
    );
    expect(record.yieldTurn(state, { token: 'token-a' })).toBe(state);
  });

  test('frees the turn and forgets the debt when all is done', () => {
    const state = record.finish(leaving('a'), { token: 'token-a', outcome: 'completed', at });
    expect([state.turn, state.debts, state.during, state.ended]).toEqual([null, [], null, false]);
    expect(state.occurrences.at(-1)).toMatchObject({ workflowId: 'a', outcome: 'completed' });
  });

  test('of a run that launched and went back uses its ordinals up', () => {
    const end = { token: 'token-a', outcome: 'unwound', at, nextOrdinals: { web: 12, nix: 3 } };
    const state = record.finish(holding(running(), 'a'), end);
    expect([poolOf(state, 'web').nextOrdinal, poolOf(state, 'db').nextOrdinal]).toEqual([12, 2]);
  });

  test('remembers the last two hundred, and no more', () => {
    let state = running();
    for (let each = 0; each < record.limits.occurrences + 5; each++)
      state = record.finish(holding(state, `a${String(each)}`), {
        token: `token-a${String(each)}`,
        outcome: 'refused',
        at,
      });
    expect(state.occurrences).toHaveLength(record.limits.occurrences);
    expect(state.occurrences.at(-1)?.workflowId).toBe('a204');
  });

  test('of an instantiate that has not committed ends the record, whoever else waits', () => {
    const state = queued(instantiating(), askOf('b'));
    expect(record.finish(state, { token: 'token-first', outcome: 'unwound', at }).ended).toBe(true);
  });

  test('of a terminate ends the record only when an earlier debt is paid too', () => {
    const draining = record.yieldTurn(leaving('a'), { token: 'token-a' });
    const final = committed(holding(draining, 'end', { procedure: 'terminate' }), commitOf('end', { final: true }));
    const one = record.finish(final, { token: 'token-end', outcome: 'completed', at });
    expect(one.ended).toBe(false);
    expect(record.finish(one, { token: 'token-a', outcome: 'completed', at }).ended).toBe(true);
  });
});

describe('a run that a reset made of the one that has the turn', () => {
  const reset = 'run-of-the-reset';

  test('commits nothing: what it would bring into service may have been removed since', () => {
    const change = { pools: web({ nextOrdinal: 8, enter: [entering(7)] }), runId: reset };
    expect(refusalOfCommit(holding(running(), 'a'), commitOf('a', change))).toMatch(/does not hold the turn/);
  });

  test('yields nothing, and ends neither the turn nor the debt: what is launched and owed is not known to it', () => {
    const state = leaving('a');
    expect(record.yieldTurn(state, { token: 'token-a', runId: reset })).toBe(state);
    expect(record.finish(state, { token: 'token-a', runId: reset, outcome: 'cancelled', at })).toBe(state);
    const draining = record.yieldTurn(state, { token: 'token-a', runId: 'run-a' });
    expect(record.finish(draining, { token: 'token-a', runId: reset, outcome: 'completed', at })).toBe(draining);
    expect(owed(record.finish(draining, { token: 'token-a', runId: 'run-a', outcome: 'completed', at }))).toEqual([]);
  });
});

describe('a run that vanishes', () => {
  test('frees the turn, and nothing is granted before it is cleaned up behind', () => {
    const gone = queued(record.vanish(holding(running(), 'a'), 'token-a', at), askOf('b'));
    expect(gone.turn).toBeNull();
    expect(record.takeNext(gone)).toBeNull();
    const clean = record.cleanedUp(gone, { token: 'token-a', nextOrdinals: { web: 9 }, at });
    expect(poolOf(clean, 'web').nextOrdinal).toBe(9);
    expect(record.takeNext(clean)?.next.workflowId).toBe('b');
  });

  test('owes until the clean-up has paid, and is heard no more', () => {
    const gone = record.vanish(record.yieldTurn(leaving('a'), { token: 'token-a' }), 'token-a', at);
    expect(record.finish(gone, { token: 'token-a', outcome: 'completed', at })).toBe(gone);
    expect(record.vanish(gone, 'token-a', at)).toBe(gone);
    expect(owed(gone)).toEqual(['web-6']);
    expect(owed(record.cleanedUp(gone, { token: 'token-a', nextOrdinals: {}, at }))).toEqual([]);
  });

  test('before its stages were published leaves both to be published, also while a debtor is cleaned up first', () => {
    const draining = record.yieldTurn(leaving('a'), { token: 'token-a' });
    const change = web({ level: 5, nextOrdinal: 8, enter: [entering(7)], leave: [1] });
    const holder = committed(holding(draining, 'b'), commitOf('b', { pools: change }));
    const both = record.vanish(record.vanish(holder, 'token-a', at), 'token-b', at);
    const one = record.cleanedUp(both, { token: 'token-a', nextOrdinals: {}, at });
    expect(record.publicationOf(one)).toMatchObject({
      during: { web: [1, 2, 3, 4, 5, 7] },
      after: { web: [2, 3, 4, 5, 7] },
    });
    expect(record.cleanedUp(one, { token: 'token-b', nextOrdinals: {}, at }).during).toBeNull();
  });

  test('beside another that owes groups is cleaned up first: a group is in use until the last of its members has gone', () => {
    const ending = committed(
      holding(record.yieldTurn(leaving('a'), { token: 'token-a' }), 'end', { procedure: 'terminate' }),
      commitOf('end', { final: true, stages: [['web', 'db']] }),
    );
    const both = record.vanish(record.vanish(ending, 'token-end', at), 'token-a', at);
    expect(both.vanished.map(({ token }) => token)).toEqual(['token-end', 'token-a']);
    expect(record.nextToCleanUp(both)?.token).toBe('token-a');
    const one = record.cleanedUp(both, { token: 'token-a', nextOrdinals: {}, at });
    expect(record.nextToCleanUp(one)?.token).toBe('token-end');
    expect(record.nextToCleanUp(record.cleanedUp(one, { token: 'token-end', nextOrdinals: {}, at }))).toBeUndefined();
  });

  test('and that nobody can clean up behind blocks the record after three tries: only terminate gets a turn', () => {
    const gone = record.vanish(holding(running(), 'a'), 'token-a', at);
    const twice = record.cleanUpFailed(record.cleanUpFailed(gone, 'token-a', 'x'), 'token-a', 'x');
    expect([twice.blocked, twice.vanished.length]).toEqual([null, 1]);
    const blocked = record.cleanUpFailed(twice, 'token-a', 'the cloud is away');
    expect(record.refusalNow(blocked, 'heal')).toMatchObject({
      kind: 'Stuck',
      message: expect.stringMatching(/the cloud is away/) as string,
    });
    expect(record.enqueue(blocked, askOf('b')).answer).toMatchObject({ kind: 'denied', failure: { kind: 'Stuck' } });
    expect(record.takeNext(queued(blocked, askOf('end', { procedure: 'terminate' })))?.next.workflowId).toBe('end');
  });
});

describe('a run that is stuck', () => {
  const note = { step: 'undo of launch', message: 'the cloud is away', until: '2026-01-01T01:00:00.000Z' };
  const stuck = (state: RecordState, name: string): RecordState =>
    record.tellStuck(state, { token: `token-${name}`, note });

  test('keeps its turn, and whoever does not want to wait is told why', () => {
    const state = stuck(holding(running(), 'a'), 'a');
    expect(record.viewOf(state).stuck).toEqual([
      { workflowId: 'a', runId: 'run-a', procedure: 'scaleOut', token: 'token-a', ...note },
    ]);
    const { answer } = record.enqueue(state, askOf('b', { ifBusy: 'refuse' }));
    expect(answer).toMatchObject({
      kind: 'denied',
      failure: { kind: 'Busy', message: expect.stringContaining('(workflow a) is stuck in undo of launch') as string },
    });
    expect(record.takeNext(queued(state, askOf('b')))).toBeNull();
  });

  test('is so no longer when it says so, is done, or is gone', () => {
    const state = stuck(holding(running(), 'a'), 'a');
    const ends: RecordState[] = [
      record.tellStuck(state, { token: 'token-a', note: null }),
      record.finish(state, { token: 'token-a', outcome: 'unwound', at }),
      record.vanish(state, 'token-a', at),
      blockedBy(state, 'token-a'),
    ];
    for (const each of ends) expect(record.viewOf(each).stuck).toEqual([]);
  });

  test('that owes something is so beside others, who get the turn', () => {
    const state = stuck(record.yieldTurn(leaving('a'), { token: 'token-a' }), 'a');
    expect(record.viewOf(state).stuck).toMatchObject([{ workflowId: 'a', procedure: 'scaleIn' }]);
    const both = stuck(holding(state, 'b'), 'b');
    expect(record.viewOf(both).stuck.map(({ workflowId }) => workflowId)).toEqual(['a', 'b']);
  });

  test('is nobody that neither holds the turn nor owes anything; and what was said is not kept for ever', () => {
    const state = running();
    expect(stuck(state, 'stranger')).toBe(state);
    const before = record.finish(stuck(holding(state, 'a'), 'a'), { token: 'token-a', outcome: 'unwound', at });
    expect(stuck(holding(before, 'b'), 'b').stuck).toEqual([{ token: 'token-b', ...note }]);
  });

  test('of a record of an earlier release there is none', () => {
    expect(record.viewOf(running()).stuck).toEqual([]);
  });
});

describe('a blocked record', () => {
  const final = (state: RecordState, name: string): RecordState =>
    committed(
      holding(state, name, { procedure: 'terminate' }),
      commitOf(name, { final: true, stages: [['web', 'db']] }),
    );

  test('is audited, and nobody but terminate changes it', () => {
    const blocked = blockedBy(leaving('a'), 'token-a');
    const asked = ['audit', 'terminate', 'heal', 'adopt', 'scaleOut'] as const;
    expect(asked.filter((procedure) => record.refusalNow(blocked, procedure) === null)).toEqual(['audit', 'terminate']);
  });

  test('cleans up again when told so, and is free when that succeeds', () => {
    const again = record.cleanUpAgain(blockedBy(leaving('a'), 'token-a'));
    expect([again.blocked, again.vanished]).toMatchObject([null, [{ token: 'token-a', attempts: 0 }]]);
    expect(record.takeNext(queued(again, askOf('b')))).toBeNull();
    const clean = record.cleanedUp(again, { token: 'token-a', nextOrdinals: {}, at });
    expect(record.takeNext(queued(clean, askOf('b')))).not.toBeNull();
    expect(record.cleanUpAgain(running())).toEqual(running());
  });

  test('told to clean up again forgets nobody who vanished meanwhile', () => {
    const holder = holding(record.yieldTurn(leaving('a'), { token: 'token-a' }), 'b');
    const state = record.cleanUpAgain(record.vanish(blockedBy(holder, 'token-a'), 'token-b', at));
    expect(state.vanished.map((each) => each.token)).toEqual(['token-b', 'token-a']);
  });

  test('hears no more of the run: neither that it is done nor that it has closed', () => {
    const state = blockedBy(record.yieldTurn(leaving('a'), { token: 'token-a' }), 'token-a');
    expect(record.finish(state, { token: 'token-a', outcome: 'completed', at })).toBe(state);
    expect(record.vanish(state, 'token-a', at)).toBe(state);
  });

  test('leaves what it owes to the terminate, which sweeps behind the run too', () => {
    const state = final(blockedBy(leaving('a'), 'token-a'), 'end');
    expect(state.blocked).toBeNull();
    expect(state.debts).toMatchObject([{ token: 'token-end', sweep: ['token-a'], movedFrom: { web: 6, db: 1 } }]);
    expect(owed(state).sort()).toEqual(['db-1', 'web-1', 'web-2', 'web-3', 'web-4', 'web-5', 'web-6']);
  });

  test('of eight debtors that nobody could clean up behind still lets terminate go', () => {
    let state = running();
    for (let each = 1; each <= record.limits.debtors; each++) {
      const [leaves, enters] = [ordinals(poolOf(state, 'web').inService)[0] ?? 0, 6 + each];
      const change = web({ nextOrdinal: enters + 1, leave: [leaves], enter: [entering(enters)] });
      const name = `a${String(each)}`;
      state = record.yieldTurn(committed(holding(state, name), commitOf(name, { pools: change })), {
        token: `token-${name}`,
      });
    }
    for (const { token } of state.debts) state = blockedBy(state, token);
    expect(final(state, 'end').debts).toHaveLength(1);
  });

  test('that never came to be does not end before its leftovers are taken over, groups and all', () => {
    const blocked = blockedBy(instantiating(), 'token-first');
    const asked = holding(blocked, 'end', { procedure: 'terminate' });
    expect(record.withdraw(asked, 'run-end').ended).toBe(false);
    expect(record.finish(asked, { token: 'token-end', outcome: 'cancelled', at }).ended).toBe(false);
    const gone = record.vanish(asked, 'token-end', at);
    expect(record.cleanedUp(gone, { token: 'token-end', nextOrdinals: {}, at }).ended).toBe(false);
    const state = final(blocked, 'end');
    expect(state.debts).toMatchObject([{ sweep: ['token-first'], uncommittedPools: ['web', 'db'] }]);
    expect(record.finish(state, { token: 'token-end', outcome: 'completed', at }).ended).toBe(true);
  });

  test('whose terminate is what could not be cleaned up lets another take all of it over', () => {
    const first = final(blockedBy(leaving('a'), 'token-a'), 'end');
    const blocked = blockedBy(first, 'token-end');
    expect(record.refusalNow(blocked, 'scaleOut')).toMatchObject({ kind: 'UnknownVnf' });
    const state = final(blocked, 'again');
    expect(state.debts).toMatchObject([
      { token: 'token-again', groups: [{ pool: 'web', id: 'g1' }], sweep: ['token-a', 'token-end'] },
    ]);
    expect(owed(state).sort()).toEqual(owed(first).sort());
    expect(record.finish(state, { token: 'token-again', outcome: 'completed', at }).ended).toBe(true);
  });
});

describe('an adopt', () => {
  const adopting = (): RecordState => {
    const { vnf, descriptor: of, timing } = instantiating();
    return record.newState({ vnf, descriptor: of, timing, ask: { procedure: 'adopt' } });
  };
  const crowd = [1, 2, 3, 4, 5, 6].map((ordinal) => entering(ordinal, 'h1'));

  test('takes over a pool as it is, also where its share is broken, and nobody else may', () => {
    const change = web({ level: 6, nextOrdinal: 7, enter: crowd });
    const state = committed(holding(adopting(), 'a', { procedure: 'adopt' }), commitOf('a', { pools: change }));
    expect([state.phase, poolOf(state, 'web').inService.length]).toEqual(['running', 6]);
    expect(refusalOfCommit(instantiating(), commitOf('first', { pools: change }))).toMatch(/h1 would have more/);
  });

  test('that goes back or vanishes ends the record, and a terminate of it owes what it has made', () => {
    const held = holding(adopting(), 'a', { procedure: 'adopt' });
    expect(record.finish(held, { token: 'token-a', outcome: 'unwound', at }).ended).toBe(true);
    const gone = record.vanish(held, 'token-a', at);
    expect(record.cleanedUp(gone, { token: 'token-a', nextOrdinals: {}, at }).ended).toBe(true);
    const end = holding(blockedBy(held, 'token-a'), 'end', { procedure: 'terminate' });
    const state = committed(end, commitOf('end', { pools: {}, final: true }));
    // Other groups of its pools were there before it.
    expect(state.debts).toMatchObject([{ stages: [], groups: [], sweep: ['token-a'], madePools: ['web', 'db'] }]);
    expect(state.debts[0]?.uncommittedPools).toBeUndefined();
    const next = holding(blockedBy(state, 'token-end'), 'again', { procedure: 'terminate' });
    const again = committed(next, commitOf('again', { pools: {}, final: true }));
    expect(again.debts).toMatchObject([{ sweep: ['token-a', 'token-end'], madePools: ['web', 'db'] }]);
  });
});

describe('what does not parse', () => {
  const long = 'x'.repeat(100_000);
  const member = entering(7);
  const runId = '0199c1a2-0000-7000-8000-000000000001';
  const ask = { ...askOf('a'), runId };
  const commit = (change: Parameters<typeof commitOf>[1]): Commit => ({ ...commitOf('a', change), runId });
  const dead = { workflowId: 'a', runId, evidence: 'seen', members: [{ pool: 'web', ordinal: 1 }] };

  test('what they are made from does', () => {
    for (const { schema, message } of [
      { schema: askSchema, message: ask },
      { schema: commitSchema, message: commit({ pools: web({ enter: [member] }) }) },
      { schema: deadSchema, message: dead },
    ])
      expect(schema.safeParse(message).success).toBe(true);
  });

  test.each<[string, { safeParse: (given: unknown) => { success: boolean } }, unknown]>([
    ['nothing at all', askSchema, undefined],
    ['an ask with a workflow id that no server takes', askSchema, { ...ask, workflowId: long }],
    ['an ask for a class that there is not', askSchema, { ...ask, class: 'vip' }],
    ['a commit that is no whole number', commitSchema, commit({ n: NaN })],
    ['commit 0', commitSchema, commit({ n: 0 })],
    ['an ordinal below 0', commitSchema, commit({ pools: web({ leave: [-1] }) })],
    ['a level that is no number', commitSchema, commit({ pools: web({ level: Infinity }) })],
    [
      'more members than a pool can have',
      commitSchema,
      commit({ pools: web({ enter: Array<typeof member>(10_001).fill(member) }) }),
    ],
    ['a death with a pool of great length', deadSchema, { ...dead, members: [{ pool: long, ordinal: 1 }] }],
    ['a death on no evidence', deadSchema, { ...dead, evidence: undefined }],
  ])('%s is no message', (_, schema, message) => {
    expect(schema.safeParse(message).success).toBe(false);
  });

  test('a commit with a pool named __proto__ is one without it', () => {
    const sent = JSON.parse(JSON.stringify(commit({ pools: web({}) })).replace('"web"', '"__proto__"')) as unknown;
    expect(commitSchema.parse(sent).pools).toEqual({});
  });
});

describe('whatever happens to a record, in whatever order', () => {
  test('every step keeps what a record promises', () => {
    const reached = new Map<string, number>();
    fc.assert(
      fc.property(fc.array(anyStep, { minLength: 1, maxLength: 120, size: 'max' }), (steps) => {
        const played = play(born(), steps);
        expect(played.broken).toEqual([]);
        for (const each of played.reached) reached.set(each, (reached.get(each) ?? 0) + 1);
      }),
      casesOf(1_000),
    );
    // A property that never gets anywhere proves nothing.
    const places = ['granted', 'committed', 'buried', 'vanished', 'three debtors', 'blocked', 'taken over', 'ended'];
    expect(places.filter((place) => (reached.get(place) ?? 0) < 5)).toEqual([]);
  });
});

describe('what an audit has found', () => {
  const findings = [
    { kind: 'wrongHost', name: 'v1-web-1', wrong: 'it is on h2' },
    { kind: 'orphan', name: 'v1-web-9', wrong: 'no record has it' },
  ];
  const told = record.tellAudited(running(), { revision: 1, findings, more: 0 });

  test('is shown until an audit finds nothing', () => {
    expect(record.viewOf(told).audited).toEqual({ revision: 1, findings, more: 0 });
    expect(record.viewOf(record.tellAudited(told, { revision: 2, findings: [], more: 0 }))).not.toHaveProperty(
      'audited',
    );
  });

  test.each([
    ['rebalance', 'completed', ['orphan']],
    ['rebalance', 'unwound', ['wrongHost', 'orphan']],
    ['scaleOut', 'completed', ['wrongHost', 'orphan']],
  ] as const)('after a %s that %s there is %j of it', (procedure, outcome, kinds) => {
    const state = record.finish(holding(told, 'a', { procedure }), { token: 'token-a', outcome, at });
    expect(record.viewOf(state).audited?.findings.map(({ kind }) => kind)).toEqual(kinds);
  });
});
