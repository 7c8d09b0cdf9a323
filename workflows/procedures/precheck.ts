import type { ChangeRequest } from '../../domain/plan';
import { validateRequest } from '../../domain/placement/validate';
import type { VnfRecord } from '../../domain/record';
import { toApplicationFailure } from '../failures';

/** What no state of the cloud can make right fails at once, before a turn is waited for. */
export function refuseAtOnce(record: VnfRecord, request: ChangeRequest): void {
  const refusal = validateRequest(record, request);
  if (refusal) throw toApplicationFailure(refusal, 'refused');
}
