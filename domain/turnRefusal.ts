import { failure, type Failure } from './failure';
import { recordWorkflowId } from './names';
import type { ProcedureName, RecordView } from './turn';

const mayAskWhenBlocked: readonly ProcedureName[] = ['terminate', 'audit'];

/** Why this procedure cannot get a turn of this VNF at all, as its record is. Null where it can, sooner or later. */
export function turnRefusal(
  { vnf, phase, blocked }: Pick<RecordView, 'vnf' | 'phase' | 'blocked'>,
  procedure: ProcedureName,
): Failure | null {
  // Also of a VNF that is being terminated: the terminate itself may have been what could not be cleaned up.
  if (blocked !== null && mayAskWhenBlocked.includes(procedure)) return null;
  if (phase === 'terminating')
    return failure('UnknownVnf', `${vnf} is being terminated. There is nothing left to change.`, { vnf });
  if (blocked === null) return null;
  return failure(
    'Stuck',
    `${vnf} is blocked: ${blocked} Mend what is named there and run "bulkhead clean-up ${vnf}" (or send the workflow ${recordWorkflowId(vnf)} the signal "audit"), or terminate ${vnf}.`,
    { vnf },
  );
}
