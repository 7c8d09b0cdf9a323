import { askSchema, deadSchema } from '../../domain/turn';

/** What may get into the inbox of a record: what it cannot answer would stop it for good. */

const runId = '0199c1a2-0000-7000-8000-000000000001';
const ask = { workflowId: 'scale-1', runId, procedure: 'scaleOut', class: 'normal', ifBusy: 'wait' };

test('an ask of a run that can be answered is one', () => {
  expect(askSchema.safeParse(ask).success).toBe(true);
  expect(askSchema.safeParse({ ...ask, workflowId: 'w'.repeat(1_000) }).success).toBe(true);
});

test.each([
  ['no workflow id', { workflowId: '' }],
  ['a workflow id that Temporal refuses', { workflowId: 'w'.repeat(1_001) }],
  ['one that has too many bytes, though not characters', { workflowId: 'é'.repeat(501) }],
  ['a run id that is no UUID', { runId: 'run-1' }],
  ['no run id', { runId: '' }],
])('%s is not', (_, wrong) => {
  expect(askSchema.safeParse({ ...ask, ...wrong }).success).toBe(false);
  expect(deadSchema.safeParse({ workflowId: 'heal-1', runId, members: [], evidence: 'seen', ...wrong }).success).toBe(
    false,
  );
});
