import { makeVerifier, plantable, type Faults, type Search, type Verifier } from './verifier';

/**
 * The protocol of the turn, in every order in which its messages and faults can come: test/model/turn.pml says what stands for
 * what, docs/turn.md what is left out. A search is bounded by how much goes wrong in it, and within that it is complete.
 */

let verifier: Verifier;
const searched: Search[] = [];

beforeAll(async () => {
  verifier = await makeVerifier();
}, 240_000);

afterAll(async () => {
  await verifier.remove();
});

const worlds: readonly (readonly [what: string, faults: Faults])[] = [
  ['a run terminated, a withdrawal, messages lost, late and repeated', { KILLS: 1, CANCELS: 1, LOSSES: 1, REPEATS: 1 }],
  ['a run reset and one terminated, a message lost', { RESETS: 1, KILLS: 1, LOSSES: 1 }],
  ['a run reset, a withdrawal, and the record continued as new', { RESETS: 1, CANCELS: 1, CONTINUES: 1 }],
  ['three callers, two runs terminated, the record continued', { CALLERS: 3, KILLS: 2, CONTINUES: 1 }],
  ['a caller that asks again after its turn, a run terminated', { TURNS: 2, KILLS: 1, LOSSES: 1, CANCELS: 1 }],
  ['a caller that asks again, messages late and repeated', { TURNS: 2, REPEATS: 1 }],
  [
    'clean-ups that fail until the record is blocked, and a terminate',
    { TERMINATES: 1, KILLS: 1, CANCELS: 1, FAILURES: 3, ORDERS: 1, CONTINUES: 1, LOSSES: 1 },
  ],
  ['a terminate, a run reset, messages late and repeated', { TERMINATES: 1, RESETS: 1, REPEATS: 1 }],
  ['an instantiate, a run reset and one terminated', { INSTANTIATES: 1, RESETS: 1, KILLS: 1, CANCELS: 1, LOSSES: 1 }],
  ['the record terminated', { RECORD_KILLS: 1, RESETS: 1, KILLS: 1 }],
];

describe('nobody holds the turn beside another, no turn is lost, nothing is left, no commit counts twice:', () => {
  test.each(worlds)('%s', async (_what, faults) => {
    const search = await verifier.search(faults);
    expect({ error: search.error, errors: search.errors, complete: search.complete }).toEqual({
      error: undefined,
      errors: 0,
      complete: true,
    });
    searched.push(search);
  });

  test('what goes wrong there reaches every line of the model', async () => {
    expect(searched).toHaveLength(worlds.length);
    const never = (statement: string): boolean => searched.every(({ unreached }) => unreached.has(statement));
    const lines = [...(await verifier.statements())];
    expect(lines.length).toBeGreaterThan(150);
    expect(lines.filter(([, statements]) => statements.every(never)).map(([line]) => line)).toEqual([]);
  });

  test.each([
    ['after a reset', { RESETS: 1 }],
    ['after a message that came twice', { TURNS: 2, REPEATS: 1 }],
    ['while clean-ups fail', { TERMINATES: 1, KILLS: 1, FAILURES: 3, ORDERS: 1, CONTINUES: 1, LOSSES: 1 }],
  ])('nothing goes on for ever %s, so that who waits is served', async (_what, faults) => {
    expect(await verifier.searchLoops(faults)).toMatchObject({ errors: 0, complete: true });
  });
});

/** Of what each mistake needs to do harm, and what it breaks first. */
const mistakes: Readonly<Record<string, readonly [faults: Faults, breaks: RegExp]>> = {
  GRANT_BEFORE_CLEAN_UP: [{ KILLS: 1 }, /vanished==0/],
  GRANT_WHEN_BLOCKED: [{ KILLS: 1, FAILURES: 2 }, /blocked==0/],
  COMMIT_UNCOUNTED: [{ REPEATS: 1 }, /applied==n/],
  COMMIT_BY_TOKEN_ALONE: [{ RESETS: 1 }, /made/],
  END_BY_TOKEN_ALONE: [{ RESETS: 1, TERMINATES: 1 }, /unpaid|made/],
  TOKEN_NOT_RETIRED: [{ KILLS: 1, REPEATS: 1 }, /made/],
  ASK_BY_WORKFLOW: [{ RESETS: 1 }, /holds/],
  NEW_TOKEN_WHEN_TOLD_AGAIN: [{ REPEATS: 1 }, /open|turn/],
  ACTIVITY_UNCHECKED: [{ RESETS: 1 }, /made|turn/],
  SWEEP_AT_ONCE: [{ KILLS: 1 }, /doing/],
  HOLDER_UNWATCHED: [{ KILLS: 1 }, /open|turn/],
  TURN_UNWATCHED: [{ KILLS: 1, CONTINUES: 1 }, /open|turn/],
  DEBT_UNWATCHED: [{ KILLS: 1, CONTINUES: 1 }, /debts/],
  TAKEN_AFTER_WITHDRAWAL: [{ CANCELS: 1 }, /made|holds|doing/],
  TAKEN_TWICE: [{ TURNS: 2, REPEATS: 1 }, /holds/],
  VANISHED_HAS_PAID: [{ KILLS: 1 }, /unpaid/],
};

describe('a mistake in the protocol is found:', () => {
  test.each(Object.entries(mistakes))('%s', async (name, [faults, breaks]) => {
    const MISTAKE = (await plantable()).get(name) ?? NaN;
    const { error, errors } = await verifier.search({ ...faults, MISTAKE });
    expect(errors).toBe(1);
    expect(error).toMatch(/^assertion violated/);
    expect(error).toMatch(breaks);
    expect(await verifier.search(faults)).toMatchObject({ errors: 0, complete: true });
  });

  test('and there is none that is not tried', async () => {
    expect([...(await plantable()).keys()].sort()).toEqual(Object.keys(mistakes).sort());
  });
});
