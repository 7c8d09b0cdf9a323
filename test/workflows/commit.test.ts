import { timingAt } from '../../domain/timing';
import type { Commit, Committed } from '../../domain/turn';
import * as record from '../../workflows/record/state';
import { commitOnce } from '../../workflows/steps/commit';
import type { Turn } from '../../workflows/run';
import { memberOn, poolNamed, recordOf } from '../domain/build';

test('a commit whose answer was lost is the same one when it is sent again: it is applied once', async () => {
  const { descriptor } = recordOf([{ pool: poolNamed('web') }]);
  const ask = { workflowId: 'w', runId: 'r', procedure: 'instantiate', class: 'normal', ifBusy: 'wait' } as const;
  const asked = record.enqueue(record.newState({ vnf: 'v1', descriptor, timing: timingAt(1) }), ask).state;
  const taken = record.takeNext(asked);
  if (!taken) throw new Error('it has asked');
  let state = record.beginTurn(taken.state, { ask: taken.next, token: 't', grantedAt: '2026-01-01T00:00:00.000Z' });
  const lost = [true, false, false];
  /** The record itself, with a bad line to it. */
  const commit = (given: Omit<Commit, 'workflowId' | 'runId'>): Promise<Committed> => {
    const { state: next, answer } = record.applyCommit(state, { ...given, workflowId: 'w', runId: 'r' });
    state = next;
    if (lost.shift() === true) return Promise.reject(new Error('nobody has answered'));
    const publication = record.publicationOf(state);
    return Promise.resolve({ token: given.token, n: given.n, publication, debt: null, ...answer });
  };
  const turn = { ref: { token: 't', runId: 'r' }, commits: 0, channel: { commit } } as unknown as Turn;
  const entering = (ordinal: number): Pick<Commit, 'pools'> => {
    const member = { ...memberOn('web', ordinal, `h${String(ordinal)}`), portIds: [] };
    return { pools: { web: { level: ordinal, nextOrdinal: ordinal + 1, enter: [member], leave: [] } } };
  };
  await expect(commitOnce(turn, entering(1))).rejects.toThrow('nobody has answered');
  await commitOnce(turn, entering(1));
  await commitOnce(turn, entering(2));
  expect(turn.committed).toMatchObject({ n: 2, ok: true });
  expect(state).toMatchObject({ revision: 2, turn: { commits: 2 }, pools: { web: { level: 2, nextOrdinal: 3 } } });
});
