import { ApplicationFailure, workflowInfo } from '@temporalio/workflow';
import type { z } from 'zod';
import { failure } from '../domain/failure';
import { isReservedWorkflowId } from '../domain/names';
import { procedureInputs, type ParsedInputs } from '../domain/procedures';
import { shown } from '../domain/shown';
import { toApplicationFailure } from './failures';

/** Whatever a caller sent, as the procedure's input, or InvalidRequest with every problem, its path and what is right. */
export function parseInput<K extends keyof ParsedInputs>(procedure: K, raw: unknown): ParsedInputs[K] {
  refuseReservedId(procedure);
  const parsed = procedureInputs[procedure].safeParse(raw);
  if (parsed.success) return parsed.data as ParsedInputs[K];
  throw invalid(procedure, parsed.error.issues, raw);
}

/** A failure that is larger than Temporal takes could not be reported at all. Nobody reads further than this. */
const problemsMax = 20;
const textMax = 300;

function invalid(procedure: string, issues: readonly z.core.$ZodIssue[], raw: unknown): ApplicationFailure {
  const problems = issues.slice(0, problemsMax).map((issue) => ({
    path: issue.path.join('.').slice(0, textMax) || '(input)',
    message: issue.message.slice(0, textMax),
  }));
  const said = problems.map(({ path, message }) => `${path}: ${message}`).join('; ');
  // Of what a worker could not read it is a sentence.
  const instead = typeof raw === 'string' ? ` It is the text ${JSON.stringify(raw.slice(0, textMax))}.` : '';
  const more = issues.length > problems.length ? ` (and ${String(issues.length - problems.length)} more)` : '';
  return toApplicationFailure(
    failure('InvalidRequest', `${procedure} cannot be run with this input: ${said}${more}.${instead}`, { problems }),
    'refused',
  );
}

/** What Bulkhead starts for itself, under ids that nothing else has. Started by hand it would wait, or fail its task, for ever. */
export function refuseStartedByHand(type: string, begun: { prefix: string; schema: z.ZodType; input: unknown }): void {
  const { workflowId, continuedFromExecutionRunId } = workflowInfo();
  // It has run before, and is not to end over what a newer release would want of it.
  if (continuedFromExecutionRunId !== undefined) return;
  if (workflowId.startsWith(begun.prefix) && begun.schema.safeParse(begun.input).success) return;
  throw toApplicationFailure(
    failure('InvalidRequest', `${type} is started by Bulkhead itself. ${instead(type)}`),
    'refused',
  );
}

function instead(type: string): string {
  return type === 'vnf'
    ? 'Start instantiate, which makes a VNF and its record, or adopt, which makes the record of what is there.'
    : 'Start one of its procedures, e.g. instantiate.';
}

function refuseReservedId(procedure: string): void {
  const { workflowId } = workflowInfo();
  if (!isReservedWorkflowId(workflowId)) return;
  throw toApplicationFailure(
    failure(
      'InvalidRequest',
      `The workflow id ${shown(workflowId)} is reserved. Start ${procedure} with any id that does not begin with vnf:, host:, audit: or cloud:.`,
    ),
    'refused',
  );
}
