import { ApplicationFailure, workflowInfo } from '@temporalio/workflow';
import type { z } from 'zod';
import { failure } from '../domain/failure';
import { isReservedWorkflowId } from '../domain/names';
import { procedureInputs, type ParsedInputs } from '../domain/procedures';
import { toApplicationFailure } from './failures';

/** Whatever a caller sent, as the procedure's input, or InvalidRequest with every problem, its path and what is right. */
export function parseInput<K extends keyof ParsedInputs>(procedure: K, raw: unknown): ParsedInputs[K] {
  refuseReservedId(procedure);
  const parsed = procedureInputs[procedure].safeParse(raw);
  if (parsed.success) return parsed.data as ParsedInputs[K];
  throw invalid(procedure, parsed.error.issues);
}

function invalid(procedure: string, issues: readonly z.core.$ZodIssue[]): ApplicationFailure {
  const problems = issues.map((issue) => ({ path: issue.path.join('.') || '(input)', message: issue.message }));
  const said = problems.map(({ path, message }) => `${path}: ${message}`).join('; ');
  return toApplicationFailure(
    failure('InvalidRequest', `${procedure} cannot be run with this input: ${said}.`, { problems }),
    'refused',
  );
}

function refuseReservedId(procedure: string): void {
  const { workflowId } = workflowInfo();
  if (!isReservedWorkflowId(workflowId)) return;
  throw toApplicationFailure(
    failure(
      'InvalidRequest',
      `The workflow id ${workflowId} is reserved. Start ${procedure} with any id that does not begin with vnf:, host: or audit:.`,
    ),
    'refused',
  );
}
